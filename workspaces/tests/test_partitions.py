"""The log's partitions are there before they are needed."""

import datetime as dt

from django.db import connection
from django.test import Client
from django.utils import timezone

from workspaces.access import Actor, acting_as
from workspaces.partitions import partitions_problem
from workspaces.tasks import make_event_partitions


def test_partitions_are_made_ahead_once(db):
    assert make_event_partitions() == 0
    with acting_as(Actor.system()), connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_inherits WHERE inhparent = 'events'::regclass")
        assert cursor.fetchone()[0] == 5  # this month, three ahead, and the rest


def test_all_is_well(db):
    with acting_as(Actor.system()):
        assert partitions_problem() is None


def test_a_missing_month_is_told_to_staff(db, admin_user):
    next_month = (timezone.now().replace(day=1) + dt.timedelta(days=32)).strftime("events_%Y_%m")
    with acting_as(Actor.system()), connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE {next_month}")
        assert "next month" in partitions_problem()
    client = Client()
    client.force_login(admin_user)
    assert "next month" in client.get("/admin/").content.decode()


def test_events_without_a_month_are_an_error_in_the_log(db, caplog):
    with acting_as(Actor.system()), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO events (type, stream_id, timestamp) "
            "VALUES ('x.happened', gen_random_uuid(), '2020-01-01')"
        )
    make_event_partitions()
    assert "outside the months" in caplog.text
