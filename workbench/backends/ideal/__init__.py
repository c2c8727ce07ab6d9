"""The ideal backend: Brian2 integrates the equations in double precision. Importing this room loads Brian2 only when a run starts."""

from workbench.backends.ideal.program import IdealProgram, IdealRun, compile

__all__ = ["IdealProgram", "IdealRun", "compile"]
