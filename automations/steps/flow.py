"""Steps that decide what comes next: branches, loops, waiting, asking people, stopping."""

import datetime as dt
import json
from typing import Annotated, Any, ClassVar, ForwardRef, Literal
from uuid import UUID

from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime
from pydantic import Field

from automations import approvals, checking, mailing, notices, saying
from automations.comparing import Comparison, holds, said
from automations.parts import Part, said_value
from automations.steps.base import Failed, Step, Stopped, Waits, registered, walk

MOST_ITEMS = 10_000
LONGEST_WAIT = dt.timedelta(days=366)

# The union of all steps is only known when every one is registered (automations/definition.py).
Steps = list[ForwardRef("AnyStep")]


@registered
class If(Step):
    """Go on with `then` where the condition holds, else with `otherwise`."""

    label, icon, group = "If … otherwise", "git-branch", "Flow"
    help = "Go one way when a condition holds, and another way when it does not."
    blocks: ClassVar[tuple] = ("then", "otherwise")
    type: Literal["if"] = "if"
    condition: Comparison
    then: Steps = Field(default=[], max_length=200)
    otherwise: Steps = Field(default=[], max_length=200)

    def run(self, go):
        return {"branch": "then" if holds(self.condition, go) else "otherwise"}

    def inside(self, output):
        name = output["branch"]
        return [(name, getattr(self, name), {})]

    def sentence(self, book):
        return f"if {said(self.condition, book)}"

    def branches(self, book):
        return [(None, self.then), *([("otherwise", self.otherwise)] if self.otherwise else [])]

    def check(self, book, pointer):
        self.condition.check(book, f"{pointer}/condition")


class Case(Part):
    """One branch of a switch, with its name for people."""

    condition: Comparison
    steps: Steps = Field(default=[], max_length=200)


@registered
class Switch(Step):
    """Go on with the first case whose condition holds, else with `otherwise`."""

    label, icon, group = "Switch", "git-branch", "Flow"
    help = "Look at several conditions in turn and go the way of the first that holds."
    blocks: ClassVar[tuple] = ("cases", "otherwise")
    type: Literal["switch"] = "switch"
    cases: list[Case] = Field(min_length=1, max_length=50)
    otherwise: Steps = Field(default=[], max_length=200)

    def run(self, go):
        for number, case in enumerate(self.cases):
            if holds(case.condition, go):
                return {"case": number}
        return {"case": None}

    def inside(self, output):
        number = output["case"]
        if number is None:
            return [("otherwise", self.otherwise, {})]
        return [(f"cases.{number}", self.cases[number].steps, {})]

    def children(self):
        cases = [(f"/cases/{n}/steps", case.steps) for n, case in enumerate(self.cases)]
        return [*cases, ("/otherwise", self.otherwise)]

    def sentence(self, book):
        return "do the first of these"

    def branches(self, book):
        cases = [(f"in case {said(case.condition, book)}", case.steps) for case in self.cases]
        return [*cases, *([("otherwise", self.otherwise)] if self.otherwise else [])]

    def check(self, book, pointer):
        for number, case in enumerate(self.cases):
            case.condition.check(book, f"{pointer}/cases/{number}/condition")


@registered
class ForEach(Step):
    """Do `steps` for every item of a list; inside they find it as item, and index from 0.

    One after the other, each finds what the one before it set. With `at_once` above 1 so many are
    done at the same time, each as a run of its own that keeps its values to itself; then the last
    outputs are the loop's results.
    """

    label, icon, group = "For each", "repeat", "Flow"
    help = "Do the same steps for every item of a list, one after the other or several at once."
    blocks: ClassVar[tuple] = ("steps",)
    untold: ClassVar[tuple] = ("items",)
    type: Literal["for_each"] = "for_each"
    items: Any
    limit: int = Field(default=1000, ge=1, le=MOST_ITEMS)
    at_once: int = Field(default=1, ge=1, le=50)
    steps: Steps = Field(min_length=1, max_length=200)

    def run(self, go):
        from automations import finishing, looping

        if go.row is not None and go.row.answer is not None:
            return looping.outcome(go)
        items = self._items(go)
        if self.at_once > 1 and not go.dry:
            return looping.begin(go, items, self.at_once)
        made = {"items": items, "count": len(items)}
        if len(finishing.json_text(made)) > finishing.LONGEST_OUTPUT:
            raise Failed("The items are larger than a megabyte together; take fewer at a time.")
        return made

    def _items(self, go):
        items = go.render(self.items)
        if isinstance(items, dict):
            items = items.get("entries", [items])
        if not isinstance(items, list):
            raise Failed("“For each” needs a list, such as the entries that a step found.")
        if len(items) > self.limit:
            raise Failed(f"These are {len(items):,} items; this step allows {self.limit:,}.")
        return items

    def inside(self, output):
        if "results" in output:
            return  # its items were runs of their own
        for number, item in enumerate(output["items"]):
            yield str(number), self.steps, {"item": item, "index": number}

    def sentence(self, book):
        limit = "" if self.limit == 1000 else f", at most {self.limit}"
        pace = "" if self.at_once == 1 else f", {self.at_once} at once"
        return f"for each of {said_value(self.items, book)}{limit}{pace}"

    def check(self, book, pointer):
        inside = (step for _, step in walk("", self.steps))
        if self.at_once > 1 and any(step.type == "stop" and not step.failed for step in inside):
            book.wrong(
                f"{pointer}/at_once",
                "“Stop” ends a run well, which one of several items can't do for the others. "
                "Do one item at a time, or leave it out.",
            )


