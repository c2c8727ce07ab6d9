"""A network as it was written: named populations, sources and projections. What it means is decided in `unfold`."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, final

from workbench.circuits.neurons.neuron import Neuron
from workbench.circuits.stimuli import Stimulus
from workbench.circuits.synapses import Current, Gap
from workbench.circuits.wiring import Wiring
from workbench.errors import DescriptionError
from workbench.fields import Distribution, without_unit
from workbench.units import ms
from workbench.words import tr

__all__ = ["Network", "Population", "Projection", "Source"]

Number = float | Distribution


@final
@dataclass(frozen=True)
class Population:
    """`size` neurons of one model; `initial` overrides the model's initial states (SI numbers or distributions)."""

    size: int
    neuron: Neuron
    initial: Mapping[str, Number] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _whole("Population.size", self.size)
        if not isinstance(self.neuron, Neuron):
            raise DescriptionError(
                tr("Population.neuron is {value!r}: write a neuron model such as Lif().", value=self.neuron)
            )
        for name, value in self.initial.items():
            without_unit(f"Population.initial['{name}']", value)
            if name not in self.neuron.start:
                raise DescriptionError(
                    tr(
                        "Population.initial names '{name}', which is no state of {model}; states: {states}.",
                        name=name,
                        model=type(self.neuron).__name__,
                        states=", ".join(self.neuron.start),
                    )
                )


@final
@dataclass(frozen=True)
class Source:
    """`size` source neurons of one stimulus."""

    size: int
    stimulus: Stimulus

    def __post_init__(self) -> None:
        _whole("Source.size", self.size)


@final
@dataclass(frozen=True)
class Projection:
    """Synapses from `source` (population or source) to the population `target`, onto its receptor `receptor`.

    `weight` and `delay` are SI numbers or distributions over the synapses. A delay is a whole number of steps, at least one;
    others are rounded when the network is compiled, and listed there.
    """

    source: str
    target: str
    wiring: Wiring
    weight: Number
    delay: Number = 0.1 * ms
    receptor: str = "input"
    plasticity: Any = None

    def __post_init__(self) -> None:
        without_unit("Projection.weight", self.weight)
        without_unit("Projection.delay", self.delay)


@final
@dataclass(frozen=True)
class Network:
    """Populations, sources and the projections between them, by name."""

    populations: Mapping[str, Population]
    sources: Mapping[str, Source] = field(default_factory=dict)
    projections: Mapping[str, Projection] = field(default_factory=dict)

    def __post_init__(self) -> None:
        both = set(self.populations) & set(self.sources)
        if both:
            raise DescriptionError(
                tr("'{name}' is both a population and a source; give them different names.", name=sorted(both)[0])
            )
        for name, p in self.projections.items():
            self._check(name, p)

    def _check(self, name: str, p: Projection) -> None:
        where = tr("Projection '{name}'", name=name)
        if p.source not in self.populations and p.source not in self.sources:
            raise DescriptionError(f"{where}: " + _nobody(p.source, [*self.populations, *self.sources]))
        if p.target not in self.populations:
            raise DescriptionError(f"{where}: " + _nobody(p.target, list(self.populations)))
        model = self.populations[p.target].neuron
        if p.receptor not in model.receptors:
            raise DescriptionError(
                f"{where}: "
                + tr(
                    "{model} has no receptor '{receptor}'; it has {known}.",
                    model=type(model).__name__,
                    receptor=p.receptor,
                    known=", ".join(model.receptors) or "-",
                )
            )
        receptor = model.receptors[p.receptor]
        current = p.source in self.sources and self.sources[p.source].stimulus.kind == "current"
        if isinstance(receptor, Current) != current:
            raise DescriptionError(
                f"{where}: " + tr("current sources go onto a receptor of kind Current, and only they do.")
            )
        if isinstance(receptor, Gap) and p.source in self.sources:
            raise DescriptionError(f"{where}: " + tr("a gap junction joins two populations, not a source."))
        if p.plasticity is not None:
            raise DescriptionError(f"{where}: " + tr("plastic synapses are not available yet."))


def _nobody(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.4)
    if close:
        return tr("there is no '{name}'; did you mean '{close}'?", name=name, close=close[0])
    return tr("there is no '{name}'; there are {known}.", name=name, known=", ".join(known))


def _whole(where: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise DescriptionError(
            tr("{where} is {value!r}: it must be a whole number, 1 or more.", where=where, value=value)
        )
