"""A record can be read as of any moment, with the structure of that moment, and brought back."""

import datetime as dt

import orjson
import pytest
from django.urls import reverse
from django.utils import timezone

from kdap.tests.people import give_role
from records import services
from records.entries import create_entries, delete_entries, update_entries
from records.past import as_of, carry, names_now
from records.query import Query
from records.restoring import restore
from records.tests.helpers import add, column, events
from workspaces.access import acting_as
from workspaces.errors import Forbidden, Invalid
from workspaces.models import Role
from workspaces.operations import undo


@pytest.fixture
def record(make_record):
    return make_record(title="text", price="integer")


def now(record):
    """Return the number of the newest event of a record; call it while acting."""
    return events(record)[-1].id


def moment(person, record):
    with person.acting():
        return now(record)


def change(person, record, changes):
    with person.acting() as actor:
        update_entries(record=record, changes=changes, actor=actor)


def restructure(person, record, *changes):
    with person.acting() as actor:
        services.change_structure(record=record, changes=list(changes), actor=actor, confirmed=True)
        record.reload()


def rows(person, record, event, **query):
    """Return the entries at an event as {field key: value} in the order of their ids."""
    with person.acting():
        then = as_of(record, event)
        keys = [field.key for field in then.structure.fields]
        found = orjson.loads(orjson.dumps(Query(then, **query).rows(limit=1000)))
        return [dict(zip(keys, row[2:], strict=True)) for row in found]


class TestReading:
    def test_every_event_can_be_read_again(self, alice, record):
        expected = {moment(alice, record): []}
        a, b = add(alice, record, {"title": "a", "price": 1}, {"title": "b", "price": 2})
        expected[moment(alice, record)] = [1, 2]
        change(alice, record, {a: {"price": 10}})
        expected[moment(alice, record)] = [10, 2]
        with alice.acting() as actor:
            delete_entries(record=record, ids=[a], actor=actor)
        expected[moment(alice, record)] = [2]
        change(alice, record, {b: {"price": 20}})
        expected[moment(alice, record)] = [20]
        for event, prices in expected.items():
            assert [row["price"] for row in rows(alice, record, event)] == prices

    def test_filters_orders_and_sums_are_those_of_then(self, alice, record):
        a, _ = add(alice, record, {"price": 1}, {"price": 2})
        then = moment(alice, record)
        change(alice, record, {a: {"price": 9}})
        where = {"field": "price", "op": "lt", "value": 5}
        found = rows(alice, record, then, where=where, sort=["-price"])
        assert [row["price"] for row in found] == [2, 1]
        with alice.acting():
            query = Query(as_of(record, then), where=where)
            assert query.count() == 2
            assert query.aggregate([("sum", "price")]) == [{"sum_price": "3"}]

    def test_pages_follow_each_other_through_what_changed_and_went(self, alice, record):
        ids = add(alice, record, *({"price": n} for n in range(40)))
        then = moment(alice, record)
        change(alice, record, {id: {"price": -1} for id in ids[5:30]})
        with alice.acting() as actor:
            delete_entries(record=record, ids=ids[10:20] + ids[35:], actor=actor)
            create_entries(record=record, rows=[{"price": 99}] * 20, actor=actor)
            query, found, after = Query(as_of(record, then), fields=["price"]), [], None
            while page := query.rows(limit=7, after=after):
                found += [row[2] for row in page]
                after = [page[-1][0]]
        assert found == list(range(40))

    def test_the_structure_is_that_of_then(self, alice, record):
        [a] = add(alice, record, {"title": "a", "price": 1})
        first = moment(alice, record)
        restructure(alice, record, {"op": "change_field", "field": "price", "type": "text"})
        change(alice, record, {a: {"price": "many"}})
        second = moment(alice, record)
        restructure(
            alice,
            record,
            {"op": "delete_field", "field": "title"},
            {"op": "add_field", "field": {"label": "Kind", "type": "text", "default": "x"}},
        )
        restructure(alice, record, {"op": "delete_field", "field": "price"})
        assert rows(alice, record, first) == [{"title": "a", "price": 1}]
        assert rows(alice, record, second) == [{"title": "a", "price": "many"}]
        restructure(alice, record, {"op": "restore_field", "field": "title"})
        assert rows(alice, record, first) == [{"title": "a", "price": 1}]

    def test_a_time_is_understood_in_the_readers_zone(self, alice, record):
        add(alice, record, {"price": 1})
        with alice.acting(), timezone.override("Asia/Tokyo"):
            naive = timezone.localtime().replace(tzinfo=None).isoformat()
            assert as_of(record, naive).past.event == now(record)

    @pytest.mark.parametrize(
        ("text", "sentence"),
        [
            ("yesterday", "is no moment"),
            ("2026-13-45T00:00", "is no moment"),
            ("1990-01-01", "did not exist yet"),
            ("1", "did not exist yet"),
            ("9" * 18, "not happened yet"),
            ("9999-01-01T00:00Z", "still to come"),
            ("0001-01-01T00:00", "."),
            ("0001-01-01T00:00+23:59", "out of reach"),
            ("9999-12-31T23:59-23:59", "out of reach"),
            ("' OR 1=1", "is no moment"),
        ],
    )
    def test_what_is_no_moment_of_it_is_refused(self, alice, record, text, sentence):
        with alice.acting(), pytest.raises(Invalid, match=sentence):
            as_of(record, text)

    def test_columns_are_followed_through_renames(self):
        def version(fields, shelf=()):
            return {
                "fields": [{"id": id, "key": key} for id, key in fields],
                "shelf": [
                    {"field": {"id": id}, "column": column, "version": number}
                    for id, column, number in shelf
                ],
            }

        converted = version([("f1", "a")], [("f1", "_c2_f1", 2)])
        reverted = version([("f1", "a")], [("f1", "_c3_f1", 3)])
        purged = version([("f1", "a")])
        assert names_now([(1, version([("f1", "a")])), (2, converted)]) == {"a": "_c2_f1"}
        assert names_now([(2, converted), (3, reverted)]) == {"a": "_c3_f1", "_c2_f1": "a"}
        assert names_now([(2, converted), (3, purged)]) == {"a": "a", "_c2_f1": None}


