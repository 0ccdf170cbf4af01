"""The record of changes says what the violation queries ask of it."""

from collections.abc import Iterator

import pytest

from conformance.catalogue import RULES
from conformance.lab import Lab
from conformance.postgres.scratch import Scratch, Template

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
def own(scratch: Scratch, template: Template) -> Iterator[Lab]:
    """A database with the witness beside its schema."""
    with scratch.cloned(template, "witness") as database, Lab(database.conninfo) as lab:
        yield lab


@pytest.fixture
def lab(own: Lab) -> Lab:
    """The same with a job and two old events."""
    own.reset()
    own.session.connection.execute(MADE)
    return own


def test_what_a_function_deleted_is_told_apart(lab: Lab) -> None:
    """Of rows deleted in one message it is known which the clean-up has deleted (RET-1)."""
    lab.session.connection.execute(
        "SELECT delete_old_job_events(1); DELETE FROM job_events WHERE sequence = 2"
    )
    query = f"{DELETED} FROM conformance.changes WHERE op = 'DELETE'"
    assert [(2, 1)] == lab.session.fetch(query)


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("TRUNCATE framecast.job_event_counters", ["TRUNCATE of framecast.job_event_counters"]),
        ("TRUNCATE jobs CASCADE", []),
    ],
)
def test_the_schemas_own_tables_go_with_what_they_are_kept_of(
    lab: Lab, statement: str, found: list[str]
) -> None:
    """A TRUNCATE of what the schema keeps for itself is noted, where nothing refuses it (OWN-1)."""
    lab.session.connection.execute(
        "ALTER TABLE framecast.job_event_counters DISABLE TRIGGER ALL;"
        " ALTER TABLE jobs DISABLE TRIGGER ALL;"
        " ALTER TABLE framecast.job_event_counters ENABLE TRIGGER zzz_note_truncate;"
        " ALTER TABLE jobs ENABLE TRIGGER zzz_note_truncate"
    )
    lab.session.connection.execute(statement)
    assert [(each,) for each in found] == lab.session.fetch(RULES["OWN-1"].violations)
    lab.session.connection.execute(
        "ALTER TABLE framecast.job_event_counters ENABLE TRIGGER ALL;"
        " ALTER TABLE jobs ENABLE TRIGGER ALL"
    )


def test_what_was_judged_is_fresh_no_more(lab: Lab) -> None:
    """`conformance.fresh` begins after the change that the setting names; with none, with all."""
    session = lab.session
    changes = session.fetch("SELECT seq FROM conformance.changes ORDER BY seq")
    assert changes == session.fetch("SELECT seq FROM conformance.fresh ORDER BY seq")
    session.connection.execute(f"SET conformance.seen = {changes[0][0]}")
    assert changes[1:] == session.fetch("SELECT seq FROM conformance.fresh ORDER BY seq")
