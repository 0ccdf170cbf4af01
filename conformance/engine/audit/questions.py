"""Questions to the rows of a database: the violation queries, few scans for many.

Most rules are a condition on the rows of one table. The conditions of a table are asked in one
scan; what joins or groups is asked as it stands. What reads the suite's change log is left out: a
database in use has none.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from conformance.engine.kinds.rule import Rule

# A condition on the rows of one table, which may have a name of one letter.
OF_ONE_TABLE = re.compile(
    r"SELECT (?:\w\.)?id(?:::text)? FROM (?P<table>\w+)(?: (?P<alias>\w))? WHERE (?P<condition>.+)",
    re.DOTALL,
)
TABLES = re.compile(r"\b(?:FROM|JOIN) (\w+)")
UNION = " UNION ALL "


@dataclass(frozen=True, slots=True)
class Condition:
    """Condition that a row meets which breaks a rule; `alias` is the table's name in it, or ''."""

    rule: str
    alias: str
    text: str


@dataclass(frozen=True, slots=True)
class Question:
    """One query, for one rule or for many.

    Attributes:
        rules: the ids of the rules that it asks.
        sql: returns a row for each violation: the key, then whether each of the rules is broken.
        parts: the same as questions for one rule each, where there are several.
    """

    rules: tuple[str, ...]
    sql: str
    parts: tuple[Question, ...] = ()

    def weight(self, pages: Mapping[str, int]) -> int:
        """Return about how much is read for it, in pages, of which tables have so many."""
        return sum(pages.get(table, 0) for table in TABLES.findall(self.sql))


class Proofs:
    """Proofs that need no look at rows. Without more knowledge there are none."""

    def refute(self, table: str, condition: Condition) -> bool:
        """Return whether no row of a table can meet a condition."""
        del self, table, condition
        return False

    def is_empty(self, query: str) -> bool:
        """Return whether a query can have no rows."""
        del self, query
        return False


def of_rules(rules: Iterable[Rule], proofs: Proofs = Proofs()) -> tuple[Question, ...]:  # noqa: B008 - it has no state
    """Return the questions that ask all rules, as far as rows can tell, and need to be asked."""
    scans: dict[str, list[Condition]] = {}
    others: dict[str, list[str]] = {}
    for rule in rules:
        for part in filter(None, rule.of_rows.split(UNION)):
            found = OF_ONE_TABLE.fullmatch(part)
            if found is None or "SELECT" in found["condition"] or "GROUP BY" in found["condition"]:
                if not proofs.is_empty(part):
                    others.setdefault(part, []).append(rule.id)
            else:
                condition = Condition(rule.id, found["alias"] or "", found["condition"])
                if not proofs.refute(found["table"], condition):
                    scans.setdefault(found["table"], []).append(condition)
    merged = [each for table, some in scans.items() for each in _merged(table, some)]
    return (*merged, *(_alone(some, part) for part, some in others.items()))


def _alone(rules: Sequence[str], part: str) -> Question:
    """Ask a query for all rules that have it."""
    broken = ", ".join("true" for _ in rules)
    sql = f"SELECT v.key::text, {broken} FROM ({part}) AS v (key)"
    parts = tuple(_alone([rule], part) for rule in rules) if len(rules) > 1 else ()
    return Question(tuple(rules), sql, parts)


def _merged(table: str, conditions: list[Condition]) -> Iterator[Question]:
    """Yield a question for each name that conditions have for a table; most have one or none."""
    aliases = [each.alias for each in conditions if each.alias] or [table]
    for alias in dict.fromkeys(aliases):
        taken = (alias, "") if alias == aliases[0] else (alias,)
        yield _scan(table, alias, [each for each in conditions if each.alias in taken])


def _scan(table: str, alias: str, conditions: Sequence[Condition]) -> Question:
    columns = ", ".join(f"({each.text}) IS TRUE" for each in conditions)
    # Some rules say the same thing twice: it is asked once of each row.
    either = " OR ".join(dict.fromkeys(f"({each.text})" for each in conditions))
    sql = f"SELECT {alias}.id::text, {columns} FROM {table} AS {alias} WHERE {either}"
    several = len(conditions) > 1
    parts = tuple(_scan(table, alias, [each]) for each in conditions) if several else ()
    return Question(tuple(each.rule for each in conditions), sql, parts)
