"""What a Brian2 script may hold and we do not have is refused: its name, its line, and why."""

from __future__ import annotations

import numpy as np
import pytest

from tests.interchange.scripts import brian
from workbench.errors import UnsupportedError
from workbench.interchange.brian2 import from_brian2

LEAK = "dv/dt = -v/(10*ms) : volt"
FLAGGED = "dv/dt = -v/(10*ms) : volt (unless refractory)"
FIRES = dict(threshold="v > 10*mV", reset="v = 0*mV")

# equations and what else the group is given; what the refusal must name
GROUPS = {
    "noise": (LEAK.replace(" :", " + 1*mV*xi*(10*ms)**-0.5 :"), FIRES, ["xi", "dv/dt", "PoissonInput"]),
    "quadratic": ("dv/dt = v*v/(1*mV*ms) - v/ms : volt", FIRES, ["v**2", "nonlinear", "dv/dt = v*v"]),
    "exponential": ("dv/dt = (exp(v/mV)*mV - v)/ms : volt", FIRES, ["exp(v/mV)", "nonlinear"]),
    "no leak": ("dv/dt = 1*mV/ms : volt", FIRES, ["leak"]),
    "growth": ("dv/dt = v/ms : volt", FIRES, ["leak"]),
    "alpha synapse": ("dv/dt = (g - v)/ms : volt\ndg/dt = (x - g)/ms : volt\ndx/dt = -x/ms : volt", FIRES, ["'g'", "dg/dt = (x - g)/ms"]),
    "product of synapses": ("dv/dt = (g*h/mV - v)/ms : volt\ndg/dt = -g/ms : volt\ndh/dt = -h/ms : volt", FIRES, ["g*h", "dv/dt"]),
    "growing synapse": ("dv/dt = (g - v)/ms : volt\ndg/dt = g/ms : volt", FIRES, ["dg/dt", "grows"]),
    "frozen synapse": (FLAGGED.replace("-v", "(g-v)") + "\ndg/dt = -g/ms : volt (unless refractory)", FIRES | dict(refractory="1*ms"), ["dg/dt", "refractory"]),
    "three decay times": ("dv/dt = (a + b + c - v)/ms : volt\nda/dt = -a/ms : volt\ndb/dt = -b/(2*ms) : volt\ndc/dt = -c/(3*ms) : volt", FIRES, ["da/dt", "dc/dt", "2 kinds"]),
    "integrates while refractory": (LEAK, FIRES | dict(refractory="2*ms"), ["unless refractory", "dv/dt"]),
    "refractory on a condition": (FLAGGED, FIRES | dict(refractory="v > 5*mV"), ["v > 5*mV", "condition"]),
    "moving threshold": (LEAK + "\ndth/dt = -th/ms : volt", FIRES | dict(threshold="v > th"), ["v > th", "threshold"]),
    "two-sided threshold": (LEAK, FIRES | dict(threshold="v > 10*mV and v < 20*mV"), ["v < 20*mV", "threshold"]),
    "threshold from above": (LEAK, FIRES | dict(threshold="v < 10*mV"), ["v < 10*mV", "threshold"]),
    "random threshold": (LEAK, FIRES | dict(threshold="v > 10*mV + rand()*mV"), ["rand", "chance"]),
    "threshold of time": (LEAK, FIRES | dict(threshold="v > 10*mV + t*mV/ms"), ["'t'", "changes"]),
    "reset by subtraction": (LEAK, FIRES | dict(reset="v -= 10*mV"), ["v -= 10*mV", "constant"]),
    "reset of a synapse": ("dv/dt = (g - v)/ms : volt\ndg/dt = -g/ms : volt", FIRES | dict(reset="v = 0*mV; g = 0*mV"), ["g = 0*mV"]),
    "reset above threshold": (LEAK, FIRES | dict(reset="v = 11*mV"), ["v = 11*mV", "for ever"]),
    "no threshold": (LEAK, {}, ["threshold", "dv/dt"]),
    "no reset": (LEAK, dict(threshold="v > 10*mV", refractory="1*ms"), ["reset"]),
    "other event": (LEAK, FIRES | dict(events={"low": "v < 0*mV"}), ["'low'", "v < 0*mV"]),
    "current of time": ("dv/dt = (sin(t/ms)*mV - v)/ms : volt", FIRES, ["'t'", "changes"]),
    "timed array": ("dv/dt = (stimulus(t) - v)/ms : volt", FIRES, ["stimulus", "TimedArray", "StepCurrent"]),
    "unknown function": ("dv/dt = (mine(3) - v)/ms : volt", FIRES, ["mine", "function"]),
    "unknown name": ("dv/dt = (El - v)/ms : volt", FIRES, ["'El'", "namespace"]),
    "constant over dt": ("dv/dt = (x - v)/ms : volt\nx = v/2 : volt (constant over dt)", FIRES, ["constant over dt"]),
    "leak out of range": ("dv/dt = -v/(10*second) : volt", FIRES, ["tau", "10", "dv/dt"]),
}  # fmt: skip


