"""Public forms: made by people, answered by strangers, who reach nothing else by them."""

import datetime as dt
import re
from threading import Thread
from time import sleep
from uuid import uuid4

import pytest
from django.db import DatabaseError, connection, connections, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from kdap.tests.people import give_role
from records import answering, entries, public_forms, purging, services
from records.history import quoted
from records.models import FormAnswer, PublicForm, Record
from records.names import history_name
from workspaces import access, operations
from workspaces.access import Actor, acting_as
from workspaces.errors import Conflict, Forbidden, Invalid, Missing
from workspaces.models import Event, Role
from workspaces.replay import apply_all, differences, rebuild, scratch_schema


@pytest.fixture
def tickets(make_record):
    """What a support form asks for, and what it must not."""
    return make_record(
        "Tickets",
        subject={"type": "text", "required": True},
        email={"type": "email", "unique": True},
        urgency={"type": "choice", "options": {"choices": ["Low", "High"]}},
        agreed="boolean",
        assignee="user",
        number="autonumber",
    )


@pytest.fixture
def support(alice, tickets):
    return make(alice, tickets)


def make(person, record, name="Support", **values):
    with person.acting() as actor:
        return public_forms.create_form(record=record, name=name, actor=actor, **values)


def change(person, form, **values):
    with person.acting() as actor:
        return public_forms.change_form(form=form, actor=actor, **values)


def fresh(form):
    with acting_as(Actor.system()):
        return PublicForm.objects.get(pk=form.pk)


def rows(record):
    """Return all entries of a record as dicts."""
    with acting_as(Actor.system()):
        return list(Record.objects.get(pk=record.pk).model.objects.order_by("pk").values())


def open_page(form, client=None):
    return (client or Client()).get(reverse("public_form", args=[form.address]))


def page_of(form):
    """Return the text of a form's page, as somebody without an account sees it."""
    return open_page(form).content.decode()


def send(form, client=None, page=None, **values):
    """Answer a form; return the answer of the server. `page` is the page that is sent."""
    data = {"_page": page or str(uuid4())} | values
    return (client or Client()).post(reverse("public_form", args=[form.address]), data)


class TestMaking:
    def test_asks_for_all_that_a_stranger_can_give(self, support, tickets):
        labels = [question.label for question in public_forms.questions_of(support, tickets)]
        assert labels == ["Subject", "Email", "Urgency", "Agreed"]
        assert (support.title, support.open, len(support.address)) == ("Support", True, 16)

    def test_asks_in_its_own_words_and_order(self, alice, tickets):
        form = make(
            alice,
            tickets,
            fields=[
                {"field": "email", "label": "Where do we reach you?", "required": True},
                {"field": "subject", "help": "In a few words."},
            ],
        )
        first, second = public_forms.questions_of(form, tickets)
        assert (first.label, first.required) == ("Where do we reach you?", True)
        assert (second.label, second.help, second.required) == ("Subject", "In a few words.", True)

    @pytest.mark.parametrize(
        ("values", "sentence"),
        [
            ({"fields": [{"field": "assignee"}]}, "“Assignee” can't be asked for"),
            ({"fields": [{"field": "number"}]}, "“Number” can't be asked for"),
            ({"fields": [{"field": "ghost"}]}, "no field “ghost”"),
            ({"fields": [{"field": "email"}, {"field": "email"}]}, "“Email” twice"),
            ({"fields": [{"field": "email", "drop": 1}]}, "has field, label, help"),
            ({"fields": "email"}, "a list of objects"),
            ({"title": " "}, "Give a title"),
            ({"intro": "x" * 10_001}, "at most 10,000 characters"),
            ({"most_answers": 0}, "from 1 to"),
            ({"closes_at": "soon"}, "A closing date is a moment"),
            ({"closes_at": "0001-01-01T00:00:00Z"}, "in a year from 1900 to 9000"),
            ({"closes_at": "9999-12-31T23:59:59Z"}, "in a year from 1900 to 9000"),
            ({"secret": 1}, "“secret” can't be changed"),
        ],
    )
    def test_refuses_what_can_not_be(self, alice, tickets, values, sentence):
        with pytest.raises(Invalid, match=sentence):
            make(alice, tickets, **values)

    def test_is_for_those_who_write(self, alice, bob, charlie, workspace, support, tickets):
        make(bob, tickets, "His")
        give_role(workspace, bob, Role.VIEWER)
        with pytest.raises(Forbidden):
            make(bob, tickets)
        with pytest.raises(Forbidden):
            change(bob, support, open=False)
        with pytest.raises(Missing):
            change(charlie, support, open=False)

    def test_its_address_is_in_no_event(self, alice, support):
        with alice.acting() as actor:
            old = support.address
            public_forms.renew_address(form=support, actor=actor)
        with acting_as(Actor.system()):
            events = Event.objects.filter(stream_id=support.pk)
            told = [str(event.payload) + str(event.cause) for event in events]
        assert len(told) == 2
        assert not any(old in text or support.address in text for text in told)


