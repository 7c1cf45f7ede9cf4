"""Who this process is for the backend: the same as the one that it follows here, whose leases it so holds at once."""

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from uuid import UUID, uuid4


@contextmanager
def identity(backend_url: str, folder: Path | None = None) -> Iterator[str]:
    """The id in a file that nobody else holds, or a new one.

    Whoever gets the file's lock knows that its former holder is dead: the kernel releases the lock of a process that
    ends. A second relay on this machine does not get it, and takes an id of its own.
    """
    descriptor = _open(folder or _folder(), backend_url)
    if descriptor is None:
        yield str(uuid4())
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield _id_in(descriptor)
    except BlockingIOError:
        yield str(uuid4())
    finally:
        os.close(descriptor)


def _folder() -> Path:
    return Path(tempfile.gettempdir()) / f"llmbot-{os.getuid()}"


def _open(folder: Path, backend_url: str) -> int | None:
    """The file's descriptor; None where there can be none that is ours alone."""
    name = f"relay-{sha256(backend_url.encode()).hexdigest()[:16]}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        there = folder.lstat()
        if there.st_uid != os.getuid() or folder.is_symlink() or there.st_mode & 0o077:
            return None
        return os.open(folder / name, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError:
        return None


def _id_in(descriptor: int) -> str:
    try:
        return str(UUID(os.pread(descriptor, 64, 0).decode()))
    except ValueError:
        new = str(uuid4())
        os.truncate(descriptor, 0)
        os.pwrite(descriptor, new.encode(), 0)
        return new
