"""One pass over a whole file: what its columns hold, and what is odd about it."""

import csv
from itertools import zip_longest

from records.imports import sources
from records.imports.guess import Column
from records.names import clean_label

PREVIEW_ROWS = 20


def analyse(job):
    """Read the file of `job` as its settings say; return (settings, analysis), JSON-able.

    Raises Invalid when it can't be read.
    """
    with sources.opened(job) as source:
        reader = _Reader(source, mixed_midnights=job.format == "sheet")
        neutralised = sources.FORMATS[job.format].neutralised
        try:
            with source.rows(strict=True) as batches:
                reader.read(batches)
        except csv.Error:
            # Sloppy quotes: read what there is, as a spreadsheet would, but say so.
            reader = _Reader(source, mixed_midnights=job.format == "sheet")
            reader.notices.append(
                "Some quotes in this file are not as they should be. Look closely."
            )
            reader.plain = False
            with source.rows() as batches:
                reader.read(batches)
        return source.settings | {"width": source.dialect.width}, reader.result(neutralised)


class _Reader:
    def __init__(self, source, mixed_midnights):
        self.source, self.width = source, source.dialect.width
        self.columns = [Column(mixed_midnights) for _ in range(self.width)]
        self.rows, self.longer, self.shorter = 0, [], 0
        self.plain, self.preview, self.notices = True, [], []

    def read(self, batches):
        """Take all rows, column by column."""
        for first, rows in batches:
            if set(map(len, rows)) != {self.width}:
                rows = self._even(first, rows)
            if len(self.preview) < PREVIEW_ROWS:
                self._show(first, rows)
            for column, cells in zip(self.columns, zip_longest(*rows, fillvalue=""), strict=False):
                column.feed(cells)
            self.rows += len(rows)

    def _show(self, first, rows):
        for number, row in enumerate(rows[: PREVIEW_ROWS - len(self.preview)], first):
            cells = (cell[:200].replace("\x00", "�") for cell in row)
            self.preview.append([number, *cells])

    def _even(self, first, rows):
        """Return the rows that hold something, no longer than the header; note what was odd."""
        self.plain = False  # COPY takes blank lines and ragged rows for errors
        for number, row in enumerate(rows, first):
            if len(row) > self.width and any(row[self.width :]):
                self.longer.append(number)
            elif 0 < len(row) < self.width:
                self.shorter += 1
        return [row[: self.width] for row in rows if row]

    def result(self, neutralised):
        """Return the analysis."""
        dialect = self.source.dialect
        found = [column.result(self.rows) for column in self.columns]
        names, odd = column_names(self.source.names())
        for column, name in zip(found, names, strict=True):
            column["name"] = name
            column["neutralised"] = column["neutralised"] and neutralised
        plain = self.plain and dialect.encoding in ("utf-8", "utf-8-sig") and self.width > 1
        plain = plain and not any(c.quotes or c.nul for c in self.columns)
        return {
            "columns": found,
            "rows": self.rows,
            "preview": self.preview,
            "notices": [*self.notices, *odd, *self._ragged()],
            # Whether COPY reads the bytes as we do, so that they need no detour through Python.
            "plain": plain and dialect.header_row <= 1 and dialect.delimiter.isascii(),
        }

    def _ragged(self):
        if self.longer:
            count = len(self.longer)
            yield (
                f"{count:,} row{'s have' if count > 1 else ' has'} more cells than the header, "
                f"first row {self.longer[0]:,}. They will be refused; perhaps a quote is missing."
            )
        if self.shorter:
            yield f"{self.shorter:,} rows have fewer cells than the header; the rest is taken as empty."


def column_names(cells):
    """Return (a name for every column, sentences on what was odd), blank and doubled ones mended."""
    names, taken, blank, doubled = [], set(), 0, []
    for number, cell in enumerate(cells, 1):
        try:
            name = clean_label(cell.replace("\ufeff", "")[:300])
        except ValueError:
            name, blank = f"Column {number}", blank + 1
        base, count = name, 2
        while name.lower() in taken:
            name, count = f"{base[:290]} {count}", count + 1
        if name != base:
            doubled.append(base)
        taken.add(name.lower())
        names.append(name)
    odd = []
    if blank and blank < len(cells):
        odd.append(f"{blank} column{'s have' if blank > 1 else ' has'} no name in the header.")
    if doubled:
        odd.append(f"“{doubled[0]}” is the name of several columns.")
    return names, odd
