"""Rows and values where the domain knows nothing: in tables and columns of earlier migrations.

A migration may lose what another has added. So each such table gets rows, and each such column
values of its type: old and new, null and not, and JSON with the keys that the migration names.
Triggers are off meanwhile; what is checked decides which of some values are taken.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace
from itertools import count
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql

from conformance.engine.deployment.tokens import STRING, content, tokens
from conformance.engine.domain.chosen import COLUMNS as KNOWN
from conformance.engine.domain.chosen import DERIVED, conventions

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence

    from conformance.engine.deployment.migrations import Migration

    Connection = psycopg.Connection[Any]

ROWS = 4  # at least, of a table that nobody knows
MANY_WORDS, MANY_VALUES = 200, 12  # of what files name
LONGEST = 60  # characters of a string that is taken for a value
NUMBERS = ("ICONST", "FCONST")
MOST = 12  # rows of a table that the domain knows whose further columns are filled
ATTEMPTS = 30  # at one row
WORD = re.compile(r"[A-Za-z_][\w-]{0,40}")
# Columns of tables that are filled: (schema, table, column, type, its category, whether it may be
# null, labels, whether it is computed, the table that it refers to, the column there).
COLUMNS = """
SELECT n.nspname::text, c.relname::text, a.attname::text, format_type(a.atttypid, a.atttypmod),
    b.typcategory::text, b.typname::text, NOT a.attnotnull, (
        SELECT array_agg(e.enumlabel::text ORDER BY e.enumsortorder)
        FROM pg_enum AS e WHERE e.enumtypid = b.oid
    ), a.attgenerated <> '' OR a.attidentity = 'a', f.confrelid::regclass::text, r.attname::text
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_type AS t ON t.oid = a.atttypid
JOIN pg_type AS b ON b.oid = CASE t.typtype WHEN 'd' THEN t.typbasetype ELSE t.oid END
LEFT JOIN pg_constraint AS f
    ON f.conrelid = c.oid AND f.contype = 'f' AND f.conkey = ARRAY[a.attnum]
LEFT JOIN pg_attribute AS r ON r.attrelid = f.confrelid AND r.attnum = f.confkey[1]
WHERE c.relkind = 'r' AND c.relpersistence IN ('p', 'u')
    AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'conformance')
    AND n.nspname NOT IN HELPER SCHEMAS
