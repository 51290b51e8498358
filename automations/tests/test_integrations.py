"""Connections: in the log without their secrets, and secrets that go to their own host only."""

import json
import time
from types import SimpleNamespace

import orjson
import pytest
from django.core.mail import EmailMessage
from django.utils import timezone

from automations import tasks
from automations.integrations import auth, hiding, looking, services, smtp
from automations.integrations.hiding import HIDDEN
from automations.integrations.kinds import config_of
from automations.integrations.looking import look
from automations.models import Integration
from automations.tests.mcp_servers import connect
from automations.tests.receivers import moved, ok, receiving
from automations.tests.workflows import BUTTON, make_workflow, runs_of, settle, start, steps_of
from automations.walls import CallFailed
from kdap.tests.people import give_role
from workspaces.access import Actor, acting_as
from workspaces.errors import Conflict, Forbidden, Invalid, Missing
from workspaces.models import Event, Role
from workspaces.operations import undo

SECRET = "s3cret-of-the-shop"


@pytest.fixture
def shop(alice, workspace):
    return connect(
        alice, workspace, "http", "Shop", SECRET, url="https://api.example.com/v1", auth="bearer"
    )


def secret_of(integration):
    return services.secret_of(integration, config_of(integration.kind, integration.config))


def fresh(integration):
    with acting_as(Actor.system()):
        return Integration.objects.get(pk=integration.pk)


def test_a_secret_is_in_no_event_and_in_no_column(shop):
    with acting_as(Actor.system()):
        told = orjson.dumps(list(Event.objects.values_list("payload", flat=True))).decode()
        types = list(Event.objects.values_list("type", flat=True))
        row = Integration.objects.filter(pk=shop.pk).values().get()
    assert {"integration.created", "integration.secret_set"} <= set(types)
    assert SECRET not in told
    assert SECRET not in str({k: bytes(v) if k == "sealed" else v for k, v in row.items()})
    assert secret_of(shop) == SECRET


def test_a_secret_holds_for_the_hosts_it_was_given_for(alice, shop):
    def change(**config):
        with alice.acting() as actor:
            shop.refresh_from_db()
            services.change_integration(integration=shop, actor=actor, config=shop.config | config)
        return actor.operation

    change(url="https://api.example.com/v2")
    assert secret_of(fresh(shop)) == SECRET
    moved_away = change(url="https://evil.example/v1")
    with pytest.raises(Conflict, match="given for another address"):
        secret_of(fresh(shop))
    with alice.acting() as actor:
        undo(operation_id=moved_away, actor=actor)
    assert secret_of(fresh(shop)) == SECRET
    change(auth="oauth2", token_url="https://evil.example/t", client_id="x")
    with pytest.raises(Conflict, match="given for another address"):
        secret_of(fresh(shop))


def test_what_was_done_is_undone(alice, workspace, shop):
    with alice.acting() as actor:
        services.change_integration(integration=shop, actor=actor, server_name="Store")
    with alice.acting() as again:
        assert undo(operation_id=actor.operation, actor=again).restored == 1
    assert fresh(shop).server_name == "Shop"
    with alice.acting() as actor:
        services.delete_integration(integration=fresh(shop), actor=actor)
    with alice.acting() as again:
        undo(operation_id=actor.operation, actor=again)
    assert fresh(shop).deleted_at is None
    assert secret_of(fresh(shop)) == SECRET


def test_who_may(alice, bob, charlie, workspace, shop):
    with charlie.acting() as actor, pytest.raises(Missing):
        services.find_integration(actor, shop.pk)
    with charlie.acting():
        assert not Integration.objects.exists()
    give_role(workspace, bob, Role.VIEWER)
    with bob.acting() as actor, pytest.raises(Forbidden):
        services.set_secret(integration=shop, secret="x", actor=actor)
    with bob.acting() as actor, pytest.raises(Forbidden):
        services.delete_integration(integration=shop, actor=actor)


