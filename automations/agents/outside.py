"""Tools of other MCP servers in an agent's hands: which it was given, and calling one of them.

Whoever gave an agent a tool saw what its server says of it, and `digest` names exactly that; a tool of
which the server says something else by now is not offered until somebody gives it anew. A call is
announced before and recorded afterwards, as in workflows: when nobody knows whether it was done, it is
not made again, and the model is told so, unless the tool says that repeating does no harm.
"""

import hashlib
from dataclasses import dataclass

import orjson

from automations.agents.tools import as_data, owner_allows
from automations.integrations import mcp_tools
from automations.integrations.models import Integration
from automations.walls import CallFailed
from workspaces import access
from workspaces.access import Actor
from workspaces.errors import Forbidden, Invalid, KdapError

KINDS = ("mcp", "mcp_stdio")
SECONDS = 30
LONGEST_DESCRIPTION = 1500
LONGEST_SHOWN = 2000
NO = "A person refused this; it was not called."
UNKNOWN = "This call was begun, and nobody knows whether it was done. Assume neither; say so in your answer."


@dataclass(frozen=True)
class Offered:
    """A tool of a connection; `asks` says whether a person is asked before it is called."""

    integration: Integration
    tool: dict
    asks: bool = True

    @property
    def name(self):
        """What models call it: never the name of a tool of ours, the same as long as it exists."""
        plain = "".join(c if c.isascii() and c.isalnum() else "_" for c in self.tool["name"])[:48]
        exact = f"{self.integration.pk}:{self.tool['name']}"
        return f"{plain}__{hashlib.sha256(exact.encode()).hexdigest()[:8]}"

    @property
    def label(self):
        """What people call it."""
        return f"“{self.tool['name']}” of {self.integration.server_name}"

    @property
    def read_only(self):
        """Whether its server says that it changes nothing."""
        return self.tool.get("hints", {}).get("read_only", False)

    @property
    def repeatable(self):
        """Whether its server says that a second call does no harm."""
        return self.read_only or self.tool.get("hints", {}).get("idempotent", False)

    @property
    def waits(self):
        """Whether somebody has to allow a call."""
        return self.asks and not self.read_only

    @property
    def digest(self):
        """A name of all that its server says of it."""
        said = orjson.dumps(self.tool, option=orjson.OPT_SORT_KEYS)
        return hashlib.sha256(said).hexdigest()[:32]

    @property
    def description(self):
        """What models are told of it."""
        said = " ".join(self.tool["description"].split())
        about = (
            f"A tool of “{self.integration.server_name}”, outside KDAP, which says of it: {said}"
        )
        return about[:LONGEST_DESCRIPTION]

    def fitted(self, arguments):
        """Return the model's arguments (a dict, or JSON as text) as the tool takes them; raise Invalid."""
        try:
            given = orjson.loads(arguments or "{}") if isinstance(arguments, str) else arguments
        except orjson.JSONDecodeError:
            raise Invalid("These arguments are no JSON.") from None
        if not isinstance(given, dict):
            raise Invalid("Arguments are an object.")
        problems = mcp_tools.problems_with(self.tool["schema"], given)
        if problems:
            raise Invalid(" ".join(detail for _, detail in problems[:10]))
        fitted = mcp_tools.fitted(self.tool["schema"], given)
        try:
            orjson.dumps(fitted, default=str)
        except TypeError:
            raise Invalid("A number in these arguments is too large.") from None
        return fitted

    def proposal(self, arguments):
        """Return, for people, what a call would do; raise Invalid."""
        text = orjson.dumps(self.fitted(arguments), default=str).decode()
        more = "…" if len(text) > LONGEST_SHOWN else ""
        return f"call the tool {self.label} with {text[:LONGEST_SHOWN]}{more}"


def known(workspace_id):
    """Return every tool of the workspace's connections as Offered, by connection."""
    rows = Integration.objects.filter(workspace=workspace_id, deleted_at=None, kind__in=KINDS)
    return [Offered(row, tool) for row in rows for tool in row.tools]


