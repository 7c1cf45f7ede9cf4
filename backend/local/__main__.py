"""`python -m backend.local COMMAND [ARGUMENT...]`: a command beside fresh stores, which are gone after it."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from backend.local.process import CannotStart
from backend.local.stores import embedded_stores


def main(command: list[str]) -> int:
    with tempfile.TemporaryDirectory(prefix="llmbot-") as folder, embedded_stores(Path(folder)) as stores:
        urls = {"DATABASE_URL": stores.database_url, "REDIS_URL": stores.redis_url}
        return subprocess.run(command, env={**os.environ, **urls}, check=False).returncode


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except CannotStart as reason:
        sys.exit(str(reason))
    except KeyboardInterrupt:
        sys.exit(130)
