"""Every endpoint of the API, version 1."""

from django.urls import path, re_path

from automations import (
    api_mails,
    api_outgoing,
    api_portable,
    api_runs,
    api_sentences,
    api_signing,
    api_starters,
    api_trials,
    api_versions,
    api_webhooks,
    api_workflows,
)
from automations.agents import api as agents
from automations.agents import api_draftings as draftings
from automations.agents import api_fillings as fillings
from automations.integrations import api as integrations
from kdap import openapi
from records import api as records
from records import (
    api_changes,
    api_entries,
    api_erasing,
    api_forms,
    api_history,
    api_jobs,
    api_structure_jobs,
    api_structures,
    api_views,
)
from workspaces import api as workspaces
from workspaces import api_log

WORKSPACE = "workspaces/<uuid:workspace_id>/"
RECORD = "records/<uuid:record_id>/"
IMPORT = "imports/<uuid:import_id>/"
WORKFLOW = "workflows/<uuid:workflow_id>/"
WEBHOOK = "webhooks/<uuid:webhook_id>/"
INTEGRATION = "integrations/<uuid:integration_id>/"
AGENT = "agents/<uuid:agent_id>/"
TASK = "agent-tasks/<uuid:task_id>/"
DRAFTING = "draftings/<uuid:drafting_id>/"
FILLING = "fillings/<uuid:filling_id>/"
RUN = "runs/<uuid:run_id>/"

