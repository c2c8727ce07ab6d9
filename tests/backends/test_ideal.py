"""The Brian2 reference: exact against a slow twin, identical however a run is cut, resumed or compiled."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.naive import run_lif
from tests.properties.networks import networks
from workbench.backends.base import Limits, Probe, compile, finish
from workbench.backends.ideal import engine, feeds
from workbench.chips import CHIPS, Ideal
from workbench.circuits import CIRCUITS
from workbench.circuits.drive import draw
from workbench.circuits.network import Network, Population, Projection, Source
from workbench.circuits.neurons.lif import Lif
from workbench.circuits.spread import Normal, Uniform, Values
from workbench.circuits.stimuli import External, Poisson, SpikeList
from workbench.circuits.unfold import unfold
from workbench.circuits.wiring import AllToAll, FixedInDegree, OneToOne
from workbench.errors import Cancelled, DescriptionError, StoreError, WorkbenchError
from workbench.experiment import Experiment
from workbench.units import ms, mV, nA, pA

DT = 0.1 * ms
QUICK = Experiment(CIRCUITS["balanced"].quick(), Ideal(), duration=50 * ms, dt=DT, seed=5)
CUBA = Experiment(CIRCUITS["vogels-abbott"].quick(), Ideal(), duration=100 * ms, dt=DT, seed=5)


def same(a, b) -> bool:
    return all(a.spikes[n] == b.spikes[n] for n in a.spikes) and np.array_equal(a.ledger.counts, b.ledger.counts)


def spikes_of(network: Network, steps: int, *, seed: int = 0, target: str = "numpy") -> tuple[list, list]:
    """Ours and the slow twin's, as sorted (step, neuron)."""
    netlist = unfold(network, seed=seed)
    drive = draw(netlist, steps * DT, dt=DT, seed=seed)
    recording = compile(netlist, Ideal(target=target), dt=DT, seed=seed).run(drive)
    starts = {n: c.start for n, c in netlist.populations.items()}
    ours = sorted((int(t), int(i) + starts[n]) for n, s in recording.spikes.items() for t, i in zip(s.steps, s.neurons))
    return ours, run_lif(netlist, drive, steps)[0]


@settings(max_examples=40, deadline=None)
@given(network=networks(), seed=st.integers(0, 99))
def test_equals_the_slow_twin_in_every_spike(network, seed):
    ours, twin = spikes_of(network, 120, seed=seed)
    assert ours == twin


@pytest.mark.parametrize("hold", [0, 1, 2, 20])
@pytest.mark.parametrize("receptor", ["input", "exc"])
def test_refractory_neurons_drop_jumps_and_keep_currents(hold, receptor):
    weight = 4 * mV if receptor == "input" else 250 * pA
    network = Network(
        {"P": Population(8, Lif(refractory=hold * DT, bias=0.52 * nA), {"v": Uniform(0, 19.9 * mV)})},
        {"S": Source(8, Poisson(4000))},
        {
            "S": Projection("S", "P", OneToOne(), weight=weight, receptor=receptor),
            "P": Projection(
                "P",
                "P",
                AllToAll(),
                weight=Normal(weight, 0.3 * weight),
                delay=Uniform(0.1 * ms, 1 * ms),
                receptor=receptor,
            ),
        },
    )
    ours, twin = spikes_of(network, 300)
    assert len(ours) > 50
    assert ours == twin


