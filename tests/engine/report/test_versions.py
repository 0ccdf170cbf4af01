"""The table of versions: what it shows of several reports, and when it says that all is well."""

import json
from pathlib import Path
from typing import Any

import pytest

from conformance.commands import main

RULES = {"INV-U1": "held", "CARD-5": "held"}


def report(folder: Path, major: int, **changes: Any) -> str:
    """Write the report of a run in which every rule was held, but for these changes."""
    rules = changes.pop("rules", RULES)
    document = {
        "version": 2,
        "whole": True,
        "exit_status": 0,
        "server": f"PostgreSQL {major}.1, somewhere",
        "major": major,
        "role": None,
        "verdicts": {},
        "rules": [{"id": rule, "verdict": verdict} for rule, verdict in rules.items()],
        **changes,
    }
    path = folder / f"{major}{changes.get('role', '')}.json"
    path.write_text(json.dumps(document))
    return str(path)


def test_all_is_held(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where every rule is held everywhere, the table says so, majors in their order."""
    assert 0 == main(["versions", report(tmp_path, 18), report(tmp_path, 15)])

    assert (
        "15   PostgreSQL 15.1, somewhere\n"
        "18   PostgreSQL 18.1, somewhere\n"
        "\n"
        "rule   15          18\n"
        "INV-U1 held        held\n"
        "CARD-5 held        held\n"
        "\n"
        "all 2 rules are held on 15, 18: no difference\n"
    ) == capsys.readouterr().out


@pytest.mark.parametrize("verdict", ["broken", "overblocked", "unnamed", "unproven", None])
def test_a_difference_fails(
    verdict: str | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A rule that one major does not hold, or says nothing of, is marked, named, and fails."""
    rules = {**RULES, "CARD-5": verdict} if verdict else {"INV-U1": "held"}

    code = main(["versions", report(tmp_path, 15), report(tmp_path, 16, rules=rules)])

    out, err = capsys.readouterr()
    assert 1 == code
    assert f"CARD-5 held        {verdict or '-'} <\n" in out
    assert f"\nCARD-5: held on 15, {verdict or '-'} on 16\n" in out
    assert "versions: not every rule is held on every major, by a run that is green\n" == err


def test_a_preview_decides_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A rule that a preview does not hold is shown, and one that did not run is left out."""
    release = report(tmp_path, 18)
    preview = report(tmp_path, 19, rules={**RULES, "CARD-5": "broken"})

    assert 0 == main(["versions", release, "--preview", preview])
    assert "CARD-5: held on 18, broken on 19*\n" in capsys.readouterr().out

    assert 0 == main(["versions", release, "--preview", str(tmp_path / "none.json")])
    assert 1 == main(["versions", preview])


def test_roles_stand_beside_each_other(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A run as a role has a column beside the owner's."""
    assert 0 == main(["versions", report(tmp_path, 18), report(tmp_path, 18, role="app")])
    assert "18   PostgreSQL 18.1, somewhere, as app\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "No such file or directory: run framecast-conformance test --conformance-report"),
        ("{", "is no report of a run: it is no JSON: "),
        ("[]", "is no report of a run: its parts are not those of a report"),
        ('{"version": 1, "rules": []}', "is no report of a run: it has no 'major'"),
        ('{"version": 3}', "has form 3, not 1 or 2"),
    ],
)
def test_what_is_no_report_is_one_message(
    content: str | None, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A report that is not there, or is none, ends in one message that names it."""
    path = tmp_path / "report.json"
    if content is not None:
        path.write_text(content)

    assert 1 == main(["versions", report(tmp_path, 15), str(path)])

    err = capsys.readouterr().err
    assert err.startswith(f"versions: {path}: {message}")
    assert 1 == err.count("\n")


def test_two_reports_of_a_major_are_one_message(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two runs on the same major cannot stand in one column."""
    one = report(tmp_path, 15)

    assert 1 == main(["versions", one, one])
    assert "versions: two reports are of PostgreSQL 15: give one for each major\n" == (
        capsys.readouterr().err
    )


@pytest.mark.parametrize(
    ("counts", "why"),
    [
        ({"deselected": 1371, "not_run": 0}, "1371 tests deselected"),
        ({"deselected": 0, "not_run": 3}, "3 tests not run"),
        ({}, "not all of its files were asked for"),
    ],
)
def test_a_part_of_a_run_is_refused(
    counts: dict[str, int], why: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of a run of one rule, or of one that was interrupted, nothing is said to be held."""
    part = report(tmp_path, 16, whole=False, counts=counts)

    assert 1 == main(["versions", report(tmp_path, 15), part])

    out, err = capsys.readouterr()
    assert "held" not in out
    assert f"versions: {part}: is of a part of the suite, or ended early: {why}\n" == err


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"failed": [{"test": "test_column[x]", "said": "x is broken: yes"}]}, "x is broken: yes"),
        (
            {"beside": [{"test": "t", "rule": "HOSTILE", "verdict": "unnamed"}]},
            "HOSTILE is unnamed",
        ),
        ({"missed": ["unseen: job new>queued"]}, "unseen: job new>queued"),
        ({}, "the run ended with exit status 1"),
    ],
)
def test_what_fails_beside_the_rules_fails(
    changes: dict[str, Any], line: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A run in which all rules are held and something else failed is a difference, and is told."""
    failed = report(tmp_path, 16, exit_status=1, **changes)

    assert 1 == main(["versions", report(tmp_path, 15), failed])

    out = capsys.readouterr().out
    assert "16   PostgreSQL 16.1, somewhere, exit status 1\n" in out
    assert "no difference" not in out
    assert [True] == [each.startswith("16: ") for each in out.splitlines() if each.endswith(line)]


def test_a_report_of_the_first_form_is_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A report of the form that did not tell whether it was whole is taken as it is."""
    document = json.loads(Path(report(tmp_path, 15)).read_text())
    old = tmp_path / "old.json"
    del document["whole"], document["exit_status"]
    old.write_text(json.dumps({**document, "version": 1}))

    assert 0 == main(["versions", str(old)])
    assert "no difference" in capsys.readouterr().out
