"""Unfold: everything random about a network is decided once, here, for every backend.

The result may hold rules in place of arrays: wiring stays a rule with its key until a backend asks for edges or rows, and what
is the same for all stays one number.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from workbench import streams
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
    """The synapses of one projection: a wiring rule with its key, weights and delays (one number, or one per edge)."""

    name: str
    source: str
    target: str
    external: bool
    receptor: str
    kind: Receptor
    rule: Wiring
    key: int
    sizes: tuple[int, int]
    weight: Realised
    delay: Realised

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
    kind = network.populations[p.target].neuron.receptors[p.receptor]
    key = streams.stream(seed, "wiring", "edges", name)
    weight, delay = _finite(name, "weight", p.weight), _finite(name, "delay", p.delay)
    if isinstance(weight, Distribution) or isinstance(delay, Distribution):
        edges = p.wiring.count(*sizes, key)
        weight, delay = _real(weight, edges, seed, "weight", name), _real(delay, edges, seed, "delay", name)
    if kind.grid:
        weight = np.rint(np.asarray(weight) / kind.grid) * kind.grid
        weight = float(weight) if weight.ndim == 0 else weight
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
        weight=weight,
        delay=delay,
    )


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
