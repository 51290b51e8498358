"""Records, workspaces, members, invitations and the log in Django admin: through verbs only."""

import pytest
from django.contrib import admin
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from kdap.tests.people import give_role
from records.models import Record, RecordStructure, StructureVersion
from records.tests.test_admin_entries import staff
from workspaces import services
from workspaces.access import Actor, acting_as
from workspaces.admin_base import CappedPaginator
from workspaces.models import Event, Invitation, Member, Role, Workspace

MODELS = [Workspace, Member, Invitation, Event, Record, RecordStructure, StructureVersion]


@pytest.fixture
def root(db):
    return staff("root", superuser=True)[1]


def url(model, page, *args):
    opts = model._meta
    return reverse(f"admin:{opts.app_label}_{opts.model_name}_{page}", args=args)


def stored(model, **wanted):
    with acting_as(Actor.system()):
        return model.objects.get(**wanted)


def last(type):
    with acting_as(Actor.system()):
        return Event.objects.select_related("user").filter(type=type).first()


@pytest.fixture
def full(alice, workspace, make_record):
    """A workspace with something of every model."""
    make_record(title="text")
    with alice.acting() as actor:
        services.invite(workspace=workspace, email="x@example.com", role="viewer", actor=actor)


@pytest.mark.parametrize("model", MODELS)
def test_lists_and_pages_open(root, full, model):
    listed = root.get(url(model, "changelist"))
    assert listed.status_code == 200
    assert root.get(url(model, "changelist"), {"q": "x\x00'%"}).status_code == 200
    with acting_as(Actor.system()):
        one = model.objects.first()
    assert root.get(url(model, "change", one.pk)).status_code == 200


@pytest.mark.parametrize("model", MODELS)
def test_nobody_but_staff(alice, full, model):
    response = alice.client.get(url(model, "changelist"))
    assert response.status_code == 302
    assert alice.client.get(response.url).status_code == 403


@pytest.mark.parametrize("model", MODELS)
def test_lists_ask_the_same_number_of_queries(root, alice, workspace, make_record, model):
    def fill(number):
        make_record(f"Record {number}", title="text")
        with alice.acting() as actor:
            other = services.create_workspace(name=f"Room {number}", actor=actor)
            services.invite(
                workspace=other, email=f"p{number}@example.com", role="viewer", actor=actor
            )

    fill(0)
    root.get(url(model, "changelist"))
    with CaptureQueriesContext(connection) as few:
        root.get(url(model, "changelist"))
    for number in range(1, 8):
        fill(number)
    with CaptureQueriesContext(connection) as many:
        root.get(url(model, "changelist"))
    assert len(many) == len(few)


@pytest.mark.parametrize("model", [Event, StructureVersion, RecordStructure, Invitation])
def test_history_is_read_only(root, full, model):
    with acting_as(Actor.system()):
        one = model.objects.first()
    assert root.post(url(model, "change", one.pk), {}).status_code == 403
    assert root.post(url(model, "delete", one.pk), {"post": "yes"}).status_code == 403
    assert root.get(url(model, "add")).status_code == 403


class TestWorkspace:
    inline = {"members-TOTAL_FORMS": 0, "members-INITIAL_FORMS": 0}

    def test_renaming_is_logged(self, root, workspace):
        target = url(Workspace, "change", workspace.pk)
        assert root.post(target, {"name": "Library"} | self.inline).status_code == 302
        assert stored(Workspace, pk=workspace.pk).name == "Library"
        event = last("workspace.renamed")
        assert (event.user.email, event.cause) == ("root@example.com", {"door": "admin"})

    def test_what_the_verb_refuses_stays_in_the_form(self, root, workspace):
        page = root.post(url(Workspace, "change", workspace.pk), {"name": "\x01"} | self.inline)
        assert page.status_code in (200, 302)
        page = root.post(url(Workspace, "change", workspace.pk), {"name": " "} | self.inline)
        assert b"errornote" in page.content

    def test_adding_makes_the_visitor_owner(self, root, db):
        assert root.post(url(Workspace, "add"), {"name": "New"}).status_code == 302
        made = stored(Workspace, name="New")
        assert stored(Member, workspace=made).role == Role.OWNER

    def test_deleting_is_the_trash(self, root, workspace):
        assert root.post(url(Workspace, "delete", workspace.pk), {"post": "yes"}).status_code == 302
        assert stored(Workspace, pk=workspace.pk).deleted_at
        chosen = {"action": "restore", "_selected_action": [workspace.pk]}
        root.post(url(Workspace, "changelist"), chosen)
        assert stored(Workspace, pk=workspace.pk).deleted_at is None
        chosen = {"action": "delete_selected", "_selected_action": [workspace.pk], "post": "yes"}
        root.post(url(Workspace, "changelist"), chosen)
        assert stored(Workspace, pk=workspace.pk).deleted_at


