"""Days, moments and spans."""

import datetime as dt
import re

from django import forms
from django.db import models
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime, parse_duration
from django.utils.duration import duration_string
from rest_framework import serializers

from records import operators as ops
from records.fields.base import FieldType, Refused, literal

AGGREGATES = ("filled", "empty", "distinct", "min", "max")


def _text(value, what):
    if not isinstance(value, str):
        raise Refused(f"This must be {what}, written as text.")
    return value.strip()


class Date(FieldType):
    """A day."""

    key, label, icon, hint = "date", "Date", "calendar", "2026-05-31"
    editor = "date"
    operators = ops.TIMED
    aggregates = AGGREGATES
    schema = {"type": "string", "format": "date"}

    def column(self, field):
        return "date"

    def model_field(self, field, **common):
        return models.DateField(**common)

    def parse(self, value, field):
        if isinstance(value, dt.datetime):
            return value.date()
        if isinstance(value, dt.date):
            return value
        text = _text(value, "a date")
        try:
            day = parse_date(re.sub(r"[T ]00:00(:00(\.0+)?)?Z?$", "", text))
        except ValueError:
            day = None
        if day is None:
            raise Refused(f"“{text[:60]}” is no date; write 2026-05-31.")
        return day

    def cast(self, field, text, form=None):
        return f"kdap_date({text}, {literal(form or 'iso')})"

    def form_field(self, field, **common):
        return forms.DateField(
            widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}), **common
        )

    def api_field(self, field, **common):
        return serializers.DateField(**common)


class DateTime(FieldType):
    """A moment; written without a zone it is in the writer's own."""

    key, label, icon, hint = "datetime", "Date and time", "clock", "2026-05-31 14:30"
    editor = "datetime"
    operators = ops.TIMED
    aggregates = AGGREGATES
    schema = {"type": "string", "format": "date-time"}

    def column(self, field):
        return "timestamptz"

    def model_field(self, field, **common):
        return models.DateTimeField(**common)

    def parse(self, value, field):
        if isinstance(value, dt.datetime):
            moment = value
        else:
            text = _text(value, "a date and time")
            try:
                moment = parse_datetime(text)
                if moment is None and (day := parse_date(text)):
                    moment = dt.datetime.combine(day, dt.time())
            except ValueError:
                moment = None
            if moment is None:
                raise Refused(f"“{text[:60]}” is no date and time; write 2026-05-31 14:30.")
        try:
            moment = moment if timezone.is_aware(moment) else timezone.make_aware(moment)
            # As it is kept: the year may be another one there, and PostgreSQL knows no +23:59.
            return moment.astimezone(dt.UTC)
        except (ValueError, OverflowError):
            raise Refused(f"“{value}” is outside the times that can be kept.") from None

    def cast(self, field, text, form=None):
        zone = literal(timezone.get_current_timezone_name())
        return f"kdap_moment({text}, {literal(form or 'iso')}, {zone})"

    def form_field(self, field, **common):
        widget = forms.DateTimeInput(format="%Y-%m-%dT%H:%M:%S", attrs={"type": "datetime-local"})
        return forms.DateTimeField(widget=widget, **common)

    def api_field(self, field, **common):
        return serializers.DateTimeField(**common)


class Duration(FieldType):
    """A span of time."""

    key, label, icon, hint = "duration", "Duration", "history", "1:30:00"
    editor, align = "duration", "end"
    operators = ops.NUMERIC
    aggregates = ("filled", "empty", "distinct", "sum", "average", "min", "max")
    schema = {"type": "string", "format": "duration"}

    def column(self, field):
        return "interval"

    def model_field(self, field, **common):
        return models.DurationField(**common)

    def parse(self, value, field):
        if isinstance(value, dt.timedelta):
            return value
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            value = str(value)
        text = _text(value, "a duration")
        if re.fullmatch(r"\d+:\d\d", text):
            text += ":00"  # people write hours and minutes; parse_duration would read mm:ss
        try:
            span = parse_duration(text)
        except (ValueError, OverflowError):
            span = None
        if span is None:
            raise Refused(f"“{text[:60]}” is no duration; write 1:30:00 or 2 12:00:00.")
        return span

    def cast(self, field, text, form=None):
        return f"kdap_span({text})"

    def text(self, field, column):
        # Hours beyond 24 instead of days: "-1 days +02:00:00" is no text that people write.
        return f"make_interval(secs => extract(epoch FROM {column})::float8)::text"

    def dump(self, field):
        return lambda value: None if value is None else duration_string(value)

    def form_field(self, field, **common):
        return forms.DurationField(**common)

    def api_field(self, field, **common):
        return serializers.DurationField(**common)
