"""How a network runs: one backend per kind of chip. `compile` picks it; importing this room loads no engine."""

from workbench.backends.base import BACKENDS, Limits, Probe, Program, Run, Window, compile

__all__ = ["BACKENDS", "Limits", "Probe", "Program", "Run", "Window", "compile"]
