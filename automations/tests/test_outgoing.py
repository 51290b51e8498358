"""Webhooks out: signed, once per entry and event, in order, again when it fails, and never silently."""

import datetime as dt

import orjson
import pytest
from django.urls import reverse
from django.utils import timezone

from automations import delivering, dispatch, noticing, outgoing, pilot, posting, signing
from automations.models import WebhookDelivery, WebhookPosting, WebhookSubscription
from automations.tests.receivers import ok, receiving
from automations.tests.workflows import add, change, remove
from kdap.tests.people import give_role
from records.models import Record
from records.tests.api import Api
from workspaces.access import Actor, acting_as
from workspaces.models import Event, Role
from workspaces.operations import undo

ALL = WebhookSubscription.Kind.values
SERVER_ERROR = b"HTTP/1.1 503 No\r\nContent-Length: 4\r\n\r\nbusy"


@pytest.fixture
def books(make_record):
    return make_record("Books", title="text", stock="integer", story="long_text")


@pytest.fixture
def hooked(alice, books, settings):
    """Return a function that subscribes a receiver to the books: (webhook, secret)."""

    def make(receiver, events=ALL, path="/"):
        settings.AUTOMATIONS_ALLOWED_HOSTS = [receiver.here]
        with alice.acting() as actor:
            return outgoing.create_webhook(
                record=books, url=receiver.url(path), events=events, actor=actor
            )

    return make


def again(alice, webhook, since=1):
    """Queue all that happened, without waiting for transactions to be committed."""
    with alice.acting() as actor:
        return outgoing.replay(webhook=webhook, actor=actor, since=since)


def deliveries():
    with acting_as(Actor.system()):
        return list(WebhookDelivery.objects.order_by("id"))


def now(webhook):
    """Return the webhook as it is, with everything due at once."""
    with acting_as(Actor.system()):
        WebhookDelivery.objects.update(next_at=timezone.now())
        WebhookSubscription.objects.update(rest_until=None)
        webhook.refresh_from_db()
    return webhook


def messages(receiver):
    """Return (headers, body) of each request."""
    found = []
    for request in receiver.requests:
        head, _, body = request.partition(b"\r\n\r\n")
        lines = [line.decode().partition(": ")[::2] for line in head.split(b"\r\n")[1:]]
        found.append(({name.lower(): value for name, value in lines}, body))
    return found


@pytest.mark.django_db(transaction=True)
def test_what_happens_is_told_from_the_log_once(alice, books, hooked):
    with receiving(ok()) as receiver:
        (old,) = add(alice, books, {"title": "Old"})
        hooked(receiver, ["entries.created", "entries.deleted"])
        (dune,) = add(alice, books, {"title": "Dune"})
        change(alice, books, dune, stock=3)
        remove(alice, books, old)
        for _ in range(2):
            dispatch.route()
            delivering.deliver()
        told = [orjson.loads(body) for _, body in messages(receiver)]
    assert [item["type"] for item in told] == ["entries.created", "entries.deleted"]
    assert [item["data"]["entry"]["title"] for item in told] == ["Dune", "Old"]


def test_messages_are_signed_and_say_what_changed(alice, books, hooked):
    (dune,) = add(alice, books, {"title": "Dune", "stock": 1})
    change(alice, books, dune, stock=3)
    with receiving(ok(b"thanks")) as receiver:
        webhook, secret = hooked(receiver)
        assert again(alice, webhook) == (2, None)
        assert delivering.deliver() == 2
        (_, _), (headers, body) = messages(receiver)
    assert signing.verify(secret, body, headers) == deliveries()[1].message_id
    told = orjson.loads(body)
    assert told["data"]["changed"] == ["stock"]
    assert (told["data"]["before"]["stock"], told["data"]["entry"]["stock"]) == (1, 3)
    assert told["data"]["user"]["name"] == "Alice"
    first = deliveries()[0]
    assert (first.status, first.response_status, first.response) == ("delivered", 200, "thanks")


def test_large_events_are_told_entry_by_entry(alice, books, hooked, monkeypatch):
    monkeypatch.setattr(posting, "ENTRIES_AT_ONCE", 2)
    ids = add(alice, books, *({"title": f"Book {n}"} for n in range(5)))
    with receiving(ok()) as receiver:
        again(alice, hooked(receiver)[0])
        delivering.deliver()
    assert [row.entry_id for row in deliveries()] == ids


