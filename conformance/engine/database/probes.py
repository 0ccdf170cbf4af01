"""Probes in PL/pgSQL functions: which of their statements a run has reached.

Before each statement that begins a line stands a call of `nextval` on a sequence of its own. What a
sequence has given out is not taken back where a transaction is rolled back, as it is by all that
rejects. The call is an ASSERT, which leaves FOUND and ROW_COUNT as they were. The functions are
replaced on a scratch database only, and are the same otherwise.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple

import psycopg

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.engine.database.session import Session

SCHEMA = "conformance_probes"
FUNCTIONS = """
SELECT p.oid::regprocedure::text, p.prosrc, pg_get_functiondef(p.oid)
FROM pg_proc AS p
JOIN pg_language AS l ON l.oid = p.prolang
JOIN pg_namespace AS n ON n.oid = p.pronamespace
WHERE l.lanname = 'plpgsql' AND p.prokind IN ('f', 'p')
    AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'conformance')
    AND NOT EXISTS (
        SELECT FROM pg_depend AS d
        WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
    )
ORDER BY 1
"""
REACHED = """
SELECT sequencename::text FROM pg_sequences
WHERE schemaname = 'conformance_probes' AND last_value IS NOT NULL
"""
BLOCK = "PLpgSQL_stmt_block"
STATEMENT = "PLpgSQL_stmt_"
# What a statement begins with, where that is a word of the language.
WORDS = {
    "if": ("IF",),
    "case": ("CASE",),
    "loop": ("LOOP",),
    "while": ("WHILE",),
    "fori": ("FOR",),
    "fors": ("FOR",),
    "forc": ("FOR",),
    "dynfors": ("FOR",),
    "foreach_a": ("FOREACH",),
    "exit": ("EXIT", "CONTINUE"),
    "return": ("RETURN",),
    "return_next": ("RETURN",),
    "return_query": ("RETURN",),
    "raise": ("RAISE",),
    "assert": ("ASSERT",),
    "execsql": ("SELECT", "INSERT", "UPDATE", "DELETE", "MERGE", "WITH", "TRUNCATE", "SET"),
    "dynexecute": ("EXECUTE",),
    "perform": ("PERFORM",),
    "getdiag": ("GET",),
    "call": ("CALL", "DO"),
}


class Probe(NamedTuple):
    """A statement: the function that it is in, its line there, and what that says."""

    function: str
    line: int
    text: str


class Probes(NamedTuple):
    """Probes of a database, by the names of their sequences; and what has none, with a reason."""

    placed: dict[str, Probe]
    without: dict[str, str]


def place(session: Session) -> Probes:
    """Put probes into all functions of a database, as their owner."""
    session.connection.execute(
        f"CREATE SCHEMA {SCHEMA}; GRANT USAGE ON SCHEMA {SCHEMA} TO PUBLIC;"
        f" ALTER DEFAULT PRIVILEGES IN SCHEMA {SCHEMA} GRANT USAGE ON SEQUENCES TO PUBLIC"
    )
    placed: dict[str, Probe] = {}
    without: dict[str, str] = {}
    for name, source, definition in session.fetch(FUNCTIONS):
        function, body, whole = str(name), str(source), str(definition)
        found = {
            f"p{len(placed) + number}": Probe(function, line, body.split("\n")[line - 1].strip())
            for number, line in enumerate(lines(whole, body))
        }
        probed = whole.replace(body, _probed(body, found))
        made = [f"CREATE SEQUENCE {SCHEMA}.{each}" for each in found]
        try:
            session.connection.execute(";\n".join(["BEGIN", *made, probed, "COMMIT"]))
        except psycopg.Error as error:
            session.connection.execute("ROLLBACK")
            without[function] = error.diag.message_primary or str(error)
        else:
            placed |= found
    return Probes(placed, without)


def reached(session: Session) -> list[str]:
    """Return the names of the probes that have been passed."""
    return sorted(str(name) for (name,) in session.fetch(REACHED))


def lines(definition: str, body: str) -> list[int]:
    """Return the lines of a function's body that begin with a statement, counted from 1.

    Args:
        definition: what creates the function.
        body: its source.
    """
    from pglast import parse_plpgsql  # noqa: PLC0415 - slow, and rarely needed

    written = body.split("\n")
    parsed = json.loads(json.dumps(parse_plpgsql(definition)))
    found = {
        line
        for kind, line in _statements(parsed)
        if line <= len(written) and _begins(written[line - 1].strip(), kind)
    }
    return sorted(found)


def _probed(body: str, probes: dict[str, Probe]) -> str:
    written = body.split("\n")
    for name, probe in probes.items():
        call = f"ASSERT pg_catalog.nextval('{SCHEMA}.{name}') > 0; "
        written[probe.line - 1] = call + written[probe.line - 1]
    return "\n".join(written)


def _statements(node: Any) -> Iterator[tuple[str, int]]:
    """Yield the kind of each statement below a node of the parser, and its line."""
    if isinstance(node, list):
        for each in node:
            yield from _statements(each)
    elif isinstance(node, dict):
        for name, each in node.items():
            is_one = name.startswith(STATEMENT) and name != BLOCK and isinstance(each, dict)
            if is_one and "lineno" in each:
                yield name.removeprefix(STATEMENT), each["lineno"]
            yield from _statements(each)


def _begins(text: str, kind: str) -> bool:
    """Return whether a line begins with a statement of a kind, and not amid one."""
    if kind == "assign":
        return re.match(r"[\w.\"\[\]]+\s*:?=", text) is not None
    word = re.match(r"\w+", text)
    return word is not None and word[0].upper() in WORDS.get(kind, ())
