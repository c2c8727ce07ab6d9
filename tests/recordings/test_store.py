"""A recording comes back from its file equal to the last bit; a file that cannot be used says why; nothing is left half-written."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import h5netcdf
import numpy as np
import pytest
import xarray as xr

from workbench.errors import StoreError
from workbench.recordings import files
from workbench.recordings.ledger import Ledger
from workbench.recordings.placement import CoreUse, Placement, StepCost
from workbench.recordings.prices import Citation, Price
from workbench.recordings.recording import Recording
from workbench.recordings.spikes import Spikes


def recording(neurons: int = 50, fired: int = 5000) -> Recording:
    """A recording with something in every corner: odd floats, names with dots, text coordinates, Chinese."""
    rng = np.random.default_rng(0)
    spikes = Spikes(np.sort(rng.integers(0, 10_000, fired)), rng.integers(0, neurons, fired).astype(np.int32), 1e-4)
    trace = xr.DataArray(
        rng.standard_normal((100, 3)) * 1e-3,
        dims=("time", "neuron"),
        coords={"time": np.arange(100) * 1e-4, "neuron": np.array([0, 5, 7])},
        attrs={"units": "V"},
        name="E.v",
    )
    named = xr.DataArray(
        np.array([[1.0, np.nan]]),
        dims=("time", "neuron"),
        coords={"time": [0.1], "neuron": ["AVAL", "神经"]},
        name="I.v",
    )
    ledger = Ledger(
        counts=rng.integers(0, 2**40, (2, 3, 2)),
        windows=np.array([0.0, 0.5, 1.0]),
        places=("core 0", "core 1", "router"),
        events=("spike", "hop"),
        timing="barrier",
        chip_times=np.array([0.1, 0.2]),
        prices={
            "spike": Price(1.1e-12, 3e-9, Citation("published", "Davies 2018")),
            "hop": Price(0.1 + 0.2 - 0.3, 0.0, Citation("assumed", "é")),
        },
    )
    core = CoreUse("core 0", (1, 2), {"neurons": (50, 1024), "synapses": (5000, 131072)})
    return Recording(
        spikes={"E": spikes, "quiet one": Spikes(np.zeros(0, np.int64), np.zeros(0, np.int32), 1e-4)},
        sizes={"E": neurons, "quiet one": 4},
        counts={"E": fired, "quiet one": 12},
        traces={"E.v": trace, "I.v": named},
        ledger=ledger,
        placement=Placement(
            cores=(core,),
            core_of=np.zeros(54, np.int32),
            losses=("3 weights were clipped.",),
            mesh=(8, 4),
            costs=(StepCost("place", "hilbert", 30.0, 70.0, 0.1 + 0.2, 9.0, 1.7e-9),),
        ),
        experiment={"seed": 3, "note": "ä" * 100_000},
        dt=1e-4,
        duration=1.0,
        begins=0.1,
        trial=2,
        backend="event",
        notes=("12 spikes not kept",),
    )


def assert_equal(a: Recording, b: Recording) -> None:
    assert a.spikes == b.spikes and a.sizes == b.sizes and a.counts == b.counts
    assert {n: s.steps.dtype for n, s in b.spikes.items()} == {n: np.dtype(np.int64) for n in a.spikes}
    assert list(a.traces) == list(b.traces)
    for name, trace in a.traces.items():
        xr.testing.assert_identical(trace, b.traces[name])
    assert (
        np.array_equal(a.ledger.counts, b.ledger.counts)
        and a.ledger.prices == b.ledger.prices
        and a.ledger.total == b.ledger.total
    )
    assert (a.ledger.places, a.ledger.events, a.ledger.timing) == (b.ledger.places, b.ledger.events, b.ledger.timing)
    assert np.array_equal(a.ledger.windows, b.ledger.windows) and np.array_equal(
        a.ledger.chip_times, b.ledger.chip_times
    )
    assert a.placement.cores == b.placement.cores and np.array_equal(a.placement.core_of, b.placement.core_of)
    assert (a.placement.losses, a.placement.mesh) == (b.placement.losses, b.placement.mesh)
    assert a.placement.costs == b.placement.costs
    for name in ("experiment", "dt", "duration", "begins", "trial", "backend", "arithmetic", "notes"):
        assert getattr(a, name) == getattr(b, name), name


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    return recording().save(tmp_path / "run.nc")


def test_a_recording_comes_back_equal(stored: Path) -> None:
    assert_equal(recording(), Recording.load(stored))


def test_saving_again_replaces_the_old_file_and_leaves_no_other(stored: Path) -> None:
    recording(fired=10).save(stored)
    assert Recording.load(stored).counts["E"] == 10
    assert [p.name for p in stored.parent.iterdir()] == ["run.nc"]


def test_xarray_reads_it_without_us(stored: Path) -> None:
    with xr.open_dataset(stored, engine="h5netcdf", group="/traces/E.v") as trace:
        assert trace["value"].dims == ("time", "neuron") and trace["value"].attrs["units"] == "V"
    with xr.open_dataset(stored, engine="h5netcdf", group="/spikes/E") as spikes:
        assert spikes["steps"].size == 5000
    with xr.open_datatree(stored, engine="h5netcdf") as whole:
        assert whole["ledger"]["counts"].shape == (2, 3, 2)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"There is no recording .*nowhere\.nc"):
        Recording.load(tmp_path / "nowhere.nc")


@pytest.mark.parametrize("content", [b"time,neuron\n0.1,3\n", b"PK\x03\x04" + b"\0" * 100])
def test_another_kind_of_file_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "table.nc").write_bytes(content)
    with pytest.raises(StoreError, match="is not a recording of the workbench"):
        Recording.load(tmp_path / "table.nc")


def test_somebody_else_s_netcdf_is_refused(tmp_path: Path) -> None:
    xr.Dataset({"temperature": ("x", [1.0])}).to_netcdf(tmp_path / "weather.nc", engine="h5netcdf")
    with pytest.raises(StoreError, match="is not a recording of the workbench"):
        Recording.load(tmp_path / "weather.nc")


def test_a_newer_file_asks_for_an_update(stored: Path) -> None:
    with h5netcdf.File(stored, "a") as opened:
        opened.attrs["workbench_format"] = 7
    with pytest.raises(StoreError, match=r"newer workbench \(format 7; this one reads up to 1\). Update"):
        Recording.load(stored)


@pytest.mark.parametrize("share", [0.0, 0.0001, 0.1, 0.5, 0.9, 0.999])
def test_a_file_cut_short_says_so(stored: Path, share: float) -> None:
    content = stored.read_bytes()
    stored.write_bytes(content[: int(share * len(content))])
    with pytest.raises(StoreError, match="is cut short or damaged"):
        Recording.load(stored)


def test_a_missing_part_says_so(stored: Path) -> None:
    import h5py

    with h5py.File(stored, "a") as opened:
        del opened["spikes/E/neurons"]
    with pytest.raises(StoreError, match="is cut short or damaged"):
        Recording.load(stored)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="there is no folder .*results"):
        recording().save(tmp_path / "results" / "run.nc")


def test_a_full_disk_says_so_and_leaves_the_old_file(stored: Path) -> None:
    """The kernel refuses to write past a limit; the child ignores the signal, as Python does, and gets the error."""
    before = stored.read_bytes()
    code = f"""
