"""An experiment puts the steps together: circuit, chip, duration, step, seed and probes; then `run`."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, final

from workbench.backends import base
from workbench.backends.base import Limits, Probe, Progress
from workbench.chips.chip import Chip, Ideal
from workbench.circuits.circuit import Circuit
from workbench.circuits.drive import draw
from workbench.circuits.network import Network
from workbench.circuits.unfold import Netlist, unfold
from workbench.errors import DescriptionError
from workbench.fields import to_json, without_unit
from workbench.mapping.mapped import Mapped
from workbench.recordings.recording import Recording
from workbench.words import tr

__all__ = ["Experiment"]


@final
@dataclass(frozen=True)
class Experiment:
    """A circuit (or a Network) on a chip for `duration` seconds in steps of `dt`, from one `seed`.

    The seed feeds named streams: wiring, drive, mapping, programming, read.
    """

    circuit: Circuit | Network
    chip: Chip = field(default_factory=Ideal)
    duration: float = field(kw_only=True)
    dt: float = field(default=1e-4, kw_only=True)
    seed: int = field(default=0, kw_only=True)
    probes: tuple[Probe, ...] = field(default=(), kw_only=True)
    limits: Limits = field(default_factory=Limits, kw_only=True)

    def __post_init__(self) -> None:
        object.__setattr__(self, "probes", tuple(self.probes))
        without_unit("Experiment.duration", self.duration)
        without_unit("Experiment.dt", self.dt)
        if not isinstance(self.chip, Chip):
            raise DescriptionError(
                tr("Experiment.chip is {value!r}: write a chip, such as CHIPS['loihi-davies'].", value=self.chip)
            )
        if not isinstance(self.circuit, (Circuit, Network)):
            raise DescriptionError(
                tr(
                    "Experiment.circuit is {value!r}: write a circuit, such as CIRCUITS['balanced'], or a Network.",
                    value=self.circuit,
                )
            )

    def vary(self, **changes: Any) -> Experiment:
        """The same experiment with some fields changed; fields of the circuit may be named too."""
        own = {k: v for k, v in changes.items() if k in self.__dataclass_fields__}
        inner = {k: v for k, v in changes.items() if k not in own}
        circuit = replace(own.pop("circuit", self.circuit), **inner) if inner else own.pop("circuit", self.circuit)
        return replace(self, circuit=circuit, **own)

    def on(self, chip: Chip) -> Experiment:
        """The same experiment on another chip."""
        return replace(self, chip=chip)

    def netlist(self) -> Netlist:
        """What the network means under this seed."""
        network = self.circuit.network() if isinstance(self.circuit, Circuit) else self.circuit
        return unfold(network, seed=self.seed)

    def compile(self, *, mapping: Mapped | None = None) -> base.Program:
        """The network fitted to the chip; with `mapping`, on the cores and tiles it names."""
        return base.compile(
            self.netlist(),
            self.chip,
            dt=self.dt,
            seed=self.seed,
            probes=self.probes,
            limits=self.limits,
            mapping=mapping,
        )

    def run(self, progress: Progress | None = None) -> Recording:
        """Unfold, draw, compile and run; the recording carries this experiment."""
        return self.trials(1, progress)[0]

    def stages(self, progress: Progress | None = None, *, every: float = 0.5) -> Iterator[Recording]:
        """The recording as it grows: about `every` so many seconds what was run so far, and last of all what `run` gives."""
        base.report(progress, 0.0, tr("preparing"))
        program = self.compile()
        drive = draw(program.netlist, self.duration, dt=self.dt, seed=self.seed)
        going, shown = program.start(drive, seed=self.seed), time.monotonic()
        for part in base.slices(going, progress):
            if part < 1 and time.monotonic() - shown >= every:
                yield self._noted(going.recording())
                shown = time.monotonic()
        yield self._noted(going.recording())

    def trials(self, number: int, progress: Progress | None = None) -> list[Recording]:
        """`number` runs of the same wiring under independent outside input."""
        base.report(progress, 0.0, tr("preparing"))
        program = self.compile()
        drive = draw(program.netlist, self.duration, dt=self.dt, seed=self.seed, trials=number)
        made: list[Recording] = []
        for k in range(number):
            share = None if progress is None else (lambda f, text, k=k: progress((k + f) / number, text))
            made.append(self._noted(program.run(drive.trial(k), seed=self.seed, progress=share)))
        return made

    def _noted(self, recording: Recording) -> Recording:
        """The recording with this experiment; what was lost when the circuit was read from elsewhere belongs to what came of it."""
        notes = (*recording.notes, *getattr(self.circuit, "notes", ()))
        return replace(recording, experiment=self.to_json(), notes=notes)

    def to_json(self) -> dict[str, Any]:
        """The experiment as plain JSON values."""
        return to_json(self)

    @cached_property
    def digest(self) -> str:
        """A name made of everything that decides the result."""
        return hashlib.blake2b(json.dumps(self.to_json(), sort_keys=True).encode(), digest_size=16).hexdigest()
