"""NIR graphs become circuits: spike times against closed forms, layers against a slow twin, bad files refused."""

from __future__ import annotations

import math
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import h5py
import nir
import numpy as np
import pytest

from workbench.backends.base import Probe
from workbench.chips import CHIPS, Ideal
from workbench.circuits.drive import draw
from workbench.circuits.neurons.discrete_lif import DiscreteLif
from workbench.circuits.neurons.lif import Lif
from workbench.circuits.stimuli import External, Regular, SpikeList, StepCurrent
from workbench.circuits.wiring import AllToAll, Explicit, OneToOne
from workbench.errors import DescriptionError, StoreError, UnsupportedError
from workbench.experiment import Experiment
from workbench.interchange.imported import Imported
from workbench.interchange.nir import read_nir

DT = 1e-4
CHAIN = {"in": nir.Input(np.array([1])), "out": nir.Output(np.array([1]))}


def one(value: float) -> np.ndarray:
    return np.array([value], float)


def chain(neuron: Any, *, weight: float = 0.0, bias: float = 0.0) -> nir.NIRGraph:
    """Input → Affine → neuron → Output, one of each."""
    nodes = CHAIN | {"w": nir.Affine(weight=np.array([[weight]]), bias=one(bias)), "n": neuron}
    return nir.NIRGraph(nodes, [("in", "w"), ("w", "n"), ("n", "out")])


def lif(tau=0.02, r=1.0, leak=0.0, threshold=1.0, reset=0.0) -> nir.LIF:
    return nir.LIF(tau=one(tau), r=one(r), v_leak=one(leak), v_threshold=one(threshold), v_reset=one(reset))


def cuba(tau_syn=0.005, tau_mem=0.02, r=1.0, leak=0.0, threshold=1.0, reset=0.0, w_in=1.0) -> nir.CubaLIF:
    return nir.CubaLIF(
        tau_syn=one(tau_syn), tau_mem=one(tau_mem), r=one(r), v_leak=one(leak), v_threshold=one(threshold), v_reset=one(reset), w_in=one(w_in)
    )  # fmt: skip


def steps(circuit: Imported, duration: float, chip: Any = None) -> dict[str, list[tuple[int, int]]]:
    recording = Experiment(circuit, chip or Ideal(), duration=duration, dt=circuit.dt).run()
    return {n: list(zip(s.steps.tolist(), s.neurons.tolist())) for n, s in recording.spikes.items()}


@pytest.mark.parametrize(
    ("leak", "reset", "r", "bias"),
    [(0.0, 0.0, 1.0, 1.3), (0.4, -0.5, 2.5, 0.37), (-0.3, 0.2, 10.0, 4.0), (3.1, 0.1, 1.0, 0.0)],
)
@pytest.mark.parametrize("chip", ["ideal", "loihi-roomy"])
def test_a_lif_under_constant_input_fires_when_the_closed_form_says(leak, reset, r, bias, chip):
    circuit = read_nir(chain(lif(leak=leak, reset=reset, r=r), bias=bias), dt=DT)
    found = [t for t, _ in steps(circuit, 0.2, CHIPS[chip])["n"]]
    end = leak + r * bias  # where the potential would settle

    def crossing(start: float) -> int:
        """Whole steps until the potential, settling from `start`, lies above the threshold of 1."""
        return math.floor(0.02 * math.log((end - start) / (end - 1.0)) / DT) + 1

    first, period = crossing(0.0), crossing(reset)
    assert found == list(range(first - 1, 2000, period))
    assert len(found) > 4


