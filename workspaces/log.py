"""Reading the log: what happened, newest first, an operation at a time.

An operation is all events that one request, import or task wrote. Its place in a list is its
newest event there. No page reads more than LOOK events, however rare what is looked for: it says
how far back it looked, and the next one goes on from there.
"""

import datetime as dt
from dataclasses import dataclass, field
from functools import cached_property
from uuid import UUID

import orjson
from django.db import connection

from workspaces.sentences import Fact, Names, counted, icon_of, private_types, retold

LOOK = 20_000
MOST_FACTS = 20
# Plans put whole structures into events; telling them takes only the sentences.
HEAVY = "ARRAY['structure', 'before', 'after']"


@dataclass(frozen=True)
class Kind:
    """A way to filter operations: `where` is SQL about the event `{e}`."""

    label: str
    icon: str
    where: str


KINDS = {
    "added": Kind("Entries added", "plus", "{e}.type = 'entries.created'"),
    "changed": Kind("Entries changed", "pencil", "{e}.type = 'entries.updated'"),
    "deleted": Kind("Entries deleted", "trash", "{e}.type = 'entries.deleted'"),
    "imports": Kind("Imports", "file-import", "{e}.cause ? 'import'"),
    "undo": Kind("Undo and redo", "arrow-back-up", "{e}.cause ? 'undo_of'"),
    "structure": Kind("Structure", "schema", "{e}.type = 'structure.changed'"),
    "records": Kind("Records", "table", "{e}.type LIKE 'record.%%'"),
    "members": Kind("Members", "users", "{e}.type LIKE 'member.%%'"),
    "workspace": Kind("Workspace", "home", "{e}.type LIKE 'workspace.%%'"),
}
NOBODY = "system"


@dataclass(frozen=True)
class Filters:
    """What to look for; every part may be left out.

    `person` is a user's id or NOBODY for the product itself, `kind` a key of KINDS, `field` the
    key of a field, `since` and `until` moments with a zone.
    """

    person: UUID | str | None = None
    kind: str = ""
    field: str = ""
    since: dt.datetime | None = None
    until: dt.datetime | None = None

    def __bool__(self):
        return any((self.person, self.kind, self.field, self.since, self.until))

    def where(self):
        """Return SQL about the event `{e}`, and its parameters."""
        parts, params = [], {}
        if self.person == NOBODY:
            parts.append("{e}.user_id IS NULL")
        elif self.person:
            parts.append("{e}.user_id = %(person)s")
            params["person"] = self.person
        if self.kind:
            parts.append(KINDS[self.kind].where)
        if self.field:
            parts.append("{e}.changed ? %(field)s")
            params["field"] = self.field
        for name, sign in (("since", ">="), ("until", "<")):
            if getattr(self, name):
                parts.append(f"{{e}}.timestamp {sign} %({name})s")
                params[name] = getattr(self, name)
        return " AND ".join(["true", *parts]), params


@dataclass
class Operation:
    """Everything that one request, import or task did."""

    id: UUID | None
    event_id: int  # its newest event in the list it was read for
    timestamp: dt.datetime
    workspace_id: UUID | None
    user_id: UUID | None
    cause: dict
    ip: str | None
    facts: list = field(default_factory=list)
    undoes: object = None  # the Operation that this one undid
    names: Names | None = None

    @property
    def user(self):
        """The person who did it; None for the product itself."""
        return self.names.users.get(str(self.user_id))

    @property
    def who(self):
        """The person's name, or KDAP for the product itself."""
        if self.user_id is None:
            return nobody_of(self.cause)
        return self.names.people.get(str(self.user_id), "someone")

    @property
    def icon(self):
        """The name of the icon that stands for it."""
        if self.undoes:
            return "arrow-back-up"
        return "file-import" if "import" in self.cause else icon_of(self._first_type)

    @property
    def _first_type(self):
        return self.facts[0].type if self.facts else ""

    @cached_property
    def sentence(self):
        """What was done, for people, as one line."""
        if self.undoes and self.undoes.undoes:
            return f"Did again: {self.undoes.undoes.sentence}"
        if self.undoes:
            return f"Undid: {self.undoes.sentence}"
        if retell := retold.get(self.cause.get("door")):
            return retell(self)
        told = list(dict.fromkeys(fact.sentence for fact in self.facts))
        more = f" and {counted(len(told) - 3, 'more change')}" if len(told) > 3 else ""
        return ". ".join(told[:3]) + more if told else "Changed nothing that is still known"

    @property
    def way_back(self):
        """What taking it back is called: Redo for an undo, else Undo."""
        return "Redo" if self.undoes and not self.undoes.undoes else "Undo"

    @property
    def way(self):
        """How it came, as in “by way of”; empty for the product's own pages."""
        return way_of(self.cause)

    @property
    def run_id(self):
        """The run of a workflow that did it, or None."""
        return self.cause.get("run")

    @property
    def streams(self):
        """What it is about, as a list of Named, each once."""
        found = {fact.stream_id: fact.stream for fact in self.facts if fact.stream}
        return list(found.values())


