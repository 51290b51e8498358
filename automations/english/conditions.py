"""Conditions in sentences: on the fields of an entry, and between values."""

from functools import cache

from automations import comparing
from automations.english.cursor import Stuck
from automations.english.values import DATED, NUMERIC
from automations.english.words import key_of
from automations.scope import template

# What people say beside the sentences that the operators have themselves (records/operators.py).
ALSO = {
    "is": ("=", "==", "equals", "is equal to", "are", "is exactly"),
    "is_not": ("!=", "≠", "<>", "isn't", "does not equal", "doesn't equal", "is different from"),
    "lt": ("<", "is below", "is under", "is lower than", "is smaller than", "is fewer than"),
    "lte": ("<=", "≤", "=<", "is not more than", "is no more than", "is up to", "is not above"),
    "gt": (">", "is above", "is over", "is greater than", "is larger than", "is higher than"),
    "gte": (">=", "≥", "is not less than", "is no less than", "is not below"),
    "contains": ("includes", "is containing"),
    "not_contains": ("doesn't contain", "does not include", "doesn't include"),
    "starts": ("begins with",),
    "in": ("is any of", "is in", "is either"),
    "not_in": ("is not one of", "is not in", "is neither", "isn't one of"),
    "filled": ("is not empty", "isn't empty", "is given", "has a value", "is filled in"),
    "empty": ("is not filled", "is blank", "has no value", "is missing"),
    "has": ("is", "contains", "includes", "="),
    "yes": ("is ticked", "is set"),
    "no": ("is unchecked", "is not ticked", "isn't checked", "is not set"),
    "last_days": ("is within the last",),
    "next_days": ("is within the next",),
}
NUMBERS_ALSO = {
    "lt": ("is less than or more than",),
    "lte": ("is less than or equal to",),
    "gt": ("exceeds",),
    "gte": ("is more than or equal to", "is greater than or equal to"),
}
DATES_ALSO = {"lt": ("is earlier than",), "gt": ("is later than",), "gte": ("is from",)}
# After “with”: “with Stock below 10”.
SHORT = {
    "lt": ("below", "under", "less than", "<", "before"),
    "lte": ("at most", "up to", "<=", "≤"),
    "gt": ("above", "over", "more than", ">", "after"),
    "gte": ("at least", ">=", "≥"),
    "between": ("between",),
    "in": ("one of", "in"),
    "is": ("=", "of"),
    "contains": ("containing",),
    "starts": ("starting with", "beginning with"),
    "ends": ("ending with",),
}
VALUE_ALSO = {key: ALSO.get(key, ()) for key in comparing.OPERATORS}
VALUE_ALSO |= {"yes": ("is checked",), "no": ("is not checked", "is not yes")}
OPPOSITE = {"is": "is_not", "contains": "not_contains", "in": "not_in", "filled": "empty"}
OPPOSITE |= {"yes": "no"} | {value: key for key, value in OPPOSITE.items()} | {"no": "yes"}


def phrases(field, short=False):
    """Return {phrase: operator} of what can follow a field's label."""
    return _phrases(field.kind, short)


@cache
def _phrases(kind, short):
    made = {}
    for operator in kind.operators:
        _, _, rest = operator.sentence.partition("{f} ")
        made[rest.partition(" {v}")[0]] = operator
        more = ALSO.get(operator.key, ())
        if kind.key in (*NUMERIC, "duration"):
            more += NUMBERS_ALSO.get(operator.key, ())
        if kind.key in DATED:
            more += DATES_ALSO.get(operator.key, ())
        more += SHORT.get(operator.key, ()) if short else ()
        for phrase in more:
            made.setdefault(phrase, operator)
    return made


class Conditions:
    """The rules for conditions; mixed into the grammar.

    `condition` reads a tree for the entries of a record. `comparison` reads what an “if” asks:
    the same tree about the entry at hand, or a comparison of values. `about` is the record whose
    fields can be named just now, `before` the field named last: “Price is over 5 and below 10”.
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

    # What an “if” asks

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


def _join(word, parts):
    return {word: parts}


def _deny(grammar, tree):
    return {"not": tree}


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


def _numeric(c, field):
    return c.look().kind == "number" and field.type in NUMERIC
