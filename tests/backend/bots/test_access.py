"""Who may talk to a bot, and how its owner lets somebody in."""

import asyncio
from typing import Any

import pytest

from backend.bots import (
    AdmissionDecided,
    AdmissionNotFound,
    ApprovalNeeded,
    Asking,
    BotNotFound,
    Bots,
    NotAllowed,
    OwnerDecides,
    Rules,
)
from backend.bots.access import LETTERS, MOST_ASKING
from backend.database import Database, Record
from tests.backend.bots.tokens import SEAL

OWNER = "1000"


def asking(user_id: str = "anna", **changed: str) -> Asking:
    known = {"bot": "bot", "user_name": "Anna", "chat_id": user_id, "chat_type": "private", "language": "en"}
    return Asking(user_id=user_id, **(known | changed))


def in_group(user_id: str = "anna", chat_id: str = "-1") -> Asking:
    return asking(user_id, chat_id=chat_id, chat_type="supergroup")


async def may_talk(bots: Bots, asked: Asking) -> bool:
    try:
        await bots.admit(asked)
    except NotAllowed:
        return False
    return True


async def code_of(bots: Bots, asked: Asking) -> str:
    with pytest.raises(ApprovalNeeded) as needed:
        await bots.admit(asked)
    return str(needed.value.members["code"])


async def notices(db: Database, user_id: str) -> list[Record]:
    return await db.run("select * from deliveries where chat_id = $1 order by id", user_id)


async def let_a_day_pass(db: Database) -> None:
    await db.run("update admissions set asked_at = asked_at - interval '24 hours'")


async def having(bots: Bots, **settings: Any) -> Bots:
    await bots.add("bot", settings)
    return bots


@pytest.fixture
async def pairing(bots: Bots) -> Bots:
    return await having(bots, access="pairing", owner_id=OWNER)


async def test_everyone_may_talk_to_a_bot_for_everyone(bots: Bots) -> None:
    await having(bots)
    assert await may_talk(bots, asking())
    assert await may_talk(bots, in_group())


async def test_with_a_list_of_people_everyone_are_these(bots: Bots, db: Database) -> None:
    await having(bots, allowed_user_ids=["boris"], allowed_chat_ids=["-7"])
    listed = Bots(db, SEAL, Rules(allowed_user_ids=frozenset({"anna"})))
    assert await may_talk(listed, asking("anna"))
    assert await may_talk(listed, in_group("anna"))
    assert await may_talk(listed, asking("boris"))
    assert await may_talk(listed, in_group("clara", "-7"))
    assert not await may_talk(listed, asking("clara"))
    assert not await may_talk(listed, in_group("clara"))


async def test_a_bot_with_a_list_talks_with_those_on_it(bots: Bots, db: Database) -> None:
    await having(bots, access="list", owner_id=OWNER, allowed_user_ids=["anna"], allowed_chat_ids=["-7"])
    assert await may_talk(bots, asking("anna"))
    assert await may_talk(bots, in_group("anna"))
    assert await may_talk(bots, asking(OWNER))
    assert await may_talk(bots, in_group("boris", "-7"))
    assert not await may_talk(bots, asking("boris"))
    assert not await may_talk(bots, in_group("boris", "-8"))
    listed = Bots(db, SEAL, Rules(allowed_user_ids=frozenset({"boris"})))
    assert await may_talk(listed, asking("boris"))


async def test_a_bot_that_is_stopped_is_not_there(bots: Bots) -> None:
    await having(bots, enabled=False)
    for bot in ("bot", "nobody"):
        with pytest.raises(BotNotFound):
            await bots.admit(asking(bot=bot))


async def test_a_stranger_is_told_a_code_and_the_owner_who_it_is(pairing: Bots, db: Database) -> None:
    code = await code_of(pairing, asking("anna", user_name="Anna\nK.", language="ru"))
    assert len(code) == 8
    assert set(code) <= set(LETTERS)
    [notice] = await notices(db, OWNER)
    assert notice["content"] == f"Anna K. (id anna) would like to talk to me. Code: {code}"
    assert notice["buttons"] == [
        [{"text": "Let in", "data": f"admit:{code}:yes"}, {"text": "Refuse", "data": f"admit:{code}:no"}]
    ]
    assert (notice["kind"], notice["user_id"], notice["state"]) == ("notice", OWNER, "pending")


async def test_a_name_is_no_markup(pairing: Bots, db: Database) -> None:
    code = await code_of(pairing, asking("7", user_name="[free](http://x) __init__ a*b \\"))
    [notice] = await notices(db, OWNER)
    name = r"(free)(http://x) \_\_init\_\_ a\*b \\"
    assert notice["content"] == f"{name} (id 7) would like to talk to me. Code: {code}"


@pytest.mark.parametrize("of_the_bot", [False, True])
async def test_the_owner_is_asked_in_a_language_of_his(pairing: Bots, db: Database, of_the_bot: bool) -> None:
    if of_the_bot:
        await pairing.change("bot", {"language": "ru"})
    else:
        insert = "insert into chat_sessions (bot_id, user_id, chat_id, language) select id, $1, $1, 'ru-RU' from bots"
        await db.run(f"{insert} where slug = 'bot'", OWNER)
    code = await code_of(pairing, asking())
    [notice] = await notices(db, OWNER)
    assert notice["content"] == f"Anna (id anna) хочет со мной поговорить. Код: {code}"
    assert notice["language"].startswith("ru")


