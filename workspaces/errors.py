"""What can go wrong, as a small tree; pages and API show the same sentence."""

from django.db import DatabaseError, DataError, InterfaceError, OperationalError


class KdapError(Exception):
    """Something a person can understand and mend.

    `problems` is a list of {"pointer": JSON pointer, "detail": sentence} for errors that
    belong to one value among many.
    """

    status = 400
    title = "That did not work"

    def __init__(self, detail, *, problems=(), **extra):
        super().__init__(detail)
        self.detail = detail
        self.problems = list(problems)
        self.extra = extra


class Invalid(KdapError):
    """The values or names given can't be taken."""

    status = 422
    title = "Some values can't be taken"


class InvalidStructure(Invalid):
    """A structure that could not become a table."""

    title = "This structure can't be used"


class Conflict(KdapError):
    """As things stand it can't be done; mostly because somebody changed the same thing first."""

    status = 409
    title = "Not as things stand"


class PreconditionFailed(Conflict):
    """The version that the caller saw is not the newest (RFC 9110, If-Match)."""

    status = 412


class DestructiveChange(Conflict):
    """A change that would lose cells and was not confirmed."""

    title = "This would lose data"


class Forbidden(KdapError):
    """Known to the workspace, but not allowed to do this."""

    status = 403
    title = "You may not do that"


class Missing(KdapError):
    """Not there, or not for this person: nobody can tell which."""

    status = 404
    title = "Not found"


class Unavailable(KdapError):
    """The database went away. Whether the change was made nobody can say; ask again."""

    status = 503
    title = "Not available at this moment"


# SQLSTATE (PostgreSQL, appendix A) → what it means to the person who asked.
REFUSALS = {
    "22": (Invalid, "A value does not fit its field, or can't be compared in this way."),
    "42703": (Conflict, "The structure was changed in the meantime. Load it again."),
    "42P01": (Conflict, "The structure was changed in the meantime. Load it again."),
    "42804": (Conflict, "The structure was changed in the meantime. Load it again."),
    "42883": (Conflict, "The structure was changed in the meantime. Load it again."),
    "0A000": (Conflict, "The structure was changed in the meantime. Load it again."),
    "40001": (Conflict, "Somebody else changed the same thing at this moment. Try again."),
    "40P01": (Conflict, "Somebody else changed the same thing at this moment. Try again."),
    "55P03": (Conflict, "Somebody else changed the same thing at this moment. Try again."),
    "42501": (Forbidden, "The database's own wall refused this."),
    "23505": (Conflict, "This exists already."),
}


def is_lost(error):
    """Whether a DatabaseError means that the database went away, whatever it was asked."""
    state = getattr(error.__cause__, "sqlstate", None)
    gone = isinstance(error, (OperationalError, InterfaceError))
    return gone and (state is None or state.startswith(("08", "57P")))


def refused_by_database(error):
    """Return the KdapError behind a django.db.DatabaseError, or None when it is our own fault."""
    if is_lost(error):
        return Unavailable("The database was away for a moment. Try again.")
    state = getattr(error.__cause__, "sqlstate", None) or ""
    if isinstance(error, DataError) and not state:
        state = "22"  # refused by the driver, before it was sent
    kind, detail = REFUSALS.get(state) or REFUSALS.get(state[:2]) or (None, None)
    return kind(detail) if kind else None


def in_words(error):
    """Return the KdapError that people get to see for an exception, or None.

    For a database that went away there are none: nothing can be answered from within its transaction.
    """
    if isinstance(error, DatabaseError) and not is_lost(error):
        return refused_by_database(error)
    return error if isinstance(error, KdapError) else None


def pointer_step(key):
    """Return a key as one step of a JSON pointer (RFC 6901), at most 60 characters of it."""
    return str(key)[:60].replace("~", "~0").replace("/", "~1")
