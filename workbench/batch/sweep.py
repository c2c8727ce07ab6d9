"""Vary the knobs of a study over a grid: one row, one result, one file; killed anywhere, it goes on where it was.

    sweep(NetworkStates(), {"g": "3:6:4", "chip": "ideal,loihi-davies"}, seeds=3, into="out/states")

Rows are independent questions. Replicate k uses the study's seed + k at every point of the grid, so that neighbours
differ by their knobs and not by their luck, and a row is the same whatever ran before it. A row that raises is recorded
with what it said, and the others go on; the next call runs it again.
"""

from __future__ import annotations

import itertools
import json
import math
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench import jobs
from workbench.batch import fingerprint
from workbench.errors import DescriptionError, WorkbenchError, unknown
from workbench.fields import Knob, to_json
from workbench.studies import reference
from workbench.words import tr

if TYPE_CHECKING:
    import xarray

    from workbench.studies.study import Study

__all__ = ["Row", "Swept", "axis", "fill", "plan", "sweep"]

Told = Callable[[int, int, "Row", dict[str, Any]], None]
"""Called after each row with how many are over, of how many, the row, and what its file holds."""

MOST = 100_000

THREADS = ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True, kw_only=True)
class Row:
    """One point of the grid with one seed."""

    study: Study
    at: Mapping[str, Any]
    """The swept knobs, in border units, and the seed."""

    @property
    def name(self) -> str:
        """Its file's name: from the whole question, so that a larger grid finds the rows of a smaller one."""
        return fingerprint.digest(to_json(self.study))

    def __str__(self) -> str:
        shown = (f"{k}={v:g}" if isinstance(v, float) else f"{k}={v}" for k, v in self.at.items())
        return " ".join(shown)


@dataclass(frozen=True, kw_only=True)
class Swept:
    """What a sweep left behind."""

    into: Path
    rows: tuple[Row, ...]
    records: tuple[dict[str, Any], ...]
    ran: int
    """How many rows were run now; the others stood there."""

    @property
    def failed(self) -> tuple[tuple[Row, str], ...]:
        """The rows that raised, and what they said."""
        pairs = zip(self.rows, self.records, strict=True)
        return tuple((row, record["error"]) for row, record in pairs if "error" in record)

    @property
    def table(self) -> xarray.Dataset:
        """The numbers over the axes of the grid; NaN where a row failed."""
        return _table(self.rows, self.records)


def axis(text: str, knob: Knob | None = None) -> list[Any]:
    """The values of one axis: "3:6:4" is four values from 3 to 6, "1:100:3:log" three in equal ratios, "a,b" a list.

    Raises DescriptionError for what is none of these.
    """
    whole = knob is not None and knob.kind == "int"
    pieces = text.split(":")
    try:
        if len(pieces) in (3, 4):
            if len(pieces) == 4 and pieces[3] != "log":
                raise ValueError
            start, stop, count = float(pieces[0]), float(pieces[1]), int(pieces[2])
            if count < 1 or count > MOST:
                raise ValueError
            part = [k / max(1, count - 1) for k in range(count)]
            if len(pieces) == 4:
                values = [start * (stop / start) ** p for p in part]
            else:
                values = [start + (stop - start) * p for p in part]
            # 0.1 + 0.2 must not become an axis label
            values = [float(f"{v:.12g}") for v in values]
            return [int(v) if whole and v.is_integer() else v for v in values]
        if len(pieces) == 1:
            return [_word(word.strip(), knob) for word in text.split(",") if word.strip()]
    except (ValueError, ZeroDivisionError):
        pass
    raise DescriptionError(
        tr("'{text}' is no axis: write start:stop:count (3:6:4), start:stop:count:log, or values (3,4.5,6).", text=text)
    )


def _word(text: str, knob: Knob | None) -> Any:
    if knob is not None and knob.kind in ("name", "choice", "text"):
        return text
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    number = float(text)
    return int(number) if number.is_integer() and "." not in text and "e" not in text.lower() else number


