from django.apps import AppConfig


class WorkspacesConfig(AppConfig):
    name = "workspaces"

    def ready(self):
        # Each registers what it does: listens to accounts; takes events back.
        from workspaces import people, undo  # noqa: F401
