"""People, and what KDAP itself knows of each entry: when and by whom."""

from uuid import UUID

from django import forms
from django.conf import settings
from django.db import models
from rest_framework import serializers

from accounts.models import User as Person
from records import operators as ops
from records.fields.base import FieldType, Refused
from records.fields.times import AGGREGATES, DateTime

# Only people whom the asker shares a workspace with: the wall on members sees to that.
KNOWN = "SELECT 1 FROM members WHERE members.user_id = users.id"


class User(FieldType):
    """A member of the workspace."""

    key, label, icon, hint = "user", "User", "user", "Someone of the workspace"
    editor = "user"
    schema = {"type": "string", "format": "uuid"}
    may_be_unique = False
    refers_to = "users (id)"

    def column(self, field):
        return "uuid"

    def model_field(self, field, **common):
        common["db_column"] = common.get("db_column") or field.key
        # The rule in the database is refers_to's: it has to come and go with the field.
        return models.ForeignKey(
            settings.AUTH_USER_MODEL,
            models.PROTECT,
            related_name="+",
            db_index=False,
            db_constraint=False,
            **common,
        )

    def parse(self, value, field):
        if isinstance(value, Person):
            return value.pk
        text = str(value).strip()
        known = Person.objects.filter(memberships__isnull=False)
        try:
            person = known.filter(pk=UUID(text)).first()
        except ValueError:
            person = known.filter(email__iexact=text[:254]).first()
        if person is None:
            raise Refused(f"“{text[:60]}” is no member of this workspace.")
        return person.pk

    def cast(self, field, text, form=None):
        name = f"lower(btrim({text}))"
        return (
            f"(SELECT users.id FROM users WHERE (users.email = {name} OR users.id::text = {name}) "
            f"AND EXISTS ({KNOWN}))"
        )

    def dangles(self, cell):
        return f"{cell} IS NOT NULL AND NOT EXISTS (SELECT FROM users WHERE users.id = {cell})"

    def text(self, field, column):
        return f"(SELECT users.email FROM users WHERE users.id = {column})"

    def form_field(self, field, **common):
        people = Person.objects.filter(memberships__isnull=False).distinct()
        return forms.ModelChoiceField(queryset=people, **common)

    def api_field(self, field, **common):
        return serializers.UUIDField(**common)


class _System(FieldType):
    """Shows one of the columns that every table of entries has."""

    virtual = computed = True
    may_be_unique = False
    source = ""

    def column(self, field):
        return "timestamptz"

    def cast(self, field, text, form=None):
        return "NULL"

    def parse(self, value, field):
        raise Refused(f"{self.label} is filled by KDAP.")

    def api_field(self, field, **common):
        return serializers.DateTimeField(read_only=True)


class CreatedAt(_System):
    """When the entry was made."""

    key, label, icon, hint = "created_at", "Created at", "clock-plus", "When it was made"
    operators, aggregates = ops.TIMED, AGGREGATES
    source = "created_at"
    editor = "datetime"
    schema = {"type": "string", "format": "date-time", "readOnly": True}

    def parse(self, value, field):
        return DateTime().parse(value, field)


class UpdatedAt(CreatedAt):
    """When the entry was last changed."""

    key, label, icon, hint = "updated_at", "Updated at", "clock-edit", "When it was last changed"
    source = "updated_at"


class CreatedBy(_System):
    """Who made the entry."""

    key, label, icon, hint = "created_by", "Created by", "user-plus", "Who made it"
    source = "created_by"
    editor = "user"
    schema = {"type": "string", "format": "uuid", "readOnly": True}

    def column(self, field):
        return "uuid"

    def parse(self, value, field):
        return User().parse(value, field)

    def api_field(self, field, **common):
        return serializers.UUIDField(read_only=True)


class UpdatedBy(CreatedBy):
    """Who changed the entry last."""

    key, label, icon, hint = "updated_by", "Updated by", "user-edit", "Who changed it last"
    source = "updated_by"