def test_a_jump_into_the_step_of_a_spike_is_lost():
    """Neuron 0 fires in step 3; its jump of step 3 is dropped, that of step 4 counts when it holds for no or one step."""
    for hold, extra in ((0, 2), (1, 2), (2, 1)):
        lif = Lif(tau=1.0, refractory=hold * DT, threshold=20 * mV, reset=0.0)
        network = Network(
            {"P": Population(1, lif)},
            {"S": Source(1, SpikeList((0.1 * ms, 0.2 * ms, 0.3 * ms, 0.4 * ms), (0, 0, 0, 0)))},
            {"S": Projection("S", "P", OneToOne(), weight=15 * mV)},
        )
        netlist = unfold(network, seed=0)
        run = compile(netlist, Ideal(), dt=DT, seed=0, probes=(Probe("P", "v"),)).start(
            draw(netlist, 1 * ms, dt=DT, seed=0)
        )
        run.advance(1 * ms)
        recording = run.recording()
        # Jumps arrive in steps 2, 3, 4, 5; two lift it over the threshold, seen in step 4, in which the third is lost.
        assert recording.of("P").steps.tolist()[0] == 4
        assert recording.traces["P.v"].values[5, 0] == 0.0
        later = recording.traces["P.v"].values[6, 0]
        assert later == pytest.approx(15 * mV if extra == 2 else 0.0, rel=1e-3, abs=1e-12)


@pytest.mark.parametrize("experiment", [QUICK, CUBA], ids=["balanced", "vogels-abbott"])
def test_equals_the_event_chip_on_library_circuits(experiment):
    here, there = experiment.run(), experiment.on(CHIPS["loihi-davies"]).run()
    assert sum(here.counts.values()) > 100
    assert all(here.spikes[n] == there.spikes[n] for n in here.spikes)
    assert here.ledger.count("synaptic operation") == there.ledger.count("synaptic operation")
    assert here.ledger.total == 0.0


def test_populations_of_one_model_share_one_group_and_one_synapses_object():
    program = QUICK.compile()
    run = program.start(draw(program.netlist, 1 * ms, dt=DT, seed=5))
    assert len(run.groups) == 1
    assert len(run.wires) == 1
    assert len(run.wires[0].blocks) == 4
    assert "synaptic_weight" not in run.wires[0].brian.variables, (
        "weights that depend on the source alone take no room per synapse"
    )
    assert run.wires[0].brian.pre.variables["delay"].size == 1


def test_a_run_cut_in_a_hundred_is_the_same_run():
    program = QUICK.vary(probes=(Probe("I", "v", which=(1, 4), every=0.3 * ms),)).compile()
    drive = draw(program.netlist, QUICK.duration, dt=DT, seed=5)
    whole = program.run(drive)
    pieces = program.start(drive)
    seen = [pieces.advance(0.5 * ms) for _ in range(100)]
    assert same(pieces.recording(), whole)
    assert np.array_equal(pieces.recording().traces["I.v"], whole.traces["I.v"])
    assert np.array_equal(np.concatenate([w.spikes["E"][0] for w in seen]), whole.of("E").steps)
    assert np.array_equal(np.concatenate([w.probes["I.v"] for w in seen if "I.v" in w.probes]), whole.traces["I.v"])


def test_stepping_by_hand_is_what_brian2_does():
    """The same network once through our loop and once through Network.run, input from a bias so that Brian2 needs no help."""
    network = Network(
        {"P": Population(40, Lif(bias=0.6 * nA), {"v": Uniform(0, 19 * mV)})},
        {},
        {"PP": Projection("P", "P", FixedInDegree(degree=8), weight=-1 * mV, delay=Uniform(0.1 * ms, 2 * ms))},
    )
    netlist = unfold(network, seed=1)
    program = compile(netlist, Ideal(), dt=DT, seed=1)
    drive = draw(netlist, 50 * ms, dt=DT, seed=1)
    ours, theirs = program.start(drive), program.start(drive)
    ours.advance(50 * ms)
    with engine.held("numpy") as brian2:
        theirs.network.run(50 * ms * brian2.second, namespace={})
    assert ours.recording().of("P").count > 30
    for variable in ("v", "lastspike", "not_refractory", "arrivals_input"):
        assert np.array_equal(ours.groups[0].array(variable), theirs.groups[0].array(variable)), variable


