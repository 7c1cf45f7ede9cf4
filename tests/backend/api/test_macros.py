"""Macros and routes as an operator's program sees them, from a message to its answer."""

from typing import Any
from uuid import uuid4

import httpx2
import pytest

from tests.backend.api.assertions import assert_problem
from tests.simulators.provider import Answer, Provider
from tests.simulators.provider_tools import CallsTool

TRANSLATE: dict[str, Any] = {
    "slug": "translate",
    "name": "Translate",
    "description": "Translates a text.",
    "template": "Translate {{text}} into {{language}}.",
    "parameters": {"language": {"type": "string", "required": True}, "text": {"type": "string"}},
}
HELLO = {"user_id": "anna", "chat_id": "anna", "text": "Hello"}
NO_UUID = "00000000-0000-0000-0000-000000000000"


async def added(api: httpx2.AsyncClient, **changed: Any) -> dict[str, Any]:
    response = await api.post("/v1/macros", json=TRANSLATE | changed)
    assert response.status_code == 201, response.text
    macro: dict[str, Any] = response.json()
    return macro


async def say(api: httpx2.AsyncClient, text: str = "Hello") -> dict[str, Any]:
    reply: dict[str, Any] = (await api.post("/v1/chat/handle", json=HELLO | {"text": text})).raise_for_status().json()
    return reply


async def decisions(api: httpx2.AsyncClient, session_id: str) -> list[dict[str, Any]]:
    listed = (await api.get(f"/v1/sessions/{session_id}/routes")).raise_for_status()
    items: list[dict[str, Any]] = listed.json()["items"]
    return items


async def test_the_shipped_macros_are_there_and_wait_to_be_enabled(offline_api: httpx2.AsyncClient) -> None:
    macros = (await offline_api.get("/v1/macros")).json()["items"]
    assert {macro["slug"]: (macro["enabled"], macro["bot"]) for macro in macros} == {
        "translate-document": (False, None),
        "generate-commit-message": (False, None),
        "daily-news-summary": (False, None),
    }


async def test_a_shipped_macro_is_enabled_asked_for_and_answered(api: httpx2.AsyncClient, provider: Provider) -> None:
    macros = (await api.get("/v1/macros")).json()["items"]
    for macro in (macro for macro in macros if macro["template"]):
        assert (await api.patch(f"/v1/macros/{macro['id']}", json={"enabled": True})).json()["enabled"]
    provider.will(CallsTool("translate-document", {"language": "German"}), Answer("# Guten Tag"))
    reply = await say(api, "Translate this into German:\n# Good day")
    assert reply["text"] == "# Guten Tag"
    offered = {tool["function"]["name"] for tool in provider.calls[0].body["tools"]}
    assert offered == {"translate-document", "generate-commit-message"}
    system, user = (message["content"] for message in provider.prompts[1])
    assert "{{" not in system
    assert "The tone is as in the original" in system
    assert user.endswith("The person's message:\n> Translate this into German:\n> # Good day")
    [decided] = await decisions(api, reply["session_id"])
    expected = {"turn_id": reply["turn_id"], "strategy": "macro", "target": "translate-document", "mode": "inline"}
    assert expected.items() <= decided.items()


async def test_a_macro_is_added_changed_and_deleted(offline_api: httpx2.AsyncClient) -> None:
    macro = await added(offline_api, bot="default")
    at = f"/v1/macros/{macro['id']}"
    assert (macro["bot"], macro["enabled"], macro["parameters"]["language"]["required"]) == ("default", True, True)
    assert (await offline_api.get(at)).json() == macro
    changed = (await offline_api.patch(at, json={"name": "Into German", "bot": None})).json()
    assert changed == macro | {"name": "Into German", "bot": None}
    assert (await offline_api.patch(at, json={})).json() == changed
    assert (await offline_api.delete(at)).status_code == 204
    for response in (await offline_api.get(at), await offline_api.delete(at), await offline_api.patch(at, json={})):
        assert_problem(response, "macro-not-found", 404)


async def test_a_bot_has_its_own_macros_and_those_of_every_bot(offline_api: httpx2.AsyncClient) -> None:
    await offline_api.post("/v1/bots", json={"slug": "other"})
    for bot in ("default", "other", None):
        await added(offline_api, bot=bot)
    listed = (await offline_api.get("/v1/macros", params={"bot": "other", "limit": 2})).json()
    assert [macro["bot"] for macro in listed["items"]] == [None, "other"]