@pytest.mark.parametrize("tau_syn", [0.005, 0.02, 0.06])
@pytest.mark.parametrize("chip", ["ideal", "loihi-roomy"])
def test_a_cubalif_under_constant_input_fires_when_the_closed_form_says(tau_syn, chip):
    """I(t) = w·b·(1 − exp(−t/tau_syn)) from the start on; between spikes the potential is two exponentials."""
    tau, r, bias, w_in, reset = 0.02, 2.0, 0.8, 1.1, -0.2
    circuit = read_nir(chain(cuba(tau_syn, tau, r, 0.1, 1.0, reset, w_in), bias=bias), dt=DT)
    found = [t for t, _ in steps(circuit, 0.2, CHIPS[chip])["n"]]
    full = r * w_in * bias
    end = 0.1 + full

    def later(v: float, t0: float, t: float) -> float:
        s, missing = t - t0, full * math.exp(-t0 / tau_syn)  # what the current still lacks at t0
        if tau_syn == tau:
            return end + (v - end) * math.exp(-s / tau) - missing * s / tau * math.exp(-s / tau)
        k = missing * tau_syn / (tau_syn - tau)
        return end + (v - end + k) * math.exp(-s / tau) - k * math.exp(-s / tau_syn)

    expected, start, v = [], 0, 0.0
    for k in range(2000):
        if later(v, start * DT, (k + 1) * DT) > 1.0:
            expected.append(k)
            start, v = k + 1, reset
    assert found == expected
    assert len(found) > 5
    assert any("builds up" in n for n in circuit.notes)


@pytest.mark.parametrize("chip", ["ideal", "loihi-roomy"])
@pytest.mark.parametrize(("r", "bias", "reset"), [(1.0, 37.3, 0.0), (2.0, 9.7, -0.4), (0.5, 401.3, 0.3)])
def test_an_if_under_constant_input_fires_when_the_closed_form_says(r, bias, reset, chip):
    circuit = read_nir(chain(nir.IF(r=one(r), v_threshold=one(1.0), v_reset=one(reset)), bias=bias), dt=DT)
    found = [t for t, _ in steps(circuit, 0.3, CHIPS[chip])["n"]]
    rise = r * bias * DT
    first, period = math.floor(1.0 / rise) + 1, math.floor((1.0 - reset) / rise) + 1
    assert found == list(range(first - 1, 3000, period))
    assert len(found) > 3
    assert isinstance(circuit.written.populations["n"].neuron, DiscreteLif)


@pytest.mark.parametrize(("spike", "area"), [("impulse", 1.0), ("step", DT)])
def test_a_spike_lifts_by_its_area(spike, area):
    """LIF: r·W·area/tau at once. CubaLIF: I by w_in·W·area/tau_syn, so v follows the difference of two exponentials."""
    weight = 0.3 * 0.02 / area
    inputs = {"in": SpikeList((0.0,), (0,))}
    for neuron, peak in ((lif(r=0.7), None), (cuba(r=0.7, w_in=2.0), 0.005)):
        circuit = read_nir(chain(neuron, weight=weight), dt=DT, spike=spike, inputs=inputs)
        v = Experiment(circuit, duration=0.02, dt=DT, probes=(Probe("n", "v"),)).run().traces["n.v"].values[:, 0]
        scale = circuit.written.populations["n"].neuron.threshold  # type: ignore[attr-defined]
        t = np.arange(200) * DT - 2 * DT  # the spike of step 0 arrives at the end of step 1
        if peak is None:
            expected = np.where(t >= 0, 0.7 * weight * area / 0.02 * np.exp(-t / 0.02), 0.0)
        else:
            jump = 2.0 * weight * area / peak
            expected = np.where(
                t >= 0, 0.7 * jump * peak / (peak - 0.02) * (np.exp(-t / peak) - np.exp(-t / 0.02)), 0.0
            )
        assert np.allclose(v / scale, expected, rtol=1e-7, atol=1e-12)
        assert expected.max() > 0.1


