"""Sentences over the API: what they mean, drafts of them, and where words have no meaning."""

import pytest

from kdap.tests.people import give_role
from records.tests.api import Api
from workspaces.models import Role

TEXT = "When an order is added and Total is over 100, set Status to Done."


@pytest.fixture
def api(shop, bob):
    return Api(bob)


@pytest.fixture
def url(workspace):
    return f"workspaces/{workspace.pk}/workflows/"


def test_a_sentence_is_understood_without_writing(api, url):
    answer = api.post(f"{url}understand/", {"sentence": TEXT})
    assert answer.status_code == 200
    assert answer.data["structured_definition"]["trigger"]["type"] == "entry_created"
    assert answer.data["said"].endswith("– set Status to “Done”")
    assert answer.data["problems"] == []
    assert api.get(url).data["results"] == []


def test_problems_have_their_place(api, url):
    text = "When an order is added, dance."
    found = api.post(f"{url}understand/", {"sentence": text}).data
    assert (found["structured_definition"], found["said"]) == (None, "")
    (problem,) = found["problems"]
    assert text[problem["start"] : problem["end"]] == problem["words"] == "dance"
    assert problem["suggestions"]


def test_a_draft_is_made_and_changed_by_sentences(api, url):
    made = api.post(url, {"sentence": TEXT, "name": "Large", "description": "For Ann."})
    assert made.status_code == 201
    assert (made.data["name"], made.data["state"]) == ("Large", "draft")
    assert made.data["natural_language_description"] == TEXT
    assert made.data["description"] == "For Ann."
    one = f"workflows/{made.data['id']}/"
    changed = api.patch(one, {"sentence": "When an order is deleted, stop."}).data
    assert changed["structured_definition"]["trigger"]["type"] == "entry_deleted"
    assert (changed["name"], changed["description"]) == ("Large", "For Ann.")
    refused = api.patch(one, {"sentence": "When an ordre is deleted, stop."})
    assert refused.status_code == 422
    assert api.get(one).data["structured_definition"] == changed["structured_definition"]


def test_what_is_not_understood_is_refused_with_its_place(api, url):
    answer = api.post(url, {"sentence": "When an order is added, dance."})
    assert answer.status_code == 422
    (problem,) = answer.data["problems"]
    assert problem["pointer"] == "/sentence"
    assert (problem["start"], problem["end"]) == (24, 29)
    assert api.get(url).data["results"] == []


def test_a_sentence_and_a_definition_are_one_too_many(api, url):
    both = {"sentence": TEXT, "structured_definition": {"trigger": {"type": "button"}}}
    answer = api.post(url, both)
    assert answer.status_code in (400, 422)
    assert answer.data["problems"][0]["pointer"] == "/structured_definition"
    assert api.post(url, {}).data["problems"][0]["pointer"] == "/name"


def test_strangers_and_viewers(api, url, charlie, bob, workspace):
    assert Api(charlie).post(f"{url}understand/", {"sentence": TEXT}).status_code == 404
    assert Api(charlie).post(url, {"sentence": TEXT}).status_code == 404
    give_role(workspace, bob, Role.VIEWER)
    assert api.post(f"{url}understand/", {"sentence": TEXT}).status_code == 200
    assert api.post(url, {"sentence": TEXT}).status_code == 403
