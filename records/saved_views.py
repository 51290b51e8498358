"""Views: what people do with them, and what a view asks of its record as it is now."""

from dataclasses import dataclass, field

from uuid_utils.compat import uuid7

from records.models import GridState, RecordView
from records.query import Query
from workspaces import access
from workspaces.errors import Conflict, Invalid, Missing
from workspaces.events import append, applied, applies, applies_changes, keeps, stamp
from workspaces.log import seen_only
from workspaces.services import clean_name

keeps("record_views", "view_id")
# The wall of record_views hides others' personal views, and so what the log says of them.
seen_only(
    "({e}.type NOT LIKE 'view.%%' OR {e}.user_id = (SELECT kdap_setting('kdap.user'))::uuid "
    "OR EXISTS (SELECT FROM record_views AS v WHERE v.view_id = {e}.stream_id))"
)

MOST_VIEWS = 500
MOST_SORTS = 10
CHANGEABLE = ("name", "personal", "question", "layout")
NOWHERE = "There is no such view, or it is not shared with you."


def views_of(record, actor):
    """Return the views of a record that `actor` sees: the shared ones and their own, by name."""
    found = RecordView.objects.filter(record=record, deleted_at=None).order_by("name", "id")
    return [view for view in found if not view.personal or view.owner_id == actor.user_id]


def find_view(actor, id, action="read", *, record=None, trashed=False):
    """Return the RecordView of that id if `actor` may do `action` ("read" or "write") there.

    Raises Missing, of a view of another `record` and of somebody else's personal one too, and
    Forbidden.
    """
    view = RecordView.objects.select_related("record", "workspace").filter(pk=id).first()
    if view is None or view.record.deleted_at or view.workspace.deleted_at:
        raise Missing(NOWHERE)
    access.require(actor, "read", view.workspace_id)
    hidden = view.personal and view.owner_id != actor.user_id and not actor.everything
    if hidden or (record is not None and record.pk != view.record_id):
        raise Missing(NOWHERE)
    access.require(actor, action, view.workspace_id)
    if view.deleted_at and not trashed:
        raise Missing("This view is in the trash.")
    return view


def create_view(*, record, name, actor, personal=False, question=None, layout=None):
    """Make a view of a record; return it. Raises Invalid, Forbidden or Missing."""
    access.require(actor, "write", record.workspace_id)
    if RecordView.objects.filter(record=record, deleted_at=None).count() >= MOST_VIEWS:
        raise Conflict(f"A record has at most {MOST_VIEWS} views. Delete one first.")
    values = _cleaned(
        record,
        {
            "name": name,
            "personal": personal,
            "question": question or {},
            "layout": layout or {},
        },
    )
    view_id = uuid7()
    append(
        type="view.created",
        stream_id=view_id,
        workspace_id=record.workspace_id,
        payload=values | {"record": str(record.pk), "owner": str(actor.user_id)},
    )
    return RecordView.objects.get(pk=view_id)


def change_view(*, view, actor, **values):
    """Change any of CHANGEABLE; return the view. Only its owner may make a view personal."""
    find_view(actor, view.pk, "write")
    values = _cleaned(view.record, values)
    now = {key: value for key, value in values.items() if getattr(view, key) != value}
    if not now:
        return view
    if now.get("personal") and view.owner_id != actor.user_id:
        raise Conflict("Only the person who made a view can keep it for themselves.")
    was = {key: getattr(view, key) for key in now}
    _append(view, "view.changed", {"now": now, "was": was})
    view.refresh_from_db()
    return view


def delete_view(*, view, actor):
    """Put a view in the trash; the entries that it shows stay where they are."""
    find_view(actor, view.pk, "write", trashed=True)
    if view.deleted_at is None:
        _append(view, "view.deleted", {"name": view.name})
        view.refresh_from_db()


def restore_view(*, view, actor):
    """Take a view out of the trash; return it."""
    find_view(actor, view.pk, "write", trashed=True)
    if view.deleted_at is None:
        raise Conflict("This view is not in the trash.")
    _append(view, "view.restored", {"name": view.name})
    view.refresh_from_db()
    return view


