"""A run that is refused before it begins leaves no report of an earlier run standing."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any, Final

import msgspec
import pytest

from conformance.engine.report.form import Report

if TYPE_CHECKING:
    from pathlib import Path

ENDINGS: Final = ("json", "xml", "html", "md", "sarif")
OLD: Final = "a report of yesterday"
REFUSED: Final = {
    "unknown option": (("--nope",), "unrecognized arguments: --nope"),
    "value of an option": (("--max-time", "soon"), "soon"),
    "value of another plugin's option": (("-n", "many"), "many"),
    "unknown rule": (("--rule", "INV-NOPE"), "there is no rule 'INV-NOPE'"),
    "unknown domain": (("--domain", "nope"), "there is no module nope"),
    "unknown profile": (("--hypothesis-profile", "nope"), "there is no 'nope'"),
    "baseline that is not there": (("--conformance-baseline", "nope.toml"), "nope.toml"),
    "report that cannot be written": (("--conformance-report", "no/where.json"), "no/where.json"),
    "form that there is not": (("--conformance-report", "kept.txt"), "kept.txt"),
}
PLUGIN: Final = ("-p", "conformance.plugin")
# Before an entry point is loaded pytest knows the options of other plugins alone.
LOADED: Final = [
    *((case, PLUGIN) for case in REFUSED),
    ("unknown option", ()),
    ("value of another plugin's option", ()),
]


def ended(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run pytest in a folder of nobody's, where reports of an earlier run are."""
    for each in ENDINGS:
        (folder / f"report.{each}").write_text(OLD)
    reports = (f"--conformance-report=report.{each}" for each in ENDINGS)
    return subprocess.run(
        [sys.executable, "-m", "pytest", *reports, *arguments],
        cwd=folder,
        env={name: value for name, value in os.environ.items() if name != "PYTEST_ADDOPTS"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize(("case", "loaded"), LOADED)
def test_a_refused_run_replaces_every_report(
    case: str, loaded: tuple[str, ...], tmp_path: Path
) -> None:
    """Each form says why there was no run; what is no report stays as it was."""
    (tmp_path / "kept.txt").write_text(OLD)
    options, said = REFUSED[case]
    done = ended(tmp_path, *loaded, "--pyargs", "conformance", *options)

    assert pytest.ExitCode.USAGE_ERROR == done.returncode, done.stdout + done.stderr
    for each in ENDINGS:
        text = (tmp_path / f"report.{each}").read_text()
        assert OLD not in text
        assert said.replace("'", "") in text.replace("'", "").replace("&#39;", ""), text
    document: dict[str, Any] = json.loads((tmp_path / "report.json").read_text())
    msgspec.convert(document, Report, strict=True)
    assert (4, False, []) == (document["exit_status"], document["whole"], document["rules"])
    assert not re.search("usage: |: error: ", document["errors"][0]["said"])
    assert (tmp_path / "kept.txt").read_text() == OLD


@pytest.mark.parametrize(
    "arguments",
    [("nowhere.py",), ("--pyargs", "conformance", "nowhere.py"), ("-n1", "nowhere.py")],
)
def test_a_path_that_there_is_not_replaces_every_report(
    arguments: tuple[str, ...], tmp_path: Path
) -> None:
    """Tests that are nowhere are told in each form, by workers too."""
    done = ended(tmp_path, *PLUGIN, "-k", "nothing", *arguments)

    assert done.returncode, done.stdout + done.stderr
    texts = {each: (tmp_path / f"report.{each}").read_text() for each in ENDINGS}
    assert not [each for each, text in texts.items() if OLD in text]
    assert done.returncode == json.loads(texts["json"])["exit_status"]
    assert not json.loads(texts["json"])["whole"]


@pytest.mark.parametrize("looks", ["--help", "--version", "--markers"])
def test_who_only_looks_replaces_nothing(looks: str, tmp_path: Path) -> None:
    """A command that runs no test and is not refused leaves the reports alone."""
    done = ended(tmp_path, *PLUGIN, looks)

    assert 0 == done.returncode, done.stderr
    assert {OLD} == {(tmp_path / f"report.{each}").read_text() for each in ENDINGS}
