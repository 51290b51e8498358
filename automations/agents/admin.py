"""Agents and what they were asked to do in Django admin: to look at; their own pages change them."""

from django.contrib import admin
from django.utils.html import format_html

from automations.agents.models import Agent, AgentDrafting, AgentFilling, AgentTask
from workspaces.admin_base import ReadOnlyAdmin, pretty


@admin.register(Agent)
class AgentAdmin(ReadOnlyAdmin):
    """Every agent of every workspace."""

    list_display = [
        *("name", "workspace", "owner", "model", "status", "updated_at", "deleted_at"),
    ]
    list_filter = ["status", "created_at", "deleted_at"]
    list_select_related = ["workspace", "owner"]
    search_fields = ["name", "description", "workspace__name", "owner__email"]
    fields = [
        *("name", "description", "workspace", "owner", "status", "provider", "model", "prompt"),
        *("tools_as_text", "config_as_text", "created_at", "updated_at", "deleted_at"),
    ]
    readonly_fields = ["tools_as_text", "config_as_text"]

    @admin.display(description="tools")
    def tools_as_text(self, agent):
        return ", ".join(agent.tools) or "none"

    @admin.display(description="config")
    def config_as_text(self, agent):
        return format_html("<pre>{}</pre>", pretty(agent.config))


@admin.register(AgentTask)
class AgentTaskAdmin(ReadOnlyAdmin):
    """Every task of every agent, with what it cost; what was said stands on its own page."""

    list_display = [
        *("__str__", "agent", "workspace", "user", "status", "priority", "tokens", "cost"),
        *("created_at", "completed_at"),
    ]
    list_filter = ["status", "priority", "created_at"]
    list_select_related = ["agent", "workspace", "user"]
    search_fields = ["task_name", "agent__name", "workspace__name", "user__email"]
    search_help_text = "Name of the task, its agent, its workspace; e-mail of its person"
    fields = [
        *(
            "task_name",
            "agent",
            "workspace",
            "user",
            "run",
            "path",
            "filling",
            "drafting",
            "status",
            "priority",
        ),
        *("input_as_text", "output_as_text", "error_message", "provider", "model"),
        *("input_tokens", "output_tokens", "cost", "duration", "steps", "writes", "operation_id"),
        *("attempts", "deaths", "created_at", "started_at", "completed_at"),
    ]
    readonly_fields = ["input_as_text", "output_as_text"]

    def get_queryset(self, request):
        """Leave out what may be long and is not shown."""
        return super().get_queryset(request).defer("messages", "calls", "results")

    @admin.display(description="input")
    def input_as_text(self, task):
        return format_html("<pre>{}</pre>", pretty(task.task_input))

    @admin.display(description="output")
    def output_as_text(self, task):
        return format_html("<pre>{}</pre>", pretty(task.task_output))


@admin.register(AgentFilling)
class AgentFillingAdmin(ReadOnlyAdmin):
    """Fields that agents were asked to fill in, and what became of the proposals."""

    list_display = [
        *("__str__", "agent", "record", "workspace", "user", "closed", "created_at", "closed_at"),
    ]
    list_filter = ["closed", "created_at"]
    list_select_related = ["agent", "record", "workspace", "user"]
    search_fields = ["agent__name", "record__name", "workspace__name", "user__email"]
    fields = [
        *("agent", "record", "field_id", "workspace", "user", "instruction", "inputs", "closed"),
        *("outcome_as_text", "operation_id", "created_at", "closed_at"),
    ]
    readonly_fields = ["outcome_as_text"]

    @admin.display(description="outcome")
    def outcome_as_text(self, filling):
        return format_html("<pre>{}</pre>", pretty(filling.outcome))


@admin.register(AgentDrafting)
class AgentDraftingAdmin(ReadOnlyAdmin):
    """Workflows that models were asked to draft; what they drafted stands in their tasks."""

    list_display = [
        *("__str__", "agent", "workflow", "workspace", "user", "closed", "created_at", "closed_at"),
    ]
    list_filter = ["closed", "created_at"]
    list_select_related = ["agent", "workflow", "workspace", "user"]
    search_fields = ["text", "agent__name", "workspace__name", "user__email"]
    fields = [
        *("agent", "workflow", "workspace", "user", "text", "base_as_text", "closed"),
        *("operation_id", "created_at", "closed_at"),
    ]
    readonly_fields = ["base_as_text"]

    @admin.display(description="draft that it was to change")
    def base_as_text(self, drafting):
        return format_html("<pre>{}</pre>", pretty(drafting.base))
