from django.apps import AppConfig


class RecordsConfig(AppConfig):
    name = "records"

    def ready(self):
        # Each registers what it knows of events.
        from records import (  # noqa: F401
            purging,
            saved_views,
            sentences,
            trimming,
            undo,
            undo_definitions,
            undo_saved_views,
        )
