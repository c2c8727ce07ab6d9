"""Unfold: everything random about a network is decided once, here, for every backend.

The result may hold rules in place of arrays: wiring stays a rule with its key until a backend asks for edges or rows, weights and
delays that differ stay a distribution with its key, and what is the same for all stays one number.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from workbench import streams
from workbench.circuits.drawn import Drawn
from workbench.circuits.network import Network, Projection
from workbench.circuits.neurons.neuron import Neuron
from workbench.circuits.spread import realise
from workbench.circuits.stimuli import Stimulus
from workbench.circuits.synapses import Receptor
from workbench.circuits.wiring import Edges, Rows, Wiring
from workbench.errors import DescriptionError
from workbench.fields import Distribution, to_json
from workbench.words import tr

__all__ = ["Block", "Cells", "Netlist", "SourceCells", "unfold"]

Realised = float | NDArray[np.float64]


class _Real:
    """A field that may hold a rule; reading it gives numbers all the same."""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = f"_{name}"

    def __get__(self, block: Any, owner: Any = None) -> Realised:
        if block is None:  # asked for a default, which a block does not have
            raise AttributeError(self.name)
        held = block.__dict__[self.name]
        return held.all() if isinstance(held, Drawn) else held

    def __set__(self, block: Any, value: Realised | Drawn) -> None:
        block.__dict__[self.name] = value


@final
@dataclass(frozen=True, eq=False, kw_only=True)
class Cells:
    """A population with its numbers made real: each parameter and initial state is one number or one per neuron."""

    name: str
    start: int
    size: int
    neuron: Neuron
    parameters: Mapping[str, Realised]
    initial: Mapping[str, Realised]
    receptors: tuple[str, ...]
    """The receptors some projection uses, in the model's order."""

    @property
    def span(self) -> slice:
        """Its place among all neurons."""
        return slice(self.start, self.start + self.size)


@final
@dataclass(frozen=True, eq=False, kw_only=True)
class SourceCells:
    """A source: how many, what they do, and the name their random stream goes by."""

    name: str
    size: int
    stimulus: Stimulus


@final
@dataclass(frozen=True, eq=False, kw_only=True)
class Block:
    """The synapses of one projection: a wiring rule with its key, weights and delays (one number, or one per edge).

    `weight` and `delay` are the numbers, all at once. A large block is better asked for some at a time: `weights(rows.edge[a:b])`.
    """

    name: str
    source: str
    target: str
    external: bool
    receptor: str
    kind: Receptor
    rule: Wiring
    key: int
    sizes: tuple[int, int]
    emits: str = "spikes"
    """What its source emits: "spikes", "values" or "current"; only values may have a delay of 0."""
    weight: _Real = _Real()
    delay: _Real = _Real()

    @property
    def weighted(self) -> bool:
        """Whether every synapse has a weight of its own."""
        return not isinstance(self.__dict__["_weight"], float)

    @property
    def delayed(self) -> bool:
        """Whether every synapse has a delay of its own."""
        return not isinstance(self.__dict__["_delay"], float)

    def weights(self, numbers: NDArray[Any] | None = None) -> Realised:
        """The weights of the synapses with these canonical numbers (see Rows.edge), or of all; one number where all are equal."""
        return _some(self.__dict__["_weight"], numbers)

    def delays(self, numbers: NDArray[Any] | None = None) -> Realised:
        """The delays (s) of the synapses with these canonical numbers, or of all; one number where all are equal."""
        return _some(self.__dict__["_delay"], numbers)

    def extremes(self) -> dict[str, tuple[float, float]]:
        """The smallest and the largest "weight" and "delay" there is, without holding all of them."""
        return {what: _extremes(self.__dict__[f"_{what}"]) for what in ("weight", "delay")}

    def mapped(
        self,
        *,
        weight: Callable[[Any], Any] | None = None,
        delay: Callable[[Any], Any] | None = None,
        kind: Receptor | None = None,
    ) -> Block:
        """The same synapses with a function over their weights or delays, or another kind of receptor; what is a rule stays a rule."""
        return replace(
            self,
            kind=kind or self.kind,
            weight=_mapped(self.__dict__["_weight"], weight),
            delay=_mapped(self.__dict__["_delay"], delay),
        )

    def edges(self) -> Edges:
        """Source and target of each synapse (local indices, int32), in canonical order: the order of weight and delay arrays."""
        return self.rule.edges(*self.sizes, self.key)

    def rows(self, *, numbered: bool = False) -> Rows:
        """The synapses by source; see circuits.wiring.Rows."""
        return self.rule.rows(*self.sizes, self.key, numbered=numbered)

    @cached_property
    def count(self) -> int:
        """The number of synapses."""
        return self.rule.count(*self.sizes, self.key)


@final
@dataclass(frozen=True, eq=False, kw_only=True)
class Netlist:
    """What a network means: cells, sources and blocks of synapses with every random choice made."""

    populations: Mapping[str, Cells]
    sources: Mapping[str, SourceCells]
    projections: Mapping[str, Block]
    digest: str

    @property
    def size(self) -> int:
        """The number of neurons."""
        return sum(c.size for c in self.populations.values())

    @property
    def synapses(self) -> int:
        """The number of synapses, from sources included."""
        return sum(b.count for b in self.projections.values())


