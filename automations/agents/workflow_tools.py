"""What agents can do with workflows: list them, start one, read what became of a run.

A run that an agent starts acts in the name of who published the workflow and is an operation of its own.
So an agent that was limited to some records starts none, and reads no run: both reach further.
"""

from typing import Any
from uuid import UUID

from pydantic import Field

from automations.agents.tools import TOOLS, AgentTool
from automations.toolkit import Id
from workspaces.errors import Forbidden, Missing

MOST_WORKFLOWS = 200
MOST_STARTED = 20


def _unlimited(hands):
    """Raise Forbidden for an agent that was limited to some records."""
    if hands.only:
        raise Forbidden("This agent is limited to some records; workflows reach further.")


def _workflow(hands, named, action="read"):
    """Return the workspace's Workflow of that id or name; raise Missing."""
    from automations import services
    from automations.models import Workflow

    rows = Workflow.objects.filter(workspace=hands.workspace_id, deleted_at=None)
    try:
        found = rows.filter(pk=UUID(str(named))).first()
    except ValueError:
        same = list(rows.filter(name__iexact=str(named).strip()[:200])[:2])
        if len(same) > 1:
            raise Missing("Two workflows are called that; name it by its id.") from None
        found = same[0] if same else None
    if found is None:
        raise Missing("There is no such workflow here.")
    return services.find_workflow(hands.actor, found.pk, action)


@TOOLS.add
class ListWorkflows(AgentTool):
    """List the workflows of the workspace. Those with a published version can be run."""

    name, label = "list_workflows", "List workflows"

    def run(self, hands):
        from automations.models import Workflow

        _unlimited(hands)
        found = Workflow.objects.filter(workspace=hands.workspace_id, deleted_at=None)
        return [
            {
                "id": str(workflow.pk),
                "name": workflow.name,
                "description": workflow.description,
                "does": workflow.natural_language_description,
                "published": workflow.published,
            }
            for workflow in found.order_by("name", "id")[:MOST_WORKFLOWS]
        ]


@TOOLS.add
class RunWorkflow(AgentTool):
    """Start the published version of a workflow, once or on each of some entries of its record. It
    runs in the background: ask read_run what became of it."""

    name, label, writes, destroys = "run_workflow", "Run a workflow", True, True
    workflow: str = Field(description="The workflow's id or name.")
    entries: list[Id] = Field(default=[], max_length=MOST_STARTED)
    input: dict[str, Any] = Field(default={}, description="Steps find it in trigger.input.")

    def run(self, hands):
        from automations import running

        _unlimited(hands)
        workflow = _workflow(hands, self.workflow, "write")
        runs = running.start(
            workflow=workflow, actor=hands.actor, entries=self.entries, input=self.input
        )
        return {"runs": [{"run_id": str(run.pk), "status": run.status} for run in runs]}

    def proposal(self, hands):
        _unlimited(hands)
        workflow = _workflow(hands, self.workflow)
        on = f" on entries {', '.join(map(str, self.entries))}" if self.entries else ""
        given = f", given {str(self.input)[:500]}" if self.input else ""
        return f"run the workflow “{workflow.name}”{on}{given}"


@TOOLS.add
class ReadRun(AgentTool):
    """Read a run of a workflow: its status, what came out, its error in words, and its steps."""

    name, label = "read_run", "Read a run"
    run_id: UUID

    def run(self, hands):
        from automations import running
        from automations.api_runs import WholeRunOutput

        _unlimited(hands)
        found = running.find_run(hands.actor, self.run_id)
        if found.workspace_id != hands.workspace_id:
            raise Missing("There is no such run here.")
        return WholeRunOutput(found).data
