"""Workspaces, members and invitations in the API, and what all its endpoints share."""

import pytest
from django.test import Client
from django.utils import timezone

from kdap.tests.people import give_role
from records.tests.api import Api
from workspaces.access import Actor, acting_as
from workspaces.idempotency import LIFETIME, IdempotencyKey
from workspaces.models import Role
from workspaces.tasks import purge_idempotency_keys


@pytest.fixture
def api(alice, workspace):
    return Api(alice)


def test_workspaces(api, workspace):
    made = api.post("workspaces/", {"name": "  Second  room "})
    assert (made.status_code, made.data["name"]) == (201, "Second room")
    url = f"workspaces/{made.data['id']}/"
    assert len(api.get("workspaces/").data["results"]) == 2
    assert api.patch(url, {"name": "Third"}).data["name"] == "Third"
    assert api.delete(url).status_code == 204
    assert api.get(url).status_code == 404
    assert len(api.get("workspaces/").data["results"]) == 1
    assert api.post(f"{url}restore/", None).data["deleted_at"] is None
    assert api.get(url).data["name"] == "Third"


def test_a_token_reaches_its_workspaces_only(alice, workspace, api):
    other = api.post("workspaces/", {"name": "Other"}).data["id"]
    narrow = Api(alice, workspaces=[workspace.pk])
    assert [item["id"] for item in narrow.get("workspaces/").data["results"]] == [str(workspace.pk)]
    assert narrow.get(f"workspaces/{other}/").status_code == 404
    assert Api(alice, ["read"]).post("workspaces/", {"name": "x"}).status_code == 403


def test_members_and_invitations(api, workspace, bob, charlie, mailoutbox):
    url = f"workspaces/{workspace.pk}/"
    emails = [item["email"] for item in api.get(f"{url}members/").data["results"]]
    assert sorted(emails) == ["alice@example.com", "bob@example.com"]
    member = f"{url}members/{bob.user.pk}/"
    assert api.patch(member, {"role": "viewer"}).data["role"] == "viewer"
    assert api.get(member).data["role"] == "viewer"
    assert api.patch(member, {"role": "king"}).data["problems"][0]["pointer"] == "/role"
    assert api.delete(member).status_code == 204
    assert api.get(member).status_code == 404
    made = api.post(f"{url}invitations/", {"email": charlie.user.email, "role": "editor"})
    assert (made.status_code, "/" in made.data["link"]) == (201, True)
    assert len(api.get(f"{url}invitations/").data["results"]) == 1
    invitation = f"{url}invitations/{made.data['id']}/"
    assert api.delete(invitation).status_code == 204
    assert api.delete(invitation).status_code == 404


def test_the_last_owner_stays(api, workspace, alice):
    member = f"workspaces/{workspace.pk}/members/{alice.user.pk}/"
    assert api.delete(member).status_code == 409
    assert api.patch(member, {"role": "viewer"}).status_code == 409


CALLS = [
    ("GET", "", None, Role.VIEWER),
    ("PATCH", "", {"name": "x"}, Role.ADMIN),
    ("DELETE", "", None, Role.OWNER),
    ("POST", "restore/", None, Role.OWNER),
    ("GET", "members/", None, Role.VIEWER),
    ("GET", "members/{alice}/", None, Role.VIEWER),
    ("PATCH", "members/{dora}/", {"role": "editor"}, Role.ADMIN),
    ("DELETE", "members/{dora}/", None, Role.ADMIN),
    ("GET", "invitations/", None, Role.ADMIN),
    ("POST", "invitations/", {"email": "new@example.com"}, Role.ADMIN),
]
BELOW = {Role.ADMIN: Role.EDITOR, Role.OWNER: Role.ADMIN}


@pytest.mark.parametrize(("method", "path", "body", "least"), CALLS)
def test_who_may(workspace, alice, bob, charlie, django_user_model, method, path, body, least):
    dora = django_user_model.objects.create_user("dora@example.com")
    give_role(workspace, type("Person", (), {"user": dora}), Role.VIEWER)
    url = f"workspaces/{workspace.pk}/" + path.format(alice=alice.user.pk, dora=dora.pk)
    assert Api(charlie)(method, url, body).status_code == 404
    if least in BELOW:
        give_role(workspace, bob, BELOW[least])
        assert Api(bob)(method, url, body).status_code == 403
        give_role(workspace, bob, least)
        assert Api(bob, ["read", "write"])(method, url, body).status_code == 403
    assert Api(bob)(method, url, body).status_code in (200, 201, 204)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"7",
        b'{"name": NaN}',
        b'{"name": "\\ud800"}',
        b'{"name": "a\\u0000"}',
        b"{}",
        {"name": 7, "role": [], "email": 3},
        {"name": None, "role": None, "email": None},
        {"name": {"a": 1}, "role": {"a": 1}, "email": {"a": 1}},
        {"name": "x" * 10_000_000, "role": "x" * 1000, "email": "x" * 10_000},
        {"name": "x", "role": "viewer", "email": "e@example.com", "'; DROP TABLE users": 1},
        {f"c{n}": n for n in range(5000)},
    ],
    ids=range(14),
)
def test_bad_bodies_change_nothing(api, workspace, bob, body):
    url = f"workspaces/{workspace.pk}/"
    for method, path in [
        ("POST", "workspaces/"),
        ("PATCH", url),
        ("PATCH", f"{url}members/{bob.user.pk}/"),
        ("POST", f"{url}invitations/"),
    ]:
        answer = api(method, path, body)
        if answer.status_code == 201:  # a number is a fine name
            continue
        if path in (url,) and answer.status_code == 200:
            continue
        assert 400 <= answer.status_code < 500, (method, path, answer.content[:300])
        assert answer.headers["Content-Type"] == "application/problem+json"
    assert api.get(f"{url}members/{bob.user.pk}/").data["role"] == "editor"


