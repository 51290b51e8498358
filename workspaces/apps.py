from django.apps import AppConfig


class WorkspacesConfig(AppConfig):
    name = "workspaces"

    def ready(self):
        # Each registers what it does: listens to accounts; ends trash; takes events back.
        from workspaces import people, retention, undo  # noqa: F401
