"""The wafer backend: networks too large to store, on dies side by side."""

from workbench.backends.wafer.program import WaferProgram, WaferRun, compile

__all__ = ["WaferProgram", "WaferRun", "compile"]
