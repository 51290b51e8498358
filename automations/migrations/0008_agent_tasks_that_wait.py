"""An index of the tasks of agents that wait for a person: every page counts them."""

from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('automations', '0007_integrations'),
        ('workspaces', '0010_member_versions'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddIndex(
            model_name='agenttask',
            index=models.Index(condition=models.Q(('status', 'waiting')), fields=['workspace', 'user'], name='agent_task_waits'),
        ),
    ]
