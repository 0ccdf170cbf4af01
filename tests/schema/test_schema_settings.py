"""Nothing that the schema decides depends on what a caller has set."""

import re
from collections.abc import Iterator
from typing import Final

import psycopg
import pytest

from conformance.engine.postgres.scratch import Scratch, Template
from strategies.session_settings import HOSTILE

# Whatever PostgreSQL has stored as a tree: checks, defaults, generated columns, conditions of
# triggers, expressions of indexes, bodies of functions in SQL. Each with its text, for people.
TREES: Final = """
SELECT 'constraint ' || conname, conbin::text, pg_get_constraintdef(oid)
FROM pg_constraint WHERE conbin IS NOT NULL AND connamespace = ANY (%(spaces)s::regnamespace[])
UNION ALL
SELECT format('default of %%s.%%s', c.oid::regclass, a.attname), d.adbin::text,
    pg_get_expr(d.adbin, d.adrelid)
FROM pg_attrdef AS d JOIN pg_class AS c ON c.oid = d.adrelid
JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = d.adnum
WHERE c.relnamespace = ANY (%(spaces)s::regnamespace[])
UNION ALL
SELECT 'trigger ' || tgname, tgqual::text, pg_get_triggerdef(oid)
FROM pg_trigger WHERE tgqual IS NOT NULL
UNION ALL
SELECT 'index ' || indexrelid::regclass, concat(indexprs::text, indpred::text),
    pg_get_indexdef(indexrelid)
FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indrelid
WHERE c.relnamespace = ANY (%(spaces)s::regnamespace[])
    AND (indexprs IS NOT NULL OR indpred IS NOT NULL)
UNION ALL
SELECT 'function ' || proname, prosqlbody::text, pg_get_functiondef(oid)
FROM pg_proc WHERE prosqlbody IS NOT NULL AND pronamespace = ANY (%(spaces)s::regnamespace[])
"""
SPACES: Final = {"spaces": ["public", "framecast"]}
CALLED: Final = re.compile(r":(?:funcid|opfuncid|aggfnoid) (\d+)")
PRINTED: Final = re.compile(
    r"\{COERCEVIAIO :arg \{\w+(?:(?! :arg ).)*?:(?:vartype|funcresulttype"
    r"|consttype|opresulttype|paramtype|resulttype) (\d+)"
)
# What is no function of its arguments alone, and yet of no setting: clocks, chance, the place of a
# call, the transaction. An instant and an interval depend on the time zone where that has days.
CLOCKS: Final = frozenset(
    {
        *("now", "clock_timestamp", "gen_random_uuid", "pg_trigger_depth", "pg_current_xact_id"),
        *("pg_postmaster_start_time", "array_to_string"),  # of texts, which print as they are
    }
)
BY_HOURS: Final = "timestamptz_pl_interval"
HOURS: Final = re.compile(r"'(\d+:\d\d:\d\d)'::interval")
# Types that print alike whatever is set.
PLAIN: Final = frozenset({"uuid", "text", "integer", "bigint", "boolean", "jsonb", "name"})
# What a body in PL/pgSQL must not say, in lower case and without its comments.
MISLEADING: Final = {
    "a length that is no number of hours": r"interval '(?![0-9]+ hours')|make_interval|justify_",
    "a day of the caller's": (
        r"\b(to_char|to_date|to_timestamp|date_trunc|date_part|extract|age|timezone)\s*\("
        r"|at time zone|\bcurrent_date\b|\blocaltime|::\s*(date|time|timestamp)\b"
    ),
    "how a row, an instant or a document prints": (
        r"\*\)::text|\b(old|new)\s*::\s*text|(_at|now\(\)|options|progress|output|error|scopes"
        r"|payload|spec|spec_snapshot|metadata|settings)\s*::\s*text"
    ),
    "a backslash, which a string may or may not take for itself": r"\\",
    "money, or a text by somebody's alphabet": r"::\s*money|\b(upper|initcap)\s*\(",
}


@pytest.fixture(scope="module")
def trees(scratch: Scratch, template: Template) -> Iterator[list[tuple[str, set[str], str]]]:
    """Return of everything stored as a tree what it calls or prints, and its text."""
    with scratch.cloned(template, "settings") as database, database.connect() as connection:
        names = dict(
            connection.execute(
                "SELECT oid::int8, CASE provolatile WHEN 'i' THEN '' ELSE proname END FROM pg_proc"
            ).fetchall()
        )
        types = dict(
            connection.execute(
                "SELECT oid::int8, CASE typtype WHEN 'e' THEN 'text'"
                " WHEN 'd' THEN format_type(typbasetype, NULL) ELSE format_type(oid, NULL) END"
                " FROM pg_type"
            ).fetchall()
        )
        yield [
            (
                name,
                {str(names[int(oid)]) for oid in CALLED.findall(tree)} - {""}
                | {f"the text of {types[int(oid)]}" for oid in PRINTED.findall(tree)},
                text,
            )
            for name, tree, text in connection.execute(TREES, SPACES).fetchall()
        ]


def test_no_expression_depends_on_a_setting(trees: list[tuple[str, set[str], str]]) -> None:
    """Stored expressions call functions of their arguments alone, clocks, or instant and hours."""
    plain = {f"the text of {kind}" for kind in PLAIN}
    assert len(trees) > 100
    assert any("interval" in text for _, _, text in trees)
    found = []
    for name, used, text in trees:
        doubtful = used - CLOCKS - plain
        if name == "function snapshot_is_old":  # the level at which a transaction really is
            doubtful -= {"current_setting"}
        if BY_HOURS in doubtful and HOURS.search(text):
            doubtful -= {BY_HOURS}
        found += [f"{name} depends on {each}: {text}" for each in sorted(doubtful)]
    assert [] == found


def test_no_body_depends_on_a_setting(scratch: Scratch, template: Template) -> None:
    """No function in PL/pgSQL says what a setting changes, and each finds its names by itself."""
    found = []
    with scratch.cloned(template, "bodies") as database, database.connect() as connection:
        bodies = connection.execute(
            "SELECT p.proname, p.prosrc, array_to_string(p.proconfig, ' ') FROM pg_proc AS p"
            " JOIN pg_language AS l ON l.oid = p.prolang WHERE l.lanname = 'plpgsql'"
            " AND p.pronamespace = ANY (%(spaces)s::regnamespace[])",
            SPACES,
        ).fetchall()
    assert len(bodies) > 30
    for name, source, config in bodies:
        said = re.sub(r"--.*", "", source).lower()
        found += [
            f"{name}: {what}: {match[0]!r}"
            for what, pattern in MISLEADING.items()
            if (match := re.search(pattern, said))
        ]
        if "search_path=pg_catalog, pg_temp" not in (config or ""):
            found.append(f"{name} finds names by the caller's search_path")
    assert [] == found


def test_hostile_settings_are_what_they_are_meant_to_be(scratch: Scratch) -> None:
    """Under one of them seven days are no 168 hours, under the other days print as twins."""
    seen = []
    with psycopg.connect(scratch.server.conninfo, autocommit=True) as connection:
        for hostile in HOSTILE:
            connection.execute("RESET ALL")
            for name, value in hostile:
                connection.execute(f"SET {name} = '{value}'".encode())
            seen += connection.execute(
                "SELECT now() - interval '7 days' = now() - interval '168 hours',"
                " (timestamptz '2026-01-01 00:00+00')::text"
                " = (timestamptz '2026-01-01 15:00+00')::text"
            ).fetchall()
    assert (False, True) == (seen[0][0], seen[1][1])
