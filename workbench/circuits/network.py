"""A network as it was written: named populations, sources and projections. What it means is decided in `unfold`."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, final

from workbench.circuits.neurons.neuron import Neuron
from workbench.circuits.stimuli import Frames, Stimulus
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
        if isinstance(self.stimulus, Frames) and self.stimulus.size != self.size:
            raise DescriptionError(
                tr(
                    "Source.size is {size}, but a frame holds {given} values; write Source({given}, Frames(...)).",
                    size=self.size,
                    given=self.stimulus.size,
                )
            )


@final
@dataclass(frozen=True)
class Projection:
    """Synapses from `source` (population or source) to the population `target`, onto its receptor `receptor`.

    `weight` and `delay` are SI numbers or distributions over the synapses. A delay is a whole number of steps, at least one;
    others are rounded when the network is compiled, and listed there. Values (not spikes) may have a delay of 0, if it is written:
    what is emitted in a step then arrives in the same step.
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
        self._refuse_loop()

    def emits(self, name: str) -> str:
        """What a population or source emits: "spikes", "values" or "current"."""
        return self.sources[name].stimulus.kind if name in self.sources else self.populations[name].neuron.emits

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
        emits = self.emits(p.source)
        if isinstance(receptor, Current) != (emits == "current"):
            raise DescriptionError(
                f"{where}: " + tr("current sources go onto a receptor of kind Current, and only they do.")
            )
        if emits not in receptor.takes:
            raise DescriptionError(
                f"{where}: "
                + tr(
                    "'{source}' emits values, and '{receptor}' is a receptor of kind {kind}; values go onto Value, Delta, Exponential and Jump.",
                    source=p.source,
                    receptor=p.receptor,
                    kind=type(receptor).__name__,
                )
            )
        if isinstance(receptor, Gap) and p.source in self.sources:
            raise DescriptionError(f"{where}: " + tr("a gap junction joins two populations, not a source."))
        if p.plasticity is not None:
            raise DescriptionError(f"{where}: " + tr("plastic synapses are not available yet."))

    def _refuse_loop(self) -> None:
        """Raise DescriptionError when values would have to be known before themselves."""
        onward: dict[str, list[tuple[str, str]]] = {}
        for name, p in self.projections.items():
            least = p.delay.bounds()[0] if isinstance(p.delay, Distribution) else p.delay
            if p.source in self.populations and self.emits(p.source) == "values" and least == 0:
                onward.setdefault(p.source, []).append((name, p.target))
        done: set[str] = set()
        for first in onward:
            # Depth first, with the way so far in `way`: (projection into it, population).
            way: list[tuple[str, str]] = [("", first)]
            left = [iter(onward[first])] if first not in done else []
            while left:
                step = next(left[-1], None)
                if step is None:
                    left.pop()
                    done.add(way.pop()[1])
                    continue
                before = [population for _, population in way]
                if step[1] in before:
                    loop = [*way[before.index(step[1]) + 1 :], step]
                    raise DescriptionError(
                        tr(
                            "{loop}: the projections {names} form a loop of delay 0, in which every value waits for itself; "
                            "give one of them a delay of a step or more.",
                            loop=" → ".join([step[1], *(population for _, population in loop)]),
                            names=", ".join(f"'{name}'" for name, _ in loop),
                        )
                    )
                if step[1] in onward and step[1] not in done:
                    way.append(step)
                    left.append(iter(onward[step[1]]))


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
