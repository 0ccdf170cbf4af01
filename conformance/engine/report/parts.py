"""Parts of the proof of rules: the tests of a run, those included that were never reached.

A run that is spread over workers learns of its tests from a file that they write, since what
pytest-xdist hands on before a test has run is no more than its name.
"""

from __future__ import annotations

import json
import os
from dataclasses import astuple, dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Part:
    """One test, as part of a proof.

    Attributes:
        rules: the ids of the rules.
        wide: whether what it finds of one of them says nothing of the others.
        own: whether it is made for its rule, which a run that contains it is therefore about.
        marked: whether it says which rules it is about, be it none.
        ends: whether it ends at the first thing that the schema lacks, wide as it is.
    """

    rules: tuple[str, ...] = ()
    wide: bool = False
    own: bool = False
    marked: bool = False
    ends: bool = False


@dataclass(slots=True)
class Parts:
    """All tests that a run means to run, by pytest's ids, and how many it leaves out.

    Attributes:
        tests: the tests.
        deselected: how many were left out.
        left: of those that are about a rule alone, how many.
    """

    tests: dict[str, Part] = field(default_factory=dict)
    deselected: int = 0
    left: dict[str, int] = field(default_factory=dict)

    def rules(self, test: str) -> tuple[str, ...]:
        """Return the rules of a test; none, of one that is not known."""
        return self.tests.get(test, Part()).rules

    def write(self, file: Path) -> None:
        """Write them, in one go."""
        tests = {test: astuple(part) for test, part in self.tests.items()}
        unfinished = file.with_suffix(f".{os.getpid()}")
        unfinished.write_text(json.dumps([tests, self.deselected, self.left]), encoding="utf-8")
        unfinished.replace(file)


def read(file: Path) -> Parts:
    """Return what was written to a file; nothing, where no worker came so far."""
    if not file.exists():
        return Parts()
    tests, deselected, left = json.loads(file.read_text(encoding="utf-8"))
    parts = {test: Part(tuple(rules), *others) for test, (rules, *others) in tests.items()}
    return Parts(parts, deselected, left)
