"""Addresses of imports and exports."""

from django.urls import path

from records import export_views, import_views

urlpatterns = [
    path("w/<uuid:workspace_id>/import/", import_views.upload, name="import"),
    path("r/<uuid:record_id>/import/", import_views.upload_into, name="record-import"),
    path("imports/<uuid:job_id>/", import_views.preview, name="import-preview"),
    path("imports/<uuid:job_id>/progress/", import_views.progress, name="import-progress"),
    path("imports/<uuid:job_id>/cancel/", import_views.cancel, name="import-cancel"),
    path("imports/<uuid:job_id>/reopen/", import_views.reopen, name="import-reopen"),
    path("imports/<uuid:job_id>/refused.csv", import_views.refused, name="import-refused"),
    path("r/<uuid:record_id>/export/", export_views.choose, name="record-export-choose"),
    path("r/<uuid:record_id>/export.<str:form>", export_views.export, name="record-export"),
]
