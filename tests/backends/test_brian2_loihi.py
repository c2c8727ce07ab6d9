"""The neuron in whole steps equals Brian2Loihi (Michaelis et al. 2022), which equals the silicon, integer for integer.

Brian2Loihi looks for spikes after it has put synapses to work, so its delay of 0 is our delay of one step; its spike generators fire
before the synapses of the same step, so ours fire a step earlier. Its states are compared at the end of a step, ours at the start of the
next. It integrates in seconds, x + 0.001 s · n / 0.001 s, which leaves dust of 1e-13 that its rounding up then takes for a whole: the
property test wipes it away after each integration; one test compares the package as it is, where no dust falls.
"""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st

from workbench.backends.base import Probe, compile
from workbench.backends.ideal import engine
from workbench.chips import CHIPS, Chip, Ideal
from workbench.circuits.drive import draw
from workbench.circuits.network import Network, Population, Projection, Source
from workbench.circuits.neurons.discrete_lif import DiscreteLif
from workbench.circuits.spread import Values
from workbench.circuits.stimuli import SpikeList
from workbench.circuits.unfold import unfold
from workbench.circuits.wiring import AllToAll
from workbench.units import ms

STEPS = 60
DT = 1 * ms
CHIP = replace(CHIPS["loihi-roomy"], name="whole", arithmetic="integer", weight_bits=24)
MODES = {"mixed": (1, -256, 254), "exc": (2, 0, 255), "inh": (3, -256, 0)}


@pytest.fixture(scope="module")
def peer() -> Any:
    """The package, imported without its complaints."""
    engine.brian()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip("brian2_loihi")


