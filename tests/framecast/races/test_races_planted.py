"""Schemas with planted races. The known races, which every profile runs, must find each of them.

Drawn races must find them too, but for those that need a meeting which is hardly ever drawn.
"""

import shutil
import sys
from pathlib import Path

import pytest

from benchmarks.planted_races import FAULTS, Planted
from conformance.engine.cases.verdicts import Finding
from conformance.engine.database.sandbox import Sandbox
from conformance.engine.postgres.scratch import Scratch
from conformance.framecast.known_races import KNOWN_RACES
from conformance.framecast.races.explorer import PAIRS, drawn
from conformance.framecast.races.harness import Harness
from conformance.framecast.races.runner import RaceRunner

MIGRATIONS = Path(__file__).parents[3] / "migrations"
DRAWS = 120  # numbers, of each of which a race is made
LONGEST = 8  # steps of all sessions together after shrinking, commits included


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_race_is_found(
    fault: str, scratch: Scratch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Drawn races find a lock that is wrong, and so does the known race of its rule."""
    planted = FAULTS[fault]
    schema = Path(shutil.copytree(MIGRATIONS, tmp_path / "migrations"))
    (schema / "999_fault.sql").write_text(planted.sql)

    template = scratch.template(schema)
    with (
        scratch.cloned(template, fault) as database,
        Sandbox(database.conninfo) as sandbox,
        Harness(sandbox, database.conninfo) as harness,
    ):
        with pytest.raises(Finding) as in_known_race:
            RaceRunner(harness).run_all(KNOWN_RACES[planted.known_race])
        found = _drawn(planted, RaceRunner(harness)) if planted.pairs else in_known_race.value
        assert harness.failed is not None
        race, _ = harness.failed

    with capsys.disabled():
        sys.stdout.write(f"\n{fault}: {found.rule} is {found.verdict}\n")
        shown = found.script.splitlines()
        sys.stdout.writelines(f"{line}\n" for line in shown if line.startswith("--"))
    assert in_known_race.value.rule in planted.names
    assert found.rule in planted.names
    assert found.timeline is not None
    assert found.schedule is not None
    assert len(found.timeline["steps"]) == len(found.schedule.lines)
    assert sum(len(each.script) for each in race.sessions) <= LONGEST


def _drawn(planted: Planted, race_runner: RaceRunner) -> Finding:
    """Return what the first of some numbers finds that finds anything, made smaller."""
    for number in range(DRAWS):
        for pair in planted.pairs:
            try:
                race_runner.run_some(*drawn(*PAIRS[pair], number), pair)
            except Finding as finding:
                return finding
    pytest.fail(f"none of {DRAWS} drawn races found it")
