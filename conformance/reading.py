"""Guards that ask who or where somebody is, and guards that another trigger goes around.

A rule that a setting lifts, or a name, or a nesting of triggers, looks whole from outside: nobody
who writes knows the word. So what every guard reads is read: functions, conditions of triggers,
checks, policies, defaults, generated columns and indexes.

And `UPDATE OF` sees the columns of the statement alone: what a BEFORE trigger assigns passes by.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from psycopg.rows import namedtuple_row

from conformance import bodies
from conformance.mutants import schema
from conformance.mutants.bodies import concern
from conformance.mutants.rights import OURS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import psycopg

    from conformance.bodies import Reading
    from conformance.mutants.schema import Schema

SETTING, SESSION, TRANSACTION, CATALOG = "a setting", "the session", "the transaction", "a catalog"
DEPTH, BYPASS, OFF, REWRITES, MADE = "the nesting", "bypass", "off", "rewrites", "made-up text"
CHANCE, COUNTING, OUTSIDE, DAY = "chance", "a sequence", "what is no table", "a day"

VERBS: Final = {BYPASS: "assigns", OFF: "is", REWRITES: "rewrites", MADE: "runs"}

# What a call tells, by the function's name.
TELLS: Final = {
    SETTING: r"current_setting|set_config|pg_show_all_settings|pg_settings_get_flags",
    SESSION: r"pg_has_role|has_\w+_privilege|pg_backend_pid|inet_(client|server)_\w+"
    r"|row_security_\w+|current_(user|role|database|schemas?|query)|session_user|system_user|user"
    r"|getdatabaseencoding|pg_my_temp_schema|pg_is_other_temp_schema|pg_stat_get_\w+|pg_blocking_pids|version"
    r"|pg_is_in_recovery|to_reg\w+|pg_client_encoding|pg_postmaster_start_time|pg_conf_load_time",
    TRANSACTION: r"txid_\w+|pg_current_(xact_id|snapshot)\w*|pg_xact_\w+|pg_visible_in_snapshot"
    r"|pg_try_advisory_\w+",
    DEPTH: r"pg_trigger_depth",
    CATALOG: r"(\w+_)?obj_description|col_description|pg_listening_channels",
    CHANCE: r"random(_normal)?|setseed",
    COUNTING: r"lastval|currval|pg_sequence_last_value",
    OUTSIDE: r"lo_\w+|query_to_xml\w*|pg_(ls|read|stat)_\w*(dir|file)",
}
# What a clock says, by function or by keyword.
CLOCKS: Final = r"now|(clock|statement|transaction)_timestamp"
TODAY: Final = r"CURRENT_(DATE|TIMESTAMP)(_N)?|LOCALTIMESTAMP(_N)?"
KEYWORDS: Final = r"CURRENT_(ROLE|USER|CATALOG|SCHEMA)|USER|SESSION_USER"
CATALOGS: Final = re.compile(r"(pg_catalog|information_schema)\.|pg_")
STATEMENTS: Final = {
    "VariableShowStmt": SETTING,
    "VariableSetStmt": SETTING,
    "AlterTableStmt": OFF,
    "DropStmt": OFF,
}
# Of a function: what it runs under.
UNDER: Final = re.compile(r"^ SET (session_replication_role|row_security) ", re.MULTILINE)

ON_PURPOSE: Final[Mapping[tuple[str, str], str]] = MappingProxyType(
    {
        ("framecast.snapshot_is_old", "current_setting('transaction_isolation')"): (
            "TRUNCATE sees rows by its own snapshot; who has an old one is refused"
        ),
        **{
            (f"column framecast.{guards}.{column}", reads): (
                "a guard is written once in a transaction, and tells which that was"
            )
            for guards in ("user_guards", "team_guards")
            for column, reads in (
                ("written_in", "pg_current_xact_id()"),
                ("server_start", "pg_postmaster_start_time()"),
            )
        },
        ("framecast.tg_teams__make_slug", "pg_try_advisory_xact_lock()"): (
            "it makes a slug, and refuses nothing: two who look for one do not wait"
        ),
        **dict.fromkeys(
            (
                ("public.delete_old_job_events", "ctid"),
                ("public.delete_old_webhook_deliveries", "ctid"),
            ),
            "a row is deleted by its place, which the statement has just locked",
        ),
        ("framecast.tg__reject_truncate_beside_parent", "made-up text"): (
            "the parent's name is the trigger's argument"
        ),
        **dict.fromkeys(
            (
                (
                    f"trigger framecast.{books}._300_own_1__{books}_kept_by_schema",
                    "pg_trigger_depth()",
                )
                for books in ("user_guards", "team_guards", "job_event_counters")
            ),
            "the schema's own triggers write its books, and nobody else",
        ),
    }
)
"""(place, what it reads) -> why it may: what the schema does today, and means to."""

EXPRESSIONS = f"""
SELECT 'check ' || coalesce(k.conrelid::regclass::text, k.contypid::regtype::text) || '.'
        || k.conname AS place, k.conname::text AS name,
    pg_get_expr(k.conbin, k.conrelid) AS text, obj_description(k.oid, 'pg_constraint') AS comment,
    coalesce(k.conrelid::regclass::text, '') AS "table"
