"""`llmbot migrate`."""

from pathlib import Path

from alembic import command
from alembic.config import Config

import migrations
from backend.settings import Settings


def migrate(_: Settings) -> int:
    """Safe to run again, and twice at once: the second one waits."""
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    command.upgrade(config, "head")
    return 0
