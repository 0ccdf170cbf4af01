"""Ledger of what the database has acknowledged, kept outside it, to compare after a crash.

Each transaction also writes its own number, as its last statement, to a table that nobody else
writes. So whether it committed can be looked up, whatever became of the rows that it wrote.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID

from conformance.engine.soak.faults import Fault
from conformance.engine.sql.writes import Delete, Insert, Statement

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import psycopg

    from conformance.engine.sql.writes import Write

INSTALL = """
CREATE SCHEMA IF NOT EXISTS conformance;
CREATE TABLE conformance.ledger (client integer NOT NULL, number integer NOT NULL);
CREATE TABLE conformance.erased (id uuid NOT NULL);
CREATE FUNCTION conformance.note_erased() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_via text;
BEGIN
    GET DIAGNOSTICS v_via = PG_CONTEXT;
    IF v_via LIKE '%erase_user%' THEN
        INSERT INTO conformance.erased (id) VALUES (OLD.id);
    END IF;
    RETURN NULL;
END;
$$;
DO $$
DECLARE
    v_table text;
BEGIN
    FOREACH v_table IN ARRAY '{teams,memberships,invitations,api_keys}'::text[] LOOP
        EXECUTE format('CREATE TRIGGER note_erased AFTER DELETE ON public.%I FOR EACH ROW'
            ' EXECUTE FUNCTION conformance.note_erased()', v_table);
    END LOOP;
END;
$$
"""
ENTRIES = "SELECT client, number FROM conformance.ledger"
# Only the function knows what goes with an account that is erased, so it is noted there.
ERASED = "SELECT id FROM conformance.erased"
# The columns that name a row with which this one goes.
GOES_WITH = {
    "memberships": ("team_id", "user_id"),
    "invitations": ("team_id",),
    "projects": ("team_id",),
    "job_events": ("job_id",),
    "api_keys": ("user_id",),
    "asset_files": ("project_id",),
    "webhooks": ("team_id",),
    "webhook_deliveries": ("webhook_id",),
}


@dataclass(slots=True)
class Ledger:
    """Answers that one client got for its transactions, by their numbers.

    `unknown` are those whose answer was lost with the connection. `rows` are the keys that were
    inserted, by table, each with the keys that it may go with; `removed` those that may be gone.
    """

    client: int
    accepted: set[int] = field(default_factory=set)
    refused: set[int] = field(default_factory=set)
    unknown: set[int] = field(default_factory=set)
    rows: dict[UUID, tuple[str, tuple[UUID, ...]]] = field(default_factory=dict)
    removed: set[UUID] = field(default_factory=set)
    last: int = 0

    def entry(self) -> tuple[int, Statement]:
        """Return the next number, and the statement that writes it."""
        self.last += 1
        values = f"{self.client}, {self.last}"
        return self.last, Statement(
            f"INSERT INTO conformance.ledger (client, number) VALUES ({values})"
        )

    def accept(self, number: int, writes: Iterable[Write]) -> None:
        """Note that a transaction was acknowledged."""
        self.remove(writes)
        self.claim(writes)
        self.accepted.add(number)

    def claim(self, writes: Iterable[Write]) -> None:
        """Note the rows that were inserted, of which none may be lost."""
        for write in writes:
            if isinstance(write, Insert):
                self._claim(write)

    def _claim(self, insert: Insert) -> None:
        columns = GOES_WITH.get(insert.table, ())
        for row in insert.rows:
            key = row.get("id")
            # What arrives old may be cleaned up at any time.
            if isinstance(key, UUID) and "created_at" not in row:
                parents = (row.get(name) for name in columns)
                self.rows[key] = (
                    insert.table,
                    tuple(each for each in parents if isinstance(each, UUID)),
                )

    def remove(self, writes: Iterable[Write]) -> None:
        """Note that rows may be gone: a transaction that removes them is about to be sent."""
        for write in writes:
            if isinstance(write, Delete) and isinstance(key := write.key.get("id"), UUID):
                self.removed.add(key)


@dataclass(frozen=True, slots=True)
class Account:
    """Comparison of the ledgers of all clients with the database.

    Attributes:
        missing: transactions that were acknowledged and are not there, as (client, number).
        undead: transactions that were refused and are there.
        lost: rows that were inserted, that nobody removed, and that are not there: (table, key).
        found, not_found: how many of the unknown ones did commit, and did not.
    """

    missing: list[tuple[int, int]]
    undead: list[tuple[int, int]]
    lost: list[tuple[str, str]]
    found: int
    not_found: int

    def faults(self) -> Iterator[Fault]:
        """Say what of it should not be."""
        for client, number in self.missing:
            told = f"transaction {number} of client {client} was acknowledged, and is not there"
            yield Fault("commit lost", f"client {client}", told)
        for client, number in self.undead:
            told = f"transaction {number} of client {client} was refused, and is there"
            yield Fault("refusal committed", f"client {client}", told)
        for table, key in self.lost:
            told = f"row {key} was inserted, nobody removed it, and it is not there"
            yield Fault("row lost", table, told)


def compare(connection: psycopg.Connection[Any], ledgers: Iterable[Ledger]) -> Account:
    """Compare the ledgers of clients that are at rest with the database."""
    there: dict[int, set[int]] = {}
    for client, number in connection.execute(ENTRIES):
        there.setdefault(client, set()).add(number)
    ledgers = list(ledgers)
    rows = {key: claim for ledger in ledgers for key, claim in ledger.rows.items()}
    removed = {key for ledger in ledgers for key in ledger.removed}
    removed |= {key for (key,) in connection.execute(ERASED)}
    present = {
        table: {key for (key,) in connection.execute(f"SELECT id FROM public.{table}")}
        for table in {table for table, _ in rows.values()}
    }
    entries = [(ledger, there.get(ledger.client, set())) for ledger in ledgers]
    found = sum(len(each.unknown & seen) for each, seen in entries)
    return Account(
        [(each.client, n) for each, seen in entries for n in sorted(each.accepted - seen)],
        [(each.client, n) for each, seen in entries for n in sorted(each.refused & seen)],
        [
            (table, str(key))
            for key, (table, _) in rows.items()
            if key not in present[table] and not _may_be_gone(key, rows, removed)
        ],
        found,
        sum(len(each.unknown) for each in ledgers) - found,
    )


def _may_be_gone(
    key: UUID, rows: dict[UUID, tuple[str, tuple[UUID, ...]]], removed: set[UUID]
) -> bool:
    """Return whether somebody removed a row, or one that it goes with."""
    if key in removed:
        return True
    _, goes_with = rows.get(key, ("", ()))
    return any(_may_be_gone(each, rows, removed) for each in goes_with)
