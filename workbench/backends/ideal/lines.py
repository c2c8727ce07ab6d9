"""What carries values on Brian2: delay lines and synapses.

The weights and sums are Brian2's own: a summed variable for each receptor and sender. What was emitted some steps ago lies in a
delay line, a group of its own with one row of neurons for each delay in use; what is emitted in the same step is read where it
arises.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from workbench.backends.base import delay_steps
from workbench.backends.ideal import wires
from workbench.backends.ideal.engine import brian
from workbench.backends.ideal.groups import Group
from workbench.backends.ideal.values import PLACES, SLOT
from workbench.circuits.drive import Drive
from workbench.circuits.unfold import Block, Netlist

__all__ = ["Line", "ValueWire", "lay"]

_AHEAD = 500_000
"""At most so many numbers are held ahead of their step."""

_WEIGHT = "synaptic_weight"


# --- delay lines ----------------------------------------------------------------------------------------------------------


@final
class Line:
    """What one population or source emitted, at hand for each delay in use: a row of neurons holding `held` for each."""

    def __init__(
        self, number: int, size: int, delays: Sequence[int], *, group: Group | None, source: str, drive: Drive
    ) -> None:
        self.number, self.size, self.delays = number, size, tuple(delays)
        self._group, self._source, self._drive = group, source, drive
        self._longest = max(self.delays)
        self._open = group is None and drive.is_external(source)
        self.handed = np.zeros((0 if group is None else self._longest, size))
        """A source's values handed to `advance` that may still be under way, the last those of the step before `handed_stop`;
        of a population, what it emitted in the last steps but one (the last is still in the neurons)."""
        self.handed_stop = 0
        self._start, self._stop, self._ahead = 0, 0, np.zeros((0, size))
        self.brian: Any = None

    def build(self, clock: Any) -> Any:
        """Make the rows."""
        count = self.size * len(self.delays)
        self.brian = brian().NeuronGroup(count, "held : 1", clock=clock, name=f"line_{self.number}")
        self._held = self.brian.variables["held"].get_value().reshape(len(self.delays), self.size)
        return self.brian

    def places(self, neurons: NDArray[Any], delays: NDArray[Any]) -> NDArray[Any]:
        """Where what these neurons emitted these delays ago lies."""
        return np.searchsorted(np.array(self.delays), delays) * self.size + neurons

    def window(self, start: int, stop: int, given: Mapping[str, NDArray[Any]]) -> None:
        """Get ready for the steps `start` to `stop`, with the values handed in for them."""
        self._start, self._stop, self._end = start, start, stop
        if self._open:
            new = given.get(self._source, np.zeros((stop - start, self.size)))
            self.handed = np.concatenate([self.handed[max(len(self.handed) - self._longest, 0) :], new])
            self.handed_stop = stop

    def __call__(self, step: int) -> None:
        """Lay out what is read in `step`."""
        if self._group is not None:
            if step:
                self.handed[:-1] = self.handed[1:]
                self.handed[-1] = self._group.array("y")
            for row, delay in enumerate(self.delays):
                self._held[row] = self.handed[self._longest - delay]
            return
        if step >= self._stop:
            self._start, self._stop = step, min(self._end, step + max(1, _AHEAD // self.size))
            self._ahead = self._sent(self._start - self._longest, self._stop)
        for row, delay in enumerate(self.delays):
            self._held[row] = self._ahead[step - self._start + self._longest - delay]

    def _sent(self, start: int, stop: int) -> NDArray[np.float64]:
        if not self._open:
            sent = self._drive.values(self._source, max(start, 0), max(stop, 0))
        else:
            begin = self.handed_stop - len(self.handed)
            sent = self.handed[max(start - begin, 0) : max(stop - begin, 0)]
        missing = (stop - start) - len(sent)
        return np.concatenate([np.zeros((missing, self.size)), sent]) if missing else sent


# --- synapses -------------------------------------------------------------------------------------------------------------


@final
@dataclass(eq=False)
class ValueWire:
    """All synapses from one population or source of values to one receptor of a group, of the same step or of earlier ones."""

    number: int
    target: Group
    receptor: str
    group: Group | None
    """The population's own group, for delays of 0."""
    line: Line | None
    blocks: list[Block] = field(default_factory=list)
    variable: str = ""
    synapses: int = 0
    brian: Any = None

    def build(self, clock: Any, dt: float) -> Any:
        """Make the Synapses object and fill it; None when there is not one synapse."""
        ends = [self._ends(block, dt) for block in self.blocks]
        pre, post, weight = (np.concatenate(part) for part in zip(*ends, strict=True))
        self.synapses = pre.size
        if not pre.size:
            return None
        unit = self.blocks[0].kind.unit
        read, source = ("held_pre", self.line) if self.line is not None else ("y_pre", self.group)
        self.brian = brian().Synapses(
            source.brian,  # type: ignore[union-attr]
            self.target.brian,
            f"{_WEIGHT} : {unit} (constant)\n{self.variable}_post = {_WEIGHT}*{read} : {unit} (summed)",
            clock=clock,
            name=f"values_{self.number}",
        )
        updater = self.brian.summed_updaters[f"{self.variable}_post"]
        updater.when, updater.order = SLOT, PLACES * self.target.turn
        self.brian.variables[_WEIGHT].resize(pre.size)
        self.brian.variables[_WEIGHT].set_value(weight)
        to_pre, to_post = wires.room(self.brian, pre.size)
        to_pre[:], to_post[:] = pre, post
        wires.settle(self.brian, pre.size)
        return self.brian

    def _ends(self, block: Block, dt: float) -> tuple[NDArray[Any], NDArray[Any], NDArray[np.float64]]:
        i, j = block.edges()
        lag = np.broadcast_to(np.asarray(delay_steps(block, dt)), i.shape)
        weight = np.broadcast_to(np.asarray(block.weight, np.float64), i.shape)
        # A population's values of the same step are read at the population, a source's in its line.
        mine = np.ones(i.shape, bool) if block.external else (lag == 0) == (self.line is None)
        i, j, lag, weight = i[mine], j[mine], lag[mine], weight[mine]
        return (i if self.line is None else self.line.places(i, lag)), j + self.target.first[block.target], weight


