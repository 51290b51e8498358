"""Connections that a person signs in for: OAuth 2 by authorization code, against a real server."""

import base64
import hashlib
import threading
from urllib.parse import parse_qs, urlsplit

import orjson
import pytest
from django.db import connection
from django.urls import reverse

from automations.integrations import auth, looking, mcp_tools, services, signing_in, using
from automations.integrations.kinds import config_of
from automations.models import Integration
from automations.tests.mcp_servers import Server as McpServer
from automations.tests.mcp_servers import connect
from automations.tests.receivers import ok, receiving
from automations.tests.workflows import BUTTON, make_workflow, runs_of, settle, start
from automations.walls import Refused, Unreachable
from kdap.tests.people import give_role
from workspaces.access import Actor, acting_as
from workspaces.errors import Conflict, Invalid
from workspaces.models import Event, Role

SECRET = "client-secret-of-kdap"


class Server:
    """Gives codes for tokens, and tokens for tokens; each refresh token is taken once."""

    def __init__(self):
        self.challenge, self.asked, self.count, self.seconds = "", [], 0, 3600
        self.refresh, self.access = "", ""
        self.renews, self.closed = True, False  # gives refresh tokens, takes no token at all
        self.status, self.error = "400 Bad Request", "invalid_grant"  # what it refuses with

    def __call__(self, connection, request):
        head, _, body = request.partition(b"\r\n\r\n")
        if b"POST /token" in head:
            return connection.sendall(self.tokens(parse_qs(body.decode())))
        fine = bool(self.access) and not self.closed and f"Bearer {self.access}".encode() in head
        return connection.sendall(ok(b"{}") if fine else NO)

    def tokens(self, form):
        self.asked.append(form)
        verifier = form.get("code_verifier", [""])[0]
        proof = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest())
        good = {
            "authorization_code": proof.rstrip(b"=").decode() == self.challenge,
            "refresh_token": self.refresh and form.get("refresh_token") == [self.refresh],
        }
        if not good[form["grant_type"][0]]:
            said = orjson.dumps({"error": self.error})
            return ok(said).replace(b"200 OK", self.status.encode())
        self.count += 1
        self.access, self.refresh = f"access-{self.count}", f"refresh-{self.count}"
        given = {"access_token": self.access}
        given |= {"refresh_token": self.refresh} if self.renews else {}
        return ok(orjson.dumps(given | {"expires_in": self.seconds}))


NO = b"HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n"


@pytest.fixture(autouse=True)
def nobody_looks(monkeypatch):
    """A worker's look after signing in would renew tokens as well; each test says who does."""
    monkeypatch.setattr(services, "ask_to_look", lambda **asked: None)


@pytest.fixture
def server(settings):
    there = Server()
    with receiving(there) as there.receiver:
        settings.AUTOMATIONS_ALLOWED_HOSTS = [there.receiver.here]
        yield there


@pytest.fixture
def shop(alice, workspace, server):
    url = server.receiver.url
    config = {"auth": "oauth2_code", "client_id": "kdap", "scope": "orders offline"}
    config |= {"url": url("/api"), "token_url": url("/token"), "authorize_url": url("/allow?x=1")}
    return connect(alice, workspace, "http", "Shop", SECRET, **config)


def leave(browser, shop, server):
    """Go to the other server; return what the person is asked for there."""
    address = browser.get(reverse("integration_sign_in", args=[shop.pk])).context["address"]
    asked = {key: value[0] for key, value in parse_qs(urlsplit(address).query).items()}
    server.challenge = asked["code_challenge"]
    return asked


def come_back(browser, shop, **given):
    return browser.get(reverse("integration_signed_in", args=[shop.pk]), given)


def sign_in(browser, shop, server):
    asked = leave(browser, shop, server)
    return come_back(browser, shop, state=asked["state"], code="the-code")


def page(browser, shop):
    return browser.get(shop.get_absolute_url()).content.decode()


