"""A recording in one netCDF file (netCDF-4, which is HDF5): written whole or not at all, loaded back equal, readable by xarray.

    /                     attributes: workbench_format, dt, duration, …; variables experiment, prices, placement as JSON text
    /spikes/E             steps (int64) and neurons (int32) along "spike"
    /traces/E.v           the DataArray, with dims, coordinates and units
    /ledger               counts (window, place, event), the window edges, and the names

`xarray.open_dataset(path, engine="h5netcdf", group="/traces/E.v")` reads any part without us.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.errors import StoreError
from workbench.recordings import files
from workbench.recordings.ledger import Ledger
from workbench.recordings.placement import CoreUse, Placement, StepCost
from workbench.recordings.prices import Citation, Price
from workbench.recordings.recording import Recording
from workbench.recordings.spikes import Spikes
from workbench.words import tr

if TYPE_CHECKING:
    import xarray

__all__ = ["FORMAT", "load", "save"]

FORMAT = 1
"""Raised when a file is laid out so that yesterday's workbench would misread it."""

_SIGNATURE = b"\x89HDF\r\n\x1a\n"


def save(recording: Recording, path: Path) -> Path:
    """Write `recording` under `path`; raises StoreError, and leaves nothing half-written.

    The file is made in memory first (compressed, a few bytes a spike): HDF5 that meets a full disk half-way leaves handles open and
    prints a page of its own errors, while bytes can be written whole or not at all.
    """
    import h5netcdf  # only when a file is touched
    import h5py  # noqa: PLC0415

    with h5py.File(path.name, "w", driver="core", backing_store=False) as image, h5netcdf.File(image, "w") as root:
        _write(root, recording)
        root.flush()
        image.flush()
        content = image.id.get_file_image()
    return files.write(path, content)


def load(path: Path) -> Recording:
    """Read what `save` wrote; raises StoreError for a file that is missing, newer, cut short, or of something else."""
    import h5netcdf  # noqa: PLC0415

    _check_signature(path)
    try:
        root = h5netcdf.File(path, "r")
    except OSError as error:  # it begins like HDF5, so it was HDF5 once
        raise _cut(path) from error
    with root:
        if "workbench_format" not in root.attrs:
            raise _foreign(path)
        version = int(str(root.attrs["workbench_format"]))
        if version > FORMAT:
            raise StoreError(
                tr(
                    "{path} was written by a newer workbench (format {version}; this one reads up to {known}). Update the workbench to read it.",
                    path=path,
                    version=version,
                    known=FORMAT,
                )
            )
        try:
            return _read(root)
        except (OSError, KeyError, ValueError, RuntimeError) as error:
            raise _cut(path) from error


# --- the two directions, side by side ---------------------------------------------------------------------------------


def _write(root: Any, r: Recording) -> None:
    root.attrs["workbench_format"] = FORMAT
    for name in ("dt", "duration", "begins"):
        root.attrs[name] = np.float64(getattr(r, name))
    root.attrs["trial"] = np.int64(r.trial)
    root.attrs["backend"], root.attrs["arithmetic"] = r.backend or " ", r.arithmetic
    _write_json(root, "experiment", dict(r.experiment))
    _write_json(root, "populations", {name: [int(r.sizes[name]), int(r.counts[name])] for name in r.spikes})
    _write_json(root, "notes", list(r.notes))
    for name, spikes in r.spikes.items():
        group = root.create_group(f"spikes/{name}")
        _array(group, "steps", ("spike",), spikes.steps)
        _array(group, "neurons", ("spike",), spikes.neurons)
    for name, trace in r.traces.items():
        _write_trace(root.create_group(f"traces/{name}"), trace)
    _write_ledger(root.create_group("ledger"), r.ledger)
    placed = root.create_group("placement")
    _array(placed, "core_of", ("neuron",), r.placement.core_of)
    _write_json(placed, "cores", [asdict(core) for core in r.placement.cores])
    _write_json(placed, "losses", list(r.placement.losses))
    _write_json(placed, "mesh", list(r.placement.mesh))
    _write_json(placed, "costs", [asdict(cost) for cost in r.placement.costs])


def _read(root: Any) -> Recording:
    populations = _json(root, "populations")
    dt = float(root.attrs["dt"])
    spikes = {
        name: Spikes(_values(root[f"spikes/{name}"], "steps"), _values(root[f"spikes/{name}"], "neurons"), dt)
        for name in populations
    }
    placed = root["placement"]
    return Recording(
        spikes=spikes,
        sizes={name: size for name, (size, _) in populations.items()},
        counts={name: fired for name, (_, fired) in populations.items()},
        traces={name: _read_trace(group, name) for name, group in _groups(root, "traces").items()},
        ledger=_read_ledger(root["ledger"]),
        placement=Placement(
            cores=tuple(_core(c) for c in _json(placed, "cores")),
            core_of=_values(placed, "core_of"),
            losses=tuple(_json(placed, "losses")),
            mesh=tuple(_json(placed, "mesh")),
            # files of before the mapping had steps have no costs
            costs=tuple(StepCost(**c) for c in _json(placed, "costs")) if "costs" in placed.variables else (),
        ),
        experiment=_json(root, "experiment"),
        dt=dt,
        duration=float(root.attrs["duration"]),
        begins=float(root.attrs["begins"]),
        trial=int(root.attrs["trial"]),
        backend=str(root.attrs["backend"]).strip(),
        arithmetic=str(root.attrs["arithmetic"]),
        notes=tuple(_json(root, "notes")),
    )


