"""A real Directus over a real Postgres: it is set up by a command, and lets each role do what it should."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from backend.database import Database
from backend.settings import Settings
from directus.applying import Applying
from directus.client import Client, Refused
from directus.reading import Panel
from directus.wanted import wanted
from tests.backend.chat.conversation import Person
from tests.directus.house import House, dump

pytestmark = pytest.mark.directus


async def test_the_second_time_nothing_changes(house: House) -> None:
    assert house.apply() == "Nothing has changed for the panel."


async def test_what_is_no_longer_in_the_files_goes(house: House, people: dict[str, Client], panel: Panel) -> None:
    fewer = replace(
        panel,
        bookmarks={key: told for key, told in panel.bookmarks.items() if key != "failed-turns"},
        flows={key: told for key, told in panel.flows.items() if key != "cancel-run"},
        dashboards={},
    )
    changes = await Applying(people["administrator"]).apply(wanted(fewer))
    # The names of what is gone, in two languages, go as well; and the bookmark's.
    assert changes.removed > 2 * sum(len(told["panels"]) for told in panel.dashboards.values())
    assert await people["viewer"].all("/dashboards") == []
    assert await people["administrator"].all("/presets", **{"filter[bookmark][_icontains]": "failed"}) == []
    assert house.apply().startswith("The panel is set up")
    assert len(await people["viewer"].all("/dashboards")) == 2


async def test_what_somebody_made_there_stays(house: House, people: dict[str, Client]) -> None:
    made = await people["administrator"].post("/dashboards", {"name": "Mine"})
    assert house.apply() == "Nothing has changed for the panel."
    assert await people["administrator"].get(f"/dashboards/{made['id']}")
    await people["administrator"].delete(f"/dashboards/{made['id']}")


async def test_who_is_no_longer_in_the_environment_cannot_log_in(house: House, people: dict[str, Client]) -> None:
    viewer = house.people["viewer"]
    assert "1 changed" in house.apply(DIRECTUS_VIEWER_PASSWORD="")
    with pytest.raises(Refused):
        await people["viewer"].log_in(viewer.email, viewer.password)
    assert "1 changed" in house.apply()
    await people["viewer"].log_in(viewer.email, viewer.password)


@pytest.mark.parametrize("who", ["administrator", "operator", "viewer"])
async def test_everybody_reads_everything_that_is_shown(people: dict[str, Client], panel: Panel, who: str) -> None:
    for table in panel.tables:
        await people[who].get(f"/items/{table}", limit="1", fields="*")
    assert len(await people[who].all("/dashboards")) == 2


@pytest.mark.parametrize("who", ["administrator", "operator", "viewer"])
async def test_nobody_sees_a_token_nor_a_table_that_is_kept_back(people: dict[str, Client], who: str) -> None:
    for path, fields in (("bots", "sealed_token"), ("documents", "content"), ("words", "*"), ("vectors", "*")):
        with pytest.raises(Refused):
            await people[who].get(f"/items/{path}", fields=fields)
    assert "sealed_token" not in (await people[who].get("/items/bots"))[0]


async def test_an_operator_takes_over_answers_and_hands_back(
    people: dict[str, Client], session_id: UUID, db: Database
) -> None:
    operator = people["operator"]
    await operator.patch(f"/items/chat_sessions/{session_id}", {"mode": "human"})
    said = await operator.post("/items/messages", {"session_id": str(session_id), "content": "Here I am"})
    assert said["position"] == "3"
    assert [row["content"] for row in await db.run("select content from deliveries where kind = 'notice'")] == [
        "Here I am"
    ]
    await operator.patch(f"/items/chat_sessions/{session_id}", {"mode": "bot"})
    assert (await db.run("select mode from chat_sessions"))[0]["mode"] == "bot"


async def test_an_operator_corrects_and_deletes_messages(
    people: dict[str, Client], session_id: UUID, anna: Person
) -> None:
    rows = await people["operator"].get("/items/messages", sort="position", fields="id,role,content")
    await people["operator"].patch(f"/items/messages/{rows[0]['id']}", {"content": "Good morning"})
    await people["operator"].delete(f"/items/messages/{rows[1]['id']}")
    assert await anna.transcript() == [("user", "Good morning")]


# As somebody asks: the words in braces are the ids of a session, a message in it, and its bot.
REFUSED_TO_OPERATORS = [
    ("PATCH", "/items/chat_sessions/{session}", {"user_id": "somebody else"}),
    ("PATCH", "/items/chat_sessions/{session}", {"last_position": 0}),
    ("POST", "/items/chat_sessions", {"user_id": "x", "chat_id": "x"}),
    ("DELETE", "/items/chat_sessions/{session}", None),
    ("PATCH", "/items/messages/{message}", {"role": "system"}),
    ("PATCH", "/items/bots/{bot}", {"persona": "You are a pirate."}),
    ("POST", "/items/macros", {"slug": "x", "name": "x", "description": "x", "template": "x"}),
    ("POST", "/users", {"email": "x@example.com", "password": "x"}),
    ("PATCH", "/settings", {"project_name": "x"}),
]
REFUSED_TO_VIEWERS = [
    ("PATCH", "/items/chat_sessions/{session}", {"mode": "human"}),
    ("PATCH", "/items/messages/{message}", {"content": "x"}),
    ("DELETE", "/items/messages/{message}", None),
    ("POST", "/items/messages", {"session_id": "{session}", "content": "x"}),
]
REFUSED_TO_EVERYBODY = [
    ("POST", "/fields/messages", {"field": "hacked", "type": "string", "schema": {}}),
    ("PATCH", "/fields/messages/content", {"type": "string", "schema": {"is_nullable": True}}),
    ("DELETE", "/fields/messages/tokens", None),
    ("DELETE", "/collections/embeddings", None),
    ("PATCH", "/relations/messages/session_id", {"schema": {"on_delete": "NO ACTION"}}),
]
REFUSALS = [
    *(("viewer", *request) for request in REFUSED_TO_OPERATORS + REFUSED_TO_VIEWERS + REFUSED_TO_EVERYBODY),
    *(("operator", *request) for request in REFUSED_TO_OPERATORS + REFUSED_TO_EVERYBODY),
    *(("administrator", *request) for request in REFUSED_TO_EVERYBODY + REFUSED_TO_OPERATORS[:2]),
]


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: " ".join(map(str, refusal)))
async def test_they_are_refused(
    people: dict[str, Client], session_id: UUID, db: Database, refusal: tuple[str, str, str, Any]
) -> None:
    who, method, path, body = refusal
    [row] = await db.run(
        "select id as message, session_id as session, (select id from bots) as bot from messages limit 1"
    )
    ids = {name: str(value) for name, value in row.items()}
    body = body and {name: value.format(**ids) if isinstance(value, str) else value for name, value in body.items()}
    with pytest.raises(Refused) as refused:
        await people[who].ask(method, path.format(**ids), body)
    assert refused.value.status in (403, 500)


async def test_an_administrator_changes_bots_macros_and_agents(people: dict[str, Client], db: Database) -> None:
    administrator = people["administrator"]
    [bot] = await administrator.get("/items/bots")
    keywords = ['a, "b"', "back\\slash", "при вет"]
    await administrator.patch(
        f"/items/bots/{bot['id']}", {"keywords": keywords, "triggers": ["keyword"], "enabled": False}
    )
    [row] = await db.run("select keywords, triggers, enabled from bots")
    assert tuple(row) == (keywords, ["keyword"], False)
    assert (await administrator.get(f"/items/bots/{bot['id']}"))["keywords"] == keywords
    words = {"slug": "mine", "name": "Mine", "description": "Mine", "template": "Say {{word}}"}
    macro = await administrator.post("/items/macros", {**words, "parameters": {"word": {"type": "string"}}})
    assert (await db.run("select parameters from macros where slug = 'mine'"))[0]["parameters"] == {
        "word": {"type": "string"}
    }
    await administrator.delete(f"/items/macros/{macro['id']}")


class TestFlows:
    async def press(self, client: Client, name: str, table: str, key: object, **fields: str) -> None:
        flows = await client.all("/flows")
        [flow] = [flow for flow in flows if name in flow["name"]]
        await client.post(f"/flows/trigger/{flow['id']}", {"collection": table, "keys": [str(key)], **fields})

    async def test_an_operator_closes_a_session(
        self, people: dict[str, Client], session_id: UUID, db: Database
    ) -> None:
        await self.press(people["operator"], "close_session", "chat_sessions", session_id)
        assert not (await db.run("select is_active from chat_sessions"))[0]["is_active"]

    async def test_an_operator_answers_by_a_button(
        self, people: dict[str, Client], session_id: UUID, db: Database
    ) -> None:
        text = 'Here I am, "really" {{x}}'
        await self.press(people["operator"], "answer_as_the_bot", "chat_sessions", session_id, text=text)
        assert (await db.run("select mode from chat_sessions"))[0]["mode"] == "human"
        assert [row["content"] for row in await db.run("select content from deliveries where kind = 'notice'")] == [
            text
        ]

    async def test_an_operator_cancels_a_run(self, people: dict[str, Client], session_id: UUID, db: Database) -> None:
        [run] = await db.run(
            "insert into agent_runs"
            " (session_id, kind, title, request, max_model_calls, max_tool_calls, max_tokens, max_minutes)"
            " values ($1, 'agent', 'Run', 'Run', 1, 1, 1, 1) returning id",
            session_id,
        )
        await self.press(people["operator"], "cancel_run", "agent_runs", run["id"])
        assert (await db.run("select status from agent_runs"))[0]["status"] == "cancelled"

    @pytest.mark.parametrize("name", ["close_session", "answer_as_the_bot"])
    async def test_a_viewer_may_not(self, people: dict[str, Client], session_id: UUID, db: Database, name: str) -> None:
        with pytest.raises(Refused):
            await self.press(people["viewer"], name, "chat_sessions", session_id, text="x")
        assert tuple((await db.run("select mode, is_active from chat_sessions"))[0]) == ("bot", True)


async def test_after_all_of_that_our_schema_is_what_it_was(
    house: House, people: dict[str, Client], dump_before: list[str], settings: Settings
) -> None:
    assert len(dump_before) > 1000
    assert dump(settings.database_url.get_secret_value()) == dump_before
