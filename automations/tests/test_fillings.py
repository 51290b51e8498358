"""An agent proposes values for a field of some entries; a person looks, and applies what is right."""

import datetime as dt

import orjson
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from automations.agents import fillings, running
from automations.agents.models import AgentFilling, AgentTask
from automations.agents.proposals import proposals_of
from automations.tests.agents import bodies, make_agent, model_server, said
from automations.trimming import trim_agent_tasks
from kdap.tests.people import give_role
from records.entries import delete_entries, update_entries
from records.models import Record
from records.services import change_structure, delete_record
from records.tests.helpers import add, column
from workspaces.access import Actor, acting_as
from workspaces.errors import Conflict, Forbidden, Invalid, Missing
from workspaces.models import Event, Role
from workspaces.operations import undo

URGENCY = {"type": "choice", "options": {"choices": ["Low", "High"]}}


@pytest.fixture
def tickets(make_record):
    """A record of tickets with a field of each common type."""
    return make_record(
        "Tickets",
        subject="text",
        secret={"type": "text", "personal": True},
        urgency=URGENCY,
        topics={"type": "choices", "options": {"choices": ["Print", "Net"]}},
        amount="decimal",
        due="date",
        done="boolean",
        number="autonumber",
    )


@pytest.fixture
def three(alice, tickets):
    """Three tickets."""
    return add(
        alice,
        tickets,
        {"subject": "High smoke from the printer", "secret": "red"},
        {"subject": "Low paper, 12.5 reams until 2026-03-01"},
        {"subject": "Nothing of note", "urgency": "High"},
    )


@pytest.fixture
def sorter(alice, workspace):
    """An agent that asks the offline example."""
    return make_agent(alice, workspace)


def fresh(record):
    return Record.objects.get(pk=record.pk)


def start(person, record, agent, ids, field="urgency", **more):
    with person.acting() as actor:
        return fillings.start_filling(
            record=fresh(record), actor=actor, agent=agent, field=field, entries=ids, **more
        )


def asked(person, record, *args, **more):
    """Start a filling and let the worker ask about every entry."""
    filling = start(person, record, *args, **more)
    running.work(30)
    return filling


def proposals(person, filling, record):
    with person.acting():
        return proposals_of(AgentFilling.objects.get(pk=filling.pk), fresh(record))


def apply(person, filling, entries=None):
    with person.acting() as actor:
        return fillings.apply(filling=filling, actor=actor, entries=entries)


def told(person, filling, record):
    return [(p.state, p.text) for p in proposals(person, filling, record)]


def cells(person, record, key="urgency"):
    with person.acting():
        return column(fresh(record), key)


def id_of(person, record, key):
    with person.acting():
        return fresh(record).structure.field(key).id


class TestOffline:
    @pytest.mark.parametrize(
        ("field", "found"),
        [
            ("urgency", [("proposed", "High"), ("proposed", "Low"), ("nothing", "")]),
            ("topics", [("proposed", "Print"), ("nothing", ""), ("nothing", "")]),
            ("amount", [("nothing", ""), ("proposed", "12.50"), ("nothing", "")]),
            ("due", [("nothing", ""), ("proposed", "2026-03-01"), ("nothing", "")]),
        ],
    )
    def test_it_finds_what_a_field_can_hold(self, alice, tickets, three, sorter, field, found):
        filling = asked(alice, tickets, sorter, three, field, inputs=["subject"])
        assert told(alice, filling, tickets) == found

    def test_it_says_what_it_is_where_only_text_fits(self, alice, tickets, three, sorter):
        filling = asked(alice, tickets, sorter, three[:1], "secret", inputs=["subject"])
        ((state, text),) = told(alice, filling, tickets)
        assert state == "proposed"
        assert "understands nothing" in text


