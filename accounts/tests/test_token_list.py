"""/accounts/tokens/"""

URL = "/accounts/tokens/"


def test_it_shows_the_tokens_without_their_secrets(alice, token):
    page = alice.client.get(URL).content.decode()
    assert "Export" in page
    assert f"{token.prefix}…" in page
    assert token.digest not in page


def test_nothing_yet_leads_to_the_first(alice):
    page = alice.client.get(URL).content.decode()
    assert "No tokens yet" in page
    assert 'href="/accounts/tokens/new/"' in page


def test_others_do_not_see_them(alice, bob, charlie, token):
    for person in (bob, charlie):
        assert "Export" not in person.client.get(URL).content.decode()


def test_htmx_gets_only_the_list(alice, token):
    answer = alice.client.get(URL, headers={"HX-Request": "true"})
    page = answer.content.decode()
    assert page.strip().startswith('<div id="tokens"')
    assert "<html" not in page
    assert "HX-Request" in answer.headers["Vary"]


def test_the_dead_come_last(alice, token):
    from accounts.models import ApiToken

    token.revoke()
    ApiToken.objects.issue(user=alice.user, name="Living", verbs=["read"])
    page = alice.client.get(URL).content.decode()
    assert page.index("Living") < page.index("Export")
    assert page.count(">Revoke</a>") == 1


def test_the_number_of_queries_does_not_grow(alice, django_assert_max_num_queries):
    from accounts.models import ApiToken

    for number in range(50):
        ApiToken.objects.issue(user=alice.user, name=f"Token {number}", verbs=["read"])
    client = alice.client
    client.get(URL)
    with django_assert_max_num_queries(24):
        client.get(URL)
