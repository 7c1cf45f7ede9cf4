"""What agents may know, keep and forget of a person: that person's alone, and never as that person's word."""

import re
from typing import Any
from uuid import UUID

import pytest

from backend.agents.skills import Means, shipped
from backend.agents.skills.memory import Handles, MemoryForget, MemoryRemember, MemorySearch, Note, Question
from backend.agents.skills.skill import Context, Danger, Failed, Refused
from backend.bootstrap import Backend
from backend.database import Database
from backend.memory.choosing import own
from tests.backend.agents.skills.contexts import NOBODY, context
from tests.backend.memory.remembering import Conversation, converse
from tests.conftest import MakeBackend

NOTE = Note(text="Anna's flight to Riga leaves on 3 May.", source="https://example.com/ticket")


def of(talk: Conversation, user_id: str = "anna", **changed: Any) -> Context:
    return context(user_id=user_id, scope=talk.scope, session_id=talk.id, **changed)


def search(backend: Backend) -> MemorySearch:
    return MemorySearch(backend.db, backend.memory)


def handles(text: str) -> list[str]:
    return re.findall(r"\[([md][^\]]+)\]", text)


async def find(backend: Backend, query: str, on_behalf: Context) -> str:
    """After the worker has looked at what is new."""
    await backend.indexing.index()
    return (await search(backend).run(Question(query=query), on_behalf)).text


async def test_what_a_person_said_is_found_with_who_said_it_and_when(backend: Backend) -> None:
    talk = await converse(backend.db)
    await talk.say("My sister Lena lives in Riga.", speaker="Anna")
    await backend.indexing.index()
    result = await search(backend).run(Question(query="Where does my sister live?"), of(talk))
    assert re.search(r"\[m\d+-\w{8}\] \d{4}-\d\d-\d\d \d\d:\d\d, Anna:\n> My sister Lena lives in Riga\.", result.text)
    assert result.origin == "the memory of earlier conversations"
    assert await search(backend).weigh(Question(query="?"), of(talk)) is Danger.SAFE


async def test_nobody_finds_what_another_person_said(backend: Backend) -> None:
    talk = await converse(backend.db)
    await talk.say("My sister Lena lives in Riga.")
    other = await converse(backend.db, "boris", chat="2")
    assert "Riga" not in await find(backend, "Where does my sister live?", of(other, "boris"))


async def test_the_message_that_asks_is_not_found_itself(backend: Backend) -> None:
    talk = await converse(backend.db)
    await talk.say("My sister Lena lives in Riga.", "Where does my sister live?")
    turn, run = UUID(int=1), UUID(int=2)
    await backend.db.run(
        "insert into turns (id, session_id, position, status) values ($1, $2, 2, 'answered')", turn, talk.id
    )
    await backend.db.run("update messages set turn_id = $1 where session_id = $2 and position = 2", turn, talk.id)
    limits = "max_model_calls, max_tool_calls, max_tokens, max_minutes"
    insert = f"insert into agent_runs (id, session_id, turn_id, kind, title, request, {limits}) values"
    await backend.db.run(f"{insert} ($1, $2, $3, 'agent', '', '', 1, 1, 1, 1)", run, talk.id, turn)
    found = await find(backend, "Where does my sister live?", of(talk, run_id=run))
    assert "Riga" in found
    assert "Where does" not in found


async def test_nothing_found_is_said(backend: Backend) -> None:
    talk = await converse(backend.db)
    assert "nothing said earlier was found" in await find(backend, "tea?", of(talk))


async def test_a_note_is_found_as_the_assistants_own_with_its_source(backend: Backend) -> None:
    talk = await converse(backend.db)
    skill = MemoryRemember(backend.db, backend.memory)
    preview = await skill.preview(NOTE, of(talk))
    assert await skill.weigh(NOTE, of(talk)) is Danger.CONFIRM
    assert preview.detail == f"[Note of the assistant, from https://example.com/ticket]\n{NOTE.text}"
    await skill.run(NOTE, of(talk))
    [message] = await backend.db.run("select * from messages")
    assert (message["role"], message["speaker"], message["content"]) == ("assistant", "Assistant", preview.detail)
    assert f"> {NOTE.text}" in await find(backend, "When does the flight to Riga leave?", of(talk))


async def test_a_note_is_forgotten_with_the_person_also_in_a_group(backend: Backend) -> None:
    talk = await converse(backend.db, chat="-1", kind="group")
    await MemoryRemember(backend.db, backend.memory).run(NOTE, of(talk))
    receipt = await backend.memory.forget("anna", None)
    assert (receipt.messages, receipt.left, receipt.found) == (1, 0, 0)


