"""Things of one name: a sentence that could mean several is refused, what is said means one."""

import pytest

from automations import namesakes, services
from automations.agents.services import create_agent
from automations.definition import parse
from automations.parts import Book
from kdap.tests.people import give_role
from records import public_forms
from records.services import delete_record
from workspaces.access import Actor, acting_as
from workspaces.models import Role

STOP = {"id": "end", "type": "stop"}
CALLED = {"type": "called"}


@pytest.fixture
def both_ways(alice, workspace, read):
    """Return a function: whether a definition is said so that it is read as the same one."""

    def check(trigger, *steps):
        definition = parse({"trigger": trigger, "steps": list(steps) or [STOP]})
        with alice.acting():
            said = definition.sentence(Book(workspace.pk))
        understood = read(said)
        assert understood.problems == [], said
        assert understood.definition == definition.model_dump(mode="json"), said
        return said

    return check


def the_problem(understood):
    (problem,) = understood.problems
    return problem


def all_understood(read, text, problem):
    """What each of the suggestions means in the place of the words that were marked."""
    made = [read(text.replace(problem.words, form)) for form in problem.suggestions]
    assert [understood.problems for understood in made] == [[]] * len(made)
    return [understood.definition for understood in made]


def test_two_records(make_record, read, both_ways):
    made = [make_record("Boxes", label="text"), make_record("boxes", label="text")]
    text = "When an entry is added to Boxes, stop."
    problem = the_problem(read(text))
    assert (problem.words, problem.message) == ("Boxes", "There are 2 records of this name.")
    meant = {item["trigger"]["record"] for item in all_understood(read, text, problem)}
    assert meant == {str(record.pk) for record in made}
    for record in made:
        said = both_ways({"type": "entry_created", "record": str(record.pk)})
        assert f"(id “{record.pk.hex[-4:]}”)" in said
    gone = read("When an entry is added to Boxes (id “zzzz”), stop.")
    assert the_problem(gone).message == "None of this name has “zzzz”."
    assert the_problem(read("Every day at 8:00, add a box.")).words == "box"


def test_one_of_two_that_went(alice, make_record, read, both_ways):
    """What was said while there were two is still about the one that it was about."""
    first, second = make_record("Boxes", label="text"), make_record("Boxes", label="text")
    said = both_ways({"type": "entry_created", "record": str(first.pk)})
    with alice.acting() as actor:
        delete_record(record=first, actor=actor)
    assert the_problem(read(said)).message.startswith("None of this name")
    assert "(id" not in both_ways({"type": "entry_created", "record": str(second.pk)})


def test_names_with_marks_in_them(make_record, both_ways):
    record = make_record("The {new} “box” \\ 2", label="text")
    both_ways({"type": "entry_created", "record": str(record.pk)})


def test_two_fields(make_record, read, both_ways):
    price = {"label": "Price", "type": "integer"}
    record = make_record("Boxes", price=price, other={"label": "price", "type": "integer"})
    text = "When an entry is added to Boxes, set Price to 5."
    problem = the_problem(read(text))
    assert (problem.words, problem.message) == ("Price", "There are 2 fields of this name.")
    meant = [item["steps"][0]["values"] for item in all_understood(read, text, problem)]
    assert meant == [{"price": 5}, {"price_2": 5}]
    whole = {"record": str(record.pk)}
    for key in ("price", "price_2"):
        set = {"id": "update_entry", "type": "update_entry", **whole, "values": {key: 5}}
        copy = {"values": {"x": f"{{{{ trigger.entry.{key} }}}}"}, "id": "set", "type": "set"}
        where = {"field": key, "op": "gt", "value": 3}
        both_ways({"type": "entry_created", **whole, "where": where}, set, copy)
        both_ways({"type": "field_changed", **whole, "field": key})
        both_ways({"type": "entry_updated", **whole, "fields": [key]})
    problem = the_problem(read("When Price of a box falls below 5, stop."))
    assert problem.message == "There are 2 fields of this name."


def test_two_dates_of_one_name(make_record, read, both_ways):
    due = {"label": "Best before", "type": "date"}
    record = make_record("Boxes", due=due, other=due)
    problem = the_problem(read("3 days before Best before, stop."))
    assert problem.message == "There are 2 fields of this name."
    whole = {"type": "date_reached", "record": str(record.pk), "timezone": "UTC"}
    both_ways(whole | {"field": "best_before_2"})