class TestUndo:
    def test_of_a_change(self, alice, support):
        with alice.acting() as actor:
            until = dt.datetime(2030, 1, 31, 12, tzinfo=dt.UTC)
            public_forms.change_form(form=support, actor=actor, closes_at=until, title="Help")
        with alice.acting() as again:
            outcome = operations.undo(operation_id=actor.operation, actor=again)
        assert outcome.restored == 2
        assert (fresh(support).closes_at, fresh(support).title) == (None, "Support")

    def test_of_deleting_brings_it_back_at_its_address(self, alice, support):
        with alice.acting() as actor:
            public_forms.delete_form(form=support, actor=actor)
        assert open_page(support).status_code == 410
        with alice.acting() as again:
            operations.undo(operation_id=actor.operation, actor=again)
        assert open_page(support).status_code == 200

    def test_an_address_that_was_given_up_stays_closed(self, alice, support):
        given_up = fresh(support)
        with alice.acting() as actor:
            public_forms.renew_address(form=support, actor=actor)
        with pytest.raises(Conflict, match="stays closed"), alice.acting() as again:
            operations.undo(operation_id=actor.operation, actor=again)
        assert open_page(given_up).status_code == 404
        assert open_page(fresh(support)).status_code == 200

    def test_of_a_field_that_was_deleted(self, alice, support, tickets):
        """The form leaves it out, and asks for it again where it stood when it comes back."""
        email = tickets.structure.field("email").id
        with alice.acting() as actor:
            services.change_structure(
                record=tickets,
                changes=[{"op": "delete_field", "field": email}],
                actor=actor,
                confirmed=True,
            )
        assert "Email" not in page_of(support)
        assert send(support, subject="Broken").status_code == 302
        with alice.acting() as again:
            operations.undo(operation_id=actor.operation, actor=again)
        labels = re.findall(r'class="field-label" for="answer_(\w+)"', page_of(support))
        assert labels == ["subject", "email", "urgency"]


class TestTwoWhoChangeAFormAtOnce:
    def test_the_log_says_what_was_there(self, alice, bob, support):
        read = fresh(support)
        change(bob, support, title="His")
        change(alice, read, title="Hers")
        with acting_as(Actor.system()):
            event = Event.objects.filter(stream_id=support.pk).latest("id")
        assert event.payload == {"now": {"title": "Hers"}, "was": {"title": "His"}}

    def test_nobody_loses_what_is_set_back(self, alice, bob, support):
        """Saying again what a form was when it was read is a change by now."""
        read = fresh(support)
        change(bob, support, open=False)
        change(alice, read, open=True)
        assert fresh(support).open

    def test_a_form_is_deleted_once(self, alice, bob, support):
        read = fresh(support)
        for person, form in ((alice, support), (bob, read)):
            with person.acting() as actor:
                public_forms.delete_form(form=form, actor=actor)
        with acting_as(Actor.system()):
            events = Event.objects.filter(stream_id=support.pk, type="form.deleted")
            assert events.count() == 1


class TestTheTrash:
    def test_purges_a_form_and_what_is_known_of_its_answers(self, alice, support):
        send(support, subject="Broken")
        with alice.acting() as actor:
            public_forms.delete_form(form=support, actor=actor)
        assert purging.purge_overdue()["forms"] == 0
        with acting_as(Actor.system()):
            PublicForm.objects.update(deleted_at=timezone.now() - dt.timedelta(days=91))
        assert purging.purge_overdue()["forms"] == 1
        with acting_as(Actor.system()):
            assert not PublicForm.objects.exists()
            assert not FormAnswer.objects.exists()

    def test_of_a_record_takes_its_forms_along(self, alice, support, tickets):
        send(support, subject="Broken")
        with alice.acting() as actor:
            services.delete_record(record=tickets, actor=actor)
        with acting_as(Actor.system()):
            Record.objects.update(deleted_at=timezone.now() - dt.timedelta(days=91))
        assert purging.purge_overdue()["records"] == 1
        with acting_as(Actor.system()):
            assert not PublicForm.objects.exists()
            assert not FormAnswer.objects.exists()


