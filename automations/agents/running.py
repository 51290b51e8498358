"""Carrying tasks of agents out: claim one, ask its model, do what it asks for, until it is over.

As with runs, PostgreSQL is the truth: each question's outcome is stored before anything follows from
it, tools that a model asked for are done in the transaction that stores their results, and every
transaction first looks whether the task is still this worker's. So what an agent writes is written
once, however many workers die. A question that nobody heard the answer of is asked again; tools of other
servers are called outside any transaction, announced before and recorded after (see outside).
"""

import datetime as dt
import logging
import time
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import contextmanager
from decimal import Decimal

from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from automations import finishing, notices
from automations.agents import asking, outside, providers, tasks
from automations.agents.drafting_checks import ROUNDS, judged, prose_call
from automations.agents.models import Agent, AgentTask
from automations.agents.tools import TOOLS, Hands, as_data, confined, owner_allows, parsed
from automations.claiming import held
from automations.steps.base import Failed
from workspaces import access
from workspaces.access import Actor, acting_as
from workspaces.errors import Forbidden, KdapError, is_lost, refused_by_database

log = logging.getLogger(__name__)
# While something outside is asked; renewed on the way, so a dead worker's task waits no longer.
LEASE = dt.timedelta(seconds=50)
MOST_DEATHS = 5
MOST_ATTEMPTS = 3
PATIENCE = 30  # seconds that a worker waits with an answer for a database that is away
MOST_CALLS = 20  # tools asked for at once
NO = "A person refused this; nothing was written."

# What one worker begins with before it lets another have its turn, in seconds.
LONGEST_SHIFT = 240
LOOK_AGAIN = 0.5  # seconds after which new tasks are looked for while others are being answered

# Workspaces come in turn: the one whose last task began longest ago first, and what matters most
# there. A priority says nothing to other workspaces. One place is always left to them, for a model
# that hangs holds its task for minutes.
CLAIM = """
UPDATE agent_tasks SET status = 'running', fence = fence + 1,
    deaths = deaths + CASE WHEN status = 'running' THEN 1 ELSE 0 END,
    lease = clock_timestamp() + %(lease)s, started_at = coalesce(started_at, clock_timestamp())
WHERE task_id = (
    SELECT task_id FROM agent_tasks t
    WHERE ((status = 'pending' AND not_before <= clock_timestamp())
        OR (status = 'running' AND lease < clock_timestamp()))
    AND NOT EXISTS (SELECT FROM workspaces w
                    WHERE w.workspace_id = t.workspace_id AND w.deleted_at IS NOT NULL)
    AND %(most)s > (SELECT count(*) FROM agent_tasks
                    WHERE status = 'running' AND lease >= clock_timestamp())
    AND greatest(%(most)s - 1, 1) > (SELECT count(*) FROM agent_tasks o
                    WHERE status = 'running' AND lease >= clock_timestamp()
                    AND o.workspace_id = t.workspace_id)
    ORDER BY (SELECT max(started_at) FROM agent_tasks o
              WHERE o.workspace_id = t.workspace_id) NULLS FIRST, priority, task_id
    LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING task_id
"""


class Superseded(Exception):
    """Another worker has this task now, or it is over."""


def work(seconds=5.0):
    """Carry out tasks for about `seconds`; return how many were taken up.

    AUTOMATIONS_AGENTS_AT_ONCE of them are asked at once by threads of this worker. While it is at it
    no other begins, so that slow models never hold every worker.
    """
    most, end = settings.AUTOMATIONS_AGENTS_AT_ONCE, time.monotonic() + seconds
    if most > 1:
        return _together(most, end)
    taken = 0
    while time.monotonic() < end and (task := claim()):
        taken += 1
        execute(task)
    return taken


def _together(most, end):
    if _others_work():
        return 0
    taken, going, last = 0, set(), time.monotonic() + LONGEST_SHIFT
    with ThreadPoolExecutor(most) as pool:
        while True:
            while (
                len(going) < most
                and time.monotonic() < (last if going else end)
                and (task := claim())
            ):
                going.add(pool.submit(_apart, task))
                taken += 1
            if not going:
                return taken
            over, going = wait(going, timeout=LOOK_AGAIN, return_when=FIRST_COMPLETED)
            for one in over:
                one.result()


def _others_work():
    with acting_as(Actor.system(task="agents")):
        return AgentTask.objects.filter(status="running", lease__gte=timezone.now()).exists()


def _apart(task):
    try:
        execute(task)
    finally:
        connection.close()


def claim():
    """Return the next AgentTask, now this worker's, or None."""
    with acting_as(Actor.system(task="agents")), connection.cursor() as cursor:
        cursor.execute(CLAIM, {"lease": LEASE, "most": settings.AUTOMATIONS_AGENTS_AT_ONCE})
        row = cursor.fetchone()
        return (
            AgentTask.objects.select_related("user", "run", "agent").get(pk=row[0]) if row else None
        )


