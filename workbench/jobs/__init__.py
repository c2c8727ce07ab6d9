"""Run a study, or any function, in a worker process: progress, cancel within a second, results kept by what was asked.

job = submit(NetworkStates.from_border({"g": 4.5, "chip": "ideal"}))
job.progress        # (0.4, "0.40 of 1.00 s")
job.result()        # the Result; the study's own exception if it raised; Cancelled after job.cancel()
"""

from __future__ import annotations

import pickle
import threading
from collections import OrderedDict
from collections.abc import Callable, Generator, Mapping
from dataclasses import fields, is_dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from workbench.jobs.pool import Job, Pool, used

if TYPE_CHECKING:
    from workbench.studies.study import Result, Study

__all__ = ["Job", "Pool", "forget", "submit", "used", "warm"]

KEPT_BYTES = 256 * 2**20
"""Results kept for the next time the same thing is asked, pickled size in all."""

_studies: Pool | None = None
_results: OrderedDict[str, bytes] = OrderedDict()
_results_lock = threading.Lock()


def submit(study: Study, *, cache: bool = True) -> Job[Result]:
    """Run a study in the worker; the same question asked again is answered from memory unless `cache=False`.

    A study that uses a class of the notebook itself is run each time: the cell may have been changed since.
    """
    key = study.digest if cache and "__main__" not in _modules(study) else None
    if key is not None:
        with _results_lock:
            known = _results.get(key)
            if known is not None:
                _results.move_to_end(key)
        if known is not None:
            job: Job[Any] = Job(_pool(), b"")
            job._finish(pickle.loads(known))  # noqa: S301  kept by ourselves
            return job
    made: Job[Any] = _pool().submit(_run_study, study, keep=partial(_keep, key) if key is not None else None)
    return made


def warm() -> None:
    """Let the studies' worker start and import the slow libraries now, while a person still reads."""
    _pool().warm("workbench.backends.event", "workbench.backends.ideal.ready")


def forget() -> None:
    """Drop all kept results."""
    with _results_lock:
        _results.clear()


def _pool() -> Pool:
    global _studies
    if _studies is None:
        _studies = Pool(1, environment={"WORKBENCH_NICE": "10"})  # what answers a moving slider goes first
    return _studies


def _keep(key: str, content: bytes) -> None:
    if len(content) > KEPT_BYTES // 4:
        return
    with _results_lock:
        _results[key] = content
        while sum(map(len, _results.values())) > KEPT_BYTES:
            _results.popitem(last=False)


def _modules(value: Any) -> set[str]:
    """The modules in which a description and the descriptions inside it are defined."""
    if isinstance(value, (list, tuple, set, frozenset)):
        return {name for item in value for name in _modules(item)}
    if isinstance(value, Mapping):
        return {name for item in value.values() for name in _modules(item)}
    if is_dataclass(value) and not isinstance(value, type):
        return {type(value).__module__}.union(*(_modules(getattr(value, f.name)) for f in fields(value)))
    return {type(value).__module__}


def _run_study(study: Study, progress: Callable[[float, str], None]) -> Generator[Result, None, Result | None]:
    answer = None
    for answer in study.stages(progress):
        if answer.part < 1:
            yield answer
    return answer