@st.composite
def synapses(draw, sources: int, targets: int) -> dict[str, Any]:
    mode = draw(st.sampled_from(sorted(MODES)))
    _, low, high = MODES[mode]
    mantissas = draw(st.lists(st.integers(low, high), min_size=sources * targets, max_size=sources * targets))
    if mode == "mixed":
        mantissas = [m // 2 * 2 for m in mantissas]
    return {
        "mode": mode,
        "mantissas": np.array(mantissas).reshape(targets, sources),
        "exponent": draw(st.integers(-8, 7)),
        "delay": draw(st.one_of(st.integers(0, 4), st.integers(0, 62))),
    }


@st.composite
def networks(draw) -> dict[str, Any]:
    size, senders = draw(st.integers(1, 8)), draw(st.integers(1, 4))
    times = draw(st.lists(st.tuples(st.integers(1, STEPS - 1), st.integers(0, senders - 1)), max_size=60, unique=True))
    return {
        "size": size,
        "senders": senders,
        "times": sorted(times),
        "decay_v": draw(st.integers(0, 4096)),
        "decay_I": draw(st.integers(0, 4096)),
        "threshold": draw(st.one_of(st.integers(0, 131071), st.integers(0, 2000))),
        "refractory": draw(st.one_of(st.integers(1, 5), st.integers(1, 64))),
        "v": draw(st.lists(st.integers(-(2**22), 2**22), min_size=size, max_size=size)),
        "outside": draw(synapses(senders, size)),
        "inside": draw(st.lists(synapses(size, size), max_size=2)),
    }


def actual(s: dict[str, Any]) -> np.ndarray:
    """The weights a mantissa and an exponent stand for: whole multiples of 64 in 21 bits."""
    scaled = np.floor(s["mantissas"] * 2.0 ** s["exponent"]).astype(np.int64) * 64
    return np.clip(scaled, -(2**21 - 64), 2**21 - 64)


def theirs(peer: Any, n: dict[str, Any], *, wiped: bool = True) -> dict[str, Any]:
    b = engine.brian()
    with engine.held("numpy"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        before = b.defaultclock.dt
        group = peer.LoihiNeuronGroup(
            n["size"],
            refractory=n["refractory"],
            threshold_v_mant=n["threshold"],
            decay_v=n["decay_v"],
            decay_I=n["decay_I"],
        )
        group.v = n["v"]
        if wiped:
            group.run_regularly("v = floor(v + 0.5)\nI = floor(I + 0.5)", when="after_groups")
        times, senders = zip(*n["times"]) if n["times"] else ((), ())
        source = peer.LoihiSpikeGeneratorGroup(n["senders"], np.array(senders, int), np.array(times, float))
        made = []
        for begin, s in ((source, n["outside"]), *((group, s) for s in n["inside"])):
            one = peer.LoihiSynapses(begin, group, delay=s["delay"], w_exp=s["exponent"], sign_mode=MODES[s["mode"]][0])
            one.connect()
            one.w = s["mantissas"][one.j[:], one.i[:]]
            assert np.array_equal(one.w_act, actual(s)[one.j[:], one.i[:]])
            made.append(one)
        watch = [b.StateMonitor(group, name, record=True, when="end") for name in ("v", "I")]
        spikes = b.SpikeMonitor(group, when="end")
        net = peer.LoihiNetwork(source, group, *made, *watch, spikes)
        net.run(STEPS, namespace={})
        b.defaultclock.dt = before
        found = list(zip(np.rint(spikes.t_[:] * 1000).astype(int).tolist(), spikes.i[:].tolist()))
        return {"v": watch[0].v.T, "I": watch[1].I.T, "spikes": sorted(found)}


def ours(n: dict[str, Any], chip: Chip) -> dict[str, Any]:
    neuron = DiscreteLif(
        leak=n["decay_v"] / 4096,
        leak_exc=n["decay_I"] / 4096,
        threshold=64.0 * n["threshold"],
        refractory=n["refractory"],
        rounding="away",
    )
    stimulus = SpikeList(tuple((t - 1) * DT for t, _ in n["times"]), tuple(k for _, k in n["times"]))
    projections = {
        name: Projection(
            "S" if name == "outside" else "P",
            "P",
            AllToAll(),
            weight=Values(actual(s).astype(float).ravel().tolist()),
            delay=(s["delay"] + 1) * DT,
            receptor="exc",
        )
        for name, s in (("outside", n["outside"]), *((f"inside {k}", s) for k, s in enumerate(n["inside"])))
    }
    network = Network(
        {"P": Population(n["size"], neuron, {"v": Values(n["v"])})}, {"S": Source(n["senders"], stimulus)}, projections
    )
    netlist = unfold(network, seed=0)
    probes = (Probe("P", "v"), Probe("P", "current_exc"))
    drive = draw(netlist, (STEPS + 1) * DT, dt=DT, seed=0)
    recording = compile(netlist, chip, dt=DT, seed=0, probes=probes).run(drive)
    spikes = recording.of("P")
    return {
        "v": recording.traces["P.v"].values[1:],
        "I": recording.traces["P.current_exc"].values[1:],
        "spikes": sorted((t, k) for t, k in zip(spikes.steps.tolist(), spikes.neurons.tolist()) if t < STEPS),
    }


def check_equal(us: dict[str, Any], them: dict[str, Any]) -> None:
    assert us["spikes"] == them["spikes"]
    assert np.array_equal(us["v"], them["v"])
    assert np.array_equal(us["I"], them["I"])


@settings(max_examples=20, deadline=None, phases=tuple(p for p in Phase if p is not Phase.shrink))
@given(n=networks())
def test_equals_brian2_loihi_integer_for_integer(peer, n):
    them = theirs(peer, n)
    check_equal(ours(n, Ideal()), them)
    # The package goes on beyond 24 bits; there the chip's potentials stop.
    assume(np.abs(them["v"]).max() < 2**23 and np.abs(them["I"]).max() < 2**30)
    check_equal(ours(n, CHIP), them)


def test_equals_the_package_as_it_is(peer):
    """Nothing wiped: a network whose leaks are powers of two, as the package's own steps are then whole."""
    rng = np.random.default_rng(4)
    n: dict[str, Any] = {
        "size": 8,
        "senders": 4,
        "times": sorted({(int(t), int(k)) for t, k in zip(rng.integers(1, STEPS, 60), rng.integers(0, 4, 60))}),
        "decay_v": 256,
        "decay_I": 1024,
        "threshold": 300,
        "refractory": 3,
        "v": [0] * 8,
        "outside": {"mode": "exc", "mantissas": rng.integers(0, 256, (8, 4)), "exponent": 0, "delay": 2},
        "inside": [
            {"mode": "mixed", "mantissas": rng.integers(-128, 128, (8, 8)) * 2, "exponent": -1, "delay": 0},
            {"mode": "inh", "mantissas": -rng.integers(0, 257, (8, 8)), "exponent": -2, "delay": 5},
        ],
    }
    them = theirs(peer, n, wiped=False)
    assert len(them["spikes"]) > 30
    assert np.array_equal(them["v"], np.rint(them["v"]))
    for chip in (Ideal(), CHIP):
        check_equal(ours(n, chip), them)
