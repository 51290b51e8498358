"""Pages of webhooks: the addresses that a record tells, their log, and a workflow's own address."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from automations import outgoing, services, signed_calls, webhooks
from automations.models import WebhookDelivery
from automations.outgoing_forms import ReplayForm, SigningForm, WebhookForm
from automations.sampling import parts_of
from automations.trees import pretty
from automations.workflow_views import went_well
from records.requests import get_record
from workspaces.entrance import enter
from workspaces.errors import Missing

AT_ONCE = 50


@login_required
@require_safe
def record_webhooks(request, id):
    """List the addresses that are told of a record's entries."""
    record = get_record(request, id, "write")
    _, found = outgoing.webhooks_of(request.actor, record.pk)
    return render(request, "automations/webhooks.html", {"record": record, "webhooks": found})


@login_required
@require_http_methods(["GET", "POST"])
@vary_on_headers("HX-Request")
def webhook_new(request, id):
    """Add an address; its secret is shown this once."""
    record = get_record(request, id, "write")
    form = WebhookForm(_posted(request))
    if request.method == "POST" and form.is_valid():
        with form.telling("url"):
            made, secret = outgoing.create_webhook(
                record=record, actor=request.actor, **form.cleaned_data
            )
            return _secret(request, "Webhook added", secret, made.get_absolute_url())
    context = {"form": form, "title": "Add a webhook", "verb": "Add"}
    return render(request, "automations/form.html", context, status=422 if form.errors else 200)


def _posted(request):
    return request.POST if request.method == "POST" else None


def _secret(request, title, secret, url, address=""):
    context = {"title": title, "secret": secret, "address": address, "url": url}
    return render(request, "automations/secret.html", context)


@login_required
@require_safe
def webhook(request, id):
    """Show a webhook with the log of what it was told."""
    found = outgoing.find_webhook(request.actor, id)
    record = get_record(request, found.record_id, "write")
    rows, state = found.deliveries.all(), request.GET.get("status", "")
    if state in WebhookDelivery.Status.values:
        rows = rows.filter(status=state)
    before = request.GET.get("before", "")
    if before.isascii() and before.isdigit() and len(before) < 19:
        rows = rows.filter(pk__lt=int(before))
    rows = list(rows.order_by("-id")[: AT_ONCE + 1])
    context = {
        "record": record,
        "webhook": found,
        "deliveries": rows[:AT_ONCE],
        "older": rows[AT_ONCE - 1].pk if len(rows) > AT_ONCE else None,
        "states": WebhookDelivery.Status.choices,
        "state": state,
    }
    return render(request, "automations/webhook.html", context)


@login_required
@require_http_methods(["GET", "POST"])
@vary_on_headers("HX-Request")
def webhook_edit(request, id):
    """Change the address or what it is told."""
    found = outgoing.find_webhook(request.actor, id)
    get_record(request, found.record_id, "write")
    form = WebhookForm(_posted(request), initial={"url": found.url, "events": found.events})
    if request.method == "POST" and form.is_valid():
        with form.telling("url"):
            outgoing.change_webhook(webhook=found, actor=request.actor, **form.cleaned_data)
            return went_well(request, "The webhook is saved.", found.get_absolute_url())
    context = {"form": form, "title": "Edit the webhook", "verb": "Save"}
    return render(request, "automations/form.html", context, status=422 if form.errors else 200)


@login_required
@require_http_methods(["GET", "POST"])
@vary_on_headers("HX-Request")
def webhook_replay(request, id):
    """Tell it the past again."""
    found = outgoing.find_webhook(request.actor, id)
    get_record(request, found.record_id, "write")
    form = ReplayForm(_posted(request))
    if request.method == "POST" and form.is_valid():
        with form.telling("since"):
            asked = form.cleaned_data
            count, more = outgoing.replay(webhook=found, actor=request.actor, **asked)
            told = f"{count:,} event{'' if count == 1 else 's'} will be told again."
            told += f" Go on from {more} then." if more else ""
            return went_well(request, told, found.get_absolute_url())
    context = {"form": form, "title": "Tell it the past again", "verb": "Replay"}
    return render(request, "automations/form.html", context, status=422 if form.errors else 200)


@login_required
@require_POST
def webhook_act(request, id, verb):
    """Pause, resume or delete a webhook, or make it a new secret."""
    found = outgoing.find_webhook(request.actor, id)
    here = found.get_absolute_url()
    if verb == "secret":
        secret = outgoing.new_secret(webhook=found, actor=request.actor)
        return _secret(request, "A new secret", secret, here)
    verbs = {
        "pause": (outgoing.pause, "The webhook is paused."),
        "resume": (outgoing.resume, "The webhook is on again."),
        "delete": (outgoing.delete_webhook, "The webhook is deleted. Undo brings it back."),
    }
    if verb not in verbs:
        raise Http404
    act, sentence = verbs[verb]
    act(webhook=found, actor=request.actor)
    messages.success(request, sentence)
    return redirect("record_webhooks", found.record_id) if verb == "delete" else redirect(here)


@login_required
@require_POST
def delivery_resend(request, id):
    """Send a delivery once more."""
    delivery = outgoing.find_delivery(request.actor, id)
    outgoing.resend(delivery=delivery, actor=request.actor)
    messages.success(request, "It is sent once more.")
    return redirect(delivery.subscription)


@login_required
@require_http_methods(["GET", "POST"])
@vary_on_headers("HX-Request")
def workflow_webhook(request, id):
    """Show the address that starts a workflow, or make a new one, whose secret is shown this once."""
    workflow = services.find_workflow(request.actor, id, "write")
    enter(request, workflow.workspace_id)
    if request.method == "POST":
        made = webhooks.make_webhook(workflow=workflow, actor=request.actor)
        here = workflow.get_absolute_url()
        return _secret(request, "The webhook of this workflow", made.secret, here, made.url)
    try:
        found = webhooks.webhook_of(workflow=workflow, actor=request.actor)
    except Missing:
        found = None
    signed = workflow.structured_definition["trigger"].get("signed", False)
    came = (found and found.sample) or {}
    context = {
        "workflow": workflow,
        "webhook": found,
        "signed": signed,
        "sample": pretty(came.get("body"), 10_000),
    }
    context["parts"] = [
        item for part in ("body", "query") for item in parts_of(came.get(part), "trigger", part)
    ]
    context["waits"] = workflow.structured_definition["trigger"].get("answer") == "result"
    context["title"] = f"The webhook of “{workflow.name}”"
    return render(request, "automations/workflow_webhook.html", context)


@login_required
@require_http_methods(["GET", "POST"])
@vary_on_headers("HX-Request")
def workflow_signing(request, id):
    """Set the secret that a workflow signs its calls with; one made here is shown this once."""
    workflow = services.find_workflow(request.actor, id, "write")
    enter(request, workflow.workspace_id)
    form, here = SigningForm(_posted(request)), workflow.get_absolute_url()
    if request.method == "POST" and form.is_valid():
        with form.telling("secret"):
            made = signed_calls.set_secret(
                workflow=workflow, actor=request.actor, secret=form.cleaned_data["secret"]
            )
            if made:
                return _secret(request, "The signing secret", made, here)
            return went_well(request, "The secret is kept. Nobody can see it any more.", here)
    context = {"form": form, "title": "Signing secret", "workflow": workflow}
    context["made_at"] = signed_calls.made_at(workflow=workflow, actor=request.actor)
    status = 422 if form.errors else 200
    return render(request, "automations/workflow_signing.html", context, status=status)
