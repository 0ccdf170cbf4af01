// The flows as Prisma's client does them, through its driver adapter for node-pg.
import { PrismaPg } from "@prisma/adapter-pg";
import { Prisma, PrismaClient } from "./prisma_client/client";
import { ahead, member, serve, team, who } from "./serving";

const prisma = new PrismaClient({ adapter: new PrismaPg({}) }); // PGHOST and the like say where
type Transaction = Prisma.TransactionClient;

const refusal = (error: any) => {
  // The driver's error is in meta; a COMMIT's comes bare. The name stands in its message alone.
  const raised = error.meta?.driverAdapterError?.cause ?? error.cause;
  if (!raised?.originalCode) return null;
  const [, constraint] = / constraint "(\w+)"/.exec(raised.originalMessage) ?? [];
  return { sqlstate: raised.originalCode, constraint };
};

const accept = async (tx: Transaction, user: string, letter: string) => {
  const offer = await tx.invitations.findUniqueOrThrow({ where: { id: letter } });
  await tx.$queryRaw`SELECT id FROM teams WHERE id = ${offer.team_id}::uuid FOR KEY SHARE`;
  const answered = await tx.$executeRaw`UPDATE invitations SET accepted_at = clock_timestamp()
    WHERE id = ${letter}::uuid AND accepted_at IS NULL`;
  if (!answered) throw new Error("the invitation is gone");
  await tx.memberships.create({ data: { team_id: offer.team_id, user_id: user, role: offer.role } });
};
const hold = (tx: Transaction, user: string) =>
  tx.$queryRaw`SELECT id FROM users WHERE id = ${user}::uuid FOR NO KEY UPDATE`;
const upgrade = (tx: Transaction, user: string) => tx.users.update({
  where: { id: user, tier: "starter" }, data: { tier: "creator", upgraded_at: new Date() },
});
const own = (tx: Transaction, user: string, name: string) =>
  tx.teams.create({ data: { name, memberships: { create: { user_id: user, role: "owner" } } } });
const leave = (tx: Transaction, user: string) =>
  tx.memberships.delete({ where: { team_id_user_id: { team_id: who.harbour, user_id: user } } });
const render = (project: string, price: number) =>
  prisma.$transaction(async (tx) => {
    await tx.teams.update({ where: { id: who.harbour }, data: { credits: { decrement: price } } });
    const { spec } = await tx.projects.findUniqueOrThrow({ where: { id: project } });
    await tx.jobs.create({ data: {
      owner: team, triggered_by: who.ada, project_id: project, spec_snapshot: spec!, credits_charged: price,
    } });
  });
const job = (data: Prisma.jobsUpdateInput) => prisma.jobs.update({ where: { id: who.running }, data });

