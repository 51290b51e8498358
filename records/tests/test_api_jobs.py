"""Imports and exports in the API."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from kdap.tests.people import give_role
from records.imports import services
from records.tests.api import Api
from workspaces.models import Role

CSV = b"title,quantity\nEmma,3\nPersuasion,4\n"


@pytest.fixture
def books(make_record):
    return make_record("Books", title="text", quantity="integer")


@pytest.fixture
def api(alice, books):
    return Api(alice)


def upload(api, path, content=CSV, name="books.csv"):
    answer = api.client.post(f"/api/v1/{path}", {"file": SimpleUploadedFile(name, content)})
    answer.data = answer.json()
    return answer


def test_import_into_a_record(api, books, alice):
    job = upload(api, f"records/{books.pk}/imports/")
    assert (job.status_code, job.data["state"]) == (201, "ready")
    url = f"imports/{job.data['id']}/"
    assert api.patch(url, {"on_error": "skip_bad"}).data["on_error"] == "skip_bad"
    rehearsed = api.post(f"{url}start/", {"rehearse": True})
    assert rehearsed.status_code == 202, rehearsed.data
    assert api.get(f"records/{books.pk}/entries/").data["results"] == []
    started = api.post(f"{url}start/", {})
    assert (started.status_code, started.data["state"]) == (202, "running")
    with alice.acting():
        services.run_now(services.find(job.data["id"]))
    done = api.get(url).data
    assert (done["state"], done["created"]) == ("done", 2)
    titles = [row["title"] for row in api.get(f"records/{books.pk}/entries/").data["results"]]
    assert titles == ["Emma", "Persuasion"]
    assert api.post(f"{url}start/", {}).status_code == 409


def test_import_as_a_new_record_and_cancel(api, workspace):
    job = upload(api, f"workspaces/{workspace.pk}/imports/")
    assert (job.data["mode"], job.data["record_name"]) == ("create", "Books")
    assert len(api.get(f"workspaces/{workspace.pk}/imports/").data["results"]) == 1
    url = f"imports/{job.data['id']}/"
    assert api.post(f"{url}cancel/", None).data["state"] == "cancelled"


def test_export(api, books):
    url = f"records/{books.pk}/"
    api.post(f"{url}entries/", [{"title": "Emma", "quantity": 3}, {"title": "B", "quantity": 1}])

    def exported(query):
        return b"".join(api.get(f"{url}export/?{query}").streaming_content)

    assert exported("quantity__gt=1") == b"Title,Quantity\nEmma,3\n"
    assert (
        exported("format=ndjson&sort=quantity&fields=title") == b'{"title":"B"}\n{"title":"Emma"}\n'
    )
    assert exported("format=xlsx")[:2] == b"PK"
    assert exported("format=json&search=none") == b"[]\n"
    for bad in ("format=pdf", "nothing=1", "sort=none", "fields=none"):
        assert 400 <= api.get(f"{url}export/?{bad}").status_code < 500


def test_who_may(api, books, workspace, bob, charlie):
    job = upload(api, f"records/{books.pk}/imports/").data["id"]
    url = f"imports/{job}/"
    calls = [
        ("PATCH", url, {"on_error": "skip_bad"}),
        ("POST", f"{url}start/", {}),
        ("POST", f"{url}cancel/", None),
        ("POST", f"{url}reopen/", None),
    ]
    give_role(workspace, bob, Role.VIEWER)
    for person, expected in ((charlie, 404), (bob, 403)):
        theirs = Api(person)
        assert upload(theirs, f"records/{books.pk}/imports/").status_code == expected
        assert upload(theirs, f"workspaces/{workspace.pk}/imports/").status_code == expected
        for call in calls:
            assert theirs(*call).status_code == expected
    assert Api(bob).get(url).status_code == 200
    assert Api(charlie).get(url).status_code == 404
    assert Api(charlie).get(f"records/{books.pk}/export/").status_code == 404


def test_bad_uploads(api, books):
    path = f"records/{books.pk}/imports/"
    for content, name in ((b"", "a.csv"), (b"PK\x03\x04x", "a.xlsx")):
        answer = upload(api, path, content, name)
        assert 400 <= answer.status_code < 500, answer.content
        assert answer.headers["Content-Type"] == "application/problem+json"
    assert api.post(path, {"file": "x"}).status_code == 415
    assert api.client.post(f"/api/v1/{path}").status_code in (400, 422)
    job = upload(api, path).data["id"]
    for body in ({"mapping": [{}]}, {"mapping": "x"}, {"settings": {"x": 1}}, {"mode": "create"}, {"keys": [1]}, {"x": 1}, [], {"mode": "upsert"}):  # fmt: skip
        answer = api.patch(f"imports/{job}/", body)
        assert 200 <= answer.status_code < 500, (body, answer.content)


def test_a_cancelled_import_is_opened_again(api, books):
    url = f"imports/{upload(api, f'records/{books.pk}/imports/').data['id']}/"
    assert api.post(f"{url}reopen/", None).status_code == 409
    assert api.post(f"{url}cancel/", None).data["state"] == "cancelled"
    assert api.post(f"{url}start/", {}).status_code == 409
    assert api.post(f"{url}reopen/", None).data["state"] == "ready"
    assert api.post(f"{url}start/", {}).status_code == 202
