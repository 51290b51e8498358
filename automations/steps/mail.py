"""The step that sends e-mails, with exports of records attached where wanted."""

from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from automations import checking, mailed_files, mailing, saying
from automations.integrations import using
from automations.parts import Condition, Part, said_condition
from automations.steps.base import Failed, Step, registered, telling
from automations.steps.entries import check_fields
from automations.walls import CallFailed
from records.exports import Export
from records.query import Query
from workspaces.access import acting_as

MIME = {
    "csv": "text/csv",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "json": "application/json",
}
LARGEST = mailing.MAX_ATTACHED
KEPT_BODY = 20_000


class Attachment(Part):
    """An export of a record's entries, or of those that match a filter."""

    record: UUID
    format: Literal["csv", "xlsx", "json"] = "csv"
    where: Condition | None = None
    sort: list[str] = Field(default=[], max_length=10)
    name: str = Field(default="", max_length=120)

    def sentence(self, book):
        """Return what it is: “an export of “Orders” as CSV where (Freight is more than 5)”."""
        said = f"an export of {book.name(self.record)} as {self.format.upper()}"
        if self.where:
            said += f" where ({said_condition(book, self.record, self.where)})"
        said += saying.sorted_by(book, self.record, self.sort)
        return f"{said}, named {saying.text(book, self.name)}" if self.name else said


@registered
class SendEmail(Step):
    """Send an e-mail. `to`, `cc`, `subject` and `body` may hold templates. It goes by KDAP's own
    mail server, or by that of a connection.

    The mail carries the same Message-ID at every attempt. When a worker dies while it is being
    sent, nobody can tell whether it went; `when_unknown` says whether a person decides then or
    it is sent again.
    """

    label, icon, group = "Send an e-mail", "mail", "Messages"
    help = (
        "Send an e-mail to one or several people, with values of the run in its text and "
        "exports attached."
    )
    outside: ClassVar[bool] = True
    connects: ClassVar[tuple] = ("smtp",)
    type: Literal["send_email"] = "send_email"
    connection: UUID | None = None
    to: Annotated[list[str], Field(min_length=1, max_length=50)]
    cc: list[str] = Field(default=[], max_length=50)
    reply_to: str = Field(default="", max_length=320)
    subject: Annotated[str, Field(min_length=1, max_length=1000)]
    body: str = ""
    attachments: list[Attachment] = Field(default=[], max_length=10)
    when_unknown: Literal["ask", "again"] = "ask"

    def run(self, go):
        message = self._composed(go)
        mailed_files.keep(go, message)
        try:
            if self.connection:
                using.send_mail(self._connection(go), message)
            else:
                mailing.send(message)
        except CallFailed as error:
            unknown, told = error.perhaps_arrived, self._told(message)
            raise Failed(error.detail, again=True, unknown=unknown, output=told) from error
        kept_here = "" if self.connection else mailing.where_they_go()
        return self._told(message) | ({"kept_here": kept_here} if kept_here else {})

    def repeatable(self):
        return self.when_unknown == "again"

    def preview(self, go):
        would = {"would_send": self._told(self._composed(go))}
        if self.connection:
            through = self._connection(go)
            would["would_send"]["through"] = through.server_name
            with telling(would):
                using.check_secret(through)
        return would

    def rehearsed(self, output, sample):
        return {**output["would_send"], **output}  # all of it is known

    def _connection(self, go):
        return using.connection_for(go, self.connection, self.connects)

    def _composed(self, go):
        values = go.render({"to": self.to, "cc": self.cc, "reply_to": self.reply_to})
        return mailing.compose(
            _flat(values["to"]),
            " ".join(str(go.render(self.subject)).split()),
            str(go.render(self.body)),
            attachments=[self._file(item, go) for item in self.attachments],
            cc=_flat(values["cc"]),
            reply_to=values["reply_to"] or None,
            key=go.key,
        )

    def _file(self, item, go):
        with acting_as(go.actor):
            record = go.record(item.record, "read")
            query = Query(record, where=go.render(item.where), sort=item.sort)
            export = Export(query, go.actor)
            export.check(item.format)
            parts, size = [], 0
            for part in getattr(export, item.format)():
                parts.append(part)
                size += len(part)
                if size > LARGEST:
                    raise Failed(f"The export of “{record.name}” is too large for an e-mail.")
        name = str(go.render(item.name)) or record.name
        return f"{name}.{item.format}", b"".join(parts), MIME[item.format]

    def _told(self, message):
        files = [{"name": part[0], "bytes": len(part[1])} for part in message.attachments]
        return {
            "to": message.to,
            "cc": message.cc,
            "subject": message.subject,
            "body": message.body[:KEPT_BODY],
            "attachments": files,
            "message_id": message.extra_headers.get("Message-ID"),
        }

    def sentence(self, book):
        said = f"send an e-mail to {saying.addresses(book, self.to)}"
        said += f", cc {saying.addresses(book, self.cc)}" if self.cc else ""
        if self.reply_to:
            said += f", with answers to {saying.addresses(book, [self.reply_to])}"
        said += f" with the subject {saying.text(book, self.subject)}"
        if self.body:
            said += f" saying {saying.text(book, self.body)}"
        if self.attachments:
            files = [item.sentence(book) for item in self.attachments]
            said += f" attaching {saying.joined(files)}"
        if self.connection:
            said += f" through {book.connection_name(self.connection)}"
        if self.when_unknown == "again":
            said += " (sent again when nobody knows whether it went)"
        return said

    def check(self, book, pointer):
        if self.connection:
            book.check_connection(self.connection, self.connects, f"{pointer}/connection")
        checking.check_recipients(book, self.to, f"{pointer}/to", needed=True)
        checking.check_recipients(book, self.cc, f"{pointer}/cc")
        if self.reply_to:
            checking.check_recipients(book, [self.reply_to], f"{pointer}/reply_to")
        for number, item in enumerate(self.attachments):
            here = f"{pointer}/attachments/{number}"
            record = book.check_record(item.record, f"{here}/record")
            if record and item.where:
                check_fields(record, item.where, book, f"{here}/where")
            for place, key in enumerate(item.sort if record else ()):
                checking.check_order(book, record, key, f"{here}/sort/{place}")


def _flat(values: Any):
    """Return a list of addresses, of which a template may have given several at once."""
    found = []
    for value in values if isinstance(values, list) else [values]:
        found += value if isinstance(value, list) else [value]
    return [value for value in found if value not in (None, "")]
