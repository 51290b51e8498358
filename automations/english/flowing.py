"""Steps that decide what comes next, in sentences: if, for each, wait, ask, run, stop."""

from automations.approvals import members_among
from automations.english.phrases import OPPOSITE
from automations.english.waiting import CALLS
from automations.mailing import MailError
from automations.scope import template

WAITS = {"second": "seconds", "minute": "minutes", "hour": "hours", "day": "days", "week": "weeks"}
WAITS |= {plural: plural for plural in WAITS.values()}
OTHERWISE = ("otherwise", "else", "or else", "if not")
APPROVED = ("if approved", "if it is approved", "if they approve", "if so", "once approved")
APPROVED += ("when approved", "if yes", "if he approves", "if she approves")
REJECTED = ("if rejected", "if it is rejected", "if they reject", "if declined", "when rejected")
SILENCE = {"approves": "approved", "rejects": "rejected", "fails": "fail"}
SILENCE |= {
    "means approved": "approved",
    "means rejected": "rejected",
    "means approval": "approved",
}


class Flowing:
    """The rules for steps of flow; mixed into the grammar. Each returns a step or None.

    What a step holds inside is read by `block`, after the step's id is known.
    """

    def condition_step(self):
        """Read “if … then …, otherwise …”."""
        c = self.c
        negated = c.said("unless")
        if not negated and not c.said("if", "in the case that", "provided that"):
            return None
        start = c.at
        asked = self.comparison()
        if negated:
            asked = self._opposite(asked, start)
        options = self.options()
        step = self.named({"type": "if", "condition": asked}, options)
        self._then()
        step["then"] = self.block()
        if self._branch(*OTHERWISE):
            step["otherwise"] = self.block()
        return step

    def _opposite(self, asked, start):
        if "where" in asked:
            return asked | {"where": {"not": asked["where"]}}
        if asked.get("op") in OPPOSITE:
            return asked | {"op": OPPOSITE[asked["op"]]}
        raise self.c.stuck("Say this by “if” and the opposite.", start=self.c.tokens[start].start)

    def _then(self):
        c = self.c
        c.said(",")
        c.said("then")
        c.said(":")
        c.said(",")

    def _branch(self, *phrases):
        """Take the words that begin another block of the step just read, if they stand here."""
        c, start = self.c, self.c.at
        own = self.indent_of_step
        while (c.look().kind == "line" and c.look().value >= own) or c.look().norm in (
            ".",
            ";",
            ",",
        ):
            c.take()
        line = c.tokens[c.at - 1]
        if c.look().kind != "line" and c.said(*phrases) and not c.sees(*NO_BRANCH):
            if line.kind == "line":
                c.indent = own
            self._then()
            return True
        c.at = start
        return False

    def switch(self):
        """Read “do the first of these” and its cases."""
        c = self.c
        if not c.said("do the first of these that holds", "do the first of these"):
            return None
        step = self.named({"type": "switch", "cases": []}, self.options())
        c.said(":")
        words = ("in case",)
        while self._branch(*words) or (not step["cases"] and self._branch("if")):
            if not step["cases"] and c.tokens[c.at - 1].norm == "if":
                words = ("if", "or if")
            asked = self.comparison()
            self._then()
            step["cases"].append({"condition": asked, "steps": self.block()})
        if not step["cases"]:
            raise c.stuck("Here the first case should stand.", ["in case Status is New: …"])
        if self._branch(*OTHERWISE):
            step["otherwise"] = self.block()
        return step

    def for_each(self):
        """Read “for each of them: …”, “for each order found, …”."""
        c = self.c
        if not c.said("for each", "for every", "for all", "with each"):
            return None
        c.said("one")
        c.said("of")
        step = {"type": "for_each", "items": self._items()}
        while self._pace(step):
            pass
        step = self.named(step, self.options())
        self._then()
        with self.scope.loop(self.scope.items_of(step["items"])):
            step["steps"] = self.block()
        return step

    def _pace(self, step):
        """Read “, at most 50” or “, 5 at once” into the loop; return whether one stood here."""
        c, start = self.c, self.c.at
        c.said(",")
        if c.said("at most", "up to"):
            step["limit"] = self.count()
            if step["limit"] is None:
                raise c.stuck("Here a whole number should stand.", ["at most 100"])
            return True
        count = self.count()
        if count is not None and c.said("at once", "at a time", "at the same time", "in parallel"):
            step["at_once"] = count
            return True
        c.at = start
        return False

    def _items(self):
        """Read what a loop goes over; return a template or list."""
        c, start = self.c, self.c.at
        last = self.scope.last("find_entries")
        found = template(("steps", last[0], "entries")) if last else None
        found = found or ("{{ trigger.entries }}" if self.scope.whole else None)
        if found and c.said("them", "these", "those", "the entries found", "the entries", "entry"):
            c.said("found")
            return found
        if last or self.scope.whole:
            record = self.book.record(last[1] if last else self.scope.record)
            c.said("the")
            count, names = c.named(self.lex.records)
            if names == [record]:
                c.at += count
                c.said("found")
                return found
        c.at = start
        if c.look().kind in ("word", "number") and not c.sees("json", "its", "the", "all", "those"):
            message = "Say first what to find, then “for each of them”."
            raise c.stuck(message, ["find Orders where …, for each of them …"])
        return self.value()

    def wait(self):
        """Read “wait 2 days”, “wait until Due date”, “wait until Status is Done”."""
        c = self.c
        if not c.said("wait", "pause", "wait for"):
            return None
        if c.said("until"):
            if asked := self.awaited():
                return asked
            start = c.at
            found = c.attempt(self._bare_field)
            if found is None:
                c.at = start  # behind “the” of “the entry found”
                found = self.value()
            return {"type": "wait", "until": found}
        if c.said(*CALLS):
            return {"type": "wait_for_call"} | self._limits()
        start = c.at
        amount = self.count()
        unit = WAITS.get(c.look().norm) if amount is not None else None
        if unit is None:
            c.at = start
            raise c.stuck("Say how long.", ["wait 2 days", "wait until Due date"])
        c.take()
        return {"type": "wait", "amount": amount, "unit": unit}

    def _bare_field(self):
        found = self._bare()
        return found[0] if found else None

    def approval(self):
        """Read “ask Alice for approval “…” within 3 days: if approved …, otherwise …”."""
        c = self.c
        if not c.said("ask"):
            return None
        people = self._people()
        c.need(
            "for approval",
            "for an approval",
            "to approve",
            "to approve it",
            "whether",
            suggestions=["ask Alice for approval “…”"],
        )
        c.said(":")
        if c.look().kind not in ("text", "ref", "raw", "open"):
            raise c.stuck("Here the question should stand in quotation marks.", ["“May this be?”"])
        step = {"type": "approval", "question": self.text()}
        step |= {"people": people} if people else {}
        if c.said("within"):
            step["days"] = self.count()
            if step["days"] is None or not c.said("days", "day"):
                raise c.stuck("Here a number of days should stand.", ["within 3 days"])
        here = c.at
        c.said(",")
        if c.said("silence", "no answer"):
            step["silence"] = c.which(SILENCE)
            if step["silence"] is None:
                raise c.stuck("Say what silence means.", [f"silence {word}" for word in SILENCE])
        else:
            c.at = here
        step = self.named(step, self.options())
        self._then()
        for key, phrases in (("approved", APPROVED), ("rejected", (*REJECTED, *OTHERWISE))):
            if self._branch(*phrases):
                step[key] = self.block()
        return step

    def _people(self):
        """Read the people who are asked, as e-mail addresses; none for the owner."""
        c, found = self.c, []
        if c.said("the owner", "me", "its owner"):
            return []
        while True:
            token = c.look()
            if token.kind in ("email", "ref", "raw") or (
                token.kind == "text" and ("@" in token.value or "{" in token.value)
            ):
                found.append(self._address())
            else:
                user = c.name(self.lex.people, "people")
                if user is None:
                    raise c.unknown(self.lex.people, "member of this workspace")
                found.append(user.email)
            start = c.at
            c.said(",")
            c.said("or", "and")
            if c.at == start:
                return found

    def _address(self):
        """Read an address, which a member has to have, or where one stands."""
        c, start = self.c, self.c.at
        given = self.value()
        try:
            strangers = "{{" not in given and members_among([given], self.lex.workspace_id)[1]
        except MailError:
            strangers = [given]
        if strangers:
            c.at = start
            raise c.unknown(self.lex.people, "member of this workspace")
        return given

    def run_workflow(self):
        """Read “run the workflow “Restock” with product = its Product, without waiting”."""
        c = self.c
        if not c.said(
            "run the workflow", "call the workflow", "start the workflow", "run workflow"
        ):
            return None
        step = {"type": "run_workflow", "workflow": str(self.workflow_name().pk)}
        if c.said("with"):
            step["input"] = self.named_values()
        start = c.at
        c.said(",")
        if c.said("without waiting", "and go on at once", "and do not wait"):
            step["wait"] = False
        else:
            c.at = start
        return step

    def workflow_name(self):
        """Read the name of a workflow; raise Stuck."""
        c = self.c
        found = c.name(self.lex.workflows, "workflows")
        if found is None:
            raise c.unknown(self.lex.workflows, "workflow of this workspace")
        return found

    def remember(self):
        """Read “remember total = 5 and name = “…””."""
        c = self.c
        if not c.said("remember", "set the variable", "keep", "let"):
            return None
        return {"type": "set", "values": self.named_values()}

    def named_values(self):
        """Read “x = 5, y = “…””; return {name: value}."""
        c, made = self.c, {}
        while True:
            token = c.look()
            if token.kind not in ("word", "text"):
                raise c.stuck("Here a name should stand.", ["remember total = 5"])
            c.take()
            c.need("=", ":=", "as", suggestions=[f"{token.value} = …"])
            made[str(token.value)] = self.value()
            start = c.at
            c.said(",")
            c.said("and")
            again = c.at != start and c.look().kind in ("word", "text")
            if not again or c.look(1).norm not in ("=", ":=", "as"):
                c.at = start
                return made

    def stop(self):
        """Read “stop”, “stop as failed because “…””."""
        c = self.c
        if not c.said("stop", "stop here", "end here", "fail", "stop the workflow"):
            return None
        failed = c.look(-1).norm == "fail" or c.said("as failed")
        step = {"type": "stop"} | ({"failed": True} if failed else {})
        if c.said("because", "with the reason", ":"):
            step["reason"] = self.text()
        if c.said("with"):
            step["output"] = self.value()
        return step


# Words after which “if approved …” is about a field of that name.
NO_BRANCH = ("is", "=", "was", "contains", "changes")
