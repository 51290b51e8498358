"""Steps that reach outside, in sentences: e-mails, calls of web addresses, Python."""

import json

from automations.english.cursor import Stuck
from automations.english.tokens import unescaped
from automations.scope import template
from automations.steps.mail import Attachment

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD")
FORMATS = {"as csv": "csv", "as xlsx": "xlsx", "as excel": "xlsx", "as json": "json"}
FORMATS |= {"as a csv file": "csv", "as an excel file": "xlsx", "as a spreadsheet": "xlsx"}
MAIL = ("e-mail", "email", "mail", "message", "e-mails")
SAYING = ("saying", "that says", "with the text", "with the body", "with the message", "with text")
SAYING += ("with body", "and the text", "and text", "and the body", "and the message", "and body")
SUBJECT = ("with the subject", "with subject", "the subject", "subject", "and the subject")
ATTACH = ("attaching", "with", "and attach", "attach", "and")


class Sending:
    """The rules for steps that reach outside; mixed into the grammar."""

    def send_email(self):
        """Read “send an e-mail to … with the subject “…” saying “…” attaching an export of …”."""
        c, start = self.c, self.c.at
        if c.said("send"):
            c.said("an", "a", "the", "this")
            if not c.said(*MAIL):
                c.at = start
                return None
            c.need("to", suggestions=["to a@example.com", "to its E-mail"])
        elif c.said("e-mail", "email", "mail", "notify", "inform", "tell"):
            c.said("to")
        else:
            return None
        step = {"type": "send_email", "to": self._recipients()}
        while self._mail_part(step):
            pass
        if "subject" not in step:
            raise c.stuck("Give the e-mail a subject.", ["with the subject “…”"])
        return step

    def _mail_part(self, step):
        """Read one more thing about the e-mail; return whether there was one."""
        c, start = self.c, self.c.at
        c.said(",")
        if c.said("cc", "with cc to", "with a copy to", "and a copy to", "and cc"):
            c.said("to", ":")
            step["cc"] = self._recipients()
        elif c.said("answers go to", "with answers to"):
            step["reply_to"] = self._recipients()[0]
        elif c.said(*SUBJECT) and self._text_here(":"):
            step["subject"] = self.text()
        elif (c.said(*SAYING) and self._text_here(":")) or self._text_here(":"):
            step["body"] = self.text()
        elif c.sees("through"):
            step |= self.through()
        elif c.sees("(sent again when nobody knows whether it went)"):
            c.said("(sent again when nobody knows whether it went)")
            step["when_unknown"] = "again"
        elif found := self._attached(step):
            step["attachments"] = [*step.get("attachments", ()), found]
        else:
            c.at = start
            return False
        return True

    def _text_here(self, mark):
        start = self.c.at
        self.c.said(mark)
        if self.c.look().kind in ("text", "ref", "raw", "open"):
            return True
        self.c.at = start
        return False

    def _recipients(self):
        """Read addresses, people of the workspace, and fields that hold addresses."""
        c, found = self.c, []
        while True:
            found.append(self._recipient())
            start = c.at
            c.said(",")
            c.said("and")
            c.said("to")
            if c.at == start or not self._recipient_here():
                c.at = start
                return found

    def _recipient(self):
        c = self.c
        token = c.look()
        if token.kind == "open":
            raise c.stuck("This quotation mark is never closed.", count=1)
        if token.kind in ("email", "ref", "raw"):
            return self.value()
        if token.kind == "text" and ("@" in token.value or "{" in token.value):
            return self.value()
        start = c.at
        c.said("the field", "the address in", "the address in its")
        for rule in (self._own, lambda _: self._bare()):
            here = c.at
            found = c.attempt(rule, None)
            if found and "{{" in str(found[0]) and found[0].count(".") > 0:
                return found[0]
            c.at = here
        c.at = start
        if c.said("the owner", "me"):
            raise c.stuck("Give the address or the name of a member.", count=1)
        user = c.name(self.lex.people, "people")
        if user is None:
            raise c.unknown(self.lex.people, "member of this workspace", ["a@example.com"])
        return user.email

    def _recipient_here(self):
        start = self.c.at
        try:
            return self._recipient() is not None
        except Stuck:
            return False
        finally:
            self.c.at = start

    def _attached(self, step):
        """Read “attaching an export of Orders as XLSX where (…)”."""
        c, start = self.c, self.c.at
        c.said(*ATTACH)
        c.said("attached")
        if not c.said(
            "an export of", "the export of", "a list of", "all entries of", "the entries of"
        ):
            c.at = start
            return None
        record = self.record_name()
        found = {"record": str(record.pk)}
        if format := c.which(FORMATS):
            found["format"] = format
        if c.said("where", "whose"):
            bracketed = c.sees("(")
            found["where"] = self.condition(record)
            if not bracketed and (format := c.which(FORMATS)):
                found["format"] = format
        sort = self._sorted(record)
        found |= {"sort": sort} if sort else {}
        here = c.at
        if c.said(", named", "named") and c.look().kind == "text":
            found["name"] = self.text()
        else:
            c.at = here
        c.said("attached", "as an attachment")
        usual = Attachment.model_fields["format"].default
        return {key: value for key, value in found.items() if (key, value) != ("format", usual)}

    # Calls

    def http_request(self):
        """Read “call https://… by POST, headers “X-Key” = “…”, with order = its Order ID”."""
        c, start = self.c, self.c.at
        method = self._method()
        if method is None:
            return None
        token = c.look()
        if token.kind == "url":
            c.take()
            url = self.text_of(token.value, token.start)
        elif token.kind == "text" or (token.kind in ("ref", "raw") and method != "DELETE"):
            url = self.value()  # “delete {step: entry}” is about an entry
        else:
            c.at = start
            if not c.sees("call", "post", "put", "patch"):
                return None
            c.take()
            c.said("to")
            raise c.stuck("Here a web address should stand.", ["https://example.com/…"])
        if c.said("by", "using") or (c.sees("with") and c.look(1).norm.upper() in METHODS):
            c.said("with")
            method = self._verb() or method
        step = {"type": "http_request", "url": url}
        step |= {} if method == "POST" else {"method": method}
        return step | self.through() | self._call_parts()

    def _method(self):
        """Read “call”, “post to”, “send a POST request to”; return the method or None."""
        c = self.c
        if c.said("call", "call the address", "call the webhook"):
            return "POST"
        if c.said("send a", "send an", "make a"):
            found = self._verb() or "POST"
            return (
                found if c.said("request to", "call to", "webhook to", "webhook call to") else None
            )
        for method in METHODS:
            if c.sees(method.lower()):
                c.take()
                c.said("to", "from")
                return method
        return None

    def _verb(self):
        word = self.c.look().norm.upper()
        return self.c.take().norm.upper() if word in METHODS else None

    def _call_parts(self):
        c, found = self.c, {}
        while True:
            start = c.at
            c.said(",")
            if c.said("headers", "with headers", "with the headers", "with the header"):
                found["headers"] = self.named_values()
            elif c.said("with the body", "with body", "and the body"):
                found["body"] = self._pairs() or self.value()
            elif c.said("with", "sending"):
                found["body"] = self._body()
            elif c.said("signed"):
                found["signed"] = True
            elif c.said("accepting any status"):
                found["any_status"] = True
            elif c.said("accepting an answer that is cut"):
                found["accept_cut"] = True
            elif c.said("waiting up to"):
                found["timeout"] = self.count()
                c.need("seconds", "second")
            elif c.said("(called again when nobody knows whether it arrived)"):
                found["when_unknown"] = "again"
            else:
                c.at = start
                return found

    def _body(self):
        """Read JSON, a text, an entry, or “name = value” pairs."""
        c = self.c
        if pairs := self._pairs():
            return pairs
        record = self.book.record(self.scope.inner) if self.scope.inner else None
        if c.said("its", "the") and record is not None and not c.sees("entry"):
            c.at -= 1
            fields = self._fields_sent(record)
            if fields:
                return fields
        return self.value()

    def _pairs(self):
        """Read “name = value” pairs or JSON, if they stand here."""
        c = self.c
        if c.look().kind in ("word", "text") and c.look(1).norm in ("=", ":="):
            return self.named_values()
        return self.json_here() if c.look().norm == "{" else None

    def _fields_sent(self, record):
        """Read “its Order ID, Freight and Status” as {key: value}."""
        c, start, made = self.c, self.c.at, {}
        if not c.said("its"):
            return None
        while True:
            field = c.name(self.lex.fields(record), "fields")
            if field is None:
                c.at = start
                return None
            made[field.key] = template((*self.scope.root, field.key))
            here = c.at
            c.said(",")
            c.said("and")
            c.said("its")
            if c.at == here or not c.named(self.lex.fields(record))[1]:
                c.at = here
                break
        return made

    def json_here(self):
        """Read JSON from here; names in braces inside of its texts are filled in. Raises Stuck."""
        c = self.c
        begin = c.look().start
        try:
            made, end = json.JSONDecoder().raw_decode(c.text[begin:])
        except (ValueError, RecursionError):
            raise c.stuck("This is no JSON.", ['{"order": "{Order ID}"}'], count=1) from None
        while c.look().start < begin + end and c.look().kind != "end":
            c.take()
        try:
            return self._filled(made, begin)
        except Stuck as stuck:
            raise c.stuck(
                stuck.problem.message, stuck.problem.suggestions, start=begin, end=begin + end
            ) from None
        except RecursionError:
            raise c.stuck("This JSON nests too deep.", start=begin, end=begin + end) from None

    def _filled(self, made, begin):
        if isinstance(made, str):
            return self.text_of(made, begin)
        if isinstance(made, list):
            return [self._filled(item, begin) for item in made]
        if isinstance(made, dict):
            return {key: self._filled(item, begin) for key, item in made.items()}
        return made

    def code(self):
        """Read “run the Python “result = 1” with x = its Price”."""
        c = self.c
        if not c.said("run the python", "run this python", "run python"):
            return None
        c.said(":")
        token = c.look()
        if token.kind != "text":
            raise c.stuck("Here Python should stand in quotation marks.", ["“result = 1 + 1”"])
        c.take()
        step = {"type": "code", "code": unescaped(token.value)}
        return step | ({"input": self.named_values()} if c.said("with") else {})
