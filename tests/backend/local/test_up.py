"""`llmbot up`: one command starts everything, keeps it running, and leaves nobody behind."""

import json
import os
import re
import signal
import socket
from pathlib import Path

import pytest

from backend.local.address import Address
from backend.local.data_dir import DataDir
from backend.local.up import product
from backend.signing import LINK, console_signer
from tests.backend.local.conftest import StartUp
from tests.backend.local.watching import NO_STORES, Up, until_nobody_is_in

EVERYONE = {"postgres", "valkey-server", "backend", "worker"}


def test_everything_starts_and_stops_and_starts_again_on_the_same_data(
    start_up: StartUp, folder: Path, port: int
) -> None:
    first = start_up()
    first.until_it_runs()
    assert set(first.children()) == EVERYONE
    assert f"http://127.0.0.1:{port}" in first.said
    assert "Add one in the console; or set OPENAI_API_KEY, OPENROUTER_API_KEY or OLLAMA_BASE_URL" in first.said
    assert first.stopped_by(signal.SIGINT) == 0
    until_nobody_is_in(folder)

    second = start_up()
    second.until_it_runs()
    assert "only the first time" in first.said
    assert "only the first time" not in second.said


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_all(start_up: StartUp, folder: Path, number: signal.Signals) -> None:
    up = start_up(NO_STORES)
    up.until_it_runs()
    assert up.stopped_by(number) == 0
    until_nobody_is_in(folder)


def test_who_does_not_stop_is_killed(start_up: StartUp, folder: Path) -> None:
    up = start_up(NO_STORES | {"worker": "stubborn"})
    up.until_it_runs()
    assert up.stopped_by(signal.SIGTERM) == 0
    until_nobody_is_in(folder)


def test_a_signal_during_the_start_stops_all(start_up: StartUp, folder: Path) -> None:
    up = start_up()
    up.until_said("Making the database")
    assert up.stopped_by(signal.SIGINT) == 0
    until_nobody_is_in(folder)


def test_nohup_is_heeded(start_up: StartUp) -> None:
    up = start_up(NO_STORES, by="nohup")
    up.until_it_runs()
    os.kill(up.process.pid, signal.SIGHUP)
    up.kill_child("worker")


def test_a_killed_supervisor_leaves_nobody_behind_and_another_can_start_at_once(
    start_up: StartUp, folder: Path
) -> None:
    killed = start_up({"worker": "stubborn"})
    killed.until_it_runs()
    killed.process.kill()
    another = start_up()
    another.until_it_runs()
    another.process.kill()
    until_nobody_is_in(folder)


def test_a_killed_make_leaves_nobody_behind(start_up: StartUp, folder: Path) -> None:
    make = start_up(NO_STORES, by="make")
    make.until_it_runs()
    make.process.kill()
    until_nobody_is_in(folder)


def test_make_has_no_error_to_tell_after_an_interrupt(start_up: StartUp, folder: Path) -> None:
    make = start_up(NO_STORES, by="make")
    make.until_it_runs()
    make.stopped_by(signal.SIGINT)
    until_nobody_is_in(folder)
    assert make.said.endswith("Stopped.\n")


def test_a_killed_child_is_started_again_and_the_others_carry_on(start_up: StartUp) -> None:
    up = start_up()
    up.until_it_runs()
    for name in sorted(EVERYONE):
        before = up.children()
        up.kill_child(name)
        assert {pid for other, pid in up.children().items() if other != name} < set(before.values())
        assert f"{name.removesuffix('-server')} was ended by SIGKILL" in up.said


def test_a_child_that_keeps_failing_is_started_after_growing_pauses(start_up: StartUp) -> None:
    up = start_up(NO_STORES | {"worker": "fails"})
    up.until_it_runs()
    up.until_said("It is started again in 2 s.")
    assert "worker has no idea what to do" in up.said
    pauses = [line for line in up.said.splitlines() if line.startswith("It is started again")]
    assert pauses == [f"It is started again in {pause} s." for pause in ("0.5", "1", "2")]
    assert "backend" in up.children()


@pytest.mark.parametrize("name", ["migrations", "backend"])
def test_without_migrations_or_backend_it_gives_up_and_says_why(start_up: StartUp, folder: Path, name: str) -> None:
    up = start_up({name: "fails"})
    assert up.process.wait() == 1
    assert f"{name} has no idea what to do" in up.said
    until_nobody_is_in(folder)


def test_a_second_one_says_that_one_is_running(start_up: StartUp, port: int) -> None:
    up = start_up(NO_STORES)
    up.until_it_runs()
    second = start_up(NO_STORES)
    assert second.process.wait() == 1
    assert f"process {up.process.pid}, http://127.0.0.1:{port}" in second.said
    assert set(up.children()) == {"backend", "worker"}


def test_a_taken_port_is_said_and_nothing_is_started(start_up: StartUp, folder: Path, port: int) -> None:
    with socket.create_server(("127.0.0.1", port)):
        up = start_up()
        assert up.process.wait() == 1
    assert f"127.0.0.1:{port} is taken by another program" in up.said
    assert "Starting" not in up.said
    until_nobody_is_in(folder)


