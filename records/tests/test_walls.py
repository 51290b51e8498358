"""Two walls around each workspace, and each of them alone: the access module, and the database.

One is switched off, and the other must hold by itself: for a stranger, a viewer and a token.
"""

import pytest
from django.core.exceptions import ObjectDoesNotExist
from django.db import DatabaseError, connection, transaction
from django.urls import reverse

from accounts.models import ApiToken
from kdap.tests.people import give_role
from records import entries, services
from records.history import quoted
from records.models import Record, RecordStructure, StructureVersion
from records.names import history_name
from workspaces import access
from workspaces import services as rooms
from workspaces.access import Actor, acting_as
from workspaces.errors import Forbidden, KdapError, Missing
from workspaces.models import Event, Invitation, Member, Role, Stream, Workspace

# Tables that hold nothing of any workspace: people, their sessions, Django's own.
OF_NO_WORKSPACE = ("auth_", "django_", "account_", "mfa_", "usersessions_", "socialaccount_")
ALSO_OF_NONE = {
    "users",
    "users_groups",
    "users_user_permissions",
    "api_tokens",
    "idempotency_keys",
    "workflow_feed",  # how far the log was read: one row, of numbers of transactions
}


@pytest.fixture
def books(alice, workspace, make_record):
    """A record with an entry that was changed, so that history has something too."""
    record = make_record(title="text")
    with alice.acting() as actor:
        (id,) = entries.create_entries(record=record, rows=[{"title": "Emma"}], actor=actor).ids
        entries.update_entries(record=record, changes={id: {"title": "Emma II"}}, actor=actor)
        rooms.invite(workspace=workspace, email="x@example.com", role="viewer", actor=actor)
    return record


@pytest.fixture
def module_off(monkeypatch):
    """The access module lets everybody do everything."""
    monkeypatch.setattr(access, "refusal", lambda actor, action, workspace: None)


@pytest.fixture
def database_off(books):
    """No table has a wall any more, for the rest of this test's transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table in walled():
            cursor.execute(f"ALTER TABLE {quoted(table)} DISABLE ROW LEVEL SECURITY")


def tables():
    """Return {table: (has row-level security, and forced)} of the public schema."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, relrowsecurity, relforcerowsecurity FROM pg_class "
            "WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')"
        )
        return {name: (enabled, forced) for name, enabled, forced in cursor.fetchall()}


def walled():
    return [name for name, (enabled, _) in tables().items() if enabled]


def sql(statement, params=()):
    """Execute `statement`; return its rows, or how many it touched."""
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return cursor.fetchall() if cursor.description else cursor.rowcount


def titles(record):
    with acting_as(Actor.system()):
        return [title for (title,) in sql(f"SELECT title FROM {quoted(record.table_name)}")]


def state(record):
    """Return all that a forbidden verb could have changed."""
    with acting_as(Actor.system()):
        room = Workspace.objects.get(pk=record.workspace_id)
        return (
            (room.name, room.deleted_at, list(room.members.values_list("user", "role"))),
            list(room.records.values_list("name", "deleted_at", "position")),
            RecordStructure.objects.get(record=record).structure,
            sql(
                "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass",
                [quoted(record.table_name)],
            ),
            titles(record),
        )


class TestEveryTable:
    def test_has_a_wall(self, books):
        bare = {
            name
            for name, walls in tables().items()
            if walls != (True, True) and not name.startswith(OF_NO_WORKSPACE)
        }
        assert bare <= ALSO_OF_NONE

    def test_entries_and_their_history_too(self, books):
        for name in (books.table_name, history_name(books.table_name)):
            assert tables()[name] == (True, True)

    def test_the_role_does_not_pass_through_walls(self, db):
        assert sql("SELECT rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user") == [
            (False, False)
        ]

    def test_whoever_binds_no_actor_sees_nothing(self, books):
        for name in walled():
            assert sql(f"SELECT count(*) FROM {quoted(name)}") == [(0,)], name


