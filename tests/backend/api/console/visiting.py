"""A browser without a screen: it keeps its cookie, and sends the code of the form along."""

import re
from collections.abc import Mapping

import httpx2

PASSWORD, KEY = "open sesame", "a key of a test that nobody can guess"
HTMX = {"HX-Request": "true", "Origin": "http://127.0.0.1:8080"}
CODE = re.compile('name="code" value="([0-9a-f]+)"')


async def entered(client: httpx2.AsyncClient) -> str:
    """In by the password; returns the code of its forms."""
    response = await client.post("/console/login", data={"password": PASSWORD})
    assert (response.status_code, response.headers["location"]) == (303, "/")
    return await code_of(client)


async def code_of(client: httpx2.AsyncClient, path: str = "/") -> str:
    page = await client.get(path)
    found = CODE.search(page.text)
    assert found, page.text
    return found[1]


async def fill_in(
    client: httpx2.AsyncClient, path: str, form: Mapping[str, str], headers: Mapping[str, str] = HTMX
) -> httpx2.Response:
    return await client.post(path, data=dict(form), headers=dict(headers))
