"""Findings that cannot be mended, accepted for a time: a file beside the migrations, or a baseline.

A managed server has owners and members that nobody may change, and a schema may have faults that
nobody can mend today. Each such finding is accepted by name, with a reason and an end, and is shown
each time all the same.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from conformance.engine.audit.findings import Fault

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from conformance.engine.audit.findings import Section

NAME = "accepted.toml"
WORDS = ("about", "what", "reason")
HOW = 'write [[accepted]] with about = "…", what = "…", reason = "…" and until = 2027-01-31'


@dataclass(frozen=True, slots=True)
class Accepted:
    """One finding that is accepted.

    Attributes:
        about: what it is about, as the audit shows it.
        what: how it goes on there, from its beginning.
        reason: in words.
        until: the last day.
    """

    about: str
    what: str
    reason: str
    until: date

    def of(self, fault: Fault) -> bool:
        """Return whether this accepts a finding."""
        return fault.about == self.about and fault.what.startswith(self.what)


def load(directory: Path) -> tuple[list[Accepted], list[Fault]]:
    """Read the file beside some migrations, and return what is wrong with it; it may be missing."""
    path = directory / NAME
    if not path.exists():
        return [], []
    try:
        return read(path), []
    except (OSError, ValueError, TypeError) as error:
        return [], [Fault(NAME, f"it cannot be read: {error}", HOW)]


def read(path: Path) -> list[Accepted]:
    """Return the entries of a file.

    Raises:
        OSError, ValueError, TypeError: It cannot be read, or has other content.
    """
    entries = tomllib.loads(path.read_text(encoding="utf-8")).get("accepted")
    if not isinstance(entries, list):
        message = "it has no [[accepted]]"
        raise TypeError(message)
    return [_entry(number, each) for number, each in enumerate(entries, 1)]


def apply(section: Section, accepted: Iterable[Accepted], today: date, name: str = NAME) -> None:
    """Turn findings that are accepted into notes; what accepts nothing, or no longer, is one.

    Args:
        section: whose findings.
        accepted: the entries of a file.
        today: which an entry must not end before.
        name: of the file.
    """
    left = list(section.faults)
    for each in accepted:
        found = [fault for fault in left if each.of(fault)]
        if not found:
            what = f"it accepts what is not found any more: {each.about}: {each.what}"
            section.faults.append(Fault(name, what, "remove that entry: it would hide what comes"))
        elif each.until < today:
            what = f"it has accepted this until {each.until}: {each.about}: {each.what}"
            section.faults.append(Fault(name, what, "mend it now, or say why it may stay longer"))
        else:
            section.faults = [fault for fault in section.faults if fault not in found]
            section.notes += [
                f"accepted until {each.until}, {each.reason}: {fault.about}: {fault.what}"
                for fault in found
            ]


def _entry(number: int, entry: object) -> Accepted:
    given = entry if isinstance(entry, dict) else {}
    about, what, reason = (str(given.get(name, "")).strip() for name in WORDS)
    until = given.get("until")
    lacking = [name for name, word in zip(WORDS, (about, what, reason), strict=True) if not word]
    if lacking or not isinstance(until, date):
        lacking += ["a day as until"] if not isinstance(until, date) else []
        message = f"entry {number}, about {about or 'nothing'}, lacks {', '.join(lacking)}"
        raise ValueError(message)
    return Accepted(about, what, reason, until)
