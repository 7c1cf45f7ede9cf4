"""What a page may ask for."""

from typing import Annotated

from fastapi import Depends, Request

from backend.api.console.console import Console


async def get_console(request: Request) -> Console:
    console: Console = request.state.console
    return console


ConsoleDep = Annotated[Console, Depends(get_console)]
