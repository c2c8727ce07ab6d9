"""SANA-FE's network file: a network of our discrete neurons, and the core each of them is on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workbench.circuits.convolution import Kernel, Stored
from workbench.circuits.network import Network, Population, Projection, Source
from workbench.circuits.neurons.discrete_lif import DiscreteLif
from workbench.circuits.spread import Values
from workbench.circuits.stimuli import Regular, SpikeList, Stimulus
from workbench.circuits.wiring import AllToAll, Explicit
from workbench.errors import DescriptionError
from workbench.fields import Distribution
from workbench.interchange.sanafe.architecture import Architecture
from workbench.interchange.sanafe.document import Node, load
from workbench.interchange.sanafe.edges import Bundle, read_edges
from workbench.interchange.sanafe.groups import Group, read_groups, read_mappings, widely
from workbench.units import ms
from workbench.words import tr

if TYPE_CHECKING:
    from workbench.mapping.mapped import Mapped

__all__ = ["FINE", "read_network"]

FINE = 64
"""SANA-FE's Loihi soma keeps potentials in whole 1/64; where that matters, our numbers are in units of 1/64."""


def read_network(
    path: str | Path, architecture: Architecture, *, dt: float = 1 * ms, approximate: bool = False
) -> tuple[Network, Mapped]:
    """The network of a file, and its mapping onto `architecture`.

    A group becomes a population of DiscreteLif. In SANA-FE a step is: v loses v · (1 − leak_decay) and is cut to a whole 1/64
    towards zero; the arrivals of the step before, and the bias, are added unless the neuron is refractory; above the threshold it
    fires and is reset. Our neuron does the same in units of 1/64, with losses rounded away from zero, wherever all numbers are whole
    1/64, and computes it exactly in whole numbers. A leak_decay within 10⁻⁶ of a whole number of 1/4096 is taken as that
    number (their files write 0.99975585937 for 4095/4096). Held too: soft and hard resets; refractory_delay where v rests meanwhile;
    reverse_reset_mode saturate. Every synapse acts in the next step, one `dt` later.

    Refused unless `approximate`, which then computes without rounding: numbers that are not whole 1/64, input_decay, other leaks, a first
    potential that leaks (SANA-FE does not leak in its first step), force_update of neurons without a bias. Refused always: other
    reset modes, noise, delays, multi-tap and TrueNorth units, neurons mapped twice or not at all, cores that are not there.

    Neurons on units of the model "input" become sources: their spikes are outside operations and send no packets on the chip.
    """
    top = load(path)
    net = top.child("network")
    for key, value in net.mapping().items():
        if key not in ("name", "groups", "edges"):
            raise value.unknown("attribute", key, ("name", "groups", "edges"))
    groups = read_groups(net.child("groups"))
    bundles = read_edges(net.child("edges"), groups)
    read_mappings(top.child("mappings"), groups, architecture)
    inputs = {n: g for n, g in groups.items() if _is_input(g, architecture)}
    cells = {n: g for n, g in groups.items() if n not in inputs}
    if not cells:
        raise net.refused(tr("there is no neuron but inputs: nothing to run."))
    into: dict[str, list[Bundle]] = {n: [b for b in bundles if b.target == n] for n in groups}
    for name in inputs:
        if into[name]:
            raise into[name][0].node.wrong(tr("'{name}' is an input; nothing can be sent to it.", name=name))
    scales: dict[str, int] = {}
    populations: dict[str, Population] = {}
    for name, group in cells.items():
        weights = np.concatenate([b.values for b in into[name]] or [np.zeros(0)])
        populations[name], scales[name] = _population(group, weights, approximate)
    projections = {}
    for bundle in bundles:
        unit = groups[bundle.target].unit("synapse", architecture.synapses)
        name = f"{bundle.source}->{bundle.target}"
        while name in projections:
            name += "+"
        wiring, weight = _wiring(bundle, groups, float(scales[bundle.target]), unit.event)
        lasting = _lasting(cells[bundle.target])
        projections[name] = Projection(
            bundle.source, bundle.target, wiring, weight, delay=dt, receptor="exc" if lasting else "input"
        )
    sources = {n: Source(g.size, _stimulus(g, architecture, dt)) for n, g in inputs.items()}
    return Network(populations=populations, sources=sources, projections=projections), _mapped(cells, architecture)


def _is_input(group: Group, architecture: Architecture) -> bool:
    units = group.units("soma", architecture.somas)
    models = {u.model for u in units}
    if models == {"input"}:
        return True
    unit = group.unit("soma", architecture.somas)
    first = next(u for u in architecture.somas if u.model == "leaky_integrate_fire")
    if unit.costs != first.costs:
        raise (group.nodes("soma") or [group.node])[-1].refused(
            tr(
                "soma unit '{unit}' costs other than '{first}'; our chip has one price for an update.",
                unit=unit.name,
                first=first.name,
            )
        )
    group.unit("dendrite", architecture.dendrites)
    return False


