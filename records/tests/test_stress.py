"""Many people write the same few entries at once, through every door, and nothing is lost.

KDAP_STRESS=300 python3 manage.py test records/tests/test_stress.py -n0 -s does it for 300 seconds,
differently each time; it prints the seed, which KDAP_STRESS_SEED takes.
"""

import os
import random
import re
import threading
import time
from collections import Counter

import pytest
from django.db import OperationalError, connections
from django.urls import reverse

from kdap.api import PerActorThrottle
from kdap.tests.people import _person
from records import checking, feed, replay, services
from records.entries import update_entries
from records.past import past_of
from records.tests.api import Api
from records.tests.helpers import add, sql
from records.tests.test_replay import joined  # noqa: F401  (a fixture)
from workspaces import replay as definitions
from workspaces.access import Actor, acting_as
from workspaces.checking import chain_problems
from workspaces.models import Role
from workspaces.operations import undo
from workspaces.services import accept_invitation, change_role, invite

pytestmark = pytest.mark.django_db(transaction=True)

LONG = int(os.environ.get("KDAP_STRESS", 0))
SEED = int(os.environ.get("KDAP_STRESS_SEED", 0)) or (random.randrange(2**32) if LONG else 1)
SECONDS = LONG or 6
WRITERS, COUNTERS, HOT = 7, 2, 5
# A transaction of another database on a shared server holds the feed back as well; seconds.
PATIENCE = 10
# What a writer may be told: done, not there, not as things stand, seen another version, no value.
FINE = {200, 201, 204, 404, 409, 412, 422}


@pytest.fixture
def dora(alice, workspace, joined):  # noqa: F811
    """An editor whose work nobody undoes."""
    return joins(alice, workspace, _person("Dora"))


def joins(alice, workspace, person):
    with alice.acting() as actor:
        asked = {"email": person.user.email, "role": "editor"}
        invitation, _ = invite(workspace=workspace, actor=actor, **asked)
    with person.acting() as actor:
        accept_invitation(invitation=invitation, actor=actor)
    return person


@pytest.fixture
def record(joined, make_record, monkeypatch):  # noqa: F811
    monkeypatch.setattr(PerActorThrottle, "allow_request", lambda *args: True)
    return make_record(title="text", price="integer", note="text", n="integer")


class Writer:
    """A person with a program and a browser, doing one thing after the other until `until`."""

    def __init__(self, person, record, hot, seed, answers):
        self.api, self.browser = Api(person), person.client
        self.browser.raise_request_exception = self.api.client.raise_request_exception = False
        self.id, self.hot, self.chance, self.answers = record.pk, hot, random.Random(seed), answers
        self.made = []

    def call(self, what, method, path, body=None, **headers):
        """Call the API; keep what it answered."""
        answer = self.api(method, f"records/{self.id}/{path}", body, **headers)
        self.answers[what, answer.status_code] += 1
        assert answer.status_code in FINE, (what, answer.status_code, answer.content[:500])
        return answer

    def post(self, what, view, **data):
        url = reverse(view, args=[self.id])
        answer = self.browser.post(url, data, content_type="application/json")
        self.answers[what, answer.status_code] += 1
        assert answer.status_code in FINE, (what, answer.status_code, answer.content[:500])
        return answer

    def some(self):
        return self.chance.sample(self.hot + self.made[-3:], self.chance.randint(1, 3))

    def update(self):
        values = {"price": self.chance.randint(1, 9)}
        rows = [{"entry_id": id} | values for id in self.some()]
        self.call("update", "PATCH", "entries/", rows)

    def type_in_the_grid(self):
        values = {self.chance.choice(["title", "note"]): str(self.chance.randint(1, 9))}
        changes = [{"entry_id": id, "values": values} for id in self.some()]
        self.post("cells", "record_cells", changes=changes)

    def create(self):
        rows = [{"title": "new", "price": n} for n in range(self.chance.randint(1, 3))]
        answer = self.call("create", "POST", "entries/", rows)
        if answer.status_code == 201:
            self.made += [item["entry_id"] for item in answer.data["results"]]

    def upsert(self):
        rows = [{"title": f"key {self.chance.randint(1, 4)}", "price": self.chance.randint(1, 9)}]
        self.call("upsert", "POST", "entries/upsert/", {"keys": ["title"], "rows": rows})

    def delete(self):
        if self.made:
            self.call("delete", "DELETE", "entries/", {"ids": [self.made.pop(0)]})

    def undo(self):
        self.post("undo", "grid_undo", confirmed=True)

    def redo(self):
        self.post("redo", "grid_redo", confirmed=True)

    def work(self):
        """Do one thing."""
        verbs = [self.update] * 5 + [self.type_in_the_grid] * 3 + [self.create, self.upsert] * 2
        self.chance.choice([*verbs, self.delete, self.undo, self.undo, self.redo])()