class TestAsking:
    def test_nothing_is_written_and_each_entry_is_a_task(self, alice, tickets, three, sorter):
        filling = asked(alice, tickets, sorter, three)
        assert cells(alice, tickets) == [None, None, "High"]
        with acting_as(Actor.system()):
            tasks = list(AgentTask.objects.filter(filling=filling).order_by("pk"))
            events = Event.objects.filter(operation_id=filling.pk)
            assert [event.type for event in events] == ["agent.executed"] * 3
        assert [task.entry["id"] for task in tasks] == three
        assert tasks[0].task_input["entry"]["Subject"] == "High smoke from the printer"

    def test_what_is_personal_is_given_only_when_asked(self, alice, tickets, three, sorter):
        start(alice, tickets, sorter, three[:1])
        start(alice, tickets, sorter, three[:1], inputs=["secret"])
        with acting_as(Actor.system()):
            first, second = AgentTask.objects.order_by("pk")
        assert not {"Secret", "Urgency"} & set(first.task_input["entry"])
        assert second.task_input == {"entry": {"Secret": "red"}}

    def test_the_model_is_told_the_field_and_the_wish(self, settings, alice, tickets, three, fake):
        answer = said(None, ("final_result", {"urgency": "Low"}))
        with model_server(settings, answer, prices={"tiny": [1000, 1000]}) as server:
            agent = fake(prompt="You sort.")
            filling = asked(alice, tickets, agent, three[:1], instruction="Be calm.")
            (body,) = bodies(server)
        system = orjson.dumps(body["messages"][0]).decode()
        assert "“Urgency”" in system
        assert "Be calm." in system
        tools = {tool["function"]["name"] for tool in body["tools"]}
        assert "query_entries" in tools
        assert "create_entries" not in tools  # it proposes only, whatever else it may
        assert '"Low"' in orjson.dumps(body["tools"]).decode()
        (proposal,) = proposals(alice, filling, tickets)
        assert (proposal.text, proposal.task.tokens) == ("Low", 15)
        assert float(proposal.task.cost) == 0.015

    def test_what_the_field_does_not_take_is_said(self, settings, alice, tickets, three, fake):
        with model_server(settings, said(None, ("final_result", {"amount": 1.23456}))):
            filling = asked(alice, tickets, fake(), three[:1], "amount")
        (proposal,) = proposals(alice, filling, tickets)
        assert proposal.state == "refused"
        assert "digits behind the point" in proposal.problem
        with pytest.raises(Invalid, match="Choose at least one"):
            apply(alice, filling)

    def test_a_model_that_fails_is_said_entry_by_entry(self, settings, alice, tickets, three, fake):
        with model_server(settings, b"HTTP/1.1 400 No\r\nContent-Length: 0\r\n\r\n"):
            filling = asked(alice, tickets, fake(), three[:1])
        (proposal,) = proposals(alice, filling, tickets)
        assert proposal.state == "failed"
        assert "400" in proposal.problem


class TestApplying:
    def test_it_is_one_change_of_the_person_that_names_the_agent(
        self, alice, bob, tickets, three, sorter
    ):
        filling = asked(alice, tickets, sorter, three)
        applied = apply(bob, filling)
        assert cells(alice, tickets) == ["High", "Low", "High"]
        assert applied.outcome["changed"] == 2
        with acting_as(Actor.system()):
            event = Event.objects.get(operation_id=applied.operation_id)
        assert event.user_id == bob.user.pk
        assert event.cause["agent_name"] == "Sorter"
        assert event.cause["filling"] == str(filling.pk)
        page = bob.client.get(f"/r/{tickets.pk}/history/").content.decode()
        assert "the agent “Sorter”" in page
        with bob.acting() as actor:
            undo(operation_id=applied.operation_id, actor=actor)
        assert cells(alice, tickets) == [None, None, "High"]

    def test_only_what_was_chosen(self, alice, tickets, three, sorter):
        filling = asked(alice, tickets, sorter, three)
        apply(alice, filling, [three[1]])
        assert cells(alice, tickets) == [None, "Low", "High"]
        states = [state for state, _ in told(alice, filling, tickets)]
        assert states == ["left", "written", "nothing"]
        with pytest.raises(Conflict, match="applied already"):
            apply(alice, filling)

    def test_what_changed_since_is_kept_and_said(self, alice, bob, tickets, three, sorter):
        filling = asked(alice, tickets, sorter, three)
        with bob.acting() as actor:
            changes = {three[0]: {"urgency": "Low"}, three[1]: {"amount": 1}}
            update_entries(record=fresh(tickets), changes=changes, actor=actor)
        apply(alice, filling)
        # Another cell of the second entry changed, which is no reason to keep this one.
        assert cells(alice, tickets) == ["Low", "Low", "High"]
        first, second, _ = proposals(alice, filling, tickets)
        assert (first.state, second.state) == ("kept", "written")
        assert "Somebody changed" in first.problem

    def test_entries_that_are_gone(self, alice, tickets, three, sorter):
        filling = asked(alice, tickets, sorter, three)
        with alice.acting() as actor:
            delete_entries(record=fresh(tickets), ids=three[:1], actor=actor)
        apply(alice, filling)
        first, second, _ = proposals(alice, filling, tickets)
        assert (first.problem, second.state) == ("The entry was deleted meanwhile.", "written")

    def test_not_before_it_is_over(self, alice, tickets, three, sorter):
        filling = start(alice, tickets, sorter, three)
        running.execute(running.claim())
        with pytest.raises(Conflict, match="still being asked"):
            apply(alice, filling)
        with alice.acting() as actor:
            fillings.stop(filling=filling, actor=actor)
        assert running.claim() is None
        assert [state for state, _ in told(alice, filling, tickets)][1:] == ["stopped", "stopped"]
        apply(alice, filling)
        assert cells(alice, tickets) == ["High", None, "High"]

    def test_dropping_it(self, alice, tickets, three, sorter):
        filling = start(alice, tickets, sorter, three)
        with alice.acting() as actor:
            fillings.cancel(filling=filling, actor=actor)
        assert running.claim() is None
        with pytest.raises(Conflict, match="discarded already"):
            apply(alice, filling)


