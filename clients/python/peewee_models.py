import os
from peewee import *
from playhouse.postgres_ext import *

database = PostgresqlDatabase(os.environ["PGDATABASE"])

class BaseModel(Model):
    class Meta:
        database = database

class Teams(BaseModel):
    created_at = DateTimeField(constraints=[SQL("DEFAULT now()")])
    credits = IntegerField(constraints=[SQL("DEFAULT 0")])
    ephemeral_storage_bytes = BigIntegerField(constraints=[SQL("DEFAULT 0")])
    id = UUIDField(constraints=[SQL("DEFAULT gen_random_uuid()")], primary_key=True)
    name = TextField()
    settings = BinaryJSONField(constraints=[SQL("DEFAULT '{}'::jsonb")], index=True)
    slug = TextField(constraints=[SQL("DEFAULT '(made from the name)'::text")], unique=True)
    updated_at = DateTimeField(constraints=[SQL("DEFAULT now()")])

    class Meta:
        table_name = 'teams'

class Users(BaseModel):
    avatar_url = TextField(null=True)
    created_at = DateTimeField(constraints=[SQL("DEFAULT now()")])
    credits = IntegerField(constraints=[SQL("DEFAULT 0")])
    email = TextField(index=True)
    ephemeral_storage_bytes = BigIntegerField(constraints=[SQL("DEFAULT 0")])
    id = UUIDField(constraints=[SQL("DEFAULT gen_random_uuid()")], primary_key=True)
    name = TextField(null=True)
    tier = TextField(constraints=[SQL("DEFAULT 'starter'::user_tier")])  # USER-DEFINED
    updated_at = DateTimeField(constraints=[SQL("DEFAULT now()")])
    upgraded_at = DateTimeField(null=True)

    class Meta:
        table_name = 'users'
        indexes = (
        )
        # Unhandled indexes (partial or expression):
        # CREATE INDEX users_email_key_idx ON public.users USING btree (lower((email COLLATE "C")))

class Memberships(BaseModel):
    created_at = DateTimeField(constraints=[SQL("DEFAULT now()")])
    id = UUIDField(constraints=[SQL("DEFAULT gen_random_uuid()")], primary_key=True)
    role = TextField(constraints=[SQL("DEFAULT 'member'::membership_role")])  # USER-DEFINED
    team = ForeignKeyField(column_name='team_id', field='id', model=Teams, null=True, on_delete='CASCADE')
    user = ForeignKeyField(column_name='user_id', field='id', model=Users, null=True, on_delete='CASCADE')

    class Meta:
        table_name = 'memberships'
        indexes = (
            (('team', 'user'), True),
        )
        # Unhandled indexes (partial or expression):
        # CREATE INDEX memberships_owners_idx ON public.memberships USING btree (team_id) WHERE (role = 'owner'::membership_role)

class ApiKeys(BaseModel):
    created_at = DateTimeField(constraints=[SQL("DEFAULT now()")])
    expires_at = DateTimeField(null=True)
    id = UUIDField(constraints=[SQL("DEFAULT gen_random_uuid()")], primary_key=True)
    key_hash = TextField(unique=True)
    key_prefix = TextField()
    last_used_at = DateTimeField(null=True)
    name = TextField(constraints=[SQL("DEFAULT 'Default'::text")])
    owner = TextField(index=True)
    revoked_at = DateTimeField(null=True)
    scopes = BinaryJSONField(constraints=[SQL("DEFAULT '[\"*\"]'::jsonb")], index=True)
    user = ForeignKeyField(column_name='user_id', field='id', model=Users, on_delete='CASCADE')

    class Meta:
        table_name = 'api_keys'
        indexes = (
        )
        # Unhandled indexes (partial or expression):
        # CREATE INDEX api_keys_live_idx ON public.api_keys USING btree (user_id) WHERE (revoked_at IS NULL)
        # CREATE INDEX api_keys_live_member_idx ON public.api_keys USING btree (live_member_team_id, user_id) WHERE (live_member_team_id IS NOT NULL)
        # CREATE INDEX api_keys_live_shared_idx ON public.api_keys USING btree (live_shared_team_id, user_id) WHERE (live_shared_team_id IS NOT NULL)

class Projects(BaseModel):
    created_at = DateTimeField(constraints=[SQL("DEFAULT now()")])
    created_by = ForeignKeyField(column_name='created_by', field='id', model=Users)
    id = UUIDField(constraints=[SQL("DEFAULT gen_random_uuid()")], primary_key=True)
    name = TextField()
    spec = BinaryJSONField(null=True)
    status = TextField(constraints=[SQL("DEFAULT 'draft'::project_status")], index=True)  # USER-DEFINED
    team = ForeignKeyField(column_name='team_id', field='id', model=Teams, on_delete='CASCADE')
    updated_at = DateTimeField(constraints=[SQL("DEFAULT now()")])

    class Meta:
        table_name = 'projects'
        indexes = (
            (('team', 'updated_at'), False),
        )

