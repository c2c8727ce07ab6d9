"""A wafer's run is its realised netlist on the reference, spike for spike, however it is cut, threaded or resumed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest

from workbench import kernels
from workbench.backends.base import Limits, Probe, compile
from workbench.backends.wafer import compile as compile_wafer
from workbench.backends.wafer import memory, program
from workbench.chips import CHIPS, Ideal
from workbench.chips.wafers import DARWIN_WAFER, TIANQIN_HAI_CLASS
from workbench.circuits.drive import draw
from workbench.circuits.library.wafer_sheet import WaferSheet
from workbench.circuits.network import Network, Population, Projection, Source
from workbench.circuits.neurons.discrete_lif import DiscreteLif
from workbench.circuits.sheet import Sheet, patch_edges
from workbench.circuits.shower import Shower
from workbench.circuits.stimuli import Poisson
from workbench.circuits.unfold import unfold
from workbench.circuits.wiring import OneToOne
from workbench.errors import Cancelled, DescriptionError, PlacementError, StoreError, UnsupportedError
from workbench.units import ms

DT = 1 * ms
SMALL = replace(TIANQIN_HAI_CLASS, name="small", dies_x=3, dies_y=2, tiles_x=4, tiles_y=4, neurons_per_core=100)
THOUSAND = replace(WaferSheet(), neurons=1000, patch=111)


def run(network, steps, *, chip=SMALL, seed=3, probes=(), limits=None):
    """The wafer's program and recording."""
    made = compile_wafer(unfold(network, seed=seed), chip, dt=DT, seed=seed, probes=probes, limits=limits)
    return made, made.run(draw(made.netlist, steps * DT, dt=DT, seed=seed))


def reference(made, steps, *, chip=None, seed=3, probes=()):
    """What another engine makes of what the wafer realised."""
    drive = draw(made.realised, steps * DT, dt=DT, seed=seed)
    return compile(made.realised, chip or Ideal(), dt=DT, seed=seed, probes=probes).run(drive)


def same(one, other) -> bool:
    return all(one.spikes[n] == other.spikes[n] for n in one.spikes)


# --- the same as the reference ---------------------------------------------------------------------------------------------


def test_a_thousand_neurons_equal_brian2_spike_for_spike():
    probes = (Probe("E", "v", which=(3, 1, 500, 799)), Probe("I", "v", every=3 * DT))
    made, ours = run(THOUSAND.network(), 300, probes=probes)
    theirs = reference(made, 300, probes=probes)
    assert sum(ours.counts.values()) > 100
    assert same(ours, theirs)
    assert all(np.array_equal(ours.traces[n].values, theirs.traces[n].values) for n in ours.traces)
    for event in ("spike", "synaptic operation"):
        assert ours.ledger.count(event) == theirs.ledger.count(event)
    assert not ours.placement.losses
    assert not ours.notes


def other_network(seed):
    """Two populations with numbers of all kinds."""
    rng = np.random.default_rng(seed)
    sizes = {"A": int(rng.integers(150, 400)), "B": int(rng.integers(60, 200))}
    neurons = {
        n: DiscreteLif(
            leak=float(rng.integers(0, 900)) / 4096,
            threshold=float(rng.integers(50, 400)) + 0.5,
            reset=float(rng.integers(-100, 40)),
            bias=float(rng.integers(-3, 12)),
            lowest=float(rng.integers(-300, 0)),
            refractory=int(rng.integers(0, 6)),
            rounding="away",
        )
        for n in sizes
    }
    wirings = {
        f"{a}{b}": Projection(
            a,
            b,
            Sheet(int(rng.integers(3, 40)), 3, 2, float(rng.random()), int(rng.integers(1, 9))),
            weight=float(rng.integers(-40, 60)),
            delay=int(rng.integers(1, 5)) * DT,
        )
        for a in sizes
        for b in sizes
    }
    noise = {
        f"to {n}": Projection(f"noise {n}", n, OneToOne(), weight=150.0, delay=int(rng.integers(1, 4)) * DT)
        for n in sizes
    }
    start = {n: {"v": float(rng.integers(-50, 50))} for n in sizes}
    return Network(
        {n: Population(sizes[n], neurons[n], start[n]) for n in sizes},
        {f"noise {n}": Source(sizes[n], Shower(float(rng.integers(5, 400)))) for n in sizes},
        wirings | noise,
    )


