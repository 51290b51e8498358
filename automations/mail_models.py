"""E-mails to the people behind workflows, each a row until a worker has sent it; files of mails."""

import zstandard
from django.db import models
from django.db.models import Q
from django.utils import timezone

from workspaces.models import Workspace


class Notice(models.Model):
    """An e-mail by which KDAP itself asks or tells somebody, and how sending it goes.

    `body` has marks where the links stand by which one answers without signing in; they are filled
    in for who is asked only (notices.py). `attempts` grows with each worker that takes it up, which
    fences off those thought dead. Two notices with one `key` are one.
    """

    class Status(models.TextChoices):
        PENDING = "pending", "Waiting"
        SENDING = "sending", "Being sent"
        SENT = "sent", "Sent"
        FAILED = "failed", "Not sent"

    id = models.BigAutoField(primary_key=True)
    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="+")
    key = models.CharField(max_length=120, null=True, unique=True)
    about = models.CharField(max_length=200)
    link = models.CharField(max_length=200)
    to = models.CharField(max_length=320)
    subject = models.CharField(max_length=200)
    body = models.TextField()
    question = models.BigIntegerField(null=True)  # the step that asks for approval
    status = models.CharField(max_length=16, choices=Status, default=Status.PENDING)
    attempts = models.IntegerField(default=0)
    next_at = models.DateTimeField(default=timezone.now)
    lease = models.DateTimeField(null=True)
    kept_here = models.CharField(max_length=100, blank=True)
    error = models.TextField(blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        app_label = "automations"
        db_table = "workflow_notices"
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["next_at"], name="notice_due", condition=Q(status="pending")),
            models.Index(fields=["lease"], name="notice_lease", condition=Q(status="sending")),
            models.Index(fields=["workspace", "-id"], name="notice_list"),
            models.Index(fields=["finished_at"], name="notice_finished"),
        ]

    def __str__(self):
        return self.subject


class MailedFile(models.Model):
    """A file that a step attached to its mail, packed; it goes when its run does, or to make room."""

    id = models.BigAutoField(primary_key=True)
    step = models.ForeignKey("WorkflowStep", models.CASCADE, related_name="files")
    workspace_id = models.UUIDField()
    number = models.IntegerField()
    name = models.CharField(max_length=200)
    mime = models.CharField(max_length=200)
    packed = models.BinaryField()
    # How many bytes that is, by the database itself: sums of it need not read the files.
    size = models.GeneratedField(
        expression=models.Func("packed", function="octet_length"),
        output_field=models.BigIntegerField(),
        db_persist=True,
    )

    class Meta:
        app_label = "automations"
        db_table = "workflow_mailed_files"
        constraints = [models.UniqueConstraint(fields=["step", "number"], name="mailed_file")]
        indexes = [models.Index(fields=["workspace_id", "id"], include=["size"], name="mailed_sum")]

    def __str__(self):
        return self.name

    @property
    def content(self):
        """The bytes of the file."""
        return zstandard.ZstdDecompressor().decompress(bytes(self.packed))

    @staticmethod
    def pack(content):
        """Return a file's content, bytes or what Django made text of them, as it is kept."""
        content = content.encode() if isinstance(content, str) else content
        return zstandard.ZstdCompressor(level=3).compress(content)
