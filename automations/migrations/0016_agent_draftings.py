"""Workflows that models draft: what was asked for, and which task of an agent does it."""

import django.db.models.deletion
import django.utils.timezone
import uuid_utils.compat
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('automations', '0015_waiting_for_conditions'),
        ('workspaces', '0012_slot_planned_once'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='AgentDrafting',
            fields=[
                ('id', models.UUIDField(db_column='drafting_id', default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False)),
                ('text', models.TextField()),
                ('base', models.JSONField(null=True)),
                ('closed', models.CharField(blank=True, choices=[('taken', 'Taken'), ('discarded', 'Discarded')], max_length=16)),
                ('operation_id', models.UUIDField(null=True)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('closed_at', models.DateTimeField(null=True)),
                ('agent', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='draftings', to='automations.agent')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('workflow', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='draftings', to='automations.workflow')),
                ('workspace', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='workspaces.workspace')),
            ],
            options={
                'db_table': 'agent_draftings',
                'ordering': ['-id'],
            },
        ),
        migrations.AddField(
            model_name='agenttask',
            name='drafting',
            field=models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='tasks', to='automations.agentdrafting'),
        ),
        migrations.AddIndex(
            model_name='agenttask',
            index=models.Index(condition=models.Q(('drafting__isnull', False)), fields=['drafting'], name='agent_task_drafting'),
        ),
        migrations.AddIndex(
            model_name='agentdrafting',
            index=models.Index(fields=['created_at'], name='agent_drafting_old'),
        ),
        migrations.AddIndex(
            model_name='agentdrafting',
            index=models.Index(condition=models.Q(('closed', '')), fields=['workspace', 'user'], name='agent_drafting_open'),
        ),
        migrations.RunSQL(
            "SELECT kdap_wall('agent_draftings', 'workspace_id', 'kdap.write');",
            migrations.RunSQL.noop,
        ),
    ]
