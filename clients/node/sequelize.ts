// The flows as Sequelize's models do them, through node-pg.
import { Sequelize, Transaction } from "sequelize";
import { models } from "./sequelize_models";
import { ahead, member, serve, team, who } from "./serving";

const sequelize = new Sequelize(process.env.PGDATABASE!, process.env.PGUSER!, process.env.PGPASSWORD, {
  dialect: "postgres", host: process.env.PGHOST, port: Number(process.env.PGPORT), logging: false,
});
const {
  apiKeys, assetFiles, deliveries, invitations, jobEvents, jobs, memberships, projects, teams, usage, users, webhooks,
} = models(sequelize);
const now = sequelize.literal("now()");

const refusal = (error: any) => {
  const raised = error.original ?? error; // a COMMIT's error comes bare
  return raised.code ? { sqlstate: raised.code, constraint: raised.constraint } : null;
};

type One = (transaction: Transaction) => Promise<unknown>;
const one = (flow: One) => () => sequelize.transaction(flow);
const upgrade = (user: string, transaction: Transaction) => users.update(
  { tier: "creator", upgraded_at: now }, { where: { id: user, tier: "starter" }, transaction },
);
const own = async (user: string, name: string, transaction: Transaction) => {
  const made = await teams.create({ name }, { transaction });
  await memberships.create({ team_id: made.id, user_id: user, role: "owner" }, { transaction });
};
const accept = async (user: string, letter: string, transaction: Transaction) => {
  const offer = await invitations.findByPk(letter, { transaction });
  await teams.findByPk(offer.team_id, { lock: Transaction.LOCK.KEY_SHARE, transaction });
  const [answered] = await invitations.update(
    { accepted_at: sequelize.fn("clock_timestamp") }, { where: { id: letter, accepted_at: null }, transaction },
  );
  if (!answered) throw new Error("the invitation is gone");
  await memberships.create({ team_id: offer.team_id, user_id: user, role: offer.role }, { transaction });
};
const hold = (user: string, transaction: Transaction) =>
  users.findByPk(user, { lock: Transaction.LOCK.NO_KEY_UPDATE, transaction });
const leave = async (user: string, transaction: Transaction) => {
  const left = await memberships.findOne({ where: { team_id: who.harbour, user_id: user }, transaction });
  await left.destroy({ transaction });
};
const render = (project: string, price: number) => one(async (transaction) => {
  await teams.decrement({ credits: price }, { where: { id: who.harbour }, transaction });
  const { spec } = await projects.findByPk(project, { transaction });
  await jobs.create({
    owner: team, triggered_by: who.ada, project_id: project, spec_snapshot: spec, credits_charged: price,
  }, { transaction });
});
// Read, change, save: Sequelize writes what was set.
const save = async (model: any, id: string, changes: object) => (await model.findByPk(id)).set(changes).save();

