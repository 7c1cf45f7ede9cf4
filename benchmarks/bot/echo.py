"""The least that a bot of aiogram's can cost: it says what was said to it.

`TELEGRAM_API_URL=… python -m benchmarks.bot.echo`
"""

import asyncio
import os

from aiogram import Bot, Dispatcher
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.types import Message

from benchmarks.bot.programs import TOKEN

dispatcher = Dispatcher(disable_fsm=True)


@dispatcher.message()
async def echo(message: Message) -> None:
    await message.answer(message.text or "")


async def poll() -> None:
    server = TelegramAPIServer.from_base(os.environ["TELEGRAM_API_URL"])
    await dispatcher.start_polling(Bot(TOKEN, AiohttpSession(api=server)), handle_signals=False)


if __name__ == "__main__":
    with asyncio.Runner() as runner:
        runner.run(poll())
