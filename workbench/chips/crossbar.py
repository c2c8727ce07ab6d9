"""Compute-in-memory chips: tiles of conductances that multiply a vector by a matrix in one read, with converters around them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import ClassVar, final

from workbench.chips.chip import Chip
from workbench.chips.devices import DEVICES, Device
from workbench.errors import DescriptionError, unknown
from workbench.fields import choice, count, described, flag, member, part, quantity
from workbench.recordings.prices import Citation, Price
from workbench.units import V, kohm, ns, s, um2, us
from workbench.words import tr

__all__ = ["EVENTS", "CrossbarChip", "Effects"]

EVENTS = (
    "tile read",
    "row pulse",
    "array attojoule",
    "conversion",
    "digital addition",
    "buffer byte",
    "synaptic operation",
    "outside operation",
    "neuron update",
    "spike",
    "write pulse",
)
"""What a compute-in-memory chip counts.

A tile read is one pulse on the rows of one array: a bit-serial input of b bits reads b times, and each slice of the weights is an array
of its own. A row pulse is one driven row in one read. An array attojoule is 10^-18 J of V²·G·t in the cells, rounded up for every read.
A conversion is one output through an ADC: a column, or a pair whose currents were subtracted before. A digital addition brings two
converted numbers together: over tiles, slices and bits.
A buffer byte is moved between converters and the tile's buffer. A synaptic operation is one stored weight whose row was driven: it costs
nothing by itself and is what efficiency is quoted in. A write pulse is one programming pulse on one cell.
"""


@final
@described
class Effects:
    """Which imperfections are switched on; each alone, or all together. What is off is perfect."""

    programming: bool = flag(True, doc="a cell is written with an error")
    spread: bool = flag(True, doc="cells of one die differ: their window, their drift")
    read_noise: bool = flag(True, doc="each read draws fresh noise")
    drift: bool = flag(True, doc="conductances change with time since programming, and 1/f noise grows")
    temperature: bool = flag(True, doc="conductances follow the temperature")
    stuck: bool = flag(True, doc="some cells are stuck at either end of their window")
    wires: bool = flag(True, doc="rows and columns have resistance")
    converters: bool = flag(True, doc="ADCs have offset and gain errors")


@final
@described
class CrossbarChip(Chip):
    """`tiles` arrays of `rows` × `columns` cells with DACs on the rows and ADCs on the columns.

    A differential weight is a pair of cells in two neighbouring columns; an offset weight is one cell, and the middle of the window is
    subtracted digitally. Signed inputs are read as voltages of either sign.
    """

    kind: ClassVar[str] = "crossbar"
    rows: int = count(256, low=1, high=16_384, doc="rows (word lines) of a tile", log=True)
    columns: int = count(
        256, low=1, high=16_384, doc="columns (bit lines) of a tile; a differential pair takes two", log=True
    )
    tiles: int = count(64, low=1, high=1_000_000, doc="tiles on the chip", log=True)
    device: Device = member("pcm-joshi", lambda: DEVICES, doc="the memory cell", inner=False)
    pairs: str = choice("differential", ("differential", "offset"), doc="how a signed weight becomes conductance")
    weight_bits: int = count(0, low=0, high=16, doc="bits of a weight's magnitude; 0: any conductance in the window")
    slices: int = count(
        1, low=1, high=16, doc="cells a weight's bits are spread over; each slice is an array of its own"
    )
    weight_scale: str = choice(
        "projection", ("projection", "column"), doc="one scale for a matrix, or one for each of its columns"
    )
    delays: int = count(
        16, low=1, high=1000, doc="matrices a projection may take for synapses of different delays", label="delays"
    )
    dac_bits: int = count(8, low=0, high=16, doc="bits of an input's magnitude; 0: no rounding")
    dac: str = choice("levels", ("levels", "bit-serial"), doc="one read with many voltages, or one read for each bit")
    adc_bits: int = count(8, low=0, high=16, doc="bits of a conversion with its sign; 0: no rounding, no clipping")
    adc_range: str = choice(
        "calibrated",
        ("calibrated", "worst", "fixed"),
        doc="full scale: the largest current of a calibration; of any input; or a share of that",
    )
    adc_span: float = quantity(1.0, "", low=1e-4, high=100.0, doc="factor on that full scale", log=True)
    adc_per: str = choice("column", ("column", "tile"), doc="a range for each output, or one for the tile")
    adc_share: int = count(1, low=1, high=16_384, doc="outputs that take turns on one ADC", log=True)
    adc_offset: float = quantity(0.0, "LSB", low=0.0, high=100.0, doc="standard deviation of an ADC's offset")
    adc_gain: float = quantity(0.0, "", low=0.0, high=0.5, doc="standard deviation of an ADC's gain, relative")
    wire_row: float = quantity(0.0, "Ω", low=0.0, high=100 * kohm, doc="resistance of a row from cell to cell")
    wire_column: float = quantity(0.0, "Ω", low=0.0, high=100 * kohm, doc="resistance of a column from cell to cell")
    read_voltage: float = quantity(0.2 * V, "V", low=1e-3 * V, high=2 * V, doc="largest voltage on a row")
    read_time: float = quantity(100 * ns, "ns", low=0.01 * ns, high=1000 * us, doc="length of a read pulse", log=True)
    age: float = quantity(
        0.0, "s", low=0.0, high=3.2e9 * s, doc="time since programming; 0: the device's own reference time"
    )
    temperature: float = quantity(300.0, "K", low=200.0, high=500.0, doc="temperature of the cells")
    stuck_low: float = quantity(0.0, "", low=0.0, high=0.5, doc="share of cells stuck at the low end of the window")
    stuck_high: float = quantity(0.0, "", low=0.0, high=0.5, doc="share of cells stuck at the high end")
    verify: int = count(0, low=0, high=100, doc="rounds of write-verify: cells that missed are written again")
    tolerance: float = quantity(
        0.02, "", low=0.0, high=1.0, doc="what write-verify lets pass, as a share of the window"
    )
    compensate: bool = flag(False, doc="one factor a tile undoes the mean drift (a few reference columns are read)")
    calibrate: bool = flag(False, doc="offset and gain of every ADC are measured and undone")
    remap: bool = flag(
        False, doc="the rest of a pair makes up for a stuck cell, and columns move to where stuck cells hurt least"
    )
    effects: Effects = part(Effects(), doc="which imperfections are on")
    cell_area: float = quantity(1 * um2, "µm²", low=0.0, high=1e6 * um2, doc="area of a cell with its selector")
    adc_area: float = quantity(1000 * um2, "µm²", low=0.0, high=1e8 * um2, doc="area of one ADC")
    row_area: float = quantity(10 * um2, "µm²", low=0.0, high=1e8 * um2, doc="area of one row's driver and DAC")
    prices: Mapping[str, Price] = field(default_factory=dict, hash=False)
    sources: Mapping[str, Citation] = field(default_factory=dict, hash=False)
    """Where each number of the chip comes from, by field name; prices carry their own."""

    def check(self) -> None:
        """Every event needs a price, every price an event, every source a field; slices must share the weight's bits evenly."""
        for event in EVENTS:
            if event not in self.prices:
                raise DescriptionError(
                    tr("{kind} '{name}' has no price for '{event}'.", kind="CrossbarChip", name=self.name, event=event)
                )
        for event in self.prices:
            if event not in EVENTS:
                raise unknown("event", event, EVENTS)
        for name in self.sources:
            if name not in self.__dataclass_fields__:  # type: ignore[attr-defined]
                raise unknown(f"knob of {type(self).__name__}", name, self.__dataclass_fields__)  # type: ignore[attr-defined]
        if self.slices > 1 and (self.weight_bits == 0 or self.weight_bits % self.slices):
            raise DescriptionError(
                tr(
                    "CrossbarChip '{name}': {slices} slices cannot share {bits} bits evenly; write weight_bits as a multiple of slices.",
                    name=self.name,
                    slices=self.slices,
                    bits=self.weight_bits,
                )
            )
        if self.pairs == "offset" and self.weight_bits == 1:
            raise DescriptionError(
                tr(
                    "CrossbarChip '{name}': an offset weight of 1 bit has no zero; write weight_bits=2 or more, or 0.",
                    name=self.name,
                )
            )
        if self.stuck_low + self.stuck_high > 0.9:
            raise DescriptionError(
                tr(
                    "CrossbarChip '{name}': {share:.0%} of the cells are stuck; at most 90 %.",
                    name=self.name,
                    share=self.stuck_low + self.stuck_high,
                )
            )
        if self.pairs == "differential" and self.columns % 2:
            raise DescriptionError(
                tr(
                    "CrossbarChip '{name}' has {columns} columns: pairs need an even number.",
                    name=self.name,
                    columns=self.columns,
                )
            )

    @property
    def outputs(self) -> int:
        """Weights in a row of one tile: half the columns when they are pairs."""
        return self.columns // 2 if self.pairs == "differential" else self.columns

    @property
    def size(self) -> str:
        """See Chip."""
        return tr("{tiles:,} tiles of {rows} × {columns} cells", tiles=self.tiles, rows=self.rows, columns=self.columns)

    @property
    def holds(self) -> str:
        """See Chip."""
        return tr("{count:,} weights", count=self.tiles // self.slices * self.rows * self.outputs)

    @property
    def tile_area(self) -> float:
        """Silicon of one tile with its converters, m²."""
        adcs = -(-self.outputs // self.adc_share)
        return self.rows * self.columns * self.cell_area + adcs * self.adc_area + self.rows * self.row_area

    @property
    def area(self) -> float:
        """Silicon of all tiles, m²."""
        return self.tiles * self.tile_area
