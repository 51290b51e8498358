"""/accounts/tokens/<id>/revoke/"""

import json


def url(token):
    return f"/accounts/tokens/{token.pk}/revoke/"


def test_it_asks_first(alice, token):
    assert "Revoke “Export”?" in alice.client.get(url(token)).content.decode()
    token.refresh_from_db()
    assert token.state == "active"


def test_it_revokes(alice, token):
    answer = alice.client.post(url(token), follow=True)
    assert "“Export” is revoked." in answer.content.decode()
    token.refresh_from_db()
    assert token.state == "revoked"


def test_htmx_closes_the_dialog_and_refreshes_the_list(alice, token):
    answer = alice.client.post(url(token), headers={"HX-Request": "true"})
    assert answer.status_code == 204
    assert list(json.loads(answer.headers["HX-Trigger"])) == [
        "tokens:changed",
        "dialog:close",
        "toast",
    ]


def test_nobody_else_can(bob, charlie, token):
    for person in (bob, charlie):
        assert person.client.get(url(token)).status_code == 404
        assert person.client.post(url(token)).status_code == 404
    token.refresh_from_db()
    assert token.state == "active"
