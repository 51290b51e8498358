from django.apps import AppConfig


class RecordsConfig(AppConfig):
    name = "records"

    def ready(self):
        from records import sentences  # noqa: F401  (registers what events mean)
