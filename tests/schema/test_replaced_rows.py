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
