"""Agents and skills as an operator's program sees them."""

from typing import Any

import httpx2
import pytest

from tests.backend.api.assertions import assert_problem
from tests.backend.api.test_macros import HELLO, TRANSLATE, say
from tests.simulators.provider import Provider
from tests.simulators.provider_tools import CallsTool

LIBRARIAN: dict[str, Any] = {
    "slug": "librarian",
    "name": "Librarian",
    "description": "Finds books and opening hours.",
    "instructions": "Look into the catalogue first.",
    "skills": ["filesystem", "filesystem_rite", "mcp_notes"],
}
NO_UUID = "00000000-0000-0000-0000-000000000000"


async def added(api: httpx2.AsyncClient, **changed: Any) -> dict[str, Any]:
    response = await api.post("/v1/agents", json=LIBRARIAN | changed)
    assert response.status_code == 201, response.text
    agent: dict[str, Any] = response.json()
    return agent


async def test_an_agent_is_added_changed_and_deleted(offline_api: httpx2.AsyncClient) -> None:
    agent = await added(offline_api, bot="default", max_minutes=5)
    at = f"/v1/agents/{agent['id']}"
    expected = {
        "bot": "default", "enabled": True, "queue": "default", "llm_chain": "", "allowed_user_ids": [],
        "max_minutes": 5, "max_tokens": None, "skills": LIBRARIAN["skills"], "unknown_skills": ["filesystem_rite"],
    }  # fmt: skip
    assert expected.items() <= agent.items()
    assert (await offline_api.get(at)).json() == agent
    changes = {"skills": ["web"], "bot": None, "max_minutes": None, "allowed_user_ids": ["42"]}
    changed = (await offline_api.patch(at, json=changes)).json()
    assert changed == agent | changes | {"unknown_skills": []}
    assert (await offline_api.patch(at, json={})).json() == changed
    assert (await offline_api.delete(at)).status_code == 204
    for response in (await offline_api.get(at), await offline_api.delete(at), await offline_api.patch(at, json={})):
        assert_problem(response, "agent-not-found", 404)


async def test_a_bot_has_its_own_agents_and_those_of_every_bot(offline_api: httpx2.AsyncClient) -> None:
    await offline_api.post("/v1/bots", json={"slug": "other"})
    for bot in ("default", "other", None):
        await added(offline_api, bot=bot)
    listed = (await offline_api.get("/v1/agents", params={"bot": "other", "limit": 2})).json()
    assert [(agent["slug"], agent["bot"]) for agent in listed["items"]] == [("librarian", None), ("librarian", "other")]


async def test_what_cannot_be_an_agent_is_refused(offline_api: httpx2.AsyncClient) -> None:
    agent = await added(offline_api)
    cases: list[tuple[dict[str, Any], int, str]] = [
        ({}, 409, "agent-exists"),
        ({"slug": "other", "bot": "nobody"}, 404, "bot-not-found"),
        ({"slug": "other", "llm_chain": "no-such-provider:x,"}, 422, "llm-chain-invalid"),
        ({"slug": "Other"}, 422, "invalid-request"),
        ({"slug": "other", "skills": ["a b"]}, 422, "invalid-request"),
        ({"slug": "other", "skills": "web"}, 422, "invalid-request"),
        ({"slug": "other", "queue": "fast"}, 422, "invalid-request"),
        ({"slug": "other", "max_model_calls": 0}, 422, "invalid-request"),
        ({"slug": "other", "max_minutes": 1_441}, 422, "invalid-request"),
        ({"slug": "other", "instructions": " "}, 422, "invalid-request"),
        ({"slug": "other", "description": "a\0b"}, 422, "invalid-request"),
        ({"slug": "other", "danger": "safe"}, 422, "invalid-request"),
    ]
    for changed, status, type in cases:
        assert_problem(await offline_api.post("/v1/agents", json=LIBRARIAN | changed), type, status)
    at = f"/v1/agents/{agent['id']}"
    assert_problem(await offline_api.patch(at, json={"slug": "other"}), "invalid-request", 422)
    assert (await offline_api.get(at)).json() == agent


