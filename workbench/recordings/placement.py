"""Where a network ended up on its chip, how full that made it, what each step of the mapping gained, and what was lost on the way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import final

import numpy as np
from numpy.typing import NDArray

from workbench.units import nJ
from workbench.words import tr

__all__ = ["CoreUse", "Placement", "StepCost", "Use", "cost_sentences", "cost_table"]

Use = tuple[int, int]
"""(used, limit)."""


@final
@dataclass(frozen=True)
class CoreUse:
    """One core or tile of a chip: its place on the mesh and its resources by name as (used, limit).

    An event chip's core has neurons, synapses, axons in and axons out; a crossbar's tile rows, columns and cells.
    """

    name: str
    tile: tuple[int, int]
    uses: Mapping[str, Use] = field(default_factory=dict, hash=False)

    def resources(self) -> dict[str, Use]:
        """Every resource by name."""
        return dict(self.uses)

    def used(self, resource: str) -> int:
        """How much of a resource is taken; 0 for one the core does not have."""
        return self.uses.get(resource, (0, 0))[0]


@final
@dataclass(frozen=True)
class StepCost:
    """What packets cost after one step of the mapping, when every neuron fires once (or as often as the mapping was told)."""

    step: str
    """"start", "partition", "place" or "route"."""
    method: str
    packets: float
    spike_hops: float
    """Links crossed by all packets, all copies of a multicast packet together."""
    mean_hops: float
    """Links crossed for each (spike, core reached)."""
    max_link: float
    """Packets over the busiest link."""
    joules: float
    """Energy of the packets at the chip's prices."""


@final
@dataclass(frozen=True, eq=False)
class Placement:
    """The cores in use, the core of every neuron (int32; empty when there are no cores), and losses in plain sentences."""

    cores: tuple[CoreUse, ...] = ()
    core_of: NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, np.int32))
    losses: tuple[str, ...] = ()
    mesh: tuple[int, ...] = (0, 0)
    """Tiles in x and y; of a chip of layers all rows of tiles, those of one layer after the other, and then how many layers."""
    costs: tuple[StepCost, ...] = ()
    """What packets cost before the mapping (sequential, row-major, unicast) and after each of its steps."""

    @property
    def fullest(self) -> CoreUse | None:
        """The core with the largest share of any resource used."""
        return max(self.cores, key=lambda c: max(u / m for u, m in c.resources().values() if m), default=None)


def cost_table(costs: tuple[StepCost, ...]) -> str:
    """The costs as a table, one step a line."""
    heads = [tr(h) for h in ("step", "method", "packets", "hops", "hops each", "busiest link", "energy (nJ)")]
    lines = [heads] + [
        [
            tr(c.step),
            tr(c.method),
            f"{c.packets:.6g}",
            f"{c.spike_hops:.6g}",
            f"{c.mean_hops:.3f}",
            f"{c.max_link:.6g}",
            f"{c.joules / nJ:.4g}",
        ]
        for c in costs
    ]
    wide = [max(len(line[k]) for line in lines) for k in range(len(heads))]
    return "\n".join("  ".join(cell.ljust(w) for cell, w in zip(line, wide, strict=True)).rstrip() for line in lines)


def cost_sentences(costs: tuple[StepCost, ...]) -> tuple[str, ...]:
    """The costs as sentences, one for each step: what it was, and what it changed."""
    said: list[str] = []
    for before, after in pairwise(costs):
        said.append(
            tr(
                "{step} ({method}): {packets_before:.6g} → {packets:.6g} packets, {hops_before:.6g} → {hops:.6g} hops, "
                "busiest link {link_before:.6g} → {link:.6g}, {energy_before:.4g} → {energy:.4g} nJ.",
                step=tr(after.step),
                method=tr(after.method),
                packets_before=before.packets,
                packets=after.packets,
                hops_before=before.spike_hops,
                hops=after.spike_hops,
                link_before=before.max_link,
                link=after.max_link,
                energy_before=before.joules / nJ,
                energy=after.joules / nJ,
            )
        )
    return tuple(said)
