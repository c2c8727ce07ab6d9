"""Run a notebook with parameters; keep what it gave as long as nothing it was made from has changed.

Beside the executed notebook stands a sidecar, `<name>.json`: what it was made from (source, parameters, code,
versions), the numbers its check cells carried, and the pictures that were saved. It decides whether a run can be
skipped, and why not.
"""

from __future__ import annotations

import json
import os
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workbench.batch import fingerprint
from workbench.batch.parameters import cells, checked, parameters
from workbench.errors import Cancelled, NotebookError
from workbench.words import tr

__all__ = ["Executed", "Order", "execute", "execute_order", "store", "strip", "why"]

CHECK_MIME = "application/vnd.workbench.check+json"
CHECK_TAG = "nbval-check-output"
NOISE = ("application/vnd.holoviews_load.v0+json", "application/vnd.holoviews_exec.v0+json", "application/javascript")

# the reader of a notebook waits for a kernel, not for ever
START_SECONDS = 120

Progress = Callable[[float, str], None]


@dataclass(frozen=True, kw_only=True)
class Order:
    """One notebook to run: from where, with what, into where."""

    notebook: Path
    into: Path
    """The executed notebook; its sidecar has the same name with .json."""
    figures: Path
    parameters: Mapping[str, Any] = field(default_factory=dict)
    formats: tuple[str, ...] = ("png", "svg")
    made_for: str = ""
    """What else it depends on, as text: the lesson's lines in the course."""

    @property
    def sidecar(self) -> Path:
        return self.into.with_suffix(".json")


@dataclass(frozen=True, kw_only=True)
class Executed:
    """What an executed notebook gave."""

    order: Order
    checks: tuple[dict[str, Any], ...]
    figures: Mapping[str, str]
    seconds: float
    fresh: bool
    """False: nothing had changed, so it was not run again."""


def why(order: Order) -> list[str]:
    """Why the notebook has to run (again); an empty list when what is there is what a run would give.

    Raises DescriptionError for a parameter it does not have, NotebookError for a value of another type.
    """
    checked(parameters(order.notebook) if order.parameters else {}, order.parameters)
    kept = _kept(order)
    reasons = fingerprint.stale(kept, _made_from(order))
    if kept is not None:
        lost = [p for p in _outputs(order, kept) if not p.is_file()]
        reasons += [tr("{file} is missing", file=path) for path in lost[:3]]
    return reasons


def execute(order: Order, progress: Progress | None = None, *, again: bool = False) -> Executed:
    """Run a notebook if need be, and write it, its sidecar and its figures, each whole or not at all.

    Raises DescriptionError for a parameter it does not have, NotebookError for a cell that raises (which, and what it
    said), StoreError where nothing can be written, Cancelled when `progress` does.
    """
    import time

    if not again and not why(order):
        kept = _kept(order) or {}
        return Executed(order=order, checks=tuple(kept["checks"]), figures=kept["figures"], seconds=0.0, fresh=False)

    started = time.perf_counter()
    notebook = _read(order.notebook)
    given = checked(parameters(order.notebook), order.parameters) if order.parameters else {}
    made_from = _made_from(order)
    done = _run(order, notebook, given, progress)
    told = _take_harvest(done)
    strip(done)
    record = {
        **made_from,
        **told,
        "checks": _checks(done),
        "seconds": round(time.perf_counter() - started, 2),
    }
    import nbformat

    fingerprint.put(order.into, nbformat.writes(done) + "\n")
    fingerprint.put(order.sidecar, json.dumps(record, indent=1, ensure_ascii=False) + "\n")
    return Executed(
        order=order, checks=tuple(record["checks"]), figures=told["figures"], seconds=record["seconds"], fresh=True
    )


def execute_order(order: Order, again: bool, progress: Progress) -> Executed:
    """`execute` with its arguments in a worker's order."""
    return execute(order, progress, again=again)


def strip(notebook: Any) -> None:
    """Remove from an executed notebook what differs between two equal runs, and scripts that need a running kernel."""
    notebook.metadata.pop("papermill", None)
    notebook.metadata.pop("widgets", None)
    for cell in notebook.cells:
        for name in ("papermill", "execution"):
            cell.metadata.pop(name, None)
        if not cell.metadata.get("tags", True):
            cell.metadata.pop("tags")  # papermill gives every cell a list of its own
        if "injected-parameters" in cell.metadata.get("tags", ()):
            cell["id"] = "injected-parameters"
        if cell.cell_type == "code":
            cell.outputs = [kept for output in cell.outputs if (kept := _steady(output)) is not None]


def _steady(output: Any) -> Any | None:
    data = output.get("data")
    if data is None:
        return output
    if any(mime in data for mime in NOISE):
        return None
    # a widget's id is drawn at random; its text and picture stay
    data.pop("application/vnd.jupyter.widget-view+json", None)
    page = data.get("text/html", "")
    page = page if isinstance(page, str) else "".join(page)
    if "Bokeh" in page or "bk-" in page:
        data.pop("text/html")
    return output if data else None


# --- one run ----------------------------------------------------------------------------------------------------------