@pytest.fixture
def browser(alice):
    """The browser of Alice, which keeps its session."""
    return alice.client


def fresh(shop):
    with acting_as(Actor.system()):
        return Integration.objects.get(pk=shop.pk)


def told(browser, shop):
    """Return what the list of connections in the API tells of it."""
    answer = browser.get(f"/api/v1/workspaces/{shop.workspace_id}/integrations/")
    return answer.json()["results"][0]


def token_of(shop, seconds=10):
    found = fresh(shop)
    config = config_of(found.kind, found.config)
    return signing_in.token_for(found, config, SECRET, seconds)


def call(alice, workspace, shop):
    """Return the run of a workflow that calls the server twice."""
    step = {"type": "http_request", "connection": str(shop.pk), "url": "/orders", "method": "GET"}
    steps = [step | {"id": "one"}, step | {"id": "two"}]
    workflow = make_workflow(alice, workspace, BUTTON, *steps)
    start(alice, workflow)
    settle()
    return runs_of(workflow)[-1]


@pytest.mark.django_db(transaction=True)
class TestSigningIn:
    def test_a_person_allows_it_and_steps_use_it(self, browser, alice, workspace, shop, server):
        assert "Nobody is signed in there" in page(browser, shop)
        asked = leave(browser, shop, server)
        assert (asked["response_type"], asked["client_id"], asked["x"]) == ("code", "kdap", "1")
        assert asked["scope"] == "orders offline"
        assert asked["redirect_uri"] == signing_in.redirect_address(shop)
        back = come_back(browser, shop, state=asked["state"], code="the-code")
        assert back.url == shop.get_absolute_url()
        assert "KDAP is signed in there" in page(browser, shop)
        assert call(alice, workspace, shop).status == "succeeded"
        assert len(server.asked) == 1

    def test_tokens_are_in_no_event_and_readable_in_no_column(self, browser, shop, server):
        sign_in(browser, shop, server)
        with acting_as(Actor.system()):
            told = orjson.dumps(list(Event.objects.values_list("payload", flat=True)))
            row = Integration.objects.filter(pk=shop.pk).values().get()
        assert b"access-1" not in told
        assert "access-1" not in str({k: bytes(v) if "seal" in k else v for k, v in row.items()})

    def test_a_token_that_ended_is_renewed_once(self, browser, alice, workspace, shop, server):
        server.seconds = 1
        sign_in(browser, shop, server)
        server.seconds = 3600
        assert call(alice, workspace, shop).status == "succeeded"
        assert [form["grant_type"] for form in server.asked[1:]] == [["refresh_token"]]

    def test_a_token_that_is_taken_no_more_is_renewed(
        self, browser, alice, workspace, shop, server
    ):
        sign_in(browser, shop, server)
        server.access = "revoked"
        assert call(alice, workspace, shop).status == "succeeded"
        assert server.count == 2

    def test_a_sign_in_that_ended_says_who_has_to_do_what(
        self, browser, alice, workspace, shop, server
    ):
        sign_in(browser, shop, server)
        server.access, server.refresh = "revoked", "revoked"
        run = call(alice, workspace, shop)
        assert "The sign-in of “Shop” has ended; sign in again on its page." in run.error_message

    def test_a_sign_in_that_ended_is_told_everywhere(self, browser, alice, workspace, shop, server):
        sign_in(browser, shop, server)
        assert "renews its token by itself" in page(browser, shop)
        server.access, server.refresh = "revoked", "revoked"
        call(alice, workspace, shop)
        assert "Nobody is signed in there" in page(browser, shop)
        assert told(browser, shop)["signed_in"] is False
        with pytest.raises(Conflict, match="nobody is signed in"):
            using.check_secret(fresh(shop))

    def test_one_that_nothing_renews_holds_until_its_token_ends(
        self, browser, alice, workspace, shop, server
    ):
        server.renews = False
        sign_in(browser, shop, server)
        assert "gave nothing to renew its token with" in page(browser, shop)
        server.closed = True
        assert "answered 401" in call(alice, workspace, shop).error_message
        server.closed = False
        assert call(alice, workspace, shop).status == "succeeded"
        server.seconds = 1
        sign_in(browser, shop, server)
        assert told(browser, shop)["signed_in"] is False

    def test_a_token_just_got_is_kept_when_it_is_not_taken_either(
        self, browser, alice, workspace, shop, server
    ):
        sign_in(browser, shop, server)
        server.closed = True
        assert "answered 401" in call(alice, workspace, shop).error_message
        server.closed = False
        assert call(alice, workspace, shop).status == "succeeded"
        assert server.count == 2

    @pytest.mark.parametrize(
        ("status", "error", "kind"),
        [
            ("503 Busy", "", Unreachable),
            ("429 Slowly", "", Unreachable),
            ("401 No", "invalid_client", Refused),
        ],
    )
    def test_what_says_nothing_of_the_sign_in_does_not_end_it(
        self, browser, shop, server, status, error, kind
    ):
        server.seconds = 1
        sign_in(browser, shop, server)
        refresh, server.refresh = server.refresh, "moved"
        server.status, server.error = status, error
        with pytest.raises(kind, match="gave no token"):
            token_of(shop)
        server.refresh = refresh
        assert token_of(shop) == "access-2"

    def test_waiting_for_others_who_renew_is_counted(self, browser, shop, server):
        sign_in(browser, shop, server)
        held, done = threading.Event(), threading.Event()

        def hold():
            with acting_as(Actor.system()):
                Integration.objects.select_for_update().get(pk=shop.pk)
                held.set()
                done.wait(20)
            connection.close()

        other = threading.Thread(target=hold)
        other.start()
        held.wait(20)
        try:
            with pytest.raises(Unreachable, match="is being renewed"):
                token_of(shop, 0.2)
        finally:
            done.set()
            other.join()

    def test_tokens_that_cannot_be_opened_are_none(self, browser, shop, server):
        sign_in(browser, shop, server)
        with acting_as(Actor.system()):
            Integration.objects.update(sealed_tokens=b"of another SECRET_KEY")
        assert told(browser, shop)["signed_in"] is False
        assert "Nobody is signed in there" in page(browser, shop)

    def test_a_look_renews_too(self, browser, shop, server):
        sign_in(browser, shop, server)
        server.access = "revoked"
        looking.look(shop.pk)
        assert (fresh(shop).works, fresh(shop).said) == (True, "It answers (HTTP 200).")

    def test_signing_out(self, browser, alice, workspace, shop, server):
        sign_in(browser, shop, server)
        url = reverse("integration_act", args=[shop.pk, "sign-out"])
        assert browser.post(url).status_code == 302
        assert "nobody is signed in" in call(alice, workspace, shop).error_message
        assert browser.post(url).status_code == 409

    def test_with_another_client_or_host_somebody_signs_in_anew(self, browser, alice, shop, server):
        sign_in(browser, shop, server)
        with alice.acting() as actor:
            config = fresh(shop).config | {"client_id": "other"}
            services.change_integration(integration=fresh(shop), actor=actor, config=config)
        assert "Nobody is signed in there with this configuration" in page(browser, shop)


