"""What a wafer program is made of: neurons in whole numbers, patches, contacts and showers as the kernel's arrays."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from workbench import streams
from workbench.backends.base import delay_losses, delay_steps
from workbench.chips.wafer import WaferChip
from workbench.circuits.drive import Drive
from workbench.circuits.neurons.discrete_lif import DiscreteLif
from workbench.circuits.sheet import DRAWS, Sheet
from workbench.circuits.shower import Shower
from workbench.circuits.stimuli import Poisson, Stimulus
from workbench.circuits.unfold import Block, Cells, Netlist
from workbench.circuits.wiring import OneToOne
from workbench.errors import DescriptionError, UnsupportedError
from workbench.words import tr

__all__ = [
    "LANES",
    "LARGEST_PATCH",
    "Shape",
    "by_rule",
    "check_supported",
    "lay_noise",
    "lay_populations",
    "lay_projections",
    "realised",
    "shape_of",
]

LANES = 32
LARGEST_PATCH = 65_536
"""Neurons of one population in a patch: their numbers have two bytes."""
LOWEST = -32_767
"""The lowest potential; the one below marks neurons that wait (`kernels.wafer.tables.HELD`)."""
HIGHEST = 32_767
LONGEST_WAIT = 100
"""Steps: whoever fired in so many is looked at again in each."""
NUMBERS = ("leak", "threshold", "reset", "bias", "lowest")


@final
@dataclass(frozen=True)
class Shape:
    """How the populations lie on the sheet: columns × rows of patches, and the lanes of each population in a patch."""

    columns: int
    rows: int
    strides: tuple[int, ...]

    @property
    def patches(self) -> int:
        """Patches of the sheet."""
        return self.columns * self.rows

    @property
    def width(self) -> int:
        """Lanes of a patch."""
        return sum(self.strides)

    @property
    def places(self) -> int:
        """Lanes in all, those that are nobody's too."""
        return self.patches * self.width


def by_rule(netlist: Netlist, chip: WaferChip) -> bool:
    """Whether a network runs without stored synapses: it has a Sheet or a Shower, which are made for that, or nothing else either."""
    for block in netlist.projections.values():
        if isinstance(block.rule, Sheet) or (
            block.external and isinstance(netlist.sources[block.source].stimulus, Shower)
        ):
            return True
    if any(_steady(netlist.sources[b.source].stimulus) for b in netlist.projections.values() if b.external):
        return False  # stored, they keep their own random numbers
    try:
        check_supported(netlist, chip)
    except UnsupportedError:
        return False
    return True


def check_supported(netlist: Netlist, chip: WaferChip) -> None:
    """Raise UnsupportedError for what a wafer has no rule for; it keeps two bytes a neuron and no synapse.

    Steady Poisson sources are taken for showers, the same process drawn in groups (`realised`).
    """

    def refuse(what: str, has: str) -> UnsupportedError:
        return UnsupportedError(
            tr("{chip} has no rule for {what}; it has: {known}.", chip=chip.name, what=what, known=has)
        )

    for cells in netlist.populations.values():
        where = tr("population '{name}'", name=cells.name)
        if not isinstance(cells.neuron, DiscreteLif):
            raise refuse(f"{type(cells.neuron).__name__} ({where})", "DiscreteLif")
        if cells.neuron.after_spike != "reset":
            raise refuse(f"after_spike='{cells.neuron.after_spike}' ({where})", "after_spike='reset'")
        if set(cells.receptors) - {"input"}:
            raise refuse(f"'{cells.receptors[-1]}' ({where})", tr("the receptor 'input'"))
        for name, value in (*cells.parameters.items(), *((f"initial {n}", v) for n, v in cells.initial.items())):
            if np.ndim(value):
                raise refuse(tr("a {name} for each neuron ({where})", name=name, where=where), tr("one number for all"))
    for name, block in netlist.projections.items():
        where = tr("projection '{name}'", name=name)
        if block.external:
            stimulus = netlist.sources[block.source].stimulus
            if not (isinstance(block.rule, OneToOne) and (isinstance(stimulus, Shower) or _steady(stimulus))):
                given = f"{type(stimulus).__name__}, {type(block.rule).__name__}"
                raise refuse(f"{given} ({where})", tr("Shower or a Poisson that lasts, OneToOne"))
        elif not isinstance(block.rule, Sheet):
            raise refuse(f"{type(block.rule).__name__} ({where})", "Sheet")
        if block.weighted or block.delayed:
            raise refuse(tr("a weight or delay for each synapse ({where})", where=where), tr("one number for all"))


def _steady(stimulus: Stimulus) -> bool:
    """Whether a stimulus is what a Shower is: Poisson spikes at one rate all the time."""
    return isinstance(stimulus, Poisson) and stimulus.start == 0 and math.isinf(stimulus.stop)


# --- whole numbers -----------------------------------------------------------------------------------------------------------


