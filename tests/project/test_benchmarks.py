"""The benchmarks run: their numbers are for people to read, that there are some is for a test."""

import re
import shutil
import sys
import tomllib
from pathlib import Path

import pytest

from benchmarks import campaign_scale, cap_designs, cap_sql, crowding, gate_cases, job_cost
from conformance.engine.campaign.ledger import Ledger, Result
from conformance.engine.campaign.shards import Plan
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


def test_crowding_ends_with_the_closed_snapshot(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The benchmark of what stands for long has a line each of few jobs, many, and a snapshot."""
    monkeypatch.setattr(sys, "argv", ["crowding", "--jobs=200", "--beside=20"])

    crowding.main()

    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 8
    assert re.fullmatch(r"\| and when it is closed \| \d+\.\d\d ms \| \d+ \|", lines[-1])


def test_job_cost_takes_turns_with_another_schema(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Each of two schemas is compared with its own bare tables, and named by its folder."""
    other = shutil.copytree(job_cost.MIGRATIONS, tmp_path / "before")
    sizes = ["--teams=5", "--active=10", "--finished=5", "--rounds=10", "--durability=off"]
    monkeypatch.setattr(sys, "argv", ["job_cost", *sizes, "--than", str(other)])

    job_cost.main()

    lines = capsys.readouterr().out.splitlines()[-2:]
    told = r"\d\.\d\d \(\d\.\d\d to \d\.\d\d\), \d+ µs guarded and \d+ µs bare, in 5 turns: "
    folders = (job_cost.MIGRATIONS, other)
    assert all(
        re.fullmatch(told + re.escape(str(folder)), line)
        for line, folder in zip(lines, folders, strict=True)
    )


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


@pytest.mark.parametrize(
    ("shards", "workers", "write", "seconds", "waits_for"),
    [
        ([10] * 4, 1, 0, 42, ""),
        ([10] * 4, 2, 0, 22, ""),
        ([10] * 4, 8, 0, 12, "the longest shard"),
        ([30, 1, 1, 1], 2, 0, 32, "the longest shard"),
        ([1] * 100, 100, 0, 3, ""),
        ([1] * 100, 100, 1, 103, "the client's ledger"),
    ],
)
def test_a_campaign_ends_with_what_takes_longest(
    shards: list[float], workers: int, write: float, seconds: float, waits_for: str
) -> None:
    """Each worker takes the next shard when it is free; it starts in two seconds."""
    found = campaign_scale.simulate(shards, workers, 2, write)

    assert (seconds, waits_for) == (found.seconds, found.waits_for)
    assert pytest.approx(sum(shards) / (workers * seconds)) == found.efficiency


def test_a_ledger_says_how_a_campaign_would_scale(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The benchmark draws shards from a real ledger, and ends with a line for each size."""
    ledger = Ledger(tmp_path / "x", Plan(("races",), 1, 3, 1, 1, (), ""), resume=False)
    for seed in (1, 2, 3):
        ledger.add(Result(f"races/{seed}/1-of-1", "held", 10.0 * seed))
    arguments = [str(tmp_path / "x"), "--shards", "50", "--workers", "1,1000"]
    monkeypatch.setattr(sys, "argv", ["campaign_scale", *arguments])

    campaign_scale.main()

    first, *_, one, many = capsys.readouterr().out.splitlines()
    assert "3 shards tried: 3 races" == first
    assert re.fullmatch(r" +1 +0\.\d\d +\d\.\d\d", one)
    assert many.startswith("    1000 ")
    assert many.endswith("the longest shard")


def test_cases_of_the_gate_say_what_is_right() -> None:
    """Each case has files, an exit code and what was said of it before; names are there once."""
    cases = tomllib.loads(gate_cases.CASES.read_text(encoding="utf-8"))["case"]

    assert {0, 1} == {case["code"] for case in cases}
    assert len(cases) == len({case["name"] for case in cases})
    for case in cases:
        assert {"name", "before", "code", "files"} == case.keys() - {"shown"}
        assert all(name.endswith(".sql") for name in case["files"])


@pytest.mark.parametrize(
    ("out", "what"),
    [
        ("1  target       ok          x\ngate: open: the pending migrations may be run", "open"),
        (
            "3  lint  ok  x\n     note: y\n7  data  2 findings  z\n     note: n\n     b: gone",
            "7: b: gone",
        ),
        ("1  target       1 finding\n     target: unreachable", "1: target: unreachable"),
        ("", "not asked"),
    ],
)
def test_the_table_of_cases_shows_the_first_finding(out: str, what: str) -> None:
    """A run of the gate is told by the first thing that it has found, and its section."""
    assert what == gate_cases.told(out)
