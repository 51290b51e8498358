"""What starts a workflow when a public form is sent: “When the form “Support” is sent”."""

SENT = ("is sent", "is submitted", "is received", "is filled in", "is filled out", "is answered")
SENT += ("was sent", "was submitted", "comes in", "arrives", "gets an answer", "gets submitted")
SENDS = ("sends", "submits", "fills in", "fills out", "answers", "send", "submit", "fill in")
SENDERS = ("somebody", "someone", "a person", "anybody", "anyone", "a customer", "people")
ANSWERS = ("an answer to", "a new answer to", "an answer from", "an answer by", "answers to")
CAME = ("arrives", "comes in", "is received", "is sent", "arrive", "come in")


class Forms:
    """The rules for public forms; mixed into those for triggers."""

    def form_received(self):
        """Read “the form “Support” is sent”, “somebody fills in the Support form” and the like."""
        c, start = self.c, self.c.at
        sends = c.said(*SENDERS) and c.said(*SENDS)
        if not sends:
            c.at = start
        answers = not sends and c.said(*ANSWERS)
        c.said("the", "a", "this", "our")
        form = self._named_form() if c.said("public form", "form") else self._form_so_called()
        if form is None:
            c.at = start
            return None
        if not sends:
            c.need(*(CAME if answers else SENT))
        made = {"type": "form_received", "record": str(form.record_id), "form": str(form.pk)}
        return made | self._where(form.record)

    def _named_form(self):
        """Read the name behind “the form”; None where a record may be called so. Raises Stuck."""
        c = self.c
        count, found = c.named(self.lex.forms)
        if not found:
            if self.lex.records.get(("form",)) and c.look().kind != "text":
                return None
            raise c.unknown(self.lex.forms, "form of this workspace", self.lex.forms.shown[:4])
        c.at += count
        if found[1:]:
            found = self._of_record(found, count)
        return found[0]

    def _of_record(self, forms, count):
        """Read “of “Tickets”” behind a name that several forms have."""
        c, after = self.c, self.c.at
        if c.said("of", "for"):
            record = self.record_name()
            found = [form for form in forms if form.record_id == record.pk]
            if len(found) == 1:
                return found
        c.at = after - count
        names = [f"the form {self.book.form_name(form.pk)}" for form in forms[:4]]
        raise c.stuck(f"There are {len(forms)} forms of this name.", names, count=count)

    def _form_so_called(self):
        """Read “Support form”, the name in front of the word; None where something else stands."""
        c = self.c
        count, found = c.named(self.lex.forms)
        if not found or not c.sees("form", ahead=count):
            return None
        c.at += count
        if found[1:]:
            found = self._of_record(found, count)
        c.take()
        return found[0]
