"""The pages of agents: the list, one of them with its tasks, and a task with all that was done."""

from django.contrib.auth.decorators import login_required
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from automations.agents import outside, providers, services, talk, tasks
from automations.agents.forms import WRITES, AgentForm, TryForm
from automations.agents.models import Agent, AgentTask
from automations.agents.tools import TOOLS
from automations.watching import what_uses
from automations.workflow_views import went_well
from records.history_views import change
from records.models import Record
from workspaces import access
from workspaces.entrance import enter
from workspaces.errors import Missing

PAGE = 30
FEW = 10


def begin(request, id, action="read", *, trashed=False):
    """Return the Agent for one who may do `action` there; the frame shows its workspace."""
    found = services.find_agent(request.actor, id, action, trashed=trashed)
    enter(request, found.workspace_id)
    return found


@login_required
@require_safe
def agents(request, id):
    """List the agents of a workspace, and those that were deleted."""
    workspace = enter(request, id)
    found = list(workspace.agents.select_related("owner"))
    known = providers.offered(workspace.pk)
    for agent in found:
        agent.answered_by = providers.said(agent.provider, known)
    context = {
        "workspace": workspace,
        "agents": [agent for agent in found if not agent.deleted_at],
        "waiting": AgentTask.objects.filter(workspace=workspace, status="waiting")
        .select_related("agent", "user")
        .defer("messages")[:PAGE],
        "deleted": [agent for agent in found if agent.deleted_at],
        "may_write": access.allows(request.actor, "write", workspace),
    }
    return render(request, "agents/agents.html", context)


def _choices(workspace_id):
    rows = Record.objects.filter(workspace=workspace_id, deleted_at=None)
    records = list(rows.order_by("position", "id"))
    return {"records": records, "tools": outside.known(workspace_id), "workspace_id": workspace_id}


@login_required
@require_http_methods(["GET", "POST"])
@vary_on_headers("HX-Request")
def agent_new(request, id):
    """Make an agent."""
    workspace = enter(request, id, "write")
    form = AgentForm(request.POST or None, **_choices(workspace.pk))
    if request.method == "POST" and form.is_valid():
        with form.telling():
            made = services.create_agent(workspace=workspace, actor=request.actor, **form.values())
            return went_well(request, f"“{made.name}” is ready.", made.get_absolute_url())
    return _form(request, form, "New agent", "Make it")


@login_required
@require_http_methods(["GET", "POST"])
@vary_on_headers("HX-Request")
def agent_edit(request, id):
    """Change an agent."""
    found = begin(request, id, "write")
    form = AgentForm(request.POST or None, **_choices(found.workspace_id), agent=found)
    if request.method == "POST" and form.is_valid():
        with form.telling():
            services.change_agent(agent=found, actor=request.actor, **form.values())
            return went_well(request, "Saved.", found.get_absolute_url())
    return _form(request, form, "Edit the agent", "Save")


def _form(request, form, title, verb):
    context = {"form": form, "title": title, "verb": verb}
    status = 422 if form.is_bound else 200
    return render(request, "automations/form.html", context, status=status)


@login_required
@require_http_methods(["GET", "POST"])
def agent(request, id):
    """Show an agent and its tasks; give it one."""
    found = begin(request, id, "write" if request.method == "POST" else "read")
    form = TryForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with form.telling("task"):
            text = form.cleaned_data["task"]
            given = tasks.give_task(
                agent=found, actor=request.actor, input={"task": text}, name=text[:120]
            )
            return went_well(request, "It begins.", given.get_absolute_url())
    known = providers.offered(found.workspace_id)
    context = {
        "workspace": request.workspace,
        "agent": found,
        "form": form,
        "provider": known.get(found.provider),
        "answered_by": providers.said(found.provider, known),
        "tools": [TOOLS[name].label for name in found.tools if name in TOOLS],
        "outside": outside.said_of(found, tasks.config_of(found)),
        "writes": WRITES[tasks.config_of(found).writes].lower(),
        "config": tasks.config_of(found),
        "tasks": list(
            found.tasks.filter(filling=None).select_related("user").defer("messages")[:PAGE]
        ),
        "fillings": list(found.fillings.select_related("user", "record")[:FEW]),
        "may_write": access.allows(request.actor, "write", found.workspace_id),
    }
    status = 422 if form.is_bound else 200
    return render(request, "agents/agent.html", context, status=status)


@login_required
@require_POST
def agent_switch(request, id):
    """Pause an agent; switch a paused one on."""
    found = begin(request, id, "write")
    on = found.status == Agent.Status.ACTIVE
    status = Agent.Status.PAUSED if on else Agent.Status.ACTIVE
    services.change_agent(agent=found, actor=request.actor, status=status)
    sentence = f"“{found.name}” is {'paused' if on else 'on'}."
    return went_well(request, sentence, found.get_absolute_url())


@login_required
@require_http_methods(["GET", "POST"])
@vary_on_headers("HX-Request")
def agent_delete(request, id):
    """Say what uses an agent, and delete it; the list offers the way back."""
    found = begin(request, id, "write")
    if request.method == "GET":
        context = {
            "title": f"Delete “{found.name}”?",
            "sentence": "The list of agents offers the way back. Its tasks stay.",
            "concerns": what_uses(found.workspace_id, found.pk),
        }
        return render(request, "automations/delete.html", context)
    services.delete_agent(agent=found, actor=request.actor)
    return went_well(request, f"“{found.name}” is deleted.", f"/w/{found.workspace_id}/agents/")


@login_required
@require_POST
def agent_restore(request, id):
    """Bring a deleted agent back."""
    found = begin(request, id, "write", trashed=True)
    services.restore_agent(agent=found, actor=request.actor)
    return went_well(request, f"“{found.name}” is back.", found.get_absolute_url())


@login_required
@require_safe
@vary_on_headers("HX-Request")
def task(request, id):
    """Show a task: what was said and done; the page asks again until it is over."""
    found = tasks.find_task(request.actor, id)
    workspace = enter(request, found.workspace_id)
    known = providers.offered(workspace.pk)
    context = {
        "workspace": workspace,
        "task": found,
        "agent": found.agent,
        "talk": talk.talk_of(found),
        "wants": talk.wants_of(found) if found.status == "waiting" else [],
        "input_json": talk.pretty(found.task_input),
        "output_json": talk.pretty(found.task_output),
        "provider": known.get(found.provider),
        "answered_by": providers.said(found.provider, known),
        "may_write": access.allows(request.actor, "write", workspace),
        "operation": change(request, workspace, found.operation_id),
    }
    part = "#task" if request.htmx else ""
    return render(request, f"agents/task.html{part}", context)


@login_required
@require_POST
def task_act(request, id, verb):
    """Allow or refuse what an agent wants to write; end a task, or give it anew."""
    found = tasks.find_task(request.actor, id, "write")
    enter(request, found.workspace_id)
    if verb in ("approved", "rejected"):
        seen = request.POST.get("seen", "")
        tasks.decide(task=found, actor=request.actor, given=verb, seen=seen)
        said = "Allowed; it goes on." if verb == "approved" else "Refused; it goes on without."
    elif verb == "cancel":
        tasks.cancel(task=found, actor=request.actor)
        said = "It is cancelled."
    elif verb == "again":
        found = tasks.again(task=found, actor=request.actor)
        said = "It begins anew."
    else:
        raise Missing("There is no such thing to do with a task.")
    if request.POST.get("at") == "inbox":
        return went_well(request, said, reverse("approvals", args=[found.workspace_id]))
    return went_well(request, said, found.get_absolute_url())
