from typing import Optional
import datetime
import decimal
import enum
import uuid

from sqlalchemy import FetchedValue, ARRAY, BigInteger, Boolean, CheckConstraint, Column, DateTime, Enum, ForeignKeyConstraint, Integer, Numeric, PrimaryKeyConstraint, Table, Text, UniqueConstraint, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

class Base(DeclarativeBase):
    pass


class AssetStatus(str, enum.Enum):
    PENDING = 'pending'
    READY = 'ready'
    FAILED = 'failed'


class InvitationRole(str, enum.Enum):
    ADMIN = 'admin'
    MEMBER = 'member'
    VIEWER = 'viewer'


class JobEventType(str, enum.Enum):
    QUEUED = 'queued'
    STARTED = 'started'
    PROGRESS = 'progress'
    SCENE_COMPLETE = 'scene_complete'
    COMPLETED = 'completed'
    FAILED = 'failed'
    CANCELED = 'canceled'


class JobFailureType(str, enum.Enum):
    SYSTEM = 'system'
    VALIDATION = 'validation'
    TIMEOUT = 'timeout'
    CANCELED = 'canceled'


class JobStatus(str, enum.Enum):
    QUEUED = 'queued'
    PROCESSING = 'processing'
    COMPLETED = 'completed'
    FAILED = 'failed'
    CANCELED = 'canceled'


class MembershipRole(str, enum.Enum):
    OWNER = 'owner'
    ADMIN = 'admin'
    MEMBER = 'member'
    VIEWER = 'viewer'


class ProjectStatus(str, enum.Enum):
    DRAFT = 'draft'
    RENDERING = 'rendering'
    COMPLETED = 'completed'
    ARCHIVED = 'archived'


class SystemAssetCategory(str, enum.Enum):
    SFX = 'sfx'
    AMBIENT = 'ambient'
    MUSIC = 'music'
    TRANSITION = 'transition'


class UserTier(str, enum.Enum):
    STARTER = 'starter'
    CREATOR = 'creator'


class WebhookDeliveryStatus(str, enum.Enum):
    PENDING = 'pending'
    RETRYING = 'retrying'
    DELIVERED = 'delivered'
    FAILED = 'failed'


class WebhookEventType(str, enum.Enum):
    JOB_QUEUED = 'job.queued'
    JOB_STARTED = 'job.started'
    JOB_PROGRESS = 'job.progress'
    JOB_COMPLETED = 'job.completed'
    JOB_FAILED = 'job.failed'
    JOB_CANCELED = 'job.canceled'


class RolePermissions(Base):
    __tablename__ = 'role_permissions'
    __table_args__ = (
        PrimaryKeyConstraint('role', 'permission', name='role_permissions_pkey'),
    )

    role: Mapped[MembershipRole] = mapped_column(Enum(MembershipRole, values_callable=lambda cls: [member.value for member in cls], name='membership_role'), primary_key=True)
    permission: Mapped[str] = mapped_column(Text, primary_key=True)


t_searchable_projects = Table(
    'searchable_projects', Base.metadata,
    Column('project_id', Uuid),
    Column('spec', JSONB)
)


class SystemAssets(Base):
    __tablename__ = 'system_assets'
    __table_args__ = (
        PrimaryKeyConstraint('id', name='system_assets_pkey'),
        UniqueConstraint('s3_key', name='inv_sa3__system_assets_s3_key_unique')
    )

    id: Mapped[str] = mapped_column(Text, primary_key=True)
    category: Mapped[SystemAssetCategory] = mapped_column(Enum(SystemAssetCategory, values_callable=lambda cls: [member.value for member in cls], name='system_asset_category'), nullable=False)
    name: Mapped[str] = mapped_column(Text, nullable=False)
    s3_key: Mapped[str] = mapped_column(Text, nullable=False)
    content_type: Mapped[str] = mapped_column(Text, nullable=False)
    size_bytes: Mapped[int] = mapped_column(BigInteger, nullable=False)
    tags: Mapped[list[str]] = mapped_column(ARRAY(Text()), nullable=False, server_default=text("'{}'::text[]"))
    created_at: Mapped[datetime.datetime] = mapped_column(DateTime(True), nullable=False, server_default=text('now()'))
    description: Mapped[Optional[str]] = mapped_column(Text)
    duration_seconds: Mapped[Optional[decimal.Decimal]] = mapped_column(Numeric(10, 3))