def plan(study: Study, grid: Mapping[str, str | Sequence[Any]], *, seeds: int = 1) -> tuple[Row, ...]:
    """Every row of a sweep, checked before any of them runs; raises DescriptionError naming the knob and its range."""
    known = study.knobs()
    for name in grid:
        if name not in known:
            raise unknown(tr("knob"), name, known)
    if seeds < 1:
        raise DescriptionError(tr("A sweep has at least one seed, not {seeds}.", seeds=seeds))
    axes = {name: axis(v, known[name]) if isinstance(v, str) else list(v) for name, v in grid.items()}
    for name, values in axes.items():
        if not values:
            raise DescriptionError(tr("The axis '{name}' has no values.", name=name))
    size = math.prod(map(len, axes.values())) * seeds
    if size > MOST:
        raise DescriptionError(tr("The grid has {size} rows; {most} is the most.", size=size, most=MOST))
    first = study.to_border().get("seed")
    if seeds > 1 and "seed" in axes:
        raise DescriptionError(tr("The seed is swept by the grid; leave seeds at 1."))
    if seeds > 1 and first is None:
        raise DescriptionError(tr("This study has no seed, so {seeds} seeds would be the same run.", seeds=seeds))
    rows: list[Row] = []
    for point in itertools.product(*axes.values()):
        for k in range(seeds):
            at = dict(zip(axes, point, strict=True))
            if first is not None and "seed" not in at:
                at["seed"] = first + k
            rows.append(Row(study=study.changed(at), at=at))
    return tuple(rows)


def sweep(
    study: Study,
    grid: Mapping[str, str | Sequence[Any]],
    *,
    into: str | Path,
    seeds: int = 1,
    workers: int | None = None,
    client: Any = None,
    retries: int = 1,
    keep_stale: bool = False,
    told: Told | None = None,
) -> Swept:
    """Run every row that is not there yet; write table.csv and table.nc; give what is there.

    Parameters
    ----------
    study : the study at the knobs that are not swept
    grid : axes by knob name, as text ("3:6:4", "ideal,loihi-davies") or as values
    into : the folder; its rows/ holds one file a row
    seeds : replicates of each point
    workers : processes, by default one a core
    client : a Dask client to use in place of processes of our own
    retries : how often a row that ends with its worker's death (not with an error of ours) is tried again
    keep_stale : take rows made by other code or other versions as they are
    told : called after each row
    """
    folder = Path(into)
    rows = plan(study, grid, seeds=seeds)
    _describe(folder, study, grid, seeds)
    swept = fill(rows, into=folder, workers=workers, client=client, retries=retries, keep_stale=keep_stale, told=told)
    _write_tables(swept)
    return swept


def fill(
    rows: Sequence[Row],
    *,
    into: Path,
    workers: int | None = None,
    client: Any = None,
    retries: int = 1,
    keep_stale: bool = False,
    told: Told | None = None,
) -> Swept:
    """Run the rows that have no file yet, or one that failed or is stale; the heart of `sweep`."""
    records: dict[str, dict[str, Any]] = {}
    for row in rows:
        record = _stored(into, row)
        if record is not None and "error" not in record and (keep_stale or not _why(record)):
            records[row.name] = record
    missing = list({row.name: row for row in rows if row.name not in records}.values())
    over = len(rows) - len(missing)
    run = _with_dask(missing, client, retries) if client is not None else _with_pool(missing, workers, retries)
    for row, record in run:
        # the driver alone writes, so a killed worker cannot leave half a row
        fingerprint.put(_file(into, row), json.dumps(record, indent=1, ensure_ascii=False) + "\n")
        records[row.name] = record
        over += 1
        if told is not None:
            told(over, len(rows), row, record)
    return Swept(into=into, rows=tuple(rows), records=tuple(records[row.name] for row in rows), ran=len(missing))


# --- one row ----------------------------------------------------------------------------------------------------------


def answer(study: Study, at: Mapping[str, Any], progress: Callable[[float, str], None] | None = None) -> dict[str, Any]:
    """Run one row; an error is part of the record, for other rows must go on. Cancelled passes through."""
    from workbench.errors import Cancelled

    record: dict[str, Any] = {"at": dict(at), "study": to_json(study)}
    started = time.perf_counter()
    try:
        result = study.run(progress)
        record["numbers"] = {name: float(value) for name, value in result.numbers.items()}
    except Cancelled:
        raise
    except Exception as error:  # noqa: BLE001  a study of one's own may raise anything
        record["error"] = str(error) if isinstance(error, WorkbenchError) else f"{type(error).__name__}: {error}"
    record["seconds"] = round(time.perf_counter() - started, 3)
    record["versions"] = fingerprint.versions()
    record["code"] = fingerprint.code_of(fingerprint.loaded_code())
    return record