class TestMember:
    def test_changing_a_role_is_logged(self, root, bob, workspace):
        member = stored(Member, user=bob.user)
        root.post(url(Member, "change", member.pk), {"role": "viewer"})
        assert stored(Member, user=bob.user).role == "viewer"
        assert last("member.changed").payload["was"] == "editor"

    def test_the_last_owner_stays(self, root, alice, workspace):
        member = stored(Member, user=alice.user)
        page = root.post(url(Member, "change", member.pk), {"role": "viewer"})
        assert "needs an owner" in page.content.decode()
        page = root.post(url(Member, "delete", member.pk), {"post": "yes"}, follow=True)
        assert "needs an owner" in page.content.decode()
        assert stored(Member, user=alice.user).role == "owner"

    def test_removing(self, root, bob, workspace):
        member = stored(Member, user=bob.user)
        root.post(url(Member, "delete", member.pk), {"post": "yes"})
        assert last("member.removed").payload["user_id"] == str(bob.user.pk)

    def test_adding_is_an_event(self, root, charlie, workspace):
        assert b"role" in root.get(url(Member, "add")).content
        values = {"user": charlie.user.pk, "workspace": workspace.pk, "role": "viewer"}
        assert root.post(url(Member, "add"), values).status_code == 302
        assert stored(Member, user=charlie.user).role == "viewer"
        event = last("member.added")
        assert (event.user.email, event.cause) == ("root@example.com", {"door": "admin"})
        assert stored(Member, user=charlie.user).last_event_id == event.pk

    def test_what_adding_refuses_stays_in_the_form(self, root, bob, charlie, workspace):
        values = {"user": bob.user.pk, "workspace": workspace.pk, "role": "viewer"}
        assert "already exists" in root.post(url(Member, "add"), values).content.decode()
        charlie.user.is_active = False
        charlie.user.save()
        page = root.post(url(Member, "add"), values | {"user": charlie.user.pk})
        assert "no account any more" in page.content.decode()
        assert b"errornote" in root.post(url(Member, "add"), {"role": "king"}).content
        assert stored(Member, user=bob.user).role == "editor"


class TestInvitation:
    def test_withdrawing(self, root, full):
        chosen = {"action": "withdraw", "_selected_action": [stored(Invitation).pk]}
        root.post(url(Invitation, "changelist"), chosen)
        assert stored(Invitation).revoked_at
        assert last("member.uninvited")


class TestRecord:
    def test_adding_makes_a_table(self, root, workspace):
        assert b"table_name" not in root.get(url(Record, "add")).content
        values = {"workspace": workspace.pk, "name": "Shelf", "icon": "book", "color": "red"}
        assert root.post(url(Record, "add"), values).status_code == 302
        made = stored(Record, name="Shelf")
        assert (made.icon, made.workspace_id) == ("book", workspace.pk)
        assert stored(StructureVersion, record=made).version == 1
        assert last("record.created").cause == {"door": "admin"}
        assert root.get(reverse("entries_changelist", args=[made.pk])).status_code == 200

    def test_what_adding_refuses_stays_in_the_form(self, root, workspace):
        values = {"workspace": workspace.pk, "name": "\x01 ", "icon": "book", "color": "red"}
        page = root.post(url(Record, "add"), values | {"name": "  "})
        assert b"errornote" in page.content
        page = root.post(url(Record, "add"), values | {"workspace": "x"})
        assert b"errornote" in page.content

    @pytest.mark.parametrize("model", [Record, Member])
    def test_adding_needs_the_right(self, db, model):
        client = staff("helper")[1]
        assert client.get(url(model, "add")).status_code == 403
        assert client.post(url(model, "add"), {}).status_code == 403

    def test_changing_goes_through_the_verb(self, root, make_record):
        record = make_record(title="text")
        values = {"name": "Shelf", "icon": "book", "color": "red", "position": 3}
        assert root.post(url(Record, "change", record.pk), values).status_code == 302
        changed = stored(Record, pk=record.pk)
        assert (changed.name, changed.icon, changed.position) == ("Shelf", "book", 3)
        assert last("record.changed").payload["was"]["name"] == "Books"

    def test_deleting_is_the_trash(self, root, make_record):
        record = make_record(title="text")
        root.post(url(Record, "delete", record.pk), {"post": "yes"})
        assert stored(Record, pk=record.pk).deleted_at
        chosen = {"action": "restore", "_selected_action": [record.pk]}
        root.post(url(Record, "changelist"), chosen)
        assert stored(Record, pk=record.pk).deleted_at is None


class TestEvents:
    def test_found_by_every_id(self, root, alice, workspace, make_record):
        make_record(title="text")
        event = last("record.created")
        for term in (event.pk, event.stream_id, event.operation_id, "record."):
            page = root.get(url(Event, "changelist"), {"q": term}).content.decode()
            assert "record.created" in page
            assert ">workspace.created<" not in page
        page = root.get(url(Event, "changelist"), {"about": "member"}).content.decode()
        assert ">member.added<" in page
        assert ">record.created<" not in page

    def test_never_counts_the_table(self, root, full):
        with CaptureQueriesContext(connection) as queries:
            root.get(url(Event, "changelist"))
        counts = [q["sql"] for q in queries if "COUNT(" in q["sql"] and "events" in q["sql"]]
        assert all("LIMIT 10001" in sql for sql in counts)


class TestCounting:
    def count(self, monkeypatch, queryset, **limits):
        for name, value in limits.items():
            monkeypatch.setattr(CappedPaginator, name, value)
        with acting_as(Actor.system()):
            return CappedPaginator(queryset, 10).count, queryset.count()

    def test_small_tables_exactly(self, monkeypatch, full):
        counted, exact = self.count(monkeypatch, Event.objects.all())
        assert counted == exact > 0

    def test_big_ones_about(self, monkeypatch, full):
        counted, _ = self.count(monkeypatch, Event.objects.all(), MOST=2)
        assert counted >= 3

    def test_slow_ones_from_the_planner(self, monkeypatch, full):
        slow = Event.objects.extra(where=["pg_sleep(0.05) IS NOT NULL"])
        counted, _ = self.count(monkeypatch, slow, PATIENCE="10ms")
        assert isinstance(counted, int)


def test_a_role_in_a_workspace_opens_no_admin(bob, workspace):
    give_role(workspace, bob, Role.OWNER)
    assert bob.client.get("/admin/").status_code == 302


def test_every_model_of_ours_is_registered():
    for model in MODELS:
        assert admin.site.is_registered(model)