def unfold(network: Network, *, seed: int) -> Netlist:
    """Decide everything random about `network` from `seed` (the stream "wiring") and return what it means."""
    used = {
        name: tuple(
            r
            for r in p.neuron.receptors
            if any(q.target == name and q.receptor == r for q in network.projections.values())
        )
        for name, p in network.populations.items()
    }
    populations: dict[str, Cells] = {}
    start = 0
    for name, p in network.populations.items():
        numbers = {f: getattr(p.neuron, f) for f in p.neuron.__dataclass_fields__}
        parameters = {
            f: _real(v, p.size, seed, "parameter", name, f)
            for f, v in numbers.items()
            if isinstance(v, (int, float, Distribution))
        }
        initial: dict[str, Realised] = {}
        for state, value in p.neuron.start.items():
            given = p.initial.get(state, value)
            initial[state] = (
                parameters[given] if isinstance(given, str) else _real(given, p.size, seed, "initial", name, state)
            )
        populations[name] = Cells(
            name=name,
            start=start,
            size=p.size,
            neuron=p.neuron,
            parameters=parameters,
            initial=initial,
            receptors=used[name],
        )
        start += p.size
    sources = {name: SourceCells(name=name, size=s.size, stimulus=s.stimulus) for name, s in network.sources.items()}
    projections = {name: _block(name, p, network, seed) for name, p in network.projections.items()}
    return Netlist(populations=populations, sources=sources, projections=projections, digest=_digest(network, seed))


def _real(value: Any, size: int, seed: int, *names: str) -> Realised:
    if isinstance(value, Distribution):
        try:
            return realise(value, size, streams.stream(seed, "wiring", *names))
        except DescriptionError as error:
            raise DescriptionError(f"{'.'.join(names)}: {error}") from None
    return float(value)


def _block(name: str, p: Projection, network: Network, seed: int) -> Block:
    external = p.source in network.sources
    sizes = ((network.sources if external else network.populations)[p.source].size, network.populations[p.target].size)
    kind, emits = network.populations[p.target].neuron.receptors[p.receptor], network.emits(p.source)
    key = streams.stream(seed, "wiring", "edges", name)
    weight, delay = _finite(name, "weight", p.weight), _finite(name, "delay", p.delay)
    edges = p.wiring.count(*sizes, key) if any(isinstance(v, Distribution) for v in (weight, delay)) else 0
    return Block(
        name=name,
        source=p.source,
        target=p.target,
        external=external,
        receptor=p.receptor,
        kind=kind,
        rule=p.wiring,
        key=key,
        sizes=sizes,
        emits=emits,
        weight=_drawn(weight, edges, 0.0 if emits == "values" else kind.grid, seed, "weight", name),
        delay=_drawn(delay, edges, 0.0, seed, "delay", name),
    )


def _drawn(value: Any, edges: int, grid: float, seed: int, *names: str) -> Any:
    """One number; or a rule where each synapse's number can be had without the others'; or the numbers."""
    if getattr(value, "pointwise", False):
        return Drawn(spread=value, key=streams.stream(seed, "wiring", *names), size=edges, grid=grid)
    made = np.asarray(_real(value, edges, seed, *names))
    made = np.rint(made / grid) * grid if grid else made
    return float(made) if made.ndim == 0 else made


def _some(held: Any, numbers: NDArray[Any] | None) -> Realised:
    if isinstance(held, float):
        return held
    if isinstance(held, Drawn):
        return held.all() if numbers is None else held.at(numbers)
    return held if numbers is None else held[numbers]


def _extremes(held: Any) -> tuple[float, float]:
    if isinstance(held, Drawn):
        return held.extremes()
    return (float(np.min(held)), float(np.max(held))) if np.size(held) else (0.0, 0.0)


def _mapped(held: Any, function: Callable[[Any], Any] | None) -> Any:
    if function is None:
        return held
    if isinstance(held, Drawn):
        return held.mapped(function)
    made = np.asarray(function(np.asarray(held, np.float64)), np.float64)
    return float(made) if made.ndim == 0 else made


def _finite(name: str, what: str, value: Any) -> Any:
    least, most = value.bounds() if isinstance(value, Distribution) else (value, value)
    if not (np.isfinite(least) and np.isfinite(most)) or (what == "delay" and least < 0):
        raise DescriptionError(
            tr(
                "Projection '{name}': {what} is {value}; it must be finite, and a delay not negative.",
                name=name,
                what=what,
                value=value,
            )
        )
    return value


def _digest(network: Network, seed: int) -> str:
    """A name for the netlist made of the recipe, the seed and the source data's digests; never of the arrays."""
    recipe = json.dumps({"network": to_json(network), "seed": int(seed)}, sort_keys=True)
    return hashlib.blake2b(recipe.encode(), digest_size=16).hexdigest()