DOORS = {"api": "API", "admin": "admin", "import": "import", "beat": "KDAP", "shell": "shell"}


def nobody_of(cause):
    """Return who did what no account did: somebody who answered a form, else the product itself."""
    return "Somebody" if (cause or {}).get("door") == "form" else "KDAP"


def way_of(cause):
    """Return in words by which agent, workflow, form, token or task, or through which door, it came,
    or "". What has a name is called as it was called then.
    """
    cause = cause or {}
    if cause.get("agent_name"):
        return f"the agent “{cause['agent_name']}”"
    if cause.get("workflow_name"):
        return f"the workflow “{cause['workflow_name']}”"
    if cause.get("door") == "form":
        return f"the form “{cause.get('name', '')}”"
    if cause.get("token"):
        return "MCP" if cause.get("door") == "mcp" else "API token"
    if cause.get("task"):
        return f"task “{cause['task']}”"
    return DOORS.get(cause.get("door"), "")


@dataclass
class Page:
    """One page of the log. `cursor` leads to the next one; None at the end.

    `reached` is set when the page ended because enough was looked at: the moment up to which.
    """

    operations: list
    cursor: int | None = None
    reached: dt.datetime | None = None


# What one statement wrote never lies further apart in time than this.
LONGEST = "interval '1 hour'"

WINDOW = """
SELECT e.* FROM events AS e WHERE {scope} AND e.event_id < %(before)s
ORDER BY e.event_id DESC LIMIT %(look)s
"""

# The newest matching event of an operation stands for it. LIMIT inside keeps the planner from
# turning the question about newer ones into a join over the whole log; the time spares it the
# partitions of older months.
LEADERS = """
SELECT e.operation_id, e.event_id, e.timestamp, e.workspace_id, e.user_id, e.cause, host(e.ip)
FROM ({window}) AS e LEFT JOIN LATERAL (
    SELECT true AS exists FROM events AS l
    WHERE l.operation_id = e.operation_id AND l.event_id > e.event_id AND {later_scope}
        AND l.timestamp > e.timestamp - {longest} AND {later_matches} LIMIT 1
) AS newer ON true
WHERE newer.exists IS NULL AND {matches}
ORDER BY e.event_id DESC LIMIT %(most)s
"""

REACHED = "SELECT count(*), min(event_id), min(timestamp) FROM ({window}) AS e"

# Halves the span of ids until it knows from which one on everything is younger than a moment.
YOUNGER = """
WITH RECURSIVE search(low, high) AS (
    SELECT 0::bigint, (SELECT max(e.event_id) + 1 FROM events AS e WHERE {scope})
    UNION ALL
    SELECT CASE WHEN probe.old THEN middle + 1 ELSE low END,
           CASE WHEN probe.old THEN high ELSE middle END
    FROM search, LATERAL (SELECT (low + high) / 2 AS middle) AS half, LATERAL (
        SELECT COALESCE((
            SELECT e.timestamp < %(until)s + {longest} FROM events AS e
            WHERE {scope} AND e.event_id >= middle ORDER BY e.event_id LIMIT 1), false) AS old
    ) AS probe
    WHERE low < high
)
SELECT min(high) FROM search
"""


_seen = []


def seen_only(condition):
    """Leave events out of every log that do not meet an SQL condition on {e}, the event's alias.

    For what one person has for themselves in a workspace that others share.
    """
    _seen.append(condition)


def seen(alias="e"):
    """Return the SQL that leaves out what others have for themselves."""
    return "".join(f" AND {condition.format(e=alias)}" for condition in _seen)


def operations(*, workspace_id, stream_id=None, filters=None, before=None, limit=50, private=True):
    """Return a Page of a workspace's operations, or of those about one stream, newest first.

    `before` is a cursor. Without `private`, what only managers may read is left out. What the
    asker may not read at all is hidden by the database's own wall; check access first.
    """
    filters = filters or Filters()
    scope = "{e}.stream_id = %(scope)s" if stream_id else "{e}.workspace_id = %(scope)s"
    where, params = filters.where()
    where = f"{where} AND {{e}}.type <> ALL(%(private)s){seen('{e}')}"
    window = WINDOW.format(scope=scope.format(e="e"))
    params |= {
        "scope": stream_id or workspace_id,
        "before": before or 2**63 - 1,
        "look": LOOK,
        "most": limit + 1,
        "private": [] if private else private_types(),
    }
    leaders = LEADERS.format(
        window=window,
        matches=where.format(e="e"),
        later_scope=scope.format(e="l"),
        later_matches=where.format(e="l"),
        longest=LONGEST,
    )
    with connection.cursor() as cursor:
        if filters.until and before is None:
            cursor.execute(YOUNGER.format(scope=scope.format(e="e"), longest=LONGEST), params)
            params["before"] = cursor.fetchone()[0] or 0
        cursor.execute(leaders, params)
        found = [_operation(row) for row in cursor.fetchall()]
        page = Page(found[:limit])
        if len(found) > limit:
            page.cursor = found[limit - 1].event_id
        else:
            cursor.execute(REACHED.format(window=window), params)
            looked, lowest, moment = cursor.fetchone()
            if looked == LOOK and not (filters.since and moment < filters.since):
                page.cursor, page.reached = lowest, moment
    tell(page.operations, params["private"])
    return page


