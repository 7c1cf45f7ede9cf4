"""The simulated Telegram refuses what Telegram refuses."""

from collections.abc import AsyncIterator

import pytest
from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import (
    TelegramBadRequest,
    TelegramConflictError,
    TelegramForbiddenError,
    TelegramUnauthorizedError,
)
from aiogram.types import (
    BufferedInputFile,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    Message,
    MessageEntity,
    ReplyParameters,
)
from aiohttp import ClientSession

from tests.simulators.telegram import ANNA, GROUP, TelegramSimulator

CHAT = ANNA.id


@pytest.fixture
async def bot(telegram: TelegramSimulator) -> AsyncIterator[Bot]:
    session = AiohttpSession(api=TelegramAPIServer.from_base(telegram.url))
    async with Bot(telegram.token, session) as bot:
        telegram.say("/start")
        yield bot


@pytest.mark.parametrize("text", ["", " \n", "x" * 4097, "🙂" * 2049])
async def test_a_text_of_wrong_length_is_refused(bot: Bot, text: str) -> None:
    with pytest.raises(TelegramBadRequest):
        await bot.send_message(CHAT, text)


async def test_a_text_looks_as_it_was_sent(bot: Bot, telegram: TelegramSimulator) -> None:
    await bot.send_message(CHAT, '{"a": [1]}')
    assert (await telegram.next_message())["text"] == '{"a": [1]}'


async def test_entities_stay_inside_the_text(bot: Bot) -> None:
    await bot.send_message(CHAT, "🙂", entities=[MessageEntity(type="bold", offset=0, length=2)])
    with pytest.raises(TelegramBadRequest):
        await bot.send_message(CHAT, "🙂", entities=[MessageEntity(type="bold", offset=0, length=3)])


async def test_only_chats_that_know_the_bot_are_open(bot: Bot, telegram: TelegramSimulator) -> None:
    with pytest.raises(TelegramBadRequest):
        await bot.send_message(999, "hello")
    telegram.world.blocked.add(CHAT)
    with pytest.raises(TelegramForbiddenError):
        await bot.send_message(CHAT, "hello")


async def test_a_reply_needs_its_message_or_the_permission_to_go_without(bot: Bot) -> None:
    gone = ReplyParameters(message_id=12345)
    with pytest.raises(TelegramBadRequest):
        await bot.send_message(CHAT, "hello", reply_parameters=gone)
    gone = ReplyParameters(message_id=12345, allow_sending_without_reply=True)
    assert (await bot.send_message(CHAT, "hello", reply_parameters=gone)).reply_to_message is None


async def test_a_message_is_edited_and_deleted(bot: Bot, telegram: TelegramSimulator) -> None:
    sent = await bot.send_message(CHAT, "one")
    await sent.edit_text("two")
    assert (await telegram.next_message())["text"] == "two"
    with pytest.raises(TelegramBadRequest, match="not modified"):
        await sent.edit_text("two")
    await sent.delete()
    with pytest.raises(TelegramBadRequest, match="not found"):
        await sent.delete()


async def test_a_pressed_button_is_answered_once(bot: Bot, telegram: TelegramSimulator) -> None:
    button = InlineKeyboardButton(text="Yes", callback_data="yes")
    await bot.send_message(CHAT, "?", reply_markup=InlineKeyboardMarkup(inline_keyboard=[[button]]))
    telegram.press(await telegram.next_message(), "Yes")
    query = (await bot.get_updates())[-1].callback_query
    assert query
    assert query.data == "yes"
    assert isinstance(query.message, Message)
    await query.answer()
    with pytest.raises(TelegramBadRequest):
        await query.answer()


async def test_files_go_both_ways(bot: Bot, telegram: TelegramSimulator) -> None:
    await bot.send_document(CHAT, BufferedInputFile(b"content", "a.txt"))
    document = (await telegram.next_message())["document"]
    downloaded = await bot.download(document["file_id"])
    assert downloaded
    assert downloaded.read() == b"content"


async def test_a_draft_lasts_until_the_message(bot: Bot, telegram: TelegramSimulator) -> None:
    await bot.send_message_draft(CHAT, 7, text="hel")
    assert telegram.world.drafts[CHAT] == {"draft_id": 7, "text": "hel", "can_stop": False}
    await bot.send_message(CHAT, "hello")
    assert CHAT not in telegram.world.drafts
    telegram.say("hello", chat=GROUP)
    with pytest.raises(TelegramBadRequest):
        await bot.send_message_draft(GROUP["id"], 7, text="hel")


async def test_an_update_stays_until_it_is_confirmed(bot: Bot, telegram: TelegramSimulator) -> None:
    (first,) = await bot.get_updates()
    telegram.say("second")
    both = await bot.get_updates(first.update_id)
    assert [update.update_id for update in both] == [first.update_id, first.update_id + 1]
    assert len(await bot.get_updates(first.update_id)) == 1, "asked again too soon, it shows only one"
    assert [update.message.text for update in await bot.get_updates(first.update_id + 1) if update.message]
    assert len(telegram.world.updates) == 1


async def test_only_wanted_updates_are_kept(bot: Bot, telegram: TelegramSimulator) -> None:
    (first,) = await bot.get_updates()
    await bot.get_updates(first.update_id + 1, timeout=0, allowed_updates=["callback_query"])
    telegram.say("unwanted")
    assert not telegram.world.updates


async def test_a_webhook_excludes_polling(bot: Bot, telegram: TelegramSimulator) -> None:
    telegram.world.webhook = {"url": "https://bot.example.org", "secret": ""}
    with pytest.raises(TelegramConflictError):
        await bot.get_updates()


async def test_a_wrong_token_is_refused(telegram: TelegramSimulator) -> None:
    session = AiohttpSession(api=TelegramAPIServer.from_base(telegram.url))
    async with Bot("987654321:wrong", session) as bot:
        with pytest.raises(TelegramUnauthorizedError):
            await bot.get_me()


async def test_a_person_can_drive_it_by_hand(telegram: TelegramSimulator, bot: Bot) -> None:
    async with ClientSession(telegram.url) as http:
        await http.post("/people/say", data='{"text": "hello", "user_id": 43, "language": "ru"}')
        await http.post("/faults", data='{"method": "sendMessage", "code": 400}')
        with pytest.raises(TelegramBadRequest):
            await bot.send_message(43, "hello")
        assert await (await http.get("/people/next?chat=43")).json() is None
        await bot.send_message(43, "hello")
        assert (await (await http.get("/people/next?chat=43")).json())["text"] == "hello"
        journal = await (await http.get("/journal")).json()
    assert [call["status"] for call in journal] == [400, 200]
