"""Who takes up which run, and what it costs to look."""

import json

import pytest
from django.db import connection
from django.utils import timezone

from automations import claiming, engine, pilot, running, tasks
from automations.models import WorkflowRun
from automations.tests.test_concurrency import at_once
from automations.tests.workflows import (
    BUTTON,
    add,
    make_workflow,
    runs_of,
    settle,
    start,
    steps_of,
)
from workspaces.access import Actor, acting_as

pytestmark = pytest.mark.django_db(transaction=True)
WAIT = {"id": "wait", "type": "wait", "amount": 1, "unit": "hours"}
KEEP = {"id": "keep", "type": "set", "values": {"x": 1}}
QUEUE = {"policy": "queue"}


def statuses(workflow):
    return [run.status for run in runs_of(workflow)]


def wait_is_over(run):
    with acting_as(Actor.system()):
        WorkflowRun.objects.filter(pk=run.pk).update(wake_at=timezone.now())


def test_a_run_that_is_not_its_keys_turn_gives_no_hints(alice, workspace):
    """Such runs used to stay pending, and the pilot called workers for them ten times a second."""
    workflow = make_workflow(alice, workspace, BUTTON, WAIT, concurrency=QUEUE)
    for _ in range(3):
        start(alice, workflow)
    assert pilot.due()["runs"]
    engine.work()
    assert statuses(workflow) == ["waiting"] * 3
    assert [run.fence for run in runs_of(workflow)] == [1, 0, 0]
    assert runs_of(workflow)[1].started_at is None
    assert not pilot.due()["runs"]


def test_the_end_of_a_run_lets_the_next_with_its_key_go_on(alice, workspace):
    workflow = make_workflow(alice, workspace, BUTTON, WAIT, concurrency=QUEUE)
    for _ in range(3):
        start(alice, workflow)
    settle()
    first, second, third = runs_of(workflow)
    wait_is_over(first)
    settle()
    assert statuses(workflow) == ["succeeded", "waiting", "waiting"]
    assert [run.fence for run in runs_of(workflow)] == [2, 1, 0]
    with alice.acting() as actor:  # not its turn yet, and cancelled: nobody is freed by that
        running.cancel(run=third, actor=actor)
    start(alice, workflow)
    with alice.acting() as actor:
        running.cancel(run=second, actor=actor)
    settle()
    assert statuses(workflow) == ["succeeded", "cancelled", "cancelled", "waiting"]
    assert runs_of(workflow)[3].fence == 1


def test_workers_at_the_same_time_carry_runs_with_one_key_out_one_by_one(
    alice, workspace, make_record
):
    books, log = make_record("Books", title="text"), make_record("Log", what="text")

    def note(what):
        return {
            "id": what,
            "type": "create_entry",
            "record": str(log.pk),
            "values": {"what": what + " {{ trigger.entry.title }}"},
        }

    trigger = {"type": "entry_created", "record": str(books.pk)}
    concurrency = QUEUE | {"key": "x"}
    workflow = make_workflow(
        alice, workspace, trigger, note("begin"), note("end"), concurrency=concurrency
    )
    add(alice, books, *[{"title": f"{number:02}"} for number in range(40)])

    def everything():
        for _ in range(15):
            settle()

    at_once(everything, everything, everything)
    assert statuses(workflow) == ["succeeded"] * 40
    with alice.acting():
        said = list(log.model.objects.order_by("entry_id").values_list("what", flat=True))
    assert said == [f"{what} {number:02}" for number in range(40) for what in ("begin", "end")]


def test_beat_frees_a_run_that_waits_for_nobody(alice, workspace):
    """Nothing does this to a run but hands in the database; the net is there all the same."""
    workflow = make_workflow(alice, workspace, BUTTON, KEEP, concurrency=QUEUE)
    start(alice, workflow)
    with acting_as(Actor.system()):
        WorkflowRun.objects.update(status="waiting")
    assert not pilot.due()["runs"]
    assert claiming.free_forgotten() == 1
    tasks.tick()
    settle()
    assert statuses(workflow) == ["succeeded"]


