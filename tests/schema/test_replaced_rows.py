"""Users and projects that go and come back are asked as what they are: other rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest
from psycopg import IsolationLevel, errors

from conformance.engine.database.sandbox import Sandbox
from conformance.engine.sql.outcomes import Accepted
from conformance.engine.sql.writes import Insert
from conformance.framecast.rules import RULES
from strategies.world import World, urn_of_team

if TYPE_CHECKING:
    from conformance.engine.postgres.scratch import Scratch, Template

LEVELS: Final = (
    IsolationLevel.READ_COMMITTED,
    IsolationLevel.REPEATABLE_READ,
    IsolationLevel.SERIALIZABLE,
)
BACK: Final = (
    "WITH gone AS (DELETE FROM users WHERE id = %s RETURNING id, email)"
    " INSERT INTO users (id, email) SELECT id, email FROM gone"
)
REPLACED: Final = (
    "WITH gone AS (DELETE FROM projects WHERE id = %(id)s RETURNING *)"
    " INSERT INTO projects (id, team_id, created_by, name)"
    " SELECT id, team_id, created_by, name FROM gone"
)
# By name: what one statement replaces, and the rule that is right to refuse it; '' where
# none is. The key of a team takes all seats of that id with it, those of the same statement too.
TEAM_BACK: Final = (
    "WITH gone AS (DELETE FROM teams WHERE id = %(team)s RETURNING id, name, slug), back AS"
    " (INSERT INTO teams (id, name, slug) SELECT id, name, slug FROM gone)"
)
USER_BACK: Final = (
    "WITH gone AS (DELETE FROM users WHERE id = %(member)s RETURNING id, email), back AS (INSERT"
    " INTO users (id, email, tier, upgraded_at) SELECT id, email, 'creator', now() FROM gone)"
)
SEAT: Final = (
    " INSERT INTO memberships (team_id, user_id, role) SELECT %(team)s, {}, '{}' FROM gone"
)
ONE_STATEMENT: Final = {
    "a team and its owner's seat": (TEAM_BACK + SEAT.format("%(owner)s::uuid", "owner"), "INV-M3"),
    "a team and another's seat": (TEAM_BACK + SEAT.format("%(other)s::uuid", "owner"), "INV-T2"),
    "a user and their seat": (USER_BACK + SEAT.format("id", "member"), "INV-M3"),
    "a project, beside a job of it": (
        (
            "WITH gone AS (DELETE FROM projects WHERE id = %(project)s RETURNING id)"
            " INSERT INTO jobs (owner, triggered_by, project_id, spec_snapshot)"
            " SELECT %(urn)s, %(owner)s, id, '{}' FROM gone"
        ),
        "DEL-1",
    ),
    "a finished job": (
        (
            "WITH gone AS (DELETE FROM jobs WHERE id = %(job)s RETURNING *) INSERT INTO jobs"
            " (id, owner, triggered_by, spec_snapshot)"
            " SELECT id, owner, triggered_by, spec_snapshot FROM gone"
        ),
        "",
    ),
}
NEXT: Final = (
    "INSERT INTO job_events (job_id, event_type) VALUES (%(job)s, 'progress') RETURNING sequence"
)
AGAIN: Final = (
    "INSERT INTO projects (id, team_id, created_by, name)"
    " VALUES (%(id)s, %(team_id)s, %(created_by)s, %(name)s)"
)


@pytest.mark.parametrize("level", LEVELS, ids=lambda level: level.name.lower())
@pytest.mark.parametrize("asked", ["IMMEDIATE", "DEFERRED"])
def test_jobs_that_a_snapshot_does_not_show_hold_their_user(
    level: IsolationLevel, asked: str, scratch: Scratch, template: Template
) -> None:
    """A creator makes four jobs; who began before cannot make a starter of that id (CARD-6)."""
    world = World()
    team, _ = world.team()
    user = world.member(team)
    with (
        scratch.cloned(template, "back") as database,
        Sandbox(database.conninfo) as sandbox,
        database.connect() as early,
    ):
        assert Accepted() == sandbox.session.transact(world.given)
        early.autocommit = False
        early.isolation_level = level
        early.execute("SET ROLE framecast_app")
        assert early.execute("SELECT count(*) FROM jobs").fetchone() == (0,)
        jobs = tuple(world.a_job(user) for _ in range(4))
        assert Accepted() == sandbox.session.transact([Insert("jobs", jobs)])

        early.execute(f"SET CONSTRAINTS ALL {asked}".encode())
        with pytest.raises((errors.RestrictViolation, errors.ForeignKeyViolation)) as refused:
            early.execute(BACK, [user["id"]])

        early.rollback()
        assert {} == sandbox.violations()
    named = refused.value.diag.constraint_name or ""
    assert named.startswith(RULES["INV-J13"].token)


def test_a_project_is_not_replaced_in_one_statement(scratch: Scratch, template: Template) -> None:
    """A finished job cannot tell its project from the new one (IMM-1); in two statements it can."""
    world = World()
    team, owner = world.team()
    project = world.project(team, owner)
    world.move(world.job(owner, urn_of_team(team), project_id=project["id"]), "completed")
    with (
        scratch.cloned(template, "back") as database,
        Sandbox(database.conninfo) as sandbox,
        database.connect() as client,
    ):
        assert Accepted() == sandbox.session.transact(world.given)
        client.execute("SET ROLE framecast_app")
        with pytest.raises(errors.CheckViolation) as refused:
            client.execute(REPLACED, project)
        with client.transaction():
            client.execute("DELETE FROM projects WHERE id = %(id)s", project)
            client.execute(AGAIN, project)
        assert [(None,)] == client.execute("SELECT project_id FROM jobs").fetchall()
        assert {} == sandbox.violations()
    assert (refused.value.diag.constraint_name or "").startswith(RULES["IMM-1"].token)


@pytest.mark.parametrize("level", LEVELS, ids=lambda level: level.name.lower())
@pytest.mark.parametrize("what", ONE_STATEMENT)
def test_the_rule_that_refuses_a_replacement_is_right(
    what: str, level: IsolationLevel, scratch: Scratch, template: Template
) -> None:
    """Whatever is replaced in one statement, no rule is broken, and none refuses that holds."""
    statement, rule = ONE_STATEMENT[what]
    world = World()
    team, owner = world.team()
    world.owned_team(owner)
    member, other = world.member(team), world.creator()
    world.owned_team(member)
    job = world.job(owner, urn_of_team(team))
    for _ in range(2):
        world.insert("job_events", world.an_event(job))
    world.move(job, "completed")
    people = {"owner": owner, "member": member, "other": other}
    rows = {**people, "team": team, "job": job}
    if "project" in what:
        rows["project"] = world.project(team, owner)
    names = {name: row["id"] for name, row in rows.items()} | {"urn": urn_of_team(team)}
    with (
        scratch.cloned(template, "back") as database,
        Sandbox(database.conninfo) as sandbox,
        database.connect() as client,
    ):
        assert Accepted() == sandbox.session.transact(world.given)
        client.isolation_level = level
        client.execute("SET ROLE framecast_app")
        named = ""
        try:
            with client.transaction():
                client.execute(statement, names)
        except errors.IntegrityError as error:
            named = error.diag.constraint_name or ""
        assert {} == sandbox.violations()
        numbers = client.execute(NEXT, names).fetchall()
    assert (rule and RULES[rule].token) == named[: len(RULES[rule].token) if rule else None]
    assert [(3,)] == numbers
