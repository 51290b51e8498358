from django.apps import AppConfig


class AutomationsConfig(AppConfig):
    name = "automations"

    def ready(self):
        # Each registers what it knows of events.
        from automations import (  # noqa: F401
            erasing,
            outgoing,
            outgoing_undo,
            pressing,
            sentences,
            signed_calls,
            undo,
            watching,
            webhooks,
        )
        from automations.agents import sentences as agent_sentences  # noqa: F401
        from automations.agents import services as agent_services  # noqa: F401
        from automations.agents import undo as agent_undo  # noqa: F401
        from automations.agents import workflow_tools  # noqa: F401
        from automations.integrations import sentences as more_sentences  # noqa: F401
        from automations.integrations import services  # noqa: F401
        from automations.integrations import undo as more_undo  # noqa: F401
