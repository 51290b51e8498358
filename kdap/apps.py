"""The project as an app: its checks and its commands."""

from django.apps import AppConfig
from django.contrib.staticfiles.apps import StaticFilesConfig


class KdapConfig(AppConfig):
    name = "kdap"
    verbose_name = "KDAP"

    def ready(self):
        """Register the system checks."""
        from kdap import checks  # noqa: F401


class StaticFiles(StaticFilesConfig):
    """Collects what pages use. htmx is our own copy; django-htmx's import files it does not have."""

    ignore_patterns = [*StaticFilesConfig.ignore_patterns, "django_htmx"]