class TestDoors:
    def test_the_grid_shows_the_past_and_lets_nobody_write(self, alice, record):
        [a] = add(alice, record, {"title": "Emma"})
        then = moment(alice, record)
        change(alice, record, {a: {"title": "Persuasion"}})
        page = alice.client.get(reverse("record", args=[record.pk]), {"as_of": then})
        html = page.content.decode()
        assert "Emma" in html
        assert "Persuasion" not in html
        data = orjson.loads(html.split('id="grid-data">')[1].split("</script>")[0])
        assert data["rights"] == {"write": False, "structure": False}
        block = alice.client.get(reverse("record_rows", args=[record.pk]), {"as_of": then})
        assert block.json()["rows"][0][2] == "Emma"

    def test_a_wrong_moment_is_a_sentence_on_the_page(self, alice, record):
        page = alice.client.get(reverse("record", args=[record.pk]), {"as_of": "never"})
        assert page.status_code == 422
        assert "is no moment" in page.content.decode()

    def test_the_api_reads_the_past(self, alice, record):
        [a] = add(alice, record, {"title": "Emma", "price": 3})
        then = moment(alice, record)
        change(alice, record, {a: {"title": "Persuasion", "price": 4}})
        base = f"/api/v1/records/{record.pk}/"
        asked = {"as_of": then}
        listed = alice.client.get(f"{base}entries/", asked).json()["results"]
        assert [entry["title"] for entry in listed] == ["Emma"]
        assert alice.client.get(f"{base}entries/{a}/", asked).json()["title"] == "Emma"
        sums = alice.client.get(f"{base}entries/aggregate/", asked | {"aggregate": "sum:price"})
        assert sums.json()["results"] == [{"sum_price": "3"}]
        export = alice.client.get(f"{base}export/", asked | {"format": "ndjson"})
        assert b"Emma" in b"".join(export.streaming_content)
        assert alice.client.get(f"{base}entries/", {"as_of": "x"}).status_code == 422


