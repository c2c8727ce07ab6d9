"""Digits on aihwkit's C++ tile with the workbench's shipped weights: the rows of `workbench.studies.digits_on_peers`.

Run by hand in an environment of its own, with a file of weights and images that this script writes in the workbench's:

    .venv/bin/python tests/peers/peer_digits_aihwkit.py dump digits.npz
    AIHWKIT/bin/python tests/peers/peer_digits_aihwkit.py run digits.npz        # aihwkit==1.1.0 torch==2.10.0 numpy<2.4

Thirty chips a row, one line of JSON each. What is matched: 8 bits (or as said) of DAC and ADC with ranges set to the largest values of the
first 256 images, nothing rescaled per vector, weights scaled to the largest of a layer, biases added digitally. A pair of devices has an
error of sigma each: the weight gets a signed normal error of sqrt(2) sigma once (programming), the tile draws as much in every read.
No conductance is clipped at zero there; the workbench clips.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import numpy as np

ROWS = ((0.0, 8), (0.02, 8), (0.05, 8), (0.1, 8), (0.05, 6), (0.05, 4))
CHIPS = 30
SAMPLES = 256


def dump(path: str) -> None:
    from workbench.circuits.library.digits import SETS, handwritten, trained

    data = handwritten()
    kept: dict[str, Any] = {"images": data.test, "labels": data.test_labels}
    for name in SETS:
        layers = trained(name)
        for part in ("hidden", "hidden_bias", "output", "output_bias"):
            kept[f"{name}.{part}"] = getattr(layers, part)
    np.savez(path, **kept)


def tile(weights: np.ndarray, bits: int, noise: float, bound: float) -> Any:
    import torch
    from aihwkit.simulator.configs import InferenceRPUConfig
    from aihwkit.simulator.parameters.enums import BoundManagementType, NoiseManagementType, WeightNoiseType
    from aihwkit.simulator.tiles.inference import InferenceTile

    config = InferenceRPUConfig()
    forward, mapping = config.forward, config.mapping
    forward.is_perfect = False
    forward.inp_bound, forward.inp_res, forward.inp_noise = 1.0, 1 / (2**bits - 2), 0.0
    forward.out_bound, forward.out_res, forward.out_noise = bound, 1 / (2**bits - 2), 0.0
    forward.w_noise = noise
    forward.w_noise_type = WeightNoiseType.ADDITIVE_CONSTANT if noise else WeightNoiseType.NONE
    forward.bound_management, forward.noise_management = BoundManagementType.NONE, NoiseManagementType.NONE
    forward.ir_drop = 0.0
    mapping.digital_bias, mapping.weight_scaling_omega, mapping.learn_out_scaling = False, 0.0, False
    mapping.max_input_size = mapping.max_output_size = 0
    made = InferenceTile(weights.shape[1], weights.shape[0], config, bias=False)
    made.tile.set_weights(torch.tensor(weights.T.astype(np.float32)).contiguous())
    made.eval()
    return made


def accuracy(data: Any, name: str, sigma: float, bits: int, chip: int) -> float:
    import torch

    rng = np.random.default_rng(1000 + chip)
    torch.manual_seed(chip)
    x = right = data["images"]
    for layer in ("hidden", "output"):
        weights, bias = data[f"{name}.{layer}"], data[f"{name}.{layer}_bias"]
        largest = np.abs(weights).max()
        reach = np.abs(right[:SAMPLES]).max()
        bound = np.abs(right[:SAMPLES] @ weights).max() / (largest * reach)
        held = weights / largest + np.sqrt(2) * sigma * rng.normal(size=weights.shape)
        with torch.no_grad():
            y = tile(held, bits, np.sqrt(2) * sigma, bound).forward(torch.tensor((x / reach).astype(np.float32)))
        x = y.numpy().astype(float) * largest * reach + bias
        right = right @ weights + bias
        if layer == "hidden":
            x, right = np.maximum(x, 0), np.maximum(right, 0)
    return float((x.argmax(1) == data["labels"]).mean())


def run(path: str) -> None:
    import torch

    torch.set_num_threads(1)
    data = np.load(path)
    for name in ("plain", "noise-aware"):
        for sigma, bits in ROWS:
            found = [100 * accuracy(data, name, sigma, bits, chip) for chip in range(CHIPS if sigma else 1)]
            sd = float(np.std(found, ddof=1)) if len(found) > 1 else 0.0
            print(json.dumps({"weights": name, "sigma": sigma, "bits": bits, "mean": np.mean(found), "sd": sd}))


if __name__ == "__main__":
    {"dump": dump, "run": run}[sys.argv[1]](sys.argv[2])
