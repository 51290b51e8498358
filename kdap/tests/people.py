"""The people of every test: Alice owns the workspace, Bob edits in it, Charlie is a stranger."""

from dataclasses import dataclass

import pytest
from django.test import Client

from accounts.models import User
from records.models import Record
from records.services import create_record
from workspaces.access import Actor, acting_as
from workspaces.models import Member, Role, Workspace
from workspaces.services import create_workspace

PASSWORD = "correct horse battery"


@dataclass
class Person:
    """A user with what a test does as that user."""

    user: User

    @property
    def actor(self):
        """A fresh Actor, so that each use is an operation of its own."""
        return Actor(user=self.user, cause={"door": "test"})

    @property
    def client(self):
        """A browser that is signed in."""
        client = Client()
        client.force_login(self.user)
        return client

    def acting(self):
        """Context manager: the block runs as this person."""
        return acting_as(self.actor)


def _person(name):
    user = User.objects.create_user(f"{name.lower()}@example.com", PASSWORD, name=name)
    return Person(user)


@pytest.fixture
def alice(db):
    return _person("Alice")


@pytest.fixture
def bob(db):
    return _person("Bob")


@pytest.fixture
def charlie(db):
    return _person("Charlie")


@pytest.fixture
def workspace(alice, bob) -> Workspace:
    """Alice's workspace, in which Bob is an editor."""
    with alice.acting() as actor:
        made = create_workspace(name="Bookshop", actor=actor)
    give_role(made, bob, Role.EDITOR)
    return made


def give_role(workspace, person, role):
    """Make `person` a member with `role`, without the ceremony of an invitation."""
    with acting_as(Actor.system()):
        Member.objects.update_or_create(
            workspace=workspace, user=person.user, defaults={"role": role}
        )


@pytest.fixture
def make_record(alice, workspace):
    """Return a function: make_record("Books", title="text", price={"type": "decimal", …})."""

    def make(name="Books", **fields) -> Record:
        specs = [
            {"label": key.replace("_", " ").capitalize()}
            | (spec if isinstance(spec, dict) else {"type": spec})
            for key, spec in fields.items()
        ]
        with alice.acting() as actor:
            return create_record(workspace=workspace, name=name, fields=specs, actor=actor)

    return make
