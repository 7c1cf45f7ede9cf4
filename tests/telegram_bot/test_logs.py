"""What the relay logs about trouble, with the secrets left out."""

import io
import logging

import pytest
from aiogram.types import Update

from telegram_bot.logs import DiscreetFormatter
from telegram_bot.updates import Updates
from tests.simulators.telegram import TOKEN, TelegramSimulator


def test_a_token_is_blotted_out_though_nobody_named_it() -> None:
    record = logging.LogRecord("test", logging.INFO, "", 1, "calling bot%s/getMe", (TOKEN,), None)
    assert DiscreetFormatter([]).format(record).endswith("calling bot***/getMe")


def test_a_secret_is_blotted_out_even_in_a_traceback() -> None:
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(DiscreetFormatter([TOKEN, ""]))
    logger = logging.Logger("test")
    logger.addHandler(handler)
    try:
        raise ValueError(f"https://api.telegram.org/bot{TOKEN}/getMe")
    except ValueError:
        logger.exception("calling %s", TOKEN)
    assert TOKEN not in written.getvalue()
    assert "bot***/getMe" in written.getvalue()


async def test_an_unexpected_error_is_logged_without_what_was_written(
    telegram: TelegramSimulator, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(update: Update, about: object) -> None:
        raise ValueError(update)

    updates = Updates(fail, fail)
    message = telegram.say("a secret question")
    updates.begin(Update.model_validate({"update_id": 7, "message": message}))
    await updates.finish(5)
    assert updates.offset() == 8
    assert "ValueError" in caplog.text
    assert "secret" not in caplog.text