@pytest.mark.parametrize("seed", range(12))
def test_any_network_equals_the_integer_chip_and_some_equal_brian2(seed):
    made, ours = run(other_network(seed), 120, probes=(Probe("A", "v"), Probe("B", "v")))
    chip = Ideal() if seed < 2 else replace(CHIPS["loihi-roomy"], arithmetic="integer")
    theirs = reference(made, 120, chip=chip, probes=(Probe("A", "v"), Probe("B", "v")))
    assert sum(ours.counts.values()) > 0
    assert same(ours, theirs)
    assert all(np.array_equal(ours.traces[n].values, theirs.traces[n].values) for n in ours.traces)
    drive = draw(made.realised, 120 * DT, dt=DT, seed=3)
    outside = (b for b in made.realised.projections.values() if b.external)
    came = sum(int(drive.counts(b.source, 0, 120 - round(float(b.delay) / DT)).sum()) for b in outside)
    assert ours.ledger.count("outside operation") == came


def test_all_firing_at_once_is_listed_too(tmp_path):
    """More than one neuron in 16: the lists become bits."""
    neuron = DiscreteLif(threshold=20.0, bias=7.0, leak=64 / 4096, refractory=3, rounding="away")
    network = Network(
        {"A": Population(700, neuron)},
        {"noise": Source(700, Shower(30.0))},
        {
            "AA": Projection("A", "A", Sheet(9, 2, 2), weight=-2.0, delay=3 * DT),
            "in": Projection("noise", "A", OneToOne(), weight=3.0, delay=DT),
        },
    )
    made, ours = run(network, 60)
    assert max(np.bincount(ours.spikes["A"].steps)) > 350
    assert same(ours, reference(made, 60))
    going = made.start(draw(made.netlist, 60 * DT, dt=DT, seed=3))
    going.advance(21 * DT)
    going.save(tmp_path / "mid")
    resumed = made.resume(tmp_path / "mid")
    resumed.advance(39 * DT)
    assert same(resumed.recording(), ours)


def test_more_arrivals_than_a_list_holds_arrive():
    """Twenty thousand neurons of one patch fire at once: lists of places are emptied on the way."""
    neuron = DiscreteLif(threshold=20.0, bias=7.0, refractory=2, rounding="away")
    network = Network(
        {"A": Population(20_000, neuron)},
        {"noise": Source(20_000, Shower(900.0))},
        {
            "AA": Projection("A", "A", Sheet(5, 1, 1, contacts=2), weight=-3.0, delay=DT),
            "in": Projection("noise", "A", OneToOne(), weight=2.0, delay=2 * DT),
        },
    )
    made, ours = run(network, 12, chip=replace(SMALL, neurons_per_core=2000))
    assert max(np.bincount(ours.spikes["A"].steps)) > 15_000
    chip = replace(CHIPS["loihi-roomy"], arithmetic="integer", tiles_x=8, tiles_y=8)
    assert same(ours, reference(made, 12, chip=chip))


def test_poisson_sources_are_taken_for_showers_and_that_is_said():
    other = replace(THOUSAND, noise=40.0).network()
    plain = replace(other, sources={n: Source(s.size, Poisson(40.0)) for n, s in other.sources.items()})
    made, ours = run(plain, 150)
    assert sum(ours.counts.values()) > 100
    assert all(isinstance(s.stimulus, Shower) for s in made.realised.sources.values())
    assert sum("drawn as a Shower" in said for said in made.placement.losses) == 2
    assert same(ours, reference(made, 150))
    assert same(ours, run(other, 150)[1])
    late = replace(plain, sources={n: Source(s.size, Poisson(40.0, start=0.01)) for n, s in other.sources.items()})
    with pytest.raises(UnsupportedError, match="a Poisson that lasts"):
        run(late, 1)
    loud = replace(plain, sources={n: Source(s.size, Poisson(5e4)) for n, s in other.sources.items()})
    with pytest.raises(UnsupportedError, match="50000 Hz from source 'noise E' in steps of 1 ms"):
        run(loud, 1)


