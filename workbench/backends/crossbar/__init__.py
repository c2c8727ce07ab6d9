"""The crossbar backend: networks on tiles of conductances, with their physics; `Matrix` is one matrix on its arrays, for itself."""

from workbench.backends.crossbar.matrix import Matrix
from workbench.backends.crossbar.program import CrossbarProgram, CrossbarRun, compile

__all__ = ["CrossbarProgram", "CrossbarRun", "Matrix", "compile"]
