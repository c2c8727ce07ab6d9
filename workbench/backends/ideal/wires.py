"""Synapses on Brian2: one Synapses object for each receptor and pair of groups, however many projections there are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from workbench.backends.ideal import dimensions
from workbench.backends.ideal.engine import brian
from workbench.backends.ideal.groups import Group
from workbench.circuits.synapses import Gap
from workbench.circuits.unfold import Block, Netlist
from workbench.circuits.wiring import Rows

__all__ = ["Wire", "plan", "room", "settle"]

# Synapses see the variables of the neurons behind them first, and AdEx has a w.
_WEIGHT = "synaptic_weight"


@final
@dataclass(eq=False)
class Wire:
    """All synapses from one group to another onto one receptor."""

    name: str
    source: Group
    target: Group
    receptor: str
    blocks: tuple[Block, ...]
    variable: str = ""
    """Where a gap junction's current goes."""
    weight: str = _WEIGHT
    """The name of the weight in the code: a number, one for each synapse, or a parameter of the source neuron."""
    brian: Any = None
    steps: int = 0
    """The longest delay."""

    def plan(self) -> None:
        """Decide where the weights live, before the groups are built: they may become parameters of the source group."""
        if isinstance(self.blocks[0].kind, Gap):
            self.variable = f"current_{self.receptor}_{self.target.gaps.get(self.receptor, 0)}"
            self.target.gaps[self.receptor] = self.target.gaps.get(self.receptor, 0) + 1
            return
        of_source: dict[str, float] = {}
        for block in self.blocks:
            if np.ndim(block.weight) or of_source.setdefault(block.source, float(block.weight)) != block.weight:  # type: ignore[arg-type]
                return
        if len(set(of_source.values())) > 1:
            # A weight for each source neuron in place of one for each synapse: 100 kB in place of 125 MB at Brunel's full size.
            values = np.zeros(self.source.size)
            for cells in self.source.cells:
                first = self.source.first[cells.name]
                values[first : first + cells.size] = of_source.get(cells.name, 0.0)
            self.source.extra[f"{_WEIGHT}_{self.name}"] = (values, self.blocks[0].kind.unit)
            self.weight = f"{_WEIGHT}_{self.name}_pre"

    def build(self, clock: Any, delay_steps: Mapping[str, Any]) -> Any:
        """Make the Synapses object and fill it; None when there is not one synapse."""
        b, unit = brian(), self.blocks[0].kind.unit
        # Neurons in whole steps, and those of values, take arrivals in at the beginning of a step: they must lie ready one step earlier.
        early = int(self.target.early)
        dt, delays = clock.dt_, [np.asarray(delay_steps[block.name]) - early for block in self.blocks]
        self.steps = max((int(d.max()) for d in delays if d.size), default=1)
        one_delay = not self.variable and all(d.ndim == 0 and d == delays[0] for d in delays)
        one_weight = all(np.ndim(block.weight) == 0 and block.weight == self.blocks[0].weight for block in self.blocks)
        namespace = {_WEIGHT: dimensions.quantity(self.blocks[0].weight, unit)} if one_weight else {}
        model = "" if one_weight or self.weight != _WEIGHT else f"{_WEIGHT} : {unit} (constant)"
        kind: dict[str, Any] = {}
        if self.variable:
            model += f"\n{self.variable}_post = {_WEIGHT}*(v_pre - v_post) : amp (summed)"
        else:
            kind["on_pre"] = f"arrivals_{self.receptor}_post += {self.weight}"
            if one_delay:
                kind["delay"] = dimensions.quantity(float(delays[0] * dt), "second")
        rows = [
            block.rows(numbered=np.ndim(block.weight) > 0 or d.ndim > 0)
            for block, d in zip(self.blocks, delays, strict=True)
        ]
        if not any(r.targets.size for r in rows):
            return None
        self.brian = b.Synapses(
            self.source.brian, self.target.brian, model, clock=clock, name=self.name, namespace=namespace, **kind
        )
        if model.startswith(_WEIGHT):
            self.brian.variables[_WEIGHT].resize(sum(r.targets.size for r in rows))
            self.brian.variables[_WEIGHT].set_value(_spread([block.weight for block in self.blocks], rows))
        if not self.variable and not one_delay:
            self.brian.pre.variables["delay"].resize(sum(r.targets.size for r in rows))
            self.brian.pre.variables["delay"].set_value(_spread([d * dt for d in delays], rows))
        self._connect(rows)
        return self.brian

    def _connect(self, rows: list[Rows]) -> None:
        """Put the synapses in by source, so that those of one spike lie side by side in memory: twice as fast at full size."""
        total, at = sum(r.targets.size for r in rows), 0
        pre, post = room(self.brian, total)
        for block in self.blocks:
            row = rows.pop(0)
            here = slice(at, at + row.targets.size)
            pre[here] = np.repeat(
                np.arange(block.sizes[0], dtype=np.int32) + self.source.first[block.source], np.diff(row.start)
            )
            post[here] = row.targets
            post[here] += self.target.first[block.target]
            at = here.stop
        settle(self.brian, total)


def room(synapses: Any, total: int) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """The arrays in which Brian2 keeps the two ends of `total` synapses, to be filled; then `settle`.

    What `connect(i=..., j=...)` does, without its four copies of every index.
    """
    ends = synapses.variables["_synaptic_pre"], synapses.variables["_synaptic_post"]
    for end in ends:
        end.resize(total)
    return ends[0].get_value(), ends[1].get_value()


def settle(synapses: Any, total: int) -> None:
    """Let Brian2 count the synapses that were put in."""
    synapses._resize(total)
    synapses._update_synapse_numbers(0)
    synapses._connect_called = True


def _spread(values: Sequence[Any], rows: Sequence[Rows]) -> NDArray[np.float64]:
    return np.concatenate(
        [
            np.broadcast_to(np.asarray(v, np.float64) if np.ndim(v) == 0 else np.asarray(v)[r.edge], r.targets.shape)
            for v, r in zip(values, rows, strict=True)
        ]
    )


def plan(netlist: Netlist, groups: Sequence[Group]) -> list[Wire]:
    """The Synapses objects this netlist needs, with their weights' places decided."""
    home: Mapping[str, Group] = {cells.name: g for g in groups for cells in g.cells}
    together: dict[Any, list[Block]] = {}
    for block in netlist.projections.values():
        if not block.external and block.emits == "spikes":
            together.setdefault((home[block.source].name, home[block.target].name, block.receptor), []).append(block)
    wires = []
    for (source, target, receptor), blocks in together.items():
        wires.append(
            Wire(
                f"{source}_{target}_{receptor}", home[blocks[0].source], home[blocks[0].target], receptor, tuple(blocks)
            )
        )
        wires[-1].plan()
    return wires