ORDER BY f.confrelid IS NOT NULL, n.nspname, c.relname, a.attnum
"""
# Of each category of types: texts, with a number that differs from row to row.
VALUES: Mapping[str, tuple[str, ...]] = {
    "B": ("true", "false"),
    "N": ("1{n}", "{n}", "1", "0", "100"),
    "S": ("kept {n}", "k{n}", "K", "a{n}@example.com", "https://example.com/{n}", "1", ""),
    "D": ("2020-01-0{n}", "now", "2999-01-0{n}"),
    "T": ("{n} days", "01:0{n}"),
    "A": ("{{kept{n}}}", "{{1}}", "{{2020-01-01}}", "{{}}"),
    "R": ("[1,1{n})", "[2020-01-01,2020-01-1{n})", "empty"),
    "I": ("127.0.0.{n}",),
    "V": ("1", "0"),
    "G": ("(1,{n})", "((0,0),(1,{n}))"),
    "U": ("6f9619ff-8b86-4d01-b42d-00cf4fc9{n:04d}", "\\x0{n}", "<a/>", "kept", "1"),
}
JSON = ("json", "jsonb")


@dataclass(slots=True)
class _Table:
    """A table, its columns that are to be filled, and whether the domain knows it.

    Attributes:
        taken: by rows, which texts of its columns the table has taken in another state.
    """

    name: sql.Identifier
    called: str
    known: bool
    taken: dict[int, dict[str, int]]
    columns: list[_Column] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Column:
    """A column, and the texts that may stand there."""

    name: str
    kind: str
    nullable: bool
    texts: tuple[str, ...]
    of: tuple[str, str] | None  # the table and the column that it refers to

    def value(self, conn: Connection, number: int, attempt: int) -> sql.Composable | None:
        """Return an expression for one row, or None where there is no such value."""
        if self.nullable and number % 3 == 2:  # noqa: PLR2004 - of three rows one
            return sql.SQL("NULL")
        if self.of is not None:
            table, column = self.of
            query = "SELECT quote_literal({}::text) FROM {} ORDER BY 1 LIMIT 1 OFFSET {}"
            found = (
                conn.execute(query.format(f'"{column}"', table, number % 2).encode()).fetchone()
                or conn.execute(query.format(f'"{column}"', table, 0).encode()).fetchone()
            )
            if found is None:
                return sql.SQL("NULL") if self.nullable else None
            return sql.SQL(f"{found[0]}::{self.kind}")
        # Of three rows one is null, which is no reason to leave out every third text.
        place = number - number // 3 if self.nullable else number
        text = self.texts[(place + attempt) % len(self.texts)]
        if self.kind.partition("(")[0] not in JSON:
            text = text.format(n=number + 1)
        return sql.SQL("{}::{}").format(sql.Literal(text), sql.SQL(self.kind))


@dataclass(frozen=True, slots=True)
class Literals:
    """Literals of some files, by which they may choose rows.

    Attributes:
        words: in strings, as keys of JSON may be.
        strings: whole strings.
        numbers: as they are written.
        taken: by tables, which texts each row had in the last state: most states take the same.
    """

    words: tuple[str, ...] = ()
    strings: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    taken: dict[str, dict[int, dict[str, int]]] = field(default_factory=dict, compare=False)

    def anew(self) -> Literals:
        """Return the same literals, before any table has taken some."""
        return replace(self, taken={})

    def texts(self, category: str) -> tuple[str, ...]:
        """Return values for columns of a category of types."""
        if category == "S":
            return tuple(each.replace("{", "{{").replace("}", "}}") for each in self.strings)
        if category == "N":
            return self.numbers
        return ()


def literals(files: Iterable[Migration]) -> Literals:
    """Return the literals of some files, each once, and numbers next to theirs."""
    words: dict[str, None] = {}
    strings: dict[str, None] = {}
    numbers: dict[str, None] = {}
    for file in files:
        for token in tokens(file.sql):
            if token.name == STRING:
                text = content(token)
                words.update(dict.fromkeys(WORD.findall(text)))
                if len(text) <= LONGEST and "\n" not in text:
                    strings[text] = None
            elif token.name in NUMBERS:
                numbers[token.text] = None
                if token.text.isdecimal():
                    numbers.update(dict.fromkeys(str(int(token.text) + step) for step in (1, -1)))
    return Literals(
        tuple(words)[:MANY_WORDS], tuple(strings)[:MANY_VALUES], tuple(numbers)[:MANY_VALUES]
    )


def as_json(keys: Iterable[str], **further: Any) -> str:
    """Return a JSON object with some keys."""
    return json.dumps({**dict.fromkeys(keys, "kept"), **further})


def fill(conn: Connection, said: Literals, left: Container[str] = ()) -> list[str]:
    """Fill what the domain does not know, and return the tables for which no row was found.

    Args:
        conn: in a transaction, with triggers off.
        said: the literals of the files that are to be tried.
        left: tables of `public` that are left as they are.
    """
    missing = []
    for table in _tables(conn, said):
        if table.called.removeprefix("public.") in left:
            continue
        if table.known:
            _complete(conn, table)
        elif not conn.execute(sql.SQL("SELECT FROM {} LIMIT 1").format(table.name)).rowcount:
            rows = max(ROWS, min(MOST, max(len(each.texts) for each in table.columns)))
            inserted = sum(_insert(conn, table, number) for number in range(rows))
            if not inserted:
                missing.append(table.called)
    return missing


def _tables(conn: Connection, said: Literals) -> list[_Table]:
    found: dict[tuple[str, str], _Table] = {}
    for row in conn.execute(conventions().placed(COLUMNS).encode()).fetchall():
        schema, name, column, kind, category, base, nullable, labels, computed, *of = row
        if name == "schema_migrations":
            continue
        known = KNOWN.get(name, ()) if schema == "public" else ()
        table = found.setdefault(
            (schema, name),
            _Table(
                sql.Identifier(schema, name),
                f"{schema}.{name}",
                known=bool(known),
                taken=said.taken.setdefault(f"{schema}.{name}", {}),
            ),
        )
        if computed or column in (*known, *DERIVED.get(name, ())):
            continue
        first, *rest = VALUES.get(category, ("1",))
        texts = tuple(labels or ()) or (first, *said.texts(category), *rest)
        if base in JSON:
            texts = (as_json(said.words, kept=True), "{}", "[]")
        refers = (of[0], of[1]) if of[0] else None
        table.columns.append(_Column(column, kind, nullable, texts, refers))
    return list(_parents_first([table for table in found.values() if table.columns]))


def _parents_first(tables: Sequence[_Table]) -> Iterator[_Table]:
    """Yield tables, those that others refer to before them, as far as there is such an order."""
    named = {table.called: table for table in tables}
    named |= {table.called.removeprefix("public."): table for table in tables}
    done: set[str] = set()
    ahead = [(table, False) for table in sorted(tables, key=lambda each: each.known)]
    while ahead:
        table, is_ready = ahead.pop()
        if is_ready:
            yield table
        elif table.called not in done:
            done.add(table.called)
            ahead.append((table, True))
            parents = (named.get(each.of[0].replace('"', "")) for each in table.columns if each.of)
            ahead += [(each, False) for each in parents if each is not None]


def _insert(conn: Connection, table: _Table, number: int) -> bool:
    """Insert a row; whether one was found that the table takes."""
    columns = sql.SQL(", ").join(sql.Identifier(each.name) for each in table.columns)

    def write(values: Sequence[sql.Composable]) -> sql.Composed:
        return sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
            table.name, columns, sql.SQL(", ").join(values)
        )

    return _attempted(conn, table, number, write)


def _complete(conn: Connection, table: _Table) -> None:
    """Give the further columns of rows that are there values of their own."""
    rows = conn.execute(
        sql.SQL("SELECT ctid::text FROM {} ORDER BY ctid LIMIT {}").format(table.name, MOST)
    )
    for number, (place,) in enumerate(rows.fetchall()):

        def write(values: Sequence[sql.Composable], place: str = place) -> sql.Composed:
            changes = [
                sql.SQL("{} = {}").format(sql.Identifier(column.name), value)
                for column, value in zip(table.columns, values, strict=True)
            ]
            return sql.SQL("UPDATE {} SET {} WHERE ctid = {}").format(
                table.name, sql.SQL(", ").join(changes), sql.Literal(place)
            )

        _attempted(conn, table, number, write)


def _attempted(
    conn: Connection,
    table: _Table,
    number: int,
    write: Callable[[Sequence[sql.Composable]], sql.Composed],
) -> bool:
    """Try values until the table takes them; a check that fails turns its own columns."""
    turns = dict.fromkeys((each.name for each in table.columns), 0) | table.taken.get(number, {})
    for attempt in count():
        values = [
            value
            for each in table.columns
            if (value := each.value(conn, number, turns[each.name])) is not None
        ]
        if attempt == ATTEMPTS or len(values) < len(table.columns):
            return False
        try:
            with conn.transaction():
                conn.execute(write(values))
        except psycopg.Error as error:
            for name in _blamed(conn, table, error, attempt):
                turns[name] += 1
        else:
            table.taken[number] = turns
            return True
    return False


def _blamed(conn: Connection, table: _Table, error: psycopg.Error, attempt: int) -> Iterator[str]:
    """Yield the columns that an error is about; all in turn where nobody can tell."""
    query = (
        "SELECT a.attname::text FROM pg_constraint AS k JOIN pg_attribute AS a "
        "ON a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey) "
        "WHERE k.conrelid = to_regclass(%s) AND k.conname = %s"
    )
    named = {each.name for each in table.columns}
    found = [
        name
        for (name,) in conn.execute(query, (table.called, error.diag.constraint_name)).fetchall()
        if name in named
    ]
    if error.diag.column_name in named:
        found = [str(error.diag.column_name)]
    if found:
        yield found[attempt % len(found)]
    else:
        yield list(named)[attempt % len(named)]
