"""Definitions that leave their workspace: copies and moves to another one, and files of JSON.

Elsewhere records and fields have other ids, so they are found again by their names, and people by
their e-mail addresses. What has no namesake there stays as it was, and the draft says so before it
can be published.
"""

import copy
import re
from uuid import UUID

from django.db import connection

from automations import definition as definitions
from automations import services
from workspaces import access
from workspaces.errors import Conflict, Invalid
from workspaces.models import Workspace

MARK, VERSION = "workflow", 1
LARGEST_FILE = 1024 * 1024
MOST_NAMES = 1000
DEEPEST = 60
# Kinds of things that definitions name by id, and what they are called by.
KINDS = {"record": "name", "agent": "name", "connection": "server_name", "workflow": "name"}
KINDS |= {"form": "name", "person": "email"}
# What a template reads of an entry, and the entries that a loop goes through.
READ = re.compile(r"\b(?:(trigger|steps\.\w+)\.(?:entry|before)|item)\.(\w+)")
LOOPED = re.compile(r"\b(trigger|steps\.\w+)\.entries")
NAMESAKES = """
SELECT name, min(thing.id::text) FROM unnest(%s::text[]) AS name
JOIN ({living}) AS thing(id, called) ON upper(thing.called) = upper(name)
GROUP BY name HAVING count(*) = 1
"""


class TooLarge(Invalid):
    """A document that is larger than any workflow."""

    status = 413
    title = "Too large"

    def __init__(self):
        super().__init__(f"A workflow is no larger than {LARGEST_FILE // 1024**2} MB.")


def duplicate(*, workflow, actor, workspace=None, name=""):
    """Make a draft like `workflow`, in its workspace or another; return it.

    In another workspace it is about the records, agents and connections of the same names, and the
    people of the same addresses.
    """
    access.require(actor, "read", workflow.workspace_id)
    target = workspace or Workspace.objects.get(pk=workflow.workspace_id)
    definition = workflow.structured_definition
    if target.pk != workflow.workspace_id:
        definition = fitted(definition, names_in(definition, workflow.workspace_id), target.pk)
    return services.create_workflow(
        workspace=target,
        name=name or f"{workflow.name[:110]} (copy)",
        actor=actor,
        definition=definition,
        sentence=workflow.natural_language_description,
        description=workflow.description,
    )


def move(*, workflow, actor, workspace):
    """Put `workflow` into another workspace; return the draft that it is there.

    The original goes to the trash and keeps its versions and runs. Both are one operation.
    """
    access.require(actor, "write", workflow.workspace_id)
    access.require(actor, "write", workspace)
    if workspace.pk == workflow.workspace_id:
        raise Conflict(f"“{workflow.name}” is in this workspace already.")
    made = duplicate(workflow=workflow, actor=actor, workspace=workspace, name=workflow.name)
    services.delete_workflow(workflow=workflow, actor=actor)
    return made


def exported(*, workflow, actor):
    """Return a workflow's draft as a JSON-able document, with the names of what it is about."""
    access.require(actor, "read", workflow.workspace_id)
    definition = workflow.structured_definition
    return {
        "kdap": MARK,
        "version": VERSION,
        "name": workflow.name,
        "description": workflow.description,
        "sentence": workflow.natural_language_description,
        "definition": definition,
        "names": names_in(definition, workflow.workspace_id),
    }


