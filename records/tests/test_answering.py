"""Answers to public forms that change meanwhile, and answers that are meant to do harm."""

from threading import Thread
from time import monotonic
from uuid import uuid4

import orjson
import pytest
from django.db import connection, connections
from django.test import Client
from django.urls import reverse
from django.utils.html import escape

from records import answering, public_forms, services
from records.tests.test_public_forms import change, fresh, make, rows, send, support, tickets
from workspaces import throttle
from workspaces.errors import Conflict, Missing

__all__ = ["support", "tickets"]


def take(form, **values):
    """Answer a form as it was read: `form`, whatever it is by now."""
    return answering.take(form=form, values=values or {"subject": "Late"}, key=uuid4())


class TestWhatAFormIsByNow:
    @pytest.mark.parametrize(
        ("values", "sentence"),
        [
            ({"open": False}, "takes no answers"),
            ({"closes_at": "2020-01-31T12:00:00Z"}, "until 31 January 2020"),
            ({"fields": [{"field": "email"}]}, "is being worked on"),
        ],
    )
    def test_closes_it(self, alice, support, tickets, values, sentence):
        read = fresh(support)
        change(alice, support, **values)
        with pytest.raises(answering.Closed, match=sentence):
            take(read)
        assert rows(tickets) == []

    def test_may_be_the_trash(self, alice, support, tickets):
        read = fresh(support)
        with alice.acting() as actor:
            public_forms.delete_form(form=support, actor=actor)
        with pytest.raises(answering.Closed, match="taken away"):
            take(read)
        assert rows(tickets) == []

    def test_may_be_without_its_record(self, alice, support, tickets):
        read = fresh(support)
        with alice.acting() as actor:
            services.delete_record(record=tickets, actor=actor)
        with pytest.raises(Missing):
            take(read)

    @pytest.mark.parametrize("values", [{"fields": [{"field": "subject"}]}, {"most_answers": 1}])
    def test_may_be_another_one(self, alice, support, tickets, values):
        """What was filled in may not be asked for any more, and a limit was not watched."""
        read = fresh(support)
        change(alice, support, **values)
        with pytest.raises(Conflict, match="in the meantime"):
            take(read, subject="Late", email="ann@example.com")
        assert rows(tickets) == []


@pytest.mark.parametrize(
    "written", ["[" * 100_000, "9" * 5000, '"\\ud800"', "[1e400]", "[" * 60 + "]" * 60, "NaN", "{"]
)
def test_json_that_nothing_can_keep_is_told_and_shown_again(alice, make_record, written):
    record = make_record("Notes", data="json")
    form = make(alice, record)
    answer = send(form, data=written)
    assert answer.status_code == 422
    assert escape(written) in answer.content.decode()
    assert "JSON" in answer.context["form"].errors["data"][0]
    page = alice.client.post(reverse("entry_new", args=[record.pk]), {"data": written})
    assert page.status_code == 422
    assert rows(record) == []


@pytest.mark.parametrize(
    "written", ["1" + "0" * 22, '"text"', "[]", "18446744073709551615", "-0.5e-3"]
)
def test_json_is_kept_as_the_field_reads_it(alice, make_record, written):
    record = make_record("Notes", data="json")
    assert send(make(alice, record), data=written).status_code == 302
    page = alice.client.post(reverse("entry_new", args=[record.pk]), {"data": written})
    assert page.status_code in (204, 302)
    kept = [row["data"] for row in rows(record)]
    assert kept == [orjson.loads(written)] * 2


@pytest.mark.parametrize("length", ["²", "9" * 5000, "-1", "1e3"])
def test_a_length_that_is_none_is_not_read(support, length):
    path = reverse("public_form", args=[support.address])
    assert Client().post(path, {"subject": "x"}, CONTENT_LENGTH=length).status_code == 413


def test_answers_that_are_refused_are_counted_too(support, settings):
    settings.FORM_THROTTLE = "2/h"
    found = [send(support, subject="").status_code for _ in range(11)]
    assert found == [422] * 10 + [429]


def test_all_addresses_of_a_household_are_one_visitor(support, tickets, settings):
    settings.FORM_THROTTLE = "2/h"
    ips = ["2001:db8::1", "2001:db8::ffff:2", "2001:db8:0:0:9::3", "2001:db8:0:1::1", "192.0.2.1"]
    found = [send(support, Client(REMOTE_ADDR=ip), subject="x").status_code for ip in ips]
    assert found == [302, 302, 429, 302, 302]


@pytest.mark.parametrize(
    ("ip", "origin"),
    [
        ("2001:db8::1", "2001:db8::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("fe80::1%eth0", "fe80::/64"),
        (None, "None"),
        ("unix", "unix"),
    ],
)
def test_where_a_visitor_is(ip, origin):
    assert throttle.origin(ip) == origin


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("most_answers", [None, 5])
def test_an_answer_waits_for_a_form_that_is_being_closed(
    transactional_db, alice, support, tickets, most_answers
):
    if most_answers:
        change(alice, support, most_answers=most_answers)
    answers = []

    def answer():
        answers.append(send(support, subject="Late").status_code)
        connections.close_all()

    thread = Thread(target=answer)
    with alice.acting() as actor:
        public_forms.change_form(form=support, actor=actor, open=False)
        thread.start()
        wait_for_a_lock(thread)
    thread.join()
    assert answers == [410]
    assert rows(tickets) == []


def wait_for_a_lock(thread):
    """Return when another connection waits for the running transaction, or the thread is over."""
    ours = "SELECT 1 FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))"
    until = monotonic() + 20
    while thread.is_alive() and monotonic() < until:
        with connection.cursor() as cursor:
            cursor.execute(ours)
            if cursor.fetchone():
                return
