"""What automations copied from entries is forgotten with them; everything else they keep stays."""

import pytest
from django.db import connection
from django.urls import reverse

from automations import outgoing, posting
from automations.agents.fillings import start_filling
from automations.models import WorkflowRun, WorkflowStep
from automations.tests.agents import done, give, make_agent
from automations.tests.workflows import (
    add,
    make_workflow,
    runs_of,
    settle,
    steps_of,
)
from records import erasing
from records.erasing import Choice
from records.tests.api import Api
from workspaces.access import Actor, acting_as

pytestmark = pytest.mark.django_db(transaction=True)
DORA = {"who": "Dora Maar", "mail": "dora@example.com", "town": "Paris", "age": 73_131}
EMIL = {"who": "Emil", "mail": "emil@example.com", "town": "Bonn", "age": 50_512}


@pytest.fixture
def people(make_record):
    return make_record(
        "People",
        who={"type": "text", "personal": True},
        mail={"type": "email", "personal": True},
        town="text",
        age={"type": "integer", "personal": True},
    )


def places(text):
    """Return the tables that say `text` anywhere, files and sealed values apart."""
    found = []
    with acting_as(Actor.system()), connection.cursor() as cursor:
        for name in connection.introspection.table_names(cursor):
            cursor.execute(
                f'SELECT 1 FROM "{name}" AS t WHERE t::text ILIKE %s LIMIT 1', [f"%{text}%"]
            )
            if cursor.fetchone():
                found.append(name)
    return set(found)


def erase(alice, record, *ids):
    with alice.acting() as actor:
        return erasing.erase(record=record, choice=Choice(ids=ids), actor=actor)


def preview(alice, record, *ids):
    with alice.acting() as actor:
        return erasing.look(record=record, choice=Choice(ids=ids), actor=actor).copies


def welcome(people, *more):
    """A definition whose runs copy what an entry says to wherever a run can keep it."""
    entry = "{{ trigger.entry.who }} of {{ trigger.entry.town }}, {{ trigger.entry.age }}"
    mail = {
        "id": "mail",
        "type": "send_email",
        "to": ["{{ trigger.entry.mail }}"],
        "subject": "Dear {{ trigger.entry.who }}",
        "body": entry,
        "attachments": [{"record": str(people.pk), "format": "csv"}],
    }
    keep = {
        "id": "keep",
        "type": "set",
        "values": {"said": entry, "age": "{{ trigger.entry.age }}"},
    }
    find = {"id": "find", "type": "find_entries", "record": str(people.pk)}
    return {"type": "entry_created", "record": str(people.pk)}, keep, find, mail, *more


ASK = {"id": "ask", "type": "approval", "question": "Shall {{ trigger.entry.who }} join?"}


class TestWhatGoes:
    def test_nothing_of_a_person_is_left_anywhere(self, alice, workspace, people):
        agent = make_agent(alice, workspace, prompt="say $task")
        task = {"id": "think", "type": "agent", "agent": str(agent.pk)}
        task |= {"input": {"task": "Write to {{ trigger.entry.who }}, {{ trigger.entry.mail }}"}}
        call = {"id": "call", "type": "http_request", "method": "POST", "retries": 0}
        call |= {"url": "http://127.0.0.1:1/", "body": "{{ trigger.entry.mail }}"}
        make_workflow(alice, workspace, *welcome(people, ASK), name="Welcome")
        make_workflow(alice, workspace, *welcome(people, task), name="Think")
        queued = {"concurrency": {"key": "{{ trigger.entry.who }}", "policy": "queue"}}
        make_workflow(alice, workspace, *welcome(people, call), name="Call", **queued)
        with alice.acting() as actor:
            url = "https://hooks.example.com/"
            outgoing.create_webhook(record=people, url=url, events=["entries.created"], actor=actor)
        dora, emil = add(alice, people, DORA, EMIL)
        settle()
        posting.expand_some()
        with alice.acting() as actor:
            start_filling(
                record=people, actor=actor, agent=agent, field="who", entries=[dora, emil]
            )
        task = give(alice, agent, {"task": "Is dora@example.com a member?"})
        assert done(task).status == "succeeded"
        spread = {"workflow_runs", "workflow_run_steps", "workflow_notices"}
        spread |= {"webhook_deliveries", "agent_tasks"}
        assert spread <= places("dora maar")
        assert {"agent_tasks", "workflow_run_steps"} <= places(DORA["mail"])

        counted = preview(alice, people, dora)
        assert places("dora maar") >= spread
        assert erase(alice, people, dora).copies == counted
        assert counted["files that e-mails carried"] == 6
        for text in ("Dora", DORA["mail"], "73131"):
            assert places(text) == set(), text
        assert {"workflow_run_steps", "webhook_deliveries", "agent_tasks"} <= places("emil@example")
        assert preview(alice, people, dora) == {}

    def test_of_another_person_nothing(self, alice, workspace, people):
        workflow = make_workflow(alice, workspace, *welcome(people))
        dora, _ = add(alice, people, DORA, EMIL | {"who": "Emil Maar"})
        settle()
        of_dora, of_emil = runs_of(workflow)
        erase(alice, people, dora)
        steps = steps_of(of_emil)
        assert steps["mail"].output["body"] == "Emil Maar of Bonn, 50512"
        assert [entry["who"] for entry in steps["find"].output["entries"]] == [None, "Emil Maar"]
        steps = steps_of(of_dora)
        assert steps["mail"].output["body"] == "[erased] of Paris, [erased]"
        assert steps["keep"].output["age"] is None
        assert [entry["who"] for entry in steps["find"].output["entries"]] == [None, "Emil Maar"]
        assert runs_of(workflow)[0].trigger_data["entry"] == {
            **{"entry_id": dora, "who": None, "mail": None},
            **{"town": "Paris", "age": None},
        }

    def test_an_entry_of_the_same_number_elsewhere_is_another(
        self, alice, workspace, people, make_record
    ):
        shops = make_record("Shops", who="text", opened="date")
        workflow = make_workflow(
            alice, workspace, {"type": "entry_created", "record": str(shops.pk)}, KEEP
        )
        (dora,) = add(alice, people, DORA)
        assert add(alice, shops, {"who": "Dora Maar", "opened": "2026-01-02"}) == [dora]
        settle()
        assert preview(alice, people, dora) == {}
        erase(alice, people, dora)
        assert runs_of(workflow)[0].trigger_data["entry"]["who"] == "Dora Maar"

    def test_what_a_run_began_is_part_of_it(self, alice, workspace, people):
        shout = make_workflow(alice, workspace, {"type": "called"}, KEEP, name="Shout")
        call = {"id": "call", "type": "run_workflow", "workflow": str(shout.pk)}
        call |= {"input": {"text": "Hello {{ trigger.entry.who }}"}}
        make_workflow(alice, workspace, {"type": "entry_created", "record": str(people.pk)}, call)
        (dora,) = add(alice, people, DORA)
        settle()
        assert "Dora Maar" in str(runs_of(shout)[0].trigger_data)
        erase(alice, people, dora)
        assert "Hello [erased]" in str(runs_of(shout)[0].trigger_data)


