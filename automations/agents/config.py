"""What can be chosen for an agent, checked by one model for API, pages and services alike."""

import datetime as dt
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, ValidationError, create_model

from automations import mistakes
from automations.parts import Part, refuse
from workspaces.errors import pointer_step

MOST_STEPS = 20
MOST_SECONDS = 300
Number = Annotated[float, Field(allow_inf_nan=False)]
KINDS = {
    "text": str,
    "number": Number,
    "integer": int,
    "boolean": bool,
    "date": dt.date,
    "datetime": dt.datetime,
}


class OutsideTool(Part):
    """A tool of an MCP connection that an agent may call.

    With `asks`, somebody has to allow each call, unless the tool only reads. `digest` names what its
    server said of it when it was allowed.
    """

    connection: UUID
    tool: Annotated[str, Field(min_length=1, max_length=128)]
    asks: bool = True
    digest: Annotated[str, Field(max_length=64)] = ""


class AgentConfig(Part):
    """How an agent asks its model, and how far it may go.

    `temperature`, `top_p`, `seed` and `stop` (texts at which an answer ends) go to the model's
    provider, which may leave what it does not know. `max_tokens` is for one answer; `most_tokens`, `most_steps` (questions to the model), `seconds`
    and `most_cost` are for a task, the last in the currency of the provider's prices. `writes` says whether it may change entries: never, after somebody agreed, or at once.
    `records` limits it to some records; empty are all that the acting person may read. `outside` are
    tools of other servers.
    """

    temperature: float | None = Field(default=None, ge=0, le=2)
    top_p: float | None = Field(default=None, gt=0, le=1)
    seed: int | None = Field(default=None, ge=0, lt=2**31)
    stop: list[Annotated[str, Field(min_length=1, max_length=100)]] = Field(
        default=[], max_length=4
    )
    max_tokens: int = Field(default=2000, ge=16, le=32_000)
    most_tokens: int = Field(default=50_000, ge=100, le=1_000_000)
    most_steps: int = Field(default=10, ge=1, le=MOST_STEPS)
    seconds: int = Field(default=120, ge=5, le=MOST_SECONDS)
    most_cost: float | None = Field(default=None, gt=0, le=10_000)
    writes: Literal["never", "ask", "allowed"] = "ask"
    records: list[UUID] = Field(default=[], max_length=100)
    outside: list[OutsideTool] = Field(default=[], max_length=50)


class OutputField(Part):
    """One value that an answer has to have: `type`, or one of `choices`."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
    type: Literal["text", "number", "integer", "boolean", "date", "choice"] = "text"
    description: str = Field(default="", max_length=500)
    choices: list[Annotated[str, Field(max_length=200)]] = Field(default=[], max_length=200)
    required: bool = True


class AnswerField(OutputField):
    """What else a value may be that is asked for by hand: a moment, several choices, a short text."""

    type: Literal[
        "text", "number", "integer", "boolean", "date", "datetime", "choice", "choices"
    ] = "text"
    max_length: int | None = Field(default=None, ge=1, le=100_000)


class OutputForm(Part):
    """The values that an answer has to have, in order."""

    fields: list[AnswerField] = Field(default=[], max_length=100)


def checked(model, data, below=""):
    """Return `data` (JSON) as `model`; raise Invalid with a pointer to each mistake."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        refuse(
            [
                {
                    "pointer": below + "".join(f"/{pointer_step(step)}" for step in item["loc"]),
                    "detail": mistakes.said(item),
                }
                for item in found[:100]
            ]
        )


def answer_model(fields):
    """Return the pydantic model of an answer with those OutputFields or AnswerFields."""
    made = {}
    for number, item in enumerate(fields):
        kind = _kind_of(item)
        about = Field(
            ... if item.required else None,
            alias=item.name,  # attributes have names of their own: "json" and "copy" are taken
            description=item.description or None,
        )
        made[f"value_{number}"] = (kind if item.required else kind | None, about)
    return create_model("Answer", __base__=Part, **made)


def _kind_of(item):
    """Return the Python type of a value."""
    if item.type in ("choice", "choices"):
        one = Literal[tuple(item.choices)] if item.choices else str
        return list[one] if item.type == "choices" else one
    longest = getattr(item, "max_length", None)
    kind = KINDS[item.type]
    return Annotated[kind, Field(max_length=longest)] if longest and kind is str else kind
