"""The nervous system of the worm Caenorhabditis elegans: wired from electron micrographs, spiking by assumption."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, ClassVar, final

import numpy as np
from numpy.typing import NDArray

from workbench.circuits.circuit import Circuit
from workbench.circuits.network import Network, Population, Projection, Source
from workbench.circuits.neurons.lif import Lif
from workbench.circuits.spread import Values
from workbench.circuits.stimuli import Poisson, Regular
from workbench.circuits.wiring import Explicit, OneToOne
from workbench.fields import choice, described, flag, part, quantity
from workbench.units import Gohm, Hz, ms, mV, nS, pS

__all__ = ["BACKWARD", "COMMAND", "FORWARD", "ROLES", "TOUCHED", "Connectome", "Worm", "connectome"]

ROLES = ("sensory", "inter", "motor", "other", "muscle")
"""The populations, in the order a touch travels; "other": five pharyngeal cells of mixed role and two canal cells."""

TOUCHED: Mapping[str, tuple[str, ...]] = {
    "anterior": ("ALML", "ALMR", "AVM"),
    "posterior": ("PLML", "PLMR"),
    "nose": ("ASHL", "ASHR", "FLPL", "FLPR", "OLQDL", "OLQDR", "OLQVL", "OLQVR"),
}
"""Which sensory neurons a touch excites.

Gentle touch: Chalfie et al. 1985, J. Neurosci. 5:956. Nose: Kaplan & Horvitz 1993, PNAS 90:2227.
"""

COMMAND = ("AVAL", "AVAR", "AVBL", "AVBR", "AVDL", "AVDR", "PVCL", "PVCR")
"""The interneurons from touch to movement: AVA and AVD to back up, AVB and PVC to go on (Chalfie et al. 1985)."""

BACKWARD, FORWARD = ("DA", "VA"), ("DB", "VB")
"""Classes of motor neurons that bend the body when the worm backs up, and when it goes on (Chalfie et al. 1985)."""


@final
@dataclass(frozen=True, eq=False)
class Connectome:
    """The worm's cells and contacts (Cook et al. 2019, Nature 571:63), read from the table shipped beside this file."""

    cells: Mapping[str, tuple[str, ...]]
    """The names of the cells of each role, in the order of the populations."""
    transmitters: Mapping[str, frozenset[str]]
    """What each cell releases (Wang et al. 2024, eLife 13:RP95402); empty where nothing is known."""
    chemical: Mapping[tuple[str, str], Explicit]
    """Chemical synapses from one role to another; the values are sections of micrographs."""
    gap: Mapping[tuple[str, str], Explicit]
    """Gap junctions between two roles, each junction once in each direction; the values are sections of micrographs."""

    def places(self, role: str, classes: tuple[str, ...]) -> NDArray[np.int64]:
        """Where in a role the cells of some numbered classes are: ("DA", "VA") for DA1 to DA9 and VA1 to VA12."""
        cells = self.cells[role]
        return np.array([k for k, name in enumerate(cells) if name.rstrip("0123456789") in classes], np.int64)

    def sign(self, name: str, *, glutamate: int = 1) -> int:
        """+1 for a cell that excites, −1 for one that inhibits.

        GABA inhibits where it is the only fast transmitter; `glutamate` says what glutamate does where it is the only
        one. Acetylcholine excites; cells without a known fast transmitter are assumed to.
        """
        fast = self.transmitters[name] & {"acetylcholine", "gaba", "glutamate"}
        return {frozenset({"gaba"}): -1, frozenset({"glutamate"}): glutamate}.get(fast, 1)


@cache
def connectome() -> Connectome:
    """The worm's wiring, read once."""
    text = (resources.files("workbench.circuits.library") / "data" / "worm.csv").read_text("ascii")
    rows = list(csv.DictReader(line for line in text.splitlines() if not line.startswith("#")))
    cells = {role: tuple(r["name"] for r in rows if r["kind"] == "cell" and r["partner"] == role) for role in ROLES}
    released = {r["name"]: frozenset(filter(None, r["value"].split("+"))) for r in rows if r["kind"] == "cell"}
    chemical = [(r["name"], r["partner"], float(r["value"])) for r in rows if r["kind"] == "chemical"]
    gap = [(r["name"], r["partner"], float(r["value"])) for r in rows if r["kind"] == "gap"]
    back = [(other, one, weight) for one, other, weight in gap]
    return Connectome(cells, released, _by_roles(cells, chemical), _by_roles(cells, gap + back))


def _by_roles(
    cells: Mapping[str, tuple[str, ...]], contacts: list[tuple[str, str, float]]
) -> dict[tuple[str, str], Explicit]:
    """One sparse matrix for each pair of roles that has contacts."""
    from scipy.sparse import coo_array  # noqa: PLC0415  SciPy only when the worm is built

    home = {name: (role, place) for role, names in cells.items() for place, name in enumerate(names)}
    found: dict[tuple[str, str], list[tuple[int, int, float]]] = {(a, b): [] for a in ROLES for b in ROLES}
    for source, target, weight in contacts:
        (a, i), (b, j) = home[source], home[target]
        found[a, b].append((i, j, weight))
    made: dict[tuple[str, str], Explicit] = {}
    for (a, b), entries in found.items():
        if entries:
            i, j, weight = map(np.array, zip(*entries, strict=True))
            made[a, b] = Explicit(coo_array((weight, (i, j)), shape=(len(cells[a]), len(cells[b]))))
    return made


