"""Addresses of workflows and their runs."""

from django.urls import path

from automations import views

urlpatterns = [
    path("w/<uuid:id>/workflows/", views.workflows, name="workflows"),
    path("flows/<uuid:id>/", views.workflow, name="workflow"),
    path("runs/<uuid:id>/", views.run, name="run"),
    path("approvals/<str:token>/", views.approval, name="approval"),
]
