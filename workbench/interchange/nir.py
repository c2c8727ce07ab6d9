"""NIR graphs in: Input, Output, Affine, Linear, Flatten, IF, LIF and CubaLIF become a circuit that runs on every chip.

NIR (Pedersen et al. 2024, Nat. Commun. 15:8122) describes neurons in continuous time and numbers without unit. What becomes of them:

LIF       tau dv/dt = (v_leak − v) + r·I: a Lif, with the exact step. v > v_threshold fires, v becomes v_reset.
CubaLIF   tau_syn dI/dt = −I + w_in·S; tau_mem dv/dt = (v_leak − v) + r·I: a Lif with an exponential receptor, exact too.
IF        dv/dt = r·I has no leak, which a Lif cannot be: a DiscreteLif with leak 0, exact for spikes and for constant input.
Affine    its weights become synapses; its bias a constant current, which a CubaLIF filters with tau_syn from the start on.
Input     a source: spikes handed in with `advance(inputs=...)`, or any stimulus given here.

A potential of 1 becomes a power of two in volts that keeps threshold and reset within 50 mV; the notes say which. A spike in NIR is
a Dirac impulse of area 1, so through a weight W it lifts v by r·W/tau (LIF), I by w_in·W/tau_syn (CubaLIF), v by r·W (IF).
Simulators that step in time often export LIF and CubaLIF for spikes of height 1 that last one step, with r = tau/dt or
w_in = tau_syn/dt in the file: `spike="step"` multiplies all three by dt. NIR has no delays; here every connection takes one step.
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
from workbench.circuits.stimuli import External, Stimulus
from workbench.circuits.synapses import Current
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
        self.notes.append(tr("NIR has no delays; here every connection takes one step of {dt:g} ms.", dt=self.dt * 1e3))
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
        knobs, scale, resistance = self._membrane(name, tau, inflow, r)
        self._add(name, Lif, knobs)
        self._huge(name, r * self.area / tau, inflow)
        self._wire(name, inflow, "input", scale * r * self.area / tau, current=scale * r / resistance)

    def _cuba(self, name: str, inflow: Inflow) -> None:
        graph = self.graph
        tau_syn, r, w_in = graph.positive(name, "tau_syn"), graph.numbers(name, "r"), graph.numbers(name, "w_in")
        knobs, scale, resistance = self._membrane(name, graph.positive(name, "tau_mem"), inflow, r * w_in)
        knobs["tau_exc"] = tau_syn
        self._huge(name, w_in * self.area / tau_syn, inflow)
        held = -scale * r * w_in * inflow.bias / resistance
        initial: dict[str, Any] = {}
        if np.any(held != 0):
            # the bias is filtered by tau_syn from the start on: the constant less what has not built up yet
            neuron = self._neuron(Lif, knobs)
            initial["v"], late = charge.start(neuron, held.size, 0.0, {"exc": held}, dt=self.dt)
            self.notes.append(
                tr("Node '{node}': its bias builds up with tau_syn, which one spike from outside brings; {late} of {size} neurons are not exact in the first two steps.",
                   node=name, late=late, size=held.size)
            )  # fmt: skip
            self.sources[f"start of {name}"], onto = charge.brought(name, held.size, neuron, {"exc": held}, dt=self.dt)
            self.projections[f"start of {name}"] = onto["exc"]
        self._add(name, Lif, knobs, initial)
        self._wire(name, inflow, "exc", scale * r * w_in * self.area / tau_syn / resistance)

    def _if(self, name: str, inflow: Inflow) -> None:
        graph = self.graph
        r, threshold, reset = (graph.numbers(name, k) for k in ("r", "v_threshold", "v_reset"))
        self._below(reset, threshold)
        # a power of two that brings the threshold near 2^16 keeps weights fine on their grid
        scale = (
            2.0 ** np.floor(np.log2(2.0**16 / np.max(np.abs([threshold, reset]))))
            if np.any([threshold, reset])
            else 1.0
        )
        self._scaled(name, f"{scale:g}")
        self._add(
            name,
            DiscreteLif,
            {"threshold": threshold * scale, "reset": reset * scale, "bias": scale * r * inflow.bias * self.dt},
        )
        self._wire(name, inflow, "input", scale * r * self.area)

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
