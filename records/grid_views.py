"""The grid's conversation with the server: rows out, changes in, all JSON."""

from django.views.decorators.http import require_POST, require_safe

from records.cells import Changes
from records.entries import MOST_ROWS, delete_entries
from records.grid import BLOCK, Asked, check_version, wanted_sums
from records.models import GridState
from records.places import nearest, place_of
from records.requests import get_record, json_answer, read_json, view_in
from records.shape import shape_of
from workspaces.errors import Invalid


@require_safe
@json_answer
def rows(request, id):
    """Return one block of rows: {block, rows}."""
    asked = Asked.of(get_record(request, id), request.GET)
    check_version(asked.record, request.GET.get("v"))
    block = _whole(request.GET.get("block", "0"))
    return {"block": block, "rows": asked.rows(block)}


@require_safe
@json_answer
def extent(request, id):
    """Return how many rows there are; with `deep`, get ready for jumps anywhere."""
    asked = Asked.of(get_record(request, id), request.GET)
    count = asked.anchors().count if "deep" in request.GET else asked.count()
    return {"count": count, "block": BLOCK}


@require_POST
@json_answer
def cells(request, id):
    """Change cells and add `rows`, as one operation; return what became of each, and all rows.

    Unless new entries simply come last, the answer also says where the first of them stands.
    """
    record = get_record(request, id, "write")
    asked = Asked.of(record, request.GET)
    data = read_json(request)
    changes = Changes(record, request.actor)
    if "changes" in data or "rows" not in data:
        changes.update(data.get("changes"), force=data.get("force") is True)
    if "rows" in data:
        changes.add(data["rows"])
    found = Asked(record).entries(changes.ids) if changes.ids else []
    outcome = {**changes.as_json(), "rows": found}
    if changes.added and not asked.everything:
        outcome["position"], outcome["hidden"] = place_of(asked, changes.added)
    return outcome


@require_POST
@json_answer
def delete(request, id):
    """Delete entries by their ids."""
    record = get_record(request, id, "write")
    ids = read_json(request).get("ids")
    whole = isinstance(ids, list) and all(type(item) is int for item in ids)
    if not whole or not 0 < len(ids) <= MOST_ROWS:
        raise Invalid(f"Name from 1 to {MOST_ROWS:,} entries.")
    deleted = delete_entries(record=record, ids=ids, actor=request.actor)
    return {"deleted": deleted, "operation": request.actor.operation}


@require_safe
@json_answer
def edge(request, id):
    """Return the position of the nearest filled or empty cell of a field, None without one."""
    wanted = request.GET
    start = _whole(wanted.get("start", "0"))
    asked = Asked.of(get_record(request, id), wanted)
    names = {name: wanted.get(name, "") for name in ("key", "sought", "way")}
    return {"position": nearest(asked, start=start, **names)}


@require_safe
@json_answer
def place(request, id):
    """Return where an entry stands among the rows asked for, None when it is not among them."""
    asked = Asked.of(get_record(request, id), request.GET)
    position, _ = place_of(asked, [_whole(request.GET.get("entry", ""))])
    return {"position": position}


@require_safe
@json_answer
def sums(request, id):
    """Return sums over all rows asked for, or over `count` rows from `first` on."""
    asked = Asked.of(get_record(request, id), request.GET)
    span = None
    if "first" in request.GET:
        span = [_whole(request.GET.get(name, "0")) for name in ("first", "count")]
    return asked.sums(wanted_sums(request.GET.get("of", "")), span)


@require_safe
@json_answer
def shape(request, id):
    """Return the newest description of the record, after its fields were changed."""
    record = get_record(request, id)
    return shape_of(request, record, view_in(request, record))


@require_POST
@json_answer
def state(request, id):
    """Keep how this person likes to see the grid, or in ?view= one of its views."""
    record = get_record(request, id)
    if len(request.body) > 100_000:
        raise Invalid("That is more than a grid's settings can be.")
    parts, view = GridState.parts_of(read_json(request)), view_in(request, record)
    kept = {"state": parts, "seen": view.last_event_version if view else 0}
    GridState.objects.update_or_create(record=record, user=request.user, view=view, defaults=kept)
    return {"saved": True}


def _whole(text):
    if not text.isascii() or not text.isdigit() or len(text) > 12:
        raise Invalid("Blocks and rows are counted in whole numbers.")
    return int(text)