import resource, sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from test_store import recording
from workbench.errors import StoreError
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
try:
    recording().save({str(stored)!r})
except StoreError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert "No room to write" in done.stdout and "nothing half-written" in done.stdout, done.stderr
    assert stored.read_bytes() == before and [p.name for p in stored.parent.iterdir()] == ["run.nc"]


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.ENOSPC, "No room to write"),
        (errno.EROFS, "is read-only for you"),
        (errno.EACCES, "is read-only for you"),
        (errno.EIO, "cannot be written: Input/output error"),
    ],
)
def test_what_the_system_refuses_becomes_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, said: str
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("workbench.recordings.files.tempfile.mkstemp", refuse)
    with pytest.raises(StoreError, match=said):
        recording().save(tmp_path / "run.nc")


@pytest.fixture
def as_nobody() -> Iterator[Path]:
    """A folder that exists and may not be written: root may write anywhere, so root becomes nobody for the test."""
    folder = Path(tempfile.mkdtemp())
    recording().save(folder / "first.nc")  # loads all that is needed while it can be read
    (folder / "first.nc").unlink()
    folder.chmod(0o555)
    me = os.geteuid()
    if me == 0:
        os.seteuid(65534)
    try:
        yield folder
    finally:
        os.seteuid(me)
        folder.chmod(0o755)
        shutil.rmtree(folder)


def test_a_read_only_folder_says_so(as_nobody: Path) -> None:
    with pytest.raises(StoreError, match="is read-only for you"):
        recording().save(as_nobody / "run.nc")
    assert not list(as_nobody.iterdir())


def test_an_interrupt_leaves_nothing_half_written(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), files.whole(tmp_path / "run.nc") as part:  # noqa: PT012
        part.write_bytes(b"half")
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []
