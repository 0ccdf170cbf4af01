// The flows as Drizzle builds them, through node-pg.
import { and, eq, inArray, isNull, sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/node-postgres";
import pg from "pg";
import {
  apiKeys, assetFiles, invitations, jobEvents, jobs, memberships, projects, teams, usage, users,
  webhookDeliveries, webhooks,
} from "./drizzle_schema";
import { ahead, member, serve, team, who } from "./serving";

const pool = new pg.Pool(); // PGHOST and the like say where
const db = drizzle({ client: pool });
const now = sql`now()`;
type Transaction = Parameters<Parameters<typeof db.transaction>[0]>[0];

const refusal = (error: any) => {
  const raised = error.cause ?? error; // Drizzle wraps a query's error, and not a commit's
  return raised.code ? { sqlstate: raised.code, constraint: raised.constraint } : null;
};

const upgrade = (tx: Transaction, user: string) =>
  tx.update(users).set({ tier: "creator", upgradedAt: now }).where(and(eq(users.id, user), eq(users.tier, "starter")));
const own = async (tx: Transaction, user: string, name: string) => {
  const [made] = await tx.insert(teams).values({ name }).returning({ id: teams.id });
  await tx.insert(memberships).values({ teamId: made.id, userId: user, role: "owner" });
};
const accept = async (tx: Transaction, user: string, letter: string) => {
  const [offer] = await tx.select().from(invitations).where(eq(invitations.id, letter));
  await tx.select({ id: teams.id }).from(teams).where(eq(teams.id, offer.teamId!)).for("key share");
  const { rowCount } = await tx.update(invitations).set({ acceptedAt: sql`clock_timestamp()` })
    .where(and(eq(invitations.id, letter), isNull(invitations.acceptedAt)));
  if (!rowCount) throw new Error("the invitation is gone");
  await tx.insert(memberships).values({ teamId: offer.teamId, userId: user, role: offer.role });
};
const hold = (tx: Transaction, user: string) =>
  tx.select({ id: users.id }).from(users).where(eq(users.id, user)).for("no key update");
const leave = (tx: Pick<typeof db, "delete">, user: string) =>
  tx.delete(memberships).where(and(eq(memberships.teamId, who.harbour), eq(memberships.userId, user)));
const render = (project: string, price: number) =>
  db.transaction(async (tx) => {
    await tx.update(teams).set({ credits: sql`${teams.credits} - ${price}` }).where(eq(teams.id, who.harbour));
    const [read] = await tx.select().from(projects).where(eq(projects.id, project));
    await tx.insert(jobs).values({
      owner: read.owner, triggeredBy: who.ada, projectId: project, specSnapshot: read.spec, creditsCharged: price,
    });
  });
const job = (changes: Partial<typeof jobs.$inferInsert>) => db.update(jobs).set(changes).where(eq(jobs.id, who.running));

serve({
  sign_up: () => db.insert(users).values({ email: "new@x.io", name: "New" }),
  sign_up_by_a_clock_ahead: () => db.insert(users).values({ email: "new@x.io", createdAt: ahead().toISOString() }),
  sign_up_with_no_address: () => db.insert(users).values({ email: "nobody" }),
  upgrade: () => db.transaction(async (tx) => {
    await upgrade(tx, who.sam);
    await own(tx, who.sam, "Sam's team");
  }),
  invite: () => db.insert(invitations).values({
    teamId: who.harbour, invitedBy: who.ada, email: "new@x.io", role: "admin", token: "to new",
  }),
  invite_oneself: () => db.insert(invitations).values({
    teamId: who.harbour, invitedBy: who.ada, email: "ADA@x.io", token: "to ada",
  }),
  accept: () => db.transaction(async (tx) => {
    await hold(tx, who.dan);
    await accept(tx, who.dan, who.letter_to_dan);
  }),
  accept_what_was_revoked: () => db.transaction(async (tx) => {
    await hold(tx, who.dan);
    await accept(tx, who.dan, who.revoked_letter);
  }),
  accept_as_a_starter: () => db.transaction(async (tx) => {
    await upgrade(tx, who.eve);
    await accept(tx, who.eve, who.letter_to_eve);
  }),
  hand_over: () => db.transaction(async (tx) => {
    const both = await tx.select().from(memberships)
      .where(and(eq(memberships.teamId, who.harbour), inArray(memberships.userId, [who.ada, who.cleo])))
      .orderBy(memberships.id).for("no key update");
    for (const { id, userId } of both) {
      await tx.update(memberships).set({ role: userId === who.cleo ? "owner" : "admin" }).where(eq(memberships.id, id));
    }
  }),
  leave: () => leave(db, who.ben),
  leave_the_only_team: () => db.transaction(async (tx) => {
    await hold(tx, who.cleo);
    await leave(tx, who.cleo);
    await own(tx, who.cleo, "Own");
  }),
  leave_as_the_last_owner: () => leave(db, who.ada),
  render: () => render(who.storm, 10),
  render_twice: () => render(who.gale, 0),
  render_on_credit: () => render(who.storm, 1000),
  render_alone: () => db.insert(jobs).values({
    owner: `framecast:user:${who.sam}`, triggeredBy: who.sam, specSnapshot: {},
  }),
  claim: () => db.transaction(async (tx) => {
    const [next] = await tx.select({ id: jobs.id }).from(jobs).where(eq(jobs.status, "queued"))
      .orderBy(jobs.createdAt).limit(1).for("update", { skipLocked: true });
    await tx.update(jobs).set({ status: "processing" }).where(eq(jobs.id, next.id));
  }),
  report_progress: () => job({ progress: { percent: 50 } }),
  complete: () => job({ status: "completed", output: { url: "b.mp4" } }),
  fail_and_refund: () => db.transaction(async (tx) => {
    await tx.update(jobs).set({
      status: "failed", failureType: "system", error: { code: 1 }, creditsRefunded: sql`${jobs.creditsCharged}`,
    }).where(eq(jobs.id, who.running));
    await tx.update(teams).set({ credits: sql`${teams.credits} + 10` }).where(eq(teams.id, who.harbour));
  }),
  append_an_event: () => db.insert(jobEvents).values({
    jobId: who.running, eventType: "progress", payload: { percent: 50 },
  }),
  announce_an_asset: () => db.insert(assetFiles).values({
    owner: team, uploadedBy: who.ada, projectId: who.storm, filename: "new.png", s3Key: "new.png",
    contentType: "image/png", sizeBytes: 1000,
  }),
  finish_an_upload: () => db.update(assetFiles).set({ status: "ready", metadata: { width: 1 } })
    .where(eq(assetFiles.id, who.upload)),
  make_a_key: () => db.insert(apiKeys).values({ userId: who.ben, owner: member, keyPrefix: "fc_", keyHash: "new" }),
  revoke_a_key: () => db.update(apiKeys).set({ revokedAt: now }).where(eq(apiKeys.id, who.key)),
  make_a_webhook: () => db.insert(webhooks).values({
    teamId: who.harbour, createdBy: who.ada, url: "https://new.io/", secret: "secret",
    events: ["job.completed", "job.failed"],
  }),
  edit_a_webhook: async () => {
    const [{ events }] = await db.select().from(webhooks).where(eq(webhooks.id, who.hook));
    await db.update(webhooks).set({ events: ["job.queued", ...events] }).where(eq(webhooks.id, who.hook));
  },
  deliver: () => db.update(webhookDeliveries).set({
    status: "delivered", attempts: sql`${webhookDeliveries.attempts} + 1`, deliveredAt: now, responseStatus: 200,
  }).where(eq(webhookDeliveries.id, who.delivery)),
  roll_up: () => db.insert(usage).values({ owner: team, period: "2026-11", rendersCount: 1 }).onConflictDoUpdate({
    target: [usage.owner, usage.period], set: { rendersCount: sql`${usage.rendersCount} + 1` },
  }),
  rename_a_project: () => db.update(projects).set({ name: "Gust" }).where(eq(projects.id, who.storm)),
  write_a_project_whole: async () => {
    const [{ owner, ...read }] = await db.select().from(projects).where(eq(projects.id, who.storm)); // owner is computed
    const whole = { ...read, name: "Gust" };
    await db.insert(projects).values(whole).onConflictDoUpdate({ target: projects.id, set: whole });
  },
  give_a_job_away: () => db.update(jobs).set({ owner: `framecast:team:${who.attic}` }).where(eq(jobs.id, who.queued)),
  delete_a_project: () => db.delete(projects).where(eq(projects.id, who.calm)),
  delete_a_team: () => db.delete(teams).where(eq(teams.id, who.attic)),
  delete_an_account: () => db.delete(users).where(eq(users.id, who.sam)),
  erase_an_account: () => db.execute(sql`SELECT erase_user(${who.dan})`),
  clean_up: () => db.execute(sql`SELECT delete_old_job_events(), delete_old_webhook_deliveries(100)`),
}, refusal).finally(() => pool.end());
