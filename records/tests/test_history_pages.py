"""The pages of the log: a record's history, a workspace's activity, one operation, one entry."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from kdap.tests.people import give_role
from records import images
from records.entries import create_entries, delete_entries, update_entries
from records.services import change_record, change_structure
from records.tests.helpers import add
from workspaces import log
from workspaces.models import Role

HTMX = {"HTTP_HX_REQUEST": "true"}


@pytest.fixture
def books(make_record):
    return make_record(
        title="text",
        price="integer",
        kind={"type": "choice", "options": {"choices": ["Novel", "Poem"]}},
    )


@pytest.fixture
def emma(alice, bob, books):
    """An entry that Alice added and Bob changed twice."""
    [id] = add(alice, books, {"title": "Emma", "price": 5, "kind": "Novel"})
    for price in (6, 7):
        with bob.acting() as actor:
            update_entries(record=books, changes={id: {"price": price}}, actor=actor)
    return id


def newest(person, record):
    with person.acting():
        found = log.operations(workspace_id=record.workspace_id, stream_id=record.pk, limit=1)
        return found.operations[0]


def page(person, name, *args, query="", **headers):
    return person.client.get(reverse(name, args=args) + query, **headers)


class TestRecord:
    def test_teammates_and_viewers_read_it(self, bob, workspace, books, emma):
        for role in (Role.EDITOR, Role.VIEWER):
            give_role(workspace, bob, role)
            text = page(bob, "record_history", books.pk).content.decode()
            assert "Changed Price of 1 entry" in text
            assert "Made the record “Books”" in text

    def test_stranger_gets_404(self, charlie, books, emma):
        assert page(charlie, "record_history", books.pk).status_code == 404

    def test_is_linked(self, alice, books):
        assert (
            reverse("record_history", args=[books.pk])
            in page(alice, "record", books.pk).content.decode()
        )

    def test_filters_in_the_address(self, alice, bob, books, emma):
        def told(query):
            return page(alice, "record_history", books.pk, query=query).content.decode()

        assert "Added 1 entry" not in told(f"?person={bob.user.pk}")
        assert "Changed Price" not in told("?kind=added")
        assert "Changed Price" in told("?field=price")
        assert "Nothing like that" in told("?until=2001-01-01")

    @pytest.mark.parametrize(
        "query",
        [
            "?person=x",
            "?kind=nonsense",
            "?field=gone",
            "?since=31.5.2026",
            "?until=9999-12-31",
            "?before=x",
            "?before=99999999999999999999",
            "?person=%00",
        ],
    )
    def test_a_bad_filter_is_said(self, alice, books, emma, query):
        answer = page(alice, "record_history", books.pk, query=query)
        assert answer.status_code == 422
        assert "Changed Price" not in answer.content.decode()

    def test_htmx_gets_the_list_alone(self, alice, books, emma):
        text = page(alice, "record_history", books.pk, **HTMX).content.decode()
        assert "<html" not in text
        assert 'id="log"' in text

    def test_older_ones_follow(self, alice, books):
        for number in range(60):
            add(alice, books, {"title": str(number)})
        first = page(alice, "record_history", books.pk)
        link = first.context["next"]
        assert len(first.context["page"].operations) == 50
        rest = page(alice, "record_history", books.pk, query=link, **HTMX)
        assert rest.content.decode().count("log-what") == 11
        assert "<html" not in rest.content.decode()

    def test_questions_do_not_grow(self, alice, books, emma):
        client, target = alice.client, reverse("record_history", args=[books.pk])
        client.get(target)
        with CaptureQueriesContext(connection) as few:
            client.get(target)
        for number in range(50):
            add(alice, books, {"title": str(number)})
        with CaptureQueriesContext(connection) as many:
            client.get(target)
        assert len(many) <= len(few)


class TestActivity:
    def test_shows_what_happened_everywhere(self, alice, workspace, make_record, books, emma):
        make_record("Authors", title="text")
        text = page(alice, "workspace_activity", workspace.pk).content.decode()
        for told in ("Made the workspace", "“Authors”", "Changed Price of 1 entry", "Alice", "Bob"):
            assert told in text

    def test_stranger_gets_404(self, charlie, workspace):
        assert page(charlie, "workspace_activity", workspace.pk).status_code == 404

    def test_is_in_the_sidebar(self, bob, workspace):
        text = page(bob, "workspace", workspace.pk).content.decode()
        assert reverse("workspace_activity", args=[workspace.pk]) in text


class TestOperation:
    def test_shows_old_and_new(self, bob, books, emma):
        found = newest(bob, books)
        for name, id in (
            ("record_operation", books.pk),
            ("workspace_operation", books.workspace_id),
        ):
            text = page(bob, name, id, found.id).content.decode()
            assert "<del>6</del>" in text
            assert "<ins>7</ins>" in text
        assert "<html" not in page(bob, name, id, found.id, **HTMX).content.decode()

    def test_is_hidden_from_strangers_and_other_records(
        self, alice, charlie, make_record, books, emma
    ):
        found, other = newest(alice, books), make_record("Authors", title="text")
        assert page(charlie, "record_operation", books.pk, found.id).status_code == 404
        assert page(alice, "record_operation", other.pk, found.id).status_code == 404
        assert page(charlie, "workspace_operation", books.workspace_id, found.id).status_code == 404

    def test_is_shown_however_many_records_it_is_about(self, alice, make_record):
        records = [make_record(f"Books {n}", title="text") for n in range(log.MOST_FACTS + 1)]
        with alice.acting() as actor:
            for record in records:
                change_record(record=record, actor=actor, color="red")
        assert page(alice, "record_operation", records[-1].pk, actor.operation).status_code == 200

    def test_undo_shows_first_and_then_does(self, bob, books, emma):
        found = newest(bob, books)
        shown = page(bob, "record_undo", books.pk, found.id)
        assert shown.context["outcome"].restored == 1
        done = bob.client.post(reverse("record_undo", args=[books.pk, found.id]), **HTMX)
        assert done.status_code == 204
        assert "history:changed" in done.headers["HX-Trigger"]
        with bob.acting():
            assert books.model.objects.get(pk=emma).price == 6
        told = page(bob, "record_history", books.pk).context["page"].operations
        assert told[0].sentence == "Undid: Changed Price of 1 entry"
        assert told[1].undone
        again = bob.client.post(reverse("record_undo", args=[books.pk, told[0].id]))
        assert again.status_code == 302
        with bob.acting():
            assert books.model.objects.get(pk=emma).price == 7
        told = page(bob, "record_history", books.pk).context["page"].operations
        assert [item.sentence for item in told[:3]] == [
            "Did again: Changed Price of 1 entry",
            "Undid: Changed Price of 1 entry",
            "Changed Price of 1 entry",
        ]
        assert [item.way_back for item in told[:3]] == ["Undo", "Redo", "Undo"]

    def test_undo_says_what_stays(self, alice, bob, books, emma):
        first = [
            item
            for item in page(bob, "record_history", books.pk).context["page"].operations
            if item.cause["door"] == "test"
        ][1]
        text = page(bob, "record_undo", books.pk, first.id).content.decode()
        assert "changed since" in text

    def test_viewers_are_not_offered_undo(self, bob, workspace, books, emma):
        found = newest(bob, books)
        give_role(workspace, bob, Role.VIEWER)
        assert (
            "Undo"
            not in page(bob, "record_history", books.pk).content.decode().split('id="log"')[1]
        )
        assert bob.client.post(reverse("record_undo", args=[books.pk, found.id])).status_code == 403


class TestChanges:
    def test_an_entry_changed_twice_is_one_step(self, alice, books, emma):
        with alice.acting() as actor:
            for price in (8, 9):
                update_entries(record=books, changes={emma: {"price": price}}, actor=actor)
            made = create_entries(record=books, rows=[{"title": "Persuasion"}], actor=actor).ids
            delete_entries(record=books, ids=made, actor=actor)
            [step], more = images.changes_of(books, actor.operation)
        assert [(cell.label, cell.old, cell.new) for cell in step.cells] == [("Price", "7", "9")]
        assert more is None

    def test_big_operations_come_in_parts(self, alice, books):
        with alice.acting() as actor:
            rows = [{"title": str(n), "price": n} for n in range(300)]
            ids = create_entries(record=books, rows=rows, actor=actor).ids
        with alice.acting() as actor:
            books.model.objects.exclude(price=7).update(price=1)
            found, after = [], 0
            while after is not None:
                steps, after = images.changes_of(books, actor.operation, after=after, limit=70)
                found += [step.entry_id for step in steps]
        assert found == [id for n, id in enumerate(ids) if n not in (1, 7)]

    def test_deleted_entries_show_what_they_were(self, alice, books, emma):
        with alice.acting() as actor:
            delete_entries(record=books, ids=[emma], actor=actor)
            [step], _ = images.changes_of(books, actor.operation)
        assert step.what == "Deleted"
        assert ("Title", "Emma") in [(cell.label, cell.old) for cell in step.cells]


def change(person, record, **what):
    with person.acting() as actor:
        change_structure(record=record, changes=[what], actor=actor, confirmed=True)


class TestEntry:
    def test_tells_each_change(self, bob, books, emma):
        answer = page(bob, "entry_history", books.pk, emma)
        text = answer.content.decode()
        assert [step.what for step in answer.context["steps"]] == ["Changed", "Changed", "Added"]
        assert "<del>6</del>" in text
        assert "Alice" in text
        assert "<ins>Novel</ins>" in text

    def test_strangers_and_wrong_ids(self, bob, charlie, books, emma):
        assert page(charlie, "entry_history", books.pk, emma).status_code == 404
        assert page(bob, "entry_history", books.pk, emma + 10**6).status_code == 404
        assert page(bob, "entry_history", books.pk, 10**30).status_code == 404

    def test_deleted_entries_keep_their_history(self, alice, books, emma):
        with alice.acting() as actor:
            delete_entries(record=books, ids=[emma], actor=actor)
        answer = page(alice, "entry_history", books.pk, emma)
        assert answer.context["steps"][0].what == "Deleted"
        assert answer.context["gone"]

    def test_reads_cells_with_the_structure_of_their_time(self, alice, bob, books, emma):
        change(alice, books, op="change_field", field="price", type="text")
        with bob.acting() as actor:
            update_entries(record=books, changes={emma: {"price": "seven"}}, actor=actor)
        change(alice, books, op="delete_field", field="kind")
        steps = page(bob, "entry_history", books.pk, emma).context["steps"]
        told = [[(c.label, c.old, c.new) for c in step.cells] for step in steps]
        assert told[0] == [("Price", "7", "seven")]
        assert told[1] == [("Price", "6", "7")]
        assert ("Kind", "", "Novel") in told[3]

    def test_puts_an_old_value_back(self, bob, books, emma):
        step = page(bob, "entry_history", books.pk, emma).context["steps"][1]
        target = reverse("entry_restore", args=[books.pk, emma])
        done = bob.client.post(target, {"cell": f"{step.tag}.{step.cells[0].field.id}"}, **HTMX)
        assert done.status_code == 204
        with bob.acting():
            assert books.model.objects.get(pk=emma).price == 5
        assert len(page(bob, "entry_history", books.pk, emma).context["steps"]) == 4

    def test_an_old_value_that_does_not_fit_is_said(self, alice, bob, books, emma):
        step = page(bob, "entry_history", books.pk, emma).context["steps"][0]
        field = step.cells[0].field.id
        change(alice, books, op="change_field", field="price", type="date")
        target = reverse("entry_restore", args=[books.pk, emma])
        assert bob.client.post(target, {"cell": f"{step.tag}.{field}"}, **HTMX).status_code == 422

    @pytest.mark.parametrize("cell", ["", "x.y", "1.f1", "99999999999999999999.f1"])
    def test_nonsense_is_not_put_back(self, bob, books, emma, cell):
        target = reverse("entry_restore", args=[books.pk, emma])
        assert bob.client.post(target, {"cell": cell}).status_code == 404

    def test_viewers_put_nothing_back(self, bob, workspace, books, emma):
        give_role(workspace, bob, Role.VIEWER)
        answer = page(bob, "entry_history", books.pk, emma)
        assert "step-restore" not in answer.content.decode()
        target = reverse("entry_restore", args=[books.pk, emma])
        assert bob.client.post(target, {"cell": "1.f1"}).status_code == 403

    def test_questions_do_not_grow(self, bob, books, emma):
        client, target = bob.client, reverse("entry_history", args=[books.pk, emma])
        client.get(target)
        with CaptureQueriesContext(connection) as few:
            client.get(target)
        for price in range(50, 100):
            with bob.acting() as actor:
                update_entries(record=books, changes={emma: {"price": price}}, actor=actor)
        with CaptureQueriesContext(connection) as many:
            answer = client.get(target)
        assert len(many) == len(few)
        assert len(answer.context["steps"]) == 50
        rest = client.get(target, {"before": answer.context["before"]}, **HTMX)
        assert rest.content.decode().count("step-head") == 3


class TestExport:
    def test_streams_every_event(self, alice, workspace, books, emma):
        target = reverse("workspace_log_export", args=[workspace.pk, "csv"])
        rows = b"".join(alice.client.get(target).streaming_content).decode().splitlines()
        assert rows[0].startswith("event_id,timestamp,type")
        assert any("entries.updated" in row and "bob@example.com" in row for row in rows)
        target = reverse("workspace_log_export", args=[workspace.pk, "ndjson"])
        lines = b"".join(alice.client.get(target).streaming_content).splitlines()
        assert len(lines) == len(rows) - 1

    def test_is_for_those_who_manage(self, bob, charlie, workspace):
        target = reverse("workspace_log_export", args=[workspace.pk, "csv"])
        assert bob.client.get(target).status_code == 403
        assert charlie.client.get(target).status_code == 404

    def test_no_cell_is_a_formula(self, alice, workspace, make_record):
        make_record("=cmd|' /C calc'!A0", title="text")
        target = reverse("workspace_log_export", args=[workspace.pk, "csv"])
        text = b"".join(alice.client.get(target).streaming_content).decode()
        assert not any(
            cell.lstrip('"')[:1] in "=+@" for cell in text.replace("\n", ",").split(",") if cell
        )