class Teams(Base):
    __tablename__ = 'teams'
    __table_args__ = (
        PrimaryKeyConstraint('id', name='teams_pkey'),
        UniqueConstraint('slug', name='inv_t3__teams_slug_unique')
    )

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, server_default=text('gen_random_uuid()'))
    name: Mapped[str] = mapped_column(Text, nullable=False)
    slug: Mapped[str] = mapped_column(Text, nullable=False, server_default=text("'(made from the name)'::text"))
    credits: Mapped[int] = mapped_column(Integer, nullable=False, server_default=text('0'))
    ephemeral_storage_bytes: Mapped[int] = mapped_column(BigInteger, nullable=False, server_default=text('0'))
    settings: Mapped[object] = mapped_column(JSONB, nullable=False, server_default=text("'{}'::jsonb"))
    created_at: Mapped[datetime.datetime] = mapped_column(DateTime(True), nullable=False, server_default=text('now()'))
    updated_at: Mapped[datetime.datetime] = mapped_column(DateTime(True), nullable=False, server_default=text('now()'), server_onupdate=FetchedValue())

    invitations: Mapped[list['Invitations']] = relationship('Invitations', back_populates='team', passive_deletes='all')
    memberships: Mapped[list['Memberships']] = relationship('Memberships', back_populates='team', passive_deletes='all')
    projects: Mapped[list['Projects']] = relationship('Projects', back_populates='team', passive_deletes='all')
    webhooks: Mapped[list['Webhooks']] = relationship('Webhooks', back_populates='team', passive_deletes='all')


class Usage(Base):
    __tablename__ = 'usage'
    __table_args__ = (
        PrimaryKeyConstraint('id', name='usage_pkey'),
        UniqueConstraint('owner', 'period', name='inv_us4__usage_one_row_per_owner_and_period')
    )

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, server_default=text('gen_random_uuid()'))
    owner: Mapped[str] = mapped_column(Text, nullable=False)
    period: Mapped[str] = mapped_column(Text, nullable=False)
    renders_count: Mapped[int] = mapped_column(Integer, nullable=False, server_default=text('0'))
    render_seconds: Mapped[int] = mapped_column(Integer, nullable=False, server_default=text('0'))
    credits_used: Mapped[int] = mapped_column(Integer, nullable=False, server_default=text('0'))
    credits_refunded: Mapped[int] = mapped_column(Integer, nullable=False, server_default=text('0'))
    api_calls: Mapped[int] = mapped_column(Integer, nullable=False, server_default=text('0'))
    updated_at: Mapped[datetime.datetime] = mapped_column(DateTime(True), nullable=False, server_default=text('now()'), server_onupdate=FetchedValue())


class Users(Base):
    __tablename__ = 'users'
    __table_args__ = (
        PrimaryKeyConstraint('id', name='users_pkey'),
    )

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, server_default=text('gen_random_uuid()'))
    email: Mapped[str] = mapped_column(Text, nullable=False)
    tier: Mapped[UserTier] = mapped_column(Enum(UserTier, values_callable=lambda cls: [member.value for member in cls], name='user_tier'), nullable=False, server_default=text("'starter'::user_tier"))
    credits: Mapped[int] = mapped_column(Integer, nullable=False, server_default=text('0'))
    ephemeral_storage_bytes: Mapped[int] = mapped_column(BigInteger, nullable=False, server_default=text('0'))
    created_at: Mapped[datetime.datetime] = mapped_column(DateTime(True), nullable=False, server_default=text('now()'))
    updated_at: Mapped[datetime.datetime] = mapped_column(DateTime(True), nullable=False, server_default=text('now()'), server_onupdate=FetchedValue())
    name: Mapped[Optional[str]] = mapped_column(Text)
    avatar_url: Mapped[Optional[str]] = mapped_column(Text)
    upgraded_at: Mapped[Optional[datetime.datetime]] = mapped_column(DateTime(True))

    invitations: Mapped[list['Invitations']] = relationship('Invitations', back_populates='users', passive_deletes='all')
    memberships: Mapped[list['Memberships']] = relationship('Memberships', back_populates='user', passive_deletes='all')
    projects: Mapped[list['Projects']] = relationship('Projects', back_populates='users', passive_deletes='all')
    webhooks: Mapped[list['Webhooks']] = relationship('Webhooks', back_populates='users', passive_deletes='all')
    api_keys: Mapped[list['ApiKeys']] = relationship('ApiKeys', back_populates='user', passive_deletes='all')
    asset_files: Mapped[list['AssetFiles']] = relationship('AssetFiles', back_populates='users', passive_deletes='all')
    jobs: Mapped[list['Jobs']] = relationship('Jobs', back_populates='users', passive_deletes='all')


