"""Loops that do several items at once: each a run of its own, inside the run of the loop."""

import datetime as dt
import threading

import pytest
from django.db import connection
from django.utils import timezone

from automations import claiming, clock, definition, engine, looping, running, testing
from automations.finding import RunFilters, find_runs
from automations.models import WorkflowRun
from automations.references import last_outputs, samples_of
from automations.tests.receivers import ok, receiving
from automations.tests.workflows import (
    BUTTON,
    entries_in,
    make_workflow,
    runs_of,
    settle,
    start,
    steps_of,
)
from automations.trimming import trim_runs
from workspaces.access import Actor, acting_as
from workspaces.operations import undo

pytestmark = pytest.mark.django_db(transaction=True)


def note(tasks, what="{{ item }}", **more):
    values = {"what": what}
    return {"id": "note", "type": "create_entry", "record": str(tasks.pk), "values": values} | more


def each(*steps, items=("a", "b", "c"), at_once=2, **more):
    given = {
        "id": "each",
        "type": "for_each",
        "items": items if "{" in items else list(items),
        "at_once": at_once,
    }
    return given | {"steps": list(steps)} | more


def approval(**more):
    return {"id": "ask", "type": "approval", "question": "{{ item }}?"} | more


def top_and_items(workflow):
    """Return the run that was started, and those of its items by their place."""
    runs = runs_of(workflow)
    (top,) = [run for run in runs if run.position is None]
    items = sorted((run for run in runs if run.parent_id == top.pk), key=lambda run: run.position)
    return top, items


def unfinished(workflow):
    """Return the states of the items that are not over, by their place."""
    return {run.position: run.status for run in top_and_items(workflow)[1] if not run.is_over}


def answer(run, given="approved"):
    (row,) = [row for row in steps_of(run).values() if row.waits_for == "approval"]
    running.answer(row=row, given=given, email="alice@example.com")


def test_each_item_is_a_run_and_the_loop_gets_their_results(alice, workspace, tasks):
    after = note(tasks, "{{ steps.each.results.2.entry.what | upper }}", id="after")
    workflow = make_workflow(alice, workspace, BUTTON, each(note(tasks)), after)
    start(alice, workflow)
    settle()
    top, items = top_and_items(workflow)
    assert (top.status, [run.status for run in items]) == ("succeeded", ["succeeded"] * 3)
    assert sorted(entries_in(alice, tasks, "what")) == [("C",), ("a",), ("b",), ("c",)]
    assert steps_of(top)["each"].output["count"] == 3
    assert list(steps_of(items[1])) == ["each.1.note"]


def test_an_item_knows_what_the_run_around_it_knows(alice, workspace, tasks):
    before = {"id": "before", "type": "set", "values": {"who": "Ann"}}
    found = note(tasks, "first", id="found")
    said = (
        "{{ vars.who }} {{ item }} {{ index }} {{ steps.found.entry.what }} {{ trigger.by.name }}"
    )
    workflow = make_workflow(
        alice, workspace, BUTTON, before, found, each(note(tasks, said), items=["x"])
    )
    start(alice, workflow)
    settle()
    assert entries_in(alice, tasks, "what")[1] == ("Ann x 0 first Alice",)


def test_so_many_are_at_work_and_one_that_waits_does_not_keep_the_others(alice, workspace, tasks):
    loop = each(approval(), items="abcd", at_once=2)
    workflow = make_workflow(alice, workspace, BUTTON, loop)
    start(alice, workflow)
    settle()
    assert unfinished(workflow) == dict.fromkeys(range(4), "waiting")
    _, items = top_and_items(workflow)
    assert [run.fence > 0 for run in items] == [True, True, False, False]
    answer(items[1])
    settle()
    _, items = top_and_items(workflow)
    assert [run.fence > 0 for run in items] == [True, True, True, False]
    for number in (0, 2):
        answer(items[number])
        settle()
    answer(top_and_items(workflow)[1][3])
    settle()
    assert top_and_items(workflow)[0].status == "succeeded"


