"""A test that commits leaves nothing to the next one."""

import pytest
from django.db import connection

from automations import engine
from automations.tests.workflows import BUTTON, make_workflow, start
from kdap.tests import emptying
from records.tests.helpers import add
from workspaces.access import Actor, acting_as

KEEP = {"id": "keep", "type": "set", "values": {"x": 1}}


def rows():
    """Return {table: rows} of what is not empty, as the system sees it."""
    with acting_as(Actor.system()), connection.cursor() as cursor:
        names = set(connection.introspection.table_names(cursor)) - set(emptying.KEPT)
        found = {}
        for name in names:
            cursor.execute(f'SELECT count(*) FROM "{name}"')
            found[name] = cursor.fetchone()[0]
        return {name: number for name, number in found.items() if number}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("large", [emptying.LARGE, 0], ids=["rows are deleted", "files are made"])
def test_nothing_is_left(alice, workspace, make_record, monkeypatch, large):
    monkeypatch.setattr(emptying, "LARGE", large)
    number = {"type": "autonumber"}
    add(alice, make_record("Books", title="text", number=number), {"title": "Emma"})
    start(alice, make_workflow(alice, workspace, BUTTON, KEEP))
    engine.work(10)
    before = rows()
    assert {"events", "workflow_runs", "workspaces"} <= set(before)
    assert any(name.endswith("_entries") for name in before)
    emptying.take_back(None)
    assert rows() == {}
    with connection.cursor() as cursor:
        for pattern in emptying.OF_ENTRIES.values():
            cursor.execute(pattern)
            assert cursor.fetchall() == []
