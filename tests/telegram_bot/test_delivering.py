"""What goes out arrives in order, once, or is closed with the reason why it cannot."""

import asyncio
from typing import Any

import pytest

from tests.simulators.backend import BackendSimulator, cut
from tests.simulators.telegram import ANNA, GROUP, IVAN, TelegramSimulator
from tests.simulators.telegram_calls import Fault

LONG = "\n\n".join(f"Paragraph {number}: " + "word " * 500 for number in range(3))


def notice(backend: BackendSimulator, text: str, chat_id: int = ANNA.id, **fields: Any) -> dict[str, Any]:
    """Something that no update caused."""
    content = {"bot": "default", "kind": "notice", "key": f"a notice: {text}", "text": text, "chat_id": str(chat_id)}
    delivery = backend.deliveries.add(**content | fields)
    backend.wake()
    return delivery


@pytest.fixture(autouse=True)
async def chats(relay: None, telegram: TelegramSimulator, backend: BackendSimulator) -> None:
    """Anna, Ivan and a group have talked with the bot."""
    for person in (ANNA, IVAN):
        telegram.say("hello", person=person)
        await telegram.next_message(person.id)
    telegram.say("@test_bot hello", chat=GROUP)
    await telegram.next_message(GROUP["id"])
    await backend.until_delivered(3)
    telegram.journal.clear()


async def test_what_somebody_else_wrote_is_fetched_and_sent(
    telegram: TelegramSimulator, backend: BackendSimulator
) -> None:
    buttons = [[{"text": "Yes", "data": "yes"}, {"text": "More", "url": "https://example.org/"}]]
    notice(backend, "A run is done", buttons=buttons)
    message = await telegram.next_message()
    assert message["text"] == "A run is done"
    yes, more = message["reply_markup"]["inline_keyboard"][0]
    assert (yes["callback_data"], more["url"]) == ("yes", "https://example.org/")


async def test_one_chats_deliveries_come_in_their_order(telegram: TelegramSimulator, backend: BackendSimulator) -> None:
    for number in range(10):
        notice(backend, str(number))
    assert [(await telegram.next_message())["text"] for _ in range(10)] == [str(number) for number in range(10)]


async def test_a_chat_that_has_to_wait_holds_up_no_other(
    telegram: TelegramSimulator, backend: BackendSimulator
) -> None:
    telegram.faults = [Fault("sendMessage", code=429, retry_after=2)]
    notice(backend, "to Anna")
    await telegram.until_called("sendMessage")
    notice(backend, "to Ivan", IVAN.id)
    assert (await telegram.next_message(IVAN.id))["text"] == "to Ivan"
    assert (await telegram.next_message())["text"] == "to Anna"
    to_anna = [call for call in telegram.calls("sendMessage") if call.arguments["chat_id"] == str(ANNA.id)]
    assert to_anna[1].at - to_anna[0].at >= 2
    assert backend.deliveries.repeated == 0, "what Telegram refused is surely not on its way"


@pytest.mark.parametrize("fault", [Fault("sendMessage", code=500), Fault("sendMessage", drop=True)])
async def test_what_telegram_did_not_take_is_sent_again(
    telegram: TelegramSimulator, backend: BackendSimulator, fault: Fault
) -> None:
    telegram.faults = [fault]
    notice(backend, "hello")
    assert (await telegram.next_message())["text"] == "hello"
    await backend.until_delivered(4)
    assert backend.deliveries.repeated == fault.drop, "only after a cut nobody knows whether it arrived"


async def test_parts_are_acknowledged_one_by_one(telegram: TelegramSimulator, backend: BackendSimulator) -> None:
    delivery = notice(backend, LONG)
    parts = [(await telegram.next_message())["text"] for _ in range(3)]
    await backend.until_delivered(4)
    assert "".join("".join(parts).split()) == "".join(LONG.split())
    assert (delivery["parts"], delivery["sent"], delivery["sending"], delivery["state"]) == (3, 3, None, "sent")


async def test_parts_that_have_arrived_are_not_sent_again(
    telegram: TelegramSimulator, backend: BackendSimulator
) -> None:
    delivery = notice(backend, LONG, sent=1, sending=2, parts=3)
    parts = [(await telegram.next_message())["text"] for _ in range(2)]
    await backend.until_delivered(4)
    assert len(telegram.calls("sendMessage")) == 2
    assert parts[1].endswith("word")
    assert delivery["state"] == "sent"
    assert backend.deliveries.repeated == 1, "the part that another process may have sent"


REASONS = [
    (403, "Forbidden: bot was blocked by the user", "blocked"),
    (403, "Forbidden: user is deactivated", "deactivated"),
    (403, "Forbidden: bot was kicked from the supergroup chat", "removed"),
    (400, "Bad Request: chat not found", "chat-not-found"),
    (400, "Bad Request: not enough rights to send text messages to the chat", "not-permitted"),
]


