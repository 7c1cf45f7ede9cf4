"""A person's folder: files in it are opened so that nothing leads out of it, whoever changes it meanwhile.

Each part of a path is opened by its name in the folder before it, and none may be a symbolic link. So there is nothing
between a check and its use: what was checked is what is open.
"""

import errno
import os
import stat
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from pwd import getpwnam
from uuid import UUID, uuid4

from backend.agents.skills.skill import Failed, Refused

FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Not blocking: a FIFO that took the place of a file makes nobody wait.
FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC

LONGEST_PATH, LONGEST_NAME, DEEPEST = 1_000, 255, 32
KINDS = {stat.S_IFREG: "file", stat.S_IFDIR: "folder", stat.S_IFLNK: "symbolic link"}
# Letters that look like Latin ones; after Unicode's own confusables (UTS 39), of which these are the likely ones.
LOOKS_LATIN = str.maketrans("аеорсухіјѕһԁԛԝвкмнтгαονρτυκι", "aeopcyxijshdqwbkmhtraovptuki")

# Unseen, but words of some languages, and some emoji, are not written without them.
JOINERS = dict.fromkeys((0x200C, 0x200D))


class NotThere(Failed):
    """There is nothing of that name."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Something in a folder; `path` is as seen from the workspace, `kind` one word for people."""

    path: str
    kind: str
    size: int
    modified: float


def workspace_of(root: Path, scope: UUID) -> Path:
    """The folder of a person or a group, which is made if there is none. Raises `OSError`."""
    folder = root.absolute() / str(scope)
    if not folder.is_dir():
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
        if os.geteuid() == 0:  # programs that are run in it are not to be root
            nobody = getpwnam("nobody")
            os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    return folder


def give_to_owner_of(workspace: Path, folder: Path) -> None:
    """What root made is to be used by programs that are run in a workspace, which are not root."""
    if os.geteuid() == 0:
        owner = workspace.stat()
        os.chown(folder, owner.st_uid, owner.st_gid)


def parts(path: str) -> tuple[str, ...]:
    """The names that lead to a place in the workspace; none is the workspace itself. Raises `Refused`."""
    _refuse_unseen(path, ("Cc", "Cs", "Zl", "Zp"))
    if path.startswith(("/", "~")) or "\\" in path:
        raise Refused(f"paths begin in the workspace, as in notes/today.md; {path} does not")
    names = tuple(name for name in path.split("/") if name not in ("", "."))
    if ".." in names:
        raise Refused("a path may not lead upwards by `..`")
    if len(path) > LONGEST_PATH or len(names) > DEEPEST or any(len(name.encode()) > LONGEST_NAME for name in names):
        raise Refused("the path is too long")
    return names


def writable(path: str) -> tuple[str, ...]:
    """The names that lead to a file that may be written. Raises `Refused`."""
    names = _to_file(path)
    _refuse_unseen(path.translate(JOINERS), ("Cf",))
    if any(looks(name) == ".git" for name in names):
        raise Refused("what git keeps in .git is changed by git alone")
    return names


def _to_file(path: str) -> tuple[str, ...]:
    if names := parts(path):
        return names
    raise Refused("that is the workspace itself, not a file")


def _refuse_unseen(path: str, categories: Sequence[str]) -> None:
    if odd := next((letter for letter in path if unicodedata.category(letter) in categories), None):
        raise Refused(f"the path has a character in it that cannot be seen (U+{ord(odd):04X})")


def visible(name: str) -> str:
    """A name as it may be shown: characters that do something to a terminal or a line are written as what they are."""
    return "".join(letter if letter.isprintable() else f"\\u{ord(letter):04x}" for letter in name)


def visible_lines(text: str) -> str:
    """A text as it may be shown, in its lines."""
    return "\n".join(visible(line.replace("\t", "    ")) for line in text.split("\n"))


def looks(name: str) -> str:
    """The same for names that a person can hardly tell apart."""
    plain = unicodedata.normalize("NFKC", name).casefold().translate(LOOKS_LATIN)
    return "".join(letter for letter in plain if unicodedata.category(letter) not in ("Cf", "Mn")).rstrip(" .") or name


@contextmanager
def opened(workspace: Path, names: Sequence[str], *, make: bool = False) -> Iterator[int]:
    """The folder at the end of these names, for `dir_fd`. Raises `Refused` or `Failed`."""
    with told():
        folder = os.open(workspace, FOLDER)
    try:
        for name in names:
            inner = _enter(folder, name, make=make)
            os.close(folder)
            folder = inner
        yield folder
    finally:
        os.close(folder)


