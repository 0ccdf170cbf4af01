"""Unguarded twins of a schema's tables: what a write would break, had nothing refused it.

A twin has the columns and defaults of its table, and none of its constraints or triggers. What
foreign keys do to the rows of a parent that goes or gets another key they do there too. Rows are
copied, written and asked for violations in one transaction, which is rolled back.

What triggers of the schema do beside refusing, no twin does. So what a twin says of a table with
triggers is believed once a write of the same sort was accepted, and came to the same rows in both.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Self

from conformance.engine.database.violations import part_of_union
from conformance.engine.derived.catalogue import tables_of
from conformance.engine.domain.chosen import RULES
from conformance.engine.sql.names import quoted
from conformance.engine.sql.writes import Delete, Insert, Statement, Update, statements

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from types import TracebackType
    from typing import TypeAlias

    from conformance.engine.database.sandbox import Sandbox
    from conformance.engine.sql.outcomes import Outcome
    from conformance.engine.sql.writes import Write

    # A sort of write and its table, such as ("Update", "accounts").
    Sort: TypeAlias = tuple[str, str]

SCHEMA: Final = "conformance_twin"
ROWS: Final = "rows"  # in the place of a rule, in answers
FUNCTIONS: Final = f"""
CREATE SCHEMA {SCHEMA};
CREATE FUNCTION {SCHEMA}.tg_note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO conformance.changes (tbl, op, old, new) VALUES (
        TG_TABLE_NAME, TG_OP,
        CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END,
        CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END
    );
    RETURN NULL;
END;
$$;
-- Arguments: the child, what becomes of it on DELETE and on UPDATE, its columns, the parent's.
CREATE FUNCTION {SCHEMA}.tg_follow() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    v_ours text[] := TG_ARGV[3];
    v_theirs text[] := TG_ARGV[4];
    v_action text := TG_ARGV[CASE TG_OP WHEN 'DELETE' THEN 1 ELSE 2 END];
    v_old jsonb := to_jsonb(OLD);
    v_new jsonb := CASE TG_OP WHEN 'UPDATE' THEN to_jsonb(NEW) ELSE '{{}}' END;
    v_where text;
    v_set text;
BEGIN
    SELECT string_agg(format('%I = %L', o, v_old ->> t), ' AND '),
        string_agg(format('%I = ', o) || CASE v_action
            WHEN 'c' THEN format('%L', v_new ->> t) WHEN 'n' THEN 'NULL' ELSE 'DEFAULT' END, ', ')
    INTO v_where, v_set FROM unnest(v_ours, v_theirs) AS u (o, t);
    IF v_action NOT IN ('c', 'n', 'd') OR (
        SELECT bool_and(v_old -> t IS NOT DISTINCT FROM v_new -> t) FROM unnest(v_theirs) AS u (t)
    ) THEN
        RETURN NULL;
    END IF;
    IF TG_OP = 'DELETE' AND v_action = 'c' THEN
        EXECUTE format('DELETE FROM {SCHEMA}.%I WHERE %s', TG_ARGV[0], v_where);
    ELSE
        EXECUTE format('UPDATE {SCHEMA}.%I SET %s WHERE %s', TG_ARGV[0], v_set, v_where);
    END IF;
    RETURN NULL;
END;
$$
"""
# What makes the twins; domains are what they are made of, for these refuse too.
TWINS: Final = f"""
SELECT format('CREATE TABLE {SCHEMA}.%I (%s)', c.relname, string_agg(format('%I %s%s%s',
    a.attname,
    CASE t.typtype WHEN 'd' THEN format_type(t.typbasetype, t.typtypmod)
        ELSE format_type(a.atttypid, a.atttypmod) END,
    (SELECT format(' COLLATE %I.%I', o.collnamespace::regnamespace::text, o.collname)
        FROM pg_collation AS o WHERE o.oid = a.attcollation AND o.collname <> 'default'),
    CASE WHEN a.attgenerated <> ''
        THEN format(' GENERATED ALWAYS AS (%s) STORED', pg_get_expr(d.adbin, d.adrelid))
        ELSE ' DEFAULT ' || coalesce(
            pg_get_expr(d.adbin, d.adrelid), pg_get_expr(t.typdefaultbin, 0)) END
), ', ' ORDER BY a.attnum)), format('CREATE TRIGGER note AFTER INSERT OR UPDATE OR DELETE'
    ' ON {SCHEMA}.%I FOR EACH ROW WHEN (current_setting(''conformance.twin'', true) = ''on'')'
    ' EXECUTE FUNCTION {SCHEMA}.tg_note()', c.relname), c.relname::text
FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0
    AND NOT a.attisdropped
JOIN pg_type AS t ON t.oid = a.atttypid
LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE c.relnamespace = to_regnamespace('public') AND c.relkind IN ('r', 'p')
    AND NOT c.relispartition
GROUP BY c.oid
"""
FOLLOWS: Final = f"""
SELECT format('CREATE TRIGGER %I AFTER UPDATE OR DELETE ON {SCHEMA}.%I FOR EACH ROW'
    ' EXECUTE FUNCTION {SCHEMA}.tg_follow(%L, %L, %L, %L, %L)', k.conname || k.oid,
    p.relname, c.relname, k.confdeltype, k.confupdtype,
    ARRAY(SELECT a.attname FROM unnest(k.conkey) WITH ORDINALITY AS u (n, at)
        JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = u.n ORDER BY u.at)::text,
    ARRAY(SELECT a.attname FROM unnest(k.confkey) WITH ORDINALITY AS u (n, at)
        JOIN pg_attribute AS a ON a.attrelid = p.oid AND a.attnum = u.n ORDER BY u.at)::text)
FROM pg_constraint AS k JOIN pg_class AS c ON c.oid = k.conrelid
JOIN pg_class AS p ON p.oid = k.confrelid
WHERE k.contype = 'f' AND k.connamespace = to_regnamespace('public') AND k.conparentid = 0
    AND (k.confdeltype IN ('c', 'n', 'd') OR k.confupdtype IN ('c', 'n', 'd'))
"""
# What may do more to a row than refuse it.
ACTIVE: Final = """
SELECT DISTINCT tgrelid::regclass::oid::int, c.relname::text FROM pg_trigger AS t
JOIN pg_class AS c ON c.oid = t.tgrelid
WHERE NOT t.tgisinternal AND t.tgenabled <> 'D' AND t.tgname NOT LIKE 'zzz\\_note%'
    AND c.relnamespace = to_regnamespace('public')
UNION SELECT c.oid::int, c.relname::text FROM pg_class AS c
WHERE c.relkind IN ('r', 'p') AND (c.relhasrules OR c.relrowsecurity)
    AND c.relnamespace = to_regnamespace('public')
"""
# Columns whose default another transaction would make another one.
CHANGING: Final = """
SELECT c.relname::text, a.attname::text FROM pg_attribute AS a
JOIN pg_class AS c ON c.oid = a.attrelid
LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE c.relnamespace = to_regnamespace('public') AND a.attnum > 0 AND NOT a.attisdropped
    AND (a.attidentity <> '' OR pg_get_expr(d.adbin, d.adrelid) ~ '[(]|CURRENT_')
