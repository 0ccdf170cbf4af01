// The flows as Knex builds them, through node-pg.
import knex, { Knex } from "knex";
import pg from "pg";
import { ahead, member, serve, team, who } from "./serving";

const db = knex({ client: "pg", connection: {} }); // PGHOST and the like say where
const now = db.raw("now()");

const refusal = (error: any) =>
  error.code ? { sqlstate: error.code, constraint: error.constraint } : null;

const accept = async (trx: Knex.Transaction, user: string, letter: string) => {
  const offer = await trx("invitations").where({ id: letter }).first();
  await trx("teams").where({ id: offer.team_id }).forKeyShare().select("id");
  const answered = await trx("invitations").where({ id: letter, accepted_at: null })
    .update({ accepted_at: trx.raw("clock_timestamp()") });
  if (!answered) throw new Error("the invitation is gone");
  await trx("memberships").insert({ team_id: offer.team_id, user_id: user, role: offer.role });
};
const hold = (trx: Knex.Transaction, user: string) => trx("users").where({ id: user }).forNoKeyUpdate().select("id");
const upgrade = (user: string) => db("users").where({ id: user, tier: "starter" })
  .update({ tier: "creator", upgraded_at: now });
const leave = (user: string) => db("memberships").where({ team_id: who.harbour, user_id: user }).delete();
const render = (project: string, price: number) =>
  db.transaction(async (trx) => {
    await trx("teams").where({ id: who.harbour }).decrement("credits", price);
    const { owner, spec } = await trx("projects").where({ id: project }).first();
    await trx("jobs").insert({
      owner, triggered_by: who.ada, project_id: project, spec_snapshot: spec, credits_charged: price,
    });
  });
const job = (changes: object) => db("jobs").where({ id: who.running }).update(changes);

// A list of labels is read as text, unless its type is known: the number is the database's own.
const [{ oid }] = await db.select(db.raw("'webhook_event_type[]'::regtype::oid AS oid"));
pg.types.setTypeParser(oid, pg.types.getTypeParser(1009)); // as text[]