def _write_ledger(group: Any, ledger: Ledger) -> None:
    _array(group, "counts", ("window", "place", "event"), ledger.counts)
    _array(group, "windows", ("edge",), ledger.windows)
    _array(group, "chip_times", ("timed",), ledger.chip_times)
    if ledger.links.size:
        _array(group, "links", ("window", "direction", "tile_y", "tile_x"), ledger.links)
    _write_json(group, "places", list(ledger.places))
    _write_json(group, "events", list(ledger.events))
    _write_json(group, "prices", {name: asdict(price) for name, price in ledger.prices.items()})
    group.attrs["timing"] = ledger.timing


def _read_ledger(group: Any) -> Ledger:
    prices = {
        name: Price(p["joules"], p["seconds"], Citation(**p["citation"])) for name, p in _json(group, "prices").items()
    }
    return Ledger(
        counts=_values(group, "counts"),
        windows=_values(group, "windows"),
        places=tuple(_json(group, "places")),
        events=tuple(_json(group, "events")),
        prices=prices,
        timing=str(group.attrs["timing"]),
        chip_times=_values(group, "chip_times"),
        links=_values(group, "links") if "links" in group else np.zeros((0, 4, 0, 0), np.int64),
    )


def _write_trace(group: Any, trace: xarray.DataArray) -> None:
    for name, coordinate in trace.coords.items():
        _array(group, str(name), tuple(map(str, coordinate.dims)), coordinate.values)
    _array(group, "value", tuple(map(str, trace.dims)), trace.values)
    for key, value in trace.attrs.items():
        group.variables["value"].attrs[str(key)] = value


def _read_trace(group: Any, name: str) -> xarray.DataArray:
    import xarray as xr  # noqa: PLC0415

    value = group.variables["value"]
    coords = {n: (v.dimensions, _plain_values(v)) for n, v in group.variables.items() if n != "value"}
    own = {k: _plain_attribute(v) for k, v in value.attrs.items() if not k.startswith("_")}
    return xr.DataArray(_plain_values(value), dims=value.dimensions, coords=coords, attrs=own, name=name)


def _core(found: Mapping[str, Any]) -> CoreUse:
    uses = {what: (int(used), int(limit)) for what, (used, limit) in found["uses"].items()}
    return CoreUse(found["name"], tuple(found["tile"]), uses)


# --- small pieces -----------------------------------------------------------------------------------------------------


def _array(group: Any, name: str, dims: tuple[str, ...], values: Any) -> None:
    """A variable with its dimensions; large ones are compressed, text becomes UTF-8 strings."""
    import h5py  # noqa: PLC0415

    array = np.asarray(values)
    for dim, size in zip(dims, array.shape, strict=True):
        if dim not in group.dimensions:
            group.dimensions[dim] = size
    text = array.dtype.kind in "UO"
    squeeze = {"compression": "gzip", "compression_opts": 1, "shuffle": True} if array.size > 4096 and not text else {}
    variable = group.create_variable(name, dims, dtype=h5py.string_dtype() if text else array.dtype, **squeeze)
    if array.size:
        variable[...] = array.astype(object) if text else array


def _write_json(group: Any, name: str, value: Any) -> None:
    """JSON as a text variable: an attribute holds no more than 64 kB."""
    import h5py  # noqa: PLC0415

    variable = group.create_variable(name, (), dtype=h5py.string_dtype())
    variable[...] = json.dumps(value, ensure_ascii=False)


def _json(group: Any, name: str) -> Any:
    text = group.variables[name][()]
    return json.loads(text.decode() if isinstance(text, bytes) else str(text))


def _values(group: Any, name: str) -> np.ndarray[Any, Any]:
    return _plain_values(group.variables[name])


def _plain_values(variable: Any) -> np.ndarray[Any, Any]:
    array = np.asarray(variable[...])
    if array.dtype.kind == "O":
        return np.array([t.decode() if isinstance(t, bytes) else str(t) for t in array.ravel()]).reshape(array.shape)
    return array


def _plain_attribute(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def _groups(root: Any, name: str) -> Mapping[str, Any]:
    return root[name].groups if name in root.groups else {}


def _check_signature(path: Path) -> None:
    try:
        with open(path, "rb") as opened:
            start = opened.read(len(_SIGNATURE))
    except FileNotFoundError:
        raise StoreError(tr("There is no recording {path}.", path=path)) from None
    except OSError as error:
        raise StoreError(tr("{path} cannot be read: {what}.", path=path, what=error.strerror or str(error))) from error
    if start != _SIGNATURE:
        raise _cut(path) if _SIGNATURE.startswith(start) else _foreign(path)


def _cut(path: Path) -> StoreError:
    return StoreError(tr("{path} is cut short or damaged: copy it again, or run the experiment again.", path=path))


def _foreign(path: Path) -> StoreError:
    return StoreError(
        tr("{path} is not a recording of the workbench. Recordings are written by recording.save(path).", path=path)
    )
