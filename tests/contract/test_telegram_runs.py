"""Runs as a person in Telegram has them, with nothing simulated between Telegram and the model."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from backend.database import Database
from backend.jobs import Job
from backend.local import Child
from tests.processes import WorkerProcess, until
from tests.simulators.provider import Behaviour, Call, Provider
from tests.simulators.provider_scenes import CHAT, Scene, plays
from tests.simulators.provider_tools import CallsTool
from tests.simulators.telegram import ANNA, GROUP, IVAN, TelegramSimulator
from tests.simulators.telegram_calls import Fault
from tests.simulators.telegram_world import Json

AGENT = """
insert into agents (slug, name, description, instructions, skills)
values ('clerk', 'Clerk', 'Keeps notes.', 'Keep notes.', '{filesystem}')
"""
PICTURE = """
insert into run_files (run_id, name, media_type, size, content)
select id, 'page.png', 'image/png', 3, 'png' from agent_runs
"""
ASKS = CallsTool("CLERK", {"task": "Write the note", "why": "asks for a note"})
WRITES = CallsTool("filesystem_write", {"path": "note.txt", "content": "Milk\n"})
CHANGES = "select count(*) as times from skill_calls where skill = 'filesystem_write' and state = 'done'"
REPEATED = "select repeated from deliveries where kind = 'confirmation'"


@dataclass(frozen=True, slots=True)
class Held:
    """Does something once its gate is open."""

    gate: asyncio.Event
    then: Behaviour

    async def perform(self, request: web.Request, call: Call) -> web.StreamResponse:
        await self.gate.wait()
        return await self.then.perform(request, call)


@pytest.fixture(autouse=True)
async def clerk(
    bot: None, everybodys_worker: WorkerProcess, db: Database, provider: Provider, desk: Path
) -> AsyncIterator[None]:
    """An agent that writes a note when it is asked to, and a worker."""
    await everybodys_worker.revive()
    await db.run(AGENT)
    provider.rule = plays(Scene("note", ASKS, by=CHAT), Scene("note", WRITES, "The note is written."))
    yield
    await db.run("delete from agents where slug = 'clerk'")


@pytest.fixture
def desk(environment: dict[str, str]) -> Iterator[Path]:
    """Where notes are kept; afterwards there are none."""
    folder = Path(environment["WORKSPACES"])
    yield folder
    for note in folder.rglob("note.txt"):
        note.unlink()


def notes(desk: Path) -> list[str]:
    return [note.read_text() for note in desk.rglob("note.txt")]


async def seen(telegram: TelegramSimulator, words: str, chat: int = ANNA.id) -> Json:
    """A message of the bot, once it shows these words."""

    def found() -> Json:
        messages = telegram.world.messages.get(chat, {}).values()
        told = [message for message in messages if message["from"] == telegram.world.me]
        return next((message for message in told if words in message.get("text", "")), {})

    return await telegram.world.until(found, 60)


async def toast(telegram: TelegramSimulator, times: int = 1) -> str:
    """What the newest press was answered with."""
    return str((await telegram.until_called("answerCallbackQuery", times))[-1].arguments["text"])


def labels(message: Json) -> list[str]:
    markup = message.get("reply_markup") or {}
    return [button["text"] for row in markup.get("inline_keyboard", ()) for button in row]


async def asked_for_a_note(telegram: TelegramSimulator, **chat: Any) -> Json:
    """The question that comes of it, as it was when it came."""
    telegram.say("@test_bot a note, please" if chat else "A note, please", **chat)
    place = chat["chat"]["id"] if chat else ANNA.id
    assert "⏹ Stop" in labels(await seen(telegram, "Waiting for your answer", place))
    return dict(await seen(telegram, "May I do this?", place))


async def test_a_person_asks_confirms_twice_and_it_is_done_once(
    telegram: TelegramSimulator, db: Database, desk: Path
) -> None:
    question = await asked_for_a_note(telegram)
    assert "note.txt" in question["text"]
    assert "+Milk" in question["text"]
    assert not notes(desk)
    telegram.press(question, "✅ Confirm")
    assert await toast(telegram) == "✅ Confirmed"
    telegram.press(question, "✅ Confirm")
    assert await toast(telegram, 2) == "This was confirmed already."
    result = await seen(telegram, "The note is written.")
    assert result["message_id"] > question["message_id"]
    assert labels(await seen(telegram, "✅ Confirmed")) == []
    assert labels(await seen(telegram, "✅ Done")) == []
    assert (await db.run(CHANGES))[0]["times"] == 1
    assert notes(desk) == ["Milk\n"]
    telegram.say("/pending")
    await seen(telegram, "Nothing is waiting")


async def test_cancelled_nothing_is_done_and_the_result_says_so(telegram: TelegramSimulator, desk: Path) -> None:
    telegram.press(await asked_for_a_note(telegram), "🚫 Cancel")
    await seen(telegram, "🚫 Cancelled: not done")
    assert "cancelled" in (await seen(telegram, "Not done:"))["text"]
    assert labels(await seen(telegram, "⏹ Stopped")) == []
    assert not notes(desk)


async def test_what_nobody_answers_expires_and_a_late_tap_changes_nothing(
    telegram: TelegramSimulator, db: Database, everybodys_worker: WorkerProcess, desk: Path
) -> None:
    question = await asked_for_a_note(telegram)
    await db.run("update confirmations set expires_at = now()")
    telegram.press(question, "✅ Confirm")
    assert "Too late" in await toast(telegram)
    await everybodys_worker.ring(Job.SWEEP)
    await seen(telegram, "⌛ No answer in time: not done")
    assert "nobody confirmed it in time" in (await seen(telegram, "Not done:"))["text"]
    assert not notes(desk)


async def test_a_command_confirms_and_always_is_listed_and_taken_back(
    telegram: TelegramSimulator, db: Database
) -> None:
    question = await asked_for_a_note(telegram)
    telegram.press(question, "✅ Always here (24 h)")
    await seen(telegram, "allowed in this chat for 24 hours")
    await seen(telegram, "The note is written.")
    telegram.say("/pending")
    listed = await seen(telegram, "Allowed without asking")
    telegram.press(listed, next(label for label in labels(listed) if label.startswith("↩️")))
    assert await toast(telegram, 2) == "From now on I ask again."
    assert not await db.run("select from grants")
    telegram.say("Another note, please")
    await telegram.world.until(lambda: len(questions(telegram)) > 1, 60)
    number = max(await numbers(db))
    telegram.say(f"/confirm_{number}")
    await until(lambda: db.run("select from agent_runs where status = 'completed' offset 1"))
    assert [row["answered_via"] for row in await db.run("select answered_via from confirmations order by id")] == [
        "button",
        "command",
    ]


def questions(telegram: TelegramSimulator) -> list[Json]:
    messages = telegram.world.messages[ANNA.id].values()
    return [message for message in messages if "✋ May I do this?" in message.get("text", "")]


async def numbers(db: Database) -> list[int]:
    return [row["id"] for row in await db.run("select id from confirmations")]


async def test_in_a_group_others_may_neither_answer_nor_stop(telegram: TelegramSimulator, db: Database) -> None:
    asked = await asked_for_a_note(telegram, chat=GROUP)
    card = await seen(telegram, "Waiting for your answer", GROUP["id"])
    for times, (message, label) in enumerate(((asked, "✅ Confirm"), (card, "⏹ Stop")), 1):
        telegram.press(message, label, IVAN)
        assert await toast(telegram, times) == "Это кнопка для другого человека."
    telegram.say(f"/confirm_{max(await numbers(db))}@test_bot", chat=GROUP, person=IVAN)
    await seen(telegram, "Такого вопроса к вам больше нет", GROUP["id"])
    assert [row["state"] for row in await db.run("select state from confirmations")] == ["waiting"]
    telegram.press(card, "⏹ Stop")
    await seen(telegram, "(the run was stopped)", GROUP["id"])
    result = await seen(telegram, "Stopped.", GROUP["id"])
    question = next(m for m in telegram.world.messages[GROUP["id"]].values() if "a note, please" in m["text"])
    assert result["reply_to_message"]["message_id"] == question["message_id"]


async def test_stop_ends_the_run(telegram: TelegramSimulator, desk: Path) -> None:
    await asked_for_a_note(telegram)
    telegram.say("/stop")
    await seen(telegram, "(the run was stopped)")
    await seen(telegram, "Stopped.")
    assert not notes(desk)


async def test_a_relay_that_is_killed_shows_afterwards_what_became_of_it(
    telegram: TelegramSimulator, db: Database, everybodys_bot: Child
) -> None:
    question = await asked_for_a_note(telegram)
    everybodys_bot.kill()
    [number] = await numbers(db)
    await db.run("update confirmations set expires_at = now()")
    telegram.press(question, "✅ Confirm")
    everybodys_bot.start()
    assert "Too late" in await toast(telegram)
    assert number
    sent = len(telegram.calls("sendMessage"))
    await db.run("update agent_runs set status = 'cancelled', finished_at = now()")
    await seen(telegram, "⏹ Stopped")
    assert len(telegram.calls("sendMessage")) == sent


async def test_a_picture_comes_before_the_result(telegram: TelegramSimulator, db: Database) -> None:
    question = await asked_for_a_note(telegram)
    await db.run(PICTURE)
    telegram.press(question, "✅ Confirm")
    result = await seen(telegram, "The note is written.")
    [photo] = [message for message in telegram.world.messages[ANNA.id].values() if "photo" in message]
    assert telegram.world.files[photo["photo"][0]["file_id"]] == b"png"
    assert photo["message_id"] < result["message_id"]


async def test_a_relay_that_is_killed_while_it_asks_asks_again_and_it_is_done_once(
    telegram: TelegramSimulator, db: Database, provider: Provider, everybodys_bot: Child
) -> None:
    gate = asyncio.Event()
    provider.rule = plays(Scene("note", ASKS, by=CHAT), Scene("note", Held(gate, WRITES), "The note is written."))
    telegram.say("A note, please")
    await seen(telegram, "▶️ At work")
    telegram.faults = [Fault("sendMessage", after=True, delay=60)]
    gate.set()
    first = dict(await seen(telegram, "May I do this?"))
    everybodys_bot.kill()
    everybodys_bot.start()
    await telegram.world.until(lambda: len(questions(telegram)) > 1, 60)
    assert [row["repeated"] for row in await db.run(REPEATED)] == [1]
    telegram.press(first, "✅ Confirm")
    await seen(telegram, "The note is written.")
    await telegram.world.until(lambda: not any(labels(question) for question in questions(telegram)), 60)
    assert (await db.run(CHANGES))[0]["times"] == 1


def test_numbers_of_questions_fit_a_command() -> None:
    assert re.fullmatch(r"[a-z0-9_]{1,32}", f"confirm_{2**63 - 1}")
