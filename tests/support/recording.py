"""Small suites of a few tests, run with the plugin and without a server of PostgreSQL."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path

HEAD: Final = """
import os
import pytest

SEEN = {"rule": "INV-U5", "path": "insert", "tally": [2, 2, 2]}

@pytest.fixture
def case_runner(record_property):
    record_property("conformance", SEEN)

@pytest.mark.rules("INV-U5")
def test_rule(case_runner):
    pass
"""
# Each is a second part of the proof of INV-U5, and what of it could not run.
PARTS: Final = {
    "setup": """
@pytest.fixture(scope="module")
def harness():
    raise LookupError("no harness")

@pytest.mark.parametrize("number", range(7))
@pytest.mark.rules("INV-U5")
def test_race(harness, number):
    pass
""",
    "call": """
@pytest.mark.rules("INV-U5", "CARD-1", wide=True)
def test_race():
    raise LookupError("no harness")
""",
    "teardown": """
@pytest.fixture
def harness():
    yield
    raise LookupError("no harness")

@pytest.mark.rules("INV-U5")
def test_race(harness):
    pass
""",
    "crash": """
@pytest.mark.rules("INV-U5")
def test_race():
    os._exit(3)
""",
    "skipped": """
@pytest.mark.rules("INV-U5")
def test_race():
    pytest.skip("no harness")
""",
}
FAILS: Final = """
@pytest.mark.rules("INV-U5")
def test_race():
    assert [] == ["broken"]
"""
FINDING: Final = """
from conformance.engine.cases.verdicts import Finding, Verdict

def found(rule, verdict=Verdict.BROKEN):
    return Finding(rule, verdict, expected="no", observed="yes", script="SELECT 1;")
"""


class Ended(NamedTuple):
    """End of a run."""

    code: int
    output: str
    report: dict[str, Any]

    def verdict(self, rule: str) -> str:
        """Return the verdict on a rule; '' if it has none."""
        verdicts = {each["id"]: each["verdict"] for each in self.report["rules"]}
        return str(verdicts.get(rule, ""))

    @property
    def rows(self) -> list[str]:
        """The words of the lines between the heading of the verdicts and pytest's last line."""
        _, _, table = self.output.rpartition(" rules ===")
        return [" ".join(line.split()) for line in table.splitlines()[1:]]


def run_in(folder: Path, tests: str, *options: str) -> Ended:
    """Run a suite of these tests in a folder."""
    (folder / "test_fake.py").write_text(tests)
    (folder / "pytest.ini").write_text("[pytest]\n")
    (folder / "migrations").mkdir(exist_ok=True)
    (folder / "migrations" / "001.sql").write_text("SELECT 1;\n")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-p", "conformance.plugin", "test_fake.py"),
            *("-p", "no:cacheprovider", "--conformance-report", "report.json", *options),
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    output = done.stdout + done.stderr
    assert (folder / "report.json").exists(), output
    return Ended(done.returncode, output, json.loads((folder / "report.json").read_text()))
