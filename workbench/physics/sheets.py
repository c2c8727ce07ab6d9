"""Conducting sheets, one above the other on one grid: the equation that heat in a stack and current in a power grid share.

    c_l ∂u_l/∂t = ∇·(σ_l ∇u_l) + a_(l-1)(u_(l-1) − u_l) + a_l (u_(l+1) − u_l) + g_l (r_l − u_l) + s_l

u is a temperature (K) or a potential (V); per layer l, σ is what a square of the sheet conducts along itself (W/K or S), a what an
area conducts across to the next sheet and g to a reservoir held at r (W/(m² K) or S/m²), c is stored per area, s put in per area.
Finite volumes on rows × columns cells; between unlike cells stands the harmonic mean; an edge of the plate is closed (nothing
passes) or held at 0.

Where every layer is uniform, cosine and sine transforms (SciPy) turn the plane into independent columns of a few layers each, solved
by elimination: exact in one pass. Where σ, a or g vary from cell to cell, conjugate gradients (SciPy) are preconditioned: by that same
solve where one layer differs and mildly, else by one cycle of geometric multigrid (`multigrid`). Algebraic multigrid (PyAMG 5.4) takes 5 to 6 s
for wafers of 512 × 512 cells and five layers, whatever varies; these take 0.05 s where uniform, 0.2 to 0.3 s with one mildly uneven
layer, 0.5 to 0.9 s else (one core).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from workbench.errors import DescriptionError
from workbench.physics.krylov import settled
from workbench.physics.multigrid import Grid, Multigrid
from workbench.physics.ranges import positive, sheet, whole
from workbench.words import tr

__all__ = ["EDGES", "Sheets", "faces"]

Array = NDArray[np.float64]
Values = float | Array

EDGES = {"closed": (False, False), "held": (True, True), "held first": (True, False), "held last": (False, True)}
"""What the two edges that end an axis may be: which of (first, last) is held at 0."""

_FORWARD = {"closed": ("dct", 2), "held": ("dst", 2), "held first": ("dst", 4), "held last": ("dct", 4)}
_TOLERANCE = 1e-12
_ROUNDS = 400
_REFINED = 12
_MILD = 4.0
"""How much better than its worst cell the best cell of the one uneven layer may conduct for the uniform stack to be near enough."""


@final
@dataclass(frozen=True, eq=False, kw_only=True)
class Sheets:
    """Layers of sheets on one grid of cells, and how they conduct; see the module for the equation.

    Every entry of `along`, `across`, `ground` and `store` is a number, or an array of rows × columns cells.
    Raises DescriptionError for shapes that do not fit, for negative conductances and where nothing leads out (singular).
    """

    cells: tuple[int, int]
    """Rows and columns."""
    size: tuple[float, float]
    """Height and width, m."""
    along: Sequence[Values]
    across: Sequence[Values] = ()
    ground: Sequence[Values] = ()
    store: Sequence[Values] = ()
    edges: tuple[str, str] = ("closed", "closed")
    """What the first and last row, and the first and last column, end in: see EDGES."""
    _cache: dict[object, object] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        for name, value in zip(("rows", "columns"), self.cells):
            whole(name, value)
        for name, value in zip(("height", "width"), self.size):
            positive(name, value, "m")
        layers = whole("layers", len(self.along))
        for edge in self.edges:
            if edge not in EDGES:
                from workbench.errors import unknown  # noqa: PLC0415  only to refuse

                raise unknown("edge", edge, EDGES)
        for name, wanted in (("across", layers - 1), ("ground", layers), ("store", layers)):
            given = tuple(getattr(self, name)) or (0.0,) * wanted
            if len(given) != wanted:
                raise DescriptionError(
                    tr(
                        "{name} has {given} entries; {layers} layers need {wanted}.",
                        name=name,
                        given=len(given),
                        layers=layers,
                        wanted=wanted,
                    )
                )
            object.__setattr__(self, name, tuple(self._checked(name, v) for v in given))
        object.__setattr__(self, "along", tuple(self._checked("along", v) for v in self.along))

    def _checked(self, name: str, value: Values) -> Values:
        array = np.asarray(value, dtype=np.float64)
        sheet(name, array, self.cells, "")
        flat = array.reshape(-1)
        return array if array.ndim and (flat != flat[0]).any() else float(flat[0])

    @property
    def layers(self) -> int:
        """How many sheets there are."""
        return len(self.along)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Layers, rows, columns."""
        return (self.layers, *self.cells)

    @property
    def area(self) -> float:
        """The area of one cell, m²."""
        return self.size[0] * self.size[1] / (self.cells[0] * self.cells[1])

    @cached_property
    def uniform(self) -> bool:
        """Whether every layer conducts the same everywhere, so that transforms solve it in one pass."""
        return not any(np.ndim(v) for v in (*self.along, *self.across, *self.ground))

    # steady

    def solve(self, source: ArrayLike, *, reservoir: ArrayLike = 0.0) -> Array:
        """The steady field u (layers, rows, columns) for what is put in per area (same shape, or layers, or one number).

        `reservoir` is what the ground conductances lead to, the same shapes. Raises DescriptionError where nothing leads out.
        """
        put = self._spread("source", source)
        held = np.asarray(reservoir, dtype=np.float64)
        if held.any():
            put = put + self._spread("reservoir", held) * self._stacked(self.ground)
        self._refuse_singular()
        if self.uniform:
            return self._backward(self._columns().solve(self._forward(put)))
        return self._solved(put, 0.0)

    def response(self, put: int, read: int) -> Callable[[Array], Array]:
        """The linear map from what is put into layer `put` (per area, rows × columns) to the steady field of layer `read`.

        For uniform layers it costs two plane transforms whatever the number of layers.
        """
        self._refuse_singular()
        if self.uniform:
            gain = self.gain(put, read)
            return lambda power: self._backward(self._forward(power) * gain)

        def respond(power: Array) -> Array:
            source = np.zeros(self.shape)
            source[put] = power
            return self.solve(source)[read]

        return respond

    def gain(self, put: int, read: int) -> Array:
        """What each plane mode of layer `read` answers to the same mode put into layer `put`; uniform layers only."""
        key = ("gain", put, read)
        if key not in self._cache:
            self._refuse_singular()
            unit = np.zeros((self.layers, *self.cells))
            unit[put] = 1.0
            self._cache[key] = self._columns().solve(unit)[read].copy()
        return self._cache[key]  # type: ignore[return-value]

    def answer(self, modes: Mapping[int, Array]) -> Array:
        """The modes of every layer (layers, rows, columns) for the modes of what is put into the layers named by number; uniform layers only."""
        self._refuse_singular()
        put = np.zeros(self.shape)
        for layer, given in modes.items():
            put[layer] = given
        return self._columns().solve(put)

    def modes(self, values: Array) -> Array:
        """The plane modes of `values` (…, rows, columns): orthonormal cosines or sines, by the edges."""
        return self._forward(values)

    def from_modes(self, values: Array) -> Array:
        """The field whose plane modes are `values`: the inverse of `modes`."""
        return self._backward(values)

    def lost(self, u: ArrayLike, *, reservoir: ArrayLike = 0.0) -> tuple[float, float]:
        """What leaves in the field `u`, in W (or A): to the reservoirs, and through the held edges."""
        u = self._spread("field", u, signed=True)
        held = self._spread("reservoir", reservoir, signed=True)
        ground = float((self._stacked(self.ground) * (u - held)).sum() * self.area)
        out = 0.0
        for axis, edge in enumerate(self.edges):
            step = self.size[axis] / self.cells[axis]
            breadth = self.area / step
            for at, is_held in zip((0, -1), EDGES[edge]):
                if is_held:
                    near = np.take(u * self._stacked(self.along), at, axis=axis + 1)
                    out += float(near.sum() * 2 / step * breadth)
        return ground, out

    # in time

    def steps(
        self, source: ArrayLike, *, dt: float, start: ArrayLike = 0.0, reservoir: ArrayLike = 0.0
    ) -> Iterator[Array]:
        """The field after each step of `dt` seconds, for ever, from the field `start`; `source` is constant.

        TR-BDF2 (Bank et al. 1985): second order, and what is stiff dies out. The sum of what is stored, lost and put in balances.
        """
        positive("dt", dt, "s")
        store = self._stacked(self.store)
        if not (store > 0).all():
            raise DescriptionError(
                tr("A layer that stores nothing has no time course; give every layer a store above 0.")
            )
        put = self._spread("source", source) + self._spread("reservoir", reservoir, signed=True) * self._stacked(
            self.ground
        )
        u = np.array(self._spread("start", start, signed=True))
        gamma = 2 - np.sqrt(2.0)
        half = gamma * dt / 2
        plain = self.uniform and not any(np.ndim(v) for v in self.store)
        column = self._columns(1 / half)
        still = self._columns()
        if plain:
            u, put = self._forward(u), self._forward(put)

        def decay(v: Array) -> Array:
            return still.apply(v) if plain else self._shed(v)

        def advance(right: Array) -> Array:
            return column.solve(right / half) if plain else self._solved(right / half, 1 / half)

        while True:
            middle = advance(store * u - half * decay(u) + 2 * half * put)
            u = advance(store * (middle - (1 - gamma) ** 2 * u) / (gamma * (2 - gamma)) + half * put)
            yield self._backward(u) if plain else u.copy()

    # the plane in modes, the layers by elimination

    def _columns(self, rate: float = 0.0) -> _Columns:
        """The column of layers in each mode, with `rate` × store added to the ground."""
        key = ("columns", rate)
        if key not in self._cache:
            squares = self._squares()
            along, across, ground, store = (
                [float(np.mean(v)) for v in values] for values in (self.along, self.across, self.ground, self.store)
            )
            made = _Columns(squares, along, across, [g + rate * c for g, c in zip(ground, store)])
            if rate:
                return made
            self._cache[key] = made
        return self._cache[key]  # type: ignore[return-value]

    def _squares(self) -> Array:
        """The eigenvalue of minus the Laplacian of each mode, 1/m²."""
        parts = []
        for axis, edge in enumerate(self.edges):
            n, step = self.cells[axis], self.size[axis] / self.cells[axis]
            k = np.arange(n) + {"closed": 0.0, "held": 1.0}.get(edge, 0.5)
            parts.append((2 * np.sin(np.pi * k / (2 * n)) / step) ** 2)
        return parts[0][:, None] + parts[1][None, :]

    def _forward(self, values: Array) -> Array:
        return self._transformed(values, "")

    def _backward(self, values: Array) -> Array:
        return self._transformed(values, "i")

    def _transformed(self, values: Array, inverse: str) -> Array:
        from scipy import fft  # noqa: PLC0415  SciPy only where something is solved

        for axis, edge in zip((-2, -1), self.edges):
            name, kind = _FORWARD[edge]
            values = getattr(fft, inverse + name)(values, type=kind, axis=axis, norm="ortho")
        return values

    # cell by cell

    def _shed(self, u: Array) -> Array:
        """What leaves every cell of the field u, per area: the operator itself."""
        out = np.stack([self._plane(k, u[k]) for k in range(self.layers)])
        for k, a in enumerate(self.across):
            flow = (u[k] - u[k + 1]) * a
            out[k] += flow
            out[k + 1] -= flow
        return out

    def _plane(self, layer: int, u: Array, rate: float = 0.0) -> Array:
        """What leaves every cell of one layer along itself and to its ground, per area."""
        out = u * (self.ground[layer] + rate * np.asarray(self.store[layer]))
        for axis, edge in enumerate(self.edges):
            v, o = (u, out) if axis == 0 else (u.T, out.T)
            between, ends = self._faces(layer, axis)
            flow = (v[1:] - v[:-1]) * between
            o[1:] += flow
            o[:-1] -= flow
            for at, is_held in zip((0, -1), EDGES[edge]):
                if is_held:
                    o[at] += v[at] * ends[at]
        return out

    def _faces(self, layer: int, axis: int) -> tuple[Values, tuple[Values, Values]]:
        """What faces along an axis conduct between cells, and the half cells at its two ends, per area of a cell."""
        key = ("faces", layer, axis)
        if key not in self._cache:
            step = self.size[axis] / self.cells[axis]
            each = self.along[layer]
            if np.ndim(each):
                each = np.asarray(each) if axis == 0 else np.asarray(each).T
                self._cache[key] = (faces(each) / step**2, (2 * each[0] / step**2, 2 * each[-1] / step**2))
            else:
                self._cache[key] = (each / step**2, (2 * each / step**2,) * 2)
        return self._cache[key]  # type: ignore[return-value]

    def _solved(self, put: Array, rate: float) -> Array:
        """The field of sheets that differ from cell to cell, with `rate` × store added to the ground."""
        layer = self._alone
        if layer is not None:
            return self._by_one_layer(put, self._columns(rate), rate, layer)
        grid, around = self.grids(rate)
        u = _gradients(grid.shed, around.near, np.ascontiguousarray(put.transpose(1, 0, 2)))
        return np.ascontiguousarray(u.transpose(1, 0, 2))

    @cached_property
    def _alone(self) -> int | None:
        """The one layer that differs from cell to cell, and that mildly, if there is such: the uniform stack is near enough then."""
        vary = [k for k in range(self.layers) if any(np.ndim(v[k]) for v in (self.along, self.ground, self.store))]
        if len(vary) != 1 or any(np.ndim(a) for a in self.across):
            return None
        along = np.asarray(self.along[vary[0]])
        return vary[0] if along.max() <= _MILD * along.min() else None

    def grids(self, rate: float = 0.0) -> tuple[Grid, Multigrid]:
        """The cells as one grid of conductances, per area of a cell, and the coarser ones."""
        if ("grids", rate) not in self._cache:
            rows, columns = self.cells
            down, right, across, ground = (np.zeros((rows, self.layers, columns)) for _ in range(4))
            for k in range(self.layers):
                down[:-1, k] = self._faces(k, 0)[0]
                right[:, k, :-1] = np.transpose(self._faces(k, 1)[0])
                ground[:, k] = self.ground[k] + rate * np.asarray(self.store[k])
                for axis, edge in enumerate(self.edges):
                    near = ground[:, k] if axis == 0 else ground[:, k].T
                    for at, end, is_held in zip((0, -1), self._faces(k, axis)[1], EDGES[edge]):
                        if is_held:
                            near[at] += end
            for k, a in enumerate(self.across):
                across[:, k] = a
            grid = Grid(down, right, across, ground)
            self._cache["grids", rate] = grid, Multigrid(grid)
        return self._cache["grids", rate]  # type: ignore[return-value]

    def coupled(
        self, put: Array, fed: Callable[[Array], Array], *, near: Array | None = None, tolerance: float = 1e-12
    ) -> Array:
        """The steady field that `put` per area makes when the field u itself puts in fed(u) besides, linearly, from a guess `near` it.

        `fed` takes and gives (rows, layers, columns), in either precision; all else is (layers, rows, columns). Each round takes what
        is short in float64 and answers it by GMRES in float32. Raises DescriptionError when it does not settle.
        """
        self._refuse_singular()
        grid, around = self.grids()
        right = np.ascontiguousarray(put.transpose(1, 0, 2))
        goal = tolerance * float(np.linalg.norm(right))
        u = np.zeros_like(right) if near is None else np.ascontiguousarray(near.transpose(1, 0, 2))
        for _ in range(_REFINED):
            short = right + fed(u) - grid.shed(u)
            if float(np.linalg.norm(short)) <= goal:
                break
            u = u + settled(
                lambda v: around.near(around.grid.shed(v) - fed(v)),
                around.near(short.astype(np.float32)),
                tolerance=1e-4,
            )
        return np.ascontiguousarray(u.transpose(1, 0, 2))

    def _by_one_layer(self, put: Array, column: _Columns, rate: float, layer: int) -> Array:
        """Conjugate gradients on the one layer that varies: what the others do to it is a number for each mode."""
        unit = np.zeros(self.shape)
        unit[layer] = 1.0
        gain = column.solve(unit)[layer]
        alone = column.diagonal[layer] - column.joined(layer)
        others = 1 / gain - alone

        def apply(w: Array) -> Array:
            return self._backward(others * self._forward(w)) + self._plane(layer, w, rate)

        modes = self._forward(put)
        base = column.solve(modes)[layer]
        w = _gradients(apply, lambda r: self._backward(gain * self._forward(r)), self._backward(base / gain))
        # What the layer really sheds, less what the uniform one would, is a source the uniform stack does not have.
        modes[layer] -= self._forward(self._plane(layer, w, rate)) - alone * self._forward(w)
        return self._backward(column.solve(modes))

    # shapes

    def _spread(self, name: str, value: ArrayLike, *, signed: bool = True) -> Array:
        array = np.asarray(value, dtype=np.float64)
        if array.ndim == 1 and array.shape == (self.layers,):
            array = array[:, None, None] * np.ones((1, *self.cells))
        return sheet(name, array, self.shape, "", signed=signed)

    def _stacked(self, values: Sequence[Values]) -> Array:
        """Values of layers as an array that broadcasts with a field; a full array only where something varies."""
        if any(np.ndim(v) for v in values):
            return np.stack([np.broadcast_to(np.asarray(v, dtype=np.float64), self.cells) for v in values])
        return np.broadcast_to(np.array(values, dtype=np.float64)[:, None, None], self.shape)

    def _refuse_singular(self) -> None:
        """Raises DescriptionError where some layer leads nowhere: neither over its edges nor across to a ground."""
        if any(any(EDGES[e]) for e in self.edges) and all(np.all(np.asarray(v) > 0) for v in self.along):
            return
        leads = [bool(np.any(np.asarray(g) > 0)) for g in self.ground]
        joined = [bool(np.any(np.asarray(a) > 0)) for a in self.across]
        for _ in range(self.layers):
            for k, a in enumerate(joined):
                if a and (leads[k] or leads[k + 1]):
                    leads[k] = leads[k + 1] = True
        if not all(leads):
            raise DescriptionError(
                tr(
                    "Layer {layer} leads nowhere: hold an edge or give a ground conductance above 0, or its field has no steady state.",
                    layer=leads.index(False),
                )
            )