def test_loops_inside_loops(alice, workspace, tasks):
    said = "{{ item }}{{ steps.outside.entry.what }}"
    inner = each(note(tasks, said), id="inner", items="{{ item.inside }}")
    outside = note(tasks, "{{ item.name }}", id="outside")
    things = [{"name": "x", "inside": [1, 2]}, {"name": "y", "inside": []}]
    things += [{"name": "z", "inside": [3]}]
    workflow = make_workflow(alice, workspace, BUTTON, each(outside, inner, items=things))
    start(alice, workflow)
    settle()
    assert top_and_items(workflow)[0].status == "succeeded"
    wrote = sorted(what for (what,) in entries_in(alice, tasks, "what"))
    assert wrote == ["1x", "2x", "3z", "x", "y", "z"]


def test_a_loop_over_nothing_goes_on(alice, workspace, tasks):
    workflow = make_workflow(alice, workspace, BUTTON, each(note(tasks), items=[]))
    start(alice, workflow)
    settle()
    top, items = top_and_items(workflow)
    assert (top.status, items, top.output_data) == ("succeeded", [], {"count": 0, "results": []})


FRAGILE = {
    "id": "check",
    "type": "if",
    "condition": {"value": "{{ item }}", "op": "is", "other": "b"},
    "then": [{"id": "end", "type": "stop", "failed": True, "reason": "No {{ item }}!"}],
}


def test_one_that_fails_lets_no_other_begin_and_fails_the_loop(alice, workspace, tasks):
    loop = each(FRAGILE, note(tasks), items="abcdef", at_once=2)
    workflow = make_workflow(alice, workspace, BUTTON, loop)
    start(alice, workflow)
    settle()
    top, items = top_and_items(workflow)
    assert top.status == "failed"
    assert "Item 2: “Stop” (each.1.check.then.end): No b!" in top.error_message
    assert items[1].status == "failed"
    assert items[5].error_message == looping.NEVER_BEGAN
    assert len(entries_in(alice, tasks, "what")) < 5


def test_a_loop_that_goes_on_if_it_fails(alice, workspace, tasks):
    after = note(tasks, "{{ steps.each.error }}", id="after")
    loop = each(FRAGILE, items="b", on_error="continue")
    workflow = make_workflow(alice, workspace, BUTTON, loop, after)
    start(alice, workflow)
    settle()
    assert top_and_items(workflow)[0].status == "succeeded"
    ((what,),) = entries_in(alice, tasks, "what")
    assert what.startswith("1 of 1 items did not succeed. Item 1: ")


