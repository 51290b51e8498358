"""What tests of the API share: a client that shows a token, as a program would."""

import orjson
from django.test import Client

from accounts.models import ApiToken


class Api:
    """Calls the API below /api/v1/ with a person's token."""

    def __init__(self, person, verbs=tuple(ApiToken.Verb.values), workspaces=None):
        _, secret = ApiToken.objects.issue(
            user=person.user, name="test", verbs=verbs, workspaces=workspaces
        )
        self.client = Client(headers={"authorization": f"Bearer {secret}"})

    def __call__(self, method, path, body=None, **headers):
        """Return the response; its JSON, if it has any, is in `.data`."""
        data = {}
        if body is not None:
            raw = body if isinstance(body, bytes) else orjson.dumps(body)
            data = {"data": raw, "content_type": "application/json"}
        path = path.removeprefix("http://testserver")
        url = path if path.startswith("/") else f"/api/v1/{path}"
        answer = self.client.generic(method, url, headers=headers, **data)
        if "json" in answer.headers.get("Content-Type", "") and not answer.streaming:
            answer.data = orjson.loads(answer.content) if answer.content else None
        return answer

    def get(self, path, **headers):
        return self("GET", path, **headers)

    def post(self, path, body, **headers):
        return self("POST", path, body, **headers)

    def patch(self, path, body, **headers):
        return self("PATCH", path, body, **headers)

    def put(self, path, body, **headers):
        return self("PUT", path, body, **headers)

    def delete(self, path, body=None, **headers):
        return self("DELETE", path, body, **headers)
