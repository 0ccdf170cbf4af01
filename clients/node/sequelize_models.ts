// The tables as Sequelize's models. Written by hand: Sequelize has no generator of its own.
// What the server computes is no attribute here, and enums are text: the server knows their labels.
import { DataTypes, ModelAttributes, ModelStatic, Sequelize } from "sequelize";

const { ARRAY, BIGINT, BOOLEAN, DATE, INTEGER, JSONB, TEXT, UUID, UUIDV4 } = DataTypes;
const id = { type: UUID, primaryKey: true, defaultValue: UUIDV4 };
const needed = (type: any) => ({ type, allowNull: false });

export function models(sequelize: Sequelize) {
  // The server's clock. Each attribute has an object of its own: Sequelize writes the name into it.
  const now = () => ({ type: DATE, defaultValue: sequelize.literal("now()") });
  const table = (name: string, attributes: ModelAttributes): ModelStatic<any> => sequelize.define(
    name, { id: { ...id }, ...attributes, created_at: now() }, { tableName: name, timestamps: false },
  );
  const users = table("users", {
    email: needed(TEXT), name: TEXT, avatar_url: TEXT, tier: TEXT, credits: INTEGER,
    ephemeral_storage_bytes: BIGINT, upgraded_at: DATE, updated_at: now(),
  });
  const teams = table("teams", {
    name: needed(TEXT), slug: TEXT, credits: INTEGER, ephemeral_storage_bytes: BIGINT, settings: JSONB,
    updated_at: now(),
  });
  const memberships = table("memberships", { team_id: UUID, user_id: UUID, role: TEXT });
  const invitations = table("invitations", {
    team_id: UUID, invited_by: needed(UUID), email: TEXT, role: TEXT, token: needed(TEXT),
    expires_at: DATE, accepted_at: DATE, revoked_at: DATE,
  });
  const apiKeys = table("api_keys", {
    user_id: needed(UUID), owner: needed(TEXT), name: TEXT, key_prefix: needed(TEXT), key_hash: needed(TEXT),
    scopes: JSONB, last_used_at: DATE, expires_at: DATE, revoked_at: DATE,
  });
  const projects = table("projects", {
    team_id: needed(UUID), created_by: needed(UUID), name: needed(TEXT), status: TEXT, spec: JSONB, updated_at: now(),
  });
  const jobs = table("jobs", {
    owner: needed(TEXT), triggered_by: needed(UUID), project_id: UUID, status: TEXT, spec_snapshot: needed(JSONB),
    options: JSONB, progress: JSONB, output: JSONB, output_size_bytes: BIGINT, error: JSONB,
    credits_charged: INTEGER, failure_type: TEXT, credits_refunded: INTEGER, idempotency_key: TEXT,
    started_at: DATE, completed_at: DATE, updated_at: now(),
  });
  const jobEvents = table("job_events", {
    job_id: needed(UUID), sequence: BIGINT, event_type: needed(TEXT), payload: JSONB,
  });
  const assetFiles = table("asset_files", {
    owner: needed(TEXT), uploaded_by: needed(UUID), project_id: UUID, filename: needed(TEXT), s3_key: needed(TEXT),
    content_type: needed(TEXT), size_bytes: needed(BIGINT), status: TEXT, metadata: JSONB, updated_at: now(),
  });
  const webhooks = table("webhooks", {
    team_id: needed(UUID), created_by: needed(UUID), url: needed(TEXT), events: needed(ARRAY(TEXT)),
    secret: needed(TEXT), is_active: BOOLEAN, last_triggered_at: DATE, updated_at: now(),
  });
  const deliveries = table("webhook_deliveries", {
    webhook_id: needed(UUID), job_id: UUID, event_type: needed(TEXT), status: TEXT, payload: needed(JSONB),
    response_status: INTEGER, response_body: TEXT, attempts: INTEGER, max_attempts: INTEGER,
    next_retry_at: DATE, delivered_at: DATE,
  });
  const usage: ModelStatic<any> = sequelize.define("usage", {
    id: { ...id }, owner: needed(TEXT), period: needed(TEXT), renders_count: INTEGER, render_seconds: INTEGER,
    credits_used: INTEGER, credits_refunded: INTEGER, api_calls: INTEGER, updated_at: now(),
  }, { tableName: "usage", timestamps: false });
  // The server decides what a deletion takes along: no hooks, no constraints made here.
  projects.hasMany(jobs, { foreignKey: "project_id", constraints: false });
  jobs.belongsTo(projects, { foreignKey: "project_id", constraints: false });
  return {
    apiKeys, assetFiles, deliveries, invitations, jobEvents, jobs, memberships, projects, teams, usage, users,
    webhooks,
  };
}
