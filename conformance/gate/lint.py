"""Squawk on the files that are pending: what would lock or rewrite a table that is in use."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from conformance.audit.findings import Fault, Section

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.migrate.migrations import Migration

NUMBER, TITLE = 3, "lint"
PATIENCE = 120.0  # seconds
# Runs when there is no configuration beside the migrations: as `migrate` runs each file.
WITHOUT_CONFIGURATION = (
    "--assume-in-transaction",
    "--exclude=require-lock-timeout,require-statement-timeout",
)


def lint(files: Sequence[Migration], major: int) -> Section:
    """Lint files as Squawk's configuration beside them says, for the target's major."""
    section = Section(NUMBER, TITLE, "nothing is pending", asked=not files)
    if not files:
        return section
    program = _program()
    if program is None:
        remedy = "install it: pip install squawk-cli"
        section.faults.append(Fault("squawk", "not found beside Python or on the PATH", remedy))
        return section
    home = files[0].path.resolve().parent
    configured = any((place / ".squawk.toml").is_file() for place in (home, *home.parents))
    command = [
        program,
        "--reporter=json",
        f"--pg-version={major}.0",
        *(() if configured else WITHOUT_CONFIGURATION),
        *(file.name for file in files),
    ]
    try:
        done = subprocess.run(  # noqa: S603 - the linter, on files that are to be run anyway
            command, capture_output=True, text=True, check=False, timeout=PATIENCE, cwd=home
        )
        section.faults += [_fault(each) for each in json.loads(done.stdout or "null")]
    except (OSError, subprocess.TimeoutExpired, json.JSONDecodeError, TypeError, KeyError) as error:
        section.faults.append(
            Fault("squawk", f"gave no answer: {error}", f"run it by hand: {' '.join(command)}")
        )
        return section
    section.asked = True
    section.summary = f"squawk on {', '.join(file.name for file in files)}"
    return section


def _fault(found: dict[str, object]) -> Fault:
    place = f"{found['file']}:{int(str(found['line'])) + 1}"
    what = " ".join(str(found["message"]).split())
    helps = " ".join(str(found.get("help") or "").split())
    excuse = f"or excuse it where it stands: -- squawk-ignore {found['rule_name']}"
    return Fault(place, f"{what} ({found['rule_name']})", f"{helps or 'rewrite it'}, {excuse}")


def _program() -> str | None:
    beside = Path(sys.executable).with_name("squawk")
    return str(beside) if beside.is_file() else shutil.which("squawk")
