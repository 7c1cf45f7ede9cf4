"""`llmbot up`: everything of the product on this machine, until Ctrl-C."""

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from backend.local.address import Address
from backend.local.banner import banner
from backend.local.data_dir import DataDir, opened, with_kept_key
from backend.local.process import CannotStart, Program
from backend.local.stores import Store, postgres_store, valkey_store
from backend.local.supervisor import StopAsked, Supervisor, say
from backend.settings import Settings


@dataclass(frozen=True, slots=True)
class Programs:
    """What runs on the stores: first the migrations, to their end, then the services, for good."""

    migrations: Program
    services: tuple[Program, ...]


ProgramsOf = Callable[[Address, DataDir, Mapping[str, str]], Programs]


def product(address: Address, data: DataDir, environment: Mapping[str, str]) -> Programs:
    """The product's own programs. The bot process waits for bots to appear."""
    python = sys.executable
    told = {"BACKEND_URL": address.url, **environment}
    told = {name: told[name] for name in ("BACKEND_URL", "DATABASE_URL", "REDIS_URL", "SECRET_KEY")}
    told["PYTHONUNBUFFERED"] = "1"
    console = {"CONSOLE_PASSWORD": environment["CONSOLE_PASSWORD"]}  # only the backend lets people in
    worker = f"{python} -m celery -A backend.worker.app worker --without-gossip --without-mingle".split()
    beat = ("-B", "-s", str(data.path / "celerybeat-schedule"))
    browses = find_spec("playwright") is not None
    queues = ("--queues", "high,default,low") if browses else ()

    migrations = Program("migrations", (str(Path(python).with_name("llmbot")), "migrate"), told)
    services = (
        Program("backend", (python, "-m", "backend.api"), told | console, ready=lambda: answers(address)),
        # People wait for the backend, nobody for the worker: it yields.
        Program("worker", ("nice", "-n", "5", *worker, *queues, *beat), told),
        Program("bot", (python, "-m", "telegram_bot"), told),
    )
    # An open page is in one process, where all that a step does with it has to come.
    alone = ("--queues", "browser", "--concurrency", "1")
    browser = (Program("browser", ("nice", "-n", "5", *worker, *alone), told),) if browses else ()
    return Programs(migrations, services + browser)


def answers(address: Address) -> bool:
    return address.get("/health") is not None


def run(settings: Settings, environment: Mapping[str, str], data_dir: Path, programs: ProgramsOf = product) -> int:
    """Runs until it is asked to stop, and returns the exit code; everything it says goes to the terminal.

    `environment` is that of the process and of `.env`: a store that it names is not embedded.
    """
    address = Address(settings.host, settings.port)
    try:
        with opened(data_dir, owner=f"process {os.getpid()}, {address.url}") as data:
            address.check_free()
            environment = _with_secrets(environment, data)
            with Supervisor(data.logs) as supervisor:
                _start(supervisor, address, data, environment, programs)
                say(banner(address, data, environment))
                supervisor.keep()
    except (StopAsked, KeyboardInterrupt):
        say("Stopped.")
        return 0
    except CannotStart as reason:
        say(str(reason))
        return 1
    except OSError as error:
        say(f"It cannot run: {error.strerror} ({error.filename or data_dir}).")
        return 1


def _with_secrets(environment: Mapping[str, str], data: DataDir) -> dict[str, str]:
    """What seals and opens, as all programs get it: what is set, and what was made for this folder."""
    return {
        **environment,
        "SECRET_KEY": with_kept_key(environment.get("SECRET_KEY", ""), data.path),
        "CONSOLE_PASSWORD": environment.get("CONSOLE_PASSWORD", "") or data.console_password,
    }


def _start(
    supervisor: Supervisor,
    address: Address,
    data: DataDir,
    environment: Mapping[str, str],
    programs: ProgramsOf,
) -> None:
    say(f"Starting LLM Bot Core; its data is in {data.path}.")
    stores = _stores(data, environment)
    if stores:
        _announce(*(store.program for store in stores.values()))
        supervisor.start(*(store.program for store in stores.values()))
    urls = {name: store.url for name, store in stores.items()}
    ours = programs(address, data, {**environment, **urls})
    _announce(ours.migrations)
    supervisor.complete(ours.migrations)
    _announce(*ours.services)
    supervisor.start(*ours.services)


def _stores(data: DataDir, environment: Mapping[str, str]) -> dict[str, Store]:
    """The embedded stores by the variable that tells of them: those that the environment does not name."""
    stores = {}
    if not environment.get("DATABASE_URL"):
        stores["DATABASE_URL"] = postgres_store(data, say)
    if not environment.get("REDIS_URL"):
        stores["REDIS_URL"] = valkey_store(data)
    return stores


def _announce(*programs: Program) -> None:
    say(f"  {', '.join(program.name for program in programs)} …")
