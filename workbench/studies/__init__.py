"""Questions: one file a study; `STUDIES` knows ours by name, `load_study` also takes a file of one's own."""

from __future__ import annotations

from workbench.studies.load import load_study, reference
from workbench.tables import LazyTable

__all__ = ["STUDIES", "load_study", "reference"]

STUDIES = LazyTable(
    "study",
    {
        "one-neuron": "workbench.studies.one_neuron:OneNeuron",
        "network-states": "workbench.studies.network_states:NetworkStates",
        "column": "workbench.studies.column:Column",
        "worm": "workbench.studies.worm:Worm",
        "events-against-clock": "workbench.studies.crossover:EventsAgainstClock",
        "chip-ledger": "workbench.studies.chip_ledger:ChipLedger",
        "design-space": "workbench.studies.design_space:DesignSpace",
        "mesh-mapping": "workbench.studies.mesh_mapping:MeshMapping",
        "where-energy-goes": "workbench.studies.where_energy_goes:WhereEnergyGoes",
        "memory-that-computes": "workbench.studies.memory_that_computes:MemoryThatComputes",
        "imperfect-memory": "workbench.studies.imperfect_memory:ImperfectMemory",
        "memory-recall": "workbench.studies.memory_recall:MemoryRecall",
        "edge-learning": "workbench.studies.edge_learning:EdgeLearning",
        "wires": "workbench.studies.wires:Wires",
        "wafer-defects": "workbench.studies.defects:WaferDefects",
        "broken-wafer": "workbench.studies.broken_wafer:BrokenWafer",
        "twenty-watts": "workbench.studies.twenty_watts:TwentyWatts",
        "heat-and-blood": "workbench.studies.heat_and_blood:HeatAndBlood",
        "wafer-on-a-desk": "workbench.studies.desk:WaferOnADesk",
    },
)
