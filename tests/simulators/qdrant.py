"""As much of a Qdrant server as our adapter uses: Qdrant's own engine (`qdrant_edge`) behind a real socket.

In a test:      async with Qdrant(directory) as qdrant: qdrant.will(Fails(500), Hangs())
By hand:        python -m tests.simulators.qdrant 6333 DIRECTORY --key secret

Requests are checked by the models of Qdrant's Python client, so unknown fields and wrong types are refused, which
is stricter than the server. It knows nothing of clusters, snapshots, limits, or of optimizing in the background.
"""

import argparse
import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TypeVar

from aiohttp import web
from pydantic import BaseModel
from qdrant_client.http import models

from tests.simulators.qdrant_engine import Engine, Impossible

Body = TypeVar("Body", bound=BaseModel)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Fails:
    """It answers with this status, and with `body` if that is given."""

    status: int
    body: str | None = None


@dataclass(frozen=True, slots=True)
class Hangs:
    """It says nothing for so long, and then what it would have said."""

    seconds: float = 3600


class Qdrant:
    """The server, with its collections in a directory."""

    def __init__(self, directory: Path, *, key: str = "", port: int = 0) -> None:
        self.key = key
        self.port = port
        self.calls: list[str] = []
        self._engine = Engine(directory)
        self._queue: deque[Fails | Hangs] = deque()
        self._runner: web.AppRunner

    async def __aenter__(self) -> Self:
        self._runner = web.AppRunner(self.application(), handler_cancellation=True, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()
        self._engine.close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def will(self, *behaviours: Fails | Hangs) -> None:
        """What happens to the next calls, each one once."""
        self._queue.extend(behaviours)

    def application(self) -> web.Application:
        application = web.Application(client_max_size=32 << 20, middlewares=[self._guard])
        collection = "/collections/{name}"
        application.router.add_get("/readyz", self._ready)
        application.router.add_get(collection, self._describe)
        application.router.add_put(collection, self._create)
        application.router.add_delete(collection, self._drop)
        application.router.add_put(f"{collection}/index", self._create_field_index)
        application.router.add_put(f"{collection}/points", self._put)
        application.router.add_post(f"{collection}/points/delete", self._delete)
        application.router.add_post(f"{collection}/points/query/batch", self._query)
        application.router.add_post(f"{collection}/points/count", self._count)
        application.router.add_post(f"{collection}/points/scroll", self._scroll)
        return application

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path == "/readyz":
            return await handler(request)
        self.calls.append(f"{request.method} {request.path}")
        match self._queue.popleft() if self._queue else None:
            case Fails(status, body):
                return web.Response(status=status, text=body) if body else _error(status, "Service internal error")
            case Hangs(seconds):
                await asyncio.sleep(seconds)
        if self.key and request.headers.get("api-key") != self.key:
            return web.Response(status=401, text="Must provide an API key or an Authorization bearer token")
        try:
            return await handler(request)
        except Impossible as impossible:
            return _error(impossible.status, str(impossible))
        except ValueError as error:  # of the models, or of the engine
            return _error(400, f"Format error in JSON body: {error}")

    async def _ready(self, _: web.Request) -> web.Response:
        return web.Response(text="all shards are ready")

    async def _describe(self, request: web.Request) -> web.Response:
        form = self._engine.form(_name(request))
        params = form.model_dump(include={"vectors"}, exclude_none=True, mode="json")
        return _result({"status": "green", "config": {"params": params}})

    async def _create(self, request: web.Request) -> web.Response:
        self._engine.create(_name(request), await _read(request, models.CreateCollection))
        return _result(True)

    async def _drop(self, request: web.Request) -> web.Response:
        return _result(self._engine.drop(_name(request)))

    async def _create_field_index(self, request: web.Request) -> web.Response:
        self._engine.create_field_index(_name(request), await _read(request, models.CreateFieldIndex))
        return _acknowledged()

    async def _put(self, request: web.Request) -> web.Response:
        self._engine.put(_name(request), (await _read(request, models.PointsBatch)).batch)
        return _acknowledged()

    async def _delete(self, request: web.Request) -> web.Response:
        self._engine.delete(_name(request), (await _read(request, models.PointIdsList)).points)
        return _acknowledged()

    async def _query(self, request: web.Request) -> web.Response:
        searches = (await _read(request, models.QueryRequestBatch)).searches
        return _result([{"points": self._engine.query(_name(request), search)} for search in searches])

    async def _count(self, request: web.Request) -> web.Response:
        body = await _read(request, models.CountRequest)
        return _result({"count": self._engine.count(_name(request), body)})

    async def _scroll(self, request: web.Request) -> web.Response:
        points, following = self._engine.scroll(_name(request), await _read(request, models.ScrollRequest))
        return _result({"points": points, "next_page_offset": following})


def _name(request: web.Request) -> str:
    return request.match_info["name"]


async def _read(request: web.Request, model: type[Body]) -> Body:
    return model.model_validate_json(await request.read(), strict=True)


def _acknowledged() -> web.Response:
    return _result({"operation_id": 0, "status": "completed"})


def _result(result: Any) -> web.Response:
    return web.json_response({"result": result, "status": "ok", "time": 0.0})


def _error(status: int, why: str) -> web.Response:
    return web.json_response({"status": {"error": why}, "time": 0.0}, status=status)


def main() -> None:
    arguments = argparse.ArgumentParser(prog="python -m tests.simulators.qdrant", description=__doc__)
    arguments.formatter_class = argparse.RawDescriptionHelpFormatter
    arguments.add_argument("port", type=int)
    arguments.add_argument("directory", type=Path)
    arguments.add_argument("--key", default="")
    options = arguments.parse_args()
    application = Qdrant(options.directory, key=options.key).application()
    web.run_app(application, host="127.0.0.1", port=options.port, access_log=None)


if __name__ == "__main__":
    main()