class AssetFiles(BaseModel):
    content_type = TextField()
    created_at = DateTimeField(constraints=[SQL("DEFAULT now()")])
    filename = TextField()
    id = UUIDField(constraints=[SQL("DEFAULT gen_random_uuid()")], primary_key=True)
    metadata = BinaryJSONField(constraints=[SQL("DEFAULT '{}'::jsonb")], index=True)
    owner = TextField()
    project = ForeignKeyField(column_name='project_id', field='id', model=Projects, null=True, on_delete='CASCADE')
    s3_key = TextField(unique=True)
    size_bytes = BigIntegerField()
    status = TextField(constraints=[SQL("DEFAULT 'pending'::asset_status")], index=True)  # USER-DEFINED
    updated_at = DateTimeField(constraints=[SQL("DEFAULT now()")])
    uploaded_by = ForeignKeyField(column_name='uploaded_by', field='id', model=Users)

    class Meta:
        table_name = 'asset_files'
        indexes = (
            (('project', 'owner'), False),
        )

class Invitations(BaseModel):
    accepted_at = DateTimeField(null=True)
    created_at = DateTimeField(constraints=[SQL("DEFAULT now()")])
    email = TextField(index=True, null=True)
    expires_at = DateTimeField(constraints=[SQL("DEFAULT (now() + '168:00:00'::interval)")])
    id = UUIDField(constraints=[SQL("DEFAULT gen_random_uuid()")], primary_key=True)
    invited_by = ForeignKeyField(column_name='invited_by', field='id', model=Users)
    revoked_at = DateTimeField(null=True)
    role = TextField(constraints=[SQL("DEFAULT 'member'::invitation_role")])  # USER-DEFINED
    team = ForeignKeyField(column_name='team_id', field='id', model=Teams, null=True, on_delete='CASCADE')
    token = TextField(unique=True)

    class Meta:
        table_name = 'invitations'
        # Unhandled indexes (partial or expression):
        # CREATE INDEX invitations_email_key_idx ON public.invitations USING btree (lower((email COLLATE "C")))
        # CREATE INDEX invitations_unanswered_idx ON public.invitations USING btree (team_id, expires_at) WHERE ((accepted_at IS NULL) AND (revoked_at IS NULL))

class Jobs(BaseModel):
    completed_at = DateTimeField(null=True)
    created_at = DateTimeField(constraints=[SQL("DEFAULT now()")], index=True)
    credits_charged = IntegerField(constraints=[SQL("DEFAULT 0")])
    credits_refunded = IntegerField(constraints=[SQL("DEFAULT 0")])
    error = BinaryJSONField(null=True)
    failure_type = TextField(null=True)  # USER-DEFINED
    id = UUIDField(constraints=[SQL("DEFAULT gen_random_uuid()")], primary_key=True)
    idempotency_key = TextField(null=True)
    options = BinaryJSONField(constraints=[SQL("DEFAULT '{}'::jsonb")])
    output = BinaryJSONField(null=True)
    output_size_bytes = BigIntegerField(null=True)
    owner = TextField()
    progress = BinaryJSONField(constraints=[SQL("DEFAULT '{}'::jsonb")])
    project = ForeignKeyField(column_name='project_id', field='id', model=Projects, null=True, on_delete='SET NULL')
    spec_snapshot = BinaryJSONField()
    started_at = DateTimeField(null=True)
    status = TextField(constraints=[SQL("DEFAULT 'queued'::job_status")])  # USER-DEFINED
    triggered_by = ForeignKeyField(column_name='triggered_by', field='id', model=Users)
    updated_at = DateTimeField(constraints=[SQL("DEFAULT now()")])

    class Meta:
        table_name = 'jobs'
        indexes = (
            (('owner', 'created_at'), False),
            (('project', 'owner'), False),
            (('status', 'created_at'), False),
            (('triggered_by', 'idempotency_key'), True),
        )
        # Unhandled indexes (partial or expression):
        # CREATE UNIQUE INDEX inv_j12__jobs_one_active_per_project ON public.jobs USING btree (project_id, ((status < 'completed'::job_status))) WHERE (status < 'completed'::job_status)
        # CREATE INDEX jobs_active_of_team_idx ON public.jobs USING btree (framecast.urn_team(owner)) WHERE (status < 'completed'::job_status)
        # CREATE INDEX jobs_active_of_user_idx ON public.jobs USING btree (triggered_by) WHERE (status < 'completed'::job_status)