@pytest.mark.django_db(transaction=True)
class TestStrangers:
    def test_only_who_began_comes_back(self, browser, bob, workspace, shop, server):
        give_role(workspace, bob, Role.ADMIN)
        asked = leave(browser, shop, server)
        assert come_back(bob.client, shop, state=asked["state"], code="x").status_code == 422
        assert come_back(browser, shop, state="guessed", code="x").status_code == 422
        assert (
            come_back(browser, shop, state=asked["state"], code="x").status_code == 422
        )  # it was used up
        assert fresh(shop).sealed_tokens is None
        assert server.asked == []

    def test_nobody_is_led_on_unasked(self, browser, shop, server):
        answer = browser.get(reverse("integration_sign_in", args=[shop.pk]))
        assert answer.status_code == 200
        there = server.receiver.url("")
        assert f"Go on to {urlsplit(there).netloc}" in answer.content.decode()

    def test_a_code_is_for_the_connection_it_was_asked_for(
        self, browser, alice, workspace, shop, server
    ):
        config = fresh(shop).config | {"token_url": server.receiver.url("/other")}
        other = connect(alice, workspace, "http", "Other", SECRET, **config)
        asked = leave(browser, other, server)
        assert asked["redirect_uri"] != signing_in.redirect_address(shop)
        assert come_back(browser, shop, state=asked["state"], code="x").status_code == 422
        assert server.asked == []

    def test_viewers_and_strangers_sign_nobody_in(self, bob, charlie, workspace, shop):
        give_role(workspace, bob, Role.VIEWER)
        url = reverse("integration_sign_in", args=[shop.pk])
        assert bob.client.get(url).status_code == 403
        assert charlie.client.get(url).status_code == 404

    def test_what_the_other_server_refuses_is_said(self, browser, shop, server):
        asked = leave(browser, shop, server)
        come_back(browser, shop, state=asked["state"], error="access_denied")
        assert "did not allow it: access_denied" in page(browser, shop)
        asked = leave(browser, shop, server)
        server.challenge = "another"
        come_back(browser, shop, state=asked["state"], code="the-code")
        assert "gave no token (HTTP 400: invalid_grant)" in page(browser, shop)

    def test_a_change_while_somebody_is_there(self, browser, alice, shop, server):
        asked = leave(browser, shop, server)
        with alice.acting() as actor:
            config = fresh(shop).config | {"client_id": "other"}
            services.change_integration(integration=fresh(shop), actor=actor, config=config)
        come_back(browser, shop, state=asked["state"], code="the-code")
        assert "changed meanwhile; sign in again" in page(browser, shop)