FROM pg_constraint AS k JOIN pg_namespace AS n ON n.oid = k.connamespace
WHERE n.nspname {OURS} AND k.conbin IS NOT NULL
UNION ALL
SELECT 'policy ' || p.polrelid::regclass || '.' || p.polname, p.polname, each.text,
    obj_description(p.oid, 'pg_policy'), p.polrelid::regclass::text
FROM pg_policy AS p, (VALUES (0), (1)) AS which (n), LATERAL (
    SELECT pg_get_expr(CASE n WHEN 0 THEN p.polqual ELSE p.polwithcheck END, p.polrelid)
) AS each (text)
WHERE each.text IS NOT NULL
UNION ALL
SELECT 'column ' || d.adrelid::regclass || '.' || a.attname, a.attname,
    pg_get_expr(d.adbin, d.adrelid), NULL, d.adrelid::regclass::text
FROM pg_attrdef AS d JOIN pg_attribute AS a ON (a.attrelid, a.attnum) = (d.adrelid, d.adnum)
JOIN pg_class AS c ON c.oid = d.adrelid JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname {OURS}
UNION ALL
SELECT 'index ' || i.indexrelid::regclass, c.relname, each.text,
    obj_description(i.indexrelid, 'pg_class'), i.indrelid::regclass::text
FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace, (VALUES (0), (1)) AS which (n), LATERAL (
    SELECT pg_get_expr(CASE which.n WHEN 0 THEN i.indpred ELSE i.indexprs END, i.indrelid)
) AS each (text)
WHERE n.nspname {OURS} AND each.text IS NOT NULL
ORDER BY 1
"""  # noqa: S608 - nothing that is put in comes from outside
# What a function is given where its caller gives nothing.
DEFAULTS = f"""
SELECT p.oid::regprocedure::text AS signature, pg_get_expr(p.proargdefaults, 0) AS text
FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace
WHERE n.nspname {OURS} AND p.proargdefaults IS NOT NULL ORDER BY 1
"""  # noqa: S608 - nothing that is put in comes from outside
# Views, and sequences, which tell how far they are when they are read as a table.
RELATIONS = f"""
SELECT c.oid::regclass::text AS name, c.relkind::text AS kind,
    CASE WHEN c.relkind IN ('v', 'm') THEN rtrim(pg_get_viewdef(c.oid), '; ') END AS text
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname {OURS} AND c.relkind IN ('v', 'm', 'S') ORDER BY 1
"""  # noqa: S608 - nothing that is put in comes from outside
# Triggers that are off, or on in a replica alone, and rules that put one statement for another.
LIFTED = f"""
SELECT 'trigger ' || g.tgrelid::regclass || '.' || g.tgname AS place, g.tgname::text AS name,
    'off' AS kind, CASE g.tgenabled WHEN 'D' THEN 'disabled'
        ELSE 'off unless session_replication_role is replica' END AS reads,
    obj_description(g.oid, 'pg_trigger') AS comment
FROM pg_trigger AS g JOIN pg_class AS c ON c.oid = g.tgrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname {OURS} AND g.tgenabled IN ('D', 'R') AND NOT g.tgisinternal
UNION ALL
SELECT 'rule ' || r.ev_class::regclass || '.' || r.rulename, r.rulename, 'rewrites',
    'every statement of its kind', obj_description(r.oid, 'pg_rewrite')
FROM pg_rewrite AS r JOIN pg_class AS c ON c.oid = r.ev_class
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname {OURS} AND c.relkind IN ('r', 'p')
ORDER BY 1
"""  # noqa: S608 - nothing that is put in comes from outside


@dataclass(frozen=True, slots=True)
class Switch:
    """A place that decides by something that is no row.

    Attributes:
        place: the object, such as `check users.name_of_it`.
        kind: what it asks of.
        reads: what it reads.
        rules: the ids of the rules that rest on the place.
    """

    place: str
    kind: str
    reads: str
    rules: tuple[str, ...]

    def __str__(self) -> str:
        """Return it as a clause."""
        verb = VERBS.get(self.kind, "reads")
        return f"{self.place} {verb} {self.reads}"


def switches(connection: psycopg.Connection[Any]) -> list[Switch]:
    """Return what decides by something that is no row, and is not meant to."""
    with connection.transaction(force_rollback=True):
        found = [*_Guards(connection).switches()]
    return [each for each in found if (_bare(each.place), each.reads) not in ON_PURPOSE]


def _bare(place: str) -> str:
    """Return a place without a function's arguments, whose types say nothing of what it reads."""
    return place.partition("(")[0]


