"""Addresses of records. /r/<id>/ is the record's grid; what it talks to lies below."""

from django.urls import include, path

from records import (
    answer_views,
    api_pages,
    entry_history_views,
    entry_views,
    erasing_views,
    grid_views,
    history_views,
    log_export_views,
    past_views,
    public_form_pages,
    saved_view_pages,
    structure_job_views,
    structure_views,
    trash_views,
    undo_views,
    version_views,
    views,
)

urlpatterns = [
    path("w/<uuid:id>/new/", views.record_new, name="record_new"),
    path("r/<uuid:id>/", views.record, name="record"),
    path("r/<uuid:id>/settings/", views.settings, name="record_settings"),
    path("r/<uuid:id>/delete/", views.delete, name="record_delete"),
    path("w/<uuid:id>/trash/", trash_views.trash, name="record_trash"),
    path("r/<uuid:id>/restore/", trash_views.restore, name="record_restore"),
    # The grid
    path("r/<uuid:id>/rows", grid_views.rows, name="record_rows"),
    path("r/<uuid:id>/extent", grid_views.extent, name="record_extent"),
    path("r/<uuid:id>/edge", grid_views.edge, name="record_edge"),
    path("r/<uuid:id>/place", grid_views.place, name="record_place"),
    path("r/<uuid:id>/cells", grid_views.cells, name="record_cells"),
    path("r/<uuid:id>/rows/delete", grid_views.delete, name="record_delete_entries"),
    path("r/<uuid:id>/statistics", grid_views.sums, name="record_sums"),
    path("r/<uuid:id>/shape", grid_views.shape, name="record_shape"),
    path("r/<uuid:id>/state", grid_views.state, name="record_state"),
    path("r/<uuid:id>/undo", undo_views.undo_last, name="grid_undo"),
    path("r/<uuid:id>/redo", undo_views.redo_last, name="grid_redo"),
    path("r/<uuid:id>/news", undo_views.news, name="grid_news"),
    path("r/<uuid:id>/past/", past_views.bring_back, name="record_past"),
    # Views
    path("r/<uuid:id>/views/new/", saved_view_pages.view_new, name="view_new"),
    path("r/<uuid:id>/views/<uuid:view_id>/", saved_view_pages.view_edit, name="view_edit"),
    path("r/<uuid:id>/views/<uuid:view_id>/save", saved_view_pages.view_save, name="view_save"),
    path(
        "r/<uuid:id>/views/<uuid:view_id>/delete/",
        saved_view_pages.view_delete,
        name="view_delete",
    ),
    path(
        "r/<uuid:id>/views/<uuid:view_id>/restore",
        saved_view_pages.view_restore,
        name="view_restore",
    ),
    # Public forms
    path("r/<uuid:id>/forms/", public_form_pages.forms, name="record_forms"),
    path("r/<uuid:id>/forms/new/", public_form_pages.form_new, name="form_new"),
    path("r/<uuid:id>/forms/<uuid:form_id>/", public_form_pages.form_edit, name="form_edit"),
    path(
        "r/<uuid:id>/forms/<uuid:form_id>/preview/",
        public_form_pages.form_preview,
        name="form_preview",
    ),
    path(
        "r/<uuid:id>/forms/<uuid:form_id>/delete/",
        public_form_pages.form_delete,
        name="form_delete",
    ),
    path(
        "r/<uuid:id>/forms/<uuid:form_id>/<slug:verb>/",
        public_form_pages.form_act,
        name="form_act",
    ),
    path("f/<str:address>/", answer_views.public_form, name="public_form"),
    path("f/<str:address>/sent/", answer_views.public_form_sent, name="public_form_sent"),
    # Entries
    path("r/<uuid:id>/e/new/", entry_views.entry_new, name="entry_new"),
    path("r/<uuid:id>/e/<int:entry_id>/", entry_views.entry, name="entry"),
    path("r/<uuid:id>/e/<int:entry_id>/delete/", entry_views.delete, name="entry_delete"),
    # History
    path("r/<uuid:id>/history/", history_views.history, name="record_history"),
    path(
        "r/<uuid:id>/history/<uuid:operation_id>/",
        history_views.operation,
        {"of_record": True},
        name="record_operation",
    ),
    path(
        "r/<uuid:id>/history/<uuid:operation_id>/undo/",
        history_views.undo,
        {"of_record": True},
        name="record_undo",
    ),
    path("r/<uuid:id>/erase/", erasing_views.erase, name="record_erase"),
    path("w/<uuid:id>/activity/", history_views.activity, name="workspace_activity"),
    path(
        "w/<uuid:id>/activity/export/<str:form>/",
        log_export_views.export,
        name="workspace_log_export",
    ),
    path(
        "w/<uuid:id>/activity/<uuid:operation_id>/",
        history_views.operation,
        {"of_record": False},
        name="workspace_operation",
    ),
    path(
        "w/<uuid:id>/activity/<uuid:operation_id>/undo/",
        history_views.undo,
        {"of_record": False},
        name="workspace_undo",
    ),
    path(
        "r/<uuid:id>/e/<int:entry_id>/history/",
        entry_history_views.entry_history,
        name="entry_history",
    ),
    path(
        "r/<uuid:id>/e/<int:entry_id>/history/restore/",
        entry_history_views.restore,
        name="entry_restore",
    ),
    # The structure
    path("r/<uuid:id>/structure/", structure_views.structure, name="record_structure"),
    path("r/<uuid:id>/structure/new/", structure_views.field_new, name="field_new"),
    path("r/<uuid:id>/structure/versions/", version_views.versions, name="record_versions"),
    path("r/<uuid:id>/structure/<str:name>/", structure_views.field, name="field"),
    path(
        "r/<uuid:id>/structure/<str:name>/delete/",
        structure_views.field_delete,
        name="field_delete",
    ),
    path(
        "r/<uuid:id>/structure/<str:name>/restore",
        structure_views.field_restore,
        name="field_restore",
    ),
    path(
        "r/<uuid:id>/structure/<str:name>/revert/<int:version>/",
        structure_views.field_revert,
        name="field_revert",
    ),
    path(
        "structure-jobs/<uuid:job_id>/",
        structure_job_views.structure_job,
        name="structure_job",
    ),
    path("r/<uuid:id>/structure/<str:name>/move", structure_views.field_move, name="field_move"),
    # Imports and exports
    path("", include("records.import_urls")),
    path("r/<uuid:id>/api/", api_pages.record_api, name="record_api"),
]
