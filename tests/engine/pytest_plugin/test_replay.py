"""The command beside a finding runs its test again, wherever and however the suite was run."""

import os
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from tests.engine.pytest_plugin.test_profiles import environment

ROOT: Final = Path(__file__).parents[3]
CHOSEN: Final = ("-k", "own_1__ and test_rule and insert and not insert_many")
# The schema's own bookkeeping within a client's reach.
HOLE: Final = "\n".join(
    f"DROP TRIGGER _300_own_1__{table}_kept_by_schema ON framecast.{table};"
    for table in ("user_guards", "team_guards", "job_event_counters", "project_specs")
)
# Prints the command of the first test that is collected.
SHOWS: Final = """
from conformance.engine.pytest_plugin import replay

def pytest_collection_finish(session):
    print("replay:", replay.command(session.items[0]))
"""


class Way(NamedTuple):
    """A way of running the suite: where, by which command, with which variables beside ours."""

    folder: Path
    command: tuple[str, ...]
    variables: dict[str, str]


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Make a repository that has this schema with a hole in it, and nothing else of ours."""
    schema = shutil.copytree(ROOT / "migrations", tmp_path / "my schema" / "migrations")
    (schema / "999_hole.sql").write_text(HOLE)
    return schema.parent


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """Make a folder with the packages that the wheel has."""
    built = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]
    for package in built["targets"]["wheel"]["packages"]:
        shutil.copytree(ROOT / package, tmp_path / "site" / package)
    return tmp_path / "site"


@pytest.fixture(params=["clone", "workers", "another folder", "wheel"])
def way(request: pytest.FixtureRequest, repository: Path, installed: Path) -> Way:
    """Return one way to run the suite on that repository's schema."""
    bare = {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    wheel = {"PYTHONPATH": str(installed)}
    python = (sys.executable, "-m")
    schema = f"--migrations={repository / 'migrations'}"
    corpus = f"--conformance-corpus={repository}"
    ways = {
        "clone": Way(ROOT, ("pytest", "conformance", schema, corpus), bare),
        "workers": Way(ROOT, ("pytest", "conformance", "-n", "2", schema, corpus), bare),
        "another folder": Way(
            repository,
            ("pytest", str(ROOT / "conformance"), "--migrations", "migrations", corpus),
            bare,
        ),
        "wheel": Way(
            repository,
            (*python, "pytest", "--pyargs", "conformance", "-p", "conformance.plugin", corpus),
            {**wheel, "CONFORMANCE_MIGRATIONS": "migrations"},
        ),
    }
    return ways[request.param]


def found(said: str) -> str:
    """Return the finding that a run has printed."""
    assert "OWN-1 is " in said, said
    return "OWN-1 is " + said.split("\nOWN-1 is ", 1)[1].split("\nreplay: ", maxsplit=1)[0]


def command_in(said: str) -> str:
    """Return the command that a run has printed."""
    (line,) = {each for each in said.splitlines() if each.startswith("replay: ")}
    return line.removeprefix("replay: ")


def test_the_command_finds_the_same(way: Way) -> None:
    """Pasted in the same folder, the command ends in the same finding, to the letter."""
    first = subprocess.run(
        [*way.command, *CHOSEN],
        cwd=way.folder,
        env=environment(**way.variables),
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    given = command_in(first.stdout)
    kept = {each: way.variables[each] for each in way.variables if each != "CONFORMANCE_MIGRATIONS"}
    again = subprocess.run(
        ["/bin/sh", "-c", given],
        cwd=way.folder,
        env=environment(**kept),
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )

    assert (1, 1) == (first.returncode, again.returncode), again.stdout + again.stderr
    assert found(first.stdout) == found(again.stdout)
    assert given == command_in(again.stdout)
    assert "1 failed" in again.stdout
    assert "reproduce_failure" not in first.stdout


def shown(folder: Path, *options: str, **variables: str) -> list[str]:
    """Return the words of the command of a test in a run with options and variables."""
    (folder / "shows.py").write_text(SHOWS)
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "conformance/test_corpus.py", "--collect-only"),
            *("-p", "shows", *options),
        ],
        cwd=ROOT,
        env=environment(PYTHONPATH=str(folder), **variables),
        capture_output=True,
        text=True,
        check=False,
    )
    return shlex.split(command_in(done.stdout))


@pytest.mark.parametrize(
    "option",
    [
        "--role=framecast_app",
        "--postgres=16",
        "--postgres-bin=/opt/my postgres/bin",
        "--postgres-image=postgres:17",
        "--hypothesis-profile=quick",
        "--hypothesis-seed=-7",
        "--database-url=dbname='my data' host=/tmp",
    ],
)
def test_the_command_names_what_decides(tmp_path: Path, option: str) -> None:
    """Role, server, profile and seed that were given are in the command."""
    assert option in shown(tmp_path, option)


def test_the_command_names_what_variables_say(tmp_path: Path) -> None:
    """So are those that were given as variables, which the next shell may not have."""
    words = shown(tmp_path, CONFORMANCE_ROLE="framecast_app", CONFORMANCE_POSTGRES="16")

    assert {"--role=framecast_app", "--postgres=16"} <= set(words)


@pytest.mark.parametrize(
    "url", ["postgresql://me:secret@db/data", "host=db user=me password=secret dbname=data"]
)
def test_no_password_is_shown(tmp_path: Path, url: str) -> None:
    """An address is shown without its password, and one in a variable stays there."""
    (given,) = [each for each in shown(tmp_path, f"--database-url={url}") if "data" in each]
    assert "--database-url=user=me dbname=data host=db" == given
    assert not [
        each
        for each in shown(tmp_path, CONFORMANCE_DATABASE_URL=url)
        if "secret" in each or "database-url" in each
    ]