serve({
  sign_up: () => users.create({ email: "new@x.io", name: "New" }),
  sign_up_by_a_clock_ahead: () => users.create({ email: "new@x.io", created_at: ahead() }),
  sign_up_with_no_address: () => users.create({ email: "nobody" }),
  upgrade: one(async (tx) => {
    await upgrade(who.sam, tx);
    await own(who.sam, "Sam's team", tx);
  }),
  invite: () => invitations.create({
    team_id: who.harbour, invited_by: who.ada, email: "new@x.io", role: "admin", token: "to new",
  }),
  invite_oneself: () => invitations.create({
    team_id: who.harbour, invited_by: who.ada, email: "ADA@x.io", token: "to ada",
  }),
  accept: one(async (tx) => {
    await hold(who.dan, tx);
    await accept(who.dan, who.letter_to_dan, tx);
  }),
  accept_what_was_revoked: one(async (tx) => {
    await hold(who.dan, tx);
    await accept(who.dan, who.revoked_letter, tx);
  }),
  accept_as_a_starter: one(async (tx) => {
    await upgrade(who.eve, tx);
    await accept(who.eve, who.letter_to_eve, tx);
  }),
  hand_over: one(async (transaction) => {
    const both = await memberships.findAll({
      where: { team_id: who.harbour, user_id: [who.ada, who.cleo] }, order: ["id"],
      lock: Transaction.LOCK.NO_KEY_UPDATE, transaction,
    });
    for (const each of both) {
      await each.update({ role: each.user_id === who.cleo ? "owner" : "admin" }, { transaction });
    }
  }),
  leave: one((tx) => leave(who.ben, tx)),
  leave_the_only_team: one(async (tx) => {
    await hold(who.cleo, tx);
    await leave(who.cleo, tx);
    await own(who.cleo, "Own", tx);
  }),
  leave_as_the_last_owner: one((tx) => leave(who.ada, tx)),
  render: render(who.storm, 10),
  render_twice: render(who.gale, 0),
  render_on_credit: render(who.storm, 1000),
  render_alone: () => jobs.create({
    owner: `framecast:user:${who.sam}`, triggered_by: who.sam, spec_snapshot: {},
  }),
  claim: one(async (transaction) => {
    const next = await jobs.findOne({
      where: { status: "queued" }, order: ["created_at"], lock: true, skipLocked: true, transaction,
    });
    await next.update({ status: "processing" }, { transaction });
  }),
  report_progress: () => save(jobs, who.running, { progress: { percent: 50 } }),
  complete: () => save(jobs, who.running, { status: "completed", output: { url: "b.mp4" } }),
  fail_and_refund: one(async (transaction) => {
    const job = await jobs.findByPk(who.running, { transaction });
    job.set({ status: "failed", failure_type: "system", error: { code: 1 }, credits_refunded: job.credits_charged });
    await job.save({ transaction });
    await teams.increment({ credits: job.credits_charged }, { where: { id: who.harbour }, transaction });
  }),
  append_an_event: () => jobEvents.create({
    job_id: who.running, event_type: "progress", payload: { percent: 50 },
  }),
  announce_an_asset: () => assetFiles.create({
    owner: team, uploaded_by: who.ada, project_id: who.storm, filename: "new.png", s3_key: "new.png",
    content_type: "image/png", size_bytes: 1000,
  }),
  finish_an_upload: () => save(assetFiles, who.upload, { status: "ready", metadata: { width: 1 } }),
  make_a_key: () => apiKeys.create({ user_id: who.ben, owner: member, key_prefix: "fc_", key_hash: "new" }),
  revoke_a_key: () => save(apiKeys, who.key, { revoked_at: now }),
  make_a_webhook: () => webhooks.create({
    team_id: who.harbour, created_by: who.ada, url: "https://new.io/", secret: "secret",
    events: ["job.completed", "job.failed"],
  }),
  edit_a_webhook: async () => {
    const hook = await webhooks.findByPk(who.hook);
    await hook.update({ events: ["job.queued", ...hook.events] });
  },
  deliver: () => save(deliveries, who.delivery, {
    status: "delivered", attempts: 1, delivered_at: now, response_status: 200,
  }),
  roll_up: one(async (transaction) => {
    const row = { owner: team, period: "2026-11" };
    await usage.bulkCreate([row], { fields: ["id", "owner", "period"], ignoreDuplicates: true, transaction });
    await usage.increment("renders_count", { where: row, transaction });
  }),
  rename_a_project: () => save(projects, who.storm, { name: "Gust" }),
  write_a_project_whole: async () => {
    const read = (await projects.findByPk(who.storm)).get({ plain: true });
    await projects.upsert({ ...read, name: "Gust" });
  },
  give_a_job_away: () => save(jobs, who.queued, { owner: `framecast:team:${who.attic}` }),
  delete_a_project: async () => (await projects.findByPk(who.calm)).destroy(),
  delete_a_team: async () => (await teams.findByPk(who.attic)).destroy(),
  delete_an_account: async () => (await users.findByPk(who.sam)).destroy(),
  erase_an_account: () => sequelize.query("SELECT erase_user($1)", { bind: [who.dan] }),
  clean_up: () => sequelize.query("SELECT delete_old_job_events(), delete_old_webhook_deliveries(100)"),
  delete_a_project_with_its_jobs: async () => {
    projects.hasMany(jobs, { as: "renders", foreignKey: "project_id", onDelete: "CASCADE", hooks: true });
    await (await projects.findByPk(who.calm)).destroy();
  },
  replace_a_count: () => usage.upsert(
    { owner: team, period: "2026-11", renders_count: 1 }, { conflictFields: ["owner", "period"] },
  ),
  let_the_library_make_tables: () => sequelize.sync({ alter: true }),
}, refusal).finally(() => sequelize.close());
