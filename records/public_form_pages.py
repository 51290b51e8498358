"""The pages on which people make public forms, change them, and open and close them."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Count
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from records import public_forms
from records.answer_form import AnswerForm
from records.design_form import DesignForm, NewForm, Rows
from records.models import PublicForm
from records.requests import get_record
from records.watching import losses
from workspaces.errors import KdapError

MEANWHILE = "Somebody changed this form in the meantime. Save again to keep what you see here."


@login_required
@require_safe
def forms(request, id):
    """List the forms of a record with how many answers came by each."""
    record = get_record(request, id, "write")
    found = list(
        PublicForm.objects.filter(record=record, deleted_at=None)
        .annotate(count=Count("answers"))
        .order_by("name", "id")
    )
    for form in found:
        form.standing = public_forms.standing(form, record, form.count)
    return render(request, "records/forms.html", {"record": record, "forms": found})


@login_required
@require_http_methods(["GET", "POST"])
@vary_on_headers("HX-Request")
def form_new(request, id):
    """Make a form that asks for all that can be asked, and open its editor."""
    record = get_record(request, id, "write")
    form = NewForm(request.POST or None, initial={"name": record.name})
    if request.method == "POST" and form.is_valid():
        try:
            made = public_forms.create_form(
                record=record, name=form.cleaned_data["name"], actor=request.actor
            )
        except KdapError as error:
            form.add_error(None, error.detail)
        else:
            messages.success(request, f"The form “{made.name}” is open at its address.")
            return _go(request, made.get_absolute_url())
    context = {"form": form, "record": record, "title": "New form"}
    return render(request, "records/form_new.html", context, status=422 if form.errors else 200)


@login_required
@require_http_methods(["GET", "POST"])
def form_edit(request, id, form_id):
    """Show what a form asks for and in which words; save all of it at once."""
    record, form = _found(request, id, form_id)
    data = request.POST if request.method == "POST" else None
    design, rows = DesignForm(form, data), Rows(form, data)
    if data and "move" in data:
        rows.move(data["move"])
    elif data and design.is_valid() and rows.is_valid() and _saved(request, form, design, rows):
        messages.success(request, "The form is saved.")
        return redirect(form)
    count = form.answers.count()
    context = {
        "record": record,
        "about": form,
        "form": design,
        "rows": rows,
        "count": count,
        "standing": public_forms.standing(form, record, count),
        "problems": public_forms.problems_of(form, record),
        "uses": losses(form),
    }
    bad = design.is_bound and (design.errors or any(row.errors for row in rows))
    status = 422 if bad and "move" not in data else 200
    return render(request, "records/form_edit.html", context, status=status)


def _saved(request, form, design, rows):
    """Save what the page sent and return True; else put beside it why not."""
    public_forms.hold_form(form)
    if request.POST.get("version") != str(form.last_event_version):
        design.add_error(None, MEANWHILE)
        return False
    values = design.cleaned_data | {"fields": rows.items}
    try:
        public_forms.change_form(form=form, actor=request.actor, **values)
    except KdapError as error:
        design.add_error(None, error.detail)
        return False
    return True


@login_required
@require_safe
def form_preview(request, id, form_id):
    """Show the public page as it is saved; nothing can be sent from here."""
    _, form = _found(request, id, form_id)
    context = {"form": AnswerForm(form), "about": form, "title": form.title, "preview": True}
    return render(request, "records/public_form.html", context)


@login_required
@require_http_methods(["GET", "POST"])
@vary_on_headers("HX-Request")
def form_delete(request, id, form_id):
    """Say what would stop working without a form, then put it in the trash."""
    record, form = _found(request, id, form_id)
    if request.method == "POST":
        public_forms.delete_form(form=form, actor=request.actor)
        messages.success(request, f"The form “{form.name}” is in the trash.")
        return _go(request, reverse("record_forms", args=[record.pk]))
    context = {
        "record": record,
        "about": form,
        "title": f"Delete the form “{form.name}”?",
        "concerns": losses(form),
    }
    return render(request, "records/form_delete.html", context)


@login_required
@require_POST
def form_act(request, id, form_id, verb):
    """Open or close a form, give it a new address, or take it out of the trash."""
    _, form = _found(request, id, form_id, trashed=verb == "restore")
    actor = request.actor
    if verb in ("open", "close"):
        public_forms.change_form(form=form, actor=actor, open=verb == "open")
        sentence = "The form is open." if verb == "open" else "The form takes no answers any more."
    elif verb == "address":
        public_forms.renew_address(form=form, actor=actor)
        sentence = "The form has a new address; the old one leads nowhere."
    elif verb == "restore":
        public_forms.restore_form(form=form, actor=actor)
        sentence = f"“{form.name}” is back."
    else:
        raise Http404
    messages.success(request, sentence)
    return redirect(form)


def _found(request, id, form_id, *, trashed=False):
    """Return (record, its form) for one who may change it."""
    record = get_record(request, id, "write")
    form = public_forms.find_form(request.actor, form_id, "write", record=record, trashed=trashed)
    form.record = record
    return record, form


def _go(request, url):
    """Send the browser to `url`, out of a dialog too."""
    if request.htmx:
        return HttpResponse(status=204, headers={"HX-Redirect": url})
    return redirect(url)
