"""The page of e-mails that workflows sent, or would have sent."""

from django import forms
from django.contrib.auth.decorators import login_required
from django.shortcuts import render
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from automations.mailing import where_they_go
from automations.mails import LABELS, Mail, mails_of
from workspaces.entrance import enter

AT_ONCE = 30


class MailsForm(forms.Form):
    """What to look for."""

    q = forms.CharField(required=False, max_length=200)
    status = forms.ChoiceField(required=False, choices=[("", "Any state"), *LABELS.items()])
    before = forms.IntegerField(required=False, min_value=1, max_value=2**63 - 1)


@login_required
@require_safe
@vary_on_headers("HX-Request")
def mails(request, id):
    """List the mails of a workspace's workflows, the newest first."""
    workspace = enter(request, id)
    form = MailsForm(request.GET)
    form.is_valid()
    given = form.cleaned_data
    text, state = given.get("q") or "", given.get("status") or ""
    found = mails_of(workspace=workspace, actor=request.actor, text=text, state=state)
    if given.get("before"):
        found = found.filter(pk__lt=given["before"])
    rows = list(found[: AT_ONCE + 1])
    query = request.GET.copy()
    query.pop("before", None)
    later = f"?{query.urlencode()}" if given.get("before") else ""
    older = ""
    if len(rows) > AT_ONCE:
        query["before"] = rows[AT_ONCE - 1].pk
        older = f"?{query.urlencode()}"
    context = {
        "workspace": workspace,
        "mails": [Mail(row) for row in rows[:AT_ONCE]],
        "form": form,
        "narrow": bool(text or state),
        "later": later,
        "older": older,
        "kept_here": where_they_go(),
    }
    part = "#list" if request.htmx else ""
    return render(request, f"automations/mails.html{part}", context)
