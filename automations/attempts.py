"""What a failure means: of a step, or of one thing among many that a worker looks at."""

import logging

from django.db import DatabaseError, OperationalError

from automations import finishing
from automations.steps.base import Failed
from workspaces.errors import KdapError, is_lost, refused_by_database

log = logging.getLogger(__name__)


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


def understood(error, what):
    """Return the KdapError that whatever went wrong with `what` amounts to; raise a lost database.

    One workflow must never keep a worker from all others, however it failed. What nobody foresaw is
    logged; with `again` it may help to try later.
    """
    if isinstance(error, KdapError):
        return error
    if not isinstance(error, DatabaseError):
        log.error("%s", what, exc_info=error)
        return Failed("A mistake in KDAP itself; it is in the server's log.")
    if is_lost(error):
        raise error
    found = refused_by_database(error)
    if found is None:
        log.error("%s", what, exc_info=error)
    said = found.detail if found else "The database refused something that KDAP did not foresee."
    return Failed(said, again=passes(error) or isinstance(error, OperationalError))


def apart(what, work):
    """Return what work() returns, or 0 where it failed, which must not keep other work from its turn.

    Raises when the database is lost.
    """
    try:
        return work()
    except Exception as error:
        if isinstance(error, DatabaseError) and is_lost(error):
            raise
        log.exception("%s", what)
        return 0
