"""What people see when something is missing, forbidden or broken."""

import pytest
from django.template.loader import render_to_string
from django.test import Client


@pytest.mark.django_db
def test_a_missing_page_leads_home(client):
    answer = client.get("/nothing/here/")
    assert answer.status_code == 404
    assert "Nothing here" in answer.content.decode()
    assert 'href="/"' in answer.content.decode()


def test_a_missing_page_is_the_same_for_members(alice, workspace):
    assert "Nothing here" in alice.client.get("/nothing/here/").content.decode()


def test_a_form_without_its_token_is_explained(alice):
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice.user)
    answer = client.post("/accounts/profile/", {})
    assert answer.status_code == 403
    assert "This form is too old" in answer.content.decode()


@pytest.mark.parametrize("code", ["400", "403", "403_csrf", "404", "500"])
def test_they_need_neither_request_nor_database(code):
    assert "</html>" in render_to_string(f"{code}.html")
