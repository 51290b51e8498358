"""The step that gives an agent a task."""

from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from automations import saying
from automations.agents.config import OutputField
from automations.steps.base import Failed, Step, Waits, registered


@registered
class AskAgent(Step):
    """Ask an agent, and go on with its answer: the values that `output` names, or `text`.

    The agent gets `input` as data, never as an instruction. It acts in the name of who published the
    workflow, and what it writes belongs to the run. The run waits for it and costs nothing meanwhile.
    """

    label, icon, group = "Ask an agent", "robot", "Data"
    help = (
        "Give an agent a task and go on with its answer. What you hand it is material, "
        "never an instruction. The run waits for it."
    )
    type: Literal["agent"] = "agent"
    agent: UUID
    input: dict[str, Any] = Field(default={}, max_length=200)
    output: list[OutputField] = Field(default=[], max_length=100)

    def run(self, go):
        from automations.agents import tasks

        if go.row is not None and go.row.answer is not None:
            return self._answered(go)
        agent, given = self._agent(go), go.render(self.input)
        if go.dry:
            return {"would_ask": agent.name, "input": given} | self._empty()
        task = tasks.give_task(
            agent=agent,
            actor=go.actor,
            input=given,
            name=self.name or go.run.workflow.name,
            form=[item.model_dump(mode="json") for item in self.output],
            run=go.run,
            path=go.row.path,
            operation_id=go.run.operation_id,
        )
        raise Waits("agent", asked={"agent": agent.name, "task": str(task.pk), "input": given})

    def _answered(self, go):
        answer = go.row.answer
        if answer["status"] == "succeeded":
            output = answer["output"]
            return output if isinstance(output, dict) else {"text": output}
        go.row.answer = None  # another attempt gives another task
        raise Failed(f"The agent did not finish: {answer['error']}", again=True)

    def _agent(self, go):
        from automations.agents.services import find_agent

        agent = find_agent(go.actor, self.agent)
        if agent.workspace_id != go.run.workspace_id:
            raise Failed("This agent is in another workspace.")
        return agent

    def rehearsed(self, output, sample):
        empty = self._empty()
        known = {key: value for key, value in sample.items() if key in empty}
        origin = "as in the newest run" if known else "empty, for it never ran"
        return output | empty | known | {"assumed": origin}

    def _empty(self):
        return {item.name: None for item in self.output} or {"text": ""}

    def sentence(self, book):
        said = f"ask the agent {book.agent_name(self.agent)}"
        said += f" with {saying.named(book, self.input)}" if self.input else ""
        return f"{said} for {saying.wanted(self.output)}" if self.output else said

    def check(self, book, pointer):
        if book.agent(self.agent) is None:
            book.wrong(f"{pointer}/agent", "There is no such agent in this workspace.")
        names = [item.name for item in self.output]
        for number, name in enumerate(names):
            if name in names[:number]:
                book.wrong(f"{pointer}/output/{number}/name", f"“{name}” is asked for twice.")