def test_a_saved_run_goes_on_identically_in_another_process(tmp_path):
    probes = (Probe("E", "v", which=(0, 3)), Probe("I", "v", reduce="mean", every=1 * ms))
    program = QUICK.vary(probes=probes).compile()
    drive = draw(program.netlist, QUICK.duration, dt=DT, seed=5)
    whole = program.run(drive)
    half = program.start(drive)
    half.advance(20 * ms)
    half.save(tmp_path / "half.run")
    code = f"""
import numpy as np
from workbench.experiment import Experiment
from workbench.backends.base import Probe, finish
from workbench.chips import Ideal
from workbench.circuits import CIRCUITS
probes = (Probe("E", "v", which=(0, 3)), Probe("I", "v", reduce="mean", every=0.001))
e = Experiment(CIRCUITS["balanced"].quick(), Ideal(), duration=0.05, dt={DT!r}, seed=5, probes=probes)
r = finish(e.compile().resume({str(tmp_path / "half.run")!r}))
np.savez({str(tmp_path / "end.npz")!r}, steps=r.of("E").steps, neurons=r.of("E").neurons, counts=r.ledger.counts,
         v=r.traces["E.v"].values, mean=r.traces["I.v.mean"].values)
"""
    subprocess.run([sys.executable, "-c", code], check=True)
    end = np.load(tmp_path / "end.npz")
    assert np.array_equal(end["steps"], whole.of("E").steps)
    assert np.array_equal(end["neurons"], whole.of("E").neurons)
    assert np.array_equal(end["counts"], whole.ledger.counts)
    assert np.array_equal(end["v"], whole.traces["E.v"].values)
    assert np.array_equal(end["mean"], whole.traces["I.v.mean"].values)


def test_spikes_from_outside_and_synapses_under_way_are_saved(tmp_path):
    network = Network(
        {"P": Population(3, Lif()), "Q": Population(2, Lif(tau=10 * ms))},
        {"hand": Source(3, External())},
        {
            "in": Projection("hand", "P", OneToOne(), weight=25 * mV, delay=Values((0.4 * ms, 2 * ms, 3 * ms))),
            "PQ": Projection("P", "Q", AllToAll(), weight=9 * mV, delay=Uniform(2 * ms, 5 * ms)),
            "QP": Projection("Q", "P", AllToAll(), weight=120 * pA, delay=1 * ms, receptor="exc"),
        },
    )
    netlist = unfold(network, seed=2)
    program, drive = compile(netlist, Ideal(), dt=DT, seed=2), draw(netlist, 12 * ms, dt=DT, seed=2)
    counts = np.zeros((20, 3), int)
    counts[[2, 15, 19]] = 1, 1, 2
    runs = []
    for stop_after in (0, 1, 4, 100):
        run = program.start(drive)
        run.advance(2 * ms, inputs={"hand": counts})
        for k in range(100):
            if k == stop_after:
                run.save(tmp_path / "a.run")
                run = program.resume(tmp_path / "a.run")
            run.advance(0.1 * ms)
        runs.append(run.recording())
    assert runs[0].counts["P"] >= 3
    assert runs[0].counts["Q"] > 0
    assert all(same(runs[0], r) for r in runs)


def test_inputs_reach_the_neurons_they_are_meant_for():
    network = Network(
        {"P": Population(4, Lif())},
        {"hand": Source(4, External())},
        {"in": Projection("hand", "P", OneToOne(), weight=25 * mV, delay=0.3 * ms)},
    )
    netlist = unfold(network, seed=0)
    run = compile(netlist, Ideal(), dt=DT, seed=0).start(draw(netlist, 10 * ms, dt=DT, seed=0))
    first = run.advance(1 * ms, inputs={"hand": np.array([0, 1, 0, 0])})
    assert (first.spikes["P"][0].tolist(), first.spikes["P"][1].tolist()) == ([4], [1])
    assert run.advance(1 * ms).spikes["P"][0].size == 0
    with pytest.raises(DescriptionError, match="did you mean 'hand'"):
        run.advance(1 * ms, inputs={"hadn": np.ones(4, int)})
    with pytest.raises(DescriptionError, match=r"shape \(3,\)"):
        run.advance(1 * ms, inputs={"hand": np.ones(3, int)})


