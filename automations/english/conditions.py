"""Conditions in sentences, on the fields of an entry."""

from automations.english.cursor import Stuck
from automations.english.phrases import NUMERIC, phrases


class Conditions:
    """The rules for conditions on the entries of a record; mixed into the grammar.

    `about` is the record whose fields can be named just now, `before` the field named last:
    “Price is over 5 and below 10”. `comparing_values` is on while an “if” is read (Comparisons).
    """

    about = before = None
    comparing_values = False

    def condition(self, record, *, fixed=False, short=False):
        """Read a condition on entries of `record`; `fixed` ones hold no dates that move."""
        self.about, self.before = record, None
        return self._either(lambda: self._field_condition(record, fixed, short), _join, _deny)

    def _either(self, leaf, join, deny):
        """Read leaves joined by and, or; mixing both takes brackets."""
        c = self.c
        parts, word, open_comma = [self._negated(leaf, join, deny)], None, None
        while True:
            start = c.at
            comma = c.said(",")
            joint = c.which({"and": "and", "or": "or"})
            if (joint is None and not comma) or not self._goes_on(joint):
                c.at = start
                break
            if joint is None:
                open_comma = c.tokens[start]
                parts.append(self._negated(leaf, join, deny))
                continue
            open_comma = None
            if word is not None and joint != word:
                c.at -= 1
                raise c.stuck(
                    "“and” and “or” together can mean two things. Put brackets around what "
                    "belongs together.",
                    ["(A and B) or C", "A and (B or C)"],
                    count=1,
                )
            word = joint
            parts.append(self._negated(leaf, join, deny))
        if open_comma is not None:
            raise c.stuck(
                "Say whether “and” or “or” is meant here.",
                [", and", ", or"],
                start=open_comma.start,
                end=open_comma.end,
            )
        return join(word, parts) if word else parts[0]

    def _goes_on(self, joint):
        """Return whether another condition begins here, rather than a step.

        Only behind a joint (and, or) can it be about the field before: “Stock is over 5, at most
        7” has a limit of 7.
        """
        c, start = self.c, self.c.at
        try:
            if c.sees("(", "not"):
                return True
            return self._begins(joint)
        finally:
            c.at = start

    def _begins(self, joint):
        """Return whether the subject and operator of a condition stand here."""
        c = self.c
        if c.look().kind in ("ref", "raw", "text") and self.comparing_values:
            return c.sees(*self._value_phrases(), "in", ahead=1) > 0
        if self.about is None:
            return False
        if joint and self.before is not None and c.sees(*phrases(self.before, short=True)):
            return True
        try:
            field = self._subject(self.about)
        except Stuck:
            return False
        return field is not None and c.sees(*phrases(field, short=True)) > 0

    def _negated(self, leaf, join, deny):
        c = self.c
        self.c.deeper()
        try:
            if c.said("not", "it is not the case that"):
                return deny(self, self._negated(leaf, join, deny))
            if c.said("("):
                made = self._either(leaf, join, deny)
                c.need(")")
                return made
            return leaf()
        finally:
            self.c.higher()

    def _field_condition(self, record, fixed, short):
        c = self.c
        self.about = record
        if c.said("always"):
            return {"and": []}
        start = c.at
        field = None
        if self.before is not None and c.sees(*phrases(self.before, short=True)):
            field, short = self.before, True
        field = field or self._subject(record)
        if field is None:
            c.at = start
            names = self.lex.fields(record)
            some = [f"{name} is …" for name in names.shown[:3]]
            raise c.unknown(names, f"field of “{record.name}”", some)
        self.before = field
        return self._compared(field, fixed, short)

    def _subject(self, record):
        """Read the field that a condition is about: “its Price”, “Price of the order”, “Price”."""
        c = self.c
        inner = self.scope.inner and self.book.record(self.scope.inner)
        if not c.said("its", "their", "the"):
            start = c.at
            if not (self._it(inner) and c.said("'s")):
                c.at = start
        elif c.sees("entry 's", "row 's"):
            c.at += 2
        else:
            start = c.at
            _, found = c.named(self.lex.records)
            if found == [record] and not self.lex.fields(record).get((c.look().norm,)):
                c.name(self.lex.records)
                if not c.said("'s"):
                    c.at = start
        field = c.name(self.lex.fields(record), "fields")
        start = c.at
        if field is not None and not (c.said("of") and self._it(record)):
            c.at = start
        return field

    def _compared(self, field, fixed, short):
        c = self.c
        known = phrases(field, short)
        operator = c.which(known)
        if operator is None:
            said = (item.sentence.format(f=field.label, v="…") for item in field.kind.operators)
            some = list(said)[:6]
            raise c.stuck(f"What about “{field.label}”? Say how it compares.", some)
        found = {"field": field.key, "op": operator.key}
        start = c.at
        if operator.takes == "nothing":
            return found
        if operator.takes == "number":
            count = self.count()
            if count is None or not c.said("days", "day"):
                c.at = start
                raise c.stuck("Here a number of days should stand.", ["7 days"])
            return found | {"value": count}
        if operator.takes == "text":
            return found | {"value": self.value()}
        if operator.takes in ("many", "two"):
            made = self._list(field, two=operator.takes == "two")
            return self._moving(found | {"value": made}, fixed, start)
        made = self.value(field)
        several = self._several(field, made) if operator.key in ("is", "is_not") else None
        if several:
            return self._one_of(found, several, start)
        if isinstance(made, (str, int, float)) and not isinstance(made, bool):
            self._fits_condition(made, field, start)
        return self._moving(found | {"value": made}, fixed, start)

    def _fits_condition(self, made, field, start):
        if field.kind.align == "end" or "{{" in str(made):
            return
        self.checked(made, field, start)

    def _several(self, field, first):
        """Read “or Shipped or …” after a value, where another condition can't begin."""
        c, values = self.c, [first]
        while True:
            start = c.at
            c.said(",")
            if not c.said("or") or (not self._choice_here(field) and self._goes_on("or")):
                c.at = start
                break
            c.said("is")
            if not (c.look().kind == "text" or field.options.get("choices") or _numeric(c, field)):
                c.at = start
                break
            values.append(self.value(field))
        return values if values[1:] else None

    def _one_of(self, found, values, start):
        if found["op"] == "is_not":
            c = self.c
            raise c.stuck(
                "“is not A or B” can mean two things.",
                ["is none of A or B"],
                start=c.tokens[start].start,
                end=c.tokens[c.at - 1].end,
            )
        return found | {"op": "in", "value": values}

    def _list(self, field, two=False):
        """Read “A, B or C”, or “A and B”."""
        c = self.c
        opened = c.said("[", "(")
        values = [self.value(field)]
        while True:
            start = c.at
            comma = c.said(",")
            joint = c.said("and", "or", "nor")
            if not (comma or joint) or (two and len(values) == 2):
                c.at = start
                break
            if not (opened or two or self._choice_here(field)) and (
                self._goes_on(joint) or not self._value_here(field)
            ):
                c.at = start
                break
            values.append(self.value(field))
        if opened:
            c.need("]", ")")
        if two and len(values) != 2:
            raise c.stuck("Give two values here.", ["between 1 and 10"])
        return values

    def _choice_here(self, field):
        """Return whether a choice of the field stands here, and no field's condition."""
        if field is None or not field.options.get("choices"):
            return False
        return bool(self.c.named(self.lex.choices(field))[1])

    def _value_here(self, field):
        c, start = self.c, self.c.at
        made = c.attempt(self.value, field)
        c.at = start
        return made is not None

    def _moving(self, found, fixed, start):
        """Refuse dates that move with the day where only fixed values can stand."""
        if fixed and "{{" in str(found.get("value")):
            c = self.c
            raise c.stuck(
                "What starts a workflow compares with fixed values only. Ask for this in a step: "
                "“if …”.",
                ["is in the next 7 days", "2026-12-24"],
                start=c.tokens[start].start,
                end=c.tokens[c.at - 1].end,
            )
        return found


def _join(word, parts):
    return {word: parts}


def _deny(grammar, tree):
    return {"not": tree}


def _numeric(c, field):
    return c.look().kind == "number" and field.type in NUMERIC
