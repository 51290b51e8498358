"""What the trash held for too long is removed for good; the rest stays."""

import datetime as dt

import pytest
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from kdap.tests.people import give_role
from records import purging
from records.entries import update_entries
from records.models import Record
from records.past import names_now, names_of_each
from records.services import change_structure, delete_record
from records.structure_jobs import StructureJob
from records.tests.helpers import add, sql
from workspaces.access import Actor, acting_as
from workspaces.errors import Invalid
from workspaces.models import Event, Role, Workspace
from workspaces.retention import change_retention
from workspaces.services import delete_workspace

HTMX = {"HTTP_HX_REQUEST": "true"}


def later(monkeypatch, days):
    """Let the purge believe that it is `days` later."""
    now = timezone.now() + dt.timedelta(days=days)
    monkeypatch.setattr(purging.timezone, "now", lambda: now)
    with acting_as(Actor.system()):
        Workspace.objects.exclude(deleted_at=None).update(
            deleted_at=timezone.now() - 2 * dt.timedelta(days=days)
        )


def tables_like(name):
    return sql("SELECT relname FROM pg_class WHERE relname LIKE %s", [f"%{name}%"])


@pytest.fixture
def books(alice, make_record):
    record = make_record(title="text", number="autonumber", price="integer")
    add(alice, record, {"title": "Emma", "price": 5})
    return record


def drop_field(person, record, name):
    with person.acting() as actor:
        changes = [{"op": "delete_field", "field": name}]
        change_structure(record=record, changes=changes, actor=actor, confirmed=True)


def test_a_record_goes_with_all_it_had(alice, books, monkeypatch):
    with alice.acting() as actor:
        delete_record(record=books, actor=actor)
    assert set(purging.purge_overdue().values()) == {0}
    later(monkeypatch, 91)
    assert purging.purge_overdue()["records"] == 1
    with acting_as(Actor.system()):
        assert not Record.objects.filter(pk=books.pk).exists()
        assert tables_like(books.table_name) == []
        assert sql("SELECT proname FROM pg_proc WHERE proname LIKE 'log_books%%'", []) == []
        event = Event.objects.get(type="record.purged")
        assert (event.payload["name"], event.user_id) == ("Books", None)
        assert Event.objects.filter(stream_id=books.pk, type="entries.created").exists()
    page = alice.client.get(reverse("workspace_activity", args=[books.workspace_id]))
    assert "Removed the record “Books” for good" in page.content.decode()


def test_a_field_goes_and_the_rest_works_on(alice, books, monkeypatch):
    drop_field(alice, books, "price")
    later(monkeypatch, 91)
    assert purging.purge_overdue()["fields"] == 1
    assert purging.purge_overdue()["fields"] == 0
    with acting_as(Actor.system()):
        books.reload()
        assert books.structure.shelf == ()
        kept = books.versions.order_by("version").values_list("version", "structure")
        each = names_of_each(list(kept))
        assert each[0]["price"] is None
        assert each == [names_now(list(kept)[place:]) for place in range(len(each))]
        columns = sql(
            "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 "
            "AND NOT attisdropped",
            [books.table_name],
        )
    assert not [name for (name,) in columns if name.startswith("_d")]
    with alice.acting() as actor:
        [entry] = books.model.objects.all()
        update_entries(record=books, changes={entry.pk: {"title": "Emma II"}}, actor=actor)
    page = alice.client.get(reverse("entry_history", args=[books.pk, entry.pk]))
    assert "<ins>Emma II</ins>" in page.content.decode()
    history = alice.client.get(reverse("record_history", args=[books.pk])).content.decode()
    assert "Removed the cells of “Price” for good" in history


def test_a_workspace_goes_with_its_records(alice, bob, workspace, books, monkeypatch):
    with alice.acting() as actor:
        delete_workspace(workspace=workspace, actor=actor)
    later(monkeypatch, 91)
    assert purging.purge_overdue()["workspaces"] == 1
    with acting_as(Actor.system()):
        assert not Workspace.objects.filter(pk=workspace.pk).exists()
        assert tables_like(books.table_name) == []
        assert Event.objects.filter(type="workspace.purged", stream_id=workspace.pk).exists()


def test_what_is_in_use_waits(alice, books, monkeypatch, settings):
    with alice.acting() as actor:
        delete_record(record=books, actor=actor)
    later(monkeypatch, 91)

    def busy(*args):
        with connection.cursor() as cursor:
            cursor.execute("DO $$ BEGIN RAISE 'busy' USING ERRCODE = '55P03'; END $$")

    monkeypatch.setattr(purging, "purge_record", busy)
    assert purging.purge_overdue()["records"] == 0
    with acting_as(Actor.system()):
        assert Record.objects.filter(pk=books.pk).exists()


def test_a_field_waits_while_the_structure_is_changed(alice, books, monkeypatch):
    drop_field(alice, books, "price")
    with alice.acting() as actor:
        job = StructureJob.objects.create(
            workspace_id=books.workspace_id,
            record=books,
            user=actor.user,
            changes=[],
            version=books.version,
        )
    later(monkeypatch, 91)
    assert purging.purge_overdue()["fields"] == 0
    with acting_as(Actor.system()):
        assert books.reload().shelf
        StructureJob.objects.filter(pk=job.pk).update(state=StructureJob.State.DONE)
    assert purging.purge_overdue()["fields"] == 1


class TestRetention:
    def test_is_set_on_the_settings_page(self, alice, workspace):
        target = reverse("workspace_retention", args=[workspace.pk])
        assert "90" in alice.client.get(target, **HTMX).content.decode()
        done = alice.client.post(target, {"days": "30"}, **HTMX)
        assert done.headers["HX-Redirect"] == reverse("workspace_settings", args=[workspace.pk])
        with alice.acting():
            workspace.refresh_from_db()
            event = Event.objects.get(type="workspace.changed")
        assert workspace.retention_days == 30
        assert event.payload["was"] == {"retention_days": 90}
        settings = reverse("workspace_settings", args=[workspace.pk])
        assert "30 days" in alice.client.get(settings).content.decode()

    @pytest.mark.parametrize("days", ["", "0", "-1", "x", "1.5", "99999"])
    def test_bad_numbers_stay_in_the_form(self, alice, workspace, days):
        target = reverse("workspace_retention", args=[workspace.pk])
        page = alice.client.post(target, {"days": days})
        assert page.status_code == 422
        assert "field-error" in page.content.decode()

    def test_is_for_those_who_manage(self, bob, charlie, workspace):
        target = reverse("workspace_retention", args=[workspace.pk])
        assert bob.client.post(target, {"days": "1"}).status_code == 403
        assert charlie.client.post(target, {"days": "1"}).status_code == 404
        give_role(workspace, bob, Role.ADMIN)
        with bob.acting() as actor, pytest.raises(Invalid):
            change_retention(workspace=workspace, days=0, actor=actor)

    def test_shortens_the_time(self, alice, workspace, books, monkeypatch):
        with alice.acting() as actor:
            delete_record(record=books, actor=actor)
            change_retention(workspace=workspace, days=3, actor=actor)
        later(monkeypatch, 4)
        assert purging.purge_overdue()["records"] == 1


class TestPage:
    def test_lists_fields_and_brings_them_back(self, alice, books):
        drop_field(alice, books, "price")
        client = alice.client
        page = client.get(reverse("record_trash", args=[books.workspace_id])).content.decode()
        assert "Price" in page
        assert "removed for good on" in page
        field = page.split("/structure/")[1].split("/")[0]
        client.post(reverse("field_restore", args=[books.pk, field]))
        with alice.acting():
            assert "price" in books.reload().key_set()
