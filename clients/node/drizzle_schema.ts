import { pgTable, index, foreignKey, unique, check, uuid, text, jsonb, timestamp, integer, bigint, boolean, numeric, uniqueIndex, primaryKey, pgView, pgEnum } from "drizzle-orm/pg-core"
import { sql } from "drizzle-orm"

export const assetStatus = pgEnum("asset_status", ['pending', 'ready', 'failed'])
export const invitationRole = pgEnum("invitation_role", ['admin', 'member', 'viewer'])
export const jobEventType = pgEnum("job_event_type", ['queued', 'started', 'progress', 'scene_complete', 'completed', 'failed', 'canceled'])
export const jobFailureType = pgEnum("job_failure_type", ['system', 'validation', 'timeout', 'canceled'])
export const jobStatus = pgEnum("job_status", ['queued', 'processing', 'completed', 'failed', 'canceled'])
export const membershipRole = pgEnum("membership_role", ['owner', 'admin', 'member', 'viewer'])
export const projectStatus = pgEnum("project_status", ['draft', 'rendering', 'completed', 'archived'])
export const systemAssetCategory = pgEnum("system_asset_category", ['sfx', 'ambient', 'music', 'transition'])
export const userTier = pgEnum("user_tier", ['starter', 'creator'])
export const webhookDeliveryStatus = pgEnum("webhook_delivery_status", ['pending', 'retrying', 'delivered', 'failed'])
export const webhookEventType = pgEnum("webhook_event_type", ['job.queued', 'job.started', 'job.progress', 'job.completed', 'job.failed', 'job.canceled'])


export const apiKeys = pgTable("api_keys", {
	id: uuid().defaultRandom().primaryKey().notNull(),
	userId: uuid("user_id").notNull(),
	owner: text().notNull(),
	name: text().default('Default').notNull(),
	keyPrefix: text("key_prefix").notNull(),
	keyHash: text("key_hash").notNull(),
	scopes: jsonb().default(["*"]).notNull(),
	lastUsedAt: timestamp("last_used_at", { withTimezone: true, mode: 'string' }),
	expiresAt: timestamp("expires_at", { withTimezone: true, mode: 'string' }),
	revokedAt: timestamp("revoked_at", { withTimezone: true, mode: 'string' }),
	createdAt: timestamp("created_at", { withTimezone: true, mode: 'string' }).defaultNow().notNull(),
	ownerTier: userTier("owner_tier"),
	liveMemberTeamId: uuid("live_member_team_id"),
	liveSharedTeamId: uuid("live_shared_team_id"),
}, (table) => [
]);

export const users = pgTable("users", {
	id: uuid().defaultRandom().primaryKey().notNull(),
	email: text().notNull(),
	name: text(),
	avatarUrl: text("avatar_url"),
	tier: userTier().default('starter').notNull(),
	credits: integer().default(0).notNull(),
	// You can use { mode: "bigint" } if numbers are exceeding js number limitations
	ephemeralStorageBytes: bigint("ephemeral_storage_bytes", { mode: "number" }).default(0).notNull(),
	upgradedAt: timestamp("upgraded_at", { withTimezone: true, mode: 'string' }),
	createdAt: timestamp("created_at", { withTimezone: true, mode: 'string' }).defaultNow().notNull(),
	updatedAt: timestamp("updated_at", { withTimezone: true, mode: 'string' }).defaultNow().notNull(),
	isErased: boolean("is_erased").default(false).notNull(),
}, (table) => [
]);

export const teams = pgTable("teams", {
	id: uuid().defaultRandom().primaryKey().notNull(),
	name: text().notNull(),
	slug: text().default('(made from the name)').notNull(),
	credits: integer().default(0).notNull(),
	// You can use { mode: "bigint" } if numbers are exceeding js number limitations
	ephemeralStorageBytes: bigint("ephemeral_storage_bytes", { mode: "number" }).default(0).notNull(),
	settings: jsonb().default({}).notNull(),
	createdAt: timestamp("created_at", { withTimezone: true, mode: 'string' }).defaultNow().notNull(),
	updatedAt: timestamp("updated_at", { withTimezone: true, mode: 'string' }).defaultNow().notNull(),
}, (table) => [
]);

