"""A person's data goes for good, from entries, history and files; everything else still agrees."""

import io

import pytest
import xlsxwriter
from django.core.management import CommandError
from django.urls import reverse

from kdap.tests.people import give_role
from records import erasing
from records.entries import delete_entries, update_entries
from records.erasing import Choice
from records.history import quoted
from records.imports import files
from records.jobs import ImportJob
from records.models import Record
from records.names import history_name
from records.services import change_structure
from records.tests.api import Api
from records.tests.helpers import add, events, sql
from records.tests.imports import bring_in
from records.tests.test_replay import forged, joined, verify  # noqa: F401 - fixtures
from workspaces.access import Actor, acting_as
from workspaces.errors import Conflict, Forbidden, Invalid, Missing
from workspaces.models import Role
from workspaces.operations import stacks, undo

pytestmark = pytest.mark.django_db(transaction=True)
DORA = "dora@example.com"


@pytest.fixture
def people(joined, make_record):  # noqa: F811
    return make_record(
        "People",
        who={"type": "text", "personal": True, "required": True},
        mail={"type": "email", "personal": True, "unique": True},
        town="text",
        age={"type": "integer", "personal": True},
    )


@pytest.fixture
def lived(alice, people):
    """Dora and others, with edits, a deletion, a conversion and a deleted personal field."""
    dora, emil, gone = add(
        alice,
        people,
        {"who": "Dora", "mail": DORA, "town": "Ulm", "age": 73_131},
        {"who": "Emil", "mail": "emil@example.com", "town": "Bonn", "age": 50},
        {"who": "Dora D.", "mail": "dd@example.com", "town": "Ulm", "age": 73_131},
    )
    change(alice, people, {dora: {"mail": "d@example.com", "town": "Kiel"}, emil: {"age": 51_951}})
    restructure(alice, people, {"op": "change_field", "field": "age", "type": "text"})
    change(alice, people, {dora: {"mail": DORA}, gone: {"town": "Rom"}})
    restructure(
        alice,
        people,
        {"op": "add_field", "field": {"label": "Note", "type": "text", "personal": True}},
    )
    change(alice, people, {dora: {"note": "likes Dora's"}, emil: {"note": "loud"}})
    restructure(alice, people, {"op": "delete_field", "field": "note"})
    with alice.acting() as actor:
        delete_entries(record=people, ids=[gone], actor=actor)
    return dora, emil, gone


def change(person, record, changes):
    actor = person.actor
    with acting_as(actor):
        update_entries(record=record, changes=changes, actor=actor)
    return actor.operation


def restructure(person, record, *changes):
    with person.acting() as actor:
        change_structure(record=record, changes=list(changes), actor=actor, confirmed=True)


def erase(person, record, **choice):
    actor = person.actor
    with acting_as(actor):
        tally = erasing.erase(record=record, choice=Choice(**choice), actor=actor)
    tally.operation = actor.operation
    return tally


def record_of(job):
    with acting_as(Actor.system()):
        return Record.objects.get(pk=job.record_id)


def again(job):
    with acting_as(Actor.system()):
        return ImportJob.objects.get(pk=job.pk)


def everything(record):
    """Return all that the database holds of the record's cells, as one text."""
    with acting_as(Actor.system()):
        tables = (record.table_name, history_name(record.table_name))
        found = [sql(f"SELECT t::text FROM {quoted(name)} t") for name in tables]
        found.append(sql("SELECT payload::text FROM events WHERE stream_id = %s", [record.pk]))
    return str(found).lower()


