"""What travels between processes: values, functions of a notebook by value, errors with where they arose; and how."""

from __future__ import annotations

import io
import os
import pickle
import struct
import sys
import traceback
from functools import cache
from importlib.machinery import PathFinder
from types import ModuleType
from typing import Any, BinaryIO, cast

from workbench.errors import WorkbenchError

__all__ = ["packed", "packed_error", "receive", "send", "unpacked_error"]


def packed(value: Any) -> bytes:
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


def packed_error(error: BaseException) -> bytes:
    """An error and where it happened, as what can be sent."""
    where = "".join(traceback.format_exception(error))
    try:
        content = packed(error)
        pickle.loads(content)  # noqa: S301  an error that takes more arguments than it keeps fails here, not over there
    except Exception:  # noqa: BLE001  anything may be wrong with somebody else's exception
        content = packed(WorkbenchError(f"{type(error).__name__}: {error}"))
    return pickle.dumps((content, where))


def unpacked_error(content: bytes) -> BaseException:
    """The error that `packed_error` packed, with the place in the worker as its cause."""
    packed, where = pickle.loads(content)  # noqa: S301  our own worker wrote it
    error = cast(BaseException, pickle.loads(packed))  # noqa: S301
    error.__cause__ = _InWorker(where)
    return error


class _InWorker(Exception):  # never raised: it shows where in the worker the error arose
    """The traceback of an error in the worker process."""

    def __str__(self) -> str:
        return "\n" + str(self.args[0])


def send(pipe: BinaryIO, content: bytes) -> None:
    """Write one message: its length, then itself."""
    pipe.write(struct.pack("<Q", len(content)))
    pipe.write(content)
    pipe.flush()


def receive(pipe: BinaryIO) -> bytes:
    """Read one message whole; raises EOFError when the other side is gone."""

    def exactly(size: int) -> bytes:
        content = pipe.read(size)
        if len(content) < size:
            raise EOFError
        return content

    return exactly(struct.unpack("<Q", exactly(8))[0])
