"""How pages are made: from templates, in the browser's language, with headers that let nothing of others in."""

from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import jinja2
from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.responses import HTMLResponse, RedirectResponse

from backend.api.console.access import EnterFirst, hand_over
from backend.api.console.exposing import exposed
from backend.api.console.markdown import as_html
from backend.api.console.words import WORDS, language_of
from backend.api.problems import explain
from backend.errors import Problem

LANGUAGE_COOKIE, LANGUAGE_SECONDS = "llmbot_language", 365 * 24 * 3600
SAFE = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
    " connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
RUSSIAN_SEPARATORS = str.maketrans(",.", "\N{NO-BREAK SPACE},")
UNITS = (("days", 86_400), ("hours", 3_600), ("minutes", 60), ("seconds", 1))


class Page(APIRoute):
    """An endpoint that answers with HTML, whatever happens."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        usual = super().get_route_handler()

        async def answer(request: Request) -> Response:
            choose_language(request)
            try:
                response = await usual(request)
            except EnterFirst:
                response = _to_the_door(request)
            except Exception as error:  # noqa: BLE001 - whatever it is, a person is told
                response = trouble(request, error)
            return _finished(request, response)

        return answer


def choose_language(request: Request) -> None:
    chosen = request.query_params.get("lang") or request.cookies.get(LANGUAGE_COOKIE, "")
    request.state.language = language_of(chosen, request.headers.get("accept-language", ""))


def render(request: Request, template: str, /, status: int = 200, **shown: Any) -> HTMLResponse:
    return HTMLResponse(fill(request, template, **shown), status)


def fill(request: Request, template: str, **shown: Any) -> str:
    """A template's HTML. `say` speaks the browser's language; `code` makes a form ours."""
    language = request.state.language
    say = partial(in_words, language)
    return TEMPLATES.get_template(template).render(
        shown,
        say=say,
        ago=partial(ago, say),
        number=partial(in_digits, language),
        language=language,
        code=getattr(request.state, "form_code", ""),
        path=request.url.path,
    )


def in_words(language: str, key: str, **values: Any) -> str:
    return WORDS[language][key].format(**values)


def knows(key: str) -> bool:
    return key in WORDS["en"]


def ago(say: Callable[..., str], moment: datetime | None) -> str:
    """How long ago, or for how long, in the largest unit: `3 min`."""
    if moment is None:
        return ""
    seconds = max(0, round((datetime.now(UTC) - moment).total_seconds()))
    name, size = next((unit for unit in UNITS if seconds >= unit[1]), UNITS[-1])
    return say(f"unit.{name}", n=seconds // size)


def in_digits(language: str, value: float, places: int = 0) -> str:
    """With the separators of the language."""
    digits = f"{value:,.{places}f}"
    return digits.translate(RUSSIAN_SEPARATORS) if language == "ru" else digits


def trouble(request: Request, error: Exception) -> Response:
    """A problem, in words; for a part of a page only these. What was filled in stays, and they stand above it."""
    problem = explain(error)
    shown = {"title": title_of(request, problem), "detail": problem.detail or "", "problem": problem}
    template = "_trouble.html" if is_part(request) else "trouble.html"
    response = render(request, template, problem.status, **shown)
    response.headers.update({name: value for name, value in problem.headers().items() if name == "Retry-After"})
    if is_part(request) and request.method != "GET":
        response.headers.update({"HX-Retarget": "#trouble", "HX-Reswap": "innerHTML"})
    return response


def title_of(request: Request, problem: Problem) -> str:
    """In the language of the page, if it has words for this problem."""
    key = f"problem.{problem.type().rpartition('/')[2]}"
    return in_words(request.state.language, key) if knows(key) else problem.title()


def is_part(request: Request) -> bool:
    """Whether htmx asks, for something to put into the page that is there."""
    return "hx-request" in request.headers


def _to_the_door(request: Request) -> Response:
    if is_part(request):
        return Response(status_code=204, headers={"HX-Redirect": "/console/login"})
    return RedirectResponse("/console/login", 303)


def _finished(request: Request, response: Response) -> Response:
    response.headers.update(SAFE)
    if cookie := getattr(request.state, "cookie", ""):
        hand_over(request, response, cookie)
    if request.query_params.get("lang") in WORDS:
        response.set_cookie(
            LANGUAGE_COOKIE, request.state.language, max_age=LANGUAGE_SECONDS, httponly=True, samesite="lax"
        )
    return response


TEMPLATES = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
TEMPLATES.filters.update({"markdown": as_html, "exposed": exposed})
