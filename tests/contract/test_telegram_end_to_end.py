"""What a person in Telegram sees, with nothing simulated between Telegram and the model."""

import asyncio

import pytest

from backend.database import Database
from tests.processes import BackendProcess
from tests.simulators.provider import Answer, Fails, Provider
from tests.simulators.telegram import ANNA, GROUP, IVAN, TelegramSimulator

pytestmark = pytest.mark.usefixtures("bot")

TELEGRAMS_LIMIT = 4096


def utf16_length(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


async def test_a_message_is_answered_and_remembered(telegram: TelegramSimulator, provider: Provider) -> None:
    telegram.say("My name is Anna")
    assert (await telegram.next_message())["text"] == "You said: My name is Anna"
    telegram.say("Who am I?")
    await telegram.next_message()
    said = [message["content"] for message in provider.prompts[-1] if message["role"] != "system"]
    assert said == ["My name is Anna", "You said: My name is Anna", "Who am I?"]


async def test_new_begins_a_new_dialogue(telegram: TelegramSimulator, provider: Provider) -> None:
    telegram.say("My name is Anna")
    await telegram.next_message()
    telegram.say("/new")
    assert "new dialogue" in (await telegram.next_message())["text"]
    telegram.say("Who am I?")
    await telegram.next_message()
    assert [message["content"] for message in provider.prompts[-1] if message["role"] != "system"] == ["Who am I?"]


async def test_the_button_does_the_same(telegram: TelegramSimulator, provider: Provider) -> None:
    telegram.say("/start", person=IVAN)
    greeting = await telegram.next_message(IVAN.id)
    assert "Здравствуйте" in greeting["text"]
    telegram.say("Меня зовут Иван", person=IVAN)
    await telegram.next_message(IVAN.id)
    telegram.press(greeting, "✨ Новый диалог", person=IVAN)
    assert "новый диалог" in (await telegram.next_message(IVAN.id))["text"]
    telegram.say("Кто я?", person=IVAN)
    await telegram.next_message(IVAN.id)
    assert "Меня зовут" not in str(provider.prompts[-1])


async def test_a_long_answer_comes_whole_in_parts(telegram: TelegramSimulator, provider: Provider) -> None:
    words = " ".join(f"слово{number}🙂" for number in range(20_000))[:20_000].rstrip()
    provider.will(Answer(words))
    telegram.say("Tell me everything")
    received = ""
    while len(received.replace(" ", "")) < len(words.replace(" ", "")):
        part = (await telegram.next_message())["text"]
        assert utf16_length(part) <= TELEGRAMS_LIMIT
        received += part
    assert received.replace(" ", "") == words.replace(" ", "")


async def test_a_provider_that_is_down_is_told_in_the_persons_language(
    telegram: TelegramSimulator, provider: Provider
) -> None:
    provider.will(Fails(400))
    telegram.say("Привет", person=IVAN)
    assert "Языковая модель сейчас не отвечает" in (await telegram.next_message(IVAN.id))["text"]
    telegram.say("Привет ещё раз", person=IVAN)
    assert (await telegram.next_message(IVAN.id))["text"] == "You said: Привет ещё раз"


async def test_a_backend_that_is_killed_amid_an_answer_gives_it_later_once(
    telegram: TelegramSimulator, provider: Provider, backend_process: BackendProcess, db: Database
) -> None:
    provider.will(Answer("never seen", gate=asyncio.Event()))
    telegram.say("Hello")
    await provider.called()
    await backend_process.kill()
    await backend_process.start()
    assert (await telegram.next_message())["text"] == "You said: Hello"
    rows = await db.run("select role, content from messages order by position")
    assert [tuple(row) for row in rows] == [("user", "Hello"), ("assistant", "You said: Hello")]


async def test_people_of_one_group_have_dialogues_of_their_own_and_hear_one_another(
    telegram: TelegramSimulator, provider: Provider
) -> None:
    for person, text in ((ANNA, "we meet at six"), (IVAN, "when do we meet?")):
        telegram.say(f"@test_bot {text}", person=person, chat=GROUP)
        assert text in (await telegram.next_message(GROUP["id"]))["text"]
    prompt = provider.prompts[-1]
    said = [message["content"] for message in prompt if message["role"] != "system"]
    assert said == [f"{IVAN.first_name}: when do we meet?"]
    assert f"{ANNA.first_name}: we meet at six" in str(prompt)