def imported(*, document, workspace, actor):
    """Make a draft of a document as `exported` gives it; return it. Raises Invalid in words."""
    access.require(actor, "write", workspace)
    if not isinstance(document, dict) or document.get("kdap") != MARK:
        raise Invalid("This is no workflow that KDAP exported.")
    if document.get("version") != VERSION:
        raise Invalid("This workflow was exported by another version of KDAP.")
    unknown = set(document) - {"kdap", "version", *_TEXTS, "definition", "names"}
    if unknown:
        raise Invalid(f"A workflow has no “{str(min(unknown))[:60]}”.")
    texts = {key: document.get(key, "") for key in _TEXTS}
    definition = document.get("definition")
    if not all(isinstance(text, str) for text in texts.values()):
        raise Invalid("Its name, description and sentence are texts.")
    if not isinstance(definition, dict) or _depth(definition) > DEEPEST:
        raise Invalid("Its definition is no JSON object, or is nested too deep.")
    names = _checked(document.get("names", {}))
    definitions.parse(definition)  # no more steps than fit, before anything looks at each of them
    return services.create_workflow(
        workspace=workspace,
        name=texts["name"],
        actor=actor,
        definition=fitted(definition, names, workspace.pk),
        sentence=texts["sentence"],
        description=texts["description"],
    )


_TEXTS = ("name", "description", "sentence")


def _checked(names):
    """Return `names` of a document; raise Invalid for what they can't be."""
    wrong = Invalid("Its names are objects of texts, by the ids in the definition.")
    if not isinstance(names, dict) or set(names) - {*KINDS, "fields"}:
        raise wrong
    for kind, known in names.items():
        if not isinstance(known, dict) or len(known) > MOST_NAMES:
            raise wrong
        texts = [known] if kind != "fields" else list(known.values())
        for one in texts:
            if not isinstance(one, dict) or not all(isinstance(v, str) for v in one.values()):
                raise wrong
    return names


def _depth(value, depth=0):
    """Return how deep a value is nested, up to a little more than is allowed."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    if depth > DEEPEST:
        return depth
    return max((_depth(one, depth + 1) for one in inner), default=depth)


def _ids_in(value):
    """Yield every text of a definition that is a UUID."""
    if isinstance(value, dict):
        for inner in value.values():
            yield from _ids_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _ids_in(inner)
    elif isinstance(value, str) and len(value) == 36:
        try:
            yield str(UUID(value))
        except ValueError:
            return


def _living(kind, workspace_id):
    """Return the queryset of a workspace's things or people, without those in the trash."""
    from accounts.models import User
    from automations.integrations.services import usable_in_steps
    from automations.models import Agent, Workflow
    from records.models import PublicForm, Record

    if kind == "person":
        return User.objects.filter(memberships__workspace=workspace_id)
    if kind == "connection":
        return usable_in_steps(workspace_id)
    models = {"record": Record, "agent": Agent, "workflow": Workflow}
    found = models.get(kind, PublicForm).objects.filter(workspace=workspace_id, deleted_at=None)
    return found.filter(record__deleted_at=None) if kind == "form" else found


def names_in(definition, workspace_id):
    """Return {kind: {id: name}} of what a definition names, and "fields": {record: {key: label}}."""
    ids, names = set(_ids_in(definition)), {}
    for kind, attribute in KINDS.items():
        found = _living(kind, workspace_id).filter(pk__in=ids).values_list("pk", attribute)
        names[kind] = {str(id): name for id, name in found}
    fields = _fields_of(names["record"], workspace_id)
    names["fields"] = {id: {f.key: f.label for f in known} for id, known in fields.items()}
    return names


def _fields_of(ids, workspace_id):
    """Return {id: fields} of the living records of a workspace among `ids`."""
    from records.models import RecordStructure, with_structures

    heads = RecordStructure.objects.filter(record__in=_living("record", workspace_id))
    records = with_structures(heads.filter(record__in=list(ids)))
    return {str(record.pk): record.structure.fields for record in records}


def fitted(definition, names, workspace_id):
    """Return a definition that means the things of these names in another workspace."""
    ids, keys = {}, {}
    for kind in KINDS:
        known = names.get(kind, {})
        found = _namesakes(kind, known.values(), workspace_id)
        ids |= {old: found[name] for old, name in known.items() if name in found}
    labels = {old: known for old, known in names.get("fields", {}).items() if old in ids}
    fields = _fields_of([ids[old] for old in labels], workspace_id)
    for old, known in labels.items():
        if ids[old] in fields:
            keys[old] = _renamed_keys(known, fields[ids[old]])
    made = copy.deepcopy(definition)
    paths = _paths(made, keys)
    for part in _parts(made):
        _rename_part(part, keys.get(str(part.get("record")), {}))
    return _replaced(made, ids, paths)