def test_choices_that_differ_in_their_marks(make_record, both_ways, read):
    choices = {"type": "choice", "options": {"choices": ["A-B", "A - B"]}}
    record = make_record("Boxes", size=choices)
    for choice in ("A-B", "A - B"):
        where = {"field": "size", "op": "is", "value": choice}
        both_ways({"type": "entry_created", "record": str(record.pk), "where": where})


def test_two_people(alice, bob, workspace, shop, read, both_ways):
    give_role(workspace, bob, Role.EDITOR)
    with acting_as(Actor.system()):
        for person in (alice, bob):
            person.user.name = "Kim Doe"
            person.user.save()
    tasks = str(shop["Tasks"].pk)
    text = "When an entry is added to Tasks, set Owner to Kim Doe."
    problem = the_problem(read(text))
    assert problem.message == "There are 2 people of this name."
    assert problem.suggestions[0].endswith("@example.com)")
    meant = {item["steps"][0]["values"]["owner"] for item in all_understood(read, text, problem)}
    assert meant == {str(alice.user.pk), str(bob.user.pk)}
    bare = read(text.replace("Kim Doe", bob.user.email)).definition["steps"][0]["values"]
    assert bare == {"owner": str(bob.user.pk)}
    for person in (alice, bob):
        where = {"field": "owner", "op": "is", "value": str(person.user.pk)}
        said = both_ways({"type": "entry_created", "record": tasks, "where": where})
        assert f"“Kim Doe” ({person.user.email})" in said
    asked = the_problem(read("When an entry is added to Tasks, ask “Kim Doe” for approval “x”."))
    assert asked.message == "There are 2 people of this name."


def test_somebody_without_a_name_and_somebody_who_left(alice, bob, workspace, shop, both_ways):
    with acting_as(Actor.system()):
        bob.user.name = ""
        bob.user.save()
    for person in (str(bob.user.pk), bob.user.email):
        where = {"field": "owner", "op": "is", "value": person}
        both_ways({"type": "entry_created", "record": str(shop["Tasks"].pk), "where": where})


def test_two_workflows_and_two_agents(alice, workspace, shop, read, both_ways):
    with alice.acting() as actor:
        for name in ("Restock", "restock"):
            services.create_workflow(
                workspace=workspace,
                name=name,
                actor=actor,
                definition={"trigger": CALLED, "steps": []},
            )
            create_agent(workspace=workspace, actor=actor, name=name, prompt="x")
    start = "When an entry is added to Tasks, "
    for text, what in (
        ("run the workflow Restock.", "workflows"),
        ("ask the agent Restock.", "agents"),
    ):
        problem = the_problem(read(start + text))
        assert (problem.words, problem.message) == (
            "Restock",
            f"There are 2 {what} of this name.",
        )
        found = [item["steps"][0] for item in all_understood(read, start + text, problem)]
        assert len({step[what[:-1]] for step in found}) == 2
        for step in found:
            both_ways({"type": "entry_created", "record": str(shop["Tasks"].pk)}, step)


def test_two_forms_of_one_record(alice, shop, contact, read, both_ways):
    record = shop["Support requests"]
    with alice.acting() as actor:
        twin = public_forms.create_form(record=record, name="contact us", actor=actor)
    text = "When the form “Contact us” is sent, stop."
    problem = the_problem(read(text))
    assert problem.message == "There are 2 forms of this name."
    for words in ("“Contact us”", "Contact us"):
        text = f"When somebody fills in the {words} form, stop."
        problem = the_problem(read(text))
        assert problem.words == words
        assert problem.suggestions[0].startswith("the form “")
    for form in (contact, twin):
        both_ways({"type": "form_received", "record": str(record.pk), "form": str(form.pk)})
        said = f"When the form “Contact us” (id “{form.pk.hex[-6:]}”) is sent, stop."
        assert read(said).definition["trigger"]["form"] == str(form.pk)


def test_a_mark_is_as_long_as_it_must_be():
    class Thing:
        def __init__(self, digits):
            from uuid import UUID

            self.pk = UUID(digits.rjust(32, "0"))

    one, other = Thing("a1234"), Thing("b1234")
    assert namesakes.mark(one, []) == "1234"
    assert namesakes.mark(one, [other]) == "a1234"
    assert namesakes.fits(one, "A1234")
    assert not namesakes.fits(other, "a1234")
    assert not namesakes.fits(one, "4")
