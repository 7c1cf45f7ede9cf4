"""What people send beside text becomes words, or a friendly sentence."""

from typing import Any

import pytest

from tests.simulators.backend import BackendSimulator, problem
from tests.simulators.telegram import ANNA, GROUP, IVAN, TelegramSimulator
from tests.simulators.telegram_calls import Fault
from tests.simulators.telegram_world import entities_of

pytestmark = pytest.mark.usefixtures("relay")

CHAT = GROUP["id"]
Json = dict[str, Any]
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
PLACE = {"latitude": 56.95, "longitude": 24.11}
ANIMATION = {"file_id": "a", "file_unique_id": "a", "width": 1, "height": 1, "duration": 1}


def file(telegram: TelegramSimulator, content: bytes = b"bytes", name: str = "file.bin", **fields: Any) -> Json:
    return telegram.world.add_file(content, name) | fields


def voice(telegram: TelegramSimulator) -> Json:
    return file(telegram, name="voice.ogg", duration=1)


def photo(telegram: TelegramSimulator) -> list[Json]:
    """Two sizes of it, the larger one last."""
    return [file(telegram, b"x" * size, width=size, height=size) for size in (10, 100)]


async def test_a_voice_message_is_a_question(telegram: TelegramSimulator, backend: BackendSimulator) -> None:
    backend.people.understood = lambda sent: "what is the weather like?"
    telegram.say(voice=voice(telegram))
    assert "what is the weather like?" in (await telegram.next_message())["text"]
    sent = backend.people.called("attachment")[0]
    assert (sent["kind"], sent["file"], sent["language"]) == ("voice", b"bytes", "en")
    assert backend.handled[0]["text"] == "[Voice message]\nwhat is the weather like?"
    assert telegram.calls("sendChatAction")[0].arguments["action"] == "typing"


async def test_what_is_said_in_a_round_video_is_heard(telegram: TelegramSimulator, backend: BackendSimulator) -> None:
    telegram.say(video_note=file(telegram, length=1, duration=1))
    await telegram.next_message()
    sent = backend.people.called("attachment")[0]
    assert (sent["kind"], sent["filename"]) == ("voice", "note.mp4")


async def test_the_backend_learns_who_sends_it(telegram: TelegramSimulator, backend: BackendSimulator) -> None:
    telegram.say(voice=voice(telegram), person=IVAN)
    await telegram.next_message(IVAN.id)
    sent = backend.people.called("attachment")[0]
    assert {name: sent[name] for name in sent if name not in ("file", "filename", "media_type", "kind")} == {
        "bot": "default", "chat_id": "43", "user_id": "43", "user_name": "Иван", "chat_type": "private",
        "language": "ru",
    }  # fmt: skip


async def test_audio_is_heard_as_well(telegram: TelegramSimulator, backend: BackendSimulator) -> None:
    telegram.say(audio=file(telegram, name="lecture.mp3", duration=1, mime_type="audio/mpeg"))
    await telegram.next_message()
    assert backend.people.called("attachment")[0]["filename"] == "lecture.mp3"


async def test_a_voice_message_without_words_is_told(telegram: TelegramSimulator, backend: BackendSimulator) -> None:
    backend.people.understood = lambda sent: " "
    telegram.say(voice=voice(telegram), person=IVAN)
    assert "расслышать не удалось" in (await telegram.next_message(IVAN.id))["text"]
    assert not backend.handled


async def test_a_picture_is_described_with_what_is_asked_about_it(
    telegram: TelegramSimulator, backend: BackendSimulator
) -> None:
    backend.people.understood = lambda sent: "a cat on a roof"
    telegram.say(photo=photo(telegram), caption="how high is it?")
    await telegram.next_message()
    sent = backend.people.called("attachment")[0]
    assert (sent["kind"], sent["caption"], len(sent["file"])) == ("image", "how high is it?", 100)
    assert backend.handled[0]["text"] == "[In the picture: a cat on a roof]\nhow high is it?"


async def test_a_picture_that_is_sent_as_a_file_is_looked_at(
    telegram: TelegramSimulator, backend: BackendSimulator
) -> None:
    telegram.say(document=file(telegram, name="scan.png", mime_type="image/png"))
    await telegram.next_message()
    assert backend.people.called("attachment")[0]["kind"] == "image"


