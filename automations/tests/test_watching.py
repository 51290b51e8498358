"""A change of a record says, before it is made, which workflows would stop working."""

import html

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from automations import drafting, services
from automations.models import Workflow
from records.services import change_structure, preview_structure
from records.watching import concerns


@pytest.fixture
def flow(shop, workspace, alice):
    """A published workflow about orders."""
    return make(
        alice,
        workspace,
        "Thanks",
        "When Status of an order becomes Shipped and Total is over 100, send an e-mail to its "
        "Customer e-mail with the subject “Order {Order id}”, then set Status to Done.",
    )


def make(person, workspace, name, text, publish=True):
    with person.acting() as actor:
        workflow, understood = drafting.draft_from_sentence(
            text=text, actor=actor, workspace=workspace, name=name
        )
        assert not understood.problems
        if publish:
            services.publish(workflow=workflow, actor=actor)
        return workflow


def planned(person, record, *changes):
    with person.acting() as actor:
        record.reload()
        return preview_structure(record=record, changes=list(changes), actor=actor)["concerns"]


def deleting(key):
    return {"op": "delete_field", "field": key}


def test_a_field_of_a_condition(flow, shop, alice):
    assert planned(alice, shop["Orders"], deleting("total")) == [
        "The workflow “Thanks” would stop working (the published version and the draft): "
        "There is no field “total”."
    ]


def test_a_field_that_only_a_template_reads(flow, shop, alice):
    (said,) = planned(alice, shop["Orders"], deleting("order_id"))
    assert said.endswith("“Orders” has no field “order_id” (any more).")


def test_fields_that_no_workflow_uses(flow, shop, alice):
    assert planned(alice, shop["Orders"], deleting("discount")) == []
    assert planned(alice, shop["Products"], deleting("product")) == []


def test_labels_may_change(flow, shop, alice):
    rename = {"op": "change_field", "field": "total", "label": "Sum"}
    assert planned(alice, shop["Orders"], rename) == []


def test_a_conversion_after_which_a_condition_has_no_meaning(flow, shop, alice):
    (said,) = planned(
        alice, shop["Orders"], {"op": "change_field", "field": "total", "type": "boolean"}
    )
    assert "The workflow “Thanks” would stop working" in said


def test_a_choice_that_a_step_writes(flow, shop, alice):
    fewer = [{"label": label} for label in ("New", "In progress", "Shipped")]
    change = {"op": "change_field", "field": "status", "options": {"choices": fewer}}
    (said,) = planned(alice, shop["Orders"], change)
    assert "Status: " in said


def test_drafts_are_told_apart(flow, shop, workspace, alice):
    with alice.acting() as actor:
        drafting.draft_from_sentence(
            text="When an order is deleted, stop.", actor=actor, workflow=flow
        )
    (said,) = planned(alice, shop["Orders"], deleting("total"))
    assert "(the published version)" in said
    make(alice, workspace, "Draft", "When an order is added and Total is 1, stop.", publish=False)
    first, _ = planned(alice, shop["Orders"], deleting("total"))
    assert "“Draft” would stop working (the draft)" in first


def test_what_is_broken_already_is_not_said_again(flow, shop, alice):
    with alice.acting() as actor:
        change_structure(
            record=shop["Orders"], changes=[deleting("total")], actor=actor, confirmed=True
        )
    assert planned(alice, shop["Orders"], deleting("discount")) == []


def test_a_record_that_goes(flow, shop, alice):
    with alice.acting():
        assert concerns(shop["Tasks"]) == []
        (said,) = concerns(shop["Orders"])
        assert "This record is not in this workspace" in said
        flow.refresh_from_db()
    with alice.acting() as actor:
        services.delete_workflow(workflow=Workflow.objects.get(pk=flow.pk), actor=actor)
        assert concerns(shop["Orders"]) == []


def test_dialogs_and_api_say_it(flow, shop, alice):
    orders, sentence = shop["Orders"], "The workflow “Thanks” would stop working"
    pages = [
        reverse("record_delete", args=[orders.pk]),
        reverse("field_delete", args=[orders.pk, "total"]),
    ]
    for url in pages:
        assert sentence in html.unescape(alice.client.get(url).content.decode())
    answer = alice.client.post(
        f"/api/v1/records/{orders.pk}/structure/preview/",
        {"changes": [deleting("total")]},
        content_type="application/json",
    )
    assert answer.status_code == 200
    assert sentence in answer.json()["concerns"][0]


def test_questions_to_the_database_do_not_grow_with_workflows(flow, shop, workspace, alice):
    def asked():
        with CaptureQueriesContext(connection) as made:
            assert len(planned(alice, shop["Orders"], deleting("total"))) == count
        return len(made)

    count = 1
    asked()
    one = asked()
    for number in range(8):
        definition = flow.structured_definition
        with alice.acting() as actor:
            made = services.create_workflow(
                workspace=workspace, name=f"More {number}", actor=actor, definition=definition
            )
            services.publish(workflow=made, actor=actor)
    count = 9
    assert asked() == one
