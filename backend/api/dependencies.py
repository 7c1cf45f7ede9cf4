"""What an endpoint may ask for."""

from typing import Annotated

from fastapi import Depends, Request

from backend.bootstrap import Backend


async def get_backend(request: Request) -> Backend:
    backend: Backend = request.state.backend
    return backend


BackendDep = Annotated[Backend, Depends(get_backend)]
