"""What a network can run on, as data. `CHIPS` maps names to chips; importing this room loads nothing heavy."""

from workbench.chips.chip import Chip, Ideal
from workbench.tables import LazyTable

__all__ = ["CHIPS", "Chip", "Ideal", "of_kind"]

CHIPS = LazyTable(
    "chip",
    {
        "ideal": "workbench.chips.presets:IDEAL",
        "loihi-davies": "workbench.chips.presets:LOIHI_DAVIES",
        "loihi-davies-float32": "workbench.chips.presets:LOIHI_DAVIES_FLOAT32",
        "loihi-small-cores": "workbench.chips.presets:SMALL_CORES",
        "loihi-roomy": "workbench.chips.presets:ROOMY",
        "loihi-sanafe": "workbench.chips.loihi_sanafe:LOIHI_SANAFE",
        "truenorth": "workbench.chips.published:TRUENORTH",
        "odin": "workbench.chips.published:ODIN",
        "darwin3": "workbench.chips.published:DARWIN3",
        "tianjic": "workbench.chips.published:TIANJIC",
        "spinnaker": "workbench.chips.published:SPINNAKER",
        "tianqin-class": "workbench.chips.tianqin:TIANQIN_CLASS",
        "crossbar-ideal": "workbench.chips.crossbars:CROSSBAR_IDEAL",
        "crossbar-assumed": "workbench.chips.crossbars:CROSSBAR_ASSUMED",
        "isaac": "workbench.chips.crossbars:ISAAC",
        "neurram": "workbench.chips.crossbars:NEURRAM",
        "neurram-4bit": "workbench.chips.crossbars:NEURRAM_4BIT",
        "hermes-core": "workbench.chips.crossbars:HERMES_CORE",
        "hermes-one-phase": "workbench.chips.crossbars:HERMES_ONE_PHASE",
        "sonos-1152": "workbench.chips.crossbars:SONOS_1152",
        "darwin-wafer": "workbench.chips.wafers:DARWIN_WAFER",
        "tianqin-hai-class": "workbench.chips.wafers:TIANQIN_HAI_CLASS",
        "digital-float64": "workbench.chips.near_memory:DIGITAL_FLOAT64",
        "northpole": "workbench.chips.near_memory:NORTHPOLE",
        "northpole-4bit": "workbench.chips.near_memory:NORTHPOLE_4BIT",
        "northpole-2bit": "workbench.chips.near_memory:NORTHPOLE_2BIT",
        "von-neumann": "workbench.chips.near_memory:VON_NEUMANN",
        "near-memory-45nm": "workbench.chips.near_memory:NEAR_MEMORY_45NM",
        "von-neumann-45nm": "workbench.chips.near_memory:VON_NEUMANN_45NM",
    },
)


def of_kind(kind: str) -> dict[str, Chip]:
    """The chips of one kind ("event") by name, for a study that makes no sense on others."""
    return {name: chip for name, chip in CHIPS.items() if chip.kind == kind}
