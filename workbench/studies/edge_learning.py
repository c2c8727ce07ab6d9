"""Can a chip learn on cells that do what they want? The sign of the error, a threshold, one pulse, and nobody looks.

The last layer of a network that reads handwritten digits is learned on pairs of memory cells, from weights of zero; the hidden layer was
trained in the computer and stays (with `layers` "both" it is written to cells too, and learns on). The rule is our reading of STELLAR.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ClassVar, Self, final

import numpy as np
from numpy.typing import NDArray

from workbench import figures
from workbench.backends.base import report
from workbench.chips.devices import DEVICES, Device
from workbench.circuits.library.digits import CLASSES, SETS, Layers, handwritten, trained
from workbench.fields import choice, count, described, flag, member, part, quantity
from workbench.figures import devices as cells
from workbench.figures import learning as drawn
from workbench.learning import energy
from workbench.learning.energy import Costs
from workbench.learning.new_class import Outcome, add
from workbench.learning.on_chip import History, Rule, Stack, learn
from workbench.learning.pairs import Pairs
from workbench.studies.study import Progress, Result, Study
from workbench.units import nJ
from workbench.words import tr

__all__ = ["EdgeLearning"]

Array = NDArray[np.float64]
THRESHOLDS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4)
READS = 5
"""Times the test is taken at the end, each with fresh noise of reading."""
NAMES = {"sign-threshold": "sign and threshold", "sign": "sign alone", "write-verify": "write-verify"}
SOURCE = "Rule: our reading of Zhang et al. 2023, Science 381:1205; data: digits of scikit-learn; computed here"

COSTS = (
    "Counts are the run's; 0.2 V, 1.5 V and 50 ns pulses and the parts at 45 nm are assumed: `energy.ASSUMED` says each"
)


@final
@dataclass(frozen=True, eq=False)
class Learned:
    """A run of one rule: how it went, what became of the cells, and how well they answer in the end (share)."""

    rule: Rule
    history: History
    stack: Stack
    accuracy: float

    @property
    def pulses(self) -> float:
        """Mean number of pulses a cell got."""
        return self.stack.pulses_per_cell


@final
@described
class EdgeLearning(Study):
    """How few write pulses a chip needs to learn, on cells that answer unevenly, differ from each other and are never checked."""

    title: ClassVar[str] = "Learning at the edge"
    views: ClassVar[tuple[str, ...]] = ("learning", "new class", "pulses", "device")
    live: ClassVar[dict[str, Any]] = {"compare": False, "thresholds": 0, "looks": 6}
    main_knobs: ClassVar[tuple[str, ...]] = (
        "rule",
        "threshold",
        "device",
        "up",
        "down",
        "up_shape",
        "down_shape",
        "cycle",
        "spread",
        "epochs",
        "batch",
        "new_class",
        "shots",
        "kept",
    )
    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "sign and threshold": {"rule": "sign-threshold"},
        "sign alone": {"rule": "sign"},
        "write-verify": {"rule": "write-verify", "rate": 0.3, "epochs": 10},
        "lopsided cells": {"up": 0.01, "down": 0.1},
        "one pulse erases": {"device": "pcm-joshi", "threshold": 0.05},
        "both layers": {"layers": "both", "threshold": 0.2},
    }

    rule: Rule = part(Rule(), doc="how errors become pulses")
    device: Device = member("rram-wan", lambda: DEVICES, doc="the memory cell")
    layers: str = choice("last", ("last", "both"), doc="which layers learn on the chip", label="layers that learn")
    weights: str = choice("noise-aware", SETS, doc="how the hidden layer was trained", label="hidden layer")
    reach: float = quantity(
        1.5,
        "",
        low=0.1,
        high=20.0,
        doc="the weight of a pair with its cells at both ends of the window",
        label="reach",
        log=True,
    )
    new_class: int = count(9, low=0, high=CLASSES - 1, doc="the digit that is added later", label="new digit")
    shots: int = count(20, low=1, high=80, doc="samples of the new digit", label="samples of it")
    kept: int = count(5, low=0, high=80, doc="samples of each old digit mixed in", label="old samples")
    costs: Costs = part(Costs(), doc="what pulses and reads cost")
    compare: bool = flag(True, doc="run the other rules beside the chosen one", label="other rules")
    thresholds: int = count(
        len(THRESHOLDS), low=0, high=len(THRESHOLDS), doc="thresholds on the curve of thresholds", label="thresholds"
    )
    looks: int = count(30, low=1, high=200, doc="times the network is tested while it learns", label="tests")
    die: int = count(0, doc="the specimen: what cells differ by", label="die")
    seed: int = count(0, doc="seed of the noise and of the order of samples")

    def quick(self) -> Self:
        """Ten epochs, two thresholds, six tests."""
        return replace(
            self, rule=replace(self.rule, epochs=min(self.rule.epochs, 10)), thresholds=min(self.thresholds, 2), looks=6
        )

    def run(self, progress: Progress | None = None) -> Result:
        """See Study."""
        gates = np.array(THRESHOLDS)[np.unique(np.linspace(0, len(THRESHOLDS) - 1, self.thresholds).astype(int))]
        jobs = 2 + len(gates) + 2 * self.compare
        done = 0

        def learned(rule: Rule) -> Learned:
            nonlocal done
            report(progress, done / jobs, tr("learning"))
            done += 1
            return self._learn(rule)

        chosen = learned(self.rule)
        others = {name: learned(rule) for name, rule in self._others().items()} if self.compare else {}
        curve = {float(t): learned(replace(self.rule, rule="sign-threshold", threshold=float(t))) for t in gates}
        report(progress, (jobs - 1) / jobs, tr("adding a class"))
        return self._result(chosen, others, curve, *(self._add(kept) for kept in (self.kept, 0)))

    def _others(self) -> dict[str, Rule]:
        """The rules that were not chosen, by name; write-verify at a rate that suits it and with a third of the epochs."""
        made = {
            "sign-threshold": replace(self.rule, rule="sign-threshold"),
            "sign": replace(self.rule, rule="sign"),
            "write-verify": replace(self.rule, rule="write-verify", rate=0.3, epochs=max(1, self.rule.epochs // 3)),
        }
        return {name: rule for name, rule in made.items() if name != self.rule.rule}

    @property
    def _known(self) -> Layers:
        return trained(self.weights)

    def _learn(self, rule: Rule) -> Learned:
        """Both sets through the layers that do not learn, the others onto cells, and the rule let loose."""
        data, known = handwritten(), self._known
        units = known.hidden.shape[1]
        last = self._pairs((units + 1, CLASSES), "output")
        last.program(np.zeros((units + 1, CLASSES)))
        if self.layers == "last":
            stack = Stack(last)
            train, test = known.features(data.train), known.features(data.test)
        else:
            written = np.vstack([known.hidden, known.hidden_bias])
            # A quarter more than the largest weight: steps are shares of the window, and finer the smaller the reach.
            hidden = self._pairs(written.shape, "hidden", reach=1.25 * float(np.abs(written).max()))
            hidden.program(written)
            stack = Stack(last, hidden)
            train, test = data.train, data.test
        tests = test, data.test_labels
        history = learn(stack, rule, (train, data.train_labels), tests, seed=self.seed, looks=self.looks)
        return Learned(
            rule, history, stack, float(np.mean([stack.accuracy(*tests, look=-k) for k in range(1, READS + 1)]))
        )

    def _pairs(self, shape: tuple[int, ...], name: str, *, reach: float | None = None) -> Pairs:
        rows, columns = shape
        return Pairs((rows, columns), self.device, reach=reach or self.reach, name=name, die=self.die, seed=self.seed)

    def _add(self, kept: int) -> Outcome:
        """The new digit, with `kept` samples of each old one."""
        rule = replace(self.rule, epochs=min(self.rule.epochs, 20))
        return add(
            self.new_class,
            self.device,
            rule,
            shots=self.shots,
            kept=kept,
            reach=self.reach,
            seed=self.seed,
            die=self.die,
        )

    def _bill(self, one: Learned) -> energy.Bill:
        """What a mean update of a run cost."""
        updates = int(one.history.updates[-1])
        return energy.chip(one.stack, one.rule, updates=updates, samples=self.rule.batch, costs=self.costs)

    def _result(
        self, chosen: Learned, others: dict[str, Learned], curve: dict[float, Learned], mixed: Outcome, alone: Outcome
    ) -> Result:
        data, known = handwritten(), self._known
        right = known.accuracy(data.test, data.test_labels)
        bill = self._bill(chosen)
        digital = energy.asic(chosen.stack, samples=self.rule.batch)
        numbers = {
            "accuracy_percent": 100 * chosen.accuracy,
            "float_percent": 100 * right,
            "lost_points": 100 * (right - chosen.accuracy),
            "pulses_per_cell": chosen.pulses,
            "untouched_percent": 100
            * float(np.mean(np.concatenate([p.pulses.ravel() for p in chosen.stack.layers]) == 0)),
            "energy_per_update_nj": bill.total / nJ,
            "pulses_per_update_nj": bill.parts["pulses"] / nJ,
            "asic_per_update_nj": digital.total / nJ,
            "share_of_asic_percent": 100 * bill.total / digital.total,
            "old_before_percent": 100 * mixed.old_before,
            "new_before_percent": 100 * mixed.new_before,
            "old_after_percent": 100 * mixed.old_after,
            "new_after_percent": 100 * mixed.new_after,
            "new_class_pulses_per_cell": mixed.pulses_per_cell,
            "old_alone_percent": 100 * alone.old_after,
            "new_alone_percent": 100 * alone.new_after,
        }
        runs = {self.rule.rule: chosen, **others}
        for name, one in others.items():
            word = name.replace("-", "_")
            numbers |= {f"{word}_percent": 100 * one.accuracy, f"{word}_pulses": one.pulses}
        if "sign" in runs and "sign-threshold" in runs:
            numbers["writes_saved"] = runs["sign"].pulses / max(runs["sign-threshold"].pulses, 1e-9)
        return Result(study=self, numbers=numbers, pictures=self._pictures(runs, curve, right, mixed, alone))

    def _pictures(
        self, runs: dict[str, Learned], curve: dict[float, Learned], right: float, mixed: Outcome, alone: Outcome
    ) -> dict[str, Any]:
        lines = {NAMES[name]: (one.history.pulses[1:], 100 * one.history.accuracy[1:]) for name, one in runs.items()}
        made: dict[str, Any] = {
            "learning": partial(
                figures.curves,
                lines,
                points=lines,
                levels={"the same network in float": 100 * right},
                log_x=True,
                x="pulses a cell got so far",
                y="test digits answered right",
                y_unit="%",
                title="Accuracy against pulses",
                source=SOURCE,
            ),
            "pulses": partial(
                drawn.pulse_histogram,
                {
                    NAMES[name]: np.concatenate([p.pulses.ravel() for p in one.stack.layers])
                    for name, one in runs.items()
                },
                title="Pulses that the cells got",
                source=SOURCE,
            ),
            "device": partial(cells.pulses, self.device),
            "new class": partial(
                drawn.shares,
                {
                    "old digits": {
                        "before": mixed.old_before,
                        "after, old ones mixed in": mixed.old_after,
                        "after, new digit alone": alone.old_after,
                    },
                    "new digit": {
                        "before": mixed.new_before,
                        "after, old ones mixed in": mixed.new_after,
                        "after, new digit alone": alone.new_after,
                    },
                },
                title="A new digit",
                source=SOURCE,
            ),
        }
        digital = energy.asic(next(iter(runs.values())).stack, samples=self.rule.batch)
        made["energy"] = partial(
            drawn.bills,
            {
                **{NAMES[name]: self._bill(one).parts for name, one in runs.items()},
                "digital engine, 45 nm": digital.parts,
            },
            title="What an update costs",
            source=COSTS,
        )
        if curve:
            at = np.array(list(curve))
            found = list(curve.values())
            made["thresholds"] = partial(
                figures.curves,
                {"accuracy": (at, np.array([100 * one.accuracy for one in found]))},
                points={"accuracy": (at, np.array([100 * one.accuracy for one in found]))},
                levels={"the same network in float": 100 * right},
                log_x=True,
                x="threshold",
                y="test digits answered right",
                y_unit="%",
                title="Accuracy over the threshold",
                source=SOURCE,
            )
            made["writes"] = partial(
                figures.curves,
                {"pulses per cell": (at, np.array([one.pulses for one in found]))},
                points={"pulses per cell": (at, np.array([one.pulses for one in found]))},
                log_x=True,
                x="threshold",
                y="pulses a cell got",
                title="Pulses over the threshold",
                source=SOURCE,
            )
        return made
