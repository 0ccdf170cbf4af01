"""Objects of the target alone that a file drops IF they EXIST: no scratch server has them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import psycopg
from pglast import ast
from pglast.enums import DropBehavior, ObjectType
from pglast.stream import RawStream

from conformance.engine.audit.findings import Fault
from conformance.engine.gate.excused import settle
from conformance.engine.gate.made_up import Reader
from conformance.engine.gate.parts import body, of_block, parsed, quoted, statements

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from conformance.engine.audit.target import Connection
    from conformance.engine.deployment.migrations import Migration
    from conformance.engine.deployment.waivers import Waiver
    from conformance.engine.gate.parts import Node

# Kinds by the words of `pg_get_object_address`.
KINDS: Final = {
    ObjectType.OBJECT_AGGREGATE: "aggregate",
    ObjectType.OBJECT_COLLATION: "collation",
    ObjectType.OBJECT_DOMAIN: "type",
    ObjectType.OBJECT_EVENT_TRIGGER: "event trigger",
    ObjectType.OBJECT_EXTENSION: "extension",
    ObjectType.OBJECT_FOREIGN_TABLE: "foreign table",
    ObjectType.OBJECT_FUNCTION: "function",
    ObjectType.OBJECT_MATVIEW: "materialized view",
    ObjectType.OBJECT_PROCEDURE: "procedure",
    ObjectType.OBJECT_PUBLICATION: "publication",
    ObjectType.OBJECT_ROUTINE: "routine",
    ObjectType.OBJECT_SCHEMA: "schema",
    ObjectType.OBJECT_SEQUENCE: "sequence",
    ObjectType.OBJECT_TABLE: "table",
    ObjectType.OBJECT_TYPE: "type",
    ObjectType.OBJECT_VIEW: "view",
}
SCHEMALESS: Final = ("event trigger", "extension", "publication", "schema")
ADDRESS: Final = """
    SELECT i.identity FROM pg_get_object_address(%(kind)s, %(name)s, %(arguments)s) AS a,
        pg_identify_object(a.classid, a.objid, a.objsubid) AS i
"""
# All functions of a name, where a statement names no arguments.
CALLED: Final = """
    SELECT p.oid::regprocedure::text FROM pg_proc AS p
     WHERE p.proname = %(bare)s AND p.pronamespace = %(schema)s::regnamespace
"""
GOES: Final = "is the target's own {}, which no migration has made, and goes"


def ask(
    conn: Connection,
    files: Sequence[Migration],
    absent: Mapping[str, str],
    waivers: Sequence[Waiver],
) -> tuple[list[Fault], list[str]]:
    """Return what of the target goes that was not there where the files were tried.

    Args:
        conn: to the target.
        files: the pending ones.
        absent: what the scratch server has said of each file, by its name.
        waivers: of theirs.
    """
    into: tuple[list[Fault], list[str]] = ([], [])
    for file in files:
        own = [each for each in waivers if each.file == file.name]
        for statement in _of_file(file):
            kind = KINDS.get(statement.removeType, "")
            for each in statement.objects if kind and statement.missing_ok else ():
                names, arguments = _parts(each)
                said = absent.get(file.name, "")  # of it, or of its schema
                met = any(name in said for name in names)
                for identity in _met(conn, kind, names, arguments) if met else ():
                    name = identity.partition("(")[0].removeprefix("public.")
                    cascades = statement.behavior == DropBehavior.DROP_CASCADE
                    what = GOES.format(kind) + cascades * ", with all that rests on it"
                    remedy = f"leave it, or say why it may go: -- waives DATA {name}: reason"
                    settle(Fault(name, what, remedy), {f"DATA {name}"}, own, into)
    return into


def _of_file(file: Migration) -> Iterator[Node]:
    """Yield the statements that drop something, in blocks, too."""
    for node, text, _ in statements(file.sql):
        if isinstance(node, ast.DropStmt):
            yield node
        tree = body(text) if isinstance(node, ast.DoStmt) else None
        reader = Reader(tree or [], {}, None)
        for query, dynamic in (of_block(text) or {}).items() if tree else ():
            run = parsed((reader.text(query) if dynamic else query) or "")
            yield from (each for each in run if isinstance(each, ast.DropStmt))


def _parts(of: object) -> tuple[list[str], list[str] | None]:
    """Return the name of an object in its parts, and its arguments where they are named."""
    dropped: Node = of
    if isinstance(of, ast.ObjectWithArgs):
        given = [RawStream()(each) for each in dropped.objargs or ()]
        return [each.sval for each in dropped.objname], None if dropped.args_unspecified else given
    names = dropped.names if isinstance(of, ast.TypeName) else dropped
    return [each.sval for each in (names if isinstance(names, tuple) else (names,))], []


def _met(conn: Connection, kind: str, names: list[str], arguments: list[str] | None) -> list[str]:
    """Return the objects of a target that are called so."""
    schema, bare = names[0] if names[1:] else "public", names[-1]
    whole = names if kind in SCHEMALESS else [schema, bare]
    # A type is one name, which is quoted.
    whole = [".".join(map(quoted, whole))] if kind == "type" else whole
    try:
        with conn.transaction():
            if arguments is None:
                found = conn.execute(CALLED, {"bare": bare, "schema": schema}).fetchall()
            else:
                asked = {"kind": kind, "name": whole, "arguments": arguments}
                found = conn.execute(ADDRESS, asked).fetchall()
    except (psycopg.ProgrammingError, psycopg.DataError):  # there is none
        return []
    return [identity for (identity,) in found]
