"""What a person does beside asking, with nothing simulated between Telegram and the model."""

import asyncio
from dataclasses import asdict
from typing import Any

import pytest
from aiohttp import ClientSession

from backend.database import Database
from tests.processes import PATIENCE_SECONDS, BackendProcess
from tests.simulators.provider import Answer, Provider
from tests.simulators.telegram import ANNA, GROUP, IVAN, TelegramSimulator

pytestmark = pytest.mark.usefixtures("bot")

CHAT = GROUP["id"]


async def change_bot(backend_process: BackendProcess, **changes: Any) -> None:
    headers = {"Authorization": "Bearer first-key"}
    async with (
        ClientSession(backend_process.url, headers=headers) as http,
        http.patch("/v1/bots/default", json=changes) as response,
    ):
        assert response.status == 200, await response.text()


def said(provider: Provider) -> list[str]:
    """What the model was shown of the dialogue at last."""
    return [message["content"] for message in provider.prompts[-1] if message["role"] != "system"]


async def talk(telegram: TelegramSimulator, *texts: str) -> None:
    for text in texts:
        telegram.say(text)
        await telegram.next_message()


async def test_a_dialogue_that_was_closed_goes_on_when_that_is_undone(
    telegram: TelegramSimulator, provider: Provider
) -> None:
    for command in ("/new", "/clear"):
        await talk(telegram, f"before {command}")
        telegram.say(command)
        telegram.press(await telegram.next_message(), "↩️ Undo")
        pressed = (await telegram.until_called("answerCallbackQuery", 1 if command == "/new" else 2))[-1]
        assert "is back" in pressed.arguments["text"]
    await talk(telegram, "after")
    assert said(provider)[::2] == ["before /new", "before /clear", "after"]


async def test_it_is_too_late_once_the_next_dialogue_has_begun(telegram: TelegramSimulator) -> None:
    await talk(telegram, "one")
    telegram.say("/new")
    answer = await telegram.next_message()
    await talk(telegram, "two")
    telegram.press(answer, "↩️ Undo")
    assert "Too late" in (await telegram.until_called("answerCallbackQuery"))[0].arguments["text"]


async def test_stats_and_context_tell_of_this_dialogue(telegram: TelegramSimulator) -> None:
    telegram.say("/context")
    assert "nothing to count" in (await telegram.next_message())["text"]
    await talk(telegram, "one", "two")
    telegram.say("/stats")
    assert ["Messages", "4"] in [line.split() for line in (await telegram.next_message())["text"].splitlines()]
    telegram.say("/context")
    context = (await telegram.next_message())["text"]
    assert "of 16,000 tokens are used" in context
    assert "Word for word: 4 messages" in context
    assert "no summary yet" in context


async def test_a_corrected_message_is_remembered_as_it_reads_now(
    telegram: TelegramSimulator, provider: Provider
) -> None:
    message = telegram.say("my cat is Lna")
    await telegram.next_message()
    telegram.world.add_update("edited_message", message | {"text": "my cat is Luna", "edit_date": 2})
    await telegram.world.until(lambda: not telegram.world.updates, PATIENCE_SECONDS)
    await talk(telegram, "what is she called?")
    assert said(provider)[0] == "my cat is Luna"


async def test_what_is_replied_to_reaches_the_model(telegram: TelegramSimulator, provider: Provider) -> None:
    original = telegram.say("The train leaves at six", chat=GROUP, person=IVAN)
    telegram.say("@test_bot is that true?", chat=GROUP, reply_to_message=original)
    await telegram.next_message(CHAT)
    assert "The train leaves at six" in said(provider)[-1]
    assert "Иван" in said(provider)[-1]
    assert said(provider)[-1].endswith("is that true?")


async def test_an_answer_is_stopped_and_what_was_written_stays(telegram: TelegramSimulator, provider: Provider) -> None:
    provider.will(Answer("never ends", gate=asyncio.Event()))
    telegram.say("go on and on")
    await provider.called()
    telegram.say("/stop")
    assert "Stopped" in (await telegram.next_message())["text"]
    telegram.say("/stop")
    assert "nothing to stop" in (await telegram.next_message())["text"]


async def test_the_owner_lets_somebody_in_by_a_button(
    telegram: TelegramSimulator, backend_process: BackendProcess
) -> None:
    await change_bot(backend_process, access="pairing", owner_id=str(ANNA.id))
    telegram.say("/start")
    await telegram.next_message()
    telegram.say("Можно?", person=IVAN)
    code = (await telegram.next_message(IVAN.id))["text"].partition("под кодом ")[2][:8]
    asked = await telegram.next_message()
    assert "Иван" in asked["text"]
    assert code in asked["text"]
    telegram.press(asked, "Let in")
    assert "впустил" in (await telegram.next_message(IVAN.id))["text"]
    telegram.say("Привет", person=IVAN)
    assert (await telegram.next_message(IVAN.id))["text"] == "You said: Привет"


async def test_who_writes_too_much_is_told_when_to_go_on(
    telegram: TelegramSimulator, backend_process: BackendProcess
) -> None:
    await change_bot(backend_process, messages_per_minute=1)
    await talk(telegram, "one")
    telegram.say("two")
    assert "Please try again in" in (await telegram.next_message())["text"]


async def test_a_group_is_forgotten_by_the_sessions_when_the_bot_leaves(
    telegram: TelegramSimulator, provider: Provider, db: Database
) -> None:
    for person in (ANNA, IVAN):
        telegram.say("@test_bot hello", chat=GROUP, person=person)
        await telegram.next_message(CHAT)
    me = {"user": telegram.world.me}
    change = {"chat": GROUP, "from": asdict(IVAN), "date": 1, "old_chat_member": {"status": "member"} | me}
    telegram.world.add_update("my_chat_member", change | {"new_chat_member": {"status": "left"} | me})
    await telegram.world.until(lambda: not telegram.world.updates, PATIENCE_SECONDS)
    rows = await db.run("select count(*) filter (where is_active) as active, count(*) as kept from chat_sessions")
    assert (rows[0]["active"], rows[0]["kept"]) == (0, 2)
