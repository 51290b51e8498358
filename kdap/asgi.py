"""What an ASGI server runs: `uvicorn kdap.asgi:application`."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kdap.settings")
django_application = get_asgi_application()

from kdap.serving import FilesFirst  # noqa: E402 - apps must be ready

application = FilesFirst(django_application)
