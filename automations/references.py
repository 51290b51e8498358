"""What values of a step can refer to: the trigger's fields and the outputs of steps before it."""

from dataclasses import dataclass, field

from django.db.models import F, Func, IntegerField, Q

from automations import drafts, finishing
from automations.models import WorkflowRun, WorkflowSecret, WorkflowStep
from automations.sampling import parts_of
from automations.steps import STEPS
from automations.triggers import TRIGGERS
from records.lookup import find_record
from records.query import Query
from workspaces.errors import KdapError

LONGEST = 60
ENTRIES = ("create_entry", "update_entry", "upsert_entry", "find_entries", "wait_until")
MOST_GUESSED = 40
# Steps of a run, and bytes of one's output as they are stored, that samples are taken from.
MOST_SAMPLED, LARGEST_SAMPLE = 100, 64 * 1024
# Runs whose outputs stand in for what a trial does not do.
RECENT = 20


@dataclass
class Group:
    """References of one origin: `items` are (template, label, sample)."""

    label: str
    icon: str
    items: list = field(default_factory=list)

    def add(self, path, label, samples):
        self.items.append((f"{{{{ {path} }}}}", label, sample_at(samples, path)))


def samples_of(workflow, actor):
    """Return values as templates find them: those of the newest run, else of the newest entries.

    Before the first run by a webhook it is the last call of its address, which drafts keep as well.
    """
    draft = workflow.structured_definition
    run = workflow.runs.exclude(started_at=None).filter(position=None).order_by("-id").first()
    samples = {
        "trigger": run.trigger_data if run else {},
        "steps": _outputs(run, draft) if run else {},
        "vars": run.variables if run else {},
    }
    trigger = draft.get("trigger") or {}
    record = trigger.get("record")
    if trigger.get("type") == "webhook" and samples["trigger"].get("type") != "webhook":
        rows = WorkflowSecret.objects.filter(pk=workflow.pk)
        samples["trigger"] = rows.values_list("sample", flat=True).first() or {}
    elif record and (samples["trigger"].get("record", record) != record or not run):
        samples["trigger"] = {"entry": _newest(actor, record)}
    entries = {}
    for steps, number, _ in drafts.walk(draft):
        id, type, record = (steps[number].get(key) for key in ("id", "type", "record"))
        if id in samples["steps"] or type not in ENTRIES or not record:
            continue
        if record not in entries:
            entries[record] = _newest(actor, record)
        entry = entries[record]
        samples["steps"][id] = {"entry": entry, "entries": [entry], "count": 1}
    return samples


def last_data(workflow, trigger):
    """Return what last came of what no entry stands for: a webhook's call, a failure, an input.

    It is {} where nothing came yet. A call is that of the newest run, else the one that was kept.
    """
    if trigger.type not in ("webhook", "run_failed", "called"):
        return {}
    runs = workflow.runs.filter(trigger_data__type=trigger.type, position=None).order_by("-id")
    data = runs.values_list("trigger_data", flat=True).first()
    if data is None and trigger.type == "webhook":
        rows = WorkflowSecret.objects.filter(pk=workflow.pk)
        data = rows.values_list("sample", flat=True).first()
    if data is None and trigger.type == "run_failed":
        data = _last_failure(workflow, trigger.workflow)
    return {key: value for key, value in (data or {}).items() if key not in ("seen", "top")}


def _last_failure(workflow, of):
    """Return what a failed run of another workflow (the one that `of` names, or any) hands on."""
    runs = WorkflowRun.objects.filter(workspace=workflow.workspace_id, status="failed")
    runs = runs.filter(workflow=of) if of else runs.exclude(workflow=workflow.pk)
    run = runs.filter(position=None).select_related("workflow").order_by("-id").first()
    return run and finishing.failure_of(run, run.error_message)


