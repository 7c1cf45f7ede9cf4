"""A Compose project under a name and on a port of its own, as an administrator would start it."""

import json
import os
import subprocess
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# What finds the engine. The rest of a developer's environment, his keys above all, stays outside.
TO_THE_ENGINE = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME") or "DOCKER_" in name}

Json = dict[str, Any]
DIRECTUS = {"directus-role", "directus", "directus-setup"}


class CommandFailed(Exception):
    """A command ended with a status other than 0; the text is what it wrote."""


def run(*command: str, folder: Path | None = None, environment: Mapping[str, str] | None = None) -> str:
    """What the command wrote to its standard output. Raises `CommandFailed`."""
    done = subprocess.run(
        command, cwd=folder, env=TO_THE_ENGINE | dict(environment or {}), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise CommandFailed(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
    return done.stdout


@dataclass(frozen=True)
class Stack:
    """`folder` is a copy of the repository, `file` one of its Compose files."""

    folder: Path
    file: str
    project: str
    port: int

    def compose(self, *arguments: str) -> str:
        settings = {"PORT": str(self.port), "EMBEDDING_MODEL": "intfloat/multilingual-e5-small"}
        return run(
            *("docker", "compose", "--file", self.file, "--project-name", self.project),
            *arguments,
            folder=self.folder,
            environment=settings,
        )

    def up(self) -> None:
        """Returns when everything is healthy; raises `CommandFailed` if something is not.

        Without Directus: of its image there is no stand-in, and tests/directus try it as it comes from npm.
        """
        services = set(self.compose("config", "--services").split()) - DIRECTUS
        self.compose("up", "--detach", "--build", "--wait", *sorted(services))

    def remove(self) -> None:
        self.compose("down", "--volumes", "--remove-orphans", "--timeout", "5")
        run("docker", "image", "rm", "--force", *self.images)

    def execute(self, service: str, *command: str) -> str:
        """What a command inside a running container writes."""
        return self.compose("exec", "--no-TTY", service, *command)

    def containers(self) -> dict[str, Json]:
        """What the engine says of each container, by service; also of those that have ended."""
        ids = self.compose("ps", "--all", "--quiet").split()
        told = json.loads(run("docker", "inspect", *ids))
        return {container["Config"]["Labels"]["com.docker.compose.service"]: container for container in told}

    @property
    def images(self) -> tuple[str, str]:
        return f"{self.project}-backend", f"{self.project}-bot"

    @property
    def key(self) -> str:
        """The first API key of the stack's `.env`."""
        lines = (self.folder / ".env").read_text().splitlines()
        return next(line.removeprefix("API_KEYS=").split(",")[0] for line in lines if line.startswith("API_KEYS="))

    def ask(self, path: str, body: Json | None = None, *, key: str | None = None) -> tuple[int, Json]:
        """Status and body of an answer, through the published port."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}",
            json.dumps(body).encode() if body else None,
            {"Authorization": f"Bearer {key or self.key}", "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                return response.status, json.load(response)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)

    def say(self, text: str, *, chat: str) -> Json:
        """The answer to a message; the same text in the same chat is the same message."""
        message = {"user_id": "ann", "chat_id": chat, "text": text, "key": f"{chat}: {text}"}
        status, answer = self.ask("/v1/chat/handle", message)
        assert status == 200, answer
        return answer
