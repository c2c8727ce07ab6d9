"""Broken chips for tests: any small mesh with dead tiles and links."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import strategies as st

from workbench.backends.event.timing import ChipClock, work_of
from workbench.chips import CHIPS
from workbench.chips.defects import Defects
from workbench.circuits import CIRCUITS
from workbench.circuits.unfold import unfold
from workbench.mapping.faults import drawn
from workbench.mapping.mapped import plan

BASE = CHIPS["loihi-small-cores"]
STYLES = ("shortest", "up-down")


def chip(x=8, y=8, *, die=0, each=1, routing="unicast", **defects):
    made = replace(BASE, tiles_x=x, tiles_y=y, die=die, cores_per_tile=each, routing=routing)
    return replace(made, defects=Defects(**defects))


def one_round(made):
    """All neurons of the worm fire at once on a chip: the plan, the clock and what it took."""
    worm = unfold(CIRCUITS["worm"].network(), seed=0)
    found = plan(worm, made, seed=0)
    inside, ways = found.reached.inside, found.ways
    clock = ChipClock(
        made,
        core_of=found.mapped.core_of,
        tiles=found.mapped.tiles,
        start=inside.start,
        core=inside.core,
        work=work_of(made, synaptic=inside.operations),
        detours=ways.detours,
        channels=ways.channels,
    )
    many = np.bincount(found.mapped.core_of, minlength=len(found.cores))
    steps, quiet = np.zeros(worm.size, int), np.zeros((1, many.size), int)
    return found, clock, clock.advance(steps, np.arange(worm.size), active=many[None], inactive=quiet)


def live_links(faults):
    """Which links live, as `physics.lattice` takes them: to the east, and to the next row."""
    return faults.open[0, :, :-1], faults.open[2, :-1]


broken = st.builds(
    lambda x, y, die, routers, links: drawn(chip(x, y, die=die, routers=routers, links=links)),
    st.integers(1, 7),
    st.integers(1, 7),
    st.integers(0, 2**20),
    st.floats(0, 0.5),
    st.floats(0, 0.5),
)


def main_part(faults):
    y, x = np.nonzero(faults.part == 0)
    return list(zip(x.tolist(), y.tolist(), strict=True))
