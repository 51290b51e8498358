"""CSV, TSV and their kin: how a file is written, and its rows as lists of text."""

import codecs
import csv
import re
from collections import Counter
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from itertools import chain, islice

from charset_normalizer import from_bytes

from workspaces.errors import Invalid

LONGEST_CELL = 10 * 1024**2
MOST_COLUMNS = 500
SAMPLE_BYTES = 512 * 1024
SAMPLE_ROWS = 1000
# Few enough that Python's collector does not come to see the rows before they are gone.
BATCH = 500
DELIMITERS = (",", ";", "\t", "|", "^", "~", "\x1f")
BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# What a file without a mark is taken for when it is no UTF-8; people can choose another.
LEGACY = ["cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp932", "euc_jp", "gb18030"]
LEGACY += ["big5", "euc_kr", "koi8_r", "mac_roman", "iso8859_15"]
ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", *LEGACY]
NUMERIC = re.compile(r"\s*[-+]?[\d.,]*\d[\d.,]*%?\s*|\d{4}-\d\d-\d\d.*|\d{1,2}[./]\d{1,2}[./]\d+.*")

csv.field_size_limit(LONGEST_CELL)


@dataclass(frozen=True)
class Dialect:
    """How a file is written. `header_row` is 1-based, 0 for none; `escape` is "" for doubling."""

    encoding: str = "utf-8"
    delimiter: str = ","
    quote: str = '"'
    escape: str = ""
    header_row: int = 1
    width: int = 0

    def as_json(self):
        return asdict(self)

    def checked(self):
        """Return self; raise Invalid when a setting can't be."""
        try:
            codecs.lookup(self.encoding)
            "".encode(self.encoding)
        except (LookupError, TypeError, ValueError):
            raise Invalid(f"“{str(self.encoding)[:40]}” is no encoding that we know.") from None
        marks = (self.delimiter, self.quote, self.escape)
        if not all(isinstance(mark, str) for mark in marks):
            raise Invalid("Delimiter and quote are characters.")
        if len(self.delimiter) != 1 or self.delimiter in '\r\n\0"' + self.quote:
            raise Invalid("The delimiter is one character, and not the quote or a line break.")
        if len(self.quote) > 1 or self.quote in ("\r", "\n", "\0"):
            raise Invalid("The quote is one character, or none.")
        if self.escape not in ("", "\\"):
            raise Invalid("Quotes in cells are doubled, or have a backslash in front.")
        if not isinstance(self.header_row, int) or not 0 <= self.header_row <= 1000:
            raise Invalid("The header is in one of the first 1,000 rows, or 0 for none.")
        return self

    def reader(self, lines, strict=False):
        """Return a csv.reader over an iterable of lines."""
        return csv.reader(
            lines,
            delimiter=self.delimiter,
            quotechar=self.quote or None,
            quoting=csv.QUOTE_MINIMAL if self.quote else csv.QUOTE_NONE,
            doublequote=not self.escape,
            escapechar=self.escape or None,
            strict=strict,
        )


def sniff(path, given=None):
    """Return the Dialect of the file at `path`; what `given` (a dict) names is taken from there.

    Raises Invalid when it holds nothing that could be a table.
    """
    given = {key: value for key, value in (given or {}).items() if value is not None}
    known = {name: given[name] for name in Dialect.__dataclass_fields__ if name in given}
    known.pop("width", None)
    dialect = replace(Dialect(), **known).checked()
    if "encoding" not in known:
        dialect = replace(dialect, encoding=find_encoding(path))
    sample = read_sample(path, dialect.encoding)
    if not sample.strip("\ufeff \r\n\t\x00"):
        raise Invalid("This file has no rows.")
    if "delimiter" not in known:
        dialect = _with_delimiter(dialect, sample, "quote" in known)
    rows = _sample_rows(sample, dialect)
    if "header_row" not in known:
        dialect = replace(dialect, header_row=_find_header(rows))
    width = _width(rows, dialect.header_row)
    if width > MOST_COLUMNS:
        hint = "" if "delimiter" in known else " Perhaps the delimiter is another one."
        raise Invalid(f"This file has {width:,} columns; {MOST_COLUMNS} is the most.{hint}")
    return replace(dialect, width=width).checked()


def find_encoding(path):
    """Return the name of the encoding of the file at `path`."""
    with open(path, "rb") as file:
        head = file.read(SAMPLE_BYTES)
        for mark, encoding in BOMS:
            if head.startswith(mark):
                return encoding
        zeros = head[:4096].count(0)
        if zeros > len(head[:4096]) // 4:
            return "utf-16-le" if head[1:4096:2].count(0) > head[0:4096:2].count(0) else "utf-16-be"
        decoder, odd = codecs.getincrementaldecoder("utf-8")(), None
        chunk = head
        while chunk:
            try:
                decoder.decode(chunk)
            except UnicodeDecodeError:
                odd = chunk
                break
            chunk = file.read(1024**2)
        else:
            try:
                decoder.decode(b"", final=True)
            except UnicodeDecodeError:
                odd = head
    return "utf-8" if odd is None else _legacy(odd)


def _legacy(head):
    best = from_bytes(head[:200_000], cp_isolation=LEGACY, enable_fallback=False).best()
    return best.encoding if best else "cp1252"


