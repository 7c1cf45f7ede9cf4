"""The sign that somebody is typing."""

from collections.abc import AsyncIterator

import pytest
from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.types import Message

from telegram_bot.sending import typing
from tests.simulators.telegram import Fault, TelegramSimulator


@pytest.fixture
async def bot(telegram: TelegramSimulator) -> AsyncIterator[Bot]:
    session = AiohttpSession(api=TelegramAPIServer.from_base(telegram.url))
    async with Bot(telegram.token, session) as bot:
        yield bot


async def test_typing_is_renewed_until_the_answer_is_there(telegram: TelegramSimulator, bot: Bot) -> None:
    said = telegram.say("hello", message_thread_id=7, is_topic_message=True)
    message = Message.model_validate(said, context={"bot": bot})
    telegram.faults = [Fault("sendChatAction", code=500)]
    async with typing(message, renewal_seconds=0.01):
        calls = await telegram.until_called("sendChatAction", times=3)
    assert calls[-1].arguments == {"chat_id": "42", "action": "typing", "message_thread_id": 7}
    signs = len(telegram.calls("sendChatAction"))
    await bot.get_me()
    assert len(telegram.calls("sendChatAction")) == signs