async def test_an_album_is_one_question(telegram: TelegramSimulator, backend: BackendSimulator) -> None:
    backend.people.understood = lambda sent: f"thing {sent['file'].decode()}"
    for number in (1, 2, 3):
        size = file(telegram, str(number).encode(), width=1, height=1)
        telegram.say(photo=[size], media_group_id="album", caption="which is best?" if number == 1 else "")
    await telegram.next_message()
    assert [body["text"] for body in backend.handled] == [
        "[In picture 1: thing 1]\n[In picture 2: thing 2]\n[In picture 3: thing 3]\nwhich is best?"
    ]


@pytest.mark.parametrize(("kind", "told"), [("voice", "cannot listen"), ("photo", "cannot look")])
async def test_what_no_model_understands_gets_a_friendly_sentence(
    telegram: TelegramSimulator, backend: BackendSimulator, kind: str, told: str
) -> None:
    backend.problems = [problem("attachment-not-understood", 422)]
    sent: Json = {"voice": voice(telegram)} if kind == "voice" else {"photo": photo(telegram)}
    telegram.say(**sent)
    assert told in (await telegram.next_message())["text"]
    assert not backend.handled


async def test_a_document_becomes_memory(telegram: TelegramSimulator, backend: BackendSimulator) -> None:
    telegram.say(document=file(telegram, b"# Rent", "contract.md", mime_type="text/markdown"))
    assert "have read “contract.md”" in (await telegram.next_message())["text"]
    sent = backend.people.called("document")[0]
    assert (sent["file"], sent["filename"], sent["user_id"], sent["bot"]) == (b"# Rent", "contract.md", "42", "default")
    assert (sent["sender_id"], sent["sender_name"], sent["language"]) == ("42", "Anna", "en")
    assert "chat_id" not in sent
    assert not backend.handled


async def test_a_document_with_a_question_is_read_before_it_is_asked(
    telegram: TelegramSimulator, backend: BackendSimulator
) -> None:
    telegram.say(document=file(telegram, name="contract.docx", mime_type=DOCX), caption="when does it end?")
    await telegram.next_message()
    assert backend.handled[0]["text"] == "[Sent a file: contract.docx]\nwhen does it end?"


async def test_a_groups_document_is_the_groups(telegram: TelegramSimulator, backend: BackendSimulator) -> None:
    telegram.say(document=file(telegram, name="a.txt"), chat=GROUP)
    caption = "@test_bot remember this"
    document = file(telegram, name="b.txt")
    telegram.say(document=document, chat=GROUP, caption=caption, caption_entities=entities_of(caption))
    await telegram.next_message(CHAT)
    sent = backend.people.called("document")
    assert [(document["filename"], document["chat_id"], document["sender_id"]) for document in sent] == [
        ("b.txt", str(CHAT), "42")
    ]
    assert "user_id" not in sent[0]


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        ("encrypted", "protected by a password"),
        ("empty", "no text"),
        ("too-long", "too much"),
        ("unreadable", "opened"),
    ],
)
async def test_why_a_document_was_not_read_is_told(
    telegram: TelegramSimulator, backend: BackendSimulator, reason: str, told: str
) -> None:
    backend.people.document_states = [{"state": "failed", "problem": reason}]
    telegram.say(document=file(telegram, name="a.pdf"), caption="what is it?")
    assert told in (await telegram.next_message())["text"]
    assert not backend.handled


async def test_a_file_that_is_too_large_is_not_fetched(telegram: TelegramSimulator, backend: BackendSimulator) -> None:
    telegram.say(document=file(telegram, name="a.pdf") | {"file_size": 21 << 20})
    assert "20 MB" in (await telegram.next_message())["text"]
    backend.problems = [problem("body-too-large", 413, limit=10 << 20)]
    telegram.say(document=file(telegram, name="a.pdf"))
    assert "10 MB" in (await telegram.next_message())["text"]
    assert len(telegram.calls("getFile")) == 1


