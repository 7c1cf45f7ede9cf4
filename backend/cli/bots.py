"""`llmbot bots`: who speaks in Telegram, and how each of them fares."""

import argparse
import getpass
import re
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeAlias

from backend.bootstrap import chain_of, open_bots, open_variables, read_variables
from backend.bots import SLUG, BotExists, Bots, TelegramUnavailable
from backend.cli.telling import ago, carried_out, counted, print_facts, print_table
from backend.database import Database, Record
from backend.llm.examining import examine_chain
from backend.settings import Settings

Work: TypeAlias = Callable[[Bots, argparse.Namespace, Settings], Awaitable[int]]

MOST_LISTED = 1_000


def add_bots(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(perform=perform, work=_list)
    commands = parser.add_subparsers(metavar="COMMAND")
    for name, work, told in COMMANDS:
        command = commands.add_parser(name, help=told, description=told)
        command.set_defaults(perform=perform, work=work)
        if name not in ("list", "rotate", "approve"):
            of = _slug if name == "add" else str
            command.add_argument("slug", metavar="BOT", type=of, help="its name in addresses and commands")
        if name == "add":
            command.add_argument(
                "--token-file", type=Path, help="where its token is; else it is asked for, or piped in"
            )
            command.add_argument("--name", help="what it calls itself")
            command.add_argument(
                "--owner", dest="owner_id", metavar="ID", type=_user_id, help="who decides about strangers"
            )
            command.add_argument("--access", choices=("everyone", "list", "pairing"), help="who may talk to it")
            command.add_argument("--language", help="of its own words, as ru or en")
        if name == "approve":
            command.add_argument("code", help="what the person was told")
            command.add_argument("--refuse", action="store_true", help="not let in, and told so")


def _slug(typed: str) -> str:
    if not re.fullmatch(SLUG, typed):
        raise argparse.ArgumentTypeError("only small letters, digits, - and _, as in: support-2")
    return typed


def _user_id(typed: str) -> str:
    if not re.fullmatch("[0-9]{1,18}", typed):
        raise argparse.ArgumentTypeError("a number, by which Telegram knows a person, as in: 42")
    return typed


def perform(settings: Settings, asked: argparse.Namespace) -> int:
    """1, with a sentence, if something is not well."""
    if "token_file" in asked:
        asked.token = _read_token(asked.token_file)  # out here, where Ctrl-C ends it at once
    return carried_out(_work(settings, asked))


async def _work(settings: Settings, asked: argparse.Namespace) -> int:
    work: Work = asked.work
    async with Database(settings.database_url.get_secret_value()) as db:
        return await work(open_bots(settings, db), asked, settings)


async def _list(bots: Bots, _: argparse.Namespace, __: Settings) -> int:
    """Those that fail come first."""
    found = (await bots.list(after=None, limit=MOST_LISTED)).items
    found.sort(key=lambda bot: (bot["state"] != "failed", bot["slug"]))
    print_table(("BOT", "TELEGRAM", "STATE", "FOR", "MESSAGES/DAY", "LAST ERROR"), [_row(bot) for bot in found])
    return 0


def _row(bot: Record) -> tuple[str, ...]:
    state = bot["state"] if bot["telegram_id"] else "no token"
    since = ago(bot["state_since"]) if bot["telegram_id"] and bot["state_since"] else "-"
    error = bot["last_error"] if bot["state"] == "failed" else ""
    return bot["slug"], _in_telegram(bot), state, since, f"{bot['messages']:,}", error


def _in_telegram(bot: Record) -> str:
    if bot["telegram_id"] is None:
        return "-"
    return f"@{bot['username']}" if bot["username"] else str(bot["telegram_id"])


async def _status(bots: Bots, asked: argparse.Namespace, settings: Settings) -> int:
    bot = await bots.get(asked.slug)
    since = f" for {ago(bot['state_since'])}" if bot["state_since"] else ""
    lines = [
        ("name", bot["name"]),
        ("telegram", _in_telegram(bot)),
        ("state", f"{bot['state']}{since}" if bot["telegram_id"] else "has no token"),
        ("heard of", f"{ago(bot['heartbeat_at'])} ago" if bot["heartbeat_at"] else "never"),
        ("access", _access(bot, settings)),
        ("last 24 hours", _day(bot)),
    ]
    if bot["last_error"]:
        lines.append(("last error", f"{bot['last_error']} ({ago(bot['last_error_at'])} ago)"))
    for asking in (await bots.admissions(asked.slug, before=None, limit=MOST_LISTED)).items:
        if asking["state"] == "asked":
            who = f"{asking['user_name'] or '?'} (id {asking['user_id']})"
            lines.append(("asks", f"{who}: `llmbot bots approve {asking['code']}`, or with --refuse"))
    print_facts(lines)
    return 1 if bot["state"] == "failed" else 0


def _access(bot: Record, settings: Settings) -> str:
    known = "those in ALLOWED_USER_IDS" if settings.allowed_people and bot["access"] == "everyone" else bot["access"]
    return f"{known}, owner {bot['owner_id']}" if bot["owner_id"] else known


def _day(bot: Record) -> str:
    if not bot["messages"]:
        return "no messages"
    answered = f"; an answer took {bot['mean_seconds']:.1f} s" if bot["mean_seconds"] is not None else ""
    return f"{counted(bot['messages'], 'message')}, {bot['error_rate']:.1%} without an answer{answered}"


async def _add(bots: Bots, asked: argparse.Namespace, _: Settings) -> int:
    try:
        username = await bots.username_of(asked.token)
    except TelegramUnavailable as problem:
        print(f"{problem}; the token is not proven.")
        username = ""
    if username is None:
        print("Telegram does not know this token: copy it again from @BotFather.", file=sys.stderr)
        return 1
    named: dict[str, Any] = {name: getattr(asked, name) for name in ("name", "owner_id", "access", "language")}
    settings = {name: value for name, value in named.items() if value is not None}
    settings |= {"token": asked.token, "username": username}
    try:
        await bots.add(asked.slug, settings)
    except BotExists:
        await bots.change(asked.slug, settings)
        print(f"{asked.slug} was there already, and has this token now.")
    known = f"is @{username}" if username else "is stored"
    print(f"{asked.slug} {known}; it starts within seconds where the bot process runs.")
    return 0


def _read_token(file: Path | None) -> str:
    """Never an argument: others on this machine see those."""
    if file:
        try:
            return file.read_text().strip()
        except (OSError, ValueError) as error:
            sys.exit(f"{file} cannot be read: {getattr(error, 'strerror', None) or 'it is no text'}.")
    try:
        if sys.stdin.isatty():
            return getpass.getpass("Token from @BotFather (it is not shown): ").strip()
        return sys.stdin.readline().strip()
    except EOFError:
        sys.exit("\nNothing is added without a token.")
    except UnicodeDecodeError:
        sys.exit("What comes in is no text.")


async def _start(bots: Bots, asked: argparse.Namespace, _: Settings) -> int:
    bot = await bots.change(asked.slug, {"enabled": True})
    print(
        f"{asked.slug} "
        + ("starts within seconds." if bot["telegram_id"] else "answers; it has no token for Telegram.")
    )
    return 0


async def _stop(bots: Bots, asked: argparse.Namespace, _: Settings) -> int:
    await bots.change(asked.slug, {"enabled": False})
    print(f"{asked.slug} stops within seconds, and answers nobody until `llmbot bots start {asked.slug}`.")
    return 0


async def _check(bots: Bots, asked: argparse.Namespace, settings: Settings) -> int:
    bot = await bots.get(asked.slug)
    variables = await read_variables(settings)
    models = await examine_chain(bot["llm_chain"] or chain_of(settings, variables), variables)
    findings = [await bots.check(asked.slug), *models]
    for finding in findings:
        print(finding.line())
    return 0 if all(finding.ok for finding in findings) else 1


async def _rotate(bots: Bots, _: argparse.Namespace, settings: Settings) -> int:
    async with Database(settings.database_url.get_secret_value()) as db:
        await open_variables(settings, db).rotate()
    sealed = counted(await bots.rotate(), "token")
    print(f"Sealed {sealed} with the first key of SECRET_KEY; others can be taken out of it now.")
    return 0


async def _approve(bots: Bots, asked: argparse.Namespace, _: Settings) -> int:
    decided = await bots.decide(asked.code, approve=not asked.refuse)
    verb = "may not" if asked.refuse else "may"
    print(f"{decided['user_name'] or decided['user_id']} (id {decided['user_id']}) {verb} talk to {decided['bot']}.")
    return 0


async def _remove(bots: Bots, asked: argparse.Namespace, _: Settings) -> int:
    await bots.delete(asked.slug)
    print(f"{asked.slug} is gone.")
    return 0


COMMANDS: tuple[tuple[str, Work, str], ...] = (
    ("list", _list, "All bots, and how they fare."),
    ("add", _add, "Add a bot, or give one that is there another token."),
    ("start", _start, "Let a bot answer, and receive from Telegram."),
    ("stop", _stop, "Let a bot be silent; what it remembers stays."),
    ("status", _status, "How a bot fares; exit status 1 if it fails."),
    ("check", _check, "Ask Telegram about a bot's token, and every provider of its models about its key."),
    ("rotate", _rotate, "Seal all tokens with the first key of SECRET_KEY."),
    ("approve", _approve, "Let somebody in who was told a code; or, with --refuse, not."),
    ("remove", _remove, "Delete a bot that nobody has talked to yet."),
)
