"""Helpers of the tests of automations."""

from automations import awaiting, clock, dispatch, engine, noticing, services
from automations.models import WorkflowRun
from records.entries import create_entries, delete_entries, update_entries
from workspaces.access import Actor, acting_as


def make_workflow(alice, workspace, trigger, *steps, name="Test", **more):
    """Publish a workflow of Alice; return it."""
    definition = {"trigger": trigger, "steps": list(steps), **more}
    with alice.acting() as actor:
        made = services.create_workflow(
            workspace=workspace, name=name, actor=actor, definition=definition
        )
        services.publish(workflow=made, actor=actor)
    return made


def add(person, record, *rows):
    """Add entries in a transaction of its own; return their ids."""
    with person.acting() as actor:
        return create_entries(record=record, rows=list(rows), actor=actor).ids


def change(person, record, id, **values):
    """Change one entry."""
    with person.acting() as actor:
        update_entries(record=record, changes={id: values}, actor=actor)


def remove(person, record, *ids):
    """Delete entries."""
    with person.acting() as actor:
        delete_entries(record=record, ids=list(ids), actor=actor)


def settle():
    """Do what the pilot and the workers would do until nothing is left to do."""
    for _ in range(50):
        done = dispatch.route() + dispatch.expand() + awaiting.look() + engine.work(30)
        done += noticing.work()
        if not done and not clock.ended_waits():
            return
    raise AssertionError("It never settles.")


def runs_of(workflow):
    """Return the workflow's runs, oldest first."""
    with acting_as(Actor.system()):
        return list(WorkflowRun.objects.filter(workflow=workflow).order_by("id"))


def steps_of(run):
    """Return {path: row} of a run's steps."""
    with acting_as(Actor.system()):
        return {row.path: row for row in run.steps.all()}


def entries_in(person, record, *keys):
    """Return the values of `keys` of all entries as tuples, in order."""
    with person.acting():
        return list(record.model.objects.order_by("entry_id").values_list(*keys))


def start(person, workflow, **given):
    """Press the button; return the runs."""
    from automations import running

    with person.acting() as actor:
        return running.start(workflow=workflow, actor=actor, **given)


BUTTON = {"type": "button"}
