"""A connection to one server, held by a task of its own for as long as the server is there."""

import asyncio
import base64
import binascii
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import mcp_types
import orjson
from mcp import Client
from mcp import MCPError as MCPError

from backend.agents.skills.mcp.configured import Configured
from backend.agents.skills.mcp.transports import transport
from backend.agents.skills.skill import File
from backend.llm.attachments import media_type_of

MOST_TOOLS, MOST_PAGES = 100, 20
LONGEST_DESCRIPTION, LONGEST_SCHEMA = 1_000, 16_000
LONGEST_TEXT, MOST_FILES, LARGEST_FILE = 64 << 10, 4, 5 << 20
THERE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool as its server describes it; what it says of its own dangers is left out, as nobody can believe it."""

    name: str
    description: str
    schema: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a tool said, and whether that is an error."""

    text: str
    files: tuple[File, ...]
    is_error: bool


class Gone(Exception):
    """The server is not there, or does not speak as it should; the text says which."""


class Connection:
    """`open` makes one. It is `alive` until the server ends, or is found not to answer."""

    def __init__(self, configured: Configured) -> None:
        self._configured = configured
        self._client: asyncio.Future[Client] = asyncio.get_running_loop().create_future()
        self._closing = asyncio.Event()
        # It ends with the server, or with the thread's loop; nothing of it is worth a job.
        self._task = asyncio.create_task(self._hold())  # noqa: TID251

    @classmethod
    async def open(cls, configured: Configured, seconds: float) -> "Connection":
        """Raises `Gone`."""
        connection = cls(configured)
        try:
            async with asyncio.timeout(seconds):
                await connection._client
        except TimeoutError:
            await connection.close()
            raise Gone(f"it did not answer within {seconds:.0f} seconds") from None
        except BaseException:
            await connection.close()
            raise
        return connection

    async def close(self) -> None:
        self._closing.set()
        if not self._client.done():
            self._task.cancel()
        await asyncio.wait([self._task])

    async def is_there(self) -> bool:
        """Whether it answers now: it is asked for its tools, because not every protocol has a ping."""
        if self._task.done():
            return False
        with suppress(Exception):
            async with asyncio.timeout(THERE_SECONDS):
                await (await self._client).list_tools()
                return True
        return False

    async def tools(self) -> Sequence[Tool]:
        """Raises `Gone`."""
        found: list[Tool] = []
        cursor: str | None = None
        for _ in range(MOST_PAGES):
            try:
                page = await (await self._client).list_tools(cursor=cursor)
            except Exception as error:
                raise Gone(_reason(error)) from error
            found += [tool for one in page.tools if (tool := _tool(one))]
            cursor = page.next_cursor
            if not cursor or len(found) >= MOST_TOOLS:
                break
        return found[:MOST_TOOLS]

    async def call(self, tool: str, arguments: dict[str, Any]) -> Answer:
        """Raises `Gone`, or `MCPError` with the server's own words."""
        try:
            result = await (await self._client).call_tool(tool, arguments)
        except MCPError as error:
            if error.code == mcp_types.CONNECTION_CLOSED:
                raise Gone("it ended meanwhile") from error
            raise
        except Exception as error:
            raise Gone(_reason(error)) from error
        return _answer(result)

    async def _hold(self) -> None:
        """Whoever enters the client has to leave it: so both are done by this one task."""
        try:
            async with Client(transport(self._configured), cache=None) as client:
                self._client.set_result(client)
                await self._closing.wait()
        except Exception as error:  # noqa: BLE001 - as above
            if not self._client.done():
                self._client.set_exception(Gone(_reason(error)))


def _reason(error: BaseException) -> str:
    """The name of what went wrong; of several things at once, of the first."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error.strerror or type(error).__name__ if isinstance(error, OSError) else type(error).__name__


def _tool(tool: mcp_types.Tool) -> Tool | None:
    """None if no model could be shown it."""
    if tool.input_schema.get("type") != "object" or len(orjson.dumps(tool.input_schema)) > LONGEST_SCHEMA:
        return None
    return Tool(tool.name, (tool.description or tool.title or "")[:LONGEST_DESCRIPTION], tool.input_schema)


def _answer(result: mcp_types.CallToolResult) -> Answer:
    texts: list[str] = []
    files: list[File] = []
    for part in result.content:
        match part:
            case mcp_types.TextContent():
                texts.append(part.text)
            case mcp_types.EmbeddedResource(resource=mcp_types.TextResourceContents() as resource):
                texts.append(resource.text)
            case mcp_types.ImageContent() if len(files) < MOST_FILES and (file := _picture(part, len(files) + 1)):
                files.append(file)
            case _:
                texts.append(f"[{part.type}, which is not shown]")
    if not result.content and result.structured_content is not None:
        texts.append(orjson.dumps(result.structured_content).decode())
    return Answer(_cut("\n".join(texts)), tuple(files), bool(result.is_error))


def _picture(part: mcp_types.ImageContent, number: int) -> File | None:
    """None if it is no picture, whatever it is said to be, or too large."""
    if len(part.data) > LARGEST_FILE * 4 // 3:
        return None
    try:
        content = base64.b64decode(part.data, validate=True)
    except binascii.Error:
        return None
    media_type = media_type_of(content)
    ending = media_type.removeprefix("image/")
    return File(f"picture-{number}.{ending}", media_type, content) if media_type.startswith("image/") else None


def _cut(text: str) -> str:
    more = len(text) - LONGEST_TEXT
    return text if more <= 0 else f"{text[:LONGEST_TEXT]}\n[{more} characters more are left out]"
