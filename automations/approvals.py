"""Questions that runs ask: who can be asked, and who may answer which."""

import difflib

from automations import mailing, notices
from automations.models import WorkflowStep
from workspaces import access
from workspaces.errors import Forbidden, Missing
from workspaces.models import Member


def find(actor, step_id):
    """Return the WorkflowStep that asks, if `actor`'s user is among those asked.

    A viewer may be asked as well; a token needs the right to write. Raises Missing, Forbidden.
    """
    rows = WorkflowStep.objects.select_related("run__workflow__owner", "run__workspace")
    row = rows.filter(pk=step_id, type="approval").first()
    if row is None or row.run.workspace.deleted_at:
        raise Missing("There is no such question, or it is not for you.")
    access.require(actor, "read", row.workspace_id)
    if actor.token and "write" not in actor.token.verbs:
        raise Forbidden("This token was not given the right “write”.")
    if actor.user.email.lower() not in notices.people_asked(row.run, row):
        raise Forbidden("Somebody else was asked this.")
    return row


def members_among(given, workspace_id):
    """Return (addresses that members of a workspace have, others), of addresses as mails have them.

    Raises MailError for what is no address.
    """
    addresses = [mailing.plain_address(one) for one in mailing.addresses_of(given)]
    known = _addresses(workspace_id) if addresses else ()
    people = [address for address in addresses if address in known]
    return people, [address for address in addresses if address not in known]


def nobody_has(address, workspace_id=None):
    """Return the sentence about an address of nobody; with a workspace it names one that is near."""
    known = _addresses(workspace_id) if workspace_id else ()
    near = difflib.get_close_matches(address, known, 1, 0.8)
    more = f" Did you mean “{near[0]}”?" if near else ""
    return f"Nobody in this workspace has the address “{address[:60]}”.{more}"


def _addresses(workspace_id):
    """Return the e-mail addresses of a workspace's members who may sign in, in small letters."""
    found = Member.objects.filter(workspace=workspace_id, user__is_active=True)
    return {email.lower() for email in found.values_list("user__email", flat=True)}
