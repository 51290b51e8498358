"""The page of e-mails that workflows sent, or would have sent."""

import re

from django import forms
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from automations import mailed_files
from automations.mailing import where_they_go
from automations.mails import LABELS, Mail, Written, mails_of, notices_of, together
from automations.models import Notice
from workspaces.entrance import enter

AT_ONCE = 30


class MailsForm(forms.Form):
    """What to look for."""

    q = forms.CharField(required=False, max_length=200)
    status = forms.ChoiceField(required=False, choices=[("", "Any state"), *LABELS.items()])
    before = forms.RegexField(r"^\d{1,18}-\d{1,18}$", required=False)


@login_required
@require_safe
@vary_on_headers("HX-Request")
def mails(request, id):
    """List the mails of a workspace's workflows, and to the people behind them, the newest first."""
    workspace = enter(request, id)
    form = MailsForm(request.GET)
    form.is_valid()
    given = form.cleaned_data
    text, state = given.get("q") or "", given.get("status") or ""
    which = {"workspace": workspace, "actor": request.actor, "text": text, "state": state}
    before = tuple(map(int, re.findall(r"\d+", given.get("before") or "")))
    rows, last = together(mails_of(**which), notices_of(**which), before, AT_ONCE)
    query = request.GET.copy()
    query.pop("before", None)
    later = f"?{query.urlencode()}" if before else ""
    older = ""
    if last:
        query["before"] = "-".join(map(str, last))
        older = f"?{query.urlencode()}"
    me = request.user.email
    context = {
        "workspace": workspace,
        "mails": [Written(row, me) if isinstance(row, Notice) else Mail(row) for row in rows],
        "form": form,
        "narrow": bool(text or state),
        "later": later,
        "older": older,
        "kept_here": where_they_go(),
    }
    part = "#list" if request.htmx else ""
    return render(request, f"automations/mails.html{part}", context)


@login_required
@require_safe
def mailed_file(request, id, number):
    """Give a file that a mail had."""
    return as_download(mailed_files.find(request.actor, id, number))


def as_download(file):
    """Return the answer with a MailedFile: a download, never a page."""
    answer = HttpResponse(file.content, content_type=file.mime)
    answer["Content-Disposition"] = content_disposition_header(True, file.name)
    answer["X-Content-Type-Options"] = "nosniff"
    return answer
