"""Downloads a model from the Hugging Face hub."""

import asyncio
import fcntl
import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp

from backend.llm import wire
from backend.llm.embedding.folder import CONFIGS, GRAPHS, TOKENIZER

HUB = "https://huggingface.co"
# A file may take as long as it takes, but something has to come.
PATIENCE = aiohttp.ClientTimeout(total=None, sock_connect=30, sock_read=60)
PIECE = 1 << 20


class DownloadFailed(Exception):
    """A model did not come whole. What has come is kept, and the next attempt goes on from there."""


@dataclass(frozen=True, slots=True)
class HubFile:
    """What the hub tells of a file; `digest` is its SHA-256, or for small files the SHA-1 that git gives it."""

    path: str
    size: int
    digest: str

    def is_at(self, path: Path) -> bool:
        """Whether the file there is this one, byte by byte."""
        if not path.is_file() or path.stat().st_size != self.size:
            return False
        with path.open("rb") as file:
            if len(self.digest) == 64:
                return hashlib.file_digest(file, "sha256").hexdigest() == self.digest
            git = hashlib.sha1(b"blob %d\0" % self.size, usedforsecurity=False)
            return hashlib.file_digest(file, lambda: git).hexdigest() == self.digest


class Hub:
    """The hub, or a mirror of it."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        """HF_ENDPOINT and HF_TOKEN are what other programs know them as."""
        self._address = environment.get("HF_ENDPOINT", HUB).rstrip("/")
        token = environment.get("HF_TOKEN", "").strip()
        self._headers = {"User-Agent": "llm-bot-core"} | ({"Authorization": f"Bearer {token}"} if token else {})

    async def download(self, name: str, folder: Path) -> None:
        """Puts the files of `owner/model`, or `owner/model@revision`, into a folder that appears when all are right.

        Raises `DownloadFailed`, also while another process is at it.
        """
        part = folder.with_name(folder.name + ".part")
        try:
            with _only_one(folder):
                await self._fill(part, *_name_and_revision(name))
                os.replace(part, folder)
        except aiohttp.ClientResponseError as error:
            raise DownloadFailed(f"the hub answers {error.status} for {name}") from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise DownloadFailed(f"{name} did not come: {wire.root_of(error)}") from error

    async def _fill(self, folder: Path, name: str, revision: str) -> None:
        async with aiohttp.ClientSession(headers=self._headers, timeout=PATIENCE, trust_env=True) as http:
            url = f"{self._address}/api/models/{name}/tree/{quote(revision, safe='')}"
            async with http.get(url, params={"recursive": "true"}, raise_for_status=True) as response:
                listed = await response.json()
            for file in _wanted(listed):
                await _fetch(http, f"{self._address}/{name}/resolve/{quote(revision, safe='')}", file, folder)


def _name_and_revision(name: str) -> tuple[str, str]:
    name, _, revision = name.partition("@")
    return name, revision or "main"


def _wanted(listed: list[dict[str, Any]]) -> list[HubFile]:
    """The files that a model needs here, of those that a repository lists."""
    try:
        files = {told["path"]: _told(told) for told in listed if told["type"] == "file"}
    except (KeyError, TypeError):
        raise DownloadFailed("this is no list of files") from None
    graph = next((name for name in GRAPHS if name in files), None)
    if not graph or TOKENIZER not in files:
        raise DownloadFailed(f"it has no {TOKENIZER}, or none of {', '.join(GRAPHS)}")
    names = (TOKENIZER, *CONFIGS, f"{graph}_data", graph)
    return [files[name] for name in names if name in files]


def _told(told: dict[str, Any]) -> HubFile:
    large = told.get("lfs") or told
    return HubFile(told["path"], int(large["size"]), str(large["oid"]))


async def _fetch(http: aiohttp.ClientSession, base: str, file: HubFile, folder: Path) -> None:
    target, part = folder / file.path, folder / (file.path + ".part")
    if await asyncio.to_thread(file.is_at, target):
        return
    await _go_on(http, f"{base}/{file.path}", file, part)
    await asyncio.to_thread(_accept, file, part)
    os.replace(part, target)


def _accept(file: HubFile, part: Path) -> None:
    if part.stat().st_size < file.size:
        raise DownloadFailed(f"{file.path} was cut")
    if not file.is_at(part):
        raise DownloadFailed(f"{file.path} is not what the hub says it is")


async def _go_on(http: aiohttp.ClientSession, url: str, file: HubFile, part: Path) -> None:
    """Adds what is missing of a file, or begins anew with a server that cannot go on."""
    headers = {"Accept-Encoding": "identity"}
    if have := _size_before(file, part):
        headers["Range"] = f"bytes={have}-"
    async with http.get(url, headers=headers, raise_for_status=True) as response:
        with part.open("ab" if response.status == 206 else "wb") as out:
            async for piece in response.content.iter_chunked(PIECE):
                out.write(piece)
                if out.tell() > file.size:
                    raise DownloadFailed(f"{file.path} is longer than the hub says")


def _size_before(file: HubFile, part: Path) -> int:
    """How much came in an earlier attempt."""
    part.parent.mkdir(parents=True, exist_ok=True)
    size = part.stat().st_size if part.exists() else 0
    return size if size < file.size else 0


@contextmanager
def _only_one(folder: Path) -> Iterator[None]:
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_name(folder.name + ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DownloadFailed("another process is downloading it") from None
        yield