def twin(
    weights: list[np.ndarray], bias: np.ndarray, first: Any, second: Any, spikes: np.ndarray
) -> list[list[tuple[int, int]]]:
    """Input → Affine → LIF → Linear → CubaLIF, one number at a time; every connection takes one step."""
    w1, w2 = weights
    v1, v2, i2 = np.zeros(len(bias)), np.zeros(len(w2)), np.zeros(len(w2))
    before_in, before_1 = np.zeros(spikes.shape[1]), np.zeros(len(bias))
    fired: list[list[tuple[int, int]]] = [[], []]
    for step in range(len(spikes)):
        new_1 = np.zeros(len(bias))
        for n in range(len(bias)):
            end = first.v_leak[n] + first.r[n] * bias[n]
            v1[n] = end + (v1[n] - end) * math.exp(-DT / first.tau[n])
            new_1[n] = v1[n] > first.v_threshold[n]
            v1[n] += first.r[n] / first.tau[n] * sum(w1[n, k] * before_in[k] for k in range(spikes.shape[1]))
            if new_1[n]:
                v1[n] = first.v_reset[n]
                fired[0].append((step, n))
        for n in range(len(w2)):
            a, c = math.exp(-DT / second.tau_mem[n]), math.exp(-DT / second.tau_syn[n])
            gain = second.r[n] * second.tau_syn[n] / (second.tau_syn[n] - second.tau_mem[n]) * (c - a)
            v2[n] = second.v_leak[n] + (v2[n] - second.v_leak[n]) * a + i2[n] * gain
            i2[n] *= c
            hit = v2[n] > second.v_threshold[n]
            i2[n] += second.w_in[n] / second.tau_syn[n] * sum(w2[n, k] * before_1[k] for k in range(len(bias)))
            if hit:
                v2[n] = second.v_reset[n]
                fired[1].append((step, n))
        before_in, before_1 = spikes[step].astype(float), new_1
    return fired


@pytest.mark.parametrize("chip", ["ideal", "loihi-roomy"])
def test_two_layers_equal_a_slow_twin(chip, tmp_path):
    rng = np.random.default_rng(4)
    n0, n1, n2 = 12, 15, 6
    first = nir.LIF(
        tau=rng.uniform(0.01, 0.03, n1), r=rng.uniform(0.5, 2, n1), v_leak=rng.uniform(-0.2, 0.2, n1),
        v_threshold=rng.uniform(0.8, 1.2, n1), v_reset=rng.uniform(-0.3, 0.1, n1),
    )  # fmt: skip
    second = nir.CubaLIF(
        tau_syn=rng.uniform(0.002, 0.008, n2), tau_mem=rng.uniform(0.01, 0.03, n2), r=rng.uniform(0.5, 2, n2),
        v_leak=rng.uniform(-0.2, 0.2, n2), v_threshold=rng.uniform(0.8, 1.2, n2), v_reset=np.zeros(n2), w_in=rng.uniform(0.5, 1.5, n2),
    )  # fmt: skip
    w1, bias, w2 = rng.normal(0.002, 0.004, (n1, n0)), rng.uniform(0, 0.9, n1), rng.normal(0.002, 0.003, (n2, n1))
    w1[rng.random(w1.shape) < 0.3] = 0.0
    nodes = {
        "input": nir.Input(np.array([3, 4])), "flat": nir.Flatten(np.array([3, 4]), start_dim=0), "w1": nir.Affine(w1, bias), "one": first,
        "w2": nir.Linear(w2), "two": second, "output": nir.Output(np.array([n2])),
    }  # fmt: skip
    names = list(nodes)
    graph = nir.NIRGraph(nodes, list(pairwise(names)))
    path = tmp_path / "net.nir"
    nir.write(path, graph)
    spikes = rng.random((1500, n0)) < 0.012
    step, neuron = np.nonzero(spikes)
    given = {"input": SpikeList(tuple((step * DT).tolist()), tuple(neuron.tolist()))}
    circuit = read_nir(path, dt=DT, inputs=given)
    found = steps(circuit, 0.15, CHIPS[chip])
    expected = twin([w1, w2], bias, first, second, spikes)
    assert len(expected[0]) > 100
    assert len(expected[1]) > 20
    assert found["one"] == expected[0]
    assert found["two"] == expected[1]
    assert steps(read_nir(graph, dt=DT, inputs=given), 0.15)["two"] == expected[1]
    wired = {n: type(p.wiring) for n, p in circuit.written.projections.items()}
    assert wired == {"input to one": Explicit, "one to two": AllToAll}, (
        "a weight of 0 is no synapse, a full matrix a dense block"
    )
    assert "Output 'output' is what two fires." in circuit.notes


