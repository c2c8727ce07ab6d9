"""The closed form of one product on a crossbar: how often each event happens, what it costs, and where the energy goes.

A matrix of I × O weights lies on tiles of R rows with W weights a row (`chip.outputs`), in S slices; a signed weight takes P cells (2 in a
differential pair, 1 with an offset); inputs take B reads (b bit by bit, else 1). With a = ⌈I/R⌉ and c = ⌈O/W⌉:

    tiles                a · c · S
    tile read            B · a · c · S                      a tile whose rows are all silent is not read: none is taken to be
    row pulse            B · S · c · I · driven             driven: share of the rows that are driven in a read
    array attojoule      B · S · P · O · I · driven · ⟨V²⟩ G t / 10^-18 J, rounded up for every read of a tile
    conversion           B · S · a · O                      every output; a pair is subtracted before its ADC
    digital addition     O · (B · S · a − 1) + O with an offset      k numbers take k − 1 additions
    buffer byte          S · c · I · ⌈b/8⌉ + conversions · ⌈ADC bits/8⌉   8 bytes for a converter that does not round
    synaptic operation   I · O · nonzero                    nonzero: share of the inputs that are not zero

For levels, driven is nonzero; bit by bit, it is the mean share of ones among the bits of the magnitudes, half of nonzero unless said.
⟨V²⟩ is the mean square of the voltage of a driven row. A MAC is two operations, multiplication and addition.

Tiles work side by side. A tile reads while its ADCs still convert the read before, so a read takes the longer of both, and the first
answer waits for both:

    period = B · max(t_read, k · t_conversion)       latency = period + min(t_read, k · t_conversion)

with k the turns that outputs take on one ADC.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from workbench.chips.converters import adc_energy
from workbench.chips.crossbar import EVENTS, CrossbarChip
from workbench.errors import DescriptionError, PlacementError
from workbench.recordings.prices import Citation, Price
from workbench.words import tr

__all__ = [
    "PARTS",
    "Activity",
    "Product",
    "activity",
    "column_share",
    "flip",
    "product",
    "share_over_rows",
    "with_converter",
]

Array = NDArray[np.float64]
ATTO = 1e-18
UNROUNDED = 8  # bytes of a number that no converter rounds

PARTS: Mapping[str, tuple[str, ...]] = {
    "array": ("tile read", "array attojoule"),
    "rows and DACs": ("row pulse",),
    "ADCs": ("conversion",),
    "digital": ("digital addition", "buffer byte", "synaptic operation", "outside operation", "neuron update", "spike"),
}
"""Which part of a chip pays for which event. Writing is left out: a product writes nothing."""


@final
@dataclass(frozen=True, kw_only=True)
class Activity:
    """What the inputs of a product make rows do."""

    nonzero: float = 1.0
    """Share of the inputs that are not zero."""
    driven: float = 1.0
    """Share of the rows that are driven in a read."""
    square: float = 1 / 3
    """Mean of (V / read voltage)² over driven rows; a third for levels spread evenly, one for bits."""

    @staticmethod
    def usual(chip: CrossbarChip) -> Activity:
        """Inputs spread evenly over the range, as levels; or bits of which half are one."""
        return Activity(driven=0.5, square=1.0) if _reads(chip) > 1 else Activity()

    @staticmethod
    def full() -> Activity:
        """Every row at the full voltage in every read: what a design is laid out for."""
        return Activity(square=1.0)


@final
@dataclass(frozen=True, kw_only=True)
class Product:
    """One product of a vector and a matrix on a chip: counts, joules, seconds and area."""

    chip: CrossbarChip
    inputs: int
    outputs: int
    tiles: int
    counts: Mapping[str, float]
    """How often each of `EVENTS` happens; whole but for shares of rows and the energy in the cells."""
    period: float
    """Time from one product to the next, s."""
    latency: float
    """Time until the answer is there, s."""

    @property
    def macs(self) -> int:
        """Multiplications with their additions."""
        return self.inputs * self.outputs

    @cached_property
    def by_event(self) -> dict[str, float]:
        """Energy of each event, J."""
        return {event: self.counts[event] * self.chip.prices[event].joules for event in EVENTS}

    @cached_property
    def by_part(self) -> dict[str, float]:
        """Energy of each part, J."""
        return {part: sum(self.by_event[e] for e in events) for part, events in PARTS.items()}

    @property
    def joules(self) -> float:
        """Energy of the product, J."""
        return sum(self.by_part.values())

    @property
    def divided(self) -> bool:
        """Whether the price list says which part needs how much; False where all was published as one number."""
        return self.chip.prices["conversion"].joules > 0

    @property
    def adc_share(self) -> float:
        """The ADCs' share of the energy; NaN for a chip whose energy was not divided."""
        return self.by_part["ADCs"] / self.joules if self.divided else math.nan

    @property
    def per_mac(self) -> float:
        """Energy of a MAC, J."""
        return self.joules / self.macs

    @property
    def tops_per_watt(self) -> float:
        """10^12 operations a joule, two for a MAC."""
        return 2 / self.per_mac / 1e12 if self.joules else math.inf

    @property
    def tops(self) -> float:
        """10^12 operations a second on the tiles in use."""
        return 2 * self.macs / self.period / 1e12 if self.period else math.inf

    @property
    def area(self) -> float:
        """Silicon of the tiles in use, m²."""
        return self.tiles * self.chip.tile_area