KEEP = {"id": "keep", "type": "set", "values": {"x": 1}}


class TestWhatGoesOn:
    def test_a_run_that_waits_goes_on_without_it(self, alice, workspace, people):
        tell = {"id": "tell", "type": "set", "values": {"who": "{{ trigger.entry.who }}"}}
        wait = {"id": "wait", "type": "wait", "amount": 1, "unit": "hours"}
        trigger = {"type": "entry_created", "record": str(people.pk)}
        workflow = make_workflow(alice, workspace, trigger, wait, tell)
        (dora,) = add(alice, people, DORA)
        settle()
        erase(alice, people, dora)
        with acting_as(Actor.system()):
            WorkflowRun.objects.update(wake_at="2020-01-01T00:00Z")
            WorkflowStep.objects.update(wake_at="2020-01-01T00:00Z")
        settle()
        (run,) = runs_of(workflow)
        assert run.status == "succeeded"
        assert steps_of(run)["tell"].output == {"who": None}

    def test_what_a_worker_has_in_hand_is_left_and_told(self, alice, workspace, people):
        workflow = make_workflow(alice, workspace, *welcome(people))
        (dora,) = add(alice, people, DORA)
        settle()
        with acting_as(Actor.system()):
            WorkflowRun.objects.update(status="running")
        tally = erase(alice, people, dora)
        assert tally.copies["copies in use"] == 1
        assert "One copy is being worked with" in " ".join(tally.sentences)
        assert runs_of(workflow)[0].trigger_data["entry"]["who"] == "Dora Maar"


class TestDoors:
    def test_the_page_says_it_before(self, alice, workspace, people):
        make_workflow(alice, workspace, *welcome(people))
        (dora,) = add(alice, people, DORA)
        settle()
        page = alice.client.post(reverse("record_erase", args=[people.pk]), {"entries": dora})
        assert "loses it as well: runs (1), steps of runs (3)" in page.content.decode()

    def test_the_api_says_it(self, alice, workspace, people):
        make_workflow(alice, workspace, *welcome(people))
        (dora,) = add(alice, people, DORA)
        settle()
        api = Api(alice)
        data = {"entries": [dora], "preview": True}
        found = api.post(f"records/{people.pk}/erase/", data)
        assert found.json()["copies"] == {
            **{"runs": 1, "steps of runs": 3, "files that e-mails carried": 1},
        }


def test_many_are_sought_without_one_expression_for_each(alice, workspace, people, monkeypatch):
    from automations import erasing as ours

    monkeypatch.setattr(ours, "MOST_SOUGHT", 0)
    monkeypatch.setattr(ours, "MOST_TEXTS", 0)
    workflow = make_workflow(alice, workspace, *welcome(people))
    (dora,) = add(alice, people, DORA)
    settle()
    erase(alice, people, dora)
    assert places("Dora") == set()
    assert runs_of(workflow)[0].trigger_data["type"] == "entry_created"
