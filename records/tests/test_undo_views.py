"""Undo and redo from the grid, and what others did meanwhile."""

import time

import orjson
import psycopg
import pytest
from django.db import connection
from django.urls import reverse

from kdap.tests.people import give_role
from records import feed
from records.entries import delete_entries, update_entries
from records.tests.helpers import add, column, events
from workspaces.access import acting_as
from workspaces.errors import Invalid
from workspaces.models import Role


@pytest.fixture
def record(make_record):
    return make_record(title="text", price="integer")


def post(person, view, record, **data):
    answer = person.client.post(
        reverse(view, args=[record.pk]), orjson.dumps(data), content_type="application/json"
    )
    return answer.status_code, orjson.loads(answer.content)


def edit(person, record, id, **values):
    """Change cells of one entry as the grid does; return the answer."""
    return post(person, "record_cells", record, changes=[{"entry_id": id, "values": values}])[1]


def prices(person, record):
    with person.acting():
        return column(record, "price")


def test_undo_and_redo_walk_along_ones_own_operations(alice, record):
    [id] = add(alice, record, {"price": 1})
    edit(alice, record, id, price=2)
    edit(alice, record, id, price=3)
    status, answer = post(alice, "grid_undo", record)
    assert (status, answer["done"], answer["restored"]) == (200, True, 1)
    assert answer["sentence"].startswith("Undid: ")
    assert answer["can"] == {"undo": True, "redo": True}
    post(alice, "grid_undo", record)
    assert prices(alice, record) == [1]
    _, answer = post(alice, "grid_redo", record)
    assert answer["sentence"].startswith("Did again: ")
    post(alice, "grid_redo", record)
    assert prices(alice, record) == [3]
    _, answer = post(alice, "grid_redo", record)
    assert (answer["done"], answer["sentence"]) == (False, "There is nothing to redo.")


def test_the_grid_names_the_operation_it_wants_back(alice, record):
    [id] = add(alice, record, {"price": 1})
    first = edit(alice, record, id, price=2)["operation"]
    edit(alice, record, id, title="x")
    _, answer = post(alice, "grid_undo", record, operation=first)
    assert answer["done"]
    assert prices(alice, record) == [1]


def test_a_conflict_is_asked_about_first(alice, bob, record):
    [id] = add(alice, record, {"price": 1})
    first = edit(alice, record, id, price=2)["operation"]
    edit(bob, record, id, price=3)
    _, answer = post(alice, "grid_undo", record, operation=first)
    assert not answer["done"]
    assert (answer["confirm"]["restored"], answer["confirm"]["kept"]) == (0, 1)
    assert answer["confirm"]["examples"][0]["field"] == "Price"
    _, answer = post(alice, "grid_undo", record, operation=first, force=True)
    assert answer["done"]
    assert prices(alice, record) == [1]


def test_what_others_deleted_does_not_bar_the_way_to_what_lies_before(alice, bob, record):
    [id] = add(alice, record, {"price": 1})
    edit(alice, record, id, price=2)
    [gone] = add(alice, record, {"price": 7})
    with bob.acting() as actor:
        delete_entries(record=record, ids=[gone], actor=actor)
    _, answer = post(alice, "grid_undo", record)
    assert answer["done"]
    assert prices(alice, record) == [1]


@pytest.mark.parametrize("named", ["x", 5, "00000000-0000-0000-0000-000000000000", ["a"]])
def test_what_is_no_operation_is_refused(alice, record, named):
    status, answer = post(alice, "grid_undo", record, operation=named)
    assert status in (404, 422)
    assert answer["detail"]


def test_a_viewer_may_not_and_a_stranger_finds_nothing(alice, bob, charlie, workspace, record):
    [id] = add(alice, record, {"price": 1})
    done = edit(bob, record, id, price=2)["operation"]
    give_role(workspace, bob, Role.VIEWER)
    assert post(bob, "grid_undo", record)[0] == 403
    assert post(charlie, "grid_undo", record, operation=done)[0] == 404


def test_news_says_what_others_did(alice, bob, record):
    [id] = add(alice, record, {"price": 1})
    address = reverse("grid_news", args=[record.pk])
    start = orjson.loads(alice.client.get(address).content)
    assert start["events"] == []
    edit(bob, record, id, price=2)
    news = orjson.loads(alice.client.get(address, {"since": start["cursor"]}).content)
    # All of a test is one transaction, and what it wrote before may be told again.
    [event] = [item for item in news["events"] if item["type"] == "entries.updated"]
    assert (event["type"], event["ids"], event["changed"], event["mine"]) == (
        "entries.updated",
        [id],
        ["price"],
        False,
    )
    assert news["version"] == 1


@pytest.mark.django_db(transaction=True)
def test_the_feed_gives_each_event_once_and_waits_for_those_that_run(alice, record):
    seen, cursor = [], ""

    def read():
        nonlocal cursor
        with alice.acting():
            found, cursor, _ = feed.changes(record, cursor, limit=1)
        seen.extend(event["event_id"] for event in found)

    def read_until(type):
        with alice.acting():
            wanted = events(record, type)[-1].id
        deadline = time.monotonic() + 60  # transactions of other tests hold the feed back as well
        while wanted not in seen and time.monotonic() < deadline:
            read()
        return wanted

    read()
    [id] = add(alice, record, {"price": 1})
    read_until("entries.created")
    of = connection.settings_dict
    with psycopg.connect(
        host=of["HOST"],
        port=of["PORT"],
        user=of["USER"],
        password=of["PASSWORD"],
        dbname=of["NAME"],
    ) as slow:
        slow.execute("SELECT pg_current_xact_id()")
        actor = alice.actor
        with acting_as(actor):
            update_entries(record=record, changes={id: {"price": 5}}, actor=actor)
        before = list(seen)
        # The slow one began first and could still write something that belongs before it.
        read()
        assert seen == before
    read_until("entries.updated")
    with alice.acting():
        assert seen[-2:] == [event.id for event in events(record)][-2:]
    assert len(seen) == len(set(seen))


@pytest.mark.parametrize("since", ["x", "0-0", "e1-h1", "x-x1-e1", "e99999999999999999999-h1"])
def test_a_foreign_cursor_is_refused(alice, record, since):
    with alice.acting(), pytest.raises(Invalid):
        feed.changes(record, since)
    answer = alice.client.get(reverse("grid_news", args=[record.pk]), {"since": "nonsense"})
    assert answer.status_code == 422
