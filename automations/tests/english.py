"""A workspace to speak of, for the tests of automations/english."""

import json
from pathlib import Path

import pytest

from automations.definition import parse
from automations.english import understand
from automations.parts import Book
from records.public_forms import create_form

FOLDER = Path(__file__).with_name("english_texts")
CHOICES = {"type": "choice", "options": {"choices": ["New", "In progress", "Shipped", "Done"]}}
USD = {"type": "currency", "options": {"currency": "USD"}}


@pytest.fixture
def shop(make_record):
    """Return {name: record}: products, orders, tasks, customers and support requests."""
    return {
        "Products": make_record(
            "Products", product="text", stock="integer", unit_price=USD, discontinued="boolean"
        ),
        "Orders": make_record(
            "Orders",
            order_id="integer",
            status=CHOICES,
            total=USD,
            discount={"type": "percent"},
            ship_country={"type": "choice", "options": {"choices": ["Germany", "France", "UK"]}},
            order_date="date",
            customer_email={"label": "Customer e-mail", "type": "email"},
            tags={"type": "choices", "options": {"choices": ["Urgent", "Gift", "Export"]}},
        ),
        "Tasks": make_record(
            "Tasks", what="text", due="date", owner="user", status=CHOICES, starts="datetime"
        ),
        "Support requests": make_record(
            "Support requests",
            customer="text",
            email="email",
            question="long_text",
            answer="long_text",
        ),
    }


@pytest.fixture
def contact(shop, alice):
    """The public form “Contact us” of the support requests."""
    record = shop["Support requests"]
    with alice.acting() as actor:
        return create_form(record=record, name="Contact us", actor=actor)


@pytest.fixture
def read(shop, contact, workspace, alice):
    """Return a function: what a text means, as Understood."""

    def read(text, **more):
        with alice.acting():
            return understand(text, Book(workspace.pk), **more)

    return read


def told(definition, names):
    """Return a definition as text without what is usual; `names` are {id: name}."""
    made = parse(definition)
    lines = [_told(made.trigger, names)]
    lines += _told_steps(made.steps, names, 1)
    more = made.model_dump(mode="json", exclude_defaults=True, exclude={"trigger", "steps"})
    return "\n".join([*lines, *([json.dumps(more)] if more else [])])


def _told_steps(steps, names, depth):
    for step in steps:
        yield "  " * depth + _told(step, names)
        blocks = step.children()
        for pointer, children in blocks:
            if len(blocks) > 1 and children:
                yield "  " * (depth + 1) + f"{pointer.strip('/')}:"
            yield from _told_steps(children, names, depth + 1)


def _told(part, names):
    blocks = {*getattr(part, "blocks", ()), "type", "id"}
    given = part.model_dump(mode="json", exclude_defaults=True, exclude=blocks)
    text = json.dumps(given, ensure_ascii=False) if given else ""
    for id, name in names.items():
        text = text.replace(id, name)
    return f"{part.type} {text}".strip()


def cases(name):
    """Return [(text, expected)] of a file beside this one; “=>” stands between the two."""
    blocks = (FOLDER / name).read_text().strip().split("\n\n")
    pairs = [block.partition("\n=>\n") for block in blocks if not block.startswith("# ")]
    return [(text, expected) for text, _, expected in pairs]