class TestAnswering:
    def test_makes_one_entry_of_what_was_written(self, support, tickets):
        answer = send(support, subject="Broken", email="ann@example.com", urgency="2", agreed="on")
        assert answer.url == reverse("public_form_sent", args=[support.address])
        (entry,) = rows(tickets)
        found = {key: entry[key] for key in ("subject", "email", "urgency", "agreed")}
        assert found == {
            "subject": "Broken",
            "email": "ann@example.com",
            "urgency": 2,
            "agreed": True,
        }
        assert (entry["number"], entry["created_by_id"]) == (1, None)
        assert "Your answer has arrived" in Client().get(answer.url).content.decode()

    def test_is_in_the_log_by_the_name_of_the_form(self, alice, support, tickets):
        send(support, subject="Broken")
        page = alice.client.get(reverse("record_history", args=[tickets.pk])).content.decode()
        assert "Somebody" in page
        assert "by the form “Support”" in page
        (entry,) = rows(tickets)
        history = reverse("entry_history", args=[tickets.pk, entry["entry_id"]])
        assert "by the form “Support”" in alice.client.get(history).content.decode()
        with acting_as(Actor.system()):
            event = Event.objects.get(stream_id=tickets.pk, type="entries.created")
        assert (event.user_id, event.ip) == (None, "127.0.0.1")
        assert event.cause == {"door": "form", "form": str(support.pk), "name": "Support"}

    def test_can_be_undone_by_those_who_manage(self, alice, support, tickets):
        send(support, subject="Broken")
        with acting_as(Actor.system()):
            event = Event.objects.get(stream_id=tickets.pk, type="entries.created")
        with alice.acting() as actor:
            operations.undo(operation_id=event.operation_id, actor=actor)
        assert rows(tickets) == []

    def test_of_a_page_counts_once(self, support, tickets):
        page = str(uuid4())
        for _ in range(2):
            assert send(support, page=page, subject="Broken").status_code == 302
        assert len(rows(tickets)) == 1

    def test_without_the_number_of_its_page_counts_too(self, support, tickets):
        assert send(support, page="nonsense", subject="Broken").status_code == 302
        assert len(rows(tickets)) == 1

    def test_that_can_not_be_taken_is_shown_again_as_it_was_written(self, support, tickets):
        answer = send(support, page="p1", subject="", email="nobody", urgency="2", agreed="on")
        text = answer.content.decode()
        assert answer.status_code == 422
        assert 'value="nobody"' in text
        assert 'value="2" selected' in text
        assert 'value="p1"' in text
        assert text.count('class="field-error"') == 2
        assert rows(tickets) == []

    def test_that_breaks_a_rule_of_the_database_is_told_beside_the_field(self, support, tickets):
        send(support, subject="Broken", email="ann@example.com")
        answer = send(support, subject="Again", email="ann@example.com")
        text = answer.content.decode()
        assert answer.status_code == 422
        assert "must be unique" in text.partition('id="answer_email_error"')[2][:300]
        assert 'value="Again"' in text
        assert len(rows(tickets)) == 1

    def test_can_name_no_field_that_is_not_asked_for(self, alice, support, tickets):
        change(alice, support, fields=[{"field": "subject"}])
        with alice.acting():
            send(support, subject="x", email="ann@example.com", assignee=str(alice.user.pk))
        (entry,) = rows(tickets)
        assert (entry["email"], entry["assignee_id"]) == (None, None)

    def test_must_have_what_the_form_demands(self, alice, support, tickets):
        fields = [{"field": "subject"}, {"field": "agreed", "required": True}]
        change(alice, support, fields=fields)
        assert send(support, subject="x").status_code == 422
        assert send(support, subject="x", agreed="on").status_code == 302

    def test_by_a_program_is_thanked_and_forgotten(self, support, tickets):
        assert send(support, subject="Buy", _homepage="https://spam.example").status_code == 302
        assert rows(tickets) == []

    def test_that_is_too_large_is_not_even_read(self, support, tickets):
        answer = send(support, subject="x" * answering.MOST_BYTES)
        assert answer.status_code == 413
        assert rows(tickets) == []

    def test_needs_the_token_against_forgery(self, support, tickets):
        browser = Client(enforce_csrf_checks=True)
        assert send(support, browser, subject="x").status_code == 403
        token = open_page(support, browser).content.decode().partition("csrfmiddlewaretoken")[2]
        token = token.partition('value="')[2].partition('"')[0]
        assert send(support, browser, subject="x", csrfmiddlewaretoken=token).status_code == 302

    def test_too_often_is_told_and_nothing_is_lost(self, support, tickets, settings):
        settings.FORM_THROTTLE = "2/h"
        answers = [send(support, subject=f"No. {n}") for n in range(3)]
        assert [answer.status_code for answer in answers] == [302, 302, 429]
        assert 'value="No. 2"' in answers[2].content.decode()
        assert int(answers[2].headers["Retry-After"]) > 0
        assert len(rows(tickets)) == 2

    def test_gets_what_fields_hold_by_default(self, alice, bob, make_record):
        """Somebody of the workspace, too, whom nobody may ask for."""
        assignee = {"type": "user", "default": str(bob.user.pk)}
        record = make_record("Cases", subject="text", assignee=assignee)
        assert send(make(alice, record), subject="x").status_code == 302
        assert rows(record)[0]["assignee_id"] == bob.user.pk

    def test_of_unknown_length_is_not_read(self, support, tickets):
        path = reverse("public_form", args=[support.address])
        kind = "application/x-www-form-urlencoded"
        answer = Client().generic("POST", path, b"", content_type=kind)
        assert answer.status_code == 413
        assert rows(tickets) == []

    def test_of_somebody_signed_in_is_the_forms_too(self, bob, support, tickets):
        send(support, bob.client, subject="x")
        assert rows(tickets)[0]["created_by_id"] is None


