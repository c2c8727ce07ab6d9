"""What is computed: neuron models, networks, circuits, and how they are unfolded. Importing this room loads nothing heavy."""

from workbench.tables import LazyTable

__all__ = ["CIRCUITS"]

CIRCUITS = LazyTable(
    "circuit",
    {
        "balanced": "workbench.circuits.library.balanced:Balanced",
        "vogels-abbott": "workbench.circuits.library.vogels_abbott:VogelsAbbott",
        "worm": "workbench.circuits.library.worm:Worm",
    },
    make=True,
)
