"""Run a study, or any function, in a worker process: progress, cancel within a second, results kept by what was asked.

    job = submit(NetworkStates.from_border({"g": 4.5, "chip": "ideal"}))
    job.progress        # (0.4, "0.40 of 1.00 s")
    job.result()        # the Result; the study's own exception if it raised; Cancelled after job.cancel()

A worker is a fresh Python that stays: what it once imported (Brian2 takes seconds) and compiled serves the next job. It
is started by its own command line and spoken to over its pipes, so nothing depends on how the calling program was
started: a notebook, a script without a main guard and a test are all the same, on every system.
"""

from __future__ import annotations

import atexit
import contextlib
import importlib
import io
import itertools
import os
import pickle
import signal
import struct
import subprocess
import sys
import threading
import time
import traceback
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from functools import cache, partial
from importlib.machinery import PathFinder
from queue import SimpleQueue
from types import ModuleType
from typing import TYPE_CHECKING, Any, BinaryIO, Generic, TypeVar, cast

from workbench.errors import Cancelled, WorkbenchError
from workbench.words import language, tr

if TYPE_CHECKING:
    from workbench.studies.study import Result, Study

__all__ = ["Job", "Pool", "forget", "submit", "warm"]

T = TypeVar("T")

PATIENCE = 0.6
"""Seconds a worker has, after `cancel`, to stop by itself before it is ended."""

KEPT_BYTES = 256 * 2**20
"""Results kept for the next time the same thing is asked, pickled size in all."""


_numbers = itertools.count()


class Job(Generic[T]):
    """One piece of work under way in a worker process."""

    def __init__(self, pool: Pool, message: bytes, key: str | None = None) -> None:
        self._pool = pool
        self._message = message
        self._key = key
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
        _pools.append(self)

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def submit(self, function: Callable[..., T], /, *arguments: Any, key: str | None = None) -> Job[T]:
        """Call `function(*arguments, progress)` in a worker; functions of a notebook or script travel by value.

        `progress(fraction, text)` reports, and raises Cancelled once the job was cancelled.
        """
        job: Job[T] = Job(self, _packed((function, arguments)), key)
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
                if kind == "done":
                    value = pickle.loads(content)  # noqa: S301  our own worker wrote it
                    if job._key is not None:
                        _keep(job._key, content)
                else:
                    error = _unpacked_error(content)
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


_pools: list[Pool] = []


@atexit.register
def _close_pools() -> None:
    for pool in _pools:
        pool.close()