class TestAClosedForm:
    @pytest.mark.parametrize(
        ("values", "sentence"),
        [
            ({"open": False}, "takes no answers at the moment"),
            ({"closes_at": "2020-01-31T12:00:00Z"}, "until 31 January 2020, 12:00"),
            ({"fields": [{"field": "email"}]}, "is being worked on"),
        ],
    )
    def test_says_so(self, alice, support, tickets, values, sentence):
        change(alice, support, **values)
        for answer in (open_page(support), send(support, subject="x", email="a@example.com")):
            assert answer.status_code == 410
            assert sentence in answer.content.decode()
        assert rows(tickets) == []

    def test_takes_as_many_answers_as_it_is_told(self, alice, support, tickets):
        change(alice, support, most_answers=2)
        pages = [send(support, subject=f"No. {n}").status_code for n in range(3)]
        assert pages == [302, 302, 410]
        assert "all the answers that it takes" in page_of(support)

    def test_is_not_there_without_its_record(self, alice, support, tickets):
        with alice.acting() as actor:
            services.delete_record(record=tickets, actor=actor)
        assert open_page(support).status_code == 404

    def test_is_not_there_at_another_address(self, db):
        assert Client().get(reverse("public_form", args=["nowhere"])).status_code == 404
        assert Client().get(reverse("public_form_sent", args=["nowhere"])).status_code == 404


class TestWhatAStrangerSees:
    def test_is_nothing_of_the_workspace(self, alice, bob, support, tickets):
        with alice.acting() as actor:
            row = {"subject": "A secret", "assignee": bob.user.email}
            entries.create_entries(record=tickets, rows=[row], actor=actor)
        text = page_of(support)
        for secret in ("A secret", "Bookshop", "Bob", "bob@example.com", str(tickets.pk), "Number"):
            assert secret not in text

    def test_is_plain_text_where_people_wrote_markup(self, alice, tickets):
        form = make(
            alice,
            tickets,
            title="<b>Title</b>",
            intro="<img src=x>",
            thanks="<i>Thanks</i>",
            fields=[{"field": "subject", "label": "<u>Label</u>", "help": "<s>Help</s>"}],
        )
        text = page_of(form)
        sent = Client().get(reverse("public_form_sent", args=[form.address])).content.decode()
        for tag in ("<b>", "<img src=x>", "<u>", "<s>", "<i>"):
            assert tag not in text + sent


