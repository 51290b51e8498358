"""Schemathesis attacks every operation of the schema; nothing may end in a 500.

KDAP_ATTACK=200 python3 manage.py test records/tests/test_api_attack.py -n0 -s does it for longer,
differently each time.
"""

import os
from collections import Counter

import pytest
import schemathesis
from django.core.wsgi import get_wsgi_application
from hypothesis import HealthCheck, Phase, Verbosity, given, settings

from accounts.models import ApiToken
from automations.tests.workflows import BUTTON, make_workflow, start
from kdap.api import PerActorThrottle
from records.tests.api import Api
from records.tests.imports import upload
from records.tests.test_api_client import kept_open  # noqa: F401  (a fixture)

LONG = int(os.environ.get("KDAP_ATTACK", 0))
EXAMPLES = LONG or 6  # of each kind, for each operation
CSV = b"Title,Quantity\nEmma,3\nPersuasion,many\n"


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
    made = api.post(f"records/{record.pk}/entries/", [{"title": f"Book {n}"} for n in range(5)])
    job = upload(alice, workspace, CSV, record=record)
    invited = {"email": "dora@example.com", "role": "editor"}
    invitation = api.post(f"workspaces/{workspace.pk}/invitations/", invited)
    step = {"id": "a", "type": "create_entry", "record": str(record.pk), "values": {"title": "x"}}
    workflow = make_workflow(alice, workspace, BUTTON, step)
    (run,) = start(alice, workflow)
    there = {
        "workspace_id": str(workspace.pk),
        "record_id": str(record.pk),
        "user_id": str(alice.user.pk),
        "import_id": str(job.pk),
        "invitation_id": invitation.data["id"],
        "entry_id": made.data["results"][0]["entry_id"],
        "version": 1,
        "workflow_id": str(workflow.pk),
        "run_id": str(run.pk),
    }
    found = api.get(f"workspaces/{workspace.pk}/schema/").data
    _, secret = ApiToken.objects.issue(user=alice.user, name="t", verbs=ApiToken.Verb.values)
    return schemathesis.openapi.from_dict(found), secret, there


def test_no_operation_ends_in_a_500(schema, monkeypatch):
    found, secret, there = schema
    monkeypatch.setattr(PerActorThrottle, "allow_request", lambda *args: True)
    app = get_wsgi_application()
    failures, answers = [], Counter()
    for result in found.get_all_operations():
        operation = result.ok()

        def attack(case):
            if answers.total() % 2 and case.method != "DELETE":  # every other meets what is there
                real = {key: there[key] for key in case.path_parameters if key in there}
                case.path_parameters.update(real)
            answer = case.call(app=app, headers={"Authorization": f"Bearer {secret}"})
            answers[answer.status_code] += 1
            if answer.status_code >= 500:
                failures.append((case.as_curl_command(), answer.text[:300]))

        for mode in (schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE):
            strategy = operation.as_strategy(generation_mode=mode)
            _run(strategy, attack)
    print(dict(answers))
    assert not failures, failures[:3]
    assert {200, 400, 404, 422} <= set(answers)
    assert answers.total() > 200


def _run(strategy, attack):
    bounds = settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=not LONG,
        phases=[Phase.generate],
        verbosity=Verbosity.quiet,
        suppress_health_check=list(HealthCheck),
    )
    bounds(given(case=strategy)(lambda case: attack(case)))()
