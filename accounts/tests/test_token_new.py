"""/accounts/tokens/new/"""

import re
from datetime import timedelta

from django.utils import timezone

from accounts.models import ApiToken
from workspaces.services import create_workspace

URL = "/accounts/tokens/new/"
GOOD = {"name": "Nightly export", "verbs": ["read", "write"], "lifetime": "30"}


def secret_in(answer):
    return re.search(r"kdap_[\w-]{43}", answer.content.decode())[0]


def test_it_shows_the_secret_once(alice):
    client = alice.client
    answer = client.post(URL, GOOD)
    token = ApiToken.objects.find(secret_in(answer))
    assert token.user == alice.user
    assert token.verbs == ["read", "write"]
    assert token.workspaces is None
    assert abs(token.expires_at - timezone.now() - timedelta(days=30)) < timedelta(minutes=1)
    assert "no-store" in answer.headers["Cache-Control"]
    assert not re.search(r"kdap_[\w-]{43}", client.get("/accounts/tokens/").content.decode())


def test_it_can_be_kept_to_some_workspaces(alice, workspace):
    with alice.acting() as actor:
        create_workspace(name="Other", actor=actor)
    client = alice.client
    page = client.get(URL).content.decode()
    assert "Bookshop" in page
    assert "Other" in page
    answer = client.post(URL, GOOD | {"workspaces": [str(workspace.id)]})
    token = ApiToken.objects.find(secret_in(answer))
    assert token.workspaces == [workspace.id]
    assert "Bookshop" in client.get("/accounts/tokens/").content.decode()


def test_a_strangers_workspace_is_refused(charlie, workspace):
    page = charlie.client.get(URL).content.decode()
    assert "Bookshop" not in page
    charlie.client.post(URL, GOOD | {"workspaces": [str(workspace.id)]})
    assert not ApiToken.objects.filter(workspaces__contains=[workspace.id]).exists()


def test_until_revoked(alice):
    answer = alice.client.post(URL, GOOD | {"lifetime": "never"})
    assert ApiToken.objects.find(secret_in(answer)).expires_at is None


def test_bad_input_stays_in_the_form(alice):
    answer = alice.client.post(URL, {"name": "Half done", "lifetime": "30"})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert 'value="Half done"' in page
    assert "Tick at least one thing" in page
    assert not ApiToken.objects.exists()


def test_htmx_gets_the_inside_of_the_dialog(alice):
    for answer in (
        alice.client.get(URL, headers={"HX-Request": "true"}),
        alice.client.post(URL, {}, headers={"HX-Request": "true"}),
        alice.client.post(URL, GOOD, headers={"HX-Request": "true"}),
    ):
        page = answer.content.decode()
        assert "<html" not in page
        assert "dialog-head" in page
