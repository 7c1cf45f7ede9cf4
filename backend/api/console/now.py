"""How everything is now, and the switches of the bots."""

from collections.abc import AsyncIterator
from typing import Any, Literal

from fastapi import APIRouter, Request, Response
from starlette.responses import RedirectResponse

from backend.api.bots import Slug
from backend.api.console.access import VisitorDep
from backend.api.console.dependencies import ConsoleDep
from backend.api.console.events import streamed
from backend.api.console.pages import Page, fill, is_part, render
from backend.api.console.watch import Seen, Watch
from backend.api.dependencies import BackendDep

Order = Literal["start", "stop"]

router = APIRouter(route_class=Page, include_in_schema=False)


@router.get("/")
async def show(request: Request, _: VisitorDep, console: ConsoleDep) -> Response:
    return render(request, "now.html", **_shown(await console.watch.look()))


@router.get("/console/live")
async def follow(request: Request, _: VisitorDep, console: ConsoleDep) -> Response:
    """The page's changing part, again after every look."""
    return streamed(_looks(request, console.watch))


async def _looks(request: Request, watch: Watch) -> AsyncIterator[str]:
    async for seen in watch.follow():
        yield fill(request, "_now.html", **_shown(seen))


@router.post("/console/bots/{slug}/{order}")
async def switch(
    slug: Slug, order: Order, request: Request, _: VisitorDep, console: ConsoleDep, backend: BackendDep
) -> Response:
    """A bot that is stopped answers nobody."""
    await backend.bots.change(slug, {"enabled": order == "start"})
    if not is_part(request):
        return RedirectResponse("/", 303)
    seen = await console.watch.look()
    console.watch.look_again()
    return render(request, "_now.html", **_shown(seen))


def _shown(seen: Seen) -> dict[str, Any]:
    figures = seen.figures
    if figures is None:
        return {"seen": seen, "figures": None, "spent": None, "per_minute": 0.0}
    costs = [model["cost"] for model in figures.models if model["cost"] is not None]
    spent = {
        "tokens_in": sum(model["tokens_in"] for model in figures.models),
        "tokens_out": sum(model["tokens_out"] for model in figures.models),
        "cost": sum(costs) if costs else None,
    }
    per_minute = sum(turns for turns, _ in figures.hour[-5:]) / 5
    return {"seen": seen, "figures": figures, "spent": spent, "per_minute": per_minute}
