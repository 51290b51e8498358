"""What every field type answers, with answers that most of them share."""

from django import forms
from psycopg import sql
from pydantic import BaseModel, ConfigDict, ValidationError
from rest_framework import serializers

from records import operators as ops


class Refused(ValueError):
    """A value that a field can't take; the text is a sentence for people."""


class Options(BaseModel):
    """The settings a type has beyond required, unique and default; subclasses add theirs."""

    model_config = ConfigDict(extra="forbid")


def literal(value):
    """Return `value` as an SQL literal, for DDL, where parameters are not possible."""
    return sql.Literal(value).as_string(None)


class FieldType:
    """A type of field. `field` arguments are records.structure.Field.

    Columns are nullable unless required; an empty text is the same as no value.
    """

    key = ""
    label = ""
    icon = ""
    hint = ""
    editor = "text"
    align = "start"
    Options = Options
    operators = ops.EXACT
    aggregates = ("filled", "empty", "distinct")
    virtual = False  # shows a system column instead of having its own
    computed = False  # filled by the database, never by people
    refers_to = ""  # SQL of the table and column in which every value must be
    textual = False  # the database's own text is what the API sends
    sortable = True
    may_be_unique = True
    schema = {"type": "string"}

    def clean_options(self, options):
        """Return `options` complete and checked; raise ValueError with a sentence."""
        try:
            return self.Options.model_validate(options).model_dump(mode="json", exclude_none=True)
        except ValidationError as error:
            item = error.errors(include_url=False)[0]
            where = ".".join(str(part) for part in item["loc"])
            text = item["msg"].removeprefix("Value error, ")
            raise ValueError(f"{self.label}, option {where}: {text}" if where else text) from None

    def check_field(self, field):
        """Raise ValueError when required, unique or default don't suit this type."""
        if field.unique and not self.may_be_unique:
            raise ValueError(f"A field of the type {self.label} can't be unique.")
        if self.computed and (field.required or field.default is not None):
            raise ValueError(
                f"{self.label} is filled by KDAP; it can't be required or have a default."
            )
        if field.default is not None:
            try:
                self.clean(field.default, field)
            except Refused as error:
                raise ValueError(f"The default of “{field.label}” does not fit: {error}") from None

    # Storing

    def column(self, field):
        """Return the SQL type of the column."""
        raise NotImplementedError(self.key)

    def model_field(self, field, **common):
        """Return the Django model field; `common` has null, db_column, verbose_name, …"""
        raise NotImplementedError(self.key)

    def checks(self, field, column):
        """Yield (suffix, SQL condition) for what the database enforces on quoted `column`."""
        return ()

    def stored(self, value, field):
        """Return a cleaned value as psycopg takes it."""
        return value

    # Taking values

    def clean(self, value, field):
        """Return `value` (from JSON, a form or a paste) as Python, or None for empty.

        Raises Refused.
        """
        if value is None or (isinstance(value, str) and not value.strip()):
            return None
        return self.parse(value, field)

    def parse(self, value, field):
        """Return a value that is not empty as Python; raise Refused."""
        raise NotImplementedError(self.key)

    def dangles(self, cell):
        """Return SQL: whether what the SQL `cell` refers to is gone; "" where it refers to nothing."""
        return ""

    def cast(self, field, text, form=None):
        """Return SQL that turns the SQL expression `text` into this type, NULL where it can't.

        `form` names a way of writing (of dates: iso, dmy, mdy). Imports and conversions both
        use it, so that both understand the same things.
        """
        raise NotImplementedError(self.key)

    def convert(self, before, after, column, form=None):
        """Return SQL that makes a cell of `after` (of this type) of the quoted `column` of `before`.

        NULL where it can't.
        """
        return self.cast(after, before.kind.text(before, column), form)

    def loses(self, before, after, column, form=None):
        """Return SQL: whether `convert` would take something away from a cell."""
        made = self.convert(before, after, column, form)
        return f"{column} IS NOT NULL AND ({made}) IS NULL"

    def recognised(self, options, before):
        """Return `options` as people gave them for a field that had the options `before`.

        Here a type finds again what it knows by an id, where people only wrote its name.
        """
        return options

    def rejoined(self, old, became, now):
        """Return the options that a field gets when its conversion is taken back.

        `old` are those it had before, `became` those just after, `now` the present ones.
        """
        return old

    def text(self, field, column):
        """Return SQL that gives the quoted `column` as text that `cast` reads back."""
        return f"{column}::text"

    # Showing

    def dump(self, field):
        """Return a function from the database's value to the API's, or None if they are equal."""
        return None

    def load(self, field):
        """Return a function from the API's value to what `clean` takes, or None if they are equal."""
        return None

    def display(self, value, field):
        """Return the API's value as text for a cell, a CSV file or a sentence."""
        return "" if value is None else str(value)

    def form_field(self, field, **common):
        """Return the Django form field for admin and pages without JavaScript."""
        return forms.CharField(**common)

    def api_field(self, field, **common):
        """Return the REST framework field by which the schema describes this one."""
        return serializers.CharField(**common)

    def editor_options(self, field):
        """Return what the grid's editor of this field must know, JSON-able."""
        return dict(field.options)