class Designer(Writer):
    """Changes the structure under the others' hands."""

    def work(self):
        change = self.chance.choice(
            [
                {"op": "change_field", "field": "price", "type": "text"},
                {"op": "change_field", "field": "price", "type": "integer"},
                {"op": "add_field", "field": {"label": "Extra", "type": "text", "default": "x"}},
                {"op": "delete_field", "field": "note"},
                {"op": "restore_field", "field": "note"},
                {"op": "delete_field", "field": "extra"},
                {"op": "change_field", "field": "title", "label": f"T{self.chance.random()}"},
                None,
            ]
        )
        if change:
            body = {"changes": [change], "confirm": True}
            self.call("structure", "PATCH", "structure/", body)
        else:
            self.undo()
        time.sleep(0.15)


class Counting(Writer):
    """Adds one to a number by what it read, and only if nobody was faster."""

    def work(self):
        [id] = self.hot
        seen = self.call("read", "GET", f"entries/{id}/")
        if seen.status_code != 200:
            return  # the structure changed under its feet
        values, headers = {"n": seen.data["n"] + 1}, {"If-Match": seen.headers["ETag"]}
        if self.call("count", "PATCH", f"entries/{id}/", values, **headers).status_code == 200:
            self.made.append(id)


def all_at_once(*work):
    """Run functions in threads of their own until all have ended; raise what one of them raised."""
    failures = []

    def run(function):
        try:
            function()
        except BaseException as error:
            failures.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=[function]) for function in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


class Follower:
    """Reads the feed of a record from its beginning."""

    def __init__(self, record, done):
        self.record, self.done, self.seen, self.ended = record, done, [], None
        self.cursor = f"{record.pk.hex[-8:]}-x0-e0"

    def run(self):
        while not self.has_all():
            with acting_as(Actor.system()):
                found, self.cursor, more = feed.changes(self.record, self.cursor, limit=20)
            self.seen += [event["event_id"] for event in found]
            if not more:
                time.sleep(0.02)

    def has_all(self):
        """Whether all there is was read, or a transaction elsewhere on the server holds it back."""
        if not self.done.is_set():
            return False
        self.ended = self.ended or time.monotonic()
        return self.expected() == sorted(self.seen) or time.monotonic() > self.ended + PATIENCE

    def expected(self):
        """Return the ids of all events; of a feed held back, of those up to its cursor."""
        place = "true"
        if self.ended and time.monotonic() > self.ended + PATIENCE:
            xid, event = re.fullmatch(r".*-x(\d+)-e(\d+)", self.cursor).groups()
            place = f"(xid, event_id) <= ('{xid}'::xid8, {event})"
        with acting_as(Actor.system()):
            found = sql(
                f"SELECT event_id FROM events WHERE stream_id = %s AND {place} ORDER BY 1",
                [self.record.pk],
            )
        return [id for (id,) in found]


def test_writers_on_hot_rows(alice, bob, dora, record):
    print(f"Seed {SEED}")
    *hot, counter = add(alice, record, *[{"title": f"key {n}", "n": 0} for n in range(HOT + 1)])
    answers, done = Counter(), threading.Event()
    chances = random.Random(SEED)
    people = [alice, bob] * WRITERS
    workers = [
        Writer(person, record, hot, chances.random(), answers) for person in people[:WRITERS]
    ]
    workers.append(Designer(alice, record, hot, chances.random(), answers))
    counting = [
        Counting(dora, record, [counter], chances.random(), answers) for _ in range(COUNTERS)
    ]
    until, follower = time.monotonic() + SECONDS, Follower(record, done)

    def go_on(worker):
        def run():
            while time.monotonic() < until:
                worker.work()

        return run

    def write():
        try:
            all_at_once(*map(go_on, [*workers, *counting]))
        finally:
            done.set()

    all_at_once(write, follower.run)
    print({f"{what} {code}": count for (what, code), count in sorted(answers.items())})
    with acting_as(Actor.system()):
        record = type(record).objects.get(pk=record.pk)
        [(counted,)] = sql(f"SELECT n FROM {record.table_name} WHERE entry_id = {counter}")
    assert sorted(follower.seen) == follower.expected()
    assert counted == sum(len(each.made) for each in counting)
    assert answers["update", 200] > SECONDS
    assert proven(record) == []