def test_problems_have_one_shape(api):
    answer = api.post("workspaces/", {"nam": "x"})
    assert answer.status_code == 422
    assert answer.data["type"].endswith("/api/#problem-invalid")
    assert {item["pointer"] for item in answer.data["problems"]} == {"/nam"}
    assert api.post("workspaces/", {}).data["problems"][0]["pointer"] == "/name"
    assert api.get("workspaces/?nothing=1").status_code == 400
    assert api.get("workspaces/?limit=0").status_code == 400
    assert api.put("workspaces/", {}).status_code == 405


ROOM, BOOKS = "workspaces/{room}/", "records/{record}/"
LISTS = [
    "workspaces/",
    *(f"{ROOM}{name}/" for name in ("members", "invitations", "records", "imports", "events")),
    *(f"{ROOM}{name}/" for name in ("workflows", "runs", "mails", "notices")),
    *(f"{ROOM}{name}/" for name in ("agents", "draftings", "integrations")),
    *(f"{BOOKS}{name}/" for name in ("structure/versions", "entries", "changes", "fillings")),
    f"{BOOKS}webhooks/",
]
STRANGE = ["x", "-", "1-1", "9" * 19, "9" * 42, "9" * 60, "9" * 5000, "-1" + "0" * 42, "%00", "%FF"]


@pytest.mark.parametrize("path", LISTS)
def test_a_cursor_that_is_none_of_ours_is_refused(api, workspace, make_record, path):
    path = path.format(room=workspace.pk, record=make_record(title="text").pk)
    assert api.get(path).status_code == 200
    for cursor in STRANGE:
        answer = api.get(f"{path}?cursor={cursor}")
        assert answer.status_code in (400, 422), (cursor, answer.content)
        assert answer.headers["Content-Type"] == "application/problem+json"


def test_who_is_unknown_gets_401(db):
    answer = Client().get("/api/v1/workspaces/")
    assert (answer.status_code, answer.headers["Content-Type"]) == (401, "application/problem+json")
    assert "Bearer" in answer.headers["WWW-Authenticate"]
    wrong = Client(headers={"authorization": "Bearer kdap_wrong"}).get("/api/v1/workspaces/")
    assert wrong.status_code == 401
    odd = Client(headers={"authorization": "Bearer \x00\xff"}).get("/api/v1/workspaces/")
    assert odd.status_code == 401


def test_nowhere_takes_no_keys(api):
    answer = api.post("nowhere/", {}, **{"Idempotency-Key": "x"})
    assert answer.status_code == 404


def test_sessions_work_and_need_csrf(alice, workspace):
    assert alice.client.get("/api/v1/workspaces/").status_code == 200
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice.user)
    data = {"data": b'{"name": "x"}', "content_type": "application/json"}
    answer = client.post("/api/v1/workspaces/", **data)
    assert (answer.status_code, answer.json()["title"]) == (403, "You do not have permission to perform this action")  # fmt: skip


def test_throttle(api, settings, monkeypatch):
    rates = settings.REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"]
    monkeypatch.setitem(rates, "actor", "3/min")
    answers = [api.get("workspaces/") for _ in range(5)]
    codes = [answer.status_code for answer in answers]
    assert codes[:3] == [200, 200, 200] or 429 not in codes[:2]  # a new minute may begin
    last = answers[-1]
    assert last.headers["X-RateLimit-Limit"] == "3"
    if last.status_code == 429:
        assert int(last.headers["Retry-After"]) <= 60
        assert last.data["title"] == "Too many calls"
        assert last.headers["X-RateLimit-Remaining"] == "0"


def test_nobody_foresaw(api, monkeypatch):
    def broken(*args):
        raise RuntimeError("secret detail")

    monkeypatch.setattr("workspaces.api.visible", broken)
    api.client.raise_request_exception = False
    answer = api.get("workspaces/")
    assert answer.status_code == 500
    assert "secret" not in answer.content.decode()
    assert answer.data["title"] == "Something went wrong here"


def test_limits_of_a_body(api, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1024
    assert api.post("workspaces/", {"name": "x" * 5000}).status_code == 413


def test_old_keys_are_purged(api):
    api.post("workspaces/", {"name": "x"}, **{"Idempotency-Key": "old"})
    assert purge_idempotency_keys() == 0
    with acting_as(Actor.system()):
        IdempotencyKey.objects.update(created_at=timezone.now() - LIFETIME * 2)
    assert purge_idempotency_keys() == 1


def test_keys_are_walled(api, alice, bob):
    api.post("workspaces/", {"name": "x"}, **{"Idempotency-Key": "mine"})
    with bob.acting():
        assert not IdempotencyKey.objects.exists()
    with alice.acting():
        assert IdempotencyKey.objects.count() == 1
