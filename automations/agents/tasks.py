"""What people do with tasks of agents: give one, find it, decide what it asks, end it."""

from uuid import UUID

import orjson
from django.utils import timezone

from automations import finishing
from automations.agents import services
from automations.agents.config import AgentConfig, OutputForm, checked
from automations.agents.models import Agent, AgentTask
from automations.agents.tools import owner_allows
from automations.models import WorkflowRun, WorkflowStep
from workspaces import access
from workspaces.access import Actor, acting_as
from workspaces.errors import Conflict, Invalid, Missing

MOST_INPUT = 200_000
UNFINISHED = ("pending", "running", "waiting")


def find_task(actor, id, action="read"):
    """Return the AgentTask of that id if `actor` may do `action` there; raise Missing, Forbidden."""
    related = AgentTask.objects.select_related("agent__owner", "agent__workspace", "user", "run")
    task = related.filter(pk=id).first()
    if task is None or task.agent.workspace.deleted_at:
        raise Missing("There is no such task, or it is not shared with you.")
    access.require(actor, action, task.workspace_id)
    return task


def waiting_for(actor, workspace_id):
    """Return the tasks that wait until the actor's user, in whose name they act, allows a change.

    None for who may not write there. Everybody who may write can answer them on their own pages.
    """
    if not access.allows(actor, "write", workspace_id):
        return AgentTask.objects.none()
    return AgentTask.objects.filter(
        workspace_id=workspace_id, status=AgentTask.Status.WAITING, user=actor.user
    )


def give_task(*, agent, actor, input, name="", form=(), priority=2, **more):
    """Ask an agent to do something; return the AgentTask, which a worker takes up.

    `input` is JSON, `form` the AnswerFields (as JSON) that the answer has to have; without any it is
    a text. The task acts in the name of `actor`'s user. `more` are columns of AgentTask.
    """
    require_ready(agent, actor)
    task = made_task(
        agent=agent, actor=actor, input=input, name=name, form=form, priority=priority, **more
    )
    task.save(force_insert=True)
    return task


def require_ready(agent, actor):
    """Raise Forbidden or Conflict unless `actor` may give tasks to the agent, and it takes them."""
    access.require(actor, "write", agent.workspace_id)
    if agent.deleted_at or agent.status != Agent.Status.ACTIVE:
        raise Conflict(f"The agent “{agent.name}” is paused.")
    owner_allows(agent, "read")


def made_task(*, agent, actor, input, name="", form=(), priority=2, **more):
    """Return an AgentTask that is not saved; raise Invalid."""
    if priority not in AgentTask.Priority.values:
        raise Invalid("A priority is 1, 2 or 3.", problems=[{"pointer": "/priority"}])
    made = checked(OutputForm, {"fields": list(form)}, "/form")
    text = finishing.json_text(input)
    if len(text.decode()) > MOST_INPUT:
        raise Invalid(f"The input is longer than {MOST_INPUT:,} characters.")
    return AgentTask(
        workspace_id=agent.workspace_id,
        agent=agent,
        user=actor.user,
        task_name=str(name).strip()[:255],
        task_input=orjson.loads(text),
        task_form=[item.model_dump(mode="json") for item in made.fields],
        priority=priority,
        provider=agent.provider,
        model=agent.model,
        **more,
    )


def decide(*, task, actor, given, seen, comment=""):
    """Allow or refuse what an agent wants to write; it goes on either way.

    `seen` is the AgentTask.seen of what the person was shown: an answer is about that and nothing
    else. Raise Conflict when something else waits by now, or nothing does.
    """
    access.require(actor, "write", task.workspace_id)
    if given not in ("approved", "rejected"):
        raise Invalid("Answer approved or rejected.")
    task = AgentTask.objects.select_for_update().get(pk=task.pk)
    if task.status != AgentTask.Status.WAITING:
        raise Conflict("This was decided already.")
    if seen != task.seen:
        raise Conflict("The agent wants something else by now. Look at it again, then answer.")
    task.answer = {
        "answer": given,
        "by": actor.user.name or actor.user.email,
        "at": timezone.now().isoformat(),
        "comment": comment[:2000],
    }
    task.status = AgentTask.Status.PENDING
    task.save(update_fields=["answer", "status"])
    return task


