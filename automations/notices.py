"""E-mails to the people behind workflows: what failed, what paused, what waits for an answer."""

from django.conf import settings
from django.core import signing
from django.core.cache import cache
from django.core.mail import send_mail
from django.db import transaction
from django.template.loader import render_to_string
from django.urls import reverse

SALT = "automations.approval"
# One mail about failures of a workflow in so many seconds; the page has them all.
QUIET = 15 * 60


def _send(subject, template, context, people):
    body = render_to_string(template, context)
    subject = " ".join(subject.split())[:200]
    # A mail server that is down must not undo what is stored already.
    transaction.on_commit(lambda: send_mail(subject, body, None, list(people)), robust=True)


def tell_failed(run, message):
    """Tell a workflow's owner of a failed run, once in a while."""
    workflow = run.workflow
    if not cache.add(f"automations:failed:{workflow.pk}", 1, QUIET):
        return
    link = settings.SITE_URL + run.get_absolute_url()
    context = {"workflow": workflow, "message": message, "link": link}
    subject = f"“{workflow.name}” failed"
    _send(subject, "automations/mail_failed.txt", context, [workflow.owner.email])


def tell_paused(workflow):
    """Tell a workflow's owner that it was paused, and why."""
    link = settings.SITE_URL + workflow.get_absolute_url()
    context = {"workflow": workflow, "link": link}
    subject = f"“{workflow.name}” is paused"
    _send(subject, "automations/mail_paused.txt", context, [workflow.owner.email])


def tell_webhook_paused(webhook):
    """Tell a webhook's owner that it was paused, and why."""
    link = settings.SITE_URL + webhook.get_absolute_url()
    context = {"webhook": webhook, "record": webhook.record, "link": link}
    subject = f"A webhook of “{webhook.record.name}” is paused"
    _send(subject, "automations/mail_webhook_paused.txt", context, [webhook.owner.email])


def tell_unknown(run, row):
    """Tell a workflow's owner that somebody has to say whether a step took effect."""
    link = settings.SITE_URL + run.get_absolute_url()
    context = {"workflow": run.workflow, "row": row, "link": link}
    subject = f"“{run.workflow.name}” needs you to decide"
    _send(subject, "automations/mail_unknown.txt", context, [run.workflow.owner.email])


def ask_approval(run, row):
    """Send everybody who is asked a question the links to answer it."""
    for email in people_asked(run, row):
        links = {
            answer: settings.SITE_URL
            + reverse("approval", args=[token_for(row, email)])
            + f"?{answer}"
            for answer in ("approved", "rejected")
        }
        context = {"workflow": run.workflow, "question": row.input["question"], "links": links}
        subject = f"Please decide: {row.input['question'][:150]}"
        _send(subject, "automations/mail_approval.txt", context, [email])


def ask_allowance(task):
    """Tell the person in whose name a task of a run acts that its agent waits to be allowed."""
    link = settings.SITE_URL + task.get_absolute_url()
    context = {"agent": task.agent, "workflow": task.run.workflow, "task": task, "link": link}
    subject = f"“{task.agent.name}” wants to change entries"
    _send(subject, "agents/mail_allowance.txt", context, [task.user.email])


def people_asked(run, row):
    """Return the e-mail addresses of those whom an approval asks."""
    people = [str(person).strip().lower() for person in (row.input or {}).get("people") or ()]
    return people or [run.workflow.owner.email.lower()]


def token_for(row, email):
    """Return what proves in a link that `email` was asked by a step's row."""
    return signing.dumps({"row": row.pk, "email": email}, salt=SALT)


def read_token(token):
    """Return (row id, e-mail) of a link; raises signing.BadSignature."""
    data = signing.loads(token, salt=SALT, max_age=366 * 86400)
    return data["row"], data["email"]
