"""The log proves what is there: digests, definitions built from events, tables from history."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from records import services
from records.entries import delete_entries, update_entries
from records.history import quoted
from records.names import history_name
from records.past import names_now, names_of_each
from records.replay import check_digests
from records.tests.helpers import add, sql
from workspaces.access import Actor, acting_as
from workspaces.operations import undo
from workspaces.services import accept_invitation, change_role, invite, rename_workspace

pytestmark = pytest.mark.django_db(transaction=True)


def verify(*arguments):
    """Run the command; return what it says. Raises CommandError when it finds differences."""
    said = StringIO()
    try:
        call_command("replay", "--verify", *arguments, stdout=said)
    except CommandError as error:
        raise CommandError(f"{said.getvalue()}{error}") from None
    return said.getvalue()


@pytest.fixture
def joined(alice, bob, workspace):
    """Bob's membership, by an invitation as in real life."""
    with acting_as(Actor.system()):
        workspace.members.filter(user=bob.user).delete()
    with alice.acting() as actor:
        asked = {"email": bob.user.email, "role": "editor"}
        invitation, _ = invite(workspace=workspace, actor=actor, **asked)
    with bob.acting() as actor:
        accept_invitation(invitation=invitation, actor=actor)
    with alice.acting():
        return workspace.members.get(user=bob.user)


@pytest.fixture
def busy(alice, workspace, joined, make_record):
    """A record with a past: edits, deletions, every kind of structural change, undo."""
    record = make_record(title="text", price="integer", number="autonumber")
    ids = add(alice, record, *({"title": f"{n}", "price": n} for n in range(300)))

    def change(**rest):
        with alice.acting() as actor:
            update_entries(record=record, actor=actor, **rest)

    def restructure(*changes):
        actor = alice.actor
        with acting_as(actor):
            services.change_structure(
                record=record, changes=list(changes), actor=actor, confirmed=True
            )
        return actor.operation

    change(changes={ids[0]: {"price": 7}, ids[1]: {"title": "x"}})
    change(changes={id: {"price": 9} for id in ids[:250]})
    restructure({"op": "change_field", "field": "title", "label": "Name"})
    restructure({"op": "move_field", "field": "price", "position": 0})
    converted = restructure({"op": "change_field", "field": "title", "type": "integer"})
    change(changes={ids[5]: {"title": 555}})
    with alice.acting() as actor:
        delete_entries(record=record, ids=ids[10:20], actor=actor)
        undo(operation_id=converted, actor=actor)
    spec = {"label": "Kind", "type": "text", "default": "book", "unique": False}
    restructure({"op": "add_field", "field": spec}, {"op": "delete_field", "field": "price"})
    change(changes={ids[30]: {"kind": "map"}})
    restructure({"op": "restore_field", "field": "price"})
    change(changes={ids[31]: {"price": 31}})
    with alice.acting() as actor:
        rename_workspace(workspace=workspace, name="Shop", actor=actor)
    return record, joined


def test_everything_agrees_after_a_busy_life(busy):
    said = verify()
    assert "All agrees with the log" in said
    assert "built again" in said


def test_where_columns_are_is_the_same_in_one_pass_and_one_by_one(busy):
    record, _ = busy
    with acting_as(Actor.system()):
        kept = record.versions.order_by("version").values_list("version", "structure")
        versions = list(kept)
    assert len(versions) > 6
    each = [names_now(versions[place:]) for place in range(len(versions))]
    assert names_of_each(versions) == each
    assert names_of_each(versions[:1]) == [names_now(versions[:1])]


@pytest.fixture
def forged():
    """Return a function that runs SQL on a record's table behind the back of its triggers."""

    def forge(record, statement, table=None):
        name = quoted(table or record.table_name)
        with acting_as(Actor.system()):
            sql(f"ALTER TABLE {name} DISABLE TRIGGER USER")
            sql(statement.format(table=name))
            sql(f"ALTER TABLE {name} ENABLE TRIGGER USER")

    return forge


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE {table} SET price = 1234 WHERE entry_id = 40",
        "DELETE FROM {table} WHERE entry_id = 40",
        "UPDATE {table} SET updated_at = updated_at + interval '1 s' WHERE entry_id = 40",
    ],
)
def test_a_change_behind_the_logs_back_is_found(busy, forged, statement):
    record, _ = busy
    forged(record, statement)
    with pytest.raises(CommandError, match="Differences found"):
        verify("--quick")


def test_a_forged_past_is_found(busy, forged):
    record, _ = busy
    forged(
        record,
        "UPDATE {table} SET price = 1 WHERE entry_id = 1",
        table=history_name(record.table_name),
    )
    with acting_as(Actor.system()):
        assert check_digests(record).problems


def test_a_definition_that_does_not_follow_from_events_is_found_and_repaired(busy):
    record, member = busy
    with acting_as(Actor.system()):
        type(record).objects.filter(pk=record.pk).update(name="Forged")
    with pytest.raises(CommandError, match="does not follow from the events"):
        verify()
    call_command("replay", "--rebuild", stdout=StringIO())
    assert "All agrees" in verify()
    with acting_as(Actor.system()):
        record.refresh_from_db()
        member.refresh_from_db()
    assert record.name == "Books"


def test_members_follow_from_events_too(alice, busy):
    _, member = busy
    with alice.acting() as actor:
        change_role(member=member, role="viewer", actor=actor)
    with acting_as(Actor.system()):
        type(member).objects.filter(pk=member.pk).update(role="admin")
    with pytest.raises(CommandError, match="members"):
        verify()
