"""The rate of a leaky integrate-and-fire neuron under white noise, and of a balanced network made of such neurons.

    1/r = refractory + tau sqrt(pi) ∫ exp(u²) (1 + erf u) du      from (reset - mean)/noise to (threshold - mean)/noise

Source: Siegert 1951, Phys. Rev. 81:617; in this form Brunel 2000, J. Comput. Neurosci. 8:183, eq. 21. Synapses with an
exponential current are a coloured noise: both limits move by (α/2) sqrt(tau_syn/tau), α = √2 |ζ(1/2)| (Fourcaud and
Brunel 2002, Neural Comput. 14:2057). The integrand is erfcx(-u), which neither overflows nor cancels for u < 0.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from workbench.errors import DescriptionError
from workbench.words import tr

if TYPE_CHECKING:
    from workbench.circuits.library.balanced import Balanced
    from workbench.circuits.neurons.lif import Lif

__all__ = ["Input", "input_at", "rate", "transfer"]

COLOUR = 2.0652531522312172  # √2 |ζ(1/2)|
NODES = 128  # enough for an integrand that spans exp(64); checked against adaptive quadrature in the tests
NEVER = 8.0  # beyond this upper limit a neuron of ours fires less than once in 10¹⁷ years: the rate is 0 Hz


class Input(NamedTuple):
    """What a neuron receives, seen through its membrane: the mean and the spread of the free potential, in V."""

    mean: float | NDArray[np.float64]
    noise: float | NDArray[np.float64]


def transfer(mean: ArrayLike, noise: ArrayLike, neuron: Lif, *, synapse: float = 0.0) -> NDArray[np.float64]:
    """The rate (Hz) of `neuron` whose free potential has the given mean and noise; arrays go elementwise.

    Parameters
    ----------
    mean, noise
        The free potential's mean (absolute, V) and √2 times its standard deviation (V), as Brunel's μ and σ; noise > 0.
    neuron
        Any neuron with tau, threshold, reset and refractory.
    synapse
        Time constant of the synaptic current (s); 0 is a delta synapse.

    Returns
    -------
    Rates in Hz, of the broadcast shape of `mean` and `noise`.
    """
    mu, sigma = np.broadcast_arrays(np.asarray(mean, dtype=float), np.asarray(noise, dtype=float))
    if np.any(~(sigma > 0)):
        raise DescriptionError(
            tr("The Siegert rate needs noise above 0 V. Without noise write measures.lif_rate(neuron, current).")
        )
    shift = COLOUR / 2 * np.sqrt(synapse / neuron.tau)
    low = (neuron.reset - mu) / sigma + shift
    high = (neuron.threshold - mu) / sigma + shift
    never = high > NEVER
    high, low = np.where(never, 0.0, high), np.where(never, -1.0, low)
    area = _below_zero(np.minimum(low, 0.0), np.minimum(high, 0.0))
    area = area + _straight(np.maximum(low, 0.0), np.maximum(high, 0.0))
    return np.where(never, 0.0, 1.0 / (neuron.refractory + neuron.tau * np.sqrt(np.pi) * area))


def input_at(circuit: Balanced, rates: ArrayLike) -> Input:
    """What each neuron of a balanced network receives when all of them fire at `rates` (Hz): Brunel 2000, eq. 4 and 5."""
    r = np.asarray(rates, dtype=float)
    excitatory = round(circuit.connectivity * circuit.excitatory) * r
    inhibitory = round(circuit.connectivity * circuit.inhibitory) * r
    outside = circuit.external_rate
    mean = circuit.neuron.tau * circuit.j * (outside + excitatory - circuit.g * inhibitory)
    power = circuit.neuron.tau * circuit.j**2 * (outside + excitatory + circuit.g**2 * inhibitory)
    return Input(circuit.neuron.rest + mean, np.sqrt(power))


def rate(circuit: Balanced) -> float:
    """The rate (Hz) a balanced network settles at: the lowest rate that, fed back to every neuron, reproduces itself.

    Mean field: every neuron receives the same mean and an independent white noise, so the rate holds for a network that
    fires asynchronously and is a guide for one that oscillates.
    """
    ceiling = 1.0 / max(circuit.neuron.refractory, 1e-4)

    def gain(r: ArrayLike) -> NDArray[np.float64]:
        return transfer(*input_at(circuit, r), circuit.neuron) - np.asarray(r)

    grid = np.concatenate([[0.0], np.geomspace(1e-6, ceiling, 400)])
    if circuit.external_rate == 0:
        return 0.0  # nothing comes in, so there is no noise to integrate over either
    below: NDArray[np.intp] = np.flatnonzero(gain(grid) <= 0)
    if below.size == 0:
        return ceiling
    first = int(below[0])
    if first == 0:
        return 0.0
    low, high = grid[first - 1], grid[first]
    # All places of a finer grid at once, and a finer one again: SciPy's solvers cost more to load than this takes.
    for _ in range(6):
        fine = np.linspace(low, high, 65)
        at = int(np.argmax(gain(fine[1:]) <= 0)) + 1
        low, high = fine[at - 1], fine[at]
    return float(high)


@cache
def _nodes() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Gauss-Legendre points and weights on [0, 1]."""
    x, w = np.polynomial.legendre.leggauss(NODES)
    return (x + 1) / 2, w / 2


def _straight(low: NDArray[np.float64], high: NDArray[np.float64]) -> NDArray[np.float64]:
    """The integral over a stretch above zero, where the integrand climbs like 2 exp(u²)."""
    from scipy.special import erfcx  # noqa: PLC0415

    x, w = _nodes()
    width = (high - low)[..., None]
    return np.sum(w * width * erfcx(-(low[..., None] + width * x)), axis=-1)


def _below_zero(low: NDArray[np.float64], high: NDArray[np.float64]) -> NDArray[np.float64]:
    """The integral over a stretch below zero, in s = asinh(u): there erfcx falls like 1/u, and du grows like u."""
    from scipy.special import erfcx  # noqa: PLC0415

    x, w = _nodes()
    start = np.arcsinh(low)[..., None]
    width = np.arcsinh(high)[..., None] - start
    s = start + width * x
    return np.sum(w * width * erfcx(-np.sinh(s)) * np.cosh(s), axis=-1)
