"""Yield: how likely a die, a wafer of cores with spares, or a stack comes out working.

Each model says how the defect density varies from place to place: not at all (Poisson), as a triangle (Murphy), exponentially (Seeds),
or as a gamma distribution of shape α (negative binomial; α = 1 is Seeds, α → ∞ Poisson). The yield is the mean of exp(−λ x) over the
relative density x; the same distribution draws specimens. λ = area × density.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from workbench import streams
from workbench.errors import unknown
from workbench.physics.ranges import not_negative, positive, whole, within

__all__ = [
    "MODELS",
    "dead",
    "defects",
    "density",
    "enough",
    "expected_dead",
    "mean_defects",
    "murphy",
    "negative_binomial",
    "poisson",
    "seeds",
    "spares_needed",
    "survival",
]

Array = NDArray[np.float64]

MODELS = ("poisson", "murphy", "seeds", "negative binomial")


def mean_defects(area: float, density: float) -> float:
    """The mean number of defects λ of an area (m²) at a defect density (1/m²; 0.001/mm² is 1000/m²)."""
    return not_negative("area", area, "m²") * not_negative("density", density, "1/m²")


def poisson(defects: ArrayLike) -> Array:
    """The yield exp(−λ) where defects fall independently."""
    return np.exp(-_lam(defects))


def murphy(defects: ArrayLike) -> Array:
    """Murphy's yield ((1 − exp(−λ))/λ)², 1 at λ = 0."""
    lam = _lam(defects)
    safe = np.where(lam > 0, lam, 1.0)
    return np.where(lam > 0, (-np.expm1(-safe) / safe) ** 2, 1.0)


def seeds(defects: ArrayLike) -> Array:
    """Seeds's yield 1/(1 + λ)."""
    return 1 / (1 + _lam(defects))


def negative_binomial(defects: ArrayLike, alpha: float) -> Array:
    """The yield (1 + λ/α)^(−α) of defects that cluster; the smaller α, the more."""
    positive("alpha", alpha)
    return np.exp(-alpha * np.log1p(_lam(defects) / alpha))


def survival(defects: ArrayLike, model: str = "poisson", *, alpha: float = 2.0) -> Array:
    """The yield for λ defects under the model called `model` (see MODELS)."""
    if model not in MODELS:
        raise unknown("yield model", model, MODELS)
    if model == "negative binomial":
        return negative_binomial(defects, alpha)
    return {"poisson": poisson, "murphy": murphy, "seeds": seeds}[model](defects)


def density(uniform: ArrayLike, model: str = "poisson", *, alpha: float = 2.0) -> Array:
    """The relative defect density of a place, mean 1, for a uniform number in (0, 1): the model's inverse distribution."""
    if model not in MODELS:
        raise unknown("yield model", model, MODELS)
    u = np.asarray(uniform, dtype=np.float64)
    if model == "poisson":
        return np.ones_like(u)
    if model == "murphy":
        return np.where(u < 0.5, np.sqrt(2 * u), 2 - np.sqrt(2 * (1 - u)))
    shape = 1.0 if model == "seeds" else positive("alpha", alpha)
    from scipy.special import gammaincinv  # noqa: PLC0415  SciPy only where it is needed

    return gammaincinv(shape, u) / shape