async def test_a_code_stays_while_it_is_asked_and_the_owner_is_asked_once(pairing: Bots, db: Database) -> None:
    codes = await asyncio.gather(*(code_of(pairing, asking()) for _ in range(10)))
    assert len({*codes, await code_of(pairing, asking())}) == 1
    assert len(await notices(db, OWNER)) == 1


async def test_an_owner_who_could_not_be_asked_is_asked_when_the_stranger_writes_again(
    pairing: Bots, db: Database
) -> None:
    code = await code_of(pairing, asking())
    await db.run("update deliveries set state = 'failed', problem = 'chat-not-found', finished_at = now()")
    assert await code_of(pairing, asking()) == code
    [notice] = await notices(db, OWNER)
    assert (notice["state"], notice["content"]) == (
        "pending",
        f"Anna (id anna) would like to talk to me. Code: {code}",
    )


async def test_who_is_let_in_is_told_and_may_talk(pairing: Bots, db: Database) -> None:
    code = await code_of(pairing, asking("anna", language="ru"))
    decided = await pairing.decide(code.lower(), approve=True, by=OWNER)
    assert (decided["bot"], decided["user_id"], decided["state"]) == ("bot", "anna", "approved")
    [notice] = await notices(db, "anna")
    assert (notice["content"], notice["language"]) == ("Владелец вас впустил. Что вы хотите узнать?", "ru")
    assert await may_talk(pairing, asking("anna"))
    assert await may_talk(pairing, in_group("anna"))
    assert await may_talk(pairing, asking(OWNER))


async def test_who_is_refused_is_told_and_asks_no_more(pairing: Bots, db: Database) -> None:
    code = await code_of(pairing, asking())
    await pairing.decide(code, approve=False, by=OWNER)
    assert [notice["content"] for notice in await notices(db, "anna")] == [
        "Sorry, my owner has decided not to let you in."
    ]
    assert not await may_talk(pairing, asking())
    assert len(await notices(db, OWNER)) == 1


async def test_a_decision_that_comes_twice_is_one(pairing: Bots, db: Database) -> None:
    code = await code_of(pairing, asking())
    for _ in range(2):
        assert (await pairing.decide(code, approve=True, by=OWNER))["state"] == "approved"
    assert len(await notices(db, "anna")) == 1
    with pytest.raises(AdmissionDecided):
        await pairing.decide(code, approve=False, by=OWNER)


async def test_nobody_but_the_owner_decides(pairing: Bots) -> None:
    code = await code_of(pairing, asking())
    for somebody in ("anna", "boris"):
        with pytest.raises(OwnerDecides):
            await pairing.decide(code, approve=True, by=somebody)
    await code_of(pairing, asking())
    await pairing.decide(code, approve=True)
    with pytest.raises(OwnerDecides):
        await pairing.decide(code, approve=True, by="anna")


async def test_without_an_owner_the_administrator_decides(bots: Bots, db: Database) -> None:
    await having(bots, access="pairing")
    code = await code_of(bots, asking())
    assert await db.run("select from deliveries") == []
    await bots.decide(code, approve=True)
    assert await may_talk(bots, asking())


async def test_a_code_that_nobody_has_decides_nothing(pairing: Bots) -> None:
    with pytest.raises(AdmissionNotFound):
        await pairing.decide("AAAAAAAA", approve=True)


async def test_after_a_day_a_code_is_worth_nothing_and_another_one_is_given(pairing: Bots, db: Database) -> None:
    code = await code_of(pairing, asking())
    await let_a_day_pass(db)
    with pytest.raises(AdmissionNotFound):
        await pairing.decide(code, approve=True, by=OWNER)
    [expired] = (await pairing.admissions("bot", before=None, limit=10)).items
    assert expired["state"] == "expired"
    another = await code_of(pairing, asking())
    assert another != code
    assert len(await notices(db, OWNER)) == 2
    await let_a_day_pass(db)
    await pairing.sweep()
    assert (await pairing.admissions("bot", before=None, limit=10)).items == []


async def test_strangers_in_groups_are_not_asked_about(pairing: Bots, db: Database) -> None:
    assert not await may_talk(pairing, in_group())
    assert await db.run("select from admissions") == []


async def test_only_so_many_strangers_are_asked_about_at_once(pairing: Bots, db: Database) -> None:
    for number in range(MOST_ASKING):
        await code_of(pairing, asking(f"stranger {number}"))
    assert not await may_talk(pairing, asking("one more"))
    await let_a_day_pass(db)
    await code_of(pairing, asking("one more"))
    assert not (await notices(db, "one more"))


async def test_a_bot_for_a_list_heeds_no_approval_of_earlier(pairing: Bots) -> None:
    await pairing.decide(await code_of(pairing, asking()), approve=True)
    await pairing.change("bot", {"access": "list"})
    assert not await may_talk(pairing, asking())