class TestRestoring:
    def bring_back(self, person, record, event, **what):
        actor = person.actor
        with acting_as(actor):
            return restore(then=as_of(record, event), actor=actor, **what)

    @pytest.fixture
    def past(self, alice, record):
        """Return the moment before a cell was changed, an entry deleted and one added."""
        self.a, self.b = add(alice, record, {"title": "a", "price": 1}, {"title": "b", "price": 2})
        then = moment(alice, record)
        change(alice, record, {self.a: {"price": 10, "title": "z"}})
        with alice.acting() as actor:
            delete_entries(record=record, ids=[self.b], actor=actor)
            create_entries(record=record, rows=[{"title": "new"}], actor=actor)
        return then

    def titles(self, person, record):
        with person.acting():
            return column(record, "title")

    def test_everything(self, alice, record, past):
        outcome = self.bring_back(alice, record, past)
        assert outcome.restored == 4  # two cells, one entry back, one gone
        assert self.titles(alice, record) == ["a", "b"]

    def test_it_is_an_operation_like_any_and_can_be_undone(self, alice, record, past):
        outcome = self.bring_back(alice, record, past)
        with alice.acting() as actor:
            undo(operation_id=outcome.operation, actor=actor)
        assert self.titles(alice, record) == ["z", "new"]

    def test_some_entries(self, alice, record, past):
        assert self.bring_back(alice, record, past, ids=[self.b]).restored == 1
        assert self.titles(alice, record) == ["z", "b", "new"]

    def test_one_field(self, alice, record, past):
        assert self.bring_back(alice, record, past, keys=["title"]).restored == 1
        assert self.titles(alice, record) == ["a", "new"]
        with alice.acting():
            assert column(record, "price") == [10, None]

    def test_a_deleted_field_comes_back_with_what_it_held_then(self, alice, record, past):
        restructure(alice, record, {"op": "delete_field", "field": "price"})
        self.bring_back(alice, record, past, keys=["price"])
        with alice.acting():
            record.reload()
            assert column(record, "price") == [1, None]

    def test_a_field_may_be_named_twice(self, alice, record, past):
        restructure(alice, record, {"op": "delete_field", "field": "price"})
        self.bring_back(alice, record, past, keys=["price", "price"])
        with alice.acting():
            record.reload()
            assert column(record, "price") == [1, None]

    def test_an_entry_comes_back_with_its_number(self, alice, make_record):
        record = make_record(title="text", number="autonumber")
        a, _ = add(alice, record, {"title": "a"}, {"title": "b"})
        then = moment(alice, record)
        with alice.acting() as actor:
            delete_entries(record=record, ids=[a], actor=actor)
        self.bring_back(alice, record, then, ids=[a])
        with alice.acting():
            assert column(record, "number") == [1, 2]

    def test_a_cell_against_a_rule_of_today_stays_alone(self, alice, record, past):
        change(alice, record, {self.a: {"title": "here"}})
        [empty] = add(alice, record, {"price": 3})
        then = moment(alice, record)
        change(alice, record, {id: {"title": "x", "price": 0} for id in (self.a, empty)})
        restructure(alice, record, {"op": "change_field", "field": "title", "required": True})
        outcome = self.bring_back(alice, record, then, ids=[self.a, empty])
        assert (outcome.restored, outcome.kept) == (3, 1)
        assert self.titles(alice, record) == ["here", "new", "x"]

    def test_through_a_conversion(self, alice, record, past):
        restructure(alice, record, {"op": "change_field", "field": "price", "type": "text"})
        self.bring_back(alice, record, past)
        with alice.acting():
            assert column(record, "price") == ["1", "2"]

    def test_through_many_conversions_the_statement_stays_short(self, alice, record, past):
        for type in ["text", "integer"] * 6:
            restructure(alice, record, {"op": "change_field", "field": "price", "type": type})
        with alice.acting():
            then = as_of(record, past).past
            line = then.incarnations(then.structure.field("price"))
            assert len(line) == 13
            assert len(carry(line, "p.price")) < 10_000
        self.bring_back(alice, record, past)
        with alice.acting():
            assert column(record, "price") == [1, 2]

    def test_a_preview_changes_nothing(self, alice, record, past):
        assert self.bring_back(alice, record, past, preview=True).restored == 4
        assert self.titles(alice, record) == ["z", "new"]

    def test_a_viewer_may_not(self, alice, bob, workspace, record, past):
        give_role(workspace, bob, Role.VIEWER)
        with pytest.raises(Forbidden):
            self.bring_back(bob, record, past)


def test_a_day_means_its_end(alice, record):
    with alice.acting():
        yesterday = (timezone.localdate() - dt.timedelta(days=1)).isoformat()
        with pytest.raises(Invalid, match="it was made on"):
            as_of(record, yesterday)