async def test_what_cannot_be_a_macro_is_refused(offline_api: httpx2.AsyncClient) -> None:
    macro = await added(offline_api)
    cases: list[tuple[dict[str, Any], int, str]] = [
        ({}, 409, "macro-exists"),
        ({"slug": "other", "bot": "nobody"}, 404, "bot-not-found"),
        ({"slug": "other", "template": "{{nothing}}"}, 422, "macro-invalid"),
        ({"slug": "other", "parameters": {"why": {"type": "string"}}, "template": "x"}, 422, "macro-invalid"),
        ({"slug": "other", "parameters": {"x": {"type": "file"}}}, 422, "invalid-request"),
        ({"slug": "other", "parameters": {"X": {"type": "string"}}}, 422, "invalid-request"),
        ({"slug": "Other"}, 422, "invalid-request"),
        ({"slug": "other", "description": " "}, 422, "invalid-request"),
        ({"slug": "other", "template": "a\0b"}, 422, "invalid-request"),
        ({"slug": "other", "steps": []}, 422, "invalid-request"),
    ]
    for changed, status, type in cases:
        assert_problem(await offline_api.post("/v1/macros", json=TRANSLATE | changed), type, status)
    at = f"/v1/macros/{macro['id']}"
    assert_problem(await offline_api.patch(at, json={"parameters": {}}), "macro-invalid", 422)
    assert_problem(await offline_api.patch(at, json={"slug": "other"}), "invalid-request", 422)
    assert (await offline_api.get(at)).json() == macro


async def test_a_change_holds_at_once(api: httpx2.AsyncClient, provider: Provider) -> None:
    macro = await added(api)
    await say(api)
    await api.patch(f"/v1/macros/{macro['id']}", json={"enabled": False})
    await say(api)
    assert ["tools" in call.body for call in provider.calls] == [True, False]


async def test_decisions_are_listed_newest_first_and_by_parts(api: httpx2.AsyncClient) -> None:
    await added(api)
    replies = [await say(api, f"message {number}") for number in range(3)]
    path = f"/v1/sessions/{replies[0]['session_id']}/routes"
    first = (await api.get(path, params={"limit": 2})).json()
    rest = (await api.get(path, params={"limit": 2, "cursor": first["next_cursor"]})).json()
    listed = first["items"] + rest["items"]
    assert [decided["message"] for decided in listed] == ["message 2", "message 1", "message 0"]
    assert rest["next_cursor"] is None


async def test_a_decision_is_corrected(api: httpx2.AsyncClient) -> None:
    await added(api)
    session_id = (await say(api))["session_id"]
    [decided] = await decisions(api, session_id)
    at = f"/v1/routes/{decided['id']}"
    corrected = (await api.patch(at, json={"strategy": "macro", "target": "translate"})).json()
    assert (corrected["corrected_strategy"], corrected["corrected_target"]) == ("macro", "translate")
    assert corrected["corrected_at"]
    assert (corrected["strategy"], corrected["outcome"]) == ("chat", "followed")
    corrected = (await api.patch(at, json={"strategy": "chat", "target": "translate"})).json()
    assert (corrected["corrected_strategy"], corrected["corrected_target"]) == ("chat", None)
    assert [corrected] == await decisions(api, session_id)


@pytest.mark.parametrize(
    ("correction", "type"),
    [
        ({"strategy": "macro", "target": "rm"}, "target-unknown"),
        ({"strategy": "macro"}, "target-unknown"),
        ({"strategy": "shell"}, "invalid-request"),
    ],
)
async def test_a_correction_names_what_there_is(api: httpx2.AsyncClient, correction: dict[str, str], type: str) -> None:
    await added(api)
    [decided] = await decisions(api, (await say(api))["session_id"])
    assert_problem(await api.patch(f"/v1/routes/{decided['id']}", json=correction), type, 422)


async def test_what_is_not_there_is_told(offline_api: httpx2.AsyncClient) -> None:
    assert_problem(await offline_api.get(f"/v1/sessions/{uuid4()}/routes"), "session-not-found", 404)
    assert_problem(await offline_api.patch("/v1/routes/1", json={"strategy": "chat"}), "route-not-found", 404)
    assert_problem(await offline_api.get(f"/v1/macros/{NO_UUID}"), "macro-not-found", 404)


async def test_decisions_go_with_the_person_who_is_forgotten(api: httpx2.AsyncClient) -> None:
    await added(api)
    session_id = (await say(api))["session_id"]
    assert len(await decisions(api, session_id)) == 1
    receipt = await api.request("DELETE", "/v1/memory", params={"user_id": "anna"})
    receipt.raise_for_status()
    assert_problem(await api.get(f"/v1/sessions/{session_id}/routes"), "session-not-found", 404)
