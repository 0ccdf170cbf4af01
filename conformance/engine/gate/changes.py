"""Changes of pending files beside the data: rights, guards, and rules between two files."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING

from conformance.engine.audit import drift
from conformance.engine.audit.enforcement import off
from conformance.engine.audit.findings import Fault
from conformance.engine.domain.chosen import domain
from conformance.engine.gate import bodies, lockouts, powers, standing, unsteady, waived
from conformance.engine.gate.excused import settle

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from conformance.engine.audit.description import Description
    from conformance.engine.deployment.waivers import Waiver
    from conformance.engine.gate.files import Files

    Key = tuple[str, str]

# What one may be given without a word: to read, and to run what checks its callers itself.
HARMLESS = ("SELECT", "USAGE", "EXECUTE")
HIDING = " with row security"
WRITING = ("INSERT", "UPDATE", "DELETE")
MANY = 3  # columns of a table
DEFINER = "SECURITY DEFINER"
INVOKER = re.compile(r"^view with \(.*\bsecurity_invoker=(?:true|on|1)\b")
CALLED = re.compile(r"\bBEFORE\b.* FOR EACH ROW .*EXECUTE FUNCTION (\S+\(\))", re.DOTALL)
LEAVES_OUT = re.compile(r"\bRETURN\s+NULL\b", re.IGNORECASE)
KEEPS = re.compile(r"\bRETURN\s+OLD\b", re.IGNORECASE)
DELETES = re.compile(
    r"\b(?:DELETE\s+FROM|TRUNCATE(?:\s+TABLE)?)\s+(?:ONLY\s+)?(?:\"?(\w+)\"?\.)?\"?(\w+)",
    re.IGNORECASE,
)
COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
PATH = re.compile(r"^ SET search_path .*$", re.MULTILINE)


def look(
    steps: Sequence[Description],
    files: Files,
    otherwise: Mapping[str, Sequence[tuple[str, str]]] = MappingProxyType({}),
) -> tuple[list[Fault], list[str]]:
    """Return what files change of rights, unless they waive it, and what else to look at.

    Args:
        steps: what the schema is before the first file, and after each.
        files: the pending ones, and their waivers.
        otherwise: what they change under conditions that were not met, by their names.
    """
    faults: list[Fault] = []
    notes: list[str] = []
    for file, before, after in zip(files.pending, steps, steps[1:], strict=False):
        own = [waiver for waiver in files.waived if waiver.file == file.name]
        left = [waiver for waiver in own if waiver.what.startswith("RIGHT ")]
        rights = (*_rights(before, after), *powers.shut_out(before, after))
        # A statement and what comes of it are one finding.
        rights = (*rights, *lockouts.of_file(file), *otherwise.get(file.name, ()))
        for place, what in dict.fromkeys(rights):
            remedy = f"leave it as it is, or say why: -- waives RIGHT {place}: reason"
            fault = Fault(file.name, f"{place}: {what}", remedy)
            used = settle(fault, {f"RIGHT {place}"}, own, (faults, notes), what)
            left = [each for each in left if each is not used]
        faults += map(_unneeded, left)
        later = [each for each in files.pending if each.name >= file.name]
        for place, what in (
            *standing.fleeting(before, after),
            *standing.outdated(before, after, later),
            *standing.demanding(before, after),
            *unsteady.found(before, after),
        ):
            remedy = f"leave it as it is, or say why: -- waives DATA {place}: reason"
            fault = Fault(file.name, f"{place}: {what}", remedy)
            settle(fault, {f"DATA {place}"}, own, (faults, notes), what)
        notes += [f"{file.name} {each}" for each in powers.others(before, after)]
        notes += [f"{file.name} {each}" for each in bodies.look(before, after)]
    faults += waived.strays(steps, files)
    notes += _between(steps, files)
    return faults, notes


def _unneeded(waiver: Waiver) -> Fault:
    what = f"waived in {waiver.file}:{waiver.line}, and yet it is as it was"
    return Fault(waiver.what, what, "remove that line: it would hide what the file may do later")


def _rights(before: Description, after: Description) -> Iterator[tuple[str, str]]:
    """Yield each right that is lost, or gained on what was there, and what became of it."""
    lost = [key for key in before.keys() - after.keys() if _exists(key, after)]
    gained = [
        key
        for key in after.keys() - before.keys()
        if _exists(key, before) and not _is_harmless(key[1], after)
    ]
    for place, columns in _together(lost):
        yield place, f"this right is lost{columns}"
    for place, columns in _together(gained):
        yield place, f"this right is new{columns}"
    yield from powers.gained(before, after)
    yield from powers.by_default(before, after)
    yield from _ways_around(before, after)
    yield from standing.gone(before, after)
    yield from standing.neglected(before, after)
    yield from _guarding(before, after)
    for key in before.keys() & after.keys():
        kind, name = key
        old, new = before[key], after[key]
        if kind == "function" and (DEFINER in old) != (DEFINER in new):
            became = "its caller, and no longer its owner" if DEFINER in old else "its owner"
            yield f"function {name}", f"runs with the rights of {became}"
        if kind == "function" and PATH.findall(old) != PATH.findall(new):
            yield f"function {name}", "looks for names in other schemas than it did"
        if kind == "relation" and (HIDING in new) != (HIDING in old):
            became = "hides rows by policies, which its owner does not see"
            yield f"table {name}", became if HIDING in new else "hides no rows by policies any more"
        if kind == "relation" and bool(INVOKER.match(old)) != bool(INVOKER.match(new)):
            became = "caller" if INVOKER.match(new) else "owner"
            yield f"view {name}", f"reads and writes with the rights of its {became} from now on"
        if kind == "privilege" and new and not old:
            yield name, "whoever has this right may pass it on from now on"


def _is_harmless(name: str, after: Description) -> bool:
    """Return whether a new right on what was there is one to read, or to run what checks itself."""
    right, _, place = name.partition(" on ")
    thing, _, role = place.rpartition(" to ")
    if right == "EXECUTE":
        called = after.get(("function", thing.removeprefix("function ")), "")
        return DEFINER not in called or "RETURNS trigger" in called
    return right in HARMLESS and role != "PUBLIC"


def _guarding(before: Description, after: Description) -> Iterator[tuple[str, str]]:
    """Yield policies of tables that have been hiding rows, and rules that writes come to."""
    for key in sorted(before.keys() | after.keys()):
        kind, name = key
        old, new = before.get(key), after.get(key)
        table = before.get(("relation", name.rpartition(" on ")[2]), "")
        became = "is new" if old is None else "is gone" if new is None else "is another one"
        if kind == "policy" and old != new and HIDING in table:
            yield f"policy {name}", f"decides which rows are seen and written, and {became}"
        if kind == "rule" and old is None and table:
            yield f"rule {name}", "decides what becomes of writes to that table, and is new"
        if kind == "trigger" and table and old != new:
            calls = (new or "").rpartition(" FUNCTION ")[2].partition("(")[0]
            known = {*_deleted(calls, before)} if old else set()
            for gone in dict.fromkeys(_deleted(calls, after)):
                if ("relation", gone) in before and gone not in known:
                    yield f"trigger {name}", f"deletes from {gone} whenever somebody writes"
        called = CALLED.search(new or "") if kind == "trigger" and old is None and table else None
        runs = after.get(("function", called[1]), "") if called else ""
        if called and KEEPS.search(runs) and " DELETE " not in f"{called[0].partition(' ON ')[0]} ":
            yield f"trigger {name}", "is new, and may leave out changes without a word: RETURN OLD"
        if called and LEAVES_OUT.search(runs):
            yield f"trigger {name}", "is new, and may leave out rows without a word: RETURN NULL"


def _deleted(function: str, schema: Description) -> list[str]:
    """Return the tables from which a function deletes, or one that it calls, as its text tells."""
    found = DELETES.findall(COMMENT.sub("", drift.run_by(function, schema))) if function else []
    return [f"{space or 'public'}.{table}" for space, table in found]


def _ways_around(before: Description, after: Description) -> Iterator[tuple[str, str]]:
    """Yield what is new and lets somebody write with the rights of its owner."""
    for kind, name in sorted(after.keys() - before.keys()):
        if kind == "privilege":
            what, _, place = name.partition(" on ")
            view = after.get(("relation", place.rpartition(" to ")[0]), "").startswith("view")
            if view and what in WRITING and "schema_migrations" not in place:
                yield name, "this right is new, and writes through a view"
        elif kind == "function" and DEFINER in after[kind, name]:
            called_by = [
                role
                for role in ("PUBLIC", domain().application)
                if ("privilege", f"EXECUTE on function {name} to {role}") in after
            ]
            if called_by and "RETURNS trigger" not in after[kind, name]:
                yield (
                    f"function {name}",
                    f"does what its owner may, and is new: {called_by[0]} may call it",
                )


def _together(privileges: Iterable[Key]) -> Iterator[tuple[str, str]]:
    """Yield privileges by their names; on many columns of a table that of the table."""
    by_table: dict[str, list[str]] = {}
    for _, name in sorted(privileges):
        table, *column = name.partition(" on ")[2].rpartition(" to ")[0].rsplit(".", 1)
        of_column = column and "." in table
        on = name.replace(f".{column[0]} to ", " to ", 1) if of_column else name
        by_table.setdefault(on, []).append(name)
    for on, names in by_table.items():
        if len(names) >= MANY:
            yield on, f" on {len(names)} columns"
        else:
            yield from ((name, "") for name in names)


def _exists(key: Key, description: Description) -> bool:
    """Return whether this is a privilege, on what is part of a schema."""
    if key[0] != "privilege":
        return False
    place = key[1].partition(" on ")[2].rpartition(" to ")[0]
    kind, _, name = place.partition(" ")
    if name:
        return (kind, name) in description or kind == "the"
    return any((what, place) in description for what in ("relation", "column"))


def _between(steps: Sequence[Description], files: Files) -> Iterator[str]:
    """Yield rules, and guards, that are off between two files, and not before and after all."""
    if len(files.pending) < 2:  # noqa: PLR2004 - there is nothing between
        return
    first, *middle, last = steps
    known = off(first).keys() | off(last).keys()
    for file, following, step in zip(files.pending, files.pending[1:], middle, strict=False):
        between = (
            f"between {file.name} and {following.name}: if that one fails, it stays so; "
            "run both in one transaction: migrate --single-transaction"
        )
        lacking = {rule: gone for rule, gone in off(step).items() if rule not in known}
        told = [name for gone in lacking.values() for name in gone]
        yield from (f"{rule} is off {between}" for rule in sorted(lacking))
        for key in sorted(first):
            kind, name = key
            fleeting = first[key] == last.get(key) != step.get(key)
            if kind in bodies.GUARDS and fleeting and not any(each in name for each in told):
                became = "another one" if key in step else "gone"
                yield f"{kind} {name} is {became} {between}"