class _Worker:
    """One worker process, seen from here."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._writing = threading.Lock()
        self._process = subprocess.Popen(
            [sys.executable, "-c", "from workbench.jobs import serve; serve()"],
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
            _send(cast(BinaryIO, self._process.stdin), pickle.dumps(message))

    def hear(self) -> tuple[str, Any]:
        return pickle.loads(_receive(cast(BinaryIO, self._process.stdout)))  # noqa: S301  our own worker wrote it

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


# --- studies ----------------------------------------------------------------------------------------------------------

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
            job: Job[Any] = Job(_pool(), b"", key)
            job._finish(pickle.loads(known))  # noqa: S301  kept by ourselves
            return job
    return _pool().submit(_run_study, study, key=key)


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


def _run_study(study: Study, progress: Callable[[float, str], None]) -> Result:
    return study.run(progress)


def _import(modules: tuple[str, ...], progress: Callable[[float, str], None]) -> None:
    for name in modules:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)


# --- what travels -----------------------------------------------------------------------------------------------------


def _packed(value: Any) -> bytes:
    """The pickle of a value; classes and functions that a fresh process could not import travel by value."""
    import cloudpickle

    # some libraries leave things in sys.modules that are no modules, which cloudpickle refuses
    modules = [
        (name, module.__file__)
        for name, module in list(sys.modules.items())
        if isinstance(module, ModuleType) and hasattr(module, "__file__")
    ]
    strange = [name for name, file in modules if file is not None and not _importable(name, file)]
    for name in strange:
        cloudpickle.register_pickle_by_value(sys.modules[name])
    try:
        buffer = io.BytesIO()
        cloudpickle.dump(value, buffer, protocol=5)
        return buffer.getvalue()
    finally:
        for name in strange:
            cloudpickle.unregister_pickle_by_value(sys.modules[name])


@cache
def _importable(name: str, file: str) -> bool:
    """Whether a fresh process would find this very module; `sys.modules` says nothing about that."""
    top, *rest = name.split(".")
    # what lives in __main__ cloudpickle sends by value anyway
    if name in ("__main__", "__mp_main__") or top in sys.stdlib_module_names or "site-packages" in file:
        return True
    if top in ("workbench", "widgets"):
        return True
    spec = PathFinder.find_spec(top)
    for piece in rest:
        if spec is None:
            return False
        spec = PathFinder.find_spec(f"{spec.name}.{piece}", spec.submodule_search_locations or [])
    return spec is not None and spec.origin is not None and os.path.realpath(spec.origin) == os.path.realpath(file)


def _packed_error(error: BaseException) -> bytes:
    """An error and where it happened, as what can be sent."""
    where = "".join(traceback.format_exception(error))
    try:
        content = _packed(error)
        pickle.loads(content)  # noqa: S301  an error that takes more arguments than it keeps fails here, not over there
    except Exception:  # noqa: BLE001  anything may be wrong with somebody else's exception
        content = _packed(WorkbenchError(f"{type(error).__name__}: {error}"))
    return pickle.dumps((content, where))


def _unpacked_error(content: bytes) -> BaseException:
    packed, where = pickle.loads(content)  # noqa: S301  our own worker wrote it
    error = cast(BaseException, pickle.loads(packed))  # noqa: S301
    error.__cause__ = _InWorker(where)
    return error


class _InWorker(Exception):  # never raised: it shows where in the worker the error arose
    """The traceback of an error in the worker process."""

    def __str__(self) -> str:
        return "\n" + str(self.args[0])


def _send(pipe: BinaryIO, content: bytes) -> None:
    pipe.write(struct.pack("<Q", len(content)))
    pipe.write(content)
    pipe.flush()


def _receive(pipe: BinaryIO) -> bytes:
    def exactly(size: int) -> bytes:
        content = pipe.read(size)
        if len(content) < size:
            raise EOFError
        return content

    return exactly(struct.unpack("<Q", exactly(8))[0])


# --- the worker's side ------------------------------------------------------------------------------------------------


def serve() -> None:
    """Be a worker: do what comes in on standard input, until it ends."""
    incoming = cast(BinaryIO, os.fdopen(os.dup(0), "rb"))
    outgoing = cast(BinaryIO, os.fdopen(os.dup(1), "wb"))
    os.dup2(2, 1)  # what a study prints must not be taken for an answer
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    # Ctrl-C reaches the whole group; only the calling process decides what it means. A function, not SIG_IGN, which
    # would pass on to kernels and compilers started from here
    signal.signal(signal.SIGINT, lambda *_: None)
    if hasattr(os, "nice"):
        os.nice(int(os.environ.get("WORKBENCH_NICE", "0")))
    stopped: set[int] = set()
    todo: SimpleQueue[tuple[int, bytes, str]] = SimpleQueue()

    def listen() -> None:
        while True:
            try:
                verb, number, *rest = pickle.loads(_receive(incoming))  # noqa: S301  from the process that started us
            except EOFError:
                os._exit(0)
            if verb == "cancel":
                stopped.add(number)
            else:
                todo.put((number, *rest))

    threading.Thread(target=listen, daemon=True).start()
    while True:
        number, packed, wanted = todo.get()
        _send(outgoing, pickle.dumps(_answer(packed, wanted, partial(stopped.__contains__, number), outgoing)))
        stopped.clear()


def _answer(packed: bytes, wanted: str, stopped: Callable[[], bool], outgoing: BinaryIO) -> tuple[str, bytes]:
    from workbench import words

    last = 0.0

    def progress(fraction: float, text: str = "") -> None:
        nonlocal last
        if stopped():
            raise Cancelled(tr("The job was cancelled."))
        now = time.monotonic()
        if now - last > 0.05 or fraction >= 1:
            last = now
            _send(outgoing, pickle.dumps(("progress", (float(fraction), str(text)))))

    try:
        words.use(wanted)
        function, arguments = pickle.loads(packed)  # noqa: S301  from the process that started us
        return "done", _packed(function(*arguments, progress))
    except BaseException as error:  # noqa: BLE001  SystemExit in a study is an error like others
        return "error", _packed_error(error)
