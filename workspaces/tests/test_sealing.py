"""Seals over the log: every event once, in the order of commits; nothing changes unnoticed."""

import json
import time
from contextlib import closing
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from records.tests.helpers import sql
from workspaces import sealing
from workspaces.access import Actor, acting_as
from workspaces.sealing import EventSeal, seal_all
from workspaces.services import rename_workspace

pytestmark = pytest.mark.django_db(transaction=True)
FINISHED = sealing.FINISHED


@pytest.fixture
def sealed(transactional_db, alice, workspace, monkeypatch):
    """A log with several seals."""
    monkeypatch.setattr(sealing, "MOST", 3)
    # Tests that run beside this one on the same server hold seals back as any transaction does.
    monkeypatch.setattr(sealing, "FINISHED", "true")
    with alice.acting() as actor:
        for number in range(5):
            rename_workspace(workspace=workspace, name=f"Shop {number}", actor=actor)
    assert seal_all() > 5
    return seals()


def seals():
    with acting_as(Actor.system()):
        return list(EventSeal.objects.order_by("position"))


def check(expected=None):
    with acting_as(Actor.system()):
        return sealing.check(expected)


def forge(statement, table="events"):
    """Run SQL on the log as one who rules the database."""
    with acting_as(Actor.system()):
        parts = [
            name
            for (name,) in sql(
                "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = %s::regclass",
                [table],
            )
        ]
        for name in [table, *parts]:
            sql(f"ALTER TABLE {name} DISABLE TRIGGER USER")
        sql(statement)
        for name in [table, *parts]:
            sql(f"ALTER TABLE {name} ENABLE TRIGGER USER")


def test_seals_cover_every_event_once(sealed):
    assert [seal.position for seal in sealed] == list(range(1, len(sealed) + 1))
    assert {seal.count for seal in sealed[:-1]} == {3}
    with acting_as(Actor.system()):
        [(events,)] = sql("SELECT count(*) FROM events")
    assert check() == (events, 0, None)
    assert seal_all() == 0


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE events SET payload = payload || '{\"x\": 1}' WHERE event_id = %s",
        "UPDATE events SET user_id = NULL WHERE event_id = %s",
        "UPDATE events SET timestamp = timestamp + interval '1 microsecond' WHERE event_id = %s",
        "UPDATE events SET xid = (xid::text::bigint - 1)::text::xid8 WHERE event_id = %s",
        "DELETE FROM events WHERE event_id = %s",
        "INSERT INTO events (event_id, type, stream_id, xid) "
        "SELECT event_id, type, stream_id, xid FROM events "
        "WHERE event_id = %s",
    ],
)
def test_the_first_broken_seal_is_named(sealed, statement):
    second = sealed[1]
    forge(statement % second.last_event_id)
    covered, _, problem = check()
    assert covered == 3
    assert problem.startswith("Seal 2 of ")


def test_the_end_of_the_chain_can_not_be_cut_off_unnoticed(sealed):
    kept = sealed[-1].proof
    assert check(kept)[2] is None
    forge("DELETE FROM event_seals WHERE position > 1", table="event_seals")
    assert check()[2] is None
    assert "no seal" in check(kept)[2]


def test_a_chain_made_anew_is_not_the_one_that_was_kept(sealed):
    kept = sealed[-1].proof
    forge("DELETE FROM event_seals", table="event_seals")
    forge("UPDATE events SET user_id = NULL")
    seal_all()
    assert check()[2] is None
    assert "made anew" in check(kept)[2]


def test_a_seal_in_the_middle_is_missed(sealed):
    forge("DELETE FROM event_seals WHERE position = 2", table="event_seals")
    assert "follows on seal 1" in check()[2]


def patiently(count):
    """Seal until `count` events are sealed; others' transactions end some time."""
    done, until = 0, time.monotonic() + 90
    while (done := done + seal_all()) < count and time.monotonic() < until:
        time.sleep(0.05)
    return done


def test_what_a_long_transaction_commits_late_is_sealed_in_its_order(
    sealed, alice, workspace, monkeypatch
):
    monkeypatch.setattr(sealing, "FINISHED", FINISHED)
    slow = connection.copy()
    slow.connect()
    slow.set_autocommit(False)
    with closing(slow):  # an open transaction would hold up what follows a failed test
        with slow.cursor() as cursor:
            cursor.execute("SELECT set_config('kdap.system', 'on', true)")
            cursor.execute(
                "INSERT INTO events (type, stream_id) VALUES ('x.slow', gen_random_uuid())"
            )
        with alice.acting() as actor:
            rename_workspace(workspace=workspace, name="Quick", actor=actor)
        assert seal_all() == 0  # what is committed already waits for what may come before it
        assert check()[1] == 1
        slow.commit()
    assert patiently(2) == 2
    assert check()[1:] == (0, None)


def test_seals_go_across_partitions(sealed):
    with acting_as(Actor.system()):
        sql(
            "INSERT INTO events (type, stream_id, timestamp) VALUES "
            "('x.later', gen_random_uuid(), now() + interval '40 days'), "
            "('x.now', gen_random_uuid(), now()), "
            "('x.stray', gen_random_uuid(), '2020-01-01')"
        )
    assert seal_all() == 3
    assert check()[1:] == (0, None)


def test_a_restored_dump_is_told(sealed, caplog):
    with acting_as(Actor.system()):
        ahead = sealed[-1].last_xid + 10**9
        EventSeal.objects.create(
            position=10**6, last_xid=ahead, last_event_id=0, count=1, sha256="0" * 64
        )
    assert seal_all() == 0
    assert "restored from a dump" in caplog.text


def test_seals_stay_and_are_nobodys_but_the_systems(sealed, alice):
    with alice.acting():
        assert not EventSeal.objects.exists()
        with pytest.raises(DatabaseError), transaction.atomic():
            EventSeal.objects.create(
                position=99, last_xid=1, last_event_id=1, count=1, sha256="0" * 64
            )
    for statement in ("UPDATE event_seals SET count = 1", "DELETE FROM event_seals"):
        with acting_as(Actor.system()), pytest.raises(DatabaseError), transaction.atomic():
            sql(statement)


def test_the_command_prints_the_head_and_checks_the_chain(sealed):
    said = StringIO()
    call_command("replay", "--seal-head", stdout=said)
    head = json.loads(said.getvalue())
    assert head["proof"] == f"{head['position']}:{sealed[-1].sha256}"
    call_command("replay", "--verify", "--chain", head=head["proof"], stdout=said)
    assert "Every seal holds" in said.getvalue()
    forge(f"DELETE FROM events WHERE event_id = {sealed[0].last_event_id}")
    with pytest.raises(CommandError, match=r"Seal 1 of .* is broken"):
        call_command("replay", "--verify", "--chain", stdout=said)


def test_staff_see_and_export_seals(sealed, admin_user, bob):
    client = Client()
    client.force_login(admin_user)
    page = client.get(reverse("admin:workspaces_eventseal_changelist")).content.decode()
    assert sealed[-1].sha256 in page
    kept = client.get(reverse("admin:event_seal_head"))
    assert kept.json()["proof"] == sealed[-1].proof
    assert timezone.datetime.fromisoformat(kept.json()["sealed_at"])
    assert bob.client.get(reverse("admin:event_seal_head")).status_code == 302