def test_what_is_not_whole_is_rounded_and_said():
    neuron = DiscreteLif(threshold=100.0, leak=0.05, bias=1.4, reset=-0.4)
    network = Network(
        {"A": Population(200, neuron)},
        {"noise": Source(200, Shower(100.0))},
        {
            "AA": Projection("A", "A", Sheet(20, 2, 1), weight=4.6, delay=1.6 * DT),
            "in": Projection("noise", "A", OneToOne(), weight=50.2, delay=DT),
        },
    )
    made, ours = run(network, 100)
    said = " ".join(made.placement.losses)
    for word in (
        "leak 0.05 is rounded to 0.0500488",
        "bias 1.4",
        "reset",
        "weight 4.6 is rounded to 5",
        "AA: delays",
        "away from zero",
    ):
        assert word in said
    assert float(made.realised.projections["AA"].weight) == 5.0
    assert float(made.realised.projections["AA"].delay) == pytest.approx(2 * DT)
    assert ours.counts["A"] > 0
    assert same(ours, reference(made, 100))


def test_sums_that_do_not_fit_are_cut_and_said():
    neuron = DiscreteLif(threshold=30_000.0, rounding="away")
    network = Network(
        {"A": Population(64, neuron)},
        {"noise": Source(64, Shower(1000.0))},
        {"in": Projection("noise", "A", OneToOne(), weight=20_000.0, delay=DT)},
    )
    _, ours = run(network, 20)
    assert any("did not fit two bytes" in note for note in ours.notes)


# --- however it is run -------------------------------------------------------------------------------------------------------


def test_threads_do_not_show(monkeypatch):
    described = replace(WaferSheet(), neurons=6000, patch=500, noise_weight=0.6)
    probes = (Probe("E", "rate.patch", every=5 * DT), Probe("E", "v", which=(7, 4000)))
    made = []
    for threads in (1, 2, 3):
        monkeypatch.setattr(kernels, "threads", lambda threads=threads: threads)
        monkeypatch.setattr(program, "THREADED_FROM", 0)
        made.append(run(described.network(), 120, probes=probes)[1])
    assert sum(made[0].counts.values()) > 500
    for other in made[1:]:
        assert same(made[0], other)
        assert np.array_equal(made[0].ledger.counts, other.ledger.counts)
        assert all(np.array_equal(made[0].traces[n].values, other.traces[n].values) for n in made[0].traces)


def test_pieces_and_a_saved_run_are_the_run(tmp_path, monkeypatch):
    probes = (
        Probe("E", "rate.die", every=7 * DT),
        Probe("I", "v", which=(5,)),
        Probe("E", "spikes", reduce="rate", every=4 * DT),
    )
    made, whole = run(THOUSAND.network(), 90, probes=probes, limits=Limits(window=20 * DT))
    going = made.start(draw(made.netlist, 90 * DT, dt=DT, seed=3))
    windows = [going.advance(k * DT) for k in (1, 16, 3, 17)]
    assert going.save(tmp_path / "at 37") == tmp_path / "at 37"
    monkeypatch.setattr(kernels, "threads", lambda: 2)  # another machine
    monkeypatch.setattr(program, "THREADED_FROM", 0)
    resumed = made.resume(tmp_path / "at 37")
    assert resumed.step == 37
    for run_on in (going, resumed):
        run_on.advance(53 * DT)
        again = run_on.recording()
        assert same(again, whole)
        assert np.array_equal(again.ledger.counts, whole.ledger.counts)
        assert np.array_equal(again.ledger.windows, whole.ledger.windows)
        assert np.array_equal(again.ledger.chip_times, whole.ledger.chip_times)
        assert all(np.array_equal(again.traces[n].values, whole.traces[n].values) for n in whole.traces)
    # The windows hold what was seen live.
    seen = np.concatenate([w.spikes["E"][0] for w in windows])
    assert np.array_equal(seen, whole.spikes["E"].steps[whole.spikes["E"].steps < 37])
    live = np.concatenate([w.probes["E.rate.die"] for w in windows])
    assert np.array_equal(live, whole.traces["E.rate.die"].values[:5])
    other = replace(THOUSAND, neurons=1001)
    with pytest.raises(StoreError, match="another program"):
        run(other.network(), 1, probes=probes)[0].resume(tmp_path / "at 37")


