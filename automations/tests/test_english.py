"""Sentences and what they mean: english_texts/understood.txt, and what is refused: refused.txt."""

import json

import pytest

from automations.definition import parse
from automations.english import understand
from automations.parts import Book
from automations.tests.english import CHOICES, cases, told
from records.demo.structures import RECORDS
from records.services import create_record
from workspaces.services import create_workspace


@pytest.fixture
def names(shop, contact, bob):
    """Return {id: name} of what the tables of sentences name."""
    records = {str(record.pk): name for name, record in shop.items()}
    return records | {str(bob.user.pk): "BOB", str(contact.pk): contact.name}


def refusals(understood):
    return "\n".join(
        f"“{problem.words}” {problem.message}"
        + (f" → {' | '.join(problem.suggestions)}" if problem.suggestions else "")
        for problem in understood.problems
    )


def test_sentences_that_are_understood(read, names):
    for text, expected in cases("understood.txt"):
        understood = read(text)
        assert not understood.problems, f"{text}\n{refusals(understood)}"
        assert told(understood.definition, names) == expected, text


def test_what_is_said_back_means_the_same(read):
    for text, _ in cases("understood.txt"):
        understood = read(text)
        again = read(understood.said)
        assert again.definition == understood.definition, f"{understood.said}\n{refusals(again)}"
        assert again.said == understood.said


def test_sentences_that_are_refused(read):
    for text, expected in cases("refused.txt"):
        understood = read(text)
        assert understood.definition is None, f"{text}\n{understood.said}"
        assert refusals(understood) == expected, text
        for problem in understood.problems:
            assert text[problem.start : problem.end] == problem.words


def test_the_owners_time_zone_is_meant(read, alice):
    alice.user.time_zone = "Asia/Tokyo"
    made = read("Every day at 8:00, stop.", owner=alice.user).definition
    assert made["trigger"]["timezone"] == "Asia/Tokyo"


def test_another_workspaces_names_are_unknown(shop, charlie, workspace, read):
    with charlie.acting() as actor:
        other = create_workspace(name="Other", actor=actor)
        understood = understand("When an order is added, stop.", Book(other.pk))
    assert [problem.words for problem in understood.problems] == ["order"]


@pytest.mark.parametrize(
    "text",
    [
        "," * 5000,
        "(" * 5000,
        "When an order is added, " + "if Total > 5, " * 350,
        "When an order is added, if " + "not (" * 900,
        "When an order is added, if " + "Total > 5 or " * 370,
        "When an order is added and Status is " + "New or " * 690,
        "When an order is added, send an e-mail to " + "Bob and " * 600,
        "When an order is added, add a task with What = " + '"{Total}' * 600,
        "When an order is added, set Total to " + "{{" * 2400,
        "When an order is added, call https://x.example/" + "{" * 4900,
        "When an order is added, call https://x.example/ with " + "[" * 4900,
        "'a " * 1600,
        "-a" * 2500,
        "a-" * 2500,
        "1," * 2500,
        "When " * 1000,
        "and then " * 550,
        "Every " * 800,
        "stop when " * 500,
        "x@" * 2500,
        "\\" * 5000,
        "When an order is added, for each of " + "them for each of " * 290,
        "“" * 5000,
        "\n- " * 1600,
        "When an order is added:" + "\n- if Total > 5:" * 300,
        "When an order is added:" + "".join(f"\n{' ' * n}- if Total > 5:" for n in range(80)),
        "\x00" * 5000,
        "When an order is added, stop." * 170,
    ],
)
def test_no_text_takes_more_looks_than_there_are(read, text):
    understood = read(text[:5000])
    assert understood.definition is None
    assert understood.problems
    for problem in understood.problems:
        assert 0 <= problem.start <= problem.end <= 5000


def test_texts_that_are_too_long_are_refused(read):
    understood = read("stop, " * 1000)
    assert "5,000" in understood.problems[0].message


def test_every_word_is_understood_or_marked(read):
    """A word that means nothing is never passed over, wherever it stands."""
    texts = [text for text, _ in cases("understood.txt") if '"' not in text and "“" not in text]
    for text in texts[::6]:
        words = text.split(" ")
        for place in range(len(words) + 1):
            odd = " ".join([*words[:place], "zyx", *words[place:]])
            understood = read(odd)
            assert understood.definition is None, f"{odd}\n{understood.said}"


def test_the_definition_is_as_the_schema_has_it(read):
    made = read("When an order is added, stop.").definition
    assert parse(made).model_dump(mode="json") == made
    assert json.loads(json.dumps(made)) == made


@pytest.fixture
def northwind(make_record, workspace, alice):
    """The records of the demo that its sentences speak of, and two that the demo adds."""
    make_record("Tasks", what="text", due="date", status=CHOICES)
    make_record("Support requests", customer="text", email="email", question="long_text")
    with alice.acting() as actor:
        for name in ("Products", "Orders", "Order details", "Employees", "Customers"):
            columns = filter(None, RECORDS[name][3].values())
            fields = [dict(zip(("label", "type", "options"), one, strict=False)) for one in columns]
            create_record(workspace=workspace, name=name, fields=fields, actor=actor)


def test_the_demos_sentences(northwind, workspace, alice):
    texts = [text for text, _ in cases("northwind.txt")]
    assert len(texts) == 8
    for text in texts:
        with alice.acting():
            understood = understand(text, Book(workspace.pk))
            assert not understood.problems, f"{text}\n{refusals(understood)}"
            again = understand(understood.said, Book(workspace.pk))
        assert again.definition == understood.definition, understood.said
