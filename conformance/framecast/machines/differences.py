"""Differences of a database's rows from the model's: row, column, expected, observed.

A rule is named where what differs is that rule's to say: how the database moves a project, numbers
an event or ends a key. A difference that no rule speaks of is the model's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from conformance.engine.domain.chosen import RULES
from conformance.framecast.model import view

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MOST_TOLD = 4  # differences that one finding shows
NO_ROW, A_ROW = "no row", "a row"
LABELS = {view.SLUG: "slug", view.PROGRESS: "progress"}
# What the database sets by itself, and the rule that says how.
SET_BY_RULE = {
    ("projects", "status"): "AUTO-PROJECT",
    ("job_events", "sequence"): "AUTO-NUMBER",
    ("api_keys", "revoked_at IS NOT NULL"): "AUTO-REVOKE",
    ("api_keys", view.VALID): "INV-A4",
}


class Difference(NamedTuple):
    """One value that is not the model's; `column` is '' where a whole row is missing or too many.

    Columns are named as `view` reads them.
    """

    table: str
    key: str
    column: str
    expected: str
    observed: str

    @property
    def place(self) -> str:
        """Return the row and the column."""
        column = f".{LABELS.get(self.column, self.column)}" if self.column else ""
        return f"{self.table}{column} of {self.key}"


def differences(table: str, expected: set[str], shown: set[str]) -> list[Difference]:
    """Return what differs between rows as texts, in the order of their keys."""
    columns = view.COLUMNS[table][0]
    ours, theirs = _by_key(expected - shown), _by_key(shown - expected)
    found: list[Difference] = []
    for key in sorted(ours.keys() | theirs.keys()):
        if key not in theirs:
            found.append(Difference(table, key, "", A_ROW, NO_ROW))
        elif key not in ours:
            found.append(Difference(table, key, "", NO_ROW, A_ROW))
        else:
            pairs = zip(columns, ours[key], theirs[key], strict=False)
            found += [Difference(table, key, c, o, t) for c, o, t in pairs if o != t]
    return found


def told(found: Sequence[Difference]) -> tuple[str, str]:
    """Return in words what was expected, and what was observed."""
    some = found[:MOST_TOLD]
    more = f"; and {len(found) - MOST_TOLD} more" if len(found) > MOST_TOLD else ""
    expected = "; ".join(f"{each.place} is {each.expected or 'null'}" for each in some)
    observed = "; ".join(f"{each.place} is {each.observed or 'null'}" for each in some)
    return expected + more, observed + more


def rule_of(found: Iterable[Difference], candidates: Iterable[str] = ()) -> str:
    """Return the rule that says what should be there; '' where no rule does.

    Args:
        found: what differs.
        candidates: rules of which one is named if it speaks of a table that differs.
    """
    found = tuple(found)
    for each in found:
        rule = SET_BY_RULE.get((each.table, each.column))
        if rule is not None:
            return rule
    tables = {each.table for each in found}
    return next((each for each in candidates if each in RULES and _speaks(each, tables)), "")


def _speaks(rule: str, tables: set[str]) -> bool:
    return not tables.isdisjoint(RULES[rule].tables)


def _by_key(rows: set[str]) -> dict[str, list[str]]:
    """Return rows by their ids, which stand first."""
    return {values[0]: values for values in (row.split("|") for row in rows)}
