"""A job in a worker process: result, progress, errors as they were, cancel within a second, answers kept."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import pytest

from workbench import jobs
from workbench.errors import Cancelled, DescriptionError, WorkbenchError
from workbench.studies import load_study

TOY = Path(__file__).parent / "batch" / "toy_study.py"


@pytest.fixture
def toy() -> Any:
    return load_study(f"{TOY}:Toy")


def double(x: float, progress: Any) -> float:
    progress(0.5, "half way")
    return 2 * x


def refuse(progress: Any) -> None:
    raise DescriptionError("no such thing")


class Awkward(Exception):
    def __init__(self, a: int, b: int) -> None:
        super().__init__(f"{a} and {b}")


def awkward(progress: Any) -> None:
    raise Awkward(1, 2)


def deaf(progress: Any) -> None:
    time.sleep(60)


def die(progress: Any) -> None:
    os._exit(9)


def chatty(progress: Any) -> str:
    print("this must not be taken for an answer")
    return "said"


def test_results_come_back_in_the_order_asked_for() -> None:
    with jobs.Pool(2) as pool:
        under_way = [pool.submit(double, k) for k in range(5)]
        assert [job.result(timeout=60) for job in under_way] == [0, 2, 4, 6, 8]
        assert under_way[0].progress == (1.0, "half way")
        assert pool.submit(chatty).result(timeout=60) == "said"


def test_an_error_comes_back_as_itself_and_says_where() -> None:
    with jobs.Pool(1) as pool:
        with pytest.raises(DescriptionError, match="no such thing") as raised:
            pool.submit(refuse).result(timeout=60)
        assert "refuse" in str(raised.value.__cause__)
        with pytest.raises(WorkbenchError, match="Awkward: 1 and 2"):
            pool.submit(awkward).result(timeout=60)


def test_cancel_takes_less_than_a_second_even_when_nobody_listens(toy: Any) -> None:
    with jobs.Pool(1) as pool:
        pool.submit(double, 1).result(timeout=60)
        for work in (deaf, lambda progress: toy(wait=60.0).run(progress)):
            job, waiting = pool.submit(work), pool.submit(double, 1)
            time.sleep(0.3)
            started = time.perf_counter()
            job.cancel()
            with pytest.raises(Cancelled):
                job.result(timeout=5)
            assert time.perf_counter() - started < 1
            assert job.cancelled()
            assert waiting.result(timeout=60) == 2, "the next job must not suffer"


def test_a_queued_job_is_cancelled_at_once() -> None:
    with jobs.Pool(1) as pool:
        first, second = pool.submit(deaf), pool.submit(double, 1)
        second.cancel()
        assert second.cancelled()
        first.cancel()


def test_a_worker_that_dies_is_an_error_and_is_replaced() -> None:
    with jobs.Pool(1) as pool:
        with pytest.raises(WorkbenchError, match="exit status 9"):
            pool.submit(die).result(timeout=60)
        assert pool.submit(double, 4).result(timeout=60) == 8


def test_the_same_question_is_answered_from_memory(toy: Any) -> None:
    jobs.forget()
    slow = toy(wait=0.3)
    first = jobs.submit(slow).result(timeout=60)
    started = time.perf_counter()
    again = jobs.submit(slow).result(timeout=60)
    assert time.perf_counter() - started < 0.2
    assert again.numbers == first.numbers
    assert type(again.study) is toy
    started = time.perf_counter()
    jobs.submit(slow, cache=False).result(timeout=60)
    assert time.perf_counter() - started >= 0.3


def test_then_is_called_once_whenever_it_is_asked(toy: Any) -> None:
    told: list[float] = []
    job = jobs.submit(toy(height=2.0))
    job.then(lambda j: told.append(j.result().numbers["area"]))
    job.result(timeout=60)
    job.then(lambda j: told.append(-1.0))
    assert -1.0 in told
    assert len(told) <= 2


def test_a_script_without_a_main_guard_may_define_its_study(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        textwrap.dedent(
            """
            from typing import final
            from workbench import jobs
            from workbench.fields import described, quantity
            from workbench.studies.study import Result, Study

            @final
            @described
            class Mine(Study):
                x: float = quantity(2.0, low=0.0, high=9.0, doc="x")

                def run(self, progress=None):
                    return Result(study=self, numbers={"square": self.x ** 2})

            result = jobs.submit(Mine(x=3.0)).result(timeout=60)
            print(result.numbers["square"], type(result.study) is Mine)
            """
        )
    )
    run = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=120, check=False)
    assert run.stdout.split() == ["9.0", "True"], run.stderr


def grow(progress: Any) -> Any:
    for k in range(3):
        yield k
        progress(k / 3, "")
        time.sleep(0.1)
    return "whole"


def test_a_generator_is_seen_on_the_way() -> None:
    with jobs.Pool(1) as pool:
        job: Any = pool.submit(grow)
        seen: list[Any] = []
        while not job.done():
            if job.stage is not None and job.stage not in seen:
                seen.append(job.stage)
            time.sleep(0.005)
        assert job.result() == "whole"
        assert seen == [0, 1, 2]