def _cleaned(record, values):
    unknown = set(values) - set(CHANGEABLE)
    if unknown:
        raise Invalid(f"“{min(unknown)}” can't be changed.")
    made = dict(values)
    if "name" in made:
        made["name"] = clean_name(made["name"], "name for the view")
    if "question" in made:
        made["question"] = _question(record, made["question"])
    if "layout" in made:
        made["layout"] = _layout(record, made["layout"])
    return made


def _question(record, given):
    """Return where, sort and search of `given`, tried on the record; raise Invalid."""
    if not isinstance(given, dict) or set(given) - {"where", "sort", "search"}:
        raise Invalid("A view asks by where, sort and search.")
    where, sort, search = given.get("where"), given.get("sort") or [], given.get("search") or ""
    if not isinstance(sort, list) or len(sort) > MOST_SORTS:
        raise Invalid(f"A view sorts by a list of at most {MOST_SORTS} fields.")
    query = Query(record, where=where, sort=sort, search=search)
    return {"where": where or None, "sort": sort, "search": query.search}


def _layout(record, given):
    """Return the parts of a layout, of fields that there are."""
    if not isinstance(given, dict):
        raise Invalid("A layout is an object.")
    parts = GridState.parts_of(given)
    known = {item.id for item in record.structure.fields}
    for name in ("order", "hidden"):
        if name in parts:
            parts[name] = [id for id in parts[name] if isinstance(id, str) and id in known]
    if len(parts.get("hidden", ())) >= len(known) > 0:
        raise Invalid("A view shows at least one field.")
    if "widths" in parts:
        parts["widths"] = {
            id: width
            for id, width in parts["widths"].items()
            if id in known and isinstance(width, int) and 0 < width <= 5000
        }
    if "sums" in parts:
        parts["sums"] = {
            id: function
            for id, function in parts["sums"].items()
            if id in known and isinstance(function, str) and len(function) < 40
        }
    if len(parts.get("height", "")) > 20:
        del parts["height"]
    return parts


@dataclass
class Question:
    """What a view asks of a record as it is; `left_out` are sentences on what can't be asked."""

    where: dict | None = None
    sort: list = field(default_factory=list)
    search: str = ""
    left_out: list = field(default_factory=list)


def question_of(view, record):
    """Return the Question of a view for `record`, which may be the record as it was.

    A condition or order that names a field which is not there (any more), or whose type does not
    know the comparison, is left out and said; it counts again when the field comes back.
    """
    asked = Question(search=view.question.get("search", ""))
    asked.where = _possible(view.question.get("where"), record, asked.left_out)
    for key in view.question.get("sort", ()):
        try:
            Query(record, sort=[key])
        except Invalid as error:
            asked.left_out.append(error.detail)
        else:
            asked.sort.append(key)
    return asked


def _possible(node, record, left_out):
    """Return a condition without its parts that can't be asked, None when nothing is left."""
    if not node:
        return None
    for word in ("and", "or"):
        if word in node:
            kept = [_possible(item, record, left_out) for item in node[word]]
            kept = [item for item in kept if item]
            return {word: kept} if kept else None
    if "not" in node:
        inner = _possible(node["not"], record, left_out)
        return {"not": inner} if inner else None
    try:
        Query(record, where=node)
    except Invalid as error:
        left_out.append(error.detail)
        return None
    return node


def _append(view, type, payload):
    return append(type=type, stream_id=view.pk, workspace_id=view.workspace_id, payload=payload)


@applies("view.created")
def _created(event):
    values = {key: event.payload[key] for key in CHANGEABLE}
    view = RecordView(
        id=event.stream_id,
        workspace_id=event.workspace_id,
        record_id=event.payload["record"],
        owner_id=event.payload["owner"],
        created_at=event.timestamp,
        updated_at=event.timestamp,
        **values,
        **stamp(event),
    )
    applied(RecordView.objects.bulk_create([view]))


applies_changes("view", RecordView)


@applies("view.purged")
def _purged(event):
    RecordView.objects.filter(pk=event.stream_id).delete()
