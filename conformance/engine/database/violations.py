"""Violation queries of a scratch database, asked of the tables that were written.

A function of the suite's own asks them, so that one message can carry out a transaction and ask
what it broke. Plans are made once: planning takes longer than all that is asked of few rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import psycopg

from conformance.engine.domain.chosen import RULES
from conformance.engine.sql.writes import literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from collections.abc import Set as AbstractSet

    from conformance.engine.database.session import Session
    from conformance.engine.kinds.rule import Rule

# Rows are of two forms: a rule and the key of what breaks it; or a table that was written, and the
# number of the last change of all.
FUNCTION = """
CREATE TYPE conformance.judgement AS (rule text, key text, tbl text, last bigint);
CREATE FUNCTION conformance.judge(p_seen bigint) RETURNS SETOF conformance.judgement
LANGUAGE plpgsql AS $judge$
DECLARE
    v_tables text[];
    v_last bigint;
BEGIN
    PERFORM set_config('conformance.seen', p_seen::text, false);
    SELECT array_agg(DISTINCT c.tbl), max(c.seq) INTO v_tables, v_last
    FROM conformance.changes AS c WHERE c.seq > p_seen;
    RETURN QUERY SELECT NULL, NULL, t, v_last FROM unnest(v_tables) AS t;
{asked}
END;
$judge$
"""
OF_TABLES = """
    IF v_tables && ARRAY[{tables}] THEN
        RETURN QUERY SELECT q.rule, q.key, NULL, NULL::bigint FROM ({queries}) AS q;
    END IF;"""
ALWAYS = """
    RETURN QUERY SELECT q.rule, q.key, NULL, NULL::bigint FROM ({queries}) AS q;"""


class Judgement(NamedTuple):
    """The tables written since a change, the last change, and the keys of what breaks each rule."""

    tables: frozenset[str]
    last: int
    broken: dict[str, list[str]]


class Violations:
    """The violation queries of one database, which only one of these can ask.

    Attributes:
        unreadable: the rules that its schema cannot answer, with the server's words.
    """

    def __init__(self, owner: Session, noted: AbstractSet[str]) -> None:
        """Make the function that asks them.

        Args:
            owner: the session that makes it.
            noted: the tables that the change log watches. A rule of others is always asked.
        """
        self.unreadable: dict[str, str] = {}
        self._owner = owner
        parts: dict[frozenset[str], list[str]] = {}
        for rule, part in self._readable().items():
            parts.setdefault(frozenset(RULES[rule].tables), []).append(part)
        asked = "".join(_asked(tables, queries, noted) for tables, queries in parts.items())
        owner.connection.execute(FUNCTION.replace("{asked}", asked).encode())

    def ask(self, seen: int) -> Judgement:
        """Ask the rules of the tables that were written after a change."""
        return judgement(self._owner.fetch(query(seen)))

    def _readable(self) -> Mapping[str, str]:
        """Return the queries of the rules that this schema can answer."""
        parts = {}
        for rule in RULES.values():
            part = part_of_union(rule)
            try:
                self._owner.connection.execute(part.encode())
            except psycopg.Error as error:
                self.unreadable[rule.id] = error.diag.message_primary or str(error)
            else:
                parts[rule.id] = part
        return parts


def query(seen: int) -> str:
    """Return what asks the rules of the tables that were written after a change."""
    return f"SELECT rule, key, tbl, last FROM conformance.judge({seen})"


def judgement(rows: Iterable[tuple[object, ...]]) -> Judgement:
    """Return what the rows of `query` say."""
    broken: dict[str, list[str]] = {}
    tables, last = set(), 0
    for rule, key, table, number in rows:
        if rule is None:
            tables.add(str(table))
            last = int(str(number))
        else:
            broken.setdefault(str(rule), []).append(str(key))
    return Judgement(frozenset(tables), last, broken)


def part_of_union(rule: Rule) -> str:
    """Return a query for the rule's id and the keys of what breaks it."""
    return f"SELECT '{rule.id}' AS rule, v.key::text FROM ({rule.violations}) AS v (key)"


def _asked(tables: AbstractSet[str], queries: Iterable[str], noted: AbstractSet[str]) -> str:
    form = OF_TABLES if noted >= tables else ALWAYS
    named = ", ".join(map(literal, sorted(tables)))
    return form.format(tables=named, queries=" UNION ALL ".join(queries))