def operation(operation_id, *, workspace_id, private=True):
    """Return one Operation of a workspace with all its facts, or None when there is none."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT operation_id, event_id, timestamp, workspace_id, user_id, cause, host(ip) "
            "FROM events WHERE operation_id = %s AND workspace_id = %s "
            "ORDER BY event_id DESC LIMIT 1",
            [operation_id, workspace_id],
        )
        row = cursor.fetchone()
    if row is None:
        return None
    found = _operation(row)
    tell([found], [] if private else private_types())
    return found


def _operation(row):
    return Operation(*row[:5], cause=_parsed(row[5]) or {}, ip=row[6])


def _parsed(value):
    return orjson.loads(value) if isinstance(value, str | bytes) else value


def tell(found, private=()):
    """Fill in the facts and names of operations: a bounded number of questions for all of them."""
    listed = {str(item.id): item for item in found if item.id}
    undone = {key: listed.get(key, item) for key, item in _undone(found).items()}
    everything = [*found, *(item for key, item in undone.items() if key not in listed)]
    _gather(everything, private)
    for item in everything:
        item.undoes = undone.get(item.cause.get("undo_of"))
    people = {str(item.user_id) for item in everything if item.user_id}
    names = Names([fact for item in everything for fact in item.facts], people)
    for item in everything:
        item.names = names


def _undone(found, deep=2):
    """Return {id as text: Operation} of what was undone by `found`, and by those in turn."""
    known, wanted = {}, {item.cause.get("undo_of") for item in found} - {None}
    while wanted and deep:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT DISTINCT ON (operation_id) operation_id, event_id, timestamp, "
                "workspace_id, user_id, cause, host(ip) FROM events "
                "WHERE operation_id = ANY(%s::uuid[]) ORDER BY operation_id, event_id DESC",
                [list(wanted)],
            )
            rows = cursor.fetchall()
        known |= {str(row[0]): _operation(row) for row in rows}
        wanted = {item.cause.get("undo_of") for item in known.values()} - {None} - known.keys()
        deep -= 1
    return known


ENTRIES = """
SELECT COALESCE(operation_id::text, event_id::text), type, stream_id, sum(count)::bigint,
       jsonb_agg(DISTINCT changed) FILTER (WHERE changed IS NOT NULL)
FROM events WHERE {which} AND type LIKE 'entries.%%'
GROUP BY 1, 2, 3 ORDER BY min(event_id)
"""
DEFINITIONS = f"""
SELECT thing, type, stream_id, payload FROM (
    SELECT COALESCE(operation_id::text, event_id::text) AS thing, type, stream_id, event_id,
           payload - {HEAVY} AS payload, row_number() OVER (
               PARTITION BY COALESCE(operation_id::text, event_id::text) ORDER BY event_id) AS place
    FROM events AS e WHERE {{which}} AND type NOT LIKE 'entries.%%' AND type <> ALL(%(private)s){{seen}}
) AS told WHERE place <= {MOST_FACTS} ORDER BY event_id
"""


def _gather(found, private):
    """Give each operation its facts; definitions come first."""
    mine = {str(item.id or item.event_id): item for item in found}
    params = {
        "operations": [item.id for item in found if item.id],
        "events": [item.event_id for item in found if not item.id],
        "private": list(private),
    }
    which = "operation_id = ANY(%(operations)s::uuid[])"
    if params["events"]:  # raw SQL outside of any operation
        which = f"({which} OR event_id = ANY(%(events)s) AND operation_id IS NULL)"
    if not found:
        return
    with connection.cursor() as cursor:
        cursor.execute(DEFINITIONS.format(which=which, seen=seen()), params)
        for thing, type, stream, payload in cursor.fetchall():
            mine[thing].facts.append(Fact(type, stream, payload=_parsed(payload)))
        cursor.execute(ENTRIES.format(which=which), params)
        for thing, type, stream, count, changed in cursor.fetchall():
            keys = dict.fromkeys(key for keys in _parsed(changed) or () for key in keys)
            mine[thing].facts.append(Fact(type, stream, count=count, changed=list(keys)))
