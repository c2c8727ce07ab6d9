"""The digital backend: networks on cores with their weights in memory beside the arithmetic."""

from workbench.backends.digital.program import DigitalProgram, DigitalRun, compile

__all__ = ["DigitalProgram", "DigitalRun", "compile"]
