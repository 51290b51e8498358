"""Which workflows a change of a record would break, before it is made."""

from django.db.models import OuterRef, Q, TextField
from django.db.models.functions import Cast

from automations import definition as definitions
from automations import templates
from automations.agents.models import Agent
from automations.models import Workflow, WorkflowVersion
from automations.parts import Book
from automations.template_values import TemplateError
from records.fields import Refused
from records.watching import Planned, watches
from workspaces.errors import KdapError

MOST_NAMED = 20


class Planning(Book):
    """A workspace in which one record is as it would be; None where it would be gone."""

    def __init__(self, record, after):
        super().__init__(record.workspace_id)
        self._records[record.pk] = None if after is None else Planned(record, after)


@watches
def workflows(record, after):
    """Return a sentence for each workflow whose draft or published version would stop working."""
    found = Workflow.objects.filter(workspace=record.workspace_id, deleted_at=None)
    versions = WorkflowVersion.objects.filter(
        workspace_id=record.workspace_id, workflow__deleted_at=None
    )
    newest = versions.order_by("workflow", "-number").distinct("workflow")
    published = dict(newest.values_list("workflow", "structured_definition"))
    books = Planning(record, record.structure), Planning(record, after)
    sentences = []
    for workflow in found.order_by("name", "id"):
        sides = {"draft": workflow.structured_definition}
        if workflow.pk in published:
            sides["published version"] = published[workflow.pk]
        broken = {side: _lost(data, record, after, books) for side, data in sides.items()}
        broken = {side: details for side, details in broken.items() if details}
        if broken:
            sentences.append(_said(workflow, broken))
    if len(sentences) > MOST_NAMED:
        more = f"{len(sentences) - MOST_NAMED} more workflows would stop working."
        sentences = [*sentences[:MOST_NAMED], more]
    return sentences


def what_uses(workspace_id, id):
    """Return a sentence for each workflow and agent of a workspace that names the thing of an id."""
    there = {"workspace": workspace_id, "deleted_at": None}
    flows = Workflow.objects.filter(**there).alias(
        said=Cast("structured_definition", TextField()),
        published_as=Cast(
            WorkflowVersion.objects.filter(workflow=OuterRef("pk"))
            .order_by("-number")
            .values("structured_definition")[:1],
            TextField(),
        ),
    )
    agents = Agent.objects.filter(**there).alias(said=Cast("tools", TextField()))
    named = Q(said__contains=str(id))
    flows = flows.filter(named | Q(published_as__contains=str(id))).order_by("name", "id")
    agents = agents.filter(named | Q(provider__contains=str(id))).order_by("name", "id")
    return [
        *(f"The workflow “{flow.name}” uses it and would fail." for flow in flows[:MOST_NAMED]),
        *(f"The agent “{agent.name}” uses it." for agent in agents[:MOST_NAMED]),
    ]


def _said(workflow, broken):
    where = " and the ".join(reversed(broken))
    details = list(dict.fromkeys(detail for found in broken.values() for detail in found))
    more = f" And {len(details) - 3} more." if len(details) > 3 else ""
    return (
        f"The workflow “{workflow.name}” would stop working (the {where}): "
        f"{' '.join(details[:3])}{more}"
    )


def _lost(data, record, after, books):
    """Return what is wrong with a definition then that is not wrong with it now.

    `books` are of now and of then, so that all workflows share the records that they look up.
    """
    if str(record.pk) not in str(data):
        return []
    try:
        definition = definitions.parse(data)
    except KdapError:
        return []
    for book in books:
        book.problems = []
    now = set(_problems(definition, books[0], record, record.structure))
    then = _problems(definition, books[1], record, after)
    return [detail for detail in dict.fromkeys(then) if detail not in now]


def _problems(definition, book, record, structure):
    """Yield what can't work in `book`: what publishing refuses, and names and cells that are gone."""
    problems = definitions.problems_of(definition, record.workspace_id, book)
    yield from (problem["detail"] for problem in problems)
    if structure is None:
        return
    fields = {field.key: field for field in structure.fields}
    parts = [definition.trigger, *(step for _, step in definition.walk())]
    for part in parts:
        yield from _cells(part, record, fields)
    for key in _read(definition, record):
        if key not in fields:
            yield f"“{record.name}” has no field “{key}” (any more)."


def _cells(part, record, fields):
    """Yield why a literal that a step writes, or a trigger waits for, can't be in its field."""
    if getattr(part, "record", None) != record.pk:
        return
    given = dict(part.values) if hasattr(part, "values") else {}
    for name in ("now", "was"):
        if getattr(part, name, None) is not None:
            given[part.field] = getattr(part, name)
    for key, value in given.items():
        if key not in fields or value is None or "{{" in str(value):
            continue
        try:
            fields[key].kind.clean(value, fields[key])
        except Refused as error:
            yield f"{fields[key].label}: {error}"


def _read(definition, record):
    """Return the keys of fields of `record` that templates read."""
    about = {("trigger", "entry"): definition.trigger.record_id}
    about[("trigger", "before")] = definition.trigger.record_id
    lists = {"{{ trigger.entries }}": definition.trigger.record_id}
    keys = {}
    for _, step in definition.walk():
        of = getattr(step, "record", None)
        about[("steps", step.id, "entry")] = of
        lists[f"{{{{ steps.{step.id}.entries }}}}"] = of
        if step.type == "for_each" and lists.get(str(step.items)):
            about.setdefault(("item",), set()).add(lists[step.items])
        try:
            paths = templates.references(step.given())
        except TemplateError:
            continue
        for path in (path.split(".") for path in paths):
            root, key = tuple(path[:-1]), path[-1]
            known = about.get(root)
            if record.pk == known or (isinstance(known, set) and record.pk in known):
                keys[key] = None
    return list(keys)
