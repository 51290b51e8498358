"""/accounts/password/reset/ and the link that it mails."""

import re

from kdap.tests.people import PASSWORD

URL = "/accounts/password/reset/"
NEW = "another horse battery"


def test_the_mailed_link_sets_a_new_password(client, alice, mailoutbox):
    assert client.post(URL, {"email": "alice@example.com"}).status_code == 302
    link = re.search(r"https?://[^/]+(/\S+)", mailoutbox[0].body)[1]
    form = client.get(link, follow=True)
    assert "Choose a new password" in form.content.decode()
    client.post(form.redirect_chain[-1][0], {"password1": NEW, "password2": NEW})
    alice.user.refresh_from_db()
    assert alice.user.check_password(NEW)


def test_an_unknown_address_gets_the_same_answer(client, alice):
    known = client.post(URL, {"email": "alice@example.com"})
    unknown = client.post(URL, {"email": "nobody@example.com"})
    assert (known.status_code, known.url) == (unknown.status_code, unknown.url)


def test_a_used_or_made_up_link_changes_nothing(client, alice):
    page = client.get("/accounts/password/reset/key/1-abcdef/", follow=True)
    assert page.status_code == 200
    assert "Ask for a new link" in page.content.decode()
    alice.user.refresh_from_db()
    assert alice.user.check_password(PASSWORD)
