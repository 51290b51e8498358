"""History that a record keeps no longer goes; what is kept of it can be read, proven and undone."""

import datetime as dt

import pytest
from django.urls import reverse
from django.utils import timezone

from records import images, trimming
from records.entries import delete_entries, update_entries
from records.history import quoted
from records.names import history_name
from records.past import as_of
from records.query import Query
from records.services import change_record, change_structure
from records.tests.api import Api
from records.tests.helpers import add, events, sql
from records.tests.test_replay import forged, joined, verify  # noqa: F401 - fixtures
from workspaces.access import Actor, acting_as
from workspaces.errors import Conflict, Forbidden, Invalid
from workspaces.operations import undo

pytestmark = pytest.mark.django_db(transaction=True)
DAYS = 30


@pytest.fixture
def books(joined, make_record):  # noqa: F811
    return make_record(title="text", price="integer")


@pytest.fixture
def lived(alice, books):
    """Entries with a past before and after a horizon; returns their ids and that moment."""
    emma, faust, gone = add(
        alice,
        books,
        {"title": "Emma", "price": 1},
        {"title": "Faust", "price": 1},
        {"title": "Gone", "price": 1},
    )
    books.old = change(alice, books, {emma: {"price": 2}})
    restructure(alice, books, {"op": "change_field", "field": "price", "type": "text"})
    change(alice, books, {emma: {"price": "3"}, gone: {"price": "9"}})
    with alice.acting() as actor:
        delete_entries(record=books, ids=[gone], actor=actor)
    horizon = timezone.now()
    books.new = change(alice, books, {emma: {"price": "4"}, faust: {"title": "Faust II"}})
    restructure(alice, books, {"op": "change_field", "field": "price", "type": "integer"})
    change(alice, books, {emma: {"price": 5}})
    with alice.acting() as actor:
        change_record(record=books, history_days=DAYS, actor=actor)
    return emma, faust, gone, horizon


def change(person, record, changes):
    actor = person.actor
    with acting_as(actor):
        update_entries(record=record, changes=changes, actor=actor)
    return actor.operation


def restructure(person, record, *changes):
    with person.acting() as actor:
        change_structure(record=record, changes=list(changes), actor=actor, confirmed=True)


@pytest.fixture
def trimmed(books, lived, monkeypatch):
    """The same, after the task has run a while later."""
    later = lived[3] + dt.timedelta(days=DAYS)
    with monkeypatch.context() as patch:
        patch.setattr(trimming.timezone, "now", lambda: later)
        assert trimming.trim_all() == {books.pk: 4}
    with acting_as(Actor.system()):
        books.refresh_from_db()
    return lived


def prices(person, record, at):
    with person.acting():
        then = as_of(record, str(at))
        return {row[0]: row[2] for row in Query(then, fields=["price"]).rows(limit=10)}


def test_old_images_go_and_the_log_stays(alice, books, trimmed):
    twin = quoted(history_name(books.table_name))
    with acting_as(Actor.system()):
        assert sql(f"SELECT count(*) FROM {twin} WHERE _ev_to <= %s", [books.history_begins]) == [
            (0,)
        ]
        assert sql(f"SELECT count(*) FROM {twin}") == [(3,)]
        assert len(events(books, "entries.updated")) == 5
        [event] = events(books, "record.history_trimmed")
    assert event.payload["images"] == 4
    assert event.user_id is None


def test_a_second_run_does_nothing(books, trimmed):
    assert trimming.trim_all() == {}
    with acting_as(Actor.system()):
        assert len(events(books, "record.history_trimmed")) == 1


def test_who_died_after_the_event_is_followed_up(alice, books, lived, monkeypatch):
    later = lived[3] + dt.timedelta(days=DAYS)
    monkeypatch.setattr(trimming.timezone, "now", lambda: later)
    with acting_as(Actor.system()):
        trimming._move_horizon(books)
    assert trimming.trim_all() == {books.pk: 4}
    with acting_as(Actor.system()):
        assert len(events(books, "record.history_trimmed")) == 1


def test_pieces(books, lived, monkeypatch):
    monkeypatch.setattr(trimming, "PIECE", 1)
    later = lived[3] + dt.timedelta(days=DAYS)
    monkeypatch.setattr(trimming.timezone, "now", lambda: later)
    assert trimming.trim_all() == {books.pk: 4}


def test_what_is_kept_still_agrees_and_the_rest_is_said(books, trimmed):
    said = verify()
    assert "All agrees with the log" in said
    assert "could not be checked" in said
    assert "built again" in said


def test_tampering_with_what_is_kept_is_found(books, trimmed, forged):  # noqa: F811
    twin = history_name(books.table_name)
    forged(
        books,
        "UPDATE {table} SET title = 'x' WHERE _ev_to = (SELECT max(_ev_to) FROM {table})",
        twin,
    )
    with pytest.raises(Exception, match="Differences found"):
        verify("--quick")