def test_an_entry_is_told_in_order_whatever_fails(alice, books, hooked):
    (dune,) = add(alice, books, {"title": "Dune"})
    change(alice, books, dune, stock=1)
    (emma,) = add(alice, books, {"title": "Emma"})
    busy = [True]

    def answer(connection, request):
        connection.sendall(SERVER_ERROR if busy and b'"title":"Dune"' in request else ok())

    with receiving(answer) as receiver:
        webhook, _ = hooked(receiver)
        again(alice, webhook)
        while posting.expand_some():
            pass
        assert delivering.deliver() == 2  # the change waits for the first message of its entry
        first, second, other = deliveries()
        assert (first.status, first.response_status, first.response) == ("pending", 503, "busy")
        assert (second.status, other.status) == ("pending", "delivered")
        assert first.next_at > timezone.now()
        busy.clear()
        now(webhook)
        assert delivering.deliver() == 2
        told = [orjson.loads(body)["data"] for _, body in messages(receiver)]
    assert sorted(item["entry_id"] for item in told) == [dune, dune, dune, emma]
    assert [item["entry"]["stock"] for item in told if item["entry_id"] == dune] == [None, None, 1]
    ids = [head["webhook-id"] for head, _ in messages(receiver)]
    assert len(ids) == 4
    assert len(set(ids)) == 3


def test_an_address_that_answers_with_errors_rests(alice, books, hooked):
    add(alice, books, *({"title": f"Book {n}"} for n in range(20)))
    with receiving(SERVER_ERROR) as receiver:
        webhook, _ = hooked(receiver)
        again(alice, webhook)
        while posting.expand_some():
            pass
        delivering.deliver()
        assert len(receiver.requests) == 4
    assert now(webhook).failures > 0


def test_subscriptions_take_turns(alice, books, hooked):
    ids = add(alice, books, *({"title": f"Book {n}"} for n in range(40)))
    with receiving(ok()) as receiver:
        for path in ("/large/", "/small/"):
            webhook, _ = hooked(receiver, path=path)
            again(alice, webhook)
        with acting_as(Actor.system()):
            while posting.expand_some():
                pass
            WebhookDelivery.objects.filter(subscription=webhook, entry_id__gt=ids[1]).delete()
        places = []
        while claimed := delivering.claim(2):
            places += [delivery.subscription_id == webhook.pk for delivery in claimed]
            delivering.note([(delivery, {}) for delivery in claimed])
    assert sum(places) == 2
    assert places.index(True) < 4


def test_events_of_subscriptions_take_turns(alice, books, hooked, monkeypatch):
    monkeypatch.setattr(posting, "ENTRIES_AT_ONCE", 2)
    add(alice, books, *({"title": f"Book {n}"} for n in range(20)))
    with receiving(ok()) as receiver:
        webhooks = [hooked(receiver)[0], hooked(receiver)[0]]
        for webhook in webhooks:
            again(alice, webhook)
        for _ in range(6):
            posting.expand_some()
    told = [row.subscription_id for row in deliveries()]
    assert told.count(webhooks[0].pk) == told.count(webhooks[1].pk) == 6


def test_paused_it_keeps_what_waits_and_can_be_told_what_it_missed(alice, books, hooked):
    add(alice, books, {"title": "Dune"})
    with receiving(ok()) as receiver:
        webhook, _ = hooked(receiver)
        again(alice, webhook)
        while posting.expand_some():
            pass
        add(alice, books, {"title": "Emma"})
        again(alice, webhook)
        with alice.acting() as actor:
            outgoing.pause(webhook=webhook, actor=actor)
        (missed,) = add(alice, books, {"title": "Ubik"})
        assert delivering.deliver() == 0
        assert pilot.due()["webhooks"] is False
        with alice.acting() as actor:
            paused = webhook.last_event_id
            outgoing.resume(webhook=webhook, actor=actor)
        assert again(alice, webhook, since=paused) == (1, None)
        assert pilot.due()["webhooks"] is True
        assert delivering.deliver() == 1 + 2 + 1
    assert deliveries()[-1].entry_id == missed


def test_what_never_arrives_pauses_with_a_notice(alice, books, hooked, mailoutbox):
    add(alice, books, {"title": "Dune"})
    with receiving(SERVER_ERROR) as receiver:
        webhook, _ = hooked(receiver)
        again(alice, webhook)
        delivering.deliver()
        with acting_as(Actor.system()):
            WebhookDelivery.objects.update(tried_since=timezone.now() - dt.timedelta(hours=25))
        now(webhook)
        delivering.deliver()
    noticing.work()
    (row,) = deliveries()
    assert (row.status, row.error) == ("failed", "It answered 503.")
    assert now(webhook).state == "paused"
    assert webhook.paused_because == "Nothing arrived for a day. It answered 503."
    (mail,) = mailoutbox
    assert mail.subject == "A webhook of “Books” is paused"
    assert webhook.paused_because in mail.body


