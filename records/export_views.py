"""Downloads of a record's entries: all of them, or what a view shows."""

import asyncio
import queue
import threading

from django.contrib.auth.decorators import login_required
from django.core.cache import cache
from django.core.handlers.asgi import ASGIRequest
from django.db import connection
from django.http import JsonResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe
from uuid_utils.compat import uuid7

from records.exports import Export
from records.grid import Asked
from records.query import Query
from records.requests import get_record, view_in
from workspaces.errors import Missing

TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "json": "application/json",
    "ndjson": "application/x-ndjson",
}
FORMS = [
    ("csv", "CSV", "For any program"),
    ("xlsx", "Excel", "Typed cells, up to a million rows"),
    ("json", "JSON", "One list of objects"),
    ("ndjson", "NDJSON", "One object a line, for big data"),
]


@login_required
@require_safe
def choose(request, record_id):
    """Ask for the format; with a token, tell how far that download is."""
    record = get_record(request, record_id)
    if token := request.GET.get("token"):
        return JsonResponse(cache.get(f"export:{token[:40]}") or {"done": 0, "over": False})
    asked = Asked.of(record, request.GET, view_in(request, record))
    params = request.GET.copy()
    context = {
        "record": record,
        "title": f"Export “{record.name}”",
        "forms": FORMS,
        "query": params.urlencode(),
        "part": bool(asked.where or asked.search),
        "rows": asked.query.count(),
        "token": uuid7().hex,
    }
    return render(request, "records/export.html", context)


@login_required
@require_safe
def export(request, record_id, form):
    """Stream the entries that ?view=, ?where=, ?search=, ?sort= and ?fields= ask for."""
    if form not in TYPES:
        raise Missing(f"There is no export as “{form[:20]}”; there are {', '.join(TYPES)}.")
    record = get_record(request, record_id)
    asked = Asked.of(record, request.GET, view_in(request, record))
    keys = [key for key in request.GET.get("fields", "").split(",") if key]
    query = Query(
        asked.record, where=asked.where, sort=asked.sort, search=asked.search, fields=keys or None
    )
    made = Export(query, request.actor, request.GET.get("token", "")[:40])
    made.check(form)
    chunks = getattr(made, form)()
    if form == "csv" and request.GET.get("bom"):
        chunks = _marked(chunks)
    # A server that works asynchronously reads a plain iterator whole before it sends a byte.
    asynchronous = isinstance(request, ASGIRequest)
    response = StreamingHttpResponse(
        from_thread(chunks) if asynchronous else chunks, content_type=TYPES[form]
    )
    response["Content-Disposition"] = content_disposition_header(True, f"{record.name}.{form}")
    return response


def _marked(chunks):
    """Put the mark in front by which Excel knows UTF-8."""
    yield b"\xef\xbb\xbf"
    yield from chunks


async def from_thread(chunks, waiting=8):
    """Yield what the iterator `chunks` gives, run in a thread that has a connection of its own.

    It never runs more than `waiting` chunks ahead, and stops when nobody reads any more.
    """
    filled, gone = queue.Queue(waiting), threading.Event()
    thread = threading.Thread(target=_produce, args=(chunks, filled, gone), daemon=True)
    thread.start()
    try:
        while (item := await asyncio.to_thread(filled.get)) is not None:
            if isinstance(item, Exception):
                raise item
            yield item
    finally:
        gone.set()


def _produce(chunks, filled, gone):
    def put(item):
        while not gone.is_set():
            try:
                return filled.put(item, timeout=0.5)
            except queue.Full:
                continue
        return None

    try:
        for chunk in chunks:
            put(chunk)
            if gone.is_set():
                chunks.close()
                return
        put(None)
    except Exception as error:
        put(error)
    finally:
        connection.close()
