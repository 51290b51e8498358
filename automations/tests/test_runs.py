"""From an event to a finished run."""

import pytest
from django.urls import reverse

from automations import engine
from automations.models import WorkflowRun
from automations.tests.workflows import (
    BUTTON,
    add,
    change,
    entries_in,
    make_workflow,
    remove,
    runs_of,
    settle,
    start,
    steps_of,
)
from workspaces.access import Actor, acting_as

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def books(make_record):
    return make_record("Books", title="text", stock="integer", status="text")


@pytest.fixture
def tasks(make_record):
    return make_record("Tasks", what="text", stock="integer")


def note(tasks, text="{{ trigger.entry.title }}", **more):
    """A step that leaves a trace."""
    return {
        "id": "note",
        "type": "create_entry",
        "record": str(tasks.pk),
        "values": {"what": text},
    } | more


def test_an_added_entry_starts_a_run_which_adds_another(alice, workspace, books, tasks):
    trigger = {"type": "entry_created", "record": str(books.pk)}
    values = {"what": "{{ trigger.entry.title }}", "stock": "{{ trigger.entry.stock }}"}
    workflow = make_workflow(alice, workspace, trigger, note(tasks, values=values))
    add(alice, books, {"title": "Dune", "stock": 3})
    settle()
    (run,) = runs_of(workflow)
    assert run.error_message == ""
    assert run.status == "succeeded"
    assert run.trigger_data["entry"]["title"] == "Dune"
    assert entries_in(alice, tasks, "what", "stock") == [("Dune", 3)]
    assert steps_of(run)["note"].output["entry"]["what"] == "Dune"


def test_looking_again_starts_nothing_twice(alice, workspace, books, tasks):
    trigger = {"type": "entry_created", "record": str(books.pk)}
    workflow = make_workflow(alice, workspace, trigger, note(tasks))
    add(alice, books, {"title": "Dune"}, {"title": "Emma"})
    settle()
    settle()
    assert len(runs_of(workflow)) == 2


@pytest.mark.parametrize(
    ("trigger", "titles"),
    [
        ({"type": "entry_created"}, ["Dune", "Emma", "Ulysses"]),
        (
            {"type": "entry_created", "where": {"field": "stock", "op": "lt", "value": 5}},
            ["Dune"],
        ),
        ({"type": "entry_updated"}, ["Dune", "Emma", "Emma"]),
        ({"type": "entry_updated", "fields": ["status"]}, ["Emma"]),
        ({"type": "field_changed", "field": "stock", "now": 2}, ["Emma"]),
        ({"type": "field_changed", "field": "stock", "was": 3, "now": 9}, ["Dune"]),
        (
            {"type": "enters_filter", "where": {"field": "stock", "op": "lt", "value": 5}},
            ["Dune", "Emma"],
        ),
        (
            {"type": "leaves_filter", "where": {"field": "stock", "op": "lt", "value": 5}},
            ["Dune", "Emma"],
        ),
        ({"type": "entry_deleted"}, ["Emma"]),
    ],
)
def test_each_trigger_takes_what_it_is_for(alice, workspace, books, tasks, trigger, titles):
    workflow = make_workflow(alice, workspace, trigger | {"record": str(books.pk)}, note(tasks))
    dune, emma, _ = add(
        alice,
        books,
        {"title": "Dune", "stock": 3},
        {"title": "Emma", "stock": 8},
        {"title": "Ulysses", "stock": 10},
    )
    change(alice, books, dune, stock=9)
    change(alice, books, emma, stock=2)
    change(alice, books, emma, status="sold")
    remove(alice, books, emma)
    settle()
    assert [run.error_message for run in runs_of(workflow)] == [""] * len(titles)
    assert sorted(what for (what,) in entries_in(alice, tasks, "what")) == sorted(titles)


