"""SANA-FE's architecture and network files, read by our own reader: a chip and what is mapped on it.

    from workbench.interchange import sanafe
    architecture = sanafe.read_architecture("loihi.yaml")
    network, mapped = sanafe.read_network("gesture.yaml", architecture)

The files are YAML of SANA-FE 2.2 (Boyle et al. 2025, IEEE TCAD, doi 10.1109/TCAD.2025.3537971). What our chip or our neuron cannot
hold is refused by name, with the file, line, column and the path in the document.
"""

from workbench.interchange.sanafe.architecture import Architecture, Unit, read_architecture
from workbench.interchange.sanafe.network import read_network

__all__ = ["Architecture", "Unit", "read_architecture", "read_network"]
