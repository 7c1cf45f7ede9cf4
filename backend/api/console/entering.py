"""In and out: by the password, or by a link that is good once."""

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from starlette.responses import RedirectResponse

from backend.api.console.access import COOKIE, VisitorDep
from backend.api.console.dependencies import ConsoleDep
from backend.api.console.pages import Page, render
from backend.api.dependencies import BackendDep

router = APIRouter(route_class=Page, include_in_schema=False)


@router.get("/console/login")
async def ask_for_password(request: Request, console: ConsoleDep) -> Response:
    if console.door.stands_open(request):
        return RedirectResponse("/", 303)
    return render(request, "login.html", wrong="")


@router.post("/console/login")
async def enter(
    request: Request, console: ConsoleDep, backend: BackendDep, password: Annotated[str, Form(max_length=1_000)] = ""
) -> Response:
    cookie = await console.door.knock(backend.db, request, password)
    if cookie is None:
        return render(request, "login.html", 403, wrong="login.wrong")
    request.state.cookie = cookie
    return RedirectResponse("/", 303)


@router.get("/console/enter")
async def follow_link(request: Request, console: ConsoleDep, backend: BackendDep, link: str = "") -> Response:
    """A page that goes on by itself: after a step from elsewhere, browsers keep such a cookie back for one more."""
    cookie = await console.door.follow(backend.db, link)
    if cookie is None:
        return render(request, "login.html", 403, wrong="login.link-over")
    request.state.cookie = cookie
    return render(request, "entered.html")


@router.post("/console/logout")
async def leave(request: Request, _: VisitorDep) -> Response:
    response = RedirectResponse("/console/login", 303)
    response.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict")
    return response