class Invitations(Base):
    __tablename__ = 'invitations'
    __table_args__ = (
        ForeignKeyConstraint(['invited_by'], ['users.id'], ondelete='RESTRICT', name='inv_i6__invitations_inviter_exists'),
        ForeignKeyConstraint(['team_id'], ['teams.id'], ondelete='CASCADE', name='inv_i5__invitations_team_exists'),
        PrimaryKeyConstraint('id', name='invitations_pkey'),
        UniqueConstraint('token', name='invitations_token_used_once')
    )

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, server_default=text('gen_random_uuid()'))
    invited_by: Mapped[uuid.UUID] = mapped_column(Uuid, nullable=False)
    role: Mapped[InvitationRole] = mapped_column(Enum(InvitationRole, values_callable=lambda cls: [member.value for member in cls], name='invitation_role'), nullable=False, server_default=text("'member'::invitation_role"))
    token: Mapped[str] = mapped_column(Text, nullable=False)
    expires_at: Mapped[datetime.datetime] = mapped_column(DateTime(True), nullable=False, server_default=text("(now() + '168:00:00'::interval)"))
    created_at: Mapped[datetime.datetime] = mapped_column(DateTime(True), nullable=False, server_default=text('now()'))
    team_id: Mapped[Optional[uuid.UUID]] = mapped_column(Uuid)
    email: Mapped[Optional[str]] = mapped_column(Text)
    accepted_at: Mapped[Optional[datetime.datetime]] = mapped_column(DateTime(True))
    revoked_at: Mapped[Optional[datetime.datetime]] = mapped_column(DateTime(True))

    users: Mapped['Users'] = relationship('Users', back_populates='invitations')
    team: Mapped[Optional['Teams']] = relationship('Teams', back_populates='invitations')


class Memberships(Base):
    __tablename__ = 'memberships'
    __table_args__ = (
        ForeignKeyConstraint(['team_id'], ['teams.id'], ondelete='CASCADE', deferrable=True, initially='DEFERRED', name='inv_m6__memberships_team_exists'),
        ForeignKeyConstraint(['user_id'], ['users.id'], ondelete='CASCADE', deferrable=True, initially='DEFERRED', name='inv_m5__memberships_user_exists'),
        PrimaryKeyConstraint('id', name='memberships_pkey'),
        UniqueConstraint('team_id', 'user_id', name='inv_m3__memberships_user_once_per_team')
    )

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, server_default=text('gen_random_uuid()'))
    role: Mapped[MembershipRole] = mapped_column(Enum(MembershipRole, values_callable=lambda cls: [member.value for member in cls], name='membership_role'), nullable=False, server_default=text("'member'::membership_role"))
    created_at: Mapped[datetime.datetime] = mapped_column(DateTime(True), nullable=False, server_default=text('now()'))
    team_id: Mapped[Optional[uuid.UUID]] = mapped_column(Uuid)
    user_id: Mapped[Optional[uuid.UUID]] = mapped_column(Uuid)

    team: Mapped[Optional['Teams']] = relationship('Teams', back_populates='memberships')
    user: Mapped[Optional['Users']] = relationship('Users', back_populates='memberships')