@pytest.mark.usefixtures("module_off")
class TestDatabaseAlone:
    """The access module is off."""

    def test_a_stranger_sees_no_page(self, charlie, books, workspace):
        for target in (
            reverse("workspace", args=[workspace.pk]),
            reverse("record", args=[books.pk]),
        ):
            assert charlie.client.get(target).status_code == 404

    def test_a_stranger_finds_no_row(self, charlie, books):
        with charlie.acting():
            for model in (Workspace, Member, Invitation, Record, RecordStructure, StructureVersion):
                assert not model.objects.exists(), model
            assert not Stream.objects.exists()
            assert not Event.objects.exclude(workspace_id=None).exists()
            assert not books.model.objects.exists()
            for name in walled():
                # What concerns a person and no workspace is theirs to read.
                foreign = " WHERE workspace_id IS NOT NULL" if name.startswith("events") else ""
                assert sql(f"SELECT count(*) FROM {quoted(name)}{foreign}") == [(0,)], name

    def test_a_stranger_changes_nothing_by_sql(self, charlie, books):
        table = quoted(books.table_name)
        with charlie.acting():
            assert sql(f"UPDATE {table} SET title = 'Mine'") == 0
            assert sql(f"DELETE FROM {table}") == 0
            refused(f"INSERT INTO {table} (title) VALUES ('Mine')")
            for name in walled():
                if name.startswith(("event", "h_")):
                    refused(f"DELETE FROM {quoted(name)}")  # history refuses everybody
                else:
                    assert sql(f"DELETE FROM {quoted(name)}") == 0, name
        assert titles(books) == ["Emma II"]

    def test_a_stranger_writes_no_history(self, charlie, books, workspace):
        with charlie.acting():
            refused(
                "INSERT INTO events (type, stream_id, workspace_id) VALUES ('a.b', %s, %s)",
                [books.pk, workspace.pk],
            )
            refused(
                "INSERT INTO members (user_id, workspace_id, role, created_at) "
                "VALUES (%s, %s, 'owner', now())",
                [charlie.user.pk, workspace.pk],
            )

    @pytest.mark.parametrize("role", [None, Role.VIEWER, Role.COMMENTER])
    def test_no_verb_changes_anything_for_who_may_only_read(self, bob, books, workspace, role):
        if role:
            give_role(workspace, bob, role)
        else:
            with acting_as(Actor.system()):
                Member.objects.filter(user=bob.user).delete()
        before = state(books)
        for verb in verbs(books, workspace, bob):
            with pytest.raises((KdapError, DatabaseError, ObjectDoesNotExist)):
                attempt(bob, verb)
        assert state(books) == before

    def test_an_editor_changes_entries_but_no_definition(self, bob, books, workspace):
        before = state(books)
        for verb in verbs(books, workspace, bob)[3:]:
            try:
                attempt(bob, verb)
            except (KdapError, DatabaseError):
                continue
        assert state(books) == before
        with bob.acting():
            assert sql(f"UPDATE {quoted(books.table_name)} SET title = 'Bob was here'") == 1

    def test_an_admin_page_lifts_it_for_staff_only(self, charlie, books):
        assert charlie.client.get(f"/admin/entries/{books.pk}/").status_code == 302


def refused(statement, params=()):
    """Assert that the database refuses `statement` by a wall or a privilege."""
    with pytest.raises(DatabaseError) as caught, transaction.atomic():
        sql(statement, params)
    assert caught.value.__cause__.sqlstate == "42501", caught.value


def verbs(books, workspace, bob):
    """Return what somebody might try, as functions of an actor; the first three are on entries."""
    with acting_as(Actor.system()):
        id = books.model.objects.values_list("pk", flat=True).get()
        alice = Member.objects.select_related("workspace").exclude(user=bob.user).get()
    field = {"op": "add_field", "field": {"label": "New", "type": "text"}}
    return [
        lambda a: entries.create_entries(record=books, rows=[{"title": "Mine"}], actor=a),
        lambda a: entries.update_entries(record=books, changes={id: {"title": "Mine"}}, actor=a),
        lambda a: entries.delete_entries(record=books, ids=[id], actor=a),
        lambda a: services.change_structure(record=books, changes=[field], actor=a),
        lambda a: services.change_record(record=books, name="Mine", actor=a),
        lambda a: services.delete_record(record=books, actor=a),
        lambda a: services.create_record(workspace=workspace, name="Mine", fields=[], actor=a),
        lambda a: rooms.rename_workspace(workspace=workspace, name="Mine", actor=a),
        lambda a: rooms.delete_workspace(workspace=workspace, actor=a),
        lambda a: rooms.invite(workspace=workspace, email="y@example.com", role="admin", actor=a),
        lambda a: rooms.change_role(member=alice, role="viewer", actor=a),
    ]