def test_a_saved_run_of_something_else_is_refused(tmp_path):
    program = QUICK.compile()
    run = program.start(draw(program.netlist, QUICK.duration, dt=DT, seed=5))
    run.save(tmp_path / "a.run")
    with pytest.raises(StoreError, match="another program"):
        QUICK.vary(seed=6).compile().resume(tmp_path / "a.run")
    (tmp_path / "b.run").write_bytes((tmp_path / "a.run").read_bytes()[:500])
    with pytest.raises(StoreError, match="cut short"):
        program.resume(tmp_path / "b.run")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.run", "b.run"]


def test_probes_look_at_the_start_of_a_step():
    lif = Lif(bias=1 * nA)
    network = Network({"P": Population(3, lif, {"v": Values((0.0, 5 * mV, 10 * mV))})})
    probes = (
        Probe("P", "v"),
        Probe("P", "v", reduce="mean", every=1 * ms),
        Probe("P", "spikes", reduce="rate", every=10 * ms),
    )
    recording = Experiment(network, duration=30 * ms, dt=DT, probes=probes).run()
    v = recording.traces["P.v"]
    assert v.sizes == {"time": 300, "neuron": 3}
    assert v.values[0].tolist() == [0.0, 5 * mV, 10 * mV]
    constants = Lif.step_constants({k: getattr(lif, k) for k in ("tau", "rest", "resistance", "bias")}, (), DT)
    assert v.values[1, 0] == constants["mu"] + (0.0 - constants["mu"]) * constants["a"]
    assert v.attrs["units"] == "V"
    mean = recording.traces["P.v.mean"]
    assert mean.values[:, 0] == pytest.approx(v.values[::10].mean(axis=1), rel=1e-14)
    rate = recording.traces["P.rate"]
    assert rate.sizes["time"] == 3
    assert rate.values.sum() * 10 * ms * 3 == pytest.approx(recording.counts["P"])
    with pytest.raises(DescriptionError, match="Two probes give the trace 'P.v'"):
        Experiment(
            network, duration=1 * ms, dt=DT, probes=(Probe("P", "v", which=(0,)), Probe("P", "v", which=(1,)))
        ).run()
    with pytest.raises(DescriptionError, match="Unknown variable 'u'"):
        Experiment(network, duration=1 * ms, dt=DT, probes=(Probe("P", "u"),)).run()


def test_spikes_beyond_the_limit_are_counted_and_said():
    limited = QUICK.compile()
    drive = draw(limited.netlist, QUICK.duration, dt=DT, seed=5)
    some = compile(limited.netlist, Ideal(), dt=DT, seed=5, limits=Limits(spikes=100)).run(drive)
    assert some.counts == limited.run(drive).counts
    assert all(s.count == 0 for s in some.spikes.values())
    assert "100" in some.notes[0]


