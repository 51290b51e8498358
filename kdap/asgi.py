"""What an ASGI server runs: `uvicorn kdap.asgi:application`."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kdap.settings")
application = get_asgi_application()
