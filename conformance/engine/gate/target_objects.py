"""Objects of the target that no migration has made, and that pending files meet.

What a file makes may be there under its name: it fails then, or takes the other one for its own.
And what it takes away, or makes another one, may be what a view of others reads.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from pglast import ast
from pglast.enums import AlterTableType, ObjectType

from conformance.engine.audit.description import describe
from conformance.engine.audit.findings import Fault
from conformance.engine.gate import conversions
from conformance.engine.gate.excused import settle
from conformance.engine.gate.parts import statements

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from conformance.engine.audit.description import Description
    from conformance.engine.audit.target import Connection
    from conformance.engine.deployment.migrations import Migration
    from conformance.engine.deployment.waivers import Waiver
    from conformance.engine.gate.parts import Node

NAMED: Final = (
    "relation",
    "type",
    "function",
    "column",
    "index",
    "constraint",
    "trigger",
    "policy",
)
# Words with which a file does not fail on what is there.
LENIENT: Final = re.compile(
    r"\bIF\s+NOT\s+EXISTS\b|\bOR\s+REPLACE\b|\bduplicate_\w+|\boutside a transaction\b",
    re.IGNORECASE,
)
# Views and foreign keys that lead to a table, or to a column of it.
READERS: Final = """
    SELECT DISTINCT format('%%I.%%I', n.nspname, v.relname)
      FROM pg_depend AS d
      LEFT JOIN pg_rewrite AS r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid
      LEFT JOIN pg_constraint AS k ON d.classid = 'pg_constraint'::regclass AND k.oid = d.objid
        AND k.contype = 'f'
      JOIN pg_class AS v ON v.oid = coalesce(r.ev_class, k.conrelid)
      JOIN pg_namespace AS n ON n.oid = v.relnamespace
     WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = to_regclass(%(table)s)
       AND v.oid <> d.refobjid AND (k.oid IS NULL OR %(gone)s)
       AND (%(column)s = '' OR d.refobjsubid = (
           SELECT attnum FROM pg_attribute WHERE attrelid = d.refobjid AND attname = %(column)s
       ))
     ORDER BY 1
"""
OTHER: Final = "is on the target already, and another one, which no migration has made"
SAME: Final = "is on the target already: the file fails on it"
RENAME: Final = "give it another name, or take that one away first"
FAILS: Final = "names {}, which goes: it fails when it runs"
SILENT: Final = "is the target's own, and fires no longer"
DISABLING: Final = (AlterTableType.AT_DisableTrigAll, AlterTableType.AT_DisableTrigUser)
GOES: Final = (
    "reads {}, and no migration has made it: it goes with CASCADE, and else the file fails"
)


def ask(
    conn: Connection,
    steps: Sequence[Description],
    files: Sequence[Migration],
    waivers: Sequence[Waiver],
) -> tuple[list[Fault], list[str]]:
    """Return what files meet on a target that no migration has made.

    Args:
        conn: to the target.
        steps: what the schema is before the first pending file, and after each.
        files: the pending ones.
        waivers: of theirs.
    """
    with conn.transaction(force_rollback=True):  # it sets a path of its own
        today = describe(conn)
    faults: list[Fault] = []
    notes: list[str] = []
    for file, before, after in zip(files, steps, steps[1:], strict=False):
        own = [each for each in waivers if each.file == file.name]
        faults += _met(today, before, after, file.sql)
        for reader, what in (
            *_readers(conn, before, after),
            *_failing(today, before, after),
            *_silenced(today, before, file),
        ):
            name = reader.removeprefix("public.")
            remedy = (
                f"make it anew in the file, or say why it may go: -- waives DATA {name}: reason"
            )
            settle(Fault(name, what, remedy), {f"DATA {name}"}, own, (faults, notes))
    return faults, notes


def _met(today: Description, before: Description, after: Description, text: str) -> Iterator[Fault]:
    """Yield what is new by the files, and there already."""
    met = sorted(key for key in after.keys() - before.keys() if key[0] in NAMED and key in today)
    tables = {name for kind, name in met if kind == "relation"}
    for kind, name in met:
        if kind != "relation" and _place(kind, name) in tables:
            continue  # told with its table
        parts = {(kind, name)} | {
            key for key in {*after, *today} if key[0] == "column" and _place(*key) == name
        }
        if any(after.get(key) != today.get(key) for key in parts):
            yield Fault(f"{kind} {name}", OTHER, RENAME)
        elif not LENIENT.search(text):
            yield Fault(f"{kind} {name}", SAME, RENAME)


def _readers(
    conn: Connection, before: Description, after: Description
) -> Iterator[tuple[str, str]]:
    """Yield what of others reads a column or a table that is not as it was."""
    told = set()
    for (kind, name), was in sorted(before.items()):
        now = after.get((kind, name))
        table, _, column = name.rpartition(".") if kind == "column" else (name, "", "")
        retyped = now is None or conversions.type_of(now) != conversions.type_of(was)
        if not (kind == "column" and retyped) and not (kind == "relation" and now is None):
            continue
        asked = {"table": table, "column": column.strip('"'), "gone": now is None}
        for (reader,) in conn.execute(READERS, asked).fetchall():
            if ("relation", reader) not in {*before, *after} and reader not in told:
                told.add(reader)
                yield reader, GOES.format(name.removeprefix("public."))


def _failing(
    today: Description, before: Description, after: Description
) -> Iterator[tuple[str, str]]:
    """Yield functions that name a column that goes, of the target's or of the files' own."""
    for kind, name in sorted(before.keys() - after.keys()):
        table, _, column = name.rpartition(".")
        if kind != "column" or ("relation", table) not in after:
            continue
        words = [re.compile(rf"\b{re.escape(each.strip(chr(34)))}\b") for each in (column, table)]
        fired = [text for (_, on), text in today.items() if on.endswith(f" on {table}")]
        for (what, function), said in sorted(today.items()):
            text = after.get((what, function), said)
            called = f"FUNCTION {function.partition('(')[0]}("
            reaches = words[1].search(text) or any(called in each for each in fired)
            if what == "function" and words[0].search(text) and reaches:
                yield function.partition("(")[0], FAILS.format(name.removeprefix("public."))


def _silenced(
    today: Description, before: Description, file: Migration
) -> Iterator[tuple[str, str]]:
    """Yield triggers of others that a file disables or drops."""
    others = {
        (place.removeprefix("public.").strip('"'), name.strip('"')): f"{place}.{name}"
        for kind, key in sorted(today.keys() - before.keys())
        for name, _, place in [key.partition(" on ")]
        if kind == "trigger"
    }
    for statement, *_ in statements(file.sql):
        node: Node = statement
        met: set[tuple[str, str]] = set()
        if isinstance(statement, ast.AlterTableStmt):
            of_table = {each for each in others if each[0] == node.relation.relname}
            for command in node.cmds or ():
                all_of_them = command.subtype in DISABLING
                if all_of_them or command.subtype == AlterTableType.AT_DisableTrig:
                    met |= {each for each in of_table if all_of_them or each[1] == command.name}
        elif getattr(node, "removeType", None) == ObjectType.OBJECT_TRIGGER:
            met = {(each[-2].sval, each[-1].sval) for each in node.objects or ()}
        yield from ((others[each], SILENT) for each in sorted(met & others.keys()))


def _place(kind: str, name: str) -> str:
    return name.rpartition(".")[0] if kind == "column" else name.rpartition(" on ")[2]