def test_stores_that_the_environment_names_are_not_embedded(start_up: StartUp) -> None:
    up = start_up(NO_STORES)
    up.until_it_runs()
    assert set(up.children()) == {"backend", "worker"}


def test_a_folder_that_cannot_be_used_is_said_in_a_sentence(start_up: StartUp, folder: Path) -> None:
    (folder / ".local").write_text("a file where a folder should be")
    up = start_up()
    assert up.process.wait() == 1
    assert up.said == f"{folder / '.local'} cannot be used: File exists.\n"


def test_data_and_secrets_are_the_owners_alone(start_up: StartUp, folder: Path) -> None:
    start_up(NO_STORES).until_it_runs()
    assert (folder / ".local").stat().st_mode & 0o777 == 0o700
    for name in ("secret", "secret-key", "console-password"):
        assert (folder / ".local" / name).stat().st_mode & 0o777 == 0o600


def test_the_programs_get_one_key_for_tokens_for_good_beside_those_that_are_set(
    start_up: StartUp, folder: Path
) -> None:
    given = []
    for environment in ({}, {}, {"SECRET_KEY": "another one, set by the operator"}):
        up = start_up(NO_STORES | environment)
        up.until_it_runs()
        given.append(environment_of(up, "worker")["SECRET_KEY"])
        up.stopped_by(signal.SIGTERM)
    kept = (folder / ".local" / "secret-key").read_text()
    assert len(kept) >= 32
    assert given == [kept, kept, f"another one, set by the operator,{kept}"]


def environment_of(up: Up, name: str) -> dict[str, str]:
    written = Path(f"/proc/{up.children()[name]}/environ").read_text()
    return dict(line.split("=", 1) for line in written.split("\0") if line)


def test_the_bot_process_is_one_of_the_products_programs_and_gets_what_it_needs(folder: Path) -> None:
    known = {"DATABASE_URL": "a", "REDIS_URL": "b", "SECRET_KEY": "c", "CONSOLE_PASSWORD": "d"}
    services = {one.name: one for one in product(Address("127.0.0.1", 8080), DataDir(folder), known).services}
    assert set(services) - {"browser"} == {"backend", "worker", "bot"}
    assert services["bot"].environment["SECRET_KEY"] == "c"
    assert services["bot"].environment["BACKEND_URL"] == "http://127.0.0.1:8080"
    assert [name for name, one in services.items() if "CONSOLE_PASSWORD" in one.environment] == ["backend"]


@pytest.mark.parametrize("password", ["", "a password of one's own"])
def test_the_banner_has_a_link_into_the_console_and_says_where_the_password_is(
    start_up: StartUp, folder: Path, password: str
) -> None:
    up = start_up(NO_STORES | {"CONSOLE_PASSWORD": password})
    up.until_it_runs()
    kept = (folder / ".local" / "console-password").read_text()
    signer = console_signer([(folder / ".local" / "secret-key").read_text()], password or kept)
    link = re.search(r"http://127\.0\.0\.1:\d+/console/enter\?link=(\S+)", up.said)
    assert link
    assert signer.read(LINK, link[1])
    assert ("after that with CONSOLE_PASSWORD" if password else str(folder / ".local" / "console-password")) in up.said
    assert kept not in up.said


@pytest.mark.parametrize("installed", [True, False])
def test_open_pages_are_all_in_one_process(folder: Path, monkeypatch: pytest.MonkeyPatch, installed: bool) -> None:
    monkeypatch.setattr("backend.local.up.find_spec", lambda name: installed or None)
    known = {"DATABASE_URL": "a", "REDIS_URL": "b", "SECRET_KEY": "c", "CONSOLE_PASSWORD": "d"}
    services = {one.name: one for one in product(Address("127.0.0.1", 8080), DataDir(folder), known).services}
    assert ("browser" in services) == ("--queues" in services["worker"].argv) == installed
    if installed:
        assert "high,default,low" in services["worker"].argv
        assert services["browser"].argv[-4:] == ("--queues", "browser", "--concurrency", "1")


def test_the_banner_names_the_bots_or_says_how_to_add_one(start_up: StartUp) -> None:
    up = start_up(NO_STORES)
    up.until_it_runs()
    assert "no bot yet: get a token from @BotFather" in up.said
    assert "llmbot bots add NAME" in up.said
    up.stopped_by(signal.SIGTERM)
    bots = [
        {"slug": "support", "username": "support_bot", "telegram_id": "1", "enabled": True},
        {"slug": "old", "username": "", "telegram_id": "2", "enabled": False},
        {"slug": "default", "username": "", "telegram_id": None, "enabled": True},
    ]
    up = start_up(NO_STORES | {"backend": json.dumps(bots)})
    up.until_it_runs()
    assert "Telegram  support (@support_bot), old, which is stopped\n" in up.said