def test_going_on_does_only_what_did_not_succeed(alice, workspace, settings):
    """The second call fails at first; nothing that succeeded is done again, and all is done once."""
    broken = [True]

    def serve(connection_, request):
        bad = b"?item=b" in request and broken
        connection_.sendall(b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n" if bad else ok(b"{}"))

    with receiving(serve) as receiver:
        settings.AUTOMATIONS_ALLOWED_HOSTS = [receiver.here]
        url = receiver.url() + "?item={{ item }}"
        call = {"id": "call", "type": "http_request", "url": url}
        workflow = make_workflow(alice, workspace, BUTTON, each(call, items="abcdef", at_once=2))
        start(alice, workflow)
        settle()
        top, items = top_and_items(workflow)
        assert top.status == "failed"
        done = [run.pk for run in items if run.status == "succeeded"]
        broken.clear()
        with alice.acting() as actor:
            # From an item's page as well: it goes on with the run that it belongs to.
            assert running.retry(run=items[1], actor=actor).pk == top.pk
        settle()
        top, items = top_and_items(workflow)
        assert (top.status, [run.status for run in items]) == ("succeeded", ["succeeded"] * 6)
        assert [run.fence for run in items if run.pk in done] == [1] * len(done)
        asked = [request.split()[1][-1:] for request in receiver.requests]
        assert sorted(asked) == [b"a", b"b", b"b", b"c", b"d", b"e", b"f"]


def test_cancelling_the_run_cancels_its_items(alice, workspace, tasks):
    workflow = make_workflow(alice, workspace, BUTTON, each(approval(), items="abcd"))
    start(alice, workflow)
    settle()
    top, _ = top_and_items(workflow)
    with alice.acting() as actor:
        running.cancel(run=top, actor=actor)
    top, items = top_and_items(workflow)
    assert {run.status for run in (top, *items)} == {"cancelled"}


def test_an_item_at_work_sees_that_the_run_around_it_is_over(alice, workspace, tasks):
    workflow = make_workflow(alice, workspace, BUTTON, each(note(tasks)))
    start(alice, workflow)
    engine.execute(claiming.claim())
    item = claiming.claim()
    top, _ = top_and_items(workflow)
    with alice.acting() as actor:
        running.cancel(run=top, actor=actor)
    engine.execute(item)
    assert {run.status for run in runs_of(workflow)} == {"cancelled"}
    assert entries_in(alice, tasks, "what") == []


def test_an_item_that_began_to_wait_as_the_run_around_it_ended_is_found(alice, workspace, tasks):
    workflow = make_workflow(alice, workspace, BUTTON, each(approval()))
    start(alice, workflow)
    settle()
    top, _ = top_and_items(workflow)
    with acting_as(Actor.system()):
        WorkflowRun.objects.filter(pk=top.pk).update(
            status="cancelled", finished_at="2026-01-01T00:00Z"
        )
    assert looping.end_left() == 3
    assert {run.status for run in runs_of(workflow)} == {"cancelled"}


def test_the_last_two_end_at_the_same_time_and_the_loop_is_woken(alice, workspace, tasks):
    """Neither sees that the other is over, so they take turns: one of them finds nothing left."""
    workflow = make_workflow(alice, workspace, BUTTON, each(note(tasks), items="ab"))
    start(alice, workflow)
    engine.execute(claiming.claim())
    both = threading.Barrier(2)
    claimed = [claiming.claim(), claiming.claim()]

    def carry_out(run):
        both.wait()
        engine.execute(run)
        connection.close()

    workers = [threading.Thread(target=carry_out, args=[run]) for run in claimed]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    settle()
    assert top_and_items(workflow)[0].status == "succeeded"


def test_a_worker_that_dies_in_an_item_loses_and_doubles_nothing(alice, workspace, tasks):
    workflow = make_workflow(alice, workspace, BUTTON, each(note(tasks), items="abcd"))
    start(alice, workflow)
    for _ in range(20):
        run = claiming.claim()
        if run is None:
            break
        with acting_as(Actor.system()):  # as a worker that was killed right after it claimed
            WorkflowRun.objects.filter(pk=run.pk).update(lease="2026-01-01T00:00Z")
        clock.silent_runs()
        engine.execute(claiming.claim())
    settle()
    top, items = top_and_items(workflow)
    assert {run.status for run in (top, *items)} == {"succeeded"}
    assert sorted(entries_in(alice, tasks, "what")) == [("a",), ("b",), ("c",), ("d",)]


def test_what_items_change_is_one_operation(alice, workspace, tasks):
    workflow = make_workflow(alice, workspace, BUTTON, each(note(tasks)))
    start(alice, workflow)
    settle()
    top, items = top_and_items(workflow)
    assert {run.operation_id for run in (top, *items)} == {top.operation_id}
    with alice.acting() as actor:
        undo(operation_id=top.operation_id, actor=actor)
    assert entries_in(alice, tasks, "what") == []


def test_items_are_no_runs_in_lists_figures_and_limits(alice, workspace, tasks):
    from automations import figures, quotas

    workflow = make_workflow(alice, workspace, BUTTON, each(note(tasks)))
    start(alice, workflow)
    settle()
    top, items = top_and_items(workflow)
    with alice.acting():
        assert [run.pk for run in find_runs(workspace.pk)] == [top.pk]
        below = find_runs(workspace.pk, RunFilters(parent=top.pk))
        assert {run.pk for run in below} == {run.pk for run in items}
        found = figures.figures_of(workspace.pk, [workflow.pk])[workflow.pk]
        assert (found.total, len(found.bars)) == (1, 1)
        assert quotas.begun_today(workspace.pk, 100) == 1


def test_a_trial_does_one_item_after_the_other_and_leaves_nothing(alice, workspace, tasks):
    workflow = make_workflow(alice, workspace, BUTTON, each(note(tasks)))
    with alice.acting() as actor:
        trial = testing.try_out(workflow=workflow, actor=actor)
    assert (trial.status, len(trial.tree[0].groups)) == ("succeeded", 3)
    assert runs_of(workflow) == []


def long_ago(**which):
    """Let runs have ended before those that are kept."""
    with acting_as(Actor.system()):
        runs = WorkflowRun.objects.filter(finished_at__isnull=False, **which)
        runs.update(finished_at=timezone.now() - dt.timedelta(days=100))


def test_items_are_kept_as_long_as_the_run_around_them(alice, workspace, tasks):
    """The loop needs what they gave; and gone, they would be done again."""
    first = {"value": "{{ item }}", "op": "is", "other": "a"}
    asks = {"id": "if", "type": "if", "condition": first, "then": [approval()]}
    workflow = make_workflow(alice, workspace, BUTTON, each(asks, note(tasks)))
    start(alice, workflow)
    settle()
    long_ago()
    assert trim_runs(90) == 0
    _, items = top_and_items(workflow)
    answer(items[0])
    settle()
    top, _ = top_and_items(workflow)
    assert (top.status, steps_of(top)["each"].output["count"]) == ("succeeded", 3)
    long_ago()
    assert trim_runs(90) == 1
    assert runs_of(workflow) == []


def test_an_item_fails_while_its_run_is_cancelled(alice, workspace, tasks, monkeypatch):
    """Each wants what the other has; the one who cancels leaves alone what is taken."""
    loop = each(approval(), {"id": "end", "type": "stop", "failed": True}, items="abc", at_once=2)
    workflow = make_workflow(alice, workspace, BUTTON, loop)
    start(alice, workflow)
    settle()
    top, items = top_and_items(workflow)
    with acting_as(Actor.system()):
        WorkflowRun.objects.filter(pk=items[1].pk).update(
            status="succeeded", finished_at=timezone.now()
        )
    answer(items[0])
    original, has_them, cancelled = looping._never_begin, threading.Event(), threading.Event()

    def slow(runs):
        original(runs)
        never = WorkflowRun.objects.filter(pk=items[2].pk, status="cancelled")
        if threading.current_thread() is worker and not has_them.is_set() and never.exists():
            has_them.set()
            cancelled.wait(3)

    monkeypatch.setattr(looping, "_never_begin", slow)

    def carry_out():
        engine.work(5)
        connection.close()

    worker = threading.Thread(target=carry_out)
    worker.start()
    assert has_them.wait(10)
    with alice.acting() as actor:
        running.cancel(run=top, actor=actor)
    cancelled.set()
    worker.join()
    top, items = top_and_items(workflow)
    assert (top.status, items[0].status, items[2].status) == ("cancelled", "failed", "cancelled")
    assert "“Stop”" in items[0].error_message


def test_samples_are_those_of_whole_runs(alice, workspace, tasks):
    keep = {"id": "keep", "type": "set", "values": {"x": "{{ trigger.input.x }}"}}
    inside = {"id": "inside", "type": "set", "values": {"y": "{{ item }}"}}
    loop = each(inside, items=[str(number) for number in range(25)])
    workflow = make_workflow(alice, workspace, BUTTON, keep, loop)
    start(alice, workflow, input={"x": "Dune"})
    settle()
    with alice.acting() as actor:
        samples = samples_of(workflow, actor)
        walk = definition.parse(workflow.structured_definition).walk()
        last = last_outputs(workflow, list(walk))
    assert samples["trigger"]["input"] == {"x": "Dune"}
    assert set(samples["steps"]) >= {"keep", "inside", "each"}
    assert last["keep"] == {"x": "Dune"}
