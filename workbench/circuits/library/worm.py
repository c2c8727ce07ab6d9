"""The nervous system of the worm Caenorhabditis elegans, wired from electron micrographs, firing by assumption."""

from __future__ import annotations