def _namesakes(kind, names, workspace_id):
    """Return {name: id} of those names that exactly one thing of that kind has in a workspace."""
    asked = list({name for name in names if "\x00" not in name})
    if not asked:
        return {}
    living = _living(kind, workspace_id).order_by().values_list("pk", KINDS[kind])
    sql, params = living.query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(NAMESAKES.format(living=sql), [asked, *params])
        return dict(cursor.fetchall())


def _renamed_keys(labels, fields):
    """Return {key there: key here} of fields that have the same label under another key."""
    here = {field.label.casefold(): field.key for field in fields}
    known = {field.key for field in fields}
    return {
        key: here[label.casefold()]
        for key, label in labels.items()
        if key not in known and label.casefold() in here
    }


def _parts(value):
    """Yield the trigger and all steps of a definition, and what in them is about a record."""
    if isinstance(value, dict):
        if "record" in value:
            yield value
        for inner in value.values():
            yield from _parts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _parts(inner)


def _rename_part(part, keys):
    """Name the fields of a trigger or step (JSON) as the record does that it is about now."""
    if not keys:
        return
    if isinstance(part.get("values"), dict):
        part["values"] = {keys.get(key, key): value for key, value in part["values"].items()}
    _rename_condition(part.get("where"), keys)
    if isinstance(part.get("field"), str):
        part["field"] = keys.get(part["field"], part["field"])
    for name in ("sort", "fields", "keys"):
        if isinstance(part.get(name), list):
            part[name] = [_sorted_by(key, keys) for key in part[name]]


def _sorted_by(key, keys):
    if not isinstance(key, str):
        return key
    minus = "-" if key.startswith("-") else ""
    return minus + keys.get(key.removeprefix("-"), key.removeprefix("-"))


def _rename_condition(tree, keys):
    if isinstance(tree, dict):
        if isinstance(tree.get("field"), str):
            tree["field"] = keys.get(tree["field"], tree["field"])
        for inner in tree.values():
            _rename_condition(inner, keys)
    elif isinstance(tree, list):
        for inner in tree:
            _rename_condition(inner, keys)


def _paths(definition, keys):
    """Return {what templates read: {key: key}}: of a trigger or step, and of items of loops."""
    parts = {"trigger": definition.get("trigger")} if isinstance(definition, dict) else {}
    parts |= {f"steps.{part['id']}": part for part in _parts(definition) if "id" in part}
    found = {}
    for name, part in parts.items():
        renamed = keys.get(str(part.get("record"))) if isinstance(part, dict) else None
        if renamed:
            found[name] = renamed
    for items in _items_in(definition):
        for name in LOOPED.findall(items):
            found["item"] = found.get("item", {}) | found.get(name, {})
    return found


def _items_in(value):
    """Yield what the loops of a definition go through."""
    if isinstance(value, dict):
        if isinstance(value.get("items"), str):
            yield value["items"]
        for inner in value.values():
            yield from _items_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _items_in(inner)


def _replaced(value, ids, paths):
    """Return a value in which ids are those of here, and templates read the fields of here."""
    if isinstance(value, dict):
        return {key: _replaced(inner, ids, paths) for key, inner in value.items()}
    if isinstance(value, list):
        return [_replaced(inner, ids, paths) for inner in value]
    if not isinstance(value, str):
        return value
    if value in ids:
        return ids[value]
    return READ.sub(lambda found: _read(found, paths), value) if "{{" in value else value


def _read(found, paths):
    """Return a path of a template, as READ finds it, with the key that the field has here."""
    whole, key = found[0], found[2]
    return whole.removesuffix(key) + paths.get(found[1] or "item", {}).get(key, key)
