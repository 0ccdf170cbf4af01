"""The strategies meet the real database: what they call legal is accepted, near misses refused."""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import pytest
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

import strategies as s
from conformance.engine.catalogue.misfits import NOT_A_VALUE
from conformance.engine.database.sandbox import Sandbox
from conformance.engine.sql.outcomes import Accepted, Outcome, Rejected
from conformance.engine.sql.writes import Insert, Row, Update
from strategies.enums import ENUMS
from strategies.tables import COLUMNS, LIMITS
from strategies.text import overlong_texts
from strategies.world import World, urn_of_member, urn_of_team, urn_of_user
from tests.support.drawing import examples

COUNT: Final = 25  # rows of each kind
TYPE: Final = "type"
SERIAL: Final = 7


class Setting(NamedTuple):
    """A world with one of each parent, before any of a table's own rows."""

    world: World
    team: Row
    owner: Row
    member: Row
    starter: Row
    project: Row
    job: Row
    webhook: Row


def setting() -> Setting:
    """Make a world of parents."""
    world = World()
    team, owner = world.team()
    member, starter = world.creator(), world.starter()
    project = world.project(team, owner)
    job = world.job(owner, urn_of_team(team))
    webhook = world.insert("webhooks", world.a_webhook(team, owner))
    return Setting(world, team, owner, member, starter, project, job, webhook)


HERE: Final = setting()
TEAM: Final[Any] = HERE.team["id"]
OWNER: Final[Any] = HERE.owner["id"]
MEMBER: Final[Any] = HERE.member["id"]
WEBHOOK: Final[Any] = HERE.webhook["id"]
JOB: Final[Any] = HERE.job["id"]
PROJECT: Final[Any] = HERE.project["id"]
URNS: Final = (
    urn_of_user(HERE.owner),
    urn_of_team(HERE.team),
    urn_of_member(HERE.team, HERE.owner),
)
OF_TEAM: Final = urn_of_team(HERE.team)


def owned(rows: Callable[[str], SearchStrategy[Row]]) -> SearchStrategy[Row]:
    """Rows of every form of owner."""
    return st.one_of(*map(rows, URNS))


ROWS: Final[dict[str, SearchStrategy[Row]]] = {
    "users": s.users(SERIAL),
    "teams": s.teams(SERIAL),
    "memberships": s.memberships(TEAM, MEMBER, SERIAL),
    "invitations": s.invitations(TEAM, OWNER, SERIAL),
    "api_keys": owned(lambda urn: s.api_keys(OWNER, urn, SERIAL)),
    "projects": s.projects(TEAM, OWNER, SERIAL),
    "jobs": owned(lambda urn: s.jobs(urn, OWNER, SERIAL))
    | s.jobs(OF_TEAM, OWNER, SERIAL, project=PROJECT),
    "job_events": s.job_events(JOB, SERIAL),
    "asset_files": owned(lambda urn: s.asset_files(urn, OWNER, SERIAL))
    | s.asset_files(OF_TEAM, OWNER, SERIAL, project=PROJECT),
    "webhooks": s.webhooks(TEAM, OWNER, SERIAL),
    "webhook_deliveries": s.webhook_deliveries(WEBHOOK, SERIAL)
    | s.webhook_deliveries(WEBHOOK, SERIAL, job=JOB),
    "usage": owned(lambda urn: s.usage(urn, SERIAL)),
    "system_assets": s.system_assets(SERIAL),
}
REVOKED: Final = owned(lambda urn: s.api_keys(OWNER, urn, SERIAL, live=False))

MAKERS: Final[dict[str, Callable[[World], Row]]] = {
    "users": lambda world: world.a_starter(),
    "teams": lambda world: world.a_team(),
    "invitations": lambda world: world.an_invitation(HERE.team, HERE.owner),
    "memberships": lambda world: world.a_membership(HERE.team, HERE.member),
    "api_keys": lambda world: world.a_key(HERE.owner),
    "projects": lambda world: world.a_project(HERE.team, HERE.owner),
    "jobs": lambda world: world.a_job(HERE.owner),
    "job_events": lambda world: world.an_event(HERE.job),
    "asset_files": lambda world: world.an_asset(HERE.owner),
    "webhooks": lambda world: world.a_webhook(HERE.team, HERE.owner),
    "webhook_deliveries": lambda world: world.a_delivery(HERE.webhook),
    "usage": lambda world: world.a_usage(urn_of_user(HERE.owner)),
    "system_assets": lambda world: world.a_system_asset(),
}


