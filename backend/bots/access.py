"""Who may talk to a bot, and how its owner lets somebody in."""

import secrets
from collections.abc import Set
from dataclasses import dataclass

from backend.bots import notices
from backend.bots.rows import BotNotFound
from backend.database import Database, Page, Record, Transaction, as_page
from backend.errors import Conflict, Forbidden, NotFound

# Without what looks like something else: 32 letters, so that 8 of them have 40 bits.
LETTERS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
CODE_LENGTH = 8
ASKED_FOR = "interval '24 hours'"
# More strangers at once would only bury the owner.
MOST_ASKING = 100


class NotAllowed(Forbidden):
    """This person may not talk to this bot here."""


class ApprovalNeeded(Forbidden):
    """The bot's owner has to let this person in first."""

    def __init__(self, code: str) -> None:
        super().__init__(f"the owner knows the request as {code}", code=code)


class AdmissionNotFound(NotFound):
    """Nobody asks to be let in with this code, or not any more."""


class AdmissionDecided(Conflict):
    """It was decided otherwise before."""


class OwnerDecides(Forbidden):
    """Only the bot's owner decides who is let in."""


@dataclass(frozen=True, slots=True)
class Asking:
    """Who wants to talk to which bot, and where."""

    bot: str
    user_id: str
    user_name: str
    chat_id: str
    chat_type: str
    language: str


KNOWN = f"""
select bot.id, bot.access, bot.owner_id, bot.messages_per_minute,
    $2 = bot.owner_id or $2 = any (bot.allowed_user_ids) or $3 = any (bot.allowed_chat_ids) as is_named,
    admission.state, admission.code, admission.asked_at > now() - {ASKED_FOR} as is_fresh
from bots bot left join admissions admission on admission.bot_id = bot.id and admission.user_id = $2
where bot.slug = $1 and bot.enabled
"""
ASK = f"""
insert into admissions as admission (bot_id, user_id, user_name, chat_id, language, code)
select $1, $2, $3, $4, $5, $6 where {MOST_ASKING} > (
    select count(*) from admissions where bot_id = $1 and state = 'asked' and asked_at > now() - {ASKED_FOR}
)
on conflict (bot_id, user_id) do update set
    user_name = excluded.user_name, chat_id = excluded.chat_id, language = excluded.language, code = excluded.code,
    asked_at = now()
where admission.state = 'asked' and admission.asked_at <= now() - {ASKED_FOR}
returning coalesce((
    select nullif(language, '') from chat_sessions
    where chat_id = $7 and user_id = $7 and thread_id = '' and bot_id = $1 and is_active
), (select language from bots where id = $1)) as owner_language
"""
DECIDE = f"""
update admissions set state = $2, decided_at = now() from bots bot
where bot.id = bot_id and code = $1 and state = 'asked' and asked_at > now() - {ASKED_FOR}
    and ($3::text is null or bot.owner_id = $3)
returning bot_id, bot.slug as bot, user_id, user_name, chat_id, admissions.language, code, state, asked_at, decided_at
"""
DECIDED = """
select bot.owner_id, bot.slug as bot, user_id, user_name, chat_id, admission.language, code, state, asked_at, decided_at
from admissions admission join bots bot on bot.id = bot_id where code = $1
"""
LIST = f"""
select id, user_id, user_name, chat_id, language, code, asked_at, decided_at,
    case when state = 'asked' and asked_at <= now() - {ASKED_FOR} then 'expired' else state end as state
from admissions where bot_id = (select id from bots where slug = $1) and id < coalesce($2, {2**63 - 1})
order by id desc limit $3
"""
ASKING = f"""
select bot.slug as bot, admission.user_id, admission.user_name, admission.code
from admissions admission join bots bot on bot.id = admission.bot_id
where bot.access = 'pairing' and admission.state = 'asked' and admission.asked_at > now() - {ASKED_FOR}
order by admission.asked_at desc
"""
FORGET = f"delete from admissions where state = 'asked' and asked_at <= now() - {ASKED_FOR}"