def test_the_past_is_there_from_the_horizon_on(alice, books, trimmed):
    emma, faust, _, horizon = trimmed
    assert prices(alice, books, horizon.isoformat()) == {emma: "3", faust: "1"}
    assert prices(alice, books, books.history_begins) == {emma: "3", faust: "1"}
    with alice.acting() as actor, pytest.raises(Invalid, match="history of “Books” begins on"):
        as_of(books, str(books.history_begins - 1))
    answer = Api(alice).get(f"records/{books.pk}/entries/?as_of={books.history_begins - 1}")
    assert answer.status_code in (400, 422)
    assert "begins on" in answer.data["detail"]
    assert actor


def test_older_operations_are_not_undone_and_newer_ones_are(alice, books, trimmed):
    faust = trimmed[1]
    with pytest.raises(Conflict, match="too old to be undone"):
        undo(operation_id=books.old, actor=alice.actor)
    undo(operation_id=books.new, actor=alice.actor)
    with alice.acting():
        [(title,)] = sql(f"SELECT title FROM {books.table_name} WHERE entry_id = %s", [faust])
    assert title == "Faust"
    assert "All agrees with the log" in verify()


def test_an_entrys_history_says_where_it_begins(alice, books, trimmed):
    emma, faust, *_ = trimmed
    with alice.acting():
        assert [step.what for step in images.steps_of(books, emma)] == [
            "Changed",
            "Changed",
            "Kept",
        ]
        assert images.steps_of(books, faust)[-1].what == "Added"
    page = alice.client.get(reverse("entry_history", args=[books.pk, emma])).content.decode()
    assert "The history of “Books” begins on" in page
    assert "As it was when history begins" in page
    found = Api(alice).get(f"records/{books.pk}/entries/{emma}/history/").data["results"]
    assert found[-1]["what"] == "kept"


def test_operations_without_cells_say_why(alice, books, trimmed):
    emma, _, gone, _ = trimmed
    address = reverse("record_operation", args=[books.pk, books.old])
    page = alice.client.get(address).content.decode()
    assert "begins on" in page
    assert "can't be undone" in page
    assert reverse("record_undo", args=[books.pk, books.old]) not in page
    listed = alice.client.get(reverse("record_history", args=[books.pk])).content.decode()
    assert reverse("record_undo", args=[books.pk, books.old]) not in listed
    assert reverse("record_undo", args=[books.pk, books.new]) in listed
    page = alice.client.get(reverse("record_operation", args=[books.pk, books.new]))
    assert "begins on" not in page.content.decode()

    api = Api(alice)
    found = api.get(f"workspaces/{books.workspace_id}/events/?record={books.pk}").data["results"]
    notes = {item["operation_id"]: item["note"] for item in found}
    assert "begins on" in notes[str(books.old)]
    assert notes[str(books.new)] is None
    history = f"records/{books.pk}/entries/{{}}/history/"
    assert "begins on" in api.get(history.format(emma)).data["note"]
    answer = api.get(history.format(gone))
    assert answer.status_code == 404
    assert "begins on" in answer.data["detail"]


class TestSetting:
    def test_on_the_settings_page(self, alice, books):
        address = reverse("record_settings", args=[books.pk])
        data = {"name": "Books", "icon": "table", "color": "blue"}
        assert alice.client.post(address, data | {"history_days": "90"}).status_code == 302
        with alice.acting():
            books.refresh_from_db()
        assert books.history_days == 90
        page = alice.client.get(reverse("record_history", args=[books.pk])).content.decode()
        assert "Set history to be kept for 90 days" in page
        assert alice.client.post(address, data).status_code == 302
        with alice.acting() as actor:
            books.refresh_from_db()
            [first, second] = events(books, "record.changed")
            assert books.history_days is None
            undo(operation_id=second.operation_id, actor=actor)
            books.refresh_from_db()
        assert books.history_days == 90
        assert first.payload["was"] == {"history_days": None}

    @pytest.mark.parametrize("days", ["0", "-1", "x", "1.5", "99999999999"])
    def test_bad_numbers_stay_in_the_form(self, alice, books, days):
        data = {"name": "Books", "icon": "table", "color": "blue", "history_days": days}
        answer = alice.client.post(reverse("record_settings", args=[books.pk]), data)
        assert answer.status_code == 422

    def test_over_the_api(self, alice, bob, books):
        address = f"records/{books.pk}/"
        assert Api(alice).get(address).data["history_days"] is None
        assert Api(alice).patch(address, {"history_days": 7}).data["history_days"] == 7
        assert Api(alice).patch(address, {"history_days": 0}).status_code == 422
        assert Api(alice).patch(address, {"history_days": None}).data["history_days"] is None
        assert Api(bob).patch(address, {"history_days": 7}).status_code == 403

    def test_is_for_admins(self, bob, books):
        with bob.acting() as actor, pytest.raises(Forbidden):
            change_record(record=books, history_days=1, actor=actor)
