"""What each column holds, found over the whole file, so that no value is lost on the way in.

A type is only guessed when every filled cell can be had back from it: 007 stays text, so do 19
digits, and dates of which nobody can say whether the day or the month comes first.
"""

import datetime as dt
import json
import re
from collections import Counter
from functools import partial

from records.fields.texts import URL_PATTERN
from records.names import clean_label

# What databases and statistics programs write for "nothing"; offered, taken only beside numbers,
# dates and the like, where it can't be a value.
MISSING = ("NULL", "NA", "N/A", "#N/A", "NaN", "nan", "null", "None", "-", "\\N")
MISSING_SET = set(MISSING)
MOST_DISTINCT = 20_000
EXAMPLES = 5
MOST_OFFERED = 100
MOST_CHOICES, FEWEST_ROWS, LARGEST_SHARE = 12, 50, 0.05
NEUTRALISED = re.compile(r"'+[=+\-@\t\r]")


def _matches(pattern, flags=0):
    return re.compile(pattern, flags).fullmatch


INTEGER = _matches(r"0|-?[1-9]\d{0,17}", re.ASCII)
DECIMAL = _matches(r"(?!-0(?:\.0*)?$)-?(?:0|[1-9]\d{0,17})(?:\.\d{1,15})?", re.ASCII)
BOOLEAN = {"true", "false", "yes", "no"}
ISO_DATE = _matches(r"\d{4}-\d\d-\d\d(?:[T ]00:00(?::00(?:\.0+)?)?)?", re.ASCII)
ISO_MOMENT = _matches(
    r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?)(Z|[+-]\d\d(?::?\d\d)?)?", re.ASCII
)
SHORT_DATE = _matches(r"(\d{1,2})([./-])(\d{1,2})\2(\d{4})(?: 00?:00(?::00)?)?", re.ASCII)
EMAIL = _matches(r"[^@\s,;<>\"]+@[^@\s,;<>\"]+\.[^@\s,;<>\".]+")
URL = re.compile(URL_PATTERN).search
UUID = _matches(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def is_date(text):
    """Whether `text` is a day as 2026-05-31, with a time of midnight at most."""
    return bool(ISO_DATE(text)) and _is_day(text[:10])


def _is_day(text):
    try:
        dt.date.fromisoformat(text)
    except ValueError:
        return False
    return True


def is_moment(zoned, text):
    """Whether `text` is a day with a time, with or without an offset as `zoned` says."""
    found = ISO_MOMENT(text)
    if not found or bool(found[3]) is not zoned:
        return False
    try:
        dt.datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def is_short_date(form, text):
    """Whether `text` is a day as 31.5.2026 (dmy) or 5/31/2026 (mdy)."""
    found = SHORT_DATE(text)
    if not found:
        return False
    day, month = (found[1], found[3]) if form == "dmy" else (found[3], found[1])
    return _is_day(f"{found[4]}-{month:0>2}-{day:0>2}")


def is_json(text):
    """Whether `text` is a JSON object or list that jsonb keeps whole."""
    if text[:1] not in "{[" or "\\u0000" in text or len(text) > 1024**2:
        return False
    try:
        json.loads(text, object_pairs_hook=_distinct_keys, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return False
    return True


def _distinct_keys(pairs):
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key comes twice")
    return found


def _no_constant(name):
    raise ValueError(name)


# In order: the first that holds for every cell is the guess.
TESTS = {
    "integer": INTEGER,
    "decimal": DECIMAL,
    "boolean": lambda text: text.lower() in BOOLEAN,
    "date": is_date,
    "zoned": partial(is_moment, True),
    "local": partial(is_moment, False),
    "dated": lambda text: is_moment(False, text) or is_date(text),
    "dmy": partial(is_short_date, "dmy"),
    "mdy": partial(is_short_date, "mdy"),
    "uuid": UUID,
    "email": lambda text: len(text) <= 254 and EMAIL(text),
    "url": lambda text: len(text) <= 2048 and URL(text),
    "json": is_json,
}


class Column:
    """What is known of one column; feed it all its cells, then ask for `result`."""

    def __init__(self, mixed_midnights=False):
        self.filled, self.longest = 0, 0
        self.possible = dict(TESTS)
        if not mixed_midnights:
            del self.possible["dated"]
        self.distinct, self.uncounted = set(), False
        self.missing, self.examples = Counter(), []
        self.lines = self.nul = self.neutralised = self.quotes = self.padded = False
        self.whole, self.scale = 1, 0

    def feed(self, cells):
        """Take a batch of cells (text, "" for none)."""
        different = set(cells)
        self.filled += len(cells)
        if "" in different:
            self.filled -= cells.count("")
            different.discard("")
        if not MISSING_SET.isdisjoint(different):
            for word in MISSING_SET & different:
                self.missing[word] += cells.count(word)
        fresh = different - self.distinct
        if not self.uncounted:
            self._count(fresh)
        if fresh:
            self._look(fresh)

    def _count(self, fresh):
        if len(self.distinct) + len(fresh) > MOST_DISTINCT:
            self.uncounted, self.distinct = True, set()
        else:
            self.distinct |= fresh

    def _look(self, fresh):
        self.longest = max(self.longest, max(map(len, fresh)))
        text = "\n".join(fresh)
        if text.count("\n") >= len(fresh) or "\r" in text:
            self.lines = True
        self.nul = self.nul or "\x00" in text
        self.quotes = self.quotes or '"' in text
        if "'" in text and not self.neutralised:
            self.neutralised = any(map(NEUTRALISED.match, fresh))
        if len(self.examples) < EXAMPLES:
            kept = [
                v[:120].replace("\x00", "�")
                for v in sorted(fresh)
                if v.strip() and v not in MISSING
            ]
            self.examples += [v for v in kept if v not in self.examples]
            self.examples = self.examples[:EXAMPLES]
        values = set(map(str.strip, fresh))
        self.padded = self.padded or values != fresh
        values = values.difference(MISSING, [""])
        for name in list(self.possible):
            if not all(map(self.possible[name], values)):
                del self.possible[name]
        if "decimal" in self.possible and values:
            self._digits(values)

    def _digits(self, values):
        for value in values:
            whole, _, part = value.lstrip("-").partition(".")
            self.whole, self.scale = max(self.whole, len(whole)), max(self.scale, len(part))

    def result(self, rows):
        """Return what was found, JSON-able; `rows` is how many there were."""
        values = self.filled - sum(self.missing.values())
        kind, form, options, proof = self._kind(values)
        typed = kind not in ("text", "long_text", "choice")
        return {
            "type": kind,
            "form": form,
            "options": options,
            "proof": "" if self.neutralised else proof,
            "filled": self.filled,
            "missing": dict(self.missing),
            "nulls": sorted(self.missing) if typed else [],
            "labels": self._offered(),
            "distinct": None if self.uncounted else len(self.distinct),
            "longest": self.longest,
            "examples": self.examples,
            "neutralised": self.neutralised,
            "padded": self.padded,
        }

    def _kind(self, values):
        """Return (type, form, options, proof) of the best guess."""
        found = next(iter(self.possible), None) if values > 0 else None
        if "dmy" in self.possible and "mdy" in self.possible:
            found = None  # 3.4.2026 may be April or March
        if found == "integer":
            return "integer", "", {}, "integer"
        if found == "decimal":
            precision = max(self.whole + self.scale, 19)
            options = {"precision": precision, "scale": self.scale}
            return "decimal", "", options, f"decimal:{self.whole},{self.scale}"
        if found in ("date", "dmy", "mdy"):
            return "date", {"date": "iso"}.get(found, found), {}, found if found == "date" else ""
        if found in ("zoned", "local", "dated"):
            return "datetime", "iso", {}, found if found != "dated" else ""
        if found == "boolean":
            return "boolean", "", {}, "boolean"
        if found:
            return found, "", {}, ""
        labels = self._labels(values)
        if labels:
            return "choice", "", {"choices": labels}, ""
        if self.longest > 255 or self.lines:
            return "long_text", "", {}, "text"
        return "text", "", {}, "text"

    def _offered(self):
        """Return the labels that people could make a choice of, [] when there are too many."""
        labels = {value.lower(): value for value in self.distinct if value not in self.missing}
        if self.uncounted or len(labels) > MOST_OFFERED:
            return []
        labels = sorted(value for value in labels.values() if value.strip())
        return labels if all(len(v) <= 100 and _is_clean(v) for v in labels) else []

    def _labels(self, rows):
        """Return the column's few different labels when it reads like a choice, else None."""
        labels = sorted(self.distinct)
        if self.uncounted or not 1 < len(labels) <= MOST_CHOICES or rows < FEWEST_ROWS:
            return None
        if len(labels) > rows * LARGEST_SHARE or self.missing:
            return None
        same = len({label.lower() for label in labels}) < len(labels)
        if same or any(_no_label(label) for label in labels):
            return None
        return labels


def _no_label(text):
    """Whether `text` would not survive as a choice's label, or is a number."""
    if len(text) > 60 or not text.strip() or DECIMAL(text) or text.lstrip("0").isdigit():
        return True
    return not _is_clean(text) or not any(map(str.isalpha, text))


def _is_clean(text):
    try:
        return clean_label(text) == text
    except ValueError:
        return False
