"""`llmbot runs`: what is done in the background, and how it fares."""

import argparse
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from backend.agents import WantedRuns
from backend.bootstrap import Backend
from backend.cli.opening import NotClear, Work, perform
from backend.cli.telling import ago, counted, in_a_line, lasting, print_facts, print_table
from backend.database import Record

MOST_LISTED, MOST_LOOKED_AT = 50, 1_000
LONGEST_TITLE = 60
# Enough of an id to type; a longer part of it is asked for where two begin alike.
SHORT_ID = 8
STATES = ("pending", "running", "waiting", "completed", "failed", "cancelled", "expired")


def add_runs(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(perform=perform, work=_list, bot=None, user=None, status=None)
    commands = parser.add_subparsers(metavar="COMMAND")
    for name, work, told in COMMANDS:
        command = commands.add_parser(name, help=told, description=told)
        command.set_defaults(perform=perform, work=work)
        if name == "list":
            command.add_argument("--bot", help="only of this bot")
            command.add_argument("--user", metavar="ID", help="only of this person")
            command.add_argument("--status", choices=STATES, help="only of this status")
        else:
            command.add_argument("run", metavar="RUN", help="its id, or the beginning of it")


async def _list(backend: Backend, asked: argparse.Namespace) -> int:
    wanted = WantedRuns(asked.bot, asked.user, None, asked.status)
    page = await backend.agents.runs(wanted, after=None, limit=MOST_LISTED)
    print_table(("RUN", "BOT", "PERSON", "STATUS", "BEGAN", "TASK"), [_row(run) for run in page.items])
    if page.more:
        print(f"These are the newest {MOST_LISTED}.")
    return 0


def _row(run: Record) -> tuple[str, ...]:
    title = in_a_line(run["title"], LONGEST_TITLE)
    return str(run["id"])[:SHORT_ID], run["bot"], run["user_id"], run["status"], f"{ago(run['created_at'])} ago", title


async def _show(backend: Backend, asked: argparse.Namespace) -> int:
    run = await backend.agents.run(await _named(backend, asked.run))
    print_facts(_facts(run))
    for step in run["steps"]:
        print(_step(step))
    for question in run["confirmations"]:
        print(f"{'asked':<14} {in_a_line(question['title'], LONGEST_TITLE)}: {question['state']}")
    for file in run["files"]:
        print(f"{'file':<14} {file['name']} ({counted(file['size'], 'byte')})")
    if run["result"]:
        print(f"\n{run['result']}")
    return 1 if run["status"] == "failed" else 0


def _facts(run: Record) -> list[tuple[str, str]]:
    spent = f"{counted(run['model_calls'], 'model call')} of {run['max_model_calls']:,}"
    called = f"{counted(run['tool_calls'], 'tool call')} of {run['max_tool_calls']:,}"
    tokens = f"{run['tokens']:,} of {run['max_tokens']:,} tokens"
    facts = [
        ("run", str(run["id"])),
        ("task", in_a_line(run["title"], LONGEST_TITLE)),
        ("asked by", f"{run['user_id']} of {run['bot']}, {ago(run['created_at'])} ago"),
        ("what", f"{run['kind']} {run['target'] or ''}".strip()),
        ("status", run["status"] + (f" ({run['problem']})" if run["problem"] else "")),
        ("spent", f"{spent}, {called}, {tokens}, {lasting(run['milliseconds'] / 1000)} of {run['max_minutes']} min"),
    ]
    return facts + ([("planned", "anew, after a step failed")] if run["replanned"] else [])


def _step(step: dict[str, Any]) -> str:
    after = f" after {', '.join(map(str, step['depends_on']))}" if step["depends_on"] else ""
    took = f" in {_between(step['started_at'], step['finished_at'])}" if step["finished_at"] else ""
    why = f" ({step['problem']})" if step["problem"] else ""
    who = step["agent"] or "plan"
    action = in_a_line(step["action"].partition("\n")[0], LONGEST_TITLE)
    return f"{'step ' + str(step['position']):<14} {step['status']}{why}{took}: {who}{after}: {action}"


def _between(began: str | None, ended: str) -> str:
    """Steps come as JSON, and so their moments as texts."""
    moments = [datetime.fromisoformat(moment).astimezone(UTC) for moment in (began or ended, ended)]
    return lasting((moments[1] - moments[0]).total_seconds())


async def _cancel(backend: Backend, asked: argparse.Namespace) -> int:
    run = await backend.agents.cancel(await _named(backend, asked.run), None)
    print(f"{run['title']}: stopped.")
    return 0


async def _named(backend: Backend, typed: str) -> UUID:
    """Raises `NotClear`."""
    try:
        return UUID(typed)
    except ValueError:
        pass
    page = await backend.agents.runs(WantedRuns(), after=None, limit=MOST_LOOKED_AT)
    found: list[UUID] = [run["id"] for run in page.items if str(run["id"]).startswith(typed.lower())]
    if len(found) == 1:
        return found[0]
    if found:
        raise NotClear(f"{len(found)} runs begin with {typed}: type more of it.")
    raise NotClear(f"No run begins with {typed}: `llmbot runs list` shows the newest.")


COMMANDS: tuple[tuple[str, Work, str], ...] = (
    ("list", _list, "The newest runs, and how they fare."),
    ("show", _show, "One run: its steps, what it asked, and its result; exit status 1 if it failed."),
    ("cancel", _cancel, "Stop a run, at once."),
)
