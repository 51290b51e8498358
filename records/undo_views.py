"""Undo and redo from a record's pages, and what others did there meanwhile; all JSON."""

from uuid import UUID

from django.views.decorators.http import require_POST, require_safe

from records import feed
from records.requests import get_record, json_answer, read_json
from workspaces import log
from workspaces.errors import Invalid
from workspaces.operations import stacks, undo

# So many operations of which nothing is left are passed over at a time.
MOST_PASSED = 20


@require_POST
@json_answer
def undo_last(request, id):
    """Take back the operation named in the body, or the asker's newest on this record."""
    return _take_back(request, get_record(request, id), 0, "There is nothing to undo.")


@require_POST
@json_answer
def redo_last(request, id):
    """Do again what the asker took back last on this record."""
    return _take_back(request, get_record(request, id), 1, "There is nothing to redo.")


def _take_back(request, record, which, nothing):
    """Undo and answer {done, sentence, detail, …}, or {done: false, confirm: {…}} to ask first."""
    data = read_json(request)
    force = data.get("force") is True
    ask = not (force or data.get("confirmed") is True)
    if named := data.get("operation"):
        operation = _uuid(named)
        outcome = undo(operation_id=operation, actor=request.actor, force=force, ask=ask)
    else:
        operation, outcome = _newest(request.actor, record, which, force, ask)
    if operation is None:
        return {"done": False, "sentence": nothing, "detail": "", **_state(request, record)}
    sentence = _sentence(operation, record)
    if outcome.operation is None:
        asked = outcome.as_json() | {"operation": operation}
        return {"done": False, "sentence": sentence, "confirm": asked, **_state(request, record)}
    verb = "Did again" if which else "Undid"
    changed = outcome.restored > 0
    return {
        "done": changed,
        "sentence": f"{verb}: {sentence}" if changed else nothing,
        **outcome.as_json(),
        **_state(request, record),
    }


def _newest(actor, record, which, force, ask):
    """Take back the newest operation on the undo (0) or redo (1) stack of which something is left.

    Return (its id, Outcome). What others wrote over or deleted since does not bar the way to what
    lies before it; when there is nothing else, it is asked about. (None, None) without any.
    """
    first = None, None
    for operation in stacks(actor, record.pk)[which][: -MOST_PASSED - 1 : -1]:
        outcome = undo(operation_id=operation, actor=actor, force=force, ask=ask)
        if outcome.restored:
            return operation, outcome
        if first[0] is None or (outcome.kept and not first[1].kept):
            first = operation, outcome
    return first


def _sentence(operation, record):
    """Return what an operation did, in words; for an undo, what it had taken back."""
    found = log.operation(operation, workspace_id=record.workspace_id)
    if found is None:
        return ""
    return (found.undoes or found).sentence


def _state(request, record):
    """Return the structure's version and whether there is more to undo and redo."""
    record.reload()
    back, forth = stacks(request.actor, record.pk)
    return {"version": record.version, "can": {"undo": bool(back), "redo": bool(forth)}}


def _uuid(text):
    try:
        return UUID(text)
    except (TypeError, ValueError, AttributeError):
        raise Invalid("An operation is named by its id.") from None


@require_safe
@json_answer
def news(request, id):
    """Return what happened since the cursor `since`; an event may come twice, its id tells."""
    record = get_record(request, id)
    found, cursor = feed.news(record, request.GET.get("since", ""))
    return {
        "cursor": cursor,
        "version": record.version,
        "events": [
            {
                "id": item["event_id"],
                "type": item["type"],
                "ids": item["payload"].get("ids"),
                "first": item["payload"].get("first"),
                "last": item["payload"].get("last"),
                "count": item["count"],
                "changed": item["changed"],
                "user": item["user_id"],
                "operation": item["operation_id"],
                "mine": item["user_id"] == request.user.pk,
            }
            for item in found
        ],
    }
