"""Objects that enforce a rule, each with its SQL, as `explain` and the page show them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from conformance.engine.report.document import Document

ABOVE = "-- which is above"
CALLED = re.compile(f";\\n(?=CREATE OR REPLACE FUNCTION |{ABOVE})")  # before what a trigger calls
CALLS = re.compile(r"EXECUTE FUNCTION ([^(]+\()")


class Object(NamedTuple):
    """An object of the schema: its kind, its name, and the SQL that makes it."""

    kind: str
    name: str
    sql: str


def of_document(document: Document) -> list[Object]:
    """Return the objects of a report; none, where it has only their names."""
    listed = document.get("objects", ())
    bodies = {f"{each['name'].partition('(')[0]}(": each["sql"] for each in listed}
    return [_of_document(each, bodies) for each in listed]


def _of_document(each: Mapping[str, Any], bodies: Mapping[str, str]) -> Object:
    kind, sql = each["kind"], each["sql"]
    if kind == "trigger":
        calls = CALLS.search(sql)
        body = bodies.get(calls[1], "") if calls else ""
        return Object(kind, f"{each['on']}.{each['name']}", f"{sql};\n{body}" if body else sql)
    return Object(kind, each["name"].partition("(")[0].rpartition(".")[2], sql)


def enforcing(names: Sequence[str], objects: Sequence[Object]) -> Iterator[tuple[str, str]]:
    """Yield each name with the SQL of what bears it; '' where the schema has no such object.

    A function of several triggers is shown with the first one.

    Args:
        names: as a rule's declaration has them, or a token that names begin with.
        objects: of the schema.
    """
    shown: set[str] = set()
    for name in names:
        found = [(each.name, each.sql) for each in objects if _is(each, name)]
        # A token stands for all that begins with it; a name, for one object.
        some = found if name.endswith("__") else [(name, sql) for _, sql in found[:1]]
        for shown_as, sql in some or [(name, "")]:
            trigger, *function = CALLED.split(sql, 1)
            again = bool(function) and shown.issuperset(function)
            yield shown_as, f"{trigger};\n{ABOVE}" if again else sql
            shown.update(function)


def _is(each: Object, name: str) -> bool:
    kind, _, rest = name.rpartition(" ")
    if kind:
        return (each.kind, each.name) == (kind, rest)
    if name.endswith("__"):
        return each.name.startswith(name) or (each.kind == "trigger" and f"'{name}" in each.sql)
    if each.kind == "trigger":
        return each.name.endswith(f"_{name}") or f"'{name}'" in each.sql
    return each.name == name