async def admit(db: Database, asking: Asking, everywhere: Set[str]) -> Record:
    """The bot, if the person may talk to it there. `everywhere` are those who may talk to every bot.

    Raises `BotNotFound`, `NotAllowed`, `ApprovalNeeded`.
    """
    known = await _known(db, asking)
    if not _may_talk(known, asking, everywhere):
        if known["access"] != "pairing" or asking.chat_type != "private":
            raise NotAllowed
        if not (known["state"] == "asked" and known["is_fresh"]):
            known = await _ask(db, known, asking)
        if known["state"] == "asked":
            await _ask_again(db, known, asking)
            raise ApprovalNeeded(known["code"])
    return known


def _may_talk(known: Record, asking: Asking, everywhere: Set[str]) -> bool:
    return (
        (known["access"] == "everyone" and not everywhere)
        or known["is_named"]
        or asking.user_id in everywhere
        or (known["access"] == "pairing" and known["state"] == "approved")
    )


async def _known(db: Database, asking: Asking) -> Record:
    for known in await db.run(KNOWN, asking.bot, asking.user_id, asking.chat_id):
        return known
    raise BotNotFound


async def _ask(db: Database, bot: Record, asking: Asking) -> Record:
    """Asks the owner, once. The row as it is then: the same person may just have asked, or been let in.

    Raises `NotAllowed`.
    """
    code = "".join(secrets.choice(LETTERS) for _ in range(CODE_LENGTH))
    who = asking.user_id, asking.user_name, asking.chat_id, asking.language
    async with db.begin() as tx:
        for row in await tx.fetch(ASK, bot["id"], *who, code, bot["owner_id"]):
            if owner := bot["owner_id"]:
                name, language = asking.user_name, row["owner_language"]
                question = notices.asks_owner(owner, language, code=code, name=name, user_id=asking.user_id)
                await notices.write(tx, bot["id"], question)
    known = await _known(db, asking)
    if known["state"] == "approved" or (known["state"] == "asked" and known["is_fresh"]):
        return known
    raise NotAllowed


async def _ask_again(db: Database, bot: Record, asking: Asking) -> None:
    """An owner whom the question did not reach may have started the bot since, or there is another owner."""
    if not bot["owner_id"]:
        return
    key = notices.key_of_question(asking.user_id, bot["code"])
    async with db.begin() as tx:
        for lost in await notices.forget_failed(tx, bot["id"], key):
            who = {"name": asking.user_name, "user_id": asking.user_id}
            question = notices.asks_owner(bot["owner_id"], lost["language"], code=bot["code"], **who)
            await notices.write(tx, bot["id"], question)


async def decide(db: Database, code: str, *, approve: bool, by: str | None) -> Record:
    """Lets the one in who asks with this code, or not, and tells him; again with the same answer changes nothing.

    Without `by` it is the administrator who decides. Raises `AdmissionNotFound`, `AdmissionDecided`, `OwnerDecides`.
    """
    code, state = code.upper(), "approved" if approve else "refused"
    async with db.begin() as tx:
        for decided in await tx.fetch(DECIDE, code, state, by):
            who = decided["user_id"], decided["language"]
            await notices.write(tx, decided["bot_id"], notices.tells_person(*who, code=code, approved=approve))
            return decided
        return await _decided(tx, code, state, by)


async def _decided(tx: Transaction, code: str, state: str, by: str | None) -> Record:
    for decided in await tx.fetch(DECIDED, code):
        if by is not None and by != decided["owner_id"]:
            raise OwnerDecides
        if decided["state"] == state:
            return decided
        if decided["state"] != "asked":
            raise AdmissionDecided
    raise AdmissionNotFound


async def list_admissions(db: Database, bot: str, *, before: int | None, limit: int) -> Page:
    """Those who have asked, newest first."""
    return as_page(await db.run(LIST, bot, before, limit + 1), limit)


async def list_asking(db: Database) -> list[Record]:
    """Those who wait to be let in, at every bot that asks its owner; the newest first."""
    return await db.run(ASKING)


async def forget_expired(db: Database) -> None:
    await db.run(FORGET)
