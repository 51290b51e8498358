"""The step that asks an agent: the run waits, goes on with the answer, and is undone with it."""

import pytest

from automations import engine, notices, noticing
from automations.agents import running, services, tasks
from automations.agents.models import AgentTask
from automations.models import WorkflowRun
from automations.running import cancel, find_run, retry
from automations.tests.agents import decide, done, fresh, make_agent
from automations.tests.workflows import (
    BUTTON,
    entries_in,
    make_workflow,
    runs_of,
    settle,
    start,
    steps_of,
)
from workspaces.access import Actor, acting_as
from workspaces.errors import Conflict, Invalid
from workspaces.operations import undo

pytestmark = pytest.mark.django_db(transaction=True)
ADD = 'use create_entries {"record": "Tasks", "entries": [{"what": "$subject"}]}'


@pytest.fixture
def record(make_record):
    return make_record("Tasks", what="text", stars="integer")


def asks(agent, **more):
    given = {"subject": "{{ trigger.input.subject }}"}
    return {"id": "sort", "type": "agent", "agent": str(agent.pk), "input": given} | more


def press(alice, flow):
    start(alice, flow, input={"subject": "4 stars"})
    settle()


def only_task():
    with acting_as(Actor.system()):
        return AgentTask.objects.select_related("run", "user", "agent").get()


def test_its_answer_is_for_later_steps(alice, workspace, record):
    agent = make_agent(alice, workspace)
    keep = {
        "id": "keep",
        "type": "create_entry",
        "record": str(record.pk),
        "values": {"stars": "{{ steps.sort.stars }}"},
    }
    form = [{"name": "stars", "type": "integer"}]
    flow = make_workflow(alice, workspace, BUTTON, asks(agent, output=form), keep)
    press(alice, flow)
    (run,) = runs_of(flow)
    assert run.status == "waiting"
    task = only_task()
    assert (task.run_id, task.task_input) == (run.pk, {"subject": "4 stars"})
    assert running.work() == 1
    settle()
    (run,) = runs_of(flow)
    assert run.status == "succeeded"
    assert steps_of(run)["sort"].output == {"stars": 4}
    assert entries_in(alice, record, "stars") == [(4,)]


def test_what_it_writes_is_undone_with_the_run(alice, workspace, record):
    agent = make_agent(
        alice, workspace, prompt=ADD, tools=["create_entries"], config={"writes": "allowed"}
    )
    flow = make_workflow(alice, workspace, BUTTON, asks(agent))
    press(alice, flow)
    running.work()
    settle()
    (run,) = runs_of(flow)
    assert "understands nothing" in steps_of(run)["sort"].output["text"]
    assert entries_in(alice, record, "what") == [("4 stars",)]
    undo(operation_id=run.operation_id, actor=alice.actor)
    assert entries_in(alice, record, "what") == []


def test_it_waits_for_a_person_as_the_agent_does(alice, workspace, record):
    agent = make_agent(alice, workspace, prompt=ADD, tools=["create_entries"])
    flow = make_workflow(alice, workspace, BUTTON, asks(agent))
    press(alice, flow)
    running.work()
    assert only_task().status == "waiting"
    decide(alice, only_task(), "approved")
    settle()
    assert [run.status for run in runs_of(flow)] == ["succeeded"]
    assert entries_in(alice, record, "what") == [("4 stars",)]


def test_an_agent_that_fails_fails_the_step_and_can_be_asked_again(alice, workspace):
    agent = make_agent(alice, workspace)
    flow = make_workflow(alice, workspace, BUTTON, asks(agent))
    press(alice, flow)
    with alice.acting() as actor:
        services.change_agent(agent=agent, actor=actor, status="paused")
    running.work()
    settle()
    (run,) = runs_of(flow)
    assert run.status == "failed"
    assert "The agent did not finish" in run.error_message
    with alice.acting() as actor:
        services.change_agent(agent=agent, actor=actor, status="active")
        retry(run=find_run(actor, run.pk), actor=actor)
    settle()
    running.work()
    settle()
    assert [run.status for run in runs_of(flow)] == ["succeeded"]


def test_a_cancelled_run_ends_its_task(alice, workspace):
    flow = make_workflow(alice, workspace, BUTTON, asks(make_agent(alice, workspace)))
    press(alice, flow)
    with alice.acting() as actor:
        cancel(run=find_run(actor, runs_of(flow)[0].pk), actor=actor)
    running.work()
    assert only_task().error_message == "The run that gave this task is over."


