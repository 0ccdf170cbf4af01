"""The record of changes says what the violation queries ask of it."""

from collections.abc import Iterator

import pytest
from psycopg import IntegrityError

from conformance.engine.database.sandbox import Sandbox
from conformance.engine.postgres.scratch import Scratch, Template
from conformance.framecast.rules import RULES

MADE = """
INSERT INTO users (id, email) VALUES ('00000000-0000-4000-8000-000000000001', 'ann@example.com');
INSERT INTO jobs (id, owner, triggered_by, spec_snapshot) VALUES (
    '00000000-0000-4000-8000-000000000002',
    'framecast:user:00000000-0000-4000-8000-000000000001',
    '00000000-0000-4000-8000-000000000001', '{}'
);
INSERT INTO job_events (job_id, event_type, created_at) VALUES
    ('00000000-0000-4000-8000-000000000002', 'queued', now() - interval '8 days'),
    ('00000000-0000-4000-8000-000000000002', 'started', now() - interval '8 days');
"""
DELETED = "SELECT count(*), count(*) FILTER (WHERE via LIKE '%delete_old_job_events%')"


@pytest.fixture(scope="module")
def own(scratch: Scratch, template: Template) -> Iterator[Sandbox]:
    """A database with the change log beside its schema."""
    with scratch.cloned(template, "change_log") as database, Sandbox(database.conninfo) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(own: Sandbox) -> Sandbox:
    """The same with a job and two old events."""
    own.reset()
    own.session.connection.execute(MADE)
    return own


def test_what_a_function_deleted_is_told_apart(sandbox: Sandbox) -> None:
    """Of rows deleted in one message it is known which the clean-up has deleted (RET-1)."""
    sandbox.session.connection.execute(
        "SELECT delete_old_job_events(1); DELETE FROM job_events WHERE sequence = 2"
    )
    query = f"{DELETED} FROM conformance.changes WHERE op = 'DELETE'"
    assert [(2, 1)] == sandbox.session.fetch(query)


BOOKS = {
    "framecast.user_guards": "users",
    "framecast.team_guards": "teams",
}
TEAM = """
INSERT INTO teams (id, name, slug) VALUES ('00000000-0000-4000-8000-000000000003', 'a', 'a-team');
INSERT INTO users (id, email, tier, upgraded_at) VALUES
    ('00000000-0000-4000-8000-000000000004', 'bob@example.com', 'creator', now());
INSERT INTO memberships (id, team_id, user_id, role) VALUES (
    '00000000-0000-4000-8000-000000000005', '00000000-0000-4000-8000-000000000003',
    '00000000-0000-4000-8000-000000000004', 'owner'
);
"""
ENDED = """
UPDATE jobs SET status = 'canceled', failure_type = 'canceled';
"""


@pytest.mark.parametrize("books", BOOKS)
def test_books_of_nobody_may_be_truncated(own: Sandbox, books: str) -> None:
    """TRUNCATE of bookkeeping is accepted, and breaks nothing, while there is nothing to keep."""
    own.reset()
    for body in (f"TRUNCATE {books}", f"BEGIN; TRUNCATE {books}; TRUNCATE {books}; COMMIT"):
        own.session.connection.execute(body)
    assert [] == own.session.fetch(RULES["OWN-1"].violations)


@pytest.mark.parametrize("books", BOOKS)
def test_books_truncated_with_their_parent_are_no_breach(sandbox: Sandbox, books: str) -> None:
    """TRUNCATE of bookkeeping with what it is kept of breaks nothing, by name or by CASCADE."""
    sandbox.session.connection.execute(f"BEGIN; {TEAM} COMMIT; {ENDED}")
    sandbox.session.connection.execute(f"TRUNCATE users, teams, {books} CASCADE")
    assert [] == sandbox.session.fetch(RULES["OWN-1"].violations)


@pytest.mark.parametrize("books", BOOKS)
def test_books_truncated_beside_their_parent_are_a_breach(sandbox: Sandbox, books: str) -> None:
    """TRUNCATE of bookkeeping is refused once its parent has rows again, or is a breach."""
    kind = books.partition(".")[2]
    guard = f"_300_own_1__{kind}_truncated_with_{BOOKS[books]}"
    again = f"{ENDED} TRUNCATE users, teams CASCADE; {TEAM} {MADE} SET CONSTRAINTS ALL IMMEDIATE;"
    connection = sandbox.session.connection
    with pytest.raises(IntegrityError) as refused:
        connection.execute(f"BEGIN; {again} TRUNCATE {books}; COMMIT")
    connection.execute("ROLLBACK")
    assert guard.removeprefix("_300_") == refused.value.diag.constraint_name

    connection.execute(f"ALTER TABLE {books} DISABLE TRIGGER {guard}")
    try:
        connection.execute(f"BEGIN; {again} TRUNCATE {books}; COMMIT")
        assert [(f"TRUNCATE of {books}",)] == sandbox.session.fetch(RULES["OWN-1"].violations)
    finally:
        connection.execute(f"ALTER TABLE {books} ENABLE TRIGGER {guard}")


def test_numbers_of_events_may_not_be_truncated(sandbox: Sandbox) -> None:
    """TRUNCATE of what counts events is refused, also where no job is left to count for."""
    connection = sandbox.session.connection
    connection.execute(f"BEGIN; {ENDED} TRUNCATE users, teams CASCADE; COMMIT")
    with pytest.raises(IntegrityError) as refused:
        connection.execute("TRUNCATE framecast.job_event_counters")
    assert "own_1__job_event_counters_not_truncated" == refused.value.diag.constraint_name
    assert [] == sandbox.session.fetch(RULES["OWN-1"].violations)


def test_books_of_nothing_known_may_not_be_truncated(scratch: Scratch, template: Template) -> None:
    """TRUNCATE of a table of the schema's own that refers to no other is a breach in any case."""
    with scratch.cloned(template, "unknown") as database:
        with database.connect() as connection:
            connection.execute("CREATE TABLE framecast.totals (jobs bigint NOT NULL)")
        with Sandbox(database.conninfo) as sandbox:
            sandbox.session.connection.execute("TRUNCATE framecast.totals")
            found = sandbox.session.fetch(RULES["OWN-1"].violations)
    assert [("TRUNCATE of framecast.totals",)] == found


def test_what_was_judged_is_fresh_no_more(sandbox: Sandbox) -> None:
    """`conformance.fresh` begins after the change that the setting names; with none, with all."""
    session = sandbox.session
    changes = session.fetch("SELECT seq FROM conformance.changes ORDER BY seq")
    assert changes == session.fetch("SELECT seq FROM conformance.fresh ORDER BY seq")
    session.connection.execute(f"SET conformance.seen = {changes[0][0]}")
    assert changes[1:] == session.fetch("SELECT seq FROM conformance.fresh ORDER BY seq")
