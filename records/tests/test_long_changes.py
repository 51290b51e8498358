"""Long changes of structure: in batches, in anybody's way for moments only, never half done."""

import threading
import time
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.urls import reverse

from records import filling, long_changes, plans
from records.catalogue import differences
from records.entries import update_entries
from records.structure_jobs import StructureJob
from records.tests.api import Api
from records.tests.helpers import add, column, sql
from workspaces.access import Actor, acting_as
from workspaces.errors import Conflict, DestructiveChange, Forbidden, Missing

pytestmark = pytest.mark.django_db(transaction=True)
HTMX = {"HX-Request": "true"}
TO_INTEGER = {"op": "change_field", "field": "title", "type": "integer"}


@pytest.fixture(autouse=True)
def few_are_many(monkeypatch):
    monkeypatch.setattr(plans, "MANY", 3)
    monkeypatch.setattr(long_changes, "FIRST_BATCH", 2)
    monkeypatch.setattr(long_changes, "_later", lambda job: None)


@pytest.fixture
def record(alice, make_record):
    made = make_record(title="text")
    add(alice, made, *[{"title": str(n)} for n in range(1, 10)])
    return made


def ask(person, record, *changes, **how):
    with person.acting() as actor:
        return long_changes.change_structure(
            record=record, changes=list(changes), actor=actor, **how
        )


def state(job):
    with acting_as(Actor.system()):
        job.refresh_from_db()
        return job.state


def is_whole(record):
    with acting_as(Actor.system()):
        record.reload()
        return differences(record, record.structure) == []


def test_a_long_conversion_is_done_in_batches(alice, record):
    job = ask(alice, record, TO_INTEGER)
    assert (job.state, record.version) == ("running", 1)
    with alice.acting():
        before = sql(f"SELECT entry_id, _ev, updated_at FROM {record.table_name} ORDER BY 1")
    done = long_changes.run(job.pk)
    assert (done.state, done.done, done.percent) == ("done", 9, 100)
    assert is_whole(record)
    with alice.acting():
        assert record.version == 2
        assert column(record, "title") == list(range(1, 10))
        after = sql(f"SELECT entry_id, _ev, updated_at FROM {record.table_name} ORDER BY 1")
    assert after == before


def test_few_entries_are_converted_at_once(alice, record, monkeypatch):
    monkeypatch.setattr(plans, "MANY", 9)
    plan = ask(alice, record, TO_INTEGER)
    assert plan.describe() == ["Convert “Title” from Text to Integer."]
    with alice.acting():
        assert column(record, "title") == list(range(1, 10))


def test_rules_come_with_it(alice, record):
    rules = {"required": True, "unique": True, "options": {"minimum": "1"}, "default": 100}
    job = ask(
        alice, record, TO_INTEGER | rules, {"op": "move_field", "field": "title", "position": 0}
    )
    assert long_changes.run(job.pk).state == "done"
    assert is_whole(record)


def test_what_people_write_meanwhile_is_converted_too(alice, record, monkeypatch):
    job = ask(alice, record, TO_INTEGER)
    batch, wrote = long_changes._batch, []

    def and_write(*args):
        if not wrote:
            wrote.append(True)
            with alice.acting() as actor:
                update_entries(record=record, changes={1: {"title": "77"}}, actor=actor)
                update_entries(record=record, changes={9: {"title": "99"}}, actor=actor)
            add(alice, record, {"title": "50"})
        return batch(*args)

    monkeypatch.setattr(long_changes, "_batch", and_write)
    assert long_changes.run(job.pk).state == "done"
    with alice.acting():
        record.reload()
        assert column(record, "title") == [77, 2, 3, 4, 5, 6, 7, 8, 99, 50]
    assert is_whole(record)


def test_a_cell_written_meanwhile_that_would_be_lost_stops_it(alice, record, monkeypatch):
    job = ask(alice, record, TO_INTEGER)
    prove = filling.prove

    def and_write(*args):
        prove(*args)
        sql(f"UPDATE {record.table_name} SET title = 'Faust' WHERE entry_id = 1")

    monkeypatch.setattr(filling, "prove", and_write)
    done = long_changes.run(job.pk)
    assert done.state == "failed"
    assert "1 cell of “Title”" in done.error
    assert is_whole(record)
    assert record.version == 1


def test_errors_are_said_before_it_begins(alice, bob, charlie, record):
    add(alice, record, {"title": "Faust"})
    with pytest.raises(DestructiveChange):
        ask(alice, record, TO_INTEGER)
    with pytest.raises(Conflict):
        ask(alice, record, TO_INTEGER, version=7, confirmed=True)
    with pytest.raises(Forbidden):
        ask(bob, record, TO_INTEGER, confirmed=True)
    with pytest.raises(Missing):
        ask(charlie, record, TO_INTEGER, confirmed=True)
    assert ask(alice, record, TO_INTEGER, confirmed=True).state == "running"


def test_nobody_else_changes_the_structure_meanwhile(alice, record):
    ask(alice, record, TO_INTEGER)
    with pytest.raises(Conflict, match="is under way"):
        ask(alice, record, {"op": "change_field", "field": "title", "label": "Name"})
    with pytest.raises(Conflict, match="is under way"):
        ask(alice, record, TO_INTEGER)


def test_cancelling_leaves_nothing(alice, bob, record, monkeypatch):
    job = ask(alice, record, TO_INTEGER)
    batch = long_changes._batch

    def and_cancel(*args):
        with alice.acting() as actor:
            long_changes.cancel(job=long_changes.find(actor, job.pk, "structure"), actor=actor)
        return batch(*args)

    with bob.acting() as actor, pytest.raises(Forbidden):
        long_changes.cancel(job=job, actor=actor)
    monkeypatch.setattr(long_changes, "_batch", and_cancel)
    done = long_changes.run(job.pk)
    assert (done.state, done.error) == ("cancelled", long_changes.CANCELLED)
    assert is_whole(record)
    assert ask(alice, record, TO_INTEGER).state == "running"


