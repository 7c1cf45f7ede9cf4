"""llmbot: the commands of an administrator."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from pydantic import ValidationError

from backend.cli.doctor import examine
from backend.cli.migrate import migrate
from backend.cli.talk import talk
from backend.local import run
from backend.settings import Settings, environment

Command = Callable[[Settings], int]

DATA = Path(".local")


def main() -> None:
    """Exit status 0 if all is well; 1, with a sentence, if something is not."""
    parser = argparse.ArgumentParser(prog="llmbot", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, perform, told in COMMANDS:
        commands.add_parser(name, help=told, description=told).set_defaults(perform=perform)
    command: Command = parser.parse_args().perform
    try:
        settings = Settings()
    except ValidationError as error:
        sys.exit("\n".join(f"{'.'.join(map(str, one['loc'])).upper()}: {one['msg']}" for one in error.errors()))
    try:
        sys.exit(command(settings))
    except KeyboardInterrupt:
        sys.exit(130)


def _up(settings: Settings) -> int:
    return run(settings, environment(), DATA)


COMMANDS: tuple[tuple[str, Command, str], ...] = (
    ("up", _up, "Start everything on this machine: database, broker, backend, worker, and the bot if it has a token."),
    ("chat", talk, "Talk with the bot in this terminal."),
    ("doctor", examine, "Look at every part, and say what to do about what fails."),
    ("migrate", migrate, "Bring the database to the newest schema."),
)
