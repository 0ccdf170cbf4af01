"""Two sessions, one of which names what the other has not committed yet."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from psycopg import errors

from conformance.engine.database.sandbox import Sandbox
from conformance.engine.database.session import Session, in_order
from conformance.engine.sql.outcomes import Accepted
from conformance.engine.sql.writes import Delete, Insert, Path
from strategies.world import World, urn_of_team
from tests.support.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.engine.postgres.scratch import Database, Scratch, Template
    from conformance.engine.sql.writes import Row, Write

BLOCKED = "SELECT cardinality(pg_blocking_pids({})) > 0"


@pytest.fixture
def own(scratch: Scratch, template: Template) -> Iterator[Database]:
    """A database for one test."""
    with scratch.cloned(template, "guards") as database:
        yield database


def refusal_of_late(own: Database, given: list[Write], first: list[Write], late: Write) -> str:
    """Make a late write before the first ones have committed, and commit it after them.

    Returns:
        The token of the rule that refused the late transaction; '' where nothing did.
    """
    with (
        Sandbox(own.conninfo) as sandbox,
        Session(own.conninfo) as other,
        ThreadPoolExecutor(1) as pool,
    ):
        assert Accepted() == sandbox.session.transact(given)
        sandbox.session.connection.execute("BEGIN")
        for statement in in_order(first, Path.INSERT):
            sandbox.session.connection.execute(statement.sql)
        other.connection.execute("BEGIN")
        (statement,) = in_order([late], Path.INSERT)
        written = pool.submit(other.connection.execute, statement.sql)
        pid = other.connection.info.backend_pid
        with Session(own.conninfo) as watcher:
            until(lambda: written.done() or watcher.fetch(BLOCKED.format(pid)) == [(True,)])
        sandbox.session.connection.execute("COMMIT")
        refused = ""
        try:
            written.result()
            other.connection.execute("COMMIT")
        except errors.CheckViolation as error:
            refused = str(error.diag.constraint_name).partition("__")[0] + "__"
            other.connection.execute("ROLLBACK")
        assert {} == sandbox.violations()
    return refused


def test_a_cap_counts_a_user_who_is_just_being_made(own: Database) -> None:
    """A user whose row is not committed yet cannot be given an eleventh team by somebody else."""
    world = World()
    team, _ = world.team()
    given = list(world.given)
    world.given.clear()
    user = world.insert("users", world.a_creator())
    for _ in range(10):
        world.owned_team(user)
    late = world.a_membership(team, user, role="owner")

    refused = refusal_of_late(own, given, list(world.given), Insert("memberships", (late,)))

    assert "inv_t7__" == refused


def test_a_job_waits_for_the_end_of_its_makers_membership(own: Database) -> None:
    """A job that waited for a member to leave does not use the membership that it saw before."""
    world = World()
    team, _ = world.team()
    leaver = world.creator()
    seat = world.insert("memberships", world.a_membership(team, leaver))
    job = world.a_job(leaver, urn_of_team(team))
    leaves: list[Write] = [Delete("memberships", {"id": seat["id"]})]

    refused = refusal_of_late(own, list(world.given), leaves, Insert("jobs", (job,)))

    assert "inv_x1__" == refused


def test_a_passing_membership_of_nobody_leaves_nothing(own: Database) -> None:
    """A membership that is gone again before its user was ever made is no reason to refuse."""
    world = World()
    team, _ = world.team()
    nobody: Row = world.a_creator()
    passing = world.a_membership(team, nobody)

    with Session(own.conninfo) as session:
        outcome = session.transact(
            [
                *world.given,
                Insert("memberships", (passing,)),
                Delete("memberships", {"id": passing["id"]}),
            ]
        )

    assert Accepted() == outcome


def test_an_event_that_is_dropped_needs_no_job(own: Database) -> None:
    """ON CONFLICT DO NOTHING drops an event with a known id, whatever job it names."""
    world = World()
    event = world.an_event(world.job(world.starter()))
    world.insert("job_events", event)

    with Session(own.conninfo) as session:
        assert Accepted() == session.transact(world.given)
        session.connection.execute(
            "INSERT INTO job_events (id, job_id, event_type)"
            " VALUES (%s, gen_random_uuid(), 'progress') ON CONFLICT (id) DO NOTHING",
            [event["id"]],
        )

        assert [(1,)] == session.fetch("SELECT count(*) FROM job_events")
