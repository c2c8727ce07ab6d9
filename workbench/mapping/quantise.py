"""Quantise: neurons and weights as whole numbers, in the units of a digital chip.

In integer arithmetic a chip keeps (as Loihi does: Davies et al. 2018; Michaelis et al. 2022, Front. Neuroinform. 16:1015624)
potentials and currents in 24 bits, leaks as whole numbers of 1/4096, thresholds as whole multiples of 64, and weights as a
mantissa of `EventChip.weight_bits` bits (sign included) times 64 · 2^exponent, at most 2^21 − 64, with one exponent for a projection or for each
target neuron (`EventChip.weight_scale`). Potentials stop at −2^23 + 1, as Loihi's do; nothing else is cut during a run, so that
plain integers, Brian2 and the chip agree. A neuron keeps the mean effect of its input: what a leak loses by rounding, the weights make up.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import final

import numpy as np
from numpy.typing import NDArray

from workbench.chips.event import EventChip
from workbench.circuits.neurons.discrete_lif import DiscreteLif
from workbench.circuits.neurons.lif import Lif
from workbench.circuits.synapses import Current, Gap
from workbench.circuits.unfold import Block, Cells, Netlist, Realised
from workbench.errors import DescriptionError, UnsupportedError
from workbench.mapping import weights
from workbench.words import tr

__all__ = ["LEAKS", "LOWEST", "TOP", "Scale", "in_steps", "quantise", "scales"]

LEAKS = 4096
"""A leak is a whole number of these parts."""

LOWEST = -(2.0**23 - 1)
"""Potentials stop here."""

TOP = 2.0**22
"""A threshold is put at most here, so that a potential has room for two of them below zero."""

_FLOWS = ("exc", "inh")
_NOTHING = 2.0**-24


@final
@dataclass(frozen=True, eq=False)
class Scale:
    """What a whole number of a population's potential means: volt = zero + number · unit."""

    zero: Realised
    unit: float


@final
@dataclass(frozen=True, eq=False)
class _Steps:
    """A population as DiscreteLif in its own units: a model, its numbers, and what an arrival of weight 1 does."""

    cells: Cells
    zero: Realised
    factors: Mapping[str, Realised]
    later: int
    """Steps by which arrivals come later: a Lif feels in the next step what a DiscreteLif feels at once."""
    losses: tuple[str, ...] = ()


def quantise(netlist: Netlist, chip: EventChip, *, dt: float) -> tuple[Netlist, tuple[str, ...]]:
    """The netlist in whole numbers for a chip with arithmetic "integer", and a sentence for each loss; else the netlist as it is.

    Lif (delta and exponential receptors) and DiscreteLif become DiscreteLif(rounding="away"); a DiscreteLif that rounds already is
    taken to be in the chip's units and is only checked. Delays come out as whole steps of `dt` (what that loses is for every backend to
    say), those onto a Lif one step longer: a DiscreteLif feels at once what a Lif feels in the next step. Raises UnsupportedError for
    other models, conductances and currents from outside, and DescriptionError for numbers that should be whole.
    """
    if chip.arithmetic != "integer":
        return netlist, ()
    made, dropped = _translated(netlist, chip, dt, rounded=True)
    losses = list(dropped)
    populations: dict[str, Cells] = {}
    units: dict[str, float] = {}
    for name, steps in made.items():
        whole = _whole(steps.cells.neuron)
        units[name] = 1.0 if whole else _unit(steps, _onto(netlist, name), chip)
        populations[name], said = _scaled(steps, units[name], whole=whole)
        losses += [*steps.losses, *said]
    projections: dict[str, Block] = {}
    for name, b in netlist.projections.items():
        if not _gap(b):
            steps = made[b.target]
            grain = 1.0 if _whole(steps.cells.neuron) else weights.GRAIN
            factor = _plain(np.asarray(steps.factors[b.receptor]) / units[b.target])
            projections[name], said = weights.keep(
                _delayed(b, dt, steps.later), factor, chip, grain=grain, kind=DiscreteLif.receptors[b.receptor]
            )
            losses += said
    recipe = f"{netlist.digest} whole {chip.weight_bits} {chip.weight_scale} {dt!r}"
    digest = hashlib.blake2b(recipe.encode(), digest_size=16).hexdigest()
    return replace(netlist, populations=populations, projections=projections, digest=digest), tuple(losses)