class Miss(NamedTuple):
    """Columns one step out of what is legal, and the tokens that may say so.

    An empty token is a constraint that is no rule's.
    """

    table: str
    columns: SearchStrategy[Row]
    rules: tuple[str, ...]


def values(
    table: str, column: str, strategy: SearchStrategy[Any], *rules: str, how: str = ""
) -> tuple[str, Miss]:
    """Miss in one column."""
    columns = strategy.map(lambda each: {column: each})
    return f"{table}.{column}{how}", Miss(table, columns, rules)


def pairs(
    table: str, first: str, second: str, strategy: SearchStrategy[Any], rule: str
) -> tuple[str, Miss]:
    """Miss in two columns that depend on each other."""
    columns = strategy.map(lambda each: dict(zip((first, second), each, strict=True)))
    return f"{table}.{first}-{second}", Miss(table, columns, (rule,))


ENUM_COLUMNS: Final = (
    ("users", "tier", "user_tier"),
    ("memberships", "role", "membership_role"),
    ("invitations", "role", "invitation_role"),
    ("projects", "status", "project_status"),
    ("jobs", "status", "job_status"),
    ("jobs", "failure_type", "job_failure_type"),
    ("job_events", "event_type", "job_event_type"),
    ("asset_files", "status", "asset_status"),
    ("webhook_deliveries", "status", "webhook_delivery_status"),
    ("system_assets", "category", "system_asset_category"),
)
NEGATIVE: Final = (
    ("users", "credits", "inv_u5__"),
    ("users", "ephemeral_storage_bytes", "inv_u6__"),
    ("teams", "credits", "inv_t6__"),
    ("teams", "ephemeral_storage_bytes", ""),
    ("jobs", "credits_charged", "inv_j9__"),
    ("jobs", "credits_refunded", "inv_j9__"),
    ("jobs", "output_size_bytes", ""),
    ("webhook_deliveries", "attempts", ""),
    ("usage", "renders_count", "inv_us2__"),
    ("usage", "render_seconds", ""),
    ("usage", "credits_used", "inv_us3__"),
    ("usage", "credits_refunded", ""),
    ("usage", "api_calls", ""),
)
# Bounded texts of a form, whose near misses are too long as well.
OF_A_FORM: Final = {
    *(("users", "email"), ("invitations", "email"), ("teams", "slug")),
    *(("webhooks", "url"), ("system_assets", "id")),
}
MISSES: Final[dict[str, Miss]] = dict(
    [
        values("users", "email", s.broken_emails(), ""),
        values("invitations", "email", s.broken_emails(), ""),
        values("teams", "name", s.broken_team_names(), ""),
        values("teams", "slug", s.broken_slugs(), "inv_t4__", ""),
        values("projects", "name", s.broken_project_names(), ""),
        values("api_keys", "key_hash", s.broken_hashes(), "inv_a2__"),
        *(
            values(table, "owner", s.broken_urns(team=TEAM, user=OWNER), "urn_1__")
            for table in ("jobs", "asset_files", "api_keys", "usage")
        ),
        values("usage", "period", s.broken_periods(), "inv_us1__"),
        values("webhooks", "url", s.broken_urls(), "inv_w4__", ""),
        values("webhooks", "events", s.broken_events(), "inv_w2__", "inv_w3__", TYPE),
        values("asset_files", "content_type", s.broken_content_types(), "inv_af4__"),
        values("asset_files", "filename", s.broken_filenames(), ""),
        values("asset_files", "size_bytes", s.non_positive_sizes(), "inv_af2__"),
        values("asset_files", "size_bytes", s.oversizes(), "inv_af3__", how=" over"),
        values("system_assets", "size_bytes", s.non_positive_sizes(), ""),
        values("system_assets", "id", s.broken_system_asset_ids("sfx"), "inv_sa2__", ""),
        values("webhook_deliveries", "max_attempts", st.just(0), "", "inv_wd3__"),
        pairs("jobs", "credits_charged", "credits_refunded", s.over_refunds(), "inv_j8__"),
        pairs("webhook_deliveries", "max_attempts", "attempts", s.over_attempts(), "inv_wd3__"),
        *(
            pairs(table, "created_at", "updated_at", s.disordered_pairs(strict=False), rule)
            for table, rule in {
                "users": "inv_time1__",
                "teams": "inv_t5__",
                "projects": "inv_p4__",
                "jobs": "inv_j10__",
                "asset_files": "inv_time1__",
                "webhooks": "inv_time1__",
            }.items()
        ),
        *(
            values(table, column, s.broken_labels(enum), TYPE)
            for table, column, enum in ENUM_COLUMNS
        ),
        *(
            values(
                table,
                column,
                s.negative_int64s() if column.endswith("bytes") else s.negative_int32s(),
                rule,
            )
            for table, column, rule in NEGATIVE
        ),
        *(
            values(table, column, overlong_texts(most), "", how=" overlong")
            for (table, column), (_, most) in LIMITS.items()
            if (table, column) not in OF_A_FORM
        ),
    ]
)


