"""Addresses of webhooks: those that other programs call, and the pages about them."""

from django.urls import path

from automations import call_views, hook_views, outgoing_views

urlpatterns = [
    path("hooks/<str:address>/", hook_views.hook, name="hook"),
    path("calls/<str:token>/", call_views.run_call, name="run_call"),
    path("flows/<uuid:id>/webhook/", outgoing_views.workflow_webhook, name="workflow_webhook"),
    path("flows/<uuid:id>/signing/", outgoing_views.workflow_signing, name="workflow_signing"),
    path("r/<uuid:id>/webhooks/", outgoing_views.record_webhooks, name="record_webhooks"),
    path("r/<uuid:id>/webhooks/new/", outgoing_views.webhook_new, name="webhook_new"),
    path("webhooks/<uuid:id>/", outgoing_views.webhook, name="webhook"),
    path("webhooks/<uuid:id>/edit/", outgoing_views.webhook_edit, name="webhook_edit"),
    path("webhooks/<uuid:id>/replay/", outgoing_views.webhook_replay, name="webhook_replay"),
    path("webhooks/<uuid:id>/<slug:verb>/", outgoing_views.webhook_act, name="webhook_act"),
    path("deliveries/<int:id>/resend/", outgoing_views.delivery_resend, name="delivery_resend"),
]
