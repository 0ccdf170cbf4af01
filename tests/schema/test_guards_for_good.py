"""Guards are told apart from those of any other transaction, however many there have been."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import psycopg
import pytest
from psycopg import errors

from conformance.engine.database.session import Session
from conformance.engine.postgres import binaries, provision
from conformance.engine.postgres.identity import run_as
from conformance.engine.postgres.request import Request
from conformance.engine.sql.writes import Insert, Update, statements
from strategies.world import World, urn_of_team
from tests.framecast.races.test_key_order import MIGRATIONS

if TYPE_CHECKING:
    from conformance.engine.postgres.scratch import Scratch, Template
    from conformance.engine.sql.writes import Row, Write

# What 32 bits tell apart is the same for one transaction in 2^32.
WRAPPED: Final = re.compile(r"\bxmin\b|\bxmax\b|::\s*xid\b|\bage\s*\(|\btxid_", re.IGNORECASE)


def test_no_function_reads_what_wraps(scratch: Scratch, template: Template) -> None:
    """No function of the schema reads a transaction id of 32 bits."""
    with scratch.cloned(template, "wraps") as database, database.connect() as connection:
        bodies = connection.execute(
            "SELECT proname, prosrc FROM pg_proc WHERE pronamespace = ANY"
            " ('{public,framecast}'::regnamespace[])"
        ).fetchall()
    assert len(bodies) > 30
    assert [] == [name for name, source in bodies if WRAPPED.search(re.sub("--.*", "", source))]


def a_team_at_the_edge(session: Session) -> tuple[Row, Row]:
    """Give a team four active jobs of one owner; return two further jobs, for its last place."""
    world = World()
    team, owner = world.team()
    for _ in range(4):
        world.job(owner, urn_of_team(team))
    for write in _one_by_one(world.given):
        assert "accepted" == str(session.transact(write))
    return world.a_job(owner, urn_of_team(team)), world.a_job(owner, urn_of_team(team))


def _one_by_one(given: list[Write]) -> list[list[Write]]:
    """A job each in a transaction of its own, after what it needs."""
    jobs: list[Write] = [
        each for each in given if isinstance(each, Insert) and each.table == "jobs"
    ]
    return [[each for each in given if each not in jobs], *([job] for job in jobs)]


# The guard as a dump of another server has it, whose writer had the number of a transaction here.
BROUGHT = """
ALTER TABLE framecast.team_guards DISABLE TRIGGER USER;
UPDATE framecast.team_guards SET server_start = 'epoch', written_in = '{}'::xid8;
ALTER TABLE framecast.team_guards ENABLE TRIGGER USER
"""


def two_at_once(conninfo: str, jobs: tuple[Row, Row], before: str = "") -> str:
    """Insert the first job while the second session has a snapshot; return the first's id.

    A guard that was only locked, and not written, lets the second count in its old snapshot.
    `before` is done when the first session's number, which it may name, is known.
    """
    first, second = (statements(Insert("jobs", (row,)))[0].sql for row in jobs)
    with Session(conninfo) as one, Session(conninfo) as other:
        one.connection.execute("BEGIN")
        ((number,),) = one.fetch("SELECT pg_current_xact_id()::text")
        if before:
            other.connection.execute(before.format(number))
        other.connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        other.fetch("SELECT count(*) FROM jobs")
        one.connection.execute(first)
        one.connection.execute("COMMIT")
        with pytest.raises(errors.SerializationFailure):
            other.connection.execute(second)
    return str(number)


def test_a_guard_outlives_transaction_ids() -> None:
    """The transaction that has the same 32 bits as the last writer of a guard writes it again."""
    with provision(Request()) as server:
        cluster, bin_dir = server.cluster, binaries.embedded()
        assert cluster is not None
        assert bin_dir is not None
        with psycopg.connect(server.conninfo, autocommit=True) as connection:
            for file in sorted(MIGRATIONS.glob("*.sql")):
                connection.execute(file.read_bytes())
        with Session(server.conninfo) as session:
            jobs = a_team_at_the_edge(session)
            session.connection.execute("VACUUM (FREEZE)")  # which keeps xmin
            query = "SELECT max(xmin::text::bigint) FROM framecast.team_guards"
            ((xmin,),) = session.fetch(query)
            session.connection.execute("CHECKPOINT")
        cluster.kill()
        data = cluster.folder / "data"
        (data / "postmaster.pid").unlink(missing_ok=True)
        reset = [str(bin_dir / "pg_resetwal"), "-f", "-e", "1", "-x", str(xmin), str(data)]
        done = run_as(binaries.inspect(bin_dir, "").identity, reset)
        assert 0 == done.returncode, done.stderr
        cluster.start()
        assert str((1 << 32) + int(str(xmin))) == two_at_once(server.conninfo, jobs)


def test_a_guard_that_a_dump_brought_is_nobodys(scratch: Scratch, template: Template) -> None:
    """A guard that was written on another server in a transaction of this id is written again."""
    with scratch.cloned(template, "dumped") as database:
        with Session(database.conninfo) as session:
            jobs = a_team_at_the_edge(session)
        assert two_at_once(database.conninfo, jobs, BROUGHT)


def test_a_guard_is_written_once_with_savepoints(scratch: Scratch, template: Template) -> None:
    """A savepoint is no other transaction: its guards are those of the whole."""
    with scratch.cloned(template, "savepoints") as database, Session(database.conninfo) as session:
        jobs = a_team_at_the_edge(session)
        session.transact([Update("jobs", {}, {"status": "processing"})])
        session.connection.execute("BEGIN")
        session.connection.execute(statements(Insert("jobs", (jobs[0],)))[0].sql)
        guard = "SELECT ctid::text, written_in FROM framecast.team_guards ORDER BY 1"
        before = session.fetch(guard)
        session.connection.execute("SAVEPOINT again")
        with pytest.raises(psycopg.errors.CheckViolation):
            session.connection.execute(statements(Insert("jobs", (jobs[1],)))[0].sql)
        session.connection.execute("ROLLBACK TO SAVEPOINT again")
        assert before == session.fetch(guard)
        session.connection.execute("ROLLBACK")
