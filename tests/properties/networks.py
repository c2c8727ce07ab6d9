"""Hypothesis strategies for small random networks of leaky integrate-and-fire neurons."""

from __future__ import annotations

from hypothesis import strategies as st

from workbench.circuits.network import Network, Population, Projection, Source
from workbench.circuits.neurons.lif import Lif
from workbench.circuits.spread import Normal, Uniform
from workbench.circuits.stimuli import NoisyCurrent, Poisson, Regular, SpikeList, StepCurrent
from workbench.circuits.wiring import AllToAll, FixedInDegree, FixedProbability, HashRule, OneToOne
from workbench.units import Mohm, ms, mV, nA, pA

neurons = st.builds(
    lambda hold, spread, bias: Lif(
        tau=Uniform(8 * ms, 25 * ms) if spread else 20 * ms,
        refractory=hold * 0.1 * ms,
        bias=bias * nA,
        resistance=40 * Mohm,
    ),
    st.integers(0, 30),
    st.booleans(),
    st.sampled_from([0.0, 0.3, 0.51, 0.7]),
)


@st.composite
def networks(draw, *, exponential: bool = True, jumps: bool = True, currents: bool = True) -> Network:
    """One or two populations, one or two sources, and projections of any kind between them."""
    sizes = draw(st.lists(st.integers(1, 12), min_size=1, max_size=2))
    populations = {f"P{k}": Population(n, draw(neurons), {"v": Uniform(0 * mV, 19 * mV)}) for k, n in enumerate(sizes)}
    sources: dict[str, Source] = {}
    projections: dict[str, Projection] = {}
    receptors = [*(["input"] if jumps else []), *(["exc", "inh"] if exponential else [])]

    def weight(receptor: str):
        scale = mV if receptor == "input" else 100 * pA
        return draw(st.sampled_from([2.0 * scale, -3.0 * scale, Normal(1.5 * scale, 0.5 * scale), 7.0 * scale]))

    def delay():
        return draw(st.sampled_from([0.1 * ms, 0.5 * ms, 1.5 * ms, Uniform(0.1 * ms, 2 * ms), 0.13 * ms]))

    def add(name: str, source: str, sender: int, target: int) -> None:
        wirings = [AllToAll(), FixedProbability(0.4), FixedInDegree(degree=3), HashRule(fan_out=2)]
        if sender == sizes[target]:
            wirings.append(OneToOne())
        receptor = draw(st.sampled_from(receptors))
        projections[name] = Projection(
            source,
            f"P{target}",
            draw(st.sampled_from(wirings)),
            weight=weight(receptor),
            delay=delay(),
            receptor=receptor,
        )

    for s in range(len(sizes)):
        for t in range(len(sizes)):
            if draw(st.booleans()):
                add(f"{s}>{t}", f"P{s}", sizes[s], t)
    for k in range(draw(st.integers(1, 2))):
        target = draw(st.integers(0, len(sizes) - 1))
        size = draw(st.sampled_from([sizes[target], 3]))
        stimulus = draw(st.sampled_from(["poisson", "regular", "list", *(["step", "noise"] if currents else [])]))
        if stimulus in ("step", "noise"):
            made = StepCurrent(0.6 * nA, 2 * ms, 15 * ms) if stimulus == "step" else NoisyCurrent(0.4 * nA, 0.3 * nA)
            sources[f"S{k}"] = Source(size, made)
            wiring = OneToOne() if size == sizes[target] else AllToAll()
            projections[f"S{k}"] = Projection(
                f"S{k}", f"P{target}", wiring, weight=draw(st.sampled_from([1.0, 0.5])), receptor="current"
            )
            continue
        made = {
            "poisson": Poisson(2000.0, 1 * ms),
            "regular": Regular(500.0, 1 * ms, phase=0.5),
            "list": SpikeList((0.001, 0.002, 0.002), (0, 1 % size, 0)),
        }[stimulus]
        sources[f"S{k}"] = Source(size, made)
        add(f"S{k}", f"S{k}", size, target)
    return Network(populations, sources, projections)
