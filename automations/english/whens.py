"""What starts a workflow, in sentences: “When an order is added and Freight is over 100”."""

from automations.english.forms import Forms
from automations.english.words import listed, near

WHEN = ("when", "whenever", "once", "as soon as", "each time", "every time", "if", "any time")
SUFFIXES = ("when", "whenever", "as soon as", "each time", "every time", "every", "daily", "weekly")
CREATED = ("is added", "is created", "is made", "is inserted", "arrives", "comes in", "is entered")
CREATED += ("are added", "are created", "has been added", "was added", "gets added", "is submitted")
UPDATED = ("is changed", "is updated", "is edited", "is modified", "changes", "are changed")
UPDATED += ("has been changed", "gets changed")
DELETED = ("is deleted", "is removed", "are deleted", "has been deleted", "gets deleted")
ENTERS = ("begins to match", "starts to match", "enters the filter", "comes to match")
LEAVES = ("no longer matches", "leaves the filter", "ceases to match", "stops matching")
FALLS = ("falls below", "drops below", "goes below", "sinks below", "falls under", "drops under")
FALLS += ("gets below", "is running below")
RISES = ("rises above", "goes above", "exceeds", "goes over", "climbs above", "rises over")
RISES += ("gets above", "grows above")
BECOMES = ("becomes", "is set to", "turns to", "turns into", "changes to", "is changed to")
ONCE = ("(once for all entries of an operation)", "(once for all)", "(once for all of them)")
MOMENTS = {"minute": "minutes", "hour": "hours", "day": "days", "week": "weeks"}
MOMENTS |= {plural: plural for plural in MOMENTS.values()}
EXAMPLES = [
    "When an entry is added to Orders",
    "When Status of an order changes to “Shipped”",
    "Every Monday at 8:00",
    "When somebody presses the button",
]


