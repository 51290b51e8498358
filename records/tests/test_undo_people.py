"""Cells that name somebody whose account is gone: they stay alone, the rest goes back."""

import pytest

from accounts.models import User
from kdap.tests.people import Person, give_role
from records.entries import delete_entries, update_entries
from records.past import as_of
from records.restoring import restore
from records.tests.helpers import add, column
from records.tests.test_undo import cells, change, does, takes_back
from workspaces.access import Actor, acting_as
from workspaces.models import Event, Role


@pytest.fixture
def tasks(make_record):
    return make_record("Tasks", title="text", owner="user")


@pytest.fixture
def dora(workspace):
    user = User.objects.create_user("dora@example.com", "correct horse battery", name="Dora")
    give_role(workspace, Person(user), Role.EDITOR)
    return user


def leaves(user):
    """Delete an account with its memberships."""
    with acting_as(Actor.system()):
        user.delete()


def test_an_edit_goes_back_but_for_that_cell(alice, tasks, dora):
    a, b = add(alice, tasks, {"title": "a", "owner": dora.pk}, {"title": "b"})
    new = {"title": "new", "owner": alice.user.pk}
    done = change(alice, tasks, {a: new, b: new})
    leaves(dora)
    outcome = takes_back(alice, done)
    assert (outcome.restored, outcome.kept) == (3, 1)
    [example] = outcome.examples
    assert (example["entry_id"], example["field"]) == (a, "Owner")
    assert cells(alice, tasks, "title") == ["a", "b"]
    assert cells(alice, tasks, "owner") == [str(alice.user.pk), None]


def test_a_deleted_entry_comes_back_without_it(alice, tasks, dora):
    a, b = add(alice, tasks, {"title": "a", "owner": dora.pk}, {"title": "b"})
    done = does(alice, delete_entries, record=tasks, ids=[a, b])
    leaves(dora)
    outcome = takes_back(alice, done)
    assert (outcome.restored, outcome.kept) == (2, 1)
    assert outcome.examples[0]["entry_id"] == a
    assert cells(alice, tasks, "title") == ["a", "b"]
    assert cells(alice, tasks, "owner") == [None, None]


def test_where_it_is_required_the_entry_stays_away(alice, make_record, dora):
    tasks = make_record("Tasks", owner={"type": "user", "required": True})
    a, b = add(alice, tasks, {"owner": dora.pk}, {"owner": alice.user.pk})
    done = does(alice, delete_entries, record=tasks, ids=[a, b])
    leaves(dora)
    assert takes_back(alice, done).restored == 1
    assert cells(alice, tasks, "owner") == [str(alice.user.pk)]


def test_bringing_a_moment_back_leaves_it_out_too(alice, tasks, dora):
    a, b = add(alice, tasks, {"title": "a", "owner": dora.pk}, {"title": "b", "owner": dora.pk})
    with alice.acting() as actor:
        then = as_of(tasks, str(Event.objects.filter(stream_id=tasks.pk).latest("id").id))
        new = {"title": "new", "owner": alice.user.pk}
        update_entries(record=tasks, changes={a: new}, actor=actor)
        delete_entries(record=tasks, ids=[b], actor=actor)
    leaves(dora)
    with alice.acting() as actor:
        outcome = restore(then=then, actor=actor)
        assert column(tasks, "title") == ["a", "b"]
        assert column(tasks, "owner") == [str(alice.user.pk), None]
    assert outcome.kept == 2
