"""A study of one's own, as a user would write it in a file: no simulator, a few milliseconds."""

from __future__ import annotations

import os
import time
from typing import final

from workbench.fields import count, described, quantity
from workbench.studies.study import Progress, Result, Study
from workbench.units import ms


@final
@described
class Toy(Study):
    """A parabola with noise from its seed."""

    title = "A parabola"
    presets = {"high": {"height": 3.0}}

    height: float = quantity(1.0, low=-5.0, high=5.0, doc="height of the parabola")
    wait: float = quantity(0 * ms, "ms", low=0 * ms, high=60_000 * ms, doc="how long it takes")
    seed: int = count(0, doc="seed")

    def run(self, progress: Progress | None = None) -> Result:
        """Wait, then answer; fails where a test asks for it."""
        end = time.perf_counter() + self.wait
        while time.perf_counter() < end:
            if progress is not None:
                progress(1 - (end - time.perf_counter()) / self.wait, "waiting")
            time.sleep(0.01)
        if str(self.height) == os.environ.get("TOY_FAILS"):
            raise ValueError("the parabola broke")
        if str(self.height) == os.environ.get("TOY_DIES"):
            os._exit(7)
        return Result(study=self, numbers={"area": self.height**2 + 0.001 * self.seed})