class JobEvents(BaseModel):
    created_at = DateTimeField(constraints=[SQL("DEFAULT now()")], index=True)
    event_type = TextField()  # USER-DEFINED
    id = UUIDField(constraints=[SQL("DEFAULT gen_random_uuid()")], primary_key=True)
    job = ForeignKeyField(column_name='job_id', field='id', model=Jobs, on_delete='CASCADE')
    payload = BinaryJSONField(constraints=[SQL("DEFAULT '{}'::jsonb")])
    sequence = BigIntegerField(constraints=[SQL("DEFAULT 0")])

    class Meta:
        table_name = 'job_events'
        indexes = (
            (('job', 'sequence'), True),
        )

class RolePermissions(BaseModel):
    permission = TextField()
    role = TextField()  # USER-DEFINED

    class Meta:
        table_name = 'role_permissions'
        indexes = (
            (('role', 'permission'), True),
        )
        primary_key = CompositeKey('role', 'permission')

class SystemAssets(BaseModel):
    category = TextField(index=True)  # USER-DEFINED
    content_type = TextField()
    created_at = DateTimeField(constraints=[SQL("DEFAULT now()")])
    description = TextField(null=True)
    duration_seconds = DecimalField(decimal_places=3, max_digits=10, null=True)
    id = TextField(primary_key=True)
    name = TextField()
    s3_key = TextField(unique=True)
    size_bytes = BigIntegerField()
    tags = ArrayField(constraints=[SQL("DEFAULT '{}'::text[]")], field_class=TextField, index=True)

    class Meta:
        table_name = 'system_assets'

class Usage(BaseModel):
    api_calls = IntegerField(constraints=[SQL("DEFAULT 0")])
    credits_refunded = IntegerField(constraints=[SQL("DEFAULT 0")])
    credits_used = IntegerField(constraints=[SQL("DEFAULT 0")])
    id = UUIDField(constraints=[SQL("DEFAULT gen_random_uuid()")], primary_key=True)
    owner = TextField()
    period = TextField(index=True)
    render_seconds = IntegerField(constraints=[SQL("DEFAULT 0")])
    renders_count = IntegerField(constraints=[SQL("DEFAULT 0")])
    updated_at = DateTimeField(constraints=[SQL("DEFAULT now()")])

    class Meta:
        table_name = 'usage'
        indexes = (
            (('owner', 'period'), True),
        )

class Webhooks(BaseModel):
    created_at = DateTimeField(constraints=[SQL("DEFAULT now()")])
    created_by = ForeignKeyField(column_name='created_by', field='id', model=Users)
    events = ArrayField(field_class=TextField, index=True)  # ARRAY
    id = UUIDField(constraints=[SQL("DEFAULT gen_random_uuid()")], primary_key=True)
    is_active = BooleanField(constraints=[SQL("DEFAULT true")])
    last_triggered_at = DateTimeField(null=True)
    secret = TextField()
    team = ForeignKeyField(column_name='team_id', field='id', model=Teams, on_delete='CASCADE')
    updated_at = DateTimeField(constraints=[SQL("DEFAULT now()")])
    url = TextField()

    class Meta:
        table_name = 'webhooks'

class WebhookDeliveries(BaseModel):
    attempts = IntegerField(constraints=[SQL("DEFAULT 0")])
    created_at = DateTimeField(constraints=[SQL("DEFAULT now()")], index=True)
    delivered_at = DateTimeField(null=True)
    event_type = TextField()
    id = UUIDField(constraints=[SQL("DEFAULT gen_random_uuid()")], primary_key=True)
    job = ForeignKeyField(column_name='job_id', field='id', model=Jobs, null=True, on_delete='SET NULL')
    max_attempts = IntegerField(constraints=[SQL("DEFAULT 5")])
    next_retry_at = DateTimeField(null=True)
    payload = BinaryJSONField()
    response_body = TextField(null=True)
    response_status = IntegerField(null=True)
    status = TextField(constraints=[SQL("DEFAULT 'pending'::webhook_delivery_status")], index=True)  # USER-DEFINED
    webhook = ForeignKeyField(column_name='webhook_id', field='id', model=Webhooks, on_delete='CASCADE')

    class Meta:
        table_name = 'webhook_deliveries'
        # Unhandled indexes (partial or expression):
        # CREATE INDEX webhook_deliveries_waiting_idx ON public.webhook_deliveries USING btree (status, next_retry_at) WHERE (status = ANY (ARRAY['pending'::webhook_delivery_status, 'retrying'::webhook_delivery_status]))