def written(sandbox: Sandbox, table: str, row: Row) -> Outcome:
    """Insert a row with what it cannot do without, in one transaction."""
    insert = Insert(table, (row,))
    if table != "teams":
        return sandbox.session.transact([insert])
    founder = {"team_id": row["id"], "user_id": OWNER, "role": "owner"}
    return sandbox.session.transact([Insert("memberships", (founder,)), insert])


def refused_by(rejected: Rejected) -> str:
    """Return the token of the rule that refused, '' for a constraint of no rule, or TYPE."""
    if rejected.constraint:
        return rejected.token
    assert NOT_A_VALUE == rejected.sqlstate, rejected
    return TYPE


def apart() -> World:
    """Return a world that shares no number with the one here."""
    world = World()
    for _ in HERE.world.given * 10:
        world.serial()
    return world


def among_parents(sandbox: Sandbox) -> None:
    """Empty the database but for the parents."""
    sandbox.reset()
    assert Accepted() == sandbox.session.transact(HERE.world.given)


@pytest.mark.parametrize("table", COLUMNS)
def test_legal_rows_are_accepted(table: str, sandbox: Sandbox) -> None:
    """Every row that a strategy draws for a table can be inserted, and breaks no rule."""
    rows = examples(ROWS[table], COUNT) + (examples(REVOKED, COUNT) if table == "api_keys" else [])
    for row in rows:
        among_parents(sandbox)
        assert (Accepted(), row) == (written(sandbox, table, row), row)
        assert ({}, row) == (sandbox.violations(), row)


ENDS: Final = {
    "completions": s.completions(),
    "failures": s.failures(),
    "cancellations": s.cancellations(),
}


@pytest.mark.parametrize("end", ENDS)
def test_legal_ends_of_jobs_are_accepted(end: str, sandbox: Sandbox) -> None:
    """Every way to finish a job that a strategy draws can be gone."""
    key = {"id": JOB}
    for changes in examples(ENDS[end], COUNT):
        among_parents(sandbox)
        assert Accepted() == sandbox.session.transact(
            [Update("jobs", key, {"status": "processing"})]
        )
        outcome = sandbox.session.transact([Update("jobs", key, changes)])
        assert (Accepted(), changes) == (outcome, changes)
        assert ({}, changes) == (sandbox.violations(), changes)


@pytest.mark.parametrize("name", MISSES)
def test_near_misses_are_refused(name: str, sandbox: Sandbox) -> None:
    """Values one step out of the legal ones are refused, by their rule where there is one."""
    table, strategy, rules = MISSES[name]
    made = MAKERS[table](apart())
    among_parents(sandbox)
    for columns in examples(strategy, COUNT):
        outcome = written(sandbox, table, {**made, **columns})
        assert isinstance(outcome, Rejected), columns
        assert refused_by(outcome) in rules, (columns, outcome)
    assert Accepted() == written(sandbox, table, made)


def test_a_near_miss_of_every_enum_and_limit_is_tried() -> None:
    """No enum type and no bounded column is forgotten."""
    tried = {name.partition(" ")[0] for name in MISSES}
    assert {f"{table}.{column}" for table, column in LIMITS} <= tried
    assert {*ENUMS} - {enum for _, _, enum in ENUM_COLUMNS} == {"webhook_event_type"}
