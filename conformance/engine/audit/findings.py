"""Findings of an audit or the gate: numbered sections, and what is wrong in each."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

SHOWN = 20  # keys or places of one finding
KEY = 40  # characters: keys of rows, and names, are not longer


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong, or that could not be settled.

    Attributes:
        about: the rule's id, the file or the object.
        what: what is wrong, in one sentence.
        remedy: what to do about it.
        keys: of the rows, or names of the places, where it is seen; at most SHOWN of them.
        count: how many there are in all.
    """

    about: str
    what: str
    remedy: str
    keys: tuple[str, ...] = ()
    count: int = 0

    def as_dict(self) -> dict[str, Any]:
        """Return plain values."""
        plain: dict[str, Any] = {"about": self.about, "what": self.what, "remedy": self.remedy}
        return {**plain, "keys": list(self.keys), "count": self.count} if self.keys else plain

    def lines(self) -> list[str]:
        """Return it for people: what is wrong, where it is seen, what to do."""
        shown = [f"{self.about}: {self.what}"]
        more = self.count - len(self.keys)
        if max(map(len, self.keys), default=0) > KEY:  # they are sentences
            shown += [f"  {key}" for key in self.keys]
            shown += [f"  and {more} more"] * (more > 0)
        elif self.keys:
            shown.append(f"  {', '.join(self.keys)}" + (f" and {more} more" if more > 0 else ""))
        return [*shown, f"  -> {self.remedy}"]


@dataclass(slots=True)
class Section:
    """One part of what is asked.

    Attributes:
        number: as the documentation counts them.
        title: in one or two words.
        summary: what was looked at, in a few words.
        asked: whether it was asked to its end; what was not is never right.
        faults: what is wrong.
        notes: what people should know, and what is no fault.
    """

    number: int
    title: str
    summary: str = ""
    asked: bool = False
    faults: list[Fault] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def right(self) -> bool:
        """Return whether it was asked, and nothing is wrong."""
        return self.asked and not self.faults

    @property
    def outcome(self) -> str:
        """Say in a word or two how it ended."""
        if self.faults:
            return f"{len(self.faults)} finding{'s' if len(self.faults) > 1 else ''}"
        return "ok" if self.asked else "not asked"

    def as_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "number": self.number,
            "title": self.title,
            "outcome": self.outcome,
            "summary": self.summary,
            "faults": [fault.as_dict() for fault in self.faults],
            "notes": list(self.notes),
        }

    def lines(self) -> list[str]:
        """Return it for people: one line, then each finding and note below it."""
        below = [line for fault in self.faults for line in fault.lines()]
        below += [f"note: {note}" for note in self.notes]
        head = f"{self.number}  {self.title:<12} {self.outcome:<11} {self.summary}".rstrip()
        return [head, *(f"     {line}" for line in below)]
