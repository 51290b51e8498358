"""A language model and an MCP server in one: both say what a plan tells them, and count who asked.

The model forgets everything: what it says next follows from how many tools have answered already.
"""

import json
import re

from kdap.faults.receiver import Receiver

TOKEN = re.compile(r'"token": "(\w+)"')
TOOL = {
    "name": "ring",
    "description": "Ring a bell, once a call.",
    "inputSchema": {"type": "object", "properties": {"token": {"type": "string"}}},
}
GREETING = {
    "protocolVersion": "2025-06-18",
    "capabilities": {"tools": {}},
    "serverInfo": {"name": "bells", "version": "1"},
}


class Speaker(Receiver):
    """Listens at /v1 as a server like OpenAI's, and at /mcp; `questions` counts those to the model.

    `plan` is a list of functions of a task's token, each giving (tool, arguments); a tool's name may be
    the beginning of the one that was offered. After the last the model says that it is done.
    """

    def __init__(self, plan):
        self.plan, self.questions = plan, 0
        super().__init__()

    def reply(self, path, headers, body):
        """Return (what is counted or None, the answer)."""
        asked = json.loads(body)
        if path.startswith("/v1"):
            self.questions += 1
            return None, self._say(asked)
        method, params = asked.get("method"), asked.get("params", {})
        results = {"initialize": GREETING, "tools/list": {"tools": [TOOL]}}
        result = results.get(method, {"content": [{"type": "text", "text": "It rang."}]})
        called = params.get("_meta", {}).get("idempotencyKey") if method == "tools/call" else None
        return called, {"jsonrpc": "2.0", "id": asked.get("id"), "result": result}

    def _say(self, asked):
        token = TOKEN.search(
            "".join(m["content"] for m in asked["messages"] if m["role"] == "user")
        )[1]
        number = sum(m["role"] == "tool" for m in asked["messages"])
        message = {"role": "assistant", "content": "Done."}
        if number < len(self.plan):
            wanted, arguments = self.plan[number](token)
            names = [tool["function"]["name"] for tool in asked["tools"]]
            name = next(name for name in names if name.startswith(wanted))
            function = {"name": name, "arguments": json.dumps(arguments)}
            call = {"id": f"call_{number}", "type": "function", "function": function}
            message = {"role": "assistant", "content": None, "tool_calls": [call]}
        ended = "tool_calls" if "tool_calls" in message else "stop"
        return {
            **{"id": "x", "object": "chat.completion", "created": 1, "model": "tiny"},
            "choices": [{"index": 0, "message": message, "finish_reason": ended}],
            "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
        }
