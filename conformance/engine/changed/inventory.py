"""All objects of a schema by which a rule can be enforced, each with the rules that it serves."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, NamedTuple

from conformance.engine.catalogue import schema
from conformance.engine.catalogue.serving import served
from conformance.engine.changed.compare import concerned
from conformance.engine.domain.chosen import domain

if TYPE_CHECKING:
    from collections.abc import Iterator

    import psycopg

# Kinds of objects, as `Schema` has them, and how one is called.
KINDS = (
    ("constraints", "constraint", "name"),
    ("indexes", "index", "name"),
    ("triggers", "trigger", "name"),
    ("functions", "function", "signature"),
    ("enums", "type", "name"),
)


class Object(NamedTuple):
    """An object of a schema.

    Attributes:
        kind: what it is.
        name: as the schema has it.
        on: the table that it belongs to, or ''.
        sql: what makes it.
        rules: ids of the rules that it serves: those that it is named after, then those of what
            rests on it.
        reason: why it is there, where it serves none and the domain says so; or ''.
    """

    kind: str
    name: str
    on: str
    sql: str
    rules: tuple[str, ...]
    reason: str = ""

    def document(self) -> dict[str, Any]:
        """Return it as the report has it: without a reason, where there is none."""
        listed = {**self._asdict(), "rules": list(self.rules)}
        return listed if self.reason else {k: v for k, v in listed.items() if k != "reason"}


def read(connection: psycopg.Connection[Any]) -> Iterator[Object]:
    """Yield constraints, indexes without a constraint, triggers, functions and enum types."""
    found = schema.read(connection)
    for several, kind, called in KINDS:
        for row in getattr(found, several):
            own, _ = concerned(found, several, row)
            rules = tuple(dict.fromkeys((*own, *served(found, several, row))))
            name, on = getattr(row, called), schema.short(_on(row))
            reason = "" if rules else _reason(f"{kind} {on and f'{on}.'}{name}")
            yield Object(kind, name, on, _sql(kind, row), rules, reason)


def _reason(name: str) -> str:
    """Return why an object is there that serves no rule, as the domain says; or ''."""
    every = domain().beside.items()
    return next((reason for pattern, reason in every if fnmatchcase(name, pattern)), "")


def _on(row: Any) -> str:
    return getattr(row, "table", None) or getattr(row, "domain", None) or ""


def _sql(kind: str, row: Any) -> str:
    if kind == "type":
        labels = ", ".join(f"'{label}'" for label in row.labels)
        return f"CREATE TYPE {row.name} AS ENUM ({labels})"
    if kind == "constraint":
        what = "TABLE" if row.table else "DOMAIN"
        return f"ALTER {what} {_on(row)} ADD CONSTRAINT {row.name} {row.definition}"
    return str(row.definition).rstrip()
