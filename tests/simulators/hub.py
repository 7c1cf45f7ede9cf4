"""A Hugging Face hub with one repository, which serves its files as a test tells it.

async with Hub({"config.json": b"{}"}) as hub: hub.cuts["config.json"] = 1
"""

import hashlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

from aiohttp import web

# Files from this size on are kept as LFS objects: told by their SHA-256, served after a redirect.
LARGE = 1_000


@dataclass(frozen=True, slots=True)
class Get:
    """A request for a file."""

    path: str
    range: str
    authorization: str


class Hub:
    """`cuts`: after how many bytes a file's connection is closed; `lies`: other bytes than those that are told."""

    def __init__(self, files: Mapping[str, bytes], *, name: str = "owner/tiny", revision: str = "main") -> None:
        self.files = dict(files)
        self.name, self.revision = name, revision
        self.cuts: dict[str, int] = {}
        self.lies: dict[str, bytes] = {}
        self.status = 200
        self.knows_ranges = True
        self.gets: list[Get] = []
        self._runner: web.AppRunner

    async def __aenter__(self) -> Self:
        application = web.Application()
        application.router.add_get("/api/models/{name:.+}/tree/{revision}", self._list)
        application.router.add_get("/{owner}/{model}/resolve/{revision}/{path:.+}", self._resolve)
        application.router.add_get("/objects/{path:.+}", self._serve)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def _list(self, request: web.Request) -> web.StreamResponse:
        if (request.match_info["name"], request.match_info["revision"]) != (self.name, self.revision):
            return web.json_response({"error": "Repository not found"}, status=404)
        if self.status != 200:
            return web.json_response({"error": "told to fail"}, status=self.status)
        folders = {path.rpartition("/")[0] for path in self.files} - {""}
        told = [{"type": "directory", "path": folder, "oid": "0" * 40, "size": 0} for folder in sorted(folders)]
        return web.json_response(told + [self._told(path, raw) for path, raw in self.files.items()])

    def _told(self, path: str, raw: bytes) -> dict[str, Any]:
        git = hashlib.sha1(b"blob %d\0" % len(raw) + raw, usedforsecurity=False).hexdigest()
        told = {"type": "file", "path": path, "oid": git, "size": len(raw)}
        if len(raw) >= LARGE:  # then the oid is that of the pointer, which is something else
            told |= {"oid": "1" * 40, "lfs": {"oid": hashlib.sha256(raw).hexdigest(), "size": len(raw)}}
        return told

    async def _resolve(self, request: web.Request) -> web.StreamResponse:
        path = request.match_info["path"]
        headers = request.headers
        self.gets.append(Get(path, headers.get("Range", ""), headers.get("Authorization", "")))
        if path not in self.files or request.match_info["revision"] != self.revision:
            return web.Response(status=404)
        if len(self.files[path]) >= LARGE:
            raise web.HTTPFound(f"/objects/{path}")
        return await self._serve(request)

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        path = request.match_info["path"]
        raw = self.lies.get(path, self.files[path])
        start = (request.http_range.start or 0) if self.knows_ranges else 0
        response = web.StreamResponse(status=206 if start else 200)
        response.content_length = len(raw) - start
        await response.prepare(request)
        async for piece in self._pieces(path, raw[start:]):
            await response.write(piece)
        if path in self.cuts and request.transport:
            request.transport.close()
        return response

    async def _pieces(self, path: str, raw: bytes) -> AsyncIterator[bytes]:
        end = self.cuts.get(path, len(raw))
        for start in range(0, end, 1_000):
            yield raw[start : min(start + 1_000, end)]
