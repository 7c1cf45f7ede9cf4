"""An MCP server with a diary: reading it is said to be safe, and what it says was written by somebody else."""

import os
from pathlib import Path

from mcp.server.mcpserver import MCPServer

DIARY = Path(os.environ["DIARY"])
server = MCPServer("tea")


@server.tool(description="Reads the diary.")
def read() -> str:
    return DIARY.read_text()


@server.tool(description="Writes a line into the diary.")
def write(line: str) -> str:
    DIARY.write_text(f"{line}\n")
    return "It is written."


if __name__ == "__main__":
    server.run("stdio")
