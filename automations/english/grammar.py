"""A whole text: what starts it, then steps in sentences, lines and blocks.

Steps follow each other by commas, “and”, “then”, full stops and new lines. A line that ends with a
colon holds the lines below that are indented further; within a sentence a block goes on to its end
or to “otherwise”. What a rule does not understand is noted, and reading goes on behind it.
"""

from automations.english.agents import Agents
from automations.english.comparisons import Comparisons
from automations.english.conditions import Conditions
from automations.english.connected import Connected
from automations.english.cursor import Cursor, Stuck
from automations.english.doing import Doing
from automations.english.flowing import OTHERWISE, REJECTED, Flowing
from automations.english.lexicon import Lexicon
from automations.english.moments import Moments
from automations.english.sending import Sending
from automations.english.times import Times
from automations.english.values import Values
from automations.english.waiting import Waiting
from automations.english.whens import SUFFIXES, WHEN, Whens
from automations.scope import Scope
from automations.triggers import TRIGGERS

MOST_PROBLEMS = 20
FILLERS = ("please", "also", "automatically", "afterwards", "after that", "finally", "next")
FILLERS += ("then", "first", "and then", "and", "after this", "in the end", "directly", ":")
VERBS = {"add", "create", "set", "send", "delete", "find", "wait", "ask", "run", "stop", "call"}
VERBS |= {"post", "if", "remember", "change", "update", "increase", "decrease", "then", "and"}
FORMS = [
    "add an entry to …",
    "set … to …",
    "send an e-mail to … saying “…”",
    "find … where …",
    "if …, …, otherwise …",
    "wait 2 days",
]