def whole_steps(graph: dict[str, Any], spikes: np.ndarray) -> dict[str, list[tuple[int, int]]]:
    """IF → LIF → CubaLIF with a bias each, by the closed forms of a step: a spike at its end is an impulse at the start of the next."""
    a, b, c = graph["a"], graph["b"], graph["c"]
    fired: dict[str, list[tuple[int, int]]] = {n: [] for n in "abc"}
    va, vb, vc, current = 0.0, 0.0, 0.0, 0.0
    before = np.zeros(3)
    for step in range(len(spikes)):
        va += a.r[0] * (graph["wa"].weight[0, 0] * before[0] + graph["wa"].bias[0] * DT)
        vb += b.r[0] / b.tau[0] * graph["wb"].weight[0, 0] * before[1]
        end = b.v_leak[0] + b.r[0] * graph["wb"].bias[0]
        vb = end + (vb - end) * math.exp(-DT / b.tau[0])
        current += c.w_in[0] / c.tau_syn[0] * graph["wc"].weight[0, 0] * before[2]
        # I(t) = full + (current − full) exp(−t/tau_syn) over the step
        full = c.w_in[0] * graph["wc"].bias[0]
        k = c.r[0] * (current - full) * c.tau_syn[0] / (c.tau_syn[0] - c.tau_mem[0])
        end = c.v_leak[0] + c.r[0] * full
        vc = end + (vc - end - k) * math.exp(-DT / c.tau_mem[0]) + k * math.exp(-DT / c.tau_syn[0])
        current = full + (current - full) * math.exp(-DT / c.tau_syn[0])
        before = np.array([spikes[step], 0.0, 0.0])
        for k, (name, v) in enumerate((("a", va), ("b", vb), ("c", vc))):
            if v > 1.0:
                fired[name].append((step, 0))
                if k < 2:
                    before[k + 1] = 1.0
        va, vb, vc = (0.0 if va > 1 else va), (-0.1 if vb > 1 else vb), (0.1 if vc > 1 else vc)
    return fired


@pytest.mark.parametrize("chip", ["ideal", "loihi-roomy"])
def test_a_graph_with_if_neurons_runs_in_whole_steps_all_of_it(chip):
    def affine(weight: float, bias: float) -> nir.Affine:
        return nir.Affine(np.array([[weight]]), one(bias))

    nodes = CHAIN | {
        "wa": affine(0.31, 11.3), "a": nir.IF(r=one(0.9), v_threshold=one(1.0)),
        "wb": affine(0.011, 0.43), "b": lif(tau=0.017, r=1.1, leak=0.2, reset=-0.1),
        "wc": affine(0.004, 0.37), "c": cuba(0.004, 0.019, 1.3, 0.15, 1.0, 0.1, 1.2),
    }  # fmt: skip
    names = ["in", "wa", "a", "wb", "b", "wc", "c", "out"]
    spikes = np.random.default_rng(1).random(4000) < 0.02
    given = {"in": SpikeList(tuple((np.flatnonzero(spikes) * DT).tolist()), (0,) * int(spikes.sum()))}
    circuit = read_nir(nir.NIRGraph(nodes, list(pairwise(names))), dt=DT, inputs=given)
    expected = whole_steps(nodes, spikes)
    assert all(len(x) > 5 for x in expected.values())
    assert steps(circuit, 0.4, CHIPS[chip]) == expected
    assert any("whole steps" in n for n in circuit.notes)


def test_recurrent_loops_chains_of_weights_and_direct_edges():
    """LIF → Linear → LIF itself, two weights in a row as their product, and two edges into one node as their sum."""
    nodes = CHAIN | {
        "in": nir.Input(np.array([2])),
        "a": nir.Linear(np.array([[1.0, 2.0], [0.0, 3.0], [1.0, 0.0]])),
        "b": nir.Affine(np.array([[1.0, 1.0, 0.0], [0.0, 0.0, 2.0]]), np.array([0.5, -0.5])),
        "n": nir.IF(r=np.ones(2), v_threshold=np.ones(2)),
        "loop": nir.Linear(np.array([[0.0, 0.25], [0.0, 0.0]])),
        "m": nir.IF(r=np.ones(2), v_threshold=np.ones(2)),
        "out": nir.Output(np.array([2])),
    }
    edges = [("in", "a"), ("a", "b"), ("b", "n"), ("n", "loop"), ("loop", "n"), ("n", "m"), ("in", "m"), ("m", "out")]
    network = read_nir(nir.NIRGraph(nodes, edges), dt=DT).written
    scale = network.populations["n"].neuron.threshold  # type: ignore[attr-defined]

    def weights(name: str) -> np.ndarray:
        p = network.projections[name]
        i, j = p.wiring.edges(2, 2, 0)
        made = np.zeros((2, 2))
        made[j, i] = np.asarray(getattr(p.weight, "values", p.weight)) / scale
        return made

    assert np.array_equal(weights("in to n"), [[1, 5], [2, 0]])
    assert np.array_equal(weights("n to n"), [[0, 0.25], [0, 0]])
    assert np.array_equal(weights("n to m"), np.eye(2))
    assert isinstance(network.projections["n to m"].wiring, OneToOne)
    assert np.allclose(network.populations["n"].neuron.bias.values, np.array([0.5, -0.5]) * DT * scale)  # type: ignore[attr-defined]