@pytest.mark.parametrize(
    ("url", "because"),
    [("http://127.0.0.1:8000/", "127.0.0.1"), ("http://10.0.0.1/", "10.0.0.1")],
)
def test_addresses_inside_are_never_called(alice, books, url, because):
    add(alice, books, {"title": "Dune"})
    with alice.acting() as actor:
        webhook, _ = outgoing.create_webhook(record=books, url=url, events=ALL, actor=actor)
    again(alice, webhook)
    delivering.deliver()
    assert now(webhook).state == "paused"
    assert because in webhook.paused_because
    assert deliveries()[0].status == "pending"


def test_an_address_that_is_gone_is_paused_at_once(alice, books, hooked):
    add(alice, books, {"title": "Dune"})
    with receiving(b"HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n") as receiver:
        webhook, _ = hooked(receiver)
        again(alice, webhook)
        delivering.deliver()
    assert "410" in now(webhook).paused_because


def test_what_is_not_known_any_more_or_too_large_is_told_in_words(
    alice, books, hooked, monkeypatch
):
    monkeypatch.setattr(posting, "MAX_BODY", 2000)
    (dune,) = add(alice, books, {"title": "Dune"})
    change(alice, books, dune, stock=1)
    with receiving(ok()) as receiver:
        webhook, _ = hooked(receiver)
        again(alice, webhook)
        with acting_as(Actor.system()):
            forgotten = Event.objects.filter(stream_id=books.pk, type="entries.updated").get().pk
            Record.objects.update(history_begins=forgotten, history_begins_at=timezone.now())
        (emma,) = add(alice, books, {"story": "E" * 3000})
        change(alice, books, emma, story="Emma")
        again(alice, webhook, since=forgotten + 1)
        delivering.deliver()
        told = [orjson.loads(body)["data"] for _, body in messages(receiver)]
    assert [(item["entry_id"], bool(item["entry"])) for item in told] == [
        *((dune, False), (dune, False), (emma, False), (emma, False)),
    ]
    assert [item.get("note", "")[:30] for item in told] == [
        *["What it held is not known any "] * 2,
        *["The entry is larger than 0 MB;"] * 2,
    ]
    assert now(webhook).state == "active"


@pytest.mark.parametrize("late", [False, True])
def test_who_lost_access_is_told_nothing_more(alice, bob, workspace, books, settings, late):
    with receiving(ok()) as receiver:
        settings.AUTOMATIONS_ALLOWED_HOSTS = [receiver.here]
        with bob.acting() as actor:
            webhook, _ = outgoing.create_webhook(
                record=books, url=receiver.url(), events=ALL, actor=actor
            )
        add(alice, books, {"title": "Dune"})
        again(alice, webhook)
        while late and posting.expand_some():
            pass
        with acting_as(Actor.system()):
            workspace.members.filter(user=bob.user).delete()
        delivering.deliver()
        assert receiver.requests == []
    assert now(webhook).state == "paused"
    assert webhook.paused_because


def test_a_worker_that_died_leaves_it_to_the_next(alice, books, hooked):
    add(alice, books, {"title": "Dune"})
    with receiving(ok()) as receiver:
        again(alice, hooked(receiver)[0])
        while posting.expand_some():
            pass
        (dead,) = delivering.claim(8)
        assert delivering.deliver() == 0
        with acting_as(Actor.system()):
            WebhookDelivery.objects.update(lease=timezone.now() - dt.timedelta(seconds=1))
        assert delivering.deliver() == 1
    delivering.note([(dead, {"error": "late"})])
    assert deliveries()[0].status == "delivered"


def test_slow_addresses_keep_one_worker_at_most(alice, books, hooked, monkeypatch):
    monkeypatch.setattr(delivering, "CALLS_AT_ONCE", 2)
    add(alice, books, *({"title": f"Book {n}"} for n in range(3)))
    with receiving(ok()) as receiver:
        again(alice, hooked(receiver)[0])
        while posting.expand_some():
            pass
        others = delivering.claim(2)
        assert delivering.deliver() == 0
        delivering.note([(delivery, {}) for delivery in others])
        assert delivering.deliver() == 1


