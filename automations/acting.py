"""In whose name a workflow works: their rights, and their time of day."""

from contextlib import contextmanager

from django.utils import timezone

from accounts.middleware import zone_of
from workspaces.access import Actor, acting_as


def at_home_of(user):
    """Return a context in which today, now and dates without a zone are those of a person."""
    return timezone.override(zone_of(user))


@contextmanager
def in_name_of(user):
    """Act as the person who published a version, for what is read before its runs; yield the Actor."""
    with (
        at_home_of(user),
        acting_as(Actor(user=user, cause={"door": "automation"})) as actor,
    ):
        yield actor