@pytest.mark.parametrize(("code", "says", "reason"), REASONS)
async def test_what_can_never_arrive_is_closed_with_the_reason(
    telegram: TelegramSimulator, backend: BackendSimulator, code: int, says: str, reason: str
) -> None:
    telegram.faults = [Fault("sendMessage", code=code, says=says)]
    delivery = notice(backend, "hello")
    await backend.until_delivered(4)
    assert (delivery["state"], delivery["problem"]) == ("failed", reason)
    assert len(telegram.calls("sendMessage")) == 1


@pytest.mark.parametrize(
    ("text", "fields", "end"),
    [
        ("hello", {"chat_id": "elsewhere"}, ("failed", "chat-not-found")),
        (" ", {}, ("sent", None)),
        ("all of it has arrived", {"sent": 1}, ("sent", None)),
    ],
    ids=["not Telegram's", "nothing to be seen", "arrived"],
)
async def test_what_needs_no_message_is_closed_without_one(
    telegram: TelegramSimulator,
    backend: BackendSimulator,
    text: str,
    fields: dict[str, Any],
    end: tuple[str, str | None],
) -> None:
    delivery = notice(backend, text, **fields)
    await backend.until_delivered(4)
    assert (delivery["state"], delivery.get("problem")) == end
    assert not telegram.calls("sendMessage")


async def test_what_telegram_finds_malformed_is_sent_as_plain_text(
    telegram: TelegramSimulator, backend: BackendSimulator
) -> None:
    telegram.faults = [Fault("sendMessage", code=400, says="Bad Request: can't parse entities")]
    notice(backend, "some **bold** words")
    message = await telegram.next_message()
    assert message["text"] == "some bold words"
    assert "entities" not in message


async def test_a_table_is_rich_where_the_server_knows_how_and_text_elsewhere(
    telegram: TelegramSimulator, backend: BackendSimulator
) -> None:
    table = "| a | b |\n|---|---|\n| 1 | 2 |"
    notice(backend, table)
    assert (await telegram.next_message())["rich"]
    telegram.faults = [Fault("sendRichMessage", times=99, code=404)]
    notice(backend, table + "\n")
    assert "rich" not in await telegram.next_message()
    notice(backend, table + "\n\n")
    await telegram.next_message()
    assert len(telegram.calls("sendRichMessage")) == 2, "what a server does not know is not tried again"


async def test_a_group_that_became_a_supergroup_gets_it_there(
    telegram: TelegramSimulator, backend: BackendSimulator
) -> None:
    telegram.faults = [
        Fault("sendMessage", code=400, says="Bad Request: group chat was upgraded", moved_to=GROUP["id"])
    ]
    notice(backend, "hello", -7, reply_to="5")
    assert (await telegram.next_message(GROUP["id"]))["text"] == "hello"
    replying = ["reply_parameters" in call.arguments for call in telegram.calls("sendMessage")]
    assert replying == [True, False], "messages have other ids in a supergroup"


async def test_a_stopped_answer_is_marked_as_such(telegram: TelegramSimulator, backend: BackendSimulator) -> None:
    notice(backend, "as far as it came", kind="answer", stopped=True)
    assert (await telegram.next_message())["text"].startswith("as far as it came\n")
    notice(backend, "", kind="answer", stopped=True, key="empty")
    assert (await telegram.next_message())["text"]


async def test_an_operator_can_limit_an_answer(telegram: TelegramSimulator, backend: BackendSimulator) -> None:
    notice(backend, "x" * 100, kind="answer", max_length=10)
    assert (await telegram.next_message())["text"] == "x" * 9 + "…"


async def test_a_backend_that_fails_amid_a_delivery_repeats_nothing(
    telegram: TelegramSimulator, backend: BackendSimulator
) -> None:
    backend.reports_fail = [cut, None, cut, cut]
    delivery = notice(backend, "hello")
    await backend.until_delivered(4)
    assert len(telegram.calls("sendMessage")) == 1
    assert delivery["state"] == "sent"
    assert backend.deliveries.repeated == 0


async def test_a_bot_that_another_process_has_sends_nothing_more(
    telegram: TelegramSimulator, backend: BackendSimulator
) -> None:
    telegram.faults = [Fault("sendMessage", delay=0.5)]
    notice(backend, LONG)
    notice(backend, "never sent from here")
    await telegram.until_called("sendMessage")
    backend.leases.holders["default"] = "another process", asyncio.get_running_loop().time() + 3600
    await backend.until(lambda: backend.leases.refused)
    beats = len(backend.leases.beats)
    await backend.until(lambda: len(backend.leases.beats) >= beats + 2)
    assert len(telegram.calls("sendMessage")) == 1
