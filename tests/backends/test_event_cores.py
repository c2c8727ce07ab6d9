"""A mapping on the event chip: it changes where and how far, never what is computed; every hop is a packet over a link."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.properties.networks import networks
from workbench.backends.base import compile
from workbench.backends.event.cores import lay_cores
from workbench.backends.event.layout import lay_wires
from workbench.chips import CHIPS
from workbench.circuits.drive import draw
from workbench.circuits.network import Network, Population, Projection
from workbench.circuits.neurons.lif import Lif
from workbench.circuits.unfold import unfold
from workbench.circuits.wiring import AllToAll, FixedInDegree
from workbench.errors import PlacementError
from workbench.mapping import Mapped, map, route
from workbench.mapping.reach import reach
from workbench.units import ms, mV, nA

CHIP = replace(CHIPS["loihi-small-cores"], tiles_x=4, tiles_y=3, cores_per_tile=2, neurons_per_core=3)
DT = 0.1 * ms
STEPS = 80
mappings = st.fixed_dictionaries(
    {
        "partition": st.sampled_from(["sequential", "clustered"]),
        "placement": st.sampled_from(["row-major", "random", "hilbert", "force-directed", "annealing"]),
        "routing": st.sampled_from(["unicast", "multicast"]),
    }
)


def run(netlist, chip, drive, **given):
    program = compile(netlist, chip, dt=DT, seed=3, **given)
    return program, program.run(drive)


@settings(max_examples=15, deadline=None)
@given(networks(exponential=False, currents=False), mappings)
def test_spikes_stay_and_every_packet_and_hop_has_its_spike(network, changes):
    netlist = unfold(network, seed=0)
    drive = draw(netlist, STEPS * DT, dt=DT, seed=0)
    _, plain = run(netlist, CHIP, drive)
    program, mapped = run(netlist, replace(CHIP, **changes), drive)
    assert all(plain.spikes[n] == mapped.spikes[n] for n in plain.spikes)
    fired = np.concatenate([np.bincount(mapped.spikes[n].neurons, minlength=s) for n, s in mapped.sizes.items()])
    core_of, tiles = program.placement.core_of, np.array([c.tile for c in program.placement.cores], np.int32)
    ways = route.ways(reach(netlist, core_of).inside, core_of, tiles, replace(CHIP, **changes))
    ledger, loads = mapped.ledger, ways.link_loads(fired)
    assert ledger.count("packet") == int(ways.packet @ fired)
    assert ledger.count("packet received") == int(ways.received @ fired)
    assert ledger.count("east-west hop") == int(loads[:2].sum())
    assert ledger.count("north-south hop") == int(loads[2:].sum())
    assert ledger.count("spike") == plain.ledger.count("spike") == fired.sum()
    for event in ("synaptic operation", "dense operation", "active update", "inactive update", "outside operation"):
        assert ledger.count(event) == plain.ledger.count(event)
    if changes["routing"] == "multicast":
        assert ledger.count("packet") <= ledger.count("spike")
    assert [c.step for c in program.placement.costs] == ["start", "partition", "place", "route"]


def test_a_mapping_by_hand_is_taken_as_it_is():
    netlist = unfold(five(), seed=0)
    drive = draw(netlist, 40 * ms, dt=DT, seed=0)
    own = Mapped(core_of=np.array([1, 1, 0, 0, 2]), tiles=np.array([[3, 2], [0, 0], [3, 0]]))
    program, recording = run(netlist, CHIP, drive, mapping=own)
    assert program.placement.core_of.tolist() == [1, 1, 0, 0, 2]
    assert [c.tile for c in program.placement.cores] == [(3, 2), (0, 0), (3, 0)]
    made = map(netlist, replace(CHIP, placement="force-directed"), seed=3)
    again, _ = run(netlist, CHIP, drive, mapping=made)
    asked, _ = run(netlist, replace(CHIP, placement="force-directed"), drive)
    assert again.placement.cores == asked.placement.cores
    assert recording.ledger.count("packet") > 0
    with pytest.raises(PlacementError, match=r"core 0 is placed on tile \(9, 0\)"):
        run(netlist, CHIP, drive, mapping=Mapped(core_of=own.core_of, tiles=np.array([[9, 0], [0, 0], [1, 0]])))


def five() -> Network:
    return Network(
        populations={"A": Population(5, Lif(bias=0.7 * nA))},
        projections={"AA": Projection("A", "A", AllToAll(), weight=2 * mV, delay=1 * ms)},
    )


def test_hundred_thousand_neurons_are_laid_without_a_table_of_cores():
    """W3's shape: 100,000 neurons × 100 targets on 98 cores: 6.3 million pairs, and nothing of the size of a dense table in float64."""
    netlist = unfold(
        Network(
            populations={"A": Population(100_000, Lif())},
            projections={"AA": Projection("A", "A", FixedInDegree(degree=100), weight=1 * mV, delay=1 * ms)},
        ),
        seed=0,
    )
    wires = lay_wires(netlist, netlist.projections)
    chip = replace(CHIPS["loihi-roomy"], placement="force-directed", routing="multicast")
    lay_cores(netlist, chip, wires, ())
    tracemalloc.start()
    fan = lay_cores(netlist, chip, wires, ())
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(fan.placement.cores) == 98
    assert fan.arrays["core"].size == pytest.approx(98 * 100_000 * (1 - np.exp(-100 / 98)), rel=0.01)
    assert int(fan.arrays["operations"].sum()) == 10_000_000
    assert most < 12 * fan.arrays["core"].size  # 8 bytes a pair, and half as much for all the rest
