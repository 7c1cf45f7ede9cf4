"""Voice messages and pictures, as the relay sends them."""

from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from backend.database import Database
from backend.settings import Settings
from tests.backend.api.assertions import assert_problem
from tests.backend.api.running import client_of, serving
from tests.simulators.provider import Answer, Fails, Hangs, Provider, Says
from tests.simulators.transcriptions import Hears

PATH = "/v1/attachments"
OGG, PNG = b"OggS\x00\x02" + bytes(100), b"\x89PNG\r\n\x1a\n" + bytes(100)
CALLS = "select purpose, provider, model, tokens_in, outcome from llm_calls order by id"


@pytest.fixture
async def api(
    settings: Settings, provider: Provider, db: Database, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of an application that hears and sees by the simulated provider."""
    monkeypatch.setenv("STUB_BASE_URL", provider.base_url)
    monkeypatch.setenv("STUB_API_KEY", "sk-stub")
    provider.key = "sk-stub"
    models = {"vision_llm_chain": "stub:seeing", "transcription": "stub:hearing", "llm_timeout_seconds": 2.0}
    limits = {"max_attachment_bytes": 1000, "messages_per_minute": 2}
    async with serving(settings.model_copy(update=models | limits)) as app, client_of(app) as client:
        yield client


async def send(api: httpx2.AsyncClient, content: bytes, kind: str, **form: str) -> httpx2.Response:
    return await api.post(PATH, files={"file": ("x.exe", content, "text/plain")}, data={"kind": kind} | form)


async def test_a_voice_message_becomes_what_is_said_in_it(
    api: httpx2.AsyncClient, provider: Provider, db: Database
) -> None:
    provider.ears.will(Hears("Привет, мир\x00"))
    response = await send(api, OGG, "voice", caption="Misha and Anna", language="ru")
    assert (response.status_code, response.json()) == (200, {"text": "Привет, мир"})
    (recording,) = provider.ears.heard
    assert recording.fields == {"model": "hearing", "response_format": "json", "prompt": "Misha and Anna"}
    assert (recording.file_name, recording.media_type, recording.content) == ("voice.ogg", "audio/ogg", OGG)
    assert await told_calls(db) == [("transcription", "stub", "hearing", None, "answered")]


async def test_of_a_silent_recording_there_is_nothing_to_say(api: httpx2.AsyncClient, provider: Provider) -> None:
    provider.ears.will(Hears(""))
    response = await send(api, OGG, "voice")
    assert (response.status_code, response.json()) == (200, {"text": ""})


async def test_an_image_is_described_in_the_persons_language_with_their_question_in_mind(
    api: httpx2.AsyncClient, provider: Provider, db: Database
) -> None:
    provider.will(Answer("A red bicycle."))
    response = await send(api, PNG, "image", caption="What colour is it?", language="ru")
    assert (response.status_code, response.json()) == (200, {"text": "A red bicycle."})
    system, (question, picture) = (message["content"] for message in body_of(provider)["messages"])
    assert "the code ru" in system
    assert question == {"type": "text", "text": "What colour is it?"}
    assert picture["image_url"]["url"].startswith("data:image/png;base64,iVBORw0KGgo")
    assert await told_calls(db) == [("vision", "stub", "seeing", 400, "answered")]


async def test_an_image_without_a_question_is_described(api: httpx2.AsyncClient) -> None:
    assert (await send(api, PNG, "image")).json() == {"text": "You said: What is there to see? data:image/png"}


@pytest.mark.parametrize(
    ("content", "kind"), [(PNG, "voice"), (OGG, "image"), (b"MZ" + bytes(50), "image"), (b"", "voice")]
)
async def test_a_file_is_what_is_in_it(api: httpx2.AsyncClient, provider: Provider, content: bytes, kind: str) -> None:
    assert_problem(await send(api, content, kind), "attachment-unsupported", 422)
    assert (provider.calls, provider.ears.heard) == ([], [])


async def test_a_file_has_a_largest_size(api: httpx2.AsyncClient) -> None:
    assert (await send(api, OGG.ljust(1000), "voice")).status_code == 200
    assert_problem(await send(api, OGG.ljust(1001), "voice"), "attachment-too-large", 413)
    assert_problem(await send(api, OGG.ljust(1 << 20), "voice"), "body-too-large", 413)


async def test_what_is_no_attachment_is_refused(api: httpx2.AsyncClient) -> None:
    for kind, form in (("video", {}), ("image", {"surprise": "1"}), ("image", {"caption": "x" * 4001})):
        assert_problem(await send(api, PNG, kind, **form), "invalid-request", 422)
    assert_problem(await api.post(PATH, data={"kind": "image"}), "invalid-request", 422)


@pytest.mark.parametrize("kind", ["voice", "image"])
async def test_without_a_model_nothing_is_understood(offline_api: httpx2.AsyncClient, kind: str) -> None:
    assert_problem(await send(offline_api, OGG, kind), "attachment-not-understood", 422)


@pytest.mark.parametrize("fault", [Fails(401), Says("[]"), Says('{"text": 7}'), Hangs()])
async def test_a_failure_of_the_service_is_told_and_recorded(
    api: httpx2.AsyncClient, provider: Provider, db: Database, fault: Any
) -> None:
    provider.ears.usual = fault
    assert_problem(await send(api, OGG, "voice"), "no-provider-answered", 503)
    assert {(purpose, outcome == "answered") for purpose, _, _, _, outcome in await told_calls(db)} == {
        ("transcription", False)
    }


async def test_a_busy_service_is_asked_again(api: httpx2.AsyncClient, provider: Provider, db: Database) -> None:
    provider.ears.will(Fails(503))
    assert (await send(api, OGG, "voice")).json() == {"text": "Hello"}
    assert [outcome for *_, outcome in await told_calls(db)] == ["unavailable", "answered"]


async def test_a_stranger_costs_nothing(api: httpx2.AsyncClient, provider: Provider, db: Database) -> None:
    await db.run("update bots set access = 'list', allowed_user_ids = '{42}'")
    assert_problem(await send(api, OGG, "voice", user_id="43"), "not-allowed", 403)
    assert provider.ears.heard == []
    await db.run("update bots set access = 'pairing', owner_id = '1'")
    assert_problem(await send(api, OGG, "voice", user_id="43"), "approval-needed", 403)
    assert_problem(await send(api, OGG, "voice", user_id="42", bot="nobody"), "bot-not-found", 404)
    for _ in range(5):
        assert (await send(api, OGG, "voice", user_id="42")).status_code == 200


async def test_who_has_written_too_much_is_not_heard_either(
    api: httpx2.AsyncClient, provider: Provider, db: Database
) -> None:
    await db.run("insert into rates (key, full_until) select id || ' 42', now() + interval '1 minute' from bots")
    response = await send(api, OGG, "voice", user_id="42")
    assert_problem(response, "too-many-messages", 429)
    assert provider.ears.heard == []


async def told_calls(db: Database) -> list[tuple[Any, ...]]:
    return [tuple(call.values()) for call in await db.run(CALLS)]


def body_of(provider: Provider) -> Any:
    (call,) = provider.calls
    return call.body
