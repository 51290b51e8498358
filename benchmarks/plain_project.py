"""A project of nothing but the plain viewset, as people would start one; for its weight."""

import environ
from django.conf import settings

settings.configure(
    SECRET_KEY="only for measuring",
    ALLOWED_HOSTS=["*"],
    DATABASES={"default": environ.Env().db_url("DATABASE_URL")},
    INSTALLED_APPS=[
        "django.contrib.contenttypes",
        "django.contrib.auth",
        "django.contrib.sessions",
        "django.contrib.admin",
        "django.contrib.messages",
        "rest_framework",
    ],
    MIDDLEWARE=["django.middleware.common.CommonMiddleware"],
    ROOT_URLCONF=__name__,
    USE_TZ=True,
)

from django.core.asgi import get_asgi_application  # noqa: E402 - settings come first

application = get_asgi_application()

from benchmarks.plain import router  # noqa: E402 - so do apps

urlpatterns = router.urls
