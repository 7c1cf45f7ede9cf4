"""In groups the bot answers only those who speak to it."""

from typing import Any

import pytest

from tests.simulators.backend import BackendSimulator
from tests.simulators.telegram import ANNA, GROUP, IVAN, TelegramSimulator
from tests.simulators.telegram_world import Person

pytestmark = pytest.mark.usefixtures("relay")

CHAT = GROUP["id"]
BOT = {"id": 123456789, "is_bot": True, "first_name": "Bot", "username": "test_bot"}


async def test_talk_among_people_is_not_answered(telegram: TelegramSimulator, backend: BackendSimulator) -> None:
    telegram.say("hi everybody", chat=GROUP)
    telegram.say("@somebody_else what do you think?", chat=GROUP)
    telegram.say("/new@another_bot", chat=GROUP)
    telegram.say("/unknown", chat=GROUP)
    telegram.say(sticker=STICKER, chat=GROUP)
    telegram.say("@test_bot are you there?", chat=GROUP)
    assert (await telegram.next_message(CHAT))["text"] == "echo are you there?"
    assert len(telegram.calls("sendMessage")) == 1
    assert len(backend.keys_in) == 1
    assert not backend.people.called("reset")


STICKER = {
    "file_id": "s",
    "file_unique_id": "s",
    "type": "regular",
    "width": 1,
    "height": 1,
    "is_animated": False,
    "is_video": False,
}


async def test_what_triggers_a_bot_is_its_own_matter_and_may_change(
    telegram: TelegramSimulator, backend: BackendSimulator
) -> None:
    telegram.say("/ask@test_bot what is new?", chat=GROUP)
    assert (await telegram.next_message(CHAT))["text"] == "echo what is new?"
    backend.enable(telegram.token, triggers=["name", "keyword"], called=["Алиса"], keywords=["tea"])
    beats = len(backend.leases.beats)
    await backend.until(lambda: len(backend.leases.beats) >= beats + 2)
    telegram.say("/ask@test_bot what is new?", chat=GROUP)
    telegram.say("Алиса, как дела?", chat=GROUP)
    telegram.say("more TEA", chat=GROUP)
    assert [(await telegram.next_message(CHAT))["text"] for _ in range(2)] == ["echo как дела?", "echo more TEA"]
    assert backend.handled[0]["chat_type"] == "supergroup"


async def test_a_mere_mention_gets_a_sign_of_attention(telegram: TelegramSimulator, backend: BackendSimulator) -> None:
    telegram.say("@test_bot", chat=GROUP)
    assert "listening" in (await telegram.next_message(CHAT))["text"]
    assert not backend.keys_in


async def test_a_reply_to_the_bot_continues_the_talk(telegram: TelegramSimulator, backend: BackendSimulator) -> None:
    asked = telegram.say("@test_bot hello", chat=GROUP)
    answer = await telegram.next_message(CHAT)
    assert answer["reply_to_message"]["message_id"] == asked["message_id"]
    telegram.say("and then?", chat=GROUP, reply_to_message=answer)
    assert (await telegram.next_message(CHAT))["text"] == "echo and then?"


async def test_a_topic_made_by_the_bot_is_not_a_talk_with_it(telegram: TelegramSimulator) -> None:
    telegram.world.know_chat(GROUP)
    creation = telegram.world.add_message(GROUP, BOT, forum_topic_created={"name": "Topic", "icon_color": 7322096})
    topic: dict[str, Any] = {"message_thread_id": creation["message_id"], "is_topic_message": True}
    telegram.say("hi everybody", chat=GROUP, reply_to_message=creation, **topic)
    telegram.say("/help", chat=GROUP, **topic)
    assert "/new" in (await telegram.until_called("sendMessage"))[0].arguments["text"]


async def test_a_forum_topic_is_a_conversation_of_its_own(
    telegram: TelegramSimulator, backend: BackendSimulator
) -> None:
    telegram.say("@test_bot hello", chat=GROUP, message_thread_id=77, is_topic_message=True)
    answer = await telegram.next_message(CHAT)
    assert answer["message_thread_id"] == 77
    telegram.say("/new", chat=GROUP, message_thread_id=77, is_topic_message=True)
    await telegram.next_message(CHAT)
    assert backend.handled[0]["thread_id"] == "77"
    reset = backend.people.called("reset")[0]
    assert (reset["chat_id"], reset["user_id"], reset["thread_id"]) == (str(CHAT), str(ANNA.id), "77")


async def test_a_chain_of_replies_is_not_a_topic(telegram: TelegramSimulator, backend: BackendSimulator) -> None:
    telegram.say("@test_bot hello", chat=GROUP, message_thread_id=77)
    await telegram.next_message(CHAT)
    assert "thread_id" not in backend.handled[0]


async def test_people_of_one_group_do_not_wait_for_each_other(
    telegram: TelegramSimulator, backend: BackendSimulator
) -> None:
    backend.open.clear()
    telegram.say("@test_bot one", chat=GROUP)
    telegram.say("@test_bot two", chat=GROUP, person=IVAN)
    await backend.until_asked(2)
    backend.open.set()
    assert {(await telegram.next_message(CHAT))["text"] for _ in range(2)} == {"echo one", "echo two"}


async def test_who_writes_in_the_name_of_a_chat_is_that_chat(
    telegram: TelegramSimulator, backend: BackendSimulator
) -> None:
    anonymous = Person(1087968824, "Group", is_bot=True)
    telegram.say("@test_bot hello", chat=GROUP, person=anonymous, sender_chat=GROUP)
    await telegram.next_message(CHAT)
    assert backend.handled[0]["user_id"] == str(CHAT)


async def test_bots_are_not_answered(telegram: TelegramSimulator, backend: BackendSimulator) -> None:
    telegram.say("@test_bot hello", chat=GROUP, person=Person(777, "Other", is_bot=True))
    telegram.say("@test_bot hello from a person", chat=GROUP)
    await backend.until_asked(1)
    await telegram.until_called("sendMessage")
    assert [body["text"] for body in backend.handled] == ["hello from a person"]