def activity(chip: CrossbarChip, values: ArrayLike, largest: float | None = None) -> Activity:
    """What given inputs make rows do: magnitudes as codes rint(|x| / largest · (2^b − 1)), their levels or their bits.

    `largest` is the input the DAC reaches, else the largest magnitude given. Raises DescriptionError for inputs that are not finite.
    """
    x = np.abs(np.asarray(values, dtype=float))
    top = float(largest or (x.max() if x.size else 1.0) or 1.0)
    if not x.size or not np.isfinite(x).all() or top <= 0:
        raise DescriptionError(tr("Inputs must be finite numbers, at least one, and the largest above 0."))
    share = np.minimum(x / top, 1.0)
    bits = chip.dac_bits
    if bits:
        codes = np.rint(share * (2**bits - 1)).astype(np.int64)
        share = codes / (2**bits - 1)
        nonzero = float((codes > 0).mean())
        if _reads(chip) > 1:
            ones = sum(((codes >> k) & 1).sum() for k in range(bits))
            return Activity(nonzero=nonzero, driven=float(ones) / (bits * codes.size), square=1.0)
    nonzero = float((share > 0).mean())
    return Activity(nonzero=nonzero, driven=nonzero, square=float((share**2).sum() / max((share > 0).sum(), 1)))


