"""The servers, each connected to when it is first needed and again whenever it has gone; their tools, as skills."""

import asyncio
import hashlib
import re
from collections.abc import Coroutine, Sequence
from time import monotonic
from typing import TYPE_CHECKING, Any

import structlog
from pydantic import RootModel

from backend.agents.skills.aside import Aside
from backend.agents.skills.mcp.configured import Configured, McpServersInvalid, read_servers
from backend.agents.skills.skill import HIDDEN, Context, Danger, Described, Failed, Preview, Result, Skill, Uncertain
from backend.findings import Finding
from backend.settings import Settings

if TYPE_CHECKING:
    from backend.agents.skills.mcp.connection import Answer, Connection, Tool

log = structlog.get_logger(__name__)

FAMILY = "mcp"
OPEN_SECONDS, LIST_SECONDS, CALL_SECONDS = 20.0, 10.0, 60.0
# Tools are listed anew after so many seconds; a server that failed is left alone for so many.
FRESH_SECONDS, REST_SECONDS = 60.0, 30.0
# Providers take no longer names, and no other characters in them.
LONGEST_NAME, UNFIT = 64, re.compile(r"[^a-zA-Z0-9_-]")
SECRET = re.compile(r"password|secret|token|api.?key|authorization|credential", re.IGNORECASE)


class Arguments(RootModel[dict[str, Any]]):
    """Whatever the server's own schema asks for; the server looks at it."""


class Server:
    """One server; all of this goes on in the thread that `Aside` has."""

    def __init__(self, name: str, configured: Configured) -> None:
        self.name = name
        self._configured = configured
        self._lock = asyncio.Lock()
        self._connection: Connection | None = None
        self._tools: Sequence[Tool] = ()
        self._fresh_until = 0.0

    async def tools(self) -> Sequence["Tool"]:
        """As far as known, those that it had, if it is not there."""
        from backend.agents.skills.mcp.connection import Gone  # noqa: PLC0415 - takes a second, where no server is used

        if monotonic() < self._fresh_until:
            return self._tools
        try:
            async with asyncio.timeout(OPEN_SECONDS + LIST_SECONDS):
                self._tools = await (await self._connected()).tools()
                self._fresh_until = monotonic() + FRESH_SECONDS
        except (Gone, TimeoutError) as error:
            log.warning("mcp_server_away", server=self.name, reason=str(error))
            self._fresh_until = monotonic() + REST_SECONDS
        return self._tools

    async def call(self, tool: str, arguments: dict[str, Any]) -> "Answer":
        """Raises `Failed`, or `Uncertain` if it was asked and did not answer."""
        from backend.agents.skills.mcp.connection import Gone, MCPError  # noqa: PLC0415 - as above

        try:
            connection = await self._connected()
        except Gone as gone:
            raise Failed(f"the MCP server {self.name} is not there: {gone}") from gone
        try:
            async with asyncio.timeout(CALL_SECONDS):
                return await connection.call(tool, arguments)
        except TimeoutError:
            reason = f"it did not answer within {CALL_SECONDS:.0f} seconds"
        except Gone as gone:
            reason = str(gone)
        except MCPError as error:
            raise Failed(f"the server refused: {error.message[:1_000]}", origin_of(self.name)) from error
        raise Uncertain(f"the MCP server {self.name} failed: {reason}")

    async def examine(self) -> Finding:
        from backend.agents.skills.mcp.connection import Gone  # noqa: PLC0415 - as above

        part = f"MCP server {self.name}"
        try:
            tools = await (await self._connected()).tools()
        except Gone as gone:
            return Finding(part, False, f"is not there: {gone}", "check its command or url in MCP_SERVERS")
        if unknown := sorted(self._configured.safe - {tool.name for tool in tools}):
            return Finding(part, False, f"has no tool {', '.join(unknown)}", "correct `safe` in MCP_SERVERS")
        return Finding(part, True, f"has {len(tools)} tools, of which {len(self._configured.safe)} are safe")

    def danger(self, tool: str) -> Danger:
        return Danger.SAFE if tool in self._configured.safe else Danger.CONFIRM

    async def _connected(self) -> "Connection":
        """One that answers: what was there before may have ended, or hang. Raises `Gone`."""
        from backend.agents.skills.mcp.connection import Connection  # noqa: PLC0415 - as above

        async with self._lock:
            if self._connection and not await self._connection.is_there():
                await self._connection.close()
                self._connection = None
            if not self._connection:
                self._connection = await Connection.open(self._configured, OPEN_SECONDS)
            return self._connection


