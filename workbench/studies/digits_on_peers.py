"""What other simulators make of the digits on noisy crossbars: measured numbers to stand beside ours, each with how it was measured.

Two kinds of rows. Those for "its own" network were measured on another 64-64-10 network without noise-aware training (97.2 % in float,
its weights are not shipped here); only what is lost to noise can be compared. Those for our shipped weights are of the same network.
In all of them a device of a pair has programming and read errors of sigma each, as a share of the largest conductance.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

__all__ = ["OTHER_FLOAT", "PEERS", "Peer", "rows"]

OTHER_FLOAT = 97.2
"""Right answers of the other network in float, %."""


@final
@dataclass(frozen=True)
class Peer:
    """One row: right answers of 899 test images, mean and standard deviation over chips, %."""

    simulator: str
    network: str
    """"other", or a set of shipped weights."""
    sigma: float
    bits: int
    percent: float
    sd: float
    chips: int

    @property
    def lost(self) -> float:
        """Points lost against the float accuracy of the same network; nan where that is not in this table."""
        return OTHER_FLOAT - self.percent if self.network == "other" else float("nan")


_AIHWKIT, _CROSSSIM = "aihwkit 1.1.0", "CrossSim 3.2.0"

PEERS = (
    # The other network: aihwkit's C++ tile (signed normal error of the weight), CrossSim (conductances not clipped at zero).
    Peer(_AIHWKIT, "other", 0.0, 8, 97.2, 0.0, 1),
    Peer(_AIHWKIT, "other", 0.02, 8, 96.4, 0.3, 10),
    Peer(_AIHWKIT, "other", 0.05, 8, 92.4, 0.7, 10),
    Peer(_AIHWKIT, "other", 0.1, 8, 69.7, 3.3, 10),
    Peer(_AIHWKIT, "other", 0.05, 6, 92.5, 0.7, 10),
    Peer(_AIHWKIT, "other", 0.05, 4, 91.5, 0.9, 10),
    Peer(_CROSSSIM, "other", 0.0, 8, 97.3, 0.0, 1),
    Peer(_CROSSSIM, "other", 0.02, 8, 96.4, 0.3, 3),
    Peer(_CROSSSIM, "other", 0.05, 8, 93.5, 0.6, 3),
    Peer(_CROSSSIM, "other", 0.1, 8, 75.5, 2.1, 3),
    Peer(_CROSSSIM, "other", 0.05, 6, 93.4, 0.7, 3),
    Peer(_CROSSSIM, "other", 0.05, 4, 90.1, 1.5, 3),
    # Our shipped weights on aihwkit's C++ tile with torch 2.10.0: tests/peers/peer_digits_aihwkit.py.
    Peer(_AIHWKIT, "plain", 0.0, 8, 97.44, 0.0, 1),
    Peer(_AIHWKIT, "plain", 0.02, 8, 97.02, 0.29, 30),
    Peer(_AIHWKIT, "plain", 0.05, 8, 94.36, 0.83, 30),
    Peer(_AIHWKIT, "plain", 0.1, 8, 78.64, 3.22, 30),
    Peer(_AIHWKIT, "plain", 0.05, 6, 94.42, 0.73, 30),
    Peer(_AIHWKIT, "plain", 0.05, 4, 92.78, 1.05, 30),
    Peer(_AIHWKIT, "noise-aware", 0.0, 8, 97.33, 0.0, 1),
    Peer(_AIHWKIT, "noise-aware", 0.02, 8, 97.53, 0.16, 30),
    Peer(_AIHWKIT, "noise-aware", 0.05, 8, 97.07, 0.41, 30),
    Peer(_AIHWKIT, "noise-aware", 0.1, 8, 95.16, 0.89, 30),
    Peer(_AIHWKIT, "noise-aware", 0.05, 6, 97.09, 0.26, 30),
    Peer(_AIHWKIT, "noise-aware", 0.05, 4, 95.60, 0.49, 30),
)


def rows(simulator: str, network: str, *, bits: int = 8) -> tuple[Peer, ...]:
    """The rows of one simulator and network at so many bits, by rising sigma; `simulator` may be the beginning of its name."""
    found = (p for p in PEERS if p.simulator.startswith(simulator) and p.network == network and p.bits == bits)
    return tuple(sorted(found, key=lambda p: p.sigma))
