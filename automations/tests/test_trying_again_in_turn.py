"""A run that is tried again waits while another has its concurrency key."""

import datetime as dt

import pytest
from django.utils import timezone

from automations import claiming, clock, running
from automations.models import WorkflowRun
from automations.tests.test_concurrency import at_once
from automations.tests.workflows import BUTTON, make_workflow, runs_of, settle, start, steps_of
from workspaces.access import Actor, acting_as

pytestmark = pytest.mark.django_db(transaction=True)
WAIT = {"id": "wait", "type": "wait", "amount": 1, "unit": "hours"}


@pytest.fixture(params=["queue"])
def flow(alice, workspace, request):
    """A workflow whose runs exclude each other, and take an hour."""
    return make_workflow(alice, workspace, BUTTON, WAIT, concurrency={"policy": request.param})


def press(alice, flow):
    """Start a run of the workflow; return it."""
    (run,) = start(alice, flow)
    settle()
    return run


def cancel(alice, run):
    with alice.acting() as actor:
        running.cancel(run=running.find_run(actor, run.pk, "write"), actor=actor)


def retry(alice, run):
    with alice.acting() as actor:
        running.retry(run=running.find_run(actor, run.pk, "write"), actor=actor)


def cancelled(alice, flow):
    """Return a run that began and was cancelled."""
    run = press(alice, flow)
    cancel(alice, run)
    return run


def hour_passes():
    """Let whoever waits for the hour go on."""
    with acting_as(Actor.system()):
        waiting = WorkflowRun.objects.filter(status="waiting", wake_at__isnull=False)
        waiting.update(wake_at=timezone.now() - dt.timedelta(seconds=1))
        for run in waiting:
            run.steps.filter(status="waiting").update(wake_at=run.wake_at)
    clock.tick()
    settle()


def states(flow):
    """Return what each run is at, oldest first: “at work” means that it waits in its step."""
    return [
        ("at work" if steps_of(run) else "in line") if run.status == "waiting" else run.status
        for run in runs_of(flow)
    ]


@pytest.mark.parametrize("flow", ["queue", "skip", "cancel_previous"], indirect=True)
def test_it_waits_for_the_end_of_the_one_that_has_its_key(alice, flow):
    first = cancelled(alice, flow)
    press(alice, flow)
    retry(alice, first)
    settle()
    assert states(flow) == ["in line", "at work"]
    hour_passes()
    assert states(flow) == ["at work", "succeeded"]
    assert (
        runs_of(flow)[0].fence == 2
    )  # which never goes back: who had it before may still be there
    hour_passes()
    assert states(flow) == ["succeeded", "succeeded"]


def test_it_goes_on_at_once_where_nobody_has_the_key(alice, flow):
    first = cancelled(alice, flow)
    retry(alice, first)
    settle()
    assert states(flow) == ["at work"]


def test_it_comes_before_those_that_never_began(alice, flow):
    first = cancelled(alice, flow)
    second, _third = press(alice, flow), press(alice, flow)
    retry(alice, first)
    settle()
    assert states(flow) == ["in line", "at work", "in line"]
    cancel(alice, second)
    settle()
    assert states(flow) == ["at work", "cancelled", "in line"]
    hour_passes()
    assert states(flow) == ["succeeded", "cancelled", "at work"]


def test_the_end_of_one_that_never_began_lets_nobody_in(alice, flow):
    first = cancelled(alice, flow)
    press(alice, flow)
    third = press(alice, flow)
    retry(alice, first)
    cancel(alice, third)
    settle()
    assert states(flow) == ["in line", "at work", "cancelled"]


def test_several_go_on_one_after_the_other(alice, flow):
    first, second = cancelled(alice, flow), cancelled(alice, flow)
    press(alice, flow)
    retry(alice, second)
    retry(alice, first)
    settle()
    assert states(flow) == ["in line", "in line", "at work"]
    hour_passes()
    assert states(flow) == ["at work", "in line", "succeeded"]
    press(alice, flow)
    assert states(flow) == ["at work", "in line", "succeeded", "in line"]
    hour_passes()
    assert states(flow) == ["succeeded", "at work", "succeeded", "in line"]
    cancel(alice, second)
    settle()
    assert states(flow) == ["succeeded", "cancelled", "succeeded", "at work"]


def test_one_that_waits_can_be_cancelled_and_tried_again(alice, flow):
    first = cancelled(alice, flow)
    press(alice, flow)
    for _ in range(2):
        retry(alice, first)
        settle()
        assert states(flow) == ["in line", "at work"]
        cancel(alice, first)
        assert states(flow) == ["cancelled", "at work"]
    hour_passes()
    assert states(flow) == ["cancelled", "succeeded"]


def test_beat_frees_one_that_waits_for_nobody(alice, flow):
    """Nothing leaves a run like that but hands in the database; the net is there all the same."""
    first, second = cancelled(alice, flow), press(alice, flow)
    retry(alice, first)
    assert claiming.free_forgotten() == 0
    with acting_as(Actor.system()):
        WorkflowRun.objects.filter(pk=second.pk).update(
            status="succeeded", finished_at=timezone.now()
        )
    assert claiming.free_forgotten() == 1
    settle()
    assert states(flow) == ["at work", "succeeded"]


def test_trying_again_while_the_other_ends_is_never_forgotten(alice, flow):
    first = cancelled(alice, flow)
    for _ in range(5):
        second = press(alice, flow)
        at_once(lambda: retry(alice, first), lambda run=second: cancel(alice, run))
        settle()
        assert states(flow)[0] == "at work"
        cancel(alice, first)


def test_of_several_tried_again_at_once_one_goes_on(alice, flow):
    runs = [cancelled(alice, flow) for _ in range(4)]
    at_once(*[lambda run=run: retry(alice, run) for run in runs], settle)
    settle()
    assert sorted(states(flow)) == ["at work", "in line", "in line", "in line"]
