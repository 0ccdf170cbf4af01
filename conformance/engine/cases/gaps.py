"""Gaps: parts of its work that a test could not do, kept while it goes on.

A schema that lacks a column, a table or a function makes a part of a proof impossible. The rest of
it is tried all the same: what is broken is worse than what is unproven. A test that has found
nothing worse ends with what it could not try.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from conformance.engine.cases.verdicts import Finding, Verdict
from conformance.engine.domain.chosen import COLUMNS, RULES
from conformance.engine.sql.writes import Delete, Insert, Update, statements

if TYPE_CHECKING:
    from collections.abc import Iterable

    from conformance.engine.kinds.rule import Rule
    from conformance.engine.sql.writes import Write

# In the place of a rule, where no rule speaks of what could not be tried.
MODEL = "MODEL"
MOST_TOLD = 4  # reasons that one finding gives
WORD, FUNCTION = re.compile(r"\w+"), re.compile(r"public\.(\w+)\(")


@dataclass(slots=True)
class Gaps:
    """Reasons why parts of a proof could not run, each with the rules that it leaves unproven."""

    reasons: dict[str, tuple[str, ...]] = field(default_factory=dict)
    script: str = ""

    def note(self, reason: str, rules: Iterable[str], script: str = "") -> None:
        """Note a reason; the script shows the first one."""
        known = self.reasons.get(reason, ())
        self.reasons[reason] = tuple(dict.fromkeys((*known, *rules)))
        self.script = self.script or script

    def settle(self) -> None:
        """End a test that found nothing worse.

        Raises:
            Finding: Some of it could not be tried.
        """
        if self.reasons:
            raise self.finding()

    def finding(self) -> Finding:
        """Return what was noted as one finding, about all rules that it leaves unproven."""
        rules = dict.fromkeys(rule for each in self.reasons.values() for rule in each)
        first, *also = rules or (MODEL,)
        told = [*self.reasons][:MOST_TOLD]
        more = len(self.reasons) - len(told)
        return Finding(
            first,
            Verdict.UNPROVEN,
            expected="a schema on which all of this can be tried",
            observed="; ".join((*told, *((f"{more} more",) if more else ()))),
            script=self.script,
            steps=(),
            also=tuple(also),
        )


def about(table: str, text: str = "") -> tuple[str, ...]:
    """Return the rules that speak of a table, and of what some SQL names.

    These are functions, or else columns. Where no rule speaks of them, those of the table.
    """
    functions = set(FUNCTION.findall(text))
    names = functions or set(WORD.findall(text)) & set(COLUMNS.get(table, ()))
    return _named(table, names) or tuple(each.id for each in RULES.values() if table in each.tables)


def about_all(places: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """Return the rules that speak of some tables and columns, each once; '' for none."""
    found = (rule for table, column in places if table for rule in about(table, column))
    return tuple(dict.fromkeys(found))


def about_writes(writes: Iterable[Write]) -> tuple[str, ...]:
    """Return the rules that speak of what some writes name: columns of tables, and functions."""
    rules: list[str] = []
    for write in writes:
        match write:
            case Insert():
                rules.extend(_named(write.table, {name for row in write.rows for name in row}))
            case Update():
                rules.extend(_named(write.table, set(write.changes)))
            case Delete():
                rules.extend(about(write.table))
            case _:
                rules.extend(rule for each in statements(write) for rule in about_sql(each.sql))
    return tuple(dict.fromkeys(rules))


def about_sql(sql: str) -> tuple[str, ...]:
    """Return the rules that speak of a function of the schema that some SQL names."""
    functions = set(FUNCTION.findall(sql))
    return tuple(rule.id for rule in RULES.values() if functions & _words(rule))


def _named(table: str, names: set[str]) -> tuple[str, ...]:
    """Return the rules of a table that name one of its columns, or a function."""
    return tuple(
        rule.id for rule in RULES.values() if table in rule.tables and names & _words(rule)
    )


def _words(rule: Rule) -> set[str]:
    return {*WORD.findall(rule.violations), *WORD.findall(" ".join(rule.enforced_by))}
