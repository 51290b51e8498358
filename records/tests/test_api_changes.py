"""The feed of changes and undo, as a program uses them."""

from uuid import uuid4

import pytest

from kdap.tests.people import give_role
from records.tests.api import Api
from workspaces.models import Role


@pytest.fixture
def record(make_record):
    return make_record(title="text", price="integer")


@pytest.fixture
def api(alice):
    return Api(alice)


def test_every_write_names_its_operation_and_that_can_be_undone(api, record):
    made = api.post(f"records/{record.pk}/entries/", [{"price": 1}, {"price": 2}])
    a, _ = (row["entry_id"] for row in made.data["results"])
    changed = api.patch(f"records/{record.pk}/entries/{a}/", {"price": 9})
    operation = changed.headers["Operation-Id"]
    preview = api.post(f"operations/{operation}/undo/", {"preview": True})
    assert (preview.data["restored"], preview.data["operation"]) == (1, None)
    undone = api.post(f"operations/{operation}/undo/", {})
    assert undone.data["detail"] == "1 restored."
    assert api.get(f"records/{record.pk}/entries/{a}/").data["price"] == 1
    assert api.post(f"operations/{operation}/undo/", {}).status_code == 409
    api.post(f"operations/{undone.data['operation']}/undo/", {})
    assert api.get(f"records/{record.pk}/entries/{a}/").data["price"] == 9


def test_a_repeated_call_names_the_operation_it_did_first(api, record):
    key = {"Idempotency-Key": "k1"}
    first = api.post(f"records/{record.pk}/entries/", {"price": 1}, **key)
    again = api.post(f"records/{record.pk}/entries/", {"price": 1}, **key)
    assert again.headers["Operation-Id"] == first.headers["Operation-Id"]


def test_reading_is_no_operation(api, record):
    assert "Operation-Id" not in api.get(f"records/{record.pk}/").headers


def test_the_feed_begins_now_and_refuses_foreign_cursors(api, record, make_record):
    other = make_record("Other", x="text")
    start = api.get(f"records/{record.pk}/changes/").data
    assert (start["results"], start["more"]) == ([], False)
    assert api.get(f"records/{record.pk}/changes/?since={start['cursor']}").status_code == 200
    wrong = api.get(f"records/{other.pk}/changes/?since={start['cursor']}")
    assert wrong.status_code == 422
    assert "cursor" in wrong.data["detail"]


@pytest.mark.parametrize("body", [[], {"force": "maybe"}, {"what": 1}, None])
def test_bad_bodies_are_refused(api, record, body):
    answer = api.post(f"operations/{uuid4()}/undo/", body)
    assert answer.status_code in (400, 422)


def test_who_may(api, alice, bob, charlie, workspace, record):
    made = api.post(f"records/{record.pk}/entries/", {"price": 1})
    path = f"operations/{made.headers['Operation-Id']}/undo/"
    assert Api(charlie).post(path, {}).status_code == 404
    assert Api(bob).post(path, {}).status_code == 403
    assert Api(alice, verbs=["read"]).post(path, {}).status_code == 403
    give_role(workspace, bob, Role.ADMIN)
    assert Api(bob).post(path, {}).status_code == 200
    assert Api(charlie).get(f"records/{record.pk}/changes/").status_code == 404
