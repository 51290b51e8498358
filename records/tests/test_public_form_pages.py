"""The pages of public forms: list, new, editor, preview, delete; for those who write."""

import re
from threading import Thread

import pytest
from django.db import connection, connections
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from kdap.tests.people import give_role
from records import public_forms
from records.models import PublicForm, Record
from records.tests.test_answering import wait_for_a_lock
from records.tests.test_public_forms import change, fresh, make, page_of, send, support, tickets
from workspaces.access import Actor, acting_as
from workspaces.models import Role

__all__ = ["support", "tickets"]


def design(form, **changed):
    """Return what the editor's page of a form sends, with some of it changed."""
    with acting_as(Actor.system()):
        structure = Record.objects.get(pk=form.record_id).structure
    data = {name: getattr(form, name) or "" for name in ("name", "title", "intro", "thanks")}
    data |= {"button": form.button, "version": fresh(form).last_event_version}
    data |= {"closes_at": "", "most_answers": "", "order": []}
    for item in form.fields:
        id = item["field"]
        data["order"].append(id)
        data |= {f"{id}-asked": "on", f"{id}-label": item["label"], f"{id}-help": item["help"]}
        if item["required"]:
            data[f"{id}-required"] = "on"
    for name, value in changed.items():
        key, _, part = name.partition("__")
        name = f"{structure.field(key).id}-{part}" if part else name
        data[name] = value
    return {name: value for name, value in data.items() if value is not None}


def editor(form):
    return reverse("form_edit", args=[form.record_id, form.pk])


def labels(form):
    return re.findall(r'(?:class="field-label"|class="check") for="answer_(\w+)"', page_of(form))


class TestTheList:
    def test_shows_each_with_its_answers_and_address(self, alice, support, tickets):
        send(support, subject="Broken")
        make(alice, tickets, "Empty", fields=[])
        page = alice.client.get(reverse("record_forms", args=[tickets.pk])).content.decode()
        assert "1 answer<" in page
        assert f"/f/{support.address}/" in page
        assert re.findall(r"<span class=\"badge[^>]*>([^<]+)<", page) == ["Not ready", "Open"]

    def test_is_found_from_the_record(self, alice, bob, workspace, tickets):
        address = reverse("record_forms", args=[tickets.pk])
        assert address in alice.client.get(tickets.get_absolute_url()).content.decode()
        give_role(workspace, bob, Role.VIEWER)
        assert address not in bob.client.get(tickets.get_absolute_url()).content.decode()

    @pytest.mark.parametrize("name", ["record_forms", "form_new"])
    def test_is_for_those_who_write(self, bob, charlie, workspace, tickets, name):
        address = reverse(name, args=[tickets.pk])
        assert bob.client.get(address).status_code == 200
        give_role(workspace, bob, Role.VIEWER)
        assert bob.client.get(address).status_code == 403
        assert charlie.client.get(address).status_code == 404

    def test_costs_the_same_for_many(self, alice, support, tickets):
        client, costs = alice.client, []
        for _ in range(2):
            with CaptureQueriesContext(connection) as asked:
                client.get(reverse("record_forms", args=[tickets.pk]))
            costs.append(len(asked))
            for number in range(20):
                make(alice, tickets, f"No. {number}")
        assert costs[1] <= costs[0]


class TestANewForm:
    def test_is_made_and_its_editor_opened(self, alice, tickets):
        address = reverse("form_new", args=[tickets.pk])
        answer = alice.client.post(address, {"name": "Support"})
        with alice.acting():
            made = PublicForm.objects.get()
        assert answer.url == editor(made)
        assert page_of(made)

    def test_needs_a_name(self, alice, tickets):
        answer = alice.client.post(reverse("form_new", args=[tickets.pk]), {"name": " "})
        assert answer.status_code == 422

    def test_in_a_dialog(self, alice, tickets):
        address = reverse("form_new", args=[tickets.pk])
        page = alice.client.get(address, headers={"HX-Request": "true"})
        assert b"<html" not in page.content
        answer = alice.client.post(address, {"name": "Support"}, headers={"HX-Request": "true"})
        assert answer.status_code == 204
        assert "/forms/" in answer.headers["HX-Redirect"]