@final
@described
class Worm(Circuit):
    """The adult hermaphrodite's 302 neurons and 95 body-wall muscles, touched.

    Published: who contacts whom, in how many sections, with which transmitter. Assumed: everything that fires. The
    worm's neurons mostly signal by graded potentials; here each is a leaky integrate-and-fire unit, potentials count
    from rest, a chemical synapse is a jump of `weight` per section, and one delay holds for all. Muscles only listen.
    """

    name: ClassVar[str] = "worm"
    title: ClassVar[str] = "Nervous system of C. elegans"

    touch: str = choice("anterior", tuple(TOUCHED), doc="where the worm is touched", label="touch")
    touch_rate: float = quantity(
        100 * Hz, "Hz", low=0 * Hz, high=500 * Hz, doc="spikes of a touched neuron (assumed)", label="touch rate"
    )
    touch_start: float = quantity(
        10 * ms, "ms", low=0 * ms, high=1000 * ms, doc="when the touch begins", label="touch begins"
    )
    touch_duration: float = quantity(
        50 * ms, "ms", low=0 * ms, high=1000 * ms, doc="how long the touch lasts", label="touch lasts"
    )
    weight: float = quantity(
        1 * mV, "mV", low=0 * mV, high=5 * mV, doc="jump per section of a synapse (assumed)", label="weight a section"
    )
    inhibition: float = quantity(
        4.0, "", low=0.0, high=20.0, doc="an inhibitory section beside an excitatory one (assumed)", label="inhibition"
    )
    glutamate: str = choice(
        "excites", ("excites", "inhibits"), doc="what glutamate does where it is the only fast transmitter (assumed)"
    )
    gap_junctions: bool = flag(False, doc="whether gap junctions conduct", label="gap junctions")
    gap: float = quantity(
        20 * pS, "pS", low=0 * pS, high=0.2 * nS, doc="conductance per section (assumed)", label="gap a section"
    )
    spikelet: float = quantity(
        0 * mV,
        "mV",
        low=0 * mV,
        high=5 * mV,
        doc="jump a spike makes through a section of gap junction (assumed)",
        label="spikelet a section",
    )
    kick: float = quantity(
        40 * mV, "mV", low=0 * mV, high=200 * mV, doc="jump at each spike from outside (assumed: twice the threshold)"
    )
    background: float = quantity(
        0 * Hz, "Hz", low=0 * Hz, high=50 * Hz, doc="spontaneous spikes of every neuron (assumed)", label="background"
    )
    delay: float = quantity(
        1 * ms, "ms", low=0.1 * ms, high=20 * ms, doc="delay of every chemical synapse (assumed)", label="delay"
    )
    neuron: Lif = part(
        Lif(tau=20 * ms, rest=0 * mV, threshold=20 * mV, reset=0 * mV, refractory=5 * ms, resistance=1 * Gohm),
        doc="the assumed spiking model of every cell",
    )

    @property
    def touched(self) -> tuple[str, ...]:
        """The names of the sensory neurons that the touch excites."""
        return TOUCHED[self.touch]

    def network(self) -> Network:
        """See Circuit."""
        worm = connectome()
        sources, projections = self._outside(worm)
        for (a, b), contacts in worm.chemical.items():
            jumps = self._jumps(worm, a, contacts)
            projections[f"{a} to {b}"] = Projection(a, b, contacts, weight=jumps, delay=self.delay)
        if self.gap_junctions:
            for (a, b), contacts in worm.gap.items():
                conductances = _values(self.gap * contacts.weights)
                projections[f"gap {a}-{b}"] = Projection(a, b, contacts, weight=conductances, receptor="gap")
        if self.spikelet:
            for (a, b), contacts in worm.gap.items():
                jumps = _values(self.spikelet * contacts.weights)
                projections[f"spikelet {a} to {b}"] = Projection(a, b, contacts, weight=jumps, delay=self.delay)
        populations = {role: Population(len(names), self.neuron) for role, names in worm.cells.items()}
        return Network(populations=populations, sources=sources, projections=projections)

    def _outside(self, worm: Connectome) -> tuple[dict[str, Source], dict[str, Projection]]:
        """The touch, and the background if there is one."""
        from scipy.sparse import coo_array  # noqa: PLC0415

        skin = worm.cells["sensory"]
        places = [skin.index(name) for name in self.touched]
        matrix = coo_array((np.ones(len(places)), (range(len(places)), places)), shape=(len(places), len(skin)))
        touch = Regular(self.touch_rate, start=self.touch_start, stop=self.touch_start + self.touch_duration)
        sources = {"touch": Source(len(places), touch)}
        projections = {"touch": Projection("touch", "sensory", Explicit(matrix), weight=self.kick)}
        if self.background:
            for role in ROLES[:-1]:
                sources[f"background {role}"] = Source(len(worm.cells[role]), Poisson(self.background))
                projections[f"background {role}"] = Projection(f"background {role}", role, OneToOne(), weight=self.kick)
        return sources, projections

    def _jumps(self, worm: Connectome, role: str, contacts: Explicit) -> Values:
        """The jump of each synapse, volt: sections × weight, negative and scaled where the sender inhibits."""
        glutamate = 1 if self.glutamate == "excites" else -1
        signs = np.array([worm.sign(name, glutamate=glutamate) for name in worm.cells[role]])
        factor = np.where(signs > 0, self.weight, -self.inhibition * self.weight)
        senders: NDArray[Any] = contacts.matrix[0]
        return _values(factor[senders] * contacts.weights)


def _values(numbers: NDArray[np.float64]) -> Values:
    return Values(tuple(numbers.tolist()))