SAVER = """
import sys
from dataclasses import replace
from tests.backends.test_wafer import DT, SMALL, THOUSAND
from workbench.backends.wafer import compile
from workbench.circuits.drive import draw
from workbench.circuits.unfold import unfold
made = compile(unfold(THOUSAND.network(), seed=3), SMALL, dt=DT, seed=3)
going = made.start(draw(made.netlist, 10_000 * DT, dt=DT, seed=3))
while True:
    going.advance(DT)
    going.save(sys.argv[1])
    print(going.step, flush=True)
"""


def test_a_checkpoint_survives_being_killed_at_any_moment(tmp_path):
    made, _ = run(THOUSAND.network(), 1)
    path = tmp_path / "checkpoint"
    saver = subprocess.Popen(
        [sys.executable, "-c", SAVER, str(path)], stdout=subprocess.PIPE, text=True, cwd=os.getcwd()
    )
    assert saver.stdout is not None
    saver.stdout.readline()
    for _ in range(20):
        time.sleep(0.01)
        made.resume(path)  # never half a file
    saver.send_signal(signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)
    saver.wait()
    saver.stdout.close()
    resumed = made.resume(path)
    begun = resumed.step
    resumed.advance(40 * DT)
    whole = made.start(draw(made.netlist, 10_000 * DT, dt=DT, seed=3))
    whole.advance((begun + 40) * DT)
    assert same(resumed.recording(), whole.recording())
    assert np.array_equal(resumed.recording().ledger.counts, whole.recording().ledger.counts)


def test_it_reports_from_the_first_step_and_cancel_ends_it():
    heard = []

    def stop(fraction, text):
        heard.append(fraction)
        if fraction > 0.2:
            raise Cancelled

    made = compile_wafer(unfold(THOUSAND.network(), seed=1), SMALL, dt=DT, seed=1)
    with pytest.raises(Cancelled):
        made.run(draw(made.netlist, 1.0, dt=DT, seed=1), progress=stop)
    assert heard[0] == 0.0
    assert 2 <= len(heard) < 15


def test_a_run_that_is_closed_still_tells_and_does_not_go_on(tmp_path):
    made = compile_wafer(unfold(THOUSAND.network(), seed=1), SMALL, dt=DT, seed=1)
    going = made.start(draw(made.netlist, 1.0, dt=DT, seed=1))
    going.advance(40 * DT)
    told = going.recording()
    going.close()
    assert same(going.recording(), told)
    for ask in (lambda: going.advance(DT), lambda: going.save(tmp_path / "x")):
        with pytest.raises(DescriptionError, match="closed"):
            ask()


# --- what is kept and counted ------------------------------------------------------------------------------------------------