class TestTheEditor:
    def test_saves_what_it_shows(self, alice, support):
        data = design(
            support,
            title="We help",
            thanks="We answer soon.",
            email__label="Where do we reach you?",
            email__required="on",
            urgency__asked=None,
            closes_at="2030-01-31T18:00",
        )
        assert alice.client.post(editor(support), data).url == editor(support)
        saved = fresh(support)
        assert (saved.title, saved.thanks, saved.closes_at.year) == (
            "We help",
            "We answer soon.",
            2030,
        )
        assert labels(saved) == ["subject", "email", "agreed"]
        assert "Where do we reach you?" in page_of(saved)
        page = alice.client.get(editor(support)).content.decode()
        assert 'value="2030-01-31T18:00"' in page

    def test_saving_what_is_there_changes_nothing(self, alice, support):
        before = fresh(support).last_event_version
        assert alice.client.post(editor(support), design(support)).status_code == 302
        assert fresh(support).last_event_version == before

    def test_saves_the_order_of_its_rows(self, alice, support):
        data = design(support)
        data["order"] = data["order"][::-1]
        alice.client.post(editor(support), data)
        assert labels(fresh(support)) == ["agreed", "urgency", "email", "subject"]

    def test_moves_rows_without_scripts(self, alice, support, tickets):
        email = tickets.structure.field("email").id
        data = design(support, title="Unsaved", move=f"{email}:up")
        page = alice.client.post(editor(support), data)
        text = page.content.decode()
        order = re.findall(r'name="order" value="(\w+)"', text)
        assert order[:2] == [email, tickets.structure.field("subject").id]
        assert 'value="Unsaved"' in text
        assert fresh(support).title == "Support"

    def test_keeps_the_words_of_a_field_that_is_gone(self, alice, support, tickets):
        ghost = {"field": "fghost", "label": "Gone", "help": "", "required": False}
        with alice.acting():
            PublicForm.objects.filter(pk=support.pk).update(fields=[*support.fields, ghost])
        alice.client.post(editor(support), design(support, title="New"))
        assert ghost in fresh(support).fields

    def test_shows_what_is_wrong_and_keeps_what_was_written(self, alice, support):
        page = alice.client.post(editor(support), design(support, title="", intro="Kept words"))
        assert page.status_code == 422
        assert "Kept words" in page.content.decode()
        assert fresh(support).intro == ""

    def test_tells_when_somebody_was_faster(self, alice, bob, support):
        data = design(support, title="Mine")
        change(bob, support, title="His")
        page = alice.client.post(editor(support), data)
        assert page.status_code == 422
        assert "in the meantime" in page.content.decode()
        data["version"] = fresh(support).last_event_version
        assert alice.client.post(editor(support), data).status_code == 302
        assert fresh(support).title == "Mine"

    def test_tells_why_no_answer_can_be_taken(self, alice, support):
        alice.client.post(editor(support), design(support, subject__asked=None))
        page = alice.client.get(editor(support)).content.decode()
        assert "“Subject” is required in the record" in page

    def test_is_of_its_record_and_its_people(
        self, alice, bob, charlie, workspace, support, make_record
    ):
        other = make_record("Others", title="text")
        foreign = reverse("form_edit", args=[other.pk, support.pk])
        assert alice.client.get(foreign).status_code == 404
        assert charlie.client.get(editor(support)).status_code == 404
        give_role(workspace, bob, Role.VIEWER)
        assert bob.client.get(editor(support)).status_code == 403
        assert bob.client.post(editor(support), design(support)).status_code == 403


class TestVerbs:
    def act(self, person, form, verb):
        return person.client.post(reverse("form_act", args=[form.record_id, form.pk, verb]))

    def test_close_and_open(self, alice, support):
        self.act(alice, support, "close")
        assert page_of(support).count("takes no answers at the moment") == 1
        self.act(alice, support, "open")
        assert labels(support)

    def test_a_new_address_ends_the_old_one(self, alice, support):
        old = support.address
        self.act(alice, support, "address")
        assert fresh(support).address != old
        assert Client().get(reverse("public_form", args=[old])).status_code == 404

    def test_deleting_asks_and_the_trash_brings_it_back(self, alice, workspace, support, tickets):
        address = reverse("form_delete", args=[tickets.pk, support.pk])
        assert "Delete the form “Support”?" in alice.client.get(address).content.decode()
        assert fresh(support).deleted_at is None
        assert alice.client.post(address).url == reverse("record_forms", args=[tickets.pk])
        assert alice.client.get(editor(support)).status_code == 404
        trash = alice.client.get(reverse("record_trash", args=[workspace.pk])).content.decode()
        assert reverse("form_act", args=[tickets.pk, support.pk, "restore"]) in trash
        assert self.act(alice, support, "restore").url == editor(support)
        assert labels(support)

    def test_there_are_no_others(self, alice, support):
        assert self.act(alice, support, "burn").status_code == 404

    @pytest.mark.parametrize("verb", ["close", "address", "restore"])
    def test_are_for_those_who_write(self, bob, charlie, workspace, support, verb):
        give_role(workspace, bob, Role.VIEWER)
        assert self.act(bob, support, verb).status_code == 403
        assert self.act(charlie, support, verb).status_code == 404


def test_a_preview_sends_nothing(alice, charlie, support):
    address = reverse("form_preview", args=[support.record_id, support.pk])
    page = alice.client.get(address).content.decode()
    assert "This is a preview" in page
    assert 'type="button" disabled' in page
    assert alice.client.post(address).status_code == 405
    assert charlie.client.get(address).status_code == 404


@pytest.mark.django_db(transaction=True)
def test_of_two_who_save_at_once_the_second_is_asked(transactional_db, alice, bob, support):
    """The page of the second is compared with what the first has made of the form meanwhile."""
    answers = []
    data, client = design(support, title="Hers"), alice.client

    def save():
        answers.append(client.post(editor(support), data))
        connections.close_all()

    thread = Thread(target=save)
    with bob.acting() as actor:
        public_forms.change_form(form=support, actor=actor, title="His")
        thread.start()
        wait_for_a_lock(thread)
    thread.join()
    (answer,) = answers
    assert answer.status_code == 422
    assert "in the meantime" in answer.content.decode()
    assert fresh(support).title == "His"
