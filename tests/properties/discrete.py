"""Hypothesis strategies for small random networks of neurons in whole steps."""

from __future__ import annotations

from hypothesis import strategies as st

from workbench.circuits.network import Network, Population, Projection, Source
from workbench.circuits.neurons.discrete_lif import DiscreteLif
from workbench.circuits.spread import Normal, Uniform, Values
from workbench.circuits.stimuli import External, Poisson, Regular, SpikeList
from workbench.circuits.wiring import AllToAll, FixedInDegree, FixedProbability, HashRule, OneToOne
from workbench.units import ms

DT = 1 * ms
"""One step of the discrete networks."""

FLOATS, WHOLE = "none", "away"


@st.composite
def neurons(draw, *, rounding: str, size: int, floored: bool) -> DiscreteLif:
    """A neuron model for a population of `size`, its numbers whole when it rounds."""
    whole = rounding == WHOLE

    def leak():
        return draw(st.integers(0, 4096)) / 4096 if whole else draw(st.floats(0.0, 1.0))

    def number(low: int, high: int):
        return float(draw(st.integers(low, high))) if whole else draw(st.floats(low, high))

    threshold = number(0, 5000)
    bias = Values([number(-50, 200) for _ in range(size)]) if draw(st.booleans()) else number(-50, 200)
    return DiscreteLif(
        leak=Values([leak() for _ in range(size)]) if draw(st.booleans()) else leak(),
        leak_exc=leak(),
        leak_inh=leak(),
        threshold=threshold,
        reset=number(-1000, 0) if draw(st.booleans()) else 0.0,
        bias=bias,
        lowest=draw(st.sampled_from([-(2.0**31), *([-2000.0] if floored else [])])),
        refractory=draw(st.integers(0, 6)),
        after_spike=draw(st.sampled_from(["reset", "subtract"])),
        rounding=rounding,
    )


@st.composite
def discrete_networks(draw, *, rounding: str | None = None, floored: bool = True) -> Network:
    """One to three populations, their sources, and projections of any kind between them."""
    rounding = rounding or draw(st.sampled_from([FLOATS, WHOLE]))
    sizes = draw(st.lists(st.integers(1, 10), min_size=1, max_size=3))
    populations = {
        f"P{k}": Population(
            n, draw(neurons(rounding=rounding, size=n, floored=floored)), {"v": float(draw(st.integers(-500, 1000)))}
        )
        for k, n in enumerate(sizes)
    }
    sources: dict[str, Source] = {}
    projections: dict[str, Projection] = {}

    def weight():
        if rounding == WHOLE:
            return float(draw(st.integers(-3000, 4000)))
        return draw(st.sampled_from([700.3, -900.7, Normal(500.0, 300.0), Uniform(-1000.0, 1500.0)]))

    def add(name: str, source: str, sender: int, target: int) -> None:
        wirings = [AllToAll(), FixedProbability(0.4), FixedInDegree(degree=3), HashRule(fan_out=2)]
        if sender == sizes[target]:
            wirings.append(OneToOne())
        projections[name] = Projection(
            source,
            f"P{target}",
            draw(st.sampled_from(wirings)),
            weight=weight(),
            delay=draw(st.sampled_from([1 * DT, 2 * DT, 7 * DT, Uniform(DT, 5 * DT)])),
            receptor=draw(st.sampled_from(["input", "exc", "inh"])),
        )

    for s in range(len(sizes)):
        for t in range(len(sizes)):
            if draw(st.booleans()):
                add(f"{s}>{t}", f"P{s}", sizes[s], t)
    for k in range(draw(st.integers(1, 2))):
        target = draw(st.integers(0, len(sizes) - 1))
        size = draw(st.sampled_from([sizes[target], 3]))
        made = {
            "poisson": Poisson(400.0, 3 * ms),
            "regular": Regular(200.0, 1 * ms, phase=0.5),
            "list": SpikeList((0.001, 0.002, 0.002, 0.03), (0, 1 % size, 0, 0)),
            "external": External(),
        }[draw(st.sampled_from(["poisson", "regular", "list", "external"]))]
        sources[f"S{k}"] = Source(size, made)
        add(f"S{k}", f"S{k}", size, target)
    return Network(populations, sources, projections)
