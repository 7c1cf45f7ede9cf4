"""What a test expects of an answer."""

from typing import Any

import httpx2


def assert_problem(response: httpx2.Response, type: str, status: int) -> dict[str, Any]:
    """It is a whole RFC 9457 problem; returns its body."""
    assert (response.status_code, response.headers["content-type"]) == (status, "application/problem+json")
    body: dict[str, Any] = response.json()
    assert (body["type"], body["status"]) == (f"/problems/{type}", status)
    assert body["title"]
    return body
