"""Neurons stepped in NumPy, float64: what the backends share whose arithmetic lies in the matrices and not in the neurons.

In step n every neuron emits a number: a spiking neuron 1.0 or 0.0, a value neuron its y. `clockwork` brings it to others.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, ClassVar, final

import numpy as np
from numpy.typing import NDArray

from workbench.circuits.neurons.discrete_lif import DiscreteLif
from workbench.circuits.neurons.integrator import Integrator
from workbench.circuits.neurons.lif import Lif
from workbench.circuits.neurons.relu import Relu
from workbench.circuits.synapses import Conductance, Current, Delta, Exponential, Gap
from workbench.circuits.unfold import Cells
from workbench.errors import UnsupportedError, unknown
from workbench.kernels.event.rules import lif
from workbench.words import tr

__all__ = ["State", "begin"]

Rows = NDArray[np.float64]


class State:
    """Abstract: the neurons of one population between two steps. `begin` makes the right one.

    Every array has one number for each neuron, float64, in SI units where there are units.
    """

    remembers: ClassVar[bool] = True
    """Whether a step depends on the steps before."""

    def __init__(self, cells: Cells, dt: float) -> None:
        self.cells, self.dt, self.size = cells, dt, cells.size
        self.held: dict[str, NDArray[Any]] = {}
        """What changes from step to step, by the names that probes use; "hold" counts the steps of silence left."""

    def step(self, arrivals: Mapping[str, Rows], current: Rows | float | None = None) -> Rows:
        """Go through one step: `arrivals` holds what is due in it, by receptor (none: zero); returns what is emitted in it.

        `current` is the outside current of the step, A, for neurons that take one.
        """
        raise NotImplementedError

    def steps(self, arrivals: Mapping[str, Rows], current: Rows | None = None, *, steps: int) -> Rows:
        """Go through many steps, arrays (steps, size) in and out; the same numbers as one step after the other."""
        made = np.empty((steps, self.size))
        for n in range(steps):
            made[n] = self.step({r: a[n] for r, a in arrivals.items()}, None if current is None else current[n])
        return made

    def values(self, variable: str) -> NDArray[np.float64]:
        """A state now, for a probe; raises for one that is not there."""
        known = [name for name in self.held if name != "hold"]
        if variable not in known:
            raise unknown("variable", variable, known or ["y"])  # of values, `Clockwork` knows y
        return self.held[variable]

    def save(self) -> dict[str, NDArray[Any]]:
        """All that is needed to go on, as arrays."""
        return {name: array.copy() for name, array in self.held.items()}

    def restore(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take back what `save` gave."""
        self.held = {name: np.array(arrays[name]) for name in self.held}

    def _full(self, value: Any) -> NDArray[np.float64]:
        return np.array(np.broadcast_to(np.asarray(value, np.float64), (self.size,)))

    def _due(self, arrivals: Mapping[str, Rows], receptor: str) -> Any:
        return arrivals.get(receptor, 0.0)


@final
class _Lif(State):
    """`Lif`: the rule that the event chips compile, on NumPy arrays; its operations and their order are those of every backend."""

    def __init__(self, cells: Cells, dt: float) -> None:
        super().__init__(cells, dt)
        receptors = cells.neuron.receptors
        for name in cells.receptors:
            if isinstance(receptors[name], Gap):
                raise UnsupportedError(
                    tr(
                        "Population '{name}': gap junctions (receptor '{receptor}') need neighbours' potentials, which only Brian2 "
                        "and the event chips carry.",
                        name=cells.name,
                        receptor=name,
                    )
                )
        self._rule = lif
        self._currents = [n for n in cells.receptors if isinstance(receptors[n], Exponential)]
        self._conductances = [n for n in cells.receptors if isinstance(receptors[n], Conductance)]
        self._deltas = [n for n in cells.receptors if isinstance(receptors[n], Delta)]
        used = [n for n in cells.receptors if not isinstance(receptors[n], Current)]
        p, flows = cells.parameters, (*self._currents, *self._conductances)
        c = Lif.step_constants(dict(p), used, dt)
        hold = np.maximum(np.floor(np.asarray(p["refractory"]) / dt + 1e-3), 1).astype(np.int64)
        self._k = SimpleNamespace(
            mu=c["mu"],
            a=c["a"],
            gain=c["gain"],
            h=c.get("h", 0.0),
            threshold=p["threshold"],
            reset=p["reset"],
            hold=hold,
            current_scale=[c[f"b.{n}"] for n in self._currents],
            conductance_scale=[c[f"scale.{n}"] for n in self._conductances],
            conductance_pull=[c[f"pull.{n}"] for n in self._conductances],
            decay=[c[f"c.{n}"] for n in flows],
        )
        self.held["v"] = self._full(cells.initial["v"])
        self.held |= {f"current_{n}": np.zeros(self.size) for n in self._currents}
        self.held |= {f"conductance_{n}": np.zeros(self.size) for n in self._conductances}
        self.held["hold"] = np.zeros(self.size, np.int64)

    def step(self, arrivals: Mapping[str, Rows], current: Rows | float | None = None) -> Rows:
        """See State."""
        h = self.held
        block = SimpleNamespace(
            v=h["v"],
            hold=h["hold"],
            currents=tuple(h[f"current_{n}"] for n in self._currents),
            conductances=tuple(h[f"conductance_{n}"] for n in self._conductances),
            constants=self._k,
            given=current,
            delta=bool(self._deltas),
            arrivals=[self._due(arrivals, n) for n in (*self._deltas, *self._currents, *self._conductances)],
        )
        fired, _ = self._rule(block)
        h["v"], h["hold"] = block.v, block.hold
        h |= {f"current_{n}": x for n, x in zip(self._currents, block.currents, strict=True)}
        h |= {f"conductance_{n}": x for n, x in zip(self._conductances, block.conductances, strict=True)}
        return fired.astype(np.float64)


