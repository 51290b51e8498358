"""Public forms over the API."""

import pytest

from kdap.tests.people import give_role
from records.tests.api import Api
from records.tests.test_public_forms import page_of, send, support, tickets
from workspaces.models import Role

__all__ = ["support", "tickets"]


def test_makes_reads_changes_deletes_and_restores(alice, tickets):
    api, base = Api(alice), f"records/{tickets.pk}/forms/"
    fields = [{"field": "email", "required": True}, {"field": "subject"}]
    made = api.post(base, {"name": "Support", "fields": fields})
    assert made.status_code == 201, made.content
    one, seen = f"forms/{made.data['id']}/", {"If-Match": made.headers["ETag"]}
    assert made.data["fields"][0]["field"] == tickets.structure.field("email").id
    assert made.data["url"].startswith("http")
    assert api.get(base).data["results"] == [made.data]
    assert api.get(one).headers["ETag"] == made.headers["ETag"]
    changed = api.patch(one, {"open": False, "closes_at": "2030-01-31T12:00:00Z"}, **seen)
    assert (changed.data["open"], changed.data["closes_at"]) == (False, "2030-01-31T12:00:00Z")
    assert api.patch(one, {"name": "Late"}, **seen).status_code == 412
    assert api.delete(one).status_code == 204
    assert api.get(one).status_code == 404
    assert api.post(f"{one}restore/", {}).data["url"] == made.data["url"]
    assert api.post(f"{one}address/", {}).data["url"] != made.data["url"]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"fields": [{"field": "assignee"}]}, "/fields/0"),
        ({"fields": [{"field": "email", "colour": "red"}]}, "/fields/0/colour"),
        ({"fields": "email"}, "/fields"),
        ({"most_answers": 0}, "/most_answers"),
        ({"closes_at": "soon"}, "/closes_at"),
        ({"button": ""}, "/button"),
        ({"secret": 1}, "/secret"),
    ],
)
def test_refuses_what_can_not_be(alice, support, body, pointer):
    answer = Api(alice).patch(f"forms/{support.pk}/", body)
    assert answer.status_code in (400, 422), answer.content
    assert any(item["pointer"].startswith(pointer) for item in answer.data["problems"])


def test_counts_answers(alice, support):
    send(support, subject="Broken")
    assert Api(alice).get(f"forms/{support.pk}/").data["answers"] == 1


def test_readers_are_not_told_the_address(bob, workspace, support):
    give_role(workspace, bob, Role.VIEWER)
    api, one = Api(bob), f"forms/{support.pk}/"
    assert support.address not in api.get(one).content.decode()
    assert support.address not in api.get(f"records/{support.record_id}/forms/").content.decode()
    assert support.address not in api.get(f"workspaces/{workspace.pk}/events/").content.decode()
    assert api.patch(one, {"open": False}).status_code == 403
    assert api.post(f"{one}address/", {}).status_code == 403
    assert "Subject" in page_of(support)


def test_strangers_find_nothing(charlie, support):
    for path in (f"forms/{support.pk}/", f"records/{support.record_id}/forms/"):
        assert Api(charlie).get(path).status_code == 404
