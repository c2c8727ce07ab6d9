"""A digital chip's layers in plain Python: whole numbers, one product after the other. Tests hold the backend against this."""

from __future__ import annotations

from collections.abc import Sequence


def whole_weights(w: Sequence[Sequence[float]], bits: int) -> tuple[list[list[int]], float]:
    """Each weight as a whole number, and the one scale of the matrix."""
    most = 2 ** (bits - 1) - 1
    scale = max(abs(x) for row in w for x in row) / most
    return [[round(x / scale) for x in row] for row in w], scale


def code(y: float, largest: float, bits: int, *, signed: bool) -> int:
    """A value as the whole number it is sent as."""
    most = 2 ** (bits - 1) - 1 if signed else 2**bits - 1
    return max(-most if signed else 0, min(most, round(y / (largest / most))))


def layers(
    frames: Sequence[Sequence[float]],
    weights: Sequence[Sequence[Sequence[float]]],
    biases: Sequence[Sequence[float]],
    *,
    bits: int,
    activation_bits: int,
    signed: bool,
) -> list[list[float]]:
    """What the last of some layers of rectified units emits for each frame; ranges are measured on all frames.

    The units of the last layer have no lower bound. Frames are sent with a sign if `signed`, hidden layers without.
    """
    kept = [whole_weights(w, bits) for w in weights]

    def through(first: Sequence[float], ranges: Sequence[float] | None) -> list[list[float]]:
        emitted = [list(first)]
        for k, (q, scale) in enumerate(kept):
            x: list[float] | list[int] = emitted[-1]
            step = 1.0
            if ranges is not None:
                minus = signed and k == 0
                x = [code(y, ranges[k], activation_bits, signed=minus) for y in x]
                step = ranges[k] / (2 ** (activation_bits - 1) - 1 if minus else 2**activation_bits - 1)
            sums = [sum(x[i] * q[i][j] for i in range(len(x))) for j in range(len(q[0]))]
            lowest = 0.0 if k < len(kept) - 1 else -(2.0**53)
            emitted.append([max(s * (scale * step) + b, lowest) for s, b in zip(sums, biases[k], strict=True)])
        return emitted

    loose = [through(f, None) for f in frames]
    largest = [max(abs(y) for one in loose for y in one[k]) for k in range(len(kept))]
    return [through(f, largest)[-1] for f in frames]
