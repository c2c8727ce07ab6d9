"""Convolutions: wiring and weights that many synapses share, and rules that are stored otherwise than they are written."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import ClassVar, final

import numpy as np
from numpy.typing import NDArray

from workbench.circuits.wiring import Edges, Rows, Wiring
from workbench.errors import DescriptionError
from workbench.fields import Distribution
from workbench.words import tr

__all__ = ["Convolution", "Kernel", "Stored"]


@final
@dataclass(frozen=True)
class Convolution(Wiring):
    """A two-dimensional convolution without padding, every weight stored once and shared.

    Sources are `channels` images of `height` × `width`, targets `kernels` images of `rows` × `columns`; both are numbered image by
    image, row by row. A target sees `kernel_height` × `kernel_width` sources of every channel, from (y · stride_y, x · stride_x) on.
    """

    storage: ClassVar[str] = "shared operation"

    height: int
    width: int
    channels: int
    kernel_height: int
    kernel_width: int
    kernels: int
    stride_y: int = 1
    stride_x: int = 1

    def __post_init__(self) -> None:
        for name in (f.name for f in fields(self)):
            if not isinstance(getattr(self, name), int) or getattr(self, name) < 1:
                raise DescriptionError(
                    tr(
                        "Convolution.{name} is {value!r}: it must be a whole number, 1 or more.",
                        name=name,
                        value=getattr(self, name),
                    )
                )
        if self.kernel_height > self.height or self.kernel_width > self.width:
            raise DescriptionError(
                tr(
                    "A convolution's kernel of {kh} × {kw} does not fit into images of {h} × {w}.",
                    kh=self.kernel_height,
                    kw=self.kernel_width,
                    h=self.height,
                    w=self.width,
                )
            )

    @property
    def rows_out(self) -> int:
        """Rows of a target image."""
        return (self.height - self.kernel_height) // self.stride_y + 1

    @property
    def columns_out(self) -> int:
        """Columns of a target image."""
        return (self.width - self.kernel_width) // self.stride_x + 1

    @property
    def sources(self) -> int:
        """Source neurons it needs."""
        return self.channels * self.height * self.width

    @property
    def targets(self) -> int:
        """Target neurons it needs."""
        return self.kernels * self.rows_out * self.columns_out

    def edges(self, sources: int, targets: int, key: int) -> Edges:
        """See Wiring."""
        self._fits(sources, targets)
        c, y, x = np.ogrid[: self.channels, : self.kernel_height, : self.kernel_width]
        seen = (c * self.height * self.width + y * self.width + x).reshape(-1)
        row, column = np.ogrid[: self.rows_out, : self.columns_out]
        corner = (row * self.stride_y * self.width + column * self.stride_x).reshape(-1)
        one = (corner[:, None] + seen[None, :]).astype(np.int32).reshape(-1)
        return np.tile(one, self.kernels), np.repeat(np.arange(targets, dtype=np.int32), seen.size)

    def count(self, sources: int, targets: int, key: int) -> int:
        """Targets × sources seen by each."""
        self._fits(sources, targets)
        return targets * self.channels * self.kernel_height * self.kernel_width

    def _fits(self, sources: int, targets: int) -> None:
        if (sources, targets) != (self.sources, self.targets):
            raise DescriptionError(
                tr(
                    "This convolution joins {sources} to {targets} neurons; the populations have {own_sources} and {own_targets}.",
                    sources=self.sources,
                    targets=self.targets,
                    own_sources=sources,
                    own_targets=targets,
                )
            )


@final
@dataclass(frozen=True)
class Kernel(Distribution):
    """The weights of a convolution's synapses from its kernel: `weights` by kernel row, kernel column, channel and target image."""

    convolution: Convolution
    weights: tuple[float, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "weights", tuple(float(w) for w in self.weights))
        c = self.convolution
        needed = c.kernel_height * c.kernel_width * c.channels * c.kernels
        if len(self.weights) != needed:
            raise DescriptionError(
                tr("{given} weights are given for a kernel of {needed}.", given=len(self.weights), needed=needed)
            )

    def bounds(self) -> tuple[float, float]:
        """The smallest and the largest."""
        return min(self.weights), max(self.weights)

    def from_uniform(self, u: NDArray[np.float64]) -> NDArray[np.float64]:
        """One weight per synapse, in the order of the convolution's edges; nothing is drawn."""
        c = self.convolution
        if u.size != c.targets * c.channels * c.kernel_height * c.kernel_width:
            raise DescriptionError(
                tr("{given} values are given for {places} places.", given=len(self.weights), places=u.size)
            )
        grid = np.asarray(self.weights).reshape(c.kernel_height, c.kernel_width, c.channels, c.kernels)
        by_image = grid.transpose(3, 2, 0, 1).reshape(c.kernels, 1, -1)
        return np.repeat(by_image, c.rows_out * c.columns_out, axis=1).reshape(-1)


@final
@dataclass(frozen=True, kw_only=True)
class Stored(Wiring):
    """Another rule's synapses, stored (and so counted and priced) as `storage` says."""

    rule: Wiring
    storage: str = "synaptic operation"  # pyright: ignore[reportIncompatibleVariableOverride]  chosen by each value here

    def edges(self, sources: int, targets: int, key: int) -> Edges:
        """See Wiring."""
        return self.rule.edges(sources, targets, key)

    def rows(self, sources: int, targets: int, key: int, *, numbered: bool = False) -> Rows:
        """See Wiring."""
        return self.rule.rows(sources, targets, key, numbered=numbered)

    def count(self, sources: int, targets: int, key: int) -> int:
        """See Wiring."""
        return self.rule.count(sources, targets, key)