def test_calling_a_workflow_that_skips_fails_the_step_and_not_for_ever(alice, workspace):
    """The caller used to wait for a run that had been skipped, for ever."""
    called = make_workflow(
        alice, workspace, {"type": "called"}, WAIT, name="Called", concurrency={"policy": "skip"}
    )
    step = {"id": "call", "type": "run_workflow", "workflow": str(called.pk)}
    caller = make_workflow(alice, workspace, BUTTON, step)
    start(alice, caller)
    settle()
    start(alice, caller)
    settle()
    first, second = runs_of(caller)
    assert (first.status, second.status) == ("waiting", "failed")
    assert "“Called” did not run: Skipped" in second.error_message
    wait_is_over(runs_of(called)[0])
    settle()
    with alice.acting() as actor:
        second.refresh_from_db()
        running.retry(run=second, actor=actor)
    settle()
    wait_is_over(runs_of(called)[-1])
    settle()
    assert statuses(caller) == ["succeeded", "succeeded"]


def test_a_call_that_is_tried_again_calls_again(alice, workspace):
    """It used to find the run that had failed, and to wait for its end for ever."""
    fail = {"id": "stop", "type": "stop", "failed": True, "reason": "No."}
    called = make_workflow(alice, workspace, {"type": "called"}, fail, name="Called")
    step = {"id": "call", "type": "run_workflow", "workflow": str(called.pk)}
    caller = make_workflow(alice, workspace, BUTTON, step)
    start(alice, caller)
    settle()
    for count in (1, 2):
        (run,) = runs_of(caller)
        assert run.status == "failed"
        assert "No." in steps_of(run)["call"].error
        assert len(runs_of(called)) == count
        with alice.acting() as actor:
            running.retry(run=run, actor=actor)
        settle()


def rows_read(plan):
    """Return how many rows the scans of an EXPLAIN ANALYZE looked at, and the tables read whole."""
    looked, whole = 0, []
    waiting = [plan]
    while waiting:
        node = waiting.pop()
        waiting += node.get("Plans", ())
        if "Relation Name" in node:
            removed = node.get("Rows Removed by Filter", 0)
            looked += (node["Actual Rows"] + removed) * node["Actual Loops"]
            if node["Node Type"] == "Seq Scan" and node["Actual Loops"]:
                whole.append((node["Relation Name"], node["Actual Rows"] + removed))
    return looked, whole


def explain(sql, params=None):
    with acting_as(Actor.system()), connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", params)
        (found,) = cursor.fetchone()
    return (json.loads(found) if isinstance(found, str) else found)[0]["Plan"]


def test_ten_thousand_waiting_runs_cost_nothing(alice, workspace):
    workflow = make_workflow(alice, workspace, BUTTON, WAIT)
    (run,) = start(alice, workflow)
    settle()
    many = """
        INSERT INTO workflow_runs (run_id, workspace_id, workflow_id, version_id, key, status,
            trigger_data, error_message, variables, operation_id, depth, turn, fence, deaths,
            cancel_asked, triggered_at, wake_at)
        SELECT gen_random_uuid(), workspace_id, workflow_id, version_id, n::text, 'waiting', '{}',
            '', '{}', gen_random_uuid(), 0, n, n %% 2, 0, false, now(),
            CASE WHEN n %% 2 = 0 THEN now() + interval '1 day' END
        FROM workflow_runs, generate_series(1, 10000) AS n WHERE run_id = %s
    """
    with acting_as(Actor.system()), connection.cursor() as cursor:
        cursor.execute(many, [run.pk])
        cursor.execute("SELECT count(*) FROM workflow_runs")
        assert cursor.fetchone() == (10_001,)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE workflow_runs")
    looks = ", ".join(f"({question})" for question in pilot.DUE.values())
    for statement, params in [
        (f"SELECT {looks}", None),
        (claiming.TAKE, {"lease": claiming.LEASE}),
    ]:
        looked, whole = rows_read(explain(statement, params))
        assert looked < 100
        assert [table for table, rows in whole if table == "workflow_runs"] == []
    start(alice, workflow)
    assert rows_read(explain(claiming.TAKE, {"lease": claiming.LEASE}))[0] < 10
