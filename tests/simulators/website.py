"""Web sites as there are: pages, forms, and those that want a visitor to go where he should not, or to choke.

They are real servers on this machine, so that whoever visits them has to be allowed to (`Addresses("127.0.0.1:PORT")`).
"""

import asyncio
import gzip
from collections.abc import Mapping
from typing import Self

from aiohttp import web
from aiohttp.typedefs import Handler

BOMB = gzip.compress(bytes(64 << 20))
FORM = """<!doctype html><title>Orders</title><h1>Order tea</h1>
<form method="post" action="/ordered">
<label>Name <input name="name"></label> <label>Kind <select name="kind"><option>green<option>black</select></label>
<label>Secret <input name="secret" type="password"></label>
<input type="submit" value="Order now"></form><p><a href="/about">About us</a></p>"""


class Website:
    """`pages` are by path: HTML, or a whole response. `asked` is what came, as method and path."""

    def __init__(self, pages: Mapping[str, str | web.Response] | None = None) -> None:
        self.pages = dict(pages or {})
        self.asked: list[str] = []
        self.headers: list[Mapping[str, str]] = []
        self.host = ""
        self._runner: web.AppRunner

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_get("/to", _redirect)
        app.router.add_get("/round", _round)
        app.router.add_get("/drip", _drip)
        app.router.add_get("/huge", _huge)
        app.router.add_get("/bomb", _bomb)
        app.router.add_get("/form", _form)
        app.router.add_post("/ordered", _ordered)
        app.router.add_route("*", "/{path:.*}", self._page)
        app.middlewares.append(self._note)
        self._runner = web.AppRunner(app, shutdown_timeout=0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.host = f"127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    @property
    def url(self) -> str:
        return f"http://{self.host}"

    @web.middleware
    async def _note(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        self.asked.append(f"{request.method} {request.path_qs}")
        self.headers.append(dict(request.headers))
        return await handler(request)

    async def _page(self, request: web.Request) -> web.StreamResponse:
        page = self.pages.get(request.path)
        if page is None:
            raise web.HTTPNotFound
        if isinstance(page, str):
            return web.Response(text=page, content_type="text/html")
        return web.Response(status=page.status, headers=page.headers, body=page.body)


async def _redirect(request: web.Request) -> web.StreamResponse:
    """To wherever the query says."""
    return web.Response(status=302, headers={"Location": request.query["where"]})


async def _round(request: web.Request) -> web.StreamResponse:
    return web.Response(status=307, headers={"Location": "/round"})


async def _drip(request: web.Request) -> web.StreamResponse:
    """A byte now and then, for ever."""
    response = web.StreamResponse(headers={"Content-Type": "text/plain"})
    await response.prepare(request)
    while True:
        await response.write(b".")
        await asyncio.sleep(0.05)


async def _huge(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/plain"})
    await response.prepare(request)
    while True:
        await response.write(b"a" * 65_536)


async def _bomb(request: web.Request) -> web.StreamResponse:
    return web.Response(body=BOMB, headers={"Content-Type": "text/plain", "Content-Encoding": "gzip"})


async def _form(request: web.Request) -> web.StreamResponse:
    return web.Response(text=FORM, content_type="text/html")


async def _ordered(request: web.Request) -> web.StreamResponse:
    ordered = await request.post()
    name, kind = str(ordered["name"]), str(ordered["kind"])
    thanks = f"<h1>Thank you, {name}</h1><p>Your {kind} tea is on its way, order 4711.</p>"
    return web.Response(text=thanks, content_type="text/html")
