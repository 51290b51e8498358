"""Events in words: each app says beside its events what they mean to people.

A sentence begins with a verb in the past and names no person, since who did it stands beside it:
“Changed Price and Stock of 12 entries”. It never shows what is secret.
"""

from dataclasses import dataclass, field
from functools import cached_property
from uuid import UUID

from django.contrib.humanize.templatetags.humanize import intcomma

from accounts.models import User
from workspaces.models import Role, Workspace

_sayers, _namers = {}, {}
retold = {}  # {door of a cause: function(operation) -> sentence}, for what is more than its events
MANY = 3


@dataclass(frozen=True)
class Sayer:
    """How events of one type are told. `private` ones are for those who manage the workspace."""

    say: object
    icon: str
    private: bool


def says(*types, icon, private=False):
    """Register the decorated function(fact) as what says events of `types`."""

    def register(function):
        _sayers.update(dict.fromkeys(types, Sayer(function, icon, private)))
        return function

    return register


def names(*abouts):
    """Register the decorated function as what names the streams of events about `abouts`.

    `abouts` are first parts of types (record, member, …). The function takes a set of stream
    ids and returns {id: Named}, with one question to the database.
    """

    def register(function):
        _namers.update(dict.fromkeys(abouts, function))
        return function

    return register


def told_types():
    """Return every type that has a sentence, sorted."""
    return sorted(_sayers)


def private_types():
    """Return the types that only those who manage a workspace are shown, sorted."""
    return sorted(type for type, sayer in _sayers.items() if sayer.private)


def icon_of(type):
    """Return the name of the icon of a type of events."""
    return _sayers[type].icon if type in _sayers else "history"


@dataclass(frozen=True)
class Named:
    """What a stream is called: a record with the labels of its fields, say.

    Of its entries' changes up to the event `begins` the cells are not kept; `note` says so.
    """

    name: str
    url: str = ""
    icon: str = ""
    color: str = "gray"
    labels: dict = field(default_factory=dict)
    begins: int = 0
    note: str = ""


@dataclass
class Fact:
    """Events of one type about one thing in one operation, told together."""

    type: str
    stream_id: UUID
    payload: dict = field(default_factory=dict)
    count: int = 0
    changed: list = field(default_factory=list)
    names: object = None

    @property
    def stream(self):
        """The Named of what it is about, or None when that is gone."""
        return self.names.streams.get(self.stream_id)

    @property
    def name(self):
        """What it is about, in quotation marks."""
        return f"“{self.stream.name}”" if self.stream else "something that is gone"

    @property
    def icon(self):
        return icon_of(self.type)

    def forgotten(self, event_id):
        """Return a sentence on why no cells are known of the event of that number, or ""."""
        if not self.type.startswith("entries.") or not self.stream:
            return ""
        return self.stream.note if event_id <= self.stream.begins else ""

    @cached_property
    def sentence(self):
        """What happened, for people; the type itself where nobody says it."""
        sayer = _sayers.get(self.type)
        return sayer.say(self) if sayer else self.type

    def person(self, id):
        """Return the name of a person by their id as text."""
        return self.names.people.get(str(id), "someone")

    def labels(self):
        """Return the changed fields by their labels, as in “Price, Stock and 2 more fields”."""
        known = self.stream.labels if self.stream else {}
        return listed([known.get(key, key) for key in self.changed], "field")


class Names:
    """What facts need to be told, asked at once: streams by kind, and people."""

    def __init__(self, facts, people=()):
        """`people` are ids (text or UUID) beyond those in the facts' payloads."""
        wanted = {}
        for fact in facts:
            namer = _namers.get(fact.type.partition(".")[0])
            wanted.setdefault(namer, set()).add(fact.stream_id)
            fact.names = self
        wanted.pop(None, None)
        self.streams = {}
        for namer, ids in wanted.items():
            self.streams |= namer(ids)
        ids = {str(id) for id in people} | {
            str(fact.payload["user_id"]) for fact in facts if fact.payload.get("user_id")
        }
        self.users = {str(user.pk): user for user in User.objects.filter(pk__in=ids)} if ids else {}
        self.people = {id: str(user) for id, user in self.users.items()}


def counted(number, one, many=None):
    """Return “1 entry”, “12,345 entries”."""
    return f"1 {one}" if number == 1 else f"{intcomma(number)} {many or one + 's'}"


def listed(words, what):
    """Return up to MANY `words` as “a, b and c”, the rest as “and 5 more fields”."""
    words = list(words)
    if len(words) > MANY:
        return f"{', '.join(words[:MANY])} and {counted(len(words) - MANY, f'more {what}')}"
    return f"{', '.join(words[:-1])} and {words[-1]}" if len(words) > 1 else "".join(words)


@names("workspace", "member")
def _workspaces(ids):
    found = Workspace.objects.filter(pk__in=ids)
    return {item.pk: Named(item.name, item.get_absolute_url(), "home") for item in found}


def _role(fact, key="role"):
    role = fact.payload.get(key)
    return Role(role).label.lower() if role in Role.values else str(role)


@says("workspace.created", icon="home")
def _created(fact):
    return f"Made the workspace “{fact.payload.get('name', '')}”"


@says("workspace.renamed", icon="home")
def _renamed(fact):
    return f"Renamed the workspace “{fact.payload.get('was')}” to “{fact.payload['name']}”"


@says("workspace.deleted", icon="trash")
def _deleted(fact):
    return "Put the workspace in the trash"


@says("workspace.restored", icon="restore")
def _restored(fact):
    return "Took the workspace out of the trash"


@says("member.added", icon="user-plus")
def _member_added(fact):
    return f"Made {fact.person(fact.payload['user_id'])} a member as {_role(fact)}"


@says("member.changed", icon="user-edit")
def _member_changed(fact):
    who = fact.person(fact.payload["user_id"])
    return f"Changed the role of {who} from {_role(fact, 'was')} to {_role(fact)}"


@says("member.removed", icon="user-off")
def _member_removed(fact):
    return f"Took {fact.person(fact.payload['user_id'])} out of the workspace"


@says("member.invited", icon="mail", private=True)
def _invited(fact):
    return f"Invited {fact.payload['email']} as {_role(fact)}"


@says("member.uninvited", icon="mail", private=True)
def _uninvited(fact):
    return f"Withdrew the invitation of {fact.payload['email']}"