urlpatterns = [
    path("schema/", openapi.Schema.as_view(), name="api_schema"),
    path(f"{WORKSPACE}schema/", openapi.WorkspaceSchema.as_view(), name="workspace_schema"),
    path("workspaces/", workspaces.Workspaces.as_view()),
    path(WORKSPACE, workspaces.OneWorkspace.as_view()),
    path(f"{WORKSPACE}restore/", workspaces.RestoreWorkspace.as_view()),
    path(f"{WORKSPACE}members/", workspaces.Members.as_view()),
    path(f"{WORKSPACE}members/<uuid:user_id>/", workspaces.OneMember.as_view()),
    path(f"{WORKSPACE}invitations/", workspaces.Invitations.as_view()),
    path(f"{WORKSPACE}invitations/<uuid:invitation_id>/", workspaces.OneInvitation.as_view()),
    path(f"{WORKSPACE}events/", api_log.WorkspaceEvents.as_view()),
    path(f"{WORKSPACE}records/", records.Records.as_view()),
    path(RECORD, records.OneRecord.as_view()),
    path(f"{RECORD}restore/", records.RestoreRecord.as_view()),
    path(f"{RECORD}views/", api_views.RecordViews.as_view()),
    path("views/<uuid:view_id>/", api_views.OneView.as_view()),
    path("views/<uuid:view_id>/restore/", api_views.RestoreView.as_view()),
    path(f"{RECORD}forms/", api_forms.RecordForms.as_view()),
    path("forms/<uuid:form_id>/", api_forms.OneForm.as_view()),
    path("forms/<uuid:form_id>/restore/", api_forms.RestoreForm.as_view()),
    path("forms/<uuid:form_id>/address/", api_forms.FormAddress.as_view()),
    path("field-types/", api_structures.FieldTypes.as_view()),
    path(f"{RECORD}structure/", api_structures.OneStructure.as_view()),
    path(f"{RECORD}structure/preview/", api_structures.Preview.as_view()),
    path(f"{RECORD}structure/versions/", api_structures.Versions.as_view()),
    path(f"{RECORD}structure/versions/<int:version>/", api_structures.OneVersion.as_view()),
    path(f"{RECORD}entries/", api_entries.Entries.as_view()),
    path(f"{RECORD}entries/upsert/", api_entries.Upsert.as_view()),
    path(f"{RECORD}entries/aggregate/", api_entries.Aggregate.as_view()),
    path(f"{RECORD}entries/<int:entry_id>/history/", api_history.EntryHistory.as_view()),
    path(f"{RECORD}entries/<int:entry_id>/", api_entries.OneEntry.as_view()),
    path(
        "structure-jobs/<uuid:job_id>/",
        api_structure_jobs.OneStructureJob.as_view(),
        name="structure-job",
    ),
    path(
        "structure-jobs/<uuid:job_id>/cancel/",
        api_structure_jobs.CancelStructureJob.as_view(),
    ),
    path(f"{WORKSPACE}imports/", api_jobs.WorkspaceImports.as_view()),
    path(f"{RECORD}imports/", api_jobs.RecordImports.as_view()),
    path(IMPORT, api_jobs.OneImport.as_view()),
    path(f"{IMPORT}start/", api_jobs.StartImport.as_view()),
    path(f"{IMPORT}cancel/", api_jobs.CancelImport.as_view()),
    path(f"{IMPORT}reopen/", api_jobs.ReopenImport.as_view()),
    path(f"{RECORD}export/", api_jobs.Exports.as_view()),
    path(f"{RECORD}erase/", api_erasing.Erase.as_view()),
    path(f"{RECORD}changes/", api_changes.RecordChanges.as_view()),
    path("operations/<uuid:operation_id>/undo/", api_changes.UndoOperation.as_view()),
    path(f"{WORKSPACE}workflows/", api_workflows.Workflows.as_view()),
    path(f"{WORKSPACE}workflows/starters/", api_starters.Starters.as_view()),
    path(f"{WORKSPACE}workflows/understand/", api_sentences.Understand.as_view()),
    path("workflow-parts/", api_workflows.WorkflowParts.as_view()),
    path(WORKFLOW, api_workflows.OneWorkflow.as_view()),
    path(f"{WORKFLOW}restore/", api_workflows.RestoreWorkflow.as_view()),
    path(f"{WORKFLOW}publish/", api_workflows.PublishWorkflow.as_view()),
    path(f"{WORKFLOW}pause/", api_workflows.PauseWorkflow.as_view()),
    path(f"{WORKFLOW}resume/", api_workflows.ResumeWorkflow.as_view()),
    path(f"{WORKFLOW}duplicate/", api_workflows.DuplicateWorkflow.as_view()),
    path(f"{WORKFLOW}move/", api_portable.MoveWorkflow.as_view()),
    path(f"{WORKFLOW}export/", api_portable.ExportWorkflow.as_view()),
    path(f"{WORKSPACE}workflows/import/", api_portable.ImportWorkflow.as_view()),
    path(f"{WORKFLOW}versions/", api_workflows.WorkflowVersions.as_view()),
    path(f"{WORKFLOW}versions/<int:number>/", api_versions.OneWorkflowVersion.as_view()),
    path(f"{WORKFLOW}compare/", api_versions.CompareVersions.as_view()),
    path(f"{WORKFLOW}figures/", api_versions.WorkflowFigures.as_view()),
    path(f"{WORKFLOW}problems/", api_workflows.WorkflowProblems.as_view()),
    path(f"{WORKFLOW}webhook/", api_webhooks.WorkflowWebhook.as_view()),
    path(f"{WORKFLOW}try/", api_trials.TryWorkflow.as_view()),
    path(f"{WORKFLOW}run/", api_runs.StartWorkflow.as_view()),
    path(f"{WORKSPACE}runs/", api_runs.Runs.as_view()),
    path(RUN, api_runs.OneRun.as_view()),
    path(f"{RUN}cancel/", api_runs.CancelRun.as_view()),
    path(f"{RUN}retry/", api_runs.RetryRun.as_view()),
    path(f"{RUN}replay/", api_runs.ReplayRun.as_view()),
    path(f"{RUN}steps/<int:step_id>/decide/", api_runs.DecideStep.as_view()),
    path(f"{WORKSPACE}approvals/", api_runs.Approvals.as_view()),
    path("approvals/<int:step_id>/", api_runs.OneApproval.as_view()),
    path(f"{WORKFLOW}signing/", api_signing.WorkflowSigning.as_view()),
    path(f"{WORKSPACE}mails/", api_mails.Mails.as_view()),
    path(f"{WORKSPACE}notices/", api_mails.Notices.as_view()),
    path("mails/<int:mail_id>/files/<int:number>/", api_mails.MailedFiles.as_view()),
    path("agent-parts/", agents.Parts.as_view()),
    path(f"{WORKSPACE}agent-parts/", agents.WorkspaceParts.as_view()),
    path(f"{WORKSPACE}agents/", agents.Agents.as_view()),
    path(AGENT, agents.OneAgent.as_view()),
    path(f"{AGENT}restore/", agents.RestoreAgent.as_view()),
    path(f"{AGENT}tasks/", agents.AgentTasks.as_view()),
    path(TASK, agents.OneTask.as_view()),
    path(f"{TASK}decide/", agents.DecideTask.as_view()),
    path(f"{TASK}cancel/", agents.CancelTask.as_view()),
    path(f"{RECORD}fillings/", fillings.Fillings.as_view()),
    path(FILLING, fillings.OneFilling.as_view()),
    path(f"{FILLING}apply/", fillings.ApplyFilling.as_view()),
    path(f"{FILLING}stop/", fillings.StopFilling.as_view()),
    path(f"{FILLING}cancel/", fillings.CancelFilling.as_view()),
    path(f"{WORKSPACE}draftings/", draftings.Draftings.as_view()),
    path(DRAFTING, draftings.OneDrafting.as_view()),
    path(f"{DRAFTING}take/", draftings.TakeDrafting.as_view()),
    path(f"{DRAFTING}discard/", draftings.DiscardDrafting.as_view()),
    path(f"{RECORD}webhooks/", api_outgoing.RecordWebhooks.as_view()),
    path(WEBHOOK, api_outgoing.OneWebhook.as_view()),
    path(f"{WEBHOOK}restore/", api_outgoing.RestoreWebhook.as_view()),
    path(f"{WEBHOOK}pause/", api_outgoing.PauseWebhook.as_view()),
    path(f"{WEBHOOK}resume/", api_outgoing.ResumeWebhook.as_view()),
    path(f"{WEBHOOK}secret/", api_outgoing.WebhookSecretAgain.as_view()),
    path(f"{WEBHOOK}replay/", api_outgoing.ReplayWebhook.as_view()),
    path(f"{WEBHOOK}deliveries/", api_outgoing.Deliveries.as_view()),
    path("deliveries/<int:delivery_id>/resend/", api_outgoing.ResendDelivery.as_view()),
    path(f"{WORKSPACE}integrations/", integrations.Integrations.as_view()),
    path(INTEGRATION, integrations.OneIntegration.as_view()),
    path(f"{INTEGRATION}restore/", integrations.RestoreIntegration.as_view()),
    path(f"{INTEGRATION}secret/", integrations.SecretOfIntegration.as_view()),
    path(f"{INTEGRATION}test/", integrations.TestIntegration.as_view()),
    re_path(r"", workspaces.Anything.as_view()),
]
