"""Bar: fewer spike-hops than METIS, a partitioner kept for thirty years, followed by row-major order."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse import coo_array

from workbench.chips import CHIPS
from workbench.circuits import CIRCUITS
from workbench.circuits.network import Network, Population, Projection
from workbench.circuits.neurons.lif import Lif
from workbench.circuits.unfold import Netlist, unfold
from workbench.circuits.wiring import FixedInDegree
from workbench.mapping import map
from workbench.mapping.reach import synapses
from workbench.units import ms, mV

pymetis = pytest.importorskip("pymetis")

NO_LIMIT = 10**9  # METIS knows no limits of axons and fills parts unevenly: it gets a chip without them
CHIP = replace(
    CHIPS["loihi-small-cores"], partition="clustered", synapses_per_core=NO_LIMIT, axons_in=NO_LIMIT, axons_out=NO_LIMIT
)


def kept(netlist: Netlist, parts: int) -> np.ndarray:
    """METIS on the undirected graph of the network, synapses between two neurons as the weight of their edge."""
    size, i, j = netlist.size, [], []
    for block, start, targets in synapses(netlist)():
        if not block.external:
            i.append(np.repeat(np.arange(block.sizes[0]), np.diff(start)) + netlist.populations[block.source].start)
            j.append(targets.astype(np.int64) + netlist.populations[block.target].start)
    row, column = np.concatenate([*i, *j]), np.concatenate([*j, *i])
    apart = row != column
    graph = coo_array((np.ones(int(apart.sum()), np.int64), (row[apart], column[apart])), shape=(size, size)).tocsr()
    adjacency = pymetis.CSRAdjacency(adj_starts=graph.indptr, adjacent=graph.indices)
    _, member = pymetis.part_graph(parts, adjacency, eweights=graph.data)
    return np.unique(np.array(member), return_inverse=True)[1].astype(np.int32)


def layered() -> Network:
    """Twelve layers of 50 neurons, each neuron hearing 12 of the layer before."""
    return Network(
        populations={f"L{k}": Population(50, Lif()) for k in range(12)},
        projections={
            f"{k}": Projection(f"L{k}", f"L{k + 1}", FixedInDegree(degree=12), weight=1 * mV, delay=1 * ms)
            for k in range(11)
        },
    )


CASES = {
    "worm": (lambda: CIRCUITS["worm"].network(), 16, 0.45),
    "layers": (layered, 16, 0.35),
    "balanced": (lambda: CIRCUITS["balanced"].quick().network(), 64, 0.8),
    "column": (lambda: replace(CIRCUITS["potjans-diesmann"], scale=0.02).network(), 64, 0.75),
}


@pytest.mark.parametrize("name", CASES)
def test_fewer_spike_hops_than_a_kept_partitioner_in_row_major_order(name):
    network, neurons, share = CASES[name]
    netlist = unfold(network(), seed=0)
    chip = replace(CHIP, neurons_per_core=neurons)
    theirs_of = kept(netlist, -(-netlist.size // neurons))
    roomy = replace(chip, neurons_per_core=int(np.bincount(theirs_of).max()))
    theirs = map(netlist, roomy, seed=0, core_of=theirs_of).costs[-1]
    for placement in ("force-directed", "annealing"):
        ours = map(netlist, replace(chip, placement=placement), seed=0).costs[-1]
        assert ours.spike_hops < share * theirs.spike_hops
        assert ours.packets < theirs.packets
