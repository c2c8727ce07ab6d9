"""The event engine: exact against a slow twin, conserved in its ledger, identical however a run is cut."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.naive import run_lif
from tests.properties.networks import networks
from workbench import kernels
from workbench.backends.base import Limits, Probe, compile
from workbench.backends.event import program, tiers
from workbench.chips import CHIPS
from workbench.circuits import CIRCUITS
from workbench.circuits.drive import draw
from workbench.circuits.network import Network, Population, Projection, Source
from workbench.circuits.neurons.adex import AdEx
from workbench.circuits.neurons.discrete_lif import DiscreteLif
from workbench.circuits.neurons.lif import Lif
from workbench.circuits.stimuli import External, Poisson
from workbench.circuits.unfold import unfold
from workbench.circuits.wiring import AllToAll, OneToOne
from workbench.errors import Cancelled, DescriptionError, PlacementError, StoreError, UnsupportedError
from workbench.experiment import Experiment
from workbench.recordings import ledger
from workbench.units import ms, mV

LOIHI = CHIPS["loihi-davies"]
DT = 0.1 * ms
QUICK = Experiment(CIRCUITS["balanced"].quick(), LOIHI, duration=50 * ms, dt=DT, seed=5)


def same(a, b) -> bool:
    return all(a.spikes[n] == b.spikes[n] for n in a.spikes) and np.array_equal(a.ledger.counts, b.ledger.counts)


@settings(max_examples=60, deadline=None)
@given(network=networks(), seed=st.integers(0, 99), cores=st.sampled_from([2, 5, 1024]))
def test_equals_the_slow_twin_in_every_spike_and_count(network, seed, cores):
    with tiers.held(tiers.INTERPRETED):
        equals_the_slow_twin(network, seed, cores)


@settings(max_examples=5, deadline=None)
@given(network=networks(), seed=st.integers(0, 99), cores=st.sampled_from([2, 5, 1024]))
def test_compiled_it_equals_the_slow_twin_too(network, seed, cores):
    """Fewer, since nearly every network has a shape of its own to compile; library circuits are compiled in the conformance tests."""
    with tiers.held(tiers.COMPILED):
        equals_the_slow_twin(network, seed, cores)


def equals_the_slow_twin(network, seed, cores) -> None:
    netlist = unfold(network, seed=seed)
    steps = 120
    drive = draw(netlist, steps * DT, dt=DT, seed=seed)
    recording = compile(netlist, replace(LOIHI, neurons_per_core=cores), dt=DT, seed=seed).run(drive)
    spikes, events = run_lif(netlist, drive, steps)
    starts = {n: c.start for n, c in netlist.populations.items()}
    ours = sorted(
        (int(t), int(i) + starts[n])
        for n, s in recording.spikes.items()
        for t, i in zip(s.steps, s.neurons, strict=True)
    )
    assert ours == spikes
    stored = ("synaptic operation", "dense operation", "shared operation")
    assert sum(recording.ledger.count(e) for e in stored) == events.pop("synaptic operation")
    for event, count in events.items():
        assert recording.ledger.count(event) == count, event


def test_float32_runs_and_names_itself():
    recording = QUICK.on(CHIPS["loihi-davies-float32"]).run()
    exact = QUICK.run()
    assert recording.arithmetic == "float32"
    assert any("float32" in loss for loss in recording.placement.losses)
    assert recording.counts["E"] == pytest.approx(exact.counts["E"], rel=0.05)


@pytest.mark.parametrize("tier", [tiers.COMPILED, tiers.INTERPRETED])
def test_a_run_cut_in_a_hundred_is_the_same_run(tier):
    with tiers.held(tier):
        cut_in_a_hundred()


def cut_in_a_hundred() -> None:
    fitted = QUICK.compile()
    drive = draw(fitted.netlist, QUICK.duration, dt=DT, seed=5)
    whole = fitted.run(drive)
    pieces = fitted.start(drive)
    seen = [pieces.advance(0.5 * ms) for _ in range(100)]
    assert same(pieces.recording(), whole)
    assert pieces.recording().ledger.chip_time == whole.ledger.chip_time
    joined = np.concatenate([w.spikes["E"][0] for w in seen])
    assert np.array_equal(joined, whole.of("E").steps)
    assert [w.start for w in seen] == list(range(0, 500, 5))


def test_a_saved_run_goes_on_identically_in_another_process(tmp_path):
    fitted = QUICK.vary(probes=(Probe("E", "v", which=(0, 3)),)).compile()
    drive = draw(fitted.netlist, QUICK.duration, dt=DT, seed=5)
    whole = fitted.run(drive)
    half = fitted.start(drive)
    half.advance(20 * ms)
    half.save(tmp_path / "half.run")
    code = f"""
