"""The one place that answers "may this actor do this here"."""

from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from uuid import UUID

import orjson
from django.db import connection, transaction
from uuid_utils.compat import uuid7

from workspaces.errors import Forbidden, Missing
from workspaces.models import Member, Role

# The least role that may do each thing.
NEEDS = {
    "read": Role.VIEWER,
    "comment": Role.COMMENTER,
    "write": Role.EDITOR,
    "structure": Role.ADMIN,
    "admin": Role.ADMIN,
    "undo_others": Role.ADMIN,
    "own": Role.OWNER,
}
RANK = {role: rank for rank, role in enumerate(reversed(Role.values))}
# What a token must have been given for each thing.
SCOPE = {"comment": "write", "own": "admin", "undo_others": "admin"}


@dataclass(frozen=True)
class Actor:
    """Who is asking, through which door, and what a token lets them do.

    `user` is None for the system itself; `everything` lifts the database's wall (staff in
    admin, maintenance); `cause` is a small dict kept with every event. `roles` holds what was
    already looked up in this transaction, as {workspace id: Role or None}.

    `adds` is the id of the one record to which an actor without any role may add entries, as a
    public form does; it may do nothing else, not even read them.
    """

    user: object = None
    everything: bool = False
    token: object = None
    ip: str | None = None
    cause: dict = field(default_factory=dict)
    adds: UUID | None = None
    operation: UUID = field(default_factory=uuid7)
    roles: dict = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def system(cls, **cause):
        """The product itself: beat tasks, commands, maintenance."""
        return cls(everything=True, cause=cause)

    def again(self, **cause):
        """The same actor with a new operation, so that it can be undone by itself."""
        return replace(self, operation=uuid7(), cause={**self.cause, **cause}, roles={})

    @property
    def user_id(self):
        return self.user.pk if self.user is not None else None


NOBODY = Actor()
_actor = ContextVar("actor", default=NOBODY)


def current_actor():
    """Return the Actor bound by the innermost `acting_as`, or one that may do nothing."""
    return _actor.get()


def _bind(actor):
    token = actor.token
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT kdap_bind(%s, %s, %s, %s, %s, %s, %s)",
            [
                actor.user_id,
                actor.everything,
                actor.operation,
                orjson.dumps(actor.cause, default=str).decode() if actor.cause else None,
                actor.ip,
                token.workspaces if token else None,
                token.verbs if token else None,
            ],
        )
        if actor.adds:
            cursor.execute("SELECT set_config('kdap.adds', %s, true)", [str(actor.adds)])


@contextmanager
def acting_as(actor):
    """Run the block in a transaction in which the database knows `actor`.

    Nested uses bind the inner actor for the block and the outer one again after it.
    """
    outer, nested = _actor.get(), connection.in_atomic_block
    token = _actor.set(actor)
    try:
        with transaction.atomic():
            _bind(actor)
            yield actor
            if nested and not connection.needs_rollback:
                _bind(outer)
    finally:
        _actor.reset(token)


@contextmanager
def because(**more):
    """Add to the cause of what the block writes; the caller is acting already."""
    cause = current_actor().cause
    _set_cause({**cause, **more})
    yield
    _set_cause(cause)


def _set_cause(cause):
    text = orjson.dumps(cause, default=str).decode() if cause else ""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('kdap.cause', %s, true)", [text])


def rebind():
    """Look memberships up again, after the running transaction changed them."""
    current_actor().roles.clear()
    _bind(current_actor())


@contextmanager
def wall_lifted():
    """Let the block reach rows of every workspace, in the actor's own name.

    Only for what access rules can't express, such as making a workspace that nobody is a
    member of yet; the caller has checked the actor.
    """
    with acting_as(replace(current_actor(), everything=True)):
        yield


def role_in(actor, workspace):
    """Return the actor's Role in `workspace` (a Workspace or its id), or None."""
    if actor.user is None or not actor.user.is_active:
        return None
    workspace_id = getattr(workspace, "pk", workspace)
    if workspace_id in actor.roles:
        return actor.roles[workspace_id]
    mine = Member.objects.filter(user=actor.user, workspace_id=workspace_id)
    role = next(iter(mine.values_list("role", flat=True)), None)
    return Role(role) if role is not None else None


def allows(actor, action, workspace):
    """Return whether `actor` may do `action` (a key of NEEDS) in `workspace`."""
    return refusal(actor, action, workspace) is None


def refusal(actor, action, workspace):
    """Return None when allowed, else the error to raise: Missing or Forbidden."""
    if actor.everything:
        return None
    role = role_in(actor, workspace)
    token = actor.token
    workspace_id = getattr(workspace, "pk", workspace)
    if role is None or (
        token and token.workspaces is not None and workspace_id not in token.workspaces
    ):
        return Missing("There is no such thing here, or it is not shared with you.")
    if token and SCOPE.get(action, action) not in token.verbs:
        return Forbidden(f"This token was not given the right “{SCOPE.get(action, action)}”.")
    if RANK[role] < RANK[NEEDS[action]]:
        needed = NEEDS[action].label.lower()
        return Forbidden(f"You are {role.label.lower()} here; this needs the role {needed}.")
    return None


def require(actor, action, workspace):
    """Raise Missing or Forbidden unless `actor` may do `action` in `workspace`."""
    error = refusal(actor, action, workspace)
    if error is not None:
        raise error


def require_adding(actor, record_id):
    """Raise Missing unless `actor` may add entries to that one record without any role."""
    if actor.adds is None or actor.adds != record_id:
        raise Missing("There is no such thing here, or it is not shared with you.")
