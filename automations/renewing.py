"""Going on with a run by a newer version of its workflow.

What is done stays done, and is not done again. So a newer version is taken only where each step that
was carried out still stands at the same place, is of the same kind and, if it has steps inside,
decides alike; else those steps might be done twice, or never.
"""

import re

from automations import definition as definitions
from automations import looping, services
from automations.models import WorkflowRun
from workspaces.errors import Conflict

ANEW = "Run it anew instead."


def take_newest(run):
    """Let a run that is over follow the newest version of its workflow; raise Conflict if it can't."""
    version = services.current_version(run.workflow)
    if version is None:
        raise Conflict("Publish the workflow first.")
    if version.pk == run.version_id:
        return
    old, new = definitions.of(run.version), definitions.of(version)
    if (old.trigger.type, old.trigger.record_id) != (new.trigger.type, new.trigger.record_id):
        raise Conflict(f"Version {version.number} starts by something else. {ANEW}")
    items = WorkflowRun.objects.filter(pk__in=looping.items_below([run.pk]))
    for one in (run, *items):
        _compare(one, _places(old), _places(new), version.number)
    if WorkflowRun.objects.filter(version=version, key=run.key).exists():
        raise Conflict(f"Version {version.number} had a run of the same cause already. {ANEW}")
    items.exclude(status="succeeded").update(version=version)
    WorkflowRun.objects.filter(pk=run.pk).update(version=version)


def _compare(run, old, new, number):
    begun = set(run.children.filter(position__isnull=False).values_list("loop", flat=True))
    parts = (path.split(".") for path in run.steps.values_list("path", flat=True))
    begun |= {".".join(part[:length]) for part in parts for length in range(1, len(part))}
    for row in run.steps.defer("input", "output", "answer"):
        if row.status not in ("succeeded", "started", "unknown") and row.path not in begun:
            continue  # nothing is left of it
        place, step = new.get(row.step, (None, None))
        if step is None:
            continue  # what is gone is not done again
        name, was = step.name or step.label, old.get(row.step)
        if step.type != row.type or not re.fullmatch(place, row.path):
            raise Conflict(f"“{name}”, which was done, is elsewhere in version {number}. {ANEW}")
        if step.children() and was and step.given() != was[1].given():
            raise Conflict(
                f"“{name}”, which has begun, is not the same in version {number}. {ANEW}"
            )


def _places(definition):
    """Return {step id: (pattern of its paths in runs, step)}."""
    return dict(_walk(definition.steps, ""))


def _walk(steps, above):
    for step in steps:
        place = above + step.id
        yield step.id, (place, step)
        for below, children in step.children():
            name = below.removesuffix("/steps").strip("/").replace("/", r"\.")
            yield from _walk(children, rf"{place}\.{name or '[0-9]+'}\.")