def _enter(folder: int, name: str, *, make: bool) -> int:
    with told():
        if make and not _present(folder, name):
            refuse_twin(folder, name)
            with suppress(FileExistsError):
                os.mkdir(name, 0o755, dir_fd=folder)
        else:
            make = False
        try:
            inner = os.open(name, FOLDER, dir_fd=folder)
        except OSError as error:
            if error.errno in (errno.ELOOP, errno.ENOTDIR):
                raise Refused(f"{visible(name)} is no folder; symbolic links are not followed") from None
            raise
        if os.fstat(inner).st_dev != os.fstat(folder).st_dev:
            os.close(inner)
            raise Refused(f"{visible(name)} belongs to another file system")
        if make:
            _give_away(folder, inner)
        return inner


def read_file(workspace: Path, path: str, most: int) -> bytes:
    """All of a file of at most so many bytes. Raises `Refused` or `Failed`."""
    *folders, name = _to_file(path)
    with opened(workspace, folders) as folder:
        return read_in(folder, name, most)


def read_in(folder: int, name: str, most: int) -> bytes:
    """All of a file of an open folder. Raises `Refused` or `Failed`."""
    with told():
        # A device might do something when it is opened.
        _only_a_file(os.stat(name, dir_fd=folder, follow_symlinks=False), name)
        with open(os.open(name, FILE, dir_fd=folder), "rb") as file:
            _only_a_file(os.fstat(file.fileno()), name)
            content = file.read(most + 1)
        if len(content) > most:
            raise Refused(f"{visible(name)} has more than {most} bytes, which are the most that can be read")
        return content


def read_before_writing(workspace: Path, path: str, most: int) -> bytes | None:
    """What a file contains that is to be written; None if it is to be made. Raises `Refused` or `Failed`."""
    names = writable(path)
    try:
        return read_file(workspace, path, most)
    except NotThere:
        for depth, name in enumerate(names):
            with opened(workspace, names[:depth]) as folder:
                if not _present(folder, name):
                    refuse_twin(folder, name)
                    return None
        raise


def write_file(workspace: Path, path: str, content: bytes) -> None:
    """The file is there as a whole, or as it was before. Raises `Refused` or `Failed`."""
    *folders, name = writable(path)
    with opened(workspace, folders, make=True) as folder, told():
        mode = 0o644
        if _present(folder, name):
            before = os.stat(name, dir_fd=folder, follow_symlinks=False)
            _only_a_file(before, name)
            mode = stat.S_IMODE(before.st_mode) & 0o777
        else:
            refuse_twin(folder, name)
        _put(folder, name, content, mode)


def _put(folder: int, name: str, content: bytes, mode: int) -> None:
    part = f".{uuid4().hex}.part"
    try:
        with open(os.open(part, NEW, mode, dir_fd=folder), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            _give_away(folder, file.fileno())
        os.replace(part, name, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(part, dir_fd=folder)
        raise


def entries(folder: int, path: str) -> Iterator[Entry]:
    """What an open folder holds, by name; `path` is that of the folder."""
    with told():
        names = sorted(os.listdir(folder))
    for name in names:
        try:
            found = os.stat(name, dir_fd=folder, follow_symlinks=False)
        except FileNotFoundError:
            continue  # gone meanwhile
        kind = KINDS.get(stat.S_IFMT(found.st_mode), "special file")
        yield Entry(f"{path}/{name}" if path else name, kind, found.st_size, found.st_mtime)


def refuse_twin(folder: int, name: str) -> None:
    """What is made anew may not look like what is there. Raises `Refused`."""
    if twin := next((other for other in os.listdir(folder) if other != name and looks(other) == looks(name)), None):
        raise Refused(f"there is {visible(twin)} already, and {visible(name)} looks the same")


@contextmanager
def told() -> Iterator[None]:
    """What the system says becomes `Failed`."""
    try:
        yield
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise Refused("it is a symbolic link, and those are not followed") from None
        name = f": {visible(os.path.basename(str(error.filename)))}" if error.filename else ""
        raise (NotThere if error.errno == errno.ENOENT else Failed)(f"{error.strerror}{name}") from None


def _present(folder: int, name: str) -> bool:
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def _only_a_file(found: os.stat_result, name: str) -> None:
    kind = KINDS.get(stat.S_IFMT(found.st_mode), "special file")
    if kind != "file":
        raise Refused(f"{visible(name)} is no file but a {kind}" + ", which is not followed" * (kind[0] == "s"))
    if found.st_nlink > 1:
        raise Refused(f"{visible(name)} is also the name of a file elsewhere (a hard link)")


def _give_away(folder: int, made: int) -> None:
    """What root makes belongs to whom the folder belongs."""
    if os.geteuid() == 0:
        owner = os.fstat(folder)
        os.chown(made, owner.st_uid, owner.st_gid)
