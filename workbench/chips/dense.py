"""Dense engines as cited data: machines that multiply whole matrices by a clock, whether or not there is anything to multiply.

They are the opponents of event chips. What they need for one layer follows from a few numbers (a roofline, in energy too):

    joules  = MACs · e_mac + weight bytes / batch · (e_dram when fetched) + bytes · e_sram
    seconds = overhead + max(2 · MACs · batch / (peak · utilisation), fetched bytes / bandwidth)

One step of a layer is one product of its whole weight matrix with one vector; a batch shares the weights between several vectors.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, final

from workbench.errors import DescriptionError, PlacementError, UnsupportedError, unknown
from workbench.fields import described, quantity
from workbench.recordings.prices import Citation
from workbench.tables import LazyTable
from workbench.units import W, pJ, us
from workbench.words import tr

__all__ = ["A100", "ASIC_45NM", "DENSE", "H100", "NORTHPOLE", "NPU_CLASS", "TPU_CLASS", "DenseCost", "DenseEngine"]

Precision = Literal["int8", "fp16"]
Weights = Literal["fetched", "on chip"]
BYTES = {"int8": 1, "fp16": 2}


@final
@dataclass(frozen=True, kw_only=True)
class DenseCost:
    """What one step of one vector costs on a dense engine, its share of the batch."""

    joules: float
    """By operations: what is multiplied and moved, at the engine's energy for each. Kind to the engine: nothing for waiting."""
    seconds: float
    """Until the answer of the batch is there; every vector of the batch waits for it."""
    at_power: float
    """J, by the clock: rated power for the whole time, over the batch. What the plug sees if the engine draws it while waiting."""
    macs: int
    fetched: float
    """Bytes of weights fetched from outside the chip, for the whole batch."""
    bound: Literal["compute", "memory", "overhead"]
    """What takes the largest part of the time."""


@final
@described
class DenseEngine:
    """A machine for dense products of matrices, by its published peak, power and memory."""

    name: str = ""
    peak_int8: float = quantity(0.0, "", low=0.0, high=1e18, doc="operations a second in INT8; a MAC is two")
    peak_fp16: float = quantity(0.0, "", low=0.0, high=1e18, doc="operations a second in FP16; a MAC is two")
    power: float = quantity(1.0 * W, "W", low=0.0, high=1e5, doc="rated power")
    bandwidth: float = quantity(0.0, "", low=0.0, high=1e15, doc="bytes a second from outside memory; 0: there is none")
    on_chip: float = quantity(0.0, "", low=0.0, high=1e12, doc="bytes of weights it can keep on the chip")
    mac_int8: float = quantity(1 * pJ, "pJ", low=0.0, high=1e6 * pJ, doc="energy of an INT8 multiply and add")
    mac_fp16: float = quantity(1 * pJ, "pJ", low=0.0, high=1e6 * pJ, doc="energy of an FP16 multiply and add")
    dram_byte: float = quantity(0.0, "pJ", low=0.0, high=1e6 * pJ, doc="energy of a byte from outside memory")
    sram_byte: float = quantity(0.0, "pJ", low=0.0, high=1e6 * pJ, doc="energy of a byte from memory on the chip")
    utilisation: float = quantity(1.0, "", low=0.001, high=1.0, doc="share of the peak that a layer reaches")
    overhead: float = quantity(0.0, "µs", low=0.0, high=1.0, doc="time to start one layer, whatever its size")
    sources: Mapping[str, Citation] = field(default_factory=dict, hash=False)
    """Where each number comes from, by field name."""

    def check(self) -> None:
        """Every number needs a source, and it must be able to compute something."""
        for name in self.sources:
            if name not in self.__dataclass_fields__:  # type: ignore[attr-defined]
                raise unknown(f"knob of {type(self).__name__}", name, self.__dataclass_fields__)  # type: ignore[attr-defined]
        if not self.peak_int8 and not self.peak_fp16:
            raise DescriptionError(
                tr("DenseEngine '{name}' computes nothing: give peak_int8 or peak_fp16.", name=self.name)
            )

    def layer(
        self,
        inputs: int,
        outputs: int,
        *,
        batch: int = 1,
        weights: Weights = "fetched",
        precision: Precision = "int8",
    ) -> DenseCost:
        """The cost of one step of a dense layer with `inputs` × `outputs` weights, for one vector of `batch`.

        Raises UnsupportedError for a precision it has not, PlacementError when the weights must lie on the chip and do not fit.
        """
        if min(inputs, outputs, batch) < 1:
            raise DescriptionError(
                tr(
                    "A dense layer of {inputs} × {outputs} in batches of {batch}: each must be 1 or more.",
                    inputs=inputs,
                    outputs=outputs,
                    batch=batch,
                )
            )
        peak, mac = self._arithmetic(precision)
        width = BYTES[precision]
        macs, size = inputs * outputs, float(inputs * outputs * width)
        fetched = size if self._fetches(size, weights) else 0.0
        compute = 2 * macs * batch / (peak * self.utilisation)
        memory = fetched / self.bandwidth if fetched else 0.0
        seconds = self.overhead + max(compute, memory)
        read = (size / batch + (inputs + outputs) * width) * self.sram_byte
        bound: Literal["compute", "memory", "overhead"] = "compute" if compute >= memory else "memory"
        return DenseCost(
            joules=macs * mac + fetched / batch * self.dram_byte + read,
            seconds=seconds,
            at_power=self.power * seconds / batch,
            macs=macs,
            fetched=fetched,
            bound="overhead" if self.overhead > max(compute, memory) else bound,
        )

    def _arithmetic(self, precision: Precision) -> tuple[float, float]:
        """Peak operations a second and energy of a MAC."""
        if precision not in BYTES:
            raise unknown("precision", precision, BYTES)
        peak, mac = (self.peak_int8, self.mac_int8) if precision == "int8" else (self.peak_fp16, self.mac_fp16)
        if not peak:
            other = "fp16" if precision == "int8" else "int8"
            raise UnsupportedError(
                tr(
                    "{name} does not compute in {precision}; it has: {other}.",
                    name=self.name,
                    precision=precision,
                    other=other,
                )
            )
        return peak, mac

    def _fetches(self, size: float, weights: Weights) -> bool:
        """Whether the weights come from outside: asked for, or because they do not fit."""
        if weights not in ("fetched", "on chip"):
            raise unknown("place of the weights", weights, ("fetched", "on chip"))
        if self.bandwidth:
            return weights == "fetched" or size > self.on_chip
        if size > self.on_chip:
            raise PlacementError(
                tr(
                    "{name} has no memory outside: the layer needs {size:.3g} MB of weights, the chip holds {limit:.3g} MB. "
                    "Use a smaller layer, or an engine with memory outside.",
                    name=self.name,
                    size=size / 1e6,
                    limit=self.on_chip / 1e6,
                )
            )
        return False


