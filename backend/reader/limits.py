"""What the reading process may use at most: it sets this upon itself before it looks at the file."""

import resource
import signal
from contextlib import suppress
from pathlib import Path

READ_SECONDS = 30
MEMORY_BYTES = 512 << 20
OUTPUT_BYTES = 64 << 20
# More than "War and Peace" in English; some 6,000 pieces.
MOST_CHARACTERS = 4_000_000
# A section counts as so many at least: it becomes a piece, however short it is.
SHORTEST_SECTION = 400

LIMITS = {
    resource.RLIMIT_AS: MEMORY_BYTES,
    resource.RLIMIT_FSIZE: OUTPUT_BYTES,
    resource.RLIMIT_CORE: 0,
}


def impose() -> None:
    """The alarm also ends a process whose parent was killed."""
    signal.alarm(READ_SECONDS)
    for limit, most in LIMITS.items():
        with suppress(ValueError, OSError):  # macOS knows not all of them
            resource.setrlimit(limit, (most, most))
    with suppress(OSError):  # Linux: when memory runs out, this process goes first
        Path("/proc/self/oom_score_adj").write_text("1000")
