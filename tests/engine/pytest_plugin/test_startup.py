"""A run that cannot begin says so in one line; nothing else fails it."""

import json
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import pytest

from conformance.engine import arguments
from conformance.engine.postgres.scratch import Database
from conformance.engine.pytest_plugin import findings
from tests.engine.pytest_plugin.test_profiles import environment
from tests.support.starting import run as run_one

ROOT: Final = Path(__file__).parents[3]
ONE: Final = ("conformance/test_rules.py", "-k", "inv_u5__insert_many", "-n", "0")
run = partial(run_one, ONE)
# As a newer version of something that the suite stands on might say.
WARNS: Final = """
import warnings

def pytest_runtest_call(item):
    warnings.warn("this will go away", DeprecationWarning)
"""


def refused(done: subprocess.CompletedProcess[str]) -> str:
    """Return the one line with which a run did not begin."""
    output = done.stdout + done.stderr
    assert pytest.ExitCode.USAGE_ERROR == done.returncode, output
    assert "INTERNALERROR" not in output
    assert "Traceback" not in output
    assert "passed" not in output
    (line,) = [line for line in output.splitlines() if line.startswith("ERROR: ")]
    return line.removeprefix("ERROR: ")


def test_a_profile_that_there_is_not() -> None:
    """An unknown profile is refused with those that there are."""
    said = refused(run("--hypothesis-profile=nightly"))

    assert (
        "--hypothesis-profile: there is no 'nightly': name one of quick, default, thorough" == said
    )


@pytest.mark.parametrize("seed", ["notanumber", "1.5", "", "0x7"])
def test_a_seed_that_is_no_number(seed: str) -> None:
    """What cannot be a seed is refused, and not taken for a text that nobody would draw again."""
    said = refused(run(f"--hypothesis-seed={seed}"))

    assert f"--hypothesis-seed: {seed!r} is no whole number" == said


@pytest.mark.parametrize("level", ["1", "2"])
def test_python_without_assertions(level: str) -> None:
    """Where Python leaves assertions out, nothing is proven: the run is refused."""
    assert "PYTHONOPTIMIZE" in refused(run(PYTHONOPTIMIZE=level))


def test_a_checkout_that_cannot_be_written(tmp_path: Path) -> None:
    """Where no cache and no example can be written, the run is as green and quiet as elsewhere."""
    nowhere = tmp_path / "file"
    nowhere.write_text("no folder")
    done = run(
        *("-o", f"cache_dir={nowhere / 'cache'}", f"--conformance-corpus={nowhere / 'corpus'}"),
        *("-o", "filterwarnings=error"),  # as in a configuration of somebody's own
        HYPOTHESIS_STORAGE_DIRECTORY=str(nowhere / "hypothesis"),
    )

    assert 0 == done.returncode, done.stdout + done.stderr
    assert "Warning" not in done.stdout + done.stderr


def test_findings_that_cannot_be_kept_where_they_should(tmp_path: Path) -> None:
    """A folder of findings that is named and cannot be written to ends the run as it begins."""
    (tmp_path / "file").write_text("no folder")
    said = refused(run(f"--conformance-findings={tmp_path / 'file' / 'found'}"))

    assert f"--conformance-findings: cannot write to {tmp_path / 'file' / 'found'}" in said


def test_nothing_is_said_to_be_kept_where_nothing_can_be(tmp_path: Path) -> None:
    """In a checkout that cannot be written, no finding is kept, and none is said to be."""
    (tmp_path / ".conformance").write_text("no folder")
    where: Any = SimpleNamespace(
        stash=pytest.Stash(),
        getoption=lambda _: None,
        invocation_params=SimpleNamespace(dir=tmp_path),
    )
    with pytest.MonkeyPatch.context() as patched:
        patched.delenv(arguments.FINDINGS, raising=False)
        assert findings.folder_of(where) is None
        assert f"not kept, since {tmp_path / '.conformance'}" in findings.unable(where)
        where.getoption = lambda _: arguments.NOWHERE
        assert "" == findings.unable(where)
        where.getoption = lambda _: None
        (tmp_path / ".conformance").unlink()
        where.stash = pytest.Stash()
        assert tmp_path / ".conformance" / "findings" == findings.folder_of(where)
        assert "" == findings.unable(where)
    assert [] == [*tmp_path.iterdir()]


@pytest.mark.parametrize("options", [(), ("-q",)])
def test_output_that_nobody_can_read(options: tuple[str, ...]) -> None:
    """Where standard output takes no byte, a run ends before it has begun to try anything."""
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *ONE, *options],
            cwd=ROOT,
            env=environment(),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )

    assert pytest.ExitCode.USAGE_ERROR == done.returncode
    assert "ERROR: cannot write to standard output: No space left on device" == done.stderr.strip()


def test_a_command_whose_output_nobody_can_read() -> None:
    """A command whose output is lost says so in one line, and does not end with 0."""
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "conformance", "rules"],
            cwd=ROOT,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )

    assert done.returncode
    assert "rules: cannot write all of its output: No space left on device\n" == done.stderr


def test_a_report_that_takes_no_byte(tmp_path: Path) -> None:
    """A report on a full disk is noticed before anything is tried; the other one says so."""
    (tmp_path / "full.json").symlink_to("/dev/full")
    there = tmp_path / "there.json"
    there.write_text("{}")
    said = refused(
        run(f"--conformance-report={there}", f"--conformance-report={tmp_path / 'full.json'}")
    )

    because = f"cannot write {tmp_path / 'full.json'}: No space left on device"
    assert because in said
    (error,) = json.loads(there.read_text())["errors"]
    assert because in error["said"]


def test_a_warning_of_something_else(tmp_path: Path) -> None:
    """A warning fails our own tests, and no run of the suite."""
    (tmp_path / "warns.py").write_text(WARNS)
    done = run("-p", "warns", PYTHONPATH=str(tmp_path))

    assert 0 == done.returncode, done.stdout + done.stderr
    assert "this will go away" in done.stdout


def test_a_warning_fails_our_own_tests(pytestconfig: pytest.Config) -> None:
    """A warning is an error here."""
    assert "error" in pytestconfig.getini("filterwarnings")


@pytest.mark.parametrize(
    "script",
    ["SELECT 1;\nCOMMIT;\nSELECT 2;", "BEGIN;\nSELECT 1;", "SELECT 1;\n\\set name 'value'"],
)
def test_what_migrate_refuses(empty: Database, folder: Path, script: str) -> None:
    """A file that `migrate` refuses is refused here, in the same line."""
    (folder / "001.sql").write_text(script)
    migrate = subprocess.run(
        [
            *(sys.executable, "-m", "conformance", "migrate", empty.conninfo),
            *("--migrations", str(folder)),
        ],
        capture_output=True,
        text=True,
        check=False,
    )

    said = refused(run(f"--migrations={folder}"))

    assert str(folder / "001.sql") in said
    assert f"migrate: {said}" == migrate.stderr.splitlines()[0]


def test_a_file_in_capitals(tmp_path: Path) -> None:
    """A file that ends in .SQL is named, and not left out without a word."""
    schema = Path(shutil.copytree(ROOT / "migrations", tmp_path / "migrations"))
    (schema / "004_MORE.SQL").write_text("SELECT 1;")

    assert f"{schema / '004_MORE.SQL'} is not read" in refused(run(f"--migrations={schema}"))
