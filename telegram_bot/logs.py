"""What the process says about itself, without the secrets it holds."""

import logging
import re
from collections.abc import Iterable

LINE = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"
# A URL inside an exception holds the token: https://core.telegram.org/bots/api#authorizing-your-bot
TOKEN = re.compile(r"\d+:[A-Za-z0-9_-]{16,}")


class DiscreetFormatter(logging.Formatter):
    """Blots out secrets and tokens wherever they come from."""

    def __init__(self, secrets: Iterable[str]) -> None:
        super().__init__(LINE)
        self._secrets = [secret for secret in secrets if secret]

    def format(self, record: logging.LogRecord) -> str:
        line = TOKEN.sub("***", super().format(record))
        for secret in self._secrets:
            line = line.replace(secret, "***")
        return line


def configure_logs(level: str, secrets: Iterable[str]) -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(DiscreetFormatter(secrets))
    logging.basicConfig(level=level, handlers=[handler])
    logging.getLogger("aiogram").setLevel(logging.WARNING)
