"""A language-model provider that does what a test tells it: OpenAI-compatible, over a real socket.

In a test:      async with Provider() as provider: provider.will(Fails(429, retry_after=1), Hangs())
By hand:        python -m tests.simulators.provider 9100 --latency-ms 500
                LLM_CHAIN=stub:any STUB_BASE_URL=http://127.0.0.1:9100/v1 llmbot chat

Unless told otherwise, it says what was said to it. Its embeddings are in tests/simulators/embeddings.py, its ears in
tests/simulators/transcriptions.py.
"""

import argparse
import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Self

from aiohttp import web

from tests.simulators.embeddings import Embeddings
from tests.simulators.provider_behaviours import BROKEN_JSON as BROKEN_JSON
from tests.simulators.provider_behaviours import OTHER_SHAPE as OTHER_SHAPE
from tests.simulators.provider_behaviours import WEB_PAGE as WEB_PAGE
from tests.simulators.provider_behaviours import Answer as Answer
from tests.simulators.provider_behaviours import Behaviour as Behaviour
from tests.simulators.provider_behaviours import Breaks as Breaks
from tests.simulators.provider_behaviours import Call as Call
from tests.simulators.provider_behaviours import Cuts as Cuts
from tests.simulators.provider_behaviours import Fades as Fades
from tests.simulators.provider_behaviours import Fails as Fails
from tests.simulators.provider_behaviours import Hangs as Hangs
from tests.simulators.provider_behaviours import Json as Json
from tests.simulators.provider_behaviours import Says as Says
from tests.simulators.provider_behaviours import Usage as Usage
from tests.simulators.provider_behaviours import refusal
from tests.simulators.transcriptions import Ears

Rule = Callable[[Json], Behaviour | None]


class Provider:
    """The server. A rule goes before the queue that `will` fills, and `usual` comes after it."""

    def __init__(self, *, key: str = "", usual: Behaviour | None = None, port: int = 0) -> None:
        """With a `key`, a caller who does not show it is refused."""
        self.key = key
        self.usual = usual or Answer()
        self.rule: Rule = lambda body: None
        self.models = ["simulated"]
        self.embeddings = Embeddings()
        self.ears = Ears()
        self.calls: list[Call] = []
        self.in_flight = self.most_in_flight = 0
        self.port = port
        self._queue: deque[Behaviour] = deque()
        self._called = asyncio.Condition()
        self._runner: web.AppRunner

    async def __aenter__(self) -> Self:
        await self._open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def prompts(self) -> list[list[dict[str, str]]]:
        """The messages of every call, in order."""
        return [call.messages for call in self.calls]

    def will(self, *behaviours: Behaviour) -> None:
        """What the next calls get, each one once."""
        self._queue.extend(behaviours)

    async def called(self, times: int = 1) -> None:
        """Returns once so many calls have come."""
        async with self._called:
            await self._called.wait_for(lambda: len(self.calls) >= times)

    @asynccontextmanager
    async def unreachable(self) -> AsyncIterator[None]:
        """The port is closed, and opened again at the end."""
        await self._runner.cleanup()
        try:
            yield
        finally:
            await self._open()

    def application(self) -> web.Application:
        application = web.Application(client_max_size=64 << 20)
        application.router.add_post("/v1/chat/completions", self._complete)
        application.router.add_get("/v1/models", self._list_models)
        application.router.add_post("/v1/embeddings", self._embed)
        application.router.add_post("/v1/audio/transcriptions", self._hear)
        application.router.add_post("/embeddings", self._embed)  # where Infinity has them
        return application

    async def _open(self) -> None:
        self._runner = web.AppRunner(
            self.application(), access_log=None, handler_cancellation=True, shutdown_timeout=0.1
        )
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()
        self.port = self._runner.addresses[0][1]

    async def _complete(self, request: web.Request) -> web.StreamResponse:
        call = Call(await request.read(), request.headers, time.time())
        self.calls.append(call)
        with self._flying():
            async with self._called:
                self._called.notify_all()
            if not self._admits(request):
                return refusal(401, "Incorrect API key provided.")
            return await self._behaviour(call).perform(request, call)

    async def _embed(self, request: web.Request) -> web.StreamResponse:
        if not self._admits(request):
            return refusal(401, "Incorrect API key provided.")
        return await self.embeddings.perform(request)

    async def _hear(self, request: web.Request) -> web.StreamResponse:
        if not self._admits(request):
            return refusal(401, "Incorrect API key provided.")
        return await self.ears.perform(request)

    def _behaviour(self, call: Call) -> Behaviour:
        return self.rule(call.body) or (self._queue.popleft() if self._queue else self.usual)

    async def _list_models(self, request: web.Request) -> web.Response:
        if not self._admits(request):
            return refusal(401, "Incorrect API key provided.")
        models = [{"id": model, "object": "model", "owned_by": "simulator"} for model in self.models]
        return web.json_response({"object": "list", "data": models})

    def _admits(self, request: web.Request) -> bool:
        return not self.key or request.headers.get("Authorization") == f"Bearer {self.key}"

    @contextmanager
    def _flying(self) -> Iterator[None]:
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            yield
        finally:
            self.in_flight -= 1


def main() -> None:
    arguments = argparse.ArgumentParser(prog="python -m tests.simulators.provider", description=__doc__)
    arguments.formatter_class = argparse.RawDescriptionHelpFormatter
    arguments.add_argument("port", type=int)
    arguments.add_argument("--latency-ms", type=float, default=0)
    options = arguments.parse_args()
    provider = Provider(usual=Answer(delay=options.latency_ms / 1000))
    web.run_app(provider.application(), host="127.0.0.1", port=options.port, access_log=None)


if __name__ == "__main__":
    main()
