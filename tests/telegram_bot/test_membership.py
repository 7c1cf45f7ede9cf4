"""The bot comes to a group, and leaves it."""

from dataclasses import asdict
from typing import Any

import pytest

from tests.simulators.backend import BackendSimulator
from tests.simulators.telegram import ANNA, GROUP, IVAN, TelegramSimulator
from tests.simulators.telegram_world import Person

pytestmark = pytest.mark.usefixtures("relay")

CHAT = GROUP["id"]
Json = dict[str, Any]
LEFT, MEMBER = {"status": "left"}, {"status": "member"}
KICKED = {"status": "kicked", "until_date": 0}
ADMINISTRATOR_RIGHTS = (
    "can_be_edited", "is_anonymous", "can_manage_chat", "can_delete_messages", "can_manage_video_chats",
    "can_restrict_members", "can_promote_members", "can_change_info", "can_invite_users", "can_post_stories",
    "can_edit_stories", "can_delete_stories", "can_send_welcome_messages",
)  # fmt: skip
ADMINISTRATOR = {"status": "administrator"} | dict.fromkeys(ADMINISTRATOR_RIGHTS, False)


def becomes(telegram: TelegramSimulator, before: Json, after: Json, person: Person = IVAN, chat: Json = GROUP) -> None:
    """Somebody changes what the bot is in a chat."""
    telegram.world.know_chat(chat)
    me = {"user": telegram.world.me}
    change = {"chat": chat, "from": asdict(person), "date": 1, "old_chat_member": before | me}
    telegram.world.add_update("my_chat_member", change | {"new_chat_member": after | me})


@pytest.mark.parametrize("after", [MEMBER, ADMINISTRATOR], ids=["member", "administrator"])
async def test_a_group_is_greeted_in_the_language_of_who_added_the_bot(
    telegram: TelegramSimulator, after: Json
) -> None:
    becomes(telegram, LEFT, after)
    greeting = (await telegram.next_message(CHAT))["text"]
    assert greeting.startswith("Всем привет! Чтобы спросить меня, упомяните @test_bot")
    assert greeting.endswith("/help@test_bot")


async def test_a_promotion_is_no_reason_to_greet_again(telegram: TelegramSimulator) -> None:
    becomes(telegram, MEMBER, ADMINISTRATOR)
    becomes(telegram, {"status": "kicked", "until_date": 0}, MEMBER, ANNA)
    assert (await telegram.next_message(CHAT))["text"].startswith("Hello everybody!")
    assert len(telegram.calls("sendMessage")) == 1


@pytest.mark.parametrize("after", [LEFT, KICKED], ids=["left", "kicked"])
async def test_whoever_talked_there_begins_anew_when_the_bot_is_gone(
    telegram: TelegramSimulator, backend: BackendSimulator, after: Json
) -> None:
    for person, thread_id in ((ANNA, ""), (IVAN, "77")):
        backend.people.talk(CHAT, person.id, thread_id=thread_id)
    elsewhere = backend.people.talk(ANNA.id, ANNA.id)
    becomes(telegram, MEMBER, after)
    telegram.say("hello", person=Person(44, "Olga"))
    await telegram.next_message(44)
    await telegram.world.until(lambda: not telegram.world.updates, 60)
    assert list(backend.people.sessions) == [elsewhere]
    assert not telegram.world.messages[CHAT]


async def test_who_blocks_the_bot_is_left_alone(telegram: TelegramSimulator, backend: BackendSimulator) -> None:
    private = {"id": ANNA.id, "type": "private", "first_name": "Anna"}
    session = backend.people.talk(ANNA.id, ANNA.id)
    becomes(telegram, MEMBER, KICKED, ANNA, private)
    await telegram.world.until(lambda: not telegram.world.updates, 60)
    assert list(backend.people.sessions) == [session]


async def test_a_group_that_became_a_supergroup_goes_on(telegram: TelegramSimulator, backend: BackendSimulator) -> None:
    session = backend.people.talk(-5, ANNA.id)
    telegram.say(migrate_to_chat_id=CHAT, chat={"id": -5, "type": "group", "title": "Group"})
    telegram.say(migrate_from_chat_id=-5, chat=GROUP)
    telegram.say("@test_bot hello", chat=GROUP)
    assert (await telegram.next_message(CHAT))["text"] == "echo hello"
    assert len(backend.handled) == 1
    assert backend.people.sessions == {session: ("default", str(CHAT), str(ANNA.id), "")}
    assert backend.people.called("move") == [{"bot": "default", "chat_id": "-5", "to": str(CHAT)}] * 2


async def test_a_move_that_an_anonymous_administrator_causes_counts_too(
    telegram: TelegramSimulator, backend: BackendSimulator
) -> None:
    telegram.say(migrate_from_chat_id=-5, chat=GROUP, person=Person(1087968824, "Group", is_bot=True))
    await telegram.world.until(lambda: not telegram.world.updates, 60)
    assert backend.people.called("move") == [{"bot": "default", "chat_id": "-5", "to": str(CHAT)}]
