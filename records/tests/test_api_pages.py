"""The pages about the API: a record's own, and the documentation."""

import pytest

from records.tests.api import Api


@pytest.fixture
def books(make_record):
    return make_record(
        "Books",
        title={"type": "text", "required": True},
        price={"type": "decimal", "options": {"minimum": "100"}},
        kind={"type": "choice", "options": {"choices": ["Novel"]}},
        owner="user",
        published="date",
        seen="datetime",
        extra="json",
        mail={"type": "email", "required": True},
        stars={"type": "rating", "required": True},
        phone={"type": "phone", "required": True},
        uid={"type": "uuid", "required": True},
        read={"type": "boolean", "required": True},
        spent={"type": "duration", "required": True},
        web={"type": "url", "required": True},
    )


def test_the_examples_work(alice, books):
    from records.api_examples import examples

    api = Api(alice)
    with alice.acting() as actor:
        found = {item["id"]: item for item in examples(books, actor, "http://testserver", 1)}
    assert api.post(found["create"]["url"], found["create"]["body"]).status_code == 201
    for name in ("list", "find", "read", "change", "upsert", "delete", "export"):
        item = found[name]
        answer = api(item["method"], item["url"], item["body"])
        assert answer.status_code in (200, 204), (name, answer.content)
        assert item["url"] in item["curl"]
        compile(item["python"], name, "exec")


def test_page_of_a_record(alice, bob, charlie, books):
    url = f"/r/{books.pk}/api/"
    page = alice.client.get(url).content.decode()
    assert f"/api/v1/records/{books.pk}/entries/" in page
    assert "<code>title</code>" in page
    assert url in alice.client.get(f"/r/{books.pk}/").content.decode()
    assert bob.client.get(url).status_code == 200
    assert charlie.client.get(url).status_code == 404


def test_docs(alice, charlie, books, workspace):
    general = alice.client.get("/api/").content.decode()
    assert 'id="entries_list"' in general
    assert 'id="problem-conflict"' in general
    own = alice.client.get(f"/api/{workspace.pk}/").content.decode()
    assert 'id="books_list"' in own
    assert str(books.pk) in own
    assert charlie.client.get(f"/api/{workspace.pk}/").status_code == 404
