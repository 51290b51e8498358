"""Helpers of the tests of drafting by models."""

import orjson
import pytest

from automations.agents import draftings, running
from automations.agents.drafting_marks import marks_of
from automations.agents.draftings import status_of, task_of
from automations.agents.models import AgentDrafting, AgentTask
from automations.parts import Book
from automations.tests.agents import bodies, model_server, said
from workspaces.access import Actor, acting_as

TEXT = "As soon as somebody orders for more than 100 dollars, mark it as done please"


def handed(definition, title="Large orders"):
    """Return the answer of a model that hands over a definition."""
    return said(None, ("draft_workflow", {"title": title, "definition": definition}))


def asking(question):
    return said(None, ("ask_person", {"question": question}))


@pytest.fixture
def large(shop):
    """The definition that TEXT means."""
    record = str(shop["Orders"].pk)
    return {
        "trigger": {
            "type": "entry_created",
            "record": record,
            "where": {"field": "total", "op": "gt", "value": 100},
        },
        "steps": [
            {"type": "update_entry", "id": "done", "record": record, "values": {"status": "Done"}}
        ],
    }


def with_step(definition, step):
    return definition | {"steps": [*definition["steps"], step]}


def start(person, agent, text=TEXT, workflow=None):
    with person.acting() as actor:
        return draftings.start_drafting(agent=agent, actor=actor, text=text, workflow=workflow)


def worked(drafting):
    """Let a worker do what is to do; return (status, task)."""
    running.work(30)
    with acting_as(Actor.system()):
        drafting = AgentDrafting.objects.get(pk=drafting.pk)
        task = AgentTask.objects.get(pk=task_of(drafting).pk)
        return status_of(drafting, task), task


def take(person, drafting, **more):
    with person.acting() as actor:
        found = draftings.find_drafting(actor, drafting.pk, "write")
        return draftings.take(drafting=found, actor=actor, **more)


def marks(person, drafting, task):
    with person.acting():
        definition = task.task_output["definition"]
        found = marks_of(definition, drafting.text, Book(drafting.workspace_id), drafting.base)
        return [mark.words for mark in found]


def sent_back(server, number=1):
    """Return what the model was told of its answer before, as JSON."""
    return orjson.loads(bodies(server)[number]["messages"][-1]["content"])


@pytest.fixture
def drafted(settings, alice, fake):
    """Return a function: what becomes of a text when the model gives `answers`."""

    def drafted(*answers, text=TEXT, workflow=None, person=alice, **config):
        agent = fake(config=config)
        with model_server(settings, *answers) as server:
            drafting = start(person, agent, text, workflow)
            status, task = worked(drafting)
        return drafting, status, task, server

    return drafted
