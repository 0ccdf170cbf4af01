"""Drift: what of a schema in use is not as its migrations make it."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING

from conformance.engine.audit.canonical import same
from conformance.engine.audit.findings import Fault
from conformance.engine.domain.chosen import conventions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.engine.audit.description import Description

# What is made for one table, type or schema and changes what may be written there.
ATTACHED = ("column", "constraint", "index", "trigger", "trigger of", "rule", "policy")
# Marks that a description carries where something does not work, whoever made it so.
STATES = {
    "(disabled)": ("disabled", "ALTER TABLE {table} ENABLE TRIGGER {name}"),
    "(on replicas only)": (
        "firing on replicas only",
        "ALTER TABLE {table} ENABLE TRIGGER {name}",
    ),
    "(not enforced)": (
        "not enforced",
        "ALTER TABLE {table} ALTER CONSTRAINT {name} ENFORCED",
    ),
    "(not validated)": (
        "not validated: rows from before may break it",
        "ALTER TABLE {table} VALIDATE CONSTRAINT {name}",
    ),
    "(invalid)": (
        "not valid: it neither finds nor refuses what it should",
        "REINDEX INDEX CONCURRENTLY {name}",
    ),
}
OUT_OF_TURN = (
    "asked before a key whose name comes first: who breaks both is refused in the wrong name"
)
IN_TURN = (
    "drop the foreign keys of that table, and add them again in the order of their names, "
    "with their comments"
)
RESTORE = "bring it back as the migrations have it, or write the change as a migration"
REMOVE = (
    "write it as a migration if it is to stay; whoever made it may need it, so ask before it goes"
)
DATABASE = "the database"
# A dump without --create holds no rights to the database.
GIVEN_BACK = "REVOKE TEMPORARY ON DATABASE … FROM PUBLIC, which a restore into a new one gives back"
POWERS = ("TRIGGER", "TRUNCATE")
# In the text of a function: an error, of whichever level none is said, and tables that it writes.
RAISES = re.compile(
    r"\b(?:RAISE(?!\s+(?:DEBUG|LOG|INFO|NOTICE|WARNING)\b)|ASSERT)\b", re.IGNORECASE
)
WRITES = re.compile(
    r"\b(?:INSERT\s+INTO|UPDATE|DELETE\s+FROM|MERGE\s+INTO|TRUNCATE(?:\s+TABLE)?)\s+(?:ONLY\s+)?"
    r"(?:public\.)?\"?(\w+)",
    re.IGNORECASE,
)
CALLED = "function"
STANDALONE = ("relation", CALLED, "type", "schema")
SHOWN_LINES = 4  # of a difference


def compare(expected: Description, found: Description) -> tuple[list[Fault], list[str]]:
    """Return what is missing, changed, too much or out of work, and what else there is to know."""
    faults = [
        Fault(_called(key), "missing", RESTORE)
        for key in expected
        if key not in found and not _goes_with_another(key, found)
    ]
    notes = []
    for key, definition in found.items():
        if _is_meant(key, definition, expected):
            notes.append(f"{_called(key)} is not validated yet, as the migrations have it")
        else:
            faults += _not_as_expected(key, definition, expected)
    faults += [
        Fault(f"constraint {key[1]}", OUT_OF_TURN, IN_TURN)
        for key in found
        if _out_of_turn(key, expected)
    ]
    granted: dict[str, list[str]] = {}
    for key, definition in found.items():
        if key in expected or _is_of_a_constraint(key, found):
            continue
        if _is_for_speed(key, definition):
            notes.append(f"{_called(key)} is no part of the migrations, and refuses nothing")
        elif _looks_on(key, definition, found, expected):
            notes.append(f"{_called(key)} is no part of the migrations, and comes after each write")
        elif _weakens(key, definition, expected):
            remedy = GIVEN_BACK if _is_of_database(key) else REMOVE
            faults.append(Fault(_called(key), "no part of the migrations", remedy))
        elif key[0] == "privilege":
            what, _, role = key[1].rpartition(" to ")
            granted.setdefault(role, []).append(what)
        elif key[0] in STANDALONE:
            notes.append(f"{_called(key)} is no part of the migrations")
    notes += [
        f"{role} has {len(some)} privileges that the migrations do not give, such as {min(some)}"
        for role, some in granted.items()
    ]
    return faults, notes


def _not_as_expected(
    key: tuple[str, str], definition: str, expected: Description
) -> Iterator[Fault]:
    """Yield what is out of work, or is not as the migrations make it."""
    if key not in expected:  # in whichever state somebody else's is
        return
    idle = [state for mark, state in STATES.items() if definition.endswith(mark)]
    if idle:
        yield _out_of_work(key, *idle[0])
    elif not same(key[0], expected[key], definition):
        yield _changed(key, expected[key], definition)


def _called(key: tuple[str, str]) -> str:
    kind, name = key
    return f"the triggers of {name}" if kind == "trigger of" else f"{kind} {name}"


def _goes_with_another(key: tuple[str, str], found: Description) -> bool:
    """Return whether a comment or trigger is missing because its object is."""
    kind, name = key
    if kind == "turn":  # a fault that the migrations have, and the database does not
        return True
    if _is_of_database(key):  # likewise
        return True
    if kind == "trigger of":
        return ("constraint", name) not in found
    what, _, rest = name.partition(" ")
    return kind == "comment" and rest != "" and (what, rest) not in found


def _out_of_work(key: tuple[str, str], what: str, statement: str) -> Fault:
    kind, called = key
    name, _, table = called.rpartition(" on ")
    if kind == "trigger of":
        name = "ALL"
    return Fault(_called(key), what, statement.format(name=name, table=table))


def _changed(key: tuple[str, str], expected: str, found: str) -> Fault:
    what = "; ".join(difference(expected, found))
    return Fault(_called(key), f"not as the migrations make it: {what}", RESTORE)


def difference(expected: str, found: str, *, most: int | None = SHOWN_LINES) -> Iterator[str]:
    """Yield what one definition lacks and has that another does not.

    Args:
        expected: the one definition.
        found: the other.
        most: of how many lines the first are shown; None of all.
    """
    lines = [
        line.replace("\t", " ")
        for line in difflib.ndiff(expected.splitlines(), found.splitlines())
        if line[:1] in "+-" and line[1:].strip()
    ]
    for line in lines[:most]:
        word = "has" if line[0] == "+" else "lacks"
        yield f"it {word} {' '.join(line[1:].split())!r}"
    if most is not None and len(lines) > most:
        yield f"and {len(lines) - most} lines more"


def _looks_on(
    key: tuple[str, str], definition: str, found: Description, expected: Description
) -> bool:
    """Return whether this is a trigger that comes after what was written, such as of a log.

    One whose function, as far as its text tells, raises an error or writes a table of the
    migrations does more.
    """
    if key[0] != "trigger" or " AFTER " not in definition or "CONSTRAINT" in definition:
        return False
    called = definition.rpartition(" FUNCTION ")[2].partition("(")[0]  # given what, is no matter
    body = run_by(called, found)
    writes = (f"public.{name}" for name in WRITES.findall(body))
    return RAISES.search(body) is None and not any(
        ("relation", each) in expected for each in writes
    )


def run_by(function: str, found: Description) -> str:
    """Return the text of a function, and of those that it calls, however far."""
    texts = {name.partition("(")[0]: text for (kind, name), text in found.items() if kind == CALLED}
    ahead, done = {function}, dict[str, str]()
    while ahead:
        name = ahead.pop()
        done[name] = texts.get(name, "")
        words = set(re.findall(r"\w+(?=\"?\s*\()", done[name]))
        ahead |= {each for each in texts if each.rpartition(".")[2].strip('"') in words} - {*done}
    return "\n".join(done.values())


def _weakens(key: tuple[str, str], definition: str, expected: Description) -> bool:
    """Return whether what nobody expects may change what the rules' own objects do."""
    kind, name = key
    helpers = conventions().helpers
    lies_apart = name.startswith(tuple(f"{each}." for each in helpers))
    if kind in ATTACHED:
        return any(("relation", place) in expected for place in _places(name))
    if kind == "child table":  # of a table of ours; others may divide theirs
        return ("relation", definition.removeprefix("of ")) in expected
    if kind == "privilege":  # TRIGGER and TRUNCATE are looked at where powers are
        place = _place(name)
        machinery = any(f"{each}." in place or place == f"schema {each}" for each in helpers)
        return (machinery or place == DATABASE) and not name.startswith(POWERS)
    if kind == "function":  # in the schema's own place, or one more of a name that it uses
        names = {other.partition("(")[0] for what, other in expected if what == "function"}
        return lies_apart or name.partition("(")[0] in names
    return kind in ("relation", "type") and lies_apart