def last_outputs(workflow, steps):
    """Return {step id: output} of the newest time that each of (pointer, step) succeeded, if lately."""
    runs = workflow.runs.filter(position=None).order_by("-id")[:RECENT]
    ids = [step.id for _, step in steps][:MOST_SAMPLED]
    rows = _rows_of(list(runs.values_list("pk", flat=True)))
    rows = rows.filter(status="succeeded", step__in=ids)
    found = _newest_outputs(rows)
    return {id: output for id, output in found.items() if isinstance(output, dict)}


def _rows_of(ids):
    """Return the steps of some runs, and of the newest items of their loops."""
    items = WorkflowRun.objects.filter(parent__in=ids, position__isnull=False).order_by("-id")
    return WorkflowStep.objects.filter(Q(run__in=ids) | Q(run__in=items.values("pk")[:RECENT]))


def _newest_outputs(rows):
    size = Func(F("output"), function="pg_column_size", output_field=IntegerField())
    newest = rows.annotate(size=size).filter(size__lte=LARGEST_SAMPLE)
    newest = newest.order_by("step", "-id").distinct("step")
    return dict(newest.values_list("step", "output"))


def _outputs(run, draft):
    """Return {step id: output} of a run's steps that the draft still has, the newest of each.

    What is too large to be looked through is left out; a loop may have thousands of rows.
    """
    ids = [steps[number].get("id") for steps, number, _ in drafts.walk(draft)][:MOST_SAMPLED]
    return _newest_outputs(_rows_of([run.pk]).filter(status="succeeded", step__in=ids))


def _newest(actor, record_id):
    """Return the newest entry of a record as templates find it, {} when there is none."""
    try:
        record = find_record(actor, record_id, "read")
        query = Query(record, sort=["-entry_id"])
    except KdapError:
        return {}
    rows = query.rows(limit=1)
    keys = [item.key for item in query.fields]
    return {"entry_id": rows[0][0], **dict(zip(keys, rows[0][2:], strict=True))} if rows else {}


def sample_at(samples, path):
    """Return the value at a path as a short text, "" when there is none."""
    here = samples
    for part in path.split("."):
        if not isinstance(here, dict) or part not in here:
            return ""
        here = here[part]
    if here is None or isinstance(here, (dict, list)):
        return "" if here is None else f"{len(here)} items" * isinstance(here, list)
    return str(here)[:LONGEST]


def references(definition, book, samples, step_id=None):
    """Return the Groups that a step may use; those of all steps when `step_id` is None."""
    groups = [_trigger(definition.get("trigger") or {}, book, samples)]
    pointer = None
    before = []
    for steps, number, here in drafts.walk(definition):
        if steps[number].get("id") == step_id:
            pointer = here
            break
        before.append((here, steps[number]))
    for here, step in _seen(before, pointer):
        if step.get("type") == "for_each" and pointer and pointer.startswith(f"{here}/steps/"):
            groups.append(_item(step, before, definition, book, samples))
        groups.append(_step(step, book, samples))
    groups.append(_always())
    return [group for group in groups if group.items]


def _seen(before, pointer):
    """Return the (pointer, step) before a place that it can see: not those of several items at once."""
    apart = [f"{here}/steps/" for here, step in before if (step.get("at_once") or 1) > 1]
    left = [inside for inside in apart if not (pointer or "").startswith(inside)]
    return [at for at in before if not at[0].startswith(tuple(left))]


def _entry(group, path, record, samples):
    for item in record.structure.fields if record else ():
        group.add(f"{path}.{item.key}", item.label, samples)
    group.add(f"{path}.entry_id", "Number of the entry", samples)


def _trigger(trigger, book, samples):
    kind = TRIGGERS.get(trigger.get("type"))
    group = Group("What started it", kind.icon if kind else "bolt")
    record = trigger.get("record") and book.record(trigger["record"])
    if record:
        if trigger.get("each") == "operation":
            group.add("trigger.entries", "All entries", samples)
            group.add("trigger.count", "How many entries", samples)
        _entry(group, "trigger.entry", record, samples)
        if trigger["type"] in ("entry_updated", "field_changed", "enters_filter", "leaves_filter"):
            for item in record.structure.fields[:30]:
                group.add(f"trigger.before.{item.key}", f"{item.label}, before", samples)
        if trigger["type"] not in ("button", "form_received"):
            group.add("trigger.user.name", "Who did it", samples)
    if trigger.get("type") == "button":
        group.add("trigger.by.name", "Who pressed", samples)
    if trigger.get("type") == "webhook":
        came = samples.get("trigger") or {}
        for part in ("body", "query", "headers"):
            group.items += parts_of(came.get(part), "trigger", part)
        return group
    _guessed(group, "trigger", (samples.get("trigger") or {}), samples, known=("entry", "before"))
    return group


