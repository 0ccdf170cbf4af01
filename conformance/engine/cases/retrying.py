"""A refused transaction done once more on a changed schema, all of which is taken back."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from conformance.engine.sql.names import quoted
from conformance.engine.sql.outcomes import Accepted, Outcome, Rejected
from conformance.engine.sql.writes import Statement

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from conformance.engine.database.sandbox import Sandbox

TRIGGERS = """
SELECT c.relname::text, t.tgname::text, p.proname::text
FROM pg_trigger AS t JOIN pg_class AS c ON c.oid = t.tgrelid JOIN pg_proc AS p ON p.oid = t.tgfoid
WHERE c.relnamespace = to_regnamespace('public') AND NOT t.tgisinternal
ORDER BY 1, 2
"""
AT_ONCE = Statement("SET CONSTRAINTS ALL IMMEDIATE")  # what would be asked at COMMIT


class Trigger(NamedTuple):
    """A trigger: its table, name, and function."""

    table: str
    name: str
    function: str

    def __str__(self) -> str:
        """As a rule names it that it enforces."""
        return f"trigger {self.table}.{self.name}"


def retry(
    sandbox: Sandbox, changes: Sequence[Statement], body: Sequence[Statement]
) -> Generator[tuple[Statement, Outcome]]:
    """Carry out changes of the schema, and then statements, up to the first that is refused."""
    try:
        for each in (Statement("BEGIN"), *changes, *body):
            outcome = sandbox.owner.send(each)
            yield each, outcome
            if not isinstance(outcome, Accepted):
                break
    finally:
        sandbox.owner.send(Statement("ROLLBACK"))
        sandbox.lose_track()


def dropping(refused: Rejected) -> Statement:
    """Return what drops the constraint that has refused a transaction."""
    table, name = quoted(refused.table), quoted(refused.constraint)
    return Statement(f"ALTER TABLE public.{table} DROP CONSTRAINT {name}")


def disabling(trigger: Trigger) -> Statement:
    """Return what disables a trigger."""
    table, name = quoted(trigger.table), quoted(trigger.name)
    return Statement(f"ALTER TABLE public.{table} DISABLE TRIGGER {name}")


@lru_cache(maxsize=4)
def triggers(sandbox: Sandbox) -> list[Trigger]:
    """Return the triggers of a schema, as it was when they were first asked for."""
    return [Trigger(*map(str, each)) for each in sandbox.owner.fetch(TRIGGERS)]