class McpTool(Skill[Arguments]):
    """A tool of a server, as a skill."""

    parameters = Arguments
    seconds = OPEN_SECONDS + CALL_SECONDS + 10

    def __init__(self, aside: Aside, server: Server, tool: "Tool") -> None:
        self.name = skill_name(server.name, tool.name)
        self.family = f"{FAMILY}_{server.name}"
        self.description = tool.description or f"The tool {tool.name} of {server.name}"
        self.danger = server.danger(tool.name)
        self._aside = aside
        self._server = server
        self._tool = tool

    def schema(self) -> dict[str, Any]:
        return self._tool.schema

    async def preview(self, params: Arguments, context: Context) -> Preview:
        shown = await super().preview(params, context)
        return Preview(f"{self._server.name}: {self._tool.name}", shown.detail)

    def redacted(self, params: Arguments) -> dict[str, Any]:
        return {name: _redacted(name, value) for name, value in params.root.items()}

    async def run(self, params: Arguments, context: Context) -> Result:
        answer = await self._aside.run(self._server.call(self._tool.name, params.root))
        if answer.is_error:
            raise Failed(answer.text, origin_of(self._server.name))
        return Result(answer.text, origin_of(self._server.name), answer.files)


class McpServers:
    """All servers of the settings. Raises `McpServersInvalid`."""

    family = FAMILY

    def __init__(self, settings: Settings) -> None:
        configured = read_servers(settings.mcp_servers.get_secret_value())
        self._aside = Aside("mcp")
        self._servers = [Server(name, one) for name, one in configured.items()]

    def described(self) -> Sequence[Described]:
        return [
            Described(f"{FAMILY}_{server.name}", FAMILY, f"The tools of the MCP server {server.name}", Danger.CONFIRM)
            for server in self._servers
        ]

    async def skills(self) -> Sequence[Skill[Any]]:
        found: dict[str, Skill[Any]] = {}
        for server, tools in zip(self._servers, await self._of_each([s.tools() for s in self._servers]), strict=True):
            for tool in tools:
                skill = McpTool(self._aside, server, tool)
                found.setdefault(skill.name, skill)
        return list(found.values())

    async def examine(self) -> list[Finding]:
        return await self._of_each([server.examine() for server in self._servers])

    async def close(self) -> None:
        await self._aside.close()

    async def _of_each(self, asked: Sequence[Coroutine[Any, Any, Any]]) -> list[Any]:
        """Without servers no thread is begun."""
        return await self._aside.run(_together(asked)) if asked else []


async def _together(asked: Sequence[Coroutine[Any, Any, Any]]) -> list[Any]:
    return list(await asyncio.gather(*asked))


def skill_name(server: str, tool: str) -> str:
    """As providers take it; one that had to be changed ends with a digest, so that no two become the same."""
    name = f"{FAMILY}_{server}_{tool}"
    fit = UNFIT.sub("_", name)
    if fit == name and len(name) <= LONGEST_NAME:
        return name
    return f"{fit[: LONGEST_NAME - 7]}_{hashlib.sha256(name.encode()).hexdigest()[:6]}"


def _redacted(name: str, value: Any) -> Any:
    """Without what stands under a name that tells of a secret, however deep."""
    if SECRET.search(name):
        return HIDDEN
    if isinstance(value, dict):
        return {inner: _redacted(inner, one) for inner, one in value.items()}
    return [_redacted(name, one) for one in value] if isinstance(value, list) else value


def origin_of(server: str) -> str:
    return f"the MCP server {server}"


async def examine(settings: Settings) -> list[Finding]:
    """Whether each server is there."""
    try:
        servers = McpServers(settings)
    except McpServersInvalid as error:
        return [Finding("MCP_SERVERS", False, str(error), "see docs/skills.md")]
    try:
        return await servers.examine() or [Finding("MCP servers", True, "none: MCP_SERVERS names some")]
    finally:
        await servers.close()