class TestWhatGoes:
    def test_no_trace_is_left_and_the_rest_stays(self, alice, people, lived):
        dora, _, gone = lived
        before = everything(people)
        assert DORA in before
        tally = erase(alice, people, ids=(dora, gone))
        after = everything(people)
        for said in ("dora", "d@example", "dd@example", "73131"):
            assert said in before
            assert f",{said}" not in after
        assert "dora" not in after
        for said in ("emil@example.com", "kiel", "ulm", "rom", "51951", "loud"):
            assert said in after
        assert (tally.entries, tally.deleted) == (1, 1)
        assert set(tally.fields) == {"Who", "Mail", "Age", "Note"}

    def test_everything_still_agrees_with_the_log(self, alice, people, lived):
        erase(alice, people, key="mail", value=" Dora@Example.com ")
        erase(alice, people, ids=lived)
        assert "All agrees with the log" in verify()

    def test_a_required_field_gets_a_stand_in(self, alice, people, lived):
        dora, *_ = lived
        tally = erase(alice, people, ids=(dora,))
        assert tally.kept == ["Who"]
        with alice.acting():
            [(who, mail)] = sql(
                f"SELECT who, mail FROM {people.table_name} WHERE entry_id = %s", [dora]
            )
        assert (who, mail) == (f"Erased {dora}", None)

    def test_a_required_field_that_takes_nothing_neutral_says_so(self, alice, make_record):
        odd = {
            "type": "text",
            "required": True,
            "personal": True,
            "options": {"pattern": "^[a-c]x$"},
        }
        record = make_record("Odd", code=odd)
        [id] = add(alice, record, {"code": "ax"})
        with pytest.raises(Invalid, match="Let it be empty first"):
            erase(alice, record, ids=(id,))

    def test_the_tombstone_says_who_and_what_but_no_value(self, alice, people, lived):
        erase(alice, people, key="mail", value=DORA)
        with alice.acting():
            [event] = events(people, "entries.erased")
        assert event.user_id == alice.user.pk
        assert (event.count, event.changed) == (1, ["who", "mail", "age"])
        assert event.payload["found_by"] == "mail"
        page = alice.client.get(reverse("record_history", args=[people.pk])).content.decode()
        assert "Erased Who, Mail and Age of 1 entry for good" in page
        assert DORA not in page

    def test_large_erasures_tell_in_several_events(self, alice, people, lived, monkeypatch):
        monkeypatch.setattr(erasing, "MOST_DIGESTS", 1)
        erase(alice, people, ids=lived)
        with alice.acting():
            assert len(events(people, "entries.erased")) > 2
        assert "All agrees with the log" in verify()


class TestWhoIsFound:
    def test_by_a_value_once_there(self, alice, people, lived):
        assert self.found(alice, people, key="mail", value="d@example.com") == (1, 0)
        assert self.found(alice, people, key="mail", value="dd@example.com", earlier=False) == (
            0,
            1,
        )
        with pytest.raises(Invalid, match="No entry is like that"):
            self.found(alice, people, key="mail", value="d@example.com", earlier=False)

    def test_by_a_value_from_before_a_conversion(self, alice, people, lived):
        assert self.found(alice, people, key="age", value="50") == (1, 0)

    @pytest.mark.parametrize("value", ["' OR 1=1 --", "%", "\x00x", "dora"])
    def test_odd_values_find_nobody(self, alice, people, lived, value):
        with pytest.raises(Invalid, match="No entry"):
            self.found(alice, people, key="mail", value=value)

    def found(self, person, record, **choice):
        with person.acting() as actor:
            tally = erasing.look(record=record, choice=Choice(**choice), actor=actor)
        return tally.entries, tally.deleted


