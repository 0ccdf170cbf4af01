"""Sections of a summary, each guarded: an error in one hides no other, and fails the run."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from conformance.engine.report.causes import first_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SECTIONS = pytest.StashKey["Sections"]()
# By rules, how often machines saw each change of a state, such as `draft>active`.
MOVES = pytest.StashKey["dict[str, dict[str, int]]"]()
# By rules and levels of isolation, what became of the transactions of races.
LEVELS = pytest.StashKey["dict[str, dict[str, dict[str, int]]]"]()
# By names of known races, who did what in turns, as reports have it.
TIMELINES = pytest.StashKey["dict[str, Any]"]()
# Returns which statements of functions were reached, where they are counted.
COVERAGE = pytest.StashKey["Callable[[], dict[str, Any]]"]()
# Set where somebody adds up what runs have seen: of each test its tally, and its transitions.
ADDED_UP = pytest.StashKey[bool]()
TALLY, TRANSITIONS = "tally", "transitions"


class Section(Protocol):
    """Section of a plugin in the summary of a run, about what reports carried."""

    title: str

    def note(self, report: pytest.TestReport) -> None:
        """Add what one phase of one test carried."""

    def brief(self) -> Iterator[str]:
        """Return the summary in a line or two; nothing, where there is nothing to say."""

    def lines(self) -> Iterator[str]:
        """Return all that there is to say beside that."""

    def missed(self) -> list[str]:
        """Return what a whole run must have seen and did not: it fails the run."""


@dataclass(slots=True)
class Summary:
    """A section as it is printed."""

    title: str
    brief: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Sections:
    """The sections of a run, and what went wrong in them."""

    each: list[Section] = field(default_factory=list)
    broken: dict[str, str] = field(default_factory=dict)

    def note(self, report: pytest.TestReport) -> None:
        """Let each section add what a report carries."""
        for section in self.each:
            self.guarded(section.title, partial(section.note, report))

    def summaries(self) -> list[Summary]:
        """Return what each section says; of one in which there is an error, as far as it came."""
        done = []
        for section in self.each:
            summary = Summary(section.title)
            self.guarded(section.title, partial(_fill, summary, section))
            done.append(summary)
        return done

    def listed(self, title: str, lines: Callable[[], Iterator[str]]) -> list[str]:
        """Return the lines of a summary, as far as it comes."""
        listed: list[str] = []
        self.guarded(title, lambda: listed.extend(lines()))
        return listed

    def guarded(self, title: str, do: Callable[[], object]) -> None:
        """Do something for a summary; note an error, the first of each summary."""
        try:
            do()
        except Exception as error:  # noqa: BLE001 - whatever it is, it must hide no verdict
            said = f"{type(error).__name__}: {first_line(str(error))}".rstrip(": ")
            self.broken.setdefault(title, f"summary of {title} failed: {said}")


def of(config: pytest.Config) -> Sections:
    """Return the sections of a run."""
    return config.stash.setdefault(SECTIONS, Sections())


def add(config: pytest.Config, section: Section) -> None:
    """Add a section to a run's summary; workers sum nothing up."""
    if not hasattr(config, "workerinput"):
        of(config).each.append(section)


def carried(report: pytest.TestReport, name: str) -> Iterator[Any]:
    """Return what a test's own phase carries under a name, once."""
    if report.when == "call":
        yield from (seen for each, seen in report.user_properties if each == name)


def _fill(summary: Summary, section: Section) -> None:
    summary.missed += section.missed()
    summary.brief += section.brief()
    summary.lines += section.lines()
