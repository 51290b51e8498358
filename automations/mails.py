"""The e-mails of a workspace's workflows: those that their steps sent, and those to the people behind."""

from dataclasses import dataclass
from heapq import merge

from django.db.models import Exists, OuterRef, Q

from automations.models import MailedFile, Notice, WorkflowStep
from automations.notices import body_for
from workspaces import access

# What a step's state means for its mail, which is sought by these names.
STATES = {
    "sent": ("succeeded",),
    "waiting": ("waiting", "started"),
    "unknown": ("unknown",),
    "failed": ("failed",),
}
NEWEST = 10**18 - 1  # above every id, with as many digits as the page takes of one
LABELS = {"sent": "Sent", "waiting": "Waiting", "unknown": "Unknown", "failed": "Not sent"}


# The same of notices.
NOTICE_STATES = {
    "sent": ("sent",),
    "waiting": ("pending", "sending"),
    "unknown": (),
    "failed": ("failed",),
}


class Either:
    """What both kinds of mails say of themselves."""

    @property
    def label(self):
        """The state as people read it."""
        return "Kept here" if self.state == "sent" and self.kept_here else LABELS[self.state]

    @property
    def status(self):
        """The state as a step's, for its picture."""
        return STATES[self.state][0]


@dataclass(frozen=True)
class Mail(Either):
    """An e-mail of a step; `template` says that it never came to be more than what it was given."""

    row: WorkflowStep

    @property
    def state(self):
        return next(key for key, states in STATES.items() if self.row.status in states)

    @property
    def error(self):
        return self.row.error

    @property
    def about(self):
        """(what it is about, where that is)"""
        return self.row.run.workflow.name, self.row.run.get_absolute_url()

    @property
    def kept_here(self):
        """What became of a mail that never left this machine, "" of any other."""
        return str(self.told.get("kept_here") or "")

    @property
    def template(self):
        return "subject" not in (self.row.output or {})

    @property
    def told(self):
        return (self.row.input if self.template else self.row.output) or {}

    @property
    def id(self):
        return self.row.pk

    @property
    def to(self):
        return _texts(self.told.get("to"))

    @property
    def cc(self):
        return _texts(self.told.get("cc"))

    @property
    def subject(self):
        return str(self.told.get("subject") or "")

    @property
    def body(self):
        return str(self.told.get("body") or "")

    @property
    def attachments(self):
        """Return [{"name", "bytes"}], in the order of the files' numbers."""
        return [] if self.template else self.told.get("attachments") or []

    @property
    def has_files(self):
        """Whether the files themselves are kept; they may have made room for newer ones."""
        return self.row.files_there

    @property
    def at(self):
        return self.row.finished_at or self.row.started_at


@dataclass(frozen=True)
class Written(Either):
    """A notice, as `reader` (an e-mail address, or None) may read it."""

    row: Notice
    reader: str | None
    template, attachments, cc, has_files = False, (), (), False

    @property
    def state(self):
        return next(key for key, states in NOTICE_STATES.items() if self.row.status in states)

    @property
    def kept_here(self):
        return self.row.kept_here

    @property
    def error(self):
        return self.row.error

    @property
    def about(self):
        """(what it is about, where that is)"""
        return self.row.about, self.row.link

    @property
    def to(self):
        return [self.row.to]

    @property
    def subject(self):
        return self.row.subject

    @property
    def body(self):
        return body_for(self.row, self.reader)

    @property
    def at(self):
        return self.row.finished_at or self.row.created_at


def _texts(given):
    return [str(item) for item in given] if isinstance(given, list) else []


def mails_of(*, workspace, actor, text="", state=""):
    """Return the steps that sent e-mails in a workspace, newest first, as a queryset.

    `text` is sought in addresses, subject and body, `state` is a key of STATES. Raises Missing or
    Forbidden for who may not read there.
    """
    access.require(actor, "read", workspace.pk)
    found = WorkflowStep.objects.filter(workspace_id=workspace.pk, type="send_email")
    found = found.annotate(files_there=Exists(MailedFile.objects.filter(step=OuterRef("pk"))))
    if state in STATES:
        found = found.filter(status__in=STATES[state])
    if text:
        parts = Q()
        for column in ("output", "input"):
            for key in ("to", "cc", "subject", "body"):
                parts |= Q(**{f"{column}__{key}__icontains": text})
        found = found.filter(parts)
    return found.select_related("run__workflow").order_by("-id")


def notices_of(*, workspace, actor, text="", state=""):
    """Return the Notices of a workspace, newest first, as a queryset; arguments as of mails_of."""
    access.require(actor, "read", workspace.pk)
    found = Notice.objects.filter(workspace=workspace.pk)
    if state in NOTICE_STATES:
        found = found.filter(status__in=NOTICE_STATES[state])
    if text:
        parts = Q(to__icontains=text) | Q(subject__icontains=text) | Q(body__icontains=text)
        found = found.filter(parts)
    return found.order_by("-id")


def together(steps, written, before, most):
    """Return (mails of both querysets, the newest first, where to go on or None).

    `before` is a pair of ids, of a step and of a notice, or None for the beginning.
    """
    if before:
        steps, written = steps.filter(pk__lt=before[0]), written.filter(pk__lt=before[1])
    rows = merge(
        steps[: most + 1],
        written[: most + 1],
        key=lambda row: row.created_at if isinstance(row, Notice) else row.started_at,
        reverse=True,
    )
    rows = list(rows)
    shown, last = rows[:most], list(before or (NEWEST, NEWEST))
    for row in shown:
        last[isinstance(row, Notice)] = row.pk
    return shown, tuple(last) if len(rows) > most else None
