"""The names that a schema refuses by, read from a server's catalogue.

A declaration has one name. A trigger refuses in its own name, or in those that its function gives
to what the schema rejects with; the function's text is parsed, and nothing is run.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from conformance.engine.domain.chosen import conventions
from conformance.engine.reading.bodies import statements
from conformance.engine.sql.tree import below

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import psycopg

# By what a constraint is: check, foreign key, unique key. PostgreSQL 18 has a state for RESTRICT.
STATES: Final = {"c": ("23514",), "f": ("23503", "23001"), "u": ("23505",), "p": ("23505",)}
RAISED: Final = ("23514",)
BY_ITSELF: Final = "substr"  # substr(TG_NAME, 6): the trigger's own name without its band
CONSTRAINTS: Final = """
SELECT k.conname::text, k.contype::text, k.condeferred, coalesce(
    nullif(ARRAY(
        SELECT k.conrelid::regclass || '.' || a.attname
        FROM unnest(k.conkey) WITH ORDINALITY AS n (n, at)
        JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = n.n ORDER BY n.at
    ), '{}'),
    ARRAY(
        SELECT a.attrelid::regclass || '.' || a.attname FROM pg_attribute AS a
        JOIN pg_class AS c ON c.oid = a.attrelid AND c.relkind = 'r'
        WHERE a.atttypid = k.contypid ORDER BY 1
    )
)
FROM pg_constraint AS k
WHERE k.connamespace::regnamespace::text IN OUR SCHEMAS AND k.contype IN ('c', 'f', 'u', 'p')
UNION ALL
SELECT c.relname::text, 'u', false, ARRAY(
    SELECT i.indrelid::regclass || '.' || a.attname
    FROM unnest(i.indkey) WITH ORDINALITY AS n (n, at)
    JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = n.n ORDER BY n.at
)
FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid
WHERE i.indisunique AND c.relnamespace::regnamespace::text IN OUR SCHEMAS
    AND NOT EXISTS (SELECT FROM pg_constraint AS k WHERE k.conindid = i.indexrelid)
"""
TRIGGERS: Final = """
SELECT substr(t.tgname, 6), t.tgrelid::regclass::text, t.tgfoid, t.tginitdeferred, t.tgargs, ARRAY(
    SELECT t.tgrelid::regclass || '.' || a.attname
    FROM unnest(t.tgattr) WITH ORDINALITY AS n (n, at)
    JOIN pg_attribute AS a ON a.attrelid = t.tgrelid AND a.attnum = n.n ORDER BY n.at
)
FROM pg_trigger AS t JOIN pg_class AS c ON c.oid = t.tgrelid
WHERE NOT t.tgisinternal AND c.relnamespace::regnamespace::text IN OUR SCHEMAS
    AND t.tgname ~ '^_[1-9]00_'
"""
FUNCTIONS: Final = """
SELECT p.oid, pg_get_functiondef(p.oid), p.prosrc FROM pg_proc AS p
JOIN pg_language AS l ON l.oid = p.prolang AND l.lanname = 'plpgsql'
WHERE p.pronamespace::regnamespace::text IN OUR SCHEMAS AND strpos(p.prosrc, %s) > 0
"""


@dataclass(frozen=True, slots=True)
class Name:
    """One name that the schema refuses by.

    Attributes:
        name: as the diagnostics of an error have it.
        states: the SQLSTATEs that it comes with.
        columns: what it looks at, as `table.column`; of a trigger, those whose change it looks at.
        tables: the tables that are written when it refuses.
        is_late: whether it waits for the end of the transaction, unless told otherwise.
        hint: what the database says itself; '' where it says nothing.
    """

    name: str
    states: tuple[str, ...]
    columns: tuple[str, ...]
    tables: tuple[str, ...]
    is_late: bool
    hint: str = ""


def names(connection: psycopg.Connection[Any]) -> dict[str, Name]:
    """Return all names that a schema refuses by."""
    found: dict[str, Name] = {}
    ours = conventions()
    for name, kind, is_late, columns in connection.execute(ours.placed(CONSTRAINTS).encode()):
        tables = dict.fromkeys(column.rpartition(".")[0] for column in columns)
        found[name] = Name(name, STATES[kind], tuple(columns), tuple(tables), is_late)
    rejecting = connection.execute(ours.placed(FUNCTIONS).encode(), [ours.rejection])
    bodies = {oid: _calls(*body) for oid, *body in rejecting}
    triggers = connection.execute(ours.placed(TRIGGERS).encode())
    for own, table, function, is_late, arguments, columns in triggers:
        given = [each.decode() for each in bytes(arguments).split(b"\0")[:-1]]
        for name, hint in bodies.get(function, ()):
            called = name or own
            said = given[-1] if hint is None else hint
            before = found.get(called, Name(called, RAISED, (), (), is_late))
            found[called] = Name(
                called,
                RAISED,
                tuple(dict.fromkeys((*before.columns, *columns))),
                tuple(dict.fromkeys((*before.tables, table))),
                is_late,
                before.hint or said,
            )
    return found


def _calls(definition: str, source: str) -> list[tuple[str, str | None]]:
    """Return the names and hints that a function rejects with.

    The name is '' where it is the trigger's, the hint None where it is the trigger's argument.
    """
    calls: list[tuple[str, str | None]] = []
    for call in _rejecting(statements("plpgsql", definition, source)[1]):
        first, *_, last = call.args
        hint = None if type(last).__name__ == "A_Indirection" else _text(last)
        kind = type(first).__name__
        if kind == "A_Const":
            calls.append((_text(first), hint))
        elif kind == "FuncCall" and first.funcname[-1].sval == BY_ITSELF:
            calls.append(("", hint))
        else:  # a variable, which is given one name after another
            variable = first.fields[-1].sval
            given = re.findall(rf"\b{variable} := '([a-z0-9_]+)'", source)
            calls += [(name, hint) for name in given]
    return calls


def _rejecting(texts: Iterable[str]) -> Iterator[Any]:
    from pglast.parser import parse_sql  # noqa: PLC0415 - slow, and rarely needed

    rejects = conventions().reject
    for text in texts:
        if conventions().rejection in text:
            for node in below(parse_sql(text)):
                if type(node).__name__ == "FuncCall":
                    call = cast("Any", node)
                    if ".".join(part.sval for part in call.funcname) == rejects:
                        yield call


def _text(node: Any) -> str:
    """Return a literal text; '' for anything else."""
    return str(node.val.sval) if type(node).__name__ == "A_Const" else ""
