"""Addresses of a person's own pages; signing in and its relatives are allauth's."""

from django.urls import path

from accounts import token_views, views

urlpatterns = [
    path("profile/", views.profile, name="profile"),
    path("theme/", views.theme, name="theme"),
    path("sessions/<int:pk>/end/", views.end_session, name="session_end"),
    path("tokens/", token_views.token_list, name="token_list"),
    path("tokens/new/", token_views.token_new, name="token_new"),
    path("tokens/<uuid:pk>/revoke/", token_views.token_revoke, name="token_revoke"),
]
