"""Text from outside, within limits that Postgres and people can live with.

Every field limits a length, and thereby refuses lone surrogates: to count characters, pydantic needs real ones.
"""

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

LONGEST = 128
NO_NUL = r"^[^\u0000]*$"
NOT_BLANK = r"^[^\u0000]*\S[^\u0000]*$"


def storable(text: str) -> str:
    if "\x00" in text:
        raise PydanticCustomError("nul", "must not contain NUL characters")
    return text


def _said(text: str) -> str:
    if not text.strip():
        raise PydanticCustomError("blank", "must not be empty")
    return storable(text)


def _spelled(value: object) -> object:
    """Telegram's ids are numbers, and so its clients have them."""
    return str(value) if type(value) is int else value


def _id(shortest: int) -> Any:
    return Field(
        min_length=shortest,
        max_length=LONGEST,
        json_schema_extra={"type": ["string", "integer"], "pattern": NO_NUL},
    )


Id = Annotated[str, _id(1), BeforeValidator(_spelled), AfterValidator(storable)]
OptionalId = Annotated[str, _id(0), BeforeValidator(_spelled), AfterValidator(storable)]
Word = Annotated[str, Field(max_length=LONGEST, json_schema_extra={"pattern": NO_NUL}), AfterValidator(storable)]
Said = Annotated[str, Field(min_length=1, json_schema_extra={"pattern": NOT_BLANK}), AfterValidator(_said)]


class Body(BaseModel):
    """A request's body: fields that nobody knows are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


def without_defaults(schema: dict[str, Any]) -> None:
    """For a body of changes: what is not given stays as it is."""
    for shape in schema["properties"].values():
        shape.pop("default", None)