from workbench.experiment import Experiment
from workbench.backends.base import Probe, finish
from workbench.chips import CHIPS
from workbench.circuits import CIRCUITS
e = Experiment(CIRCUITS["balanced"].quick(), CHIPS["loihi-davies"], duration=0.05, dt={DT!r}, seed=5, probes=(Probe("E", "v", which=(0, 3)),))
r = finish(e.compile().resume({str(tmp_path / "half.run")!r}))
import numpy as np
np.savez({str(tmp_path / "end.npz")!r}, steps=r.of("E").steps, neurons=r.of("E").neurons, counts=r.ledger.counts, v=r.traces["E.v"].values)
"""
    subprocess.run([sys.executable, "-c", code], check=True)
    end = np.load(tmp_path / "end.npz")
    assert np.array_equal(end["steps"], whole.of("E").steps)
    assert np.array_equal(end["neurons"], whole.of("E").neurons)
    assert np.array_equal(end["counts"], whole.ledger.counts)
    assert np.array_equal(end["v"], whole.traces["E.v"].values)


def test_a_saved_run_of_something_else_is_refused(tmp_path):
    fitted = QUICK.compile()
    going = fitted.start(draw(fitted.netlist, QUICK.duration, dt=DT, seed=5))
    going.save(tmp_path / "a.run")
    with pytest.raises(StoreError, match="another program"):
        QUICK.vary(seed=6).compile().resume(tmp_path / "a.run")
    (tmp_path / "b.run").write_bytes((tmp_path / "a.run").read_bytes()[:500])
    with pytest.raises(StoreError, match="cut short"):
        fitted.resume(tmp_path / "b.run")
    with pytest.raises(StoreError, match="cannot be read"):
        fitted.resume(tmp_path / "none.run")
    for format_, said in ((1, "an earlier version"), (99, "a newer version")):
        with np.load(tmp_path / "a.run") as saved:
            arrays = dict(saved)
        arrays["note"] = np.array(json.dumps({**json.loads(str(arrays["note"])), "format": format_}))
        np.savez(tmp_path / "c.npz", **arrays)
        with pytest.raises(StoreError, match=said):
            fitted.resume(tmp_path / "c.npz")
    with pytest.raises(StoreError, match="could not be saved"):
        going.save(tmp_path / "no folder" / "a.run")


def test_the_ledger_is_conserved_and_reprices():
    recording = (
        QUICK.on(CHIPS["loihi-small-cores"])
        .vary(chip=replace(CHIPS["loihi-small-cores"], tiles_x=16, tiles_y=16))
        .run()
    )
    ledger = recording.ledger
    netlist = QUICK.netlist()
    fan = sum(
        np.bincount(netlist.projections[n].edges()[0], minlength=netlist.projections[n].sizes[0])[
            recording.of(n[0]).neurons
        ].sum()
        for n in ("EE", "EI", "IE", "II")
    )
    assert ledger.count("synaptic operation") == fan
    assert ledger.count("spike") == sum(recording.counts.values())
    assert ledger.count("active update") + ledger.count("inactive update") == 1000 * 500
    assert ledger.count("packet") >= ledger.count("tile-local packet")
    assert ledger.total == pytest.approx(ledger.energy().sum(), rel=1e-12)
    assert sum(ledger.by_event().values()) == pytest.approx(sum(ledger.by_place().values()), rel=1e-12)
    dear = replace(ledger.prices["spike"], joules=1e-9)
    assert ledger.reprice({"spike": dear}).total == pytest.approx(
        ledger.total + 1e-9 * ledger.count("spike"), rel=1e-12
    )
    with pytest.raises(UnsupportedError, match="run the experiment again"):
        ledger.reprice({"spike": replace(dear, seconds=1e-9)})


def test_spikes_do_not_depend_on_the_placement():
    assert all(
        QUICK.run().spikes[n] == QUICK.on(replace(LOIHI, neurons_per_core=c)).run().spikes[n]
        for c in (9, 100)
        for n in ("E", "I")
    )


def test_a_ledger_too_large_is_refused_before_the_run(monkeypatch):
    monkeypatch.setattr(ledger, "LARGEST", 1000)
    with pytest.raises(DescriptionError, match="A ledger of 1 windows × 16 places × 13 events takes"):
        QUICK.on(replace(LOIHI, neurons_per_core=64)).compile()


def test_what_does_not_fit_is_refused_with_core_and_resource():
    with pytest.raises(
        PlacementError, match=r"has 128 cores, the network of 1000 neurons needs 334: 616 neurons do not fit"
    ):
        QUICK.on(replace(LOIHI, neurons_per_core=3)).run()
    with pytest.raises(PlacementError, match=r"core 0 .* axons in used 2000, limit 50"):
        QUICK.on(replace(LOIHI, axons_in=50)).run()


@pytest.mark.parametrize("chip", ["loihi-davies", "loihi-davies-float32"])
@pytest.mark.parametrize(
    "circuit",
    [n for n in CIRCUITS if all(isinstance(p.neuron, Lif) for p in CIRCUITS[n].network().populations.values())],
)
def test_spikes_do_not_depend_on_the_threads(circuit, chip, monkeypatch):
    """One, two, three and seven parts side by side, on as many threads as there are: the same run to the last count.

    Compiled, because only the kernel has threads.
    """
    monkeypatch.setattr(tiers, "_held", [tiers.COMPILED])
    small = replace(CHIPS[chip], neurons_per_core=64, tiles_x=16)
    probes = (Probe(next(iter(CIRCUITS[circuit].network().populations)), "v", which=(0, 1)),)
    experiment = Experiment(CIRCUITS[circuit].quick(), small, duration=40 * ms, dt=DT, seed=2, probes=probes)
    alone = experiment.run()
    monkeypatch.setattr(program, "THREADED_FROM", 0)
    for threads in (2, 3, 7):
        monkeypatch.setattr(kernels, "threads", lambda threads=threads: threads)
        going = experiment.compile().start(draw(experiment.netlist(), 40 * ms, dt=DT, seed=2))
        assert going._threads > 1
        going.advance(40 * ms)
        together = going.recording()
        assert same(together, alone)
        assert together.ledger.chip_time == alone.ledger.chip_time
        assert all(np.array_equal(together.traces[t], alone.traces[t]) for t in alone.traces)


def test_models_and_receptors_without_a_rule_are_named():
    other = Network({"A": Population(3, AdEx())})
    with pytest.raises(UnsupportedError, match="AdEx of population 'A'; it has: Lif"):
        Experiment(other, LOIHI, duration=1 * ms).run()
    mixed = Network({"A": Population(3, Lif()), "B": Population(2, DiscreteLif())})
    with pytest.raises(UnsupportedError, match="one neuron model at a time; this network has DiscreteLif, Lif"):
        Experiment(mixed, LOIHI, duration=1 * ms).run()
    whole = Network({"A": Population(3, DiscreteLif(rounding="away"))})
    with pytest.raises(UnsupportedError, match="give the chip arithmetic='integer'"):
        Experiment(whole, LOIHI, duration=1 * ms).run()


def test_external_input_comes_by_hand():
    network = Network(
        {"A": Population(4, Lif())},
        {"hand": Source(4, External())},
        {"in": Projection("hand", "A", OneToOne(), weight=25 * mV)},
    )
    fitted = Experiment(network, LOIHI, duration=10 * ms).compile()
    going = fitted.start(draw(fitted.netlist, 10 * ms, dt=DT, seed=0))
    assert going.advance(1 * ms, {"hand": np.array([0, 1, 0, 0])}).spikes["A"][1].tolist() == [1]
    counts = np.zeros((10, 4), int)
    counts[3, 2] = 1
    window = going.advance(1 * ms, {"hand": counts})
    # Sent at step 13, it lands one step later and fires in the step after that.
    assert (window.spikes["A"][0].tolist(), window.spikes["A"][1].tolist()) == ([15], [2])
    with pytest.raises(DescriptionError, match="did you mean 'hand'"):
        going.advance(1 * ms, {"hans": counts})
    with pytest.raises(DescriptionError, match="shape"):
        going.advance(1 * ms, {"hand": counts[:3]})
    with pytest.raises(DescriptionError, match="spike counts"):
        going.advance(1 * ms, {"hand": counts + 0.5})


def test_trials_share_the_wiring_and_differ_in_the_drive():
    first, second = QUICK.trials(2)
    assert (first.trial, second.trial) == (0, 1)
    assert same(first, QUICK.run())
    assert first.of("E") != second.of("E")


def test_spikes_beyond_the_limit_are_counted_and_said():
    recording = QUICK.vary(limits=Limits(spikes=100)).run()
    assert recording.counts == QUICK.run().counts
    assert recording.of("E").count == 0
    assert "counted, not kept" in recording.notes[0]


def test_progress_reports_and_cancels():
    told: list[float] = []
    QUICK.run(lambda fraction, text: told.append(fraction))
    assert told == sorted(told)
    assert told[-1] == 1.0

    def stop(fraction: float, text: str) -> None:
        if fraction > 0.5:
            raise Cancelled

    with pytest.raises(Cancelled):
        QUICK.run(stop)


def test_probes_keep_values_and_means():
    probes = (
        Probe("E", "v", which=(1, 2), every=1 * ms),
        Probe("E", "v", reduce="mean"),
        Probe("E", "spikes", reduce="rate", every=5 * ms),
    )
    recording = QUICK.vary(probes=probes).run()
    v = recording.traces["E.v"]
    assert v.shape == (50, 2)
    assert v.attrs["units"] == "V"
    assert v["time"].values[1] == pytest.approx(1 * ms)
    assert recording.traces["E.v.mean"].shape == (500, 1)
    rate = recording.traces["E.rate"]
    assert rate.values.sum() * 5 * ms * 800 == pytest.approx(recording.counts["E"])
    assert all(recording.spikes[n] == QUICK.run().spikes[n] for n in ("E", "I"))
    with pytest.raises(UnsupportedError, match="cannot probe 'w'"):
        QUICK.vary(probes=(Probe("E", "w"),)).run()


def test_one_seed_one_digest():
    assert QUICK.digest == QUICK.vary().digest
    assert QUICK.digest != QUICK.vary(seed=6).digest
    assert QUICK.netlist().digest != QUICK.vary(g=4.9).netlist().digest


def test_poisson_fused_equals_poisson_listed():
    # Two projections of the same source: one one-to-one (drawn in the kernel), one as a list of events.
    both = Network(
        {"A": Population(5, Lif()), "B": Population(5, Lif())},
        {"s": Source(5, Poisson(3000.0))},
        {
            "a": Projection("s", "A", OneToOne(), weight=1 * mV, delay=0.3 * ms),
            "b": Projection("s", "B", AllToAll(), weight=0.2 * mV, delay=0.3 * ms),
        },
    )
    netlist = unfold(both, seed=2)
    drive = draw(netlist, 30 * ms, dt=DT, seed=2)
    recording = compile(netlist, LOIHI, dt=DT, seed=2).run(drive)
    spikes, _ = run_lif(netlist, drive, 300)
    assert len(spikes) == sum(recording.counts.values())
    assert len(spikes) > 10
