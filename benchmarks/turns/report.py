"""What was measured, as tables for people; docs/performance.md quotes them."""

from collections.abc import Iterator, Sequence
from statistics import median

from benchmarks.turns.measuring import (
    CONNECTIONS,
    FRESH,
    FRESH_REMEMBERED,
    FRESH_ROUTED,
    LONG,
    MESSAGES,
    SHORT,
    SHORT_REMEMBERED,
    SHORT_ROUTED,
    Window,
)

TITLES = {
    "floor": "floor",
    FRESH: "new sessions",
    SHORT: f"sessions of {MESSAGES[SHORT]}",
    LONG: f"sessions of {MESSAGES[LONG]:,}",
    FRESH_REMEMBERED: "new, with memory",
    SHORT_REMEMBERED: f"of {MESSAGES[SHORT_REMEMBERED]}, with memory",
    FRESH_ROUTED: "new, with agents",
    SHORT_ROUTED: f"of {MESSAGES[SHORT_ROUTED]}, with agents",
}
BUSIEST = CONNECTIONS[-1]


def report(windows: Sequence[Window], memory: float) -> str:
    return "\n".join([*_speed(windows), "", *_cpu(windows), "", *_verdict(windows, memory)])


def _speed(windows: Sequence[Window]) -> Iterator[str]:
    yield f"{'at a time':>9}  {'':20}{'turns/s':>9}{'of floor':>10}{'p50 ms':>9}{'p95':>8}{'p99':>8}{'errors':>8}"
    for connections in CONNECTIONS:
        for target, title in TITLES.items():
            here = _of(windows, target, connections)
            rate, p50, p95, p99 = (
                median(getattr(window.outcome, figure) for window in here) for figure in ("rate", "p50", "p95", "p99")
            )
            share = ratio(windows, target, "floor", connections)
            errors = sum(window.outcome.errors for window in here)
            yield (
                f"{connections:>9}  {title:20}{rate:>9,.0f}{share:>10.2f}{p50:>9.1f}{p95:>8.1f}{p99:>8.1f}{errors:>8}"
            )


def _cpu(windows: Sequence[Window]) -> Iterator[str]:
    yield f"CPU per turn at {BUSIEST} at a time, ms"
    for target, title in TITLES.items():
        here = _of(windows, target, BUSIEST)
        parts = {part: median(window.cpu[part] for window in here) for part in here[0].cpu}
        used = ", ".join(f"{part} {spent:.2f}" for part, spent in parts.items() if spent >= 0.005)
        yield f"{'':11}{title:20}{sum(parts.values()):.2f}: {used}"


def _verdict(windows: Sequence[Window], memory: float) -> Iterator[str]:
    shares = ", ".join(f"{ratio(windows, LONG, SHORT, count):.2f} at {count}" for count in CONNECTIONS)
    yield f"sessions of {MESSAGES[LONG]:,} messages against those of {MESSAGES[SHORT]}: {shares} at a time"
    for what, fresh, short in (
        ("semantic memory", FRESH_REMEMBERED, SHORT_REMEMBERED),
        ("agents and macros on offer", FRESH_ROUTED, SHORT_ROUTED),
    ):
        for title, target, without in (("new", fresh, FRESH), ("short", short, SHORT)):
            costs = ", ".join(f"{ratio(windows, without, target, count):.2f} at {count}" for count in CONNECTIONS)
            yield f"a turn with {what} costs, of one without, in {title} sessions: {costs} at a time"
    yield f"memory of the backend's process: {memory:.0f} MB at most"


def ratio(windows: Sequence[Window], target: str, other: str, connections: int) -> float:
    """How many turns per second a target has for each of another's: the median of the rounds."""
    rates = zip(_of(windows, target, connections), _of(windows, other, connections), strict=True)
    return median(mine.outcome.rate / its.outcome.rate for mine, its in rates)


def _of(windows: Sequence[Window], target: str, connections: int) -> list[Window]:
    return [window for window in windows if (window.target, window.connections) == (target, connections)]
