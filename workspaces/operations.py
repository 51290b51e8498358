"""Taking operations back: everything one request, import or task did, as one unit.

Nothing is erased. An undo is an operation of its own that compensates, so it is in the log like
any other and can itself be taken back, which is redo. How an event is compensated is one function
of its type, registered beside the one that applies it.
"""

from dataclasses import dataclass, field
from uuid import UUID

from django.db import connection, transaction

from workspaces import access
from workspaces.errors import Conflict, Missing
from workspaces.models import Event

_inverses, _finals, _weighers = {}, {}, {}

# More changes than this are shown before they are made.
MANY = 1000
# What an undo of more than so many entries would do is found out by reading, where that can tell.
WEIGHED = 1000
MOST_EXAMPLES = 10
# Events on a stream that are searched for what somebody did last.
LOOK_BACK = 5000
LOCK = 7003


@dataclass
class Outcome:
    """What an undo did, or would do.

    `restored` and `kept` count cells, entries and definitions. What is kept was changed since, or
    would break a rule of today.
    `examples` are dicts with detail, and entry_id and field where there are any.
    """

    restored: int = 0
    kept: int = 0
    examples: list = field(default_factory=list)
    operation: UUID | None = None

    def add(self, restored=0, kept=0, examples=()):
        """Count more."""
        self.restored += restored
        self.kept += kept
        room = MOST_EXAMPLES - len(self.examples)
        self.examples.extend(list(examples)[:room])

    @property
    def needs_confirmation(self):
        """Whether a person should see this before it is done."""
        return self.kept > 0 or self.restored > MANY

    @property
    def detail(self):
        """The counts as a sentence."""
        return self.told("restored")

    def told(self, done):
        """Return the counts as a sentence with the word for what was done, such as “taken back”."""
        if not self.restored and not self.kept:
            return "There was nothing left to take back."
        kept = f", {self.kept:,} kept as they are" if self.kept else ""
        return f"{self.restored:,} {done}{kept}."

    def as_json(self):
        """Return it as a JSON-able dict."""
        return {
            "restored": self.restored,
            "kept": self.kept,
            "examples": self.examples,
            "detail": self.detail,
            "operation": self.operation,
        }


def undoes(*types):
    """Register the decorated function as what compensates events of `types`.

    It is called as f(event, actor, outcome, force): it makes the compensating change through a
    service, which checks the actor, and adds to the outcome. With `force` it also takes back
    what was changed since.
    """

    def register(function):
        for type in types:
            _inverses[type] = function
        return function

    return register


def weighs(*types):
    """Register the decorated function as what finds out by reading what undoing `types` would do.

    It is called as f(events, actor, outcome, force) with all events that an undo would compensate,
    and adds to the outcome what that would add. It returns False when only trying can tell.
    """

    def register(function):
        for type in types:
            _weighers[type] = function
        return function

    return register


def never_undone(type, sentence):
    """Say why events of `type` can't be taken back, nor the rest of their operation."""
    _finals[type] = sentence


def can_be_undone(type):
    """Return whether events of `type` have a compensation."""
    return type in _inverses


def events_of(operation_id):
    """Return the events of an operation that the asker may read, oldest first."""
    return list(Event.objects.filter(operation_id=operation_id).order_by("id"))


def is_about(operation_id, stream_id):
    """Return whether an operation has events in a stream that the asker may read."""
    return Event.objects.filter(operation_id=operation_id, stream_id=stream_id).exists()


class _Rehearsed(Exception):
    """Rolls back what was only tried."""


def carry_out(work, *, actor, preview=False, ask=False):
    """Run work(outcome) in `actor`'s name as one operation; return the Outcome.

    With `preview` nothing is changed: all is done and rolled back, so that the figures are those
    of the real thing. With `ask` that happens when a person should see the outcome first. Its
    `operation` is None then.
    """
    outcome = Outcome()
    try:
        with transaction.atomic(), access.acting_as(actor):
            work(outcome)
            if preview or (ask and outcome.needs_confirmation):
                raise _Rehearsed
    except _Rehearsed:
        return outcome
    outcome.operation = actor.operation
    return outcome


def undo(*, operation_id, actor, force=False, preview=False, ask=False):
    """Take an operation back; return the Outcome.

    A cell is restored where it still holds what the operation wrote; what was changed since is
    kept and counted, or with `force` taken back as well. `preview` and `ask` are carry_out's; of
    a large operation they only read where they can, so that nobody waits for what is only tried.
    Raises Missing, Forbidden, or Conflict with the reason.
    """
    inner = actor.again(undo_of=str(operation_id))
    if preview or ask:
        weighed = _weigh(operation_id, inner, force)
        if weighed and (preview or weighed.needs_confirmation):
            return weighed

    def work(outcome):
        _undo(operation_id, inner, force, outcome)

    return carry_out(work, actor=inner, preview=preview, ask=ask)