async def test_a_change_holds_at_once(api: httpx2.AsyncClient, provider: Provider) -> None:
    agent = await added(api)
    await say(api)
    await api.patch(f"/v1/agents/{agent['id']}", json={"enabled": False})
    await say(api)
    assert ["tools" in call.body for call in provider.calls] == [True, False]


async def test_skills_are_listed_with_their_dangers(offline_api: httpx2.AsyncClient) -> None:
    skills = {skill["name"]: skill for skill in (await offline_api.get("/v1/skills")).json()["data"]}
    write = skills["filesystem_write"]
    assert (write["family"], write["danger"], write["missing"]) == ("filesystem", "confirm", "")
    assert skills["filesystem_read"]["danger"] == "safe"


async def test_a_macro_may_have_a_plan_instead_of_a_template(offline_api: httpx2.AsyncClient) -> None:
    plan = [{"agent": "librarian", "action": "Look for {{language}} books.", "depends_on": []}]
    nothing = {"template": "", "plan": None}
    for changed in ({"plan": plan}, nothing, {"template": "", "plan": []}, {"template": "", "plan": plan * 11}):
        response = await offline_api.post("/v1/macros", json=TRANSLATE | changed)
        assert response.status_code == 422, changed
    macro = (await offline_api.post("/v1/macros", json=TRANSLATE | {"template": "", "plan": plan})).json()
    assert (macro["template"], macro["plan"], macro["missing_agents"]) == ("", plan, ["librarian"])
    at = f"/v1/macros/{macro['id']}"
    await added(offline_api, bot="default")
    assert (await offline_api.get(at)).json()["missing_agents"] == ["librarian"]
    for bot, missing in (("default", []), ("other", ["librarian"])):
        listed = (await offline_api.get("/v1/macros", params={"bot": bot})).json()["items"]
        assert [each["missing_agents"] for each in listed if each["id"] == macro["id"]] == [missing]
    assert_problem(await offline_api.patch(at, json={"template": "Do it."}), "macro-invalid", 422)
    changed = (await offline_api.patch(at, json={"template": "Do it.", "plan": None})).json()
    assert (changed["template"], changed["plan"], changed["missing_agents"]) == ("Do it.", None, [])


@pytest.mark.parametrize(
    ("correction", "corrected"),
    [
        ({"strategy": "agent", "target": "librarian"}, ("agent", "librarian")),
        ({"strategy": "dynamic", "target": "librarian"}, ("dynamic", None)),
    ],
)
async def test_a_decision_is_corrected_to_an_agent_or_a_plan(
    api: httpx2.AsyncClient, correction: dict[str, str], corrected: tuple[str, str | None]
) -> None:
    agent = await added(api)
    session_id = (await say(api))["session_id"]
    [decided] = (await api.get(f"/v1/sessions/{session_id}/routes")).json()["items"]
    at = f"/v1/routes/{decided['id']}"
    shown = (await api.patch(at, json=correction)).json()
    assert (shown["corrected_strategy"], shown["corrected_target"]) == corrected
    assert_problem(await api.patch(at, json={"strategy": "agent", "target": "rm"}), "target-unknown", 422)
    await api.delete(f"/v1/agents/{agent['id']}")
    assert_problem(await api.patch(at, json=correction), "target-unknown", 422)


async def test_the_person_is_told_that_too_much_is_under_way(api: httpx2.AsyncClient, provider: Provider) -> None:
    await added(api)
    provider.usual = CallsTool("LIBRARIAN", {"task": "Look."})
    replies = [await say(api) for _ in range(4)]
    assert [reply["type"] for reply in replies] == ["run", "run", "run", "notice"]
    assert replies[-1]["text"].startswith("3 tasks are under way already")
    in_russian = (await api.post("/v1/chat/handle", json=HELLO | {"language": "ru-RU"})).json()
    assert in_russian["text"].startswith("Уже выполняется 3 задания")
