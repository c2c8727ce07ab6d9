"""A chip is a ledger: count what happens, multiply by a price list, add up. First on ten neurons by hand, then as activity grows.

The ten neurons lie on five cores. A (2 neurons) shares its tile with B (2); C (4) fills two cores of the tile to the east; D (2) lies
on the tile to the north. Each spike of A goes to one neuron of B, two of C (one on each core) and one of D. A knock makes both neurons
of A fire; a spike of A makes B fire and changes nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, ClassVar, Self, final

import numpy as np
from numpy.typing import NDArray

from workbench import figures
from workbench.backends.base import report
from workbench.chips import CHIPS, Chip, of_kind
from workbench.chips.event import EventChip
from workbench.circuits.library.metronomes import Metronomes
from workbench.circuits.network import Network, Population, Projection, Source
from workbench.circuits.neurons.lif import Lif
from workbench.circuits.stimuli import SpikeList
from workbench.circuits.wiring import Explicit, OneToOne
from workbench.errors import DescriptionError, UnsupportedError
from workbench.experiment import Experiment
from workbench.fields import count, described, member
from workbench.figures import ledger as drawn
from workbench.figures.picture import Picture
from workbench.recordings.ledger import Ledger
from workbench.recordings.prices import Price
from workbench.recordings.recording import Recording
from workbench.studies.study import Progress, Result, Study
from workbench.units import ms, mV, nJ, ns, pJ
from workbench.words import tr

__all__ = ["ChipLedger", "repriced"]

GAP = 5  # steps between two knocks: after four, everything a knock does has happened
FEATHER = 2.0**-40  # V: it arrives and is counted, but moves nothing
CORE = 256  # neurons in the second part: one core of TrueNorth, full
TYPICAL, BUSY = 50, 5  # steps of 1 ms between spikes: 20 Hz and 200 Hz
PERIODS = (1000, 500, 200, 100, 50, 20, 10, 5)

COUNTS = {
    "core step": "core_steps",
    "active update": "active_updates",
    "inactive update": "inactive_updates",
    "synaptic operation": "synaptic_operations",
    "dense operation": "dense_operations",
    "shared operation": "shared_operations",
    "outside operation": "outside_operations",
    "spike": "spikes",
    "packet": "packets",
    "packet received": "packets_received",
    "tile-local packet": "tile_local_packets",
    "east-west hop": "east_west_hops",
    "north-south hop": "north_south_hops",
}
"""The name of each event's count among the numbers."""

KINDS = {
    "updates and leakage": ("core step", "active update", "inactive update"),
    "synapses": ("synaptic operation", "dense operation", "shared operation", "outside operation"),
    "spikes on their way": (
        "spike",
        "packet",
        "packet received",
        "tile-local packet",
        "east-west hop",
        "north-south hop",
    ),
}