def test_replay_from_a_moment(alice, books):
    add(alice, books, {"title": "Dune"})
    begun = timezone.now()
    api = Api(alice)
    body = {"url": "https://example.com/a", "events": ALL}
    webhook = api.post(f"records/{books.pk}/webhooks/", body).data["id"]
    url, page = f"webhooks/{webhook}/replay/", reverse("webhook_replay", args=[webhook])
    assert api.post(url, {"moment": begun.isoformat()}).status_code == 409
    add(alice, books, {"title": "Emma"})
    assert api.post(url, {"moment": begun.isoformat()}).data["events"] == 1
    assert api.post(url, {"moment": "1999-01-01T00:00:00Z"}).data["events"] == 2
    assert api.post(url, {"moment": begun.isoformat(), "since": 1}).status_code == 422
    assert api.post(url, {"moment": "yesterday"}).status_code == 422
    seconds = begun.strftime("%Y-%m-%dT%H:%M:%S")
    assert alice.client.post(page, {"moment": seconds}).status_code == 302
    refused = alice.client.post(page, {"moment": "2999-01-01T00:00:00"})
    assert refused.status_code == 422
    assert "Nothing happened since then." in refused.content.decode()


def test_resend_and_replay(alice, books, hooked):
    ids = add(alice, books, {"title": "Dune"}, {"title": "Emma"})
    api = Api(alice)
    with receiving(ok()) as receiver:
        webhook, _ = hooked(receiver)
        again(alice, webhook)
        delivering.deliver()
        row = deliveries()[0]
        answer = api.post(f"deliveries/{row.pk}/resend/", None)
        assert (answer.status_code, answer.data["status"]) == (202, "pending")
        assert delivering.deliver() == 1
        past = api.post(f"webhooks/{webhook.pk}/replay/", {"since": row.event_id})
        assert past.data == {"events": 1, "more_since": None}
        delivering.deliver()
    assert len(receiver.requests) == 2 + 1 + 2
    listed = api.get(f"webhooks/{webhook.pk}/deliveries/?status=delivered&limit=3").data
    assert [item["entry_id"] for item in listed["results"]] == [*reversed(ids), ids[1]]
    assert api.get(f"webhooks/{webhook.pk}/deliveries/?status=x").status_code == 400
    assert api.post(f"webhooks/{webhook.pk}/replay/", {"since": 0}).status_code == 422


def test_the_life_of_a_webhook(alice, books):
    api = Api(alice)
    url = f"records/{books.pk}/webhooks/"
    body = {"url": "https://example.com/a", "events": ["entries.created"]}
    made = api.post(url, body, **{"Idempotency-Key": "k"}).data
    assert made["secret"].startswith("whsec_")
    assert api.post(url, body, **{"Idempotency-Key": "k"}).data == made | {"secret": None}
    one = f"webhooks/{made['id']}/"
    assert "secret" not in api.get(one).data
    assert [item["id"] for item in api.get(url).data["results"]] == [made["id"]]
    changed = api.patch(one, {"events": ALL}, **{"If-Match": api.get(one).headers["ETag"]})
    assert changed.data["events"] == ALL
    assert api.patch(one, {"url": "https://b.example"}, **{"If-Match": '"1"'}).status_code == 412
    assert api.post(f"{one}secret/", None).data["secret"] != made["secret"]
    assert api.post(f"{one}pause/", None).data["state"] == "paused"
    assert api.post(f"{one}pause/", None).status_code == 409
    assert api.post(f"{one}resume/", None).data["state"] == "active"
    gone = api.delete(one)
    assert api.get(one).status_code == 404
    with alice.acting() as actor:
        undo(operation_id=gone.headers["Operation-Id"], actor=actor)
    assert api.get(one).data["deleted_at"] is None
    with acting_as(Actor.system()):
        assert not WebhookPosting.objects.exists()


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"url": "ftp://example.com", "events": ALL},
        {"url": "https://a:b@example.com", "events": ALL},
        {"url": "https://example.com", "events": []},
        {"url": "https://example.com", "events": ["moon"]},
        {"url": "https://example.com/" + "x" * 3000, "events": ALL},
    ],
)
def test_bad_bodies(alice, books, body):
    url = f"records/{books.pk}/webhooks/"
    assert Api(alice).post(url, body).status_code == 422
    assert Api(alice).get(url).data["results"] == []


def test_who_may(alice, bob, charlie, workspace, books):
    url = f"records/{books.pk}/webhooks/"
    body = {"url": "https://example.com/a", "events": ALL}
    made = Api(alice).post(url, body).data
    give_role(workspace, bob, Role.VIEWER)
    one = f"webhooks/{made['id']}/"
    for method, path, given in [
        ("GET", url, None),
        ("POST", url, body),
        ("GET", one, None),
        ("PATCH", one, {}),
        ("GET", f"{one}deliveries/", None),
        ("POST", f"{one}secret/", None),
        ("POST", f"{one}replay/", {"since": 1}),
        ("DELETE", one, None),
    ]:
        assert Api(charlie)(method, path, given).status_code == 404, path
        assert Api(bob)(method, path, given).status_code == 403, path
        assert Api(alice, ["read"])(method, path, given).status_code == 403, path
