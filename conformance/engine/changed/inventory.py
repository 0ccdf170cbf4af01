"""All objects of a schema by which a rule can be enforced, each with the rules that it serves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from conformance.engine.catalogue import schema
from conformance.engine.changed.compare import concerned

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
    """An object of a schema: what it is, on what, its SQL, and ids of the rules that it serves."""

    kind: str
    name: str
    on: str
    sql: str
    rules: tuple[str, ...]


def read(connection: psycopg.Connection[Any]) -> Iterator[Object]:
    """Yield constraints, indexes without a constraint, triggers, functions and enum types."""
    found = schema.read(connection)
    for several, kind, called in KINDS:
        for row in getattr(found, several):
            rules, _ = concerned(found, several, row)
            yield Object(
                kind,
                getattr(row, called),
                schema.short(_on(row)),
                _sql(kind, row),
                tuple(dict.fromkeys(rules)),
            )


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
