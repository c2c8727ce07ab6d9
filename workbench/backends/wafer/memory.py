"""What a run will need and what this machine has, asked before anything is allocated."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

__all__ = ["available"]


def available() -> int:
    """Bytes a process may still take: what the system says is free or can be freed, less where a limit is set on this process."""
    found = [_free()]
    for limit, used in (
        ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
        ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes"),
    ):
        with suppress(OSError, ValueError):
            found.append(int(Path(limit).read_text()) - int(Path(used).read_text()) + _cached(Path(limit).parent))
    with suppress(ImportError, OSError, ValueError):
        import resource  # noqa: PLC0415  not on every system

        soft, _ = resource.getrlimit(resource.RLIMIT_AS)
        if soft != resource.RLIM_INFINITY:
            pages = int(Path("/proc/self/statm").read_text().split()[0])
            found.append(soft - pages * resource.getpagesize())
    return max(0, min(found))


def _free() -> int:
    with suppress(OSError, ValueError, IndexError):
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    with suppress(AttributeError, OSError, ValueError):
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return 2**62  # nobody says: let the system refuse


def _cached(group: Path) -> int:
    """File pages of a control group, which it gives back when asked."""
    with suppress(OSError, ValueError, IndexError):
        for line in (group / "memory.stat").read_text().splitlines():
            if line.startswith(("inactive_file ", "total_inactive_file ")):
                return int(line.split()[1])
    return 0
