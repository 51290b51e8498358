"""Undo and redo from a record's pages, and what others did there meanwhile; all JSON."""

from uuid import UUID

from django.views.decorators.http import require_POST, require_safe

from records import feed
from records.requests import get_record, json_answer, read_json
from workspaces import log
from workspaces.errors import Invalid
from workspaces.operations import stacks, undo


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
    named = data.get("operation")
    operation = _uuid(named) if named else _last(request.actor, record, which)
    if operation is None:
        return {"done": False, "sentence": nothing, "detail": "", **_state(request, record)}
    sentence = _sentence(operation, record)
    force = data.get("force") is True
    confirmed = force or data.get("confirmed") is True
    outcome = undo(operation_id=operation, actor=request.actor, force=force, ask=not confirmed)
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


def _last(actor, record, which):
    found = stacks(actor, record.pk)[which]
    return found[-1] if found else None


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
