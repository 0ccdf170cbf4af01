// The tables as TypeORM's entities. Written by hand: TypeORM has no generator of its own.
// What the server computes is no column here, and enums are text: the server knows their labels.
import "reflect-metadata";
import {
  Column, CreateDateColumn, Entity, JoinColumn, ManyToOne, OneToMany, PrimaryColumn, PrimaryGeneratedColumn,
  UpdateDateColumn,
} from "typeorm";

const sum = { type: "int", default: 0 } as const;
const time = { type: "timestamptz", nullable: true } as const;
const json = { type: "jsonb" } as const;
const EVENTS = ["job.queued", "job.started", "job.progress", "job.completed", "job.failed", "job.canceled"];

@Entity("users")
export class User {
  @PrimaryGeneratedColumn("uuid") id!: string;
  @Column("text") email!: string;
  @Column({ type: "text", nullable: true }) name!: string | null;
  @Column({ type: "text", nullable: true }) avatar_url!: string | null;
  @Column({ type: "text", default: "starter" }) tier!: string;
  @Column(sum) credits!: number;
  @Column({ type: "bigint", default: 0 }) ephemeral_storage_bytes!: string;
  @Column(time) upgraded_at!: Date | null;
  @CreateDateColumn({ type: "timestamptz" }) created_at!: Date;
  @UpdateDateColumn({ type: "timestamptz" }) updated_at!: Date;
}

@Entity("teams")
export class Team {
  @PrimaryGeneratedColumn("uuid") id!: string;
  @Column("text") name!: string;
  @Column({ type: "text", default: "(made from the name)" }) slug!: string;
  @Column(sum) credits!: number;
  @Column({ type: "bigint", default: 0 }) ephemeral_storage_bytes!: string;
  @Column({ ...json, default: {} }) settings!: object;
  @CreateDateColumn({ type: "timestamptz" }) created_at!: Date;
  @UpdateDateColumn({ type: "timestamptz" }) updated_at!: Date;
}

@Entity("memberships")
export class Membership {
  @PrimaryGeneratedColumn("uuid") id!: string;
  @Column("uuid") team_id!: string;
  @Column("uuid") user_id!: string;
  @Column({ type: "text", default: "member" }) role!: string;
  @CreateDateColumn({ type: "timestamptz" }) created_at!: Date;
}

@Entity("invitations")
export class Invitation {
  @PrimaryGeneratedColumn("uuid") id!: string;
  @Column("uuid") team_id!: string;
  @Column("uuid") invited_by!: string;
  @Column("text") email!: string;
  @Column({ type: "text", default: "member" }) role!: string;
  @Column("text") token!: string;
  @Column({ type: "timestamptz", default: () => "now() + interval '168 hours'" }) expires_at!: Date;
  @Column(time) accepted_at!: Date | null;
  @Column(time) revoked_at!: Date | null;
  @CreateDateColumn({ type: "timestamptz" }) created_at!: Date;
}

@Entity("api_keys")
export class ApiKey {
  @PrimaryGeneratedColumn("uuid") id!: string;
  @Column("uuid") user_id!: string;
  @Column("text") owner!: string;
  @Column({ type: "text", default: "Default" }) name!: string;
  @Column("text") key_prefix!: string;
  @Column("text") key_hash!: string;
  @Column({ ...json, default: ["*"] }) scopes!: string[];
  @Column(time) last_used_at!: Date | null;
  @Column(time) expires_at!: Date | null;
  @Column(time) revoked_at!: Date | null;
  @CreateDateColumn({ type: "timestamptz" }) created_at!: Date;
}

@Entity("projects")
export class Project {
  @PrimaryGeneratedColumn("uuid") id!: string;
  @Column("uuid") team_id!: string;
  @Column("uuid") created_by!: string;
  @Column("text") name!: string;
  @Column({ type: "text", default: "draft" }) status!: string;
  @Column({ ...json, nullable: true }) spec!: object | null;
  @CreateDateColumn({ type: "timestamptz" }) created_at!: Date;
  @UpdateDateColumn({ type: "timestamptz" }) updated_at!: Date;
  @OneToMany(() => Job, (job) => job.project) jobs!: Job[];
}