@pytest.mark.django_db
class TestTheWalls:
    """The actor of an answer may add to one record: by the access module, and by the database."""

    @pytest.fixture
    def slot(self, tickets):
        return Actor(adds=tickets.pk, cause={"door": "form"})

    def test_the_access_module_alone(self, slot, tickets, make_record):
        other = make_record("Others", title="text")
        other.structure  # noqa: B018
        with acting_as(slot), pytest.raises(Missing):
            entries.add_entry(record=other, row={"title": "x"}, actor=slot)
        for action in access.NEEDS:
            assert not access.allows(slot, action, tickets.workspace_id)

    def test_the_database_alone(self, slot, alice, tickets, make_record):
        other = make_record("Others", title="text")
        with alice.acting() as actor:
            entries.create_entries(record=tickets, rows=[{"subject": "A secret"}], actor=actor)
        with acting_as(slot), connection.cursor() as cursor:
            for table in self.tables():
                cursor.execute(f"SELECT count(*) FROM {quoted(table)}")
                assert cursor.fetchone() == (0,), table
            own = quoted(tickets.table_name)
            cursor.execute(f"UPDATE {own} SET subject = 'x'")
            assert cursor.rowcount == 0
            cursor.execute(f"DELETE FROM {own}")
            assert cursor.rowcount == 0
            for statement in (
                f"INSERT INTO {quoted(other.table_name)} (title) VALUES ('x')",
                f"INSERT INTO {own} (subject) VALUES ('x') RETURNING subject",
                f"INSERT INTO {quoted(history_name(tickets.table_name))} (_ev_to, _op) VALUES (1, 'D')",
                "INSERT INTO workspaces (workspace_id, workspace_name, created_at, updated_at, "
                "last_event_id, last_event_version, retention_days) "
                f"VALUES ('{uuid4()}', 'x', now(), now(), 0, 0, 1)",
                f"INSERT INTO events (type, stream_id) VALUES ('record.deleted', '{tickets.pk}')",
                f"INSERT INTO events (type, stream_id) VALUES ('entries.created', '{other.pk}')",
            ):
                refused = pytest.raises(DatabaseError, match="row-level security")
                with refused, transaction.atomic():
                    cursor.execute(statement)
            cursor.execute(f"INSERT INTO {own} (subject) VALUES ('x')")
        assert [row["subject"] for row in rows(tickets)] == ["A secret", "x"]

    def test_whoever_acts_next_has_not_its_right(self, slot, charlie, tickets):
        insert = f"INSERT INTO {quoted(tickets.table_name)} (subject) VALUES ('x')"
        with acting_as(slot), charlie.acting(), connection.cursor() as cursor:
            refused = pytest.raises(DatabaseError, match="row-level security")
            with refused, transaction.atomic():
                cursor.execute(insert)

    def tables(self):
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace "
                "AND relkind IN ('r', 'p') AND relrowsecurity"
            )
            return [name for (name,) in cursor.fetchall()]


@pytest.mark.django_db(transaction=True)
def test_a_page_sent_twice_at_once_makes_one_entry(transactional_db, alice, support, tickets):
    page, answers = str(uuid4()), []

    def answer():
        answers.append(send(support, page=page, subject="Broken").status_code)
        connections.close_all()

    threads = [Thread(target=answer) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [302] * 4
    assert len(rows(tickets)) == 1


@pytest.mark.django_db(transaction=True)
def test_no_two_answers_are_the_last_one(transactional_db, alice, support, tickets):
    change(alice, support, most_answers=1)
    answers = []

    def answer(number):
        answers.append(send(support, subject=f"No. {number}").status_code)
        connections.close_all()

    threads = [Thread(target=answer, args=[number]) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [302, 410, 410, 410]
    assert len(rows(tickets)) == 1


@pytest.mark.django_db(transaction=True)
def test_taking_back_waits_for_who_is_changing_it(transactional_db, alice, bob, support):
    """What they make of it is changed since, and stays."""
    with alice.acting() as actor:
        public_forms.change_form(form=support, actor=actor, title="Help")
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE %s = ANY(pg_blocking_pids(pid))"
    outcomes = []

    def take_back():
        with alice.acting() as again:
            outcomes.append(operations.undo(operation_id=actor.operation, actor=again))
        connections.close_all()

    thread = Thread(target=take_back)
    with bob.acting() as his:
        public_forms.change_form(form=support, actor=his, title="Ours")
        thread.start()
        with connection.cursor() as cursor:
            for _ in range(200):
                cursor.execute(waiting, [connection.connection.info.backend_pid])
                if cursor.fetchone()[0]:
                    break
                sleep(0.05)
    thread.join()
    assert fresh(support).title == "Ours"
    assert [(outcome.restored, outcome.kept) for outcome in outcomes] == [(0, 1)]


@pytest.mark.django_db(transaction=True)
def test_a_form_follows_from_its_events(transactional_db, alice, support):
    change(alice, support, closes_at="2030-01-31T12:00:00Z", open=False)
    with scratch_schema() as real:
        apply_all(real)
        assert [text for text in differences(real) if text.startswith("record_forms")] == []


@pytest.mark.django_db(transaction=True)
def test_a_rebuilt_form_keeps_its_address(transactional_db, alice, support):
    change(alice, support, title="Help")
    with acting_as(Actor.system()):
        PublicForm.objects.filter(pk=support.pk).update(title="Spoilt")
    assert any("Spoilt" in text for text in rebuild())
    assert (fresh(support).title, fresh(support).address) == ("Help", support.address)
