"""Runs in the chat: how they fare, what they ask, and what they brought."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Form, Path, Query, Request, Response

from backend.api.console.access import VisitorDep
from backend.api.console.pages import Page, render
from backend.api.console.talk import PERSON
from backend.api.dependencies import BackendDep
from backend.api.lists import LAST_NUMBER
from backend.bootstrap import Backend

router = APIRouter(prefix="/console", route_class=Page, include_in_schema=False)

Version = Annotated[str, Query(max_length=64)]
ConfirmationId = Annotated[int, Path(ge=1, le=LAST_NUMBER)]


@router.get("/runs/{run_id}")
async def show_run(
    run_id: UUID, request: Request, _: VisitorDep, backend: BackendDep, version: Version = ""
) -> Response:
    """Nothing, if the page has this version: what is put there anew would take the focus away from its buttons."""
    run = await backend.agents.run(run_id)
    return Response(status_code=204) if run["version"] == version else await _shown(request, backend, run_id)


@router.post("/runs/{run_id}/stop")
async def stop_run(run_id: UUID, request: Request, _: VisitorDep, backend: BackendDep) -> Response:
    await backend.agents.cancel(run_id, PERSON)
    return await _shown(request, backend, run_id)


@router.post("/confirmations/{id}")
async def answer(
    id: ConfirmationId,
    request: Request,
    _: VisitorDep,
    backend: BackendDep,
    order: Annotated[Literal["confirm", "always", "cancel"], Form()],
) -> Response:
    """Only what this person was asked: who enters the console decides for nobody else."""
    if order == "cancel":
        asked = await backend.agents.cancel_confirmation(id, PERSON, via="console")
    else:
        asked = await backend.agents.confirm(id, PERSON, always=order == "always", via="console")
    return await _shown(request, backend, asked["run_id"])


async def _shown(request: Request, backend: Backend, run_id: UUID) -> Response:
    run = await backend.agents.run(run_id)
    waiting = [one["id"] for one in run["confirmations"] if one["state"] == "waiting"]
    asked = [await backend.agents.confirmation(id) for id in waiting]
    return render(request, "_run.html", run=run, asked=asked)
