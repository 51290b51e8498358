"""One attempt at a step: what it was given, and what its failure means."""

from automations import finishing
from automations.steps.base import Failed
from workspaces.errors import KdapError, is_lost, refused_by_database


def told(work, go):
    """Return work(go); the row of the Go tells what the step was given, also when it failed."""
    try:
        return work(go)
    finally:
        if go.told:
            go.row.input = (go.row.input or {}) | finishing.as_input(go.told)


def said(error):
    """Return the KdapError behind what a step raised; raise again what is about no step."""
    if isinstance(error, KdapError):
        return error
    if is_lost(error):
        raise error
    found = refused_by_database(error)
    if found is None:
        raise error
    return Failed(found.detail, again=passes(error))


def passes(error):
    """Whether a DatabaseError was about others who did something at the same time."""
    return getattr(error.__cause__, "sqlstate", "") in ("40001", "40P01", "55P03")
