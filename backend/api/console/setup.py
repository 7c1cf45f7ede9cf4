"""Setting up: models, bots, and who may write to them; all of it is live within seconds."""

from collections import defaultdict
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Form, Request, Response
from pydantic import AfterValidator, BeforeValidator

from backend.api.bots import Ids
from backend.api.console import providers
from backend.api.console.access import VisitorDep
from backend.api.console.pages import Page, render
from backend.api.console.providers import Given, Tried
from backend.api.dependencies import BackendDep
from backend.api.texts import OptionalId, storable
from backend.bootstrap import Backend
from backend.bots import BotExists
from backend.database import Record
from backend.errors import Invalid

router = APIRouter(prefix="/console/setup", route_class=Page, include_in_schema=False)

MOST_BOTS = 200


def _named(written: list[str]) -> list[str]:
    """People by their ids, which commas or blanks divide."""
    return list(dict.fromkeys(" ".join(written).replace(",", " ").split()))


Word = Annotated[str, Form(max_length=128), AfterValidator(storable)]
Long = Annotated[str, Form(max_length=2_000), AfterValidator(storable)]
Owner = Annotated[OptionalId, Form()]
People = Annotated[Ids, BeforeValidator(_named), Form()]
Access = Annotated[Literal["everyone", "list", "pairing"], Form()]
Slug = Annotated[str, Form(pattern="^[a-z0-9][a-z0-9_-]{0,63}$")]


class TokenUnknown(Invalid):
    """Telegram does not know this token."""


@router.get("")
async def show(request: Request, _: VisitorDep, backend: BackendDep) -> Response:
    return render(request, "setup.html", **_models(backend), **await _bots(backend))


@router.post("/provider")
async def set_up_provider(
    request: Request,
    _: VisitorDep,
    backend: BackendDep,
    name: Word,
    model: Word = "",
    key: Long = "",
    address: Long = "",
) -> Response:
    tried = await providers.set_up(backend, Given(name, model, key, address))
    return render(request, "_models.html", **_models(backend, tried))


@router.post("/provider/remove")
async def remove_provider(request: Request, _: VisitorDep, backend: BackendDep, name: Word) -> Response:
    await providers.remove(backend, name)
    return render(request, "_models.html", **_models(backend))


@router.post("/provider/first")
async def ask_first(
    request: Request, _: VisitorDep, backend: BackendDep, entry: Annotated[str, Form(max_length=300)]
) -> Response:
    await providers.ask_first(backend, entry)
    return render(request, "_models.html", **_models(backend))


@router.post("/bot")
async def set_up_bot(
    request: Request, _: VisitorDep, backend: BackendDep, slug: Slug, token: Word, name: Word = ""
) -> Response:
    """Gives a bot its token, if Telegram knows it. Raises `TokenInvalid`, `TokenUnknown`, `TelegramUnavailable`."""
    username = await backend.bots.username_of(token.strip())
    if username is None:
        raise TokenUnknown
    settings = {"token": token.strip(), "username": username, **({"name": name.strip()} if name.strip() else {})}
    try:
        await backend.bots.add(slug, settings)
    except BotExists:
        await backend.bots.change(slug, settings)
    return render(request, "_bots.html", **await _bots(backend, slug, "setup.bot-is", username))


@router.post("/access")
async def set_access(
    request: Request,
    _: VisitorDep,
    backend: BackendDep,
    slug: Slug,
    access: Access,
    owner: Owner = "",
    people: People = [],  # noqa: B006 - it is read only
) -> Response:
    """Who may write to a bot."""
    await backend.bots.change(slug, {"access": access, "owner_id": owner.strip(), "allowed_user_ids": people})
    return render(request, "_bots.html", **await _bots(backend, slug, "setup.access-saved"))


@router.post("/admission")
async def decide(
    request: Request, _: VisitorDep, backend: BackendDep, asking: Word, order: Annotated[Literal["yes", "no"], Form()]
) -> Response:
    """Lets somebody in who has asked, or not."""
    decided = await backend.bots.decide(asking, approve=order == "yes")
    return render(request, "_bots.html", **await _bots(backend, decided["bot"], "setup.access-saved"))


def _models(backend: Backend, tried: Tried | None = None) -> dict[str, Any]:
    return {
        "providers": providers.providers_of(backend),
        "chain": providers.chain_in_use(backend),
        "fixed": providers.is_fixed(backend),
        "tried": tried,
        "sealable": bool(backend.settings.secret_keys),
    }


async def _bots(backend: Backend, slug: str = "", done: str = "", username: str = "") -> dict[str, Any]:
    """All bots, with who asks to be let in; `done` is said of the one of this slug."""
    bots = (await backend.bots.list(after=None, limit=MOST_BOTS)).items
    asking: dict[str, list[Record]] = defaultdict(list)
    for one in await backend.bots.asking():
        asking[one["bot"]].append(one)
    return {
        "bots": bots,
        "asking": asking,
        "changed": slug,
        "done": done,
        "username": username,
        "everywhere": bool(backend.settings.allowed_people),
        "token_set": bool(backend.settings.bot_token.get_secret_value()),
    }