def defects(
    cells: tuple[int, int],
    mean: float,
    *,
    model: str = "poisson",
    alpha: float = 2.0,
    cluster: tuple[int, int] = (1, 1),
    die: int = 0,
    name: str = "defects",
) -> NDArray[np.int64]:
    """How many defects fell on each of rows × columns cores of specimen `die`, on average `mean` a core.

    Cores of one `cluster` (rows, columns) share one draw of the density. The same die gives the same defects, place by place.
    """
    from scipy.special import pdtr  # noqa: PLC0415  SciPy only where it is needed

    rows, columns = (whole(n, v) for n, v in zip(("rows", "columns"), cells))
    high, wide = (whole("cluster", v) for v in cluster)
    lam = not_negative("mean", mean)
    patches = (-(-rows // high), -(-columns // wide))
    shared = density(
        streams.uniform(streams.stream(die, name, "density"), 0, patches[0] * patches[1]).reshape(patches),
        model,
        alpha=alpha,
    )
    local = lam * np.repeat(np.repeat(shared, high, axis=0)[:rows], wide, axis=1)[:, :columns]
    u = streams.uniform(streams.stream(die, name, "count"), 0, rows * columns).reshape(rows, columns)
    counts = np.zeros((rows, columns), np.int64)
    above, k = u > np.exp(-local), 0
    while above.any():
        counts[above] += 1
        k += 1
        above &= u > pdtr(k, local)
    return counts


def dead(
    cells: tuple[int, int],
    mean: float,
    *,
    model: str = "poisson",
    alpha: float = 2.0,
    cluster: tuple[int, int] = (1, 1),
    die: int = 0,
    name: str = "defects",
) -> NDArray[np.bool_]:
    """Which of rows × columns cores of specimen `die` are dead: one defect kills. See `defects`."""
    return defects(cells, mean, model=model, alpha=alpha, cluster=cluster, die=die, name=name) > 0


def expected_dead(cores: int, defects: float, model: str = "poisson", *, alpha: float = 2.0) -> float:
    """How many of so many cores are dead on average, each with λ = `defects`."""
    lam = _lam(defects)
    if model == "poisson":
        return float(-np.expm1(-lam)) * whole("cores", cores)
    return whole("cores", cores) * float(1 - survival(lam, model, alpha=alpha))


def enough(
    cores: int, spares: int, defects: float, model: str = "poisson", *, alpha: float = 2.0, shared: bool = False
) -> float:
    """The probability that at most `spares` of `cores` are dead, each with λ = `defects`.

    Cores draw their defect density each for itself (a binomial), or `shared`: one draw for the whole wafer, so that bad wafers are bad
    throughout (the mean of binomials over the density, by quadrature).
    """
    from scipy.stats import binom  # noqa: PLC0415  SciPy only where it is needed

    n, s = whole("cores", cores), whole("spares", spares, 0)
    lam = float(_lam(defects))
    if not shared or model == "poisson":
        return float(binom.cdf(s, n, 1 - float(survival(lam, model, alpha=alpha))))
    if model not in MODELS:
        raise unknown("yield model", model, MODELS)
    from scipy.integrate import quad  # noqa: PLC0415

    def good(u: float) -> float:
        return float(binom.cdf(s, n, -math.expm1(-lam * float(density(u, model, alpha=alpha)))))

    # Where so many cores die on average as there are spares, the wafer goes from good to bad; tell the quadrature.
    edge = _level(s / n, lam, model, alpha)
    return quad(good, 0.0, 1.0, points=[p for p in edge if 0 < p < 1], limit=400)[0]


def spares_needed(cores: int, defects: float, probability: float, model: str = "poisson", *, alpha: float = 2.0) -> int:
    """The fewest spares with which so many cores are enough with at least `probability`; spares can die like all cores."""
    from scipy.stats import binom  # noqa: PLC0415  SciPy only where it is needed

    within("probability", probability, 0.0, 1.0)
    bad = 1 - float(survival(defects, model, alpha=alpha))
    return int(binom.ppf(probability, whole("cores", cores), bad)) if bad > 0 else 0


def _level(share: float, lam: float, model: str, alpha: float) -> list[float]:
    """Uniform numbers about where the density kills `share` of the cores."""
    if not 0 < share < 1 or not lam:
        return []
    grid = np.linspace(0.0005, 0.9995, 2000)
    killed = -np.expm1(-lam * density(grid, model, alpha=alpha))
    at = float(np.interp(share, killed, grid))
    return [at * 0.98, at, min(1.0, at * 1.02)]


def _lam(defects: ArrayLike) -> Array:
    lam = np.asarray(defects, dtype=np.float64)
    if lam.size:
        not_negative("defects", float(lam.min()))
        not_negative("defects", float(lam.max()))
    return lam