@final
@described
class ChipLedger(Study):
    """What a small network costs, event by event, at one price list and at others; and how the bill changes with activity."""

    title: ClassVar[str] = "A chip is a ledger"
    views: ClassVar[tuple[str, ...]] = ("receipt", "prices", "efficiency", "shares")
    main_knobs: ClassVar[tuple[str, ...]] = ("knocks", "steps", "chip", "other", "busy", "fan_out")
    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "by hand": {"knocks": 3, "steps": 20},
        "silence": {"knocks": 0, "steps": 20},
        "TrueNorth, full crossbar": {"busy": "truenorth", "fan_out": 256},
        "Loihi": {"busy": "loihi-davies"},
        "a class like Tianqin": {"busy": "tianqin-class"},
    }

    knocks: int = count(3, low=0, high=100, doc="how often somebody knocks at A", label="knocks")
    steps: int = count(20, low=1, high=10_000, doc="steps of the run", label="steps")
    chip: Chip = member("loihi-davies", lambda: of_kind("event"), doc="the price list", label="prices of", inner=False)
    other: Chip = member(
        "loihi-sanafe",
        lambda: of_kind("event"),
        doc="another price list for the same counts",
        label="prices of, too",
        inner=False,
    )
    busy: Chip = member(
        "truenorth",
        lambda: of_kind("event"),
        doc="the chip on which activity grows",
        label="chip of part 2",
        inner=False,
    )
    fan_out: int = count(128, low=1, high=256, doc="synapses of each of the 256 neurons of part 2", label="fan-out")
    seed: int = count(0, doc="seed of the wiring of part 2")

    def quick(self) -> Self:
        """It is small already."""
        return self

    def run(self, progress: Progress | None = None) -> Result:
        """See Study."""
        for chip in (self.chip, self.other, self.busy):
            _priced(chip)
        report(progress, 0.0, tr("running"))
        hand = self._by_hand()
        runs: dict[int, Recording] = {}
        for k, period in enumerate(PERIODS):
            report(progress, (1 + k) / (1 + len(PERIODS)), tr("running"))
            runs[period] = self._busy(period)
        return self._result(hand, runs)

    def _by_hand(self) -> Recording:
        """The ten neurons for so many steps, on five small cores at the prices of `chip`."""
        if self.steps < GAP * self.knocks:
            raise DescriptionError(
                tr(
                    "{knocks} knocks need {needed} steps, one every {gap}; steps is {steps}.",
                    knocks=self.knocks,
                    needed=GAP * self.knocks,
                    gap=GAP,
                    steps=self.steps,
                )
            )
        chip = EventChip(
            name=f"five cores at the prices of {self.chip.name}",
            tiles_x=2,
            tiles_y=2,
            cores_per_tile=2,
            neurons_per_core=2,
            prices=_priced(self.chip),
        )
        return Experiment(ten_neurons(self.knocks), chip, duration=self.steps * ms, dt=1 * ms).run()

    def _busy(self, period: int) -> Recording:
        """One full core of 256 metronomes."""
        circuit = Metronomes(neurons=CORE, fan_out=self.fan_out, period=period)
        steps = max(period, 200 // period * period)
        return Experiment(circuit, self.busy, duration=steps * ms, dt=1 * ms, seed=self.seed).run()

    def _result(self, hand: Recording, runs: Mapping[int, Recording]) -> Result:
        ledger = hand.ledger
        lists = {name: chip.prices for name, chip in reversed(list(CHIPS.items())) if isinstance(chip, EventChip)}
        apart = {
            tuple(p.joules for p in prices.values()): name for name, prices in lists.items()
        }  # one name for equal lists
        bills = {name: repriced(ledger, lists[name]).total for name in apart.values()}
        counted = {COUNTS[e]: float(ledger.count(e)) for e in ledger.events if ledger.count(e)}
        efficiency = {
            period: _operations(r) / r.ledger.total / 1e9 if r.ledger.total else float("nan")
            for period, r in runs.items()
        }
        numbers = counted | {
            "energy_nj": ledger.total / nJ,
            "idle_nj": _silent(ledger) / nJ,
            "chip_time_ns": ledger.chip_time / ns,
            "repriced_nj": repriced(ledger, _priced(self.other)).total / nJ,
            "typical_gsops_per_watt": efficiency[TYPICAL],
            "busy_gsops_per_watt": efficiency[BUSY],
            "typical_pj_per_operation": runs[TYPICAL].ledger.total / _operations(runs[TYPICAL]) / pJ,
            "busy_pj_per_operation": runs[BUSY].ledger.total / _operations(runs[BUSY]) / pJ,
        }
        rho = np.array([1 / period for period in PERIODS])
        truenorth = self.busy.name == "truenorth"
        pictures: dict[str, Callable[[], Picture]] = {
            "receipt": partial(drawn.receipt, hand),
            "prices": partial(
                drawn.totals,
                bills,
                title="The same counts at other prices",
                source="Price lists: `workbench chips NAME` cites every one; counts are the run's",
            ),
            "efficiency": partial(
                figures.curves,
                {"closed form": (rho, _closed(runs[TYPICAL], self.fan_out, rho))},
                points={"closed form": (rho, np.array([efficiency[p] for p in PERIODS]))},
                levels={"46, as usually quoted": 46.0, "400, published": 400.0} if truenorth else {},
                log_x=True,
                x="activity: spikes per neuron and step",
                y="synaptic operations per energy",
                y_unit="GSOPS/W",
                title="Efficiency grows with activity",
                source=self._source,
            ),
            "shares": partial(
                figures.curves,
                {kind: (rho, _share(runs, events)) for kind, events in KINDS.items()},
                log_x=True,
                x="activity: spikes per neuron and step",
                y="share of the energy",
                y_unit="%",
                title="Where the energy goes as activity grows",
                source=self._source,
            ),
            "busy energy": partial(figures.energy, runs[TYPICAL]),
        }
        return Result(
            study=self, numbers=numbers, recordings={"by hand": hand, "typical": runs[TYPICAL]}, pictures=pictures
        )

    @property
    def _source(self) -> str:
        """Where the two prices that decide come from."""
        prices = _priced(self.busy)
        return f"{self.busy.name}: core step {prices['core step'].citation}; synaptic operation {prices['synaptic operation'].citation}"


def ten_neurons(knocks: int) -> Network:
    """The network of the first part; see the module."""
    import scipy.sparse as sp  # noqa: PLC0415  SciPy only when something is wired

    neuron = Lif(refractory=1 * ms)
    # A's neuron k reaches C's neurons k and k + 2, which lie on two cores.
    both = sp.csr_matrix((np.ones(4), ([0, 1, 0, 1], [0, 1, 2, 3])), shape=(2, 4))
    times = [GAP * n * ms for n in range(knocks)]
    knock = SpikeList(times=tuple(t for t in times for _ in range(2)), neurons=(0, 1) * knocks)
    return Network(
        populations={name: Population(size, neuron) for name, size in {"A": 2, "B": 2, "C": 4, "D": 2}.items()},
        sources={"knock": Source(2, knock)},
        projections={
            "knock A": Projection("knock", "A", OneToOne(), weight=30 * mV, delay=1 * ms),
            "A B": Projection("A", "B", OneToOne(), weight=30 * mV, delay=1 * ms),
            "A C": Projection("A", "C", Explicit(both), weight=FEATHER, delay=1 * ms),
            "A D": Projection("A", "D", OneToOne(), weight=FEATHER, delay=1 * ms),
        },
    )


def repriced(ledger: Ledger, prices: Mapping[str, Price]) -> Ledger:
    """The same counts at the energies of another list; times stay as they were, for other times need another run."""
    return ledger.reprice({e: replace(prices[e], seconds=ledger.prices[e].seconds) for e in ledger.events})


def _priced(chip: Chip) -> Mapping[str, Price]:
    """The price list of an event chip; raises UnsupportedError for a chip without one."""
    if not isinstance(chip, EventChip):
        raise UnsupportedError(
            tr(
                "Events are counted on an event chip; '{chip}' is not one. Write a chip such as 'loihi-davies'.",
                chip=chip.name,
            )
        )
    return chip.prices


def _operations(recording: Recording) -> int:
    return sum(recording.ledger.count(event) for event in KINDS["synapses"])


def _silent(ledger: Ledger) -> float:
    """What the same steps would cost if nothing happened, J: every neuron passed over, every core kept awake."""
    prices, cells = ledger.prices, ledger.count("active update") + ledger.count("inactive update")
    return cells * prices["inactive update"].joules + ledger.count("core step") * prices["core step"].joules


def _closed(recording: Recording, fan_out: int, rho: NDArray[np.float64]) -> NDArray[np.float64]:
    """Operations per joule from the prices alone, in GSOPS/W: what is paid each step is shared by ever more operations."""
    from workbench.measures.crossover import EventLayer  # noqa: PLC0415

    ledger = recording.ledger
    spent = ledger.by_event()
    layer = EventLayer.of(
        ledger.prices,
        neurons=CORE,
        fan_out=fan_out,
        cores=len(recording.placement.cores),
        travel=sum(spent[e] for e in KINDS["spikes on their way"]) / ledger.count("spike"),
    )
    joules = layer.energy(rho)
    return np.where(joules > 0, CORE * rho * fan_out / np.where(joules > 0, joules, 1.0), np.nan) / 1e9


def _share(runs: Mapping[int, Recording], events: tuple[str, ...]) -> NDArray[np.float64]:
    """The share of some events in the energy of each run, %."""
    spent = [r.ledger.by_event() for r in runs.values()]
    return np.array([100 * sum(s[e] for e in events) / max(sum(s.values()), 1e-30) for s in spent])
