"""An Excel workbook written row by row in constant memory."""

import datetime as dt
from decimal import Decimal

import xlsxwriter
from django.utils import timezone

# A double keeps 15 digits; what is longer goes in as text, whole.
DIGITS = 15
FIRST_DAY = dt.date(1900, 3, 1)  # before it Excel counts a day that never was
FORMATS = {
    "date": "yyyy-mm-dd",
    "datetime": "yyyy-mm-dd hh:mm:ss",
    "created_at": "yyyy-mm-dd hh:mm:ss",
    "updated_at": "yyyy-mm-dd hh:mm:ss",
}


class Workbook:
    """One sheet with a header; `write` takes rows of Python values in the order of `fields`."""

    def __init__(self, file, fields):
        self.book = xlsxwriter.Workbook(
            file,
            {
                "constant_memory": True,
                "strings_to_formulas": False,
                "strings_to_urls": False,
                "strings_to_numbers": False,
            },
        )
        self.sheet = self.book.add_worksheet()
        self.sheet.freeze_panes(1, 0)
        bold = self.book.add_format({"bold": True})
        self.formats = [self._format(field) for field in fields]
        self.row = 0
        for place, field in enumerate(fields):
            self.sheet.set_column(place, place, min(max(len(field.label) + 2, 12), 40))
            self.sheet.write_string(0, place, field.label, bold)

    def _format(self, field):
        pattern = FORMATS.get(field.type)
        if field.type in ("decimal", "currency"):
            scale = field.options["scale"]
            pattern = "0." + "0" * scale if scale else "0"
        elif field.type == "percent":
            scale = field.options["scale"]
            pattern = "0." + "0" * scale + "%" if scale else "0%"
        return self.book.add_format({"num_format": pattern}) if pattern else None

    def write(self, row):
        """Add a row."""
        self.row += 1
        for place, value in enumerate(row):
            if value is not None:
                self._cell(place, value)

    def _cell(self, place, value):
        sheet, row, look = self.sheet, self.row, self.formats[place]
        if isinstance(value, bool):
            sheet.write_boolean(row, place, value)
        elif isinstance(value, (int, Decimal)):
            if len(str(value).strip("-0.").replace(".", "")) > DIGITS:
                sheet.write_string(row, place, format(value, "f") if look else str(value))
            else:
                sheet.write_number(row, place, value, look)
        elif isinstance(value, dt.datetime):
            value = timezone.make_naive(value)
            if value.date() < FIRST_DAY or value.microsecond:
                sheet.write_string(row, place, value.isoformat(sep=" "))
            else:
                sheet.write_datetime(row, place, value, look)
        elif isinstance(value, dt.date):
            if value < FIRST_DAY:
                sheet.write_string(row, place, value.isoformat())
            else:
                sheet.write_datetime(row, place, value, look)
        else:
            sheet.write_string(row, place, str(value))

    def close(self):
        """Write the file's end."""
        self.book.close()