def product(
    chip: CrossbarChip,
    inputs: int,
    outputs: int,
    *,
    given: Activity | None = None,
    conductance: float | None = None,
    anyway: bool = False,
) -> Product:
    """The closed form for a matrix of `inputs` × `outputs` weights; see the module for every formula.

    `conductance` is the mean of a cell, S. Without it the weights are spread evenly: of a pair one cell lies at the bottom of the
    window and the other a quarter of the way up on average, so the mean is g_min + window / 4; with an offset it is the middle.
    Raises PlacementError when the matrix needs more tiles than the chip has, unless it is to be computed `anyway`.
    """
    if min(inputs, outputs) < 1:
        raise DescriptionError(
            tr("A matrix of {inputs} × {outputs}: each must be 1 or more.", inputs=inputs, outputs=outputs)
        )
    does = given or Activity.usual(chip)
    pair = 2 if chip.pairs == "differential" else 1
    reads = _reads(chip)
    a, c = -(-inputs // chip.rows), -(-outputs // chip.outputs)
    tiles = a * c * chip.slices
    if tiles > chip.tiles and not anyway:
        raise PlacementError(
            tr(
                "{chip} has {limit} tiles; a matrix of {inputs} × {outputs} needs {tiles}. Write a smaller matrix or more tiles.",
                chip=chip.name,
                limit=chip.tiles,
                inputs=inputs,
                outputs=outputs,
                tiles=tiles,
            )
        )
    cell = _cell(chip) if conductance is None else conductance
    joule = chip.read_voltage**2 * does.square * cell * chip.read_time
    numbers = reads * chip.slices * a
    conversions = numbers * outputs
    tile_reads = reads * tiles
    in_cells = reads * chip.slices * pair * outputs * inputs * does.driven * joule / ATTO
    counts = dict.fromkeys(EVENTS, 0.0) | {
        "tile read": float(tile_reads),
        "row pulse": reads * chip.slices * c * inputs * does.driven,
        "array attojoule": in_cells,
        "conversion": float(conversions),
        "digital addition": float(outputs * (numbers - 1) + (outputs if pair == 1 else 0)),
        "buffer byte": float(chip.slices * c * inputs * _bytes(chip.dac_bits) + conversions * _bytes(chip.adc_bits)),
        "synaptic operation": inputs * outputs * does.nonzero,
    }
    turns = min(chip.adc_share, outputs, chip.outputs)
    read = chip.prices["tile read"].seconds
    convert = turns * chip.prices["conversion"].seconds
    period = reads * max(read, convert)
    return Product(
        chip=chip,
        inputs=inputs,
        outputs=outputs,
        tiles=tiles,
        counts=counts,
        period=period,
        latency=period + min(read, convert),
    )


def with_converter(chip: CrossbarChip, bits: int, rate: float = 1e9) -> CrossbarChip:
    """The chip with an ADC of other bits: its price for a conversion scaled as the bounds at that rate are.

    Its own ADC may lie far above the bounds; it stays as far above. A chip without rounding (0 bits) has no price to scale.
    """
    if not chip.adc_bits or not bits:
        raise DescriptionError(tr("An ADC that does not round has no price to scale: write adc_bits of 1 or more."))
    factor = float(adc_energy(bits, rate) / adc_energy(chip.adc_bits, rate))
    old = chip.prices["conversion"]
    where = f"× {factor:.3g}, the bounds' ratio of {bits} to {chip.adc_bits} bits, to: {old.citation}"
    price = Price(old.joules * factor, old.seconds, Citation("assumed", where))
    return replace(chip, adc_bits=bits, prices={**chip.prices, "conversion": price})


def column_share(
    rows: ArrayLike, *, conversion: float, conductance: float, voltage: float, seconds: float, square: float = 1 / 3
) -> Array:
    """The ADC's share of ADC and cells for one column: E / (E + rows · ⟨V²⟩ G t), without drivers and digital work.

    `conductance` is what one row adds to the conversion, S: both cells of a pair where one conversion serves the pair.
    """
    cells = np.asarray(rows, dtype=float) * square * voltage**2 * conductance * seconds
    return conversion / (conversion + cells)


def share_over_rows(
    chip: CrossbarChip,
    rows: ArrayLike,
    *,
    given: Activity | None = None,
    conductance: float | None = None,
    bits: ArrayLike | None = None,
    rate: float = 1e9,
) -> Array:
    """The ADCs' share of all energy of one full tile, for tiles of so many rows; with `bits`, an ADC of so many bits for each."""
    table = np.asarray(rows, dtype=int)
    wanted = np.broadcast_to(
        np.full(table.shape, chip.adc_bits) if bits is None else np.asarray(bits, int), table.shape
    )
    found = []
    for r, b in zip(table, wanted, strict=True):
        one = replace(
            chip if b == chip.adc_bits else with_converter(chip, int(b), rate), rows=int(r), tiles=chip.slices
        )
        found.append(product(one, int(r), one.outputs, given=given, conductance=conductance).adc_share)
    return np.array(found)


def flip(
    chip: CrossbarChip, *, given: Activity | None = None, conductance: float | None = None, share: float = 0.5
) -> float:
    """The rows of a full tile at which the ADCs' share falls to `share`: there everything else needs as much, for a half.

    The rest is fixed + rows · each, a straight line, so rows = (E_ADC (1 − share)/share − fixed) / each. 0 when the ADCs never
    reach that share, infinite when nothing grows with the rows, NaN for a chip whose energy was not divided.
    """
    few, many = (
        product(replace(chip, rows=r, tiles=chip.slices), r, chip.outputs, given=given, conductance=conductance)
        for r in (64, 128)
    )
    if not few.divided:
        return math.nan
    adc = few.by_part["ADCs"]
    rest = [p.joules - p.by_part["ADCs"] for p in (few, many)]
    each = (rest[1] - rest[0]) / 64
    fixed = rest[0] - 64 * each
    left = adc * (1 - share) / share - fixed
    if left <= 0:
        return 0.0
    return left / each if each > 0 else math.inf


def _reads(chip: CrossbarChip) -> int:
    """Reads of a tile for one product."""
    return max(chip.dac_bits, 1) if chip.dac == "bit-serial" else 1


def _bytes(bits: int) -> int:
    return -(-bits // 8) if bits else UNROUNDED


def _cell(chip: CrossbarChip) -> float:
    """Mean conductance of a cell for weights spread evenly, S."""
    return chip.device.g_min + chip.device.window / (4 if chip.pairs == "differential" else 2)