@pytest.mark.django_db
def test_a_public_client_needs_no_secret(browser, alice, workspace, shop, server):
    """RFC 6749, 3.2.1: it names itself in the form, and that it began is what PKCE proves."""
    config = shop.config | {"client": "public"}
    public = connect(alice, workspace, "http", "Public", **config)
    sign_in(browser, public, server)
    assert server.asked[-1]["client_id"] == ["kdap"]
    assert b"authorization: basic" not in server.receiver.requests[-1].lower()
    assert token_of(public) == "access-1"


def test_only_people_sign_in_for_a_public_client(shop):
    config = shop.config | {"client": "public", "auth": "oauth2"}
    with pytest.raises(Invalid, match="public client"):
        config_of("http", config)


def test_it_needs_the_address_where_people_sign_in(alice, workspace):
    config = {"auth": "oauth2_code", "client_id": "x", "token_url": "https://a.example/t"}
    with pytest.raises(Invalid, match="needs the address where people sign in"):
        connect(alice, workspace, "http", "Shop", url="https://a.example", **config)


@pytest.mark.django_db(transaction=True)
def test_a_tool_is_called_with_another_token_when_one_is_not_taken(alice, workspace, settings):
    given, server = [], McpServer()

    def answer(connection, request):
        if b"POST /token" in request:
            given.append(f"token-{len(given) + 1}")
            connection.sendall(ok(orjson.dumps({"access_token": given[-1]})))
        elif b"Bearer token-2" in request:
            server(connection, request)
        else:
            connection.sendall(NO)

    auth._tokens.clear()
    with receiving(answer) as receiver:
        settings.AUTOMATIONS_ALLOWED_HOSTS = [receiver.here]
        config = {"url": receiver.url("/mcp"), "token_url": receiver.url("/token")}
        config |= {"auth": "oauth2", "client_id": "kdap"}
        made = connect(alice, workspace, secret=SECRET, **config)
        output = mcp_tools.call_tool(made, "echo", {"text": "Emma"}, key="k", seconds=10)
    assert output["text"] == "Emma"
    assert len(given) == 2
    assert len(server.calls()) == 1
