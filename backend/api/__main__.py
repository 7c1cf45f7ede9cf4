"""`python -m backend.api`: the backend as a process."""

import gc
import socket
from contextlib import suppress
from typing import cast

import uvicorn

from backend.api.app import State, create_app
from backend.logs import configure_logging
from backend.settings import Settings

# Longer than a streamed answer's last words, shorter than a supervisor's patience.
GRACE_SECONDS = 5
# Longer than clients keep an idle connection (aiohttp: 15 s), so that none is closed under a request on its way.
KEEP_ALIVE_SECONDS = 30
# Turns leave little that only the collector finds, but make so much that its usual 700 means a look in every fourth of
# them: a tenth of the backend's CPU time.
NEW_OBJECTS_PER_COLLECTION = 10_000


class Server(uvicorn.Server):
    """Waits at its end for requests that end by themselves, not for those that wait for something to happen."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        state = cast(State, self.lifespan.state)
        await state["console"].close()
        await state["backend"].chat.dismiss()
        await super().shutdown(sockets)


def main() -> None:
    settings = Settings()
    configure_logging(settings.log_level, settings.log_format)
    app = create_app(settings)
    gc.freeze()  # what is here now stays: a full collection need not look at it, and pauses nobody for long
    gc.set_threshold(NEW_OBJECTS_PER_COLLECTION)
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # who may ask is decided by the true peer: see gate.py
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    server = Server(config)
    with suppress(KeyboardInterrupt):
        server.run()
    if not server.started:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