class _Guards:
    """All that guards a database, as its catalogues have it."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._cursor = connection.cursor(row_factory=namedtuple_row)
        self._schema: Schema = schema.read(connection)
        # The suite's own look on, and are on its databases alone.
        self._triggers = [
            each for each in self._schema.triggers if " conformance." not in each.definition
        ]
        self._functions: dict[str, tuple[Any, Reading]] = {
            each.signature: (
                each,
                bodies.of_function(each.language, each.definition, each.body, each.sql_body),
            )
            for each in self._schema.functions
        }

        self._relations = {each.name: each for each in self._rows(RELATIONS)}

    def switches(self) -> Iterator[Switch]:
        for signature, (function, reading) in self._functions.items():
            rules = concern(self._schema, function).rules
            yield from _of_reading(signature, reading, rules)
            yield from self._through(signature, reading, rules)
            for found in UNDER.finditer(function.definition):
                yield Switch(signature, OFF, f"run under {found[1]}", rules)
        for each in self._rows(DEFAULTS):
            if each.signature in self._functions:
                rules = concern(self._schema, self._functions[each.signature][0]).rules
                yield from _of_reading(each.signature, bodies.of_expression(each.text), rules)
        for each in self._rows(EXPRESSIONS):
            reading = bodies.of_expression(each.text)
            yield from _of_reading(each.place, reading, self._rules(each.name, each.comment))
        for each in self._rows(LIFTED):
            yield Switch(each.place, each.kind, each.reads, self._rules(each.name, each.comment))
        for trigger in self._triggers:
            _, reading = bodies.of_trigger(trigger.definition)
            place = f"trigger {trigger.table}.{trigger.name}"
            yield from _of_reading(place, reading, self._rules(trigger.name, trigger.comment))
            yield from self._passed_by(trigger)

    def _through(
        self,
        place: str,
        reading: Reading,
        rules: tuple[str, ...],
        seen: frozenset[str] = frozenset(),
    ) -> Iterator[Switch]:
        """Return what a function reads by way of views, and of sequences."""
        for name in sorted(reading.tables - seen):
            relation = self._relations.get(name)
            if relation is not None and relation.kind == "S":
                yield Switch(place, COUNTING, name, rules)
            elif relation is not None:
                inner = bodies.of_expression(f"({relation.text})")
                yield from _of_reading(f"{place}, through {name},", inner, rules)
                yield from self._through(place, inner, rules, seen | {name})

    def _passed_by(self, trigger: Any) -> Iterator[Switch]:
        """Return the triggers that do not see what a BEFORE UPDATE trigger assigns."""
        if not re.search(r" BEFORE (\w+ OR )*UPDATE", trigger.definition):
            return
        fires, _ = bodies.of_trigger(trigger.definition)
        assigned = self._assigned(trigger.function)
        for other in self._triggers:
            watched, _ = bodies.of_trigger(other.definition)
            sees = bool(fires) and fires <= watched  # it fires whenever this one does
            hidden = watched if bodies.WHOLE in assigned else watched & assigned
            if other.table == trigger.table and other is not trigger and hidden and not sees:
                place = f"trigger {trigger.table}.{trigger.name}"
                reads = f"{', '.join(sorted(hidden))}, which {other.name} watches"
                yield Switch(place, BYPASS, reads, self._rules(other.name, other.comment))

    def _assigned(self, function: str) -> set[str]:
        return {
            column
            for known, reading in self._functions.values()
            if known.name == function
            for column in reading.assigns
        }

    def _rules(self, name: str, comment: str | None) -> tuple[str, ...]:
        return self._schema.rules_of(name, comment or "")

    def _rows(self, query: str) -> list[Any]:
        return [*self._cursor.execute(query.encode())]


def _of_reading(place: str, reading: Reading, rules: tuple[str, ...]) -> Iterator[Switch]:
    for kind, reads in _asked(reading):
        yield Switch(place, kind, reads, rules)


def _asked(reading: Reading) -> Iterator[tuple[str, str]]:
    """Return what some SQL asks that is no row, each with its kind."""
    for call in sorted(reading.calls, key=str):
        for kind, names in TELLS.items():
            if call.schema == "" and re.fullmatch(names, call.name):
                yield kind, str(call)
    yield from ((SESSION, each) for each in sorted(reading.values) if re.fullmatch(KEYWORDS, each))
    yield from ((TRANSACTION, column) for column in sorted(reading.columns))
    yield from ((CATALOG, table) for table in sorted(reading.tables) if CATALOGS.match(table))
    yield from ((STATEMENTS[each], each) for each in sorted(reading.statements & set(STATEMENTS)))
    calls = {call.name for call in reading.calls if call.schema == ""}
    if any(re.fullmatch(CLOCKS, each) for each in calls) or any(
        re.fullmatch(TODAY, each) for each in reading.values
    ):
        # What holds until a day, or from it on, is not what was tried today.
        yield from ((DAY, f"the clock, and the day {each}") for each in sorted(reading.dates))
    if reading.is_made_up:
        yield MADE, MADE
