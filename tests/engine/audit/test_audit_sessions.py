"""Several sessions that share an audit: they see one snapshot, and end together."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from psycopg import conninfo, sql

from conformance.engine.audit import snapshot
from conformance.engine.audit.sessions import beside, shared
from conformance.engine.audit.target import Limits, TargetError, reading

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.engine.audit.target import Connection
    from conformance.engine.postgres.scratch import Database, Scratch, Template

pytestmark = pytest.mark.usefixtures("roles_alone")
ALONE = "framecast_conformance_alone"
COUNT = "SELECT count(*) FROM users"


@pytest.fixture
def target(scratch: Scratch, template: Template) -> Iterator[Database]:
    """Lend a database in use, in which two users owe credits."""
    with scratch.cloned(template, "target") as database, database.connect() as connection:
        connection.execute("ALTER TABLE users DROP CONSTRAINT inv_u5__users_credits_not_negative")
        connection.execute(
            "INSERT INTO users (email, credits)"
            " SELECT 'user' || n || '@example.com', -n FROM generate_series(1, 2) AS n"
        )
        yield database


def ask(conn: Connection, query: str) -> object:
    """Ask a query, and return its first value."""
    return conn.execute(query.encode()).fetchall()[0][0]


def test_all_sessions_see_one_snapshot(target: Database) -> None:
    """A commit before a session begins, and after the snapshot was taken, is not seen."""
    with reading(target.conninfo, Limits()) as conn, target.connect() as writer:
        assert 2 == ask(conn, COUNT)
        writer.execute("INSERT INTO users (email) VALUES ('late@example.com')")
        with beside(conn, target.conninfo, Limits(), 2) as others:
            counts = [ask(other, COUNT) for other in others]
        written = ask(conn, "SELECT pg_current_xact_id_if_assigned()::text")

    assert [2, 2] == counts
    assert written is None


@pytest.mark.parametrize("more", [0, 1, 3])
def test_however_many_ask_the_answer_is_one(target: Database, more: int) -> None:
    """The findings and their order do not depend on how many sessions share the questions."""
    with (
        reading(target.conninfo, Limits()) as conn,
        beside(conn, target.conninfo, Limits(), more) as others,
    ):
        section = snapshot.ask(conn, lambda *_: None, others)

    assert more == len(others)
    assert [("INV-U5", 2, 2)] == [
        (fault.about, fault.count, len(fault.keys)) for fault in section.faults
    ]


def test_where_there_is_no_room_one_session_does(target: Database) -> None:
    """A role that may connect once gets its answer too."""
    role = sql.Identifier(ALONE)
    with target.connect() as owner:
        owner.execute(sql.SQL("CREATE ROLE {} LOGIN CONNECTION LIMIT 1").format(role))
        try:
            url = conninfo.make_conninfo(target.conninfo, user=ALONE)
            with reading(url, Limits()) as conn, beside(conn, url, Limits(), 3) as others:
                alone = (len(others), ask(conn, "SELECT 1"))
        finally:
            owner.execute(sql.SQL("DROP ROLE {}").format(role))

    assert (0, 1) == alone


def test_answers_come_in_the_order_of_the_questions(target: Database) -> None:
    """A free session takes the next question; answers stand where their questions stood."""
    queries = ["SELECT 0 FROM pg_sleep(0.2)", *(f"SELECT {n}" for n in range(1, 6))]
    with (
        reading(target.conninfo, Limits()) as conn,
        beside(conn, target.conninfo, Limits(), 1) as others,
    ):
        found = shared((conn, *others), queries, ask)

    assert list(range(6)) == found


def test_one_that_fails_ends_all(target: Database) -> None:
    """The first error is raised at once: the other sessions' queries are canceled."""
    queries = ["SELECT 1 FROM pg_sleep(60)", "SELECT 1 / 0"]
    begun = time.monotonic()
    with (
        pytest.raises(TargetError, match="division by zero"),
        reading(target.conninfo, Limits()) as conn,
        beside(conn, target.conninfo, Limits(), 1) as others,
    ):
        shared((conn, *others), queries, ask)

    assert time.monotonic() - begun < 30
