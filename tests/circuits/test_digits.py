"""The digits: a split by a stated rule, shipped weights as good as their file says, and a circuit that gives what the layers give."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib import resources

import numpy as np
import pytest

from workbench.backends.base import Probe
from workbench.chips import CHIPS
from workbench.circuits import CIRCUITS
from workbench.circuits.library.digits import SETS, Digits, handwritten, trained
from workbench.errors import DescriptionError
from workbench.experiment import Experiment
from workbench.learning import digits
from workbench.measures.readout import accuracy, answers, outputs

DATA = resources.files("workbench.circuits.library") / "data"


def test_the_digits_are_those_of_scikit_learn_split_by_even_and_odd_numbers() -> None:
    from sklearn.datasets import load_digits  # noqa: PLC0415

    images, labels = load_digits(return_X_y=True)
    data = digits()
    assert data.test.shape == (899, 64)
    assert data.train.shape == (898, 64)
    np.testing.assert_array_equal(data.test * 16, images[0::2])
    np.testing.assert_array_equal(data.train * 16, images[1::2])
    np.testing.assert_array_equal(data.test_labels, labels[0::2])
    np.testing.assert_array_equal(data.train_labels, labels[1::2])
    assert data.test.min() == 0.0
    assert data.test.max() == 1.0
    assert not data.test.flags.writeable, "shared by all who read it"


@pytest.mark.parametrize("weights", SETS)
def test_the_shipped_weights_are_as_good_as_their_file_says(weights: str) -> None:
    data = handwritten()
    header = (DATA / "digits.csv").read_text("ascii")
    found = re.search(rf"[ ,]{weights} (\d+) \(([\d.]+) %\)", header)
    assert found
    right = trained(weights).accuracy(data.test, data.test_labels)
    assert right * 899 == pytest.approx(int(found[1]))
    assert 100 * right == pytest.approx(float(found[2]), abs=0.005)
    assert right >= 0.97


def test_training_again_gives_the_shipped_weights(tmp_path) -> None:
    """The same bytes; where another machine's arithmetic rounds otherwise, within one step of 1/1024 at a hundredth of the weights."""
    again = tmp_path / "digits.csv"
    subprocess.run([sys.executable, str(DATA / "make_digits.py"), str(again)], check=True, capture_output=True)
    ours, theirs = ((DATA / "digits.csv").read_text("ascii"), again.read_text("ascii"))
    if ours != theirs:
        for one, other in zip(ours.splitlines()[6:], theirs.splitlines()[6:], strict=True):
            a, b = (np.array(line.split(",")[-1].split(), int) for line in (one, other))
            assert np.abs(a - b).max() <= 1
            assert np.count_nonzero(a != b) <= max(1, a.size // 100)


def test_weights_trained_with_noise_bear_noise_better() -> None:
    """Both sets with 10 % of each layer's largest weight added, ten times: the noise-aware ones lose a fifth as much or less."""
    data = handwritten()
    lost = {}
    for name in SETS:
        layers = trained(name)
        right = []
        for k in range(10):
            rng = np.random.default_rng(k)
            w1, w2 = (w + 0.1 * np.abs(w).max() * rng.standard_normal(w.shape) for w in (layers.hidden, layers.output))
            scores = np.maximum(data.test @ w1 + layers.hidden_bias, 0) @ w2 + layers.output_bias
            right.append(np.mean(scores.argmax(axis=1) == data.test_labels))
        lost[name] = layers.accuracy(data.test, data.test_labels) - np.mean(right)
    assert lost["plain"] > 0.02
    assert lost["noise-aware"] < lost["plain"] / 2


def test_unknown_weights_are_named() -> None:
    with pytest.raises(DescriptionError, match="noise-aware"):
        trained("noise-awre")


def test_the_circuit_answers_what_the_layers_answer_a_frame_a_step() -> None:
    circuit = Digits(images=60, weights="noise-aware")
    run = Experiment(
        circuit, CHIPS["ideal"], duration=circuit.duration, dt=circuit.frame, probes=(Probe("output", "y"),)
    ).run()
    scores = trained("noise-aware").scores(handwritten().test[:60])
    np.testing.assert_allclose(outputs(run, circuit.frame), scores, atol=1e-9)
    np.testing.assert_array_equal(answers(run, circuit.frame), scores.argmax(axis=1))
    assert accuracy(run, circuit.labels, circuit.frame) == pytest.approx(
        np.mean(scores.argmax(axis=1) == circuit.labels)
    )


def test_frames_longer_than_a_step_are_read_at_their_end() -> None:
    circuit = Digits(images=5)
    slow = Experiment(circuit, duration=circuit.duration, dt=circuit.frame / 5, probes=(Probe("output", "y"),)).run()
    scores = trained().scores(handwritten().test[:5])
    np.testing.assert_allclose(outputs(slow, circuit.frame), scores, atol=1e-9)


def test_answers_need_a_probe_and_whole_frames() -> None:
    circuit = CIRCUITS["digits"].quick()
    bare = Experiment(circuit, duration=3e-3, dt=1e-3).run()
    with pytest.raises(DescriptionError, match="Probe"):
        answers(bare, circuit.frame)
    probed = Experiment(circuit, duration=4e-3, dt=1e-3, probes=(Probe("output", "y"),)).run()
    with pytest.raises(DescriptionError, match="whole number of steps"):
        answers(probed, 1.5e-3)
    rare = Experiment(circuit, duration=8e-3, dt=0.5e-3, probes=(Probe("output", "y", every=2e-3),)).run()
    with pytest.raises(DescriptionError, match="last step of each frame"):
        answers(rare, circuit.frame)
