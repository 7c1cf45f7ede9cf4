"""Each call becomes a row of `llm_calls`."""

from decimal import Decimal

from backend.database import Database
from backend.llm import Call, Outcome, Purpose, Usage
from backend.llm.calls import record_calls

OPEN = "insert into chat_sessions (bot_id, user_id, chat_id) select id, 'anna', 'anna' from bots limit 1 returning id"


async def test_calls_are_recorded_in_order_with_all_that_is_known(db: Database) -> None:
    [session] = await db.run(OPEN)
    failed = Call(Purpose.SUMMARY, "ollama", "llama3.2", 1500, Outcome.TIMEOUT)
    answered = Call(Purpose.CHAT, "openai", "gpt-5", 20, Outcome.ANSWERED, Usage(100, 20, 64, 0.00012))
    async with db.begin() as tx:
        await record_calls(tx, session["id"], [failed, answered])
    rows = await db.run("select * from llm_calls order by id")
    assert [tuple(row.values())[1:-1] for row in rows] == [
        (session["id"], "summary", "ollama", "llama3.2", None, None, None, None, 1500, "timeout"),
        (session["id"], "chat", "openai", "gpt-5", 100, 20, 64, Decimal("0.00012000"), 20, "answered"),
    ]


async def test_no_calls_are_no_rows(db: Database) -> None:
    [session] = await db.run(OPEN)
    async with db.begin() as tx:
        await record_calls(tx, session["id"], [])
    assert await db.run("select * from llm_calls") == []
