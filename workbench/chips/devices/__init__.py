"""Memory cells as cited data. `DEVICES` maps names to devices; importing this room loads nothing heavy."""

from workbench.chips.devices.device import Device, Pulses
from workbench.chips.devices.fits import Fit, device_from_csv, fit_csv
from workbench.chips.devices.laws import Law, Piece
from workbench.tables import LazyTable

__all__ = ["DEVICES", "Device", "Fit", "Law", "Piece", "Pulses", "device_from_csv", "fit_csv"]

DEVICES = LazyTable(
    "device",
    {
        "ideal": "workbench.chips.devices.assumed:IDEAL",
        "assumed": "workbench.chips.devices.assumed:ASSUMED",
        "pcm-joshi": "workbench.chips.devices.published:PCM_JOSHI",
        "pcm-nandakumar": "workbench.chips.devices.published:PCM_NANDAKUMAR",
        "hermes": "workbench.chips.devices.published:HERMES",
        "hermes-single": "workbench.chips.devices.published:HERMES_SINGLE",
        "rram-wan": "workbench.chips.devices.published:RRAM_WAN",
        "rram-milo": "workbench.chips.devices.published:RRAM_MILO",
        "sonos": "workbench.chips.devices.published:SONOS",
    },
)