serve({
  sign_up: () => db("users").insert({ email: "new@x.io", name: "New" }),
  sign_up_by_a_clock_ahead: () => db("users").insert({ email: "new@x.io", created_at: ahead() }),
  sign_up_with_no_address: () => db("users").insert({ email: "nobody" }),
  upgrade: () => db.transaction(async (trx) => {
    await upgrade(who.sam).transacting(trx);
    const [own] = await trx("teams").insert({ name: "Sam's team" }).returning("id");
    await trx("memberships").insert({ team_id: own.id, user_id: who.sam, role: "owner" });
  }),
  invite: () => db("invitations").insert({
    team_id: who.harbour, invited_by: who.ada, email: "new@x.io", role: "admin", token: "to new",
  }),
  invite_oneself: () => db("invitations").insert({
    team_id: who.harbour, invited_by: who.ada, email: "ADA@x.io", token: "to ada",
  }),
  accept: () => db.transaction(async (trx) => {
    await hold(trx, who.dan);
    await accept(trx, who.dan, who.letter_to_dan);
  }),
  accept_what_was_revoked: () => db.transaction(async (trx) => {
    await hold(trx, who.dan);
    await accept(trx, who.dan, who.revoked_letter);
  }),
  accept_as_a_starter: () => db.transaction(async (trx) => {
    await upgrade(who.eve).transacting(trx);
    await accept(trx, who.eve, who.letter_to_eve);
  }),
  hand_over: () => db.transaction(async (trx) => {
    const both = await trx("memberships").where({ team_id: who.harbour })
      .whereIn("user_id", [who.ada, who.cleo]).orderBy("id").forNoKeyUpdate();
    for (const { id, user_id } of both) {
      await trx("memberships").where({ id }).update({ role: user_id === who.cleo ? "owner" : "admin" });
    }
  }),
  leave: () => leave(who.ben),
  leave_the_only_team: () => db.transaction(async (trx) => {
    await hold(trx, who.cleo);
    await leave(who.cleo).transacting(trx);
    const [own] = await trx("teams").insert({ name: "Own" }).returning("id");
    await trx("memberships").insert({ team_id: own.id, user_id: who.cleo, role: "owner" });
  }),
  leave_as_the_last_owner: () => leave(who.ada),
  render: () => render(who.storm, 10),
  render_twice: () => render(who.gale, 0),
  render_on_credit: () => render(who.storm, 1000),
  render_alone: () => db("jobs").insert({
    owner: `framecast:user:${who.sam}`, triggered_by: who.sam, spec_snapshot: {},
  }),
  claim: () => db.transaction(async (trx) => {
    const next = await trx("jobs").where({ status: "queued" }).orderBy("created_at").first()
      .forUpdate().skipLocked();
    await trx("jobs").where({ id: next.id }).update({ status: "processing" });
  }),
  report_progress: () => job({ progress: { percent: 50 } }),
  complete: () => job({ status: "completed", output: { url: "b.mp4" } }),
  fail_and_refund: () => db.transaction(async (trx) => {
    await job({
      status: "failed", failure_type: "system", error: { code: 1 }, credits_refunded: db.ref("credits_charged"),
    }).transacting(trx);
    await trx("teams").where({ id: who.harbour }).increment("credits", 10);
  }),
  append_an_event: () => db("job_events").insert({
    job_id: who.running, event_type: "progress", payload: { percent: 50 },
  }),
  announce_an_asset: () => db("asset_files").insert({
    owner: team, uploaded_by: who.ada, project_id: who.storm, filename: "new.png", s3_key: "new.png",
    content_type: "image/png", size_bytes: 1000,
  }),
  finish_an_upload: () => db("asset_files").where({ id: who.upload })
    .update({ status: "ready", metadata: { width: 1 } }),
  make_a_key: () => db("api_keys").insert({
    user_id: who.ben, owner: member, key_prefix: "fc_", key_hash: "new",
  }),
  revoke_a_key: () => db("api_keys").where({ id: who.key }).update({ revoked_at: now }),
  make_a_webhook: () => db("webhooks").insert({
    team_id: who.harbour, created_by: who.ada, url: "https://new.io/", secret: "secret",
    events: ["job.completed", "job.failed"],
  }),
  edit_a_webhook: async () => {
    const { events } = await db("webhooks").where({ id: who.hook }).first();
    await db("webhooks").where({ id: who.hook }).update({ events: ["job.queued", ...events] });
  },
  deliver: () => db("webhook_deliveries").where({ id: who.delivery }).update({
    status: "delivered", attempts: db.raw("attempts + 1"), delivered_at: now, response_status: 200,
  }),
  roll_up: () => db("usage").insert({ owner: team, period: "2026-11", renders_count: 1 })
    .onConflict(["owner", "period"]).merge({ renders_count: db.raw("usage.renders_count + 1") }),
  rename_a_project: () => db("projects").where({ id: who.storm }).update({ name: "Gust" }),
  write_a_project_whole: async () => {
    const { owner, ...read } = await db("projects").where({ id: who.storm }).first(); // owner is computed
    await db("projects").insert({ ...read, name: "Gust" }).onConflict("id").merge();
  },
  give_a_job_away: () => db("jobs").where({ id: who.queued }).update({ owner: `framecast:team:${who.attic}` }),
  delete_a_project: () => db("projects").where({ id: who.calm }).delete(),
  delete_a_team: () => db("teams").where({ id: who.attic }).delete(),
  delete_an_account: () => db("users").where({ id: who.sam }).delete(),
  erase_an_account: () => db.raw("SELECT erase_user(?)", [who.dan]),
  clean_up: () => db.raw("SELECT delete_old_job_events(), delete_old_webhook_deliveries(100)"),
  replace_a_count: () => db("usage").insert({ owner: team, period: "2026-11", renders_count: 1 })
    .onConflict(["owner", "period"]).merge(),
}, refusal).finally(() => db.destroy());
