"""`stand_in.py NAME [MANNER]`: real processes in place of the product's programs."""

import json
import os
import signal
import subprocess
import sys
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

ANSWERS: dict[str, Any] = {
    "/health": {"status": "ok"},
    "/v1/bots?limit=200": {"items": []},  # or what the manner of the backend says
    "/health/ready": {"parts": {"models": {"ok": True, "detail": "the offline provider answers"}}},
}


class Health(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = json.dumps(ANSWERS[self.path]).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def main(name: str, manner: str) -> None:
    match name, manner:
        case _, "fails":
            sys.exit(f"{name} has no idea what to do")
        case "backend", bots:
            ANSWERS["/v1/bots?limit=200"] = {"items": json.loads(bots or "[]")}
            HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Health).serve_forever()
        case "worker", "":
            have_a_stubborn_child()
            time.sleep(1_000)
        case "worker", "stubborn":
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            have_a_stubborn_child()
            time.sleep(1_000)


def have_a_stubborn_child() -> None:
    """As Celery does: its beat outlives a worker that is killed."""
    subprocess.Popen(["/bin/sh", "-c", "trap '' TERM; while :; do sleep 1; done"])


if __name__ == "__main__":
    main(*sys.argv[1:])