@final
class _Discrete(State):
    """`DiscreteLif`, as its own text says, on any float64 numbers."""

    def __init__(self, cells: Cells, dt: float) -> None:
        super().__init__(cells, dt)
        self._flows = [n for n in cells.receptors if n != "input"]
        p = cells.parameters
        self._away = cells.neuron.rounding == "away"  # type: ignore[attr-defined]
        self._subtracts = cells.neuron.after_spike == "subtract"  # type: ignore[attr-defined]
        self._hold = np.maximum(np.asarray(p["refractory"], np.int64), 1)
        self._p = p
        self.held["v"] = self._full(cells.initial["v"])
        self.held |= {f"current_{n}": np.zeros(self.size) for n in self._flows}
        self.held["hold"] = np.zeros(self.size, np.int64)

    def step(self, arrivals: Mapping[str, Rows], current: Rows | float | None = None) -> Rows:
        """See State."""
        h, p = self.held, self._p
        left = np.maximum(h["hold"] - 1, 0)
        awake = left == 0
        new = self._kept(h["v"], p["leak"])
        if "input" in arrivals:
            new = new + arrivals["input"]
        for n in self._flows:
            flow = h[f"current_{n}"] + self._due(arrivals, n)
            new = new + flow
            h[f"current_{n}"] = self._kept(flow, p[f"leak_{n}"])
        new = np.maximum(new + p["bias"], p["lowest"])
        new = np.where(awake, new, h["v"])
        fired = awake & (new > p["threshold"])
        h["v"] = np.where(fired, new - p["threshold"] if self._subtracts else p["reset"], new)
        h["hold"] = np.where(fired, self._hold, left)
        return fired.astype(np.float64)

    def _kept(self, x: Rows, leak: Any) -> Rows:
        if self._away:
            return x - np.sign(x) * np.ceil(np.abs(x * leak))
        return x * (1.0 - np.asarray(leak))


@final
class _Relu(State):
    """`Relu`: many steps in one go, because nothing is remembered."""

    remembers: ClassVar[bool] = False

    def step(self, arrivals: Mapping[str, Rows], current: Rows | float | None = None) -> Rows:
        """See State."""
        p = self.cells.parameters
        made = p["gain"] * (self._due(arrivals, "input") + np.asarray(p["bias"]))
        return np.array(np.broadcast_to(np.minimum(np.maximum(made, p["lowest"]), p["highest"]), (self.size,)))

    def steps(self, arrivals: Mapping[str, Rows], current: Rows | None = None, *, steps: int) -> Rows:
        """See State."""
        p = self.cells.parameters
        made = p["gain"] * (self._due(arrivals, "input") + np.asarray(p["bias"]))
        return np.array(np.broadcast_to(np.minimum(np.maximum(made, p["lowest"]), p["highest"]), (steps, self.size)))


@final
class _Integrator(State):
    """`Integrator`: y ← a · y + (1 − a) · (x + bias)."""

    def __init__(self, cells: Cells, dt: float) -> None:
        super().__init__(cells, dt)
        self._a = np.exp(-dt / np.asarray(cells.parameters["tau"]))
        self.held["y"] = self._full(cells.initial["y"])

    def step(self, arrivals: Mapping[str, Rows], current: Rows | float | None = None) -> Rows:
        """See State."""
        x = self._due(arrivals, "input") + np.asarray(self.cells.parameters["bias"])
        self.held["y"] = self._a * self.held["y"] + (1.0 - self._a) * x
        return self.held["y"].copy()


_STATES: Mapping[type, type[State]] = {Lif: _Lif, DiscreteLif: _Discrete, Relu: _Relu, Integrator: _Integrator}


def begin(cells: Cells, dt: float) -> State:
    """The state of a population before step 0; raises UnsupportedError for a model without a step here."""
    made = _STATES.get(type(cells.neuron))
    if made is None:
        raise UnsupportedError(
            tr(
                "Population '{name}': there is no step for the neuron model {model} here; there is one for {known}.",
                name=cells.name,
                model=type(cells.neuron).__name__,
                known=", ".join(model.__name__ for model in _STATES),
            )
        )
    return made(cells, dt)