@registered
class Wait(Step):
    """Wait for a time, or until a moment; the run costs nothing meanwhile."""

    label, icon, group = "Wait", "hourglass", "Flow"
    help = "Wait for some time or until a moment. Waiting costs nothing."
    type: Literal["wait"] = "wait"
    amount: int = Field(default=0, ge=0, le=1_000_000)
    unit: Literal["seconds", "minutes", "hours", "days", "weeks"] = "hours"
    until: Any = None

    def run(self, go):
        if go.row is not None and go.row.answer is not None:
            return go.row.answer
        until = self._until(go)
        if until - timezone.now() > LONGEST_WAIT:
            raise Failed("A run waits at most a year.")
        if until <= timezone.now() or go.dry:
            return {"until": until.isoformat()}
        raise Waits("time", until=until, asked={"until": until.isoformat()})

    def _until(self, go):
        if self.until is None:
            return timezone.now() + dt.timedelta(**{self.unit: self.amount})
        text = str(go.render(self.until))
        try:
            moment = parse_datetime(text)
            day = None if moment else parse_date(text)
        except ValueError:
            moment = day = None
        if day:
            moment = dt.datetime.combine(day, dt.time.min)
        if moment is None:
            raise Failed(f"“{text[:60]}” is no date.")
        return moment if timezone.is_aware(moment) else timezone.make_aware(moment)

    def check(self, book, pointer):
        if self.until is None or "{{" in str(self.until):
            return
        text = str(self.until)
        try:
            known = parse_datetime(text) or parse_date(text)
        except ValueError:
            known = None
        if known is None:
            book.wrong(f"{pointer}/until", f"“{text[:60]}” is no date. Write it like 2027-03-29.")

    def sentence(self, book):
        if self.until is not None:
            return f"wait until {said_value(self.until, book)}"
        return f"wait {self.amount} {self.unit if self.amount != 1 else self.unit[:-1]}"


