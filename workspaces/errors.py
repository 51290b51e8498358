"""What can go wrong, as a small tree; pages and API show the same sentence."""


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
