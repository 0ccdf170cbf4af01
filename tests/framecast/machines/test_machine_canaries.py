"""Schemas with planted faults that only sequences find: each machine must find its own."""

import shutil
import sys
from pathlib import Path

import pytest
from hypothesis import settings

from benchmarks.planted_sequences import FAULTS
from conformance.engine.cases.verdicts import Finding
from conformance.engine.database.sandbox import Sandbox
from conformance.engine.postgres.scratch import Scratch
from conformance.engine.pytest_plugin import profiles
from conformance.framecast.machines.machine import Machine
from conformance.framecast.machines.runner import MachineRunner

MIGRATIONS = Path(__file__).parents[3] / "migrations"
LONGEST = 8  # steps after shrinking
SEEDS = range(1, 6)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found(
    fault: str, scratch: Scratch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A machine finds what only sequences show, from every seed, and shrinks it to a few steps."""
    sql, machine, names = FAULTS[fault]
    schema = Path(shutil.copytree(MIGRATIONS, tmp_path / "migrations"))
    (schema / "999_fault.sql").write_text(sql)

    found: dict[int, Finding | None] = {}
    template = scratch.template(schema)
    with scratch.cloned(template, "fault") as database, Sandbox(database.conninfo) as sandbox:
        for number in SEEDS:
            found[number] = found_by(MachineRunner(sandbox, number), machine)

    with capsys.disabled():
        for number, finding in found.items():
            sys.stdout.write("\n  ".join([f"\n{fault}, seed {number}:", *steps(finding)]))
    assert dict.fromkeys(SEEDS, names) == {
        number: {finding.rule} if finding else set() for number, finding in found.items()
    }
    assert LONGEST >= max(len(steps(finding)) for finding in found.values())


def found_by(runner: MachineRunner, machine: type[Machine]) -> Finding | None:
    """Return what a machine finds within the default profile."""
    try:
        runner.run(machine, default_profile())
    except Finding as finding:
        return finding
    return None


def steps(finding: Finding | None) -> list[str]:
    """Return the operations of a run that found something."""
    return [
        line.removeprefix("-- ")
        for line in (finding.script.splitlines() if finding else ())
        if line.startswith("-- ") and not line.startswith("-- expected")
    ]


def default_profile() -> settings:
    """Return how the default profile runs a machine, without what earlier runs have found."""
    return settings(
        settings.get_profile("default"),
        max_examples=profiles.MACHINES["default"],
        stateful_step_count=profiles.RUN,
        database=None,
    )
