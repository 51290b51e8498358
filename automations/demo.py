"""The demo's workflows: five, each made from its sentence, each with something to start it.

They work on a machine without a network: mails are kept on the page “Mails”, the parcel office that
is told of shipped orders is a workflow of the same installation, and the agent asks the offline
example instead of a model.
"""

import datetime as dt
from uuid import uuid4

from django.utils import timezone

from automations import running, services, webhooks
from automations.agents.services import create_agent
from automations.drafting import draft_from_sentence
from automations.models import Workflow
from records.answering import take
from records.entries import create_entries, update_entries
from records.models import PublicForm, Record
from records.public_forms import create_form
from records.services import change_record, create_record
from workspaces.access import Actor, acting_as
from workspaces.errors import KdapError

TASKS, REQUESTS, PARCELS = "Tasks", "Support requests", "Parcels"
RECORDS = {
    TASKS: (
        "list-check",
        "orange",
        [
            {"label": "What", "type": "text", "required": True},
            {"label": "Due", "type": "date"},
            {"label": "Status", "type": "choice", "options": {"choices": ["To do", "Done"]}},
        ],
    ),
    REQUESTS: (
        "mail",
        "orange",
        [
            {"label": "Customer", "type": "text", "required": True},
            {"label": "Email", "type": "email"},
            {"label": "Question", "type": "long_text", "required": True},
            {
                "label": "Topic",
                "type": "choice",
                "options": {"choices": ["Invoice", "Delivery", "Product", "Other"]},
            },
            {"label": "Answer", "type": "long_text"},
        ],
    ),
    PARCELS: (
        "truck",
        "orange",
        [{"label": "Order", "type": "integer"}, {"label": "Ship to", "type": "text"}],
    ),
}
FORM = {
    "name": "Support",
    "title": "Ask Northwind",
    "intro": "Is something wrong with an order, or do you want to know more about a product?",
    "fields": [
        {"field": "customer", "label": "Your name"},
        {"field": "email", "label": "Your e-mail", "help": "We answer here.", "required": True},
        {"field": "question", "label": "What can we do for you?"},
    ],
    "button": "Send the question",
    "thanks": "Thank you. We answer within a day.",
}
AGENT = "Support"
PROMPT = (
    "Find out what a customer's question is about and draft a short, friendly answer to it. "
    "Promise nothing."
)
OFFICE = "Parcel office"
OFFICE_SENTENCE = (
    "When a webhook is received, add an entry to Parcels with "
    "Order = {{ trigger.body.order_id }} and Ship to = “{{ trigger.body.ship_name }}”."
)
SENTENCES = {
    "Low stock": (
        "When Units in stock of a product falls below 10 and Discontinued is not checked, add an "
        "entry to Tasks with What = “Reorder {Product}: {Units in stock} left” and Due = in 3 days, "
        "then send an e-mail to demo@example.com with the subject “Low stock: {Product}” saying "
        "“{Units on order} are on order; the reorder level is {Reorder level}.”"
    ),
    "Order shipped": (
        "When Shipped date of an order is filled, post to %(office)s "
        "with its Order ID, Ship name and Shipped date."
    ),
    "Monday report": (
        "Every Monday at 8:00, send an e-mail to demo@example.com with the subject “Open orders” "
        "saying “They are attached.” with an export of Orders as Excel where Shipped date is empty "
        "attached."
    ),
    "Large discounts": (
        "When an entry is added to Order details and Discount is more than 20%%, ask the owner for "
        "approval “{Discount | times: 100 | round}%% off order {Order ID}?” within 3 days. If approved, add an entry to "
        "Tasks with What = “Discount of order {Order ID} is fine” and Status = Done. Otherwise, set "
        "Discount to 20%% and stop because “Nobody agreed.”"
    ),
    "Support answers": (
        "When the form “Support” is sent, ask the agent “Support” with question = its "
        "Question for topic (one of “Invoice”, “Delivery”, “Product” or “Other”) and answer, then "
        "set Topic to {agent: topic} and Answer to {agent: answer}."
    ),
}


def load(user, workspace):
    """Make the workflows that are not there, with their records; yield the name of each one made."""
    if set(_there(user, workspace)) >= {OFFICE, *SENTENCES}:
        return
    _make_records(user, workspace)
    with _acting(user) as actor:
        create_form(record=_record(workspace, REQUESTS), actor=actor, **FORM)
        create_agent(workspace=workspace, actor=actor, name=AGENT, prompt=PROMPT)
    office = _office(user, workspace)
    for name, sentence in SENTENCES.items():
        _publish(user, workspace, name, sentence % {"office": office})
        yield name
    _let_things_happen(user, workspace)


def _acting(user):
    return acting_as(Actor(user=user, cause={"door": "demo"}))


def _there(user, workspace):
    with _acting(user):
        found = Workflow.objects.filter(workspace=workspace, deleted_at=None)
        return list(found.values_list("name", flat=True))


def _make_records(user, workspace):
    for name, (icon, color, fields) in RECORDS.items():
        with _acting(user) as actor:
            if not _record(workspace, name):
                made = create_record(workspace=workspace, name=name, fields=fields, actor=actor)
                change_record(record=made, actor=actor, icon=icon, color=color)


def _record(workspace, name):
    return Record.objects.filter(workspace=workspace, name=name, deleted_at=None).first()


def _publish(user, workspace, name, sentence):
    """Make a workflow from its sentence and switch it on; return it."""
    with _acting(user) as actor:
        made, understood = draft_from_sentence(
            text=sentence, actor=actor, workspace=workspace, name=name
        )
        if understood.problems:
            raise KdapError(f"{name}: {understood.problems[0].message}")
        services.publish(workflow=made, actor=actor)
        return made


def _office(user, workspace):
    """Publish what receives the news of shipped orders; return its address."""
    made = _publish(user, workspace, OFFICE, OFFICE_SENTENCE)
    with _acting(user) as actor:
        return webhooks.make_webhook(workflow=made, actor=actor).url


def _let_things_happen(user, workspace):
    """Change what the workflows wait for; the worker runs them when it is there."""
    today = timezone.localdate()
    with _acting(user) as actor:
        chai = _entry(workspace, "Products", product="Chai")
        _change(workspace, "Products", chai, actor, units_in_stock=4)
    with _acting(user) as actor:
        order = _entry(workspace, "Orders", shipped_date=None)
        _change(
            workspace, "Orders", order, actor, shipped_date=(today - dt.timedelta(1)).isoformat()
        )
    with _acting(user) as actor:
        details = {"order_id": 11077, "product_id": 1, "unit_price": "18", "quantity": 120}
        _add(workspace, "Order details", details | {"discount": "25%"}, actor)
    question = "The invoice of my last order names the wrong company. Can you send a new one?"
    asked = {"customer": "Ana Trujillo", "email": "ana@example.com", "question": question}
    with _acting(user):
        form = PublicForm.objects.get(record=_record(workspace, REQUESTS), name=FORM["name"])
    take(form=form, values=asked, key=uuid4())
    with _acting(user) as actor:
        report = Workflow.objects.get(workspace=workspace, name="Monday report", deleted_at=None)
        running.start(workflow=report, actor=actor)


def _entry(workspace, name, **values):
    return _record(workspace, name).model.objects.filter(**values).order_by("-pk").first().pk


def _change(workspace, name, id, actor, **values):
    update_entries(record=_record(workspace, name), changes={id: values}, actor=actor)


def _add(workspace, name, values, actor):
    create_entries(record=_record(workspace, name), rows=[values], actor=actor)
