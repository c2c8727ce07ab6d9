"""Make ``digits.csv``, the two trained sets of weights of the circuit "digits", from scikit-learn's digits.

Run by hand, never by the workbench; it needs the workbench and scikit-learn's table (a second on one core)::

    python make_digits.py [digits.csv]

Training is deterministic and the weights are rounded to whole numbers of 1/1024, so the same bytes come out again.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from workbench.circuits.library.digits import SETS, STEP, Layers, handwritten
from workbench.learning.training import train

# Noise as a share of a layer's largest weight; clip in standard deviations of a layer.
HOW = {"plain": {}, "noise-aware": {"noise": 0.08, "clip": 2.0}}

HEADER = """\
# Weights of a 64-64-10 network of rectified linear units that reads the 8 x 8 handwritten digits of scikit-learn.
# Data: Alpaydin and Kaynak 1998, Optical Recognition of Handwritten Digits, UCI Machine Learning Repository.
# Trained on the 898 images of odd number by workbench.learning.training.train; made by make_digits.py.
# Correct on the 899 images of even number, in float: {correct}.
# plain: no noise. noise-aware: noise of 8 % of the layer's largest weight in every update, weights within 2 standard deviations.
# rows: set, layer, input (the last one is the bias), then the weight to each unit in 1/1024.
"""


def lines(name: str, layers: Layers) -> list[str]:
    """The rows of one set."""
    made = []
    for layer, matrix, bias in (
        ("hidden", layers.hidden, layers.hidden_bias),
        ("output", layers.output, layers.output_bias),
    ):
        whole = np.rint(np.vstack([matrix, bias]) / STEP).astype(int)
        for row, numbers in enumerate(whole):
            place = "bias" if row == len(matrix) else str(row)
            made.append(f"{name},{layer},{place},{' '.join(map(str, numbers))}")
    return made


def main(table: Path) -> None:
    """Write the table and say how good the networks are."""
    data = handwritten()
    made: list[str] = []
    said = []
    for name in SETS:
        layers = train(data, **HOW[name])
        rounded = Layers(
            *(np.rint(w / STEP) * STEP for w in (layers.hidden, layers.hidden_bias, layers.output, layers.output_bias))
        )
        correct = round(rounded.accuracy(data.test, data.test_labels) * len(data.test))
        said.append(f"{name} {correct} ({100 * correct / len(data.test):.2f} %)")
        made += lines(name, layers)
    header = HEADER.format(correct=", ".join(said))
    table.write_bytes((header + "\n".join(made) + "\n").encode("ascii"))
    sys.stdout.write("\n".join(said) + "\n")


if __name__ == "__main__":
    if len(sys.argv) > 2:
        raise SystemExit("usage: python make_digits.py [digits.csv]")
    main(Path(sys.argv[1]) if len(sys.argv) == 2 else Path(__file__).with_name("digits.csv"))
