"""A Dask cluster for sweeps larger than one machine; optional, the extra `batch` brings Dask."""

from __future__ import annotations

from typing import Any

from workbench.errors import WorkbenchError
from workbench.words import tr

__all__ = ["connect"]


def connect(address: str) -> Any:
    """A client of the scheduler at `address`, such as tcp://node01:8786; raises WorkbenchError when none answers."""
    try:
        from dask.distributed import Client
    except ImportError:
        raise WorkbenchError(tr("Dask is not installed: `pip install neuromorphic-workbench[batch]`.")) from None
    try:
        return Client(address, timeout=10)
    except (OSError, ValueError) as error:
        raise WorkbenchError(
            tr("No Dask scheduler answers at {address}: {what}.", address=address, what=error)
        ) from None
