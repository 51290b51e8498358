"""Actions of Django admin that do a verb with each of the rows that were chosen."""

from django.contrib import messages
from django.db import transaction

from workspaces.errors import KdapError


def do_each(model_admin, request, rows, verb, done):
    """Call `verb(row)` for each of `rows`; tell how many were `done`, and why others were not."""
    count, refused = 0, {}
    for row in rows:
        try:
            with transaction.atomic():
                verb(row)
            count += 1
        except KdapError as error:
            refused.setdefault(error.detail, row)
    if count:
        model_admin.message_user(request, f"{count} {done}.", messages.SUCCESS)
    for detail, row in list(refused.items())[:5]:
        model_admin.message_user(request, f"{row}: {detail}", messages.ERROR)
