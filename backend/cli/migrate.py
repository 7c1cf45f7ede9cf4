"""`llmbot migrate`."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from asyncpg import PostgresError

import migrations
from backend.settings import Settings


def migrate(_: Settings) -> int:
    """Safe to run again, and twice at once: the second one waits."""
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    try:
        command.upgrade(config, "head")
    except (OSError, PostgresError) as error:
        print(f"The database does not answer ({type(error).__name__}): check DATABASE_URL.")
        return 1
    return 0
