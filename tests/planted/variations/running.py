"""Runs of the suite on a variation, in a process of their own."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from tests.planted.variations.variation import HELD, UNPROVEN, Variation

ROOT: Final = Path(__file__).parents[3]
SUITE: Final = ROOT / "conformance"
SEED: Final = "--hypothesis-seed=7"
ONE_PROCESS: Final = ("-n", "0")
HASTY: Final = ("-p", "tests.support.hasty")
IMPATIENT: Final = ("-p", "tests.support.impatient")
# Where such plugins are found.
ENVIRON: Final = {**os.environ, "PYTHONPATH": str(ROOT)}


class Ended(NamedTuple):
    """End of a run: its exit code, the lines that it printed, and its report."""

    code: int
    lines: list[str]
    report: Mapping[str, Any]

    @property
    def unheld(self) -> dict[str, str]:
        """The verdicts of the rules that are not held."""
        rules: list[dict[str, Any]] = self.report["rules"]
        return {rule["id"]: rule["verdict"] for rule in rules if rule["verdict"] != HELD}

    def said_of(self, rule: str) -> str:
        """Return what the failures of a rule say and show, those of its verdict."""
        (found,) = (each for each in self.report["rules"] if each["id"] == rule)
        told = (f for f in found["failures"] if f["verdict"] == found["verdict"])
        return "\n".join("{expected}\n{observed}\n{script}".format_map(each) for each in told)

    @property
    def table(self) -> list[str]:
        """The lines of the table of verdicts."""
        heads = [at for at, line in enumerate(self.lines) if line.strip("= ") == "rules"]
        return [line for line in self.lines[heads[-1] + 1 :] if line.strip()] if heads else []


def run(variation: Variation, folder: Path, *options: str) -> Ended:
    """Run the suite on a variation, in its profile.

    Args:
        variation: whose migrations are written into the folder.
        folder: an empty one.
        options: further ones of pytest.
    """
    migrations, report = folder / "migrations", folder / "report.json"
    shutil.copytree(ROOT / "migrations", migrations)
    for old, new in variation.edits:
        texts = {path: path.read_text("utf-8") for path in migrations.glob("*.sql")}
        assert any(old in text for text in texts.values()), f"nowhere to change: {old}"
        for path, text in texts.items():
            path.write_text(text.replace(old, new), "utf-8")
    if variation.sql:
        (migrations / "900_variation.sql").write_text(variation.sql, "utf-8")
    command = (sys.executable, "-m", "pytest", "-c", ROOT / "pyproject.toml", SUITE)
    asked = ("-p", "no:cacheprovider", "--migrations", migrations, "--conformance-report", report)
    profile = f"--hypothesis-profile={variation.profile}"
    done = subprocess.run(
        [*map(str, (*command, *asked, profile, *options))],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        check=False,
        cwd=folder,  # where Hypothesis keeps what it found, which is of no more use
        env=ENVIRON,
    )
    seen = json.loads(report.read_text("utf-8")) if report.exists() else {"rules": [], "beside": []}
    return Ended(done.returncode, done.stdout.splitlines(), seen)


def unjust(variation: Variation, ended: Ended, *, whole: bool = False) -> dict[str, str]:
    """Return the verdicts that a run should not have given, of rules by id.

    Args:
        variation: what was run.
        ended: how that ended.
        whole: whether all tests were run: what a variation does not name may be unproven then.
    """
    given = {each["id"]: each["verdict"] for each in ended.report["rules"]}
    missing = {rule: "not reported" for rule in variation.verdicts if rule not in given}
    legal = {HELD, variation.others, *([UNPROVEN] if whole else [])}
    return missing | {
        rule: verdict
        for rule, verdict in given.items()
        if verdict not in ({variation.verdicts[rule]} if rule in variation.verdicts else legal)
    }
