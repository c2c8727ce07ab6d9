"""Worker processes seen from here: a job, the pool that deals jobs to workers, and one worker.

A worker is a fresh Python that stays: what it once imported (Brian2 takes seconds) and compiled serves the next job. It
is started by its own command line and spoken to over its pipes, so nothing depends on how the calling program was
started: a notebook, a script without a main guard and a test are all the same, on every system.
"""

from __future__ import annotations

import atexit
import contextlib
import importlib
import itertools
import os
import pickle
import subprocess
import sys
import threading
import weakref
from collections import deque
from collections.abc import Callable
from typing import Any, BinaryIO, Generic, TypeVar, cast

from workbench.errors import Cancelled, WorkbenchError
from workbench.jobs.freight import packed, receive, send, unpacked_error
from workbench.words import language, tr

__all__ = ["Job", "Pool", "used"]

T = TypeVar("T")

PATIENCE = 0.6
"""Seconds a worker has, after `cancel`, to stop by itself before it is ended."""

_numbers = itertools.count()


class Job(Generic[T]):
    """One piece of work under way in a worker process."""

    def __init__(self, pool: Pool, message: bytes, keep: Callable[[bytes], None] | None = None) -> None:
        self._pool = pool
        self._message = message
        self._keep = keep
        self._number = next(_numbers)
        self._finished = threading.Event()
        self._lock = threading.Lock()
        self._value: T | None = None
        self._error: BaseException | None = None
        self._callbacks: list[Callable[[Job[T]], None]] = []
        self._worker: _Worker | None = None
        self._asked_to_stop = False
        self.progress: tuple[float, str] = (0.0, "")
        """The part done, 0 to 1, and a sentence."""
        self.stage: T | None = None
        """The newest of what the work gave on the way, if it is a generator."""

    def done(self) -> bool:
        """Whether a result, an error or a cancellation is there."""
        return self._finished.is_set()

    def cancelled(self) -> bool:
        """Whether it was stopped before it had a result."""
        return self.done() and isinstance(self._error, Cancelled)

    @property
    def error(self) -> BaseException | None:
        """What it ended with, if not with a result; None while it runs."""
        return self._error

    def result(self, timeout: float | None = None) -> T:
        """Wait for the result; raises what the work raised, Cancelled after `cancel`, or TimeoutError."""
        try:
            if not self._finished.wait(timeout):
                raise TimeoutError(tr("The job is not done after {seconds:g} s.", seconds=timeout))
        except KeyboardInterrupt:
            self.cancel()
            raise
        if self._error is not None:
            raise self._error
        return cast(T, self._value)

    def cancel(self) -> None:
        """Stop it: a queued job at once, a running one within a second; a finished one stays as it is."""
        self._asked_to_stop = True
        self._pool._stop(self)

    def then(self, callback: Callable[[Job[T]], None]) -> None:
        """Call `callback(job)` when it is done, at once if it is; from another thread, so take care with widgets."""
        with self._lock:
            if not self.done():
                self._callbacks.append(callback)
                return
        callback(self)

    def _finish(self, value: Any = None, error: BaseException | None = None) -> None:
        with self._lock:
            if self.done():
                return
            self._value, self._error = value, error
            if error is None:
                self.progress = (1.0, self.progress[1])
            self._finished.set()
            callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            callback(self)


