"""llmbot: the commands of an administrator."""

import argparse
import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from pydantic import SecretStr, ValidationError

from backend.cli import agents, bots, runs
from backend.cli.doctor import examine
from backend.cli.memory import check, forget, rebuild, repair
from backend.cli.migrate import migrate
from backend.cli.talk import talk
from backend.local import run, running_postgres, with_kept_key
from backend.settings import Settings, environment

Command = Callable[[Settings], int]

DATA = Path(".local")
BOTS = "Look after the bots in Telegram: add them, start and stop them, see how they fare."
AGENTS = "Look after the agents: who there is, and who is offered."
RUNS = "Look at what is done in the background, or stop it."
MEMORY = "Look at what semantic memory holds, or have a person forgotten."


def main() -> None:
    """Exit status 0 if all is well; 1, with a sentence, if something is not."""
    parser = argparse.ArgumentParser(prog="llmbot", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, perform, told in COMMANDS:
        commands.add_parser(name, help=told, description=told).set_defaults(perform=perform)
    bots.add_bots(commands.add_parser("bots", help=BOTS, description=BOTS))
    agents.add_agents(commands.add_parser("agents", help=AGENTS, description=AGENTS))
    runs.add_runs(commands.add_parser("runs", help=RUNS, description=RUNS))
    _add_memory(commands.add_parser("memory", help=MEMORY, description=MEMORY))
    asked = parser.parse_args()
    try:
        settings = _settings()
    except ValidationError as error:
        sys.exit("\n".join(f"{'.'.join(map(str, one['loc'])).upper()}: {one['msg']}" for one in error.errors()))
    try:
        sys.exit(_chosen(asked)(settings))
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:  # `… | head` has seen enough; what is left to be written goes nowhere
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)


def _chosen(asked: argparse.Namespace) -> Command:
    if "work" in asked:
        return partial(asked.perform, asked=asked)
    command: Command = asked.perform or partial(forget, user_id=asked.user, bot=asked.bot)
    return command


def _settings() -> Settings:
    """As everybody reads them, with the key of the `make run` in this folder, and its database if no other is set."""
    settings, running = Settings(), running_postgres(DATA)
    keys = with_kept_key(settings.secret_key.get_secret_value(), DATA)
    settings = settings.model_copy(update={"secret_key": SecretStr(keys)})
    if running and "DATABASE_URL" not in environment():
        return settings.model_copy(update={"database_url": SecretStr(running)})
    return settings


def _add_memory(parser: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    told = "Compare what should be indexed with what is; exit status 1 if these differ."
    checking = commands.add_parser("check", help=told, description=told)
    checking.set_defaults(perform=check)
    told = "Delete vectors of nothing, and have missing ones made."
    checking.add_argument("--repair", dest="perform", action="store_const", const=repair, help=told)
    told = "Delete everything that is kept of a person, look for it, and print the receipt."
    forgetting = commands.add_parser("forget", help=told, description=told)
    forgetting.add_argument("--user", required=True, type=_id, help="the person's id, as messages name it")
    forgetting.add_argument("--bot", help="only by this bot")
    forgetting.set_defaults(perform=None)  # it needs to know whom


def _id(written: str) -> str:
    """Nobody's id is empty: it would mean the documents that are everybody's."""
    if not written:
        raise argparse.ArgumentTypeError("must not be empty")
    return written


def _up(settings: Settings) -> int:
    return run(settings, environment(), DATA)


COMMANDS: tuple[tuple[str, Command, str], ...] = (
    ("up", _up, "Start everything on this machine: database, broker, backend, worker, and the bot process."),
    ("chat", talk, "Talk with the bot in this terminal."),
    ("doctor", examine, "Look at every part, and say what to do about what fails."),
    (
        "reindex",
        rebuild,
        "Build a new vector index with the EMBEDDINGS of the settings, and switch to it when it is whole.",
    ),
    ("migrate", migrate, "Bring the database to the newest schema."),
)
