"""Workspaces and records are changed only by those who have seen their newest version."""

import pytest

from records.tests.api import Api
from workspaces import rest
from workspaces.models import Event, Member


@pytest.fixture
def api(alice, workspace):
    return Api(alice)


@pytest.fixture(params=["workspace", "record"])
def target(request, workspace, make_record):
    """The address of a workspace and of a record; what holds for one holds for the other."""
    if request.param == "workspace":
        return f"workspaces/{workspace.pk}/"
    return f"records/{make_record('Books', title='text').pk}/"


def if_match(tag):
    return {"If-Match": tag}


def test_the_version_is_the_etag_and_counts_changes(api, target):
    first = api.get(target)
    assert first.headers["ETag"] == f'"{first.data["_version"]}"'
    changed = api.patch(target, {"name": "Second"})
    assert changed.data["_version"] == first.data["_version"] + 1
    assert changed.headers["ETag"] == api.get(target).headers["ETag"] != first.headers["ETag"]


def test_nothing_is_sent_again_that_was_seen(api, target):
    tag = api.get(target).headers["ETag"]
    same = api.get(target, **{"If-None-Match": tag})
    assert (same.status_code, same.content, same.headers["ETag"]) == (304, b"", tag)
    api.patch(target, {"name": "Second"})
    assert api.get(target, **{"If-None-Match": tag}).status_code == 200


def test_who_saw_the_newest_may_change_and_delete(api, target):
    tag = api.get(target).headers["ETag"]
    changed = api.patch(target, {"name": "Second"}, **if_match(tag))
    assert (changed.status_code, changed.data["name"]) == (200, "Second")
    assert api.delete(target, **if_match(changed.headers["ETag"])).status_code == 204


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
def test_who_saw_an_older_one_gets_the_newest_and_changes_nothing(api, alice, target, method):
    tag = api.get(target).headers["ETag"]
    api.patch(target, {"name": "Second"})
    with alice.acting():
        events = Event.objects.count()
    body = {"name": "Third"} if method == "PATCH" else None
    late = api(method, target, body, **if_match(tag))
    assert late.status_code == 412
    assert late.headers["Content-Type"] == "application/problem+json"
    assert "Somebody else" in late.data["detail"]
    assert late.data["current"] == api.get(target).data
    assert late.data["current"]["name"] == "Second"
    with alice.acting():
        assert Event.objects.count() == events


@pytest.mark.parametrize("tag", ['W/"1"', '"x"', "1.5", '"99999999999999999999"', '"-1"', '"0"'])
def test_a_version_that_never_was(api, target, tag):
    late = api.patch(target, {"name": "Second"}, **if_match(tag))
    assert (late.status_code, late.data["current"]["name"] != "Second") == (412, True)


def test_any_version_will_do(api, target):
    assert api.patch(target, {"name": "Second"}, **if_match("*")).status_code == 200


def test_lists_have_versions_too(api, workspace, make_record):
    record = make_record("Books", title="text")
    lists = {"workspaces/": f"workspaces/{workspace.pk}/"}
    lists[f"workspaces/{workspace.pk}/records/"] = f"records/{record.pk}/"
    for url, one in lists.items():
        assert api.get(url).data["results"] == [api.get(one).data]


class TestMember:
    @pytest.fixture
    def member(self, workspace, bob):
        return f"workspaces/{workspace.pk}/members/{bob.user.pk}/"

    def test_the_version_is_the_etag(self, api, member):
        first = api.get(member)
        tag = first.headers["ETag"]
        assert tag == f'"{first.data["_version"]}"'
        assert api.get(member, **{"If-None-Match": tag}).status_code == 304
        changed = api.patch(member, {"role": "viewer"}, **if_match(tag))
        assert (changed.status_code, changed.data["role"]) == (200, "viewer")
        assert changed.headers["ETag"] == api.get(member).headers["ETag"] != tag
        gone = api.delete(member, **if_match(changed.headers["ETag"]))
        assert gone.status_code == 204

    @pytest.mark.parametrize("method", ["PATCH", "DELETE"])
    def test_who_saw_an_older_one_changes_nothing(self, api, member, method):
        tag = api.get(member).headers["ETag"]
        api.patch(member, {"role": "viewer"})
        body = {"role": "admin"} if method == "PATCH" else None
        late = api(method, member, body, **if_match(tag))
        assert late.status_code == 412
        assert late.data["current"] == api.get(member).data
        assert late.data["current"]["role"] == "viewer"

    def test_others_do_not_count(self, api, workspace, alice, member):
        tag = api.get(member).headers["ETag"]
        other = f"workspaces/{workspace.pk}/members/{alice.user.pk}/"
        before = api.get(other).headers["ETag"]
        api.patch(member, {"role": "viewer"})
        assert api.get(other).headers["ETag"] == before
        assert api.patch(member, {"role": "admin"}, **if_match(tag)).status_code == 412

    def test_who_left_meanwhile_is_missing(self, api, member, monkeypatch):
        tag = api.get(member).headers["ETag"]

        def leave(stream_id):
            Member.objects.filter(workspace=stream_id, user__email="bob@example.com").delete()

        monkeypatch.setattr(rest, "hold", leave)
        assert api.patch(member, {"role": "viewer"}, **if_match(tag)).status_code == 404


def test_a_changed_structure_is_a_changed_record(api, make_record):
    target = f"records/{make_record('Books', title='text').pk}/"
    tag = api.get(target).headers["ETag"]
    added = {"op": "add_field", "field": {"label": "Pages", "type": "integer"}}
    assert api.patch(f"{target}structure/", {"changes": [added]}).status_code == 200
    assert api.delete(target, **if_match(tag)).status_code == 412
