"""Sequences that pending files set back, so that they give numbers once more.

A number of an invoice is in a row of another system as well. Of sequences that fill a column of
their own, the rehearsal compares rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import psycopg
from pglast import ast
from pglast.stream import RawStream

from conformance.engine.audit.findings import Fault
from conformance.engine.audit.snapshot import GIVE_UP
from conformance.engine.deployment.tokens import line_of
from conformance.engine.gate.excused import settle
from conformance.engine.gate.parts import last, named, of_block, parsed, statements
from conformance.engine.sql.tree import below

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from conformance.engine.audit.target import Connection
    from conformance.engine.deployment.migrations import Migration
    from conformance.engine.deployment.waivers import Waiver
    from conformance.engine.gate.parts import Node

# A sequence that no column owns, as a name; nothing where there is none.
FREE: Final = """
    SELECT c.oid::regclass::text, s.seqstart FROM pg_class AS c JOIN pg_sequence AS s
        ON s.seqrelid = c.oid
     WHERE c.oid = to_regclass(%s) AND NOT EXISTS (
        SELECT FROM pg_depend AS d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
            AND d.deptype IN ('a', 'i') AND d.refclassid = 'pg_class'::regclass
    )
"""
# Limits with which it cannot go on from where it stands, or goes back over what it has given.
PASSED: Final = {
    "maxvalue": "last_value > {}",
    "minvalue": "last_value < {}",
    "increment": "{0} < 0 OR last_value + {0}::numeric * 1000 > "
    "(SELECT seqmax FROM pg_sequence WHERE seqrelid = to_regclass({1}))",
}
THERE: Final = "SELECT FROM pg_class WHERE oid = to_regclass(%s) AND relkind = 'S'"
GIVEN: Final = "SELECT last_value FROM {} WHERE is_called AND last_value >= ({}) + {}"


@dataclass(frozen=True, slots=True)
class _Setting:
    """A sequence, what it is set to ('' for its start), and whether that number is given then."""

    sequence: str
    to: str
    given: bool


def ask(
    conn: Connection, files: Sequence[Migration], waivers: Sequence[Waiver]
) -> tuple[list[Fault], list[str]]:
    """Return the sequences of a target that files set back, unless they waive it."""
    faults: list[Fault] = []
    notes: list[str] = []
    for file in files:
        for line, name, last_value in _limits(conn, file):
            what = f"{name} cannot go on from {last_value:,}, where it stands today"
            faults.append(Fault(f"{file.name}:{line}", what, "leave it numbers to give"))
        for setting, line in _of_file(file):
            found = conn.execute(FREE, (setting.sequence,)).fetchone()
            stands = found and _stands(conn, setting, *found)
            if not stands:
                continue
            name = str(found[0]).removeprefix("public.") if found else ""
            what = f"gives numbers once more: {name} stands at {stands:,} today"
            remedy = f"let it go on, or say why: -- waives DATA {name}: reason"
            own = [each for each in waivers if each.file == file.name]
            fault = Fault(f"{file.name}:{line}", what, remedy)
            settle(fault, {f"DATA {name}"}, own, (faults, notes))
    return faults, notes


def _limits(conn: Connection, file: Migration) -> Iterator[tuple[int, str, int]]:
    """Yield what a file makes of the limits of sequences with which a target cannot go on."""
    for node, _, place in statements(file.sql):
        if not isinstance(node, ast.AlterSeqStmt) or not node.sequence:
            continue
        called = named(node.sequence)
        text = "'{}'".format(called.replace("'", "''"))
        for option in node.options or ():
            said = str(RawStream()(option.arg)) if option.arg else ""
            test = PASSED.get(option.defname or "", "")
            if not said or not test or conn.execute(THERE, (called,)).fetchone() is None:
                continue
            query = (
                f"SELECT last_value FROM {called} WHERE is_called AND ({test.format(said, text)})"
            )
            for (stands,) in conn.execute(query.encode()).fetchall():
                yield line_of(file.sql, place), str(node.sequence.relname), int(stands)


def _stands(conn: Connection, setting: _Setting, name: str, start: int) -> int:
    """Return the last number that a sequence has given, if a setting leads behind it."""
    query = GIVEN.format(name, setting.to or start, int(setting.given))
    try:
        with conn.transaction():
            found = conn.execute(query.encode()).fetchone()
    except GIVE_UP:
        raise
    except psycopg.Error:  # of what the files make, for one
        return 0
    return int(found[0]) if found else 0


def _of_file(file: Migration) -> Iterator[tuple[_Setting, int]]:
    for node, text, place in statements(file.sql):
        parts = [node]
        if isinstance(node, ast.DoStmt):
            parts = [each for query in of_block(text) or () for each in parsed(query)]
        if not isinstance(node, ast.CreateFunctionStmt):
            for part in parts:
                yield from ((each, line_of(file.sql, place)) for each in _settings(part))


def _settings(statement: Node) -> Iterator[_Setting]:
    for node in below(statement):
        if isinstance(node, ast.AlterSeqStmt):
            for option in node.options or ():
                if option.defname == "restart":
                    to = str(RawStream()(option.arg)) if option.arg else ""
                    yield _Setting(named(node.sequence), to, given=False)
        elif isinstance(node, ast.FuncCall) and last(node.funcname) == "setval":
            name, to, *rest = node.args or (None, None)
            called = getattr(getattr(getattr(name, "arg", name), "val", None), "sval", "")
            if called:
                yield _Setting(called, str(RawStream()(to)), given=not rest)
