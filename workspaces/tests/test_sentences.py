"""Every type of event has a sentence, and none of them tells a secret."""

from uuid import uuid4

import pytest
from django.conf import settings

from workspaces.events import known_types
from workspaces.sentences import Fact, Names, told_types

ENTRIES = ("entries.created", "entries.updated", "entries.deleted", "entries.erased")
SECRET = "s3cret-that-nobody-may-read"
# What payloads hold of which sentences are made; a type that needs more adds it here.
PAYLOAD = {
    "name": "Novels",
    "was": "Books",
    "email": "dora@example.com",
    "role": "editor",
    "user_id": str(uuid4()),
    "sentences": ["Convert “Price” from Text to Decimal."],
    "now": {"name": "Novels"},
    "digest": SECRET,
    "secret": SECRET,
    "password": SECRET,
    "token": SECRET,
}
SHAPED = {
    "workspace.changed": {"now": {"retention_days": 30}, "was": {"retention_days": 90}},
    "record.history_trimmed": {"begins": 7, "until": "2026-01-31T00:00:00Z", "images": 3},
    "agent.changed": {"now": {"name": "Sorter"}, "was": {"name": "Test"}},
    "form.changed": {"now": {"name": "Help"}, "was": {"name": "Test"}},
    "view.changed": {"now": {"name": "Cheap"}, "was": {"name": "Test"}},
    "workflow.changed": {"now": {"name": "Restock"}, "was": {"name": "Test"}},
    "record.changed": {"now": {"name": "Novels"}, "was": {"name": "Books"}},
}


def test_every_type_has_a_sentence():
    assert set(told_types()) == {*known_types(), *ENTRIES}


@pytest.mark.parametrize("type", sorted({*told_types(), *ENTRIES}))
def test_sentences_are_for_people(db, type):
    fact = Fact(type, uuid4(), payload=PAYLOAD | SHAPED.get(type, {}), count=2, changed=["price"])
    Names([fact])
    assert fact.sentence[0].isupper()
    assert not fact.sentence.endswith(".")
    assert SECRET not in fact.sentence
    assert "None" not in fact.sentence


@pytest.mark.parametrize("type", told_types())
def test_every_type_is_documented(type):
    about, _, verb = type.partition(".")
    lines = (settings.BASE_DIR / "docs/history.md").read_text().splitlines()
    row = next(line for line in lines if line.startswith("|") and f"`{about}." in line)
    assert f".{verb}`" in row
