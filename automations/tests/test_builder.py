"""The page on which steps are put together: forms made from models, the picture, trying out."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from automations import drafts, references, services
from automations.models import Workflow, WorkflowRun, WorkflowStep, WorkflowVersion
from automations.steps import STEPS
from automations.tests.workflows import (
    BUTTON,
    add,
    entries_in,
    make_workflow,
    runs_of,
    settle,
    start,
)
from automations.triggers import TRIGGERS
from workspaces.access import Actor, acting_as

pytestmark = pytest.mark.django_db(transaction=True)
HTMX = {"HX-Request": "true"}


@pytest.fixture
def books(make_record):
    state = {"type": "choice", "options": {"choices": [{"label": "In"}, {"label": "Out"}]}}
    return make_record("Books", title="text", stock="integer", state=state)


@pytest.fixture
def flow(alice, workspace, books):
    """A draft with a branch."""
    note = {
        "id": "note",
        "type": "create_entry",
        "record": str(books.pk),
        "values": {"title": "Order {{ trigger.entry.title }}"},
    }
    low = {
        "id": "low",
        "type": "if",
        "condition": {"value": "{{ trigger.entry.stock }}", "op": "lt", "other": 5},
        "then": [note],
    }
    definition = {"trigger": {"type": "entry_created", "record": str(books.pk)}, "steps": [low]}
    with alice.acting() as actor:
        return services.create_workflow(
            workspace=workspace, name="Low stock", actor=actor, definition=definition
        )


def url(flow):
    return reverse("workflow_steps", args=[flow.pk])


def draft(flow):
    with acting_as(Actor.system()):
        return Workflow.objects.get(pk=flow.pk).structured_definition


def post(person, flow, **data):
    return person.client.post(url(flow), data, headers=HTMX)


def test_the_picture_shows_steps_in_their_branches(alice, flow):
    text = alice.client.get(url(flow)).content.decode()
    assert "When an entry is added to “Books”" in text
    assert 'id="node-low"' in text
    assert 'id="node-note"' in text
    assert "If so" in text
    assert "Otherwise" in text
    assert text.count("Add a step here") == 5


def test_a_step_is_added_in_a_branch(alice, books, flow):
    place = "/steps/0/otherwise/0"
    chooser = alice.client.get(url(flow), {"step": "new", "at": place}).content.decode()
    assert all(kind.label in chooser for kind in STEPS.values())
    form = alice.client.get(url(flow), {"step": "new", "at": place, "type": "update_entry"})
    assert "values.stock" in form.content.decode()
    answer = post(
        alice, flow, verb="save", step="new", at=place, type="update_entry",
        **{"has-record": 1, "record": books.pk, "has-values": 1, "values.stock": "7",
           "values.title": "{{ trigger.entry.title }}!", "values.state.empty": "1"},
    )  # fmt: skip
    assert answer.status_code == 200
    assert "<html" not in answer.content.decode()
    (step,) = draft(flow)["steps"][0]["otherwise"]
    assert step["id"] == "update"
    assert step["values"] == {"stock": "7", "title": "{{ trigger.entry.title }}!", "state": None}


def test_a_condition_is_written_in_rows(alice, flow):
    answer = post(
        alice, flow, verb="save", step="low",
        **{"has-condition": 1, "condition-join": "any",
           "condition-0-leaf": 1, "condition-0-value": "{{ trigger.entry.stock }}",
           "condition-0-op": "lte", "condition-0-other": "3",
           "condition-1-leaf": 1, "condition-1-value": "{{ today }}",
           "condition-1-op": "is", "condition-1-other": "2026-01-01", "condition-2-leaf": 1},
    )  # fmt: skip
    assert answer.status_code == 200
    condition = draft(flow)["steps"][0]["condition"]
    parts = [(part["value"], part["op"], part["other"]) for part in condition["any"]]
    assert parts == [("{{ trigger.entry.stock }}", "lte", 3), ("{{ today }}", "is", "2026-01-01")]
    assert [step["id"] for step in draft(flow)["steps"][0]["then"]] == ["note"]


def test_the_trigger_changes_with_its_filter(alice, books, flow):
    known = {"step": "trigger", "type": "enters_filter", "record": str(books.pk), "has-record": 1}
    rule = {"has-where": 1, "where-join": "and", "where-0-leaf": 1, "where-0-field": "stock"}
    again = post(alice, flow, verb="refresh", **known, **rule).content.decode()
    assert "where-0-op" in again
    assert draft(flow)["trigger"]["type"] == "entry_created"
    more = post(alice, flow, grow="where:group", verb="save", **known, **rule).content.decode()
    assert "where-1-0-field" in more
    less = post(alice, flow, grow="where-0:drop", **known, **rule, **{"where-1-join": "or",
                "where-1-0-leaf": 1, "where-1-0-field": "state"}).content.decode()  # fmt: skip
    assert "where-1-" not in less
    assert "where-0-0-field" in less
    answer = post(alice, flow, verb="save", **known, **rule, **{"where-0-op": "lt",
                  "where-0-value": "5", "where-1-leaf": 1, "where-1-field": "state",
                  "where-1-op": "filled", "where-2-leaf": 1, "where-2-field": "", "has-each": 1,
                  "each": "operation"})  # fmt: skip
    assert answer.status_code == 200, answer.content.decode()
    assert draft(flow)["trigger"] == {
        "type": "enters_filter",
        "record": str(books.pk),
        "each": "operation",
        "where": {
            "and": [
                {"field": "stock", "op": "lt", "value": 5},
                {"field": "state", "op": "filled"},
            ]
        },
    }


def test_what_is_wrong_is_said_at_the_option_and_kept(alice, flow):
    answer = post(alice, flow, verb="save", step="note", **{"has-retries": 1, "retries": "99",
                  "has-name": 1, "name": "Remember"})  # fmt: skip
    assert answer.status_code == 422
    text = answer.content.decode()
    assert "has to be 10 or less" in text
    assert "Remember" in text
    assert draft(flow)["steps"][0]["then"][0]["retries"] == 0


def test_problems_stand_at_their_step(alice, books, flow):
    with alice.acting() as actor:
        broken = drafts.replace(
            draft(flow),
            "note",
            {"id": "note", "type": "create_entry", "record": str(books.pk), "values": {"gone": 1}},
        )
        services.change_workflow(workflow=flow, actor=actor, structured_definition=broken)
    text = alice.client.get(url(flow)).content.decode()
    assert "1 to mend before publishing" in text
    assert text.count("has no field “gone”") == 1


def test_moving_copying_deleting_and_undoing(alice, flow):
    post(alice, flow, verb="duplicate", step="low")
    assert [step["id"] for step in draft(flow)["steps"]] == ["low", "low_2"]
    assert draft(flow)["steps"][1]["then"][0]["id"] == "note_2"
    post(alice, flow, verb="up", step="low_2")
    assert [step["id"] for step in draft(flow)["steps"]] == ["low_2", "low"]
    post(alice, flow, verb="delete", step="low")
    assert [step["id"] for step in draft(flow)["steps"]] == ["low_2"]
    post(alice, flow, verb="undo")
    post(alice, flow, verb="undo")
    assert [step["id"] for step in draft(flow)["steps"]] == ["low", "low_2"]
    post(alice, flow, verb="redo")
    assert [step["id"] for step in draft(flow)["steps"]] == ["low_2", "low"]
    assert post(alice, flow, verb="up", step="low_2").status_code == 422


@pytest.mark.parametrize(
    "data",
    [
        {"verb": "save", "step": "new", "at": "/steps/9/then/0", "type": "stop"},
        {"verb": "save", "step": "new", "at": "nowhere", "type": "stop"},
        {"verb": "save", "step": "new", "at": "/steps/0", "type": "odd"},
        {"verb": "save", "step": "gone"},
        {"verb": "save", "step": "trigger", "type": "odd"},
        {"verb": "save", "step": "settings", "pause_after": "x"},
        {"verb": "explode", "step": "low"},
        {"verb": "delete", "step": "gone"},
        {},
    ],
)
def test_odd_posts_are_no_mistake_of_ours(alice, flow, data):
    before = draft(flow)
    assert post(alice, flow, **data).status_code in (404, 409, 422)
    assert draft(flow) == before


def test_a_step_that_is_moved_by_keys_opens_no_panel(alice, flow):
    post(alice, flow, verb="duplicate", step="low")
    page = post(alice, flow, verb="up", step="low_2", stay="").content.decode()
    assert [step["id"] for step in draft(flow)["steps"]] == ["low_2", "low"]
    assert "panel-title" not in page
    page = post(alice, flow, verb="down", step="low_2", stay="step=note").content.decode()
    assert 'name="values.title"' in page


def test_what_was_written_is_saved_before_another_panel_opens(alice, flow):
    page = post(alice, flow, verb="save", step="note", then="step=low",
                **{"has-name": 1, "name": "Remember"})  # fmt: skip
    assert draft(flow)["steps"][0]["then"][0]["name"] == "Remember"
    assert 'name="condition-join"' in page.content.decode()
    assert page["HX-Replace-Url"].endswith("/steps/?step=low")


def test_a_step_that_is_added_twice_is_there_once(alice, flow):
    data = {"verb": "save", "step": "new", "at": "/steps/1", "type": "stop", "id": "stop"}
    assert [post(alice, flow, **data).status_code for _ in range(2)] == [200, 200]
    assert [step["id"] for step in draft(flow)["steps"]] == ["low", "stop"]


def test_the_draft_in_words(alice, flow):
    page = alice.client.get(url(flow), {"step": "words"}).content.decode()
    assert "When an entry is added to “Books”" in page
    answer = post(alice, flow, verb="say", step="words", text="When a flying pig lands, stop")
    assert answer.status_code == 422
    assert "<mark" in answer.content.decode()
    assert draft(flow)["steps"][0]["id"] == "low"
    text = "When an entry is added to Books, set Stock to 5"
    answer = post(alice, flow, verb="say", step="words", text=text)
    assert answer.status_code == 200, answer.content.decode()
    assert draft(flow)["steps"][0]["values"] == {"stock": 5}
    assert text in answer.content.decode()


def test_settings_of_concurrency(alice, flow):
    post(alice, flow, verb="save", step="settings", pause_after="3", policy="skip", key="one")
    assert draft(flow)["pause_after"] == 3
    assert draft(flow)["concurrency"] == {"policy": "skip", "key": "one"}


@pytest.mark.parametrize("type", sorted(STEPS))
def test_every_step_has_a_form(alice, flow, type):
    answer = alice.client.get(url(flow), {"step": "new", "at": "/steps/0", "type": type})
    assert answer.status_code == 200
    for name in STEPS[type].model_fields:
        if name not in ("id", "type", *STEPS[type].blocks) or name == "cases":
            assert f'name="has-{name}"' in answer.content.decode(), name


@pytest.mark.parametrize("type", sorted(TRIGGERS))
def test_every_trigger_has_a_form(alice, flow, type):
    answer = post(alice, flow, verb="refresh", step="trigger", type=type)
    assert answer.status_code == 200
    for name in TRIGGERS[type].model_fields:
        if name not in ("type", *TRIGGERS[type].implied):
            assert f'name="has-{name}"' in answer.content.decode(), name


def test_trying_out_changes_nothing(alice, books, flow):
    (dune,) = add(alice, books, {"title": "Dune", "stock": 2})
    answer = alice.client.post(reverse("workflow_try", args=[flow.pk]), {"entries": dune})
    text = answer.content.decode()
    assert answer.status_code == 200
    assert "It would work" in text
    assert "Order Dune" in text
    assert entries_in(alice, books, "title") == [("Dune",)]
    with acting_as(Actor.system()):
        assert not WorkflowRun.objects.exists()
        assert not WorkflowVersion.objects.exists()


def test_trying_out_says_what_would_fail_and_tells_nobody(alice, workspace, books, mailoutbox):
    stop = {"id": "end", "type": "stop", "failed": True, "reason": "Out of paper"}
    workflow = make_workflow(alice, workspace, BUTTON, stop)
    text = alice.client.post(reverse("workflow_try", args=[workflow.pk])).content.decode()
    assert "It would fail" in text
    assert "Out of paper" in text
    settle()
    assert mailoutbox == []


def test_one_step_is_tried_with_what_comes_before_it(alice, workspace, books):
    add(alice, books, {"title": "Dune", "stock": 2}, {"title": "Emma", "stock": 9})
    mail = {"id": "mail", "type": "send_email", "to": ["a@example.com"],
            "subject": "Only {{ steps.find.count }} of {{ trigger.entry.title }}"}  # fmt: skip
    steps = [
        {"id": "find", "type": "find_entries", "record": str(books.pk)},
        {"id": "low", "type": "if", "then": [mail],
         "condition": {"value": "{{ trigger.entry.stock }}", "op": "lt", "other": 5}},
        {"id": "end", "type": "stop", "failed": True, "reason": "Never came here"},
    ]  # fmt: skip
    trigger = {"type": "entry_created", "record": str(books.pk)}
    flow = make_workflow(alice, workspace, trigger, *steps)
    chosen = alice.client.get(url(flow), {"step": "test", "until": "mail"}).content.decode()
    assert '<option value="2">Emma</option>' in chosen
    try_it = reverse("workflow_try", args=[flow.pk])
    text = alice.client.post(try_it, {"until": "mail", "entries": "1"}).content.decode()
    assert "It would work" in text
    assert "Only 2 of Dune" in text
    assert "2 steps ran before it" in text
    assert "Never came here" not in text.partition("trial-steps")[2]
    text = alice.client.post(try_it, {"until": "mail", "entries": "2"}).content.decode()
    assert "the run does not come to this step" in text


def test_values_to_refer_to_have_samples_before_anything_ran(alice, books, flow):
    add(alice, books, {"title": "Dune", "stock": 2})
    text = alice.client.get(url(flow), {"step": "note"}).content.decode()
    assert "<small>Dune</small>" in text


def test_samples_are_few_small_and_found_by_one_question(alice, workspace, monkeypatch):
    workflow = make_workflow(
        alice, workspace, BUTTON, {"id": "keep", "type": "set", "values": {"x": 1}}
    )
    start(alice, workflow)
    settle()
    (run,) = runs_of(workflow)
    with acting_as(Actor.system()):
        rows = [
            WorkflowStep(
                run=run,
                workspace_id=workspace.pk,
                path=f"each.{n}.{step}",
                step=step,
                type="set",
                status="succeeded",
                output={"n": n, "text": "ab" * (size + n)},
            )
            for n in range(50)
            for step, size in (("keep", 1), ("gone", 1))
        ]
        WorkflowStep.objects.bulk_create(rows)
        monkeypatch.setattr(references, "LARGEST_SAMPLE", 120)
        with CaptureQueriesContext(connection) as made:
            samples = references.samples_of(workflow, Actor.system())
    assert len(made) == 2  # the run, and its outputs
    assert set(samples["steps"]) == {"keep"}
    assert 0 < samples["steps"]["keep"]["n"] < 49  # the newest ones are too large


@pytest.mark.parametrize("bad", [{"entries": "x"}, {"input": "["}, {"entries": "77"}])
def test_trying_out_refuses_what_it_can_not_read(alice, books, flow, bad):
    answer = alice.client.post(reverse("workflow_try", args=[flow.pk]), bad)
    assert answer.status_code == 422
