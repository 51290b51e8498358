"""Numbers. Decimals are exact: strings in JSON, numeric in the database."""

import re
from decimal import Decimal

from django import forms
from django.db import models
from pydantic import Field as Option
from pydantic import model_validator
from rest_framework import serializers

from records import operators as ops
from records.fields.base import FieldType, Options, Refused

AGGREGATES = ("filled", "empty", "distinct", "sum", "average", "min", "max")
CURRENCY = re.compile(r"^[A-Z]{3}$")
# The same as in kdap_number, so that a paste and an import understand the same things.
PLAIN = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,2})?")


def read_number(value):
    """Return what people and spreadsheets write as a number as a finite Decimal.

    Understands $ € £ ¥, %, (2) for -2, 1,234.5 and 3e4. Raises Refused.
    """
    if isinstance(value, bool):
        raise Refused("Yes or no is no number.")
    if isinstance(value, (int, float, Decimal)):
        text = str(value)
    elif isinstance(value, str):
        text = value.strip()
    else:
        raise Refused("This must be a number.")
    if len(text) > 200:
        raise Refused("This number is too long.")
    plain = re.sub(r"[\s$€£¥\u00a0\u202f]", "", text).replace("\u2212", "-")
    if plain.startswith("(") and plain.endswith(")"):
        plain = "-" + plain[1:-1]
    percent = plain.endswith("%")
    plain = plain.removesuffix("%")
    if re.fullmatch(r"[+-]?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]*)?", plain):
        plain = plain.replace(",", "")
    if not PLAIN.fullmatch(plain):
        raise Refused(f"“{text[:60]}” is no number.")
    number = Decimal(plain)
    return number / 100 if percent else number


class Bounds(Options):
    """Minimum and maximum that the database enforces."""

    minimum: Decimal | None = None
    maximum: Decimal | None = None

    @model_validator(mode="after")
    def _ordered(self):
        for bound in (self.minimum, self.maximum):
            if bound is not None and not bound.is_finite():
                raise ValueError("A limit must be a number.")
        if None not in (self.minimum, self.maximum) and self.minimum > self.maximum:
            raise ValueError("The minimum is above the maximum.")
        return self


class DecimalOptions(Bounds):
    precision: int = Option(default=19, ge=1, le=100)
    scale: int = Option(default=2, ge=0, le=30)

    @model_validator(mode="after")
    def _room(self):
        if self.scale > self.precision:
            raise ValueError("There can't be more digits behind the point than in all.")
        return self


class CurrencyOptions(DecimalOptions):
    currency: str = "EUR"

    @model_validator(mode="after")
    def _iso_4217(self):
        if not CURRENCY.match(self.currency):
            raise ValueError("A currency is three capital letters, as EUR or USD.")
        return self


