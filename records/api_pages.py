"""The page of a record that shows how programs reach it."""

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.shortcuts import render
from django.views.decorators.http import require_safe

from records.api_examples import examples
from records.api_schema import value_schema
from records.query import Query
from records.requests import get_record


@login_required
@require_safe
def record_api(request, id):
    """Show the fields of a record and calls to copy, with its own keys and values."""
    record = get_record(request, id)
    newest = Query(record, sort=["-entry_id"], fields=[]).rows(limit=1)
    entry_id = newest[0][0] if newest else 1
    fields = [
        {
            "field": field,
            "schema": value_schema(field),
            "operators": [operator.key for operator in field.kind.operators],
        }
        for field in record.structure.fields
    ]
    context = {
        "record": record,
        "fields": fields,
        "examples": examples(record, request.actor, settings.SITE_URL, entry_id),
    }
    return render(request, "records/api.html", context)