class Projects(Base):
    __tablename__ = 'projects'
    __table_args__ = (
        ForeignKeyConstraint(['created_by'], ['users.id'], ondelete='RESTRICT', name='inv_p3__projects_creator_exists'),
        ForeignKeyConstraint(['team_id'], ['teams.id'], ondelete='CASCADE', name='inv_p2__projects_team_exists'),
        PrimaryKeyConstraint('id', name='projects_pkey'),
        UniqueConstraint('id', 'owner', name='projects_id_and_owner_once')
    )

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, server_default=text('gen_random_uuid()'))
    team_id: Mapped[uuid.UUID] = mapped_column(Uuid, nullable=False)
    created_by: Mapped[uuid.UUID] = mapped_column(Uuid, nullable=False)
    name: Mapped[str] = mapped_column(Text, nullable=False)
    status: Mapped[ProjectStatus] = mapped_column(Enum(ProjectStatus, values_callable=lambda cls: [member.value for member in cls], name='project_status'), nullable=False, server_default=text("'draft'::project_status"))
    created_at: Mapped[datetime.datetime] = mapped_column(DateTime(True), nullable=False, server_default=text('now()'))
    updated_at: Mapped[datetime.datetime] = mapped_column(DateTime(True), nullable=False, server_default=text('now()'), server_onupdate=FetchedValue())
    owner: Mapped[str] = mapped_column(Text, nullable=False, server_default=text("'(made from the team)'::text"))
    spec: Mapped[Optional[object]] = mapped_column(JSONB)

    users: Mapped['Users'] = relationship('Users', back_populates='projects')
    team: Mapped['Teams'] = relationship('Teams', back_populates='projects')
    asset_files: Mapped[list['AssetFiles']] = relationship('AssetFiles', back_populates='projects', passive_deletes='all')
    jobs: Mapped[list['Jobs']] = relationship('Jobs', back_populates='projects', passive_deletes='all')


class Webhooks(Base):
    __tablename__ = 'webhooks'
    __table_args__ = (
        ForeignKeyConstraint(['created_by'], ['users.id'], ondelete='RESTRICT', name='inv_w5__webhooks_creator_exists'),
        ForeignKeyConstraint(['team_id'], ['teams.id'], ondelete='CASCADE', name='inv_w1__webhooks_team_exists'),
        PrimaryKeyConstraint('id', name='webhooks_pkey')
    )

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, server_default=text('gen_random_uuid()'))
    team_id: Mapped[uuid.UUID] = mapped_column(Uuid, nullable=False)
    created_by: Mapped[uuid.UUID] = mapped_column(Uuid, nullable=False)
    url: Mapped[str] = mapped_column(Text, nullable=False)
    events: Mapped[list[WebhookEventType]] = mapped_column(ARRAY(Enum(WebhookEventType, values_callable=lambda cls: [member.value for member in cls], name='webhook_event_type')), nullable=False)
    secret: Mapped[str] = mapped_column(Text, nullable=False)
    is_active: Mapped[bool] = mapped_column(Boolean, nullable=False, server_default=text('true'))
    created_at: Mapped[datetime.datetime] = mapped_column(DateTime(True), nullable=False, server_default=text('now()'))
    updated_at: Mapped[datetime.datetime] = mapped_column(DateTime(True), nullable=False, server_default=text('now()'), server_onupdate=FetchedValue())
    last_triggered_at: Mapped[Optional[datetime.datetime]] = mapped_column(DateTime(True))

    users: Mapped['Users'] = relationship('Users', back_populates='webhooks')
    team: Mapped['Teams'] = relationship('Teams', back_populates='webhooks')
    webhook_deliveries: Mapped[list['WebhookDeliveries']] = relationship('WebhookDeliveries', back_populates='webhook', passive_deletes='all')


class ApiKeys(Base):
    __tablename__ = 'api_keys'
    __table_args__ = (
        ForeignKeyConstraint(['user_id'], ['users.id'], ondelete='CASCADE', name='inv_a1__api_keys_user_exists'),
        PrimaryKeyConstraint('id', name='api_keys_pkey'),
        UniqueConstraint('key_hash', name='inv_a3__api_keys_hash_unique')
    )

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, server_default=text('gen_random_uuid()'))
    user_id: Mapped[uuid.UUID] = mapped_column(Uuid, nullable=False)
    owner: Mapped[str] = mapped_column(Text, nullable=False)
    name: Mapped[str] = mapped_column(Text, nullable=False, server_default=text("'Default'::text"))
    key_prefix: Mapped[str] = mapped_column(Text, nullable=False)
    key_hash: Mapped[str] = mapped_column(Text, nullable=False)
    scopes: Mapped[object] = mapped_column(JSONB, nullable=False, server_default=text('\'["*"]\'::jsonb'))
    created_at: Mapped[datetime.datetime] = mapped_column(DateTime(True), nullable=False, server_default=text('now()'))
    last_used_at: Mapped[Optional[datetime.datetime]] = mapped_column(DateTime(True))
    expires_at: Mapped[Optional[datetime.datetime]] = mapped_column(DateTime(True))
    revoked_at: Mapped[Optional[datetime.datetime]] = mapped_column(DateTime(True))

    user: Mapped['Users'] = relationship('Users', back_populates='api_keys')


