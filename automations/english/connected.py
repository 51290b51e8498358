"""Connections to other servers, in sentences: by which a step goes, and tools of MCP servers."""

from functools import cached_property

from automations.english.lexicon import Names
from automations.english.tokens import unescaped


class Connected:
    """The rules for connections; mixed into the grammar."""

    @cached_property
    def connections(self):
        """Names of the workspace's connections."""
        from automations.integrations.services import usable_in_steps

        found = usable_in_steps(self.lex.workspace_id).order_by("server_name", "pk")
        return Names((connection.server_name, connection) for connection in found)

    def connection(self):
        """Read the name of a connection; return its id. Raise Stuck."""
        found = self.c.name(self.connections, "connections")
        if found is None:
            raise self.c.unknown(
                self.connections, "connection of this workspace", self.connections.shown[:4]
            )
        return str(found.pk)

    def through(self):
        """Read “through “Shop””; return {"connection": id}, or {} where nothing of it stands."""
        return {"connection": self.connection()} if self.c.said("through") else {}

    def mcp_tool(self):
        """Read “call the tool “convert_time” of “Clock”, with time = “10:00””."""
        c = self.c
        if not c.said("call the tool", "use the tool"):
            return None
        token = c.look()
        if token.kind != "text":
            raise c.stuck("Here the name of a tool should stand.", ["call the tool “…” of “…”"])
        step = {"type": "mcp_tool", "tool": unescaped(c.take().value)}
        c.need("of", "on", suggestions=["of “…”"])
        step["connection"] = self.connection()
        while self._tool_part(step):
            pass
        return step

    def _tool_part(self, step):
        c, start = self.c, self.c.at
        c.said(",")
        if c.said("with"):
            step["arguments"] = self.named_values()
        elif c.said("waiting up to"):
            step["timeout"] = self.count()
            c.need("seconds", "second")
        elif c.said("(called again when nobody knows whether it was done)"):
            step["when_unknown"] = "again"
        else:
            c.at = start
            return False
        return True
