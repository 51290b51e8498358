"""A whole list of entries as NDJSON: one object a line, read page by page while it is sent."""

import orjson
from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import StreamingHttpResponse

from workspaces.access import acting_as
from workspaces.errors import KdapError

TYPE = "application/x-ndjson"
ROWS_AT_ONCE = 2000


def wants_ndjson(request):
    """Whether the call asks for NDJSON, by ?format= or its Accept header."""
    form = request.query_params.get("format")
    if form not in (None, "json", "ndjson"):
        raise KdapError("format is json or ndjson.")
    return form == "ndjson" or (form is None and TYPE in request.headers.get("Accept", ""))


def ndjson(request, query):
    """Answer every entry of an EntryQuery, in its order."""
    chunks = Chunks(request.actor, query)
    chunks.begin()
    # A server reads an iterator of the other kind whole before it sends the first byte.
    asynchronous = isinstance(request._request, ASGIRequest)
    return StreamingHttpResponse(chunks.later() if asynchronous else chunks, content_type=TYPE)


class Chunks:
    """The lines of a query, some thousand at a time, each batch in a transaction of its own.

    The call's own transaction has ended when the first line is sent; every batch binds the
    actor anew, so that somebody who loses the right loses the rest of the stream too.
    """

    def __init__(self, actor, query):
        self.actor, self.query, self.after, self.done = actor, query, None, False
        self.first = None

    def begin(self):
        """Read the first lines already, while a question that can't be answered can be refused."""
        self.first = self.next_chunk()

    def next_chunk(self):
        """Return the next lines as bytes, empty at the end."""
        if self.first is not None:
            first, self.first = self.first, None
            return first
        if self.done:
            return b""
        with acting_as(self.actor):
            rows = self.query.rows(after=self.after, limit=ROWS_AT_ONCE)
        self.done = len(rows) < ROWS_AT_ONCE
        if rows:
            self.after = self.query.key_of(rows[-1])
        lines = [orjson.dumps(entry, default=str) for entry in self.query.entries(rows)]
        return b"\n".join([*lines, b""]) if lines else b""

    def __iter__(self):
        return iter(self.next_chunk, b"")

    async def later(self):
        """The same for a server that works asynchronously."""
        while chunk := await sync_to_async(self.next_chunk)():
            yield chunk
