"""Workflows that begin when a run fails: once for each failure."""

import pytest

from automations import finishing, running
from automations.models import WorkflowRun
from automations.tests.workflows import BUTTON, make_workflow, runs_of, settle, start
from workspaces.access import Actor, acting_as

pytestmark = pytest.mark.django_db(transaction=True)
STOP = {"id": "end", "type": "stop", "failed": True, "reason": "No stock."}
KEEP = {"id": "keep", "type": "set", "values": {"said": "{{ trigger.error }}"}}


@pytest.fixture
def failing(alice, workspace):
    """A workflow with a run that is going to fail."""
    flow = make_workflow(alice, workspace, BUTTON, STOP)
    start(alice, flow)
    return flow


@pytest.fixture
def heard(alice, workspace):
    """A workflow that begins when a run fails."""
    return make_workflow(alice, workspace, {"type": "run_failed"}, KEEP, name="Heard")


def test_a_run_that_fails_again_fires_again(alice, heard, failing):
    settle()
    for count in (1, 2, 3):
        assert len(runs_of(heard)) == count
        (run,) = runs_of(failing)
        with alice.acting() as actor:
            running.retry(run=running.find_run(actor, run.pk, "write"), actor=actor)
        settle()
    assert {run.trigger_data["run"] for run in runs_of(heard)} == {str(run.pk)}


def test_a_failure_that_is_recorded_twice_fires_once(heard, failing):
    settle()
    with acting_as(Actor.system()):
        WorkflowRun.objects.filter(workflow=failing).update(status="running", finished_at=None)
        (run,) = runs_of(failing)
        finishing.fail(run, "No stock.")
    settle()
    assert runs_of(failing)[0].status == "failed"
    assert len(runs_of(heard)) == 1
