from django.apps import AppConfig


class RecordsConfig(AppConfig):
    name = "records"

    def ready(self):
        # Each registers what it knows of events.
        from records import (  # noqa: F401
            public_forms,
            purging,
            saved_views,
            sentences,
            trimming,
            undo,
            undo_definitions,
            undo_public_forms,
            undo_saved_views,
        )
