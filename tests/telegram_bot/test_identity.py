"""Who a relay is for the backend, also after it was killed."""

import os
import sys
from asyncio.subprocess import PIPE, Process, create_subprocess_exec
from pathlib import Path

from telegram_bot.identity import identity

URL = "http://127.0.0.1:8080"
# Says who it is, and stays so until it is killed.
PROGRAM = """
import sys, pathlib
from telegram_bot.identity import identity
with identity(sys.argv[1], pathlib.Path(sys.argv[2])) as relay_id:
    print(relay_id, flush=True)
    sys.stdin.read()
"""


async def started(folder: Path, url: str = URL) -> tuple[Process, str]:
    """A process, and who it is."""
    process = await create_subprocess_exec(sys.executable, "-c", PROGRAM, url, str(folder), stdin=PIPE, stdout=PIPE)
    assert process.stdout
    return process, (await process.stdout.readline()).decode().strip()


async def killed(process: Process) -> None:
    process.kill()
    await process.communicate()


async def test_who_follows_one_that_was_killed_is_the_same_and_who_comes_beside_it_is_not(tmp_path: Path) -> None:
    folder = tmp_path / "private"
    first, first_id = await started(folder)
    beside, beside_id = await started(folder)
    await killed(first)
    after, after_id = await started(folder)
    assert after_id == first_id != beside_id
    for process in (beside, after):
        await killed(process)


async def test_another_backend_knows_it_by_another_name(tmp_path: Path) -> None:
    folder = tmp_path / "private"
    with identity(URL, folder) as one, identity("http://elsewhere", folder) as other:
        assert one != other
    with identity(URL, folder) as again:
        assert again == one


def test_a_folder_that_others_may_write_to_is_not_trusted(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    with identity(URL, tmp_path) as one:
        pass
    with identity(URL, tmp_path) as other:
        assert one != other
    assert not list(tmp_path.iterdir())


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir(mode=0o700)
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with identity(URL, tmp_path / "link"):
        assert not list((tmp_path / "real").iterdir())


def test_what_is_no_id_is_replaced_by_one(tmp_path: Path) -> None:
    folder = tmp_path / "private"
    with identity(URL, folder):
        (file,) = folder.iterdir()
    file.write_text("half a")
    with identity(URL, folder) as one:
        pass
    with identity(URL, folder) as again:
        assert again == one
    assert os.stat(file).st_mode & 0o777 == 0o600
