"""The project: settings, URLs, Celery and what every app shares on its way out."""

from kdap.celery import app as celery_app

__all__ = ["celery_app"]