async def test_the_person_is_shown_exactly_what_will_be_forgotten_and_nothing_else_is(backend: Backend) -> None:
    talk = await converse(backend.db, language="ru")
    await talk.say("My sister Lena lives in Riga.", "My sister Olga lives in Oslo.", speaker="Anna")
    skill, on_behalf = MemoryForget(backend.db), of(talk, language="ru")
    found = await find(backend, "Where does my sister Lena live?", on_behalf)
    [lena] = handles(next(line for line in found.split("\n\n") if "Lena" in line))
    params = Handles(handles=[lena])
    preview = await skill.preview(params, on_behalf)
    assert preview.title == "Забыть (1)"
    assert preview.detail.endswith("Anna:\nMy sister Lena lives in Riga.")
    assert await skill.weigh(params, on_behalf) is Danger.CONFIRM
    assert skill.grants(params) is None
    assert (await skill.run(params, on_behalf)).text == "1 of 1 are deleted from memory."
    left = await backend.db.run("select content from messages union all select content from embeddings")
    assert {row["content"] for row in left} == {"My sister Olga lives in Oslo."}


async def test_a_message_that_has_changed_since_it_was_shown_stays(backend: Backend) -> None:
    talk = await converse(backend.db)
    await talk.say("My sister Lena lives in Riga.")
    [handle] = handles(await find(backend, "Where does my sister live?", of(talk)))
    await backend.db.run("update messages set content = 'Something else.'")
    for attempt in (MemoryForget(backend.db).weigh, MemoryForget(backend.db).run):
        with pytest.raises(Refused, match=handle):
            await attempt(Handles(handles=[handle]), of(talk))
    assert len(await backend.db.run("select from messages")) == 1


async def test_nobody_forgets_what_another_member_of_the_group_said(backend: Backend) -> None:
    talk = await converse(backend.db, chat="-1", kind="group")
    others = await converse(backend.db, "boris", chat="-1", kind="group")
    await others.say("My sister Lena lives in Riga.", speaker="Boris")
    assert talk.scope == others.scope
    found = await find(backend, "Where does the sister of Boris live?", of(talk))
    assert "Riga" in found
    assert handles(found) == []
    handle = await handle_of(backend.db, of(others, "boris"))
    with pytest.raises(Refused):
        await MemoryForget(backend.db).run(Handles(handles=[handle, "m1", "d1", "'; drop"]), of(talk))


async def handle_of(db: Database, on_behalf: Context) -> str:
    messages = [row["id"] for row in await db.run("select id from messages")]
    [one] = await own(db, messages, [], on_behalf.scope, on_behalf.user_id)
    return one.handle


async def test_a_document_is_forgotten_as_a_whole(backend: Backend) -> None:
    talk = await converse(backend.db)
    await backend.db.run(
        "insert into documents (bot_id, user_id, name, media_type, size, sha256, state)"
        " select id, 'anna', 'ticket.pdf', 'application/pdf', 1, 'abc', 'ready' from bots"
    )
    await backend.db.run(
        "insert into embeddings (scope, document_id, role, speaker, content)"
        " select scope, id, 'document', name, 'ticket.pdf\nRiga, 3 May' from documents"
    )
    [handle] = handles(await find(backend, "When is the ticket to Riga for?", of(talk)))
    params = Handles(handles=[handle])
    assert (await MemoryForget(backend.db).preview(params, of(talk))).detail.endswith("document:\nticket.pdf")
    assert (await MemoryForget(backend.db).run(params, of(talk))).text == "1 of 1 are deleted from memory."
    assert await backend.db.run("select from documents union all select from embeddings") == []


async def test_a_summary_that_holds_what_is_forgotten_goes_as_well(backend: Backend) -> None:
    talk = await converse(backend.db)
    await talk.say("Hello.", "My sister Lena lives in Riga.", "Bye.")
    for version, position in ((1, 1), (2, 3)):
        await backend.db.run(
            "insert into conversation_summaries (session_id, version, content, facts, last_position, tokens)"
            " values ($1, $2, 'Riga', '[]', $3, 1)", talk.id, version, position,
        )  # fmt: skip
    found = await find(backend, "Where does my sister live?", of(talk))
    [handle] = handles(next(line for line in found.split("\n\n") if "Lena" in line))
    await MemoryForget(backend.db).run(Handles(handles=[handle]), of(talk))
    assert [row["version"] for row in await backend.db.run("select version from conversation_summaries")] == [1]
    [session] = await backend.db.run("select messages_since_summary from chat_sessions")
    assert session["messages_since_summary"] in (1, 2)


async def test_a_conversation_that_is_gone_is_said_to_be(backend: Backend) -> None:
    gone = context(session_id=NOBODY)
    with pytest.raises(Failed):
        await MemoryRemember(backend.db, backend.memory).run(NOTE, gone)
    with pytest.raises(Failed):
        await search(backend).run(Question(query="tea"), gone)


async def test_where_nothing_is_remembered_nothing_is_offered(make_backend: MakeBackend) -> None:
    backend = await make_backend(rag_enabled=False)
    skills = {skill.name: skill for skill in shipped(Means(backend.settings, backend.db, backend.memory))}
    assert "RAG_ENABLED" in skills["memory_search"].unavailable()
    assert "RAG_ENABLED" in skills["memory_remember"].unavailable()
    assert skills["memory_forget"].unavailable() == ""
