"""Whatever pydantic finds wrong is said in our words."""

from typing import get_args
from uuid import UUID

import pytest
from pydantic import ValidationError
from pydantic_core.core_schema import ErrorType

from automations import definition as definitions
from automations import mistakes
from automations.agents.config import AgentConfig, checked
from automations.definition import Definition
from automations.steps import STEPS
from automations.triggers import TRIGGERS
from workspaces.errors import Invalid

FOREIGN = ("Input", "input", "should", "valid ", "permitted", "instance", "UUID", "{")
BUTTON = {"type": "button"}
WRONG = [None, True, -1, 1.5, 1e300, "x", "x" * 200_000, [], ["x"], {}, {"x": 1}, [[]], "\x00"]


@pytest.mark.parametrize("type", get_args(ErrorType))
def test_every_kind_of_mistake_has_a_sentence(type):
    said = mistakes.said({"type": type, "msg": "Value error, We said it", "ctx": {}})
    assert said.endswith(".")
    assert not any(word in said for word in FOREIGN)


@pytest.mark.parametrize("type", sorted(mistakes.SENTENCES))
def test_every_sentence_is_of_a_kind_that_there_is(type):
    assert type in get_args(ErrorType)


def sayings(data):
    try:
        definitions.parse(data)
    except Invalid as error:
        return [problem["detail"] for problem in error.problems] or [error.detail]
    return []


@pytest.mark.parametrize("type", [*TRIGGERS, *STEPS])
def test_no_option_is_refused_in_foreign_words(type):
    for name in (TRIGGERS.get(type) or STEPS[type]).model_fields:
        for value in WRONG:
            part = {"type": type, name: value}
            whole = {"trigger": part} if type in TRIGGERS else {"steps": [part]}
            for said in sayings({"trigger": BUTTON} | whole):
                assert said.endswith("."), said
                assert said != mistakes.OTHERWISE, (name, value)
                assert not any(word in said for word in FOREIGN if word != "{"), said


def test_limits_are_named():
    with pytest.raises(ValidationError) as error:
        Definition.model_validate({"trigger": BUTTON, "pause_after": 5000})
    assert mistakes.said(error.value.errors()[0]) == "This has to be 1000 or less."
    with pytest.raises(Invalid) as wrong:
        checked(AgentConfig, {"odd": 1, "writes": "always", "records": [UUID(int=1), 5]})
    said = {item["pointer"]: item["detail"] for item in wrong.value.problems}
    assert said["/odd"] == "There is no such option here."
    assert said["/writes"] == "This has to be 'never', 'ask' or 'allowed'."
    assert said["/records/1"] == "This has to be an id."


def test_conditions_that_nest_too_deep_are_no_steps():
    where = {"field": "a", "op": "empty"}
    for _ in range(60):
        where = {"not": where}
    (said,) = sayings({"trigger": {"type": "button", "where": where}, "steps": []})
    assert (
        said
        == "This is nested deeper than KDAP can follow: steps go 12 deep, conditions less than 30."
    )


@pytest.mark.parametrize(
    ("step", "pointer", "said"),
    [
        ({"type": "agent", "agent": ""}, "/steps/0/agent", "Choose one here."),
        ({"type": "find_entries", "record": None}, "/steps/0/record", "Choose one here."),
        ({"type": "code", "code": ""}, "/steps/0/code", "Fill this in."),
        ({"type": "code", "code": 5}, "/steps/0/code", "This has to be a text."),
        ({"type": "if", "condition": ""}, "/steps/0/condition", "Fill this in."),
        (
            {"type": "send_email", "to": [], "subject": "x"},
            "/steps/0/to",
            "Add at least one here.",
        ),
    ],
)
def test_what_nobody_filled_in_is_said_so_and_where(step, pointer, said):
    with pytest.raises(Invalid) as refused:
        definitions.parse({"trigger": {"type": "button"}, "steps": [{"id": "a"} | step]})
    found = {item["pointer"]: item["detail"] for item in refused.value.problems}
    assert found[pointer] == said
