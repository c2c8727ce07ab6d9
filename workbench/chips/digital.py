"""Digital near-memory chips: a mesh of cores, each with its weights in memory beside its multipliers, stepping by a clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import ClassVar, final

from workbench.chips.chip import Chip
from workbench.errors import DescriptionError, unknown
from workbench.fields import choice, count, described, flag, quantity
from workbench.recordings.prices import Citation, Price
from workbench.units import MHz, mm2
from workbench.words import tr

__all__ = ["ADDRESS_BITS", "EVENTS", "DigitalChip"]

EVENTS = (
    "MAC",
    "SRAM byte",
    "buffer byte",
    "DRAM byte",
    "hop byte",
    "outside operation",
    "neuron update",
    "spike",
    "core cycle",
)
"""What a digital near-memory chip counts.

A MAC is one stored weight multiplied and added, in the chip's own precision; an outside operation is the same for a spike or a current
from an outside source (frames of values are the network's input and count as MACs). An SRAM byte is read from the weights of a core
(an index of 2 bytes beside each weight where a matrix is stored sparse). A buffer byte is an activation read, or a sum or a state of a
neuron read and written. A DRAM byte is a weight fetched from outside the chip. A hop byte is one byte of an activation over one link
of the mesh. A neuron update is one step of one neuron. A core cycle is one clock of one core in use: leakage and clock tree.
"""

ADDRESS_BITS = 16
"""What says who sent a spike, or where in a row a weight of a sparse matrix stands."""


@final
@described
class DigitalChip(Chip):
    """`mesh_x` × `mesh_y` cores that multiply activations by weights of a few bits and add in whole numbers, exactly.

    In every step the layers of the network run one after the other; a layer waits for its slowest core. Neurons compute in float64
    behind the matrix units. `weight_bits=0` computes all in float64 and equals the reference spike for spike.
    """

    kind: ClassVar[str] = "digital"
    mesh_x: int = count(16, low=1, high=4096, doc="cores from west to east")
    mesh_y: int = count(16, low=1, high=4096, doc="cores from south to north")
    memory: str = choice(
        "on chip",
        ("on chip", "fetched"),
        doc="where weights lie: beside the multipliers, or in DRAM, from where a layer fetches them whenever it runs",
    )
    memory_per_core: int = count(750_000, low=1, high=2**40, doc="bytes of weights a core can hold", log=True)
    buffer: int = count(32_000_000, low=1, high=2**40, doc="bytes for activations and states, shared by all", log=True)
    bandwidth: float = quantity(
        0.9e12, "", low=1e3, high=1e15, doc="bytes a second from DRAM, when weights are fetched", log=True
    )
    batch: int = count(1, low=1, high=1_000_000, doc="steps that share one fetch of the weights", log=True)
    weight_bits: int = count(8, low=0, high=8, doc="bits of a weight with its sign: 2, 4 or 8; 0: all in float64")
    weight_scale: str = choice(
        "projection", ("projection", "column"), doc="one scale for a matrix, or one for each of its columns"
    )
    weight_fit: str = choice(
        "largest",
        ("largest", "squares"),
        doc="the scale that holds the largest weight, or the one of least squared error, which clips it",
    )
    activation_bits: int = count(8, low=0, high=16, doc="bits of a value that a neuron emits; 0: not rounded")
    activation_range: str = choice(
        "calibrated",
        ("calibrated", "worst"),
        doc="largest value there is: measured over the first steps of a drive without rounding, or the most there can be",
    )
    calibration: int = count(256, low=1, high=1_000_000, doc="steps of the drive a calibration runs", log=True)
    skip_zeros: bool = flag(True, doc="inputs that are zero are not multiplied and not sent")
    storage: str = choice(
        "smaller",
        ("smaller", "dense", "sparse"),
        doc="how a matrix is kept: every pair, or each weight with its index; or whichever takes less",
    )
    spread: str = choice(
        "even",
        ("even", "packed"),
        doc="a layer on as many cores as it gives a cycle's work; or each core filled before the next",
    )
    operations_8: int = count(2048, low=2, high=2**30, doc="operations (two for a MAC) of a core in a cycle at 8 bits")
    operations_4: int = count(4096, low=2, high=2**30, doc="operations of a core in a cycle at 4 bits")
    operations_2: int = count(8192, low=2, high=2**30, doc="operations of a core in a cycle at 2 bits")
    operations_64: int = count(64, low=2, high=2**30, doc="operations of a core in a cycle in float64")
    updates: int = count(64, low=1, high=2**30, doc="neurons a core updates in a cycle")
    clock: float = quantity(400 * MHz, "MHz", low=0.001 * MHz, high=100_000 * MHz, doc="clock of all cores")
    hop_cycles: int = count(1, low=0, high=1000, doc="cycles from one core to the next")
    core_area: float = quantity(3.125 * mm2, "mm²", low=0.0, high=10_000 * mm2, doc="silicon of one core")
    prices: Mapping[str, Price] = field(default_factory=dict, hash=False)
    sources: Mapping[str, Citation] = field(default_factory=dict, hash=False)
    """Where each number of the chip comes from, by field name; prices carry their own."""

    def check(self) -> None:
        """Every event needs a price, every price an event, every source a field; weights have 2, 4 or 8 bits."""
        for event in EVENTS:
            if event not in self.prices:
                raise DescriptionError(
                    tr("{kind} '{name}' has no price for '{event}'.", kind="DigitalChip", name=self.name, event=event)
                )
        for event in self.prices:
            if event not in EVENTS:
                raise unknown("event", event, EVENTS)
        for name in self.sources:
            if name not in self.__dataclass_fields__:  # type: ignore[attr-defined]
                raise unknown(f"knob of {type(self).__name__}", name, self.__dataclass_fields__)  # type: ignore[attr-defined]
        if self.weight_bits not in (0, 2, 4, 8):
            raise DescriptionError(
                tr("DigitalChip.weight_bits is {bits}: it must be 2, 4 or 8, or 0 for float64.", bits=self.weight_bits)
            )
        if self.activation_bits == 1:
            raise DescriptionError(tr("DigitalChip.activation_bits is 1: it must be 2 or more, or 0 for no rounding."))

    @property
    def cores(self) -> int:
        """Cores on the chip."""
        return self.mesh_x * self.mesh_y

    @property
    def capacity(self) -> int:
        """Bytes of weights that fit on the chip."""
        return self.cores * self.memory_per_core

    @property
    def size(self) -> str:
        """See Chip."""
        return tr("{x} × {y} cores", x=self.mesh_x, y=self.mesh_y)

    @property
    def holds(self) -> str:
        """See Chip."""
        return tr("{megabytes:,.0f} MB of weights", megabytes=self.capacity / 1e6)

    @property
    def area(self) -> float:
        """Silicon of all cores, m²."""
        return self.cores * self.core_area

    @property
    def macs(self) -> int:
        """MACs of one core in one cycle, at the chip's precision."""
        each = {8: self.operations_8, 4: self.operations_4, 2: self.operations_2, 0: self.operations_64}
        return each[self.weight_bits] // 2

    @property
    def peak(self) -> float:
        """Operations a second of all cores at the chip's precision; a MAC is two."""
        return 2.0 * self.macs * self.cores * self.clock

    @property
    def stored_bits(self) -> int:
        """Bits a weight takes in memory."""
        return self.weight_bits or 64

    @property
    def value_bits(self) -> int:
        """Bits of a value that is sent."""
        return (self.activation_bits or 32) if self.weight_bits else 64
