"""A circuit: the description of a whole network by a few knobs."""

from __future__ import annotations

from typing import ClassVar, Self

from workbench.circuits.network import Network
from workbench.fields import described

__all__ = ["Circuit"]


@described
class Circuit:
    """Abstract: a network described by a few knobs. Subclass it, declare knobs, and say the network in `network`."""

    name: ClassVar[str] = ""
    """The name it goes by in the table and at the border."""
    title: ClassVar[str] = ""
    """What a reader sees."""

    def network(self) -> Network:
        """The network these knobs describe."""
        raise NotImplementedError

    def quick(self) -> Self:
        """The same circuit at a size that runs in about a second everywhere; itself when it is small already."""
        return self

    def comparable(self) -> Self:
        """The same circuit at the largest size that the reference can be asked to confirm spike for spike; itself if that is its own.

        The conformance tests run it for a second on Brian2 and on a chip; a circuit of hundreds of millions of synapses says a part.
        """
        return self
