"""Transcripts of runs that take long: what a part of the run prints is what the page shows."""

import os
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from conformance.framecast.rules import RULES
from tests.project.test_first_minutes import CUT, alike
from tests.support.outputs import without_progress
from tests.support.shells import ROOT, Command, commands

RULE: Final = re.compile(r"^(\S+) +held +\d+ accepted +\d+ rejected  (.+)…$")
ONE: Final = ("--rule", "INV-U1", "-k", "test_rule", "-n", "0", "-p", "no:cacheprovider")


def shown(page: str) -> Command:
    """Return the transcript of a page."""
    (command,) = (each for each in commands() if each.page == page and each.printed)
    return command


def ours(*words: str, folder: Path) -> str:
    """Return what a command of ours prints in a folder, errors last."""
    done = subprocess.run(
        [sys.executable, "-m", *words],
        cwd=folder,
        env={**os.environ, "COLUMNS": "80"},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + without_progress(done.stderr)


def missing(lines: Iterable[str], printed: str) -> list[str]:
    """Return the lines that are not printed in their order, but for numbers."""
    today = iter(printed.splitlines())
    return [line for line in lines if line != CUT and not any(alike(line, each) for each in today)]


def test_a_run_begins_and_ends_as_readme_shows() -> None:
    """Lines of a whole run that a run of one rule has are the same; the others name its rules."""
    printed = ours("pytest", "conformance", *ONE, folder=ROOT)
    lines = shown("README.md").printed
    head = [*lines[: lines.index(CUT)]]
    rules = [(match[1], match[2]) for match in map(RULE.match, lines) if match]

    head = [line.replace("/home/you/framecast", str(ROOT)) for line in head]
    (first,) = (line for line in lines if line.startswith("INV-U1 "))
    assert [] == missing([*head, first], printed), printed
    assert [] == [
        (name, by)
        for name, by in rules
        if not any(each.startswith(by) for each in RULES[name].enforced_by)
    ]
    assert [name for name, _ in rules] == [each for each in RULES if each in dict(rules)]
    assert f"{len(RULES)} held" in lines


def test_mutants_are_shown_as_the_page_does(tmp_path: Path) -> None:
    """The mutants of a rule are as many, noticed by the same phases."""
    command = shown("docs/mutants.md")
    words = ("--migrations", str(ROOT / "migrations"), "--workers", "1")
    printed = ours("conformance", *command.text.split()[1:], *words, folder=tmp_path)

    steady = [each for each in command.printed if not each.startswith("time to kill")]
    assert [] == missing(steady, printed), printed
    exact = [each for each in command.printed if each.startswith(("killed by", "score"))]
    assert [] == [each for each in exact if each not in printed.splitlines()], printed
