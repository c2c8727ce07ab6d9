"""Writing a file whole or not at all, with a sentence for every way in which it cannot be written."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from workbench.errors import StoreError
from workbench.words import tr

__all__ = ["whole", "write"]


@contextmanager
def whole(path: str | Path) -> Iterator[Path]:
    """A temporary name beside `path` that takes its place when the block ends well, and is removed when it does not.

    Raises StoreError for what the operating system refuses: no such folder, read-only, full, not allowed. Ctrl-C inside the
    block leaves the old file, or none.
    """
    target = Path(path)
    try:
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent)
    except OSError as error:
        raise StoreError(_sentence(target, error)) from error
    os.close(handle)
    part = Path(name)
    try:
        yield part
        with open(part, "rb+") as written:  # a full disk may say so only now
            os.fsync(written.fileno())
        os.chmod(part, 0o666 & ~_umask())  # mkstemp makes private files; ours are ordinary
        os.replace(part, target)
    except OSError as error:
        raise StoreError(_sentence(target, error)) from error
    finally:
        with suppress(OSError):
            part.unlink()


def write(path: str | Path, content: bytes) -> Path:
    """Write `content` under `path`, whole or not at all; gives the path."""
    with whole(path) as part:
        part.write_bytes(content)
    return Path(path)


def _sentence(target: Path, error: OSError) -> str:
    number = error.errno
    if number in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return tr(
            "No room to write {path}: the disk is full. Free some space or choose another folder; nothing half-written was left.",
            path=target,
        )
    if number in (errno.EROFS, errno.EACCES, errno.EPERM):
        return tr(
            "{path} cannot be written: the folder {folder} is read-only for you. Choose another folder.",
            path=target,
            folder=target.parent,
        )
    if number in (errno.ENOENT, errno.ENOTDIR):
        return tr(
            "{path} cannot be written: there is no folder {folder}. Make it first.", path=target, folder=target.parent
        )
    if number == errno.EISDIR:
        return tr("{path} cannot be written: it is a folder. Give a file name.", path=target)
    return tr("{path} cannot be written: {what}.", path=target, what=error.strerror or str(error))


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
