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

from conformance.framecast.rules import RULES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from conformance.migrate.migrations import Migration

LINE = re.compile(r"^--[ \t]*waives\b[ \t]*(?P<rest>.*)$", re.IGNORECASE | re.MULTILINE)
WHOLE = re.compile(
    r"(?P<what>DATA [\w.\"]+|SUITE \w+\.py::\w+(?:\[.*?\])?|[A-Z][A-Z0-9-]*)"
    r":[ \t]*(?P<reason>\S.*)"
)
BESIDE_RULES = ("DATA ", "SUITE ")


@dataclass(frozen=True, slots=True)
class Waiver:
    """What a file gives up.

    Attributes:
        what: the id of a rule, or `DATA` and a table or column without its schema `public`, or
            `SUITE` and a test as pytest names it, without its folder.
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
    """Return the waivers of some files, and what is wrong with lines that look like one."""
    waivers: list[Waiver] = []
    wrong: list[str] = []
    for file in files:
        for found in LINE.finditer(file.sql):
            number = file.sql.count("\n", 0, found.start()) + 1
            whole = WHOLE.fullmatch(found["rest"].strip())
            if whole is None:
                wrong.append(f"{file.name}:{number}: write `-- waives RULE: reason`")
            elif not whole["what"].startswith(BESIDE_RULES) and whole["what"] not in RULES:
                wrong.append(f"{file.name}:{number}: there is no rule {whole['what']}")
            else:
                waivers.append(Waiver(whole["what"], whole["reason"], file.name, number))
    return waivers, wrong
