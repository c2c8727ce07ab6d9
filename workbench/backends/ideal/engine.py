"""Brian2 itself: imported quietly, and its settings held only while a network is built and its code is made.

Brian2 keeps its settings, logs and exception hook for the whole process. Somebody who uses Brian2 beside the workbench, in the
same notebook, finds all of them as they were.
"""

from __future__ import annotations

import gc
import hashlib
import logging
import os
import platform
import signal
import sys
import tempfile
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from workbench.errors import UnsupportedError, WorkbenchError
from workbench.words import tr

__all__ = ["TARGETS", "brian", "cache_folder", "compile_flags", "forget", "held", "reason"]

TARGETS = ("numpy", "cython")
_lock = threading.RLock()


def brian() -> Any:
    """The brian2 module, imported without its log files, console notes, exception hook and capture of warnings.

    Raises UnsupportedError when it cannot be loaded: Brian2 2.9, for one, does not load beside NumPy 2.4.
    """
    with _lock:
        if "brian2" in sys.modules:
            return sys.modules["brian2"]
        try:
            return _imported()
        except Exception as error:
            raise UnsupportedError(
                tr("Brian2 cannot be loaded here: {why}. The event chips run without it.", why=_line(error))
            ) from error


def _imported() -> Any:
    hook, show = sys.excepthook, warnings.showwarning
    captured = logging.getLogger("py.warnings")
    handlers = list(captured.handlers)
    with _importable_in_a_thread(), warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # pyparsing's, raised inside Brian2
        import brian2  # noqa: PLC0415
        from brian2.utils.logger import BrianLogger  # noqa: PLC0415

        if "logging" not in getattr(show, "__module__", ""):
            logging.captureWarnings(False)
    sys.excepthook = hook
    for handler in [h for h in captured.handlers if h not in handlers]:
        captured.removeHandler(handler)
    _drop_log_files(BrianLogger)
    return brian2


@contextmanager
def _importable_in_a_thread() -> Iterator[None]:
    """Brian2 sets a handler for Ctrl-C when imported, which Python allows in the main thread only."""
    if threading.current_thread() is threading.main_thread():
        yield
        return
    real = signal.signal
    signal.signal = lambda number, handler: signal.getsignal(number)  # type: ignore[assignment]
    try:
        yield
    finally:
        signal.signal = real


def _drop_log_files(logger: Any) -> None:
    """Close and remove the log and the copy of the script that Brian2 has just put in the temporary folder."""
    handler = logger.file_handler
    if handler is not None:
        logging.getLogger("brian2").removeHandler(handler)
        handler.close()
        logger.file_handler = None
    for name in ("tmp_log", "tmp_script"):
        path = getattr(logger, name, None)
        if path is not None:
            with suppress(OSError):
                os.remove(path)
            setattr(logger, name, None)


def compile_flags() -> list[str]:
    """Compiler flags whose results are the same on every machine of an architecture: no fast-math, no fused multiply-add."""
    if sys.platform == "win32":
        return ["/O2", "/fp:precise", "/w"]
    flags = ["-w", "-O2", "-ffp-contract=off", "-std=c++11"]
    if platform.machine().lower() in ("x86_64", "amd64"):
        flags.append("-march=x86-64-v2")
    return flags


def cache_folder() -> Path:
    """Where compiled code blocks are kept: inside WORKBENCH_CACHE or the user's cache folder, a folder per version and flags.

    Brian2 does not count the compiler flags when it looks a block up, so blocks made with other flags must lie elsewhere.
    """
    given = os.environ.get("WORKBENCH_CACHE")
    if given:
        base = Path(given).expanduser()
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches" / "neuromorphic-workbench"
    elif sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "neuromorphic-workbench"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "neuromorphic-workbench"
    flags = hashlib.blake2b(" ".join(compile_flags()).encode(), digest_size=4).hexdigest()
    return base / f"brian2-{brian().__version__}-{flags}"


def _writable(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        folder = Path(tempfile.gettempdir()) / "neuromorphic-workbench" / folder.name
        folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextmanager
def held(target: str) -> Iterator[Any]:
    """Brian2 with the settings we need, for the time of building and code generation; afterwards all are as they were.

    Expressions are translated as they are written (no reordering, no hoisting), so that every target does the same float64
    operations in the same order.
    """
    b = brian()
    from brian2.codegen.runtime.cython_rt.cython_rt import CythonCodeObject  # noqa: PLC0415
    from brian2.devices.device import RuntimeDevice, get_device  # noqa: PLC0415

    with _lock:
        if type(get_device()) is not RuntimeDevice:
            raise UnsupportedError(
                tr("Brian2 is set to another device in this session; write brian2.set_device('runtime') first.")
            )
        wanted: dict[str, Any] = {
            "codegen.target": target,
            "codegen.string_expression_target": "numpy",
            "codegen.loop_invariant_optimisations": False,
            "codegen.cpp.extra_compile_args": compile_flags(),
            "codegen.runtime.cython.cache_dir": str(cache_folder() if target == "numpy" else _writable(cache_folder())),
            "logging.std_redirection_to_file": False,
        }
        before = {name: b.prefs[name] for name in wanted}
        compiled: Any = CythonCodeObject
        compile_block, log = compiled.compile_block, logging.getLogger("brian2")
        level = log.level
        try:
            for name, value in wanted.items():
                b.prefs[name] = value
            compiled.compile_block = _never_dropped(compile_block)
            log.setLevel(logging.CRITICAL)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)  # pyparsing's
                yield b
        finally:
            for name, value in before.items():
                b.prefs[name] = value
            compiled.compile_block = compile_block
            log.setLevel(level)


def _never_dropped(compile_block: Callable[[Any, str], Any]) -> Callable[[Any, str], Any]:
    """Brian2 skips a code block for ever when Cython cannot translate it, without a word; this says so in its place."""

    def checked(code_object: Any, block: str) -> Any:
        module = compile_block(code_object, block)
        source = getattr(code_object.code, block, "").strip()
        if module is None and source and "EMPTY_CODE_BLOCK" not in source:
            raise UnsupportedError(
                tr(
                    "Cython could not translate '{name}' ({block}), and Brian2 would silently leave it out. "
                    'Empty the folder {folder}, or use Ideal(target="numpy").',
                    name=code_object.name,
                    block=block,
                    folder=cache_folder(),
                )
            )
        return module

    return checked


def reason(error: BaseException) -> str | WorkbenchError:
    """Why Brian2 refused, in one line: the innermost cause; our own error when that is at the bottom."""
    chain: list[BaseException] = []
    here: BaseException | None = error
    while here is not None and here not in chain:
        chain.append(here)
        here = here.__cause__ or here.__context__
    for link in chain:
        if isinstance(link, WorkbenchError):
            return link
        if type(link).__name__ in ("CompileError", "LinkError", "DistutilsPlatformError", "PlatformError"):
            return UnsupportedError(
                tr('The cython target needs a working C++ compiler: {why}. Use Ideal(target="numpy").', why=_line(link))
            )
    return _line(chain[-1])


def forget(error: BaseException) -> None:
    """Let go of what a failed attempt has built, here and now: later, Brian2 would warn about each unused object."""
    here: BaseException | None = error
    while here is not None:
        traceback.clear_frames(here.__traceback__)
        here = here.__cause__ or here.__context__
    gc.collect()


def _line(error: BaseException) -> str:
    text = " ".join(str(error.args[0] if isinstance(error, KeyError) and error.args else error).split())
    return text.replace(" (<unknown>, line 1)", "").rstrip(".") or type(error).__name__