def lay(netlist: Netlist, home: Mapping[str, Group], drive: Drive, dt: float) -> tuple[list[Line], list[ValueWire]]:
    """The delay lines and wires of this netlist's values; each wire's variable is reserved in its target group."""
    lags: dict[str, set[int]] = {}
    together: dict[Any, list[Block]] = {}
    for block in netlist.projections.values():
        if block.emits != "values":
            continue
        found = {int(d) for d in np.unique(delay_steps(block, dt))}
        later = found if block.external else found - {0}
        if later:
            lags.setdefault(block.source, set()).update(later)
            together.setdefault((block.source, home[block.target].name, block.receptor, False), []).append(block)
        if found - later:
            together.setdefault((block.source, home[block.target].name, block.receptor, True), []).append(block)
    sizes = {name: c.size for name, c in {**netlist.populations, **netlist.sources}.items()}
    lines = {
        name: Line(number, sizes[name], sorted(delays), group=home.get(name), source=name, drive=drive)
        for number, (name, delays) in enumerate(lags.items())
    }
    made = []
    for number, ((source, _, receptor, instant), blocks) in enumerate(together.items()):
        target = home[blocks[0].target]
        count = target.sums.get(receptor, 0)
        target.sums[receptor] = count + 1
        made.append(
            ValueWire(
                number,
                target,
                receptor,
                group=home[source] if instant else None,
                line=None if instant else lines[source],
                blocks=blocks,
                variable=f"valued_{receptor}_{count}",
            )
        )
    return list(lines.values()), made