def _gradients(apply: Callable[[Array], Array], near: Callable[[Array], Array], right: Array) -> Array:
    """The u with apply(u) = right by SciPy's conjugate gradients; raises DescriptionError when it does not settle."""
    from scipy.sparse.linalg import LinearOperator, cg  # noqa: PLC0415  SciPy only where something is solved

    shape = right.shape

    def flat(function: Callable[[Array], Array]) -> LinearOperator:
        n = right.size
        return LinearOperator((n, n), matvec=lambda v: function(v.reshape(shape)).reshape(-1), dtype=np.float64)  # pyright: ignore[reportCallIssue]

    u, left = cg(flat(apply), right.reshape(-1), rtol=_TOLERANCE, maxiter=_ROUNDS, M=flat(near))
    if left:
        raise DescriptionError(
            tr(
                "The field did not settle in {rounds} rounds: neighbouring cells conduct too differently. Use a finer grid or milder contrasts.",
                rounds=_ROUNDS,
            )
        )
    return u.reshape(shape)


def faces(values: Array) -> Array:
    """The harmonic mean of neighbours along the first axis: what two half cells in series conduct; 0 beside a cell that does not."""
    a, b = values[:-1], values[1:]
    together = a + b
    return np.where(together > 0, 2 * a * b / np.where(together > 0, together, 1.0), 0.0)