class AssetFiles(Base):
    __tablename__ = 'asset_files'
    __table_args__ = (
        ForeignKeyConstraint(['project_id', 'owner'], ['projects.id', 'projects.owner'], ondelete='CASCADE', name='inv_x3__asset_files_project_of_owning_team'),
        ForeignKeyConstraint(['uploaded_by'], ['users.id'], ondelete='RESTRICT', name='inv_af5__asset_files_uploader_exists'),
        PrimaryKeyConstraint('id', name='asset_files_pkey'),
        UniqueConstraint('s3_key', name='inv_af6__asset_files_s3_key_unique')
    )

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, server_default=text('gen_random_uuid()'))
    owner: Mapped[str] = mapped_column(Text, nullable=False)
    uploaded_by: Mapped[uuid.UUID] = mapped_column(Uuid, nullable=False)
    filename: Mapped[str] = mapped_column(Text, nullable=False)
    s3_key: Mapped[str] = mapped_column(Text, nullable=False)
    content_type: Mapped[str] = mapped_column(Text, nullable=False)
    size_bytes: Mapped[int] = mapped_column(BigInteger, nullable=False)
    status: Mapped[AssetStatus] = mapped_column(Enum(AssetStatus, values_callable=lambda cls: [member.value for member in cls], name='asset_status'), nullable=False, server_default=text("'pending'::asset_status"))
    metadata_: Mapped[object] = mapped_column('metadata', JSONB, nullable=False, server_default=text("'{}'::jsonb"))
    created_at: Mapped[datetime.datetime] = mapped_column(DateTime(True), nullable=False, server_default=text('now()'))
    updated_at: Mapped[datetime.datetime] = mapped_column(DateTime(True), nullable=False, server_default=text('now()'), server_onupdate=FetchedValue())
    project_id: Mapped[Optional[uuid.UUID]] = mapped_column(Uuid)

    projects: Mapped[Optional['Projects']] = relationship('Projects', back_populates='asset_files')
    users: Mapped['Users'] = relationship('Users', back_populates='asset_files')


class Jobs(Base):
    __tablename__ = 'jobs'
    __table_args__ = (
        ForeignKeyConstraint(['project_id', 'owner'], ['projects.id', 'projects.owner'], ondelete='SET NULL (project_id)', name='inv_j11__jobs_project_of_owning_team'),
        ForeignKeyConstraint(['triggered_by'], ['users.id'], ondelete='RESTRICT', name='inv_j13__jobs_trigger_exists'),
        PrimaryKeyConstraint('id', name='jobs_pkey'),
        UniqueConstraint('triggered_by', 'idempotency_key', name='jobs_idempotency_key_used_once_by_user')
    )

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, server_default=text('gen_random_uuid()'))
    owner: Mapped[str] = mapped_column(Text, nullable=False)
    triggered_by: Mapped[uuid.UUID] = mapped_column(Uuid, nullable=False)
    status: Mapped[JobStatus] = mapped_column(Enum(JobStatus, values_callable=lambda cls: [member.value for member in cls], name='job_status'), nullable=False, server_default=text("'queued'::job_status"))
    spec_snapshot: Mapped[object] = mapped_column(JSONB, nullable=False)
    options: Mapped[object] = mapped_column(JSONB, nullable=False, server_default=text("'{}'::jsonb"))
    progress: Mapped[object] = mapped_column(JSONB, nullable=False, server_default=text("'{}'::jsonb"))
    credits_charged: Mapped[int] = mapped_column(Integer, nullable=False, server_default=text('0'))
    credits_refunded: Mapped[int] = mapped_column(Integer, nullable=False, server_default=text('0'))
    created_at: Mapped[datetime.datetime] = mapped_column(DateTime(True), nullable=False, server_default=text('now()'))
    updated_at: Mapped[datetime.datetime] = mapped_column(DateTime(True), nullable=False, server_default=text('now()'), server_onupdate=FetchedValue())
    project_id: Mapped[Optional[uuid.UUID]] = mapped_column(Uuid)
    output: Mapped[Optional[object]] = mapped_column(JSONB)
    output_size_bytes: Mapped[Optional[int]] = mapped_column(BigInteger)
    error: Mapped[Optional[object]] = mapped_column(JSONB)
    failure_type: Mapped[Optional[JobFailureType]] = mapped_column(Enum(JobFailureType, values_callable=lambda cls: [member.value for member in cls], name='job_failure_type'))
    idempotency_key: Mapped[Optional[str]] = mapped_column(Text)
    started_at: Mapped[Optional[datetime.datetime]] = mapped_column(DateTime(True))
    completed_at: Mapped[Optional[datetime.datetime]] = mapped_column(DateTime(True))

    projects: Mapped[Optional['Projects']] = relationship('Projects', back_populates='jobs')
    users: Mapped['Users'] = relationship('Users', back_populates='jobs')
    job_events: Mapped[list['JobEvents']] = relationship('JobEvents', back_populates='job', passive_deletes='all')
    webhook_deliveries: Mapped[list['WebhookDeliveries']] = relationship('WebhookDeliveries', back_populates='job', passive_deletes='all')


