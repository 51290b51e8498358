"""Calls that are signed: with which secret, who sets it, and that nobody reads it."""

import pytest
from django.urls import reverse

from automations import signing
from automations.tests.receivers import ok, receiving
from automations.tests.workflows import BUTTON, make_workflow, runs_of, settle, start
from kdap.tests.people import give_role
from records.tests.api import Api
from workspaces.models import Event, Role

CALL = {"id": "call", "type": "http_request", "signed": True, "body": {"title": "Dune"}}


@pytest.fixture
def sender(alice, workspace, settings):
    """Return a function: a workflow that calls an address, signed."""

    def make(url="https://example.com/", **more):
        return make_workflow(alice, workspace, BUTTON, CALL | {"url": url} | more)

    return make


def test_a_call_is_signed_with_the_secret_of_its_workflow(alice, sender, settings):
    with receiving(ok()) as receiver:
        settings.AUTOMATIONS_ALLOWED_HOSTS = [receiver.here]
        workflow = sender(receiver.url())
        made = Api(alice).post(f"workflows/{workflow.pk}/signing/", None).data
        start(alice, workflow)
        settle()
        (request,) = receiver.requests
    (run,) = runs_of(workflow)
    assert run.status == "succeeded"
    head, _, body = request.partition(b"\r\n\r\n")
    lines = [line.decode().partition(": ")[::2] for line in head.split(b"\r\n")[1:]]
    headers = {name.lower(): value for name, value in lines}
    assert signing.verify(made["secret"], body, headers) == f"{run.pk}:call"
    assert headers["content-type"] == "application/json"
    assert body == b'{"title":"Dune"}'
    whole = Api(alice).get(f"runs/{run.pk}/").content.decode()
    assert made["secret"] not in whole


def test_without_a_secret_it_is_not_sent(alice, sender):
    workflow = sender()
    start(alice, workflow)
    settle()
    assert "has no signing secret yet" in runs_of(workflow)[0].error_message


def test_a_secret_is_made_or_entered_and_never_shown_again(alice, sender):
    workflow, api = sender(), Api(alice)
    path = f"workflows/{workflow.pk}/signing/"
    assert api.get(path).data == {"made_at": None, "secret": None}
    again = {"Idempotency-Key": "k"}
    made = api.post(path, None, **again).data
    assert made["secret"].startswith("whsec_")
    assert api.post(path, None, **again).data == made | {"secret": None}
    given = api.post(path, {"secret": "0123456789abcdef"}).data
    assert given["secret"] is None
    assert given["made_at"]
    for wrong in ("short", "x" * 300, "é" * 20, "a\nb" * 10):
        assert api.post(path, {"secret": wrong}).status_code == 422
    with alice.acting():
        events = Event.objects.filter(type="workflow.signing_made").order_by("pk")
        assert [event.payload for event in events] == [{"again": False}, {"again": True}]


def test_the_page(alice, bob, charlie, workspace, sender):
    workflow, client = sender(), alice.client
    url = reverse("workflow_signing", args=[workflow.pk])
    assert url in client.get(workflow.get_absolute_url()).content.decode()
    assert "no secret yet" in client.get(url).content.decode()
    assert "whsec_" in client.post(url).content.decode()
    bad = client.post(url, {"secret": "short"})
    assert bad.status_code == 422
    assert "16 to 200" in bad.content.decode()
    kept = client.post(url, {"secret": "0123456789abcdef"}, follow=True).content.decode()
    assert "The secret is kept" in kept
    assert "0123456789abcdef" not in kept + client.get(url).content.decode()
    assert charlie.client.get(url).status_code == 404
    give_role(workspace, bob, Role.VIEWER)
    assert bob.client.get(url).status_code == bob.client.post(url).status_code == 403


def test_it_is_said_and_read(alice, sender, read):
    said = Api(alice).get(f"workflows/{sender(method='PUT').pk}/problems/").data["sentence"]
    assert ", signed" in said
    step = read(said).definition["steps"][0]
    assert (step["signed"], step["body"], step["method"]) == (True, {"title": "Dune"}, "PUT")
