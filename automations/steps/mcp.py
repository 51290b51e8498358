"""The step that calls a tool of an MCP server."""

from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from automations import saying
from automations.integrations import mcp_tools
from automations.integrations.using import check_secret, connection_for
from automations.steps.base import Failed, Step, registered, telling
from automations.walls import CallFailed, Unreachable
from workspaces.errors import pointer_step

KINDS = ("mcp", "mcp_stdio")


@registered
class McpTool(Step):
    """Call a tool of an MCP server that this workspace is connected to. What the tool says is the
    output: text, data (when it is JSON), files (told of, not kept).

    Every attempt carries the same idempotency key, which few servers heed: when nobody knows
    whether the tool did its work, a person decides, or `when_unknown` lets it be called again.
    """

    label, icon, group = "Call an MCP tool", "plug-connected", "Messages"
    help = (
        "Use a tool of a server that this workspace is connected to, and go on with what it says."
    )
    outside: ClassVar[bool] = True
    connects: ClassVar[tuple] = KINDS
    gives: ClassVar[dict] = {"text": "", "data": None}
    type: Literal["mcp_tool"] = "mcp_tool"
    connection: UUID
    tool: Annotated[str, Field(min_length=1, max_length=128)]
    arguments: dict[str, Any] = Field(default={}, max_length=200)
    timeout: int = Field(default=30, ge=1, le=50)
    when_unknown: Literal["ask", "again"] = "ask"

    def run(self, go):
        integration = connection_for(go, self.connection, KINDS)
        arguments = self._arguments(go, integration)
        try:
            return mcp_tools.call_tool(
                integration, self.tool, arguments, key=go.key, seconds=self.timeout
            )
        except CallFailed as error:
            raise Failed(
                error.detail,
                again=isinstance(error, Unreachable),
                unknown=error.perhaps_arrived,
                output=getattr(error, "output", None),
            ) from error

    def _arguments(self, go, integration):
        schema = next((t["schema"] for t in integration.tools if t["name"] == self.tool), {})
        return mcp_tools.fitted(schema, go.render(self.arguments))

    def repeatable(self):
        return self.when_unknown == "again"

    def preview(self, go):
        integration = connection_for(go, self.connection, KINDS)
        would = {
            "would_call": {
                "server": integration.server_name,
                "tool": self.tool,
                "arguments": self._arguments(go, integration),
            }
        }
        with telling(would):
            check_secret(integration)
        return would

    def sentence(self, book):
        said = (
            f"call the tool {saying.quoted(self.tool)} of {book.connection_name(self.connection)}"
        )
        said += f", with {saying.named(book, self.arguments)}" if self.arguments else ""
        said += f", waiting up to {self.timeout} seconds" if self.timeout != 30 else ""
        if self.when_unknown == "again":
            said += " (called again when nobody knows whether it was done)"
        return said

    def check(self, book, pointer):
        integration = book.check_connection(self.connection, KINDS, f"{pointer}/connection")
        if integration is None or not integration.tools:
            return  # nobody looked yet which tools there are
        tool = next((t for t in integration.tools if t["name"] == self.tool), None)
        if tool is None:
            book.wrong(f"{pointer}/tool", f"“{integration.server_name}” has no tool “{self.tool}”.")
            return
        for name, detail in mcp_tools.problems_with(tool["schema"], self.arguments):
            book.wrong(f"{pointer}/arguments/{pointer_step(name)}", detail)