class JobEvents(Base):
    __tablename__ = 'job_events'
    __table_args__ = (
        ForeignKeyConstraint(['job_id'], ['jobs.id'], ondelete='CASCADE', name='job_events_job_exists'),
        PrimaryKeyConstraint('id', name='job_events_pkey'),
        UniqueConstraint('job_id', 'sequence', name='seq_1__job_events_number_used_once')
    )

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, server_default=text('gen_random_uuid()'))
    job_id: Mapped[uuid.UUID] = mapped_column(Uuid, nullable=False)
    sequence: Mapped[int] = mapped_column(BigInteger, nullable=False, server_default=text('0'))
    event_type: Mapped[JobEventType] = mapped_column(Enum(JobEventType, values_callable=lambda cls: [member.value for member in cls], name='job_event_type'), nullable=False)
    payload: Mapped[object] = mapped_column(JSONB, nullable=False, server_default=text("'{}'::jsonb"))
    created_at: Mapped[datetime.datetime] = mapped_column(DateTime(True), nullable=False, server_default=text('now()'))

    job: Mapped['Jobs'] = relationship('Jobs', back_populates='job_events')


class WebhookDeliveries(Base):
    __tablename__ = 'webhook_deliveries'
    __table_args__ = (
        ForeignKeyConstraint(['job_id'], ['jobs.id'], ondelete='SET NULL', name='webhook_deliveries_job_exists'),
        ForeignKeyConstraint(['webhook_id'], ['webhooks.id'], ondelete='CASCADE', name='inv_wd2__webhook_deliveries_webhook_exists'),
        PrimaryKeyConstraint('id', name='webhook_deliveries_pkey')
    )

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, server_default=text('gen_random_uuid()'))
    webhook_id: Mapped[uuid.UUID] = mapped_column(Uuid, nullable=False)
    event_type: Mapped[str] = mapped_column(Text, nullable=False)
    status: Mapped[WebhookDeliveryStatus] = mapped_column(Enum(WebhookDeliveryStatus, values_callable=lambda cls: [member.value for member in cls], name='webhook_delivery_status'), nullable=False, server_default=text("'pending'::webhook_delivery_status"))
    payload: Mapped[object] = mapped_column(JSONB, nullable=False)
    attempts: Mapped[int] = mapped_column(Integer, nullable=False, server_default=text('0'))
    max_attempts: Mapped[int] = mapped_column(Integer, nullable=False, server_default=text('5'))
    created_at: Mapped[datetime.datetime] = mapped_column(DateTime(True), nullable=False, server_default=text('now()'))
    job_id: Mapped[Optional[uuid.UUID]] = mapped_column(Uuid)
    response_status: Mapped[Optional[int]] = mapped_column(Integer)
    response_body: Mapped[Optional[str]] = mapped_column(Text)
    next_retry_at: Mapped[Optional[datetime.datetime]] = mapped_column(DateTime(True))
    delivered_at: Mapped[Optional[datetime.datetime]] = mapped_column(DateTime(True))

    job: Mapped[Optional['Jobs']] = relationship('Jobs', back_populates='webhook_deliveries')
    webhook: Mapped['Webhooks'] = relationship('Webhooks', back_populates='webhook_deliveries')