class Pool:
    """Some worker processes and the queue before them: `with Pool(2) as pool: [pool.submit(f, x) for x in xs]`."""

    def __init__(self, workers: int = 1, *, environment: dict[str, str] | None = None) -> None:
        self.workers = max(1, workers)
        self._environment = dict(environment or {})
        self._queue: deque[Job[Any]] = deque()
        self._idle: list[_Worker] = []
        self._busy: dict[_Worker, Job[Any]] = {}
        self._lock = threading.RLock()
        _pools.add(self)

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def submit(
        self, function: Callable[..., T], /, *arguments: Any, keep: Callable[[bytes], None] | None = None
    ) -> Job[T]:
        """Call `function(*arguments, progress)` in a worker; functions of a notebook or script travel by value.

        What a generator yields is seen as `stage` on the way, what it returns is the result. `progress(fraction, text)` reports, and raises Cancelled once the job was cancelled. `keep` is handed the pickled
        result before anybody sees it.
        """
        job: Job[T] = Job(self, packed((function, arguments)), keep)
        with self._lock:
            self._queue.append(job)
            self._deal()
        return job

    def warm(self, *modules: str) -> None:
        """Start a worker now and let it import `modules`, so that the first job need not wait for that."""
        self.submit(_import, modules)

    def close(self) -> None:
        """End the workers; what is still running is cancelled."""
        with self._lock:
            jobs = [*self._queue, *self._busy.values()]
            workers = [*self._idle, *self._busy]
            self._queue.clear()
            self._idle.clear()
            self._busy.clear()
        for worker in workers:
            worker.end()
        for job in jobs:
            job._finish(error=Cancelled(tr("The job was cancelled.")))

    def _deal(self) -> None:
        while self._queue:
            if not self._idle and len(self._busy) >= self.workers:
                return
            worker = self._idle.pop() if self._idle else _Worker(self._environment)
            if not worker.alive():
                continue
            job = self._queue.popleft()
            self._busy[worker] = job
            job._worker = worker
            threading.Thread(target=self._attend, args=(worker, job), daemon=True, name="workbench job").start()

    def _attend(self, worker: _Worker, job: Job[Any]) -> None:
        """Listen to a worker until its job is over, then give it the next one."""
        value: Any = None
        error: BaseException | None = None
        try:
            worker.say(("do", job._number, job._message, language()))
            while True:
                kind, content = worker.hear()
                if kind == "progress":
                    job.progress = content
                    continue
                if kind == "stage":
                    job.stage = pickle.loads(content)  # noqa: S301  our own worker wrote it
                    continue
                if kind == "done":
                    value = pickle.loads(content)  # noqa: S301  our own worker wrote it
                    if job._keep is not None:
                        job._keep(content)
                else:
                    error = unpacked_error(content)
                break
        except (EOFError, OSError, ValueError):
            worker.end()
            if job._asked_to_stop:
                error = Cancelled(tr("The job was cancelled."))
            else:
                error = WorkbenchError(
                    tr(
                        "The worker process ended before its work was done (exit status {status}); out of memory?",
                        status=worker.status(),
                    )
                )
        except Exception as unreadable:  # noqa: BLE001  a result that cannot be read must not leave the caller waiting
            error = WorkbenchError(tr("The worker's result cannot be read here: {what}", what=unreadable))
        # first of all the job is over: a cancellation that comes now must not hit the next job of this worker
        job._finish(value, error)
        with self._lock:
            self._busy.pop(worker, None)
            if worker.alive() and len(self._idle) + len(self._busy) < self.workers:
                self._idle.append(worker)
            self._deal()

    def _stop(self, job: Job[Any]) -> None:
        with self._lock:
            if job in self._queue:
                self._queue.remove(job)
                queued = True
            else:
                queued = False
            worker = job._worker
            running = worker is not None and self._busy.get(worker) is job
        if queued:
            job._finish(error=Cancelled(tr("The job was cancelled.")))
        elif running and worker is not None:
            worker.stop(job._number, unless=job._finished)


_pools: weakref.WeakSet[Pool] = weakref.WeakSet()
_used = threading.Event()


def used() -> bool:
    """Whether this process has started a worker, and so cannot know all the code its results came from."""
    return _used.is_set()


@atexit.register
def _close_pools() -> None:
    for pool in list(_pools):
        pool.close()


class _Worker:
    """One worker process, seen from here."""

    def __init__(self, environment: dict[str, str]) -> None:
        _used.set()
        self._writing = threading.Lock()
        self._process = subprocess.Popen(
            [sys.executable, "-c", "from workbench.jobs.worker import serve; serve()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # where the workbench itself was found must be found there too, and the study's own folder with it
            env={**os.environ, **environment, "PYTHONPATH": os.pathsep.join(p or os.getcwd() for p in sys.path)},
        )

    def alive(self) -> bool:
        return self._process.poll() is None

    def status(self) -> int | None:
        return self._process.poll()

    def say(self, message: tuple[Any, ...]) -> None:
        with self._writing:
            send(cast(BinaryIO, self._process.stdin), pickle.dumps(message))

    def hear(self) -> tuple[str, Any]:
        return pickle.loads(receive(cast(BinaryIO, self._process.stdout)))  # noqa: S301  our own worker wrote it

    def stop(self, number: int, *, unless: threading.Event) -> None:
        """Ask job `number` to stop; end the process when it does not listen."""
        with contextlib.suppress(OSError, ValueError):
            self.say(("cancel", number))

        def insist() -> None:
            if not unless.wait(PATIENCE):
                self._process.kill()

        threading.Thread(target=insist, daemon=True, name="workbench cancel").start()

    def end(self) -> None:
        if self.alive():
            self._process.terminate()
            try:
                self._process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError, ValueError):
                cast(BinaryIO, pipe).close()


def _import(modules: tuple[str, ...], progress: Callable[[float, str], None]) -> None:
    for name in modules:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
