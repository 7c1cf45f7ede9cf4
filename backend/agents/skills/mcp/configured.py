"""MCP_SERVERS: which servers there are, how they are reached, and which of their tools need not be confirmed."""

from typing import Annotated, Self

from pydantic import AnyHttpUrl, BaseModel, ConfigDict, Field, SecretStr, TypeAdapter, ValidationError, model_validator

# Without `_`, which parts a server from its tool in a skill's name.
Name = Annotated[str, Field(pattern="^[a-z][a-z0-9-]{0,23}$")]


class McpServersInvalid(ValueError):
    """MCP_SERVERS cannot be read; the message says where, and repeats nothing of it."""


class Configured(BaseModel):
    """One server: a `command` that is started here, with its `env`; or a `url`, with `headers`."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    command: tuple[str, ...] = ()
    env: dict[str, SecretStr] = {}
    url: AnyHttpUrl | None = None
    headers: dict[str, SecretStr] = {}
    safe: frozenset[str] = frozenset()

    @model_validator(mode="after")
    def _reached_in_one_way(self) -> Self:
        if bool(self.command) == bool(self.url):
            raise ValueError("a server has either a command or a url")
        if (self.env and self.url) or (self.headers and self.command):
            raise ValueError("env belongs to a command, headers belong to a url")
        return self


SERVERS = TypeAdapter(dict[Name, Configured])


def read_servers(written: str) -> dict[str, Configured]:
    """By name. Raises `McpServersInvalid`."""
    try:
        return SERVERS.validate_json(written or "{}")
    except ValidationError as error:
        wrong = [f"{'.'.join(map(str, one['loc'])) or 'all of it'}: {one['msg']}" for one in error.errors()]
        raise McpServersInvalid("; ".join(wrong)) from None
