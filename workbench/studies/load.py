"""From a word on a command line to a study: one of ours by name, or a class in a file or module of one's own."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import sys
import traceback
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from workbench.errors import NotebookError, WorkbenchError, unknown
from workbench.words import tr

if TYPE_CHECKING:
    from collections.abc import Iterator

    from workbench.studies.study import Study

__all__ = ["load_study", "reference"]

_PREFIX = "workbench_study_file_"


def load_study(name: str) -> type[Study]:
    """The study class for "network-states", for "my_file.py:MyStudy" (or "my_file.py" with one study), or "package.module:MyStudy".

    Raises DescriptionError for a name nobody has ("did you mean"), NotebookError for a file that is missing, that raises
    (named with its line), or that holds no study.
    """
    from workbench.studies import STUDIES  # noqa: PLC0415  the table sits above us, in the package's face

    place, _, wanted = name.rpartition(":") if ":" in name and not name.endswith(".py") else (name, "", "")
    if place.endswith(".py"):
        return _pick(_file(Path(place).expanduser()), wanted, place)
    if wanted:
        return _pick(_module(place), wanted, place)
    if name not in STUDIES:
        raise unknown("study", name, STUDIES)
    return STUDIES[name]


def reference(study: Study | type[Study]) -> str:
    """The word with which `load_study` finds this study's class again, from any process.

    Raises NotebookError for a study written in a notebook: no other process can import it.
    """
    from workbench.studies import STUDIES  # noqa: PLC0415

    cls = study if isinstance(study, type) else type(study)
    for name in STUDIES:
        if STUDIES._entries[name] == f"{cls.__module__}:{cls.__qualname__}":
            return name
    if cls.__module__ == "__main__":
        raise NotebookError(
            tr(
                "{name} is defined in this notebook, where no other process can find it: put it in a file and load it with "
                "load_study('my_file.py:{name}').",
                name=cls.__qualname__,
            )
        )
    if cls.__module__.startswith(_PREFIX):
        return f"{sys.modules[cls.__module__].__file__}:{cls.__qualname__}"
    return f"{cls.__module__}:{cls.__qualname__}"


def _pick(module: ModuleType, wanted: str, place: str) -> type[Study]:
    """The study called `wanted` in a module, or its only one."""
    from workbench.studies.study import Study, is_described  # noqa: PLC0415

    own = {n: v for n, v in vars(module).items() if isinstance(v, type) and issubclass(v, Study) and v is not Study}
    here = {n: v for n, v in own.items() if v.__module__ == module.__name__} or own
    if not here:
        raise NotebookError(
            tr("{place} holds no study: a study is a class that inherits from workbench's Study.", place=place)
        )
    if wanted and wanted not in own:
        raise unknown("study", wanted, here)
    if not wanted and len(here) > 1:
        raise NotebookError(
            tr(
                "{place} holds several studies: name one, {place}:{first}. Known: {listed}.",
                place=place,
                first=next(iter(here)),
                listed=", ".join(here),
            )
        )
    found = own[wanted] if wanted else next(iter(here.values()))
    if not is_described(found):
        raise NotebookError(
            tr(
                "{name} in {place} lacks @described above its class line: without it its fields are no knobs.",
                name=found.__name__,
                place=place,
            )
        )
    return found


def _module(place: str) -> ModuleType:
    try:
        return importlib.import_module(place)
    except ModuleNotFoundError as missing:
        if missing.name and (place == missing.name or place.startswith(missing.name + ".")):
            raise NotebookError(tr("There is no module {place} to take a study from.", place=place)) from None
        raise _raised(place, missing, None) from missing
    except WorkbenchError:
        raise
    except Exception as error:
        raise _raised(place, error, None) from error


def _file(path: Path) -> ModuleType:
    """The module of a Python file, run once per content: a file edited since is read anew."""
    if not path.is_file():
        raise NotebookError(tr("There is no file {path} to take a study from.", path=path))
    whole = path.resolve()
    source = whole.read_bytes()
    name = _PREFIX + hashlib.sha256(str(whole).encode() + b"\0" + source).hexdigest()[:12]
    if name in sys.modules:
        return sys.modules[name]
    spec: Any = importlib.util.spec_from_file_location(name, whole)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up while the class is being made
    try:
        with _neighbours(whole.parent):
            exec(compile(source, str(whole), "exec"), module.__dict__)  # noqa: S102  no stale byte code, as an import may use
    except Exception as error:
        del sys.modules[name]
        raise _raised(path.name, error, whole) from error
    except BaseException:
        del sys.modules[name]
        raise
    return module


@contextmanager
def _neighbours(folder: Path) -> Iterator[None]:
    """Let a study file import the files beside it, as a script can."""
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        if str(folder) in sys.path:
            sys.path.remove(str(folder))


def _raised(place: str, error: BaseException, path: Path | None) -> NotebookError:
    """The error for a study file that raises: the line of that file at which it did, and what it said."""
    line: int | None = None
    if isinstance(error, SyntaxError) and path is not None and error.filename == str(path):
        line = error.lineno
    elif path is not None:
        lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == str(path)]
        line = lines[-1] if lines else None
    said = error.msg if isinstance(error, SyntaxError) else str(error)
    what = f"{type(error).__name__}: {said}" if said else type(error).__name__
    if line is None:
        return NotebookError(tr("The study file {place} cannot be loaded: {what}", place=place, what=what))
    return NotebookError(
        tr("The study file {place} cannot be loaded, line {line}: {what}", place=place, line=line, what=what)
    )