def execute(task):
    """Go on with a claimed task until it is over or waits."""
    try:
        if task.deaths >= MOST_DEATHS:
            raise Failed(f"The worker died {MOST_DEATHS} times while this was done.")
        while _turn(task):
            pass
    except Superseded:
        log.info("Task %s was taken over, or ended", task.pk)
    except KdapError as error:
        _fail(task, error.detail)
    except DatabaseError as error:
        if is_lost(error):
            raise  # nobody knows what arrived: the lease ends, and another worker looks
        log.exception("Task %s", task.pk)
        _fail(task, "The database refused something that KDAP did not foresee.")
    except Exception:
        log.exception("Task %s", task.pk)
        _fail(task, "A mistake in KDAP itself ended this task; it is in the server's log.")


def _fail(task, detail):
    with acting_as(Actor.system(task="agents")):
        tasks.end(task, "failed", error=detail)


def actor_of(task, writes):
    """Return who acts in a task: its person, confined to its workspace, as one operation."""
    cause = {"door": "automation", "agent": str(task.agent_id), "agent_task": str(task.pk)}
    cause["agent_name"] = task.agent.name
    if task.run_id:
        cause |= {"run": str(task.run_id), "workflow": str(task.run.workflow_id)}
        cause |= {"depth": task.run.depth} if task.run.depth else {}
    actor = Actor(user=task.user, operation=task.operation_id, cause=cause)
    return confined(actor, task.workspace_id, writes=writes)


@contextmanager
def _mine(task):
    """A transaction in which the task is still this worker's; give its Agent and AgentConfig."""
    with acting_as(Actor.system(task="agents")):
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT fence, status FROM agent_tasks WHERE task_id = %s FOR UPDATE", [task.pk]
            )
            row = cursor.fetchone()
        if row != (task.fence, "running"):
            raise Superseded
        agent = Agent.objects.select_related("owner", "workspace").get(pk=task.agent_id)
        yield agent, tasks.config_of(agent, task)


def _turn(task):
    """Do what comes next; return whether the task goes on."""
    with _mine(task) as (agent, config):
        _allowed(task, agent)
        if task.drafting_id and (end := _judged(task, config)):
            return _end(task, **end)
        tools = {} if task.drafting_id else outside.given(agent, config)
        if task.calls and not _decided(task, config, tools):
            return _wait(task)
        provider = providers.opened(providers.find(task.provider, task.workspace_id))
        left = _left(task, config, provider)
        call = outside.announced(task, agent, tools, _refused(task))
        if call is None and task.calls:
            _do(task, agent, config)
        _save(task, lease=timezone.now() + LEASE)
    if call:
        _call(task, call)
        return True
    try:
        with held(task, LEASE):
            asked = asking.ask(provider, agent, config, task, tools, **left)
    except KdapError as error:
        return _not_answered(task, provider, error)
    with _mine(task):
        _spend(task, provider, asked)
        task.deaths = 0  # it got on
        task.messages = finishing.as_json(asked.messages)
        task.calls, task.results, task.answer = finishing.as_json(asked.calls), {}, None
        if len(task.calls) > MOST_CALLS:
            raise_after = f"The model asked for more than {MOST_CALLS} tools at once."
            return _end(task, "failed", error=raise_after)
        if task.drafting_id and not task.calls:
            task.calls = [prose_call(asked.output)]
        if not task.calls:
            return _end(task, "succeeded", output=asked.output)
        _save(task)
    return True


def _judged(task, config):
    """Return how a task ends that drafts a workflow, None when it is to be asked (again).

    What the model handed over is looked at in the name of the task's person.
    """
    with acting_as(actor_of(task, False)):
        return judged(task, _most(task, config))


def _most(task, config):
    """Return how often a task may ask its model."""
    return min(config.most_steps, ROUNDS) if task.drafting_id else config.most_steps


def _call(task, call):
    """Call a tool of another server and keep what came of it; a database that is away is waited for."""
    began = time.monotonic()
    with held(task, LEASE):
        result = call.make()
    end = time.monotonic() + PATIENCE
    task.duration += time.monotonic() - began
    while True:
        try:
            with _mine(task):
                task.results[call.id], task.deaths = result, 0
                return _save(task)
        except DatabaseError as error:
            if not is_lost(error) or time.monotonic() > end:
                raise
            log.warning("What a tool said to task %s can't be kept yet: %s", task.pk, error)
            connection.close_if_unusable_or_obsolete()
            time.sleep(0.5)


def _end(task, status, **given):
    _save(task)
    tasks.end(task, status, **given)
    return False


def _save(task, **more):
    for name, value in more.items():
        setattr(task, name, value)
    task.save(
        update_fields=[
            *("messages", "calls", "results", "answer", "status", "lease", "writes", "steps"),
            *("input_tokens", "output_tokens", "cost", "duration", "attempts", "not_before"),
            "deaths",
        ]
    )


