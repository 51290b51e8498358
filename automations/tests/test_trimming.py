"""Old runs go, unfinished ones and the data stay."""

import datetime as dt

import pytest
from django.utils import timezone

from automations import tasks, trimming
from automations.agents.models import AgentTask
from automations.models import WorkflowRun, WorkflowStep
from automations.tests.agents import give, make_agent
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


@pytest.mark.parametrize(("days", "left"), [(90, 3), (0, 5)])
def test_tasks_of_agents_go_as_runs_do(alice, workspace, settings, monkeypatch, days, left):
    settings.RUNS_KEPT_DAYS = days
    monkeypatch.setattr(trimming, "AT_ONCE", 1)
    agent = make_agent(alice, workspace)
    now = timezone.now()
    ended = [now - dt.timedelta(days=past) for past in (91, 100, 89)] + [None, None]
    made = [give(alice, agent, {"task": "x"}, completed_at=moment) for moment in ended]
    with acting_as(Actor.system()):
        old = AgentTask.objects.filter(pk=made[3].pk)
        old.update(created_at=now - dt.timedelta(days=200), status="waiting")
    tasks.trim_runs()
    with acting_as(Actor.system()):
        kept = set(AgentTask.objects.values_list("pk", flat=True))
    assert kept == {task.pk for task in made[-left:]}