"""


@dataclass(frozen=True, slots=True)
class Foreseen:
    """Rules that a transaction breaks where nothing refuses it.

    Attributes:
        at_end: the rules that its rows then break.
        on_the_way: those that they break between its statements.
        rows: those of the tables that it may have touched, as text.
        failed: why even a twin does not take it; None where it does.
    """

    at_end: frozenset[str]
    on_the_way: frozenset[str]
    rows: Counter[tuple[object, ...]]
    failed: Outcome | None = None


class Twin:
    """The twins of one sandbox's tables, while this is open."""

    def __init__(self, sandbox: Sandbox) -> None:
        """Learn what there is to make twins of."""
        self.sandbox = sandbox
        self._owner = sandbox.owner
        self.tables = tables_of(sandbox.owner)
        # Of these a twin is not asked: they would read the tables themselves.
        self.unasked = {
            rule.id
            for rule in RULES.values()
            if rule.id in sandbox.unreadable or "public." in rule.violations
        }
        self._active = {str(name) for _, name in self._owner.fetch(ACTIVE)}
        self._changing = {(str(table), str(name)) for table, name in self._owner.fetch(CHANGING)}
        self._twins: list[str] = []
        self._same: set[Sort] = set()
        self._other: set[Sort] = set()

    def __enter__(self) -> Self:
        """Make the twins."""
        twins = self._owner.fetch(TWINS)
        self._twins = [str(name) for _, _, name in twins]  # partitions have none
        made = [str(each) for row in twins for each in row[:2]]
        made += [str(each) for (each,) in self._owner.fetch(FOLLOWS)]
        self._owner.fetch_all(";\n".join((FUNCTIONS, *made)))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Drop the twins."""
        self._owner.fetch_all(
            f"SET client_min_messages = warning; DROP SCHEMA {SCHEMA} CASCADE;"
            " RESET client_min_messages"
        )

    def foresee(self, writes: Sequence[Write]) -> Foreseen:
        """Return what the committed rows and some writes come to, where nothing refuses these."""
        tables = self._touched(writes)
        copied = [
            f"INSERT INTO {SCHEMA}.{quoted(name)} ({names}) SELECT {names} FROM {quoted(name)}"
            for name in self._twins
            for names in (", ".join(map(quoted, self.tables[name].columns)),)
        ]
        asked = self._asked(tables)
        body = [
            "BEGIN",
            *copied,
            f"SET LOCAL conformance.seen = {self.sandbox.seen}",
            "SET LOCAL conformance.twin = 'on'",
            f'SET LOCAL search_path = {SCHEMA}, "$user", public',
        ]
        told = [each for write in writes for each in statements(_of_twin(write))]
        for at, each in enumerate(told):
            body += [each.sql, f"SELECT {at}, * FROM ({asked}) AS v"]
        body += [self._rows(tables, SCHEMA), "ROLLBACK"]
        answers = self._owner.ask(";\n".join(body))
        if not isinstance(answers, list):
            self._owner.send(Statement("ROLLBACK"))
            return Foreseen(frozenset(), frozenset(), Counter(), answers)
        found = [each for each in answers if each[0] != ROWS]
        return Foreseen(
            frozenset(str(each[1]) for each in found if each[0] == len(told) - 1),
            frozenset(str(each[1]) for each in found if each[0] != len(told) - 1),
            Counter(each for each in answers if each[0] == ROWS),
        )

    def knows(self, writes: Sequence[Write]) -> bool:
        """Return whether a twin does with such writes what their tables do, rules apart."""
        active = {each for each in _sorts(writes) if self._touched_by(each[1]) & self._active}
        return active <= self._same and not active & self._other

    def learn(self, writes: Sequence[Write], foreseen: Foreseen) -> None:
        """Compare what was foreseen of writes that were accepted with what is there now."""
        rows = Counter(self._owner.fetch_all(self._rows(self._touched(writes), "public")))
        is_same = rows == foreseen.rows and not foreseen.at_end
        (self._same if is_same else self._other).update(_sorts(writes))

    def _asked(self, tables: frozenset[str]) -> str:
        """Return a query for the rules of some tables that rows of them break."""
        parts = [
            part_of_union(rule)
            for rule in RULES.values()
            if tables & {*rule.tables} and rule.id not in self.unasked
        ]
        return " UNION ALL ".join(parts) or "SELECT NULL, NULL WHERE false"

    def _rows(self, tables: frozenset[str], schema: str) -> str:
        """Return a query for the rows of tables that rules speak of."""
        spoken_of = {table for rule in RULES.values() for table in rule.tables}
        parts = []
        for table in sorted(tables & spoken_of):
            names = [n for n in self.tables[table].columns if (table, n) not in self._changing]
            row = f"ROW({', '.join(map(quoted, names))})::text"
            parts.append(f"SELECT '{ROWS}', '{table}', {row} FROM {schema}.{quoted(table)}")
        return " UNION ALL ".join(parts) or "SELECT NULL WHERE false"

    def _touched(self, writes: Iterable[Write]) -> frozenset[str]:
        return frozenset().union(*(self._touched_by(table) for _, table in _sorts(writes)))

    def _touched_by(self, table: str) -> frozenset[str]:
        """Return a table and those whose rows may go or change with its rows."""
        found, new = {table}, [table]
        while new:
            parent = new.pop()
            for name, known in self.tables.items():
                if name not in found and any(
                    key.parent == parent and (key.takes_along or key.follows) for key in known.keys
                ):
                    found.add(name)
                    new.append(name)
        return frozenset(found)


def _sorts(writes: Iterable[Write]) -> set[Sort]:
    return {
        (type(each).__name__, each.table)
        for each in writes
        if isinstance(each, Insert | Update | Delete)
    }


def _of_twin(write: Write) -> Write:
    if not isinstance(write, Insert | Update | Delete):
        return write
    return replace(write, table=f"{SCHEMA}.{quoted(write.table)}")
