"""Addresses that other programs call."""

from django.urls import path

from automations import hook_views

urlpatterns = [path("hooks/<str:address>/", hook_views.hook, name="hook")]
