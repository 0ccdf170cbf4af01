"""The places where a database decides: functions, conditions of triggers, checks and keys."""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from psycopg.rows import namedtuple_row

from conformance.engine.catalogue import schema
from conformance.engine.catalogue.concerns import concern
from conformance.engine.catalogue.rights import OURS
from conformance.engine.domain.chosen import COLUMNS, RULES
from conformance.engine.reading import bodies, recording
from conformance.engine.reading.constants import words
from conformance.engine.reading.needs import Asked, Live, of_query
from conformance.engine.reading.nodes import Reading

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import psycopg

    from conformance.engine.catalogue.schema import Schema

# What a column may be given where nothing is said of it: ids, and numbers.
GIVEN: Final = re.compile(r"(gen_random_uuid|uuidv[47]|uuid_generate_\w+|nextval)\(.*\)")

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


# What a database, or the server, has each session begin with, and fires no trigger then.
BEGINS = """
SELECT 'every session' AS place, c.setting AS reads
FROM pg_db_role_setting AS s CROSS JOIN unnest(s.setconfig) AS c (setting)
WHERE s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
    AND c.setting = 'session_replication_role=replica'
"""
# Tables of which other tables hold rows too; partitions have the keys and triggers of the whole.
CHILDREN = f"""
SELECT h.inhrelid::regclass::text AS child, h.inhparent::regclass::text AS parent
FROM pg_inherits AS h JOIN pg_class AS c ON c.oid = h.inhrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname {OURS} AND c.relkind IN ('r', 'f') AND NOT c.relispartition ORDER BY 1
"""  # noqa: S608 - nothing that is put in comes from outside
# Tables whose policies are asked, and whether they are asked of the owner too.
POLICED = f"""
SELECT c.oid::regclass::text AS name, c.relforcerowsecurity AS forced
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname {OURS} AND c.relrowsecurity ORDER BY 1
"""  # noqa: S608 - nothing that is put in comes from outside
# What keys compare.
UNIQUE = f"""
SELECT 'index ' || i.indexrelid::regclass AS place, c.relname::text AS name,
    array_agg(a.attname::text) AS columns,
    coalesce(obj_description(k.oid, 'pg_constraint'), obj_description(c.oid, 'pg_class')) AS comment
FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
LEFT JOIN pg_constraint AS k ON k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x')
WHERE n.nspname {OURS} AND i.indisunique GROUP BY i.indexrelid, c.relname, c.oid, k.oid ORDER BY 1
"""  # noqa: S608 - nothing that is put in comes from outside
# Labels and names, of which constants may consist.
NAMES = f"""
SELECT e.enumlabel::text AS name FROM pg_enum AS e JOIN pg_type AS t ON t.oid = e.enumtypid
JOIN pg_namespace AS n ON n.oid = t.typnamespace WHERE n.nspname {OURS}
UNION SELECT g.tgname::text FROM pg_trigger AS g JOIN pg_class AS c ON c.oid = g.tgrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE n.nspname {OURS} AND NOT g.tgisinternal
UNION SELECT k.conname::text FROM pg_constraint AS k
JOIN pg_namespace AS n ON n.oid = k.connamespace WHERE n.nspname {OURS}
UNION SELECT c.relname::text FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE n.nspname {OURS}
ORDER BY 1
"""  # noqa: S608 - nothing that is put in comes from outside
PASSING: Final = re.compile(r"(?:OLD|NEW) TABLE AS (\w+)")


class Place(NamedTuple):
    """Where something is decided, what is read there, and the rules that rest on it."""

    place: str
    reading: Reading
    rules: tuple[str, ...]


def needed(connection: psycopg.Connection[Any]) -> Mapping[str, Asked]:
    """Return what the guards of each rule read; and each check and trigger that is no rule's."""
    found: dict[str, Asked] = {}
    with connection.transaction(force_rollback=True):
        guards = Guards(connection)
        for each in guards.places():
            for rule in each.rules:
                found[rule] = found.get(rule, Asked()) | guards.live.asked(each.reading)
            fires = each.place in guards.functions or each.place.startswith(("check ", "trigger "))
            if fires and not each.rules and guards.is_fired(each.place):
                found[each.place] = guards.live.asked(each.reading)
    return found