def _lasting(group: Group) -> bool:
    return bool(np.any(group.numbers("input_decay")))


def _population(group: Group, weights: NDArray[np.float64], approximate: bool) -> tuple[Population, int]:
    numbers = {k: group.numbers(k) for k in ("threshold", "reset", "leak_decay", "input_decay", "bias", "potential")}
    mode, reverse = group.word("reset_mode"), group.word("reverse_reset_mode")
    if mode not in ("hard", "soft"):
        raise _at(group, "reset_mode").refused(
            tr("reset_mode '{mode}' is nothing our neuron does; it does hard and soft.", mode=mode)
        )
    if reverse not in ("none", "saturate"):
        raise _at(group, "reverse_reset_mode").refused(
            tr("reverse_reset_mode '{mode}' is nothing our neuron does; it does none and saturate.", mode=reverse)
        )
    for other in ("rate", "poisson", "spikes"):
        if group.nodes(other):
            raise group.nodes(other)[0].wrong(
                tr("'{name}' belongs to input units; group '{group}' is on a neuron.", name=other, group=group.name)
            )
    numbers["leak_decay"] = decay = _snapped(numbers["leak_decay"])
    for name in ("leak_decay", "input_decay"):
        if not ((numbers[name] >= 0) & (numbers[name] <= 1)).all():
            raise _at(group, name).wrong(tr("{name} lies between 0 and 1.", name=name))
    refractory = group.numbers("refractory_delay")
    if (refractory != refractory[0]).any() or refractory[0] < 0 or refractory[0] != int(refractory[0]):
        raise _at(group, "refractory_delay").refused(
            tr("refractory_delay is one whole number of steps for a whole group.")
        )
    lowest = group.numbers("reverse_threshold") if reverse == "saturate" else np.full(group.size, -np.inf)
    if (numbers["reset"] < lowest).any():
        raise _at(group, "reset").refused(tr("a reset below the reverse_threshold is nothing our neuron does."))
    whole = (
        ["bias", "reset", "potential"]
        + ["reverse_threshold"] * (reverse == "saturate")
        + ["threshold"] * (mode == "soft")
    )
    numbers["reverse_threshold"] = group.numbers("reverse_threshold")
    if not approximate:
        _exact(group, numbers, weights, refractory[0], whole)
    leaks = bool(((decay * 4096) % 1 == 0).all())
    fine = leaks and _whole(*(numbers[k] for k in whole), weights) and not _lasting(group)
    scale = FINE if fine else 1
    # A whole potential is above a threshold when it is above the whole number below it.
    threshold = np.floor(numbers["threshold"] * scale) if fine else numbers["threshold"]
    below = {} if reverse == "none" else {"lowest": widely(lowest * scale)}
    try:
        neuron = DiscreteLif(
            leak=widely(1.0 - decay),
            leak_exc=widely(1.0 - numbers["input_decay"]),
            leak_inh=widely(1.0 - numbers["input_decay"]),
            threshold=widely(threshold),
            reset=widely(numbers["reset"] * scale),
            bias=widely(numbers["bias"] * scale),
            refractory=int(refractory[0]),
            after_spike="reset" if mode == "hard" else "subtract",
            rounding="away" if fine else "none",
            **below,
        )
    except DescriptionError as error:
        raise group.node.wrong(str(error)) from None
    start = widely(numbers["potential"] * scale)
    return Population(group.size, neuron, {"v": start}), scale


def _at(group: Group, name: str) -> Node:
    return (group.nodes(name) or [group.node])[-1]


def _whole(*values: NDArray[np.float64]) -> bool:
    return all(bool((v * FINE == np.rint(v * FINE)).all()) for v in values)


def _snapped(decay: NDArray[np.float64]) -> NDArray[np.float64]:
    """Decays, those that are a decimal of a whole number of 1/4096 as that number."""
    near = np.rint(decay * 4096)
    return np.where(np.abs(decay * 4096 - near) < 1e-6, near / 4096, decay)


