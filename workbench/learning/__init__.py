"""Learning: in the computer (`training`), on the cells of a chip (`on_chip`), and memories that are written at once (`hopfield`).

`digits()` gives the handwritten digits, split in two. Importing this room loads nothing heavy.
"""

from workbench.circuits.library.digits import handwritten as digits

__all__ = ["digits"]
