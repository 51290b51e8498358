"""Pages, API and admin of connections: secrets go in and never come out."""

import pytest

from accounts.models import User
from automations.integrations.looking import look
from automations.models import Integration
from automations.tests.mcp_servers import connect, serving
from kdap.tests.people import give_role
from records.tests.api import Api
from workspaces.access import Actor, acting_as
from workspaces.models import Role

SECRET = "s3cret-of-the-shop"
FORM = {"server_name": "Shop", "url": "https://api.example.com/v1", "auth": "bearer"}
FORM["client"] = "confidential"


@pytest.fixture
def shop(alice, workspace):
    config = {"url": FORM["url"], "auth": "bearer"}
    return connect(alice, workspace, "http", "Shop", SECRET, **config)


def only():
    with acting_as(Actor.system()):
        return Integration.objects.get()


def new_url(workspace, kind):
    return f"/w/{workspace.pk}/connections/new/?kind={kind}"


def test_a_connection_is_made_on_a_page(alice, workspace):
    client, base = alice.client, f"/w/{workspace.pk}/connections/"
    assert b"No connections yet" in client.get(base).content
    kinds = client.get(f"{base}new/").content.decode()
    assert "MCP server" in kinds
    assert "on this machine" not in kinds  # the administrator allows none
    page = client.get(new_url(workspace, "mcp"), headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in page
    assert 'type="password"' in page
    answer = client.post(new_url(workspace, "mcp"), FORM | {"secret": SECRET})
    made = only()
    assert answer.headers["Location"] == f"/connections/{made.pk}/"
    assert (made.server_name, made.kind, made.has_secret) == ("Shop", "mcp", True)
    page = client.get(made.get_absolute_url()).content.decode()
    assert "A worker was asked" in page
    assert SECRET not in page
    assert b"Shop" in client.get(base).content


@pytest.mark.parametrize("kind", ["mcp", "http", "smtp"])
def test_bad_input_stays_in_the_form(alice, workspace, kind):
    bad = {"server_name": "Shop", "url": "javascript:x", "host": "a b", "sender": "nobody"}
    answer = alice.client.post(new_url(workspace, kind), bad | {"port": "587"})
    assert answer.status_code == 422
    assert b"Shop" in answer.content
    assert b"field-error" in answer.content or b"error" in answer.content
    with acting_as(Actor.system()):
        assert not Integration.objects.exists()


def test_the_hint_about_the_sender_shows_an_address(alice, workspace):
    page = alice.client.get(new_url(workspace, "smtp")).content.decode()
    assert "As in “Shop &lt;shop@example.com&gt;”." in page


def test_an_empty_secret_keeps_the_one_there_is(alice, shop):
    page = alice.client.get(f"/connections/{shop.pk}/edit/").content.decode()
    assert "Leave it empty to keep" in page
    assert SECRET not in page
    alice.client.post(f"/connections/{shop.pk}/edit/", FORM | {"server_name": "Store"})
    changed = only()
    assert (changed.server_name, changed.has_secret) == ("Store", True)
    moved = FORM | {"url": "https://evil.example"}
    alice.client.post(f"/connections/{shop.pk}/edit/", moved)
    assert b"was given for another address" in alice.client.get(shop.get_absolute_url()).content


def test_tools_are_listed_with_what_they_take(alice, workspace, settings):
    with serving(settings) as (_, url):
        made = connect(alice, workspace, url=url)
        look(made.pk)
    page = alice.client.get(made.get_absolute_url(), headers={"HX-Request": "true"})
    text = page.content.decode()
    assert "Say it again." in text
    assert "<code>text</code> string, needed" in text
    assert "It answers, and has 1 tool." in text
    assert "<html" not in text
    assert "1 tool<" in alice.client.get(f"/w/{workspace.pk}/connections/").content.decode()
    (row,) = Api(alice).get(f"workspaces/{workspace.pk}/integrations/").data["results"]
    assert (row["tool_count"], "tools" in row) == (1, False)


def test_what_a_server_says_is_text(alice, workspace, settings):
    lies = {"name": "x", "description": "<script>alert(1)</script>", "inputSchema": {}}
    with serving(settings, tools_list={"result": {"tools": [lies]}}) as (_, url):
        made = connect(alice, workspace, url=url)
        look(made.pk)
    assert b"<script>alert" not in alice.client.get(made.get_absolute_url()).content


def test_who_may_see_and_change_it(alice, bob, charlie, workspace, shop):
    here = f"/connections/{shop.pk}/"
    for path in (here, f"{here}edit/", f"/w/{workspace.pk}/connections/"):
        assert charlie.client.get(path).status_code == 404
    assert charlie.client.post(f"{here}delete/").status_code == 404
    assert bob.client.get(f"{here}edit/").status_code == 200
    give_role(workspace, bob, Role.VIEWER)
    assert bob.client.get(here).status_code == 200
    assert bob.client.get(f"{here}edit/").status_code == 403
    assert bob.client.post(f"{here}test/").status_code == 403
    assert bob.client.get(new_url(workspace, "http")).status_code == 403


def test_a_connection_is_deleted_and_tested(alice, shop):
    assert alice.client.post(f"/connections/{shop.pk}/nothing/").status_code == 404
    alice.client.post(f"/connections/{shop.pk}/test/")
    assert only().is_being_looked_at
    alice.client.post(f"/connections/{shop.pk}/delete/")
    assert only().deleted_at
    assert alice.client.get(f"/connections/{shop.pk}/").status_code == 404


def test_the_api_takes_secrets_and_gives_none(alice, charlie, workspace):
    api, base = Api(alice), f"workspaces/{workspace.pk}/integrations/"
    body = {"server_name": "Shop", "kind": "http", "secret": SECRET}
    body["config"] = {"url": FORM["url"], "auth": "bearer"}
    made = api.post(base, body)
    assert made.status_code == 201, made.content
    here = f"integrations/{made.data['id']}/"
    answers = [made, api.get(here), api.get(base), api.put(f"{here}secret/", {"secret": SECRET})]
    answers.append(api.post(f"{here}test/", None))
    assert [answer.status_code for answer in answers] == [201, 200, 200, 200, 202]
    assert all(SECRET.encode() not in answer.content for answer in answers)
    assert answers[1].data["has_secret"] is True
    refused = api.patch(here, {"config": {"url": "ftp://x"}})
    assert refused.status_code in (400, 422)
    assert refused.data["problems"][0]["pointer"] == "/config/url"
    assert api.patch(here, {"server_name": "Store"}).data["server_name"] == "Store"
    stranger = Api(charlie)
    assert stranger.get(here).status_code == 404
    assert stranger.get(base).status_code == 404
    assert stranger.put(f"{here}secret/", {"secret": "x"}).status_code == 404
    reader = Api(alice, verbs=["read"])
    assert reader.put(f"{here}secret/", {"secret": "x"}).status_code == 403
    assert api.delete(here).status_code == 204
    assert api.get(here).status_code == 404


def test_admin_shows_it_without_its_secret(admin_client, shop):
    page = admin_client.get("/admin/automations/integration/").content.decode()
    assert "Shop" in page
    one = admin_client.get(f"/admin/automations/integration/{shop.pk}/change/").content.decode()
    assert "api.example.com" in one
    assert SECRET not in one
    assert User.objects.filter(is_superuser=True).exists()
