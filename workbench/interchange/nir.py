"""NIR graphs in: Input, Output, Affine, Linear, Flatten, IF, LIF and CubaLIF become a circuit that runs on every chip.

NIR (Pedersen et al. 2024, Nat. Commun. 15:8122) describes neurons in continuous time and numbers without unit. What becomes of them:

LIF       tau dv/dt = (v_leak − v) + r·I: a Lif, with the exact step. v > v_threshold fires, v becomes v_reset.
CubaLIF   tau_syn dI/dt = −I + w_in·S; tau_mem dv/dt = (v_leak − v) + r·I: a Lif with an exponential receptor, exact too.
IF        dv/dt = r·I has no leak, which a Lif cannot be: a DiscreteLif with leak 0, exact for spikes and for constant input. Since
          a chip runs one model at a time, LIF and CubaLIF of the same graph become DiscreteLif too, with their exact step.
Affine    its weights become synapses; its bias a constant current, which a CubaLIF filters with tau_syn from the start on.
Input     a source: spikes handed in with `advance(inputs=...)`, or any stimulus given here.

A potential of 1 becomes a power of two in volts that keeps threshold and reset within 50 mV; the notes say which. A spike in NIR is
a Dirac impulse of area 1, so through a weight W it lifts v by r·W/tau (LIF), I by w_in·W/tau_syn (CubaLIF), v by r·W (IF).
Simulators that step in time often export LIF and CubaLIF for spikes of height 1 that last one step, with r = tau/dt or
w_in = tau_syn/dt in the file: `spike="step"` multiplies all three by dt. Potentials start at 0. NIR has no delays; a spike into a Lif
takes one step here, one into a DiscreteLif acts in the next step, as NIR's would if it were seen at the end of a step.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from workbench.circuits.network import Network, Population, Projection, Source
from workbench.circuits.neurons.discrete_lif import DiscreteLif
from workbench.circuits.neurons.lif import Lif
from workbench.circuits.neurons.neuron import Neuron
from workbench.circuits.stimuli import External, SpikeList, Stimulus
from workbench.circuits.synapses import Current
from workbench.circuits.wiring import OneToOne
from workbench.errors import DescriptionError, StoreError, UnsupportedError, WorkbenchError, unknown
from workbench.interchange import charge
from workbench.interchange.graph import LARGEST, Graph, Inflow, look, reason
from workbench.interchange.imported import Imported, listed, scale_of, wire
from workbench.words import tr

__all__ = ["read_nir"]

_OWN = 2.0**20
"""Ohm: carries NIR's currents without unit; a power of two, so that nothing is rounded."""


def read_nir(
    source: Any,
    *,
    dt: float = 1e-4,
    spike: Literal["impulse", "step"] = "impulse",
    inputs: Mapping[str, Stimulus] | None = None,
    largest: int = LARGEST,
) -> Imported:
    """The circuit that a NIR graph is, with its time step and notes on what is not as it was.

    Parameters
    ----------
    source
        A file, or a nir.NIRGraph.
    dt
        The step it will run with, s: a delay of one step, the bias of an IF and `spike="step"` need it.
    spike
        What a spike of the file means: an impulse of area 1, or a height of 1 for one step.
    inputs
        What an Input node does, by its name; by default it waits for spikes from `advance(inputs={name: ...})`.
    largest
        A file that would unpack to more bytes than this is refused before it is read.

    Raises StoreError for a file that is cut short, too large or no NIR, UnsupportedError for a node of another type, DescriptionError
    for sizes and numbers that make no sense; each names the node.
    """
    if spike not in ("impulse", "step"):
        raise unknown("spike", spike, ("impulse", "step"))
    if not (dt > 0 and np.isfinite(dt)):
        raise DescriptionError(tr("dt is {dt}: it must be a positive time in seconds.", dt=dt))
    graph = Graph(_load(Path(source), largest) if isinstance(source, (str, Path)) else source)
    given = dict(inputs or {})
    for name in given:
        if name not in graph.inputs:
            raise unknown("Input node", name, graph.inputs)
    return _Reader(graph, dt, dt if spike == "step" else 1.0, given).circuit()