def read_sample(path, encoding):
    """Return the first part of the file as text, ending at a line's end when there is more."""
    with open(path, "rb") as file:
        head = file.read(SAMPLE_BYTES)
    try:
        text = codecs.getincrementaldecoder(encoding)("replace").decode(head)
    except UnicodeError:
        raise Invalid(f"This file is not written in {encoding}. Choose another encoding.") from None
    if len(head) == SAMPLE_BYTES:
        text = text[: max(text.rfind("\n"), text.rfind("\r")) + 1] or text
    return text.removeprefix("\ufeff")


def _with_delimiter(dialect, sample, quote_known):
    told = re.match(r"sep=(.)\r?\n", sample)  # Excel's own way of telling
    if told:
        return replace(dialect, delimiter=told[1])
    quotes = [dialect.quote] if quote_known else ['"', "'"] if _single_quoted(sample) else ['"']
    best, top = dialect, (0.0, 0)
    for quote in quotes:
        for delimiter in DELIMITERS:
            if delimiter not in sample:
                continue
            trial = replace(dialect, delimiter=delimiter, quote=quote)
            score = _score(_sample_rows(sample, trial)[:200])
            if score > top:
                best, top = trial, score
    if best.quote != "'" and not top[1]:
        unused = next((mark for mark in DELIMITERS if mark not in sample), ",")
        return replace(dialect, delimiter=unused)
    return best


def _single_quoted(sample):
    return (
        '"' not in sample and len(re.findall(r"(?:^|[,;\t|])'[^'\n]*'(?=[,;\t|\r\n])", sample)) > 3
    )


def _score(rows):
    """Return (share of rows of the most common width, that width); (0, 0) for one column."""
    widths = Counter(len(row) for _, row in rows if row)
    if not widths:
        return 0.0, 0
    width, count = max(widths.items(), key=lambda item: (item[1], item[0]))
    return (round(count / widths.total(), 2), width) if width > 1 else (0.0, 0)


def _sample_rows(sample, dialect):
    """Return the first rows of a sample as [(number, cells)], those with nothing in them too."""
    lines = sample.splitlines(keepends=True)
    if re.match(r"sep=(.)\r?\n", sample):
        lines = lines[1:]
    try:
        return list(enumerate(islice(dialect.reader(lines), SAMPLE_ROWS), 1))
    except csv.Error as error:
        raise Invalid(_explain(error)) from None


def _find_header(rows):
    """Return the number of the row that names the columns, 0 when none seems to."""
    width = _score(rows)[1] or 1
    for number, row in rows[:20]:
        filled = [cell for cell in row if cell.strip()]
        if len(filled) * 2 < width or not filled or (len(row) == 1 < width):
            continue
        numeric = sum(bool(NUMERIC.fullmatch(cell)) for cell in filled)
        return 0 if numeric * 2 > len(filled) or (numeric and len(rows) == 1) else number
    return 0


def _width(rows, header_row):
    """Return how many columns there are: the header's, or the most common when that is more.

    A header may lack names; a single longer row is more likely a slip in that row.
    """
    body = [row for number, row in rows if number > header_row and any(row)]
    common = Counter(map(len, body)).most_common(1)
    usual = common[0][0] if common and common[0][1] * 2 > len(body) else 0
    named = next((len(row) for number, row in rows if number == header_row), 0)
    if not header_row:
        usual = max(map(len, body), default=0)
    return max(named, usual)


@contextmanager
def opened(path, dialect, strict=False):
    """Give an iterator of (number of the first row, rows) over all batches of rows of a file.

    Numbers are those that a spreadsheet would show; blank lines are empty rows. Raises Invalid
    with a sentence when the file can't be read on, with `strict` csv.Error at sloppy quotes.
    """
    with open(path, encoding=dialect.encoding, newline="", errors="strict") as file:
        yield _batches(file, dialect, strict)


def _batches(file, dialect, strict):
    first = file.readline().removeprefix("\ufeff")
    lines = file if re.fullmatch(r"sep=.\r?\n", first) else chain([first], file)
    reader = dialect.reader(lines, strict)
    try:
        number = 1
        while batch := list(islice(reader, BATCH)):
            yield number, batch
            number += len(batch)
    except csv.Error as error:
        if strict:
            raise
        raise Invalid(_explain(error, reader.line_num)) from None
    except UnicodeError:
        raise Invalid(
            f"Near line {reader.line_num + 1} there are bytes that are no {dialect.encoding}. "
            "Choose another encoding."
        ) from None


def below_header(batches, dialect):
    """Yield (number of the first row, rows) for what follows the header."""
    for number, batch in batches:
        above = dialect.header_row + 1 - number
        if above <= 0:
            yield number, batch
        elif batch[above:]:
            yield number + above, batch[above:]


def header(path, dialect):
    """Return the cells of the header row, [] when there is none."""
    if not dialect.header_row:
        return []
    with opened(path, dialect) as batches:
        for number, batch in batches:
            if dialect.header_row < number + len(batch):
                return batch[dialect.header_row - number]
    return []


def _explain(error, line=None):
    where = f"Near line {line:,}: " if line else ""
    if "field larger" in str(error):
        return f"{where}a cell is larger than 10 MB. Perhaps a quote is never closed."
    return f"{where}this can't be read ({error})."