export const memberships = pgTable("memberships", {
	id: uuid().defaultRandom().primaryKey().notNull(),
	teamId: uuid("team_id"),
	userId: uuid("user_id"),
	role: membershipRole().default('member').notNull(),
	createdAt: timestamp("created_at", { withTimezone: true, mode: 'string' }).defaultNow().notNull(),
	userTier: userTier("user_tier").default('creator').notNull(),
}, (table) => [
]);

export const webhookDeliveries = pgTable("webhook_deliveries", {
	id: uuid().defaultRandom().primaryKey().notNull(),
	webhookId: uuid("webhook_id").notNull(),
	jobId: uuid("job_id"),
	eventType: text("event_type").notNull(),
	status: webhookDeliveryStatus().default('pending').notNull(),
	payload: jsonb().notNull(),
	responseStatus: integer("response_status"),
	responseBody: text("response_body"),
	attempts: integer().default(0).notNull(),
	maxAttempts: integer("max_attempts").default(5).notNull(),
	nextRetryAt: timestamp("next_retry_at", { withTimezone: true, mode: 'string' }),
	deliveredAt: timestamp("delivered_at", { withTimezone: true, mode: 'string' }),
	createdAt: timestamp("created_at", { withTimezone: true, mode: 'string' }).defaultNow().notNull(),
}, (table) => [
]);

export const assetFiles = pgTable("asset_files", {
	id: uuid().defaultRandom().primaryKey().notNull(),
	owner: text().notNull(),
	uploadedBy: uuid("uploaded_by").notNull(),
	projectId: uuid("project_id"),
	filename: text().notNull(),
	s3Key: text("s3_key").notNull(),
	contentType: text("content_type").notNull(),
	// You can use { mode: "bigint" } if numbers are exceeding js number limitations
	sizeBytes: bigint("size_bytes", { mode: "number" }).notNull(),
	status: assetStatus().default('pending').notNull(),
	metadata: jsonb().default({}).notNull(),
	createdAt: timestamp("created_at", { withTimezone: true, mode: 'string' }).defaultNow().notNull(),
	updatedAt: timestamp("updated_at", { withTimezone: true, mode: 'string' }).defaultNow().notNull(),
}, (table) => [
]);

export const webhooks = pgTable("webhooks", {
	id: uuid().defaultRandom().primaryKey().notNull(),
	teamId: uuid("team_id").notNull(),
	createdBy: uuid("created_by").notNull(),
	url: text().notNull(),
	events: webhookEventType().array().notNull(),
	secret: text().notNull(),
	isActive: boolean("is_active").default(true).notNull(),
	lastTriggeredAt: timestamp("last_triggered_at", { withTimezone: true, mode: 'string' }),
	createdAt: timestamp("created_at", { withTimezone: true, mode: 'string' }).defaultNow().notNull(),
	updatedAt: timestamp("updated_at", { withTimezone: true, mode: 'string' }).defaultNow().notNull(),
}, (table) => [
]);

export const jobEvents = pgTable("job_events", {
	id: uuid().defaultRandom().primaryKey().notNull(),
	jobId: uuid("job_id").notNull(),
	// You can use { mode: "bigint" } if numbers are exceeding js number limitations
	sequence: bigint({ mode: "number" }).default(0).notNull(),
	eventType: jobEventType("event_type").notNull(),
	payload: jsonb().default({}).notNull(),
	createdAt: timestamp("created_at", { withTimezone: true, mode: 'string' }).defaultNow().notNull(),
}, (table) => [
]);

export const usage = pgTable("usage", {
	id: uuid().defaultRandom().primaryKey().notNull(),
	owner: text().notNull(),
	period: text().notNull(),
	rendersCount: integer("renders_count").default(0).notNull(),
	renderSeconds: integer("render_seconds").default(0).notNull(),
	creditsUsed: integer("credits_used").default(0).notNull(),
	creditsRefunded: integer("credits_refunded").default(0).notNull(),
	apiCalls: integer("api_calls").default(0).notNull(),
	updatedAt: timestamp("updated_at", { withTimezone: true, mode: 'string' }).defaultNow().notNull(),
}, (table) => [
]);

