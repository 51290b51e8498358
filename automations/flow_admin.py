"""Workflows and their runs in Django admin. Definitions are changed in the product only."""

from dataclasses import replace

from django.contrib import admin
from django.utils.html import format_html, format_html_join

from automations import running, services
from automations.admin_verbs import do_each
from automations.definition import said_of
from automations.models import Workflow, WorkflowRun, WorkflowVersion
from automations.parts import Book
from workspaces import access
from workspaces.admin import events_link
from workspaces.admin_base import CappedPaginator, ReadOnlyAdmin, VerbAdmin, pretty

TOLD = ("name", "natural_language_description", "description")
MOST_STEPS = 200


class VersionInline(admin.TabularInline):
    """What was published, when, by whom; never changed."""

    model = WorkflowVersion
    fields = readonly_fields = ["number", "user", "created_at", "natural_language_description"]
    extra = 0
    can_delete = False

    def get_queryset(self, request):
        found = super().get_queryset(request).select_related("user")
        return found.defer("structured_definition")

    def has_add_permission(self, request, obj=None):
        return False

    def has_change_permission(self, request, obj=None):
        return False


@admin.register(Workflow)
class WorkflowAdmin(VerbAdmin):
    """Every workflow of every workspace; to be named, switched, thrown away and brought back."""

    list_display = ["name", "workspace", "owner", "state", "published", "updated_at", "deleted_at"]
    list_filter = ["state", ("deleted_at", admin.EmptyFieldListFilter), "created_at"]
    list_select_related = ["workspace", "owner"]
    search_fields = ["name", "description", "workspace__name", "owner__email"]
    fields = [
        *(*TOLD, "workspace", "owner", "state", "paused_because", "published"),
        *("sentence", "definition", "created_at", "updated_at", "deleted_at", "log"),
    ]
    readonly_fields = fields[len(TOLD) :]
    inlines = [VersionInline]
    actions = ["publish", "pause", "resume", "restore"]

    def has_add_permission(self, request):
        return False

    def get_queryset(self, request):
        found = super().get_queryset(request)
        listed = request.resolver_match and request.resolver_match.url_name.endswith("changelist")
        return found.defer("structured_definition") if listed else found

    @admin.display(description="draft")
    def sentence(self, workflow):
        """Return the draft in English."""
        said = said_of(workflow.structured_definition, Book(workflow.workspace_id))
        return format_html("<pre>{}</pre>", said)

    @admin.display(description="draft as JSON")
    def definition(self, workflow):
        return format_html("<pre>{}</pre>", pretty(workflow.structured_definition))

    @admin.display(description="history")
    def log(self, workflow):
        """Return a link to the workflow's events."""
        return events_link(workflow.pk)

    def save_model(self, request, obj, form, change):
        stored = Workflow.objects.get(pk=obj.pk)
        told = {name: form.cleaned_data[name] for name in form.changed_data if name in TOLD}
        services.change_workflow(workflow=stored, actor=request.actor, **told)

    def delete_model(self, request, obj):
        services.delete_workflow(workflow=obj, actor=request.actor)

    def delete_queryset(self, request, queryset):
        for workflow in queryset.filter(deleted_at=None):
            services.delete_workflow(workflow=workflow, actor=request.actor)

    @admin.action(description="Publish the draft and switch on", permissions=["change"])
    def publish(self, request, queryset):
        """Publish drafts; only in workspaces where the member of staff may write.

        A version acts in the name of who published it, which is of no use where that is nobody.
        """

        def verb(workflow):
            person = replace(request.actor, everything=False, roles={})
            access.require(person, "write", workflow.workspace_id)
            services.publish(workflow=workflow, actor=request.actor)

        do_each(self, request, queryset.filter(deleted_at=None), verb, "published")

    @admin.action(description="Pause", permissions=["change"])
    def pause(self, request, queryset):
        because = f"{request.user} switched it off."

        def verb(workflow):
            services.pause(workflow=workflow, actor=request.actor, because=because)

        do_each(self, request, queryset.filter(deleted_at=None), verb, "paused")

    @admin.action(description="Resume", permissions=["change"])
    def resume(self, request, queryset):
        def verb(workflow):
            services.resume(workflow=workflow, actor=request.actor)

        do_each(self, request, queryset.filter(deleted_at=None), verb, "resumed")

    @admin.action(description="Restore from the trash", permissions=["change"])
    def restore(self, request, queryset):
        def verb(workflow):
            services.restore_workflow(workflow=workflow, actor=request.actor)

        do_each(self, request, queryset.exclude(deleted_at=None), verb, "restored")


