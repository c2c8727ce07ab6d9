"""Random small scripts: spelling, numbers, synapses, delays and refractory times vary; Brian2 and both backends spike alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.interchange.scripts import ROOMY, brian, ours, theirs
from workbench.interchange.brian2 import from_brian2

MEMBRANES = {
    "volts over tau": "dv/dt = (El - v + drive{terms})/tau",
    "minus outside": "dv/dt = -(v - El)/tau + (drive{terms})/tau",
    "conductance": "dv/dt = (gl*(El - v) + gl*drive{amps})/C",
    "resistance": "dv/dt = (El - v + (I0{amps2})*R)/(R*C)",
}


@dataclass(frozen=True)
class Script:
    """A random script: what is drawn, before Brian2 sees it."""

    size: int
    membrane: str
    per_neuron: bool
    decays: tuple[float, ...]
    refractory: int
    synapses: tuple[tuple[str, float, str, int], ...]
    seed: int


scripts = st.builds(
    Script,
    size=st.integers(2, 12),
    membrane=st.sampled_from(sorted(MEMBRANES)),
    per_neuron=st.booleans(),
    decays=st.lists(st.sampled_from([2.0, 3.7, 5.0, 11.0]), max_size=2).map(tuple),
    refractory=st.sampled_from([0, 1, 2, 13, 50]),
    synapses=st.lists(
        st.tuples(
            st.sampled_from(["v", "s0", "s1"]),
            st.sampled_from([-3.1, -0.7, 0.9, 2.3]),
            st.sampled_from(["all", "some", "one"]),
            st.integers(0, 40),
        ),
        min_size=1,
        max_size=3,
    ).map(tuple),
    seed=st.integers(0, 999),
)


def written(b: Any, script: Script) -> list[Any]:
    """The script's objects."""
    volts = script.membrane in ("volts over tau", "minus outside")
    names = [f"s{k}" for k in range(len(script.decays))]
    sums = "".join(f" + {n}" for n in names)
    first = MEMBRANES[script.membrane].format(terms=sums, amps=sums, amps2=sums) + " : volt (unless refractory)"
    unit = "volt" if volts else "amp"
    lines = [first, *(f"d{n}/dt = -{n}/({tau}*ms) : {unit}" for n, tau in zip(names, script.decays))]
    numbers = dict(El=-61.3 * b.mV, gl=9.7 * b.nS, C=190 * b.pF, R=103 * b.Mohm, tau=17.3 * b.ms)
    lines += ["drive : volt", "I0 : amp"] + (["tau : second (constant)"] if script.per_neuron and volts else [])
    G = b.NeuronGroup(
        script.size, "\n".join(lines), threshold="v > -50.2*mV", reset="v = -62.1*mV", method="exact", name="G",
        refractory=script.refractory * 0.1 * b.ms, namespace=numbers,
    )  # fmt: skip
    rng = np.random.default_rng(script.seed)
    G.v = rng.uniform(-62, -51, script.size) * b.mV
    G.drive, G.I0 = rng.uniform(5, 20, script.size) * b.mV, rng.uniform(0.05, 0.2, script.size) * b.nA
    if script.per_neuron and volts:
        G.tau = rng.uniform(8, 25, script.size) * b.ms
    times = np.sort(rng.choice(900, 40, replace=False)) * 0.1
    D = b.SpikeGeneratorGroup(3, rng.integers(0, 3, 40), times * b.ms, name="D")
    made = [G, D]
    for k, (variable, weight, pairs, delay) in enumerate(script.synapses):
        onto = variable if variable in ("v", *names) else "v"
        unit_of_weight = "mV" if onto == "v" or volts else "(10*pA)"
        source = (D, G, G[script.size // 2 :])[(script.seed + k) % 3]
        S = b.Synapses(source, G, "w : 1", on_pre=f"{onto} += w*{weight}*{unit_of_weight}", name=f"S{k}", namespace={})
        if pairs == "all":
            S.connect()
        elif pairs == "one":
            S.connect(i=[0, 0, len(source) - 1], j=[0, 0, script.size - 1])  # twice the same pair: a multapse
        else:
            i = np.arange(script.size) % len(source)
            S.connect(i=i, j=np.arange(script.size))
        S.w = rng.uniform(0.3, 1.1, len(S))
        S.delay = (0.1 + 0.1 * rng.integers(0, delay + 1, len(S))) * b.ms
        made.append(S)
    return made


@settings(max_examples=15)
@given(script=scripts)
def test_random_scripts_spike_alike(script):
    with brian() as b:
        objects = written(b, script)
        circuit = from_brian2(objects, namespace={})
        here, there = ours(circuit, 0.1), ours(circuit, 0.1, ROOMY)
        expected = theirs(b, objects, 0.1)
    assert here == there == expected
    assert circuit.dt == 1e-4