def _is_meant(key: tuple[str, str], definition: str, expected: Description) -> bool:
    """Return whether the migrations leave this for a later one to validate."""
    return definition.endswith("(not validated)") and expected.get(key, "").endswith(
        "(not validated)"
    )


def _is_for_speed(key: tuple[str, str], definition: str) -> bool:
    """Return whether this is an index that finds rows and refuses none."""
    return key[0] == "index" and not definition.startswith("CREATE UNIQUE ")


def _is_of_a_constraint(key: tuple[str, str], found: Description) -> bool:
    """Return whether this is the index of a constraint, which is told in its place."""
    kind, name = key
    return kind == "index" and ("constraint", name.partition(".")[2]) in found


def _is_of_database(key: tuple[str, str]) -> bool:
    return key[0] == "privilege" and _place(key[1]) == DATABASE


def _place(name: str) -> str:
    """Return what a privilege is on."""
    return name.partition(" on ")[2].rpartition(" to ")[0]


def _out_of_turn(key: tuple[str, str], expected: Description) -> bool:
    """Return whether a foreign key of the migrations is asked out of its order."""
    kind, name = key
    return kind == "turn" and key not in expected and ("constraint", name) in expected


def _places(name: str) -> tuple[str, ...]:
    """Return what a name may say that it is on: `x on place`, or `place.x`."""
    return name.rpartition(" on ")[2], name.rpartition(".")[0]
