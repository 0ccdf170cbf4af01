"""Waivers: lines in a migration that say which rule or which data it gives up, and why.

``-- waives INV-T6: credits may be borrowed from next month on`` is for a rule,
``-- waives DATA users.avatar_url: moved to the picture service`` for a table or a column, and
``-- waives SUITE test_columns.py::test_column[teams.name null]: a team may have no name`` for one
test of the suite that is about no single rule.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.engine.deployment.tokens import line_of, tokens
from conformance.engine.domain.names import UnknownRuleError, rule

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from conformance.engine.deployment.migrations import Migration

LINE = re.compile(r"--[ \t]*waives\b[ \t]*(?P<rest>.*)", re.IGNORECASE)
WHOLE = re.compile(
    r"(?P<what>DATA [\w.\"]+|SUITE \w+\.py::\w+(?:\[.*?\])?|RIGHT [^:]+?|LOCK [\w.\"]+"
    r"|[A-Za-z][\w-]*)"
    r":[ \t]*(?P<reason>\S.*)"
)
BESIDE_RULES = ("DATA ", "SUITE ", "RIGHT ", "LOCK ")


@dataclass(frozen=True, slots=True)
class Waiver:
    """A rule or an object that a file gives up on purpose.

    Attributes:
        what: the id of a rule, or `DATA` and a table or column without its schema `public`, or
            `SUITE` and a test as pytest names it, without its folder, or `RIGHT` and a privilege
            or object as the gate names it, or `LOCK` and a table.
        reason: in words.
        file: the migration's name.
        line: counted from 1.
    """

    what: str
    reason: str
    file: str
    line: int

    def __str__(self) -> str:
        """Return it as the output shows it."""
        return f"{self.file}:{self.line} waives {self.what}: {self.reason}"


def of_files(files: Iterable[Migration]) -> tuple[list[Waiver], list[str]]:
    """Return the waivers of some files, and what is wrong with lines that look like one.

    What stands in a string, in a body or in a comment of several lines is no waiver.
    """
    waivers: list[Waiver] = []
    wrong: list[str] = []
    for file in files:
        seen: dict[str, int] = {}
        for index, rest in _lines(file.sql):
            number = line_of(file.sql, index)
            place = f"{file.name}:{number}"
            whole = WHOLE.fullmatch(rest.strip())
            before = file.sql[:index].rpartition("\n")[2]
            if whole is None or before.strip():
                wrong.append(f"{place}: write `-- waives RULE: reason`, in its own line")
                continue
            try:
                what = _what(whole["what"])
            except UnknownRuleError as error:
                wrong.append(f"{place}: {error}")
                continue
            if what in seen:
                wrong.append(f"{place}: {what} is waived in line {seen[what]} already")
            else:
                seen[what] = number
                waivers.append(Waiver(what, whole["reason"], file.name, number))
    return waivers, wrong


def _what(said: str) -> str:
    """Return what is given up, a rule by its id; raises UnknownRuleError."""
    return said if said.startswith(BESIDE_RULES) else rule(said).id


def _lines(sql: str) -> Iterator[tuple[int, str]]:
    """Yield each comment of one line that begins as a waiver does: where, and what follows."""
    if not LINE.search(sql):
        return
    for token in tokens(sql):
        if token.name == "SQL_COMMENT" and (found := LINE.match(token.text)):
            yield token.start, found["rest"]
