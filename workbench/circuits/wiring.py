"""Wiring rules: who is connected with whom. Each rule is a value; its edges follow from (sizes, key) alone.

A rule gives its edges in one canonical order (by target, then by source or draw), as explicit arrays when a backend wants them
(`edges`), or as rows by source made straight from the rule (`rows`, a compressed sparse row matrix without the transposition).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any, ClassVar, final

import numpy as np
from numpy.typing import NDArray

from workbench import streams
from workbench.errors import DescriptionError
from workbench.kernels import pays
from workbench.words import tr

__all__ = [
    "AllToAll",
    "Edges",
    "Explicit",
    "FixedInDegree",
    "FixedProbability",
    "FixedTotalNumber",
    "HashRule",
    "OneToOne",
    "Rows",
    "Wiring",
]

Edges = tuple[NDArray[np.int32], NDArray[np.int32]]

NEAR = 1 << 15
"""Pairs decided at a time: few enough that their bits stay in the nearest caches."""

SMALL = 1 << 21
"""Synapses up to which NumPy makes rows from the list of edges sooner than compiled loops are loaded, which do without it."""

PAIRS = 1 << 25
"""Pairs up to which NumPy decides sooner than a compiled loop is loaded."""

PAGE = 1 << 16
"""Draws of `FixedTotalNumber` that share one pair of key words."""


@dataclass(frozen=True, eq=False)
class Rows:
    """Synapses by source: those of source i are `targets[start[i]:start[i + 1]]`.

    `edge` holds the canonical number of each synapse, for weights and delays given per edge; None when the caller asked without.
    """

    start: NDArray[np.int64]
    targets: NDArray[Any]
    edge: NDArray[Any] | None


@dataclass(frozen=True)
class Wiring:
    """Abstract: a rule for who is connected with whom."""

    storage: ClassVar[str] = "synaptic operation"
    """What a chip counts when a spike meets one of these synapses: some chips price dense and shared weights apart."""

    def edges(self, sources: int, targets: int, key: int) -> Edges:
        """Source and target of every synapse (int32, int32), in canonical order."""
        raise NotImplementedError

    def rows(self, sources: int, targets: int, key: int, *, numbered: bool = False) -> Rows:
        """The same synapses by source; with `numbered`, each with its canonical number."""
        i, j = self.edges(sources, targets, key)
        order = np.argsort(i.astype(_narrow(sources)), kind="stable")  # narrow numbers are sorted by their digits
        start = np.zeros(sources + 1, np.int64)
        np.cumsum(np.bincount(i, minlength=sources), out=start[1:])
        return Rows(start, j.astype(_narrow(targets))[order], order if numbered else None)

    def count(self, sources: int, targets: int, key: int) -> int:
        """How many synapses there will be."""
        return int(self.edges(sources, targets, key)[0].size)


def _narrow(targets: int) -> Any:
    return np.uint16 if targets <= 65536 else np.uint32


@final
@dataclass(frozen=True)
class AllToAll(Wiring):
    """Every source with every target; `self_connections` keeps the diagonal of a population onto itself."""

    storage: ClassVar[str] = "dense operation"

    self_connections: bool = True

    def edges(self, sources: int, targets: int, key: int) -> Edges:
        """See Wiring."""
        j, i = np.divmod(np.arange(sources * targets, dtype=np.int64), sources)
        if not self.self_connections:
            keep = i != j
            i, j = i[keep], j[keep]
        return i.astype(np.int32), j.astype(np.int32)


@final
@dataclass(frozen=True)
class OneToOne(Wiring):
    """Source i with target i; both sides have the same size."""

    def edges(self, sources: int, targets: int, key: int) -> Edges:
        """See Wiring."""
        if sources != targets:
            raise DescriptionError(
                tr(
                    "One-to-one wiring needs equal sizes, not {sources} and {targets}.",
                    sources=sources,
                    targets=targets,
                )
            )
        i = np.arange(sources, dtype=np.int32)
        return i, i.copy()


@final
@dataclass(frozen=True)
class FixedProbability(Wiring):
    """Every pair independently with `probability`, met to 2^-32; decided pair by pair from the counter rule."""

    probability: float

    def __post_init__(self) -> None:
        if not 0 <= self.probability <= 1:
            raise DescriptionError(
                tr("FixedProbability({p:g}): a probability lies between 0 and 1.", p=self.probability)
            )

    def _threshold(self) -> int:
        return round(self.probability * 2**32)

    def edges(self, sources: int, targets: int, key: int) -> Edges:
        """See Wiring; in NumPy, a block of targets at a time."""
        limit = self._threshold()  # may be 2³², which is more than 32 bits hold
        index = np.arange(sources, dtype=np.uint32)
        parts: list[NDArray[np.int64]] = []
        block = max(1, NEAR // max(sources, 1))
        for first in range(0, targets, block):
            w = streams.step_words(key, first, min(first + block, targets))
            hit = streams.bits(w[:, :1], w[:, 1:], index[None, :]) < limit
            parts.append(np.flatnonzero(hit) + first * sources)
        flat = np.concatenate(parts) if parts else np.zeros(0, np.int64)
        j, i = np.divmod(flat, max(sources, 1))
        return i.astype(np.int32), j.astype(np.int32)

    def rows(self, sources: int, targets: int, key: int, *, numbered: bool = False) -> Rows:
        """See Wiring; straight from the rule, without a list of edges where there are many pairs."""
        pairs = sources * targets
        if not (pays(pairs, PAIRS) or pays(pairs * self.probability, SMALL)):
            return super().rows(sources, targets, key, numbered=numbered)
        from workbench.kernels import wiring  # noqa: PLC0415  compiled kernels only for what is large

        limit = np.uint64(self._threshold())
        most = _narrow(sources * targets)(0)
        start, flat, edge = wiring.rows_of_pairs(
            sources, targets, np.uint64(key), limit, _narrow(targets)(0), most, numbered
        )
        return Rows(start, flat, edge if numbered else None)


@final
@dataclass(frozen=True)
class FixedInDegree(Wiring):
    """Every target draws the same number of sources, with replacement (multapses and autapses happen, as in Brunel 2000's simulations in NEST).

    Give `degree`, or `fraction` of the source population (rounded to a whole number).
    """

    degree: int | None = None
    fraction: float | None = None

    def __post_init__(self) -> None:
        if (self.degree is None) == (self.fraction is None):
            raise DescriptionError(tr("FixedInDegree takes either degree or fraction."))
        if (self.degree or 0) < 0 or not 0 <= (self.fraction or 0) <= 1:
            raise DescriptionError(tr("FixedInDegree needs a degree of 0 or more, or a fraction between 0 and 1."))

    def inputs(self, sources: int) -> int:
        """The in-degree for a source population of this size."""
        return self.degree if self.degree is not None else round(self.fraction * sources)  # type: ignore[operator]

    def edges(self, sources: int, targets: int, key: int) -> Edges:
        """See Wiring. Draw k of target j is bits(key, j, k) · sources >> 32."""
        degree = self.inputs(sources)
        draw = np.arange(degree, dtype=np.uint32)
        i = np.empty((targets, degree), np.int32)
        block = max(1, 2_000_000 // max(degree, 1))
        for first in range(0, targets, block):
            last = min(first + block, targets)
            w = streams.step_words(key, first, last)
            drawn = streams.bits(w[:, :1], w[:, 1:], draw[None, :]).astype(np.uint64)
            i[first:last] = (drawn * np.uint64(sources)) >> np.uint64(32)
        return i.reshape(-1), np.repeat(np.arange(targets, dtype=np.int32), degree)

    def rows(self, sources: int, targets: int, key: int, *, numbered: bool = False) -> Rows:
        """See Wiring; two passes over the rule, no list of edges where there are many."""
        degree = self.inputs(sources)
        if not pays(degree * targets, SMALL):
            return super().rows(sources, targets, key, numbered=numbered)
        from workbench.kernels import wiring  # noqa: PLC0415

        most = _narrow(degree * targets)(0)
        start, flat, edge = wiring.rows_of_draws(
            sources, targets, degree, np.uint64(key), _narrow(targets)(0), most, numbered
        )
        return Rows(start, flat, edge if numbered else None)

    def count(self, sources: int, targets: int, key: int) -> int:
        """In-degree × targets."""
        return self.inputs(sources) * targets


@final
@dataclass(frozen=True)
class FixedTotalNumber(Wiring):
    """So many synapses in all: each draws its source and its target, with replacement (multapses and autapses happen).

    Draw d belongs to page d >> 16 of the rule, with k = d & 0xffff: its source is bits(key, page, k) · sources >> 32, its target
    bits(key, page, k + 65536) · targets >> 32. In- and out-degrees are binomial, as in the microcircuit of Potjans and Diesmann
    2014, Cereb. Cortex 24:785.
    """

    total: int

    def __post_init__(self) -> None:
        if isinstance(self.total, bool) or not isinstance(self.total, int) or self.total < 0:
            raise DescriptionError(
                tr("FixedTotalNumber.total is {value!r}: it must be a whole number, 0 or more.", value=self.total)
            )

    def edges(self, sources: int, targets: int, key: int) -> Edges:
        """See Wiring; in NumPy. Synapses of one target stay in the order of their draws."""
        i, j = np.empty(self.total, np.int32), np.empty(self.total, np.int32)
        k = np.arange(PAGE, dtype=np.uint32)
        for first in range(0, self.total, PAGE):
            w = streams.step_words(key, first // PAGE, first // PAGE + 1)[0]
            here = k[: self.total - first]
            for drawn, shift, size in ((i, 0, sources), (j, PAGE, targets)):
                bits = streams.bits(w[0], w[1], here + np.uint32(shift)).astype(np.uint64)
                drawn[first : first + PAGE] = (bits * np.uint64(size)) >> np.uint64(32)
        order = np.argsort(j.astype(_narrow(targets)), kind="stable")
        return i[order], j[order]

    def rows(self, sources: int, targets: int, key: int, *, numbered: bool = False) -> Rows:
        """See Wiring; straight from the rule: counted, dealt to the targets, dealt to the sources. No long list of edges is made."""
        if not pays(self.total, SMALL):
            return super().rows(sources, targets, key, numbered=numbered)
        from workbench.kernels import wiring  # noqa: PLC0415

        number = (np.uint32 if self.total <= 2**32 else np.int64)(0)
        start, flat, edge = wiring.rows_of_total(
            sources, targets, self.total, np.uint64(key), _narrow(targets)(0), _narrow(sources)(0), number, numbered
        )
        return Rows(start, flat, edge if numbered else None)

    def count(self, sources: int, targets: int, key: int) -> int:
        """The total."""
        return self.total


@final
@dataclass(frozen=True)
class HashRule(Wiring):
    """Every source reaches `fan_out` targets drawn by the counter rule, with replacement: a graph that need not be stored.

    Draw k of source i is bits(key, i, k) · targets >> 32; a `locality` above 0 keeps that share of the draws within `reach`
    neighbours of the source's own relative place.
    """

    fan_out: int
    locality: float = 0.0
    reach: int = 64

    def __post_init__(self) -> None:
        if self.fan_out < 0 or not 0 <= self.locality <= 1 or self.reach < 1:
            raise DescriptionError(
                tr("HashRule needs fan_out of 0 or more, locality between 0 and 1, reach of 1 or more.")
            )

    def targets_of(self, source: NDArray[np.uint32], sources: int, targets: int, key: int) -> NDArray[np.int64]:
        """The targets of each given source, shape (len(source), fan_out)."""
        least, most = (int(source.min()), int(source.max())) if source.size else (0, -1)
        if most - least < 4 * source.size + 64:
            w = streams.step_words(key, least, most + 1)[source - np.uint32(least)]
        else:
            w = np.concatenate([streams.step_words(key, i, i + 1) for i in source.tolist()])
        k = np.arange(self.fan_out, dtype=np.uint32)[None, :]
        drawn = streams.bits(w[:, :1], w[:, 1:], k).astype(np.uint64)
        far = ((drawn * np.uint64(targets)) >> np.uint64(32)).astype(np.int64)
        if self.locality == 0:
            return far
        coin = streams.bits(w[:, :1], w[:, 1:], k + np.uint32(0x80000000)).astype(np.uint64)
        width = min(2 * self.reach + 1, targets)
        home = source.astype(np.int64)[:, None] * targets // max(sources, 1)
        near = (home - width // 2 + ((drawn * np.uint64(width)) >> np.uint64(32)).astype(np.int64)) % targets
        return np.where(coin < np.uint64(round(self.locality * 2**32)), near, far)

    def edges(self, sources: int, targets: int, key: int) -> Edges:
        """See Wiring."""
        j = self.targets_of(np.arange(sources, dtype=np.uint32), sources, targets, key).reshape(-1)
        i = np.repeat(np.arange(sources, dtype=np.int64), self.fan_out)
        order = np.argsort(j, kind="stable")
        return i[order].astype(np.int32), j[order].astype(np.int32)

    def rows(self, sources: int, targets: int, key: int, *, numbered: bool = False) -> Rows:
        """See Wiring; straight from the rule, without a list of edges where there are many."""
        if not pays(self.fan_out * sources, SMALL):
            return super().rows(sources, targets, key, numbered=numbered)
        from workbench.kernels import wiring  # noqa: PLC0415

        start, flat, edge = wiring.rows_of_hash(
            sources,
            targets,
            self.fan_out,
            np.uint64(key),
            round(self.locality * 2**32),
            min(2 * self.reach + 1, targets),
            _narrow(targets)(0),
            _narrow(sources)(0),
            _narrow(self.fan_out * sources)(0),
            numbered,
        )
        return Rows(start, flat, edge if numbered else None)

    def count(self, sources: int, targets: int, key: int) -> int:
        """Fan-out × sources."""
        return self.fan_out * sources


@final
@dataclass(frozen=True, eq=False)
class Explicit(Wiring):
    """Synapses given one by one: a SciPy sparse matrix (source × target) or its row and column indices.

    The matrix's values are weights only if the projection's weight is `Explicit.values` times a scale: use `Explicit.weights`.
    """

    matrix: Any
    digest: str = field(init=False, default="")

    def __post_init__(self) -> None:
        coo = self.matrix.tocoo() if hasattr(self.matrix, "tocoo") else None
        if coo is None:
            raise DescriptionError(
                tr(
                    "Explicit takes a SciPy sparse matrix, sources × targets, not {kind}.",
                    kind=type(self.matrix).__name__,
                )
            )
        if not np.isfinite(coo.data).all():
            raise DescriptionError(tr("Explicit: the matrix holds values that are not finite."))
        order = np.lexsort((coo.row, coo.col))
        i, j, w = (
            coo.row[order].astype(np.int32),
            coo.col[order].astype(np.int32),
            np.asarray(coo.data, np.float64)[order],
        )
        object.__setattr__(self, "matrix", (i, j, w, coo.shape))
        digest = hashlib.blake2b(digest_size=16)
        for part in (i, j, w):
            digest.update(np.ascontiguousarray(part).tobytes())
        object.__setattr__(self, "digest", digest.hexdigest())

    @property
    def weights(self) -> NDArray[np.float64]:
        """The matrix's values, in the canonical order of the edges (by target, then source)."""
        return self.matrix[2]

    def edges(self, sources: int, targets: int, key: int) -> Edges:
        """See Wiring."""
        i, j, _, shape = self.matrix
        if shape != (sources, targets):
            raise DescriptionError(
                tr(
                    "Explicit: the matrix is {rows} × {columns}, the populations need {sources} × {targets}.",
                    rows=shape[0],
                    columns=shape[1],
                    sources=sources,
                    targets=targets,
                )
            )
        return i, j

    def __getstate__(self) -> dict[str, Any]:
        return {"matrix": self.matrix, "digest": self.digest}
