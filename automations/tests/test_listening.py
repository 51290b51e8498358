"""Who begins or stops to listen while transactions are still running hears all, and nothing twice."""

from importlib import import_module

import orjson
import pytest
from django.db import connection

from automations import delivering, dispatch, outgoing, pilot, services
from automations.models import WebhookSubscription
from automations.tests.receivers import ok, receiving
from automations.tests.test_dispatch import Slow, titles, workflow
from automations.tests.workflows import add, settle
from workspaces.access import Actor, acting_as
from workspaces.errors import Conflict

__all__ = ["workflow"]
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def books(make_record):
    return make_record("Books", title="text")


@pytest.fixture
def told(alice, books, settings):
    """A webhook on the books: .act("pause"), and what it was told since it was last asked."""

    class Told:
        def __init__(self, receiver):
            settings.AUTOMATIONS_ALLOWED_HOSTS = [receiver.here]
            self.receiver, self.known = receiver, 0
            with alice.acting() as actor:
                self.webhook, _ = outgoing.create_webhook(
                    record=books,
                    url=receiver.url(),
                    events=WebhookSubscription.Kind.values,
                    actor=actor,
                )

        def act(self, verb, **given):
            with alice.acting() as actor:
                webhook = outgoing.find_webhook(actor, self.webhook.pk)
                return getattr(outgoing, verb)(webhook=webhook, actor=actor, **given)

        def titles(self):
            for _ in range(2):
                dispatch.route()
                delivering.deliver()
            bodies = [
                orjson.loads(request.partition(b"\r\n\r\n")[2])
                for request in self.receiver.requests[self.known :]
            ]
            self.known = len(self.receiver.requests)
            return sorted(body["data"]["entry"]["title"] for body in bodies)

    with receiving(ok()) as receiver:
        yield Told(receiver)


def test_a_transaction_older_than_resuming_is_told_when_it_ends(alice, books, told):
    told.act("pause")
    slow = Slow(alice, books, "long import")
    told.act("resume")
    add(alice, books, {"title": "afterwards"})
    assert told.titles() == ["afterwards"]
    slow.commit()
    assert told.titles() == ["long import"]


def test_what_it_missed_holds_what_was_written_before_the_pause(alice, books, told):
    add(alice, books, {"title": "told"})
    assert told.titles() == ["told"]
    slow = Slow(alice, books, "long import")
    told.act("pause")
    slow.commit()
    add(alice, books, {"title": "meanwhile"})
    assert told.titles() == []
    told.act("resume")
    add(alice, books, {"title": "afterwards"})
    assert told.act("replay") == (2, None)
    assert told.titles() == ["afterwards", "long import", "meanwhile"]
    with pytest.raises(Conflict, match="It missed nothing"):
        told.act("replay")


def test_what_was_committed_but_not_read_before_the_pause_is_missed(alice, books, told):
    dispatch.route()
    add(alice, books, {"title": "not read yet"})
    told.act("pause")
    assert told.titles() == []
    assert told.act("replay") == (1, None)  # it waits, for the webhook is paused
    assert told.titles() == []
    add(alice, books, {"title": "still paused"})
    told.act("resume")
    assert told.titles() == ["not read yet"]
    assert told.act("replay") == (1, None)
    assert told.titles() == ["still paused"]


def test_one_made_while_an_import_runs_is_told_of_it(alice, books, told):
    slow = Slow(alice, books, "long import")
    second = type(told)(told.receiver)
    slow.commit()
    assert second.titles() == ["long import", "long import"]  # both are


def test_a_workflow_published_while_an_import_runs_starts_for_it(alice, books, workflow):
    def act(verb):
        with alice.acting() as actor:
            found = services.find_workflow(actor, workflow.pk)
            getattr(services, verb)(workflow=found, actor=actor)

    act("pause")
    slow = Slow(alice, books, "long import")
    act("resume")
    slow.commit()
    add(alice, books, {"title": "before the second version"})
    act("publish")
    settle()
    assert sorted(titles(workflow)) == ["before the second version", "long import"]


def restore():
    """Leave the database as one that was restored in a cluster which has counted far less."""
    later = "(%s::text::bigint + 1000000000)::text"
    snapshot = "{x}||':'||{x}||':'".format(x=later % "pg_snapshot_xmax({0}::pg_snapshot)")
    with acting_as(Actor.system()), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE events DISABLE TRIGGER USER")
        cursor.execute(f"UPDATE events SET xid = {later % 'xid'}::xid8")
        cursor.execute("ALTER TABLE events ENABLE TRIGGER USER")
        for table, column in [
            ("workflow_feed", "snapshot"),
            ("webhook_subscriptions", "listens_from"),
            ("webhook_subscriptions", "missed_from"),
        ]:
            cursor.execute(f"UPDATE {table} SET {column} = {snapshot.format(column)}")


@pytest.mark.parametrize("resumed", ["before", "after", "never"])
def test_what_a_pause_missed_outlives_a_restore_from_a_dump(alice, books, told, resumed):
    add(alice, books, {"title": "told"})
    assert told.titles() == ["told"]
    told.act("pause")
    add(alice, books, {"title": "meanwhile"})
    if resumed == "before":
        told.act("resume")
    assert told.titles() == []
    add(alice, books, {"title": "last"})
    assert told.titles() == (["last"] if resumed == "before" else [])
    restore()
    assert told.titles() == []  # nothing that was told before is told again
    assert not pilot.due()["events"]
    add(alice, books, {"title": "restored"})
    if resumed == "after":
        told.act("resume")
    add(alice, books, {"title": "afterwards"})
    missed = {
        "before": ["meanwhile"],
        "after": ["last", "meanwhile", "restored"],
        "never": ["afterwards", "last", "meanwhile", "restored"],
    }[resumed]
    now = {"before": ["afterwards", "restored"], "after": ["afterwards"], "never": []}
    assert told.titles() == now[resumed]
    assert told.act("replay") == (len(missed), None)
    if resumed == "never":
        told.act("resume")
    assert told.titles() == missed


def test_a_pause_from_before_snapshots_is_carried_over(alice, books, told):
    add(alice, books, {"title": "told"})
    assert told.titles() == ["told"]
    told.act("pause")
    add(alice, books, {"title": "meanwhile"})
    before = """
        ALTER TABLE webhook_subscriptions ADD COLUMN missed_since bigint;
        SELECT kdap_bind(NULL, true, NULL, NULL, NULL, NULL, NULL);
        UPDATE webhook_subscriptions SET missed_from = NULL, missed_since = last_event_id
    """
    migration = import_module("automations.migrations.0009_listening_from")
    with acting_as(Actor.system()), connection.cursor() as cursor:
        cursor.execute(before)
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(migration.CARRY_OVER)
        cursor.execute("ALTER TABLE webhook_subscriptions DROP COLUMN missed_since")
    assert told.act("replay") == (1, None)
    told.act("resume")
    assert told.titles() == ["meanwhile"]
