"""Probes of a function on the server: its operators and casts, its answers to null.

Everything is asked in a transaction that is rolled back.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import psycopg

if TYPE_CHECKING:
    from collections.abc import Iterator

# A parsed body, in which each function and operator stands with its id.
PARSED: Final = "SELECT prosqlbody::text FROM pg_proc WHERE oid = 'pg_temp.probe'::regproc"
OF_BODY: Final = "SELECT prosqlbody::text FROM pg_proc WHERE oid = %s::regprocedure"
CALLED: Final = re.compile(r":(?:funcid|opfuncid|aggfnoid|winfnoid) (\d+)")
BY_TEXT: Final = "{COERCEVIAIO :arg "
RESULT: Final = re.compile(r" :resulttype (\d+)")
TYPE: Final = re.compile(
    r":(?:vartype|paramtype|consttype|funcresulttype|opresulttype|resulttype|casetype"
    r"|coalescetype|minmaxtype|array_typeid|refrestype) (\d+)"
)
# Functions of the server that are less than immutable; of the schema's own, their text is read.
LESS: Final = """
SELECT p.oid::regprocedure::text, p.provolatile::text FROM pg_proc AS p
WHERE p.oid = ANY (%s::oid[]) AND p.provolatile <> 'i'
    AND p.pronamespace = 'pg_catalog'::regnamespace
    AND p.proname NOT IN ('textanycat', 'anytextcat') -- as stable as what is put in
ORDER BY 1
"""
# A value becomes another by way of its text, as the first prints and the second reads.
CAST: Final = """
SELECT format('the cast of %%s to %%s', format_type(%(a)s, NULL), format_type(%(b)s, NULL)),
    max(p.provolatile)::text
FROM pg_proc AS p WHERE p.oid IN (
    (SELECT t.typoutput FROM pg_type AS t WHERE t.oid = %(a)s),
    (SELECT t.typinput FROM pg_type AS t WHERE t.oid = %(b)s)
) HAVING bool_or(p.provolatile <> 'i')
"""
ARGUMENTS: Final = """
SELECT a.n, format_type(a.t, NULL), coalesce(p.proargnames[a.n], ''),
    (SELECT e.enumlabel::text FROM pg_enum AS e WHERE e.enumtypid = a.t
        ORDER BY e.enumsortorder LIMIT 1)
FROM pg_proc AS p, unnest(p.proargtypes) WITH ORDINALITY AS a (t, n)
WHERE p.oid = %s::regprocedure ORDER BY 1
"""
# Some text that each type reads.
SAMPLES: Final = ("a", "1", "6f9619ff-8b86-4d01-b42d-00cf4fc964ff", "2026-01-01", "{}", "true")


class Probes:
    """A connection on which functions are made and called, and nothing is kept."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        """Take a connection with an open transaction."""
        self._connection = connection

    def of_body(self, signature: str) -> Iterator[tuple[str, str]]:
        """Return what a body that was parsed when it was made calls: name and volatility."""
        (tree,) = self._one(OF_BODY, [signature])
        yield from self._unstable(tree or "")

    def of_text(self, arguments: str, path: str, sql: str) -> Iterator[tuple[str, str]]:
        """Return the same of a query with parameters; nothing, where the server cannot read it."""
        try:
            with self._connection.transaction():
                self._connection.execute("SELECT set_config('search_path', %s, true)", [path])
                self._connection.execute(
                    f"CREATE FUNCTION pg_temp.probe({arguments}) RETURNS void LANGUAGE sql"
                    f" BEGIN ATOMIC {sql}; END".encode()
                )
                (tree,) = self._one(PARSED, [])
                self._connection.execute("DROP FUNCTION pg_temp.probe")
        except psycopg.Error:
            return
        yield from self._unstable(tree)

    def answers(self, signature: str) -> Iterator[str]:
        """Return what a function would do for each parameter that is null, were it not STRICT."""
        parameters = self._connection.execute(ARGUMENTS, [signature]).fetchall()
        values = [self._sample(kind, label) for _, kind, _, label in parameters]
        name = signature.partition("(")[0]
        for at, (_, _, parameter, _) in enumerate(parameters):
            given = ", ".join(
                f"NULL::{kind}" if at == other else values[other]
                for other, (_, kind, _, _) in enumerate(parameters)
            )
            done = self._called(signature, f"SELECT ({name}({given}))::text")
            if done:
                yield f"{done} where {parameter or f'parameter {at + 1}'} is null"

    def _called(self, signature: str, call: str) -> str:
        try:
            with self._connection.transaction(force_rollback=True):
                self._connection.execute(
                    f"ALTER FUNCTION {signature} CALLED ON NULL INPUT".encode()
                )
                (answer,) = self._one(call, [])
        except psycopg.Error as error:
            return f"fails ({error.sqlstate})"
        return "" if answer is None else f"would answer {answer}"

    def _sample(self, kind: str, label: str | None) -> str:
        for text in (label,) if label is not None else SAMPLES:
            try:
                with self._connection.transaction():
                    self._connection.execute(f"SELECT '{text}'::{kind}".encode())
            except psycopg.Error:
                continue
            return f"'{text}'::{kind}"
        return f"NULL::{kind}"

    def _unstable(self, tree: str) -> Iterator[tuple[str, str]]:
        yield from self._connection.execute(LESS, [CALLED.findall(tree)])
        for at in (found.start() for found in re.finditer(re.escape(BY_TEXT), tree)):
            inner = _balanced(tree, at + len(BY_TEXT))
            source, result = (
                TYPE.search(_outermost(inner)),
                RESULT.match(tree, at + len(BY_TEXT) + len(inner)),
            )
            if source and result:
                yield from self._connection.execute(CAST, {"a": source[1], "b": result[1]})

    def _one(self, query: str, values: list[Any]) -> tuple[Any, ...]:
        row: tuple[Any, ...] | None = self._connection.execute(query.encode(), values).fetchone()
        return row or (None,)


def _balanced(tree: str, start: int) -> str:
    """Return the node that begins at a place; what is in it stands in braces."""
    depth = 0
    for at in range(start, len(tree)):
        depth += (tree[at] == "{") - (tree[at] == "}")
        if depth == 0:
            return tree[start : at + 1]
    return ""


def _outermost(node: str) -> str:
    """Return what a node says of itself, without the nodes in it."""
    depth, said = 0, []
    for letter in node:
        depth += (letter == "{") - (letter == "}")
        if depth == 1:
            said.append(letter)
    return "".join(said)