def cancel(*, task, actor):
    """End a task; what it wrote stays and can be undone."""
    access.require(actor, "write", task.workspace_id)
    task = AgentTask.objects.select_for_update().get(pk=task.pk)
    if task.is_over:
        raise Conflict("This task is over already.")
    end(task, "cancelled", error=f"Cancelled by {actor.user.name or actor.user.email}.")
    return task


def again(*, task, actor):
    """Give the same task anew; return the new one."""
    if not task.is_over:
        raise Conflict("This task is not over yet.")
    if task.run_id:
        raise Conflict("A workflow gave this task: try its run again.")
    if task.filling_id:
        raise Conflict("This task fills in a field: choose its entry in the table again.")
    if task.drafting_id:
        raise Conflict("This task drafts a workflow: ask again on the page of its draft.")
    return give_task(
        agent=task.agent,
        actor=actor,
        input=task.task_input,
        name=task.task_name,
        form=task.task_form,
        priority=task.priority,
    )


def end(task, status, *, output=None, error=""):
    """End a task, unless another worker has it now; tell the log and the run that waits for it."""
    rows = AgentTask.objects.filter(pk=task.pk, fence=task.fence, status__in=UNFINISHED)
    task.status, task.completed_at = status, timezone.now()
    task.task_output, task.error_message = finishing.as_json(output), error[:5000]
    columns = ("status", "completed_at", "task_output", "error_message")
    # Its operation is what it wrote in the data; that it is over is a fact of its own.
    cause = {"door": "automation", "agent": str(task.agent_id), "agent_task": str(task.pk)}
    # Those of one filling are one line in the log.
    one = {"operation": task.operation_id} if task.filling_id else {}
    with acting_as(Actor(user=task.user, everything=True, cause=cause, **one)):
        if rows.update(lease=None, **{name: getattr(task, name) for name in columns}):
            services.note_executed(task)
            _answer_run(task)


def end_those_of(run):
    """End the tasks of a run that is over: nobody waits for what they write any more.

    One that a worker has locked is left to it: it looks before its next step (see is_awaited).
    """
    with acting_as(Actor.system(task="agents")):
        rows = AgentTask.objects.filter(run=run.pk, status__in=UNFINISHED).select_related("user")
        # Not waited for: that worker may be about to wake the run, whose row the caller has.
        for task in rows.select_for_update(skip_locked=True, of=("self",)):
            end(task, "cancelled", error="The run that gave this task is over.")


def is_awaited(task):
    """Return whether the task is nobody's step, or its step still waits for this very task.

    A run that was ended and tried again gave another task in its place.
    """
    return not task.run_id or _steps_of(task).exists()


def _steps_of(task):
    rows = WorkflowStep.objects.filter(run=task.run_id, path=task.path, status="waiting")
    return rows.filter(waits_for="agent", input__task=str(task.pk))


def _answer_run(task):
    """Wake the run whose step waits for this task."""
    if not task.run_id:
        return
    answer = {"status": task.status, "task": str(task.pk)}
    answer |= {"output": task.task_output, "error": task.error_message[:1000]}
    if _steps_of(task).update(answer=answer):
        finishing.wake(WorkflowRun.objects.get(pk=task.run_id))


def config_of(agent, task=None):
    """Return the agent's AgentConfig; without writing for a task that only proposes."""
    config = AgentConfig(**agent.config)
    proposes = task and (task.filling_id or task.drafting_id)
    return config.model_copy(update={"writes": "never"}) if proposes else config


def records_of(config):
    """Return the ids of the records that an agent is limited to."""
    return tuple(UUID(str(id)) for id in config.records)
