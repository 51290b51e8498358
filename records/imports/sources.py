"""The family of file formats. Each turns a file into one table of text that CSV can carry.

A member is a small class; adding one is copying one. Everything after it reads only CSV.
"""

from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from records.imports import delimited, files, objects, sheets
from records.imports.delimited import Dialect
from workspaces.errors import Invalid


@dataclass
class Source:
    """A table ready to be read: a CSV file, how it is written, and the settings that led to it."""

    path: Path
    dialect: Dialect
    settings: dict

    def names(self):
        """Return the header's cells as they are, as many as there are columns."""
        cells = delimited.header(self.path, self.dialect)[: self.dialect.width]
        return cells + [""] * (self.dialect.width - len(cells))

    @contextmanager
    def rows(self, strict=False):
        """Give an iterator of (number of the first row, rows), blank lines being empty rows."""
        with delimited.opened(self.path, self.dialect, strict) as batches:
            yield delimited.below_header(batches, self.dialect)


class Delimited:
    """Text with a character between cells."""

    key, label, endings = "csv", "CSV or TSV", (".csv", ".tsv", ".tab", ".txt", ".psv")
    neutralised = True  # its cells may carry the apostrophe that keeps spreadsheets from acting

    def source(self, path, settings):
        """Return a Source for the file at `path`, read as `settings` say; the rest is guessed."""
        dialect = delimited.sniff(path, settings)
        return Source(path, dialect, dialect.as_json())


class _Converted:
    """A format that is written anew as CSV first."""

    neutralised = False

    def source(self, path, settings):
        plain = path.with_name("table.csv")
        kept = self.convert(path, plain, settings)
        given = {"encoding": "utf-8", "delimiter": ",", "quote": '"', "escape": ""}
        if self.has_header:
            given["header_row"] = 1
        elif settings.get("header_row") is not None:
            given["header_row"] = settings["header_row"]
        dialect = delimited.sniff(plain, given)
        return Source(plain, dialect, kept | {"header_row": dialect.header_row})


class Workbook(_Converted):
    """A sheet of an Excel or OpenDocument workbook."""

    key, label, endings = (
        "sheet",
        "Excel or OpenDocument",
        (".xlsx", ".xlsm", ".xls", ".xlsb", ".ods"),
    )
    has_header = False

    def convert(self, path, plain, settings):
        names, sheet = sheets.to_csv(path, plain, settings.get("sheet"))
        return {"sheets": names, "sheet": sheet}


class Json(_Converted):
    """A list of objects."""

    key, label, endings = "json", "JSON", (".json",)
    has_header = True

    def convert(self, path, plain, settings):
        objects.json_to_csv(path, plain)
        return {}


class Ndjson(_Converted):
    """An object on each line."""

    key, label, endings = "ndjson", "NDJSON", (".ndjson", ".jsonl")
    has_header = True

    def convert(self, path, plain, settings):
        objects.ndjson_to_csv(path, plain)
        return {}


FORMATS = {member.key: member() for member in (Delimited, Workbook, Json, Ndjson)}


def recognise(name, head):
    """Return the key of the format of a file, by its first bytes, then by its name."""
    if head.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        return "sheet"
    if head.startswith((b"%PDF", b"\x1f\x8b", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"Rar!")):
        raise Invalid("This is no table. CSV, TSV, Excel, OpenDocument and JSON can be imported.")
    ending = Path(name).suffix.lower()
    found = next((key for key, member in FORMATS.items() if ending in member.endings), None)
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    if found == "sheet":
        raise Invalid(f"“{name}” is damaged, or no {ending} file at all.")
    if found == "json" and start == b"{" and objects.looks_like_lines(head):
        return "ndjson"
    if found is None and start in (b"[", b"{"):
        return "ndjson" if objects.looks_like_lines(head) else "json"
    return found or "csv"


@contextmanager
def opened(job):
    """Give the Source of an ImportJob's file, read as the job's settings say."""
    with files.unpacked(job.file) as path:
        yield FORMATS[job.format].source(path, dict(job.settings))


def with_width(source, width):
    """Return `source` read as having `width` columns."""
    return replace(source, dialect=replace(source.dialect, width=width))
