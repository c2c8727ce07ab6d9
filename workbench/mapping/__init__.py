"""From a netlist and a chip to a placement: partition the neurons over cores, place the cores on the mesh, route the packets.

`map` does all three as the chip says; every step can be called alone and its result handed to the next.
"""

from workbench.mapping.mapped import Mapped, map

__all__ = ["Mapped", "map"]
