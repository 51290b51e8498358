"""Run as a program: writes one sheet of a workbook as CSV. See sheets.py for why it stands alone.

Arguments: the workbook, the CSV to write, the sheet's name or "". Prints one JSON object: the
names of all sheets and the one taken, or an error as a sentence.
"""

import csv
import datetime as dt
import json
import resource
import sys
from decimal import Decimal

MOST_MEMORY = 3 * 1024**3
MOST_SECONDS = 240
MOST_CELLS = 5_000_000


def text_of(value):
    """Return a cell's value as text that means the same."""
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, dt.datetime):
        if value.microsecond:  # a double can't hold a moment exactly: 59.9999999 is 60
            value = (
                (value + dt.timedelta(microseconds=500)).replace(microsecond=0)
                if (value.microsecond > 999_000 or value.microsecond < 1000)
                else value
            )
        return value.isoformat(sep=" ")
    if isinstance(value, dt.timedelta):
        seconds = round(value.total_seconds())
        sign, seconds = ("-", -seconds) if seconds < 0 else ("", seconds)
        return f"{sign}{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return str(value)


def _number(value):
    """Return a double as spreadsheets show and mean it, in 15 digits: 0.1 + 0.2 is 0.3."""
    if value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    short = float(f"{value:.15g}")
    return format(Decimal(repr(short)), "f") if 1e-15 < abs(short) < 1e15 else repr(value)


def convert(source, plain, wanted):
    """Write the sheet; return the answer as a dict."""
    from python_calamine import CalamineError, CalamineWorkbook, PasswordError

    try:
        book = CalamineWorkbook.from_path(source)
        names = [
            sheet.name for sheet in book.sheets_metadata if str(sheet.typ).endswith("WorkSheet")
        ]
        names = names or book.sheet_names
        if wanted and wanted not in names:
            return {
                "error": f"There is no sheet “{wanted[:60]}”; there are {', '.join(names)[:500]}."
            }
        for name in [wanted] if wanted else names:
            sheet = book.get_sheet_by_name(name)
            if sheet.end is not None:
                break
        else:
            return {"error": "This workbook has no cells."}
    except PasswordError:
        return {"error": "This workbook is locked by a password. Save it without one."}
    except CalamineError as error:
        if "Cell limit" in str(error):
            return {"error": f"A sheet has too many cells; {MOST_CELLS:,} is the most."}
        return {"error": f"This workbook is damaged ({str(error)[:200]})."}
    height, width = (last + 1 for last in sheet.end)
    if height * width > MOST_CELLS:
        return {
            "error": f"The sheet “{name}” has {height * width:,} cells; {MOST_CELLS:,} is the most."
        }
    with open(plain, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        for row in sheet.iter_rows():
            cells = [text_of(cell) for cell in row]
            writer.writerow(cells if any(cells) else [])
    return {"sheets": names, "sheet": name}


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (MOST_SECONDS, MOST_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    print(json.dumps(convert(*sys.argv[1:4])))
