from django.apps import AppConfig


class AutomationsConfig(AppConfig):
    name = "automations"

    def ready(self):
        # Each registers what it knows of events.
        from automations import outgoing, outgoing_undo, sentences, undo, webhooks  # noqa: F401
