// The flows as TypeORM's entities do them, through node-pg.
import { DataSource, EntityManager, In, IsNull, QueryFailedError } from "typeorm";
import { ahead, member, serve, team, who } from "./serving";
import * as entities from "./typeorm_entities";
import {
  ApiKey, AssetFile, Invitation, Job, JobEvent, Membership, Project, Team, Usage, User, Webhook, WebhookDelivery,
} from "./typeorm_entities";

const source = new DataSource({
  type: "postgres",
  entities: Object.values(entities),
  synchronize: false, // never true: the migrations make the tables
  installExtensions: false, // the application's role may not, and need not
  host: process.env.PGHOST, port: Number(process.env.PGPORT), database: process.env.PGDATABASE,
  username: process.env.PGUSER, password: process.env.PGPASSWORD,
});
const now = () => "now()";

const refusal = (error: any) => {
  const raised = error instanceof QueryFailedError ? error.driverError : error; // a COMMIT's comes bare
  return raised.code ? { sqlstate: raised.code, constraint: raised.constraint } : null;
};

const own = async (em: EntityManager, user: string, name: string) => {
  const made = await em.save(Team, { name });
  await em.save(Membership, { team_id: made.id, user_id: user, role: "owner" });
};
const upgrade = (em: EntityManager, user: string) =>
  em.update(User, { id: user, tier: "starter" }, { tier: "creator", upgraded_at: now });
const hold = (em: EntityManager, user: string) =>
  em.findOneOrFail(User, { where: { id: user }, lock: { mode: "for_no_key_update" } });
const accept = async (em: EntityManager, user: string, letter: string) => {
  const offer = await em.findOneByOrFail(Invitation, { id: letter });
  await em.findOneOrFail(Team, { where: { id: offer.team_id }, lock: { mode: "for_key_share" } });
  const { affected } = await em.update(
    Invitation, { id: letter, accepted_at: IsNull() }, { accepted_at: () => "clock_timestamp()" },
  );
  if (!affected) throw new Error("the invitation is gone");
  await em.save(Membership, { team_id: offer.team_id, user_id: user, role: offer.role });
};
const leave = async (em: EntityManager, user: string) =>
  em.remove(await em.findOneByOrFail(Membership, { team_id: who.harbour, user_id: user }));
const render = (project: string, price: number) =>
  source.transaction(async (em) => {
    await em.decrement(Team, { id: who.harbour }, "credits", price);
    const { spec } = await em.findOneByOrFail(Project, { id: project });
    await em.save(Job, {
      owner: team, triggered_by: who.ada, project_id: project, spec_snapshot: spec!, credits_charged: price,
    });
  });
// Read, change, save: TypeORM reads again, and writes what differs.
const save = async (entity: any, id: string, change: (row: any) => object) => {
  const row = await source.manager.findOneByOrFail(entity, { id });
  await source.manager.save(entity, Object.assign(row, change(row)));
};
const one = (flow: (em: EntityManager) => Promise<unknown>) => () => source.transaction(flow);