def _load(path: Path, largest: int) -> Any:
    """The nir.NIRGraph of a file, after a look at the size, links and types of what is in it."""
    import h5py  # noqa: PLC0415

    if not path.is_file():
        raise StoreError(tr("There is no file {path}.", path=path))
    try:
        with h5py.File(path, "r") as file:
            look(path, file, largest)
    except StoreError:
        raise
    except (OSError, RuntimeError, KeyError, ValueError) as error:
        raise StoreError(tr("{path} is cut short, or no NIR file: {why}.", path=path, why=reason(error))) from None
    nir = _nir()
    try:
        return nir.read(path, type_check=False)
    except Exception as error:  # noqa: BLE001  NIR raises anything, from AssertionError to KeyError
        raise StoreError(tr("{path}: NIR cannot make a graph of it: {why}.", path=path, why=reason(error))) from None


def _nir() -> Any:
    try:
        import nir  # noqa: PLC0415
    except ImportError:
        raise UnsupportedError(
            tr("NIR files need the package nir: install neuromorphic-workbench[interchange].")
        ) from None
    return nir


class _Reader:
    """One graph on its way into a Network."""

    def __init__(self, graph: Graph, dt: float, area: float, inputs: Mapping[str, Stimulus]) -> None:
        self.graph, self.dt, self.area, self.inputs = graph, dt, area, inputs
        self.whole = any(graph.kind(name) == "IF" for name in graph.neurons)
        """Whether the graph runs in whole steps, because a neuron without leak is among them."""
        self.notes: list[str] = []
        self.populations: dict[str, Population] = {}
        self.sources: dict[str, Source] = {}
        self.projections: dict[str, Projection] = {}

    def circuit(self) -> Imported:
        """Every neuron node with what flows into it."""
        graph = self.graph
        for name in graph.inputs:
            self.sources[name] = Source(graph.size(name), self.inputs.get(name, External()))
        for name in graph.neurons:
            try:
                {"LIF": self._lif, "CubaLIF": self._cuba, "IF": self._if}[graph.kind(name)](name, graph.inflow(name))
            except UnsupportedError:
                raise
            except WorkbenchError as error:
                raise DescriptionError(
                    tr("Node '{node}' ({kind}): {why}", node=name, kind=graph.kind(name), why=error)
                ) from None
        if not self.populations:
            raise UnsupportedError(tr("The graph has no neurons; the types with neurons are IF, LIF and CubaLIF."))
        for name in graph.outputs:
            self._say_output(name)
        used = {p.source for p in self.projections.values()}
        if self.whole:
            self.notes.append(
                tr("A graph with IF neurons runs in whole steps, all of it: a spike acts in the step after it.")
            )
        else:
            self.notes.append(
                tr("NIR has no delays; here every connection takes one step of {dt:g} ms.", dt=self.dt * 1e3)
            )
        return Imported(
            written=Network(self.populations, {n: s for n, s in self.sources.items() if n in used}, self.projections),
            dt=self.dt,
            notes=tuple(self.notes),
        )

    def _say_output(self, name: str) -> None:
        direct, linear = self.graph.readers(name)
        if direct:
            self.notes.append(
                tr("Output '{name}' is what {populations} fires.", name=name, populations=", ".join(direct))
            )
        if linear:
            self.notes.append(
                tr(
                    "Output '{name}': the weights before it ({nodes}) compute no neurons and were left out.",
                    name=name,
                    nodes=", ".join(linear),
                )
            )

    def _membrane(
        self, name: str, tau: NDArray[Any], inflow: Inflow, gain: NDArray[Any]
    ) -> tuple[dict[str, Any], float, Any]:
        """The knobs of a Lif, the volts of a potential of 1, and what turns NIR's r·I into ampere."""
        levels = {k: self.graph.numbers(name, k) for k in ("v_threshold", "v_reset", "v_leak")}
        scale = scale_of(levels["v_threshold"], levels["v_reset"], in_volts=False)
        self._below(levels["v_reset"], levels["v_threshold"])
        self._scaled(name, f"{scale * 1e3:g} mV")
        leak = levels["v_leak"] * scale
        rest = np.clip(leak, -0.1, 0.05)
        constant = scale * gain * inflow.bias + (leak - rest)
        resistance = _OWN
        while np.max(np.abs(constant), initial=0.0) / resistance > 90e-9:
            resistance *= 2
        knobs = {
            "tau": tau,
            "rest": rest,
            "threshold": levels["v_threshold"] * scale,
            "reset": levels["v_reset"] * scale,
            "refractory": 0.0,
            "resistance": resistance,
            "bias": constant / resistance,
        }
        return knobs, scale, resistance

    def _lif(self, name: str, inflow: Inflow) -> None:
        graph = self.graph
        tau, r = graph.positive(name, "tau"), graph.numbers(name, "r")
        self._huge(name, r * self.area / tau, inflow)
        if self.whole:
            stay = np.exp(-self.dt / tau)
            scale = self._steps(name, stay, (graph.numbers(name, "v_leak") + r * inflow.bias) * (1 - stay))
            # an impulse at the start of a step has decayed by its end
            self._wire(name, inflow, "input", scale * r * self.area / tau * stay)
            return
        knobs, scale, resistance = self._membrane(name, tau, inflow, r)
        self._add(name, Lif, knobs)
        self._wire(name, inflow, "input", scale * r * self.area / tau, current=scale * r / resistance)

    def _cuba(self, name: str, inflow: Inflow) -> None:
        graph, dt = self.graph, self.dt
        tau, tau_syn = graph.positive(name, "tau_mem"), graph.positive(name, "tau_syn")
        r, w_in = graph.numbers(name, "r"), graph.numbers(name, "w_in")
        self._huge(name, w_in * self.area / tau_syn, inflow)
        full = r * w_in * inflow.bias  # where r·I settles; it starts from 0
        initial: dict[str, Any] = {}
        onto: dict[str, Projection] = {}
        late = 0
        if self.whole:
            stay, kept = np.exp(-dt / tau), np.exp(-dt / tau_syn)
            gap = np.where(np.abs(tau_syn - tau) < 1e-9 * tau, 1.0, tau_syn - tau)
            rise = np.where(gap == 1.0, stay * dt / tau, tau_syn / gap * (kept - stay))  # v after a step from r·I = 1
            constant = (graph.numbers(name, "v_leak") + full) * (1 - stay)
            scale = self._steps(name, stay, constant, leak_exc=1 - kept, start=-full * rise / stay)
            if np.any(full):
                onto = self._brought(name, listed(-scale * full * rise * kept))
            factor = scale * r * w_in * self.area / tau_syn * rise
        else:
            knobs, scale, resistance = self._membrane(name, tau, inflow, r * w_in)
            knobs["tau_exc"] = tau_syn
            held = -scale * full / resistance
            if np.any(held):
                neuron = self._neuron(Lif, knobs)
                initial["v"], late = charge.start(neuron, held.size, 0.0, {"exc": held}, dt=dt)
                source, onto = charge.brought(name, held.size, neuron, {"exc": held}, dt=dt)
                self.sources[f"start of {name}"] = source
            self._add(name, Lif, knobs, initial)
            factor = scale * r * w_in * self.area / tau_syn / resistance
        for projection in onto.values():
            self.projections[f"start of {name}"] = projection
            self.notes.append(
                tr("Node '{node}': its bias builds up with tau_syn, which one spike from outside brings; {late} of {size} neurons are not exact in the first two steps.",
                   node=name, late=late, size=full.size)
            )  # fmt: skip
        self._wire(name, inflow, "exc", factor)

    def _brought(self, name: str, weight: Any) -> dict[str, Projection]:
        """What a synaptic current in whole steps lacks at the start, from the second step on."""
        size = self.graph.size(name)
        self.sources[f"start of {name}"] = Source(size, SpikeList((0.0,) * size, tuple(range(size))))
        return {"exc": Projection(f"start of {name}", name, OneToOne(), weight=weight, delay=self.dt, receptor="exc")}

    def _if(self, name: str, inflow: Inflow) -> None:
        r = self.graph.numbers(name, "r")
        scale = self._steps(name, np.ones_like(r), r * inflow.bias * self.dt)
        self._wire(name, inflow, "input", scale * r * self.area)

    def _steps(
        self, name: str, stay: NDArray[Any], constant: NDArray[Any], *, leak_exc: Any = 1.0, start: Any = 0.0
    ) -> float:
        """A neuron in whole steps, of whose potential `stay` stays in a step; gives what a potential of 1 becomes."""
        threshold, reset = self.graph.numbers(name, "v_threshold"), self.graph.numbers(name, "v_reset")
        self._below(reset, threshold)
        # a power of two that brings the threshold near 2^16 keeps weights fine on their grid
        scale = float(2.0 ** np.floor(np.log2(2.0**16 / np.max(np.abs([threshold, reset])))))
        self._scaled(name, f"{scale:g}")
        knobs = {
            "threshold": threshold * scale,
            "reset": reset * scale,
            "bias": constant * scale,
            "leak": 1 - stay,
            "leak_exc": leak_exc,
        }
        self._add(name, DiscreteLif, knobs, {"v": np.asarray(start) * scale})
        return scale

    def _below(self, reset: NDArray[Any], threshold: NDArray[Any]) -> None:
        if np.any(reset >= threshold):
            raise DescriptionError(
                tr("the reset lies at or above the threshold, so that a neuron would fire for ever.")
            )

    def _scaled(self, name: str, said: str) -> None:
        self.notes.append(
            tr("Node '{node}': a potential of 1 becomes {said} here, weights and bias alike.", node=name, said=said)
        )

    def _huge(self, name: str, lift: NDArray[Any], inflow: Inflow) -> None:
        """A spike that lifts by a hundred thresholds hints at a file written for spikes as steps."""
        span = self.graph.numbers(name, "v_threshold") - self.graph.numbers(name, "v_reset")
        weights = [np.max(np.abs(w.data), initial=0.0) for _, w in inflow.spikes]
        if self.area == 1.0 and weights and np.median(np.abs(lift)) * float(np.median(weights)) > 100 * np.median(span):
            self.notes.append(
                tr(
                    "Node '{node}': one spike lifts it by more than a hundred thresholds; a file written for spikes of one step is read with spike=\"step\".",
                    node=name,
                )
            )

    def _neuron(self, kind: type[Any], knobs: Mapping[str, Any]) -> Any:
        return kind(**{k: listed(v) for k, v in knobs.items()})

    def _add(
        self, name: str, kind: type[Neuron], knobs: Mapping[str, Any], initial: Mapping[str, Any] | None = None
    ) -> None:
        start = {"v": 0.0} | dict(initial or {})
        self.populations[name] = Population(
            self.graph.size(name), self._neuron(kind, knobs), {k: listed(v) for k, v in start.items()}
        )

    def _wire(
        self, name: str, inflow: Inflow, receptor: str, factor: NDArray[Any], *, current: NDArray[Any] | None = None
    ) -> None:
        """A projection from each source; `factor` and `current` turn a weight into what it is worth here."""
        size = self.graph.size(name)
        neuron = self.populations[name].neuron
        for origin, matrix in inflow.spikes:
            onto, worth, senders = receptor, factor, matrix.shape[1]
            if origin in self.sources and self.sources[origin].stimulus.kind == "current":
                if current is None:
                    raise UnsupportedError(
                        tr(
                            "Node '{node}' ({kind}) takes no current source; a LIF does.",
                            node=name,
                            kind=self.graph.kind(name),
                        )
                    )
                onto, worth = "current", current
            if not matrix.nnz:
                continue
            wiring, order = wire(matrix.col, matrix.row, (senders, size))
            weight = np.asarray(matrix.data, np.float64) * np.broadcast_to(worth, (size,))[matrix.row]
            if not np.isfinite(weight).all():
                raise DescriptionError(tr("there are weights that are not finite."))
            self._grid(name, origin, weight, neuron.receptors[onto])
            self.projections[f"{origin} to {name}"] = Projection(
                origin, name, wiring, weight=listed(weight[order]), delay=self.dt, receptor=onto
            )

    def _grid(self, name: str, origin: str, weight: NDArray[np.float64], receptor: Any) -> None:
        if isinstance(receptor, Current):
            return
        away = np.abs(np.rint(weight / receptor.grid) * receptor.grid - weight)
        worst = float(np.max(away / np.where(weight == 0, 1.0, np.abs(weight)), initial=0.0))
        if worst > 1e-12:
            self.notes.append(
                tr("'{name}': weights lie on a grid of powers of two here, which moves one by {worst:.1g} of itself at most.",
                   name=f"{origin} to {name}", worst=worst)
            )  # fmt: skip