def _step(step, book, samples):
    kind = STEPS.get(step.get("type"))
    group = Group(
        step.get("name") or (kind.label if kind else step["id"]), kind.icon if kind else "bolt"
    )
    path = f"steps.{step['id']}"
    if step.get("type") in ENTRIES:
        if step["type"] in ("find_entries", "update_entry"):
            group.add(f"{path}.entries", "All entries", samples)
            group.add(f"{path}.count", "How many", samples)
        if step["type"] == "wait_until":
            group.add(f"{path}.met", "Whether it came", samples)
        _entry(group, f"{path}.entry", book.record(step["record"]), samples)
    elif step.get("type") == "for_each" and (step.get("at_once") or 1) > 1:
        group.add(f"{path}.results", "The last output of each item", samples)
        group.add(f"{path}.count", "How many items", samples)
    elif step.get("type") == "set":
        group.items += [
            (f"{{{{ vars.{key} }}}}", key, str(value)[:LONGEST])
            for key, value in (step.get("values") or {}).items()
        ]
    elif step.get("type") == "wait_for_call":
        came = (samples.get("steps") or {}).get(step["id"]) or {}
        group.add(f"{path}.met", "Whether somebody called", samples)
        for part in ("body", "query", "headers"):
            group.items += parts_of(came.get(part), "steps", step["id"], part)
    elif step.get("type") == "approval":
        group.add(f"{path}.answer", "approved or rejected", samples)
        group.add(f"{path}.by", "Who answered", samples)
        group.add(f"{path}.comment", "Their comment", samples)
    else:
        found = (samples.get("steps") or {}).get(step["id"])
        _guessed(group, path, found, samples)
    return group


def _guessed(group, path, found, samples, known=()):
    """Add what the newest run had at a path, two levels deep."""
    if not isinstance(found, dict):
        return
    there = {template for template, _, _ in group.items}
    for key, value in list(found.items())[:MOST_GUESSED]:
        if key in known or f"{{{{ {path}.{key} }}}}" in there:
            continue
        inner = value if isinstance(value, dict) else None
        if inner is None:
            group.add(f"{path}.{key}", key.replace("_", " "), samples)
        for name in list(inner or ())[:MOST_GUESSED]:
            if f"{{{{ {path}.{key}.{name} }}}}" not in there:
                group.add(f"{path}.{key}.{name}", f"{key} {name}".replace("_", " "), samples)


def _item(step, before, definition, book, samples):
    group = Group("The item of the loop", "repeat")
    items, record, first = str(step.get("items") or ""), None, {}
    for _, other in before:
        if f"steps.{other['id']}." in items and other.get("record"):
            record = book.record(other["record"])
            first = (samples.get("steps") or {}).get(other["id"]) or {}
    if "trigger.entries" in items and (definition.get("trigger") or {}).get("record"):
        record = book.record(definition["trigger"]["record"])
        first = samples.get("trigger") or {}
    samples = {"item": first.get("entry") or {}}
    group.add("item", "The whole item", {})
    if record:
        _entry(group, "item", record, samples)
    group.add("index", "Its place, from 0", {})
    return group


def _always():
    group = Group("Always there", "clock")
    group.items = [
        ("{{ today }}", "Today", ""),
        ("{{ now }}", "Now", ""),
        ("{{ run.id }}", "Id of the run", ""),
        ("{{ run.call_url }}", "Address for “Wait for a call”", ""),
        ("{{ workflow.name }}", "Name of the workflow", ""),
    ]
    return group
