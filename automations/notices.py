"""E-mails to the people behind workflows: what failed, what paused, what waits for an answer.

They are rows, committed together with what they tell of; workers send them (noticing.py).
"""

import time

from django.conf import settings
from django.core import signing
from django.db.models import Q
from django.template.loader import render_to_string
from django.urls import reverse

from automations.models import Notice
from workspaces.access import Actor, acting_as
from workspaces.models import Member, Role

SALT = "automations.approval"
# One mail about failures of a workflow in so many seconds; the page has them all.
QUIET = 15 * 60
ANSWERS = ("approved", "rejected")


def whom_to_tell(workspace_id, *preferred):
    """Return the Users who are told about something in a workspace, or asked about it.

    The first of `preferred` (ids of users, or None) who is a member, else the workspace's owners,
    else its admins. Never anybody who has left it, since what they are told holds what entries say.
    """
    wanted = Q(user__in=[id for id in preferred if id]) | Q(role__in=(Role.OWNER, Role.ADMIN))
    found = Member.objects.filter(wanted, workspace=workspace_id, user__is_active=True)
    members = list(found.select_related("user").order_by("created_at", "pk"))
    for id in preferred:
        if those := [member.user for member in members if member.user_id == id]:
            return those
    for role in (Role.OWNER, Role.ADMIN):
        if those := [member.user for member in members if member.role == role]:
            return those
    return []


def behind(run):
    """Return the Users who are told about a run, and whom an approval without names asks."""
    workflow = run.workflow
    return whom_to_tell(run.workspace_id, workflow.owner_id, run.version.user_id)


def _write(to, subject, template, context, *, of, about, key=None, question=None):
    """Let a worker write to addresses; `of` is what the link leads to, a model of a workspace."""
    link = of.get_absolute_url()
    body = render_to_string(template, {"link": settings.SITE_URL + link, **context})
    made = [
        Notice(
            workspace_id=of.workspace_id,
            key=key and f"{key}:{number}",
            about=about[:200],
            link=link,
            to=address,
            subject=" ".join(subject.split())[:200],
            body=body.replace("\x00", ""),
            question=question,
        )
        for number, address in enumerate(to)
    ]
    with acting_as(Actor.system(task="notices")):
        Notice.objects.bulk_create(made, ignore_conflicts=key is not None)


def _tell(preferred, subject, template, context, *, of, about, key=None):
    """Let a worker write to whom_to_tell; the actor need not see members, nor be one still."""
    with acting_as(Actor.system(task="notices")):
        to = [user.email for user in whom_to_tell(of.workspace_id, *preferred)]
        _write(to, subject, template, context, of=of, about=about, key=key)


def tell_failed(run, message):
    """Tell those behind a workflow of a failed run, once in a while."""
    workflow = run.workflow
    context = {"workflow": workflow, "message": message}
    subject = f"“{workflow.name}” failed"
    key = f"failed:{workflow.pk}:{int(time.time() // QUIET)}"
    to, template = (workflow.owner_id, run.version.user_id), "automations/mail_failed.txt"
    _tell(to, subject, template, context, of=run, about=workflow.name, key=key)


def tell_paused(workflow):
    """Tell those behind a workflow that it was paused, and why."""
    subject, context = f"“{workflow.name}” is paused", {"workflow": workflow}
    published = workflow.versions.filter(number=workflow.published)
    to = (workflow.owner_id, *published.values_list("user_id", flat=True))
    template = "automations/mail_paused.txt"
    _tell(to, subject, template, context, of=workflow, about=workflow.name)


def tell_webhook_paused(webhook):
    """Tell a webhook's owner, or who has the workspace, that it was paused, and why."""
    record = webhook.record
    context = {"webhook": webhook, "record": record}
    subject = f"A webhook of “{record.name}” is paused"
    to, template = [webhook.owner_id], "automations/mail_webhook_paused.txt"
    _tell(to, subject, template, context, of=webhook, about=f"Webhook of {record.name}")


def tell_unknown(run, row):
    """Tell those behind a workflow that somebody has to say whether a step took effect."""
    workflow = run.workflow
    subject, context = f"“{workflow.name}” needs you to decide", {"workflow": workflow, "row": row}
    to, template = (workflow.owner_id, run.version.user_id), "automations/mail_unknown.txt"
    _tell(to, subject, template, context, of=run, about=workflow.name)


def ask_approval(run, row):
    """Send everybody who is asked a question the links to answer it."""
    workflow, asked = run.workflow, row.input["question"]
    links = {answer: _mark(answer) for answer in ANSWERS}
    context = {"workflow": workflow, "question": asked, "links": links}
    subject, template = f"Please decide: {asked[:150]}", "automations/mail_approval.txt"
    to, of_run = people_asked(run, row), {"of": run, "about": workflow.name, "question": row.pk}
    _write(to, subject, template, context, **of_run)


def ask_allowance(task):
    """Tell the person in whose name a task of a run acts that its agent waits to be allowed.

    Where they have left, those behind the workflow: everybody who may write there may answer.
    """
    workflow = task.run.workflow
    context = {"agent": task.agent, "workflow": workflow, "task": task}
    subject = f"“{task.agent.name}” wants to change something"
    to, template = (task.user_id, workflow.owner_id), "agents/mail_allowance.txt"
    _tell(to, subject, template, context, of=task, about=workflow.name)


def body_for(notice, reader):
    """Return the text of a Notice as `reader`, an e-mail address or None, may read it.

    Links by which one answers without signing in are for the one who was asked. They stand after all
    that people wrote, so a mark that is in a question, or in the name of its workflow, stays a text.
    """
    body = notice.body
    if notice.question is not None:
        for answer in ANSWERS:
            link = f"(a link for {notice.to} only)"
            if reader and reader.lower() == notice.to.lower():
                address = reverse("approval", args=[token_for(notice.question, notice.to)])
                link = f"{settings.SITE_URL}{address}?{answer}"
            before, mark, after = body.rpartition(_mark(answer))
            body = before + link + after if mark else body
    return body


def _mark(answer):
    return f"⟦{answer}⟧"


def people_asked(run, row):
    """Return the e-mail addresses of those whom an approval asks, in small letters."""
    people = [str(person).strip().lower() for person in (row.input or {}).get("people") or ()]
    # Steps that began to wait before those who are asked were noted in every case.
    return people or [run.workflow.owner.email.lower()]


def token_for(row_id, email):
    """Return what proves in a link that `email` was asked by the step of that id."""
    return signing.dumps({"row": row_id, "email": email}, salt=SALT)


def read_token(token):
    """Return (row id, e-mail) of a link; raises signing.BadSignature."""
    data = signing.loads(token, salt=SALT, max_age=366 * 86400)
    return data["row"], data["email"]
