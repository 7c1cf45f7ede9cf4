"""`python -m benchmarks.turns`: measures for about eight minutes, and prints the tables."""

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

import uvloop

from benchmarks.turns.load import TIMEOUT_SECONDS, Chats
from benchmarks.turns.measuring import CHATS, LONG, MESSAGES, SHORT_REMEMBERED, Plan, Window, measure, warm_up
from benchmarks.turns.proc import peak_megabytes, wait_until_idle
from benchmarks.turns.profiling import profile
from benchmarks.turns.programs import Programs, running
from benchmarks.turns.report import report
from benchmarks.turns.sessions import remember, seed

PROFILE = Path(".local/turns.stacks")


def main() -> None:
    options = _options()
    if not shutil.which("wrk"):
        sys.exit("wrk is not installed: `apt-get install wrk`, or see https://github.com/wg/wrk")
    with tempfile.TemporaryDirectory(prefix="turns-") as path, running(Path(path)) as programs:
        if options.profile:
            _profile(programs, options.seconds)
        else:
            _measure(programs, Plan(options.seconds, options.rounds))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.turns", description=__doc__)
    parser.add_argument("--seconds", type=int, default=4, help="of load in each window (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="how often all is measured (default: %(default)s)")
    parser.add_argument("--profile", action="store_true", help="instead, say where the backend's time goes")
    return parser.parse_args()


def _measure(programs: Programs, plan: Plan) -> None:
    print(f"Writing {CHATS} sessions of {MESSAGES[LONG]:,} messages …", flush=True)
    for prefix, messages in MESSAGES.items():
        uvloop.run(seed(programs.database_url, Chats(prefix, CHATS), messages=messages))
    uvloop.run(remember(programs.database_url, Chats(SHORT_REMEMBERED, CHATS)))
    warm_up(programs)
    print(f"Measuring for {plan.total_seconds} seconds …", flush=True)
    windows: list[Window] = []
    for window in measure(programs, plan):
        windows.append(window)
        print(f"{window.connections:>3} {window.target:17}{window.outcome.rate:>7,.0f} turns/s", flush=True)
    print("\n" + report(windows, peak_megabytes(programs.backend.pid)))
    if any(window.outcome.errors for window in windows):
        sys.exit("Some turns failed.")


def _profile(programs: Programs, seconds: int) -> None:
    wait_until_idle(programs.worker.pid, patience=TIMEOUT_SECONDS)
    PROFILE.parent.mkdir(exist_ok=True)
    print(profile(programs, seconds=seconds, stacks=PROFILE))
    print(f"\nThe stacks are in {PROFILE}; speedscope.app shows them.")


if __name__ == "__main__":
    main()
