"""A bad line between the relay and the backend: a share of all requests fails, in every way that a line can fail."""

import random
from types import TracebackType
from typing import Self

from aiohttp import ClientSession, ClientTimeout, TCPConnector, web

LOOPBACK = "127.0.0.1"
HOP_BY_HOP = {"transfer-encoding", "content-length", "connection", "content-encoding"}


class FlakyLine:
    """Forwards to `target`. While `share` is above 0, so many of all requests are refused, or cut before or after."""

    def __init__(self, target: str) -> None:
        self.share = 0.0
        self.faults = 0
        self._target = target
        self._dice = random.Random(5)
        self._http: ClientSession
        self._runner: web.AppRunner

    async def __aenter__(self) -> Self:
        self._http = ClientSession(
            timeout=ClientTimeout(total=None), connector=TCPConnector(limit=0), auto_decompress=False
        )
        application = web.Application(client_max_size=64 << 20)
        application.router.add_route("*", "/{path:.*}", self._forward)
        self._runner = web.AppRunner(application, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, LOOPBACK, 0).start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._runner.cleanup()
        await self._http.close()

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self._runner.addresses[0][1]}"

    async def _forward(self, request: web.Request) -> web.StreamResponse:
        if self._dice.random() >= self.share:
            return await self._pass_on(request, cut=False)
        self.faults += 1
        match self._dice.randrange(4):
            case 0:
                return web.Response(status=500, text="Internal Server Error")
            case 1:
                return web.Response(status=429, headers={"Retry-After": "1"})
            case 2:
                return self._cut(request)
            case _:
                return await self._pass_on(request, cut=True)

    async def _pass_on(self, request: web.Request, *, cut: bool) -> web.StreamResponse:
        """With `cut`, the request is carried out, and its answer breaks off after the first piece."""
        headers = {name: value for name, value in request.headers.items() if name.lower() != "host"}
        url, body = self._target + request.path_qs, await request.read()
        async with self._http.request(request.method, url, data=body, headers=headers) as answer:
            kept = {name: value for name, value in answer.headers.items() if name.lower() not in HOP_BY_HOP}
            response = web.StreamResponse(status=answer.status, headers=kept)
            await response.prepare(request)
            async for piece in answer.content.iter_any():
                if cut:
                    return self._cut(request)
                await response.write(piece)
            return response

    def _cut(self, request: web.Request) -> web.StreamResponse:
        if request.transport:
            request.transport.abort()
        return web.Response()
