"""What can be checked of a step's literals before anything runs, by what will take them then.

A value with a template is left to the run, which knows what stands in it.
"""

import warnings

from automations import mailing, outbound
from automations.integrations import using
from records.fields import Refused
from records.query import Query
from workspaces.errors import KdapError, pointer_step

SCHEMES = ("http://", "https://")
MOST_CALLED = 200


def is_literal(value):
    """Return whether a value holds no template, at any depth."""
    return "{{" not in str(value)


def check_values(book, record, values, pointer, *, whole=False):
    """Note what the fields of `record` would not take of `values`; `whole` when they are a new entry."""
    fields = {field.key: field for field in record.structure.columns if not field.kind.computed}
    for key, value in values.items():
        said = why_refused(fields[key], value) if key in fields and is_literal(value) else ""
        if said:
            book.wrong(f"{pointer}/{pointer_step(key)}", said)
    for key, field in fields.items():
        if whole and field.required and field.default is None and key not in values:
            book.wrong(pointer, f"“{field.label}” is required.")


def why_refused(field, value):
    """Return why a field would not take a literal, "" when it does."""
    try:
        if field.kind.clean(value, field) is None and field.required:
            return f"“{field.label}” is required."
    except Refused as error:
        return f"{field.label}: {error}"
    return ""


def check_address(book, url, connection, pointer):
    """Note what is wrong with the address of a call; `connection` is its Integration, or None."""
    before = url.strip().partition("{{")[0].lower()
    try:
        # Of “htt{{ … }}” nobody knows yet.
        known = before.startswith(SCHEMES) or any(scheme.startswith(before) for scheme in SCHEMES)
        if connection is None and not known:
            raise outbound.Refused("An address begins with https:// or http://.")
        if is_literal(url):
            outbound.checked_url(using.address_of(connection, url) if connection else url)
    except KdapError as error:
        book.wrong(pointer, error.detail)


def check_headers(book, headers, pointer):
    """Note what is wrong with the headers of a call."""
    for name, value in headers.items():
        try:
            outbound.checked_headers({name: value if is_literal(value) else ""})
        except KdapError as error:
            book.wrong(f"{pointer}/{pointer_step(name)}", error.detail)


def check_recipients(book, given, pointer, *, needed=False):
    """Note which of a list of recipients are no addresses; one is `needed`, or none."""
    count = 0
    for number, text in enumerate(given):
        try:
            count += not is_literal(text) or len(mailing.addresses_of([text]))
        except KdapError as error:
            book.wrong(f"{pointer}/{number}", error.detail)
            count += 1
    if needed and not count:
        book.wrong(pointer, "Give the address of somebody who gets it.")


def check_order(book, record, item, pointer):
    """Note when entries of `record` can't be put in the order of a key, “-” before it or not."""
    try:
        Query(record, sort=[item], fields=())
    except KdapError as error:
        book.wrong(pointer, error.detail)


def check_python(book, code, pointer):
    """Note where lines of Python can't be read."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(code, "code", "exec", dont_inherit=True)
    except SyntaxError as error:
        where = f"Line {error.lineno}: " if error.lineno else ""
        book.wrong(pointer, f"{where}this is no Python ({error.msg}).")
    except (ValueError, RecursionError, MemoryError):
        book.wrong(pointer, "This is no Python, or too much of it is nested.")


def check_circle(book, workflow_id, pointer):
    """Note when a workflow that is called would call the one that `book` is about again."""
    names = _way(workflow_id, book.about) if book.about else None
    if names is None:
        return
    if len(names) == 1:
        book.wrong(pointer, "A workflow can't run itself: it would never end.")
    else:
        way = " → ".join(f"“{name}”" for name in [names[-1], *names])
        book.wrong(pointer, f"These workflows would run each other without end: {way}.")


def _way(start, goal):
    """Return the names from workflow `start` to `goal`, as published versions call; None for none."""
    from automations.models import Workflow
    from automations.services import current_version

    ways, known = [(start, ())], {start}
    while ways and len(known) <= MOST_CALLED:
        id, names = ways.pop(0)
        workflow = Workflow.objects.filter(pk=id, deleted_at=None).first()
        if workflow is None:
            continue
        names = (*names, workflow.name)
        if id == goal:
            return names
        version = current_version(workflow)
        for called in _called(version) if version else ():
            if called not in known:
                known.add(called)
                ways.append((called, names))
    return None


def _called(version):
    """Yield the ids of the workflows that a version calls."""
    from automations import definition as definitions  # whose steps are checked by this module

    try:
        steps = [step for _, step in definitions.of(version).walk()]
    except KdapError:
        return
    yield from (step.workflow for step in steps if step.type == "run_workflow")
