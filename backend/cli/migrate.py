"""`llmbot migrate`."""

import asyncio
import sys
from pathlib import Path

from alembic import command
from alembic.config import Config
from asyncpg import PostgresError

import migrations
from backend.bootstrap import open_bots
from backend.bots import BotNotFound, TokenInUse
from backend.database import Database
from backend.errors import Problem
from backend.settings import Settings

# Who has one bot puts its token into .env, and needs no command.
ONLY_BOT = "default"


def migrate(settings: Settings) -> int:
    """Safe to run again, and twice at once: the second one waits."""
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    try:
        command.upgrade(config, "head")
    except (OSError, PostgresError) as error:
        print(f"The database does not answer ({type(error).__name__}): check DATABASE_URL.")
        return 1
    return _adopt(settings) if settings.bot_token.get_secret_value() else 0


def _adopt(settings: Settings) -> int:
    """Gives the token of the settings to the one bot that is always there."""
    with asyncio.Runner() as runner:
        try:
            runner.run(_give_token(settings))
        except BotNotFound:
            print(f"There is no bot {ONLY_BOT!r} any more: BOT_TOKEN is not used.")
        except TokenInUse:
            print(f"BOT_TOKEN belongs to another bot than {ONLY_BOT!r}, and stays there.")
        except Problem as problem:
            print(f"BOT_TOKEN: {problem}", file=sys.stderr)
            return 1
    return 0


async def _give_token(settings: Settings) -> None:
    token = settings.bot_token.get_secret_value().strip()
    async with Database(settings.database_url.get_secret_value()) as db:
        if await open_bots(settings, db).adopt(ONLY_BOT, token):
            print(f"The bot {ONLY_BOT!r} has the token of BOT_TOKEN now.")
