"""Schemas with planted races. The classics, which every profile runs, must find each of them.

Drawn races must find them too, but for those that need a meeting which is hardly ever drawn.
"""

import shutil
import sys
from pathlib import Path

import pytest

from conformance.cases.verdicts import Finding
from conformance.database.sandbox import Sandbox
from conformance.framecast.known_races import CLASSICS
from conformance.postgres.scratch import Scratch
from conformance.races.arena import Arena
from conformance.races.explorer import PAIRS, drawn
from conformance.races.racer import Racer
from tests.planted_races import FAULTS, Planted

MIGRATIONS = Path(__file__).parent.parent / "migrations"
DRAWS = 120  # numbers, of each of which a race is made
LONGEST = 8  # steps of all sessions together after shrinking, commits included


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_race_is_found(
    fault: str, scratch: Scratch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Drawn races find a lock that is wrong, and so does the classic race of its rule."""
    planted = FAULTS[fault]
    schema = Path(shutil.copytree(MIGRATIONS, tmp_path / "migrations"))
    (schema / "999_fault.sql").write_text(planted.sql)

    template = scratch.template(schema)
    with (
        scratch.cloned(template, fault) as database,
        Sandbox(database.conninfo) as sandbox,
        Arena(sandbox, database.conninfo) as arena,
    ):
        with pytest.raises(Finding) as in_classic:
            Racer(arena).run_all(CLASSICS[planted.classic])
        found = _drawn(planted, Racer(arena)) if planted.pairs else in_classic.value
        assert arena.failed is not None
        race, _ = arena.failed

    with capsys.disabled():
        sys.stdout.write(f"\n{fault}: {found.rule} is {found.verdict}\n")
        shown = found.script.splitlines()
        sys.stdout.writelines(f"{line}\n" for line in shown if line.startswith("--"))
    assert in_classic.value.rule in planted.names
    assert found.rule in planted.names
    assert sum(len(each.script) for each in race.sessions) <= LONGEST


def _drawn(planted: Planted, racer: Racer) -> Finding:
    """Return what the first of some numbers finds that finds anything, made smaller."""
    for number in range(DRAWS):
        for pair in planted.pairs:
            try:
                racer.run_some(*drawn(*PAIRS[pair], number), pair)
            except Finding as finding:
                return finding
    pytest.fail(f"none of {DRAWS} drawn races found it")
