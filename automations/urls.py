"""Addresses of workflows and their runs."""

from django.urls import include, path

from automations import (
    builder_views,
    mail_views,
    portable_views,
    press_views,
    room_views,
    run_views,
    sentence_views,
    version_views,
    workflow_views,
)
from automations.integrations import views as integrations

urlpatterns = [
    path("", include("automations.agents.urls")),
    path("w/<uuid:id>/workflows/", workflow_views.workflows, name="workflows"),
    path("w/<uuid:id>/workflows/new/", workflow_views.workflow_new, name="workflow_new"),
    path(
        "w/<uuid:id>/workflows/sentence/", sentence_views.sentence_new, name="workflow_sentence_new"
    ),
    path("w/<uuid:id>/workflows/upload/", portable_views.workflow_upload, name="workflow_upload"),
    path("w/<uuid:id>/workflows/trash/", workflow_views.trash, name="workflow_trash"),
    path("w/<uuid:id>/runs/", room_views.runs, name="runs"),
    path("w/<uuid:id>/approvals/", run_views.approvals, name="approvals"),
    path("w/<uuid:id>/mails/", mail_views.mails, name="mails"),
    path("mails/<int:id>/files/<int:number>/", mail_views.mailed_file, name="mailed_file"),
    path("w/<uuid:id>/connections/", integrations.integrations, name="integrations"),
    path("w/<uuid:id>/connections/new/", integrations.integration_new, name="integration_new"),
    path("connections/<uuid:id>/", integrations.integration, name="integration"),
    path("connections/<uuid:id>/edit/", integrations.integration_edit, name="integration_edit"),
    path(
        "connections/<uuid:id>/sign-in/",
        integrations.integration_sign_in,
        name="integration_sign_in",
    ),
    path(
        "connections/<uuid:id>/signed-in/",
        integrations.integration_signed_in,
        name="integration_signed_in",
    ),
    path(
        "connections/<uuid:id>/delete/",
        integrations.integration_delete,
        name="integration_delete",
    ),
    path(
        "connections/<uuid:id>/<slug:verb>/", integrations.integration_act, name="integration_act"
    ),
    # A workflow
    path("flows/<uuid:id>/", workflow_views.workflow, name="workflow"),
    path("flows/<uuid:id>/edit/", workflow_views.workflow_edit, name="workflow_edit"),
    path("flows/<uuid:id>/publish/", workflow_views.workflow_publish, name="workflow_publish"),
    path("flows/<uuid:id>/switch/", workflow_views.workflow_switch, name="workflow_switch"),
    path(
        "flows/<uuid:id>/duplicate/", portable_views.workflow_duplicate, name="workflow_duplicate"
    ),
    path("flows/<uuid:id>/move/", portable_views.workflow_move, name="workflow_move"),
    path("flows/<uuid:id>/download/", portable_views.workflow_download, name="workflow_download"),
    path("flows/<uuid:id>/delete/", workflow_views.workflow_delete, name="workflow_delete"),
    path("flows/<uuid:id>/restore/", workflow_views.workflow_restore, name="workflow_restore"),
    path("flows/<uuid:id>/versions/", workflow_views.workflow_versions, name="workflow_versions"),
    path(
        "flows/<uuid:id>/versions/<int:number>/draft/",
        version_views.version_draft,
        name="version_draft",
    ),
    path("flows/<uuid:id>/run/", workflow_views.workflow_run, name="workflow_run"),
    path("flows/<uuid:id>/press/", press_views.workflow_press, name="workflow_press"),
    path(
        "flows/<uuid:id>/press/<uuid:press>/", press_views.workflow_pressed, name="workflow_pressed"
    ),
    path("flows/<uuid:id>/sentence/", sentence_views.sentence, name="workflow_sentence"),
    path("flows/<uuid:id>/steps/", builder_views.steps, name="workflow_steps"),
    path("flows/<uuid:id>/steps/try/", builder_views.try_out, name="workflow_try"),
    path("flows/<uuid:id>/steps/json/", builder_views.steps_json, name="workflow_json"),
    # A run
    path("runs/<uuid:id>/", run_views.run, name="run"),
    path("runs/<uuid:id>/<slug:verb>/", run_views.run_act, name="run_act"),
    path("runs/<uuid:id>/steps/<int:step_id>/", run_views.step_act, name="step_act"),
    path("approvals/<str:token>/", run_views.approval, name="approval"),
]