class Guards:
    """All that guards a database, as its catalogues have it.

    Attributes:
        schema: as the makers of mutants read it.
        triggers: but for the suite's own.
        functions: by signature, each with what it does.
        relations: views and sequences by name.
        policed: tables whose policies are asked -> whether of the owner too.
        live: its columns and books.
    """

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        """Read all of it."""
        self._cursor = connection.cursor(row_factory=namedtuple_row)
        self.schema: Schema = schema.read(connection)
        # The suite's own look on, and are on its databases alone.
        self.triggers = [
            each for each in self.schema.triggers if " conformance." not in each.definition
        ]
        self.functions: dict[str, tuple[Any, Reading]] = {
            each.signature: (
                each,
                bodies.of_function(
                    each.language, each.definition, each.body, each.sql_body, said=False
                ),
            )
            for each in self.schema.functions
        }

        self.relations = {each.name: each for each in self.rows(RELATIONS)}
        self.policed: dict[str, bool] = {each.name: each.forced for each in self.rows(POLICED)}
        self._fired = self._reached()
        self.live = self._live()

    def places(self) -> Iterator[Place]:
        """Return all places that decide something."""
        for signature, (function, reading) in self.functions.items():
            yield Place(signature, reading, concern(self.schema, function).rules)
        for each in self.rows(DEFAULTS):
            if each.signature in self.functions:
                rules = concern(self.schema, self.functions[each.signature][0]).rules
                yield Place(each.signature, bodies.of_expression(each.text), rules)
        for each in self.rows(EXPRESSIONS):
            if GIVEN.fullmatch(each.text):
                continue
            reading = bodies.of_expression(each.text)
            rules = (
                self._rules_of_column(each)
                if each.place.startswith("column ")
                else self.rules(each.name, each.comment)
            )
            yield Place(each.place, reading, rules)
        for each in self.rows(UNIQUE):
            reading = Reading(names=set(each.columns))
            yield Place(each.place, reading, self.rules(each.name, each.comment))
        for trigger in self.triggers:
            _, reading = bodies.of_trigger(trigger.definition)
            place = f"trigger {trigger.table}.{trigger.name}"
            yield Place(place, reading, self.rules(trigger.name, trigger.comment, trigger.table))

    def _live(self) -> Live:
        """Return the columns of the schema, and which tables its own triggers keep."""
        columns: dict[str, set[str]] = {}
        derived: dict[str, frozenset[str]] = {}
        for each in self.schema.columns:
            columns.setdefault(each.table, set()).add(each.name)
        for each in self.schema.columns:
            if each.generated:
                reading = bodies.of_expression(each.expression)
                derived[each.name] = frozenset(reading.names & columns[each.table])
        written = frozenset[str]().union(
            *(
                reading.written
                for known, reading in self.functions.values()
                if known.name in self._fired
            )
        )
        of_domain = {f"public.{table}" for table in COLUMNS}
        passing = (PASSING.findall(trigger.definition) for trigger in self.triggers)
        return Live(
            {table: frozenset(each) for table, each in columns.items()},
            derived,
            written - of_domain,
            frozenset(name for each in passing for name in each),
            {
                each.name: bodies.of_expression(f"({each.text})")
                for each in self.relations.values()
                if each.text
            },
            frozenset[str]().union(*(words(each.name) for each in self.rows(NAMES))),
        )

    def _reached(self) -> frozenset[str]:
        """Return the names of the functions that run when somebody writes."""
        found: set[str] = set()
        new = {trigger.function for trigger in self.triggers}
        while new:
            found |= new
            new = {
                call.name
                for known, reading in self.functions.values()
                if known.name in new
                for call in reading.calls
            } - found
        return frozenset(found)

    def is_fired(self, place: str) -> bool:
        """Return whether a write asks a place: any but a function that people call."""
        function = self.functions.get(place)
        return function is None or function[0].name in self._fired

    def is_beside(self, table: str) -> bool:
        """Return whether a table is none that rules speak of, nor one that a guard reads.

        The schema keeps books outside `public`: what is beside them is only appended to.
        """
        space, _, bare = table.partition(".")
        if space == "public" and bare in COLUMNS:
            return False
        return table not in (self._read if space == "public" else self._looked_at)

    @cached_property
    def _read(self) -> frozenset[str]:
        """The tables that guards ask and do not write."""
        return frozenset[str]().union(*(each.tables - each.written for _, each in self._guarding))

    @cached_property
    def _looked_at(self) -> frozenset[str]:
        """The tables that guards do more to than to append."""
        return frozenset[str]().union(
            *(each.tables - recording.appends(known) for known, each in self._guarding)
        )

    @property
    def _guarding(self) -> Iterator[tuple[Any, Reading]]:
        """The functions that a write asks, and what each does."""
        return (each for each in self.functions.values() if each[0].name in self._fired)

    def is_read(self, column: str) -> bool:
        """Return whether a guard or a rule reads a column, as `schema.table.column`."""
        name = column.rpartition(".")[2].strip('"')
        return name in self._names or any(name in of_query(rule).columns for rule in RULES)

    @cached_property
    def _names(self) -> frozenset[str]:
        """The names that may be columns, in all that decides but what columns are given."""
        readings = [
            each.reading
            for each in self.places()
            if not each.place.startswith("column ") and self.is_fired(each.place)
        ]
        readings += [
            bodies.of_expression(f"({each.text})") for each in self.relations.values() if each.text
        ]
        readings += [
            bodies.of_expression(each.expression) for each in self.schema.columns if each.generated
        ]
        return frozenset[str]().union(*(each.names | each.keys for each in readings))

    def _rules_of_column(self, expression: Any) -> tuple[str, ...]:
        for each in self.schema.columns:
            if each.generated and expression.place == f"column {each.table}.{each.name}":
                return self.schema.rules_with(each)
        return ()

    def rules(self, name: str, comment: str | None, table: str = "") -> tuple[str, ...]:
        """Return the rules that an object serves; a trigger is one of a table."""
        return self.schema.rules_of(name, comment or "", table)

    def rows(self, query: str) -> list[Any]:
        """Return the rows of a query, with the names that it gives."""
        return [*self._cursor.execute(query.encode())]