export const systemAssets = pgTable("system_assets", {
	id: text().primaryKey().notNull(),
	category: systemAssetCategory().notNull(),
	name: text().notNull(),
	description: text(),
	durationSeconds: numeric("duration_seconds", { precision: 10, scale:  3 }),
	s3Key: text("s3_key").notNull(),
	contentType: text("content_type").notNull(),
	// You can use { mode: "bigint" } if numbers are exceeding js number limitations
	sizeBytes: bigint("size_bytes", { mode: "number" }).notNull(),
	tags: text().array().default([]).notNull(),
	createdAt: timestamp("created_at", { withTimezone: true, mode: 'string' }).defaultNow().notNull(),
}, (table) => [
]);

export const invitations = pgTable("invitations", {
	id: uuid().defaultRandom().primaryKey().notNull(),
	teamId: uuid("team_id"),
	invitedBy: uuid("invited_by").notNull(),
	email: text(),
	role: invitationRole().default('member').notNull(),
	token: text().notNull(),
	expiresAt: timestamp("expires_at", { withTimezone: true, mode: 'string' }).default(sql`(now() + '168:00:00'::interval)`).notNull(),
	acceptedAt: timestamp("accepted_at", { withTimezone: true, mode: 'string' }),
	revokedAt: timestamp("revoked_at", { withTimezone: true, mode: 'string' }),
	createdAt: timestamp("created_at", { withTimezone: true, mode: 'string' }).defaultNow().notNull(),
}, (table) => [
]);

export const projects = pgTable("projects", {
	id: uuid().defaultRandom().primaryKey().notNull(),
	teamId: uuid("team_id").notNull(),
	createdBy: uuid("created_by").notNull(),
	name: text().notNull(),
	status: projectStatus().default('draft').notNull(),
	spec: jsonb(),
	createdAt: timestamp("created_at", { withTimezone: true, mode: 'string' }).defaultNow().notNull(),
	updatedAt: timestamp("updated_at", { withTimezone: true, mode: 'string' }).defaultNow().notNull(),
	owner: text().default('(made from the team)').notNull(),
}, (table) => [
]);

export const jobs = pgTable("jobs", {
	id: uuid().defaultRandom().primaryKey().notNull(),
	owner: text().notNull(),
	triggeredBy: uuid("triggered_by").notNull(),
	projectId: uuid("project_id"),
	status: jobStatus().default('queued').notNull(),
	specSnapshot: jsonb("spec_snapshot").notNull(),
	options: jsonb().default({}).notNull(),
	progress: jsonb().default({}).notNull(),
	output: jsonb(),
	// You can use { mode: "bigint" } if numbers are exceeding js number limitations
	outputSizeBytes: bigint("output_size_bytes", { mode: "number" }),
	error: jsonb(),
	creditsCharged: integer("credits_charged").default(0).notNull(),
	failureType: jobFailureType("failure_type"),
	creditsRefunded: integer("credits_refunded").default(0).notNull(),
	idempotencyKey: text("idempotency_key"),
	startedAt: timestamp("started_at", { withTimezone: true, mode: 'string' }),
	completedAt: timestamp("completed_at", { withTimezone: true, mode: 'string' }),
	createdAt: timestamp("created_at", { withTimezone: true, mode: 'string' }).defaultNow().notNull(),
	updatedAt: timestamp("updated_at", { withTimezone: true, mode: 'string' }).defaultNow().notNull(),
}, (table) => [
]);

export const rolePermissions = pgTable("role_permissions", {
	role: membershipRole().notNull(),
	permission: text().notNull(),
}, (table) => [
	primaryKey({ columns: [table.role, table.permission], name: "role_permissions_pkey"}),
]);
export const searchableProjects = pgView("searchable_projects", {	projectId: uuid("project_id"),
	spec: jsonb(),
}).existing();