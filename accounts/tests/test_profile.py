"""/accounts/profile/"""

URL = "/accounts/profile/"
GOOD = {"name": "Alice M.", "time_zone": "Europe/Lisbon", "locale": "en-gb", "theme": "dark"}


def test_it_saves(alice):
    answer = alice.client.post(URL, GOOD)
    assert answer.status_code == 302
    alice.user.refresh_from_db()
    assert {key: getattr(alice.user, key) for key in GOOD} == GOOD


def test_bad_input_stays_in_the_form(alice):
    answer = alice.client.post(URL, GOOD | {"name": "Al", "time_zone": "Mars/Olympus"})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert 'value="Al"' in page
    assert 'id="id_time_zone_error"' in page
    alice.user.refresh_from_db()
    assert alice.user.name == "Alice"


def test_bad_input_is_not_taken_for_the_person(alice):
    page = alice.client.post(URL, GOOD | {"name": "Al", "locale": "tlh"}).content.decode()
    assert "<h1>Alice</h1>" in page


def test_only_these_fields_can_be_set(alice):
    alice.client.post(URL, GOOD | {"role": "admin", "is_staff": "on", "email": "x@example.com"})
    alice.user.refresh_from_db()
    assert (alice.user.role, alice.user.is_staff) == ("user", False)
    assert alice.user.email == "alice@example.com"