@final
class _Columns:
    """The layers above one another in every plane mode: symmetric tridiagonal systems, eliminated once."""

    def __init__(self, squares: Array, along: list[float], across: list[float], ground: list[float]) -> None:
        self.across = across
        self.diagonal = [squares * s + (g + self.joined(k)) for k, (s, g) in enumerate(zip(along, ground))]
        self.pivots: list[Array] = []
        for k, d in enumerate(self.diagonal):
            pivot = d if not k else d - across[k - 1] ** 2 * self.pivots[-1]
            with np.errstate(divide="ignore"):
                self.pivots.append(1 / pivot)

    def joined(self, layer: int) -> float:
        """What a layer conducts across to its neighbours, per area."""
        return sum(self.across[max(layer - 1, 0) : layer + 1])

    def solve(self, right: Array) -> Array:
        """The columns' values for their right sides (layers, …)."""
        out = np.array(right, dtype=np.float64)
        for k, a in enumerate(self.across):
            out[k + 1] += out[k] * (a * self.pivots[k])
        out[-1] *= self.pivots[-1]
        for k in range(len(self.across) - 1, -1, -1):
            out[k] = (out[k] + out[k + 1] * self.across[k]) * self.pivots[k]
        return out

    def apply(self, values: Array) -> Array:
        """The columns' matrices times values (layers, …)."""
        out = np.stack([d * v for d, v in zip(self.diagonal, values)])
        for k, a in enumerate(self.across):
            out[k] -= a * values[k + 1]
            out[k + 1] -= a * values[k]
        return out
