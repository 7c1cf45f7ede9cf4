"""Text from outside, within limits that Postgres and people can live with."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field


def _storable(text: str) -> str:
    if "\x00" in text:
        raise ValueError("must not contain NUL characters")
    if not text.isascii() and any("\ud800" <= letter <= "\udfff" for letter in text):
        raise ValueError("must not contain lone surrogates")
    return text


def _said(text: str) -> str:
    if not text.strip():
        raise ValueError("must not be empty")
    return _storable(text)


Id = Annotated[str, Field(min_length=1, max_length=128), AfterValidator(_storable)]
OptionalId = Annotated[str, Field(max_length=128), AfterValidator(_storable)]
Said = Annotated[str, Field(min_length=1), AfterValidator(_said)]


class Body(BaseModel):
    """A request body: numbers are taken for ids, as clients have them; fields that nobody knows are refused."""

    model_config = ConfigDict(extra="forbid", coerce_numbers_to_str=True, frozen=True)
