"""The trash of a workspace."""

import pytest
from django.urls import reverse

from kdap.tests.people import give_role
from records.services import delete_record
from workspaces.access import Actor, acting_as
from workspaces.models import Role


@pytest.fixture
def gone(alice, make_record):
    record = make_record(title="text")
    with alice.acting() as actor:
        delete_record(record=record, actor=actor)
    return record


def deleted(record):
    with acting_as(Actor.system()):
        record.refresh_from_db()
        return record.deleted_at is not None


def test_lists_and_restores(alice, workspace, gone):
    client = alice.client
    page = client.get(reverse("record_trash", args=[workspace.pk]))
    assert "Books" in page.content.decode()
    room = client.get(reverse("workspace", args=[workspace.pk])).content.decode()
    assert "1 record in the trash" in room
    response = client.post(reverse("record_restore", args=[gone.pk]))
    assert response.url == reverse("record", args=[gone.pk])
    assert not deleted(gone)
    assert client.post(reverse("record_restore", args=[gone.pk])).status_code == 404


def test_others_are_refused(bob, charlie, workspace, gone):
    for name, id in (("record_trash", workspace.pk), ("record_restore", gone.pk)):
        for role in (Role.VIEWER, Role.EDITOR):
            give_role(workspace, bob, role)
            ask = bob.client.get if name == "record_trash" else bob.client.post
            assert ask(reverse(name, args=[id])).status_code == 403
        ask = charlie.client.get if name == "record_trash" else charlie.client.post
        assert ask(reverse(name, args=[id])).status_code == 404
    assert deleted(gone)
