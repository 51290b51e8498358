"""What every view of a record begins with: who asks, for which record, in which shape to answer."""

from functools import wraps
from uuid import UUID

import orjson
from django.db import transaction
from django.http import HttpResponse

from records.models import Record
from workspaces import access
from workspaces.errors import Invalid, KdapError, Missing

NOWHERE = "There is no such record, or it is not shared with you."


def get_record(request, id, action="read"):
    """Return the Record for one who may do `action` there; raise Missing or Forbidden.

    The page's frame shows the record's workspace from now on.
    """
    record = (
        Record.objects.select_related("workspace")
        .filter(pk=id if isinstance(id, UUID) else None, workspace__deleted_at=None)
        .first()
    )
    if record is None:
        raise Missing(NOWHERE)
    access.require(request.actor, action, record.workspace_id)
    if record.deleted_at is not None:
        raise Missing("This record is in the trash.")
    request.workspace = record.workspace
    return record


def answer(data, status=200):
    """Return `data` as JSON; rows go through orjson as they came from the database."""
    return HttpResponse(
        orjson.dumps(data, default=str), content_type="application/json", status=status
    )


def json_answer(view):
    """Let a view return plain data; answer its errors as {status, title, detail, problems, …}."""

    @wraps(view)
    def wrapped(request, *args, **kwargs):
        if not request.user.is_authenticated:
            problem = {"title": "Signed out", "detail": "You are signed out. Sign in again."}
            return answer({"status": 401, "problems": [], **problem}, 401)
        try:
            return answer(view(request, *args, **kwargs))
        except KdapError as error:
            transaction.set_rollback(True)
            return answer(problem_of(error), error.status)

    return wrapped


def problem_of(error):
    """Return a KdapError as the dict that the browser reads."""
    return {
        "status": error.status,
        "title": error.title,
        "detail": error.detail,
        "problems": error.problems,
        **error.extra,
    }


def read_json(request):
    """Return the request's body, which must be a JSON object; raise Invalid."""
    try:
        data = orjson.loads(request.body)
    except orjson.JSONDecodeError:
        data = None
    if not isinstance(data, dict):
        raise Invalid("Send a JSON object.")
    return data