class TestAfterwards:
    def test_undo_of_older_operations_brings_no_value_back(self, alice, people, lived):
        dora, emil, _ = lived
        edit = change(alice, people, {dora: {"mail": "new@example.com", "town": "Jena"}})
        with acting_as(alice.actor) as actor:
            delete_entries(record=people, ids=[emil], actor=actor)
        erase(alice, people, ids=lived)
        undo(operation_id=edit, actor=alice.actor)
        undo(operation_id=actor.operation, actor=alice.actor)
        with alice.acting():
            rows = sql(f"SELECT entry_id, who, mail, town FROM {people.table_name} ORDER BY 1")
        assert rows == [
            (dora, f"Erased {dora}", None, "Kiel"),
            (emil, f"Erased {emil}", None, "Bonn"),
        ]
        assert "All agrees with the log" in verify()

    def test_it_can_not_be_undone_and_does_not_stand_in_the_way(self, alice, people, lived):
        last = change(alice, people, {lived[1]: {"town": "Trier"}})
        done = erase(alice, people, ids=lived[:1])
        with pytest.raises(Conflict, match="gone for good"):
            undo(operation_id=done.operation, actor=alice.actor)
        with alice.acting() as actor:
            assert stacks(actor, people.pk)[0][-1] == last

    def test_tampering_is_found_before_and_after(self, alice, people, lived, forged):  # noqa: F811
        dora, emil, _ = lived
        twin = history_name(people.table_name)
        forged(people, f"UPDATE {{table}} SET town = 'x' WHERE entry_id = {emil}", table=twin)
        erase(alice, people, ids=(dora,))
        with pytest.raises(CommandError, match="does not agree with its images"):
            verify("--quick")

    def test_an_erased_image_may_not_be_filled_again(self, alice, people, lived, forged):  # noqa: F811
        erase(alice, people, ids=lived)
        assert "All agrees" in verify("--quick")
        twin = history_name(people.table_name)
        forged(
            people, f"UPDATE {{table}} SET mail = 'a@b.example' WHERE entry_id = {lived[0]}", twin
        )
        with pytest.raises(CommandError, match="does not agree with its images"):
            verify("--quick")

    def test_history_is_closed_again(self, alice, people, lived):
        erase(alice, people, ids=lived)
        with acting_as(Actor.system()), pytest.raises(Exception, match="is refused"):
            sql(f"UPDATE {quoted(history_name(people.table_name))} SET town = NULL")


class TestFiles:
    CSV = (
        'who,mail,phone,town\nDora,DORA@example.com,123,Ulm\n"Emil, E.",emil@example.com,456,Bonn\n'
    )

    @pytest.fixture
    def imported(self, joined, alice, workspace):  # noqa: F811
        job = bring_in(alice, workspace, self.CSV)
        record = record_of(job)
        marks = [{"op": "change_field", "field": f, "personal": True} for f in ("who", "mail")]
        restructure(alice, record, *marks)
        return job, record

    def text(self, job):
        with files.unpacked(job.file) as path:
            return path.read_text()

    def test_its_rows_lose_the_cells(self, alice, imported):
        job, record = imported
        tally = erase(alice, record, key="mail", value=DORA)
        assert [item.sentence for item in tally.files] == [
            "In “table.csv” 1 row loses the personal cells."
        ]
        old = job.file
        job = again(job)
        assert job.file != old
        assert "dora" not in self.text(job).lower()
        assert ',,123,Ulm\n"Emil, E.",emil@example.com,456,Bonn' in self.text(job)
        assert "dora" not in str(job.analysis).lower()
        assert "All agrees with the log" in verify()

    def test_a_workbook_goes_whole(self, joined, alice, workspace):  # noqa: F811
        data = io.BytesIO()
        with xlsxwriter.Workbook(data) as book:
            sheet = book.add_worksheet()
            sheet.write_row(0, 0, ["mail", "town"])
            sheet.write_row(1, 0, [DORA, "Ulm"])
        job = bring_in(alice, workspace, data.getvalue(), name="people.xlsx")
        record = record_of(job)
        restructure(alice, record, {"op": "change_field", "field": "mail", "personal": True})
        tally = erase(alice, record, key="mail", value=DORA)
        assert tally.as_json()["files"] == [{"import_id": str(job.pk), "rows": None}]
        job = again(job)
        assert job.file == ""
        assert "dora" not in str(job.analysis).lower()
        page = alice.client.get(reverse("import-progress", args=[job.pk]))
        assert page.status_code in (200, 302)

    def test_a_file_of_others_stays(self, alice, imported):
        job, record = imported
        [added] = add(alice, record, {"who": "Fritz", "mail": "fritz@example.com"})
        assert erase(alice, record, ids=(added,)).files == []
        assert again(job).file == job.file


