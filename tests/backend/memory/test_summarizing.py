"""Summaries of real sessions: what is folded, what stays, and what happens when it goes wrong."""

import asyncio
from uuid import UUID

import pytest

from backend.bootstrap import Backend
from backend.llm import NoProviderAnswered
from backend.memory.summary import SummaryUnusable
from tests.backend.chat.conversation import Person
from tests.conftest import MakeBackend, RecordedJobs
from tests.simulators.provider import Answer, Fails, Provider


@pytest.fixture
async def brisk(make_backend: MakeBackend) -> Backend:
    """A backend that summarizes every ten messages and keeps four verbatim."""
    return await make_backend(summary_threshold=10, short_history_limit=4, summary_new_messages_limit=20)


@pytest.fixture
def anna(brisk: Backend) -> Person:
    return Person(brisk)


async def talk(person: Person, turns: int) -> UUID:
    replies = [await person.says(f"message {number}") for number in range(turns)]
    return replies[-1].session_id


async def window(backend: Backend, session_id: UUID) -> str:
    past = await backend.memory.recall(session_id, before=2**40)
    story = past.summary.story if past.summary else ""
    return "\n".join([story, *(line.content for line in past.lines)])


async def test_a_summary_is_asked_for_once_when_it_is_due(anna: Person, jobs: RecordedJobs) -> None:
    session_id = await talk(anna, 4)
    assert jobs.asked == []
    await talk(anna, 3)
    assert jobs.asked == [session_id]


async def test_the_counter_falls_when_the_summary_is_stored(anna: Person, provider: Provider) -> None:
    session_id = await talk(anna, 5)
    counted = "select messages_since_summary as count, summary_asked_at as asked from chat_sessions"
    before = (await anna.backend.db.run(counted))[0]
    assert (before["count"], before["asked"] is None) == (10, False)
    provider.will(Answer("STORY\nThe story.\nFACTS\n"))
    await anna.backend.memory.summarize(session_id)
    after = (await anna.backend.db.run(counted))[0]
    assert (after["count"], after["asked"]) == (4, None)


async def test_the_newest_messages_stay_verbatim(anna: Person, provider: Provider) -> None:
    session_id = await talk(anna, 5)
    provider.will(Answer("STORY\nThe story.\nFACTS\n+ name: Anna"))
    await anna.backend.memory.summarize(session_id)
    past = await anna.backend.memory.recall(session_id, before=2**40)
    assert past.summary
    assert past.summary.version == 1
    assert [line.content for line in past.lines] == [
        "message 3", "You said: message 3", "message 4", "You said: message 4",
    ]  # fmt: skip
    folded = provider.prompts[-1][-1]["content"]
    assert "message 2" in folded
    assert "message 3" not in folded


async def test_the_next_summary_goes_on_where_the_last_one_ended(anna: Person, provider: Provider) -> None:
    session_id = await talk(anna, 5)
    provider.will(Answer("STORY\nFirst story.\nFACTS\n+ name: Anna"))
    await anna.backend.memory.summarize(session_id)
    await talk(anna, 3)
    provider.will(Answer("STORY\nSecond story.\nFACTS\n"))
    await anna.backend.memory.summarize(session_id)
    asked = provider.prompts[-1][-1]["content"]
    assert "First story." in asked
    assert "1 name: Anna" in asked
    assert "message 2" not in asked.partition("<said_since>")[2].partition("message 3")[0]
    rows = await anna.backend.db.run(
        "select version, content, facts, tokens from conversation_summaries order by version"
    )
    assert [(row["version"], row["content"]) for row in rows] == [(1, "First story."), (2, "Second story.")]
    assert rows[1]["facts"] == [{"kind": "name", "text": "Anna"}]
    assert all(row["tokens"] > 0 for row in rows)


async def test_a_failed_summary_changes_nothing_but_is_paid_for(anna: Person, provider: Provider) -> None:
    session_id = await talk(anna, 5)
    before = await window(anna.backend, session_id)
    provider.will(Fails(400))
    with pytest.raises(NoProviderAnswered):
        await anna.backend.memory.summarize(session_id)
    provider.will(Answer("STORY\n\nFACTS\n"))
    with pytest.raises(SummaryUnusable):
        await anna.backend.memory.summarize(session_id)
    assert await window(anna.backend, session_id) == before
    calls = await anna.backend.db.run("select outcome from llm_calls where purpose = 'summary' order by id")
    assert [call["outcome"] for call in calls] == ["refused", "answered"]


