"""How a bot fares, as an operator sees it."""

from backend.bots import Bots
from backend.database import Database

TURN = """
insert into turns (session_id, position, status, created_at, finished_at)
select id, $1, $2, now() - $3 * interval '1 hour', now() - $3 * interval '1 hour' + $4 * interval '1 second'
from chat_sessions where user_id = 'anna'
"""


async def test_a_bots_day_is_counted(bots: Bots, db: Database) -> None:
    await bots.add("bot", {})
    session = (
        "insert into chat_sessions (bot_id, user_id, chat_id) select id, 'anna', 'anna' from bots where slug = 'bot'"
    )
    await db.run(session)
    for position, turn in enumerate(
        [
            ("answered", 1, 2),
            ("answered", 23, 4),
            ("failed", 2, 60),
            ("stopped", 2, 9),
            ("answered", 25, 100),
            ("waiting", 0, 0),
            ("open", 0, 0),
        ]
    ):
        await db.run(TURN, position, *turn)
    bot = await bots.get("bot")
    assert (bot["messages"], bot["error_rate"], bot["mean_seconds"]) == (4, 0.25, 3.0)
    listed = {row["slug"]: row["messages"] for row in (await bots.list(after=None, limit=10)).items}
    assert listed == {"bot": 4, "default": 0}


async def test_a_bot_that_nobody_has_talked_to_has_no_rates(bots: Bots) -> None:
    bot = await bots.get("default")
    assert (bot["messages"], bot["error_rate"], bot["mean_seconds"]) == (0, None, None)
