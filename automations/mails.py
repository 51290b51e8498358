"""The e-mails of a workspace's workflows, as the steps that sent them recorded them."""

from dataclasses import dataclass

from django.db.models import Q

from automations.models import WorkflowStep
from workspaces import access

# What a step's state means for its mail, which is sought by these names.
STATES = {
    "sent": ("succeeded",),
    "waiting": ("waiting", "started"),
    "unknown": ("unknown",),
    "failed": ("failed",),
}
LABELS = {"sent": "Sent", "waiting": "Waiting", "unknown": "Unknown", "failed": "Not sent"}


@dataclass(frozen=True)
class Mail:
    """One e-mail; `template` says that it never came to be more than what its step was given."""

    row: WorkflowStep

    @property
    def state(self):
        return next(key for key, states in STATES.items() if self.row.status in states)

    @property
    def label(self):
        return "Kept here" if self.state == "sent" and self.kept_here else LABELS[self.state]

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
        """Return [{"name", "bytes"}]; the files themselves are not kept."""
        return [] if self.template else self.told.get("attachments") or []

    @property
    def at(self):
        return self.row.finished_at or self.row.started_at


def _texts(given):
    return [str(item) for item in given] if isinstance(given, list) else []


def mails_of(*, workspace, actor, text="", state=""):
    """Return the steps that sent e-mails in a workspace, newest first, as a queryset.

    `text` is sought in addresses, subject and body, `state` is a key of STATES. Raises Missing or
    Forbidden for who may not read there.
    """
    access.require(actor, "read", workspace.pk)
    found = WorkflowStep.objects.filter(workspace_id=workspace.pk, type="send_email")
    if state in STATES:
        found = found.filter(status__in=STATES[state])
    if text:
        parts = Q()
        for column in ("output", "input"):
            for key in ("to", "cc", "subject", "body"):
                parts |= Q(**{f"{column}__{key}__icontains": text})
        found = found.filter(parts)
    return found.select_related("run__workflow").order_by("-id")
