"""Tells mutants that change something apart from those that do not.

A mutant is tried in a transaction that is rolled back, and the catalogue of PostgreSQL is asked
what the schema then is. Nothing that is asked depends on how a definition was written down.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, TypeAlias

import psycopg

from conformance.engine.catalogue.rights import GIVEN, OURS
from conformance.engine.mutants.plpgsql import words

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from conformance.engine.mutants.mutant import Mutant

Definitions: TypeAlias = "frozenset[tuple[str, str]]"

DEFINITIONS = f"""
SELECT 'constraint ' || coalesce(k.conrelid::regclass::text, '') || k.conname,
    pg_get_constraintdef(k.oid)
FROM pg_constraint AS k JOIN pg_namespace AS n ON n.oid = k.connamespace
WHERE n.nspname {OURS} AND k.contype IN ('c', 'f', 'p', 'u')
UNION ALL
SELECT 'trigger ' || g.tgrelid::regclass::text || g.tgname,
    pg_get_triggerdef(g.oid) || g.tgenabled::text
FROM pg_trigger AS g JOIN pg_class AS c ON c.oid = g.tgrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname {OURS} AND NOT g.tgisinternal
UNION ALL
SELECT 'function ' || p.oid::regprocedure::text, pg_get_functiondef(p.oid)
FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace
WHERE n.nspname {OURS}
UNION ALL
SELECT 'column ' || a.attrelid::regclass::text || '.' || a.attname,
    concat_ws(' ', a.attnotnull, a.attgenerated, pg_get_expr(d.adbin, d.adrelid))
FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE n.nspname {OURS} AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
UNION ALL
SELECT 'type ' || e.enumtypid::regtype::text,
    string_agg(e.enumlabel, ' ' ORDER BY e.enumsortorder)
FROM pg_enum AS e GROUP BY e.enumtypid
UNION ALL
SELECT 'index ' || i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid)
FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname {OURS}
UNION ALL
SELECT 'rows of ' || c.oid::regclass::text,
    concat_ws(' ', c.relowner, c.relrowsecurity, c.relforcerowsecurity, (
        SELECT string_agg(concat_ws(
            ' ', p.polname, p.polcmd, p.polpermissive, p.polroles,
            pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)
        ), ' ' ORDER BY p.polname)
        FROM pg_policy AS p WHERE p.polrelid = c.oid
    ))
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname {OURS} AND c.relkind = 'r'
UNION ALL
SELECT 'owner of ' || p.oid::regprocedure::text, p.proowner::text
FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace WHERE n.nspname {OURS}
UNION ALL
{GIVEN}
"""


@dataclass(frozen=True, slots=True)
class Look:
    """Effect of a mutant on the schema: an error, or a digest of all that is then different."""

    error: str = ""
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Sorted:
    """Mutants that change something, and of all others the reason why they do not count."""

    effective: tuple[Mutant, ...]
    ineffective: dict[str, str]  # by id


def look(connection: psycopg.Connection[Any], mutants: Sequence[Mutant]) -> list[Look]:
    """Try each mutant, and compare the definitions that it leads to with those of the schema."""
    connection.execute("SET search_path = ''")
    tables = _filled(connection)
    plain = _definitions(connection, tables)
    looks = []
    for mutant in mutants:
        try:
            with connection.transaction():
                for sql in mutant.sql:
                    connection.execute(sql)
                changed = _definitions(connection, tables) ^ plain
                raise psycopg.Rollback
        except psycopg.Error as error:
            looks.append(Look(error=error.diag.message_primary or str(error)))
            continue
        digest = hashlib.sha256(repr(sorted(changed)).encode()).hexdigest()
        looks.append(Look(digest=digest if changed else ""))
    return looks


def sort(mutants: Sequence[Mutant], looks: Sequence[Look]) -> Sorted:
    """Tell apart what does not apply, and what is equal to the schema or to another mutant."""
    first: dict[str, str] = {"": "the schema itself"}
    effective, ineffective = [], {}
    # What is left of a branch says less than what was removed.
    order = sorted(zip(mutants, looks, strict=True), key=lambda pair: _is_vague(pair[0]))
    for mutant, seen in order:
        if seen.error:
            ineffective[mutant.id] = f"does not apply: {seen.error}"
        elif seen.digest in first:
            ineffective[mutant.id] = f"equal to {first[seen.digest]}"
        else:
            first[seen.digest] = mutant.id
            effective.append(mutant)
    return Sorted(tuple(sorted(effective, key=lambda mutant: mutant.id)), ineffective)


def _is_vague(mutant: Mutant) -> bool:
    return mutant.operator == "branch emptied"


def _definitions(connection: psycopg.Connection[Any], tables: Iterable[str]) -> Definitions:
    rows = connection.execute(DEFINITIONS).fetchall()
    rows += [
        (f"rows {table}", str(row))
        for table in tables
        for row in connection.execute(f"SELECT t::text FROM {table} AS t").fetchall()
    ]
    return frozenset((name, _plainly(name, text)) for name, text in rows)


@cache
def _plainly(name: str, text: str) -> str:
    """Return a definition without comments and layout, of which functions keep what was written."""
    if not name.startswith("function"):
        return text
    head, quote, body = text.partition("$function$")
    inside = body.rpartition("$function$")[0]
    return head + quote + " ".join(word.text for word in words(inside))


def _filled(connection: psycopg.Connection[Any]) -> list[str]:
    query = f"""
        SELECT c.oid::regclass::text FROM pg_class AS c
        JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE n.nspname {OURS} AND c.relkind = 'r'
    """
    names = [name for (name,) in connection.execute(query)]
    return [
        name
        for name in names
        if connection.execute(f"SELECT EXISTS (SELECT FROM {name})").fetchone() == (True,)
    ]
