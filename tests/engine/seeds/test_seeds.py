"""The suite under many seeds: a line each, what was found kept, nothing lost when it is ended."""

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest

from conformance.engine.postgres import provision
from conformance.engine.pytest_plugin.keys import ENVIRONMENT
from tests.engine.pytest_plugin.test_profiles import environment
from tests.support.outputs import without_progress
from tests.support.waiting import until

ROOT: Final = Path(__file__).parents[3]
MIGRATIONS: Final = ROOT / "migrations"
FEW: Final = ("-k", "own_1__ and insert", "--hypothesis-profile=quick")
# The schema's own bookkeeping within a client's reach.
OPEN_BOOKS: Final = "\n".join(
    f"DROP TRIGGER _300_own_1__{table}_kept_by_schema ON framecast.{table};"
    for table in ("user_guards", "team_guards", "job_event_counters", "project_specs")
)


def command(*arguments: object) -> list[str]:
    """Return the command, with its arguments."""
    return [sys.executable, "-m", "conformance", "seeds", *map(str, arguments)]


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    return subprocess.run(
        command(*arguments),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
        env=environment(),
    )


def lines_of(folder: Path) -> list[dict[str, Any]]:
    """Return what is kept of each seed."""
    return [json.loads(line) for line in (folder / "runs.jsonl").read_text().splitlines()]


def test_each_seed_has_its_line(tmp_path: Path) -> None:
    """Seeds follow the first one; those that hold leave a line each and nothing else."""
    done = run(2, "--first", 7, "--folder", tmp_path, *FEW)

    assert 0 == done.returncode, done.stderr
    seeds = [line.split()[:2] for line in done.stdout.splitlines() if line[0] in "789"]
    assert [["7", "held"], ["8", "held"]] == seeds
    assert done.stdout.endswith("2 of 2 seeds held\n")
    assert [(7, True), (8, False)] == [(each["seed"], each["whole"]) for each in lines_of(tmp_path)]
    assert ["runs.jsonl"] == [path.name for path in tmp_path.iterdir()]


def test_what_a_seed_finds_is_kept(tmp_path: Path) -> None:
    """A seed that fails shows rule, test and log, which is kept; named again, it does not run."""
    schema = Path(shutil.copytree(MIGRATIONS, tmp_path / "migrations"))
    (schema / "999_hole.sql").write_text(OPEN_BOOKS)
    folder = tmp_path / "kept"
    arguments = (2, "--first", 7, "--folder", folder, *FEW, f"--migrations={schema}")
    before = set((ROOT / "conformance" / "corpus").iterdir())

    done = run(*arguments)

    assert 1 == done.returncode, done.stderr
    for each in lines_of(folder):
        assert "failed" == each["verdict"]
        (line,) = [one for one in done.stdout.splitlines() if one.startswith(f"{each['seed']} ")]
        assert "OWN-1 is " in line
        assert each["log"] in line
        assert f"--hypothesis-seed={each['seed']}" in Path(each["log"]).read_text()
        report = json.loads((folder / f"{each['seed']}.json").read_text())
        assert {"OWN-1"} == {one["id"] for one in report["rules"] if one["failures"]}
    assert before == set((ROOT / "conformance" / "corpus").iterdir())

    count = len(lines_of(folder))
    again = run(*arguments)
    assert (1, count) == (again.returncode, len(lines_of(folder)))
    assert again.stdout == done.stdout


def test_an_interrupt_loses_no_line(tmp_path: Path) -> None:
    """Ctrl-C ends it at once; what had been run stays, and is not run again."""
    with subprocess.Popen(
        command(50, "--first", 7, "--folder", tmp_path, *FEW),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("7 "):
                break
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=120)

    assert (130, "seeds: interrupted\n") == (process.returncode, without_progress(said))
    seeds = [each["seed"] for each in lines_of(tmp_path)]
    assert list(range(7, 7 + len(seeds))) == seeds
    with (tmp_path / "runs.jsonl").open("a") as lines:
        lines.write('{"seed": 8, "verdict": "he')  # as a killed run leaves it
    run(len(seeds) + 1, "--first", 7, "--folder", tmp_path, *FEW)
    torn = (tmp_path / "runs.jsonl").read_text().splitlines()[len(seeds)]
    assert '{"seed": 8, "verdict": "he' == torn
    (tmp_path / "runs.jsonl").write_text(
        (tmp_path / "runs.jsonl").read_text().replace(f"{torn}\n", "")
    )
    assert [*seeds, 7 + len(seeds)] == [each["seed"] for each in lines_of(tmp_path)]


LEFT: Final = """
SELECT 'database ' || datname FROM pg_database WHERE datname LIKE 'framecast%'
UNION ALL SELECT 'role ' || rolname FROM pg_roles WHERE rolname LIKE 'framecast%'
UNION ALL SELECT 'session ' || pid FROM pg_stat_activity
WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_what_ends_it_leaves_nothing(
    number: signal.Signals, tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    """A signal that ends it ends its pytest too; no database, role or session is left behind."""
    with provision(pytestconfig.stash[ENVIRONMENT].request) as server:
        arguments = (1, "--first", 7, "--folder", tmp_path, "--database-url", server.conninfo)
        with (
            psycopg.connect(server.conninfo, autocommit=True) as connection,
            subprocess.Popen(command(*arguments), cwd=ROOT, env=environment()) as process,
        ):

            def left() -> list[tuple[str]]:
                return connection.execute(LEFT).fetchall()

            assert until(lambda: any(name.startswith("role") for (name,) in left()))
            process.send_signal(number)
            code = process.wait(120)

            assert (-number if number is signal.SIGKILL else 128 + number) == code
            assert number is signal.SIGKILL or [] == left()
            assert until(lambda: [] == left()), left()
    said = (tmp_path / "7.log").read_text()
    assert "KeyboardInterrupt" in said, said
    assert not (tmp_path / "runs.jsonl").exists()


def test_what_pytest_refuses_ends_it(tmp_path: Path) -> None:
    """An option that there is not is refused in one line, under no further seed."""
    done = run(3, "--folder", tmp_path, "--no-such-option")

    assert 1 == done.returncode
    assert 1 == len(done.stderr.splitlines())
    assert "--no-such-option" in done.stderr
    assert not (tmp_path / "runs.jsonl").exists()


def test_what_draws_nothing_is_left_out_after_the_first() -> None:
    """Near misses, runs, hostile runs and drawn races depend on the seed; nothing else does."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "conformance", "--collect-only", "-q"),
            *("-p", "conformance.engine.seeds.recorder", "--seeds-drawn-only"),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    tests = {
        line.partition("::")[2].partition("[")[0]
        for line in done.stdout.splitlines()
        if "::" in line
    }
    assert {"test_run", "test_hostile", "test_drawn"} <= tests
    assert any(name.startswith("test_rule") for name in tests)
    assert not tests & {
        "test_pairs",
        "test_counts",
        "test_known_race",
        "test_column",
        "test_corpus",
    }