def _read(path: Path) -> Any:
    import nbformat

    cells(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # notebooks of other people have no cell ids
            return nbformat.read(path, as_version=4)
    except Exception as error:  # noqa: BLE001  nbformat raises many things for a file that is no notebook
        raise NotebookError(tr("{path} is not a notebook: {what}.", path=path, what=error)) from None


def _run(order: Order, notebook: Any, given: Mapping[str, Any], progress: Progress | None) -> Any:
    import nbformat
    import papermill
    from papermill.engines import NBClientEngine, papermill_engines

    count = sum(cell.cell_type == "code" for cell in notebook.cells) or 1

    class Told(NBClientEngine):
        """Papermill's engine, telling how far it is and listening whether to stop."""

        @classmethod
        def execute_managed_notebook(cls, nb_man: Any, kernel_name: Any, *others: Any, **keywords: Any) -> Any:
            finished = 0

            def after_cell(**_: Any) -> None:
                nonlocal finished
                finished += 1
                if progress is None:
                    return
                if finished < count:
                    progress(finished / (count + 1), tr("cell {k} of {n}", k=finished, n=count))
                else:
                    progress(count / (count + 1), tr("drawing the figures"))

            return super().execute_managed_notebook(
                nb_man, kernel_name, *others, on_cell_executed=after_cell, **keywords
            )

    papermill_engines.register("workbench", Told)
    last = nbformat.v4.new_code_cell(
        "from workbench.batch.harvest import harvest as _harvest\n"
        f"_harvest(globals(), into={str(order.figures.absolute())!r}, formats={order.formats!r})"
    )
    last["id"] = "workbench-harvest"
    notebook.cells.append(last)
    with warnings.catch_warnings(), _kernel_environment(), _transport() as config:
        warnings.simplefilter("ignore")
        try:
            return papermill.execute_notebook(
                notebook, None, parameters=dict(given), engine_name="workbench", kernel_name="python3", language="python",
                progress_bar=False, cwd=str(order.notebook.absolute().parent),
                start_timeout=START_SECONDS, extra_arguments=["--log-level=50"], config=config,
            )  # fmt: skip
        except papermill.PapermillExecutionError as error:
            raise NotebookError(
                tr("{notebook}, cell {k}: {type}: {what}", notebook=order.notebook.name, k=error.exec_count or "?",
                   type=error.ename, what=error.evalue)
            ) from None  # fmt: skip
        except RuntimeError as error:
            raise NotebookError(
                tr("{notebook}: the kernel died: {what}", notebook=order.notebook.name, what=error)
            ) from None
        except KeyboardInterrupt:
            raise Cancelled(tr("{notebook} was interrupted.", notebook=order.notebook.name)) from None


@contextmanager
def _transport() -> Iterator[Any]:
    """Talk to the kernel over files where the system can: two kernels that start at once cannot take the same port."""
    from traitlets.config import Config

    with tempfile.TemporaryDirectory(prefix="workbench-") as folder:
        socket = os.path.join(folder, "k")
        # a socket's path has about a hundred characters at most
        if os.name == "nt" or len(socket) > 90:
            yield Config()
        else:
            yield Config({"KernelManager": {"transport": "ipc", "ip": socket}})


@contextmanager
def _kernel_environment() -> Iterator[None]:
    """What the kernel must see: a steady date in figures, one's own modules as here, no debugger's chatter."""
    ours = {
        "SOURCE_DATE_EPOCH": "0",
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        "PYTHONPATH": os.pathsep.join(filter(None, [str(fingerprint.PACKAGE.parent), os.environ.get("PYTHONPATH")])),
    }
    before = {name: os.environ.get(name) for name in ours}
    os.environ.update(ours)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _take_harvest(done: Any) -> dict[str, Any]:
    """Take the runner's own last cell off again, with what it printed."""
    cell = done.cells.pop()
    text = "".join(o.get("text", "") for o in cell.outputs if o.output_type == "stream" and o.name == "stdout")
    try:
        return json.loads(text.splitlines()[-1])
    except (IndexError, ValueError):
        return {"figures": {}, "code": {}}


def _checks(done: Any) -> list[dict[str, Any]]:
    outputs = [o for cell in done.cells if cell.cell_type == "code" for o in cell.outputs]
    return [o["data"][CHECK_MIME] for o in outputs if CHECK_MIME in o.get("data", {})]


# --- the sidecar ------------------------------------------------------------------------------------------------------


def _made_from(order: Order) -> dict[str, Any]:
    source = [(c["cell_type"], c["source"], c["metadata"].get("tags", [])) for c in cells(order.notebook)]
    return {
        "source": fingerprint.digest(source),
        "parameters": dict(order.parameters),
        "formats": list(order.formats),
        "versions": fingerprint.versions(),
        "course": order.made_for,
        "language": _language(),
    }


def _language() -> str:
    from workbench.words import language

    return language()


def _kept(order: Order) -> dict[str, Any] | None:
    try:
        return json.loads(order.sidecar.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _outputs(order: Order, kept: Mapping[str, Any]) -> list[Path]:
    figures = [order.figures / f"{name}.{ending}" for name in kept.get("figures", {}) for ending in order.formats]
    return [order.into, *figures]


def store(path: Path, progress: Progress | None = None) -> None:
    """Run a notebook at its own parameters and store it as the house keeps notebooks: only check cells keep outputs."""
    import nbformat

    with tempfile.TemporaryDirectory() as folder:
        order = Order(notebook=path, into=Path(folder) / path.name, figures=Path(folder), formats=())
        done = _run(order, _read(path), {}, progress)
    _take_harvest(done)
    strip(done)
    # papermill has added no cell without parameters; the sources stay as their author wrote them
    for cell in done.cells:
        if cell.cell_type != "code":
            continue
        if CHECK_TAG in cell.metadata.get("tags", ()):
            continue
        cell.outputs, cell.execution_count = [], None
    done.metadata = _read(path).metadata  # which Python ran it is not the author's word
    fingerprint.put(path, nbformat.writes(done) + "\n")
