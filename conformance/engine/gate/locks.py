"""Locks that pending files take, and tables that they write anew, by the sizes of the target's.

They are seen where the files run on a scratch server; how long they last is estimated from how many
rows the target has. A table that is written anew can neither be read nor written meanwhile.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pglast import ast
from pglast.enums import ConstrType

from conformance.engine.audit.findings import Fault
from conformance.engine.deployment.tokens import by_statement
from conformance.engine.gate.excused import settle
from conformance.engine.gate.parts import named, statements

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from conformance.engine.audit.target import Connection
    from conformance.engine.deployment.migrations import Migration
    from conformance.engine.deployment.waivers import Waiver

# Of every table: where it is stored, which is another place once it is written anew.
PLACES = """
    SELECT c.oid::regclass::text, pg_relation_filenode(c.oid)
      FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
     WHERE c.relkind = 'r' AND n.nspname !~ '^(pg_|information_schema$|conformance$)'
"""
MODES = """
    SELECT l.relation::regclass::text, array_agg(DISTINCT l.mode)
      FROM pg_locks AS l JOIN pg_class AS c ON c.oid = l.relation
     WHERE l.pid = pg_backend_pid() AND l.granted AND c.relkind = 'r'
       AND c.relnamespace <> 'pg_catalog'::regnamespace
     GROUP BY 1
"""
CALLED = "SELECT to_regclass(%s)::text"
SIZES = """
    SELECT greatest(c.reltuples, 0)::bigint, pg_total_relation_size(c.oid)
      FROM pg_class AS c WHERE c.oid = to_regclass(%s)
"""
# In what they keep out, and what they keep out in words.
KEEPS_OUT = (
    ("AccessExclusiveLock", "all who read or write"),
    ("ExclusiveLock", "all who write"),
    ("ShareRowExclusiveLock", "all who write"),
    ("ShareLock", "all who write"),
)
ROWS_A_SECOND = 15_000  # written anew with their indexes, on a server that is busy
EXCLUDED_A_SECOND = 3_000  # rows that are put into a GiST index and compared by a new exclusion
LONGEST = 5.0  # seconds that others may have to wait


@dataclass(frozen=True, slots=True)
class Held:
    """Effect of a file on one table.

    Attributes:
        table: by its name.
        mode: the strongest lock.
        anew: whether all rows are written.
        seconds: how long the file takes where there are no rows.
        excludes: whether a new constraint compares all rows with the others.
    """

    table: str
    mode: str
    anew: bool
    seconds: float = 0.0
    excludes: bool = False

    @property
    def rate(self) -> int:
        """Rows that it takes up each second."""
        return EXCLUDED_A_SECOND if self.excludes else ROWS_A_SECOND


def places(conn: Connection) -> dict[str, int]:
    """Return where each table is stored."""
    return dict(conn.execute(PLACES).fetchall())


def held(
    conn: Connection, file: Migration, before: Mapping[str, int], seconds: float = 0.0
) -> list[Held]:
    """Return what a file has locked that was there, in the transaction that has just run it."""
    after = places(conn)
    modes = dict(conn.execute(MODES).fetchall())
    whole, apart = set(_whole(file)), set(_apart(file))
    found = []
    for table, place in before.items():
        taken = modes.get(table, ())
        mode = next((mode for mode, _ in KEEPS_OUT if mode in taken), "")
        names = {table, table.rpartition(".")[2]}
        anew = after.get(table, place) != place or bool(names & whole)
        if mode or anew:
            found.append(Held(table, mode, anew, seconds, bool(names & apart)))
    return found


def outside(conn: Connection, file: Migration) -> list[Held]:
    """Return what a file locks that runs outside a transaction: no other statement does so long."""
    return [
        Held(name, KEEPS_OUT[0][0], anew=True)
        for node, *_ in statements(file.sql)
        if isinstance(node, ast.VacuumStmt) and "full" in {o.defname for o in node.options or ()}
        for each in node.rels or ()
        for (name,) in conn.execute(CALLED, (named(each.relation),)).fetchall()
    ]


def estimate(
    conn: Connection, file: Migration, locks: Sequence[Held], waivers: Sequence[Waiver]
) -> tuple[list[Fault], list[str]]:
    """Return which tables of a target a file would hold for long, and which for a moment."""
    faults: list[Fault] = []
    notes: list[str] = []
    words = dict(KEEPS_OUT)
    for lock in locks:
        size = conn.execute(SIZES, (lock.table,)).fetchone()
        if size is None or not size[0]:
            continue
        rows, size_of = int(size[0]), f"{size[1] / 1e6:,.0f} MB"
        out = words.get(lock.mode, "all who change the same rows")
        what = f"keeps out {out}" + (
            f", and {'compares' if lock.excludes else 'writes'} all of about {rows:,} rows "
            f"({size_of}): about {rows / lock.rate:,.0f} s"
            if lock.anew or lock.excludes
            else f" of about {rows:,} rows ({size_of}) for {lock.seconds:.0f} s, even without any"
            if lock.mode and lock.seconds > LONGEST
            else f" of about {rows:,} rows ({size_of}) until the file has run"
        )
        every = lock.anew or lock.excludes
        longest = max(every * rows / lock.rate, bool(lock.mode) * lock.seconds)
        if longest <= LONGEST:
            notes.append(f"{file.name} {what}: {lock.table}")
        else:
            steps = "a new column, batches, a constraint NOT VALID"
            steps = (
                "run it while nobody needs the table"
                if lock.excludes
                else f"do it in steps ({steps})"
            )
            remedy = f"{steps}, or say why it may: -- waives LOCK {lock.table}: reason"
            own = [each for each in waivers if each.file == file.name]
            fault = Fault(file.name, f"{lock.table}: {what}", remedy)
            settle(fault, {f"LOCK {lock.table}"}, own, (faults, notes), what)
    return faults, notes


def _apart(file: Migration) -> Iterator[str]:
    """Yield tables that a file gives a constraint which compares rows by an index of its own."""
    for node, *_ in statements(file.sql):
        for each in getattr(node, "cmds", None) or ():
            constraint = getattr(each, "def_", None)
            if isinstance(constraint, ast.Constraint) and (
                constraint.contype == ConstrType.CONSTR_EXCLUSION or constraint.without_overlaps
            ):
                yield str(node.relation.relname)


def _whole(file: Migration) -> Iterator[str]:
    """Yield tables of which a file updates or deletes every row."""
    for statement in by_statement(file.sql):
        words = [token.word for token in statement]
        if words[0] in {"update", "delete"} and "where" not in words:
            rest = [word for word in words[1:] if word not in {"from", "only"}]
            yield rest[2] if rest[1:2] == ["."] else rest[0]