def test_of_a_run_that_is_tried_again_only_the_new_task_writes(alice, workspace, record):
    agent = make_agent(alice, workspace, prompt=ADD, tools=["create_entries"])
    flow = make_workflow(alice, workspace, BUTTON, asks(agent))
    press(alice, flow)
    first = done(only_task())
    assert first.status == "waiting"
    with alice.acting() as actor:
        cancel(run=find_run(actor, first.run_id), actor=actor)
        assert not tasks.waiting_for(actor, workspace.pk).exists()
    with pytest.raises(Conflict):
        decide(alice, first, "approved")
    with alice.acting() as actor:
        retry(run=find_run(actor, first.run_id), actor=actor)
    settle()
    with acting_as(Actor.system()):  # a worker had it as the run ended, so it was not ended then
        AgentTask.objects.filter(pk=first.pk).update(
            status="pending", completed_at=None, answer={"answer": "approved"}
        )
    first = done(first)
    assert (first.status, first.writes) == ("failed", 0)
    with acting_as(Actor.system()):
        second = AgentTask.objects.exclude(pk=first.pk).get()
    decide(alice, fresh(second), "approved")
    settle()
    assert [run.status for run in runs_of(flow)] == ["succeeded"]
    assert entries_in(alice, record, "what") == [("4 stars",)]


def test_a_cancelled_task_fails_the_step(alice, workspace):
    flow = make_workflow(alice, workspace, BUTTON, asks(make_agent(alice, workspace)))
    press(alice, flow)
    with alice.acting() as actor:
        tasks.cancel(task=only_task(), actor=actor)
    settle()
    assert [run.status for run in runs_of(flow)] == ["failed"]


def test_a_worker_that_died_as_the_step_began_gives_one_task(monkeypatch, alice, workspace):
    flow = make_workflow(alice, workspace, BUTTON, asks(make_agent(alice, workspace)))
    wait = engine.Walk._wait

    def dies(*args):
        raise SystemExit

    monkeypatch.setattr(engine.Walk, "_wait", dies)
    start(alice, flow, input={"subject": "4 stars"})
    with pytest.raises(SystemExit):
        engine.work()
    monkeypatch.setattr(engine.Walk, "_wait", wait)
    with acting_as(Actor.system()):
        WorkflowRun.objects.update(status="pending")
    settle()
    assert fresh(only_task()).status == "pending"


def test_who_it_acts_for_is_told_that_it_waits(alice, workspace, record, mailoutbox):
    agent = make_agent(alice, workspace, prompt=ADD, tools=["create_entries"])
    flow = make_workflow(alice, workspace, BUTTON, asks(agent), name="Sort")
    press(alice, flow)
    running.work()
    noticing.work()
    task = only_task()
    (mail,) = mailoutbox
    assert task.status == "waiting"
    assert (mail.subject, mail.to) == ("“Sorter” wants to change something", [alice.user.email])
    assert "the workflow “Sort”" in mail.body
    assert task.get_absolute_url() in mail.body
    decide(alice, task, "approved")
    assert len(mailoutbox) == 1


def test_who_has_left_is_not_told_that_it_waits(alice, bob, workspace, record, mailoutbox):
    agent = make_agent(alice, workspace, prompt=ADD, tools=["create_entries"])
    press(alice, make_workflow(bob, workspace, BUTTON, asks(agent)))
    running.work()
    with acting_as(Actor.system()):
        workspace.members.filter(user=bob.user).delete()
        notices.ask_allowance(AgentTask.objects.get())
    noticing.work()
    assert mailoutbox[-1].to == [alice.user.email]


def test_agents_of_elsewhere_are_refused(alice, workspace):
    from workspaces.services import create_workspace

    with alice.acting() as actor:
        other = create_workspace(name="Other", actor=actor)
    agent = make_agent(alice, other)
    with pytest.raises(Invalid) as error:
        make_workflow(alice, workspace, BUTTON, asks(agent))
    assert error.value.problems[0]["pointer"] == "/steps/0/agent"


def test_it_says_itself(alice, workspace):
    agent = make_agent(alice, workspace)
    form = [{"name": "stars", "type": "integer"}, {"name": "mood"}]
    flow = make_workflow(alice, workspace, BUTTON, asks(agent, output=form))
    from automations import definition
    from automations.parts import Book

    with alice.acting():
        said = definition.parse(flow.structured_definition).sentence(Book(workspace.pk))
    assert "ask the agent “Sorter” with subject =" in said
    assert "for stars (a whole number) and mood" in said
