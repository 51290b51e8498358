"""Old runs go, unfinished ones and the data stay."""

import datetime as dt

import pytest
from django.utils import timezone

from automations import trimming
from automations.models import WorkflowRun, WorkflowStep
from automations.tests.workflows import BUTTON, make_workflow, runs_of, settle, start
from workspaces.access import Actor, acting_as


@pytest.fixture
def runs(alice, workspace):
    """Three old runs, of which the last is not over, and a new one."""
    step = {"id": "a", "type": "set", "values": {"x": 1}}
    workflow = make_workflow(alice, workspace, BUTTON, step)
    for _ in range(4):
        start(alice, workflow)
    settle()
    made = runs_of(workflow)
    long_ago = timezone.now() - dt.timedelta(days=91)
    with acting_as(Actor.system()):
        old = WorkflowRun.objects.filter(pk__in=[run.pk for run in made[:3]])
        old.update(finished_at=long_ago, triggered_at=long_ago)
        unfinished = WorkflowRun.objects.filter(pk=made[2].pk)
        unfinished.update(status="waiting", finished_at=None)
        WorkflowRun.objects.filter(pk=made[3].pk).update(retry_of=made[0].pk, parent=made[0].pk)
    return workflow, made


def test_only_what_ended_long_ago_goes(runs, monkeypatch):
    workflow, made = runs
    monkeypatch.setattr(trimming, "AT_ONCE", 1)
    assert trimming.trim_runs() == 2
    assert runs_of(workflow) == made[2:]
    with acting_as(Actor.system()):
        assert WorkflowStep.objects.count() == 2
    assert runs_of(workflow)[1].retry_of is None


def test_nothing_goes_when_runs_are_kept_for_ever(runs, settings):
    settings.RUNS_KEPT_DAYS = 0
    assert trimming.trim_runs() == 0
