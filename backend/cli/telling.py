"""How commands speak: tables, times, and problems in a sentence."""

import asyncio
import sys
from collections.abc import Coroutine, Sequence
from datetime import UTC, datetime
from typing import Any

from backend.database import StorageUnavailable
from backend.errors import Problem

UNITS = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))


def carried_out(work: Coroutine[Any, Any, int]) -> int:
    """The exit status of the work: 1, with a sentence, if something is not well."""
    with asyncio.Runner() as runner:
        try:
            return runner.run(work)
        except StorageUnavailable as problem:
            print(f"{problem.title()} Start it with `make run`, or check DATABASE_URL.", file=sys.stderr)
        except Problem as problem:
            detail = f" ({problem.detail})" if problem.detail else ""
            print(problem.title() + detail, file=sys.stderr)
    return 1


def counted(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def ago(moment: datetime) -> str:
    return lasting((datetime.now(UTC) - moment).total_seconds())


def lasting(seconds: float) -> str:
    whole = max(0, round(seconds))
    name, size = next((unit for unit in UNITS if whole >= unit[1]), UNITS[-1])
    return f"{whole // size} {name}"


def in_a_line(text: str, longest: int) -> str:
    line = " ".join(text.split())
    return line if len(line) <= longest else f"{line[: longest - 1]}…"


def print_table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    for row in (head, *rows):
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def print_facts(facts: Sequence[tuple[str, str]]) -> None:
    for name, told in facts:
        print(f"{name:<14} {told}")
