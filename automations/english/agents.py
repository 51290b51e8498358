"""Giving an agent a task, in sentences."""

from automations.english.tokens import unescaped
from automations.saying import OF_AGENTS

KINDS = {phrase: kind for kind, phrase in OF_AGENTS.items()}


class Agents:
    """The rules for agents; mixed into the grammar."""

    def ask_agent(self):
        """Read “ask the agent “Support” with question = its Question for answer”."""
        c = self.c
        if not c.said("ask the agent", "ask agent", "let the agent", "have the agent"):
            return None
        agent = c.name(self.lex.agents, "agents")
        if agent is None:
            raise c.unknown(self.lex.agents, "agent of this workspace", self.lex.agents.shown[:4])
        step = {"type": "agent", "agent": str(agent.pk)}
        c.said("answer")
        if c.said("with", "about"):
            step["input"] = self.named_values()
        if c.said("for", "and fill in"):
            step["output"] = self._wanted()
        return step

    def _wanted(self):
        """Read “topic (one of “Invoice” or “Delivery”), urgent (yes or no) and answer”."""
        c, found = self.c, []
        while True:
            token = c.look()
            if token.kind != "word" or not (token.value.isascii() and token.value.islower()):
                raise c.stuck(
                    "What an answer has to have is named in small letters.", ["for answer"], count=1
                )
            found.append({"name": c.take().value})
            if c.said("("):
                self._about(found[-1])
            start = c.at
            c.said(",")
            c.said("and")
            after = c.look(1)
            goes_on = after.norm in (",", "and", "(", ".", ";") or after.kind in ("line", "end")
            if c.at == start or c.look().kind != "word" or not goes_on:
                c.at = start
                return found

    def _about(self, item):
        """Read what stands in brackets behind a name."""
        c = self.c
        while not c.said(")"):
            if c.said("one of"):
                item |= {"type": "choice", "choices": self._choices()}
            elif c.sees(*KINDS):
                item["type"] = c.which(KINDS)
            elif c.said("if there is one", "optional"):
                item["required"] = False
            elif c.said("meaning"):
                item["description"] = self.plain_text()
            else:
                raise c.stuck(
                    "I don't understand this here.", ["(a number)", "(one of “A” or “B”)"]
                )
            c.said(";", ",")

    def _choices(self):
        c, found = self.c, []
        while True:
            found.append(self.plain_text() if c.look().kind == "text" else str(c.take().value))
            start = c.at
            c.said(",")
            c.said("or", "and")
            if c.at == start or c.look().kind not in ("text", "word"):
                c.at = start
                return found
            if c.sees(*KINDS, "if there is one", "optional", "meaning"):
                c.at = start
                return found

    def plain_text(self):
        """Take a text in quotation marks as it stands."""
        token = self.c.look()
        if token.kind != "text":
            raise self.c.stuck("Here a text in quotation marks should stand.", ["“…”"])
        return unescaped(self.c.take().value)
