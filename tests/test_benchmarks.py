"""The benchmarks run: their numbers are for people to read, that there are some is for a test."""

import re
import sys

import pytest

from benchmarks import cap_designs, cap_sql, job_cost
from conformance.engine.postgres.scratch import Database


def test_job_cost_ends_with_the_ratio(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The benchmark of the schema's cost runs to its last line, at any size."""
    sizes = ["--teams=5", "--active=30", "--finished=50", "--rounds=3", "--durability=off"]
    monkeypatch.setattr(sys, "argv", ["job_cost", *sizes])

    job_cost.main()

    lines = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"ratio: \d+\.\d\d", lines[-1])
    assert "30 active and 50 finished jobs before" in lines


@pytest.mark.parametrize(
    ("design", "level", "expected"),
    [
        ("guard", "READ COMMITTED", "exact"),
        ("guard", "REPEATABLE READ", "exact"),
        ("guard", "SERIALIZABLE", "exact"),
        ("no_lock", "READ COMMITTED", "**overshoots**"),
        ("row_lock", "REPEATABLE READ", "**overshoots**"),
        ("slots", "READ COMMITTED", "exact"),
    ],
)
def test_a_race_for_the_last_place_ends_as_documented(
    empty: Database, design: str, level: str, expected: str
) -> None:
    """Only what writes before it counts is exact at every isolation level."""
    with empty.connect() as conn:
        script = cap_sql.TABLES + cap_sql.DESIGNS[design]
        conn.execute(script.replace("DESIGN", design).encode())
        conn.commit()

    assert expected == cap_designs.race(empty.conninfo, design, iter(range(99)), level, room=1)
