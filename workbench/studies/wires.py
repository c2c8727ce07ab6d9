"""Wires of a crossbar have resistance: voltages sag along the rows, rise along the columns, and cells far away count for less.

Rows are driven at their left end; columns end in ground beyond the last row. What is shown is the exact solution of the network.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar, Self, final

import numpy as np
from numpy.typing import NDArray

from workbench import streams
from workbench.backends.base import report
from workbench.fields import choice, count, described, quantity, text
from workbench.figures import crossbar as pictured
from workbench.figures import wires as drawn
from workbench.figures.picture import Picture
from workbench.physics import wires
from workbench.studies.painting import painted
from workbench.studies.study import Progress, Result, Study
from workbench.units import V, mV, ohm, uS, uW
from workbench.words import tr

__all__ = ["Wires"]

Array = NDArray[np.float64]
PATTERNS = ("uniform", "random", "diagonal", "checkerboard", "painted")
INPUTS = ("all on", "one row", "every other row", "random", "both signs")
SIZES = (2, 4, 8, 16, 32, 64, 128)
"""Arrays that are solved for the picture of the reach."""
SOURCE = "Closed form of the ladder: computed here; the network: Kirchhoff's law at every node"


@final
@described
class Wires(Study):
    """What reaches the columns of a crossbar when its wires are not perfect."""

    title: ClassVar[str] = "Voltages along the wires"
    views: ClassVar[tuple[str, ...]] = ("conductances", "voltages", "losses", "currents", "reach")
    paints: ClassVar[dict[str, str]] = {"conductances": "painted", "voltages": "painted"}
    main_knobs: ClassVar[tuple[str, ...]] = (
        "rows",
        "columns",
        "row_wire_ohm",
        "column_wire_ohm",
        "pattern",
        "painted",
        "inputs",
        "on_us",
        "off_us",
    )
    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "good wires": {"row_wire_ohm": 0.01, "column_wire_ohm": 0.01},
        "the ladder of the closed form": {
            "rows": 2,
            "columns": 128,
            "row_wire_ohm": 1.0,
            "column_wire_ohm": 0.0,
            "pattern": "uniform",
            "on_us": 10.0,
        },
        "one row, far from ground": {"inputs": "one row", "pattern": "random"},
        "a diagonal among leaks": {
            "pattern": "diagonal",
            "off_us": 20.0,
            "row_wire_ohm": 10.0,
            "column_wire_ohm": 10.0,
        },
        "terrible wires": {"row_wire_ohm": 100.0, "column_wire_ohm": 100.0, "pattern": "random"},
    }

    rows: int = count(64, low=2, high=128, doc="rows of the array, each with a driver at its left end")
    columns: int = count(64, low=2, high=128, doc="columns of the array, grounded beyond the last row")
    row_wire: float = quantity(
        2 * ohm, "Ω", low=0.0, high=1000 * ohm, doc="resistance of a row from cell to cell", label="row wire"
    )
    column_wire: float = quantity(
        2 * ohm, "Ω", low=0.0, high=1000 * ohm, doc="resistance of a column from cell to cell", label="column wire"
    )
    pattern: str = choice("uniform", PATTERNS, doc="which cells conduct well")
    painted: str = text(
        "", doc="cells, such as 3,4 3,5, whose conductance is turned over: on becomes off, off becomes on"
    )
    inputs: str = choice("all on", INPUTS, doc="what the rows are driven with")
    on: float = quantity(100 * uS, "µS", low=0.0, high=1000 * uS, doc="conductance of a cell that is on", label="on")
    off: float = quantity(1 * uS, "µS", low=0.0, high=1000 * uS, doc="conductance of a cell that is off", label="off")
    voltage: float = quantity(0.2 * V, "mV", low=1 * mV, high=2 * V, doc="voltage of a driven row", label="voltage")
    seed: int = count(0, doc="seed of random cells and inputs")

    def check(self) -> None:
        """Painted cells must lie in the array."""
        painted(self.painted, (self.rows, self.columns))

    def quick(self) -> Self:
        """It is quick already."""
        return self

    @property
    def conductances(self) -> Array:
        """The cells, S, (rows, columns)."""
        shape = (self.rows, self.columns)
        i, j = np.indices(shape)
        if self.pattern == "random":
            on = streams.uniform(streams.stream(self.seed, "wires", "cells"), 0, i.size).reshape(shape)
        else:
            on = {
                "uniform": np.ones(shape),
                "diagonal": (i * self.columns // self.rows == j) | (j * self.rows // self.columns == i),
                "checkerboard": (i + j) % 2 == 0,
                "painted": np.zeros(shape),
            }[self.pattern].astype(float)
        on = np.where(painted(self.painted, shape), 1.0 - on, on)
        return self.off + (self.on - self.off) * on

    @property
    def driven(self) -> Array:
        """The rows' voltages, V, (rows,)."""
        k = np.arange(self.rows)
        drawn_at_random = streams.uniform(streams.stream(self.seed, "wires", "inputs"), 0, self.rows)
        shares = {
            "all on": np.ones(self.rows),
            "one row": k == 0,
            "every other row": k % 2 == 0,
            "random": drawn_at_random,
            "both signs": 2 * drawn_at_random - 1,
        }[self.inputs]
        return self.voltage * shares

    def run(self, progress: Progress | None = None) -> Result:
        """See Study."""
        report(progress, 0.0, tr("running"))
        g, v = self.conductances, self.driven
        through = wires.effective(g, self.row_wire, self.column_wire)
        currents, row_nodes, column_nodes = wires.solve(g, v, self.row_wire, self.column_wire)
        ideal = v @ g
        on = v != 0
        whole = np.maximum(g.sum(axis=0), 1e-300)
        kept = through.sum(axis=0) / whole
        ladder = wires.ladder(self.columns, self.on, self.row_wire)
        far = wires.continuum(self.columns, self.on, self.row_wire)
        numbers = {
            "mean_loss_percent": 100 * (1 - float(through.sum()) / max(float(g.sum()), 1e-300)) if g.any() else 0.0,
            "worst_loss_percent": 100 * (1 - float(kept.min())) if g.any() else 0.0,
            "worst_error_percent": 100 * float(np.abs(currents - ideal).max() / max(np.abs(ideal).max(), 1e-300)),
            "weakest_row_percent": 100 * float((np.abs(row_nodes[on]) / np.abs(v[on, None])).min(initial=1.0)),
            "highest_column_mv": float(np.abs(column_nodes).max()) / mV,
            "power_uw": float(v @ (g * (row_nodes - column_nodes)).sum(axis=1)) / uW,
            "ladder_end": float(ladder[-1]),
            "continuum_end": far,
        }
        report(progress, 0.5, tr("running"))
        pictures: dict[str, Callable[[], Picture]] = {
            "conductances": partial(pictured.conductances, g, pairs=False),
            "voltages": partial(drawn.voltages, row_nodes, v, source=SOURCE),
            "losses": partial(drawn.losses, through, g, source=SOURCE),
            "currents": partial(drawn.columns, ideal, currents, source=SOURCE),
            "reach": self._reach,
        }
        return Result(study=self, numbers=numbers, pictures=pictures)

    def _reach(self) -> Picture:
        """How far rows of such cells reach: one alone, in closed form and solved; and the last cell of square arrays with columns too."""
        n = np.unique(np.geomspace(1, 1024, 80).astype(int))
        alone, corner = [], []
        for size in SIZES:
            row = wires.solve(np.full((1, size), self.on), [1.0], self.row_wire, 0.0)
            alone.append(float(row.row_nodes[0, -1]))
            square = wires.solve(np.full((size, size), self.on), np.ones(size), self.row_wire, self.column_wire)
            corner.append(float(square.row_nodes[0, -1] - square.column_nodes[0, -1]))
        return drawn.reach(
            {
                "ladder": (n, [wires.ladder(int(k), self.on, self.row_wire)[-1] for k in n]),
                "continuum": (n, [wires.continuum(int(k), self.on, self.row_wire) for k in n]),
            },
            {
                "row, solved": (SIZES, alone),
                "corner of a square, solved": (SIZES, corner),
            },
            here=float(self.columns),
            source=SOURCE,
        )
