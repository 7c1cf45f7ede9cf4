from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from backend.bots import access, leases, rates, rows
from backend.bots.access import Asking
from backend.bots.leases import Told
from backend.bots.sealing import Seal, SecretKeyMissing, SecretKeyWrong, telegram_id
from backend.bots.telegram import TelegramUnavailable, ask_username
from backend.database import Database, Page, Record
from backend.findings import Finding

TELEGRAM = "https://api.telegram.org"


@dataclass(frozen=True, slots=True)
class Rules:
    """What holds for all bots: who may talk to each (empty: everyone), and how often in a minute; 0: no limit."""

    allowed_user_ids: frozenset[str] = frozenset()
    messages_per_minute: int = 0
    bot_messages_per_minute: int = 0


class Bots:
    """Who speaks: bots as rows, their tokens, who may talk to them, and which process receives for them."""

    def __init__(self, db: Database, seal: Seal, rules: Rules, *, telegram: str = TELEGRAM) -> None:
        """`telegram` is the server of its Bot API."""
        self._db = db
        self._seal = seal
        self._rules = rules
        self._telegram = telegram

    async def list(self, *, after: tuple[datetime, UUID] | None, limit: int) -> Page:
        """Newest first, each with its state."""
        return await rows.list_bots(self._db, after=after, limit=limit)

    async def get(self, slug: str) -> Record:
        """Raises `BotNotFound`."""
        return await rows.get_bot(self._db, slug)

    async def add(self, slug: str, settings: Mapping[str, Any]) -> Record:
        """The settings are columns, but for the `token`. Raises `BotExists` and whatever `change` raises."""
        columns = self._columns(settings)
        async with self._db.begin() as tx:
            await rows.add_bot(tx, slug, columns)
        return await self.get(slug)

    async def change(self, slug: str, changes: Mapping[str, Any]) -> Record:
        """What is not among the changes stays; a `token` of None is taken away.

        Raises `BotNotFound`, `TokenInvalid`, `TokenInUse`, `SecretKeyMissing`.
        """
        columns = self._columns(changes)
        async with self._db.begin() as tx:
            await rows.change_bot(tx, slug, columns)
        return await self.get(slug)

    async def delete(self, slug: str) -> None:
        """Raises `BotNotFound`, `BotHasSessions`."""
        await rows.delete_bot(self._db, slug)

    async def check(self, slug: str) -> Finding:
        """Whether Telegram knows the bot's token, asked now. Raises `BotNotFound`."""
        part, sealed = f"bot {slug}", await rows.get_sealed_token(self._db, slug)
        if sealed is None:
            return Finding(part, False, "has no token", "get one from @BotFather")
        try:
            username = await ask_username(self._telegram, self._seal.open(sealed))
        except (SecretKeyMissing, SecretKeyWrong) as problem:
            return Finding(part, False, str(problem), "put the key that it was sealed with into SECRET_KEY")
        except TelegramUnavailable as problem:
            return Finding(part, False, str(problem), "check the network, or TELEGRAM_API_URL")
        if username is None:
            return Finding(part, False, "has a token that Telegram does not know", "get another one from @BotFather")
        return Finding(part, True, f"is @{username} in Telegram")

    async def username_of(self, token: str) -> str | None:
        """Whose token it is, as Telegram says; None if it does not know it.

        Raises `TokenInvalid`, `TelegramUnavailable`.
        """
        telegram_id(token)
        return await ask_username(self._telegram, token)

    async def rotate(self) -> int:
        """Seals every token with the first key; how many. Raises `SecretKeyMissing`, `SecretKeyWrong`."""
        tokens = await rows.list_sealed_tokens(self._db)
        for slug, sealed in tokens.items():
            try:
                renewed = self._seal.renew(sealed)
            except SecretKeyWrong:
                raise SecretKeyWrong(f"the bot is {slug}") from None
            await rows.replace_sealed_token(self._db, slug, sealed, renewed)
        return len(tokens)

    async def adopt(self, slug: str, token: str) -> bool:
        """Gives a bot its token, unless it has it; whether it was another. Raises whatever `change` raises."""
        with suppress(SecretKeyWrong):
            sealed = await rows.get_sealed_token(self._db, slug)
            if sealed is not None and self._seal.open(sealed) == token:
                return False
        await self.change(slug, {"token": token})
        return True

    async def beat(self, relay: UUID, told: Sequence[Told]) -> Sequence[Record]:
        """The bots that a relay may run for `LEASE_SECONDS` from now on; what it told of those it had is recorded."""
        return await leases.beat(self._db, relay, told)

    async def free(self, relay: UUID) -> None:
        """A relay that ends lets another one go on at once."""
        await leases.free(self._db, relay)

    async def admit(self, asking: Asking) -> None:
        """Counts a message of a person who may talk to the bot there.

        Raises `BotNotFound`, `NotAllowed`, `ApprovalNeeded`, `TooManyMessages`.
        """
        bot = await access.admit(self._db, asking, self._rules.allowed_user_ids)
        await rates.take(self._db, bot["id"], asking.user_id, **self._limits(bot))

    async def count(self, slug: str, user_id: str) -> None:
        """Counts what a person makes the bot say without a model: as a message of theirs, but none of everybody's.

        Raises `BotNotFound`, `TooManyMessages`.
        """
        bot = await rows.get_pace(self._db, slug)
        await rates.take(self._db, bot["id"], user_id, of_person=self._limits(bot)["of_person"], of_bot=0)

    async def would_admit(self, asking: Asking) -> None:
        """Raises what `admit` would, and counts nothing: for what comes before a message."""
        bot = await access.admit(self._db, asking, self._rules.allowed_user_ids)
        await rates.check(self._db, bot["id"], asking.user_id, **self._limits(bot))

    async def admissions(self, slug: str, *, before: int | None, limit: int) -> Page:
        """Those who have asked to be let in, newest first. Raises `BotNotFound`."""
        page = await access.list_admissions(self._db, slug, before=before, limit=limit)
        if not page.items:
            await self.get(slug)
        return page

    async def asking(self) -> Sequence[Record]:
        """Those who wait to be let in, with their `bot`; the newest first."""
        return await access.list_asking(self._db)

    async def decide(self, code: str, *, approve: bool, by: str | None = None) -> Record:
        """Lets somebody in, or not; without `by` it is the administrator who decides.

        Raises `AdmissionNotFound`, `AdmissionDecided`, `OwnerDecides`.
        """
        return await access.decide(self._db, code, approve=approve, by=by)

    async def sweep(self) -> None:
        """Forgets what means nothing any more."""
        await access.forget_expired(self._db)
        await rates.forget_old(self._db)

    def _limits(self, bot: Record) -> dict[str, int]:
        of_person = bot["messages_per_minute"]
        return {
            "of_person": self._rules.messages_per_minute if of_person is None else of_person,
            "of_bot": self._rules.bot_messages_per_minute,
        }

    def _columns(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        columns = dict(settings)
        if "token" in columns:
            token = columns.pop("token")
            number = telegram_id(token) if token else None
            sealed = self._seal.close(token) if token else None
            # Another token is another bot in Telegram: what that is called, its relay tells, unless we know it already.
            columns = {"username": "", **columns, "telegram_id": number, "sealed_token": sealed}
        return columns
