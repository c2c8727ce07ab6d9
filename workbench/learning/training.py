"""Training in the computer: stochastic gradient descent for 64 – n – 10 networks, in plain NumPy and the same on every machine.

    h = max(0, x·W₁ + b₁)    z = h·W₂ + b₂    loss = −ln softmax(z)[label] + decay/2·Σ w²

Noise-aware training (Murray and Edwards 1994, IEEE Trans. Neural Netw. 5:792) computes the gradient at weights that are wrong by
fresh noise in every update, and changes the right ones; clipping keeps a few large weights from setting the scale of all others.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from workbench import streams
from workbench.circuits.library.digits import CLASSES, Handwritten, Layers
from workbench.errors import DescriptionError
from workbench.words import tr

__all__ = ["error", "order", "train"]

Array = NDArray[np.float64]
RATE, MOMENTUM, DECAY, BATCH = 0.1, 0.9, 1e-4, 32


def order(size: int, seed: int, *names: object) -> NDArray[np.int64]:
    """The numbers 0 … size − 1 shuffled, by the stream `names` of `seed`."""
    return np.argsort(streams.uniform(streams.stream(seed, *names), 0, size), kind="stable")


def error(scores: Array, labels: NDArray[np.int64]) -> Array:
    """The gradient of the loss at the outputs, for each image: softmax(scores) − one at the label; (number, classes)."""
    raised = np.exp(scores - scores.max(axis=1, keepdims=True))
    raised /= raised.sum(axis=1, keepdims=True)
    raised[np.arange(len(labels)), labels] -= 1.0
    return raised


def train(
    data: Handwritten,
    *,
    units: int = 64,
    epochs: int = 60,
    noise: float = 0.0,
    clip: float = 0.0,
    leave_out: int | None = None,
    seed: int = 0,
) -> Layers:
    """Weights trained on `data.train`: momentum 0.9, batches of 32, a rate that falls from 0.1 to 0 along half a cosine.

    Parameters
    ----------
    noise
        Standard deviation of the noise on every weight, as a share of the largest of its layer; fresh in every update.
    clip
        Weights are kept within so many standard deviations of their layer; 0: as they come.
    leave_out
        A digit that is never shown.
    """
    if not 1 <= units <= 4096 or epochs < 1 or not 0 <= noise < 1 or clip < 0:
        raise DescriptionError(
            tr(
                "train: units must be 1 … 4096 and not {units}, epochs at least 1 and not {epochs}, noise 0 … 1 and not {noise}, clip 0 or more and not {clip}.",
                units=units,
                epochs=epochs,
                noise=noise,
                clip=clip,
            )
        )
    kept = np.flatnonzero(data.train_labels != leave_out)
    images, labels = data.train[kept], data.train_labels[kept]
    pixels = images.shape[1]

    def drawn(rows: int, columns: int, spread: float, name: str) -> Array:
        return spread * streams.normal(streams.stream(seed, "weights", name), 0, rows * columns).reshape(rows, columns)

    weights = [drawn(pixels, units, math.sqrt(2 / pixels), "hidden"), drawn(units, CLASSES, units**-0.5, "output")]
    held = [*weights, np.zeros(units), np.zeros(CLASSES)]
    moved = [np.zeros_like(w) for w in held]
    update = 0
    for epoch in range(epochs):
        rate = RATE * 0.5 * (1 + math.cos(math.pi * epoch / epochs))
        shuffled = order(len(kept), seed, "order", epoch)
        for first in range(0, len(kept), BATCH):
            batch = shuffled[first : first + BATCH]
            x = images[batch]
            w1, w2 = (_noisy(w, noise, seed, layer, update) for layer, w in enumerate(weights))
            h = np.maximum(x @ w1 + held[2], 0.0)
            d = error(h @ w2 + held[3], labels[batch]) / len(batch)
            back = (d @ w2.T) * (h > 0)
            slopes = (x.T @ back + DECAY * weights[0], h.T @ d + DECAY * weights[1], back.sum(axis=0), d.sum(axis=0))
            for value, step, slope in zip(held, moved, slopes, strict=True):
                step *= MOMENTUM
                step -= rate * slope
                value += step
            if clip:
                for w in weights:
                    np.clip(w, -clip * w.std(), clip * w.std(), out=w)
            update += 1
    return Layers(weights[0], held[2], weights[1], held[3])


def _noisy(weights: Array, noise: float, seed: int, layer: int, update: int) -> Array:
    """The weights with fresh noise on each, or themselves."""
    if not noise:
        return weights
    drawn = streams.normal(streams.stream(seed, "noise", layer, update), 0, weights.size).reshape(weights.shape)
    return weights + noise * float(np.abs(weights).max()) * drawn
