"""Walks through tokens: what every part of the grammar reads with.

A rule either consumes the tokens it understands or raises Stuck, which names the words it could
not understand. Every look at a token is counted, so that no text takes long.
"""

from dataclasses import dataclass, field

from automations import namesakes
from automations.english.tokens import unescaped
from automations.english.words import key_of, listed

MOST_LOOKS = 400_000
DEEPEST = 12
ENDS = ("line", "end")


@dataclass(frozen=True)
class Problem:
    """Words that were not understood: text[start:end], why, and forms that would be."""

    start: int
    end: int
    words: str
    message: str
    suggestions: list = field(default_factory=list)


class Stuck(Exception):
    """The grammar can't go on; `problem` says where and why."""

    def __init__(self, problem, place):
        super().__init__(problem.message)
        self.problem, self.place = problem, place


class TooMuch(Exception):
    """A text took more looks than any sentence needs."""


class Cursor:
    """A place among the tokens of `text`."""

    def __init__(self, text, tokens):
        self.text, self.tokens = text, tokens
        self.at, self.looks, self.depth = 0, 0, 0
        self.indent = 0

    # Looking

    def look(self, ahead=0):
        """Return the token `ahead` of here."""
        self.looks += 1
        if self.looks > MOST_LOOKS:
            raise TooMuch
        return self.tokens[min(self.at + ahead, len(self.tokens) - 1)]

    def sees(self, *phrases, ahead=0):
        """Return how many tokens the longest of the phrases takes that stands here; 0 for none."""
        best = 0
        for phrase in phrases:
            words = _words(phrase)
            if len(words) > best and all(
                self.look(ahead + n).norm == word for n, word in enumerate(words)
            ):
                best = len(words)
        return best

    def ends(self):
        """Return whether a sentence ends here."""
        token = self.look()
        return token.kind in ENDS or token.norm in (".", ";", "!")

    # Taking

    def take(self):
        """Return the token here and go on behind it."""
        token = self.look()
        self.at = min(self.at + 1, len(self.tokens) - 1)
        return token

    def kind(self, *kinds):
        """Take a token of one of these kinds; return it, or None."""
        return self.take() if self.look().kind in kinds else None

    def said(self, *phrases):
        """Take the longest of these phrases; return whether one stood here."""
        count = self.sees(*phrases)
        self.at += count
        return count > 0

    def which(self, phrases):
        """Take the longest key of the dictionary `phrases` that stands here; return its value."""
        best = max(phrases, key=lambda phrase: self.sees(phrase))
        count = self.sees(best)
        self.at += count
        return phrases[best] if count else None

    def need(self, *phrases, suggestions=()):
        """Take one of these phrases or raise Stuck."""
        if not self.said(*phrases):
            expected = listed(phrases[:3])
            raise self.stuck(f"Here {expected} should stand.", suggestions)

    def name(self, names, what=""):
        """Take the longest of `names` that stands here, with or without quotation marks.

        Return what it names, or None where no name stands. Raise Stuck when it names several.
        """
        count, found = self.named(names)
        if len(found) > 1:
            message = f"There are {len(found)} {what or 'things'} of this name."
            raise self.stuck(message, names.apart(found), count=count)
        self.at += count
        return found[0] if found else None

    def named(self, names):
        """Return (tokens, things) of the longest of `names` that stands here, taking nothing.

        What stands in brackets behind it says which of several is meant: “Tasks” (id “4f1c”).
        """
        count, found = self._named(names)
        size, given = self._marked(count) if found else (0, None)
        if size:
            meant = [thing for thing in found if namesakes.fits(thing, given)]
            if meant:
                return count + size, meant
            if self.look(count + 1).norm == "id":
                raise self.stuck(
                    f"None of this name has “{given}”.", names.apart(found), count=count
                )
        return count, found

    def _marked(self, count):
        """Return (tokens, text) of brackets after `count` tokens: (id “…”), (a@example.com)."""
        if not count or self.look(count).norm != "(":
            return 0, None
        first = count + 2 if self.look(count + 1).norm == "id" else count + 1
        token = self.look(first)
        if token.kind not in ("text", "email") or self.look(first + 1).norm != ")":
            return 0, None
        return first + 2 - count, unescaped(token.value)

    def _named(self, names):
        token = self.look()
        if token.kind == "text":
            text = unescaped(token.value)
            found = names.get(key_of(text))
            # Choices have nothing but their labels, which differ at least in their marks.
            found = [thing for thing in found if thing == text] or found
            return (1, found) if found else (0, [])
        keys, size = [], 0
        while size < names.longest:
            token = self.look(size)
            if token.kind in ENDS:
                break
            keys.append(token.norm)
            size += 1
        while keys:
            self.looks += 1
            if found := names.get(tuple(keys)):
                return len(keys), found
            keys.pop()
        return 0, []

    def attempt(self, rule, *given):
        """Return what a rule gives, or None with nothing taken when it is stuck."""
        start = self.at
        try:
            return rule(*given)
        except Stuck:
            self.at = start
            return None

    # Failing

    def stuck(self, message, suggestions=(), *, count=None, start=None, end=None):
        """Return the Stuck about the words here: `count` tokens, or up to the next mark."""
        first = self.look()
        if start is None:
            start = first.start
        if end is None:
            size = count or self.run()
            end = self.tokens[min(self.at + size - 1, len(self.tokens) - 1)].end
        if first.kind in ENDS and end <= start:
            end = start = len(self.text[: first.start].rstrip())
        words = self.text[start:end]
        return Stuck(Problem(start, end, words, message, list(suggestions)), self.at)

    def run(self):
        """Return how many words in a row stand here, at least one token."""
        size = 0
        while self.look(size).kind in ("word", "own") and size < 6:
            if size and self.look(size).norm in JOINTS:
                break
            size += 1
        return max(size, 1)

    def unknown(self, names, what, suggestions=()):
        """Return the Stuck about a name that is not among `names`, with those that are near."""
        token = self.look()
        words = token.value if token.kind == "text" else self.words(self.run())
        near = names.near(str(words))
        if not near and token.kind == "word":
            near = names.near(token.norm)
        if token.kind in ENDS or token.kind == "mark":
            return self.stuck(f"Here {what} is missing.", suggestions or near)
        message = f"“{words}” is no {what.removeprefix('a ').removeprefix('an ')}"
        message += f". Did you mean {listed(near)}?" if near else "."
        return self.stuck(message, near or suggestions)

    def words(self, count):
        """Return the text of so many tokens from here."""
        last = self.tokens[min(self.at + count - 1, len(self.tokens) - 1)]
        return self.text[self.look().start : last.end]

    def deeper(self):
        """Count one more level of nesting; raise Stuck where it is too deep."""
        self.depth += 1
        if self.depth > DEEPEST:
            raise self.stuck(f"Steps and brackets can nest {DEEPEST} deep.", count=1)

    def higher(self):
        """Count one level less."""
        self.depth -= 1


JOINTS = {"and", "or", "then", "is", "to", "of", "with", "in", "where", "on", "for", "from"}
JOINTS |= {"changes", "falls", "becomes", "rises", "=", "saying", "otherwise"}
_SPLIT = {}


def _words(phrase):
    if phrase not in _SPLIT:
        _SPLIT[phrase] = key_of(phrase)
    return _SPLIT[phrase]