class TestWhoMay:
    def test_admins_only(self, alice, bob, charlie, workspace, people, lived):
        address = reverse("record_erase", args=[people.pk])
        assert charlie.client.get(address).status_code == 404
        assert bob.client.get(address).status_code == 403
        with charlie.acting() as actor, pytest.raises(Missing):
            erasing.erase(record=people, choice=Choice(ids=lived), actor=actor)
        with bob.acting() as actor, pytest.raises(Forbidden):
            erasing.erase(record=people, choice=Choice(ids=lived), actor=actor)
        api = f"records/{people.pk}/erase/"
        asked = {"entries": list(lived), "confirm": "People"}
        assert Api(charlie).post(api, asked).status_code == 404
        assert Api(bob).post(api, asked).status_code == 403
        assert Api(alice, verbs=("read", "structure")).post(api, asked).status_code == 403
        assert DORA in everything(people)
        give_role(workspace, bob, Role.ADMIN)
        assert Api(bob).post(api, asked).status_code == 200
        assert DORA not in everything(people)

    def test_nothing_personal_nothing_to_erase(self, alice, make_record):
        record = make_record(title="text")
        [id] = add(alice, record, {"title": "Emma"})
        with pytest.raises(Invalid, match="No field of “Books” is marked"):
            erase(alice, record, ids=(id,))


class TestApi:
    def test_previews_then_needs_the_name(self, alice, people, lived):
        api, address = Api(alice), f"records/{people.pk}/erase/"
        asked = {"field": "mail", "value": DORA}
        seen = api.post(address, asked | {"preview": True}).data
        assert (seen["entries"], seen["stand_ins"], seen["operation"]) == (1, ["Who"], None)
        refused = api.post(address, asked)
        assert refused.status_code in (400, 422)
        assert DORA in everything(people)
        done = api.post(address, asked | {"confirm": "People"})
        assert done.status_code == 200
        assert done.data["operation"]
        assert DORA not in everything(people)

    @pytest.mark.parametrize(
        "asked",
        [{}, {"entries": [1], "field": "mail"}, {"field": "x", "value": "y"}, {"entries": []}],
    )
    def test_bad_input_is_said(self, alice, people, lived, asked):
        answer = Api(alice).post(f"records/{people.pk}/erase/", asked | {"confirm": "People"})
        assert answer.status_code in (400, 422)


class TestDialog:
    def test_says_what_it_takes_before_it_takes_it(self, alice, people, lived):
        address = reverse("record_erase", args=[people.pk])
        history = alice.client.get(reverse("record_history", args=[people.pk])).content.decode()
        assert address in history
        assert "See what it takes" in alice.client.get(address).content.decode()
        asked = {"field": "mail", "value": DORA, "earlier": "on"}
        seen = alice.client.post(address, asked).content.decode()
        assert "This can't be undone" in seen
        assert "1 entry there is, 0 deleted" in " ".join(seen.split())
        wrong = alice.client.post(address, asked | {"name": "Peple"})
        assert wrong.status_code == 422
        assert "exactly as it is written" in wrong.content.decode()
        assert DORA in everything(people)
        done = alice.client.post(address, asked | {"name": "People"})
        assert done.headers["Location"] == reverse("record_history", args=[people.pk])
        assert DORA not in everything(people)

    def test_of_one_entry_from_its_history(self, alice, people, lived):
        dora = lived[0]
        page = alice.client.get(reverse("entry_history", args=[people.pk, dora])).content.decode()
        address = f"{reverse('record_erase', args=[people.pk])}?entries={dora}"
        assert address in page
        assert f"Chosen: entry {dora}." in alice.client.get(address).content.decode()
        seen = alice.client.post(address, {"entries": str(dora)})
        assert "Erase for good" in seen.content.decode()

    @pytest.mark.parametrize(
        "asked", [{}, {"entries": "x"}, {"value": " "}, {"field": "nope", "value": "1"}]
    )
    def test_bad_input_stays_in_the_form(self, alice, people, lived, asked):
        page = alice.client.post(reverse("record_erase", args=[people.pk]), asked)
        assert page.status_code == 422
