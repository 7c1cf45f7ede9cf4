"""The folder of the embedded default: its data, its secrets, its logs, and the lock of who works in it."""

import fcntl
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from backend.local.process import CannotStart

# How long the children of a killed supervisor may take to be gone.
LEAVING_SECONDS = 3.0


class AlreadyRunning(CannotStart):
    """Another process works in this folder."""


@dataclass(frozen=True, slots=True)
class DataDir:
    path: Path

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    @property
    def secret(self) -> str:
        """The password of the embedded stores: letters, digits, `-` and `_` only."""
        return (self.path / "secret").read_text()

    @property
    def console_password(self) -> str:
        """What opens the console, where no other password is set."""
        return (self.path / "console-password").read_text()


def with_kept_key(secret_key: str, path: Path) -> str:
    """SECRET_KEY as the programs get it: the keys that are set, and the one of a data folder, if there is one.

    Tokens that were sealed before another key was set can still be opened.
    """
    with suppress(OSError):
        return ",".join(filter(None, (secret_key, (path / "secret-key").read_text())))
    return secret_key


@contextmanager
def opened(path: Path, *, owner: str) -> Iterator[DataDir]:
    """The folder, made when it is not there, and ours alone until the block ends.

    `owner` is what somebody who comes second is told. Raises `AlreadyRunning`, `CannotStart`.
    """
    try:
        data = _made(path.absolute())
        lock = (data.path / "lock").open("a+")
    except OSError as error:
        raise CannotStart(f"{path.absolute()} cannot be used: {error.strerror}.") from error
    with lock:
        if not _taken(lock):
            lock.seek(0)
            raise AlreadyRunning(f"Already running in {data.path}: {lock.read()}.")
        # Children inherit it: after a kill -9 nobody comes in before the last of them is gone. No stale pid file.
        os.set_inheritable(lock.fileno(), True)
        lock.truncate(0)
        lock.write(owner)
        lock.flush()
        yield data


def _taken(lock: TextIO) -> bool:
    deadline = time.monotonic() + LEAVING_SECONDS
    while time.monotonic() < deadline:
        with suppress(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        time.sleep(0.05)
    return False


def _made(path: Path) -> DataDir:
    path.mkdir(parents=True, exist_ok=True)
    path.chmod(0o700)
    (path / "logs").mkdir(mode=0o700, exist_ok=True)
    for name in ("secret", "secret-key", "console-password"):
        if not (path / name).exists():
            _make_secret(path / name)
    return DataDir(path)


def _make_secret(path: Path) -> None:
    new = path.with_name(f"{path.name}.new")
    new.unlink(missing_ok=True)
    with open(os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
        file.write(secrets.token_urlsafe(32))
    new.rename(path)
