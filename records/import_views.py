"""The way in, page by page: a file, what it holds, how far it is, what became of it."""

import csv
import io
from contextlib import suppress

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from records.import_forms import (
    DATE_FORMS,
    ImportForm,
    SettingsForm,
    UploadForm,
    columns_of,
    known_types,
    mapping_of,
)
from records.imports import mapping, running, services
from records.jobs import ImportJob
from records.requests import get_record
from workspaces import access
from workspaces.errors import Forbidden, Invalid, Missing
from workspaces.models import Workspace

REFUSALS_SHOWN = 100
RECENT = 10


@login_required
@require_http_methods(["GET", "POST"])
def upload(request, workspace_id):
    """Take a file that becomes a new record."""
    workspace = Workspace.objects.filter(pk=workspace_id, deleted_at=None).first()
    if workspace is None:
        raise Missing("There is no such workspace, or it is not shared with you.")
    access.require(request.actor, "structure", workspace)
    request.workspace = workspace
    return _upload(request, workspace, None)


@login_required
@require_http_methods(["GET", "POST"])
def upload_into(request, record_id):
    """Take a file whose rows go into a record that is there."""
    record = get_record(request, record_id, "write")
    return _upload(request, record.workspace, record)


def _upload(request, workspace, record):
    posted = (request.POST, request.FILES) if request.method == "POST" else ()
    form = UploadForm(*posted)
    if request.method == "POST" and form.is_valid():
        name, chunks, settings = form.source()
        try:
            job = services.receive(
                workspace=workspace,
                record=record,
                name=name,
                chunks=chunks,
                settings=settings,
                actor=request.actor,
            )
            return redirect("import-preview", job.pk)
        except Invalid as error:
            form.add_error(None, error.detail)
    jobs = ImportJob.objects.filter(workspace=workspace).select_related("user", "record")
    context = {
        "form": form,
        "workspace": workspace,
        "record": record,
        "recent": (jobs.filter(record=record) if record else jobs)[:RECENT],
    }
    return render(request, "records/import.html", context, status=422 if form.errors else 200)


@login_required
@require_http_methods(["GET", "POST"])
def preview(request, job_id):
    """Show what a file holds and where it goes; take changes, try it out, or start."""
    job = _job(request, job_id)
    if job.state == ImportJob.State.UPLOADED:
        return _progress(request, job)
    if job.state != ImportJob.State.READY:
        return redirect("import-progress", job.pk)
    if request.method == "GET":
        return _preview(request, job)
    if request.POST.get("do") == "read":
        return _read_again(request, job)
    return _decide(request, job)


def _read_again(request, job):
    form = SettingsForm(job, request.POST)
    problem = None
    if form.is_valid():
        try:
            services.change(job=job, actor=request.actor, settings=form.settings())
            form = None
        except Invalid as error:
            problem = error.detail
            job = services.find(job.pk)
    return _preview(request, job, reading=form, problem=problem)


def _decide(request, job):
    """Keep the mapping; then rehearse or start, as the button says."""
    form = ImportForm(job, request.POST)
    if not form.is_valid():
        return _preview(request, job, form=form)
    try:
        columns = mapping_of(job, request.POST)
        job = services.change(job=job, actor=request.actor, columns=columns, **form.cleaned_data)
        rehearse = request.POST.get("do") == "try"
        job = services.start(job=job, actor=request.actor, rehearse=rehearse)
    except (Invalid, Forbidden) as error:
        job.refresh_from_db()
        with suppress(Invalid):  # what was chosen stays on the page
            job.mapping = mapping_of(job, request.POST)
        return _preview(request, job, form=form, problem=error.detail)
    if job.state == ImportJob.State.READY:
        return _preview(request, job)
    return redirect("import-progress", job.pk)


def _preview(request, job, form=None, reading=None, problem=None):
    status = 422 if problem or (form and form.errors) or (reading and reading.errors) else 200
    context = _context(job) | {
        "form": form or ImportForm(job),
        "reading": reading or SettingsForm(job),
        "problem": problem,
        "columns": columns_of(job),
        "fields": mapping.writable(job.record) if job.record else (),
        "types": known_types(),
        "date_forms": DATE_FORMS,
        "refusals": job.refusals.all()[:10] if job.preview else (),
    }
    template = "records/import_preview.html" + ("#import" if request.htmx else "")
    return render(request, template, context, status=status)


@login_required
@require_safe
def progress(request, job_id):
    """Show how far an import is; it asks again every second until it is over."""
    job = _job(request, job_id)
    running.revive(job)
    if job.state == ImportJob.State.READY:
        response = redirect("import-preview", job.pk)
        if request.htmx:
            response = HttpResponse()
            response["HX-Redirect"] = reverse("import-preview", args=[job.pk])
        return response
    return _progress(request, job)


def _progress(request, job):
    page = Paginator(job.refusals.all(), REFUSALS_SHOWN).get_page(request.GET.get("page"))
    template = "records/import_progress.html" + ("#progress" if request.htmx else "")
    return render(request, template, _context(job) | {"refusals": page})


@login_required
@require_POST
def cancel(request, job_id):
    """Stop an import, or forget one that was not started."""
    job = services.cancel(job=_job(request, job_id), actor=request.actor)
    return redirect("import-progress", job.pk)


@login_required
@require_POST
def reopen(request, job_id):
    """Go back to the preview of an import that came to nothing."""
    job = services.reopen(job=_job(request, job_id), actor=request.actor)
    return redirect("import-preview", job.pk)


@login_required
@require_safe
def refused(request, job_id):
    """Give the refused rows as CSV: row, column, value, reason."""
    job = _job(request, job_id)
    rows = list(job.refusals.values_list("row", "column", "value", "reason"))
    response = StreamingHttpResponse(_lines(rows), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="refused-rows.csv"'
    return response


def _lines(rows):
    yield "\ufeffRow,Column,Value,Reason\r\n".encode()
    for start in range(0, len(rows), 1000):
        text = io.StringIO()
        csv.writer(text).writerows(
            [neutral(cell) for cell in row] for row in rows[start : start + 1000]
        )
        yield text.getvalue().encode()


def neutral(cell):
    """Return a cell that no spreadsheet takes for a formula."""
    risky = isinstance(cell, str) and cell.lstrip("'")[:1] in ("=", "+", "-", "@", "\t", "\r")
    return f"'{cell}" if risky and cell else cell


def _job(request, job_id):
    """Return the ImportJob for one who may write where it goes; raise Missing or Forbidden."""
    job = services.find(job_id)
    if job is None:
        raise Missing("There is no such import, or it is not shared with you.")
    access.require(request.actor, "write", job.workspace)
    request.workspace = job.workspace
    return job


def _context(job):
    return {"job": job, "workspace": job.workspace, "record": job.record}
