"""A macro: a prompt, or the actions of a plan, filled with typed values; whatever people wrote stays a quotation."""

from collections.abc import Mapping
from dataclasses import dataclass

from backend.gateway.filling import FRAME, check_places, filled, free_texts, quotations, quoted
from backend.gateway.parameters import MacroInvalid, Parameter, Value, fitted, read_parameters
from backend.gateway.steps import Step, read_plan
from backend.llm import ChatMessage

MESSAGE = "The person's message"


@dataclass(frozen=True, slots=True)
class Macro:
    """What a message may ask for by name; the name is its `slug`. It has either a template or a plan."""

    slug: str
    name: str
    description: str
    template: str
    parameters: Mapping[str, Parameter]
    plan: tuple[Step, ...] = ()

    def fitted(self, given: Mapping[str, object]) -> dict[str, Value]:
        """The values that it is filled with. Raises `ParametersUnfit`."""
        return fitted(self.parameters, given)

    def prompt(self, values: Mapping[str, Value], message: str) -> list[ChatMessage]:
        """The template with its values, for a model."""
        instruction = filled(self.template, self.parameters, values)
        texts = [name for name, parameter in self.parameters.items() if parameter.is_free_text]
        given = "\n\n".join([*quotations(texts, values), quoted(MESSAGE, message)])
        return [ChatMessage("system", f"{instruction}\n\n{FRAME}"), ChatMessage("user", given)]

    def action(self, step: Step, values: Mapping[str, Value]) -> str:
        """What an agent is to do in a step, with the texts that it names."""
        instruction = filled(step.action, self.parameters, values)
        if texts := free_texts(step.action, self.parameters):
            return "\n\n".join([instruction, FRAME, *quotations(texts, values)])
        return instruction


def read_macro(row: Mapping[str, object]) -> Macro:
    """A macro from its row, which anybody may have written. Raises `MacroInvalid`."""
    parameters = read_parameters(row.get("parameters", {}))
    template, plan = str(row.get("template") or ""), read_plan(row.get("plan"))
    if bool(template.strip()) == bool(plan):
        raise MacroInvalid("a macro has either a template or a plan")
    check_places([template, *(step.action for step in plan)], parameters)
    name = str(row.get("name") or row["slug"])
    return Macro(str(row["slug"]), name, str(row["description"]), template, parameters, plan)
