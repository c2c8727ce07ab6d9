"""An imperfect memory: a small network that reads handwritten digits on a crossbar whose cells are not what they should be.

One effect at a time and all together, on several dies; then the cures; then a year later.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, ClassVar, Self, final

import numpy as np
from numpy.typing import NDArray

from workbench import figures
from workbench.backends import base
from workbench.backends.base import Probe, report
from workbench.chips import of_kind
from workbench.chips.chip import Chip
from workbench.chips.crossbar import CrossbarChip, Effects
from workbench.chips.devices import DEVICES, Device
from workbench.chips.devices.assumed import assumed
from workbench.circuits.drive import draw
from workbench.circuits.library.digits import SETS, TESTS, Digits, handwritten, trained
from workbench.errors import UnsupportedError
from workbench.experiment import Experiment
from workbench.fields import choice, count, described, flag, member, quantity
from workbench.figures import crossbar as drawn
from workbench.figures.picture import Picture
from workbench.measures.readout import accuracy
from workbench.recordings.recording import Recording
from workbench.studies.digits_on_peers import rows
from workbench.studies.study import Progress, Result, Study
from workbench.units import kohm, nJ, ohm, uS
from workbench.words import tr

__all__ = ["EFFECTS", "NOISE_LEVEL", "YEAR", "ImperfectMemory", "level_device"]

Array = NDArray[np.float64]

YEAR = 365.25 * 86_400.0
OWN, NOISE_LEVEL = "the chip's", "noise level"

EFFECTS: Mapping[str, tuple[str, ...]] = {
    "none": (),
    "programming": ("programming", "spread"),
    "read noise": ("read_noise",),
    "drift": ("drift", "spread"),
    "stuck cells": ("stuck",),
    "wires": ("wires",),
    "converters": ("converters",),
    "all": tuple(Effects.__dataclass_fields__),
}
"""Which switches of the chip each bar turns on; rounding by DACs and ADCs is always there."""

SIGMAS = (0.0, 0.01, 0.02, 0.03, 0.05, 0.07, 0.1)
CURVES = ("none", "over age", "over noise", "both")
AGES = 7
"""Ages on the curve over time."""


def level_device(sigma: float) -> Device:
    """A cell whose writes and reads are both off by `sigma` of its largest conductance, whatever it holds; it drifts with ν = 0.05 ± 0.01."""
    return assumed(name=f"noise level {sigma:.3g}", g_min=0.0, g_max=100 * uS, programming=sigma, read=sigma)


@final
@described
class ImperfectMemory(Study):
    """What errors of memory cells cost a network that reads digits: each effect alone, all of them, the cures, and a year on the shelf."""

    title: ClassVar[str] = "An imperfect memory"
    views: ClassVar[tuple[str, ...]] = ("effects", "age", "sigma", "weights")
    main_knobs: ClassVar[tuple[str, ...]] = (
        "device",
        "sigma_percent",
        "age_s",
        "stuck_percent",
        "wire_ohm",
        "adc_bits",
        "weights",
        "verify",
        "compensate",
        "calibrate",
        "remap",
        "dies",
        "chip",
    )
    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "5 % of noise": {},
        "2 % of noise": {"sigma_percent": 2.0},
        "phase-change memory, a year old": {"device": "pcm-nandakumar", "age_s": YEAR},
        "the same, cured": {
            "device": "pcm-nandakumar",
            "age_s": YEAR,
            "weights": "noise-aware",
            "verify": 5,
            "compensate": True,
            "calibrate": True,
            "remap": True,
        },
        "NeuRRAM's cells": {"device": "rram-wan"},
        "many stuck cells": {"stuck_percent": 10.0},
        "long thin wires": {"wire_ohm": 20.0},
    }
    live: ClassVar[Mapping[str, Any]] = {"curves": "none", "images": 400}

    chip: Chip = member("crossbar-assumed", lambda: of_kind("crossbar"), doc="the crossbar", inner=False)
    device: str = choice(
        NOISE_LEVEL,
        (NOISE_LEVEL, OWN, *DEVICES),
        doc="the memory cell: one with a noise level, the chip's own, or one from a paper",
        label="memory cell",
    )
    sigma: float = quantity(
        0.05,
        "%",
        low=0.0,
        high=0.2,
        doc="error of a write and of a read at this noise level, of the largest conductance",
        label="noise level",
    )
    age: float = quantity(
        0.0,
        "s",
        low=0.0,
        high=YEAR,
        doc="time since the weights were written; the cell's own reference time at least",
        label="age",
        log=True,
    )
    stuck: float = quantity(0.01, "%", low=0.0, high=0.3, doc="share of stuck cells, low and high alike", label="stuck")
    wire: float = quantity(
        1 * ohm,
        "Ω",
        low=0.0,
        high=1 * kohm,
        doc="resistance of rows and columns from cell to cell",
        label="wires",
        log=True,
    )
    adc_offset: float = quantity(1.0, "LSB", low=0.0, high=20.0, doc="spread of the ADCs' offsets", label="ADC offset")
    adc_gain: float = quantity(0.02, "%", low=0.0, high=0.3, doc="spread of the ADCs' gains", label="ADC gain")
    adc_bits: int = count(8, low=2, high=12, doc="bits of a conversion", label="ADC bits")
    dac_bits: int = count(8, low=1, high=12, doc="bits of an input", label="DAC bits")
    weights: str = choice("plain", SETS, doc="weights trained plainly, or with noise on them", label="weights")
    verify: int = count(0, low=0, high=20, doc="rounds of write-verify", label="write-verify")
    compensate: bool = flag(False, doc="one factor a tile undoes the mean drift", label="undo mean drift")
    calibrate: bool = flag(False, doc="offset and gain of every ADC are measured and undone", label="calibrate ADCs")
    remap: bool = flag(False, doc="weights are moved around stuck cells", label="remap")
    images: int = count(TESTS, low=20, high=TESTS, doc="test images", label="images", log=True)
    dies: int = count(3, low=1, high=50, doc="specimens of the chip", label="dies", log=True)
    curves: str = choice("both", CURVES, doc="which curves are run besides the bars", label="curves")
    seed: int = count(0, doc="seed of programming and read noise")

    def quick(self) -> Self:
        """100 images on two dies."""
        return replace(self, images=min(self.images, 100), dies=min(self.dies, 2))

    @property
    def circuit(self) -> Digits:
        """The network and its test images."""
        return Digits(images=self.images, weights=self.weights)

    def cell(self) -> Device:
        """The memory cell; raises UnsupportedError when the chip is no crossbar."""
        if self.device == NOISE_LEVEL:
            return level_device(self.sigma)
        return self._crossbar.device if self.device == OWN else DEVICES[self.device]

    @property
    def _crossbar(self) -> CrossbarChip:
        if not isinstance(self.chip, CrossbarChip):
            raise UnsupportedError(
                tr("'{chip}' is not a crossbar; write a chip such as 'crossbar-assumed'.", chip=self.chip.name)
            )
        return self.chip

    def specimen(self, effect: str = "all", die: int = 0, *, age: float | None = None) -> CrossbarChip:
        """Die number `die` of the chip with only this effect switched on."""
        on = EFFECTS[effect]
        device = self.cell()
        old = self.age if age is None else age
        return replace(
            self._crossbar,
            device=device,
            age=old if old > device.reference_time else 0.0,
            adc_bits=self.adc_bits,
            dac_bits=self.dac_bits,
            adc_offset=self.adc_offset,
            adc_gain=self.adc_gain,
            wire_row=self.wire,
            wire_column=self.wire,
            stuck_low=self.stuck / 2,
            stuck_high=self.stuck / 2,
            verify=self.verify,
            compensate=self.compensate,
            calibrate=self.calibrate,
            remap=self.remap,
            effects=Effects(**{name: name in on for name in Effects.__dataclass_fields__}),
            die=self._crossbar.die + die,
        )

    def experiment(self, chip: CrossbarChip, die: int = 0) -> Experiment:
        """One run of all images on one die; the act has its own seed there."""
        circuit = self.circuit
        return Experiment(
            circuit,
            chip,
            duration=circuit.duration,
            dt=circuit.frame,
            seed=self.seed + die,
            probes=(Probe("output", "y"),),
        )

    def run(self, progress: Progress | None = None) -> Result:
        """See Study."""
        bench = _Bench(self)
        parts = 2 if self.curves == "none" else 8
        alone: dict[str, list[float]] = {}
        for k, effect in enumerate(EFFECTS):
            report(progress, k / len(EFFECTS) / parts, tr("running"))
            alone[effect] = bench.over_dies(self, effect)
        report(progress, 1 / parts, tr("running"))
        # One run the plain way, for its recording; while a slider moves, the bench's own, which is equal.
        quickly = self.curves == "none"
        recording = bench.recording(self, self.specimen(), 0) if quickly else self.experiment(self.specimen()).run()
        later: dict[str, list[list[float]]] = {}
        noisier: dict[str, list[list[float]]] = {}
        if self.curves in ("over age", "both"):
            later = self._later(bench, progress)
        if self.curves in ("over noise", "both"):
            noisier = self._noisier(bench, progress)
        return self._result(bench, alone, recording, later, noisier)

    def _ages(self) -> Array:
        """Ages of the curve, s: from when the cell was written to a year, or as far as the cell is known."""
        device = self.cell()
        return np.geomspace(device.reference_time, min(max(YEAR, device.times[0]), device.times[1]), AGES)

    def _later(self, bench: _Bench, progress: Progress | None) -> dict[str, list[list[float]]]:
        """Accuracies at each age on each die, by cure."""
        cures: dict[str, dict[str, Any]] = {
            "as it is": {"weights": "plain", "compensate": False},
            "mean drift undone": {"weights": "plain", "compensate": True},
            "noise-aware weights": {"weights": "noise-aware", "compensate": False},
            "both": {"weights": "noise-aware", "compensate": True},
        }
        found: dict[str, list[list[float]]] = {}
        for k, (name, cure) in enumerate(cures.items()):
            report(progress, (1 + k) / 8, tr("running"))
            asked = replace(self, **cure)
            found[name] = [bench.over_dies(asked, "all", age=float(age)) for age in self._ages()]
        return found

    def _noisier(self, bench: _Bench, progress: Progress | None) -> dict[str, list[list[float]]]:
        """Accuracies at each noise level on each die, for both sets of weights: programming and read noise alone."""
        found: dict[str, list[list[float]]] = {}
        for k, weights in enumerate(SETS):
            report(progress, (6 + k) / 8, tr("running"))
            asked = [replace(self, device=NOISE_LEVEL, sigma=s, weights=weights, verify=0) for s in SIGMAS]
            found[weights] = [bench.over_dies(one, ("programming", "read_noise")) for one in asked]
        return found

    def _result(
        self,
        bench: _Bench,
        alone: Mapping[str, list[float]],
        recording: Recording,
        later: Mapping[str, list[list[float]]],
        noisier: Mapping[str, list[list[float]]],
    ) -> Result:
        exact = 100 * trained(self.weights).accuracy(handwritten().test[: self.images], self.circuit.labels)
        everything = np.array(alone["all"])
        meant, held = bench.held(self, self.specimen())
        numbers = {"float_percent": exact}
        numbers |= {f"{name.replace(' ', '_')}_percent": 100 * float(np.mean(v)) for name, v in alone.items()}
        numbers["all_sd_percent"] = 100 * float(everything.std(ddof=1)) if everything.size > 1 else 0.0
        numbers["lost_points"] = exact - numbers["all_percent"]
        numbers["weight_error_percent"] = 100 * float(np.sqrt(np.mean((held - meant) ** 2)))
        written = recording.ledger.by_event()["write pulse"]
        numbers["energy_nj"] = (recording.ledger.total - written) / self.images / nJ
        numbers["writing_nj"] = written / nJ
        for name, curve in later.items():
            key = {"as it is": "year", "mean drift undone": "year_compensated", "both": "year_cured"}.get(name)
            if key:
                numbers[f"{key}_percent"] = 100 * float(np.mean(curve[-1]))
        for weights, curve in noisier.items():
            key = "plain" if weights == "plain" else "aware"
            for sigma in (0.02, 0.05):
                numbers[f"{key}_at_{sigma:.0%}_percent".replace("%_", "_")] = 100 * float(
                    np.mean(curve[SIGMAS.index(sigma)])
                )
        pictures: dict[str, Callable[[], Picture]] = {
            "effects": partial(
                drawn.accuracies,
                dict(alone),
                levels={"float": exact / 100},
                title="Right answers, one effect at a time",
                source=self._source,
            ),
        }
        if later:
            pictures["age"] = partial(
                figures.curves,
                {name: (self._ages(), _means(curve)) for name, curve in later.items()},
                levels={"float": exact},
                log_x=True,
                x="time since writing",
                x_unit="s",
                y="right answers",
                y_unit="%",
                title="All effects, later and later",
                source=self._source,
            )
        if noisier:
            pictures["sigma"] = partial(self._over_sigma, noisier)
        pictures["weights"] = partial(drawn.realised, meant, held, title="Weights of both layers, meant and held")
        return Result(study=self, numbers=numbers, recordings={"all effects": recording}, pictures=pictures)

    def _over_sigma(self, noisier: Mapping[str, list[list[float]]]) -> Picture:
        """Accuracy over noise level, ours as lines, other simulators as rings."""
        at = 100 * np.array(SIGMAS)
        points = {
            "plain": _peer_points("aihwkit", "plain"),
            "noise-aware": _peer_points("aihwkit", "noise-aware"),
            "another network, aihwkit": _peer_points("aihwkit", "other"),
            "another network, CrossSim": _peer_points("CrossSim", "other"),
        }
        return figures.curves(
            {name: (at, _means(curve)) for name, curve in noisier.items()},
            points=points,
            x="noise level of writes and reads",
            x_unit="%",
            y="right answers",
            y_unit="%",
            title="Lines: here. Rings: the same weights on aihwkit, and another network",
            source="Rings: measured with aihwkit 1.1.0 (C++ tile) and CrossSim 3.2.0, networks of the same shape, 8 bits, ranges calibrated",
        )

    @property
    def _source(self) -> str:
        """Whose cell it is."""
        device = self.cell()
        cited = device.citations.get("programming") or next(iter(device.citations.values()), None)
        return f"{device.name}: {cited}" if cited else device.name


@final
class _Bench:
    """One network, unfolded once for each set of weights, on many chips."""

    def __init__(self, study: ImperfectMemory) -> None:
        self._ready: dict[str, tuple[Any, Any]] = {}
        self._labels = study.circuit.labels

    def _network(self, study: ImperfectMemory) -> tuple[Any, Any]:
        if study.weights not in self._ready:
            experiment = study.experiment(study.specimen())
            netlist = experiment.netlist()
            self._ready[study.weights] = (
                netlist,
                draw(netlist, experiment.duration, dt=experiment.dt, seed=experiment.seed),
            )
        return self._ready[study.weights]

    def program(self, study: ImperfectMemory, chip: CrossbarChip, die: int) -> Any:
        """The network on one die, as `Experiment.compile` makes it."""
        netlist, _ = self._network(study)
        return base.compile(
            netlist, chip, dt=study.circuit.frame, seed=study.seed + die, probes=(Probe("output", "y"),)
        )

    def recording(self, study: ImperfectMemory, chip: CrossbarChip, die: int) -> Recording:
        """All images on one die, in one window."""
        _, drive = self._network(study)
        going = self.program(study, chip, die).start(drive, seed=study.seed + die)
        going.advance(drive.steps * drive.dt)
        return going.recording()

    def accuracy(self, study: ImperfectMemory, chip: CrossbarChip, die: int) -> float:
        """The share of images one die reads rightly."""
        return accuracy(self.recording(study, chip, die), self._labels, study.circuit.frame)

    def over_dies(
        self, study: ImperfectMemory, effect: str | tuple[str, ...], *, age: float | None = None
    ) -> list[float]:
        """The accuracy of each die; one of them speaks for all where nothing differs from die to die."""
        found: list[float] = []
        for die in range(study.dies):
            if isinstance(effect, str):
                chip = study.specimen(effect, die, age=age)
            else:
                on = Effects(**{name: name in effect for name in Effects.__dataclass_fields__})
                chip = replace(study.specimen("none", die), effects=on)
            found.append(self.accuracy(study, chip, die))
            if effect in ("none", "wires") or (effect == "drift" and chip.age == 0):
                break
        return found

    def held(self, study: ImperfectMemory, chip: CrossbarChip) -> tuple[Array, Array]:
        """Weights of both layers as meant and as held, each layer in units of its largest."""
        made = self.program(study, chip, 0)
        meant, held = [], []
        for matrix in made.matrices.values():
            largest = float(np.abs(matrix.weights).max())
            meant.append(matrix.weights.ravel() / largest)
            held.append(matrix.realised.ravel() / largest)
        return np.concatenate(meant), np.concatenate(held)


def _means(curve: list[list[float]]) -> Array:
    return np.array([100 * float(np.mean(point)) for point in curve])


def _peer_points(simulator: str, network: str) -> tuple[Array, Array]:
    found = rows(simulator, network)
    return np.array([100 * p.sigma for p in found]), np.array([p.percent for p in found])
