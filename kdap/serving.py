"""Files of our own, answered before a request becomes Django's."""

import io

from django.conf import settings
from django.core.handlers.asgi import ASGIRequest
from django.middleware.security import SecurityMiddleware
from whitenoise.middleware import WhiteNoiseMiddleware

from kdap.bundles import BUNDLES
from kdap.middleware import ContentSecurityPolicy


class Files(WhiteNoiseMiddleware):
    """WhiteNoise, which also finds the compressed bundles where nothing was collected."""

    def add_files_from_finders(self):
        """Know every file that a finder lists."""
        super().add_files_from_finders()
        for name in BUNDLES:
            url = f"{self.static_prefix}{name}"
            for path in self.candidate_paths_for_url(url):
                self.add_file_to_dictionary(url, path)

    def known(self, path):
        """Return WhiteNoise's file of an address, or None."""
        return self.find_file(path) if self.autorefresh else self.files.get(path)


class FilesFirst:
    """An ASGI application that answers for static files itself and leaves all else to `application`.

    Through Django's middleware and its threads a file costs ten times as much. What middleware
    says to a browser with each answer is said here as well, by the same classes. A request that
    has to go to HTTPS first, and one for a file that isn't there, are Django's.
    """

    def __init__(self, application):
        self.application = application
        self.files = Files()
        self.security = SecurityMiddleware(self._serve)
        self.policy = ContentSecurityPolicy(self.security)

    async def __call__(self, scope, receive, send):
        """Serve one connection, as ASGI has it."""
        response = self.answer(scope) if self._may_be_ours(scope) else None
        if response is None:
            await self.application(scope, receive, send)
            return
        headers = [
            (name.lower().encode("latin-1"), value.encode("latin-1"))
            for name, value in response.items()
        ]
        body = b"".join(response.streaming_content)
        response.close()
        start = {"type": "http.response.start", "status": response.status_code}
        await send(start | {"headers": headers})
        await send({"type": "http.response.body", "body": body})

    def _may_be_ours(self, scope):
        return scope["type"] == "http" and self.files.static_prefix in scope["path"]

    def answer(self, scope):
        """Return Django's response for a request for a static file, None when it is for Django."""
        request = ASGIRequest(scope, io.BytesIO())
        request.file = self.files.known(request.path_info)
        if request.file is None or (settings.SECURE_SSL_REDIRECT and not request.is_secure()):
            return None
        return self.policy(request)

    def _serve(self, request):
        return self.files.serve(request.file, request)
