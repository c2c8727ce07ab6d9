"""What is computed: neuron models, networks, circuits, and how they are unfolded. Importing this room loads nothing heavy."""

from workbench.tables import LazyTable

__all__ = ["CIRCUITS"]

CIRCUITS = LazyTable(
    "circuit",
    {
        "balanced": "workbench.circuits.library.balanced:Balanced",
        "digits": "workbench.circuits.library.digits:Digits",
        "potjans-diesmann": "workbench.circuits.library.potjans_diesmann:PotjansDiesmann",
        "synfire-chain": "workbench.circuits.library.synfire:SynfireChain",
        "vogels-abbott": "workbench.circuits.library.vogels_abbott:VogelsAbbott",
        "vogels-abbott-coba": "workbench.circuits.library.coba:COBA",
        "wafer-sheet": "workbench.circuits.library.wafer_sheet:WaferSheet",
        "winner-take-all": "workbench.circuits.library.winner_take_all:WinnerTakeAll",
        "worm": "workbench.circuits.library.worm:Worm",
    },
    make=True,
)
