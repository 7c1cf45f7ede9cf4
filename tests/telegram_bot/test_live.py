"""Answers appear while they are written."""

import asyncio
from itertools import pairwise

import pytest

from tests.simulators.backend import BackendSimulator
from tests.simulators.telegram import ANNA, GROUP, TelegramSimulator
from tests.simulators.telegram_calls import Fault
from tests.simulators.telegram_world import Person

pytestmark = pytest.mark.usefixtures("relay")

CHAT = GROUP["id"]
FRAME_SECONDS = 0.3


class Writing:
    """An answer in pieces, of which the first is written at once."""

    def __init__(self, backend: BackendSimulator, *pieces: str) -> None:
        backend.answer = lambda text: "".join(pieces)
        backend.pieces = lambda text: list(pieces)
        backend.allowed = self._allowed = asyncio.Semaphore(1)
        self._left = len(pieces) - 1

    def go_on(self, pieces: int = 1) -> None:
        """So many more of them are written, if so many are left."""
        for _ in range(min(pieces, self._left)):
            self._left -= 1
            self._allowed.release()

    def end(self) -> None:
        self.go_on(self._left)


def quickly(backend: BackendSimulator, pieces: list[str], seconds: float) -> None:
    """As a model writes, one piece after the other."""
    backend.answer = lambda text: "".join(pieces)
    backend.pieces = lambda text: pieces
    backend.piece_seconds = seconds


async def test_in_private_the_words_are_seen_as_a_draft_and_then_sent(
    telegram: TelegramSimulator, backend: BackendSimulator
) -> None:
    writing = Writing(backend, "Once ", "upon ", "a time")
    telegram.say("hello")
    await telegram.until_called("sendMessageDraft", 1)
    writing.go_on()
    frames = await telegram.until_called("sendMessageDraft", 2)
    assert [frame.arguments["text"].rstrip() for frame in frames] == ["Once", "Once upon"]
    assert len({frame.arguments["draft_id"] for frame in frames}) == 1
    await telegram.world.until(lambda: frames[1].status, 60)
    assert telegram.world.drafts[ANNA.id]["can_stop"]
    writing.end()
    assert (await telegram.next_message())["text"] == "Once upon a time"
    assert not telegram.world.drafts
    assert len(telegram.calls("sendMessage")) == 1


async def test_a_draft_is_renewed_a_few_times_a_second_at_most(
    telegram: TelegramSimulator, backend: BackendSimulator
) -> None:
    quickly(backend, [f"{number} " for number in range(100)], 0.01)
    telegram.say("hello")
    await telegram.next_message()
    frames = telegram.calls("sendMessageDraft")
    assert len(frames) >= 2
    pauses = [later.at - earlier.at for earlier, later in pairwise(frames)]
    assert min(pauses) > FRAME_SECONDS


async def test_of_many_answers_at_once_each_is_seen_before_it_is_sent(
    telegram: TelegramSimulator, backend: BackendSimulator
) -> None:
    quickly(backend, ["Once ", "upon ", "a ", "time"], 1.0)
    people = [Person(1000 + number, f"Person {number}") for number in range(25)]
    for person in people:
        telegram.say("hello", person=person)
    for person in people:
        await telegram.next_message(person.id)
        mine = [call for call in telegram.journal if call.arguments.get("chat_id") in (person.id, str(person.id))]
        said = [call.method for call in mine if call.method != "sendChatAction"]
        assert said[0] == "sendMessageDraft"


async def test_half_written_markup_is_shown_as_it_will_look(
    telegram: TelegramSimulator, backend: BackendSimulator
) -> None:
    writing = Writing(backend, "**bold", "** and more")
    telegram.say("hello")
    await telegram.until_called("sendMessageDraft", 1)
    writing.end()
    message = await telegram.next_message()
    assert message["text"] == "bold and more"
    assert [entity["type"] for entity in message["entities"]] == ["bold"]


async def test_of_a_long_answer_the_end_is_shown(telegram: TelegramSimulator, backend: BackendSimulator) -> None:
    writing = Writing(backend, "word " * 1500, "the end", " indeed")
    telegram.say("hello")
    await telegram.until_called("sendMessageDraft", 1)
    writing.go_on()
    frames = await telegram.until_called("sendMessageDraft", 2)
    writing.end()
    assert frames[0].status == 200
    assert frames[1].arguments["text"].endswith("the end")


async def test_a_server_without_drafts_gets_edits_and_no_second_message(
    telegram: TelegramSimulator, backend: BackendSimulator
) -> None:
    telegram.faults = [Fault("sendMessageDraft", times=99, code=404)]
    writing = Writing(backend, "Once ", "upon ", "a time")
    telegram.say("hello")
    first = (await telegram.until_called("sendMessage"))[0]
    assert first.arguments["text"].rstrip() == "Once"
    assert "stop:42" in str(first.arguments["reply_markup"])
    writing.end()
    (delivery,) = await backend.until_delivered()
    message = await telegram.next_message()
    assert message["text"] == "Once upon a time"
    assert message.get("reply_markup") is None
    assert delivery["message_id"] == str(message["message_id"])
    assert len(telegram.calls("sendMessage")) == 1
    Writing(backend, "and again").end()
    telegram.say("and again")
    await backend.until_delivered(2)
    assert len(telegram.calls("sendMessageDraft")) == 1, "what a server does not know is not tried again"


