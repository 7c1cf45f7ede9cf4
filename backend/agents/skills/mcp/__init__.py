"""Tools of the MCP servers that the operator has named."""

from backend.agents.skills.mcp.configured import McpServersInvalid as McpServersInvalid
from backend.agents.skills.mcp.servers import McpServers as McpServers
from backend.agents.skills.mcp.servers import examine as examine