def test_a_trigger_for_whole_operations_makes_one_run_with_the_list(alice, workspace, books, tasks):
    trigger = {"type": "entry_created", "record": str(books.pk), "each": "operation"}
    each = {
        "id": "each",
        "type": "for_each",
        "items": "{{ trigger.entries }}",
        "steps": [note(tasks, "{{ index }} {{ item.title }}")],
    }
    workflow = make_workflow(alice, workspace, trigger, each)
    add(alice, books, {"title": "Dune"}, {"title": "Emma"})
    settle()
    (run,) = runs_of(workflow)
    assert run.trigger_data["count"] == 2
    assert list(steps_of(run)) == ["each", "each.0.note", "each.1.note"]
    assert entries_in(alice, tasks, "what") == [("0 Dune",), ("1 Emma",)]


def test_branches_variables_and_found_entries(alice, workspace, books, tasks):
    add(alice, books, {"title": "Dune", "stock": 3}, {"title": "Emma", "stock": 8})
    find = {
        "id": "low",
        "type": "find_entries",
        "record": str(books.pk),
        "where": {"field": "stock", "op": "lt", "value": "{{ trigger.input.limit }}"},
    }
    keep = {"id": "keep", "type": "set", "values": {"n": "{{ steps.low.count }}"}}
    branch = {
        "id": "many",
        "type": "if",
        "condition": {"value": "{{ vars.n }}", "op": "gt", "other": 1},
        "then": [note(tasks, "many")],
        "otherwise": [note(tasks, "few: {{ vars.n }}", id="few")],
    }
    workflow = make_workflow(alice, workspace, BUTTON, find, keep, branch)
    branch_taken = {}
    for limit in (5, 50):
        (run,) = start(alice, workflow, input={"limit": limit})
        settle()
        branch_taken[limit] = [row for row in steps_of(run) if row.startswith("many.")]
    assert branch_taken == {5: ["many.otherwise.few"], 50: ["many.then.note"]}


def test_a_failing_step_fails_the_run_in_words_and_keeps_what_was_done(
    alice, workspace, books, tasks
):
    bad = note(tasks, "later", id="bad")
    bad["values"] = {"stock": "{{ trigger.input.stock }}"}
    workflow = make_workflow(
        alice, workspace, BUTTON, note(tasks, "first", values={"what": "first"}), bad
    )
    (run,) = start(alice, workflow, input={"stock": "many"})
    settle()
    (run,) = runs_of(workflow)
    assert run.status == "failed"
    assert "“Add an entry” (bad)" in run.error_message
    assert entries_in(alice, tasks, "what") == [("first",)]
    assert {path: row.status for path, row in steps_of(run).items()} == {
        "note": "succeeded",
        "bad": "failed",
    }


def test_a_run_asks_the_database_little(alice, workspace, tasks, django_assert_max_num_queries):
    """Transactions and savepoints included; without agents and loops nothing is asked about them."""
    workflow = make_workflow(alice, workspace, BUTTON, note(tasks, text="x"))
    start(alice, workflow)
    with django_assert_max_num_queries(19):
        engine.execute(engine.claim())
    assert runs_of(workflow)[0].status == "succeeded"


def test_history_says_which_workflow_did_it_and_leads_to_its_run(alice, workspace, tasks):
    workflow = make_workflow(alice, workspace, BUTTON, note(tasks, text="x"), name="Take a note")
    start(alice, workflow)
    settle()
    (run,) = runs_of(workflow)
    page = alice.client.get(f"/w/{workspace.pk}/activity/").content.decode()
    assert "by the workflow “Take a note”" in page
    dialog = alice.client.get(
        reverse("record_operation", args=[tasks.pk, run.operation_id])
    ).content.decode()
    assert f'<a href="{run.get_absolute_url()}">the workflow “Take a note”</a>' in dialog


def test_a_run_whose_worker_was_superseded_writes_nothing(alice, workspace, tasks):
    workflow = make_workflow(alice, workspace, BUTTON, note(tasks, "x", values={"what": "x"}))
    start(alice, workflow)
    slow = engine.claim()
    with acting_as(Actor.system()):
        WorkflowRun.objects.filter(pk=slow.pk).update(status="pending")
    engine.execute(engine.claim())
    engine.execute(slow)
    assert entries_in(alice, tasks, "what") == [("x",)]