def test_spikes_are_handed_in_or_an_input_gets_a_stimulus():
    graph = chain(lif(), weight=0.03)
    circuit = read_nir(graph, dt=DT)
    assert isinstance(circuit.written.sources["in"].stimulus, External)
    experiment = Experiment(circuit, duration=0.01, dt=DT)
    program = experiment.compile()
    run = program.start(draw(program.netlist, 0.01, dt=DT, seed=0))
    counts = np.zeros((100, 1), int)
    counts[[3, 10]] = 1
    run.advance(0.01, inputs={"in": counts})
    # each spike lifts by 1.5 thresholds; it arrives one step later and fires in the step after
    assert run.recording().of("n").steps.tolist() == [5, 12]
    assert steps(read_nir(graph, dt=DT, inputs={"in": Regular(100.0)}), 0.03)["n"] == [(t, 0) for t in (2, 102, 202)]
    constant = steps(read_nir(chain(lif(), weight=1.0), dt=DT, inputs={"in": StepCurrent(1.3)}), 0.1)["n"]
    assert constant == steps(read_nir(chain(lif(), bias=1.3), dt=DT), 0.1)["n"]
    with pytest.raises(UnsupportedError, match=r"'n' \(CubaLIF\) takes no current"):
        read_nir(chain(cuba(), weight=1.0), inputs={"in": StepCurrent(1.3)})
    with pytest.raises(DescriptionError, match="Unknown Input node 'inn': did you mean 'in'"):
        read_nir(graph, inputs={"inn": Regular(1.0)})


def test_a_file_for_spikes_as_steps_is_noticed():
    graph = chain(cuba(w_in=0.005 / DT), weight=0.5)
    assert any('spike="step"' in n for n in read_nir(graph, dt=DT).notes)
    assert not any('spike="step"' in n for n in read_nir(graph, dt=DT, spike="step").notes)
    with pytest.raises(DescriptionError, match="Unknown spike 'pulse'"):
        read_nir(graph, spike="pulse")  # type: ignore[arg-type]


def test_a_readout_after_the_last_neurons_is_left_out_and_said():
    nodes = CHAIN | {"n": lif(), "w": nir.Linear(np.array([[2.0]]))}
    circuit = read_nir(nir.NIRGraph(nodes, [("in", "n"), ("n", "w"), ("w", "out")]))
    assert any("'out'" in n and "(w)" in n for n in circuit.notes)
    assert isinstance(circuit.written.populations["n"].neuron, Lif)


NEURONS = {
    "li": nir.LI(tau=one(0.02), r=one(1), v_leak=one(0)),
    "scale": nir.Scale(one(2)),
    "delay": nir.Delay(one(0.001)),
}


@pytest.mark.parametrize("name", NEURONS)
def test_a_node_we_do_not_have_is_named_with_those_we_have(name, tmp_path):
    nodes = CHAIN | {name: NEURONS[name]}
    graph = nir.NIRGraph(nodes, [("in", name), (name, "out")])
    nir.write(tmp_path / "a.nir", graph)
    for source in (graph, tmp_path / "a.nir"):
        with pytest.raises(
            UnsupportedError,
            match=f"'{name}' is of the type .*Input, Output, Affine, Linear, Flatten, IF, LIF, CubaLIF",
        ):
            read_nir(source)


