"""Steps that wait for something to happen, in sentences: “wait until Status is Done”."""

from automations.english.phrases import phrases
from automations.scope import template

LIMITS = ("for at most", "at most", "for up to", "up to", "for no longer than", "no longer than")
LIMITS += ("within", "but at most", "but no longer than")
LENGTHS = {"minute": "minutes", "hour": "hours", "day": "days", "week": "weeks"}
LENGTHS |= {plural: plural for plural in LENGTHS.values()}
CALLS = ("a call", "the call", "for a call", "for the call", "a webhook", "until somebody calls")
CALLS += ("for a webhook", "a call of its address", "for a call of its address")
SILENCE = {"silence fails": "fail", "or fail": "fail", "otherwise fail": "fail"}
SILENCE |= {"silence goes on": "continue", "then go on": "continue", "or go on": "continue"}


class Waiting:
    """The rules for waiting until something happens; mixed into the grammar."""

    def awaited(self):
        """Read what stands behind “wait until” where it is a condition; None for a moment."""
        c, start = self.c, self.c.at
        record = self.book.record(self.scope.inner) if self.scope.inner else None
        if record is not None and self._condition_here(record):
            where = self.condition(record)
            root = template(self.scope.root)
            asked = {"record": str(record.pk), "where": where}
            asked |= {} if root == "{{ trigger.entry }}" else {"entry": root}
            return {"type": "wait_until"} | asked | self._limits()
        c.at = start
        entry = c.attempt(self.value)
        if entry is None or not c.said("in"):
            c.at = start
            return None
        return {"type": "wait_until"} | self._other_entry(entry) | self._limits()

    def _condition_here(self, record):
        """Return whether a condition on the entry at hand begins here, and no date."""
        c, start = self.c, self.c.at
        if c.sees("(", "not", "always", "it is not the case that"):
            return True
        field = c.attempt(self._subject, record)
        found = field is not None and c.sees(*phrases(field)) > 0
        c.at = start
        return found

    def _limits(self):
        """Read for how long at most, and what follows then: “, for at most 3 days, silence fails”."""
        c, made, start = self.c, {}, self.c.at
        c.said(",")
        if c.said(*LIMITS):
            made["most"] = self.count()
            made["unit"] = LENGTHS.get(c.look().norm) if made["most"] else None
            if made["unit"] is None:
                raise c.stuck("Say how long at most.", ["for at most 3 days"])
            c.take()
        else:
            c.at = start
        start = c.at
        c.said(",")
        silence = c.which(SILENCE)
        if silence is None:
            c.at = start
        return made | ({} if silence is None else {"silence": silence})
