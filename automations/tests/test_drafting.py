"""Drafts from sentences: who may, what is written, and which side is newer."""

import pytest

from automations import drafting, services
from automations.models import Workflow
from kdap.tests.people import give_role
from records.services import change_structure
from workspaces.errors import Forbidden, Missing
from workspaces.models import Role

TEXT = "When an order is added and Total is over 100, set Status to Done."


def draft(person, workspace=None, workflow=None, text=TEXT, **more):
    with person.acting() as actor:
        return drafting.draft_from_sentence(
            text=text, actor=actor, workspace=workspace, workflow=workflow, **more
        )


def test_a_sentence_becomes_a_draft(shop, workspace, bob):
    workflow, understood = draft(bob, workspace)
    with bob.acting():
        found = Workflow.objects.get()
    assert workflow == found
    assert found.name == "When an entry is added to “Orders” and Total is more than 100"
    assert found.natural_language_description == TEXT
    assert found.structured_definition == understood.definition
    assert (found.state, found.owner) == ("draft", bob.user)


def test_the_draft_can_be_published(shop, workspace, alice):
    workflow, _ = draft(alice, workspace, name="Large orders")
    with alice.acting() as actor:
        version = services.publish(workflow=workflow, actor=actor)
    assert workflow.name == "Large orders"
    assert version.natural_language_description == TEXT


def test_a_draft_is_changed_by_another_sentence(shop, workspace, alice):
    workflow, _ = draft(alice, workspace)
    changed, understood = draft(alice, workflow=workflow, text="When an order is deleted, stop.")
    assert changed.pk == workflow.pk
    assert changed.structured_definition["trigger"]["type"] == "entry_deleted"
    assert understood.said == "When an entry of “Orders” is deleted:\n  – stop"


def test_nothing_is_written_where_words_are_unknown(shop, workspace, alice):
    nothing, understood = draft(alice, workspace, text="When an order is added, dance.")
    assert nothing is None
    assert understood.problems[0].words == "dance"
    workflow, _ = draft(alice, workspace)
    same, _ = draft(alice, workflow=workflow, text="When an ordre is added, stop.")
    assert same.natural_language_description == TEXT
    with alice.acting():
        assert Workflow.objects.count() == 1


def test_strangers_and_viewers_may_not(shop, workspace, bob, charlie):
    with pytest.raises(Missing):
        draft(charlie, workspace)
    give_role(workspace, bob, Role.VIEWER)
    with pytest.raises(Forbidden):
        draft(bob, workspace)


def test_the_persons_own_words_stay_while_they_mean_the_draft(shop, workspace, alice):
    workflow, understood = draft(alice, workspace)
    with alice.acting() as actor:
        assert drafting.sentence_of(workflow) == TEXT
        changed = understood.definition | {"pause_after": 3}
        services.change_workflow(workflow=workflow, actor=actor, structured_definition=changed)
        assert drafting.sentence_of(workflow) == (
            "When an entry is added to “Orders” and Total is more than 100:\n"
            "  – set Status to “Done”\n"
            "Pause it after 3 failures in a row."
        )


def test_a_renamed_field_is_said_by_its_new_name(shop, workspace, alice):
    text = "When an order is added and Customer e-mail is empty, stop."
    workflow, _ = draft(alice, workspace, text=text)
    rename = [{"op": "change_field", "field": "customer_e_mail", "label": "Address"}]
    with alice.acting() as actor:
        change_structure(record=shop["Orders"], changes=rename, actor=actor)
        said = drafting.sentence_of(workflow)
    assert said.startswith("When an entry is added to “Orders” and Address is empty:")
