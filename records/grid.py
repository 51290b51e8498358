"""Reading for the grid: blocks of rows at any depth, how many there are, and their sums."""

from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b

import orjson
from django.core.cache import cache
from django.db import connection

from records import indexes
from records.models import Record
from records.past import as_of
from records.query import AGGREGATES, Query, plain
from records.saved_views import Question, question_of
from workspaces.errors import Conflict, Invalid
from workspaces.jsons import json_bytes

BLOCK = 200
# Up to here the unfiltered grid skips rows by OFFSET, which is cheaper than one pass for anchors.
NEAR = 20
KEEP_SECONDS = 3600
# Transactions commit out of the order of their event ids, by fewer than this.
OVERTAKING = 10_000

# The newest event, and the oldest transaction that could still add one before it.
NOW = """
SELECT coalesce((SELECT event_id FROM events WHERE stream_id = %s
                 ORDER BY event_id DESC LIMIT 1), 0),
       pg_snapshot_xmin(pg_current_snapshot())::text
"""
MOVED = """
SELECT EXISTS (
    SELECT FROM events
    WHERE stream_id = %(record)s AND event_id > %(event)s - %(overtaking)s
      AND (event_id > %(event)s OR xid >= %(horizon)s::xid8)
      AND (type <> 'entries.updated' OR %(any)s OR jsonb_exists_any(changed, %(keys)s))
)
"""


@dataclass(frozen=True)
class Anchors:
    """The keys of every BLOCK-th row, how many rows there are, and when that was so."""

    count: int
    keys: list
    event: int
    horizon: str


@dataclass(frozen=True)
class Asked:
    """What a grid's address asks of a record: `where` (a condition or None), `sort`, `search`."""

    record: Record
    where: dict | None = None
    sort: tuple = ()
    search: str = ""

    @classmethod
    def of(cls, record, data, view=None):
        """Return the question in `data`, a dict of texts (request.GET); raise Invalid.

        With `as_of` it is asked of the record as it was at that moment. `view` is a RecordView that
        asks for what `data` itself does not name.
        """
        if data.get("as_of"):
            record = as_of(record, data["as_of"])
        kept = question_of(view, record) if view else Question()
        where = data.get("where") or None
        if where is not None:
            try:
                where = orjson.loads(where)
            except orjson.JSONDecodeError:
                detail = "The filter in the address is not complete."
                raise Invalid(detail, problems=[{"pointer": "", "detail": detail}]) from None
        sort = tuple(key for key in data.get("sort", "").split(",") if key)
        return cls(
            record,
            where if "where" in data else kept.where,
            sort if "sort" in data else tuple(kept.sort),
            data.get("search", kept.search),
        )

    @cached_property
    def query(self):
        """The Query; raises Invalid with a pointer to the part that is wrong."""
        return Query(self.record, where=self.where, sort=self.sort, search=self.search)

    @property
    def everything(self):
        """Whether all rows are asked for, in the order they were made."""
        return not (self.where or self.sort or self.query.search)

    @property
    def keys(self):
        """The fields whose change could move a row, or None when any change could."""
        if self.query.search:
            return None
        keys = {key.removeprefix("-") for key in self.sort} | set(_fields_in(self.where))
        known = {field.key: field for field in self.record.structure.columns}
        return sorted(keys) if keys <= known.keys() else None

    @property
    def cache_key(self):
        """A name for this question that changes with the structure."""
        past = self.record.past.event if self.record.past else None
        asked = json_bytes([self.where, self.sort, self.query.search, past])
        return f"grid:{self.record.pk}:{self.record.version}:{blake2b(asked, digest_size=16).hexdigest()}"

    def rows(self, block):
        """Return the rows of block number `block`, at most BLOCK."""
        indexes.wish(self.query)
        if block == 0:
            return self.query.rows(limit=BLOCK)
        if self.everything and block <= NEAR:
            return self.query.rows(limit=BLOCK, offset=block * BLOCK)
        keys = self.anchors().keys
        return self.query.rows(after=keys[block - 1], limit=BLOCK) if block <= len(keys) else []

    def count(self):
        """Return the exact number of rows; from the anchors when they are still true."""
        kept = self._kept()
        return kept.count if kept else self.query.count()

    def anchors(self):
        """Return Anchors that are true now."""
        kept = self._kept()
        if kept is None:
            event, horizon = _ask(NOW, [self.record.pk])
            count, keys = self.query.anchors(BLOCK)
            kept = Anchors(count, keys, event, horizon)
            cache.set(self.cache_key, kept, KEEP_SECONDS)
        return kept

    def _kept(self):
        kept = cache.get(self.cache_key)
        if kept is None or self.record.past:
            return kept
        return None if self._moved_since(kept) else kept

    def _moved_since(self, kept):
        keys = self.keys
        asked = {
            "record": self.record.pk,
            "event": kept.event,
            "overtaking": OVERTAKING,
            "horizon": kept.horizon,
            "any": keys is None,
            "keys": keys or [],
        }
        return _ask(MOVED, asked)[0]

    def entries(self, ids):
        """Return the rows of the entries `ids`, by the record's order."""
        query = Query(self.record)
        return query.rows(limit=len(ids), extra="entry_id = ANY(%s)", extra_params=[ids])

    def sums(self, wanted, span=None):
        """Return {"function:key": value} for `wanted`, a list of (function, key).

        `span` = (first, count) looks only at that many rows from the first-th on.
        """
        columns = [self.query._aggregate(function, key) for function, key in wanted]
        source, params = f"{self.query.table} WHERE {self.query.where}", list(self.query.params)
        if span is not None:
            source = (
                f"(SELECT * FROM {source} ORDER BY {self.query.order} OFFSET %s LIMIT %s) AS span"
            )
            params += span
        row = _ask(f"SELECT {', '.join(columns)} FROM {source}", params)
        names = [f"{function}:{key}" for function, key in wanted]
        return dict(zip(names, map(plain, row), strict=True))


def _fields_in(node):
    """Yield every field key that a condition names."""
    if not isinstance(node, dict):
        return
    for word in ("and", "or"):
        for item in node.get(word) or ():
            yield from _fields_in(item)
    if "not" in node:
        yield from _fields_in(node["not"])
    if "field" in node:
        yield node["field"]


def _ask(statement, params):
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return cursor.fetchone()


def wanted_sums(text):
    """Return [(function, key)] for "sum:price,filled:title"; raise Invalid."""
    wanted = [tuple(part.split(":", 1)) for part in text.split(",") if part]
    if not wanted or any(len(pair) != 2 or pair[0] not in AGGREGATES for pair in wanted):
        raise Invalid("Name sums as function:field, with commas between.")
    return wanted


def check_version(record, seen):
    """Raise Conflict when the grid was drawn for another structure than the newest."""
    if seen and seen != str(record.version):
        raise Conflict("The fields of this record were changed.", version=record.version)