@Entity("jobs")
export class Job {
  @PrimaryGeneratedColumn("uuid") id!: string;
  @Column("text") owner!: string;
  @Column("uuid") triggered_by!: string;
  @Column({ type: "uuid", nullable: true }) project_id!: string | null;
  @Column({ type: "text", default: "queued" }) status!: string;
  @Column(json) spec_snapshot!: object;
  @Column({ ...json, default: {} }) options!: object;
  @Column({ ...json, default: {} }) progress!: object;
  @Column({ ...json, nullable: true }) output!: object | null;
  @Column({ type: "bigint", nullable: true }) output_size_bytes!: string | null;
  @Column({ ...json, nullable: true }) error!: object | null;
  @Column(sum) credits_charged!: number;
  @Column({ type: "text", nullable: true }) failure_type!: string | null;
  @Column(sum) credits_refunded!: number;
  @Column({ type: "text", nullable: true }) idempotency_key!: string | null;
  @Column(time) started_at!: Date | null;
  @Column(time) completed_at!: Date | null;
  @CreateDateColumn({ type: "timestamptz" }) created_at!: Date;
  @UpdateDateColumn({ type: "timestamptz" }) updated_at!: Date;
  @ManyToOne(() => Project, (project) => project.jobs) @JoinColumn({ name: "project_id" }) project!: Project | null;
}

@Entity("job_events")
export class JobEvent {
  @PrimaryGeneratedColumn("uuid") id!: string;
  @Column("uuid") job_id!: string;
  @Column({ type: "bigint", default: 0 }) sequence!: string;
  @Column("text") event_type!: string;
  @Column({ ...json, default: {} }) payload!: object;
  @CreateDateColumn({ type: "timestamptz" }) created_at!: Date;
}

@Entity("asset_files")
export class AssetFile {
  @PrimaryGeneratedColumn("uuid") id!: string;
  @Column("text") owner!: string;
  @Column("uuid") uploaded_by!: string;
  @Column({ type: "uuid", nullable: true }) project_id!: string | null;
  @Column("text") filename!: string;
  @Column("text") s3_key!: string;
  @Column("text") content_type!: string;
  @Column("bigint") size_bytes!: string;
  @Column({ type: "text", default: "pending" }) status!: string;
  @Column({ ...json, default: {} }) metadata!: object;
  @CreateDateColumn({ type: "timestamptz" }) created_at!: Date;
  @UpdateDateColumn({ type: "timestamptz" }) updated_at!: Date;
}

@Entity("webhooks")
export class Webhook {
  @PrimaryGeneratedColumn("uuid") id!: string;
  @Column("uuid") team_id!: string;
  @Column("uuid") created_by!: string;
  @Column("text") url!: string;
  // Not text: a list of labels is read as text, unless it is said to be one.
  @Column({ type: "enum", enumName: "webhook_event_type", enum: EVENTS, array: true }) events!: string[];
  @Column("text") secret!: string;
  @Column({ type: "boolean", default: true }) is_active!: boolean;
  @Column(time) last_triggered_at!: Date | null;
  @CreateDateColumn({ type: "timestamptz" }) created_at!: Date;
  @UpdateDateColumn({ type: "timestamptz" }) updated_at!: Date;
}

@Entity("webhook_deliveries")
export class WebhookDelivery {
  @PrimaryGeneratedColumn("uuid") id!: string;
  @Column("uuid") webhook_id!: string;
  @Column({ type: "uuid", nullable: true }) job_id!: string | null;
  @Column("text") event_type!: string;
  @Column({ type: "text", default: "pending" }) status!: string;
  @Column(json) payload!: object;
  @Column({ type: "int", nullable: true }) response_status!: number | null;
  @Column({ type: "text", nullable: true }) response_body!: string | null;
  @Column(sum) attempts!: number;
  @Column({ type: "int", default: 5 }) max_attempts!: number;
  @Column(time) next_retry_at!: Date | null;
  @Column(time) delivered_at!: Date | null;
  @CreateDateColumn({ type: "timestamptz" }) created_at!: Date;
}

@Entity("usage")
export class Usage {
  @PrimaryGeneratedColumn("uuid") id!: string;
  @Column("text") owner!: string;
  @Column("text") period!: string;
  @Column(sum) renders_count!: number;
  @Column(sum) render_seconds!: number;
  @Column(sum) credits_used!: number;
  @Column(sum) credits_refunded!: number;
  @Column(sum) api_calls!: number;
  @UpdateDateColumn({ type: "timestamptz" }) updated_at!: Date;
}

@Entity("system_assets")
export class SystemAsset {
  @PrimaryColumn("text") id!: string;
  @Column("text") category!: string;
  @Column("text") name!: string;
  @Column({ type: "text", nullable: true }) description!: string | null;
  @Column({ type: "numeric", nullable: true }) duration_seconds!: string | null;
  @Column("text") s3_key!: string;
  @Column("text") content_type!: string;
  @Column("bigint") size_bytes!: string;
  @Column({ type: "text", array: true, default: [] }) tags!: string[];
  @CreateDateColumn({ type: "timestamptz" }) created_at!: Date;
}

@Entity("role_permissions")
export class RolePermission {
  @PrimaryColumn("text") role!: string;
  @PrimaryColumn("text") permission!: string;
}
