"""Broken chips for tests: any small mesh with dead tiles and links."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import strategies as st

from workbench.chips import CHIPS
from workbench.chips.defects import Defects
from workbench.mapping.faults import drawn

BASE = CHIPS["loihi-small-cores"]
STYLES = ("shortest", "up-down")


def chip(x=8, y=8, *, die=0, each=1, routing="unicast", **defects):
    made = replace(BASE, tiles_x=x, tiles_y=y, die=die, cores_per_tile=each, routing=routing)
    return replace(made, defects=Defects(**defects))


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
