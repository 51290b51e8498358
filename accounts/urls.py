"""Addresses of a person's own pages; signing in and its relatives are allauth's."""

urlpatterns = []
