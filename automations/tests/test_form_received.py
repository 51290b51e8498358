"""Workflows that a public form starts: by its answers and nothing else, with the entry they made."""

import pytest
from django.test import Client
from django.urls import reverse

from automations import services
from automations.definition import parse, problems_of
from automations.parts import Book
from automations.tests.workflows import BUTTON, add, make_workflow, runs_of, settle
from records import public_forms
from records.watching import losses
from workspaces.access import Actor, acting_as
from workspaces.errors import Invalid

pytestmark = pytest.mark.django_db(transaction=True)

STOP = {"id": "end", "type": "stop", "reason": "Done"}


def trigger(form, **more):
    made = {"type": "form_received", "record": str(form.record_id), "form": str(form.pk)}
    return made | more


def send(form, **values):
    """Answer a form as somebody without an account."""
    answer = Client().post(reverse("public_form", args=[form.address]), values)
    assert answer.status_code == 302


def make_form(person, record, name):
    with person.acting() as actor:
        return public_forms.create_form(record=record, name=name, actor=actor)


class TestItStarts:
    def test_with_the_entry_of_an_answer(self, alice, workspace, contact):
        flow = make_workflow(alice, workspace, trigger(contact), STOP)
        send(contact, customer="Ann", question="Where is my order?")
        settle()
        (run,) = runs_of(flow)
        assert run.status == "succeeded"
        assert run.trigger_data["entry"]["customer"] == "Ann"
        assert run.entry_id == run.trigger_data["entry"]["entry_id"]
        assert run.trigger_data["user"] is None

    def test_by_no_other_door_and_no_other_form(self, alice, workspace, shop, contact):
        record = shop["Support requests"]
        flow = make_workflow(alice, workspace, trigger(contact), STOP)
        add(alice, record, {"customer": "Bea"})
        send(make_form(alice, record, "Complaints"), customer="Cid")
        settle()
        assert runs_of(flow) == []

    def test_only_by_answers_that_match(self, alice, workspace, contact):
        where = {"field": "customer", "op": "is", "value": "Ann"}
        flow = make_workflow(alice, workspace, trigger(contact, where=where), STOP)
        send(contact, customer="Bea")
        send(contact, customer="Ann")
        settle()
        assert [run.trigger_data["entry"]["customer"] for run in runs_of(flow)] == ["Ann"]

    def test_once_for_a_page_that_is_sent_twice(self, alice, workspace, contact):
        flow = make_workflow(alice, workspace, trigger(contact), STOP)
        for _ in range(2):
            send(contact, customer="Ann", _page="01a1ff3e-22f3-77d1-9b06-7b8b3c99208f")
        settle()
        assert len(runs_of(flow)) == 1


class TestItIsChecked:
    def problems(self, workspace, data):
        with acting_as(Actor.system()):
            definition = parse({"trigger": data, "steps": [STOP]})
            return [item["detail"] for item in problems_of(definition, workspace.pk)]

    def test_the_form_is_one_of_its_record(self, workspace, shop, contact):
        wrong = trigger(contact, record=str(shop["Tasks"].pk))
        assert self.problems(workspace, wrong) == ["“Contact us” is no form of “Tasks”."]
        assert self.problems(workspace, trigger(contact)) == []

    def test_the_form_is_there(self, alice, workspace, contact):
        with alice.acting() as actor:
            public_forms.delete_form(form=contact, actor=actor)
        (said,) = self.problems(workspace, trigger(contact))
        assert "not in this workspace" in said
        with pytest.raises(Invalid):
            make_workflow(alice, workspace, trigger(contact), STOP)


class TestDeletingTheForm:
    def test_tells_whom_it_starts(self, alice, workspace, contact):
        make_workflow(alice, workspace, trigger(contact), STOP, name="Answers")
        make_workflow(alice, workspace, BUTTON, STOP, name="Others")
        with alice.acting():
            assert losses(contact) == ["Its answers start the workflow “Answers”."]
        address = reverse("form_delete", args=[contact.record_id, contact.pk])
        page = alice.client.get(address).content.decode()
        assert "Its answers start the workflow “Answers”." in page
        assert "nothing starts it any more" in page


class TestTheBuilder:
    def test_offers_the_forms_and_knows_their_record(self, alice, workspace, shop, contact):
        with alice.acting() as actor:
            flow = services.create_workflow(workspace=workspace, name="Answers", actor=actor)
        page = reverse("workflow_steps", args=[flow.pk])
        shown = alice.client.get(page, {"step": "trigger", "type": "form_received"})
        text = shown.content.decode()
        assert "Contact us (Support requests)" in text
        assert 'name="record"' not in text
        data = {"step": "trigger", "type": "form_received", "form": str(contact.pk)}
        answer = alice.client.post(page, data | {"has-form": "1", "verb": "save"})
        assert answer.status_code < 400
        with alice.acting():
            flow.refresh_from_db()
        saved = flow.structured_definition["trigger"]
        assert (saved["form"], saved["record"]) == (str(contact.pk), str(contact.record_id))


class TestInWords:
    def test_two_forms_of_one_name_are_told_apart(self, alice, workspace, shop, contact, read):
        other = make_form(alice, shop["Tasks"], "contact  US")
        refused = read("When the form “Contact us” is sent, stop.")
        (problem,) = refused.problems
        assert problem.message == "There are 2 forms of this name."
        assert problem.suggestions[1].endswith("of “Tasks”")
        understood = read("When the form “Contact us” of Tasks is sent, stop.")
        assert understood.definition["trigger"]["form"] == str(other.pk)
        assert read(understood.said).definition == understood.definition

    def test_a_record_may_be_called_forms(self, make_record, read):
        record = make_record("Forms", title="text")
        understood = read("When a form is added, stop.")
        assert (
            understood.definition["trigger"]
            == read("When an entry is added to Forms, stop.").definition["trigger"]
        )
        assert understood.definition["trigger"]["record"] == str(record.pk)

    def test_a_form_that_is_gone_is_said_to_be(self, alice, workspace, contact):
        definition = parse({"trigger": trigger(contact), "steps": [STOP]})
        with alice.acting() as actor:
            public_forms.delete_form(form=contact, actor=actor)
            said = definition.sentence(Book(workspace.pk))
        assert said.startswith("When the form that is gone is sent")
