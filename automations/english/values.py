"""Values in sentences: texts, numbers, dates, choices, people, and what steps before gave."""

import re
from decimal import Decimal

from automations.english.phrases import DATED
from automations.english.tokens import pieces
from automations.english.words import listed
from automations.scope import template
from automations.template_parser import Path, parse
from automations.template_values import TemplateError
from records.fields import Refused

SMALL = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
SMALL += ("eleven", "twelve")
COUNTS = {word: number for number, word in enumerate(SMALL)}
MONEY = {"$": "USD", "€": "EUR", "£": "GBP", "¥": "JPY", "dollars": "USD", "euros": "EUR"}
SUMS = {"plus": "plus", "minus": "minus", "times": "times", "divided by": "divided_by"}
SUMS |= {"+": "plus", "*": "times"}
IN_QUOTES = "Put texts in quotation marks, as “…”."


class Values:
    """The rules for values; mixed into the grammar, which has a cursor `c`, `lex` and `scope`."""

    def value(self, field=None):
        """Read a value, for `field` if it is one's; return it as definitions have it."""
        c = self.c
        token = c.look()
        if token.kind == "text":
            return self._quoted(field)
        if token.kind == "open":
            raise c.stuck("This quotation mark or bracket is never closed.", count=1)
        if token.kind in ("raw", "ref"):
            c.take()
            return self.placeholder(token)
        if token.kind == "email" and field is not None and field.kind.editor == "user":
            return str(self._one_named(self.lex.people, "people", field).pk)
        if token.kind in ("email", "url"):
            c.take()
            return self.text_of(token.value, token.start)
        for rule in (self._json, self._moment, self._own, self._known, self._number):
            start = c.at
            found = rule(field)
            if found is not None:
                return found[0]
            c.at = start
        raise self._no_value(field)

    def _no_value(self, field):
        c = self.c
        if c.look().kind in ("line", "end", "mark"):
            return c.stuck("Here a value is missing.", ["“a text”", "10", "today", "in 3 days"])
        if field is not None and field.options.get("choices"):
            return c.unknown(self.lex.choices(field), f"choice of “{field.label}”")
        words = c.words(c.run())
        if field is not None and field.kind.editor == "user":
            return c.unknown(self.lex.people, "member of this workspace")
        near = []
        if self.scope.inner:
            record = self.book.record(self.scope.inner)
            near = [f"its {name}" for name in self.lex.fields(record).near(words)]
        message = f"“{words}” is no value that I know. {IN_QUOTES}"
        return c.stuck(message, [f"“{words}”", *near])

    # Texts

    def _quoted(self, field):
        c = self.c
        token = c.look()
        made = self.text_of(token.value, token.start + 1)
        if field is not None and "{{" not in made:
            if field.options.get("choices"):
                return self._one_named(self.lex.choices(field), "choices", field)
            if field.kind.editor == "user":
                return str(self._one_named(self.lex.people, "people", field).pk)
        c.take()
        return made

    def _one_named(self, names, what, field):
        """Read the name of a choice or person in quotation marks."""
        found = self.c.name(names, what)
        if found is not None:
            return found
        missing = "member of this workspace" if what == "people" else f"choice of “{field.label}”"
        raise self.c.unknown(names, missing)

    def text(self):
        """Read a text in quotation marks, or a name in braces; return it as a template."""
        token = self.c.look()
        if token.kind in ("text", "raw", "ref", "open"):
            return self.value()
        raise self.c.stuck(f"Here a text in quotation marks should stand. {IN_QUOTES}")

    def text_of(self, text, offset):
        """Return what stands in quotation marks as a template, with {names} as paths."""
        parts = []
        for kind, value, start, end in pieces(text, offset):
            if kind == "plain":
                parts.append(value)
            elif kind == "raw":
                parts.append(self._checked(value, start, end))
            else:
                parts.append(self.named_path(value, start, end))
        return "".join(parts)

    def placeholder(self, token):
        """Return the template of a ref or raw token."""
        if token.kind == "raw":
            return self._checked(token.value, token.start, token.end)
        return self.named_path(token.value, token.start, token.end)

    def named_path(self, name, start, end):
        """Return the template for a {name}, filters included; raise Stuck for unknown ones."""
        word, bar, filters = name.partition("|")
        path = self.scope.path(word)
        if path is None:
            raise self._no_name(word.strip(), start, end)
        made = "{{ " + str(Path(path)) + (f" | {filters.strip()}" if bar else "") + " }}"
        return self._checked(made, start, end)

    def _checked(self, template, start, end):
        try:
            parse(template)
        except TemplateError as error:
            raise self.c.stuck(error.detail, start=start, end=end) from None
        return template

    def _no_name(self, name, start, end):
        record = self.book.record(self.scope.inner) if self.scope.inner else None
        message = f"“{name}” is nothing that is known here."
        if record is None:
            message += " There is no entry here whose fields could be named."
            return self.c.stuck(message, start=start, end=end)
        near = self.lex.fields(record).near(name)
        message = f"“{name}” is no field of “{record.name}”."
        message += f" Did you mean {listed(near)}?" if near else ""
        near = near or [field.label for field in record.structure.fields[:3]]
        plain = "To write a brace itself put \\ before it."
        suggestions = ["{" + label + "}" for label in near]
        return self.c.stuck(f"{message} {plain}", suggestions, start=start, end=end)

    # JSON

    def _json(self, field):
        return (self.json_here(),) if self.c.said("json") else None

    # What entries and steps hold

    def _own(self, field):
        """Read “its Price”, “the order's Price”, “that entry”, “the entries found”."""
        c = self.c
        start = c.at
        if c.said("all those entries", "those entries", "all of those entries"):
            if self.scope.whole:
                return ("{{ trigger.entries }}",)
            c.at = start
            return None
        for phrases, types, what in FOUND:
            if c.said(*phrases) and (last := self.scope.last(*types)):
                return self._sum(("steps", last[0], what), last[1])
            c.at = start
        record = self.book.record(self.scope.inner) if self.scope.inner else None
        if c.said("its", "their"):
            if record is None:
                c.at = start
                raise c.stuck("There is no entry here whose fields could be named.", count=1)
            return self._sum(self.scope.root, record.pk, named=True)
        if self._it(record):
            return self._sum(self.scope.root, record.pk)
        c.at = start
        if record is not None and (found := self._of_it(record)):
            return found
        c.at = start
        return None

    def _it(self, record):
        """Read words for the entry at hand: “that entry”, “the order”, “it”."""
        c, start = self.c, self.c.at
        if record is None:
            return False
        if c.said("it", "that one"):
            return True
        if c.said("that", "this", "the"):
            if c.said("entry", "row", "record", "item"):
                return True
            count, found = c.named(self.lex.records)
            if found == [record]:
                c.at += count
                return True
        c.at = start
        return False

    def _of_it(self, record):
        """Read “Price of that order”."""
        c = self.c
        c.said("the")
        count, found = c.named(self.lex.fields(record))
        if len(found) != 1:
            return None
        c.at += count
        if not (c.said("of") and self._it(record)):
            return None
        return self._summed((*self.scope.root, found[0].key))

    def _sum(self, path, record_id, named=False):
        """Read the field that may follow an entry, and a sum: “its Price plus 3”."""
        c = self.c
        record = self.book.record(record_id) if record_id else None
        named = named or (record is not None and c.said("'s"))
        if not named:
            return (template(path),)
        field = c.name(self.lex.fields(record), "fields")
        if field is None:
            raise c.unknown(self.lex.fields(record), f"field of “{record.name}”")
        return self._summed((*path, field.key))

    def _summed(self, path):
        c, start = self.c, self.c.at
        sum = c.which(SUMS)
        count = self.count() if sum else None
        if count is None:
            c.at = start
            return (template(path),)
        return (template(path, f"{sum}: {count}"),)

    def _bare(self):
        """Read the label of a field of the entry at hand, where nothing else can stand."""
        c, record = self.c, self.book.record(self.scope.inner) if self.scope.inner else None
        c.said("the")
        field = c.name(self.lex.fields(record), "fields") if record else None
        return (template((*self.scope.root, field.key)),) if field else None

    # Choices, people, yes and no

    def _known(self, field):
        c = self.c
        if field is not None and field.options.get("choices"):
            label = c.name(self.lex.choices(field), "choices")
            if label is not None:
                return (label,)
        if field is not None and field.kind.editor == "user":
            user = c.name(self.lex.people, "people")
            if user is not None:
                return (str(user.pk),)
        if c.said("empty", "nothing"):
            return (None,)
        if field is None or field.type in ("boolean", "json"):
            if c.said("yes", "true", "checked"):
                return (True,)
            if c.said("no", "false", "unchecked"):
                return (False,)
        return None

    # Numbers

    def count(self):
        """Read a whole number in digits or words; return it or None."""
        token = self.c.look()
        if token.kind == "number" and token.value == int(token.value):
            return int(self.c.take().value)
        if token.kind == "word" and token.norm in COUNTS:
            self.c.take()
            return COUNTS[token.norm]
        return None

    def _number(self, field):
        c, start = self.c, self.c.at
        first = c.look()
        negative = c.said("-", "−", "minus")
        money = MONEY.get(c.look().norm) if c.look().kind == "mark" else None
        if money:
            c.take()
        token = c.kind("number")
        if token is None:
            count = self.count()
            if count is None:
                c.at = start
                return None
            number = Decimal(count)
        else:
            number = token.value
        percent = c.said("%", "percent")
        money = money or self._currency(field)
        number = -number if negative else number
        self._fits(number, percent, money, field, first)
        number = number / 100 if percent else number
        if number == int(number) and len(str(int(number))) < 19:
            return (int(number),)
        return (float(number) if Decimal(str(float(number))) == number else str(number),)

    def _currency(self, field):
        c, token = self.c, self.c.look()
        if token.norm in MONEY:
            return MONEY[c.take().norm]
        if token.kind == "word" and re.fullmatch(r"[A-Z]{3}", str(token.value)):
            known = field.options.get("currency") if field is not None else ""
            if token.value == known or token.value in MONEY.values():
                return c.take().value
        return None

    def _fits(self, number, percent, money, field, first):
        """Raise Stuck for a number that its field could mean in two ways, or can't take."""
        c, end = self.c, self.c.tokens[self.c.at - 1].end
        if field is None:
            return
        if money and field.options.get("currency") not in (None, money):
            known = field.options["currency"]
            message = f"“{field.label}” is in {known}, not in {money}."
            raise c.stuck(message, [f"{number} {known}"], start=first.start, end=end)
        if field.type == "percent" and not percent and abs(number) > 1:
            message = f"“{field.label}” is a share: say {number}% or {number / 100}."
            raise c.stuck(message, [f"{number}%"], start=first.start, end=end)
        if field.type in DATED or field.options.get("choices") or field.type == "boolean":
            raise c.stuck(f"“{field.label}” holds no numbers.", start=first.start, end=end)
        if field.type in ("text", "long_text", "email", "url", "phone"):
            words = c.text[first.start : end]
            message = f"“{field.label}” holds texts. {IN_QUOTES}"
            raise c.stuck(message, [f"“{words}”"], start=first.start, end=end)

    def checked(self, value, field, start):
        """Raise Stuck when a literal can't be a cell of `field`; return the value."""
        if value is None or (isinstance(value, str) and "{{" in value):
            return value
        try:
            field.kind.clean(value, field)
        except Refused as error:
            c = self.c
            end = c.tokens[c.at - 1].end
            raise c.stuck(str(error), start=c.tokens[start].start, end=end) from None
        return value


# Words for what a step before found or made: (phrases, types of steps, which of its outputs).
FOUND = (
    (
        (
            "the entries found",
            "the found entries",
            "them",
            "those",
            "all of them",
            "the ones found",
        ),
        ("find_entries",),
        "entries",
    ),
    (("the entry found", "the found entry"), ("find_entries",), "entry"),
    (("the new entry", "the created entry", "the entry added"), ("create_entry",), "entry"),
)
