"""`up_with_stand_ins.py PORT ENVIRONMENT`: the real supervisor and stores, with stand-ins for the rest."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path

from backend.local import Program, run
from backend.local.address import Address
from backend.local.data_dir import DataDir
from backend.local.up import Programs, answers
from backend.settings import Settings

STAND_IN = str(Path(__file__).with_name("stand_in.py"))


def stand_ins(address: Address, data: DataDir, environment: Mapping[str, str]) -> Programs:
    def argv(name: str) -> tuple[str, ...]:
        return sys.executable, STAND_IN, name, environment.get(name, "")

    port, key = {"PORT": str(address.port)}, {"SECRET_KEY": environment["SECRET_KEY"]}
    backend = Program("backend", argv("backend"), port, ready=lambda: answers(address))
    return Programs(Program("migrations", argv("migrations")), (backend, Program("worker", argv("worker"), key)))


if __name__ == "__main__":
    settings = Settings(host="127.0.0.1", port=int(sys.argv[1]))
    sys.exit(run(settings, json.loads(sys.argv[2]), Path(".local"), programs=stand_ins))
