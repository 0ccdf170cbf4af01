"""Objects of pending files that no rule speaks of: a role may be given anything on them.

The suite holds the application's role to the rights that are written down, and knows no table,
column or function that a pending file adds. Whether what was there is given away is told by
`changes`, which compares it before and after.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from conformance.engine.domain.chosen import COLUMNS, DERIVED

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from conformance.engine.audit.description import Description
    from conformance.engine.deployment.waivers import Waiver

SPEAKING = ("function", "policy", "relation", "rule", "trigger")  # kinds whose text may name it
DEFINER = "SECURITY DEFINER"
OF_TRIGGERS = re.compile(
    r"CREATE OR REPLACE FUNCTION \S+\(\)\n RETURNS trigger\n"
)  # nobody calls it


def of_files(steps: Sequence[Description], waivers: Iterable[Waiver]) -> list[str]:
    """Return tables, columns and functions that are new, and that no rule can depend on.

    Args:
        steps: what the schema is before the first pending file, and after each.
        waivers: of all files: what a right is waived for counts as well.
    """
    before, after = steps[0], steps[-1]
    waived = {each.what.removeprefix("RIGHT ") for each in waivers}
    changed = [key for key in after if after[key] != before.get(key)]
    spoken = [after[key] for key in changed if key[0] in SPEAKING]
    keys = [after[key] for key in changed if _leads_away(*key, before, after)]
    known = {(kind, _bare(name)) for kind, name in before}
    found = []
    for kind, name in sorted(after.keys() - before.keys()):
        if kind == "column":
            of_ours = ("relation", name.rpartition(".")[0]) in before
            harmless = of_ours and not _is_read(name, spoken)
        else:
            harmless = _is_its_own(kind, name, after, waived)
            harmless = harmless and not (kind == "relation" and _is_read(name, spoken + keys))
        # Rights are told by names without a schema.
        if harmless and (kind == "column" or (kind, _bare(name)) not in known):
            found.append(name)
    return found


def of_schema(schema: Description, waivers: Iterable[Waiver]) -> list[str]:
    """Return the same of a schema as it is: what its files added once, and the domain knows not.

    What a role may do there is compared before and after by `changes`, as with all that was there.
    """
    waived = {each.what.removeprefix("RIGHT ") for each in waivers}
    found = []
    for kind, name in sorted(schema):
        space, _, bare = name.partition(".")
        if space != "public":
            continue
        table, _, column = bare.partition(".")
        if kind == "column":
            ours = {*COLUMNS.get(table, ()), *DERIVED.get(table, ())}
            further = table in COLUMNS and column not in ours
        else:
            further = bare not in COLUMNS and _is_its_own(kind, name, schema, waived)
        if further:
            found.append(name)
    return found


def _leads_away(kind: str, name: str, before: Description, after: Description) -> bool:
    """Return whether it is a foreign key of a table that was there, which a cascade may follow."""
    on = ("relation", name.rpartition(" on ")[2])
    return kind == "constraint" and on in before and after[kind, name].startswith("FOREIGN KEY")


def _is_its_own(kind: str, name: str, schema: Description, waived: Iterable[str]) -> bool:
    """Return whether it is a table with rows of its own, a view to read, or a harmless function."""
    if kind == "function":
        definition = schema[kind, name]
        harmless = DEFINER not in definition or OF_TRIGGERS.match(definition) is not None
        return harmless or f"function {name}" in waived
    if kind != "relation":
        return False
    if not schema[kind, name].startswith(("table", "sequence")):  # a view
        given = {right for one, right in schema if one == "privilege" and f" on {name}" in right}
        return all(each.startswith("SELECT ") or each in waived for each in given)
    return ("child table", name) not in schema


def _is_read(name: str, spoken: Sequence[str]) -> bool:
    """Return whether some text names it for more than to put rows there, as into a log."""
    last = re.escape(_bare(name).rpartition(".")[2].strip('"'))
    put = re.compile(rf"\bINSERT\s+INTO\s+(?:\"?\w+\"?\.)?\"?{last}\b", re.IGNORECASE)
    return any(re.search(rf"\b{last}\b", put.sub("", text), re.IGNORECASE) for text in spoken)


def _bare(name: str) -> str:
    """Return a name without its schema, and without arguments."""
    return name.partition("(")[0].partition(".")[2]
