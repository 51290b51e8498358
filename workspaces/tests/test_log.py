"""The log as it is read: operations, newest first, in words."""

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from kdap.tests.people import give_role
from records.entries import create_entries, update_entries
from workspaces import log
from workspaces.access import Actor, acting_as
from workspaces.models import Role
from workspaces.services import invite, rename_workspace


@pytest.fixture
def busy(alice, bob, workspace, make_record):
    """Twelve operations: the workspace, a record, six of Bob's, two of Alice's, two of nobody's."""
    record = make_record(title="text", price="integer")
    for number in range(3):
        with bob.acting() as actor:
            rows = [{"title": f"Book {number}", "price": number}] * 2
            ids = create_entries(record=record, rows=rows, actor=actor).ids
        with bob.acting() as actor:
            changes = {id: {"price": 9 + number} for id in ids}
            update_entries(record=record, changes=changes, actor=actor)
    for name in ("Library", "Archive"):
        with alice.acting() as actor:
            rename_workspace(workspace=workspace, name=name, actor=actor)
    for _ in range(2):
        with acting_as(Actor.system(task="tidy")):
            record.model.objects.filter(pk=ids[0]).update(title=timezone.now().isoformat())
    return record


def read(person, workspace, **options):
    with person.acting():
        return log.operations(workspace_id=workspace.pk, **options)


def sentences(page):
    return [item.sentence for item in page.operations]


def test_tells_the_newest_first(alice, workspace, busy):
    page = read(alice, workspace)
    assert sentences(page) == [
        "Changed Title of 1 entry",
        "Changed Title of 1 entry",
        "Renamed the workspace “Library” to “Archive”",
        "Renamed the workspace “Bookshop” to “Library”",
        *["Changed Price of 2 entries", "Added 2 entries"] * 3,
        "Made the record “Books”",
        "Made the workspace “Bookshop”. Made Alice a member as owner",
    ]
    assert page.cursor is None
    assert [page.operations[n].who for n in (0, 2, 4)] == ["KDAP", "Alice", "Bob"]
    assert page.operations[0].way == "task “tidy”"
    assert page.operations[4].streams[0].name == "Books"


def test_pages_follow_each_other(alice, workspace, busy):
    whole, parts, cursor = sentences(read(alice, workspace)), [], None
    while True:
        page = read(alice, workspace, limit=5, before=cursor)
        parts += sentences(page)
        if (cursor := page.cursor) is None:
            break
    assert parts == whole


@pytest.mark.parametrize(
    ("filters", "count"),
    [
        ({"kind": "added"}, 3),
        ({"kind": "workspace"}, 3),
        ({"kind": "imports"}, 0),
        ({"person": log.NOBODY}, 2),
        ({"field": "price"}, 3),
        ({"field": "price", "kind": "added"}, 0),
        ({"since": timezone.now() - dt.timedelta(days=1)}, 12),
        ({"until": timezone.now() - dt.timedelta(days=1)}, 0),
        ({"until": timezone.now() + dt.timedelta(days=1)}, 12),
    ],
)
def test_filters(alice, workspace, busy, filters, count):
    assert len(read(alice, workspace, filters=log.Filters(**filters)).operations) == count


def test_filters_by_person_and_record(alice, bob, workspace, busy):
    mine = read(alice, workspace, filters=log.Filters(person=alice.user.pk))
    assert len(mine.operations) == 4
    about = read(alice, workspace, stream_id=busy.pk)
    assert len(about.operations) == 9


def test_says_how_far_it_looked(alice, workspace, busy, monkeypatch):
    monkeypatch.setattr(log, "LOOK", 5)
    filters = log.Filters(kind="records")
    page = read(alice, workspace, filters=filters)
    assert page.operations == []
    assert page.reached is not None
    while page.cursor:
        last, page = page, read(alice, workspace, filters=filters, before=page.cursor)
        assert last.reached is not None
        if page.operations:
            break
    assert sentences(page) == ["Made the record “Books”"]


def test_an_operation_appears_once_however_pages_fall(alice, workspace, make_record):
    record = make_record(title="text")
    with alice.acting() as actor:
        for number in range(5):
            create_entries(record=record, rows=[{"title": str(number)}], actor=actor)
    page = read(alice, workspace, limit=1)
    assert sentences(page) == ["Added 5 entries"]
    assert sentences(read(alice, workspace, limit=1, before=page.cursor)) == [
        "Made the record “Books”"
    ]


def test_questions_do_not_grow(alice, bob, workspace, busy):
    with alice.acting(), CaptureQueriesContext(connection) as one:
        log.operations(workspace_id=workspace.pk, limit=1)
    for number in range(50):
        with bob.acting() as actor:
            create_entries(record=busy, rows=[{"title": str(number)}], actor=actor)
    with alice.acting(), CaptureQueriesContext(connection) as many:
        assert len(log.operations(workspace_id=workspace.pk).operations) == 50
    assert len(many) <= len(one) + 1  # the workspace's name, beside the record's


def test_strangers_read_nothing(charlie, workspace, busy):
    assert read(charlie, workspace).operations == []


def test_invitations_are_for_those_who_manage(alice, bob, workspace):
    with alice.acting() as actor:
        invite(workspace=workspace, email="dora@example.com", role="viewer", actor=actor)
    give_role(workspace, bob, Role.VIEWER)
    assert sentences(read(alice, workspace))[0] == "Invited dora@example.com as viewer"
    assert not any("dora" in text for text in sentences(read(bob, workspace, private=False)))


def test_one_operation(alice, charlie, workspace, busy):
    newest = read(alice, workspace).operations[0]
    with alice.acting():
        assert log.operation(newest.id, workspace_id=workspace.pk).sentence == newest.sentence
    with charlie.acting():
        assert log.operation(newest.id, workspace_id=workspace.pk) is None
