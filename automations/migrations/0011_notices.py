"""Mails to the people behind workflows as rows that workers send, and the files that mails had."""

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models


WALLS = "\n".join(
    f"SELECT kdap_wall('{table}', 'workspace_id', 'kdap.write');"
    for table in ("workflow_notices", "workflow_mailed_files")
)


class Migration(migrations.Migration):

    dependencies = [
        ('automations', "0010_agent_fillings"),
        ('workspaces', '0010_member_versions'),
    ]

    operations = [
        migrations.CreateModel(
            name='MailedFile',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('workspace_id', models.UUIDField()),
                ('number', models.IntegerField()),
                ('name', models.CharField(max_length=200)),
                ('mime', models.CharField(max_length=200)),
                ('packed', models.BinaryField()),
                ('step', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='files', to='automations.workflowstep')),
            ],
            options={
                'db_table': 'workflow_mailed_files',
                'constraints': [models.UniqueConstraint(fields=('step', 'number'), name='mailed_file')],
            },
        ),
        migrations.CreateModel(
            name='Notice',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('key', models.CharField(max_length=120, null=True, unique=True)),
                ('about', models.CharField(max_length=200)),
                ('link', models.CharField(max_length=200)),
                ('to', models.CharField(max_length=320)),
                ('subject', models.CharField(max_length=200)),
                ('body', models.TextField()),
                ('question', models.BigIntegerField(null=True)),
                ('status', models.CharField(choices=[('pending', 'Waiting'), ('sending', 'Being sent'), ('sent', 'Sent'), ('failed', 'Not sent')], default='pending', max_length=16)),
                ('attempts', models.IntegerField(default=0)),
                ('next_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('lease', models.DateTimeField(null=True)),
                ('kept_here', models.CharField(blank=True, max_length=100)),
                ('error', models.TextField(blank=True)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('finished_at', models.DateTimeField(null=True)),
                ('workspace', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='workspaces.workspace')),
            ],
            options={
                'db_table': 'workflow_notices',
                'ordering': ['-id'],
                'indexes': [models.Index(condition=models.Q(('status', 'pending')), fields=['next_at'], name='notice_due'), models.Index(condition=models.Q(('status', 'sending')), fields=['lease'], name='notice_lease'), models.Index(fields=['workspace', '-id'], name='notice_list'), models.Index(fields=['finished_at'], name='notice_finished')],
            },
        ),
        migrations.RunSQL(WALLS),
    ]