def attempt(person, verb):
    """Run one verb as `person`, in a savepoint that an error undoes."""
    with transaction.atomic(), person.acting() as actor:
        verb(actor)


@pytest.mark.usefixtures("database_off")
class TestModuleAlone:
    """Row-level security is off."""

    def test_it_is_really_off(self, charlie, books):
        with charlie.acting():
            assert Workspace.objects.exists()
            assert books.model.objects.exists()

    def test_a_stranger_gets_404(self, charlie, books, workspace):
        for name in ("workspace", "workspace_members", "workspace_settings", "workspace_delete"):
            target = reverse(name, args=[workspace.pk])
            assert charlie.client.get(target).status_code == 404
            assert charlie.client.post(target, {"name": "Mine"}).status_code in (404, 405)
        assert charlie.client.get(reverse("record", args=[books.pk])).status_code == 404

    def test_a_viewer_reads_and_is_refused_writing(self, bob, books, workspace):
        give_role(workspace, bob, Role.VIEWER)
        assert bob.client.get(reverse("workspace", args=[workspace.pk])).status_code == 200
        target = reverse("workspace_settings", args=[workspace.pk])
        assert bob.client.post(target, {"name": "Mine"}).status_code == 403

    @pytest.mark.parametrize("role", [None, Role.VIEWER, Role.COMMENTER])
    def test_every_verb_is_refused(self, bob, books, workspace, role):
        give_role(workspace, bob, role or Role.VIEWER)
        if role is None:
            with acting_as(Actor.system()):
                Member.objects.filter(user=bob.user).delete()
        before = state(books)
        for verb in verbs(books, workspace, bob):
            with pytest.raises(Missing if role is None else Forbidden):
                attempt(bob, verb)
        assert state(books) == before


class TestTokens:
    """What a token was not given is behind both walls."""

    def actor(self, alice, workspaces=None, verbs=("read",)):
        token, _ = ApiToken.objects.issue(
            user=alice.user, name="t", verbs=list(verbs), workspaces=workspaces
        )
        return Actor(user=alice.user, token=token)

    def test_module(self, alice, books, workspace):
        reader = self.actor(alice)
        with acting_as(reader):
            assert access.allows(reader, "read", workspace)
            assert not access.allows(reader, "write", workspace)
            assert not access.allows(reader, "structure", workspace)
        elsewhere = self.actor(alice, workspaces=[books.pk], verbs=ApiToken.Verb.values)
        with acting_as(elsewhere):
            assert isinstance(access.refusal(elsewhere, "read", workspace), Missing)

    def test_database_lets_a_reading_token_write_nothing(self, alice, books, module_off):
        table = quoted(books.table_name)
        with acting_as(self.actor(alice)):
            assert sql(f"SELECT title FROM {table}") == [("Emma II",)]
            assert sql(f"UPDATE {table} SET title = 'Mine'") == 0
            assert sql("UPDATE workspaces SET workspace_name = 'Mine'") == 0
            refused(f"INSERT INTO {table} (title) VALUES ('Mine')")

    def test_database_lets_a_writing_token_change_no_structure(self, alice, books, module_off):
        with acting_as(self.actor(alice, verbs=["read", "write"])):
            assert sql(f"UPDATE {quoted(books.table_name)} SET title = 'Mine'") == 1
            assert sql("UPDATE record_structures SET version = 9") == 0

    def test_database_keeps_a_token_in_its_workspaces(self, alice, books, module_off):
        with acting_as(self.actor(alice, workspaces=[books.pk], verbs=ApiToken.Verb.values)):
            assert sql(f"SELECT count(*) FROM {quoted(books.table_name)}") == [(0,)]
            assert not Workspace.objects.exists()
            assert not Event.objects.exclude(workspace_id=None).exists()