class TestTrimming:
    def test_old_fillings_go_with_their_tasks_when_all_are_over(
        self, alice, tickets, three, sorter
    ):
        old = asked(alice, tickets, sorter, three[:1])
        new = asked(alice, tickets, sorter, three[:1])
        going_on = start(alice, tickets, sorter, three[:1])
        past = timezone.now() - dt.timedelta(days=100)
        with acting_as(Actor.system()):
            AgentFilling.objects.filter(pk__in=[old.pk, going_on.pk]).update(created_at=past)
            AgentTask.objects.exclude(completed_at=None).update(completed_at=past)
        assert trim_agent_tasks(90) == 1
        with acting_as(Actor.system()):
            left = set(AgentFilling.objects.values_list("pk", flat=True))
            assert left == {new.pk, going_on.pk}
            assert set(AgentTask.objects.values_list("filling", flat=True)) == left


class TestWalls:
    def test_viewers_may_look_and_no_more(self, alice, bob, workspace, tickets, three, sorter):
        filling = asked(alice, tickets, sorter, three)
        give_role(workspace, bob, Role.VIEWER)
        assert len(proposals(bob, filling, tickets)) == 3
        for verb in (lambda: start(bob, tickets, sorter, three), lambda: apply(bob, filling)):
            with pytest.raises(Forbidden):
                verb()
        with bob.acting() as actor, pytest.raises(Forbidden):
            fillings.cancel(filling=filling, actor=actor)

    def test_strangers_find_nothing(self, alice, charlie, tickets, three, sorter):
        filling = asked(alice, tickets, sorter, three)
        with charlie.acting() as actor:
            assert not AgentFilling.objects.exists()
            with pytest.raises(Missing):
                fillings.find_filling(actor, filling.pk)

    @pytest.mark.parametrize(
        ("change", "wrong"),
        [
            ({"field": "number"}, "filled by KDAP itself"),
            ({"field": "nope"}, "has no field “nope”"),
            ({"inputs": []}, "at least one field"),
            ({"inputs": ["nope"]}, "has no field"),
            ({"ids": []}, "from 1 to 200"),
            ({"ids": list(range(1, 202))}, "from 1 to 200"),
        ],
    )
    def test_what_can_not_be(self, alice, tickets, three, sorter, change, wrong):
        more = {key: value for key, value in change.items() if key != "ids"}
        with pytest.raises(Invalid, match=wrong):
            start(alice, tickets, sorter, change.get("ids", three), **more)

    def test_an_agent_that_may_not_see_the_record(
        self, alice, workspace, tickets, three, make_record
    ):
        other = make_record("Other", title="text")
        agent = make_agent(alice, workspace, config={"records": [str(other.pk)]})
        with pytest.raises(Invalid, match="no access to “Tickets”"):
            start(alice, tickets, agent, three)

    def test_entries_that_are_not_there(self, alice, tickets, three, sorter):
        with pytest.raises(Missing, match="Entry 999 is not there"):
            start(alice, tickets, sorter, [three[0], 999])

    def test_a_paused_agent(self, alice, workspace, tickets, three):
        agent = make_agent(alice, workspace, status="paused")
        with pytest.raises(Conflict, match="paused"):
            start(alice, tickets, agent, three)