class Whens(Forms):
    """The rules for triggers; mixed into the grammar."""

    def trigger(self):
        """Read what starts the workflow; return it as JSON. Raises Stuck."""
        c, start = self.c, self.c.at
        if c.said(*WHEN):
            return self._event()
        found = self.schedule() or self._date_reached()
        if found is None:
            c.at = start
            raise c.stuck("Say first when it should start.", self._some())
        return found

    def _some(self):
        shown = self.lex.records.shown
        name = shown[0] if shown else None
        return [f"When an entry is added to {name}", *EXAMPLES[2:]] if name else EXAMPLES[2:]

    def _event(self):
        c, start = self.c, self.c.at
        for rule in (
            self.form_received,
            self._button,
            self._webhook,
            self._run_failed,
            self._called,
        ):
            c.at = start
            if found := rule():
                return found
        c.at = start
        if found := self._of_entry():
            return found
        c.at = start
        return self._of_field()

    # Without a record

    def _button(self):
        c = self.c
        people = ("somebody", "someone", "a person", "anybody", "i", "a user", "a member")
        if c.said(*people):
            c.need("presses", "clicks", "pushes", "press", "hits")
        else:
            c.said("its", "the", "a")
            return {"type": "button"} if c.said("button is pressed", "button is clicked") else None
        c.said("its", "the", "a", "this")
        c.need("button")
        if not c.said("on", "of", "for"):
            return {"type": "button"}
        c.said("entries of", "entries in", "an entry of", "an entry in", "a", "an", "chosen")
        record = self.record_name()
        return {"type": "button", "record": str(record.pk)} | self._where(record)

    def _webhook(self):
        c = self.c
        c.said("its", "the", "a", "this")
        if not c.said("webhook is called", "webhook is received", "webhook receives a call"):
            return None
        made = {"type": "webhook"}
        if c.said("with a valid signature", "with a signature"):
            made["signed"] = True
        if c.said("(the caller waits for the result)", "and the caller waits for the result"):
            made["answer"] = "result"
        return made

    def _run_failed(self):
        c = self.c
        if c.said("a run fails", "any run fails", "another run fails", "any workflow fails"):
            return {"type": "run_failed"}
        c.said("a run of", "any run of", "another run of")
        if c.said("any workflow fails", "another workflow fails", "a workflow fails"):
            return {"type": "run_failed"}
        if c.said("the workflow"):
            found = self.workflow_name()
            c.need("fails")
            return {"type": "run_failed", "workflow": str(found.pk)}
        return None

    def _called(self):
        c = self.c
        names = ("another workflow calls it", "another workflow calls this", "it is called")
        if c.said("it is called by another workflow", "called by another workflow", *names):
            return {"type": "called"}
        return None

    # About entries

    def record_name(self):
        """Read the name of a record, singular or plural; raise Stuck."""
        c = self.c
        record = c.name(self.lex.records, "records")
        if record is None:
            raise c.unknown(
                self.lex.records, "record of this workspace", self.lex.records.shown[:5]
            )
        return record

    def _entries(self):
        """Read “an entry of Orders”, “an order”, “entries”; return (record or None, found)."""
        c, start = self.c, self.c.at
        c.said("a new", "a", "an", "any", "another", "the", "some", "new", "one")
        if c.said("entry", "entries", "row", "rows", "record", "records"):
            if c.said("of", "in", "to", "from"):
                return self.record_name(), True
            return None, True
        count, found = c.named(self.lex.records)
        if len(found) == 1:
            c.at += count
            return found[0], True
        if found:
            c.name(self.lex.records, "records")
        c.at = start
        return None, False

    def _of_entry(self):
        """Read “an order is added”, “an entry is deleted from Orders”, “an order's Status …”."""
        c, start = self.c, self.c.at
        record, found = self._entries()
        if not found:
            return None
        if record is not None and c.said("'s", "'"):
            return self._what_field_does(record, c.name(self.lex.fields(record), "fields"))
        for kind, verbs, to in KINDS:
            if c.said(*verbs):
                if record is None or c.sees(*to):
                    c.need(
                        *to, suggestions=[f"is added to {n}" for n in self.lex.records.shown[:3]]
                    )
                    record = self._same(record, self.record_name())
                return self._rest({"type": kind, "record": str(record.pk)}, record)
        for kind, verbs in (("enters_filter", ENTERS), ("leaves_filter", LEAVES)):
            if record is not None and c.said(*verbs):
                c.said(":")
                made = {"type": kind, "record": str(record.pk)}
                made["where"] = self.condition(record, fixed=True)
                return made | self._each()
        if record is None:
            raise c.stuck("Say what happens to the entry, and of which record.", EXAMPLES[:2])
        after, c.at = c.at, start
        c.said("the")
        if c.named(self.lex.all_fields)[1]:
            return None
        c.at = after
        some = [f"{verb}" for verb in ("is added", "is changed", "is deleted", "begins to match …")]
        raise c.stuck(f"What happens to an entry of “{record.name}”?", some)

    def _same(self, record, other):
        if record is not None and record != other:
            self.c.at -= 1
            raise self.c.stuck(f"This is about “{record.name}”, not about “{other.name}”.", count=1)
        return other

    def _of_field(self):
        """Read “Stock of a product falls below 10”, “Status or Total of an order is changed”."""
        c, start = self.c, self.c.at
        c.said("the")
        count, found = c.named(self.lex.all_fields)
        if not found:
            c.at = start
            raise self._nothing_known()
        first = c.at
        c.at += count
        labels = [first]
        while c.sees("or", ",") and len(labels) < 500:
            here = c.at
            c.said(",")
            c.said("or")
            size, more = c.named(self.lex.all_fields)
            if not more:
                c.at = here
                break
            labels.append(c.at)
            c.at += size
        record = self._whose(found, first, count)
        after, fields = c.at, []
        for place in labels:
            c.at = place
            field = c.name(self.lex.fields(record), "fields")
            if field is None:
                raise c.unknown(self.lex.fields(record), f"field of “{record.name}”")
            fields.append(field)
        c.at = after
        if fields[1:]:
            c.need("is changed", "changes", "are changed", "change")
            made = {"type": "entry_updated", "record": str(record.pk)}
            return self._rest(made | {"fields": [field.key for field in fields]}, record)
        return self._what_field_does(record, fields[0])

    def _nothing_known(self):
        c = self.c
        c.said("a new", "a", "an", "any", "another", "the", "new")
        names = [*self.lex.records.shown, *self.lex.all_fields.shown]
        words = c.words(c.run())
        close = near(words, names) or near(c.look().norm, names)
        message = f"“{words}” is no record or field of this workspace."
        if close:
            message += f" Did you mean {listed(close)}?"
        return c.stuck(message, close or self._some())

    def _whose(self, found, first, count):
        """Read “of an order” behind a field; where nothing stands there, only one may have it."""
        c = self.c
        here = c.at
        if c.said("of", "in"):
            record, _ = self._entries()
            if record is None:
                raise c.unknown(self.lex.records, "record of this workspace")
            return record
        c.at = here
        records = list(dict.fromkeys(record for record, _ in found))
        if len(records) == 1:
            return records[0]
        label = found[0][1].label
        c.at = first
        raise c.stuck(
            f"Several records have “{label}”. Say which you mean.",
            [f"{label} of an entry of {self.book.name(record.pk)}" for record in records[:5]],
            count=count,
        )

    def _what_field_does(self, record, field):
        c = self.c
        if field is None:
            raise c.unknown(self.lex.fields(record), f"field of “{record.name}”")
        start = c.at
        made = {"type": "field_changed", "record": str(record.pk), "field": field.key}
        enters = {"type": "enters_filter", "record": str(record.pk)}
        for verbs, op in ((FALLS, "lt"), (RISES, "gt")):
            if c.said(*verbs):
                self._ordered(field, start)
                value = self.value(field)
                where = {"field": field.key, "op": op, "value": value}
                return self._with_more(enters, record, self._moving(where, True, c.at - 1))
        if c.said(*BECOMES):
            return self._rest(made | {"now": self._literal(field)}, record)
        if c.said("is reached", "arrives", "comes", "has come"):
            return self._at_field(record, field)
        if c.said("is changed", "is edited", "is updated"):
            if not c.sees("from"):
                made = {"type": "entry_updated", "record": str(record.pk), "fields": [field.key]}
                return self._rest(made, record)
        elif not c.said("changes"):
            self.before = field
            self.about = record
            where = self._compared(field, True, False)
            return self._with_more(enters, record, where)
        if c.said("from"):
            made["was"] = self._literal(field)
        if c.said("to"):
            made["now"] = self._literal(field)
        return self._rest(made, record)

    def _with_more(self, enters, record, where):
        """Read further conditions behind the first of a filter that is entered."""
        more = self._where(record).get("where")
        made = enters | {"where": {"and": [where, more]} if more else where}
        return made | self._each()

    def _ordered(self, field, start):
        if not any(operator.key == "lt" for operator in field.kind.operators):
            end = self.c.look(-1).end
            begin = self.c.tokens[start].start
            raise self.c.stuck(f"“{field.label}” can't fall or rise.", start=begin, end=end)

    def _literal(self, field):
        start = self.c.at
        made = self.value(field)
        if "{{" in str(made):
            self._moving({"value": made}, True, start)
        return self.checked(made, field, start)

    def _rest(self, made, record):
        return made | self._where(record) | self._each()

    def _where(self, record):
        """Read the condition that may follow: “and Freight is over 100”, “with Stock below 5”."""
        c, start = self.c, self.c.at
        comma = c.said(",")
        words = ("where", "whose", "but only if", "while", *(() if comma else ("if",)))
        if c.said("and if", *words) or self._and_condition(record):
            return {"where": self.condition(record, fixed=True)}
        if c.said("with", "having"):
            return {"where": self.condition(record, fixed=True, short=True)}
        c.at = start
        return {}

    def _and_condition(self, record):
        """Take an “and” behind which a condition begins, not a step."""
        c, start = self.c, self.c.at
        self.about, self.before = record, None
        if c.said("and") and self._goes_on("and"):
            return True
        c.at = start
        return False

    def _each(self):
        return {"each": "operation"} if self.c.said(*ONCE) else {}

    # Dates

    def _date_reached(self):
        """Read “3 days before Due date of a task at 9:00”, “on the Due date of a task”."""
        c, start = self.c, self.c.at
        count = self.count()
        unit = MOMENTS.get(c.look().norm) if count is not None else None
        side = 0
        if unit:
            c.take()
            side = c.which({"before": -1, "after": 1, "ahead of": -1})
            if side is None:
                raise c.stuck("Before or after what?", ["3 days before Due date of a task"])
        elif count is not None or not c.said("on"):
            c.at = start
            return None
        c.said("the")
        entry_first = c.at
        record, _ = self._entries()
        if record is not None and c.said("'s"):
            field = c.name(self.lex.fields(record), "fields")
        else:
            c.at = entry_first
            size, found = c.named(self.lex.all_fields)
            if not found:
                if not unit:
                    c.at = start
                    return None
                raise c.unknown(self.lex.all_fields, "field of this workspace")
            c.at += size
            record = self._whose(found, entry_first, size)
            after, c.at = c.at, entry_first
            field = c.name(self.lex.fields(record), "fields")
            c.at = after
        if field is None:
            raise c.unknown(self.lex.fields(record), f"field of “{record.name}”")
        days = 7 if unit == "weeks" else 1
        return self._at_field(record, field, side * (count or 0) * days, unit)

    def _at_field(self, record, field, offset=0, unit=None):
        c = self.c
        if field.type not in ("date", "datetime"):
            c.at -= 1
            raise c.stuck(f"“{field.label}” holds no dates.", count=1)
        made = {"type": "date_reached", "record": str(record.pk), "field": field.key}
        if offset:
            made |= {"offset": offset, "unit": {"weeks": "days"}.get(unit, unit)}
        start = c.at
        c.said(",")
        if c.said("at"):
            made["at"] = self.time_of_day()
        else:
            c.at = start
        if zone := self.time_zone():
            made["timezone"] = zone
        elif field.type == "date":
            made["timezone"] = self.zone
        return made | self._where(record)


KINDS = (
    ("entry_created", CREATED, ("to", "in", "into")),
    ("entry_updated", UPDATED, ("in", "of")),
    ("entry_deleted", DELETED, ("from", "in", "of")),
)
