"""The project as an app: its checks and its commands."""

from django.apps import AppConfig


class KdapConfig(AppConfig):
    name = "kdap"
    verbose_name = "KDAP"

    def ready(self):
        """Register the system checks."""
        from kdap import checks  # noqa: F401