@admin.register(WorkflowRun)
class WorkflowRunAdmin(ReadOnlyAdmin):
    """Every run with its steps; to look at, to end, and to do again."""

    list_display = [
        *("id", "workflow", "workspace", "status", "entry_id", "triggered_at", "took", "why"),
    ]
    list_filter = ["status", "triggered_at"]
    list_select_related = ["workspace", "workflow"]
    search_fields = ["workflow__name", "workspace__name", "error_message"]
    search_help_text = "Name of the workflow or its workspace; error"
    paginator = CappedPaginator
    ordering = ["-id"]
    fields = [
        *("workflow", "version", "workspace", "status", "error_message", "entry_id", "event_id"),
        *("operation_id", "parent", "loop", "position", "retry_of", "key", "depth", "deaths"),
        *("triggered_at", "started_at", "finished_at", "wake_at", "took"),
        *("input_as_text", "output_as_text", "steps_as_table"),
    ]
    readonly_fields = ["took", "input_as_text", "output_as_text", "steps_as_table"]
    actions = ["cancel", "retry", "replay"]

    def get_queryset(self, request):
        """Leave out what may be long and is not listed."""
        found = super().get_queryset(request).defer("variables")
        listed = request.resolver_match and request.resolver_match.url_name.endswith("changelist")
        if not listed or request.method == "POST":
            return found.select_related("workspace", "workflow", "version")
        return found.defer("trigger_data", "output_data", "workflow__structured_definition")

    @admin.display(description="took")
    def took(self, run):
        return "–" if run.seconds is None else f"{run.seconds:,.1f} s"

    @admin.display(description="error")
    def why(self, run):
        return run.error_message[:120]

    @admin.display(description="input")
    def input_as_text(self, run):
        return format_html("<pre>{}</pre>", pretty(run.trigger_data))

    @admin.display(description="output")
    def output_as_text(self, run):
        return format_html("<pre>{}</pre>", pretty(run.output_data))

    @admin.display(description="steps")
    def steps_as_table(self, run):
        """Return the first steps as a table; what went in and came out is on the run's page."""
        steps = list(run.steps.defer("input", "output", "answer")[: MOST_STEPS + 1])
        rows = format_html_join(
            "",
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
            (
                (step.path, step.type, step.status, step.attempts, step.finished_at, step.error)
                for step in steps[:MOST_STEPS]
            ),
        )
        more = f"The first {MOST_STEPS}." if len(steps) > MOST_STEPS else ""
        heads = format_html_join(
            "",
            "<th>{}</th>",
            ((name,) for name in ("Step", "Type", "Status", "Attempts", "Ended", "Error")),
        )
        return format_html("<table><tr>{}</tr>{}</table>{}", heads, rows, more)

    def has_control_permission(self, request):
        """Whether the visitor may end runs and start them again: whoever may change runs."""
        return request.user.has_perm("automations.change_workflowrun")

    @admin.action(description="Cancel", permissions=["control"])
    def cancel(self, request, queryset):
        def verb(run):
            running.cancel(run=run, actor=request.actor)

        do_each(self, request, queryset, verb, "cancelled")

    @admin.action(description="Try again from the failed step", permissions=["control"])
    def retry(self, request, queryset):
        def verb(run):
            running.retry(run=run, actor=request.actor)

        do_each(self, request, queryset, verb, "begun again")

    @admin.action(description="Run once more with the same data", permissions=["control"])
    def replay(self, request, queryset):
        def verb(run):
            running.replay(run=run, actor=request.actor)

        do_each(self, request, queryset, verb, "started")