def realised(netlist: Netlist, chip: WaferChip, dt: float) -> tuple[Netlist, tuple[str, ...]]:
    """The netlist in the wafer's whole numbers, and a sentence for each thing that changed."""
    losses = [*delay_losses(netlist, dt)]
    populations = {n: _whole(c, losses) for n, c in netlist.populations.items()}
    blocks: dict[str, Block] = {}
    for name, block in netlist.projections.items():
        exact = float(block.weight)  # type: ignore[arg-type]
        weight = float(np.rint(exact))
        if abs(weight) > HIGHEST:
            raise DescriptionError(
                tr(
                    "{name}: a weight of {value:g} does not fit two bytes; at most {most}.",
                    name=name,
                    value=exact,
                    most=HIGHEST,
                )
            )
        if weight != exact:
            losses.append(tr("{name}: the weight {a:g} is rounded to {b:g}.", name=name, a=exact, b=weight))
        steps = int(delay_steps(block, dt))
        blocks[name] = block.mapped(weight=lambda _, w=weight: w, delay=lambda _, d=steps: d * dt)
    sources = dict(netlist.sources)
    for name, cells in netlist.sources.items():
        if isinstance(cells.stimulus, Poisson):
            shower = Shower(cells.stimulus.rate)
            try:
                shower.table(dt)
            except DescriptionError:
                what = tr(
                    "{rate:g} Hz from source '{name}' in steps of {dt:g} ms", rate=shower.rate, name=name, dt=dt * 1e3
                )
                known = tr("a few spikes a neuron and step")
                raise UnsupportedError(
                    tr("{chip} has no rule for {what}; it has: {known}.", chip=chip.name, what=what, known=known)
                ) from None
            sources[name] = replace(cells, stimulus=shower)
            losses.append(
                tr("{name}: Poisson spikes are drawn as a Shower: the same process, other random numbers.", name=name)
            )
    return replace(netlist, populations=populations, sources=sources, projections=blocks), tuple(losses)


def _whole(cells: Cells, losses: list[str]) -> Cells:
    p = {n: float(cells.parameters[n]) for n in NUMBERS}  # type: ignore[arg-type]
    leak = min(4095.0, float(np.rint(p["leak"] * 4096))) / 4096
    made = {
        "leak": leak,
        "threshold": float(np.floor(p["threshold"])),  # v is whole, so v > threshold stays what it is
        "reset": float(np.rint(p["reset"])),
        "bias": float(np.rint(p["bias"])),
    }
    made["lowest"] = float(np.ceil(max(p["lowest"], LOWEST - min(made["bias"], 0.0))))
    for name in ("leak", "reset", "bias"):
        if made[name] != p[name]:
            losses.append(
                tr("{name}: {what} {a:.6g} is rounded to {b:.6g}.", name=cells.name, what=name, a=p[name], b=made[name])
            )
    if made["lowest"] > p["lowest"] > -(2.0**31):
        losses.append(tr("{name}: potentials are not below {b:g}.", name=cells.name, b=made["lowest"]))
    neuron: Any = cells.neuron
    if neuron.rounding != "away" and leak > 0:
        losses.append(tr("{name}: losses are rounded to whole numbers, away from zero.", name=cells.name))
    for what, value, most in (
        ("threshold + bias", made["threshold"] + max(made["bias"], 0.0), HIGHEST),
        ("reset", made["reset"], HIGHEST),
        ("reset", -made["reset"] - min(made["bias"], 0.0), -LOWEST),
        ("bias", abs(made["bias"]), -LOWEST),
        ("refractory", float(cells.parameters["refractory"]), LONGEST_WAIT),  # type: ignore[arg-type]
    ):
        if value > most:
            raise DescriptionError(
                tr(
                    "Population '{name}': {what} is {value:g}; in two bytes a neuron it is at most {most:g}.",
                    name=cells.name,
                    what=what,
                    value=value,
                    most=most,
                )
            )
    initial = {"v": float(np.clip(np.rint(float(cells.initial["v"])), made["lowest"], HIGHEST))}  # type: ignore[arg-type]
    return replace(
        cells,
        neuron=replace(neuron, **made, rounding="away"),
        parameters=dict(cells.parameters) | made,
        initial=dict(cells.initial) | initial,
    )