@registered
class Approval(Step):
    """Ask people to approve or reject, on a page or by the links in an e-mail.

    `people` are e-mail addresses of members; without any the owner is asked, where they have left
    who published the workflow, else the workspace's owners. One answer is enough. Nobody answering
    within `days` counts as `silence` says. Addresses that nobody here has are not asked; the step
    fails where no other is left.
    """

    label, icon, group = "Ask for approval", "user-check", "Flow"
    help = (
        "Ask people to approve or reject, on a page or from an e-mail. One answer is "
        "enough. Without names the owner is asked."
    )
    blocks: ClassVar[tuple] = ("approved", "rejected")
    type: Literal["approval"] = "approval"
    question: Annotated[str, Field(min_length=1, max_length=2000)]
    people: list[str] = Field(default=[], max_length=50)
    days: int = Field(default=7, ge=1, le=365)
    silence: Literal["rejected", "approved", "fail"] = "rejected"
    approved: Steps = Field(default=[], max_length=200)
    rejected: Steps = Field(default=[], max_length=200)

    def run(self, go):
        if go.row is not None and go.row.answer is not None:
            answer = go.row.answer
            if answer.get("answer") == "fail":
                raise Failed(f"Nobody answered within {self.days} days.")
            return answer
        asked = {"question": str(go.render(self.question)), **self._asked(go)}
        if go.dry:
            return {"answer": "approved", "asked": asked}
        until = timezone.now() + dt.timedelta(days=self.days)
        raise Waits("approval", until=until, asked=asked | {"silence": self.silence})

    def _asked(self, go):
        given = mailing.addresses_of(go.render(self.people))
        people, strangers = approvals.members_among(given, go.run.workspace_id)
        if strangers and not people:
            raise Failed(f"{approvals.nobody_has(strangers[0])} Only members can be asked.")
        # Noted here, so that it stays who was asked, whoever comes and leaves while it waits.
        people = people or [user.email.lower() for user in notices.behind(go.run)]
        if not people:
            raise Failed("Nobody is left in this workspace who could be asked.")
        return {"people": people} | ({"not_members": strangers} if strangers else {})

    def check(self, book, pointer):
        for number, given in enumerate(self.people):
            if "{{" in given:
                continue
            try:
                _, strangers = approvals.members_among([given], book.workspace_id)
            except mailing.MailError as error:
                book.wrong(f"{pointer}/people/{number}", error.detail)
            else:
                for address in strangers:
                    said = approvals.nobody_has(address, book.workspace_id)
                    book.wrong(f"{pointer}/people/{number}", said)

    def inside(self, output):
        name = output["answer"]
        return [(name, getattr(self, name), {})]

    def sentence(self, book):
        who = saying.addresses(book, self.people, "or") if self.people else "the owner"
        asked = f"ask {who} for approval {saying.text(book, self.question)}"
        if self.days != 7:
            asked += f" within {self.days} day{'s' if self.days > 1 else ''}"
        silence = {"rejected": "", "approved": ", silence approves", "fail": ", silence fails"}
        return asked + silence[self.silence]

    def branches(self, book):
        blocks = [("if approved", self.approved), ("if rejected", self.rejected)]
        return [block for block in blocks if block[1]]


@registered
class RunWorkflow(Step):
    """Run another workflow that waits to be called, with an input; go on at once or with its output."""

    label, icon, group = "Run a workflow", "player-play", "Flow"
    gives: ClassVar[dict] = {"status": "succeeded", "output": None, "run": None}
    help = "Run another workflow that waits to be called, and go on at once or with its result."
    type: Literal["run_workflow"] = "run_workflow"
    workflow: UUID
    input: dict[str, Any] = Field(default={}, max_length=200)
    wait: bool = True

    def run(self, go):
        from automations.running import call

        if go.row is not None and go.row.answer is not None:
            answer = go.row.answer
            if answer.get("status") != "succeeded":
                raise Failed(f"The workflow that was called failed: {answer.get('error', '')}")
            return answer
        input = go.render(self.input)
        if go.dry:
            return {"would_run": str(self.workflow), "input": input}
        called = call(go, self.workflow, input, answers=self.wait)
        if self.wait:
            raise Waits("run", asked={"run": str(called.pk), "input": input})
        return {"run": str(called.pk)}

    def sentence(self, book):
        said = f"run the workflow {book.workflow_name(self.workflow)}"
        said += f" with {saying.named(book, self.input)}" if self.input else ""
        return said if self.wait else f"{said}, without waiting"

    def check(self, book, pointer):
        if book.workflow(self.workflow) is None:
            book.wrong(f"{pointer}/workflow", "There is no such workflow in this workspace.")
        else:
            checking.check_circle(book, self.workflow, f"{pointer}/workflow")


@registered
class SetValues(Step):
    """Set variables, which later steps find under vars."""

    label, icon, group = "Set values", "variable", "Flow"
    help = "Keep values under names of your own, for the steps that follow."
    untold: ClassVar[tuple] = ("values",)
    type: Literal["set"] = "set"
    values: dict[str, Any] = Field(min_length=1, max_length=100)

    def run(self, go):
        made = go.render(self.values)
        if len(json.dumps(made, default=str)) > 1_000_000:
            raise Failed("These values are larger than a megabyte.")
        return made

    def sentence(self, book):
        return f"remember {saying.named(book, self.values)}"


@registered
class Stop(Step):
    """End the run: well, or as failed with a reason."""

    label, icon, group = "Stop", "player-stop", "Flow"
    help = "End the run here: well, or as failed with a reason."
    type: Literal["stop"] = "stop"
    failed: bool = False
    reason: str = Field(default="", max_length=2000)
    output: Any = None

    def run(self, go):
        if self.failed:
            raise Failed(str(go.render(self.reason)) or "The workflow stopped itself as failed.")
        raise Stopped(go.render(self.output))

    def sentence(self, book):
        said = "stop as failed" if self.failed else "stop"
        said += f" because {saying.text(book, self.reason)}" if self.reason else ""
        return said if self.output is None else f"{said} with {said_value(self.output, book)}"
