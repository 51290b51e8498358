"""What KDAP knows of each record: its name, its table, its structure and every older one."""

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import cached_property
from uuid_utils.compat import uuid7

from records import structure
from workspaces.models import Snapshot, Workspace


class RecordQuerySet(models.QuerySet):
    def visible_to(self, user):
        """Records not in the trash, in workspaces of `user`."""
        return self.filter(
            deleted_at=None, workspace__deleted_at=None, workspace__members__user=user
        )

    def in_order(self):
        return self.order_by("position", "id")


class Record(Snapshot):
    """A table that people designed. Its entries live in `table_name`."""

    id = models.UUIDField(primary_key=True, default=uuid7, db_column="record_id", editable=False)
    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="records")
    name = models.CharField(max_length=120, db_column="record_name", db_index=True)
    table_name = models.CharField(max_length=63, unique=True, editable=False)
    number = models.IntegerField(unique=True, editable=False)
    description = models.TextField(blank=True)
    icon = models.CharField(max_length=32, default="table")
    color = models.CharField(max_length=16, default="blue")
    position = models.IntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)
    # For how long history is kept (None: for ever), and the last event before what is kept of it.
    history_days = models.IntegerField(null=True, editable=False)
    history_begins = models.BigIntegerField(default=0, editable=False)
    history_begins_at = models.DateTimeField(null=True, editable=False)

    objects = RecordQuerySet.as_manager()
    past = None  # a records.past.Past in a copy that shows the record as it was

    class Meta:
        db_table = "records"
        ordering = ["position", "id"]

    def __str__(self):
        return self.name

    def get_absolute_url(self):
        return reverse("record", args=[self.id])

    @property
    def history_note(self):
        """A sentence on where history begins, "" when all of it is there."""
        if not self.history_begins:
            return ""
        since = date_format(timezone.localtime(self.history_begins_at), "j F Y, H:i")
        return f"The history of “{self.name}” begins on {since}; what was before is not kept."

    @cached_property
    def head(self):
        """The RecordStructure, read once for this object."""
        return RecordStructure.objects.get(record=self)

    @property
    def version(self):
        """The number of the newest structure."""
        return self.head.version

    @property
    def structure(self):
        """The newest structure, as records.structure.Structure."""
        from records import factory

        return factory.structure_of(self)

    @property
    def model(self):
        """A Django model over the record's table, of the newest structure.

        Its queryset does what any Django queryset does.
        """
        from records import factory

        return factory.model_of(self)

    def reload(self):
        """Read the newest structure now, after it was changed; return it."""
        self.__dict__.pop("head", None)
        return self.structure


class RecordStructure(Snapshot):
    """A record's newest structure."""

    record = models.OneToOneField(
        Record, models.CASCADE, primary_key=True, db_column="structure_id", related_name="+"
    )
    structure = models.JSONField()
    version = models.IntegerField(default=1)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        db_table = "record_structures"

    def __str__(self):
        return f"{self.record_id} v{self.version}"


def with_structures(heads):
    """Yield the Records of a queryset of RecordStructures, their structures read in one question."""
    for head in heads.select_related("record"):
        head.record.head = head
        yield head.record


class StructureVersion(models.Model):
    """A structure as it once was; never changed."""

    record = models.ForeignKey(Record, models.CASCADE, related_name="versions")
    version = models.IntegerField()
    structure = models.JSONField()
    summary = models.TextField()
    event_id = models.BigIntegerField()
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.DO_NOTHING, null=True, related_name="+"
    )
    created_at = models.DateTimeField()

    class Meta:
        db_table = "record_structure_versions"
        ordering = ["-version"]
        constraints = [
            models.UniqueConstraint(fields=["record", "version"], name="structure_version_once")
        ]

    def __str__(self):
        return f"{self.record_id} v{self.version}"

    @property
    def parsed(self):
        """The structure as records.structure.Structure."""
        return structure.parse(self.structure)


from records.jobs import ImportJob, ImportRefusal  # noqa: E402, F401 - models of this app
from records.models_forms import FormAnswer, PublicForm  # noqa: E402, F401 - models of this app
from records.models_grid import GridState, RecordView  # noqa: E402, F401 - models of this app
from records.structure_jobs import StructureJob  # noqa: E402, F401 - a model of this app
