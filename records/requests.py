"""What every view of a record begins with: who asks, for which record, in which shape to answer."""

from functools import wraps
from uuid import UUID

import orjson
from django.db import DatabaseError, transaction
from django.http import HttpResponse
from django.utils.functional import SimpleLazyObject

from records import saved_views
from records.lookup import NOWHERE, find_record
from workspaces.errors import Invalid, KdapError, Missing, in_words
from workspaces.jsons import json_bytes


def get_record(request, id, action="read"):
    """Return the Record for one who may do `action` there; raise Missing or Forbidden.

    The page's frame shows the record's workspace from now on.
    """
    if not isinstance(id, UUID):
        raise Missing(NOWHERE)
    record = find_record(request.actor, id, action)
    # Only a whole page reads it; what the grid asks for is one question less.
    request.workspace = SimpleLazyObject(lambda: record.workspace)
    return record


def view_in(request, record):
    """Return the RecordView that ?view= names, or None; raise Missing."""
    named = request.GET.get("view")
    if not named:
        return None
    try:
        id = UUID(named)
    except ValueError:
        raise Missing(saved_views.NOWHERE) from None
    return saved_views.find_view(request.actor, id, record=record)


def answer(data, status=200):
    """Return `data` as JSON; rows go through orjson as they came from the database."""
    return HttpResponse(json_bytes(data), content_type="application/json", status=status)


def json_answer(view):
    """Let a view return plain data; answer its errors as {status, title, detail, problems, …}."""

    @wraps(view)
    def wrapped(request, *args, **kwargs):
        if not request.user.is_authenticated:
            problem = {"title": "Signed out", "detail": "You are signed out. Sign in again."}
            return answer({"status": 401, "problems": [], **problem}, 401)
        try:
            return answer(view(request, *args, **kwargs))
        except (KdapError, DatabaseError) as failure:
            error = in_words(failure)
            if error is None:
                raise
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
