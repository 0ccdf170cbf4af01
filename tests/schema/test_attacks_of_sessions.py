"""Guards that a session has half taken, gives back, is interrupted at, or leaves to nobody."""

from __future__ import annotations

import os
from threading import Timer
from typing import TYPE_CHECKING, Any, Final

import psycopg
import pytest
from psycopg import errors

from conformance.engine.database.sandbox import Sandbox
from conformance.engine.postgres import Request, provision
from conformance.engine.postgres.scratch import opened
from conformance.engine.sql.outcomes import Accepted
from conformance.framecast.rules import RULES
from strategies.world import World, urn_of_team
from tests.framecast.races.test_key_order import MIGRATIONS

if TYPE_CHECKING:
    from collections.abc import Iterator

    Room = tuple[Sandbox, tuple[str, object]]

LEVELS: Final = ("READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE")
ROLES: Final = ("framecast_app", "NONE")
JOB: Final = "INSERT INTO public.jobs (owner, triggered_by, spec_snapshot) VALUES (%s, %s, '{}')"
TEAM: Final = (
    "WITH made AS (INSERT INTO public.teams (name, slug) VALUES ('Team', %s) RETURNING id, slug),"
    " led AS (INSERT INTO public.memberships (team_id, user_id, role)"
    " SELECT id, %s, 'owner' FROM made) SELECT slug FROM made"
)
# Every lock that slugs share, as anybody may take it, and in the form of one number as well.
SLUGS: Final = (
    "SELECT pg_advisory_lock(hashtext('framecast.teams.slug'), n),"
    " pg_advisory_lock(hashtext('framecast.teams.slug')::bigint << 32 | n)"
    " FROM generate_series(0, 255) AS n"
)
# How a wait for somebody's guard ends before its time.
INTERRUPTIONS: Final = {
    "lock_timeout": errors.LockNotAvailable,
    "statement_timeout": errors.QueryCanceled,
    "": errors.QueryCanceled,
}


class Rivals:
    """Two sessions of a role, and a team with room for one more job."""

    def __init__(self, sandbox: Sandbox, job: tuple[str, object]) -> None:
        """Connect; `job` is an owner and who triggers it."""
        self.sandbox = sandbox
        self.job = job
        self.one, self.other = (
            psycopg.connect(sandbox.conninfo, autocommit=True) for _ in range(2)
        )

    def loses(self, session: psycopg.Connection[Any]) -> bool:
        """Return whether a session is kept from a sixth job; nothing is broken."""
        with pytest.raises((errors.CheckViolation, errors.SerializationFailure)) as refused:
            session.execute(JOB, self.job)
        session.execute("ROLLBACK")
        assert {} == self.sandbox.violations()
        named = refused.value.diag.constraint_name
        return named is None or named.startswith(RULES["CARD-5"].token)


@pytest.fixture(scope="module")
def room() -> Iterator[Room]:
    """A server that lets transactions be prepared, and a team with four jobs."""
    world = World()
    team, owner = world.team()
    for _ in range(4):
        world.job(owner, urn_of_team(team))
    with (
        provision(Request.read({}, os.environ), {"max_prepared_transactions": "2"}) as server,
        opened(server) as scratch,
        scratch.cloned(scratch.template(MIGRATIONS), "room") as database,
        Sandbox(database.conninfo) as sandbox,
    ):
        assert Accepted() == sandbox.session.transact(world.given)
        assert sandbox.keep("room")
        yield sandbox, (urn_of_team(team), owner["id"])


@pytest.fixture(params=ROLES)
def rivals(room: Room, request: pytest.FixtureRequest) -> Iterator[Rivals]:
    """Two sessions as a role, and all rows as they were."""
    both = Rivals(*room)
    both.sandbox.bring_back("room")
    with both.one, both.other:
        for session in (both.one, both.other):
            session.execute(f"SET ROLE {request.param}".encode())
        yield both


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("how", INTERRUPTIONS)
def test_who_was_interrupted_at_a_guard_asks_it_again(how: str, level: str, rivals: Rivals) -> None:
    """Waiting for it ends by a timeout or cancellation, in a savepoint, and begins again."""
    one, other = rivals.one, rivals.other
    one.execute("BEGIN")
    one.execute(JOB, rivals.job)
    other.execute(f"BEGIN ISOLATION LEVEL {level}".encode())
    other.execute("SAVEPOINT s")
    canceling = Timer(0.1, other.cancel)
    if how:
        other.execute(f"SET LOCAL {how} = '100ms'".encode())
    else:
        canceling.start()
    with pytest.raises(INTERRUPTIONS[how]):
        other.execute(JOB, rivals.job)
    canceling.cancel()
    other.execute("ROLLBACK TO s")
    one.execute("COMMIT")
    assert rivals.loses(other)


@pytest.mark.parametrize("level", LEVELS)
def test_a_guard_that_was_given_back_is_taken_again(level: str, rivals: Rivals) -> None:
    """A savepoint takes a guard and is undone; then somebody else has it before it is wanted."""
    one, other = rivals.one, rivals.other
    one.execute(f"BEGIN ISOLATION LEVEL {level}".encode())
    one.execute("SAVEPOINT s")
    one.execute(JOB, rivals.job)
    one.execute("ROLLBACK TO s")
    other.execute("SET lock_timeout = '5s'")
    other.execute(JOB, rivals.job)
    assert rivals.loses(one)


@pytest.mark.parametrize("level", LEVELS)
def test_a_prepared_transaction_holds_its_guard(level: str, rivals: Rivals) -> None:
    """Its session has gone on; who wants the guard waits, and counts what was prepared."""
    one, other = rivals.one, rivals.other
    one.execute("BEGIN")
    one.execute(JOB, rivals.job)
    one.execute("PREPARE TRANSACTION 'job'")
    other.execute("SET lock_timeout = '100ms'")
    other.execute(f"BEGIN ISOLATION LEVEL {level}".encode())
    other.execute("SAVEPOINT s")
    with pytest.raises(errors.LockNotAvailable):
        other.execute(JOB, rivals.job)
    other.execute("ROLLBACK TO s")
    one.execute("COMMIT PREPARED 'job'")
    assert rivals.loses(other)


def test_a_transaction_that_breaks_a_rule_is_not_prepared(rivals: Rivals) -> None:
    """Checks of commit are asked before a transaction is prepared."""
    rivals.one.execute("BEGIN")
    rivals.one.execute("DELETE FROM public.memberships")
    with pytest.raises(errors.IntegrityError):
        rivals.one.execute("PREPARE TRANSACTION 'empty'")
    assert [] == rivals.other.execute("SELECT * FROM pg_prepared_xacts").fetchall()
    assert {} == rivals.sandbox.violations()


@pytest.mark.parametrize("level", LEVELS)
def test_a_slug_needs_no_lock_that_somebody_holds(level: str, rivals: Rivals) -> None:
    """A holder of all advisory locks of slugs makes made-up ones long, and given ones wait."""
    one, other = rivals.one, rivals.other
    one.execute(SLUGS)
    other.execute("SET lock_timeout = '100ms'")
    other.execute(f"SET default_transaction_isolation = '{level.lower()}'".encode())
    ((slug,),) = other.execute(TEAM, [None, rivals.job[1]]).fetchall()
    with pytest.raises(errors.LockNotAvailable):
        other.execute(TEAM, ["given", rivals.job[1]])
    one.execute("SELECT pg_advisory_unlock_all()")
    assert [("given",)] == other.execute(TEAM, ["given", rivals.job[1]]).fetchall()
    assert slug.startswith("team-")
    assert {} == rivals.sandbox.violations()
