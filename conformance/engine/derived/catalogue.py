"""Tables of a live schema, as far as a legal row of each can be made from them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from conformance.engine.cases.scenario import Asked

COLUMNS: Final = """
SELECT c.relname::text, a.attname::text, b.typname::text, b.typcategory::text,
    a.attnotnull OR t.typnotnull, a.atthasdef OR t.typdefault IS NOT NULL OR a.attidentity <> '',
    CASE
        WHEN b.typname IN ('varchar', 'bpchar') AND greatest(a.atttypmod, t.typtypmod) > 4
        THEN greatest(a.atttypmod, t.typtypmod) - 4
    END,
    ARRAY(
        SELECT e.enumlabel::text FROM pg_enum AS e WHERE e.enumtypid = b.oid
        ORDER BY e.enumsortorder
    ), a.attidentity = 'a'
FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid
JOIN pg_type AS t ON t.oid = a.atttypid
JOIN pg_type AS b ON b.oid = CASE t.typtype WHEN 'd' THEN t.typbasetype ELSE t.oid END
WHERE c.relnamespace = to_regnamespace('public') AND c.relkind IN ('r', 'p') AND a.attnum > 0
    AND NOT a.attisdropped AND a.attgenerated = ''
ORDER BY c.relname, a.attnum
"""
# What tells a row from others: its primary key, or else a unique index that no null gets around.
IDENTITIES: Final = """
SELECT DISTINCT ON (c.relname) c.relname::text, ARRAY(
    SELECT a.attname::text FROM unnest(i.indkey::smallint[]) WITH ORDINALITY AS u (number, place)
    JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = u.number ORDER BY u.place
)
FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indrelid
WHERE c.relnamespace = to_regnamespace('public') AND i.indisunique AND i.indimmediate
    AND i.indpred IS NULL AND i.indexprs IS NULL AND i.indnatts = i.indnkeyatts
    AND NOT EXISTS (
        SELECT FROM pg_attribute AS a WHERE a.attrelid = i.indrelid AND NOT a.attnotnull
            AND a.attnum = ANY (i.indkey::smallint[])
    )
ORDER BY c.relname, i.indisprimary DESC, i.indnatts, i.indexrelid
"""
KEYS: Final = """
SELECT ours.relname::text, theirs.relname::text, k.confdeltype::text, k.confupdtype::text,
    ARRAY(
        SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY AS u (number, place)
        JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = u.number ORDER BY u.place
    ),
    ARRAY(
        SELECT a.attname::text FROM unnest(k.confkey) WITH ORDINALITY AS u (number, place)
        JOIN pg_attribute AS a ON a.attrelid = k.confrelid AND a.attnum = u.number ORDER BY u.place
    )
FROM pg_constraint AS k JOIN pg_class AS ours ON ours.oid = k.conrelid
JOIN pg_class AS theirs ON theirs.oid = k.confrelid
WHERE k.contype = 'f' AND k.connamespace = to_regnamespace('public') AND k.conparentid = 0
ORDER BY cardinality(k.conkey) DESC, k.conname
"""


@dataclass(frozen=True, slots=True)
class Column:
    """A column that can be written.

    Attributes:
        name: its name.
        type: that of its values, under any domain.
        category: of the type, as pg_type has it.
        required: whether an INSERT must give it: it is not null and has no default.
        nullable: whether it takes a null.
        most: characters that it takes; None for any number.
        labels: of an enum type.
        always: whether it is GENERATED ALWAYS AS IDENTITY, and so never changes.
    """

    name: str
    type: str
    category: str
    required: bool
    nullable: bool
    most: int | None
    labels: tuple[str, ...]
    always: bool = False


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """Columns that name a row of another table.

    Attributes:
        columns: ours, with the other table's.
        parent: the other table.
        takes_along: whether a row that goes takes with it those that name it, or their names of it.
        follows: whether they follow a row that gets another key.
    """

    columns: Mapping[str, str]
    parent: str
    takes_along: bool = False
    follows: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A table: its columns and its foreign keys, those of most columns first.

    Attributes:
        columns: by name.
        keys: its foreign keys.
        identity: the columns that tell a row from others.
        named: the columns by which rows of other tables name its rows, and itself.
    """

    columns: Mapping[str, Column]
    keys: tuple[ForeignKey, ...]
    identity: tuple[str, ...] = ("id",)
    named: frozenset[str] = frozenset()


def always(tables: Mapping[str, Table], table: str, columns: Iterable[str]) -> bool:
    """Return whether the server alone says what one of some columns is."""
    known = tables[table].columns
    return any(known[name].always for name in columns if name in known)


@lru_cache(maxsize=4)
def tables_of(schema: Asked) -> Mapping[str, Table]:
    """Return the tables of a live schema, by name; read once for each session."""
    columns: dict[str, dict[str, Column]] = {}
    for table, name, kind, category, not_null, has_default, most, labels, always in schema.fetch(
        COLUMNS
    ):
        columns.setdefault(str(table), {})[str(name)] = Column(
            str(name),
            str(kind),
            str(category),
            required=bool(not_null) and not has_default,
            nullable=not not_null,
            most=most if isinstance(most, int) else None,
            labels=tuple(map(str, _list(labels))),
            always=bool(always),
        )
    keys: dict[str, list[ForeignKey]] = {}
    for table, parent, on_delete, on_update, ours, theirs in schema.fetch(KEYS):
        pairs = zip(map(str, _list(ours)), map(str, _list(theirs)), strict=True)
        takes, follows = str(on_delete) in "cnd", str(on_update) in "cnd"
        key = ForeignKey(dict(pairs), str(parent), takes, follows)
        keys.setdefault(str(table), []).append(key)
    identities = {
        str(table): tuple(map(str, _list(names))) for table, names in schema.fetch(IDENTITIES)
    }
    named: dict[str, set[str]] = {table: {*names} for table, names in identities.items()}
    for key in (key for some in keys.values() for key in some):
        named.setdefault(key.parent, set()).update(key.columns.values())
    return {
        name: Table(
            some,
            tuple(keys.get(name, ())),
            identities.get(name) or tuple(each.name for each in some.values() if each.required),
            frozenset(named.get(name, ())),
        )
        for name, some in columns.items()
    }


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
