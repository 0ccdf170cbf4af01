# This is an auto-generated Django model module.
# You'll have to do the following manually to clean this up:
#   * Rearrange models' order
#   * Make sure each model has one field with primary_key=True
#   * Make sure each ForeignKey and OneToOneField has `on_delete` set to the desired behavior
#   * Remove `managed = False` lines if you wish to allow Django to create, modify, and delete the table
# Feel free to rename the models, but don't rename db_table values or field names.
import uuid
from datetime import timedelta

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now


def everything() -> list[str]:
    return ["*"]


class ApiKeys(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    user = models.ForeignKey('Users', models.DO_NOTHING)
    owner = models.TextField()
    name = models.TextField(db_default="Default")
    key_prefix = models.TextField()
    key_hash = models.TextField(unique=True)
    scopes = models.JSONField(default=everything)
    last_used_at = models.DateTimeField(blank=True, null=True)
    expires_at = models.DateTimeField(blank=True, null=True)
    revoked_at = models.DateTimeField(blank=True, null=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        managed = False
        db_table = 'api_keys'


class AssetFiles(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    owner = models.TextField()
    uploaded_by = models.ForeignKey('Users', models.DO_NOTHING, db_column='uploaded_by')
    project = models.ForeignKey('Projects', models.DO_NOTHING, blank=True, null=True)
    filename = models.TextField()
    s3_key = models.TextField(unique=True)
    content_type = models.TextField()
    size_bytes = models.BigIntegerField()
    status = models.TextField(db_default="pending")
    metadata = models.JSONField(default=dict)
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        managed = False
        db_table = 'asset_files'


class Invitations(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    team = models.ForeignKey('Teams', models.DO_NOTHING, blank=True, null=True)
    invited_by = models.ForeignKey('Users', models.DO_NOTHING, db_column='invited_by')
    email = models.TextField(blank=True, null=True)
    role = models.TextField(db_default="member")
    token = models.TextField(unique=True)
    expires_at = models.DateTimeField(db_default=Now() + timedelta(hours=168))
    accepted_at = models.DateTimeField(blank=True, null=True)
    revoked_at = models.DateTimeField(blank=True, null=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        managed = False
        db_table = 'invitations'


class JobEvents(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    job = models.ForeignKey('Jobs', models.DO_NOTHING)
    sequence = models.BigIntegerField(db_default=0)
    event_type = models.TextField()
    payload = models.JSONField(default=dict)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        managed = False
        db_table = 'job_events'
        unique_together = (('job', 'sequence'),)


class Jobs(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    owner = models.TextField()
    triggered_by = models.ForeignKey('Users', models.DO_NOTHING, db_column='triggered_by')
    project = models.ForeignKey('Projects', models.DO_NOTHING, blank=True, null=True)
    status = models.TextField(db_default="queued")
    spec_snapshot = models.JSONField()
    options = models.JSONField(default=dict)
    progress = models.JSONField(default=dict)
    output = models.JSONField(blank=True, null=True)
    output_size_bytes = models.BigIntegerField(blank=True, null=True)
    error = models.JSONField(blank=True, null=True)
    credits_charged = models.IntegerField(db_default=0)
    failure_type = models.TextField(blank=True, null=True)
    credits_refunded = models.IntegerField(db_default=0)
    idempotency_key = models.TextField(blank=True, null=True)
    started_at = models.DateTimeField(blank=True, null=True)
    completed_at = models.DateTimeField(blank=True, null=True)
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())

    # A unique constraint could not be introspected.
    class Meta:
        managed = False
        db_table = 'jobs'
        unique_together = (('triggered_by', 'idempotency_key'),)


class Memberships(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    team = models.ForeignKey('Teams', models.DO_NOTHING, blank=True, null=True)
    user = models.ForeignKey('Users', models.DO_NOTHING, blank=True, null=True)
    role = models.TextField(db_default="member")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        managed = False
        db_table = 'memberships'
        unique_together = (('team', 'user'),)


class Projects(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    team = models.ForeignKey('Teams', models.DO_NOTHING)
    created_by = models.ForeignKey('Users', models.DO_NOTHING, db_column='created_by')
    name = models.TextField()
    status = models.TextField(db_default="draft")
    spec = models.JSONField(blank=True, null=True)
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        managed = False
        db_table = 'projects'


class RolePermissions(models.Model):
    pk = models.CompositePrimaryKey('role', 'permission')
    role = models.TextField()
    permission = models.TextField()

    class Meta:
        managed = False
        db_table = 'role_permissions'


class SystemAssets(models.Model):
    id = models.TextField(primary_key=True)
    category = models.TextField()
    name = models.TextField()
    description = models.TextField(blank=True, null=True)
    duration_seconds = models.DecimalField(max_digits=10, decimal_places=3, blank=True, null=True)
    s3_key = models.TextField(unique=True)
    content_type = models.TextField()
    size_bytes = models.BigIntegerField()
    tags = ArrayField(models.TextField())
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        managed = False
        db_table = 'system_assets'


class Teams(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    name = models.TextField()
    slug = models.TextField(unique=True, db_default="(made from the name)")
    credits = models.IntegerField(db_default=0)
    ephemeral_storage_bytes = models.BigIntegerField(db_default=0)
    settings = models.JSONField(default=dict)
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        managed = False
        db_table = 'teams'


class Usage(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    owner = models.TextField()
    period = models.TextField()
    renders_count = models.IntegerField(db_default=0)
    render_seconds = models.IntegerField(db_default=0)
    credits_used = models.IntegerField(db_default=0)
    credits_refunded = models.IntegerField(db_default=0)
    api_calls = models.IntegerField(db_default=0)
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        managed = False
        db_table = 'usage'
        unique_together = (('owner', 'period'),)


class Users(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    email = models.TextField()
    name = models.TextField(blank=True, null=True)
    avatar_url = models.TextField(blank=True, null=True)
    tier = models.TextField(db_default="starter")
    credits = models.IntegerField(db_default=0)
    ephemeral_storage_bytes = models.BigIntegerField(db_default=0)
    upgraded_at = models.DateTimeField(blank=True, null=True)
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        managed = False
        db_table = 'users'


class WebhookDeliveries(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    webhook = models.ForeignKey('Webhooks', models.DO_NOTHING)
    job = models.ForeignKey(Jobs, models.DO_NOTHING, blank=True, null=True)
    event_type = models.TextField()
    status = models.TextField(db_default="pending")
    payload = models.JSONField(default=dict)
    response_status = models.IntegerField(blank=True, null=True)
    response_body = models.TextField(blank=True, null=True)
    attempts = models.IntegerField(db_default=0)
    max_attempts = models.IntegerField(db_default=5)
    next_retry_at = models.DateTimeField(blank=True, null=True)
    delivered_at = models.DateTimeField(blank=True, null=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        managed = False
        db_table = 'webhook_deliveries'


class Webhooks(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    team = models.ForeignKey(Teams, models.DO_NOTHING)
    created_by = models.ForeignKey(Users, models.DO_NOTHING, db_column='created_by')
    url = models.TextField()
    events = ArrayField(models.TextField())
    secret = models.TextField()
    is_active = models.BooleanField(db_default=True)
    last_triggered_at = models.DateTimeField(blank=True, null=True)
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        managed = False
        db_table = 'webhooks'
