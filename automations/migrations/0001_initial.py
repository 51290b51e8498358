"""Workflows, versions, runs and their steps; what the dispatcher and the queue keep."""

import django.db.models.deletion
import django.utils.timezone
import uuid_utils.compat
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('workspaces', '0010_member_versions'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Feed',
            fields=[
                ('id', models.SmallIntegerField(default=1, primary_key=True, serialize=False)),
                ('snapshot', models.TextField()),
            ],
            options={
                'db_table': 'workflow_feed',
            },
        ),
        migrations.CreateModel(
            name='Workflow',
            fields=[
                ('last_event_id', models.BigIntegerField(default=0, editable=False)),
                ('last_event_version', models.IntegerField(default=0, editable=False)),
                ('id', models.UUIDField(db_column='workflow_id', default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=120)),
                ('description', models.TextField(blank=True)),
                ('natural_language_description', models.TextField(blank=True)),
                ('structured_definition', models.JSONField(default=dict)),
                ('state', models.CharField(choices=[('draft', 'Draft'), ('active', 'On'), ('paused', 'Paused')], default='draft', max_length=16)),
                ('paused_because', models.TextField(blank=True)),
                ('published', models.IntegerField(editable=False, null=True)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('updated_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('deleted_at', models.DateTimeField(editable=False, null=True)),
                ('owner', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('workspace', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='workflows', to='workspaces.workspace')),
            ],
            options={
                'db_table': 'workflows',
                'ordering': ['name', 'id'],
            },
        ),
        migrations.CreateModel(
            name='Turns',
            fields=[
                ('workspace', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, serialize=False, to='workspaces.workspace')),
                ('turn', models.BigIntegerField(default=0)),
            ],
            options={
                'db_table': 'workflow_turns',
            },
        ),
        migrations.CreateModel(
            name='WorkflowSecret',
            fields=[
                ('workflow', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, serialize=False, to='automations.workflow')),
                ('workspace_id', models.UUIDField()),
                ('address', models.CharField(max_length=64, unique=True)),
                ('sealed', models.BinaryField()),
                ('sample', models.JSONField(null=True)),
                ('made_at', models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                'db_table': 'workflow_secrets',
            },
        ),
        migrations.CreateModel(
            name='WorkflowVersion',
            fields=[
                ('id', models.UUIDField(db_column='version_id', editable=False, primary_key=True, serialize=False)),
                ('workspace_id', models.UUIDField()),
                ('number', models.IntegerField()),
                ('structured_definition', models.JSONField()),
                ('natural_language_description', models.TextField(blank=True)),
                ('created_at', models.DateTimeField()),
                ('event_id', models.BigIntegerField()),
                ('user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('workflow', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='versions', to='automations.workflow')),
            ],
            options={
                'db_table': 'workflow_versions',
                'ordering': ['-number'],
            },
        ),
        migrations.CreateModel(
            name='WorkflowRun',
            fields=[
                ('id', models.UUIDField(db_column='run_id', default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False)),
                ('key', models.CharField(max_length=200)),
                ('status', models.CharField(choices=[('pending', 'Pending'), ('running', 'Running'), ('waiting', 'Waiting'), ('succeeded', 'Succeeded'), ('failed', 'Failed'), ('cancelled', 'Cancelled')], default='pending', max_length=16)),
                ('trigger_data', models.JSONField(default=dict)),
                ('output_data', models.JSONField(null=True)),
                ('error_message', models.TextField(blank=True)),
                ('variables', models.JSONField(default=dict)),
                ('entry_id', models.BigIntegerField(null=True)),
                ('event_id', models.BigIntegerField(null=True)),
                ('operation_id', models.UUIDField(default=uuid_utils.compat.uuid7)),
                ('depth', models.SmallIntegerField(default=0)),
                ('concurrency_key', models.CharField(max_length=200, null=True)),
                ('turn', models.BigIntegerField(default=0)),
                ('fence', models.IntegerField(default=0)),
                ('lease', models.DateTimeField(null=True)),
                ('wake_at', models.DateTimeField(null=True)),
                ('deaths', models.SmallIntegerField(default=0)),
                ('cancel_asked', models.BooleanField(default=False)),
                ('triggered_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('started_at', models.DateTimeField(null=True)),
                ('finished_at', models.DateTimeField(null=True)),
                ('parent', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='children', to='automations.workflowrun')),
                ('retry_of', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='retries', to='automations.workflowrun')),
                ('workflow', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='runs', to='automations.workflow')),
                ('workspace', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='workspaces.workspace')),
                ('version', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='runs', to='automations.workflowversion')),
            ],
            options={
                'db_table': 'workflow_runs',
                'ordering': ['-id'],
            },
        ),
        migrations.CreateModel(
            name='Firing',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('workspace_id', models.UUIDField()),
                ('events', models.JSONField()),
                ('position', models.BigIntegerField(default=0)),
                ('attempts', models.IntegerField(default=0)),
                ('not_before', models.DateTimeField(default=django.utils.timezone.now)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('version', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='automations.workflowversion')),
            ],
            options={
                'db_table': 'workflow_firings',
                'ordering': ['id'],
            },
        ),
        migrations.CreateModel(
            name='Subscription',
            fields=[
                ('workflow', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, serialize=False, to='automations.workflow')),
                ('workspace_id', models.UUIDField()),
                ('trigger', models.CharField(max_length=32)),
                ('record_id', models.UUIDField(null=True)),
                ('events', models.JSONField(default=list)),
                ('whole', models.BooleanField(default=False)),
                ('listens_after', models.BigIntegerField()),
                ('next_at', models.DateTimeField(null=True)),
                ('scanned_to', models.DateTimeField(null=True)),
                ('version', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='automations.workflowversion')),
            ],
            options={
                'db_table': 'workflow_subscriptions',
            },
        ),
        migrations.CreateModel(
            name='WorkflowStep',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('workspace_id', models.UUIDField()),
                ('path', models.CharField(max_length=400)),
                ('step', models.CharField(max_length=40)),
                ('type', models.CharField(max_length=32)),
                ('status', models.CharField(choices=[('started', 'Started'), ('waiting', 'Waiting'), ('unknown', 'Unknown'), ('succeeded', 'Succeeded'), ('failed', 'Failed')], max_length=16)),
                ('input', models.JSONField(null=True)),
                ('output', models.JSONField(null=True)),
                ('waits_for', models.CharField(blank=True, max_length=16)),
                ('answer', models.JSONField(null=True)),
                ('error', models.TextField(blank=True)),
                ('attempts', models.SmallIntegerField(default=1)),
                ('wake_at', models.DateTimeField(null=True)),
                ('started_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('finished_at', models.DateTimeField(null=True)),
                ('run', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='steps', to='automations.workflowrun')),
            ],
            options={
                'db_table': 'workflow_run_steps',
                'ordering': ['id'],
                'constraints': [models.UniqueConstraint(fields=('run', 'path'), name='run_step_once')],
            },
        ),
        migrations.AddConstraint(
            model_name='workflowversion',
            constraint=models.UniqueConstraint(fields=('workflow', 'number'), name='workflow_version_once'),
        ),
        migrations.AddIndex(
            model_name='workflowrun',
            index=models.Index(condition=models.Q(('status', 'pending')), fields=['turn', 'id'], name='run_turn'),
        ),
        migrations.AddIndex(
            model_name='workflowrun',
            index=models.Index(condition=models.Q(('status', 'running')), fields=['lease'], name='run_lease'),
        ),
        migrations.AddIndex(
            model_name='workflowrun',
            index=models.Index(condition=models.Q(('status', 'waiting')), fields=['wake_at'], name='run_wake'),
        ),
        migrations.AddIndex(
            model_name='workflowrun',
            index=models.Index(fields=['workflow', '-id'], name='run_workflow'),
        ),
        migrations.AddIndex(
            model_name='workflowrun',
            index=models.Index(fields=['workspace', '-id'], name='run_workspace'),
        ),
        migrations.AddIndex(
            model_name='workflowrun',
            index=models.Index(condition=models.Q(('concurrency_key__isnull', False), ('finished_at', None)), fields=['workflow', 'concurrency_key'], name='run_concurrency'),
        ),
        migrations.AddConstraint(
            model_name='workflowrun',
            constraint=models.UniqueConstraint(fields=('version', 'key'), name='workflow_run_once'),
        ),
        migrations.AddIndex(
            model_name='subscription',
            index=models.Index(fields=['record_id'], name='subscription_record'),
        ),
        migrations.AddIndex(
            model_name='subscription',
            index=models.Index(condition=models.Q(('next_at__isnull', False)), fields=['next_at'], name='subscription_due'),
        ),
    ]
