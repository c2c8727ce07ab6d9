"""Loihi 1 as SANA-FE describes it: prices calibrated on silicon, with the steps of a spike priced one by one.

Their file's header names the table of Davies et al. 2018, but most of its numbers differ from it (see `presets.LOIHI_DAVIES`); Boyle
et al. 2025 fitted them to a chip and report energies within 12 % and latencies within 25 % of it, for three applications.
"""

from __future__ import annotations

from workbench.chips.event import EventChip
from workbench.recordings.prices import Citation, Price
from workbench.units import ns, pJ, us

__all__ = ["LOIHI_SANAFE"]

_FITTED = Citation(
    "published", "SANA-FE 2.2.9, arch/loihi.yaml (Boyle et al. 2025, IEEE TCAD, doi 10.1109/TCAD.2025.3537971)"
)
_SUM = Citation("computed", "access 51.2 pJ, 6.0 ns and update 21.6 pJ, 3.7 ns of SANA-FE 2.2.9, arch/loihi.yaml")
_OUTSIDE = Citation("assumed", "SANA-FE has no spikes from outside the cores: priced like a sparse synapse")
_NONE = Citation("assumed", "SANA-FE has no such event: nothing")
_LIMIT = Citation("assumed", "SANA-FE sets no limit; as in Davies et al. 2018")

_PRICES = {
    "core step": Price(0.0, 0.0, _NONE),
    "active update": Price(51.2 * pJ + 21.6 * pJ, 6.0 * ns + 3.7 * ns, _SUM),
    "inactive update": Price(51.2 * pJ, 6.0 * ns, _FITTED),
    "synaptic operation": Price(33.6 * pJ, 4.7 * ns, _FITTED),
    "dense operation": Price(35.5 * pJ, 3.8 * ns, _FITTED),
    "shared operation": Price(24.0 * pJ, 3.1 * ns, _FITTED),
    "outside operation": Price(33.6 * pJ, 4.7 * ns, _OUTSIDE),
    "spike": Price(69.3 * pJ, 30.0 * ns, _FITTED),
    "packet": Price(111.0 * pJ, 5.1 * ns, _FITTED),
    "packet received": Price(0.0, 16.0 * ns, _FITTED),
    "tile-local packet": Price(0.0, 0.0, _NONE),
    "east-west hop": Price(3.0 * pJ, 4.1 * ns, _FITTED),
    "north-south hop": Price(4.2 * pJ, 6.5 * ns, _FITTED),
}

LOIHI_SANAFE = EventChip(
    name="loihi-sanafe",
    barriers=((1, 0.6 * us), (2, 1.0 * us), (4, 1.4 * us), (29, 1.8 * us)),
    counting="nonzero",
    prices=_PRICES,
    sources={
        **dict.fromkeys(
            ("tiles_x", "tiles_y", "cores_per_tile", "neurons_per_core", "barriers", "link_buffer"), _FITTED
        ),
        **dict.fromkeys(("synapses_per_core", "axons_in", "axons_out"), _LIMIT),
    },
)