class Grammar(
    Whens,
    Times,
    Doing,
    Sending,
    Connected,
    Agents,
    Flowing,
    Waiting,
    Comparisons,
    Conditions,
    Moments,
    Values,
):
    """One reading of one text."""

    def __init__(self, text, tokens, book, zone):
        self.c = Cursor(text, tokens)
        self.book, self.lex, self.zone = book, Lexicon(book), zone
        self.scope = Scope(book)
        self.problems = []
        self.indent_of_step = 0

    def definition(self):
        """Return the definition as JSON, or None where no trigger was understood."""
        c = self.c
        while c.look().kind == "line":
            c.indent = c.take().value
        c.said("please")
        if c.look().kind == "end":
            raise c.stuck("Say what should happen.", self._some())
        trigger = self._leading() or self._trailing()
        more = {}
        steps = self.steps(-1, more)
        if trigger is None:
            return None
        return {"trigger": trigger, "steps": steps, **more}

    def note(self, stuck):
        """Keep a problem, once for the same words."""
        known = {(problem.start, problem.end) for problem in self.problems}
        new = (stuck.problem.start, stuck.problem.end) not in known
        if new and len(self.problems) < MOST_PROBLEMS:
            self.problems.append(stuck.problem)

    # What starts it

    def _leading(self):
        c = self.c
        if not (c.sees(*WHEN, *SUFFIXES, "on", "at", "weekdays") or c.look().kind == "number"):
            return None
        start = c.at
        try:
            trigger = self.trigger()
        except Stuck as stuck:
            self.note(stuck)
            c.at = max(stuck.place, start + 1)
            self._skip(",", ":")
            return self._guessed(start)
        return self._started(trigger)

    def _guessed(self, start):
        """Go on as if it were about the record named there, to find the steps' own mistakes."""
        self.hopeless, end = True, self.c.at
        record = None
        self.c.at = start
        while self.c.at < end and record is None:
            _, found = self.c.named(self.lex.records)
            record = found[0] if found else None
            self.c.take()
        self.c.at = end
        if record is None:
            self.c.at = len(self.c.tokens) - 1
            return None
        trigger = {"type": "field_changed", "record": record.pk, "field": "?"}
        self.scope = Scope(self.book, TRIGGERS["field_changed"].model_validate(trigger))
        return None

    hopeless = False

    def _started(self, trigger):
        c = self.c
        self.scope = Scope(self.book, TRIGGERS[trigger["type"]].model_validate(trigger))
        if not (c.ends() or c.sees(",", ":", "then", "and")):
            self.note(c.stuck("I don't understand this here.", ["and …", ", then …"]))
            self._skip(",", ":")
        c.said(",")
        c.said("then")
        c.said(":", ",")
        return trigger

    def _trailing(self):
        """Find what starts it behind the first steps: “Send … when an order is added”."""
        if self.hopeless:
            return None
        c, start = self.c, self.c.at
        while not (c.look().kind == "end" or c.look().norm in (".", ";")):
            if c.sees(*SUFFIXES) and c.at > start:
                here, indent = c.at, c.indent
                try:
                    trigger = self.trigger()
                except Stuck as stuck:
                    if not c.ends():
                        self.note(stuck)
                else:
                    if c.ends():
                        self._started(trigger)
                        self._cut(here, c.at)
                        c.at, c.indent = start, indent
                        return trigger
                c.at, c.indent = here, indent
            c.take()
        c.at = start
        if not self.problems:
            self.note(c.stuck("Say first when it should start.", self._some(), count=1))
        return None

    def _cut(self, first, last):
        """Take the tokens of what starts it out, with a comma before them."""
        tokens = self.c.tokens
        if tokens[first - 1].norm == ",":
            first -= 1
        self.c.tokens = tokens[:first] + tokens[last:]

    # Steps

    def steps(self, indent, more=None):
        """Read the steps on lines that are indented further than `indent`; return them.

        `more` gathers what sentences at the end say of the whole.
        """
        c, found = self.c, []
        while True:
            while self._further(indent):
                token = c.take()
                c.indent = token.value if token.kind == "line" else c.indent
            if c.look().kind in ("line", "end"):
                return found
            if more is None and found and c.sees(*OTHERWISE, *REJECTED):
                c.at -= 1
                return found
            try:
                if more is not None and self._closing(more):
                    continue
                found += self.sentence()
            except Stuck as stuck:
                self.note(stuck)
                c.at = max(stuck.place, c.at)
                self._skip_step()

    def _further(self, indent):
        """Return whether a line of this block, or the end of a sentence, stands here."""
        token = self.c.look()
        return (token.kind == "line" and token.value > indent) or token.norm in (".", ";", "!")

    def block(self):
        """Read what belongs to a step: indented lines, or the rest of the sentence."""
        c = self.c
        c.deeper()
        try:
            if c.look().kind == "line" and c.look().value > c.indent:
                return self.steps(c.indent)
            if c.ends():
                raise c.stuck("Say what to do here.", ["do nothing", *FORMS[:3]])
            return self.sentence()
        finally:
            c.higher()

    def sentence(self):
        """Read steps up to the end of a sentence or line, or the words of an outer block."""
        c, found = self.c, []
        while True:
            c.said(*FILLERS)
            while c.said(*FILLERS):
                pass
            if c.look().kind == "number" and c.look(1).norm == ")":
                c.at += 2
            if not c.said("do nothing"):
                found.append(self.step())
            if c.ends() or self._outer():
                return found
            if not c.sees(",", "and", "then", "and then", ", then"):
                message = f"I don't understand “{c.words(c.run())}” here."
                raise c.stuck(message, [", then …", "and …"])
            c.said(",")
            c.said(";")
            if c.ends() or self._outer():
                return found

    def _outer(self):
        """Return whether the words of a block around come next: “otherwise”, “if rejected”."""
        c, start = self.c, self.c.at
        c.said(",")
        found = c.sees("otherwise", "else", "or else", "if rejected", "if approved", "in case")
        c.at = start
        return found > 0

    def step(self):
        """Read one step; return it with its id. Raises Stuck."""
        c = self.c
        start, indent = c.at, self.indent_of_step
        self.indent_of_step = c.indent
        rules = (self.add_entry, self.remember, self.send_email, self.mcp_tool)
        rules += (self.http_request, self.code)
        rules += (self.run_workflow, self.set_fields, self.delete_entry, self.find)
        rules += (self.for_each, self.wait, self.ask_agent, self.approval, self.switch)
        rules += (self.condition_step,)
        try:
            for rule in (*rules, self.stop):
                c.at = start
                found = rule()
                if found is not None:
                    return found if "id" in found else self.named(found, self.options())
        finally:
            self.indent_of_step = indent
        c.at = start
        raise c.stuck(f"“{c.words(c.run())}” begins no step that I know.", FORMS)

    def named(self, step, options):
        """Return a step with its id and options, and let what follows refer to it."""
        id = options.pop("id", None) or self.scope.usual_id(step["type"], step.get("record"))
        names = step["values"] if step["type"] == "set" else ()
        self.scope.note(id, step["type"], step.get("record"), names)
        return {"id": id} | step | options

    def options(self):
        """Read “(called total; tried again 3 times; going on if it fails)”."""
        c, made = self.c, {}
        if not c.sees("(called", "(named", "(tried again", "(going on"):
            return made
        c.take()
        while True:
            if c.said("called"):
                made["id"] = self._id()
            elif c.said("named"):
                made["name"] = self.text_of(c.look().value, c.look().start + 1)
                c.take()
            elif c.said("tried again"):
                made["retries"] = self.count()
                c.need("times", "time")
            elif c.said("going on if it fails"):
                made["on_error"] = "continue"
            else:
                raise c.stuck("I don't understand this here.", ["(called total)"])
            if c.said(")"):
                return made
            c.need(";", ",", suggestions=["; tried again 3 times"])

    def _id(self):
        c, token = self.c, self.c.look()
        if token.kind != "word" or not (token.value.isascii() and token.value.islower()):
            raise c.stuck("A step's name has small letters, digits and _ only.", ["called total"])
        if token.value in self.scope.taken:
            raise c.stuck(f"Another step is called “{token.value}”.")
        return c.take().value

    # The whole

    def _closing(self, more):
        """Read a sentence about the whole: one run at a time, pausing after failures."""
        c = self.c
        if c.said("one run at a time", "only one run at a time"):
            rule = {"policy": "queue"}
            if c.said("for each"):
                rule["key"] = self.value()
            if c.said("; others are skipped", ", others are skipped"):
                rule["policy"] = "skip"
            elif c.said("; a newer one wins", ", a newer one wins"):
                rule["policy"] = "cancel_previous"
            more["concurrency"] = rule
            return self._over()
        if c.said("never pause it after failures"):
            more["pause_after"] = 0
            return self._over()
        if c.said("pause it after"):
            more["pause_after"] = self.count()
            c.need("failures in a row", "failure in a row", "failures")
            return self._over()
        return False

    def _over(self):
        if not self.c.ends():
            raise self.c.stuck("Here the sentence should end.", ["."])
        return True

    def _skip_step(self):
        """Go on behind the sentence, or where another step seems to begin."""
        c = self.c
        while not c.ends():
            if c.look().norm in (",", "and", "then") and c.look(1).norm in VERBS:
                c.take()
                return
            c.take()

    def _skip(self, *marks):
        """Go on behind the sentence, or behind one of the marks."""
        c = self.c
        while not (c.ends() or c.look().norm in marks):
            c.take()
        if c.look().norm in marks:
            c.take()