def in_steps(netlist: Netlist, *, dt: float) -> Netlist:
    """The netlist with every Lif as a DiscreteLif in volts, without rounding: the same spikes, up to the last bit of a float.

    Exact for jumps alone and for currents alone. Where a neuron has both, jumps count one step earlier after a refractory period.
    """
    made, _ = _translated(netlist, None, dt, rounded=False)
    projections = {}
    for name, b in netlist.projections.items():
        if not _gap(b):
            steps, factor = made[b.target], made[b.target].factors[b.receptor]
            late = _delayed(b, dt, steps.later).mapped(kind=DiscreteLif.receptors[b.receptor])
            if isinstance(factor, np.ndarray):
                projections[name] = replace(late, weight=np.asarray(late.weights()) * factor[late.edges()[1]])
            else:
                projections[name] = late.mapped(weight=lambda w, factor=factor: w * factor)
    digest = hashlib.blake2b(f"{netlist.digest} steps {dt!r}".encode(), digest_size=16).hexdigest()
    populations = {n: s.cells for n, s in made.items()}
    return replace(netlist, populations=populations, projections=projections, digest=digest)


def scales(netlist: Netlist, chip: EventChip, *, dt: float) -> dict[str, Scale]:
    """What the whole numbers of `quantise` mean in volt, by population: to show probes of an integer run beside another's."""
    made, _ = _translated(netlist, chip, dt, rounded=True)
    found: dict[str, Scale] = {}
    for name, steps in made.items():
        unit = 1.0 if _whole(steps.cells.neuron) else _unit(steps, _onto(netlist, name), chip)
        found[name] = Scale(steps.zero, unit)
    return found


def _onto(netlist: Netlist, population: str) -> list[Block]:
    return [b for b in netlist.projections.values() if b.target == population and not _gap(b)]


def _gap(block: Block) -> bool:
    return isinstance(block.kind, Gap)


def _whole(neuron: object) -> bool:
    return isinstance(neuron, DiscreteLif) and neuron.rounding == "away"


# --- populations ---------------------------------------------------------------------------------------------------------


def _translated(
    netlist: Netlist, chip: EventChip | None, dt: float, *, rounded: bool
) -> tuple[dict[str, _Steps], tuple[str, ...]]:
    """Every population in steps, and what cannot come along."""
    losses: list[str] = []
    for name, b in netlist.projections.items():
        if _gap(b):
            losses.append(
                tr("{name}: {count} gap junctions dropped; this chip carries spikes only.", name=name, count=b.count)
            )
        elif isinstance(b.kind, Current) or b.receptor not in DiscreteLif.receptors:
            raise UnsupportedError(
                tr(
                    "{chip} in integers has no rule for the receptor '{receptor}' (projection '{name}'); it has: {known}.",
                    chip=chip.name if chip else "DiscreteLif",
                    receptor=b.receptor,
                    name=name,
                    known=", ".join(DiscreteLif.receptors),
                )
            )
    made: dict[str, _Steps] = {}
    for name, cells in netlist.populations.items():
        if isinstance(cells.neuron, Lif):
            made[name] = _from_lif(cells, dt, rounded=rounded)
        elif isinstance(cells.neuron, DiscreteLif):
            made[name] = _from_discrete(cells, rounded=rounded)
        else:
            raise UnsupportedError(
                tr(
                    "{chip} in integers has no rule for the neuron model {model} of population '{name}'; it has: Lif, DiscreteLif.",
                    chip=chip.name if chip else "DiscreteLif",
                    model=type(cells.neuron).__name__,
                    name=name,
                )
            )
    return made, tuple(losses)