def _undo(operation_id, actor, force, outcome):
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [LOCK, str(operation_id)])
    for event in _effective(_takable(operation_id, actor)):
        inverse = _inverses.get(event.type)
        if inverse is None:
            raise Conflict(f"“{event.type}” can't be undone.")
        inverse(event, actor, outcome, force)


def _weigh(operation_id, actor, force):
    """Return the Outcome that undoing a large operation would have; None if reading can't tell."""
    outcome = Outcome()
    with transaction.atomic(), access.acting_as(actor):
        events = list(_effective(_takable(operation_id, actor)))
        weighers = {_weighers.get(event.type) for event in events}
        weigher = weighers.pop() if len(weighers) == 1 else None
        if weigher is None or sum(event.count or 0 for event in events) <= WEIGHED:
            return None
        return outcome if weigher(events, actor, outcome, force) else None


def _takable(operation_id, actor):
    """Return the operation's events if they can be taken back, and by the actor."""
    events = _permitted(operation_id, actor)
    if operation_id in undone([operation_id]):
        raise Conflict("This is undone already.")
    for event in events:
        if event.type in _finals:
            raise Conflict(_finals[event.type])
    return events


def _permitted(operation_id, actor):
    """Return the operation's events if the actor may take them back."""
    events = events_of(operation_id)
    if not events or any(event.workspace_id is None for event in events):
        raise Missing("There is no such operation, or it is not shared with you.")
    for workspace_id in {event.workspace_id for event in events}:
        access.require(actor, "read", workspace_id)
        if any(event.user_id != actor.user_id for event in events):
            access.require(actor, "undo_others", workspace_id)
    return events


def _effective(events):
    """Yield the events to compensate, newest first.

    What happened inside a thing that the same operation made goes to the trash with it; what only
    followed from a change of structure goes back with that.
    """
    made = {event.stream_id: event for event in events if event.version == 1}
    for event in reversed(events):
        if "settles" in (event.cause or {}):
            continue
        of_new_room = event.workspace_id in made and event.stream_id != event.workspace_id
        if not of_new_room and made.get(event.stream_id, event) is event:
            yield event


# Whoever presses undo and redo in turn makes a long chain.
UNDOERS = """
WITH RECURSIVE chain(target, undoer) AS (
    SELECT undo_of, operation_id FROM events WHERE undo_of = ANY(%s::uuid[])
    UNION SELECT e.undo_of, e.operation_id FROM chain JOIN events e ON e.undo_of = chain.undoer
) SELECT target, undoer FROM chain
"""


def undone(operation_ids):
    """Return the set of those operations that are taken back as things stand."""
    asked, undoers, states = set(map(_uuid, operation_ids)), {}, {}
    with connection.cursor() as cursor:
        cursor.execute(UNDOERS, [list(asked)])
        for target, undoer in cursor.fetchall():
            undoers.setdefault(target, []).append(undoer)
    pending = list(asked)
    while pending:
        operation = pending[-1]
        unknown = [by for by in undoers.get(operation, ()) if by not in states]
        if unknown:
            pending += unknown
        else:
            states[operation] = any(not states[by] for by in undoers.get(operation, ()))
            pending.pop()
    return {operation for operation in asked if states[operation]}


def undoer(operation_id):
    """Return the id of the operation that took another one back, as things stand; None without."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT operation_id FROM events WHERE undo_of = %s "
            "GROUP BY operation_id ORDER BY max(event_id) DESC",
            [operation_id],
        )
        found = [id for (id,) in cursor.fetchall()]
    gone = undone(found)
    return next((id for id in found if id not in gone), None)


def _uuid(value):
    return value if isinstance(value, UUID) else UUID(str(value))


# One's own newest operations on a stream, as (operation_id, undo_of), oldest first. Making the
# thing itself, or putting it in the trash, is undone where it is listed and not from within.
RECENT = """
SELECT operation_id, undo_of FROM (
    SELECT operation_id, undo_of, user_id, event_id, type FROM events
    WHERE stream_id = %(stream)s ORDER BY event_id DESC LIMIT %(most)s
) AS newest
WHERE user_id = %(user)s AND operation_id IS NOT NULL
GROUP BY operation_id, undo_of
HAVING NOT bool_or(type ~ '^(record|workspace)\\.(created|deleted|restored)$|^entries\\.erased$')
ORDER BY min(event_id)
"""


def stacks(actor, stream_id):
    """Return (undo, redo): lists of ids of the actor's own operations, the next one last.

    A new operation forgets what could be redone. What somebody else took back is left out.
    """
    with connection.cursor() as cursor:
        cursor.execute(RECENT, {"stream": stream_id, "most": LOOK_BACK, "user": actor.user_id})
        rows = cursor.fetchall()
    back, forth = [], []
    for operation, target in rows:
        if target is None:
            back.append(operation)
            forth.clear()
        elif target in back:
            back.remove(target)
            forth.append(operation)
        elif target in forth:
            forth.remove(target)
            back.append(operation)
        else:  # it took back what somebody else did
            back.append(operation)
    gone = undone(back + forth)
    return [id for id in back if id not in gone], [id for id in forth if id not in gone]
