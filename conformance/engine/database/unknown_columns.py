"""Columns that a schema has and the domain does not know, with values of their types."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from conformance.engine.domain.chosen import COLUMNS as KNOWN
from conformance.engine.domain.chosen import DERIVED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from conformance.engine.database.session import Session

# What the database computes, and numbers by itself, nobody gives it.
COLUMNS: Final = """
SELECT c.relname::text, a.attname::text, format_type(a.atttypid, a.atttypmod), a.attnotnull,
    b.typcategory::text, (
        SELECT array_agg(e.enumlabel::text ORDER BY e.enumsortorder)
        FROM pg_enum AS e WHERE e.enumtypid = b.oid
    )
FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid
JOIN pg_type AS t ON t.oid = a.atttypid
JOIN pg_type AS b ON b.oid = CASE t.typtype WHEN 'd' THEN t.typbasetype ELSE t.oid END
WHERE c.relnamespace = to_regnamespace('public') AND c.relkind IN ('r', 'p') AND a.attnum > 0
    AND NOT a.attisdropped AND a.attgenerated = '' AND a.attidentity = ''
ORDER BY c.relname, a.attnum
"""
# Of each category of types, as pg_type has them: texts that its types read.
VALUES: Final[Mapping[str, tuple[str, ...]]] = {
    "B": ("true", "false"),
    "N": ("0", "1", "-1", "100"),
    "S": ("x", "", "true", "internal"),
    "D": ("2020-01-01", "2999-01-01"),
    "T": ("0", "1 year"),
    "A": ("{}",),
    "U": ("{}", '{"varied": true}', "6f9619ff-8b86-4d01-b42d-00cf4fc964ff"),
}


class Value(NamedTuple):
    """A value for a column that the domain does not know."""

    table: str
    column: str
    value: str | None


@dataclass(frozen=True, slots=True)
class Spare:
    """Values for the columns that the domain does not know, by their tables."""

    values: Mapping[str, tuple[Value, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, session: Session) -> Spare:
        """Read which columns a schema has beside the domain's."""
        found: dict[str, list[Value]] = {}
        for table, column, kind, required, category, labels in session.fetch(COLUMNS):
            known = (*KNOWN.get(str(table), ()), *DERIVED.get(str(table), ()))
            if str(table) not in KNOWN or str(column) in known:
                continue
            texts = labels if isinstance(labels, list) else VALUES.get(str(category), ())
            shown = [text for text in texts if _is_read(session, text, str(kind))]
            found.setdefault(str(table), []).extend(
                Value(str(table), str(column), each)
                for each in (*shown, *(() if required else (None,)))
            )
        return cls({table: tuple(values) for table, values in found.items()})


def _is_read(session: Session, text: object, kind: str) -> bool:
    return isinstance(session.ask(f"SELECT '{text}'::{kind}"), list)
