"""The log's partitions are there before they are needed."""

from django.db import connection

from workspaces.access import Actor, acting_as
from workspaces.tasks import make_event_partitions


def test_partitions_are_made_ahead_once(db):
    assert make_event_partitions() == 0
    with acting_as(Actor.system()), connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_inherits WHERE inhparent = 'events'::regclass")
        assert cursor.fetchone()[0] == 5  # this month, three ahead, and the rest
