"""Memory cells as cited data. `DEVICES` maps names to devices; importing this room loads nothing heavy."""

from workbench.chips.devices.device import Device, Pulses
from workbench.chips.devices.laws import Law, Piece
from workbench.tables import LazyTable

__all__ = ["DEVICES", "Device", "Law", "Piece", "Pulses"]

DEVICES = LazyTable(
    "device",
    {
        "ideal": "workbench.chips.devices.assumed:IDEAL",
        "assumed": "workbench.chips.devices.assumed:ASSUMED",
        "pcm-joshi": "workbench.chips.devices.published:PCM_JOSHI",
        "pcm-nandakumar": "workbench.chips.devices.published:PCM_NANDAKUMAR",
    },
)
