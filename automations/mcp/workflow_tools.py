"""Tools that start workflows and tell what became of them."""

from typing import Any
from uuid import UUID

from pydantic import Field

from automations import definition as definitions
from automations import running, services
from automations.api_runs import WholeRunOutput
from automations.mcp.tools import TOOLS, McpTool
from automations.models import Workflow
from automations.parts import Book
from automations.toolkit import Id
from workspaces.api import find_workspace, visible

MOST_WORKFLOWS = 500
LONGEST = 300


def _does(workflow, book):
    """Return in short what a workflow is for: somebody's words, or what starts it."""
    # All steps of hundreds of workflows would be long to read, and longer to say.
    trigger = {"trigger": workflow.structured_definition.get("trigger")}
    said = workflow.natural_language_description or definitions.said_of(trigger, book)
    return said if len(said) <= LONGEST else f"{said[: LONGEST - 1]}…"


@TOOLS.add
class ListWorkflows(McpTool):
    """List the workflows that you can see. Those with a published version can be run."""

    name, label = "list_workflows", "List workflows"
    workspace_id: UUID | None = Field(default=None, description="Only those of one workspace.")

    def run(self, actor):
        rooms = [find_workspace(actor, self.workspace_id)] if self.workspace_id else visible(actor)
        found = Workflow.objects.filter(workspace__in=[room.pk for room in rooms], deleted_at=None)
        found = list(found.order_by("workspace_id", "name")[: MOST_WORKFLOWS + 1])
        books = {room.pk: Book(room.pk) for room in rooms}
        workflows = [
            {
                "workflow_id": workflow.pk,
                "workspace_id": workflow.workspace_id,
                "name": workflow.name,
                "description": workflow.description,
                "does": _does(workflow, books[workflow.workspace_id]),
                "state": workflow.state,
                "published": workflow.published,
            }
            for workflow in found[:MOST_WORKFLOWS]
        ]
        return {"workflows": workflows, "more": len(found) > MOST_WORKFLOWS}


@TOOLS.add
class RunWorkflow(McpTool):
    """Start the published version of a workflow, once or on each of some entries. It runs in the
    background: ask read_run what became of it."""

    name, label, writes, destroys = "run_workflow", "Run a workflow", True, True
    workflow_id: UUID
    entries: list[Id] = Field(default=[], max_length=running.MOST_PRESSED)
    input: dict[str, Any] = Field(default={}, description="Steps find it in trigger.input.")

    def run(self, actor):
        workflow = services.find_workflow(actor, self.workflow_id, "write")
        runs = running.start(workflow=workflow, actor=actor, entries=self.entries, input=self.input)
        return {"runs": [{"run_id": run.pk, "status": run.status} for run in runs]}


@TOOLS.add
class ReadRun(McpTool):
    """Read a run of a workflow: its status, what came out, its error in words, and its steps."""

    name, label = "read_run", "Read a run"
    run_id: UUID

    def run(self, actor):
        return WholeRunOutput(running.find_run(actor, self.run_id)).data
