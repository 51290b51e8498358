"""What an “if” asks in sentences: of the entry at hand, or of values."""

from automations import comparing
from automations.english.phrases import OPPOSITE, VALUE_ALSO
from automations.english.words import key_of
from automations.scope import template


class Comparisons:
    """The rules for what a step asks; mixed into the grammar beside those for conditions."""

    def comparison(self):
        """Read the condition of a step; return a Comparison as JSON."""
        c = self.c
        for word, phrase in (("all", "all of ("), ("any", "any of (")):
            if c.sees(phrase):
                c.at += 2
                return {word: self._parts()}
        self.comparing_values, self.before = True, None
        record = self.book.record(self.scope.inner) if self.scope.inner else None
        self.about = record
        try:
            made = self._either(lambda: self._asked(record), _join_asked, _deny_asked)
        finally:
            self.comparing_values = False
        return self._as_comparison(made)

    def _parts(self):
        c, parts = self.c, []
        c.deeper()
        c.need("(")
        while True:
            parts.append(self.comparison())
            c.need(")")
            if not c.said(", ("):
                break
        c.higher()
        return parts

    def _asked(self, record):
        """Read one comparison: ("where", tree) about the entry at hand, or ("value", …)."""
        c = self.c
        if record is None or self._literal_here():
            if (
                c.look().kind == "text"
                and record
                and self.lex.fields(record).get(key_of(c.look().value))
            ):
                return self._entry_asked(record)
            start = c.at
            left = self.value()
            if c.said("in"):
                return "value", self._other_entry(left)
            operator = c.which(self._value_phrases())
            if operator is None:
                some = [f"{c.words(1)} is …"] if c.at == start else ["is “…”", "is more than 10"]
                raise c.stuck("Say how this compares.", some)
            return "value", self._other(left, operator)
        start = c.at
        left = c.attempt(self._own, None)
        if left is not None and c.said("in"):
            return "value", self._other_entry(left[0])
        c.at = start
        return self._entry_asked(record)

    def _literal_here(self):
        """Return whether a literal or a name in braces stands here, and no field."""
        c, literal = self.c, ("text", "ref", "raw", "number")
        if c.look().kind in literal:
            return True
        after = c.look(1)
        json = after.kind in literal or after.norm in ("[", "{", "null", "true", "false", "-")
        return c.sees("json") > 0 and json

    def _entry_asked(self, record):
        tree = self._field_condition(record, False, False)
        gone = self.scope.trigger == "entry_deleted" and not self.scope.items
        if "{{" not in str(tree) and not gone:
            return "where", tree
        return "value", self._by_value(tree)

    def _by_value(self, tree):
        """Return a condition on a field as one on the value that the run already has."""
        op = {"has": "contains"}.get(tree["op"], tree["op"])
        left = template((*self.scope.root, tree["field"]))
        value = tree.get("value")
        if op == "between":
            low, high = (
                {"value": left, "op": o, "other": v}
                for o, v in zip(("gte", "lte"), value, strict=True)
            )
            return {"all": [low, high]}
        if op not in comparing.OPERATORS:
            raise self.c.stuck("This can't be asked of a value that moves or is gone.")
        return {"value": left, "op": op} | ({} if value is None else {"other": value})

    def _other_entry(self, entry):
        """Read “… in Orders matches (condition)”."""
        c = self.c
        record = self.record_name()
        c.need("matches")
        c.need("(")
        outer = self.comparing_values, self.about, self.before
        self.comparing_values, self.before = False, None
        where = self.condition(record)
        self.comparing_values, self.about, self.before = outer
        c.need(")")
        return {"record": str(record.pk), "entry": entry, "where": where}

    def _value_phrases(self):
        made = {words: key for key, words in comparing.OPERATORS.items()}
        for key, more in VALUE_ALSO.items():
            for phrase in more:
                made.setdefault(phrase, key)
        return made

    def _other(self, left, op):
        if op in comparing.ALONE:
            return {"value": left, "op": op}
        if op in ("in", "not_in"):
            return {"value": left, "op": op, "other": self._list(None)}
        return {"value": left, "op": op, "other": self.value()}

    def _as_comparison(self, made):
        kind, found = made
        if kind == "value":
            return found
        if kind == "mixed":
            name, parts = found
            return {name: [self._as_comparison(part) for part in parts]}
        about = {"record": str(self.scope.inner), "where": found}
        root = template(self.scope.root)
        return about | ({} if root == "{{ trigger.entry }}" else {"entry": root})


def _join_asked(word, parts):
    if all(kind == "where" for kind, _ in parts):
        return "where", {word: [tree for _, tree in parts]}
    name = "all" if word == "and" else "any"
    return "mixed", (name, parts)


def _deny_asked(grammar, made):
    kind, found = made
    if kind == "where":
        return "where", {"not": found}
    if kind == "value" and found.get("op") in OPPOSITE:
        return "value", found | {"op": OPPOSITE[found["op"]]}
    raise grammar.c.stuck("Say this without “not”, by the opposite comparison.")