async def test_two_workers_store_one_version(anna: Person, provider: Provider) -> None:
    session_id = await talk(anna, 5)
    gate = asyncio.Event()
    provider.will(*(Answer("STORY\nThe story.\nFACTS\n", gate=gate) for _ in range(2)))
    both = asyncio.gather(*(anna.backend.memory.summarize(session_id) for _ in range(2)))
    await provider.called(7)
    gate.set()
    await both
    rows = await anna.backend.db.run("select version, last_position from conversation_summaries")
    assert [tuple(row) for row in rows] == [(1, 6)]
    assert (await anna.backend.db.run("select messages_since_summary as count from chat_sessions"))[0]["count"] == 4


async def test_an_unfinished_turn_is_not_folded_away(anna: Person, provider: Provider) -> None:
    """Its answer will stand right behind its question, and the summary must not reach beyond that place."""
    session_id = await talk(anna, 5)
    gate = asyncio.Event()
    provider.will(Answer("slow", gate=gate))
    waiting = [asyncio.ensure_future(anna.says(f"waiting {number}")) for number in range(12)]
    await provider.called(6)
    provider.will(Answer("STORY\nThe story.\nFACTS\n"))
    await anna.backend.memory.summarize(session_id)
    gate.set()
    await asyncio.gather(*waiting)
    held = await window(anna.backend, session_id)
    assert all(f"waiting {number}\n" in f"{held}\n" for number in range(12))
    assert "slow" in held


async def test_a_long_backlog_is_folded_in_passes(anna: Person, provider: Provider) -> None:
    session_id = await talk(anna, 30)
    provider.rule = lambda body: Answer("STORY\nThe story.\nFACTS\n") if "<said_since>" in str(body) else None
    await anna.backend.memory.summarize(session_id)
    rows = await anna.backend.db.run("select last_position from conversation_summaries order by version")
    assert [row["last_position"] for row in rows] == [20, 40, 56]


async def test_long_messages_are_folded_before_they_would_be_dropped(
    make_backend: MakeBackend, jobs: RecordedJobs, provider: Provider
) -> None:
    tight = await make_backend(context_tokens=2_000)
    anna = Person(tight)
    provider.will(*(Answer(f"answer {number}") for number in range(4)))
    replies = [await anna.says(f"message {number} " + "word " * 500) for number in range(4)]
    session_id = replies[-1].session_id
    assert jobs.asked == [session_id]
    provider.rule = lambda body: Answer("STORY\nThe story.\nFACTS\n")
    await tight.memory.summarize(session_id)
    past = await tight.memory.recall(session_id, before=2**40)
    assert past.summary
    assert "message 3" in past.lines[-2].content
    assert sum(line.tokens for line in past.lines) <= 1_000


async def test_an_edited_summary_is_what_the_model_sees_next(anna: Person, provider: Provider) -> None:
    session_id = await talk(anna, 5)
    provider.will(Answer("STORY\nThe story.\nFACTS\n"))
    await anna.backend.memory.summarize(session_id)
    await anna.backend.db.run("update conversation_summaries set content = 'Corrected.'")
    await anna.says("And now?")
    assert "Corrected." in provider.prompts[-1][1]["content"]


async def test_what_was_asked_for_and_has_not_come_is_asked_for_again(anna: Person) -> None:
    session_id = await talk(anna, 5)
    assert await anna.backend.memory.overdue() == []
    await anna.backend.db.run("update chat_sessions set summary_asked_at = now() - interval '2 minutes'")
    assert await anna.backend.memory.overdue() == [session_id]
    assert await anna.backend.memory.overdue() == []


async def test_the_window_drops_the_oldest_when_summaries_do_not_come(
    make_backend: MakeBackend, provider: Provider, capsys: pytest.CaptureFixture[str]
) -> None:
    tight = await make_backend(context_tokens=500)
    for number in range(8):
        await Person(tight).says(f"message {number} " + "word " * 50)
    assert "window_dropped_messages" in capsys.readouterr().out
    shown = str(provider.prompts[-1])
    assert "message 7" in shown
    assert "message 6" in shown
    assert "message 0" not in shown