class TestPages:
    def test_from_choosing_to_undo(self, alice, tickets, three, sorter):
        field, subject = (id_of(alice, tickets, key) for key in ("urgency", "subject"))
        ids = ",".join(map(str, three))
        url = f"/r/{tickets.pk}/fill/?field={field}&entries={ids}"
        assert "each of the 3 chosen entries" in alice.client.get(url).content.decode()
        posted = {"field": field, "agent": str(sorter.pk), "inputs": [subject]}
        answer = alice.client.post(url, posted)
        assert "0 of 3 asked" in alice.client.get(answer.url).content.decode()
        running.work(30)
        page = alice.client.get(answer.url, headers={"HX-Request": "true"}).content.decode()
        assert "<html" not in page
        assert "every 2s" not in page
        assert page.count('type="checkbox"') == 2
        alice.client.post(f"{answer.url}apply/", {"entry": [str(three[0])]})
        page = alice.client.get(answer.url).content.decode()
        assert "Written" in page
        assert "Undo…" in page
        assert cells(alice, tickets) == ["High", None, "High"]
        with alice.acting():
            operation = AgentFilling.objects.get().operation_id
        alice.client.post(f"/w/{tickets.workspace_id}/activity/{operation}/undo/")
        page = alice.client.get(answer.url).content.decode()
        assert "Undo…" not in page
        assert "Undone</span> by Alice" in page
        assert "Redo…" in page
        assert "Tickets" in alice.client.get(sorter.get_absolute_url()).content.decode()

    def test_the_empty_ones(self, alice, tickets, three, sorter):
        field, subject = (id_of(alice, tickets, key) for key in ("urgency", "subject"))
        posted = {"field": field, "agent": str(sorter.pk), "inputs": [subject], "most": "5"}
        alice.client.post(f"/r/{tickets.pk}/fill/?search=paper", posted)
        with acting_as(Actor.system()):
            (task,) = AgentTask.objects.all()
        assert task.entry["id"] == three[1]
        answer = alice.client.post(f"/r/{tickets.pk}/fill/?search=nowhere", posted)
        assert answer.status_code == 422
        assert "no entry in which “Urgency” is empty" in answer.content.decode()

    def test_without_an_agent(self, alice, tickets):
        assert "There is no agent" in alice.client.get(f"/r/{tickets.pk}/fill/").content.decode()

    def test_bad_input_stays_in_the_form(self, alice, tickets, three, sorter):
        url = f"/r/{tickets.pk}/fill/?entries={three[0]}"
        answer = alice.client.post(url, {"agent": str(sorter.pk), "instruction": "Kept words"})
        assert answer.status_code == 422
        assert "Kept words" in answer.content.decode()

    @pytest.mark.parametrize("ids", ["", "x", "1,-2", ",".join(map(str, range(1, 300)))])
    def test_odd_addresses(self, alice, tickets, ids):
        assert alice.client.get(f"/r/{tickets.pk}/fill/?entries={ids}").status_code == 422

    def test_the_field_may_go(self, alice, tickets, three, sorter):
        filling = asked(alice, tickets, sorter, three)
        with alice.acting() as actor:
            gone = [{"op": "delete_field", "field": "urgency"}]
            change_structure(record=fresh(tickets), changes=gone, actor=actor, confirmed=True)
        page = alice.client.get(f"/fillings/{filling.pk}/").content.decode()
        assert "has this field no more" in page
        with pytest.raises(Conflict, match="not there any more"):
            apply(alice, filling)

    def test_a_record_in_the_trash(self, alice, tickets, three, sorter):
        filling = asked(alice, tickets, sorter, three)
        with alice.acting() as actor:
            delete_record(record=fresh(tickets), actor=actor)
        assert alice.client.get(f"/fillings/{filling.pk}/").status_code == 404

    def test_people(self, alice, bob, charlie, workspace, tickets, three, sorter):
        filling = asked(alice, tickets, sorter, three)
        url = f"/fillings/{filling.pk}/"
        give_role(workspace, bob, Role.VIEWER)
        assert "Apply what is ticked" not in bob.client.get(url).content.decode()
        assert bob.client.post(f"{url}apply/", {"entry": three}).status_code == 403
        assert bob.client.get(f"/r/{tickets.pk}/fill/").status_code == 403
        assert charlie.client.get(url).status_code == 404
        assert charlie.client.post(f"{url}cancel/").status_code == 404

    def test_it_costs_the_same_for_many(self, alice, tickets, sorter):
        counts = []
        for many in (1, 50):
            ids = add(alice, tickets, *[{"subject": f"High {n}"} for n in range(many)])
            url = f"/fillings/{asked(alice, tickets, sorter, ids).pk}/"
            client = alice.client
            client.get(url)
            with CaptureQueriesContext(connection) as found:
                client.get(url)
            counts.append(len(found))
        assert counts[0] == counts[1]