def proven(record):
    """Return what the log, the chains and the tables have to say against each other."""
    with acting_as(Actor.system()):
        problems = checking.problems(record) + chain_problems()
        problems += replay.check_digests(record).problems
    with definitions.scratch_schema() as real:
        problems += replay.check_by_rebuilding(record, real).problems
    with definitions.scratch_schema() as real:
        definitions.apply_all(real)
        problems += definitions.differences(real)
    return problems


def test_of_several_who_undo_the_same_one_wins(alice, bob, joined, record):  # noqa: F811
    with alice.acting() as actor:
        change_role(member=joined, role=Role.ADMIN, actor=actor)
    [id] = add(alice, record, {"price": 0})
    for value in range(1, 6):
        actor = alice.actor
        with acting_as(actor):
            update_entries(record=record, changes={id: {"price": value}}, actor=actor)
        start, answers = threading.Barrier(4), Counter()

        def take_back(client, start=start, answers=answers, operation=actor.operation):
            client.raise_request_exception = False
            start.wait()
            data = {"operation": str(operation), "confirmed": True}
            url = reverse("grid_undo", args=[record.pk])
            answer = client.post(url, data, content_type="application/json")
            answers[answer.status_code] += 1

        clients = [alice.client, bob.client, alice.client, bob.client]
        all_at_once(*[lambda client=client: take_back(client) for client in clients])
        assert answers == {200: 1, 409: 3}
    assert proven(record) == []


def waits(record):
    """Return whether somebody waits for a lock on the record's table."""
    with acting_as(Actor.system()):
        found = sql(
            "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = %s::regclass",
            [record.table_name],
        )
    return found != [(0,)]


def test_a_structure_changes_when_nobody_writes(alice, record):
    """Whoever writes meanwhile does so by the old structure, and their events come before its end."""
    [id] = add(alice, record, {"price": 1})
    written, tried = threading.Event(), threading.Event()

    def write():
        with alice.acting() as actor:
            update_entries(record=record, changes={id: {"price": 2}}, actor=actor)
            written.set()
            assert tried.wait(10)
            update_entries(record=record, changes={id: {"price": 3}}, actor=actor)

    def restructure():
        assert written.wait(10)
        spec = {"label": "Extra", "type": "text", "default": "x"}
        with alice.acting() as actor:
            changes = [{"op": "add_field", "field": spec}]
            mine = type(record).objects.get(pk=record.pk)
            services.change_structure(record=mine, changes=changes, actor=actor)

    def look():
        until = time.monotonic() + 10
        while not waits(record) and time.monotonic() < until:
            time.sleep(0.005)
        tried.set()

    all_at_once(write, restructure, look)
    assert proven(record) == []


def test_columns_stay_while_an_undo_looks_at_them(alice, record, monkeypatch):
    [id] = add(alice, record, {"price": 1})
    actor = alice.actor
    with acting_as(actor):
        update_entries(record=record, changes={id: {"price": 2}}, actor=actor)
    refused = []

    def look(*args):
        def change():
            with alice.acting():
                sql(f"LOCK TABLE {record.table_name} IN ACCESS EXCLUSIVE MODE NOWAIT")

        try:
            all_at_once(change)
        except OperationalError as error:
            refused.append(error)
        return past_of(*args)

    monkeypatch.setattr("records.undo.past_of", look)
    with alice.acting() as again:
        undo(operation_id=actor.operation, actor=again)
    assert len(refused) == 1


def test_a_reader_of_columns_that_are_gone_is_told_so(alice, record):
    add(alice, record, {"price": 1})
    with acting_as(Actor.system()):
        sql(f"ALTER TABLE {record.table_name} RENAME COLUMN price TO prices")
    answer = alice.client.get(reverse("record_rows", args=[record.pk]))
    assert answer.status_code == 409
    assert "changed in the meantime" in answer.json()["detail"]
