"""KDAP as an MCP server: what programs with language models may do, with a token's rights."""

from automations.mcp import entry_tools, record_tools, workflow_tools

__all__ = ["entry_tools", "record_tools", "workflow_tools"]
