"""Tasks for agents, in sentences."""

import pytest

from automations.agents.services import create_agent
from automations.english import understand
from automations.parts import Book

START = "When an entry is added to Questions, "


@pytest.fixture
def helper(alice, workspace, make_record):
    """An agent called Helper, and a record of questions."""
    make_record("Questions", question="long_text", answer="long_text")
    with alice.acting() as actor:
        return create_agent(workspace=workspace, actor=actor, name="Helper", prompt="Be short.")


def read(person, workspace, text):
    """Return what was understood."""
    with person.acting():
        return understand(text, Book(workspace.pk), owner=person.user)


@pytest.mark.parametrize(
    ("wanted", "output"),
    [
        ("answer", {"name": "answer", "type": "text"}),
        ("urgent (yes or no)", {"name": "urgent", "type": "boolean"}),
        ("days (a whole number; optional)", {"name": "days", "type": "integer", "required": False}),
        ("price (a number)", {"name": "price", "type": "number"}),
        ("due (a date)", {"name": "due", "type": "date"}),
        ("topic (one of “Bill” or “Way, by sea”)", {"choices": ["Bill", "Way, by sea"]}),
        ("answer (meaning “what to write”)", {"description": "what to write"}),
    ],
)
def test_what_an_answer_has_to_have(alice, workspace, helper, wanted, output):
    text = f"{START}ask the agent Helper with question = its Question for {wanted}, then stop."
    first = read(alice, workspace, text)
    step = first.definition["steps"][0]
    assert step["input"] == {"question": "{{ trigger.entry.question }}"}
    (found,) = step["output"]
    assert output.items() <= found.items()
    assert read(alice, workspace, first.said).definition == first.definition


def test_several_values_and_what_uses_them(alice, workspace, helper):
    text = START + (
        "ask the agent “Helper” with question = its Question for topic (one of “Bill” or “Other”) "
        "and answer, then set Answer to “{agent: topic}: {agent: answer}”."
    )
    found = read(alice, workspace, text).definition["steps"]
    assert [item["name"] for item in found[0]["output"]] == ["topic", "answer"]
    assert found[1]["values"] == {"answer": "{{ steps.agent.topic }}: {{ steps.agent.answer }}"}


def test_an_agent_that_is_not_there_is_marked(alice, workspace, helper):
    (problem,) = read(alice, workspace, START + "ask the agent Halper for x.").problems
    assert (problem.words, problem.suggestions) == ("Halper", ["Helper"])
