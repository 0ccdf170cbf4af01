"""The labels that the enum types of a live schema have, compared with those of the domain.

A type refuses what is none of its labels. Whether it has the right ones is part of the proof of
each rule that it enforces: a label too many stands in for every text that a near miss writes in
the place of a label, and a label that is missing is a legal value that is refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from conformance.engine.domain.chosen import domain
from conformance.engine.sql.no_label import NoLabel
from conformance.engine.sql.writes import Insert, PlainWrite, Row, Update, Write

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from conformance.engine.database.session import Session

# The labels of each column's type: of the enum itself, of a domain over it, of an array of either.
LABELS = """
WITH RECURSIVE made_of (tbl, col, type) AS (
    SELECT c.relname::text, a.attname::text, a.atttypid
    FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid
    WHERE c.relnamespace = to_regnamespace('public') AND c.relkind IN ('r', 'p')
        AND a.attnum > 0 AND NOT a.attisdropped
    UNION ALL
    SELECT m.tbl, m.col, CASE t.typtype WHEN 'd' THEN t.typbasetype ELSE t.typelem END
    FROM made_of AS m JOIN pg_type AS t ON t.oid = m.type
    WHERE t.typtype = 'd' OR t.typelem <> 0 AND t.typcategory = 'A'
)
SELECT m.tbl, m.col, format('%I.%I', n.nspname, t.typname),
    array_agg(e.enumlabel::text ORDER BY e.enumsortorder)
FROM made_of AS m JOIN pg_enum AS e ON e.enumtypid = m.type
JOIN pg_type AS t ON t.oid = m.type JOIN pg_namespace AS n ON n.oid = t.typnamespace
GROUP BY m.tbl, m.col, n.nspname, t.typname
ORDER BY 1, 2
"""

NAMED = """
SELECT EXISTS (SELECT FROM pg_constraint WHERE position('{0}' IN conname) > 0)
    OR EXISTS (SELECT FROM pg_trigger WHERE position('{0}' IN tgname) > 0)
    OR EXISTS (SELECT FROM pg_class WHERE relkind = 'i' AND position('{0}' IN relname) > 0)
    OR EXISTS (SELECT FROM pg_proc WHERE position('{0}' IN prosrc) > 0)
"""


@dataclass(frozen=True, slots=True)
class Labels:
    """Where the enum types of a schema and of the domain differ.

    Attributes:
        undeclared: type of the domain -> labels that one of its columns has beside the domain's.
        missing: type of the domain -> expressions of the domain's labels that a column lacks.
    """

    undeclared: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    missing: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def lacked(self, body: str) -> frozenset[str]:
        """Return the types of which SQL, or data of a COPY, has a label that the schema lacks."""
        return frozenset(
            enum
            for enum, missing in self.missing.items()
            if any(_has_word(body, each.partition("::")[0].strip("'")) for each in missing)
        )

    def stand_ins(self, writes: Sequence[Write]) -> Iterator[tuple[Write, ...]]:
        """Return transactions in which undeclared labels stand for what was to be no label."""
        if not self.undeclared:
            return
        enums = {each.enum for write in writes for each in _no_labels(write)}
        for enum in sorted(enums):
            for label in self.undeclared.get(enum, ()):
                yield tuple(_replaced(write, enum, label) for write in writes)


def _has_word(text: str, word: str) -> bool:
    return re.search(rf"(?<![\w.]){re.escape(word)}(?![\w.])", text) is not None


def compared(session: Session) -> Labels:
    """Compare the types of a live schema's columns with the domain's; a column of text has none."""
    live = {(tbl, col): (kind, labels) for tbl, col, kind, labels in session.fetch(LABELS)}
    undeclared: dict[str, tuple[str, ...]] = {}
    missing: dict[str, tuple[str, ...]] = {}
    declared = domain().enums()
    for enum, columns in declared.columns.items():
        known = declared.labels[enum]
        more: dict[str, None] = {}
        less: dict[str, None] = {}
        for column in columns:
            kind, labels = live.get(column, ("", None))
            if not isinstance(labels, list):
                continue
            more.update(dict.fromkeys(each for each in labels if each not in known))
            less.update(dict.fromkeys(f"'{each}'::{kind}" for each in known if each not in labels))
        if more:
            undeclared[enum] = tuple(more)
        if less:
            missing[enum] = tuple(less)
    return Labels(undeclared, missing)


def is_named(session: Session, token: str) -> bool:
    """Return whether the name of a constraint, index or trigger, or a function, has a token."""
    return session.fetch(NAMED.format(token)) == [(True,)]


def _no_labels(write: Write) -> Iterator[NoLabel]:
    match write:
        case PlainWrite(inner):
            yield from _no_labels(inner)
        case Insert(_, rows):
            for row in rows:
                yield from _in_row(row)
        case Update(_, _, changes):
            yield from _in_row(changes)


def _in_row(row: Row) -> Iterator[NoLabel]:
    for value in row.values():
        several = value if isinstance(value, list) else [value]
        yield from (each for each in several if isinstance(each, NoLabel))


def _replaced(write: Write, enum: str, label: str) -> Write:
    match write:
        case PlainWrite(inner):
            return PlainWrite(_replaced(inner, enum, label))
        case Insert(_, rows):
            return replace(write, rows=tuple(_row_replaced(row, enum, label) for row in rows))
        case Update(_, _, changes):
            return replace(write, changes=_row_replaced(changes, enum, label))
    return write


def _row_replaced(row: Row, enum: str, label: str) -> Row:
    def stands_for(value: object) -> object:
        if isinstance(value, list):
            return [stands_for(each) for each in value]
        return value.replaced(label) if isinstance(value, NoLabel) and value.enum == enum else value

    return {name: stands_for(value) for name, value in row.items()}