def test_rates_of_dies_and_patches_are_the_spikes():
    probes = (
        Probe("E", "rate.die", every=10 * DT),
        Probe("E", "rate.patch", which=(2, 0), every=10 * DT),
        Probe("E", "spikes", reduce="rate", every=10 * DT),
        Probe("I", "spikes", which=(3, 4), reduce="rate", every=50 * DT),
    )
    made, r = run(THOUSAND.network(), 100, probes=probes)
    spikes, edges = r.spikes["E"], patch_edges(800, 16)
    patch = np.searchsorted(edges, spikes.neurons, side="right") - 1
    die = (
        made.placement.core_of[:0] if r.sizes["E"] == 0 else made.placement.core_of[made.netlist.populations["E"].span]
    )
    bins = spikes.steps // 10
    for k, who in enumerate((2, 0)):
        wanted = np.bincount(bins[patch == who], minlength=10) / (np.diff(edges)[who] * 0.01)
        assert np.allclose(r.traces["E.rate.patch"].values[:, k], wanted)
    for d in range(len(r.placement.cores)):
        wanted = np.bincount(bins[die[spikes.neurons] == d], minlength=10) / (np.count_nonzero(die == d) * 0.01)
        assert np.allclose(r.traces["E.rate.die"].values[:, d], wanted)
    assert np.allclose(r.traces["E.rate"].values[:, 0] * 800 * 0.01, np.bincount(bins, minlength=10))
    of_two = np.isin(r.spikes["I"].neurons, (3, 4))
    assert np.allclose(
        r.traces["I.rate"].values[:, 0] * 2 * 0.05, np.bincount(r.spikes["I"].steps[of_two] // 50, minlength=2)
    )


def test_the_ledger_is_what_a_spike_by_spike_count_gives():
    made, r = run(THOUSAND.network(), 60)
    netlist, chip, places = made.realised, SMALL, [c.name for c in r.placement.cores]
    core_of = made.placement.core_of
    wanted = {e: np.zeros(len(places), np.int64) for e in ("synaptic operation", "spike", "packet", "die link")}
    hops = 0
    side = 4
    middle_x = [(2 * (p % side) + 1) * 12 // (2 * side) for p in range(16)]
    middle_y = [(2 * (p // side) + 1) * 8 // (2 * side) for p in range(16)]
    die_of = [int(core_of[e]) for e in patch_edges(800, 16)[:-1]]
    for p, d in enumerate(die_of):  # a patch lies on one die, whose tiles it stays on
        x, y = r.placement.cores[d].tile
        middle_x[p] = min(max(middle_x[p], 4 * x), 4 * x + 3)
        middle_y[p] = min(max(middle_y[p], 4 * y), 4 * y + 3)
    for block in netlist.projections.values():
        sheet = block.rule
        if not isinstance(sheet, Sheet):
            continue
        start = netlist.populations[block.target].start
        edges = patch_edges(block.sizes[0], 16)
        for i in r.spikes[block.source].neurons.tolist():
            home = int(np.searchsorted(edges, i, side="right")) - 1
            for j in sheet.targets_of(np.array([i]), *block.sizes, block.key)[0]:
                wanted["synaptic operation"][core_of[start + j]] += 1
            for there in sheet.reached(block.key)[:, home]:
                wanted["packet"][die_of[home]] += 1
                links = abs(middle_x[there] // 4 - middle_x[home] // 4) + abs(
                    middle_y[there] // 4 - middle_y[home] // 4
                )
                wanted["die link"][die_of[home]] += links
                hops += abs(middle_x[there] - middle_x[home]) + abs(middle_y[there] - middle_y[home]) - links

    for name, cells in netlist.populations.items():
        np.add.at(wanted["spike"], core_of[cells.start + r.spikes[name].neurons], 1)
    for event, counts in wanted.items():
        assert np.array_equal(r.ledger.counts[0, :, r.ledger.events.index(event)], counts), event
    assert r.ledger.count("east-west hop") + r.ledger.count("north-south hop") == hops
    assert r.ledger.count("neuron update") == 1000 * 60
    assert r.ledger.count("core step") == 60 * sum(c.used("cores") for c in r.placement.cores)
    assert r.ledger.total == pytest.approx(sum(r.ledger.by_event().values()))
    assert chip.dies == len(places)


def test_chip_time_is_the_busiest_patch_and_the_longest_way_step_by_step():
    made, r = run(THOUSAND.network(), 40)
    netlist, price, die_of = made.realised, SMALL.prices, made.placement.core_of
    edges = {n: patch_edges(c.size, 16) for n, c in netlist.populations.items()}
    drive = draw(netlist, 40 * DT, dt=DT, seed=3)
    held = np.sum([np.diff(e) for e in edges.values()], axis=0)
    tiles = []
    for p in range(16):
        x, y = r.placement.cores[int(die_of[edges["E"][p] + netlist.populations["E"].start])].tile
        at = (2 * (p % 4) + 1) * 12 // 8, (2 * (p // 4) + 1) * 8 // 8
        tiles.append((min(max(at[0], 4 * x), 4 * x + 3), min(max(at[1], 4 * y), 4 * y + 3)))
    total = 0.0
    for s in range(40):
        work, longest = np.array(held * price["neuron update"].seconds, np.float64), 0.0
        for block in netlist.projections.values():
            sheet = block.rule
            if not isinstance(sheet, Sheet):
                came = drive.counts(block.source, s - 1, s)[0] if s else np.zeros(block.sizes[0], np.int64)
                patch = np.searchsorted(edges[block.target], np.arange(came.size), side="right") - 1
                work = work + np.bincount(patch, came, 16) * price["outside operation"].seconds
                continue
            spikes = r.spikes[block.source]
            homes = np.searchsorted(edges[block.source], spikes.neurons[spikes.steps == s], side="right") - 1
            for a in homes.tolist():
                for c, there in enumerate(sheet.reached(block.key)[:, a].tolist()):
                    work[there] += sheet.shares[c] * price["synaptic operation"].seconds
                    work[a] += price["packet"].seconds
                    (x, y), (u, v) = tiles[a], tiles[there]
                    links = abs(x // 4 - u // 4) + abs(y // 4 - v // 4)
                    hops = abs(x - u) + abs(y - v) - links
                    longest = max(longest, hops * price["east-west hop"].seconds + links * price["die link"].seconds)
        for n, spikes in r.spikes.items():
            homes = np.searchsorted(edges[n], spikes.neurons[spikes.steps == s], side="right") - 1
            work = work + np.bincount(homes, minlength=16) * price["spike"].seconds
        total += float((work / np.maximum(held / SMALL.neurons_per_core, 1.0)).max()) + longest
    assert r.ledger.timing == "simple"
    assert r.ledger.chip_time == pytest.approx(total, rel=1e-12)


def test_more_spikes_than_may_be_kept_are_counted():
    _, whole = run(THOUSAND.network(), 100)
    _, few = run(THOUSAND.network(), 100, limits=Limits(spikes=20), probes=(Probe("E", "rate.die", every=DT),))
    assert few.counts == whole.counts
    assert few.spikes["E"].count == 0
    assert "20 spikes" in few.notes[0]
    held = np.array([c.used("neurons") for c in few.placement.cores]) * 0.8
    counted = (few.traces["E.rate.die"].values * DT * held).sum()
    assert counted == pytest.approx(whole.counts["E"], rel=0.02)  # a die holds four in five up to rounding


def test_every_number_of_a_wafer_is_cited():
    for chip in (DARWIN_WAFER, TIANQIN_HAI_CLASS):
        assert all(p.citation.where for p in chip.prices.values())
        assert all(chip.sources[n].where for n in ("dies_x", "dies_y", "tiles_x", "neurons_per_core"))
    assert DARWIN_WAFER.dies * DARWIN_WAFER.neurons_per_die == 150_994_944
    assert DARWIN_WAFER.prices["synaptic operation"].joules == pytest.approx(4.9e-12)
    assert TIANQIN_HAI_CLASS.dies * TIANQIN_HAI_CLASS.neurons_per_die >= 200_000_000
    assert {p.citation.kind for p in TIANQIN_HAI_CLASS.prices.values()} == {"assumed"}


# --- what does not fit -------------------------------------------------------------------------------------------------------


def test_a_network_larger_than_the_wafer_says_how_many_are_too_many():
    with pytest.raises(PlacementError, match="5,400 neurons too many"):
        run(replace(WaferSheet(), neurons=15_000, patch=500).network(), 1)


def test_memory_is_refused_before_it_is_allocated(monkeypatch):
    monkeypatch.setattr(memory, "available", lambda: 200 * 2**20)
    described = replace(WaferSheet(), neurons=200_000_000)
    before = _resident()
    with pytest.raises(PlacementError) as refused:
        run(described.network(), 1, chip=TIANQIN_HAI_CLASS)
    said = str(refused.value)
    assert "200,000,000 neurons need" in said
    assert "200 MB left" in said
    fits = int(said.split(". ")[-1].split()[0].replace(",", ""))
    assert 60_000_000 < fits < 85_000_000
    assert _resident() - before < 50 * 2**20
    # What is said to fit does fit.
    compile_wafer(unfold(replace(described, neurons=fits).network(), seed=1), TIANQIN_HAI_CLASS, dt=DT, seed=1)


def _resident() -> int:
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