def test_numbers_that_make_no_sense_are_refused_with_their_node():
    bad = {
        r"'n' \(LIF\): tau must be more than 0": lif(tau=0.0),
        r"'n' \(LIF\): .*tau.* allowed: 0.1 ms … 1000 ms": lif(tau=2000.0),
        r"'n' \(LIF\): v_leak must hold 1 finite": lif(leak=math.nan),
        r"'n' \(LIF\): the reset lies at or above": lif(reset=1.0),
        r"'n' \(CubaLIF\): tau_syn must be more than 0": cuba(tau_syn=-1.0),
    }
    for words, neuron in bad.items():
        with pytest.raises(DescriptionError, match=words):
            read_nir(chain(neuron))
    with pytest.raises(DescriptionError, match=r"'w' \(Affine\): bias must hold 1 finite"):
        read_nir(chain(lif(), bias=math.inf))
    wide = nir.NIRGraph(
        CHAIN | {"w": nir.Linear(np.ones((2, 1))), "n": lif()},
        [("in", "w"), ("w", "n"), ("n", "out")],
        type_check=False,
    )
    with pytest.raises(DescriptionError, match="'w' gives 2 numbers, but 'n' takes 1"):
        read_nir(wide)
    nodes = CHAIN | {"a": nir.Linear(np.eye(1)), "b": nir.Linear(np.eye(1)), "n": lif()}
    ring = nir.NIRGraph(nodes, [("in", "a"), ("a", "b"), ("b", "a"), ("a", "n"), ("n", "out")], type_check=False)
    with pytest.raises(UnsupportedError, match="'a' feeds itself|'b' feeds itself"):
        read_nir(ring)
    with pytest.raises(UnsupportedError, match="no neurons"):
        read_nir(nir.NIRGraph(CHAIN, [("in", "out")]))
    with pytest.raises(UnsupportedError, match=r"takes a file or a nir.NIRGraph, not int"):
        read_nir(3)


def test_without_the_package_a_file_says_what_to_install(tmp_path, monkeypatch):
    nir.write(tmp_path / "a.nir", chain(lif()))
    monkeypatch.setitem(sys.modules, "nir", None)
    with pytest.raises(UnsupportedError, match=r"neuromorphic-workbench\[interchange\]"):
        read_nir(tmp_path / "a.nir")


def test_bad_files_are_refused_before_their_arrays_are_read(tmp_path):
    good = tmp_path / "good.nir"
    nir.write(good, chain(lif(), weight=1.0))
    with pytest.raises(StoreError, match="no file"):
        read_nir(tmp_path / "none.nir")
    whole = good.read_bytes()
    for n, part in enumerate((b"", b"not HDF5", whole[: len(whole) // 2], whole[:-300])):
        short = tmp_path / f"short{n}.nir"
        short.write_bytes(part)
        with pytest.raises(StoreError, match="cut short|cannot make a graph"):
            read_nir(short)

    def changed(name: str, change: Any) -> Path:
        path = tmp_path / name
        path.write_bytes(whole)
        with h5py.File(path, "a") as file:
            change(file)
        return path

    def grown(file: Any) -> None:
        # 80 GB of zeros in a few kilobytes
        del file["node/nodes/w/weight"]
        file["node/nodes/w"].create_dataset(
            "weight", shape=(100_000, 100_000), dtype=float, compression="gzip", chunks=(1000, 1000)
        )

    bomb = changed("bomb.nir", grown)
    assert bomb.stat().st_size < 100_000
    with pytest.raises(StoreError, match="'/node/nodes/w/weight' it unpacks to more than 2.15e"):
        read_nir(bomb)
    with pytest.raises(StoreError, match="unpacks to more than 1e-05 MB"):
        read_nir(good, largest=10)
    cases = {
        "soft": lambda f: f["node"].__setitem__("loop", h5py.SoftLink("/node")),
        "other": lambda f: f["node"].__setitem__("loop", h5py.ExternalLink("x.h5", "/")),
        "hard": lambda f: f["node/nodes"].__setitem__("loop", f["node"]),
    }
    for name, change in cases.items():
        with pytest.raises(StoreError, match="link|too deep"):
            read_nir(changed(f"{name}.nir", change))
    with pytest.raises(StoreError, match="cut short, or no NIR"):
        read_nir(changed("empty.nir", lambda f: f.__delitem__("node/nodes")))
    with pytest.raises(StoreError, match="cannot make a graph"):
        read_nir(changed("less.nir", lambda f: f.__delitem__("node/nodes/n/tau")))
