"""Constraints that a schema has and that do not hold for every row: not asked, or not of all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from conformance.engine.cases.refusals import NULL, names
from conformance.engine.cases.verdicts import Verdict
from conformance.engine.sql.outcomes import Rejected

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import psycopg

    from conformance.engine.kinds.rule import Rule

# Of each constraint that is out of order: its table, name, column where it is a NOT NULL, and how.
IDLE: Final = """
SELECT coalesce(c.relname, ''), k.conname::text,
    CASE WHEN k.contype = 'n' THEN (
        SELECT a.attname::text FROM pg_attribute AS a
        WHERE a.attrelid = k.conrelid AND a.attnum = k.conkey[1]
    ) ELSE '' END,
    CASE WHEN coalesce(to_jsonb(k) ->> 'conenforced', 'true') <> 'true' THEN 'NOT ENFORCED'
        WHEN NOT k.convalidated THEN 'NOT VALID'
        ELSE 'disabled' END
FROM pg_constraint AS k LEFT JOIN pg_class AS c ON c.oid = k.conrelid
WHERE k.connamespace = to_regnamespace('public') AND (
    NOT k.convalidated OR coalesce(to_jsonb(k) ->> 'conenforced', 'true') <> 'true'
    OR EXISTS (SELECT FROM pg_trigger AS t WHERE t.tgconstraint = k.oid AND t.tgenabled = 'D')
)
ORDER BY 1, 2
"""
MEANING: Final = {
    "NOT ENFORCED": "nothing asks it",
    "NOT VALID": "rows from before may break it: ALTER TABLE … VALIDATE CONSTRAINT",
    "disabled": "its triggers do not fire",
}


@dataclass(frozen=True, slots=True)
class Idle:
    """A constraint that does not hold for every row."""

    table: str
    name: str
    column: str
    how: str

    @property
    def verdict(self) -> Verdict:
        """Verdict of it: what is asked of new rows alone is not proven of the others."""
        return Verdict.UNPROVEN if self.how == "NOT VALID" else Verdict.BROKEN

    @property
    def refusal(self) -> Rejected:
        """Likeness of a refusal by it, by which a rule knows its own."""
        if self.column:
            return Rejected(NULL, table=self.table, column=self.column)
        return Rejected("", self.name, self.table)

    def __str__(self) -> str:
        """Say what it is, and what that means."""
        return f"{self.name} is {self.how}: {MEANING[self.how]}"


def idle(connection: psycopg.Connection[Any]) -> list[Idle]:
    """Return the constraints that do not hold for every row."""
    return [Idle(*row) for row in connection.execute(IDLE)]


def about(rule: Rule, found: Iterable[Idle]) -> Iterator[Idle]:
    """Yield those of some constraints that enforce a rule."""
    return (each for each in found if names(rule, each.refusal))
