"""Where the backend listens, as seen from this machine."""

import errno
import http.client
import json
import socket
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import Any

from backend.local.process import CannotStart

EVERY_INTERFACE = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}


@dataclass(frozen=True, slots=True)
class Address:
    host: str
    port: int

    @property
    def url(self) -> str:
        host = self._reachable
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"

    def check_free(self) -> None:
        """Raises `CannotStart` where a server could not listen."""
        try:
            family, kind, _, _, place = socket.getaddrinfo(
                self.host or None, self.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
            )[0]
            with socket.socket(family, kind) as probe:
                # As servers do: connections that have just been closed are no obstacle.
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(place)
        except OSError as error:
            raise CannotStart(self._obstacle(error)) from error

    def get(self, path: str, *, key: str = "") -> Any:
        """The JSON at `path`, whatever its status; None when nobody answers, or with something else."""
        connection = http.client.HTTPConnection(self._reachable, self.port, timeout=2)
        with closing(connection), suppress(OSError, http.client.HTTPException, ValueError):
            connection.request("GET", path, headers={"Authorization": f"Bearer {key}"} if key else {})
            return json.load(connection.getresponse())
        return None

    @property
    def _reachable(self) -> str:
        return EVERY_INTERFACE.get(self.host, self.host)

    def _obstacle(self, error: OSError) -> str:
        if error.errno == errno.EADDRINUSE:
            return (
                f"{self.host}:{self.port} is taken by another program. "
                f"Choose another port: set PORT in .env, or run `PORT={self.port + 1} make run`."
            )
        return f"The backend cannot listen on {self.host}:{self.port}: {error.strerror}. Set HOST and PORT."