def _with_pool(rows: list[Row], workers: int | None, retries: int) -> Iterator[tuple[Row, dict[str, Any]]]:
    if not rows:
        return
    cores = os.cpu_count() or 1
    count = min(workers or cores, len(rows))
    # each process gets its share of the cores; more threads than cores would only push each other aside
    share = str(max(1, cores // count))
    environment: dict[str, str] = dict.fromkeys(THREADS, share)
    with jobs.Pool(count, environment=environment) as pool:
        tries = {row.name: 1 + retries for row in rows}
        under_way = {pool.submit(answer, row.study, row.at): row for row in rows}
        while under_way:
            done = [job for job in under_way if job.done()]
            if not done:
                time.sleep(0.02)
                continue
            for job in done:
                row = under_way.pop(job)
                tries[row.name] -= 1
                try:
                    record = job.result()
                except WorkbenchError as error:
                    if tries[row.name] > 0:
                        under_way[pool.submit(answer, row.study, row.at)] = row
                        continue
                    record = {"at": dict(row.at), "study": to_json(row.study), "error": str(error)}
                yield row, record


def _with_dask(rows: list[Row], client: Any, retries: int) -> Iterator[tuple[Row, dict[str, Any]]]:
    from dask.distributed import as_completed

    # pure=False: a row that failed before must not be answered from the scheduler's memory
    futures = {client.submit(answer, r.study, r.at, pure=False, retries=retries): r for r in rows}
    try:
        for future in as_completed(list(futures)):
            row = futures[future]
            try:
                yield row, future.result()
            except Exception as error:  # noqa: BLE001  a worker that died, a scheduler that gave up
                yield row, {"at": dict(row.at), "study": to_json(row.study), "error": str(error)}
    finally:
        client.cancel(list(futures))


# --- files ------------------------------------------------------------------------------------------------------------


def _file(folder: Path, row: Row) -> Path:
    return folder / "rows" / f"{row.name}.json"


def _stored(folder: Path, row: Row) -> dict[str, Any] | None:
    try:
        return json.loads(_file(folder, row).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _why(record: Mapping[str, Any]) -> list[str]:
    return fingerprint.stale(record, {"versions": fingerprint.versions()})


def _describe(folder: Path, study: Study, grid: Mapping[str, Any], seeds: int) -> None:
    try:
        name = reference(study)
    except WorkbenchError:
        name = type(study).__qualname__
    content = {"study": name, "knobs": study.to_border(), "grid": dict(grid), "seeds": seeds}
    fingerprint.put(folder / "sweep.json", json.dumps(content, indent=1, ensure_ascii=False, default=list) + "\n")


def _names(records: Sequence[Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(name for record in records for name in record.get("numbers", {})))


def _write_tables(swept: Swept) -> None:
    import csv
    import io

    numbers = _names(swept.records)
    axes = list(swept.rows[0].at)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*axes, *numbers, "error", "row"])
    for row, record in zip(swept.rows, swept.records, strict=True):
        values = record.get("numbers", {})
        shown = [repr(values[name]) if name in values else "" for name in numbers]
        writer.writerow([*row.at.values(), *shown, record.get("error", ""), row.name])
    fingerprint.put(swept.into / "table.csv", text.getvalue())

    from workbench.recordings import files

    with files.whole(swept.into / "table.nc") as part:
        swept.table.to_netcdf(part, engine="h5netcdf")


def _table(rows: Sequence[Row], records: Sequence[Mapping[str, Any]]) -> xarray.Dataset:
    import numpy as np
    import xarray as xr

    axes = {name: list(dict.fromkeys(row.at[name] for row in rows)) for name in rows[0].at}
    shape = tuple(map(len, axes.values()))
    columns = {name: np.full(shape, np.nan) for name in _names(records)}
    for row, record in zip(rows, records, strict=True):
        place = tuple(values.index(row.at[name]) for name, values in axes.items())
        for name, value in record.get("numbers", {}).items():
            columns[name][place] = value
    return xr.Dataset({name: (tuple(axes), values) for name, values in columns.items()}, coords=axes)