def _exact(
    group: Group,
    numbers: dict[str, NDArray[np.float64]],
    weights: NDArray[np.float64],
    refractory: float,
    whole: list[str],
) -> None:
    """Raise UnsupportedError where our neuron would not do step for step what SANA-FE's does."""
    say = tr("read_network(…, approximate=True) takes it all the same.")
    for name in whole:
        if not _whole(numbers[name]):
            what = tr(
                "{name} of '{group}' is no whole number of 1/64, to which SANA-FE cuts potentials.",
                name=name,
                group=group.name,
            )
            raise _at(group, name).refused(f"{what} {say}")
    if not _whole(weights):
        what = tr(
            "weights onto '{group}' are no whole numbers of 1/64, to which SANA-FE cuts potentials.", group=group.name
        )
        raise group.node.refused(f"{what} {say}")
    if numbers["input_decay"].any():
        what = tr("input_decay leaves fractions that SANA-FE cuts to whole 1/64 of the potential; we do not.")
        raise _at(group, "input_decay").refused(f"{what} {say}")
    leaks = numbers["leak_decay"] < 1
    odd = numbers["leak_decay"] * 4096 % 1 != 0
    if odd.any():
        what = tr(
            "leak_decay {decay:g} is no whole number of 1/4096, the leaks our neuron has.",
            decay=float(numbers["leak_decay"][odd][0]),
        )
        raise _at(group, "leak_decay").refused(f"{what} {say}")
    if (numbers["potential"][leaks] != 0).any():
        what = tr("SANA-FE does not leak in its first step, our neuron does: a first potential that leaks differs.")
        raise _at(group, "potential").refused(f"{what} {say}")
    if refractory > 1 and leaks.any() and ("threshold" in whole or numbers["reset"][leaks].any()):
        what = tr("SANA-FE leaks while refractory, our neuron rests: with a reset other than 0 they differ.")
        raise _at(group, "refractory_delay").refused(f"{what} {say}")
    if ((group.numbers("force_update") > 0) & (numbers["bias"] == 0)).any():
        what = tr("force_update counts silent neurons as active; our chip counts what happens.")
        raise _at(group, "force_update").refused(f"{what} {say}")


def _wiring(bundle: Bundle, groups: dict[str, Group], scale: float, event: str) -> tuple[Any, float | Distribution]:
    weights = bundle.values * scale
    if bundle.kind == "conv" and bundle.convolution is not None:
        wiring: Any = bundle.convolution
        weight: Distribution = Kernel(bundle.convolution, tuple(weights.tolist()))
    elif bundle.kind == "dense":
        wiring = AllToAll()
        shape = (groups[bundle.source].size, groups[bundle.target].size)
        weight = Values(tuple(weights.reshape(shape).T.reshape(-1).tolist()))
    else:
        from scipy.sparse import coo_matrix  # noqa: PLC0415  SciPy only when a file is read

        shape = (groups[bundle.source].size, groups[bundle.target].size)
        wiring = Explicit(coo_matrix((weights, (bundle.i, bundle.j)), shape=shape))
        weight = Values(tuple(wiring.weights.tolist()))
    return (wiring if wiring.storage == event else Stored(rule=wiring, storage=event)), weight


def _stimulus(group: Group, architecture: Architecture, dt: float) -> Stimulus:
    """The spikes of input neurons: each on an input unit of its own."""
    units = group.units("soma", architecture.somas)
    own = {(int(t), int(c), u.name) for t, c, u in zip(group.tile, group.core, units)}
    if len(own) < group.size:
        raise (group.nodes("soma") or [group.node])[-1].refused(
            tr(
                "two neurons of '{group}' share one input unit, which has one spike train: give each its own.",
                group=group.name,
            )
        )
    for node in group.nodes("poisson"):
        if node.number() != 0:
            raise node.refused(
                tr("'{name}' inputs are drawn by SANA-FE's own generator: write the spikes as a list.", name="poisson")
            )
    rate = group.numbers("rate")
    if rate.any():
        if group.nodes("spikes") or (rate != rate[0]).any() or not 0 < rate[0] <= 1:
            raise group.nodes("rate")[-1].refused(
                tr("a group of inputs has either one rate, above 0 and at most 1 a step, or spikes as lists.")
            )
        every = int(1.0 / rate[0])
        return Regular(rate=1.0 / (every * dt), start=(every - 1) * dt)
    times: list[float] = []
    neurons: list[int] = []
    trains: dict[int, list[int]] = {}
    for first, last, given in group.runs:
        if "spikes" in given:
            train = [k for k, s in enumerate(given["spikes"].listed()) if s.flag()]
            trains |= dict.fromkeys(range(first, last + 1), train)
    for neuron, train in sorted(trains.items()):
        times += [k * dt for k in train]
        neurons += [neuron] * len(train)
    return SpikeList(tuple(times), tuple(neurons))


def _mapped(cells: dict[str, Group], architecture: Architecture) -> Mapped:
    from workbench.mapping.mapped import Mapped  # noqa: PLC0415

    tile = np.concatenate([g.tile for g in cells.values()])
    core = np.concatenate([g.core for g in cells.values()])
    per_tile = architecture.chip.cores_per_tile
    used, core_of = np.unique(tile * per_tile + core, return_inverse=True)
    tiles = np.array([architecture.at(int(u) // per_tile) for u in used], np.int32).reshape(-1, 2)
    return Mapped(core_of=core_of.astype(np.int32), tiles=tiles)
