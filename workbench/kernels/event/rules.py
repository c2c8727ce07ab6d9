"""One step of a neuron, written once: as arithmetic on lanes while Numba compiles, on NumPy arrays when a test asks.

Each rule takes the states of a block, its constants and its arrivals, and gives the new states, which lanes fired and to which
something came (None where nothing can). The order of the operations is the definition: every backend keeps it.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from workbench.kernels.choices import absolute, largest, seldom, where

__all__ = ["CONSTANTS", "constants_of", "discrete", "lif"]

CONSTANTS = {
    "lif": ("mu", "a", "gain", "threshold", "reset"),
    "discrete": ("keep", "bias", "lowest", "threshold", "reset", "subtract"),
}
"""The constants of each rule, in the order they are stored; those of each current and conductance follow."""


def constants_of(rule: str, currents: int, conductances: int, weights: int = 0) -> tuple[str, ...]:
    """The names of a rule's constants in the order in which a block's constants lie in memory, 32 lanes each."""
    made = list(CONSTANTS[rule])
    if rule == "lif":
        made += [f"current_scale.{k}" for k in range(currents)]
        if conductances:
            made += ["h"]
            made += [f"conductance_scale.{k}" for k in range(conductances)]
            made += [f"conductance_pull.{k}" for k in range(conductances)]
    decays = (f"decay.{k}" for k in range(currents + conductances))
    return (*made, *decays, *(f"weight.{k}" for k in range(weights)))


def awake_after(b: SimpleNamespace) -> tuple[Any, Any]:
    """The steps still to wait after this one has come, and which lanes wait no more; who has no `hold` knows the latter already."""
    if b.hold is None:
        return None, b.awake
    left = largest(b.hold - 1, 0)
    return left, left == 0


def lif(b: SimpleNamespace) -> tuple[Any, Any]:
    """Integrate, test, deliver, reset: `Lif.step_constants` says what the constants are. Changes `b`; returns (fired, met).

    Where it is known that nothing arrives anywhere, `b.arrivals` may be None.
    """
    k = b.constants
    left, awake = awake_after(b)
    if b.conductances:
        # dv/dt = A − Bv with A and B held; exp(−x) is its (2, 2) Padé approximant, which every backend computes alike.
        x, drive = k.h, k.h * k.mu
        for g, scale, pull in zip(b.conductances, k.conductance_scale, k.conductance_pull, strict=True):
            x = x + g * scale
            drive = drive + g * pull
        for current, scale in zip(b.currents, k.current_scale, strict=True):
            drive = drive + current * scale
        if b.given is not None:
            drive = drive + b.given * k.gain
        square = x * x + 12.0
        six = x * 6.0
        new = (b.v * (square - six) + drive * 12.0) / (square + six)
    else:
        new = k.mu + (b.v - k.mu) * k.a
        for current, scale in zip(b.currents, k.current_scale, strict=True):
            new = new + current * scale
        if b.given is not None:
            new = new + b.given * k.gain
    new = where(awake, new, b.v)
    fired = awake & (new > k.threshold)
    met = None
    rows = iter(b.arrivals or ())
    if b.delta and b.arrivals is not None:
        jump = next(rows)
        new = where(awake, new + jump, new)
        met = jump != 0
    b.v = seldom(fired, k.reset, new)
    if b.hold is not None:
        b.hold = where(fired, k.hold, left)
    decayed = []
    for current, decay in zip((*b.currents, *b.conductances), k.decay, strict=True):
        faded = current * decay
        if b.arrivals is not None:
            arrived = next(rows)
            faded = faded + arrived
            met = arrived != 0 if met is None else met | (arrived != 0)
        decayed.append(faded)
    kinds = len(b.currents)
    b.currents, b.conductances = tuple(decayed[:kinds]), tuple(decayed[kinds:])
    return fired, met


def discrete(b: SimpleNamespace) -> tuple[Any, Any]:
    """Arrive, integrate, test, reset: the neuron in whole steps (`DiscreteLif`). Changes `b`; returns (fired, met), where a state that is not zero may count as well.

    On whole numbers a loss is rounded away from zero, share 1/4096 by share: ⌈|x|·leak/4096⌉ without a product over 31 bits.
    """
    k = b.constants
    left, awake = awake_after(b)
    met = None
    rows = iter(b.arrivals)
    new = _lose(b.v, k.keep, whole=b.whole)
    if b.delta:
        jump = next(rows)
        new = new + jump
        met = jump != 0
    flowing = []
    for current in b.currents:
        arrived = next(rows)
        flowing.append(current + arrived)
        met = arrived != 0 if met is None else met | (arrived != 0)
        new = new + flowing[-1]
    new = new + k.bias
    new = where(new > k.lowest, new, k.lowest)
    if b.nonzero:
        busy = (b.v != 0) | (k.bias != 0)
        met = busy if met is None else met | busy
    new = where(awake, new, b.v)
    fired = awake & (new > k.threshold)
    b.v = where(fired, k.reset + k.subtract * (new - k.threshold), new)
    if b.hold is not None:
        b.hold = where(fired, k.hold, left)
    b.currents = tuple(_lose(u, keep, whole=b.whole) for u, keep in zip(flowing, k.decay, strict=True))
    return fired, met


def _lose(x: Any, keep: Any, *, whole: bool) -> Any:
    """What is left of x after one step: x times `keep`, or x less ⌈|x| · leak / 4096⌉ with `keep` holding the leak."""
    if not whole:
        return x * keep
    size = absolute(x)
    loss = (size >> 12) * keep + (((size & 4095) * keep + 4095) >> 12)
    return where(x < 0, x + loss, x - loss)