def test_rates_outlive_the_limit_cover_the_whole_run_and_resume(tmp_path):
    probes = (
        Probe("E", "spikes", reduce="rate", every=4 * ms),
        Probe("I", "spikes", reduce="rate", every=4 * ms, which=range(20)),
    )
    netlist = QUICK.netlist()
    drive = draw(netlist, 30 * ms, dt=DT, seed=5)
    free = compile(netlist, Ideal(), dt=DT, seed=5, probes=probes).run(drive)
    program = compile(netlist, Ideal(), dt=DT, seed=5, probes=probes, limits=Limits(spikes=100))
    run, windows = program.start(drive), []
    for k in range(15):
        windows.append(run.advance(2 * ms))
        if k == 6:
            run = program.resume(run.save(tmp_path / "a.run"))
    limited = run.recording()
    for p in "EI":
        rate = limited.traces[f"{p}.rate"].values[:, 0]
        assert np.array_equal(rate, free.traces[f"{p}.rate"].values[:, 0])
        assert np.array_equal(rate[:7], np.concatenate([w.probes[f"{p}.rate"] for w in windows])[:, 0])
        spikes = free.of(p)
        mine = spikes.steps[spikes.neurons < (20 if p == "I" else 800)]
        widths = np.array([4.0] * 7 + [2.0]) * ms * (20 if p == "I" else 800)
        assert rate == pytest.approx(np.bincount(mine // 40, minlength=8) / widths)


def test_delays_are_rounded_and_listed():
    network = Network(
        {"P": Population(2, Lif())}, {}, {"PP": Projection("P", "P", AllToAll(), weight=1 * mV, delay=0.16 * ms)}
    )
    program = compile(unfold(network, seed=0), Ideal(), dt=DT, seed=0)
    assert "PP" in program.placement.losses[0]
    assert program.realised.projections["PP"].delay == pytest.approx(0.2 * ms, rel=1e-12)
    assert compile(program.realised, Ideal(), dt=DT, seed=0).placement.losses == ()


def test_a_run_can_be_watched_and_cancelled():
    program = QUICK.compile()
    drive = draw(program.netlist, QUICK.duration, dt=DT, seed=5)
    seen = []
    program.run(drive, progress=lambda fraction, text: seen.append(fraction))
    assert seen == sorted(seen)
    assert (seen[0], seen[-1]) == (0.0, 1.0)

    def stop(fraction, text):
        if fraction > 0.3:
            raise Cancelled("enough")

    with pytest.raises(Cancelled):
        program.run(drive, progress=stop)


def test_a_run_interrupted_inside_a_step_says_so_and_writes_nothing(tmp_path, monkeypatch):
    program = QUICK.compile()
    run = program.start(draw(program.netlist, QUICK.duration, dt=DT, seed=5))

    def interrupt(step):
        if step == 7:
            raise KeyboardInterrupt

    monkeypatch.setattr(run.watch, "after", interrupt)
    with pytest.raises(KeyboardInterrupt):
        run.advance(1 * ms)
    with pytest.raises(WorkbenchError, match="start it again"):
        run.advance(1 * ms)
    with pytest.raises(WorkbenchError, match="interrupted"):
        run.save(tmp_path / "a.run")
    assert list(tmp_path.iterdir()) == []


def test_outside_input_needs_little_room(monkeypatch):
    """However long the run, at most a stated number of values is held ahead."""
    held = []
    arriving = feeds.SpikeFeed._arriving
    monkeypatch.setattr(
        feeds.SpikeFeed, "_arriving", lambda feed, a, b: held.append((b - a) * 800) or arriving(feed, a, b)
    )
    QUICK.run()
    assert max(held) <= feeds._AHEAD


def test_a_zero_size_wiring_and_a_silent_population_run():
    network = Network(
        {"P": Population(2, Lif()), "Q": Population(1, Lif())},
        {},
        {"PQ": Projection("P", "Q", FixedInDegree(degree=0), weight=1 * mV)},
    )
    assert finish(_start(network)).counts == {"P": 0, "Q": 0}


def _start(network: Network):
    netlist = unfold(network, seed=0)
    return compile(netlist, Ideal(), dt=DT, seed=0).start(draw(netlist, 5 * ms, dt=DT, seed=0))


def test_steps_that_differ_from_the_drive_are_refused():
    program = QUICK.compile()
    with pytest.raises(DescriptionError, match="steps of 0.2 ms"):
        program.start(draw(program.netlist, 10 * ms, dt=0.2 * ms, seed=5))
    with pytest.raises(DescriptionError, match="target"):
        Ideal(target="cpp_standalone")