def shape_of(netlist: Netlist) -> Shape:
    """The sheet all projections lie on; raises DescriptionError where they do not agree, or patches are too large."""
    sheets = {(b.rule.patches_x, b.rule.patches_y) for b in netlist.projections.values() if isinstance(b.rule, Sheet)}
    sizes = [c.size for c in netlist.populations.values()]
    columns, rows = sheets.pop() if sheets else (-(-max(sizes) // LARGEST_PATCH), 1)
    if sheets:
        raise DescriptionError(
            tr("All projections of a wafer lie on one sheet: give them the same patches_x and patches_y.")
        )
    largest = -(-max(sizes) // (columns * rows))
    if largest > LARGEST_PATCH:
        raise DescriptionError(
            tr(
                "A sheet of {columns} × {rows} patches would have {size} neurons in a patch; at most {most}: take {need} patches or more.",
                columns=columns,
                rows=rows,
                size=largest,
                most=LARGEST_PATCH,
                need=-(-max(sizes) // LARGEST_PATCH),
            )
        )
    strides = tuple((-(-n // (columns * rows)) + LANES - 1) // LANES * LANES for n in sizes)
    return Shape(columns, rows, strides)


# --- the kernel's arrays -----------------------------------------------------------------------------------------------------


def _lost(x: int, leak: int) -> int:
    loss = -(-abs(x) * leak // 65536)
    return -loss if x < 0 else loss


def kept(cells: Cells, v: float) -> int:
    """What a neuron with potential v holds for its next step: v less its loss, with the bias."""
    leak = round(float(cells.parameters["leak"]) * 65536)  # type: ignore[arg-type]
    return int(v) - _lost(int(v), leak) + int(float(cells.parameters["bias"]))  # type: ignore[arg-type]


def lay_populations(netlist: Netlist, shape: Shape) -> dict[str, NDArray[Any]]:
    """The constants of the populations, which are whole numbers already."""
    cells = list(netlist.populations.values())

    def numbers(get: Callable[[Cells], Any], kind: Any = np.int32) -> NDArray[Any]:
        return np.array([get(c) for c in cells], kind)

    p = {n: numbers(lambda c, n=n: round(float(c.parameters[n]))) for n in ("bias", "lowest", "threshold", "reset")}
    return p | {
        "size": numbers(lambda c: c.size, np.int64),
        "offset": np.cumsum([0, *shape.strides[:-1]]).astype(np.int64),
        "stride": np.array(shape.strides, np.int64),
        "keeps": numbers(lambda c: 65536 - round(float(c.parameters["leak"]) * 65536) & 0xFFFF),
        "restart": numbers(lambda c: kept(c, float(c.parameters["reset"]))),
        "waits": numbers(lambda c: max(0, int(float(c.parameters["refractory"])) - 1)),
    }


def lay_projections(netlist: Netlist, shape: Shape, dt: float) -> dict[str, NDArray[Any]]:
    """Projections by their target population, and their contacts: whom each patch listens to."""
    names = list(netlist.populations)
    inside = [b for b in netlist.projections.values() if not b.external]
    order = [b for name in names for b in inside if b.target == name]
    shares = [b.rule.shares for b in order]  # type: ignore[attr-defined]
    pairs = [(s + 1) // 2 for s in shares]
    words = [
        streams.step_words(b.key, DRAWS * c, DRAWS * c + int(n))
        for b, many in zip(order, pairs, strict=True)
        for c, n in enumerate(many)
    ]
    from_patch = [np.argsort(row, kind="stable").astype(np.int32) for b in order for row in b.rule.reached(b.key)]  # type: ignore[attr-defined]
    flat = np.concatenate(pairs) if pairs else np.zeros(0, np.int64)
    return {
        "first": np.cumsum([0, *(sum(b.target == n for b in inside) for n in names)]).astype(np.int64),
        "source": np.array([names.index(b.source) for b in order], np.int64),
        "delay": np.array([int(delay_steps(b, dt)) for b in order], np.int64),
        "weight": np.array([round(float(b.weight)) for b in order], np.int16),  # type: ignore[arg-type]
        "contact": np.cumsum([0, *(int(s.size) for s in shares)]).astype(np.int64),
        "share": np.concatenate(shares) if shares else np.zeros(0, np.int64),
        "word_at": np.cumsum(np.append(0, flat))[:-1].astype(np.int64),
        "words": np.concatenate(words).astype(np.uint32) if words else np.zeros((0, 2), np.uint32),
        "source_patch": np.ascontiguousarray(np.array(from_patch, np.int32).reshape(-1, shape.patches).T),
    }


def lay_noise(netlist: Netlist, drive: Drive, dt: float) -> dict[str, NDArray[Any]]:
    """The showers by their target population, each with its stream and thresholds."""
    names = list(netlist.populations)
    outside = [b for name in names for b in netlist.projections.values() if b.external and b.target == name]
    tables: Sequence[NDArray[np.uint32]] = [netlist.sources[b.source].stimulus.table(dt) for b in outside]  # type: ignore[attr-defined]
    return {
        "first": np.cumsum([0, *(sum(b.target == n for b in outside) for n in names)]).astype(np.int64),
        "key": np.array([drive.key(b.source) for b in outside], np.uint64),
        "delay": np.array([int(delay_steps(b, dt)) for b in outside], np.int64),
        "weight": np.array([round(float(b.weight)) for b in outside], np.int16),  # type: ignore[arg-type]
        "table": np.concatenate([*tables, np.zeros(0, np.uint32)]),
        "table_at": np.cumsum([0, *(t.size for t in tables)]).astype(np.int64),
    }