@pytest.mark.parametrize("case", GROUPS)
def test_a_group_we_do_not_have_is_refused_with_its_name_and_line(case):
    equations, more, named = GROUPS[case]
    with brian() as b:
        stimulus = b.TimedArray(np.zeros(3) * b.mV, dt=1 * b.ms)
        mine = b.Function(lambda x: x, arg_units=[1], return_unit=b.volt)
        group = b.NeuronGroup(2, equations, name="cells", **more)
        with pytest.raises(UnsupportedError) as refused:
            from_brian2(group, namespace={"stimulus": stimulus, "mine": mine})
    for word in ["'cells'", *named]:
        assert word in str(refused.value)


# the Synapses' arguments; what the refusal must name
SYNAPSES = {
    "plasticity": (
        dict(model="w : volt\ndx/dt = -x/ms : 1 (event-driven)", on_pre="v += w; x += 1"),
        ["dx/dt", "plasticity"],
    ),
    "on_post": (dict(model="w : volt", on_pre="v += w", on_post="w += 1*mV"), ["w += 1*mV", "on_post"]),
    "a weight that changes": (dict(model="w : volt", on_pre="v += w\nw = w*0.9"), ["w = w*0.9", "plasticity"]),
    "summed": (dict(model="g_post = 1*mV : volt (summed)"), ["g_post", "summed"]),
    "multiplies": (dict(on_pre="v *= 0.5"), ["v *= 0.5", "adds"]),
    "driving force": (dict(on_pre="v += 0.1*(10*mV - v_post)"), ["v_post", "changes"]),
    "random weight": (dict(on_pre="v += rand()*mV"), ["rand", "chance"]),
    "a parameter": (dict(on_pre="g += 1*mV"), ["'g' of 'cells'", "can be: v"]),
    "of the source": (dict(on_pre="v_pre += 1*mV"), ["v_pre"]),
    "unknown name": (dict(on_pre="v += strength"), ["'strength'", "namespace"]),
    "nothing": (dict(model="w : volt"), ["on_pre"]),
}


@pytest.mark.parametrize("case", SYNAPSES)
def test_synapses_we_do_not_have_are_refused_with_their_name_and_line(case):
    arguments, named = SYNAPSES[case]
    with brian() as b:
        group = b.NeuronGroup(2, LEAK + "\ng : volt", name="cells", **FIRES)
        synapses = b.Synapses(group, group, name="wires", **arguments)
        synapses.connect()
        with pytest.raises(UnsupportedError) as refused:
            from_brian2([group, synapses], namespace={})
    for word in ["'wires'", *named]:
        assert word in str(refused.value)


def test_what_runs_beside_the_equations_is_refused_by_name():
    with brian() as b:
        group = b.NeuronGroup(2, LEAK, name="cells", **FIRES)
        other = b.NeuronGroup(2, LEAK, name="slow", dt=1 * b.ms, **FIRES)
        hand = b.NetworkOperation(lambda: None, name="hand")
        pulse = b.SpikeGeneratorGroup(1, [0], [1] * b.ms, period=5 * b.ms, name="pulse")
        waves = b.PoissonGroup(2, "(1 + sin(t/ms))*Hz", name="waves")
        many = b.PoissonGroup(300, np.arange(300) * b.Hz, name="many")
        for objects, words in {
            (group, hand): ["'hand'", "NetworkOperation", "NeuronGroup"],
            (group, other): ["'slow'", "1. ms", "'cells'"],
            (group, pulse): ["'pulse'", "period"],
            (group, waves): ["'waves'", "'t'"],
            (group, many): ["'many'", "300", "256"],
            (pulse,): ["NeuronGroup"],
        }.items():
            with pytest.raises(UnsupportedError) as refused:
                from_brian2(list(objects), namespace={})
            for word in words:
                assert word in str(refused.value)
        group.run_regularly("v = v/2", dt=0.1 * b.ms)
        with pytest.raises(UnsupportedError, match="'cells'.*v = v/2.*run_regularly"):
            from_brian2(group, namespace={})


def test_a_changed_schedule_is_refused():
    with brian() as b:
        group = b.NeuronGroup(2, LEAK, name="cells", **FIRES)
        wires = b.Synapses(group, group, on_pre="v += 1*mV", name="wires")
        wires.connect()
        net = b.Network(group, wires)
        net.schedule = ["start", "groups", "synapses", "thresholds", "resets", "end"]
        with pytest.raises(UnsupportedError, match="groups, synapses, thresholds.*groups, thresholds, synapses"):
            from_brian2(net, namespace={})
        wires.pre.when = "start"
        with pytest.raises(UnsupportedError, match="'wires'.*'start'.*'synapses'"):
            from_brian2([group, wires], namespace={})
        group.thresholder["spike"].when = "resets"
        with pytest.raises(UnsupportedError, match="'cells'.*'resets'.*'thresholds'"):
            from_brian2(group, namespace={})


def test_a_group_that_was_forgotten_is_named():
    with brian() as b:
        group, other = (b.NeuronGroup(2, LEAK, name=n, **FIRES) for n in ("cells", "more"))
        wires = b.Synapses(group, other, on_pre="v += 1*mV", name="wires")
        wires.connect()
        with pytest.raises(UnsupportedError, match="'wires'.*'more'.*target"):
            from_brian2([group, wires], namespace={})
        with pytest.raises(UnsupportedError, match="'wires'.*'cells'.*source"):
            from_brian2([other, wires], namespace={})


def test_what_is_no_brian2_object_is_refused():
    with pytest.raises(UnsupportedError, match="takes a Brian2 Network or its objects, not float"):
        from_brian2([1.0])
