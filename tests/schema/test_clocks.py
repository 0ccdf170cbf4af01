"""An application's clock goes ahead of the database's, or behind: what is filled in still fits."""

from typing import Final

import psycopg
import pytest

from conformance.engine.sql.documents import Jsonb
from conformance.engine.sql.writes import Sql, Update
from strategies.column_cases import a_row
from strategies.near_misses.upkeep import CHANGES
from strategies.world import World
from tests.support.clients import Connection, asked, whole, write

OFFSETS: Final = ("-8760 hours", "-5 milliseconds", "0", "5 milliseconds", "8760 hours")
AHEAD: Final = ("1 minute", "8760 hours")
# The checks that compare two times of a row. INV-J2, in a trigger, compares two more.
COMPARED: Final = """
SELECT k.conrelid::regclass::text, array_agg(a.attname::text ORDER BY a.attname)
FROM pg_constraint AS k
JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = ANY(k.conkey)
WHERE k.contype = 'c' AND k.connamespace IN ('public'::regnamespace, 'framecast'::regnamespace)
    AND a.atttypid = 'timestamptz'::regtype
GROUP BY k.oid HAVING count(*) > 1
"""
KEPT: Final = ("users", "teams", "projects", "jobs", "asset_files", "webhooks")
# Pairs of times of which the database fills in one or both.
FILLED: Final = {
    *((table, "created_at", "updated_at") for table in KEPT),
    ("invitations", "created_at", "expires_at"),
    ("jobs", "created_at", "started_at"),
    ("jobs", "completed_at", "started_at"),
}
# It answers no invitation: both are always given.
GIVEN: Final = {
    ("invitations", "accepted_at", "created_at"),
    ("invitations", "accepted_at", "revoked_at"),
}
# Column -> what may be given for it with a new row, for the other one to be filled in.
ON_INSERT: Final = {
    **{(table, column): OFFSETS for table in KEPT for column in ("created_at", "updated_at")},
    ("invitations", "created_at"): OFFSETS,
    # Of one that has expired no state is legal: it is inserted open.
    ("invitations", "expires_at"): AHEAD,
    ("jobs", "started_at"): OFFSETS,
    ("jobs", "completed_at"): OFFSETS,
}
END: Final = {"status": "completed", "output": Jsonb({"url": "x"})}


def at(offset: str) -> Sql:
    """Return the moment of the transaction, moved."""
    return Sql(f"now() + interval '{offset}'")


def test_every_pair_of_times_is_known(client: Connection) -> None:
    """Every comparison of two times of a row is one of the pairs that are tried here."""
    found = {(table, *columns) for table, columns in client.execute(COMPARED)}
    assert FILLED | GIVEN == found
    assert {(table, each) for table, *pair in FILLED for each in pair} == ON_INSERT.keys()


@pytest.mark.parametrize(("table", "column"), ON_INSERT)
def test_what_is_filled_in_fits_what_was_given(table: str, column: str, client: Connection) -> None:
    """A row with one time by the application's clock is accepted: the others are the database's."""
    for offset in ON_INSERT[table, column]:
        world = World()
        row = {**a_row(table, world), column: at(offset)}
        whole(client, world, table, row)
        write(client, Update(table, {"id": row["id"]}, CHANGES.get(table, {"role": "viewer"})))
        if column != "updated_at":
            expected = f"{column} = now() + interval '{offset}'"
            assert [(True,)] == asked(client, table, expected, row["id"]), offset
        client.rollback()


@pytest.mark.parametrize("offset", OFFSETS)
def test_an_invitation_is_open_for_a_week(offset: str, client: Connection) -> None:
    """The default of expires_at is a week after now(), or after a later created_at."""
    world = World()
    row = {**a_row("invitations", world), "created_at": at(offset)}
    whole(client, world, "invitations", row)
    expected = "expires_at = greatest(now(), created_at) + interval '168 hours'"
    assert [(True,)] == asked(client, "invitations", expected, row["id"])


def fits(**times: str | None) -> bool:
    """Return whether the times of a job that were given fit each other."""
    given = [OFFSETS.index(each) for each in times.values() if each is not None]
    return given == sorted(given)


@pytest.mark.parametrize("started", [None, *OFFSETS])
@pytest.mark.parametrize("created", [None, *OFFSETS])
def test_a_job_runs_to_its_end_whatever_was_given(
    created: str | None, started: str | None, client: Connection
) -> None:
    """Of a job's three times any may be given that fit each other, when it is made: it goes on."""
    for completed in (None, *OFFSETS):
        if not fits(created=created, started=started, completed=completed):
            continue
        times = {"created_at": created, "started_at": started, "completed_at": completed}
        given = {name: at(offset) for name, offset in times.items() if offset is not None}
        world = World()
        row = {**a_row("jobs", world), **given}
        whole(client, world, "jobs", row)
        write(client, Update("jobs", {"id": row["id"]}, {"status": "processing"}))
        write(client, Update("jobs", {"id": row["id"]}, END))
        client.rollback()


@pytest.mark.parametrize("completed", [None, *OFFSETS])
@pytest.mark.parametrize("created", OFFSETS)
def test_a_job_ends_whatever_is_given_on_the_way(
    created: str, completed: str | None, client: Connection
) -> None:
    """Of a job that is claimed and ended, started_at may be given or not, and completed_at too."""
    for started in (None, *OFFSETS):
        if not fits(created=created, started=started, completed=completed):
            continue
        world = World()
        row = {**a_row("jobs", world), "created_at": at(created)}
        whole(client, world, "jobs", row)
        claim = {"status": "processing"} | ({"started_at": at(started)} if started else {})
        write(client, Update("jobs", {"id": row["id"]}, claim))
        # Once a claim has filled in started_at, an earlier end contradicts it.
        is_late = started is not None or fits(now="0", completed=completed)
        end = END | ({"completed_at": at(completed)} if completed and is_late else {})
        write(client, Update("jobs", {"id": row["id"]}, end))
        client.rollback()


@pytest.mark.parametrize("table", KEPT)
def test_what_is_recorded_after_the_fact_is_asked(table: str, client: Connection) -> None:
    """Two times that were given, both past, and contradict each other, are refused by name."""
    world = World()
    row = {**a_row(table, world), "updated_at": at(OFFSETS[0]), "created_at": at(OFFSETS[1])}
    with pytest.raises(psycopg.errors.CheckViolation) as refused:
        whole(client, world, table, row)
    assert str(refused.value.diag.constraint_name).endswith("_created_not_after_updated")
