"""`python -m telegram_bot`: the relay as a process, ended by SIGTERM or Ctrl-C."""

import asyncio
import signal

from pydantic import ValidationError

from telegram_bot.logs import configure_logs
from telegram_bot.relay import run
from telegram_bot.settings import Settings


def main() -> None:
    try:
        settings = Settings()
    except ValidationError as error:
        raise SystemExit(f"The settings cannot be used: {error}") from None
    configure_logs(settings.log_level, settings.secrets)
    with asyncio.Runner() as runner:
        runner.run(_run_until_signal(settings))


async def _run_until_signal(settings: Settings) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await run(settings, stop)


if __name__ == "__main__":
    main()