await source.initialize();
serve({
  sign_up: one((em) => em.save(User, { email: "new@x.io", name: "New" })),
  sign_up_by_a_clock_ahead: one((em) => em.save(User, { email: "new@x.io", created_at: ahead() })),
  sign_up_with_no_address: one((em) => em.save(User, { email: "nobody" })),
  upgrade: one(async (em) => {
    await upgrade(em, who.sam);
    await own(em, who.sam, "Sam's team");
  }),
  invite: one((em) => em.save(Invitation, {
    team_id: who.harbour, invited_by: who.ada, email: "new@x.io", role: "admin", token: "to new",
  })),
  invite_oneself: one((em) => em.save(Invitation, {
    team_id: who.harbour, invited_by: who.ada, email: "ADA@x.io", token: "to ada",
  })),
  accept: one(async (em) => {
    await hold(em, who.dan);
    await accept(em, who.dan, who.letter_to_dan);
  }),
  accept_what_was_revoked: one(async (em) => {
    await hold(em, who.dan);
    await accept(em, who.dan, who.revoked_letter);
  }),
  accept_as_a_starter: one(async (em) => {
    await upgrade(em, who.eve);
    await accept(em, who.eve, who.letter_to_eve);
  }),
  hand_over: one(async (em) => {
    const both = await em.find(Membership, {
      where: { team_id: who.harbour, user_id: In([who.ada, who.cleo]) },
      order: { id: "ASC" }, lock: { mode: "for_no_key_update" },
    });
    for (const { id, user_id } of both) {
      await em.update(Membership, { id }, { role: user_id === who.cleo ? "owner" : "admin" });
    }
  }),
  leave: one((em) => leave(em, who.ben)),
  leave_the_only_team: one(async (em) => {
    await hold(em, who.cleo);
    await leave(em, who.cleo);
    await own(em, who.cleo, "Own");
  }),
  leave_as_the_last_owner: one((em) => leave(em, who.ada)),
  render: () => render(who.storm, 10),
  render_twice: () => render(who.gale, 0),
  render_on_credit: () => render(who.storm, 1000),
  render_alone: one((em) => em.save(Job, {
    owner: `framecast:user:${who.sam}`, triggered_by: who.sam, spec_snapshot: {},
  })),
  claim: one(async (em) => {
    const next = await em.findOneOrFail(Job, {
      where: { status: "queued" }, order: { created_at: "ASC" },
      lock: { mode: "pessimistic_write", onLocked: "skip_locked" },
    });
    await em.update(Job, { id: next.id }, { status: "processing" });
  }),
  report_progress: () => save(Job, who.running, () => ({ progress: { percent: 50 } })),
  complete: () => save(Job, who.running, () => ({ status: "completed", output: { url: "b.mp4" } })),
  fail_and_refund: one(async (em) => {
    const job = await em.findOneByOrFail(Job, { id: who.running });
    Object.assign(job, { status: "failed", failure_type: "system", error: { code: 1 } });
    job.credits_refunded = job.credits_charged;
    await em.save(job);
    await em.increment(Team, { id: who.harbour }, "credits", job.credits_refunded);
  }),
  append_an_event: one((em) => em.save(JobEvent, {
    job_id: who.running, event_type: "progress", payload: { percent: 50 },
  })),
  announce_an_asset: one((em) => em.save(AssetFile, {
    owner: team, uploaded_by: who.ada, project_id: who.storm, filename: "new.png", s3_key: "new.png",
    content_type: "image/png", size_bytes: "1000",
  })),
  finish_an_upload: () => save(AssetFile, who.upload, () => ({ status: "ready", metadata: { width: 1 } })),
  make_a_key: one((em) => em.save(ApiKey, { user_id: who.ben, owner: member, key_prefix: "fc_", key_hash: "new" })),
  revoke_a_key: () => save(ApiKey, who.key, () => ({ revoked_at: new Date() })),
  make_a_webhook: one((em) => em.save(Webhook, {
    team_id: who.harbour, created_by: who.ada, url: "https://new.io/", secret: "secret",
    events: ["job.completed", "job.failed"],
  })),
  edit_a_webhook: () => save(Webhook, who.hook, (row) => ({ events: ["job.queued", ...row.events] })),
  deliver: () => save(WebhookDelivery, who.delivery, (row) => ({
    status: "delivered", attempts: row.attempts + 1, delivered_at: new Date(), response_status: 200,
  })),
  roll_up: () => source.query(
    `INSERT INTO usage (owner, period, renders_count) VALUES ($1, $2, 1)
     ON CONFLICT (owner, period) DO UPDATE SET renders_count = usage.renders_count + 1`,
    [team, "2026-11"],
  ),
  rename_a_project: () => save(Project, who.storm, () => ({ name: "Gust" })),
  write_a_project_whole: async () => {
    const read = await source.manager.findOneByOrFail(Project, { id: who.storm });
    await source.manager.upsert(Project, { ...read, name: "Gust" } as any, ["id"]);
  },
  give_a_job_away: () => save(Job, who.queued, () => ({ owner: `framecast:team:${who.attic}` })),
  delete_a_project: one(async (em) => em.remove(await em.findOneByOrFail(Project, { id: who.calm }))),
  delete_a_team: one(async (em) => em.remove(await em.findOneByOrFail(Team, { id: who.attic }))),
  delete_an_account: one(async (em) => em.remove(await em.findOneByOrFail(User, { id: who.sam }))),
  erase_an_account: () => source.query("SELECT erase_user($1)", [who.dan]),
  clean_up: () => source.query("SELECT delete_old_job_events(), delete_old_webhook_deliveries(100)"),
  save_what_was_read_before: async () => {
    const team = await source.manager.findOneByOrFail(Team, { id: who.harbour });
    await source.manager.increment(Team, { id: who.harbour }, "credits", 50); // somebody else
    team.name = "Port";
    await source.manager.save(team); // instead: update(Team, { id: team.id }, { name: "Port" })
  },
  replace_a_count: () => source.manager.upsert(
    Usage, { owner: team, period: "2026-11", renders_count: 1 }, ["owner", "period"],
  ),
}, refusal).finally(() => source.destroy());