@pytest.mark.parametrize(
    ("kind", "config", "said"),
    [
        ("ftp", {}, "There is no kind"),
        ("mcp", {}, "is missing"),
        ("mcp", {"url": "file:///etc/passwd"}, "begins with https"),
        ("mcp", {"url": "https://x:y@example.com/"}, "must not hold a name"),
        ("http", {"url": "https://a.example", "auth": "oauth2"}, "needs the address that gives"),
        ("http", {"url": "https://a.example", "header": "Host"}, "can't be the name of a header"),
        ("http", {"url": "https://a.example", "header": "X\r\nY"}, "can't be the name of a header"),
        ("http", {"url": "https://a.example", "password": "x"}, "no such option"),
        ("mcp_stdio", {"server": "rm -rf /"}, "administrator does not allow"),
        ("smtp", {"host": "a b", "sender": "a@example.com"}, "not the name of a host"),
        ("smtp", {"host": "mx.example", "sender": "nobody"}, "not an e-mail address"),
        (
            "smtp",
            {"host": "m.example", "sender": "a@b.example", "username": "u", "security": "none"},
            "encrypted connection only",
        ),
    ],
)
def test_what_can_not_be_a_connection(alice, workspace, kind, config, said):
    with pytest.raises(Invalid) as error:
        connect(alice, workspace, kind, "X", **config)
    assert said in error.value.detail
    assert error.value.problems[0]["pointer"].startswith(("/kind", "/config"))


# Calls over HTTP


def request_step(integration, **more):
    step = {"id": "call", "type": "http_request", "connection": str(integration.pk)}
    return step | {"url": "/orders"} | more


def finished(alice, workspace, *steps):
    workflow = make_workflow(alice, workspace, BUTTON, *steps)
    start(alice, workflow)
    settle()
    (run,) = runs_of(workflow)
    return run


def echoing(connection, request):
    """Answer with the head of the request itself."""
    connection.sendall(ok(request.partition(b"\r\n\r\n")[0]))


@pytest.mark.parametrize(
    ("config", "header"),
    [
        ({"auth": "bearer"}, "Authorization: Bearer "),
        ({"auth": "api_key", "header": "X-Key"}, "X-Key: "),
    ],
)
def test_a_step_calls_by_a_connection_and_the_run_shows_no_secret(
    alice, workspace, settings, config, header
):
    with receiving(echoing) as receiver:
        settings.AUTOMATIONS_ALLOWED_HOSTS = [receiver.here]
        made = connect(alice, workspace, "http", "S", SECRET, url=receiver.url("/v1"), **config)
        mine = dict.fromkeys([header.partition(":")[0]], "mine")
        run = finished(alice, workspace, request_step(made, method="GET", headers=mine))
    assert f"{header}{SECRET}".encode() in receiver.requests[0]
    assert b"GET /v1/orders " in receiver.requests[0]
    row = steps_of(run)["call"]
    assert SECRET not in str([row.input, row.output, row.error])
    assert HIDDEN in row.output["body"]


def test_a_secret_goes_to_no_other_host(alice, workspace, settings):
    with receiving(echoing) as thief, receiving(moved(thief.url("/x", "localhost"))) as receiver:
        settings.AUTOMATIONS_ALLOWED_HOSTS = [receiver.here, f"localhost:{thief.port}"]
        made = connect(alice, workspace, "http", "S", SECRET, url=receiver.url(), auth="bearer")
        finished(alice, workspace, request_step(made, method="GET"))
        assert (len(thief.requests), SECRET.encode() in thief.requests[0]) == (1, False)
        elsewhere = thief.url("/y", "localhost")
        with pytest.raises(Invalid, match="its secret goes to no other host"):
            finished(alice, workspace, request_step(made, url=elsewhere))
        run = finished(alice, workspace, request_step(made, url=f'{{{{ "{elsewhere}" }}}}'))
        assert "its secret goes to no other host" in run.error_message
        assert len(thief.requests) == 1