def _from_lif(cells: Cells, dt: float, *, rounded: bool) -> _Steps:
    used = tuple(r for r in cells.receptors if r in DiscreteLif.receptors)
    p, exact = dict(cells.parameters), Lif.step_constants(cells.parameters, used, dt)
    a, mu = np.asarray(exact["a"]), np.asarray(exact["mu"])
    leak, losses = _leak(cells.name, "tau", 1.0 - a, dt, rounded=rounded)
    gain = leak / (1.0 - a)
    parameters: dict[str, NDArray[np.float64]] = {"leak": leak}
    factors: dict[str, NDArray[np.float64]] = {"input": a * gain}
    for r in _FLOWS:
        parameters[f"leak_{r}"] = np.asarray(1.0)
        if r in used:
            share = 1.0 - np.asarray(exact[f"c.{r}"])
            parameters[f"leak_{r}"], said = _leak(cells.name, f"tau_{r}", share, dt, rounded=rounded)
            factors[r] = np.asarray(exact[f"b.{r}"]) * gain * parameters[f"leak_{r}"] / share
            losses += said
    # Zero is where the neuron rests, or where it is reset if that lies lower: thresholds are then never negative.
    zero = np.minimum(np.asarray(p["rest"]), np.asarray(p["reset"]))
    aim, threshold, reset = mu - zero, np.asarray(p["threshold"]) - zero, np.asarray(p["reset"]) - zero
    hold = np.maximum(np.floor(np.asarray(p["refractory"]) / dt + 1e-3), 1.0)
    if used == ("input",):
        # A Lif drops the jumps of its last refractory step, but leaks in the next: one more step of silence, one leak ahead.
        ahead = aim + (reset - aim) * (1.0 - leak)
        if np.all(ahead <= threshold):
            reset, hold = ahead, hold + 1.0
    elif "input" in used and rounded:
        losses += (tr("{name}: jumps count one step earlier after a refractory period.", name=cells.name),)
    parameters |= {
        "threshold": threshold,
        "reset": reset,
        "bias": leak * aim,
        "lowest": np.asarray(-(2.0**31)),
        "refractory": hold,
    }
    initial = {"v": _plain(np.asarray(cells.initial["v"]) - zero)}
    return _Steps(
        cells=_discrete(cells, parameters, initial, used),
        zero=_plain(zero),
        factors={k: _plain(f) for k, f in factors.items()},
        later=1,
        losses=losses,
    )


def _from_discrete(cells: Cells, *, rounded: bool) -> _Steps:
    p = {k: np.asarray(v, np.float64) for k, v in cells.parameters.items()}
    factors = {"input": np.asarray(1.0)}
    losses: tuple[str, ...] = ()
    if rounded and not _whole(cells.neuron):
        gains = {}
        for name in ("leak", *(f"leak_{r}" for r in _FLOWS)):
            kept, said = _leak(cells.name, name, p[name], 0.0, rounded=True)
            gains[name] = np.divide(kept, p[name], out=np.ones_like(kept), where=kept > 0)
            p[name] = kept
            losses += said if name == "leak" or name[5:] in cells.receptors else ()
        p["bias"] = p["bias"] * gains["leak"]
        factors = {"input": gains["leak"]} | {r: gains["leak"] * gains[f"leak_{r}"] for r in _FLOWS}
    else:
        factors |= {r: np.asarray(1.0) for r in _FLOWS}
    made = _discrete(cells, p, cells.initial, cells.receptors)
    return _Steps(cells=made, zero=0.0, factors={k: _plain(f) for k, f in factors.items()}, later=0, losses=losses)


def _discrete(
    cells: Cells, parameters: Mapping[str, NDArray[np.float64]], initial: Mapping[str, Realised], used: Sequence[str]
) -> Cells:
    neuron = cells.neuron if isinstance(cells.neuron, DiscreteLif) else DiscreteLif()
    return replace(
        cells,
        neuron=neuron,
        parameters={k: _plain(v) for k, v in parameters.items()},
        initial=dict(initial),
        receptors=tuple(used),
    )


def _leak(
    population: str, name: str, share: NDArray[np.float64], dt: float, *, rounded: bool
) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """A leak as the chip keeps it (at least one part where it could take a unit from 24 bits), and what that does to its time constant."""
    share = np.asarray(share, np.float64)
    if not rounded:
        return share, ()
    parts = np.where(share >= _NOTHING, np.clip(np.rint(share * LEAKS), 1, LEAKS), 0.0)
    kept = parts / LEAKS
    off = np.abs(kept - share)
    if np.max(off, initial=0.0) < 1e-9:
        return kept, ()
    worst = int(np.argmax(off / np.maximum(share, 1e-300)))
    a, b, n = (float(np.ravel(x)[worst]) for x in (share, kept, parts))
    if dt == 0.0:
        said = tr(
            "{population}: {name} {a:.6g} kept as {b:.6g} ({parts} of 4096).",
            population=population,
            name=name,
            a=a,
            b=b,
            parts=int(n),
        )
    else:
        said = tr(
            "{population}: {name} {a:.4g} ms kept as {b:.4g} ms ({parts} of 4096 a step).",
            population=population,
            name=name,
            a=_tau(a, dt) * 1e3,
            b=_tau(b, dt) * 1e3,
            parts=int(n),
        )
    return kept, (said,)


def _tau(share: float, dt: float) -> float:
    return float(-dt / np.log1p(-share)) if share < 1 else 0.0


