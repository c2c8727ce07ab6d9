"""Event-driven many-core chips: leaky integrate-and-fire neurons on a mesh of cores, every event counted."""

from workbench.backends.event.program import EventProgram, EventRun, compile

__all__ = ["EventProgram", "EventRun", "compile"]