class Died(BaseException):
    """Stands for a worker that is killed."""


@pytest.mark.parametrize("where", ["_begin", "_batch", "_inside", "_exchange"])
def test_a_worker_that_dies_is_followed_by_another(where, alice, record, monkeypatch):
    job = ask(alice, record, TO_INTEGER | {"unique": True})
    work, calls = getattr(long_changes, where), []

    def die(*args):
        calls.append(True)
        if len(calls) == 2 or where in ("_begin", "_exchange"):
            with transaction.atomic():
                work(*args)
                raise Died
        return work(*args)

    monkeypatch.setattr(long_changes, where, die)
    with pytest.raises(Died):
        long_changes.run(job.pk)
    monkeypatch.setattr(long_changes, where, work)
    assert long_changes.run(job.pk) is None, "the first may live yet"
    monkeypatch.setattr("records.structure_jobs.SILENCE", -timedelta(1))
    assert long_changes.run(job.pk).state == "done"
    assert is_whole(record)
    with alice.acting():
        assert column(record, "title") == list(range(1, 10))


def test_silent_jobs_are_found_and_orphans_swept(alice, record, monkeypatch):
    job = ask(alice, record, TO_INTEGER)
    revived = []
    monkeypatch.setattr(long_changes, "_later", revived.append)
    assert long_changes.revive_silent() == 0
    monkeypatch.setattr("records.structure_jobs.SILENCE", -timedelta(1))
    assert long_changes.revive_silent() == 1
    with alice.acting():
        sql(f"ALTER TABLE {record.table_name} ADD _n9_f1 integer")
    assert long_changes.sweep() == []
    with acting_as(Actor.system()):
        StructureJob.objects.filter(pk=job.pk).update(state="failed")
    assert long_changes.sweep() == ["_n9_f1"]
    assert is_whole(record)


def test_readers_are_not_kept_waiting(alice, record):
    """While a batch is open, reading goes on; the old code held the table to its end."""
    job = ask(alice, record, TO_INTEGER)
    inside, go_on = threading.Event(), threading.Event()
    fill = filling.fill

    def slowly(*args):
        found = fill(*args)
        inside.set()
        go_on.wait(10)
        return found

    def work():
        try:
            filling.fill = slowly
            long_changes.run(job.pk)
        finally:
            filling.fill = fill
            connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    assert inside.wait(10)
    began = time.monotonic()
    with alice.acting():
        assert column(record, "title")[0] == "1"
    took = time.monotonic() - began
    go_on.set()
    thread.join()
    assert took < 1
    assert state(job) == "done"


def test_the_api_answers_with_the_job(alice, bob, charlie, record):
    client = Api(alice)
    path = f"records/{record.pk}/structure/"
    assert client.post(f"{path}preview/", {"changes": [TO_INTEGER]}).data["long"]
    answer = client.patch(path, {"changes": [TO_INTEGER]})
    assert answer.status_code == 202
    address = answer.headers["Location"]
    assert client.get(address).data["state"] == "running"
    assert Api(charlie).get(address).status_code == 404
    assert Api(bob).post(f"{address}cancel/", {}).status_code == 403
    again = client.patch(path, {"changes": [TO_INTEGER]})
    assert (again.status_code, again.data["job"]) == (409, answer.data["id"])
    long_changes.run(answer.data["id"])
    assert client.get(address).data["percent"] == 100
    assert client.get(path).data["fields"][0]["type"] == "integer"


def test_the_api_stops_it(alice, record):
    client = Api(alice)
    job = client.patch(f"records/{record.pk}/structure/", {"changes": [TO_INTEGER]}).data["id"]
    assert client.post(f"structure-jobs/{job}/cancel/", {}).status_code == 200
    long_changes.run(job)
    assert client.get(f"structure-jobs/{job}/").data["state"] == "cancelled"


def test_the_pages_show_how_far_it_is(alice, bob, charlie, record):
    field = reverse("field", args=[record.pk, "title"])
    data = {"label": "Title", "type": "integer"}
    dialog = alice.client.post(field, data, headers=HTMX)
    assert dialog.status_code == 200
    with alice.acting():
        job = long_changes.running_on(record)
    assert job.get_absolute_url() in dialog.content.decode()
    assert "<html" not in dialog.content.decode()
    structure = alice.client.get(reverse("record_structure", args=[record.pk])).content.decode()
    assert "under way" in structure
    assert "Stop the change" in alice.client.get(job.get_absolute_url()).content.decode()
    assert "Stop the change" not in bob.client.get(job.get_absolute_url()).content.decode()
    assert bob.client.post(job.get_absolute_url()).status_code == 403
    assert charlie.client.get(job.get_absolute_url()).status_code == 404
    progress = f"{job.get_absolute_url()}?part=progress"
    assert 'id="structure-progress"' in alice.client.get(progress, headers=HTMX).content.decode()
    long_changes.run(job.pk)
    told = alice.client.get(progress, headers=HTMX)
    assert told.status_code == 204
    assert "structure:changed" in told.headers["HX-Trigger"]


def test_the_pages_work_without_a_script_and_stop_it(alice, record):
    field = reverse("field", args=[record.pk, "title"])
    answer = alice.client.post(field, {"label": "Title", "type": "integer"})
    assert answer.status_code == 302
    assert alice.client.post(answer.url).status_code == 302
    assert "Stopping" in alice.client.get(answer.url).content.decode()
    long_changes.run(answer.url.split("/")[-2])
    assert long_changes.CANCELLED in alice.client.get(answer.url).content.decode()