def test_oauth_fetches_a_token_once_and_again_when_it_ended(alice, workspace, settings):
    given = []

    def answer(connection, request):
        if b"POST /token" in request:
            given.append(request)
            connection.sendall(ok(orjson.dumps({"access_token": f"t{len(given)}-token"})))
        elif f"Bearer t{len(given)}-token".encode() in request and len(given) > 1:
            connection.sendall(ok(b"fine"))
        else:
            connection.sendall(b"HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n")

    auth._tokens.clear()
    with receiving(answer) as receiver:
        settings.AUTOMATIONS_ALLOWED_HOSTS = [receiver.here]
        config = {"url": receiver.url("/api"), "token_url": receiver.url("/token")}
        config |= {"auth": "oauth2", "client_id": "kdap", "scope": "orders"}
        made = connect(alice, workspace, "http", "S", SECRET, **config)
        run = finished(alice, workspace, request_step(made), request_step(made, id="more"))
    assert run.status == "succeeded", run.error_message
    assert len(given) == 2
    assert b"grant_type=client_credentials&scope=orders" in given[0]
    assert SECRET.encode() not in given[0]  # it is in the header, in base64


def test_tokens_and_calls_share_the_time_of_a_step(alice, workspace, settings):
    def answer(connection, request):
        time.sleep(0.7)
        if b"POST /token" in request:
            connection.sendall(ok(b'{"access_token": "old"}'))
        else:
            connection.sendall(b"HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n")

    auth._tokens.clear()
    with receiving(answer) as receiver:
        settings.AUTOMATIONS_ALLOWED_HOSTS = [receiver.here]
        config = {"url": receiver.url("/api"), "token_url": receiver.url("/token")}
        config |= {"auth": "oauth2", "client_id": "kdap"}
        made = connect(alice, workspace, "http", "S", SECRET, **config)
        run = finished(alice, workspace, request_step(made, timeout=1, method="GET"))
    assert "did not answer within 0." in run.error_message
    assert len(receiver.requests) == 2


def test_a_token_that_is_none(alice, workspace, settings):
    auth._tokens.clear()
    with receiving(ok(b'{"error": "invalid_client"}')) as receiver:
        settings.AUTOMATIONS_ALLOWED_HOSTS = [receiver.here]
        url = receiver.url("/")
        config = {"url": url, "token_url": url, "auth": "oauth2", "client_id": "k"}
        made = connect(alice, workspace, "http", "S", SECRET, **config)
        look(made.pk)
    made = fresh(made)
    assert (made.works, "gave no token (HTTP 200: invalid_client)" in made.said) == (False, True)


def test_a_connection_without_its_secret_says_so(alice, workspace):
    made = connect(alice, workspace, "http", "S", url="https://a.example", auth="bearer")
    run = finished(alice, workspace, request_step(made))
    assert "It has no secret yet: enter it on the page of “S”." in run.error_message


# E-mails


class Mailbox:
    """A mail server that takes one mail; keeps what it was told."""

    def __init__(self):
        self.said = b""

    def __call__(self, connection, request):
        connection.sendall(b"220 here\r\n")
        reader, in_text = connection.makefile("rb"), False
        for line in reader:
            self.said += line
            if in_text:
                if line == b".\r\n":
                    in_text = False
                    connection.sendall(b"250 taken\r\n")
            elif line.upper().startswith(b"DATA"):
                in_text = True
                connection.sendall(b"354 go on\r\n")
            elif line.upper().startswith(b"QUIT"):
                connection.sendall(b"221 bye\r\n")
                return
            else:
                connection.sendall(b"250 fine\r\n")


def mail_step(integration):
    step = {"id": "send", "type": "send_email", "connection": str(integration.pk)}
    return step | {"to": ["dora@example.com"], "subject": "Hi", "body": "There."}


def mail_connection(alice, workspace, receiver, **more):
    config = {"host": "localhost", "port": receiver.port, "security": "none"}
    config |= {"sender": "Shop <shop@example.com>"}
    return connect(alice, workspace, "smtp", "Mail", **(config | more))


def test_a_mail_goes_through_the_chosen_server(alice, workspace, settings, mailoutbox):
    box = Mailbox()
    with receiving(box, early=True) as receiver:
        settings.AUTOMATIONS_ALLOWED_HOSTS = [f"localhost:{receiver.port}"]
        made = mail_connection(alice, workspace, receiver)
        run = finished(alice, workspace, mail_step(made))
        look(made.pk)
    assert run.status == "succeeded", run.error_message
    assert b"FROM:<shop@example.com>" in box.said
    assert b"There." in box.said
    assert mailoutbox == []
    assert fresh(made).works, fresh(made).said


