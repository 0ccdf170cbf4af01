"""The gate's answer as annotations and as SARIF: each finding at its file and line."""

import json
from pathlib import Path
from typing import Any

import pytest

from conformance.engine.audit.findings import Fault, Section
from conformance.engine.gate import forms
from conformance.engine.gate.run import Gate
from conformance.engine.postgres import Server
from tests.support.gating import run

FOLDER = Path("db/migrations")
SECTIONS = [
    Section(2, "files", asked=True, notes=["004_x.sql:1 waives INV-T6: 50%, or more", "x"]),
    Section(
        5,
        "rehearsal",
        asked=True,
        faults=[
            Fault("004_x.sql:7", "cannot: be\napplied", "mend it", ("k",), 1),
            Fault("teams.motto", "values are not what they were", "keep it"),
        ],
    ),
    Section(6, "verdicts"),
]
LAST = "gate: closed: 2 findings"


def test_annotations_stand_at_files_and_lines() -> None:
    """A finding about a file is shown there, with what GitHub reads as its own escaped."""
    lines = forms.as_annotations(SECTIONS, LAST, FOLDER).splitlines()

    assert [
        (
            "::notice file=db/migrations/004_x.sql,line=1,title=2 files::"
            "004_x.sql:1 waives INV-T6: 50%25, or more"
        ),
        (
            "::error file=db/migrations/004_x.sql,line=7,title=5 rehearsal::"
            "004_x.sql:7: cannot: be%0Aapplied (k) -> mend it"
        ),
        ("::error title=5 rehearsal::teams.motto: values are not what they were -> keep it"),
        "::error title=gate::gate: closed: 2 findings",
    ] == lines


def test_sarif_has_a_result_for_each_finding_and_note() -> None:
    """Findings are errors, notes are notes, and the exit code is that of the command."""
    log: dict[str, Any] = json.loads(forms.as_sarif(SECTIONS, LAST, FOLDER, 1))
    [ran] = log["runs"]

    assert "2.1.0" == log["version"]
    assert [{"executionSuccessful": False, "exitCode": 1}] == ran["invocations"]
    assert ["note", "note", "error", "error"] == [each["level"] for each in ran["results"]]
    known = {rule["id"] for rule in ran["tool"]["driver"]["rules"]}
    assert known >= {each["ruleId"] for each in ran["results"]}
    [place] = ran["results"][2]["locations"]
    assert {
        "artifactLocation": {"uri": "db/migrations/004_x.sql"},
        "region": {"startLine": 7},
    } == place["physicalLocation"]
    assert "locations" not in ran["results"][3]


def test_the_command_writes_both(
    server: Server, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The options are taken, and what an earlier run wrote is gone where this one fails."""
    (folder / "a.sql").write_text("SELECT 1")
    written = tmp_path / "gate.sarif"
    options = ("--format", "github", "--sarif", str(written))
    ended = run("host=/nowhere", folder, server, *options)
    log = json.loads(written.read_text())

    assert 3 == ended.code
    assert 3 == log["runs"][0]["invocations"][0]["exitCode"]
    assert "::error title=1 target::target: the database cannot be reached" in ended.out

    def broken(_gate: Gate) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Gate, "run", broken)
    assert 130 == run("host=/nowhere", folder, server, *options).code
    assert not written.exists()
