"""The log for staff: searched, filtered, told, and only read."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from records.tests.helpers import add
from workspaces.access import Actor, acting_as
from workspaces.models import Event

LIST = reverse("admin:workspaces_event_changelist")


@pytest.fixture
def staff(admin_user):
    client = Client()
    client.force_login(admin_user)
    return client


@pytest.fixture
def books(alice, make_record):
    record = make_record(title="text")
    add(alice, record, {"title": "Emma"})
    return record


def told(answer):
    return [event.fact.sentence for event in answer.context["cl"].result_list]


def test_tells_what_happened(staff, books):
    page = staff.get(LIST)
    assert "Added 1 entry" in told(page)
    assert "Opened an account for alice@example.com" in told(page)
    assert "Added 1 entry" in page.content.decode()


@pytest.mark.parametrize(
    ("query", "some"),
    [
        ("?about=entries", "Added 1 entry"),
        ("?about=user", "Opened an account for alice@example.com"),
        ("?q=alice@example.com", "Added 1 entry"),
        ("?q=record.", "Made the record “Books”"),
        ("?about=workspace", "Made the workspace “Bookshop”"),
    ],
)
def test_finds(staff, books, query, some):
    found = told(staff.get(LIST + query))
    assert some in found
    assert len(found) < len(told(staff.get(LIST)))


@pytest.mark.parametrize(
    "query", ["?q=nobody@example.com", "?way=api", "?way=undo", "?q=9", "?q=²"]
)
def test_finds_nothing(staff, books, query):
    assert "Added 1 entry" not in told(staff.get(LIST + query))


def test_questions_do_not_grow(alice, staff, books):
    staff.get(LIST)
    with CaptureQueriesContext(connection) as few:
        staff.get(LIST)
    for number in range(50):
        add(alice, books, {"title": str(number)})
    with CaptureQueriesContext(connection) as many:
        staff.get(LIST)
    assert len(many) <= len(few)


def test_nothing_can_be_changed(staff, books):
    with acting_as(Actor.system()):
        event = Event.objects.filter(stream_id=books.pk).first()
    page = reverse("admin:workspaces_event_change", args=[event.pk])
    assert staff.get(page).status_code == 200
    assert staff.post(page, {"type": "x.y"}).status_code == 403
    delete = reverse("admin:workspaces_event_delete", args=[event.pk])
    assert staff.post(delete, {"post": "yes"}).status_code == 403
    assert staff.get(reverse("admin:workspaces_event_add")).status_code == 403


def test_is_for_staff(alice):
    assert alice.client.get(LIST).status_code == 302
