"""What a macro's template is filled with: how it is described to a model, and whether what the model gives fits."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeGuard

from backend.errors import Invalid

Value: TypeAlias = str | int | float | bool

NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
# A model tells under this name why it calls a macro.
WHY = "why"
TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "choice": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
}
LONGEST_VALUE = 100_000


class MacroInvalid(Invalid):
    """The macro's parameters and its template do not fit together."""


class ParametersUnfit(ValueError):
    """What a model gave does not fit the parameters; the message says what, and quotes nothing."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """Something that a template needs to know; a `default` holds where a model gives nothing."""

    type: str
    description: str = ""
    required: bool = False
    default: Value | None = None
    choices: tuple[str, ...] = ()

    @property
    def is_free_text(self) -> bool:
        """Whether it can hold anything, and so also what pretends to be an instruction."""
        return self.type == "string"

    def admits(self, value: object) -> TypeGuard[Value]:
        if isinstance(value, bool) and self.type != "boolean":
            return False
        if not isinstance(value, TYPES[self.type]):
            return False
        if isinstance(value, str) and ("\0" in value or len(value) > LONGEST_VALUE):
            return False
        return self.type != "choice" or value in self.choices

    def schema(self) -> dict[str, Any]:
        """As JSON schema."""
        schema: dict[str, Any] = {"type": "string" if self.type == "choice" else self.type}
        if self.description:
            schema["description"] = self.description
        if self.type == "choice":
            schema["enum"] = [*self.choices]
        return schema if self.default is None else schema | {"default": self.default}


def read_parameters(given: object) -> dict[str, Parameter]:
    """The parameters of a macro's row, which anybody may have written. Raises `MacroInvalid`."""
    if not isinstance(given, dict):
        raise MacroInvalid("the parameters are no object")
    return {name: _read_parameter(name, parameter) for name, parameter in given.items()}


def _read_parameter(name: str, given: object) -> Parameter:
    if not NAME.fullmatch(name) or name == WHY:
        raise MacroInvalid(f"{name[:64]!r} is no name for a parameter: use small letters, digits and _, not {WHY!r}")
    try:
        parameter = Parameter(**given) if isinstance(given, dict) else None
    except TypeError:
        parameter = None
    if not parameter or not _is_described(given) or parameter.type not in TYPES:
        raise MacroInvalid(
            f"{name} needs a type, {', '.join(TYPES)}, and knows description, required, default, choices"
        )
    choices: object = parameter.choices
    if not isinstance(choices, list | tuple) or not all(isinstance(choice, str) for choice in choices):
        raise MacroInvalid(f"the choices of {name} are no list of texts")
    if bool(parameter.choices) != (parameter.type == "choice"):
        raise MacroInvalid(f"{name} has choices if, and only if, its type is choice")
    if parameter.default is not None and not parameter.admits(parameter.default):
        raise MacroInvalid(f"the default of {name} is not one of its values")
    return parameter


def _is_described(given: object) -> bool:
    """Whether what only a model reads is of its type, too."""
    match given:
        case {"description": description} if not isinstance(description, str):
            return False
        case {"type": kind} if not isinstance(kind, str):
            return False
        case {"required": required} if not isinstance(required, bool):
            return False
    return True


def schema_of(parameters: Mapping[str, Parameter]) -> dict[str, Any]:
    """All of them, as the JSON schema of an object, with a place for the reason."""
    properties = {name: parameter.schema() for name, parameter in parameters.items()}
    properties[WHY] = {"type": "string", "description": "In a few words: why the message asks for this."}
    required = [name for name, parameter in parameters.items() if is_needed(parameter)]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def is_needed(parameter: Parameter) -> bool:
    return parameter.required and parameter.default is None


def fitted(parameters: Mapping[str, Parameter], given: Mapping[str, object]) -> dict[str, Value]:
    """The values, with defaults where nothing was given; null is nothing. Raises `ParametersUnfit`."""
    told = {name: value for name, value in given.items() if value is not None}
    if unknown := told.keys() - parameters.keys():
        raise ParametersUnfit(f"{len(unknown)} of the parameters are not known")
    values: dict[str, Value] = {}
    for name, parameter in parameters.items():
        value = told.get(name, parameter.default)
        if value is None:
            if parameter.required:
                raise ParametersUnfit(f"{name} is missing")
        elif not parameter.admits(value):
            raise ParametersUnfit(f"{name} is no {parameter.type} that it may be")
        else:
            values[name] = value
    return values