def test_mail_servers_in_private_networks_are_refused(alice, workspace, settings):
    with receiving(Mailbox(), early=True) as receiver:
        settings.AUTOMATIONS_ALLOWED_HOSTS = []
        run = finished(alice, workspace, mail_step(mail_connection(alice, workspace, receiver)))
        assert "is not for e-mail" in run.error_message
        made = mail_connection(alice, workspace, receiver, port=25)
        run = finished(alice, workspace, mail_step(made))
    assert "inside a private network" in run.error_message
    assert receiver.connections == 0


def test_a_mail_server_that_never_ends_is_cut_off(alice, workspace, settings, monkeypatch):
    def drip(connection, request):
        while True:
            connection.sendall(b"220-x\r\n")
            time.sleep(0.1)

    monkeypatch.setattr(smtp.send, "__defaults__", (1.0,))
    with receiving(drip, early=True) as receiver:
        settings.AUTOMATIONS_ALLOWED_HOSTS = [f"localhost:{receiver.port}"]
        begun = time.monotonic()
        run = finished(alice, workspace, mail_step(mail_connection(alice, workspace, receiver)))
    assert run.status == "failed"
    assert time.monotonic() - begun < 10


def test_a_password_that_smtp_can_not_send_is_told_of(settings):
    def answer(connection, request):
        connection.sendall(b"220 here\r\n")
        for _ in connection.makefile("rb"):
            connection.sendall(b"250-here\r\n250 AUTH PLAIN LOGIN\r\n")

    with receiving(answer, early=True) as receiver:
        settings.AUTOMATIONS_ALLOWED_HOSTS = [f"localhost:{receiver.port}"]
        config = SimpleNamespace(
            host="localhost",
            port=receiver.port,
            username="u",
            security="none",
            sender="a@b.example",
        )
        with pytest.raises(CallFailed, match="letters of ASCII"):
            smtp.greet(config, "pässword", 5)
        with pytest.raises(CallFailed, match="letters of ASCII"):
            smtp.send(EmailMessage("Hi", "There.", to=["c@d.example"]), config, "pässword", 5)


# Looking


def test_a_mistake_of_ours_ends_a_look(alice, shop, monkeypatch):
    monkeypatch.setitem(looking.LOOKS, "http", lambda integration: 1 / 0)
    with alice.acting() as actor:
        services.ask_to_look(integration=shop, actor=actor)
    look(shop.pk)
    made = fresh(shop)
    assert (made.works, made.is_being_looked_at) == (False, False)
    assert "A mistake in KDAP itself" in made.said


def test_a_worker_is_asked_once_until_it_looked_or_something_changed(
    alice, shop, monkeypatch, django_capture_on_commit_callbacks
):
    asked = []
    monkeypatch.setattr(tasks.look_at_integration, "delay", asked.append)

    def ask(times):
        for _ in range(times):
            found = fresh(shop)
            with django_capture_on_commit_callbacks(execute=True), alice.acting() as actor:
                services.ask_to_look(integration=found, actor=actor)
        return len(asked)

    assert ask(3) == 1
    with acting_as(Actor.system()):
        Integration.objects.update(asked_at=timezone.now() - timezone.timedelta(seconds=61))
    assert ask(2) == 2
    with alice.acting() as actor:
        services.set_secret(integration=fresh(shop), secret="another", actor=actor)
    assert ask(2) == 3
    monkeypatch.setitem(looking.LOOKS, "http", lambda integration: ("It answers.", []))
    look(shop.pk)
    assert ask(2) == 4


# Hiding


def test_secrets_are_hidden_as_they_stand_in_json_too():
    secret = 'a"b/ü'
    texts = [secret, orjson.dumps(secret).decode(), json.dumps(secret), '"a\\"b\\/\\u00fc"']
    made = hiding.unreadable({"texts": texts, secret: 1}, {secret, "", "tex"})
    assert made == {"texts": [HIDDEN, *[f'"{HIDDEN}"'] * 3], HIDDEN: 1}
