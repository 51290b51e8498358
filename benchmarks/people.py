"""Who works in a benchmark."""

from uuid_utils.compat import uuid7

from accounts.models import User
from workspaces.access import Actor, acting_as
from workspaces.services import create_workspace


class Owner:
    """A new user with a workspace of their own."""

    def __init__(self):
        mark = uuid7().hex
        self.user = User.objects.create_user(f"benchmark-{mark}@example.com")
        self.actor = Actor(user=self.user, cause={"door": "benchmark"})
        with acting_as(self.actor):
            self.workspace = create_workspace(name=f"Benchmark {mark}", actor=self.actor)