# --- units ---------------------------------------------------------------------------------------------------------------


def _unit(steps: _Steps, blocks: Sequence[Block], chip: EventChip) -> float:
    """The unit of a population's potential: all numbers fit, and of the units within a factor of two the one that suits the weights best.

    Where neurons differ, weights are judged at the middle one, and fit at the one that makes most of them.
    """
    p, start = steps.cells.parameters, steps.cells.initial["v"]
    factors = {b.name: np.abs(steps.factors[b.receptor]) for b in blocks}
    volts = [_plain(np.asarray(weights.sampled(b)) * float(np.median(factors[b.name]))) for b in blocks]
    room = [
        (np.max(np.abs(p["threshold"])), TOP),
        *((np.max(np.abs(x)), -LOWEST) for x in (p["reset"], p["bias"], start)),
        *((np.max(np.abs(b.extremes()["weight"])) * np.max(factors[b.name]), weights.LARGEST) for b in blocks),
    ]
    least = max(float(value) / limit for value, limit in room)
    return weights.best_unit(least or 1.0, volts, chip)


def _scaled(steps: _Steps, unit: float, *, whole: bool) -> tuple[Cells, tuple[str, ...]]:
    """The population in whole units, and what rounding did to it."""
    cells, p = steps.cells, steps.cells.parameters
    if whole:
        _check_whole(cells)
        low = np.asarray(p["lowest"])
        if np.any(low < LOWEST):
            p = {**p, "lowest": _plain(np.maximum(low, LOWEST))}
        return replace(cells, parameters=p), ()
    grains = {"threshold": weights.GRAIN, "reset": 1.0, "bias": 1.0, "lowest": 1.0}
    parameters, off = dict(p), 0.0
    for name, grain in grains.items():
        number = np.asarray(p[name]) / unit
        kept = np.maximum(np.rint(number / grain) * grain, LOWEST)
        parameters[name] = _plain(kept)
        if name != "lowest":
            off = max(off, float(np.max(np.abs(kept - number), initial=0.0)))
    start = np.asarray(cells.initial["v"]) / unit
    initial = {"v": _plain(np.rint(start))}
    off = max(off, float(np.max(np.abs(np.asarray(initial["v"]) - start), initial=0.0)))
    top = float(np.max(parameters["threshold"], initial=0.0))
    losses = ()
    if off > 1e-6 or np.any(np.asarray(p["lowest"]) / unit < LOWEST):
        losses = (
            tr(
                "{name}: potentials in whole units, the threshold {top:.0f} of them; the largest change of a threshold, reset, bias or initial "
                "value is {off:.2g} thresholds, and no potential goes below {low:.3g} thresholds.",
                name=cells.name,
                top=top,
                off=off / max(top, 1.0),
                low=LOWEST / max(top, 1.0),
            ),
        )
    neuron = replace(cells.neuron, rounding="away")
    return replace(cells, neuron=neuron, parameters=parameters, initial=initial), losses


def _check_whole(cells: Cells) -> None:
    """Raise DescriptionError for a number of a rounding DiscreteLif that is not whole or not in its range."""
    parts = {n: np.asarray(cells.parameters[n]) * LEAKS for n in ("leak", *(f"leak_{r}" for r in _FLOWS))}
    numbers = {n: np.asarray(cells.parameters[n]) for n in ("threshold", "reset", "bias")}
    numbers["v"] = np.asarray(cells.initial["v"])
    for name, values in (parts | numbers).items():
        odd = (values != np.rint(values)) | (np.abs(values) > -LOWEST)
        if np.any(odd):
            value = float(np.atleast_1d(values)[np.atleast_1d(odd)][0])
            raise DescriptionError(
                tr(
                    "Population '{population}': {name} is {value:g}; in integers it must be {wanted}.",
                    population=cells.name,
                    name=name,
                    value=value / LEAKS if name in parts else value,
                    wanted=tr("a whole number of 1/4096, 0 to 4096 of them")
                    if name in parts
                    else tr("a whole number within 24 bits (sign included)"),
                )
            )


# --- delays --------------------------------------------------------------------------------------------------------------


def _delayed(block: Block, dt: float, later: int) -> Block:
    """The block with its delays in whole steps (in seconds), `later` steps longer."""
    return block.mapped(delay=lambda delay: (np.maximum(np.rint(delay / dt), 1.0) + later) * dt)


def _plain(values: NDArray[np.float64] | float) -> Realised:
    values = np.asarray(values, np.float64)
    return float(values) if values.ndim == 0 else values