def given(agent, config):
    """Return {name: Offered} of the tools that an agent may call, as they were when it was given them."""
    if not config.outside:
        return {}
    chosen = {(item.connection, item.tool): item for item in config.outside}
    found = {}
    for offered in known(agent.workspace_id):
        item = chosen.get((offered.integration.pk, offered.tool["name"]))
        may = item and item.digest == offered.digest
        if may and (offered.read_only or config.writes != "never"):
            made = Offered(offered.integration, offered.tool, item.asks)
            found[made.name] = made
    return found


def signed(config, workspace_id):
    """Return an AgentConfig whose tools of other servers carry the digest of what they are now.

    Those that have one keep it. Raises Invalid for a tool that there is not.
    """
    if not any(not item.digest for item in config.outside):
        return config
    there = {(o.integration.pk, o.tool["name"]): o.digest for o in known(workspace_id)}
    made = []
    for number, item in enumerate(config.outside):
        digest = item.digest or there.get((item.connection, item.tool))
        if digest is None:
            detail = (
                f"No connection of this workspace is known to have the tool “{item.tool[:60]}”."
            )
            pointer = f"/config/outside/{number}"
            raise Invalid(detail, problems=[{"pointer": pointer, "detail": detail}])
        made.append(item.model_copy(update={"digest": digest}))
    return config.model_copy(update={"outside": made})


def said_of(agent, config):
    """Return in words the tools of other servers that an agent was given."""
    usable, told = given(agent, config), []
    labels = {(o.integration.pk, o.tool["name"]): o for o in known(agent.workspace_id)}
    for item in config.outside:
        offered = labels.get((item.connection, item.tool))
        if offered is None:
            told.append(f"“{item.tool}”, which is gone")
        elif offered.name in usable:
            told.append(offered.label + (" (asks first)" if usable[offered.name].waits else ""))
        elif item.digest != offered.digest:
            told.append(f"{offered.label}, which changed since it was allowed: not used")
        else:
            told.append(f"{offered.label}, not used: it may change something")
    return told


# Calling


@dataclass(frozen=True)
class Call:
    """A call that was announced; `id` is the model's name for it."""

    id: str
    offered: Offered
    arguments: dict
    key: str

    def make(self):
        """Call the tool; return what the model gets of it: data by others, or what went wrong."""
        name = self.offered.tool["name"]
        try:
            return as_data(
                mcp_tools.call_tool(
                    self.offered.integration, name, self.arguments, key=self.key, seconds=SECONDS
                )
            )
        except CallFailed as error:
            if error.perhaps_arrived and not self.offered.repeatable:
                return {"unknown": f"{UNKNOWN} {error.detail}"[:2000]}
            return {"error": error.detail[:2000]}
        except KdapError as error:
            return {"error": error.detail[:2000]}


def announced(task, agent, tools, refused):
    """Return the next Call of a task, noted in its `calls` as begun; None when none is left.

    What needs no call (refused, wrong, begun by a worker that died) gets its result at once.
    """
    for call in task.calls:
        offered = tools.get(call["tool"])
        if offered is None or call["id"] in task.results:
            continue
        try:
            if refused and offered.waits:
                task.results[call["id"]] = {"refused": NO}
                continue
            if call.get("begun") and not offered.repeatable:
                task.results[call["id"]] = {"unknown": UNKNOWN}
                continue
            _allowed(task, agent, offered)
            key = f"{task.pk}:{task.steps}:{call['id']}"
            made = Call(call["id"], offered, offered.fitted(call["arguments"]), key)
        except (Forbidden, Invalid) as error:
            begun = call.get("begun")
            wrong = {"unknown": UNKNOWN} if begun else {"error": error.detail[:2000]}
            task.results[call["id"]] = wrong
            continue
        call["begun"] = True
        return made
    return None


def _allowed(task, agent, offered):
    """Raise Forbidden unless the agent's owner and the task's person may (still) let it call a tool."""
    owner_allows(agent, "write")
    action = "read" if offered.read_only else "write"
    if not access.allows(Actor(user=task.user), action, agent.workspace_id):
        who = task.user.name or task.user.email
        raise Forbidden(f"{who}, in whose name it acts, may not do that here (any more).")
