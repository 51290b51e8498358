"""What a drafted workflow does that the person's own words did not ask for, to be looked at first.

A model reads names that others typed, and one of them may have talked it into something. So every
address of a person outside the workspace, every server, connection and agent that neither the words
nor the present draft name is marked, as is an address that is put together, which nobody can read.
"""

import re
from dataclasses import dataclass

from automations import definition as definitions
from automations.agents.models import Agent
from automations.template_parser import Path, Placeholder, parse
from automations.template_values import TemplateError
from workspaces.errors import Invalid
from workspaces.models import Member

# What stands around an address. No pattern here looks further than a few letters for its end, for
# texts may be long and meant to be.
BETWEEN = re.compile(r"[\s<>(){}\[\]|,;:\"'“”‘’\\]+")
URL = re.compile(r"(?:\b[a-z][a-z0-9+.-]{0,20}://|\bwww\.)[^\s\"'<>“”‘’]+", re.I)
MOST_SHOWN = 100
RECIPIENTS = ("to", "cc", "reply_to", "people")
FROM_DATA = ("trigger", "item", "steps")
OUTSIDE = "“{}” is nobody of this workspace, and your words do not name this address."
ELSEWHERE = "Your words do not name the server “{}”."
COMPOSED = "The recipient “{}” is put together, so that nobody can tell here who it will be."
CODE = "It runs Python code that a model wrote. Read it."
UNNAMED = "Your words do not name the {} “{}”."
ENDS = ".!?"
HIDDEN = "The address “{}” is put together, so that nobody can tell here which server is called."


@dataclass(frozen=True)
class Mark:
    """Something to be looked at: `words` as they stand in the draft, `detail` a sentence."""

    words: str
    detail: str


def marks_of(definition, text, book, base=None):
    """Return the Marks of a definition (JSON) that was drafted for somebody's `text`.

    What `base`, the draft that was to be changed, has already is not marked. There are none where the
    definition can't be read (any more), for then nobody can take it either.
    """
    parsed = _parsed(definition)
    if parsed is None:
        return []
    known = _Known(text, book, _parsed(base))
    found = [mark for value in _texts(definition) for mark in known.in_text(value)]
    for _, step in parsed.walk():
        found += known.in_step(step)
    return list({mark.words: mark for mark in found}.values())


def _parsed(definition):
    try:
        return definitions.parse(definition) if definition else None
    except Invalid:
        return None


class _Known:
    """What a person's words, the workspace and the draft before name already."""

    def __init__(self, text, book, before):
        self.book, self.words = book, " ".join(text.casefold().split())
        self.old = set(_texts(before.model_dump(mode="json"))) if before else set()
        self.used = {id for _, step in before.walk() for _, id in _helpers(step)} if before else ()
        members = Member.objects.filter(workspace=book.workspace_id)
        self.addresses = {email.lower() for email in members.values_list("user__email", flat=True)}
        self.hosts = {_plain(word.partition("/")[0]) for word in BETWEEN.split(text) if "." in word}
        for item in (text, *self.old):
            self.addresses.update(map(_plain, _addresses(item)))
            self.hosts.update(filter(None, map(_host, URL.findall(item))))

    def in_text(self, value):
        """Yield Marks of the addresses that stand in a text."""
        for address in _addresses(value):
            if _plain(address) not in self.addresses:
                yield Mark(address.rstrip(ENDS), OUTSIDE.format(address.rstrip(ENDS)))
        for url in URL.findall(value):
            host = _host(url)
            if host is None and value not in self.old:
                yield Mark(url, HIDDEN.format(url))
            elif host and host not in self.hosts:
                yield Mark(host, ELSEWHERE.format(host))

    def in_step(self, step):
        """Yield Marks of whom a step reaches and what it uses."""
        for name in RECIPIENTS:
            given = getattr(step, name, None) or []
            for item in [given] if isinstance(given, str) else given:
                if item not in self.old and not _is_clear(item):
                    yield Mark(item, COMPOSED.format(item))
        url = getattr(step, "url", "")
        if url and not step.connection and not URL.match(url) and url not in self.old:
            yield Mark(url, HIDDEN.format(url))
        if step.type == "code" and step.code not in self.old:
            yield Mark(step.code, CODE)
        for kind, id in _helpers(step):
            name = self._name(kind, id)
            if id not in self.used and " ".join(name.casefold().split()) not in self.words:
                yield Mark(name, UNNAMED.format(kind, name))

    def _name(self, kind, id):
        if kind == "connection":
            found = self.book.connection(id)
            return found.server_name if found else str(id)
        if kind == "workflow":
            found = self.book.workflow(id)
        else:
            found = Agent.objects.filter(pk=id, workspace=self.book.workspace_id).first()
        return found.name if found else str(id)


def _helpers(step):
    """Return [(what it is, id)] of what a step uses that reaches further than entries."""
    found = [(kind, getattr(step, kind, None)) for kind in ("connection", "agent", "workflow")]
    return [(kind, id) for kind, id in found if id]


def _texts(value):
    """Yield every text in JSON, names of options included."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)
    elif isinstance(value, str):
        yield value


def _addresses(value):
    """Return the e-mail addresses in a text, and whatever looks like one."""
    return [word for word in BETWEEN.split(URL.sub(" ", value)) if "@" in word.strip("@")]


def _plain(address):
    return address.rstrip(ENDS).casefold()


def _host(url):
    """Return the server that an address names, None when nobody can tell."""
    place = re.split(r"[/?#]", url.partition("://")[2] or url)[0]
    if not place or re.search(r"[{}@\\]", place):
        return None
    return place.rpartition(":")[0].casefold() or place.rstrip(".,;:!?)").casefold()


def _is_clear(recipient):
    """Return whether a recipient is one address, or one value of an entry or of what started it."""
    try:
        parts = parse(recipient)
    except TemplateError:
        return False
    if any(isinstance(part, Placeholder) for part in parts):
        (first, *more) = parts
        path = first.head if isinstance(first, Placeholder) and not first.filters else None
        return not more and isinstance(path, Path) and path.parts[0] in FROM_DATA
    return len(_addresses(recipient)) == 1


def pieces(said, marks):
    """Cut what a draft says at the words that are marked: return [(words, Mark or None)]."""
    found = {mark.words: mark for mark in marks[:MOST_SHOWN] if mark.words}
    if not found:
        return [(said, None)]
    longest = sorted(found, key=len, reverse=True)
    parts = re.split(f"({'|'.join(map(re.escape, longest))})", said)
    return [(part, found.get(part)) for part in parts if part]
