"""The Celery application; tasks live in each app's tasks.py."""

import os

from celery import Celery

from automations.pilot import Pilot

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kdap.settings")
app = Celery("kdap")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
# Every worker looks for the automations' work by itself.
app.steps["worker"].add(Pilot)