serve({
  sign_up: () => prisma.users.create({ data: { email: "new@x.io", name: "New" } }),
  sign_up_by_a_clock_ahead: () => prisma.users.create({ data: { email: "new@x.io", created_at: ahead() } }),
  sign_up_with_no_address: () => prisma.users.create({ data: { email: "nobody" } }),
  upgrade: () => prisma.$transaction(async (tx) => {
    await upgrade(tx, who.sam);
    await own(tx, who.sam, "Sam's team");
  }),
  invite: () => prisma.invitations.create({ data: {
    team_id: who.harbour, invited_by: who.ada, email: "new@x.io", role: "admin", token: "to new",
  } }),
  invite_oneself: () => prisma.invitations.create({ data: {
    team_id: who.harbour, invited_by: who.ada, email: "ADA@x.io", token: "to ada",
  } }),
  accept: () => prisma.$transaction(async (tx) => {
    await hold(tx, who.dan);
    await accept(tx, who.dan, who.letter_to_dan);
  }),
  accept_what_was_revoked: () => prisma.$transaction(async (tx) => {
    await hold(tx, who.dan);
    await accept(tx, who.dan, who.revoked_letter);
  }),
  accept_as_a_starter: () => prisma.$transaction(async (tx) => {
    await upgrade(tx, who.eve);
    await accept(tx, who.eve, who.letter_to_eve);
  }),
  hand_over: () => prisma.$transaction(async (tx) => {
    await tx.$queryRaw`SELECT id FROM memberships WHERE team_id = ${who.harbour}::uuid
      AND user_id IN (${who.ada}::uuid, ${who.cleo}::uuid) ORDER BY id FOR NO KEY UPDATE`;
    for (const [user, role] of [[who.ada, "admin"], [who.cleo, "owner"]] as const) {
      await tx.memberships.update({
        where: { team_id_user_id: { team_id: who.harbour, user_id: user } }, data: { role },
      });
    }
  }),
  leave: () => leave(prisma, who.ben),
  leave_the_only_team: () => prisma.$transaction(async (tx) => {
    await hold(tx, who.cleo);
    await leave(tx, who.cleo);
    await own(tx, who.cleo, "Own");
  }),
  leave_as_the_last_owner: () => leave(prisma, who.ada),
  render: () => render(who.storm, 10),
  render_twice: () => render(who.gale, 0),
  render_on_credit: () => render(who.storm, 1000),
  render_alone: () => prisma.jobs.create({ data: {
    owner: `framecast:user:${who.sam}`, triggered_by: who.sam, spec_snapshot: {},
  } }),
  claim: () => prisma.$queryRaw`UPDATE jobs SET status = 'processing' WHERE id = (
    SELECT id FROM jobs WHERE status = 'queued' ORDER BY created_at LIMIT 1 FOR UPDATE SKIP LOCKED
  ) RETURNING id`,
  report_progress: () => job({ progress: { percent: 50 } }),
  complete: () => job({ status: "completed", output: { url: "b.mp4" } }),
  fail_and_refund: () => prisma.$transaction(async (tx) => {
    const { credits_charged } = await tx.jobs.findUniqueOrThrow({ where: { id: who.running } });
    await tx.jobs.update({ where: { id: who.running }, data: {
      status: "failed", failure_type: "system", error: { code: 1 }, credits_refunded: credits_charged,
    } });
    await tx.teams.update({ where: { id: who.harbour }, data: { credits: { increment: credits_charged } } });
  }),
  append_an_event: () => prisma.job_events.create({ data: {
    job_id: who.running, event_type: "progress", payload: { percent: 50 },
  } }),
  announce_an_asset: () => prisma.asset_files.create({ data: {
    owner: team, uploaded_by: who.ada, project_id: who.storm, filename: "new.png", s3_key: "new.png",
    content_type: "image/png", size_bytes: 1000,
  } }),
  finish_an_upload: () => prisma.asset_files.update({
    where: { id: who.upload }, data: { status: "ready", metadata: { width: 1 } },
  }),
  make_a_key: () => prisma.api_keys.create({ data: {
    user_id: who.ben, owner: member, key_prefix: "fc_", key_hash: "new",
  } }),
  revoke_a_key: () => prisma.api_keys.update({ where: { id: who.key }, data: { revoked_at: new Date() } }),
  make_a_webhook: () => prisma.webhooks.create({ data: {
    team_id: who.harbour, created_by: who.ada, url: "https://new.io/", secret: "secret",
    events: ["job_completed", "job_failed"],
  } }),
  edit_a_webhook: async () => {
    const { events } = await prisma.webhooks.findUniqueOrThrow({ where: { id: who.hook } });
    await prisma.webhooks.update({ where: { id: who.hook }, data: { events: ["job_queued", ...events] } });
  },
  deliver: () => prisma.webhook_deliveries.update({ where: { id: who.delivery }, data: {
    status: "delivered", attempts: { increment: 1 }, delivered_at: new Date(), response_status: 200,
  } }),
  roll_up: () => prisma.usage.upsert({
    where: { owner_period: { owner: team, period: "2026-11" } },
    create: { owner: team, period: "2026-11", renders_count: 1 },
    update: { renders_count: { increment: 1 } },
  }),
  rename_a_project: () => prisma.projects.update({ where: { id: who.storm }, data: { name: "Gust" } }),
  write_a_project_whole: async () => {
    const read = await prisma.projects.findUniqueOrThrow({ where: { id: who.storm } });
    const whole = { ...read, spec: read.spec ?? Prisma.DbNull, name: "Gust" };
    await prisma.projects.upsert({ where: { id: who.storm }, create: whole, update: whole });
  },
  give_a_job_away: () => prisma.jobs.update({
    where: { id: who.queued }, data: { owner: `framecast:team:${who.attic}` },
  }),
  delete_a_project: () => prisma.projects.delete({ where: { id: who.calm } }),
  delete_a_team: () => prisma.teams.delete({ where: { id: who.attic } }),
  delete_an_account: () => prisma.users.delete({ where: { id: who.sam } }),
  erase_an_account: () => prisma.$queryRaw`SELECT erase_user(${who.dan}::uuid)`,
  clean_up: () => prisma.$queryRaw`SELECT delete_old_job_events(), delete_old_webhook_deliveries(100)`,
  replace_a_count: () => prisma.usage.upsert({
    where: { owner_period: { owner: team, period: "2026-11" } },
    create: { owner: team, period: "2026-11", renders_count: 1 },
    update: { renders_count: 1 },
  }),
}, refusal).finally(() => prisma.$disconnect());
