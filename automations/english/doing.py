"""Steps on entries, in sentences: add, set, change, delete, find."""

from automations.scope import template

ADD = ("add", "create", "make", "insert")
GIVEN = ("with", "where", ":", "having")
SETS = ("=", "to", "as", ":=", "is", ":")
COUNTED = {"increase": "plus", "raise": "plus", "decrease": "minus", "reduce": "minus"}


class Doing:
    """The rules for steps on entries; mixed into the grammar. Each returns a step or None."""

    def add_entry(self):
        """Read “add an entry to Tasks with What = “…” and Due = in 3 days”."""
        c, start = self.c, self.c.at
        if not c.said(*ADD):
            return None
        if c.said("or change", "or update"):
            return self._upsert()
        c.said("a new", "an", "a", "one", "another", "new")
        record = None
        if not c.said("entry", "row", "record", "line"):
            count, found = c.named(self.lex.records)
            if len(found) == 1 and not c.sees("to", "in", "into"):
                c.at += count
                record = found[0]
            elif not c.sees("to", "in", "into"):
                c.name(self.lex.records, "records")
                c.at = start + 1
                c.said("a new", "an", "a", "new")
                raise c.unknown(
                    self.lex.records, "record of this workspace", self.lex.records.shown[:4]
                )
        if c.said("to", "in", "into", "on"):
            record = self._same(record, self.record_name())
        if record is None:
            raise c.stuck("Say to which record.", [f"to {n}" for n in self.lex.records.shown[:4]])
        step = {"type": "create_entry", "record": str(record.pk)}
        if c.said(*GIVEN):
            step["values"] = self.assignments(record)
        return step

    def _upsert(self):
        c = self.c
        c.said("the", "an")
        c.need("entry", "row")
        c.need("of", "in", "to")
        record = self.record_name()
        c.need("with the same", "by", suggestions=["with the same Name: Name = “…”"])
        keys = [self._field(record).key]
        while c.said("and", ","):
            keys.append(self._field(record).key)
        c.need(":", "with")
        step = {"type": "upsert_entry", "record": str(record.pk), "keys": keys}
        return step | {"values": self.assignments(record)}

    def _field(self, record):
        c = self.c
        field = c.name(self.lex.fields(record), "fields")
        if field is None:
            raise c.unknown(self.lex.fields(record), f"field of “{record.name}”")
        return field

    def assignments(self, record):
        """Read “Status = Done, Due = in 3 days and What to “…””; return {key: value}."""
        c, made = self.c, {}
        while True:
            field = self._field(record)
            self._of_that(record)
            if field.kind.computed or field.kind.virtual:
                c.at -= 1
                raise c.stuck(f"“{field.label}” is filled by KDAP.", count=1)
            c.need(*SETS, suggestions=[f"{field.label} = …"])
            start = c.at
            value = self.value(field)
            if c.tokens[start].norm != "json":
                value = self._more_choices(field, value)
            made[field.key] = self.checked(value, field, start)
            here = c.at
            c.said(",")
            c.said("and")
            if c.at == here or not self._assigns(record):
                c.at = here
                return made
            c.said("its", "the", "set", "set its")

    def _of_that(self, record):
        """Read “of that order” behind a field, where that is the entry at hand."""
        c, start = self.c, self.c.at
        if str(record.pk) != str(self.scope.inner) or not (c.said("of") and self._it(record)):
            c.at = start

    def _assigns(self, record):
        """Return whether another “Field = …” begins here."""
        c, start = self.c, self.c.at
        c.said("its", "the")
        count, found = c.named(self.lex.fields(record))
        c.at += count
        self._of_that(record)
        good = bool(found) and c.sees(*SETS) > 0
        c.at = start
        return good

    def _more_choices(self, field, value):
        """Read “A, B and C” for a field of several choices."""
        c = self.c
        if field.type != "choices" or not value or "{{" in str(value):
            return value
        found = [value]
        while True:
            here = c.at
            c.said(",")
            c.said("and")
            more = c.name(self.lex.choices(field), "choices") if c.at != here else None
            if more is None:
                c.at = here
                return found
            found.append(more)

    def set_fields(self):
        """Read “set Status to “Done” and Due = tomorrow”, “mark it as …”, “change its Status to”."""
        c, start = self.c, self.c.at
        verb = c.said("set", "change", "update", "edit", "mark", "fill", "put")
        if not verb:
            return self._counted_up() or self._cleared()
        if found := self._other_entries():
            return found
        c.at = start + 1
        record = self.book.record(self.scope.inner) if self.scope.inner else None
        if record is None:
            c.at = start
            return self._variable(start)
        if self._it(record) and not c.sees("'s", "="):
            if c.said("as"):
                return self._marked(record)
            c.said("in", "of") and self._same(record, self.record_name())
            c.need(
                ":",
                "with",
                "so that",
                "by setting",
                "and set",
                "to",
                suggestions=["with Status = …"],
            )
        else:
            c.said("'s", "its", "the")
        if not self._assigns(record):
            c.said("its", "the")
            raise self._unknown_assignment(record)
        values = self.assignments(record)
        return self._update(record, values)

    def _update(self, record, values):
        step = {"type": "update_entry", "record": str(record.pk)}
        return step | self._entry_at_hand() | {"values": values}

    def _entry_at_hand(self):
        return {"entry": "{{ item }}"} if self.scope.items else {}

    def _unknown_assignment(self, record):
        c = self.c
        count, found = c.named(self.lex.fields(record))
        if found:
            c.at += count
            return c.stuck("Say what it becomes.", [f"set {found[0].label} to …"])
        word = c.look()
        stuck = c.unknown(self.lex.fields(record), f"field of “{record.name}”")
        if word.kind == "word" and c.look(1).norm in ("=", "to"):
            stuck.problem.suggestions.append(f"remember {word.value} = …")
        return stuck

    def _marked(self, record):
        """Read the choice in “mark it as Done”: of the only field that has it."""
        c = self.c
        found = []
        for field in record.structure.fields:
            if field.options.get("choices"):
                count, labels = c.named(self.lex.choices(field))
                found += [(field, labels[0], count)] if len(labels) == 1 else []
        if not found:
            raise c.stuck("No field has this choice.", ["set Status to …"])
        if found[1:]:
            some = [f"set {field.label} to {label}" for field, label, _ in found]
            raise c.stuck("Several fields have this choice.", some, count=found[0][2])
        field, label, count = found[0]
        c.at += count
        return self._update(record, {field.key: label})

    def _other_entries(self):
        """Read “change {find: entries} in Tasks: Status = …”, “set Status of them to Done”."""
        c = self.c
        c.said("the entry", "the entries") if c.look(2).kind in ("ref", "raw") else None
        entry = c.attempt(self.value) if c.look().kind != "text" else None
        if entry is None or "{{" not in str(entry):
            return None
        record = self._record_of(entry)
        if c.said("in"):
            record = self._same(record, self.record_name())
        if record is None or not c.said(":", "with", "to", "so that"):
            return None
        step = {"type": "update_entry", "record": str(record.pk), "entry": entry}
        return step | {"values": self.assignments(record)}

    def _record_of(self, entry):
        """Return the record that a template's entries are of, or None."""
        path = str(entry)[3:-3]
        if path == ".".join(self.scope.root):
            return self.book.record(self.scope.inner) if self.scope.inner else None
        if path in ("trigger.entry", "trigger.entries") and self.scope.record:
            return self.book.record(self.scope.record)
        parts = path.split(".")
        if parts[0] == "steps" and len(parts) == 3 and parts[1] in self.scope.steps:
            found = self.scope.steps[parts[1]][1]
            return self.book.record(found) if found else None
        return None

    def _counted_up(self):
        """Read “increase Stock by 5”."""
        c = self.c
        sum = c.which(COUNTED)
        if sum is None:
            return None
        record = self._at_hand()
        c.said("its", "the")
        field = self._field(record)
        c.need("by", suggestions=["by 5"])
        count = self.count()
        if count is None:
            raise c.stuck("Here a whole number should stand.", ["by 5"])
        path = (*self.scope.root, field.key)
        return self._update(record, {field.key: template(path, f"{sum}: {count}")})

    def _cleared(self):
        c = self.c
        if not c.said("clear", "empty"):
            return None
        record = self._at_hand()
        c.said("its", "the")
        return self._update(record, {self._field(record).key: None})

    def _at_hand(self):
        if not self.scope.inner:
            raise self.c.stuck("There is no entry here whose fields could be named.")
        return self.book.record(self.scope.inner)

    def _variable(self, start):
        """Read “set total = 5” where there is no entry that it could be a field of."""
        c = self.c
        if c.look(1).kind == "word" and c.look(2).norm == "=":
            c.take()
            return {"type": "set", "values": self.named_values()}
        c.at = start + 1
        raise c.stuck("There is no entry here that could be changed.", ["add an entry to …"])

    def delete_entry(self):
        """Read “delete that entry”, “remove the entries found”."""
        c = self.c
        if not c.said("delete", "remove"):
            return None
        c.said("the entry", "the entries") if c.look(2).kind in ("ref", "raw") else None
        start = c.at
        entry = c.attempt(self.value) if c.look().kind != "text" else None
        if entry is None or "{{" not in str(entry):
            c.at = start
            raise c.stuck("Say which entry.", ["that entry", "the entries found"])
        record = self._record_of(entry)
        if c.said("in", "from", "of"):
            record = self._same(record, self.record_name())
        if record is None:
            raise c.stuck("Say of which record.", [f"in {n}" for n in self.lex.records.shown[:3]])
        step = {"type": "delete_entry", "record": str(record.pk)}
        return step if entry == "{{ trigger.entry }}" else step | {"entry": entry}

    def find(self):
        """Read “find Orders where Total is over 100, sorted by Total descending, at most 10”."""
        c = self.c
        if not c.said("find", "look up", "search", "search for", "get all", "get the"):
            return None
        limit = None
        if c.said("up to", "at most", "the first", "first"):
            limit = self.count()
        c.said("all", "every", "the", "any")
        if c.said("entries", "entry", "rows"):
            c.need("of", "in", "from")
        record = self.record_name()
        step = {"type": "find_entries", "record": str(record.pk)}
        if c.said("where", "whose", "that have", "which have", "with"):
            short = c.look(-1).norm == "with"
            step["where"] = self.condition(record, short=short)
        sort = self._sorted(record)
        if sort:
            step["sort"] = sort
        start = c.at
        c.said(",")
        if c.said("at most", "up to", "limited to"):
            limit = self.count()
            if limit is None:
                raise c.stuck("Here a whole number should stand.", ["at most 10"])
        elif limit is None:
            c.at = start
        return step if limit is None else step | {"limit": limit}

    def _sorted(self, record):
        c, sort = self.c, []
        while True:
            start = c.at
            c.said(",")
            if not c.said("sorted by", "ordered by", *(("then by", "and by") if sort else ())):
                c.at = start
                return sort
            key = self._field(record).key
            down = c.said("descending", "newest first", "highest first", "largest first")
            if not down:
                c.said("ascending", "oldest first", "lowest first")
            sort.append(f"-{key}" if down else key)
