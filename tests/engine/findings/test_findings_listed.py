"""The list of findings, as wide as the terminal."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from conformance.commands import main
from conformance.engine.findings import store
from conformance.engine.findings.command import table
from conformance.engine.findings.kept import Circumstances, Kept, Seen

if TYPE_CHECKING:
    from pathlib import Path

DAY = "2026-11-29T12:00:00+00:00"
LONG = "a team would have no owner although it is there, and nobody was refused anything"


def test_the_folder_that_a_variable_names_is_listed(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As runs write there, so it is listed and searched; an option names another one."""
    monkeypatch.chdir(folder)
    run = Circumstances("", "", "", None, 18, "", (), (), "quick", 1)
    store.write(folder / "here", [replace(finding(1, "test_a"), run=run)])
    monkeypatch.setenv("CONFORMANCE_FINDINGS", "here")
    assert 0 == main(["findings"])
    assert f"1 finding in {folder / 'here'}" in capsys.readouterr().out
    assert 0 == main(["findings", "--folder", "other"])
    assert "nothing is kept here" in capsys.readouterr().out
    monkeypatch.setenv("CONFORMANCE_FINDINGS", "none")
    assert 0 == main(["findings"])
    assert "nothing is kept here" in capsys.readouterr().out


def finding(number: int, test: str) -> Kept:
    """Return a finding of a test, with much to say."""
    seen = Seen(
        id=f"state_invitation__{number:08x}",
        rule="STATE-INVITATION",
        verdict="overblocked",
        expected="no",
        observed=LONG,
        script="",
        steps=(),
        path="insert_on_conflict",
        file="test_races.py",
        test=test,
    )
    run: Any = None  # of which the list says nothing
    return Kept(seen, run, DAY, DAY)


@pytest.mark.parametrize("columns", [60, 80, 140])
def test_a_list_of_findings_keeps_its_width(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """No line is wider than the terminal, be it narrow, and each finding is there."""
    monkeypatch.setenv("COLUMNS", str(columns))
    lines = [*table([finding(number, "test_race[a]") for number in range(3)])]

    assert [] == [line for line in lines if len(line) > max(columns, 72)]
    assert 3 == sum("state_invitation__" in line for line in lines)


@pytest.mark.parametrize("columns", [60, 100, 200])
def test_two_races_of_a_rule_are_told_apart(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was seen in both may be the same, and long: the race has a name."""
    monkeypatch.setenv("COLUMNS", str(columns))
    names = ("[leave_the_only_team_of_all]", "[demote_the_only_owner_of_all]")
    lines = [*table([finding(1, f"test_race{name}") for name in names])]

    assert [*names] == [name for line in lines for name in names if name in line]
