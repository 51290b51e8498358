"""Forms by which people without an account add entries, and the answers that came by them."""

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils import timezone
from uuid_utils.compat import uuid7

from workspaces.models import Snapshot


class PublicForm(Snapshot):
    """A page that asks for fields of a record; whoever knows its address may answer.

    `fields` lists {field (its id), label, help, required} in the order of the page; an empty label
    or help means the field's own. `address` is no part of the log: a new one ends the old one.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, db_column="form_id", editable=False)
    workspace = models.ForeignKey("workspaces.Workspace", models.CASCADE, related_name="+")
    record = models.ForeignKey("records.Record", models.CASCADE, related_name="forms")
    name = models.CharField(max_length=120)
    title = models.CharField(max_length=200)
    intro = models.TextField(blank=True, default="")
    fields = models.JSONField(default=list)
    button = models.CharField(max_length=60, default="Send")
    thanks = models.TextField(blank=True, default="")
    open = models.BooleanField(default=True)
    closes_at = models.DateTimeField(null=True, blank=True)
    most_answers = models.IntegerField(null=True, blank=True)
    address = models.CharField(max_length=40, unique=True, null=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        db_table = "record_forms"
        ordering = ["name", "id"]
        verbose_name = "form"

    def __str__(self):
        return self.name

    def get_absolute_url(self):
        return reverse("form_edit", args=[self.record_id, self.pk])

    @property
    def url(self):
        """The whole public address, "" while there is none."""
        if not self.address:
            return ""
        return settings.SITE_URL + reverse("public_form", args=[self.address])

    @property
    def is_over(self):
        """Whether its last day is past."""
        return self.closes_at is not None and self.closes_at <= timezone.now()


class FormAnswer(models.Model):
    """One answer that was taken: `key` was made with the page, so that a page answers once."""

    form = models.ForeignKey(PublicForm, models.CASCADE, related_name="answers")
    record = models.ForeignKey("records.Record", models.CASCADE, related_name="+")
    workspace = models.ForeignKey("workspaces.Workspace", models.CASCADE, related_name="+")
    key = models.UUIDField()
    entry_id = models.BigIntegerField()
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "record_form_answers"
        constraints = [models.UniqueConstraint(fields=["form", "key"], name="form_answer_once")]

    def __str__(self):
        return f"{self.form_id}: entry {self.entry_id}"
