"""What pending files add that no rule speaks of: a role may be given anything on it.

The suite holds the application's role to the rights that are written down, and knows no table,
column or function that a pending file adds. Whether what was there is given away is told by
`changes`, which compares it before and after.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from conformance.engine.audit.description import Description
    from conformance.engine.deployment.waivers import Waiver

SPEAKING = ("function", "policy", "relation", "rule", "trigger")  # kinds whose text may name it
DEFINER = "SECURITY DEFINER"


def of_files(steps: Sequence[Description], waivers: Iterable[Waiver]) -> list[str]:
    """Return tables, columns and functions that are new, and that no rule can depend on.

    Args:
        steps: what the schema is before the first pending file, and after each.
        waivers: of the pending files: what a right is waived for counts as well.
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
        elif kind == "relation":
            harmless = _is_its_own(name, after, spoken + keys, waived)
        elif kind == "function":
            definer = DEFINER in after[kind, name]
            harmless = not definer or f"function {name}" in waived
        else:
            continue
        # Rights are told by names without a schema.
        if harmless and (kind == "column" or (kind, _bare(name)) not in known):
            found.append(name)
    return found


def _leads_away(kind: str, name: str, before: Description, after: Description) -> bool:
    """Return whether it is a foreign key of a table that was there, which a cascade may follow."""
    on = ("relation", name.rpartition(" on ")[2])
    return kind == "constraint" and on in before and after[kind, name].startswith("FOREIGN KEY")


def _is_its_own(
    name: str, after: Description, spoken: Sequence[str], waived: Iterable[str]
) -> bool:
    """Return whether a relation holds rows of its own that nothing reads."""
    if after["relation", name] not in {"table", "sequence"}:  # a view
        given = {right for kind, right in after if kind == "privilege" and f" on {name}" in right}
        return all(each.startswith("SELECT ") or each in waived for each in given)
    return ("child table", name) not in after and not _is_read(name, spoken)


def _is_read(name: str, spoken: Sequence[str]) -> bool:
    """Return whether some text names it for more than to put rows there, as into a log."""
    last = re.escape(_bare(name).rpartition(".")[2].strip('"'))
    put = re.compile(rf"\bINSERT\s+INTO\s+(?:\"?\w+\"?\.)?\"?{last}\b", re.IGNORECASE)
    return any(re.search(rf"\b{last}\b", put.sub("", text), re.IGNORECASE) for text in spoken)


def _bare(name: str) -> str:
    """Return a name without its schema, and without arguments."""
    return name.partition("(")[0].partition(".")[2]
