"""Entries of every record in Django admin: one set of routes for all, and for records to come.

Registering a class per record would reach other processes only when they reload their URLs;
here the record is looked up with each request, so a changed structure shows at once everywhere.
"""

from django.contrib import admin
from django.urls import path

from records.admin_entries import EntryAdmin
from records.models import Record
from workspaces.errors import Missing

PAGES = {
    "changelist": "<uuid:record_id>/",
    "add": "<uuid:record_id>/add/",
    "history": "<uuid:record_id>/<int:object_id>/history/",
    "delete": "<uuid:record_id>/<int:object_id>/delete/",
    "change": "<uuid:record_id>/<int:object_id>/change/",
}


def entries(request, record_id, page, object_id=None):
    """Answer with one page of a record's entries, made for the structure as it is now."""
    record = Record.objects.select_related("workspace").filter(pk=record_id).first()
    if record is None:
        raise Missing("There is no such record.")
    request.record = record
    view = getattr(EntryAdmin(record, admin.site), f"{page}_view")
    return view(request) if object_id is None else view(request, str(object_id))


urlpatterns = [
    path(route, admin.site.admin_view(entries), {"page": page}, name=f"entries_{page}")
    for page, route in PAGES.items()
]
