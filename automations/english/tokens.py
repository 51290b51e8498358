"""Cuts a text into words, numbers, texts in quotes and marks, each with its place in the text."""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

MOST_CHARACTERS = 5000
QUOTES = {'"': '"', "“": "””", "„": "“”", "«": "»", "‘": "’"}
ESCAPABLE = "\\\"“”„«»'‘’{}"

# One alternative for each first character, and no repetition inside a repetition.
PLAIN = re.compile(
    r"""
      (?P<datetime>\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d)?(?:Z|[+-]\d\d:\d\d)?)
    | (?P<date>\d{4}-\d\d-\d\d(?!\d))
    | (?P<time>\d{1,2}:\d\d(?!\d))
    | (?P<email>[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8})
    | (?P<number>\d{1,3}(?:,\d{3}){1,20}(?!\d)(?:\.\d+)?|\d+(?:\.\d+)?)
    | (?P<own>['’]s\b)
    | (?P<word>[^\W\d]\w*(?:-\w+)*(?:['’](?!s\b)\w+)?)
    | (?P<mark><=|>=|=<|<>|!=|==|\S)
    """,
    re.VERBOSE,
)
BULLET = re.compile(r"(?:[-–—•*]|\d{1,3}[.)]|[a-z]\))[ \t]+")
LINE = re.compile(r"[ \t\r\n\f\v\u00a0\u2028\u2029]+")
URL = re.compile(r"https?://", re.IGNORECASE)


@dataclass(frozen=True)
class Token:
    """A piece of the text. `norm` is what words are compared by; `value` what it stands for.

    Kinds: word, own (the 's of “order's”), number, time, date, datetime, email, url, text (in
    quotes), ref ({Label}), raw ({{ path }}), open (a quotation mark that nobody closed), mark,
    line (a new one; its value is how far it is indented) and end.
    """

    kind: str
    start: int
    end: int
    norm: str = ""
    value: Any = None


def tokens(text):
    """Return the Tokens of a text; the first is a line, the last is the end."""
    return list(_Scanner(text).scan())


class _Scanner:
    def __init__(self, text):
        self.text = text
        self.here = 0
        self.unpaired = 0  # up to here no single quotation mark has a partner

    def scan(self):
        yield self.line(0)
        while self.here < len(self.text):
            if gap := LINE.match(self.text, self.here):
                start, self.here = self.here, gap.end()
                if "\n" in gap[0] and self.here < len(self.text):
                    yield self.line(start + gap[0].rfind("\n") + 1)
                continue
            yield self.token()
        yield Token("end", len(self.text), len(self.text))

    def line(self, begin):
        """Return the token of a line that begins at `begin`, and pass its bullet."""
        start = self.here
        if begin == 0 and (gap := LINE.match(self.text)):
            self.here = gap.end()
            begin = gap[0].rfind("\n") + 1
        indent = len(self.text[begin : self.here].expandtabs(4))
        if bullet := BULLET.match(self.text, self.here):
            self.here = bullet.end()
        return Token("line", start, self.here, "\n", indent)

    def token(self):
        start, first = self.here, self.text[self.here]
        if first in QUOTES:
            return self.quoted(QUOTES[first])
        if first in "'" and (found := self.single()):
            return found
        if first == "{":
            return self.braces()
        if URL.match(self.text, start):
            return self.url()
        found = PLAIN.match(self.text, start)
        self.here = found.end()
        kind, piece = found.lastgroup, found[0]
        value = piece
        if kind == "number":
            value = Decimal(piece.replace(",", ""))
        norm = "'s" if kind == "own" else piece.casefold().replace("’", "'")
        return Token(kind, start, self.here, norm, value)

    def quoted(self, closing):
        start, place = self.here, self.here + 1
        while place < len(self.text) and self.text[place] not in closing:
            place += 2 if self.text[place] == "\\" else 1
        if place >= len(self.text):
            self.here = len(self.text)
            return Token("open", start, self.here)
        self.here = place + 1
        return Token("text", start, self.here, "", self.text[start + 1 : place])

    def single(self):
        """Return a text in single quotes, or None where the mark is an apostrophe."""
        start = self.here
        before = self.text[start - 1 : start]
        if start < self.unpaired or (before and not (before.isspace() or before in "(=:,[<>")):
            return None
        stop = self.text.find("\n", start)
        stop = len(self.text) if stop < 0 else stop
        end = self.text.find("'", start + 1, stop)
        while 0 <= end < len(self.text) - 1 and self.text[end + 1].isalnum():
            end = self.text.find("'", end + 1, stop)
        if end < 0:
            self.unpaired = stop
            return None
        self.here = end + 1
        return Token("text", start, self.here, "", self.text[start + 1 : end])

    def braces(self):
        start = self.here
        if self.text.startswith("{{", start):
            end = self.text.find("}}", start)
            self.here = end + 2 if end >= 0 else len(self.text)
            return Token(
                "raw" if end >= 0 else "open", start, self.here, "", self.text[start : end + 2]
            )
        if found := REF.match(self.text, start):
            self.here = found.end()
            return Token("ref", start, self.here, "", found[1])
        self.here += 1
        return Token("mark", start, self.here, "{")

    def url(self):
        """Return an address: up to a space that is not between braces."""
        start, depth = self.here, 0
        while self.here < len(self.text):
            letter = self.text[self.here]
            if letter in '"“”<>' or (letter.isspace() and (not depth or letter == "\n")):
                break
            depth += (letter == "{") - (letter == "}")
            self.here += 1
        while self.text[self.here - 1] in ".,;:)!?":
            self.here -= 1
        return Token("url", start, self.here, "", self.text[start : self.here])


# A name in braces, inside or outside of a text. JSON's braces hold quotes or other braces.
REF = re.compile(r"\{([^{}\"“”\n]{1,300})\}")


def pieces(text, offset):
    """Cut what stands between quotation marks: yield (kind, value, start, end).

    Kinds: plain (with escapes undone), ref and raw. `offset` is where it begins in the whole.
    """
    here, plain = 0, 0
    for found in re.finditer(r"\\.|\{", text, re.DOTALL):
        if found.start() < here:
            continue
        here = found.start()
        if found[0] != "{":
            here = found.end()
            continue
        if text.startswith("{{", here):
            end = text.find("}}", here) + 2
            match = text[here:end] if end > 1 else None
            kind, value = "raw", match
        else:
            found = REF.match(text, here)
            match = found and found[0]
            kind, value = "ref", found and found[1]
        if not match:
            here += 1
            continue
        if here > plain:
            yield "plain", unescaped(text[plain:here]), offset + plain, offset + here
        yield kind, value, offset + here, offset + here + len(match)
        here = plain = here + len(match)
    if plain < len(text):
        yield "plain", unescaped(text[plain:]), offset + plain, offset + len(text)


def unescaped(text):
    """Return a text with its \\” read as ”."""
    return re.sub(r"\\(.)", lambda m: m[1] if m[1] in ESCAPABLE else m[0], text, flags=re.DOTALL)
