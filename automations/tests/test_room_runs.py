"""The page of all runs of a workspace: who sees it, its filters, its pages."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from automations.tests.workflows import BUTTON, make_workflow, runs_of, settle, start, steps_of
from kdap.tests.people import give_role
from workspaces.models import Role

pytestmark = pytest.mark.django_db(transaction=True)
HTMX = {"HX-Request": "true"}
SET = {"id": "keep", "type": "set", "values": {"a": "b"}}


@pytest.fixture
def flows(alice, workspace):
    """Two workflows; the second fails, and goes on after a step that failed."""
    bad = {
        **{"id": "hook", "type": "http_request", "method": "GET", "url": "http://127.0.0.1:9/"},
        "on_error": "continue",
    }
    fail = {"id": "no", "type": "stop", "failed": True, "reason": "There is no paper."}
    good = make_workflow(alice, workspace, BUTTON, SET, name="Tidy")
    odd = make_workflow(alice, workspace, BUTTON, bad, SET, name="Call")
    worse = make_workflow(alice, workspace, BUTTON, fail, name="Print")
    for flow in (good, odd, worse):
        start(alice, flow, input={"colour": flow.name * 2})
    settle()
    return good, odd, worse


@pytest.fixture
def url(workspace):
    return reverse("runs", args=[workspace.pk])


def names(person, url, **asked):
    """Return the names of the workflows whose runs are listed."""
    answer = person.client.get(url, asked, headers=HTMX)
    assert answer.status_code == 200
    text = answer.content.decode()
    assert "<html" not in text
    return [name for name in ("Print", "Call", "Tidy") if f">{name}</a>" in text]


def test_all_runs_are_listed_and_link_from_automations(alice, workspace, flows, url):
    assert names(alice, url) == ["Print", "Call", "Tidy"]
    assert url in alice.client.get(reverse("workflows", args=[workspace.pk])).content.decode()
    page = alice.client.get(url).content.decode()
    assert runs_of(flows[0])[0].get_absolute_url() in page


def test_viewers_see_it_and_strangers_do_not(bob, charlie, workspace, flows, url):
    give_role(workspace, bob, Role.VIEWER)
    assert len(names(bob, url)) == 3
    assert charlie.client.get(url).status_code == 404


def test_every_filter_narrows(alice, flows, url):
    assert names(alice, url, workflow=str(flows[0].pk)) == ["Tidy"]
    assert names(alice, url, status="failed") == ["Print"]
    assert names(alice, url, q="no paper") == ["Print"]
    assert names(alice, url, q="TidyTidy") == ["Tidy"]
    assert names(alice, url, q="7") == []
    assert names(alice, url, since="2999-01-01") == []
    assert names(alice, url, until="2999-01-01", status="succeeded") == ["Call", "Tidy"]


def test_text_finds_errors_of_steps_after_which_a_run_went_on(alice, flows, url):
    (run,) = runs_of(flows[1])
    assert run.error_message == ""
    said = steps_of(run)["hook"].error
    assert names(alice, url, q=said[:40]) == ["Call"]
    assert names(alice, url, q="100 %") == []


def test_nonsense_is_refused_in_words(alice, flows, url):
    for asked in ({"workflow": "x"}, {"status": "x"}, {"since": "x"}, {"before": "x"}):
        answer = alice.client.get(url, asked)
        assert answer.status_code == 422


def test_pages_go_by_keys_and_ask_no_more(alice, flows, url, django_assert_max_num_queries):
    for _ in range(32):
        start(alice, flows[0])
    answer = alice.client.get(url)
    assert len(answer.context["runs"]) == 30
    with CaptureQueriesContext(connection) as asked:
        rest = alice.client.get(url + answer.context["next"])
    assert len(rest.context["runs"]) == 5
    assert not rest.context["next"]
    assert rest.context["later"]
    with django_assert_max_num_queries(len(asked)):
        alice.client.get(url)
