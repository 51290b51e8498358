"""Pages of webhooks: adding one, its log, sending again, and a workflow's own address."""

import html

import pytest
from django.urls import reverse

from automations import delivering, outgoing, templates, webhooks
from automations.models import WebhookDelivery, WebhookSubscription
from automations.tests.receivers import ok, receiving
from automations.tests.workflows import BUTTON, add, make_workflow
from kdap.tests.people import give_role
from workspaces.access import Actor, acting_as
from workspaces.models import Role

ALL = WebhookSubscription.Kind.values


@pytest.fixture
def books(make_record):
    return make_record("Books", title="text")


@pytest.fixture
def made(alice, books):
    with alice.acting() as actor:
        return outgoing.create_webhook(
            record=books, url="https://example.com/a", events=ALL, actor=actor
        )[0]


def stored():
    with acting_as(Actor.system()):
        return list(WebhookSubscription.objects.order_by("id"))


def test_a_webhook_is_added_and_its_secret_shown_once(alice, books):
    client, url = alice.client, reverse("webhook_new", args=[books.pk])
    form = {"url": "https://example.com/a", "events": ["entries.created"]}
    answer = client.post(url, form, headers={"HX-Request": "true"})
    assert "whsec_" in answer.content.decode()
    assert "<html" not in answer.content.decode()
    page = client.get(reverse("record_webhooks", args=[books.pk])).content.decode()
    assert "https://example.com/a" in page
    assert "whsec_" not in page + client.get(stored()[0].get_absolute_url()).content.decode()


@pytest.mark.parametrize("form", [{}, {"url": "moon", "events": ALL}, {"url": "https://a.example"}])
def test_bad_input_stays_in_the_form(alice, books, form):
    answer = alice.client.post(reverse("webhook_new", args=[books.pk]), form)
    assert answer.status_code == 422
    assert form.get("url", "") in answer.content.decode()
    assert stored() == []


def test_the_log_shows_what_was_told_and_sends_it_again(alice, books, settings):
    add(alice, books, {"title": "Dune"})
    with receiving(ok(b"thanks")) as receiver:
        settings.AUTOMATIONS_ALLOWED_HOSTS = [receiver.here]
        with alice.acting() as actor:
            webhook, _ = outgoing.create_webhook(
                record=books, url=receiver.url(), events=ALL, actor=actor
            )
        client = alice.client
        replay = client.post(reverse("webhook_replay", args=[webhook.pk]), {"since": 1})
        assert replay.url == webhook.get_absolute_url()
        delivering.deliver()
        page = client.get(webhook.get_absolute_url()).content.decode()
        assert "Delivered 200" in page
        assert "thanks" in page
        assert "Dune" in page
        with acting_as(Actor.system()):
            delivery = WebhookDelivery.objects.get()
        client.post(reverse("delivery_resend", args=[delivery.pk]))
        assert delivering.deliver() == 1
        assert len(receiver.requests) == 2
        narrowed = client.get(f"{webhook.get_absolute_url()}?status=failed").content.decode()
        assert "Nothing was told yet" in narrowed
        assert client.get(f"{webhook.get_absolute_url()}?before=x&status=y").status_code == 200


def test_pause_edit_resume_delete(alice, made):
    client = alice.client

    def act(verb):
        return client.post(reverse("webhook_act", args=[made.pk, verb]))

    act("pause")
    assert stored()[0].state == "paused"
    form = {"url": "https://example.com/b", "events": ["entries.deleted"]}
    client.post(reverse("webhook_edit", args=[made.pk]), form)
    act("resume")
    assert (
        "not told what happened while it was paused"
        in client.get(made.get_absolute_url()).content.decode()
    )
    client.post(reverse("webhook_replay", args=[made.pk]), {"since": ""})
    assert "not told what happened" not in client.get(made.get_absolute_url()).content.decode()
    (found,) = stored()
    assert (found.state, found.url, found.events) == ("active", form["url"], form["events"])
    assert "whsec_" in act("secret").content.decode()
    assert act("fly").status_code == 404
    assert act("delete").url == reverse("record_webhooks", args=[made.record_id])
    assert client.get(made.get_absolute_url()).status_code == 404


def test_the_address_of_a_workflow(alice, bob, charlie, workspace):
    step = {"id": "a", "type": "set", "values": {"x": 1}}
    workflow = make_workflow(alice, workspace, {"type": "webhook"}, step)
    url, client = reverse("workflow_webhook", args=[workflow.pk]), alice.client
    assert url in client.get(workflow.get_absolute_url()).content.decode()
    assert "has no address yet" in client.get(url).content.decode()
    made = client.post(url).content.decode()
    assert "whsec_" in made
    shown = client.get(url).content.decode()
    assert "/hooks/" in shown
    assert "whsec_" not in shown
    assert charlie.client.get(url).status_code == 404
    give_role(workspace, bob, Role.VIEWER)
    assert bob.client.get(url).status_code == bob.client.post(url).status_code == 403
    other = make_workflow(alice, workspace, BUTTON, step)
    assert client.post(reverse("workflow_webhook", args=[other.pk])).status_code == 409


def test_what_came_helps_to_map_fields(alice, workspace, client, monkeypatch):
    monkeypatch.setattr("automations.hook_views.hooks.wait_for.__defaults__", (0.1,))
    step = {"id": "a", "type": "set", "values": {"x": 1}}
    workflow = make_workflow(alice, workspace, {"type": "webhook", "answer": "result"}, step)
    url = reverse("workflow_webhook", args=[workflow.pk])
    alice.client.post(url)
    with alice.acting() as actor:
        address = webhooks.webhook_of(workflow=workflow, actor=actor).url.partition("/hooks/")[2]
    body = {"customer": {"e-mail": "<dora>", "a.b": 1}, "lines": [{"price": 3}, {}], "note": None}
    client.post(f"/hooks/{address}", body, content_type="application/json")
    shown = html.unescape(alice.client.get(url).content.decode())
    for reference, held in [
        ("{{ trigger.body.customer.e-mail }}", "<dora>"),
        ('{{ trigger.body.customer["a.b"] }}', "1"),
        ("{{ trigger.body.lines }}", "2 items"),
        ("{{ trigger.body.lines.0.price }}", "3"),
    ]:
        assert f"<code>{reference}</code></td><td>{held}</td>" in shown
        if held != "2 items":
            values = {"trigger": {"body": body}}
            assert str(templates.render(reference, values)) == held
    assert "trigger.body.note" not in shown
    assert "the result of the run" in shown
    steps = reverse("workflow_steps", args=[workflow.pk])
    panel = html.unescape(alice.client.get(f"{steps}?step=a").content.decode())
    assert "trigger.body.customer.e-mail" in panel


def test_who_may(bob, charlie, workspace, books, made):
    give_role(workspace, bob, Role.VIEWER)
    pages = [
        ("record_webhooks", books.pk),
        ("webhook_new", books.pk),
        ("webhook", made.pk),
        ("webhook_edit", made.pk),
        ("webhook_replay", made.pk),
    ]
    for name, id in pages:
        assert charlie.client.get(reverse(name, args=[id])).status_code == 404, name
        assert bob.client.get(reverse(name, args=[id])).status_code == 403, name
    act = reverse("webhook_act", args=[made.pk, "delete"])
    assert charlie.client.post(act).status_code == 404
    assert bob.client.post(act).status_code == 403
    assert stored()[0].deleted_at is None
