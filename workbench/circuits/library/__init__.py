"""Circuits from the literature, one file each; `workbench.circuits.CIRCUITS` maps their names."""
