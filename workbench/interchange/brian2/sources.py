"""From PoissonGroup, PoissonInput and SpikeGeneratorGroup to our sources."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import brian2
import numpy as np
from numpy.typing import NDArray

from workbench.circuits.network import Source
from workbench.circuits.stimuli import Poisson, SpikeList
from workbench.interchange.brian2.reading import Number, Script, evaluate, meaning, refusal
from workbench.words import tr

__all__ = ["Part", "generator", "poisson_group", "poisson_input"]

_RATES = 256


@final
@dataclass(frozen=True, eq=False)
class Part:
    """One of our sources made from a group of the script, and which of the group's neurons it stands for (None: all)."""

    name: str
    source: Source
    members: NDArray[np.int64] | None = None


def poisson_group(script: Script, group: Any) -> list[Part]:
    """A source for each rate of a PoissonGroup."""
    given, size = group.variables["rates"], len(group)
    line = f"rates = {getattr(given, 'expr', 'rates')}"
    if hasattr(given, "expr"):
        rates = evaluate(script, group, meaning(given.expr), group.name, line)
    else:
        rates = np.array(given.get_value(), np.float64)
    rates = np.broadcast_to(np.asarray(rates, np.float64), (size,))
    if not np.isfinite(rates).all() or np.any(rates < 0):
        raise refusal(group.name, line, tr("a rate must be a finite number of spikes a second, 0 or more."))
    different = np.unique(rates)
    if different.size > _RATES:
        raise refusal(
            group.name,
            line,
            tr(
                "{count} different rates; a PoissonGroup with up to {most} of them can be taken.",
                count=different.size,
                most=_RATES,
            ),
        )
    script.note(
        tr(
            "'{name}': a Poisson neuron here may spike several times in a step, Brian2's spikes once at most; the mean is the same.",
            name=group.name,
        )
    )
    if different.size == 1:
        return [Part(group.name, Source(size, Poisson(float(different[0]))))]
    members = [np.flatnonzero(rates == rate) for rate in different]
    return [
        Part(f"{group.name} {n}", Source(int(m.size), Poisson(float(rate))), m)
        for n, (rate, m) in enumerate(zip(different, members))
    ]


def poisson_input(script: Script, given: Any, size: int) -> tuple[Source, Number]:
    """The source a PoissonInput becomes, and the jump it makes in the script's unit."""
    name, weight = given.name, given.weight
    line = f"PoissonInput({given.target_var}, N={given.N}, rate={given.rate}, weight={weight})"
    if given.when != "synapses":
        raise refusal(
            name,
            line,
            tr("it runs in the slot '{when}', here it is always '{slot}'.", when=given.when, slot="synapses"),
        )
    jump = evaluate(script, given.group, meaning(weight), name, line) if isinstance(weight, str) else float(weight)
    script.note(
        tr(
            "'{name}': the spikes of N inputs in a step are drawn from a Poisson distribution here, in Brian2 from a binomial one.",
            name=name,
        )
    )
    return Source(size, Poisson(float(given.N) * float(given.rate))), jump


def generator(script: Script, group: Any, begun: float) -> Part:
    """The spikes of a SpikeGeneratorGroup from the time `begun` (s) on, each in the step Brian2 puts it in."""
    period = float(np.asarray(group.variables["period"].get_value()).reshape(-1)[0])
    if period:
        raise refusal(
            group.name,
            f"period = {period * brian2.second}",
            tr("a period is not taken: write the spikes out, or use a Regular source."),
        )
    times = np.array(group.variables["spike_time"].get_value(), np.float64)
    neurons = np.array(group.variables["neuron_index"].get_value(), np.int64)
    # Brian2 puts a spike into the step its time lies in, with a thousandth of a step for rounding
    steps = np.floor(times / script.dt + 1e-3) - round(begun / script.dt)
    steps, neurons = steps[steps >= 0], neurons[steps >= 0]
    return Part(group.name, Source(len(group), SpikeList(tuple((steps * script.dt).tolist()), tuple(neurons.tolist()))))
