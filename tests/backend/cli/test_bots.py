"""`llmbot bots`, as it is typed."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from uuid import UUID

import pytest

from backend.bots import ApprovalNeeded, Asking, Bots, Rules, Seal, Told
from backend.database import Database
from backend.settings import Settings
from tests.backend.bots.tokens import KEY, OTHER_KEY, SEAL, token
from tests.backend.cli.typed import Typed, llmbot
from tests.simulators.provider import Provider
from tests.simulators.telegram import TelegramSimulator

TOKEN = token(123456789)

Command = Callable[..., Awaitable[Typed]]


@pytest.fixture
async def telegram() -> AsyncIterator[TelegramSimulator]:
    async with TelegramSimulator(TOKEN) as telegram:
        yield telegram


@pytest.fixture
def command(settings: Settings, telegram: TelegramSimulator) -> Command:
    def typed(*words: str, **more: str) -> Awaitable[Typed]:
        return llmbot(settings, "bots", *words, **({"SECRET_KEY": KEY, "TELEGRAM_API_URL": telegram.url} | more))

    return typed


@pytest.fixture
async def bots(db: Database) -> Bots:
    return Bots(db, SEAL, Rules())


async def test_a_bot_is_added_with_a_token_from_the_pipe_or_a_file(
    command: Command, bots: Bots, db: Database, tmp_path: Path
) -> None:
    added = await command("add", "support", "--name", "Support", "--owner", "42", "--access", "pairing", piped=TOKEN)
    assert added.status == 0
    assert added.said.endswith("; it starts within seconds where the bot process runs.\n")
    bot = await bots.get("support")
    assert (bot["name"], bot["owner_id"], bot["access"]) == ("Support", "42", "pairing")
    assert added.said.startswith(f"support is @{bot['username']};")
    [row] = await db.run("select sealed_token from bots where slug = 'support'")
    assert SEAL.open(row["sealed_token"]) == TOKEN
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    again = await command("add", "support", "--token-file", str(file))
    assert again.said.startswith("support was there already, and has this token now.\n")
    assert (await bots.get("support"))["name"] == "Support"


@pytest.mark.parametrize(
    ("piped", "complaint"),
    [
        (token(), "Telegram does not know this token: copy it again from @BotFather.\n"),
        ("nonsense", "This is not a token: one looks like 123456789:AAbb…, and comes from @BotFather.\n"),
        ("", "This is not a token: one looks like 123456789:AAbb…, and comes from @BotFather.\n"),
    ],
)
async def test_a_wrong_token_is_not_kept(
    command: Command, bots: Bots, db: Database, piped: str, complaint: str
) -> None:
    assert await command("add", "support", piped=piped) == Typed(1, complaint)
    assert await db.run("select from bots where slug = 'support'") == []


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("Support!",), "argument BOT: only small letters, digits, - and _"),
        (("support", "--owner", "@anna"), "argument --owner: a number"),
    ],
)
async def test_what_can_be_no_name_is_refused_before_a_token_is_asked_for(
    command: Command, db: Database, words: tuple[str, ...], complaint: str
) -> None:
    added = await command("add", *words, piped=TOKEN)
    assert added.status == 2
    assert complaint in added.said
    assert [row["slug"] for row in await db.run("select slug from bots")] == ["default"]


async def test_while_telegram_is_away_a_token_is_kept_unproven(command: Command, bots: Bots) -> None:
    added = await command("add", "support", piped=token(9), TELEGRAM_API_URL="http://127.0.0.1:1")
    assert added.status == 0
    assert "the token is not proven" in added.said
    assert token(9) not in added.said
    assert (await bots.get("support"))["telegram_id"] == "9"


async def test_without_or_with_a_short_key_nothing_is_kept(command: Command, bots: Bots) -> None:
    missing = await command("add", "support", piped=TOKEN, SECRET_KEY="")
    assert missing == Typed(1, "Tokens are kept sealed, and SECRET_KEY, which seals them, is not set.\n")
    short = await command("add", "support", piped=TOKEN, SECRET_KEY=f"{KEY},too short")
    assert short.status == 1
    assert short.said.startswith("SECRET_KEY: each key needs at least 32 characters")
    assert "too short" not in short.said


async def test_all_bots_are_listed_in_columns(command: Command, bots: Bots, db: Database) -> None:
    await bots.add("broken", {"token": token(7)})
    await bots.add("support", {"token": token(8)})
    told = [
        Told("broken", "failed", "Telegram does not know this token"),
        Told("support", "running", "", "support_bot"),
    ]
    for _ in range(2):
        await bots.beat(UUID(int=1), told)
    # However long the commands take to start: nobody else gets the bots, and what is shown of the time stays.
    await db.run("update pollers set lease_until = now() + '1 day', state_since = now() - interval '190 minutes'")
    assert await command("list") == Typed(
        0,
        "BOT      TELEGRAM      STATE     FOR  MESSAGES/DAY  LAST ERROR\n"
        "broken   7             failed    3 h  0             Telegram does not know this token\n"
        "default  -             no token  -    0\n"
        "support  @support_bot  running   3 h  0\n",
    )
    status = await command("status", "broken")
    assert status.status == 1
    assert "state          failed for 3 h\n" in status.said
    assert "last error     Telegram does not know this token (" in status.said
    assert (await command("status", "support")).status == 0
    assert await command("status", "nobody") == Typed(1, "No such bot.\n")


async def test_a_status_tells_who_may_talk_to_every_bot(command: Command) -> None:
    assert "access         everyone\n" in (await command("status", "default")).said
    named = await command("status", "default", ALLOWED_USER_IDS="42")
    assert "access         those in ALLOWED_USER_IDS\n" in named.said


async def test_without_a_database_it_is_told_how_to_have_one(command: Command) -> None:
    away = await command("list", DATABASE_URL="postgresql://nobody@127.0.0.1:1/nothing")
    assert away == Typed(1, "The database did not answer. Start it with `make run`, or check DATABASE_URL.\n")


async def test_a_bot_is_stopped_started_and_removed(command: Command, bots: Bots) -> None:
    await bots.add("support", {"token": token()})
    assert (await command("stop", "support")).status == 0
    assert not (await bots.get("support"))["enabled"]
    assert await command("start", "support") == Typed(0, "support starts within seconds.\n")
    assert (await bots.get("support"))["enabled"]
    assert await command("remove", "support") == Typed(0, "support is gone.\n")
    assert await command("remove", "support") == Typed(1, "No such bot.\n")


async def test_a_check_asks_telegram_and_the_models(
    command: Command, bots: Bots, telegram: TelegramSimulator, provider: Provider
) -> None:
    await bots.add("support", {"token": TOKEN})
    stub = {"LLM_CHAIN": "stub:simulated", "STUB_BASE_URL": provider.base_url}
    good = await command("check", "support", **stub)
    assert good.status == 0, good.said
    assert [line.split()[0] for line in good.said.splitlines()] == ["ok", "ok"]
    await bots.change("support", {"llm_chain": "away:model"})
    bad = await command("check", "support", **stub, AWAY_BASE_URL="http://127.0.0.1:1")
    assert bad.status == 1
    assert "FAIL  model away" in bad.said
    assert TOKEN not in good.said + bad.said


async def test_keys_are_rotated(command: Command, bots: Bots, db: Database) -> None:
    await bots.add("support", {"token": token()})
    rotated = await command("rotate", SECRET_KEY=f"{OTHER_KEY}, {KEY}")
    assert rotated.status == 0
    assert rotated.said.startswith("Sealed 1 token with the first key of SECRET_KEY;")
    [row] = await db.run("select sealed_token from bots where slug = 'support'")
    assert Seal([OTHER_KEY]).open(row["sealed_token"]) == token()
    late = await command("rotate", SECRET_KEY=KEY)
    told = "No key of SECRET_KEY opens this token: it was sealed with another one. (the bot is support)\n"
    assert late == Typed(1, told)


async def test_somebody_is_let_in(command: Command, bots: Bots) -> None:
    await bots.add("support", {"access": "pairing"})
    anna = Asking("support", "7", "Anna", "7", "private", "en")
    with pytest.raises(ApprovalNeeded) as needed:
        await bots.admit(anna)
    code = needed.value.members["code"]
    status = await command("status", "support")
    assert f"asks           Anna (id 7): `llmbot bots approve {code}`, or with --refuse\n" in status.said
    assert await command("approve", code.lower()) == Typed(0, "Anna (id 7) may talk to support.\n")
    await bots.admit(anna)
    assert (await command("approve", code, "--refuse")).status == 1
    assert (await command("approve", "AAAAAAAA")).status == 1


async def test_migrate_gives_the_one_bot_its_token(settings: Settings, bots: Bots, db: Database) -> None:
    variables = {"BOT_TOKEN": token(5), "SECRET_KEY": KEY}
    first = await llmbot(settings, "migrate", **variables)
    assert (first.status, "has the token of BOT_TOKEN now" in first.said) == (0, True)
    assert (await bots.get("default"))["telegram_id"] == "5"
    second = await llmbot(settings, "migrate", **variables)
    assert (second.status, "BOT_TOKEN" in second.said) == (0, False)
    assert token(5) not in first.said + second.said


async def test_migrate_says_what_is_wrong_with_the_token_or_the_key(settings: Settings, bots: Bots) -> None:
    missing = await llmbot(settings, "migrate", BOT_TOKEN=token(5))
    assert (missing.status, "SECRET_KEY, which seals them, is not set" in missing.said) == (1, True)
    short = await llmbot(settings, "migrate", BOT_TOKEN=token(5), SECRET_KEY="short")
    assert (short.status, "at least 32 characters" in short.said) == (1, True)
    wrong = await llmbot(settings, "migrate", BOT_TOKEN="nonsense", SECRET_KEY=KEY)
    assert (wrong.status, "BOT_TOKEN: This is not a token" in wrong.said) == (1, True)
    await bots.add("support", {"token": token(5)})
    taken = await llmbot(settings, "migrate", BOT_TOKEN=token(5), SECRET_KEY=KEY)
    assert (taken.status, "belongs to another bot" in taken.said) == (0, True)
