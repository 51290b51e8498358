"""Text in its kinds. Values keep every character that PostgreSQL can hold."""

import re
from functools import lru_cache

import re2
from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import models
from pydantic import Field as Option
from pydantic import field_validator
from rest_framework import serializers

from records import operators as ops
from records.fields.base import FieldType, Options, Refused, literal

URL_PATTERN = r"^https?://[^\s/$.?#][^\s]*$"
PHONE_PATTERN = r"^[+]?[0-9 ()./x#-]{3,40}$"


def as_text(value):
    """Return any JSON scalar as text without NUL and lone surrogates; raise Refused for others."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        if isinstance(value, bool):
            return "true" if value else "false"
        raise Refused("This must be text.")
    value = str(value)
    if "\x00" in value:
        raise Refused("Text can't contain the NUL character.")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise Refused("This text has half a character (a lone surrogate).") from None
    return value


@lru_cache(maxsize=500)
def compiled(pattern):
    """Return people's pattern compiled by RE2, whose time grows with the text and never explodes.

    What RE2 has, PostgreSQL's own expressions have too, so that both enforce the same.
    """
    options = re2.Options()
    options.log_errors = False
    return re2.compile(pattern, options)


class TextOptions(Options):
    max_length: int = Option(default=255, ge=1, le=10_000)
    pattern: str | None = None

    @field_validator("pattern")
    @classmethod
    def _pattern(cls, pattern):
        if not pattern:
            return None
        if len(pattern) > 500:
            raise ValueError("A pattern can have at most 500 characters.")
        try:
            compiled(pattern)
        except re2.error as error:
            raise ValueError(f"This is no regular expression: {error.args[0].decode()}.") from None
        return pattern


class Text(FieldType):
    """One line of text."""

    key, label, icon, hint = "text", "Text", "letter-case", "A name, a title, a code"
    Options = TextOptions
    operators = ops.TEXTUAL

    def length(self, field):
        """Return the most characters that the field takes."""
        return field.options.get("max_length", 255)

    def column(self, field):
        return f"varchar({self.length(field)})"

    def model_field(self, field, **common):
        return models.CharField(max_length=self.length(field), **common)

    def checks(self, field, column):
        if field.options.get("pattern"):
            yield "pattern", f"{column} ~ {literal(field.options['pattern'])}"

    def parse(self, value, field):
        value = as_text(value)
        if len(value) > self.length(field):
            raise Refused(
                f"At most {self.length(field)} characters fit; this has {len(value)}. "
                "A long text takes more."
            )
        pattern = field.options.get("pattern")
        if pattern and not compiled(pattern).search(value):
            raise Refused(f"“{value[:60]}” does not match the pattern {pattern}.")
        return value

    def cast(self, field, text, form=None):
        pattern = field.options.get("pattern")
        also = f" AND {text} ~ {literal(pattern)}" if pattern else ""
        fits = f"char_length({text}) <= {self.length(field)}{also}"
        return f"CASE WHEN btrim({text}) <> '' AND {fits} THEN {text} END"

    def form_field(self, field, **common):
        return forms.CharField(max_length=self.length(field), **common)

    def api_field(self, field, **common):
        return serializers.CharField(max_length=self.length(field), **common)


class LongText(Text):
    """Several lines, without a limit."""

    key, label, icon, hint = "long_text", "Long text", "align-left", "Notes, several lines"
    Options = Options
    editor = "long_text"
    may_be_unique = False
    LONGEST = 10_000_000

    def length(self, field):
        return self.LONGEST

    def column(self, field):
        return "text"

    def model_field(self, field, **common):
        return models.TextField(**common)

    def cast(self, field, text, form=None):
        return f"CASE WHEN btrim({text}) <> '' THEN {text} END"

    def form_field(self, field, **common):
        return forms.CharField(widget=forms.Textarea(attrs={"rows": 4}), **common)

    def api_field(self, field, **common):
        return serializers.CharField(**common)


class _Patterned(Text):
    """Text that the type itself gives a form; `keyboard` is what a phone shows for it."""

    Options = Options
    pattern = ""
    longest = 255
    keyboard = "text"

    def form_field(self, field, **common):
        widget = forms.TextInput(attrs={"inputmode": self.keyboard})
        return forms.CharField(max_length=self.length(field), widget=widget, **common)

    def length(self, field):
        return self.longest

    def checks(self, field, column):
        yield "form", f"{column} ~ {literal(self.pattern)}"

    def cast(self, field, text, form=None):
        trimmed = f"btrim({text})"
        fits = f"{trimmed} ~ {literal(self.pattern)} AND char_length({trimmed}) <= {self.longest}"
        return f"CASE WHEN {fits} THEN {trimmed} END"

    def parse(self, value, field):
        value = super().parse(as_text(value).strip(), field)
        if not re.search(self.pattern, value):
            raise Refused(f"“{value[:60]}” is no {self.label.lower()}.")
        return value


class Email(_Patterned):
    """An e-mail address."""

    key, label, icon, hint = "email", "E-mail", "mail", "name@example.com"
    editor = "email"
    keyboard = "email"
    pattern = r"^[^@\s]+@[^@\s]+\.[^@\s]+$"
    longest = 254

    def parse(self, value, field):
        value = super().parse(value, field)
        try:
            validate_email(value)
        except ValidationError:
            raise Refused(f"“{value[:60]}” is no e-mail address.") from None
        return value


class Url(_Patterned):
    """A web address; only http and https, so that a click can't run anything."""

    key, label, icon, hint = "url", "URL", "link", "https://example.com"
    editor = "url"
    keyboard = "url"
    pattern = URL_PATTERN
    longest = 2048
    may_be_unique = False


class Phone(_Patterned):
    """A telephone number as people write it."""

    key, label, icon, hint = "phone", "Phone", "phone", "+49 30 123456"
    editor = "phone"
    keyboard = "tel"
    pattern = PHONE_PATTERN
    longest = 40
