"""Objects that pending files take away, or leave in a worse state than they were in."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from conformance.engine.deployment.tokens import by_statement
from conformance.engine.domain.chosen import domain
from conformance.engine.gate import conversions

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from conformance.engine.audit.description import Description
    from conformance.engine.deployment.migrations import Migration

VIEWS = ("view", "materialized view")
STORED = ("table", "partitioned table")
FILLING = re.compile(r"\bBEFORE INSERT\b")
FILLED = re.compile(r" (?:DEFAULT|IDENTITY|STORED AS|VIRTUAL AS)\b")
REQUIRED = re.compile(r"(?: COLLATE \S+)? NOT NULL")
# Types that clients read and write alike.
FAMILIES = (
    ("text", "character varying", "character", "name"),
    ("smallint", "integer", "bigint", "numeric", "real", "double precision"),
    ("timestamp without time zone", "timestamp with time zone"),
    ("json", "jsonb"),
)
BODY = re.compile(r"^ ?(?:AS |RETURN |BEGIN ATOMIC)", re.MULTILINE)


def fleeting(before: Description, after: Description) -> Iterator[tuple[str, str]]:
    """Yield tables that a crash of the server empties from now on."""
    for kind, name in sorted(before.keys() & after.keys()):
        was, now = before[kind, name], after[kind, name]
        if kind == "relation" and " unlogged" in now and " unlogged" not in was:
            yield name.removeprefix("public."), "is unlogged: the next crash empties it"


def demanding(before: Description, after: Description) -> Iterator[tuple[str, str]]:
    """Yield columns of tables that were there, of which clients find something else than before."""
    filled = {
        name.rpartition(" on ")[2]
        for (kind, name), definition in after.items()
        if kind == "trigger" and FILLING.search(definition)
    }
    for (kind, name), now in sorted(after.items()):
        table = name.rpartition(".")[0]
        if kind != "column" or not before.get(("relation", table), "").startswith(STORED):
            continue
        was, place = before.get((kind, name), ""), name.removeprefix("public.")
        if _is_asked_for(now) and table not in filled and (not was or FILLED.search(was)):
            yield place, "takes no null, and holds nothing by default: INSERT without it fails"
        old, new = conversions.type_of(was), conversions.type_of(now)
        if was and old != new and _family(old) != _family(new):
            yield place, f"is {new} from now on, and was {old}: clients that know it so may fail"


def _is_asked_for(definition: str) -> bool:
    """Return whether a column takes no null, and nothing but INSERT fills it."""
    return REQUIRED.fullmatch(definition.removeprefix(conversions.type_of(definition))) is not None


def _family(name: str) -> str:
    """Return a name for types that clients read and write alike."""
    bare = re.sub(r"\(.*?\)", "", name)
    return next((each[0] for each in FAMILIES if bare in each), bare)


def neglected(before: Description, after: Description) -> Iterator[tuple[str, str]]:
    """Yield tables that nobody vacuums from now on, or that are published without a key."""
    for kind, name in sorted(after.keys() - before.keys()):
        if kind == "storage":
            yield f"storage of {name}", after[kind, name]


def outdated(
    before: Description, after: Description, files: Sequence[Migration]
) -> Iterator[tuple[str, str]]:
    """Yield indexes and stored columns that hold what a function said before.

    Args:
        before: what the schema is before a file.
        after: what it is after it.
        files: this one and those after it: what they name they make anew.
    """
    named = {each.word for file in files for words in by_statement(file.sql) for each in words}
    changed = [
        name.partition("(")[0]
        for kind, name in sorted(before.keys() & after.keys())
        if kind == "function" and _body(before[kind, name]) != _body(after[kind, name])
    ]
    for kind, name in sorted(before.keys() & after.keys()):
        definition = after[kind, name]
        kept = kind == "index" or (kind == "column" and " STORED AS " in definition)
        place = name.partition(" on ")[0].removeprefix("public.")
        function = next((each for each in changed if kept and f"{each}(" in definition), "")
        if function and place.rpartition(".")[2].strip('"').lower() not in named:
            yield place, f"holds what {function}() said before, until it is made anew"


def _body(definition: str) -> str:
    """Return what a function does, without its attributes."""
    return BODY.split(definition, maxsplit=1)[-1]


def gone(before: Description, after: Description) -> Iterator[tuple[str, str]]:
    """Yield views and functions that the application has a right to, and that are gone.

    What goes with a table is told with its rows.
    """
    tables = [
        re.compile(rf"\b{re.escape(name.rpartition('.')[2])}\b")
        for kind, name in before.keys() - after.keys()
        if kind == "relation" and before[kind, name] == "table"
    ]
    used = re.compile(rf" on (?:function )?(.+) to {re.escape(domain().application)}$")
    given = {
        found[1] for kind, name in before if kind == "privilege" and (found := used.search(name))
    }
    for kind, name in sorted(before.keys() - after.keys()):
        views = kind == "relation" and before[kind, name].startswith(VIEWS)
        called = kind == "function" and "RETURNS trigger" not in before[kind, name]
        alone = not any(each.search(before[kind, name]) for each in tables)
        if name in given and (views or called) and not _is_replaced(name, after) and alone:
            what = "function" if called else "view"
            yield f"{what} {name}", f"is gone, and {domain().application} has a right to it"


def _is_replaced(name: str, after: Description) -> bool:
    """Return whether who uses a view or a function finds another one that takes the same."""
    called, _, given = name.removesuffix(")").partition("(")
    return any(
        other == name
        or (kind == "function" and other.startswith(f"{called}(") and _takes(other, given, text))
        for (kind, other), text in after.items()
        if kind in {"function", "relation"}
    )


def _takes(function: str, given: str, definition: str) -> bool:
    """Return whether a function takes these arguments, and needs no others."""
    own = function.partition("(")[2].removesuffix(")").split(",")
    families = [*map(_family, given.split(","))] if given else []
    further = len(own) > len(families) and own != [""]
    return [*map(_family, own)][: len(families)] == families and (
        not further or " DEFAULT " in definition
    )