async def test_in_a_group_a_slow_answer_is_edited_and_a_quick_one_is_one_message(
    telegram: TelegramSimulator, backend: BackendSimulator
) -> None:
    telegram.say("@test_bot quick", chat=GROUP)
    await backend.until_delivered()
    assert not telegram.calls("editMessageText")
    writing = Writing(backend, *(f"{number} " for number in range(10)))
    said = telegram.say("@test_bot slow", chat=GROUP)
    await telegram.until_called("sendMessage", 2)
    for edits in (1, 2):
        writing.go_on()
        await telegram.until_called("editMessageText", edits)
    writing.end()
    await backend.until_delivered(2)
    quick, slow = (await telegram.next_message(CHAT)), (await telegram.next_message(CHAT))
    assert quick["text"] == "echo quick"
    assert slow["text"] == "0 1 2 3 4 5 6 7 8 9"
    assert slow["reply_to_message"]["message_id"] == said["message_id"]
    assert not telegram.calls("sendMessageDraft")


async def test_a_long_answer_begins_in_the_message_that_showed_it(
    telegram: TelegramSimulator, backend: BackendSimulator
) -> None:
    telegram.faults = [Fault("sendMessageDraft", times=99, code=404)]
    writing = Writing(backend, "first words ", "word " * 1500)
    telegram.say("hello")
    await telegram.until_called("sendMessage")
    writing.end()
    (delivery,) = await backend.until_delivered()
    parts = [await telegram.next_message(), await telegram.next_message()]
    assert delivery["parts"] == 2
    assert parts[0]["text"].startswith("first words word")
    assert " ".join(part["text"] for part in parts) == ("first words " + "word " * 1500).strip()


async def test_a_live_message_that_was_deleted_is_sent_anew(
    telegram: TelegramSimulator, backend: BackendSimulator
) -> None:
    telegram.faults = [Fault("sendMessageDraft", times=99, code=404)]
    writing = Writing(backend, "Once ", "upon a time")
    telegram.say("hello")
    await telegram.until_called("sendMessage")
    await telegram.world.until(lambda: telegram.calls("sendMessage")[0].status, 60)
    shown = await telegram.next_message()
    del telegram.world.messages[ANNA.id][shown["message_id"]]
    writing.end()
    assert (await telegram.next_message())["text"] == "Once upon a time"


async def test_frames_that_telegram_does_not_want_are_skipped(
    telegram: TelegramSimulator, backend: BackendSimulator
) -> None:
    telegram.faults = [Fault("sendMessageDraft", code=429, retry_after=60)]
    quickly(backend, [f"{number} " for number in range(10)], 0.1)
    telegram.say("hello")
    assert (await telegram.next_message())["text"] == "0 1 2 3 4 5 6 7 8 9"
    assert len(telegram.calls("sendMessageDraft")) == 1


async def test_a_stream_that_breaks_ends_in_the_same_answer(
    telegram: TelegramSimulator, backend: BackendSimulator
) -> None:
    backend.cuts_streams = True
    telegram.say("hello")
    assert (await telegram.next_message())["text"] == "echo hello"
    await backend.until_delivered()
    assert len(telegram.calls("sendMessage")) == 1


async def test_the_button_under_a_draft_stops_the_answer(
    telegram: TelegramSimulator, backend: BackendSimulator
) -> None:
    writing = Writing(backend, "Once ", "upon ", "a time")
    telegram.say("hello")
    await telegram.world.until(lambda: telegram.world.drafts, 60)
    telegram.stop_writing()
    await telegram.world.until(lambda: not telegram.world.updates, 60)
    assert [(stop["bot"], stop["chat_id"], stop["user_id"]) for stop in backend.stops] == [("default", "42", "42")]
    writing.end()


async def test_the_backend_knows_which_message_shows_an_answer(
    telegram: TelegramSimulator, backend: BackendSimulator
) -> None:
    writing = Writing(backend, "Once ", "upon a time")
    telegram.say("@test_bot hello", chat=GROUP)
    await backend.until(lambda: backend.deliveries.shown)
    writing.end()
    [delivery] = await backend.until_delivered()
    assert backend.deliveries.shown == {delivery["turn_id"]: delivery["message_id"]}


async def test_whoever_goes_on_makes_the_answer_of_the_message_that_showed_it(
    telegram: TelegramSimulator, backend: BackendSimulator
) -> None:
    telegram.say("@test_bot hello", chat=GROUP)
    half = await telegram.next_message(CHAT)
    shown = {"turn_id": "by another relay", "shown_as": str(half["message_id"])}
    where = {"bot": "default", "chat_id": str(CHAT), "kind": "answer"}
    long = "word " * 1500
    backend.deliveries.add(**where, **shown, text=long)
    backend.wake()
    delivery = (await backend.until_delivered(2))[-1]
    assert telegram.world.messages[CHAT][half["message_id"]]["text"].startswith("word word")
    assert delivery["parts"] == 2
    assert len(telegram.calls("sendMessage")) == 2, "the second part is new"