def _allowed(task, agent):
    """Raise Failed unless the agent may (still) work, its owner and its person with it."""
    if agent.deleted_at or agent.workspace.deleted_at or agent.status != Agent.Status.ACTIVE:
        raise Failed(f"The agent “{agent.name}” was paused or deleted.")
    if task.run_id and task.run.__class__.objects.get(pk=task.run_id).is_over:
        raise Failed("The run that gave this task is over.")
    if not tasks.is_awaited(task):
        raise Failed("The run that gave this task went on without it.")
    owner_allows(agent, "read")
    if not access.allows(actor_of(task, False), "read", task.workspace_id):
        who = task.user.name or task.user.email
        raise Forbidden(f"{who}, in whose name it acts, may not read here any more.")


def _left(task, config, provider):
    """Return what is left of the task's limits, as asking.ask takes it; raise Failed."""
    seconds = config.seconds - task.duration
    most = _most(task, config)
    steps, tokens = most - task.steps, config.most_tokens - task.tokens
    if seconds <= 0:
        raise Failed(f"The agent took longer than its {config.seconds} seconds.")
    if steps <= 0:
        raise Failed(f"The agent asked its model more than {most} times.")
    if config.most_cost is not None:
        tokens = min(tokens, _affordable(task, config, provider))
    if tokens <= 0:
        raise Failed("The agent used up the tokens, or the money, of one task.")
    return {"seconds": seconds, "steps": steps, "tokens": tokens}


def _affordable(task, config, provider):
    """Return how many tokens the rest of the money buys, by the dearer of both prices."""
    prices = provider.prices_of(task.model)
    if prices is None:
        raise Failed(f"There is a limit of cost, but no price is set for “{task.model}”.")
    dearest = max(prices)
    left = Decimal(str(config.most_cost)) - (task.cost or 0)
    return int(left * 1_000_000 / dearest) if dearest else config.most_tokens


def _spend(task, provider, asked):
    task.steps += asked.steps
    task.input_tokens += asked.input_tokens
    task.output_tokens += asked.output_tokens
    task.duration += asked.seconds
    task.cost = provider.cost(task.model, task.input_tokens, task.output_tokens)


def _not_answered(task, provider, error):
    """Note that a question failed; ask again later where that may help."""
    with _mine(task):
        if getattr(error, "spent", None):
            _spend(task, provider, error.spent)
        task.attempts += 1
        if getattr(error, "again", False) and task.attempts < MOST_ATTEMPTS:
            later = timezone.now() + finishing.backoff(task.attempts + 1)
            _save(task, status=AgentTask.Status.PENDING, not_before=later, lease=None)
            return False
        return _end(task, "failed", error=error.detail)


# Tools


def _decided(task, config, tools):
    """Return whether a person need not be asked (any more) about the tools that wait."""
    if task.answer is not None:
        return True
    names = [call["tool"] for call in task.calls]
    writes = any(name in TOOLS and TOOLS[name].writes for name in names)
    calls = any(name in tools and tools[name].waits for name in names)
    return not calls and not (writes and config.writes == "ask")


def _refused(task):
    return (task.answer or {}).get("answer") == "rejected"


def _wait(task):
    _save(task, status=AgentTask.Status.WAITING, lease=None)
    if task.run_id:  # who gave a task by hand looks at its page; nobody looks at a workflow's
        notices.ask_allowance(task)
    return False


def _do(task, agent, config):
    """Carry out the tools that the model asked for; their results are stored with what they did."""
    hands = Hands(actor_of(task, True), task.workspace_id, tasks.records_of(config))
    refused = _refused(task) and config.writes == "ask"
    for call in task.calls:
        if call["id"] not in task.results:  # by another server
            task.results[call["id"]] = _done(call, agent, config, hands, refused)
    task.calls, task.writes = [], task.writes + hands.written


def _done(call, agent, config, hands, refused):
    """Do one tool; return its result, or what was wrong, for the model."""
    if call.get("begun"):  # by another server, whose tool is not this agent's any more
        return {"unknown": outside.UNKNOWN}
    try:
        tool = parsed(call["tool"], call["arguments"])
        if tool.name not in agent.tools or (tool.writes and config.writes == "never"):
            raise Forbidden("This agent was not given that tool.")
        if tool.writes and refused:
            return {"refused": NO}
        with transaction.atomic(), acting_as(hands.actor):
            if tool.writes:
                owner_allows(agent, "write")
            return as_data(tool.run(hands))
    except KdapError as error:
        return {"error": error.detail[:2000]}
    except DatabaseError as error:
        found = None if is_lost(error) else refused_by_database(error)
        if found is None:
            raise
        return {"error": found.detail[:2000]}
    finally:
        hands.actor.roles.clear()
