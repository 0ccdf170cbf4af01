"""Findings that are accepted for a time: shown, ended, and missed where they are gone."""

from datetime import date
from pathlib import Path

import pytest

from conformance.engine.audit import accepted
from conformance.engine.audit.findings import Fault, Section

TODAY = date(2026, 11, 28)
MEMBER = Fault("role creator", "is a member of the owner, app", "REVOKE app FROM creator")
OTHER = Fault("role boss", "owns the database or the schema public", "give them away")
ENTRY = """
[[accepted]]
about = "role creator"
what = "is a member of the owner"
reason = "the provider makes the owner so"
until = {until}
"""


def applied(folder: Path, text: str) -> Section:
    """Accept what a file says in a section with two findings."""
    (folder / accepted.NAME).write_text(text)
    entries, wrong = accepted.load(folder)
    section = Section(8, "enforcement", asked=True, faults=[MEMBER, OTHER, *wrong])
    accepted.apply(section, entries, TODAY)
    return section


def test_what_is_accepted_is_shown(folder: Path) -> None:
    """A finding that is accepted is a note with its reason and its end, until that day."""
    section = applied(folder, ENTRY.format(until="2026-11-28"))

    assert [OTHER] == section.faults
    [note] = section.notes
    assert note == (
        "accepted until 2026-11-28, the provider makes the owner so: "
        "role creator: is a member of the owner, app"
    )


def test_what_was_accepted_for_too_long_is_a_finding_again(folder: Path) -> None:
    """After the end both the finding and the entry are told."""
    section = applied(folder, ENTRY.format(until="2026-11-27"))

    assert [MEMBER, OTHER] == section.faults[:2]
    assert "it has accepted this until 2026-11-27" in section.faults[2].what


def test_what_accepts_nothing_is_a_finding(folder: Path) -> None:
    """An entry whose finding is gone would hide what comes."""
    section = applied(folder, ENTRY.format(until="2027-01-01").replace("creator", "gone"))

    assert [MEMBER, OTHER] == section.faults[:2]
    assert "it accepts what is not found any more: role gone: " in section.faults[2].what


WRONG = ["[[accepted", "accepted = 1", ENTRY.format(until="'soon'"), "[[accepted]]\nabout = 'x'"]


@pytest.mark.parametrize(
    "text",
    ["[[accepted", "accepted = 1", ENTRY.format(until="'soon'"), "[[accepted]]\nabout = 'x'"],
)
def test_a_file_that_is_wrong_accepts_nothing(folder: Path, text: str) -> None:
    """A file that cannot be read is a finding that says how it is written."""
    section = applied(folder, text)

    assert [MEMBER, OTHER] == section.faults[:2]
    assert [accepted.HOW] == [fault.remedy for fault in section.faults[2:]]


def test_without_a_file_nothing_is_accepted(folder: Path) -> None:
    """There need not be such a file."""
    assert ([], []) == accepted.load(folder)
