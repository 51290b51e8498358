"""/accounts/theme/, the switch in the menu."""

URL = "/accounts/theme/"


def test_htmx_gets_nothing_to_swap(alice):
    answer = alice.client.post(URL, {"theme": "dark"}, headers={"HX-Request": "true"})
    assert answer.status_code == 204
    alice.user.refresh_from_db()
    assert alice.user.theme == "dark"


def test_without_htmx_it_leads_to_a_page_in_the_new_theme(alice):
    page = alice.client.post(URL, {"theme": "light"}, follow=True).content.decode()
    assert 'data-theme="light"' in page


def test_there_are_three_themes(alice):
    assert alice.client.post(URL, {"theme": "neon"}).status_code == 422
    alice.user.refresh_from_db()
    assert alice.user.theme == "system"


def test_looking_does_not_change(alice):
    assert alice.client.get(URL).status_code == 405
