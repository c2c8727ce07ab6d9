"""Outside input, the same for every backend: which sources are drawn as the run goes, which are handed over as events or currents."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from workbench.circuits.drive import Drive
from workbench.circuits.stimuli import Poisson
from workbench.circuits.unfold import Block, Netlist
from workbench.circuits.wiring import OneToOne
from workbench.errors import DescriptionError, unknown
from workbench.words import tr

__all__ = ["Events", "current_blocks", "currents", "events", "fused", "spiking_blocks", "value_blocks"]


@final
@dataclass(frozen=True, eq=False)
class Events:
    """Outside spikes of one window by step: those of step start + s are `[at[s]:at[s + 1]]`."""

    at: NDArray[np.int64]
    neurons: NDArray[np.int64]
    counts: NDArray[np.int64]


def fused(netlist: Netlist) -> list[Block]:
    """Blocks a kernel can draw as it goes: a Poisson source one-to-one onto a population, one weight, one delay."""
    return [
        b
        for b in netlist.projections.values()
        if b.external
        and isinstance(b.rule, OneToOne)
        and isinstance(b.weight, float)
        and isinstance(b.delay, float)
        and isinstance(netlist.sources[b.source].stimulus, Poisson)
    ]


def spiking_blocks(netlist: Netlist) -> list[Block]:
    """Blocks from spiking sources."""
    return [
        b for b in netlist.projections.values() if b.external and netlist.sources[b.source].stimulus.kind == "spikes"
    ]


def current_blocks(netlist: Netlist) -> list[Block]:
    """Blocks from current sources."""
    return [
        b for b in netlist.projections.values() if b.external and netlist.sources[b.source].stimulus.kind == "current"
    ]


def value_blocks(netlist: Netlist) -> list[Block]:
    """Blocks from sources of values."""
    return [b for b in netlist.projections.values() if b.external and b.emits == "values"]


def checked_inputs(
    netlist: Netlist, drive: Drive, inputs: Mapping[str, Any] | None, steps: int, *, narrow: bool = False
) -> dict[str, NDArray[Any]]:
    """The counts (int64) and values (float64) handed to `advance`, each of shape (steps, size).

    Counts that fit come as uint16 where `narrow`: a layer's inputs are large, and most of them nought. Raises DescriptionError for a
    name, shape or value that is wrong.
    """
    made: dict[str, NDArray[Any]] = {}
    for name, given in (inputs or {}).items():
        open_sources = [n for n in netlist.sources if drive.is_external(n)]
        if name not in open_sources:
            raise unknown("External source", name, open_sources or ("-",))
        size = netlist.sources[name].size
        array = np.asarray(given)
        if array.shape == (size,):
            array = np.concatenate([array[None, :], np.zeros((max(steps - 1, 0), size), array.dtype)])[:steps]
        if array.shape != (steps, size):
            raise DescriptionError(
                tr(
                    "inputs['{name}'] has shape {shape}; write ({steps}, {size}), or ({size},) for the first step alone.",
                    name=name,
                    shape=array.shape,
                    steps=steps,
                    size=size,
                )
            )
        if netlist.sources[name].stimulus.kind == "values":
            made[name] = _real(name, array)
            continue
        if narrow and (array.dtype == bool or array.dtype in (np.uint8, np.uint16)):
            made[name] = array.astype(np.uint16, order="C", copy=False)
            continue
        if (not np.issubdtype(array.dtype, np.integer) and not np.array_equal(array, np.rint(array))) or (
            array.size and array.min() < 0
        ):
            raise DescriptionError(tr("inputs['{name}'] must hold spike counts: whole numbers, 0 or more.", name=name))
        fits = narrow and array.max(initial=0) < 1 << 16
        made[name] = array.astype(np.uint16 if fits else np.int64, order="C")
    return made


def _real(name: str, array: NDArray[Any]) -> NDArray[np.float64]:
    if array.dtype.kind not in "biuf" or not np.isfinite(array).all():
        raise DescriptionError(tr("inputs['{name}'] must hold values: finite numbers.", name=name))
    return array.astype(np.float64)


def events(
    drive: Drive,
    source: str,
    start: int,
    stop: int,
    given: Mapping[str, NDArray[Any]],
    listed: Callable[[NDArray[np.uint16]], tuple[Any, Any, Any]] | None = None,
) -> Events:
    """The spikes of a source in the steps `start` to `stop`, as a list by step; `listed` is a compiled way to find them."""
    counts = given[source] if source in given else drive.counts(source, start, stop)
    if listed is not None and counts.dtype == np.uint16 and counts.flags.c_contiguous:
        return Events(*listed(counts))
    found = np.flatnonzero(counts)
    at = np.searchsorted(found, np.arange(stop - start + 1) * counts.shape[1])
    neurons = found - np.repeat(np.arange(stop - start) * counts.shape[1], np.diff(at))
    return Events(at.astype(np.int64), neurons, counts.reshape(-1)[found].astype(np.int64))


def currents(netlist: Netlist, drive: Drive, start: int, stop: int) -> dict[str, NDArray[np.float64]]:
    """The outside current of each population that has one, ampere, shape (stop − start, size); summed in the projections' order."""
    made: dict[str, NDArray[np.float64]] = {}
    for b in current_blocks(netlist):
        values = drive.currents(b.source, start, stop)
        total = made.setdefault(b.target, np.zeros((stop - start, b.sizes[1])))
        if isinstance(b.rule, OneToOne):
            total += values * b.weight
        else:
            i, j = b.edges()
            np.add.at(total.T, j, (values[:, i] * b.weight).T)
    return made
