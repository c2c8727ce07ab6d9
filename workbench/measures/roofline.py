"""A roofline in energy: what a MAC costs when weights lie in a crossbar, beside the multiplier, or in memory outside.

A model has so many weights, and one sample uses each of them `reuse` times (a dense layer once, ResNet-50 about 160 times). A batch of
samples shares what is done once for all of them. Per MAC:

    dense engine    e_mac + (weight bytes · (e_sram + e_dram when fetched) / (reuse · batch)) / weights + activations
    crossbar        energy of a product / MACs + (fetching + writing) / (reuse · batch), when the model has more tiles than the chip

Weights that do not fit are used in order, over and over, so that none is still there when its turn comes again: all are fetched, or
written, for every batch. That is the cliff.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal, final

from workbench.chips.crossbar import CrossbarChip
from workbench.chips.dense import NORTHPOLE, DenseEngine
from workbench.errors import DescriptionError, UnsupportedError, unknown
from workbench.measures.crossbar_energy import Activity, product
from workbench.recordings.prices import Citation
from workbench.units import W, pJ, us
from workbench.words import tr

__all__ = [
    "MODELS",
    "NORTHPOLE_PUBLISHED",
    "RESNET50",
    "V100",
    "MacCost",
    "Model",
    "at_bits",
    "dense_cost",
    "crossbar_cost",
    "northpole_ratios",
    "tiles_of",
    "with_outside",
]

Counting = Literal["two", "one"]
OUTSIDE_BYTE = 40 * pJ  # assumed: stacked memory at 5 pJ a bit, the order usually quoted


@final
@dataclass(frozen=True, kw_only=True)
class Model:
    """What has to be computed: weights, and how often one sample uses each."""

    weights: float
    reuse: float = 1.0
    side: int = 1024
    """Inputs and outputs of a layer: its activations are moved, and it is what lies on tiles."""

    @property
    def macs(self) -> float:
        """Multiplications with their additions of one sample."""
        return self.weights * self.reuse


_RESNET = Citation("assumed", "25.6 million weights, 4.1 billion MACs an image, 54 layers, as usually quoted")
RESNET50 = Model(weights=25.6e6, reuse=4.1e9 / 25.6e6)
MODELS: Mapping[str, tuple[Model, Citation]] = {
    "digits": (Model(weights=64 * 64 + 64 * 10, side=64), Citation("computed", "64 × 64 + 64 × 10 weights")),
    "resnet-50": (RESNET50, _RESNET),
    "a language model of 3 billion": (
        Model(weights=3e9, side=4096),
        Citation("assumed", "a round number; one token uses each weight once"),
    ),
}


@final
@dataclass(frozen=True, kw_only=True)
class MacCost:
    """What one MAC costs, J, by part; and whether the weights had to be brought in."""

    parts: Mapping[str, float]
    brought: bool
    """Whether the weights are fetched, or written, for every batch."""
    seconds: float
    """Time of one batch, s."""

    @property
    def joules(self) -> float:
        """Energy of a MAC, J."""
        return sum(self.parts.values())


def at_bits(engine: DenseEngine, bits: int) -> DenseEngine:
    """The engine at 8, 4 or 2 bits, where halving the bits doubles the operations of a cycle (NorthPole): half the energy a MAC.

    Sizes stay in bytes of 8-bit weights, so what fits is scaled instead: twice as many weights of 4 bits.
    """
    if bits not in (8, 4, 2):
        raise unknown("number of bits", str(bits), ["8", "4", "2"])
    more = 8 / bits
    found = f"2,048, 4,096 and 8,192 operations a cycle at 8, 4 and 2 bits (published for NorthPole): × {more:g} at {bits} bits"
    return replace(
        engine,
        name=engine.name if bits == 8 else f"{engine.name} at {bits} bits",
        peak_int8=engine.peak_int8 * more,
        mac_int8=engine.mac_int8 / more,
        on_chip=engine.on_chip * more,
        dram_byte=engine.dram_byte / more,
        sram_byte=engine.sram_byte / more,
        bandwidth=engine.bandwidth * more,
        sources=engine.sources if bits == 8 else {**engine.sources, "mac_int8": Citation("computed", found)},
    )


def with_outside(engine: DenseEngine, byte: float = OUTSIDE_BYTE, bandwidth: float = 64e9) -> DenseEngine:
    """An engine without memory outside, given some: what happens to NorthPole beyond its 192 MB if a host had to send the weights."""
    if engine.bandwidth:
        return engine
    ours = Citation("assumed", "ours: a host's memory at 5 pJ a bit over a link of 64 GB/s; the chip itself has none")
    return replace(
        engine,
        dram_byte=byte,
        bandwidth=bandwidth,
        sources={**engine.sources, "dram_byte": ours, "bandwidth": ours},
    )


def dense_cost(engine: DenseEngine, model: Model, *, batch: int = 1, fetched: bool = False) -> MacCost:
    """A MAC on a dense engine, by part: multiplying, memory on the chip, memory outside. `fetched`: never kept on the chip.

    A weight used `reuse` times by each of `batch` samples is a batch of reuse · batch to the engine. Raises PlacementError for an
    engine without memory outside whose own is too small.
    """
    side = max(1, round(math.sqrt(model.weights)))
    shared = max(1, round(model.reuse * batch))
    cost = engine.layer(side, side, batch=shared, weights="fetched" if fetched else "on chip")
    macs = float(cost.macs)
    outside = cost.fetched / shared * engine.dram_byte / macs
    return MacCost(
        parts={
            "multiplying": engine.mac_int8,
            "memory on the chip": cost.joules / macs - engine.mac_int8 - outside,
            "memory outside": outside,
        },
        brought=cost.fetched > 0,
        seconds=cost.seconds,
    )


def crossbar_cost(
    chip: CrossbarChip,
    model: Model,
    *,
    batch: int = 1,
    given: Activity | None = None,
    conductance: float | None = None,
    byte: float = OUTSIDE_BYTE,
) -> MacCost:
    """A MAC on a crossbar, by part; a model with more tiles than the chip is written anew, tile by tile, for every batch.

    A weight that is written comes from memory outside first, one byte at `byte` joules.

    The model is as many layers of side × side as hold its weights; the last one may be a part of a layer.
    """
    if min(model.weights, model.reuse, batch) <= 0:
        raise DescriptionError(tr("A model needs weights, each used at least once, by a batch of at least one."))
    side = min(model.side, max(1, math.isqrt(math.ceil(model.weights))))
    layers = model.weights / side**2
    one = product(chip, side, side, given=given, conductance=conductance, anyway=True)
    written = math.ceil(layers * one.tiles) > chip.tiles
    cells = (2 if chip.pairs == "differential" else 1) * chip.slices
    pulse = chip.prices["write pulse"]
    parts = {name: joules / one.macs for name, joules in one.by_part.items()}
    parts["memory outside"] = byte / (model.reuse * batch) if written else 0.0
    parts["writing"] = cells * (1 + chip.verify) * pulse.joules / (model.reuse * batch) if written else 0.0
    # One row of a tile is written at a time; all tiles side by side.
    rounds = math.ceil(layers * one.tiles / chip.tiles)
    writing = rounds * min(side, chip.rows) * (1 + chip.verify) * pulse.seconds if written else 0.0
    return MacCost(parts=parts, brought=written, seconds=writing + rounds * one.period * model.reuse * batch)


def tiles_of(chip: CrossbarChip, model: Model) -> int:
    """Tiles a whole model takes."""
    side = min(model.side, max(1, math.isqrt(math.ceil(model.weights))))
    return math.ceil(model.weights / side**2 * _tiles(chip, side))


def _tiles(chip: CrossbarChip, side: int) -> int:
    return -(-side // chip.rows) * -(-side // chip.outputs) * chip.slices


# --- NorthPole against a graphics processor of the same process --------------------------------------------------------

_V100 = "as usually quoted for the V100 (12 nm, 21.1 billion transistors); not checked"
V100 = DenseEngine(
    name="v100",
    peak_fp16=125e12,
    peak_int8=62e12,
    power=300 * W,
    bandwidth=900e9,
    on_chip=6e6,
    mac_fp16=2 * 300 / 125e12,
    mac_int8=2 * 300 / 62e12,
    dram_byte=40 * pJ,
    overhead=3 * us,
    sources={
        **dict.fromkeys(
            ("peak_fp16", "peak_int8", "power", "bandwidth", "on_chip"), Citation("assumed", f"recalled: {_V100}")
        ),
        **dict.fromkeys(("mac_fp16", "mac_int8"), Citation("computed", "2 × 300 W over the peak, both recalled")),
        "dram_byte": Citation("assumed", "stacked memory at 5 pJ a bit, the order usually quoted for HBM2"),
        "sram_byte": Citation("assumed", "part of the energy per MAC"),
        "utilisation": Citation("assumed", "a layer this regular reaches the peak: kind to the engine"),
        "overhead": Citation("assumed", "a few microseconds to launch one kernel, as usually seen"),
    },
)
NORTHPOLE_PUBLISHED: Mapping[str, float] = {"energy": 25.0, "transistors": 5.0, "latency": 22.0}
"""Times better than a graphics processor in 12 nm on ResNet-50: frames a joule, frames a second and transistor, latency (abstract)."""
TRANSISTORS: Mapping[str, tuple[float, Citation]] = {
    "northpole": (22e9, Citation("published", "Modha et al. 2023: 22 billion")),
    "v100": (21.1e9, Citation("assumed", f"recalled: {_V100}")),
}
_LAYERS = 54
MEASURED_FPS = (42_460.0, Citation("assumed", "recalled: frames a second of NorthPole on ResNet-50"))


def northpole_ratios(
    counting: Counting = "two", *, utilisation: float = 1.0, gpu_utilisation: float = 1.0, model: Model = RESNET50
) -> dict[str, float]:
    """What peaks and watts alone give for NorthPole over the V100 on ResNet-50, beside `NORTHPOLE_PUBLISHED`.

    `counting` says what one of the 2,048 operations of a core and cycle is: "two" takes two for a MAC, "one" takes a whole MAC.
    Keys: energy, transistors, latency (ratios), frames_per_second and frames_per_joule of NorthPole, gpu_frames_per_joule.
    Latency: one image through all layers, each started by itself on the graphics processor.
    """
    if counting not in ("two", "one"):
        raise unknown("counting of a MAC", counting, ("two", "one"))
    if not (0 < utilisation <= 1 and 0 < gpu_utilisation <= 1):
        raise UnsupportedError(tr("Utilisation is a share of the peak: above 0, at most 1."))
    operations = 2 if counting == "two" else 1
    rate = NORTHPOLE.peak_int8 / operations * utilisation / model.macs
    gpu_rate = V100.peak_fp16 / 2 * gpu_utilisation / model.macs
    joule, gpu_joule = rate / NORTHPOLE.power, gpu_rate / V100.power
    fetch = model.weights * 2 / V100.bandwidth
    gpu_latency = _LAYERS * V100.overhead + max(1 / gpu_rate, fetch)
    return {
        "energy": joule / gpu_joule,
        "transistors": (rate / TRANSISTORS["northpole"][0]) / (gpu_rate / TRANSISTORS["v100"][0]),
        "latency": gpu_latency * rate,
        "frames_per_second": rate,
        "frames_per_joule": joule,
        "gpu_frames_per_joule": gpu_joule,
    }
