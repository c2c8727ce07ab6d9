"""Brian2 scripts in: a Network, or the objects of a script, become a circuit that runs on every chip.

From a script to the energy of a chip, in place of or after `run(...)`:

    from workbench import CHIPS, Experiment
    from workbench.interchange import from_brian2
    circuit = from_brian2(net)
    recording = Experiment(circuit, CHIPS["loihi-davies"], duration=1.0, dt=circuit.dt).run()
    print(recording.ledger.total, "J", *circuit.notes, sep="\\n")

What is taken: NeuronGroups whose equations are those of Lif in any spelling (leak, currents and conductances that decay
exponentially, delta synapses), or of Izhikevich, AdEx and HodgkinHuxley; Synapses that add a weight to a variable of their target;
PoissonGroup, PoissonInput, SpikeGeneratorGroup; subgroups. Numbers come from the namespace or from the groups' parameters, one for all
or one for each neuron. Monitors are left out. Everything else is refused, with its name and its line.

A potential marked (unless refractory) stands still and drops jumps while it is refractory, as ours does; one that is not marked is
taken without refractory period only. Every group becomes one population of its name. The integration is ours (for Lif the exact step), so a script that says
method='exact' gives the same spikes until rounding tells two chaotic networks apart. A potential without unit becomes a voltage:
one unit is the largest power of two that keeps threshold and reset within 50 mV, and the notes say which.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from typing import Any

from workbench.errors import UnsupportedError
from workbench.interchange.imported import Imported
from workbench.words import tr

__all__ = ["from_brian2"]

_SCHEDULE = ["start", "groups", "thresholds", "synapses", "resets", "end"]


def from_brian2(objects: Any = None, *, namespace: Mapping[str, Any] | None = None) -> Imported:
    """The circuit that a Brian2 network is, with its time step and notes on what is not as it was.

    Parameters
    ----------
    objects
        A Brian2 Network, or the objects of a script; without it, those that run() would find where this is called.
    namespace
        What names in equations mean; the caller's variables by default, as in Brian2.

    Raises UnsupportedError for what has no counterpart, with the object's name and its line in the model.
    """
    frame = inspect.currentframe()
    caller = frame.f_back if frame is not None else None
    around = {**caller.f_globals, **caller.f_locals} if caller is not None else {}
    del frame, caller
    from workbench.interchange.brian2.convert import convert  # noqa: PLC0415  brings Brian2

    begun: float | None = None
    if objects is None:
        from brian2 import collect  # noqa: PLC0415

        objects = collect(level=1)
    elif hasattr(objects, "objects"):
        if list(objects.schedule) != _SCHEDULE:
            raise UnsupportedError(
                tr(
                    "'{name}' runs in the order {given}; here it is always {ours}.",
                    name=objects.name,
                    given=", ".join(objects.schedule),
                    ours=", ".join(_SCHEDULE),
                )
            )
        begun, objects = float(objects.t_), objects.objects
    elif isinstance(objects, Mapping):
        objects = objects.values()
    elif not isinstance(objects, Iterable) or _is_object(objects):
        objects = [objects]
    found = list({id(o): o for o in objects}.values())
    for o in found:
        if not _is_object(o):
            raise UnsupportedError(
                tr("from_brian2 takes a Brian2 Network or its objects, not {kind}.", kind=type(o).__name__)
            )
    return convert(found, around if namespace is None else namespace, begun)


def _is_object(value: Any) -> bool:
    from brian2.core.base import BrianObject  # noqa: PLC0415

    return isinstance(value, BrianObject)