class Number(FieldType):
    """A decimal number with so many digits behind the point."""

    key, label, icon, hint = "decimal", "Decimal", "number", "12.50, exact"
    editor, align = "number", "end"
    Options = DecimalOptions
    operators = ops.NUMERIC
    aggregates = AGGREGATES
    textual = True
    schema = {"type": "string", "format": "decimal"}

    def digits(self, field):
        """Return (precision, scale)."""
        return field.options["precision"], field.options["scale"]

    def column(self, field):
        return "numeric({}, {})".format(*self.digits(field))

    def model_field(self, field, **common):
        precision, scale = self.digits(field)
        return models.DecimalField(max_digits=precision, decimal_places=scale, **common)

    def checks(self, field, column):
        if field.options.get("minimum") is not None:
            yield "min", f"{column} >= {Decimal(field.options['minimum'])}"
        if field.options.get("maximum") is not None:
            yield "max", f"{column} <= {Decimal(field.options['maximum'])}"

    def parse(self, value, field):
        return self.bounded(self.rounded(read_number(value), field), field)

    def rounded(self, number, field):
        """Return `number` at the field's scale; refuse what would lose digits."""
        precision, scale = self.digits(field)
        if number.adjusted() >= precision - scale and number:
            raise Refused(f"{number} has more than {precision - scale} digits before the point.")
        exact = number.normalize()
        if -exact.as_tuple().exponent > scale:
            raise Refused(f"{number} has more than {scale} digits behind the point.")
        return number.quantize(Decimal(1).scaleb(-scale)) if number.adjusted() < 27 else number

    def bounded(self, number, field):
        """Return `number`, or raise Refused when it is outside the field's limits."""
        least, most = field.options.get("minimum"), field.options.get("maximum")
        if least is not None and number < Decimal(least):
            raise Refused(f"{number} is below the minimum {least}.")
        if most is not None and number > Decimal(most):
            raise Refused(f"{number} is above the maximum {most}.")
        return number

    def within(self, field, number):
        """Return SQL: whether the numeric expression `number` fits without losing digits."""
        precision, scale = self.digits(field)
        parts = [f"abs({number}) < 1e{precision - scale}", f"{number} = round({number}, {scale})"]
        parts += [condition for _, condition in self.checks(field, number)]
        return " AND ".join(parts)

    def cast(self, field, text, form=None):
        number = f"kdap_number({text})"
        return f"CASE WHEN {self.within(field, number)} THEN {number}::{self.column(field)} END"

    def dump(self, field):
        return lambda value: None if value is None else format(value, "f")

    def form_field(self, field, **common):
        return forms.CharField(widget=forms.TextInput(attrs={"inputmode": "decimal"}), **common)

    def api_field(self, field, **common):
        precision, scale = self.digits(field)
        return serializers.DecimalField(max_digits=precision, decimal_places=scale, **common)


class Integer(Number):
    """A whole number."""

    key, label, icon, hint = "integer", "Integer", "hash", "A count, a number without fraction"
    Options = Bounds
    schema = {"type": "integer", "format": "int64"}
    LARGEST = 2**63 - 1

    def digits(self, field):
        return 19, 0

    def column(self, field):
        return "bigint"

    def model_field(self, field, **common):
        return models.BigIntegerField(**common)

    def parse(self, value, field):
        number = read_number(value)
        if number.adjusted() > 19 or number != number.to_integral_value():
            raise Refused(f"{value} is no whole number.")
        if abs(number) > self.LARGEST:
            raise Refused(f"{value} is too large; {self.LARGEST} is the most.")
        return int(self.bounded(number, field))

    def within(self, field, number):
        parts = [f"abs({number}) <= {self.LARGEST}", f"{number} = trunc({number})"]
        return " AND ".join(parts + [condition for _, condition in self.checks(field, number)])

    def dump(self, field):
        return None

    def api_field(self, field, **common):
        return serializers.IntegerField(**common)


class Currency(Number):
    """An amount of money in one currency."""

    key, label, icon, hint = "currency", "Currency", "currency", "19.90 EUR"
    Options = CurrencyOptions


class Percent(Number):
    """A share: 12.5 % is kept as 0.125."""

    key, label, icon, hint = "percent", "Percent", "percent", "12.5 %, kept as 0.125"
    editor = "percent"

    class Options(Bounds):
        scale: int = Option(default=2, ge=0, le=10)

    def digits(self, field):
        return 19, field.options["scale"] + 2

    def display(self, value, field):
        if value is None:
            return ""
        return f"{(Decimal(value) * 100).quantize(Decimal(1).scaleb(-field.options['scale']))}%"


class Rating(Integer):
    """Stars, from one to the maximum."""

    key, label, icon, hint = "rating", "Rating", "star", "One to five stars"
    editor, align = "rating", "start"

    class Options(Options):
        stars: int = Option(default=5, ge=2, le=10)

    def column(self, field):
        return "smallint"

    def model_field(self, field, **common):
        return models.SmallIntegerField(**common)

    def checks(self, field, column):
        yield "stars", f"{column} BETWEEN 1 AND {field.options['stars']}"

    def bounded(self, number, field):
        if not 1 <= number <= field.options["stars"]:
            raise Refused(f"A rating is from 1 to {field.options['stars']}.")
        return number
