"""Steps that wait for something to happen; the run costs nothing meanwhile."""

import datetime as dt
from typing import Any, ClassVar, Literal
from uuid import UUID

from django.utils import timezone
from pydantic import Field

from automations import awaiting, calls, listening
from automations.comparing import Comparison, said
from automations.finishing import as_json
from automations.parts import Condition
from automations.schedules import midnight
from automations.steps.base import Failed, Step, Unheard, Waits, entries_as_json, registered
from automations.steps.entries import check_fields, entry_id

LONGEST_WAIT = dt.timedelta(days=366)


class Patient(Step):
    """A step that waits for something, for so long at most; `silence` says what follows then.

    Going on, its output says `met`: whether it came.
    """

    group = "Flow"
    waits: ClassVar[str]  # what its row waits for
    most: int = Field(default=7, ge=1, le=1_000_000, title="Wait for at most")
    unit: Literal["minutes", "hours", "days", "weeks"] = "days"
    silence: Literal["continue", "fail"] = Field(default="continue", title="When the time is up")

    def has_begun(self, go):
        """Return whether it waits already, and is only looked at again."""
        return go.row is not None and go.row.waits_for == self.waits

    def until(self, go):
        """Return the moment at which it waits no more: that of its row, once it waits."""
        if self.has_begun(go):
            return go.row.wake_at
        return timezone.now() + dt.timedelta(**{self.unit: self.most})

    def ended(self, output, why):
        """Return the output of a wait for something that did not come, or fail."""
        if self.silence == "fail":
            raise Failed(why, output=output)
        return output

    def length(self):
        """Return how long it waits, in words."""
        return f"{self.most} {self.unit if self.most != 1 else self.unit[:-1]}"

    def limits(self):
        """Return what a sentence says of its end: “, for at most 3 days, silence fails”."""
        usual = (self.most, self.unit) == (7, "days")
        made = "" if usual else f", for at most {self.length()}"
        return made + (", silence fails" if self.silence == "fail" else "")

    def check(self, book, pointer):
        if dt.timedelta(**{self.unit: self.most}) > LONGEST_WAIT:
            book.wrong(f"{pointer}/most", "A run waits at most a year.")


@registered
class WaitUntil(Patient):
    """Wait until an entry matches a filter: now, or when somebody has changed it, by any door.

    `entry` is one entry or its number, by default the trigger's. If it is deleted meanwhile, it does
    not come. References in the filter are filled in when the waiting begins. A filter of the last or
    next days may come true without any change, so it is looked at again at each midnight.
    """

    label, icon, waits = "Wait for a condition", "filter", "condition"
    help = "Wait until an entry matches a filter, whoever changes it."
    type: Literal["wait_until"] = "wait_until"
    record: UUID
    entry: Any = "{{ trigger.entry }}"
    where: Condition

    def run(self, go):
        if go.row is not None and go.row.answer is not None:
            return self._answered(go.row.answer, go)
        record = go.record(self.record, "read")
        again = self.has_begun(go)
        id = go.row.watched_entry if again else entry_id(go.render(self.entry))
        where = go.row.input["where"] if again else go.render(self.where)
        answer = awaiting.answers_now(record, where, [id]).get(id)
        if answer is not None:
            return self._answered(answer, go)
        if go.dry or self.until(go) <= timezone.now():
            entry = next(iter(entries_as_json(record, [id])), None)  # gone at this very moment
            output = awaiting.told_of(entry, met=False)
            return output if go.dry else self.ended(output, f"{self._wanted(go)} in time.")
        asked = {"record": str(record.pk), "entry": id, "where": where}
        wake = self.until(go)
        if _moves(where):
            asked["until"] = wake.isoformat()
            tomorrow = timezone.localdate() + dt.timedelta(days=1)
            wake = min(wake, midnight(tomorrow, timezone.get_current_timezone()))
        if "cut" in as_json(asked):
            raise Failed("The filter that this step waits for is larger than a megabyte.")
        listening.begin()
        awaiting.ask(go.run)
        go.row.watched_record, go.row.watched_entry = record.pk, id
        raise Waits(self.waits, until=wake, asked=asked)

    def until(self, go):
        kept = go.row.input.get("until") if self.has_begun(go) else None
        return dt.datetime.fromisoformat(kept) if kept else super().until(go)

    def _answered(self, answer, go):
        if "error" in answer:
            raise Failed(answer["error"])
        if answer["met"]:
            return answer
        return self.ended(answer, f"{self._wanted(go)}, for the entry was deleted.")

    def _wanted(self, go):
        return f"What this step waits for in {go.book.name(self.record)} did not come"

    def sentence(self, book):
        asked = Comparison(record=self.record, entry=self.entry, where=self.where)
        return f"wait until {said(asked, book)}{self.limits()}"

    def check(self, book, pointer):
        super().check(book, pointer)
        record = book.check_record(self.record, f"{pointer}/record")
        if record:
            check_fields(record, self.where, book, f"{pointer}/where")


def _moves(where):
    """Return whether a filter may come true by the mere passing of days."""
    inside = where.get("and") or where.get("or") or ([where["not"]] if "not" in where else [])
    return where.get("op") in ("last_days", "next_days") or any(map(_moves, inside))


@registered
class WaitForCall(Patient):
    """Wait until somebody calls the run's address, `{{ run.call_url }}`; each address takes one call.

    Give it away in an e-mail or a call before. A program calls it by POST, and what it sends is the
    output: body, query, headers. People who open it find a button. What came before the run waits is
    kept. After each such step, and for each item that is done at once with others, it is another one.
    """

    label, icon, waits, called = "Wait for a call", "webhook", "call", True
    help = "Wait until a program calls the run's own address, or somebody opens it and presses a button."
    type: Literal["wait_for_call"] = calls.TYPE

    def run(self, go):
        if go.row is not None and go.row.answer is not None:
            if "error" in go.row.answer:
                raise Failed(go.row.answer["error"])
            return go.row.answer
        nothing = {"met": False, "body": None, "query": {}, "headers": {}, "at": None}
        if go.dry:
            return nothing | {"met": True}
        begun = self.has_begun(go)
        number = go.row.input["number"] if begun else calls.number_of(go.run)
        if not begun:
            calls.reopen(go.run, number)
        came, late = calls.taken(go.run, number), self.until(go) <= timezone.now()
        if came is None and late:
            if calls.close(go.run, number):
                return self._unheard(nothing)
            came = calls.taken(go.run, number)
        if came is not None:
            return {"met": True, **came}
        awaiting.ask(go.run)
        raise Waits(self.waits, until=self.until(go), asked={"number": number})

    def _unheard(self, nothing):
        try:
            return self.ended(nothing, f"Nobody called within {self.length()}.")
        except Failed as failed:  # that the address is closed stays
            raise Unheard(failed.detail, output=nothing) from None

    def sentence(self, book):
        return f"wait for a call{self.limits()}"
