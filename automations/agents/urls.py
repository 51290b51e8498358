"""Addresses of agents and their tasks."""

from django.urls import path

from automations.agents import drafting_views, filling_views, views

urlpatterns = [
    path("w/<uuid:id>/agents/", views.agents, name="agents"),
    path("w/<uuid:id>/agents/new/", views.agent_new, name="agent_new"),
    path("agents/<uuid:id>/", views.agent, name="agent"),
    path("agents/<uuid:id>/edit/", views.agent_edit, name="agent_edit"),
    path("agents/<uuid:id>/switch/", views.agent_switch, name="agent_switch"),
    path("agents/<uuid:id>/delete/", views.agent_delete, name="agent_delete"),
    path("agents/<uuid:id>/restore/", views.agent_restore, name="agent_restore"),
    path("agent-tasks/<uuid:id>/", views.task, name="agent_task"),
    path("agent-tasks/<uuid:id>/<slug:verb>/", views.task_act, name="agent_task_act"),
    path("r/<uuid:id>/fill/", filling_views.record_fill, name="record_fill"),
    path("fillings/<uuid:id>/", filling_views.filling, name="filling"),
    path("fillings/<uuid:id>/<slug:verb>/", filling_views.filling_act, name="filling_act"),
    path("w/<uuid:id>/workflows/draft/", drafting_views.draft_new, name="workflow_draft_new"),
    path("flows/<uuid:id>/draft/", drafting_views.draft_change, name="workflow_draft"),
    path("draftings/<uuid:id>/", drafting_views.drafting, name="drafting"),
    path("draftings/<uuid:id>/<slug:verb>/", drafting_views.drafting_act, name="drafting_act"),
]
