"""Scripts, styles and pictures, all of them our own copies; and the page of the API's description that needs some."""

from pathlib import Path

from starlette.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

FOLDER = Path(__file__).parent / "static"
# Swagger UI sets styles by its script, which is allowed, and has icons as data.
DOCS_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self';"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class Assets(StaticFiles):
    """Asked for again at every visit, since an update changes them under the same name; mostly the answer is 304."""

    def __init__(self) -> None:
        super().__init__(directory=FOLDER)

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers.update({"Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"})
        return response


async def show_docs() -> Response:
    """The API's description, to be read and tried."""
    return HTMLResponse((FOLDER / "docs.html").read_text(), headers={"Content-Security-Policy": DOCS_POLICY})
