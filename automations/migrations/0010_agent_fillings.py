"""Fields that agents fill in: a filling, and what a task of it is about."""

import django.db.models.deletion
import django.utils.timezone
import uuid_utils.compat
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('automations', '0009_listening_from'),
        ('records', '0011_views'),
        ('workspaces', '0010_member_versions'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='agenttask',
            name='entry',
            field=models.JSONField(null=True),
        ),
        migrations.AddField(
            model_name='agenttask',
            name='instruction',
            field=models.TextField(blank=True),
        ),
        migrations.CreateModel(
            name='AgentFilling',
            fields=[
                ('id', models.UUIDField(db_column='filling_id', default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False)),
                ('field_id', models.CharField(max_length=63)),
                ('inputs', models.JSONField(default=list)),
                ('instruction', models.TextField(blank=True)),
                ('closed', models.CharField(blank=True, choices=[('applied', 'Applied'), ('cancelled', 'Discarded')], max_length=16)),
                ('outcome', models.JSONField(null=True)),
                ('operation_id', models.UUIDField(null=True)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('closed_at', models.DateTimeField(null=True)),
                ('agent', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='fillings', to='automations.agent')),
                ('record', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='fillings', to='records.record')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('workspace', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='workspaces.workspace')),
            ],
            options={
                'db_table': 'agent_fillings',
                'ordering': ['-id'],
            },
        ),
        migrations.AddField(
            model_name='agenttask',
            name='filling',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='tasks', to='automations.agentfilling'),
        ),
        migrations.AddIndex(
            model_name='agenttask',
            index=models.Index(condition=models.Q(('filling__isnull', False)), fields=['filling', 'id'], name='agent_task_filling'),
        ),
        migrations.AddIndex(
            model_name='agentfilling',
            index=models.Index(fields=['created_at'], name='agent_filling_old'),
        ),
        migrations.RunSQL(
            "SELECT kdap_wall('agent_fillings', 'workspace_id', 'kdap.write');",
            migrations.RunSQL.noop,
        ),
    ]