def _of(kind: Literal["published", "computed", "assumed"], where: str, *names: str) -> dict[str, Citation]:
    return dict.fromkeys(names, Citation(kind, where))


_HBM = "stacked memory at 5 pJ a bit, the order usually quoted for HBM2e and HBM3"
_IN_MAC = "part of the energy per MAC, which is all power at peak"
_LAUNCH = "a few microseconds to launch one kernel, as usually seen"
_FULL = "a layer this regular reaches the peak: kind to the engine"

A100 = DenseEngine(
    name="a100",
    peak_int8=624e12,
    peak_fp16=312e12,
    power=400 * W,
    bandwidth=2.039e12,
    on_chip=40e6,
    mac_int8=2 * 400 / 624e12,
    mac_fp16=2 * 400 / 312e12,
    dram_byte=40 * pJ,
    overhead=3 * us,
    sources={
        **_of("published", "NVIDIA A100 data sheet: dense, without sparsity", "peak_int8", "peak_fp16", "power"),
        **_of(
            "assumed", "2,039 GB/s of the 80 GB module and 40 MB of cache, as usually quoted", "bandwidth", "on_chip"
        ),
        **_of(
            "computed",
            "2 × 400 W over the peak (both published): everything included, at full use",
            "mac_int8",
            "mac_fp16",
        ),
        **_of("assumed", _HBM, "dram_byte"),
        **_of("assumed", _IN_MAC, "sram_byte"),
        **_of("assumed", _FULL, "utilisation"),
        **_of("assumed", _LAUNCH, "overhead"),
    },
)
H100 = DenseEngine(
    name="h100",
    peak_int8=1979e12,
    peak_fp16=989e12,
    power=700 * W,
    bandwidth=3.35e12,
    on_chip=50e6,
    mac_int8=2 * 700 / 1979e12,
    mac_fp16=2 * 700 / 989e12,
    dram_byte=40 * pJ,
    overhead=3 * us,
    sources={
        **_of(
            "published",
            "NVIDIA H100 SXM data sheet: dense (3,958 TOPS is with sparsity)",
            "peak_int8",
            "peak_fp16",
            "power",
            "on_chip",
        ),
        **_of("assumed", "3.35 TB/s, as usually quoted", "bandwidth"),
        **_of(
            "computed",
            "2 × 700 W over the peak (both published): everything included, at full use",
            "mac_int8",
            "mac_fp16",
        ),
        **_of("assumed", _HBM, "dram_byte"),
        **_of("assumed", _IN_MAC, "sram_byte"),
        **_of("assumed", _FULL, "utilisation"),
        **_of("assumed", _LAUNCH, "overhead"),
    },
)
_TPU = "a class: about what is usually quoted for TPU v4 (275 TOPS, 192 W, 1.2 TB/s, 128 MB); not checked"
TPU_CLASS = DenseEngine(
    name="tpu-class",
    peak_int8=275e12,
    peak_fp16=275e12,
    power=192 * W,
    bandwidth=1.2e12,
    on_chip=128e6,
    mac_int8=2 * 192 / 275e12,
    mac_fp16=2 * 192 / 275e12,
    dram_byte=40 * pJ,
    overhead=3 * us,
    sources={
        **_of("assumed", _TPU, "peak_int8", "peak_fp16", "power", "bandwidth", "on_chip"),
        **_of("computed", "2 × 192 W over the peak, both assumed", "mac_int8", "mac_fp16"),
        **_of("assumed", _HBM, "dram_byte"),
        **_of("assumed", _IN_MAC, "sram_byte"),
        **_of("assumed", _FULL, "utilisation"),
        **_of("assumed", _LAUNCH, "overhead"),
    },
)
_NPU = "a class: an accelerator in a telephone or a camera, 4 TOPS at 2 W; not a product"
NPU_CLASS = DenseEngine(
    name="npu-class",
    peak_int8=4e12,
    peak_fp16=2e12,
    power=2 * W,
    bandwidth=25.6e9,
    on_chip=8e6,
    mac_int8=2 * 2 / 4e12,
    mac_fp16=2 * 2 / 2e12,
    dram_byte=120 * pJ,
    overhead=10 * us,
    sources={
        **_of("assumed", _NPU, "peak_int8", "peak_fp16", "power", "bandwidth", "on_chip", "overhead"),
        **_of("computed", "2 × 2 W over the peak, both assumed", "mac_int8", "mac_fp16"),
        **_of("assumed", "low-power memory at 15 pJ a bit, the order usually quoted", "dram_byte"),
        **_of("assumed", _IN_MAC, "sram_byte"),
        **_of("assumed", _FULL, "utilisation"),
    },
)
_MODHA = "Modha et al. 2023, Science 382:329"
NORTHPOLE = DenseEngine(
    name="northpole",
    peak_int8=256 * 2048 * 400e6,
    power=74 * W,
    bandwidth=0.0,
    on_chip=192e6,
    mac_int8=2 * 74 / (256 * 2048 * 400e6),
    sources={
        **_of("computed", f"256 cores × 2,048 operations × 400 MHz (published: {_MODHA})", "peak_int8"),
        **_of("assumed", "FP16 is not done in its matrix units: left out", "peak_fp16", "mac_fp16"),
        **_of("published", f"74 W on ResNet-50 in INT8: {_MODHA}, as collected by Open Neuromorphic", "power"),
        **_of("published", f"no memory outside the chip: {_MODHA}", "bandwidth", "dram_byte"),
        **_of("assumed", "192 of the published 224 MB hold weights", "on_chip"),
        **_of("computed", "2 × 74 W over the peak: power at work over peak speed, so a lower bound", "mac_int8"),
        **_of("assumed", _IN_MAC, "sram_byte"),
        **_of("assumed", _FULL, "utilisation"),
        **_of("assumed", "started by its own clock", "overhead"),
    },
)
ASIC_45NM = DenseEngine(
    name="asic-45nm",
    peak_int8=1e12,
    peak_fp16=0.5e12,
    power=1 * W,
    bandwidth=12.8e9,
    on_chip=8e6,
    mac_int8=(0.2 + 0.1) * pJ,
    mac_fp16=(1.1 + 0.4) * pJ,
    dram_byte=250 * pJ,
    sram_byte=12.5 * pJ,
    sources={
        **_of(
            "assumed",
            "a plain array of multipliers with 8 MB of memory; its size is ours",
            "peak_int8",
            "peak_fp16",
            "power",
        ),
        **_of("assumed", "one channel of memory; 8 MB on the chip: ours", "bandwidth", "on_chip"),
        **_of("computed", "a multiply and an add at 45 nm (published: Horowitz, ISSCC 2014)", "mac_int8", "mac_fp16"),
        **_of("assumed", "2,000 pJ for 64 bits, within Horowitz's 1,300 to 2,600, as usually quoted", "dram_byte"),
        **_of("assumed", "100 pJ for 64 bits from 1 MB, as usually quoted from Horowitz, ISSCC 2014", "sram_byte"),
        **_of("assumed", _FULL, "utilisation"),
        **_of("assumed", "started by its own clock", "overhead"),
    },
)

DENSE = LazyTable(
    "dense engine",
    {
        "a100": "workbench.chips.dense:A100",
        "h100": "workbench.chips.dense:H100",
        "tpu-class": "workbench.chips.dense:TPU_CLASS",
        "npu-class": "workbench.chips.dense:NPU_CLASS",
        "northpole": "workbench.chips.dense:NORTHPOLE",
        "asic-45nm": "workbench.chips.dense:ASIC_45NM",
    },
)
"""Names to dense engines; those that end in -class are classes, not products."""
