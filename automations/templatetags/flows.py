"""What the frame of every page shows of automations."""

from django import template

from automations.agents import tasks
from automations.models import WorkflowStep
from automations.notices import people_asked

register = template.Library()
MOST = 100


@register.simple_tag(takes_context=True)
def questions_waiting(context, workspace):
    """Return how many questions of runs and agents in `workspace` wait for the visitor."""
    rows = WorkflowStep.objects.filter(
        workspace_id=workspace.pk, status="waiting", waits_for="approval", answer__isnull=True
    )
    request = context["request"]
    mine = request.user.email.lower()
    found = rows.select_related("run__workflow__owner")[:MOST]
    asked = sum(mine in people_asked(row.run, row) for row in found)
    return asked + tasks.waiting_for(request.actor, workspace.pk)[:MOST].count()


@register.simple_tag(takes_context=True)
def among_automations(context):
    """Return whether the page shown is one of automations, and not one of a record."""
    request = context["request"]
    match = request.resolver_match
    ours = bool(match) and match.func.__module__.startswith("automations.")
    return ours and not request.path.startswith("/r/")


@register.filter
def length_of(seconds):
    """Return a duration in words: 0.4 s, 12 s, 3 min 5 s, 2 h 10 min."""
    if seconds is None:
        return ""
    if seconds < 10:
        return f"{seconds:.1f} s" if seconds >= 0.05 else "at once"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    if whole < 86400:
        return f"{whole // 3600} h {whole % 3600 // 60} min"
    return f"{whole // 86400} d {whole % 86400 // 3600} h"
