from django.apps import AppConfig


class RecordsConfig(AppConfig):
    name = "records"

    def ready(self):
        # Each registers what it knows of events.
        from records import purging, sentences, trimming, undo, undo_definitions  # noqa: F401
