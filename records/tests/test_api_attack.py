"""Schemathesis attacks every operation of the schema; nothing may end in a 500."""

import pytest
import schemathesis
from django.core.wsgi import get_wsgi_application
from hypothesis import HealthCheck, Phase, Verbosity, given, settings

from accounts.models import ApiToken
from records.tests.api import Api
from records.tests.test_api_client import kept_open  # noqa: F401  (a fixture)

EXAMPLES = 8  # of each kind, for each operation


@pytest.fixture
def schema(alice, workspace, make_record, kept_open):  # noqa: F811
    """The schema of a workspace whose record has one field of each family, and a token."""
    record = make_record(
        "Books",
        title={"type": "text", "required": True},
        price={"type": "decimal", "options": {"minimum": "0"}},
        quantity="integer",
        published="date",
        seen="datetime",
        kind={"type": "choice", "options": {"choices": ["Novel", "Poem"]}},
        tags={"type": "choices", "options": {"choices": ["a", "b"]}},
        owner="user",
        extra="json",
        spent="duration",
        read="boolean",
        mail="email",
        uid="uuid",
    )
    api = Api(alice)
    api.post(f"records/{record.pk}/entries/", [{"title": f"Book {n}"} for n in range(5)])
    found = api.get(f"workspaces/{workspace.pk}/schema/").data
    _, secret = ApiToken.objects.issue(user=alice.user, name="t", verbs=ApiToken.Verb.values)
    return schemathesis.openapi.from_dict(found), secret, record


def test_no_operation_ends_in_a_500(schema, workspace, alice):
    found, secret, record = schema
    app = get_wsgi_application()
    ids = {
        "workspace_id": str(workspace.pk),
        "record_id": str(record.pk),
        "user_id": str(alice.user.pk),
    }
    failures, calls = [], 0
    for result in found.get_all_operations():
        operation = result.ok()

        def attack(case):
            nonlocal calls
            if calls % 2 and case.method != "DELETE":  # every second call meets what is there
                real = {key: ids[key] for key in case.path_parameters if key in ids}
                case.path_parameters.update(real)
            answer = case.call(app=app, headers={"Authorization": f"Bearer {secret}"})
            calls += 1
            if answer.status_code >= 500:
                failures.append((case.as_curl_command(), answer.text[:300]))

        for mode in (schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE):
            strategy = operation.as_strategy(generation_mode=mode)
            _run(strategy, attack)
    assert not failures, failures[:3]
    assert calls > 200


def _run(strategy, attack):
    bounds = settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        verbosity=Verbosity.quiet,
        suppress_health_check=list(HealthCheck),
    )
    bounds(given(case=strategy)(lambda case: attack(case)))()