async def test_a_file_that_does_not_come_through_is_told(telegram: TelegramSimulator) -> None:
    telegram.faults = [Fault("getFile", code=400)]
    telegram.say(voice=voice(telegram))
    assert "did not come through" in (await telegram.next_message())["text"]


@pytest.mark.parametrize(
    ("sent", "asked"),
    [
        ({"location": PLACE}, "[Place on the map: 56.95, 24.11]"),
        (
            {"location": PLACE, "venue": {"location": PLACE, "title": "Café", "address": "Brīvības 1"}},
            "[Place on the map: Café, Brīvības 1; 56.95, 24.11]",
        ),
        ({"contact": {"first_name": "Olga", "phone_number": "+371 1"}}, "[Contact: Olga, +371 1]"),
        ({"dice": {"emoji": "🎲", "value": 4}}, "[Rolled 4 🎲]"),
    ],
    ids=["location", "venue", "contact", "dice"],
)
async def test_what_can_be_said_in_words_is(
    telegram: TelegramSimulator, backend: BackendSimulator, sent: Json, asked: str
) -> None:
    telegram.say(**sent)
    await telegram.next_message()
    assert backend.handled[0]["text"] == asked


async def test_a_poll_and_a_sticker_are_said_in_words(telegram: TelegramSimulator, backend: BackendSimulator) -> None:
    options = [{"text": text, "voter_count": 0, "persistent_id": text} for text in ("Yes", "No")]
    poll = {"id": "p", "question": "Tea?", "options": options, "total_voter_count": 0, "type": "regular"}
    closed = {"is_closed": False, "is_anonymous": True, "allows_multiple_answers": False, "allows_revoting": False}
    telegram.say(poll=poll | closed | {"members_only": False})
    await telegram.next_message()
    sticker: Json = {"type": "regular", "width": 1, "height": 1, "is_animated": False, "is_video": False, "emoji": "👍"}
    telegram.say(sticker=file(telegram, **sticker))
    await telegram.next_message()
    assert [body["text"] for body in backend.handled] == ["[Poll: Tea?]\n- Yes\n- No", "[Sticker 👍]"]


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        ({"video": {"file_id": "v", "file_unique_id": "v", "width": 1, "height": 1, "duration": 1}}, "into words"),
        ({"animation": ANIMATION, "document": {"file_id": "a", "file_unique_id": "a"}}, "into words"),
        ({"document": {"file_id": "z", "file_unique_id": "z", "file_name": "a.zip"}}, "files of this kind"),
    ],
    ids=["video", "animation", "zip"],
)
async def test_what_is_not_understood_gets_a_friendly_sentence(
    telegram: TelegramSimulator, backend: BackendSimulator, sent: Json, told: str
) -> None:
    telegram.say(**sent)
    assert told in (await telegram.next_message())["text"]
    assert not backend.handled
    assert not telegram.calls("getFile")


async def test_a_picture_can_be_asked_about_by_a_reply(telegram: TelegramSimulator, backend: BackendSimulator) -> None:
    backend.people.understood = lambda sent: "a cat"
    shown = telegram.say(photo=photo(telegram), caption="look!", chat=GROUP, person=IVAN)
    telegram.say("@test_bot what is this?", chat=GROUP, reply_to_message=shown)
    await telegram.next_message(CHAT)
    assert backend.handled[0]["text"] == "what is this?"
    assert backend.handled[0]["quote"] == {"speaker": "Иван", "text": "[In the picture: a cat]\nlook!"}


async def test_a_reply_to_a_picture_that_nobody_can_see_is_a_question_all_the_same(
    telegram: TelegramSimulator, backend: BackendSimulator
) -> None:
    shown = telegram.say(photo=photo(telegram), chat=GROUP, person=IVAN)
    backend.problems = [problem("attachment-not-understood", 422)]
    telegram.say("@test_bot what is this?", chat=GROUP, reply_to_message=shown)
    await telegram.next_message(CHAT)
    assert "quote" not in backend.handled[0]


async def test_who_may_not_ask_is_told_that(telegram: TelegramSimulator, backend: BackendSimulator) -> None:
    backend.problems = [problem("not-allowed", 403)]
    telegram.say(voice=voice(telegram), person=ANNA)
    assert "invited" in (await telegram.next_message())["text"]
