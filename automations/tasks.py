"""Hints from the pilot, and beat's net below it: each task calls one service."""

from celery import shared_task

from automations import claiming, clock, delivering, looping, noticing, pilot, shifts, trimming
from automations.integrations import looking


@shared_task(ignore_result=True)
def work():
    """Make runs of what was fired, and carry runs out, for a moment."""
    shifts.work()


@shared_task(ignore_result=True)
def deliver():
    """Tell webhooks what happened for a moment."""
    delivering.deliver(shifts.SECONDS)


@shared_task(ignore_result=True)
def send_notices():
    """Send mails to the people behind workflows for a moment."""
    noticing.work(shifts.SECONDS)


@shared_task(ignore_result=True)
def look_at_integration(id):
    """See whether a connection works, and what tools it has."""
    looking.look(id)


@shared_task(ignore_result=True)
def ask_agents():
    """Carry out tasks of agents for a few seconds."""
    from automations.agents import running  # what it needs is large

    running.work()


@shared_task(ignore_result=True)
def tick():
    """Look at the clock, and for work, as the pilot of every worker does by itself."""
    clock.tick()
    claiming.free_forgotten()
    looping.end_left()
    pilot.look_once()


@shared_task(ignore_result=True)
def trim_runs():
    """Remove runs, tasks of agents, notices, and logs of webhooks that are older than they are kept."""
    trimming.trim_runs()
    trimming.trim_agent_tasks()
    trimming.trim_deliveries()
    trimming.trim_notices()
