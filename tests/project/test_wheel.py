"""The built wheel in a folder of somebody else's, beside packages with the names of ours."""

import re
import shutil
import subprocess
import sys
import venv
from collections.abc import Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# An option that the suite has, too, as a plugin of somebody else's may.
CONFTEST = """
def pytest_addoption(parser):
    parser.addoption("--role")
    parser.addoption("--migrations", action="store_true")
"""
TEST = """
import sys
import conformance, strategies
from hypothesis import settings

def test_own(request):
    assert conformance.OWN and strategies.OWN
    assert "theirs" == request.config.option.role
    assert 100 == settings().max_examples
    assert not [name for name in sys.modules if name.startswith(("conformance.", "psycopg"))]
"""
SUITE = "lib/python*/site-packages/conformance"
OUR_LINES = ("server:", "profile", "migrations:", "psycopg")
OWN = "raise SystemExit('a package of the user')\n"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build a wheel and install it alone; the libraries are those of this environment."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet")
    source = folder / "source"
    ignored = shutil.ignore_patterns(".*", "__pycache__", "node_modules")
    shutil.copytree(ROOT, source, ignore=ignored)
    wheel = ("wheel", "--no-deps", "--wheel-dir", str(folder), str(source))
    subprocess.run([*pip, *wheel], check=True)
    (built,) = folder.glob("*.whl")
    environment = folder / "environment"
    venv.create(environment, with_pip=False, symlinks=True)
    own = next(environment.glob("lib/python*/site-packages"))
    subprocess.run(
        [*pip, "--python", str(environment / "bin" / "python"), "install", "--no-deps", str(built)],
        check=True,
    )
    theirs = Path(pytest.__file__).parent.parent
    for each in theirs.iterdir():
        if "framecast_conformance" not in each.name and not (own / each.name).exists():
            (own / each.name).symlink_to(each)
    return environment / "bin" / "framecast-conformance"


def run(command: Sequence[str | Path], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder."""
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=300, check=False
    )


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Make a folder with migrations, and packages of the user's own."""
    shutil.copytree(ROOT / "migrations", tmp_path / "migrations")
    for name in ("conformance", "strategies"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(OWN)
    return tmp_path


# Python finds the folder's packages first with `-m`, and not with a script or -P.
WAYS = {
    "script": ("-P", "-m", "pytest", "--pyargs", "conformance", "-n0"),
    "module": ("-m", "pytest", "--pyargs", "conformance", "-n2"),
}


@pytest.mark.parametrize("way", WAYS)
def test_the_wheel_proves_a_schema_elsewhere(way: str, installed: Path, repository: Path) -> None:
    """The folder's migrations are proven, by whichever command, whatever else the folder holds."""
    program = installed.parent / "python"
    chosen = ("--migrations", "migrations", "--rule", "INV-U5", "-k", "test_rule")
    report = ("--conformance-report", "page.html", "-p", "no:cacheprovider")

    done = run([str(program), *WAYS[way], *chosen, *report], repository)

    assert 0 == done.returncode, done.stdout + done.stderr
    assert f"migrations: {repository / 'migrations'}\n" in done.stdout
    assert "\n1 held\n" in done.stdout
    assert (repository / "page.html").read_text().startswith("<!DOCTYPE html>")


def test_other_runs_of_pytest_are_left_alone(installed: Path, repository: Path) -> None:
    """A run that is about something else sees no option, header line or profile, and no import."""
    for name in ("conformance", "strategies"):
        (repository / name / "__init__.py").write_text("OWN = True\n")
    (repository / "conftest.py").write_text(CONFTEST)
    (repository / "test_own.py").write_text(TEST)

    done = run([installed.parent / "python", "-m", "pytest", "--role=theirs", "-v"], repository)

    assert 0 == done.returncode, done.stdout + done.stderr
    assert "1 passed" in done.stdout
    assert [] == [line for line in done.stdout.splitlines() if line.startswith(OUR_LINES)]


def test_options_of_two_plugins_are_told_apart(installed: Path, repository: Path) -> None:
    """Where another plugin has an option of the suite's name, a message says what to do."""
    (repository / "theirs.py").write_text(CONFTEST)
    suite = ("-p", "theirs", "--collect-only", str(next(installed.parents[1].glob(SUITE))))

    done = run([installed.parent / "python", "-m", "pytest", *suite], repository)

    assert pytest.ExitCode.USAGE_ERROR == done.returncode, done.stdout + done.stderr
    assert "leave the other plugin out by -p no:NAME" in done.stderr


def test_the_wheel_has_one_command_for_all(installed: Path, repository: Path) -> None:
    """The script does what the module does; its `test` is the suite; its needs are pinned in it."""
    hooks = (ROOT / ".pre-commit-hooks.yaml").read_text()
    entries = re.findall(r"^  entry: (.*)$", hooks, re.MULTILINE)
    (program, *suite), (other, *gate) = map(str.split, entries)
    listed = run([installed, "rules", "--table", "webhooks"], repository)
    tests = run([installed, "test", "--rule", "INV-U5", "--collect-only", "-q"], repository)

    hook = (*suite, "-k", "inv_u5__", "--collect-only", "-n0")
    hooked = run([installed.parent / program, *hook], repository)
    asked = run([installed.parent / other, *gate, "host=/nowhere"], repository)

    pins = run([installed.parent / "python", "-P", "-m", "framecast_conformance.pins"], repository)
    pinned = Path(pins.stdout.strip())
    assert pinned.is_relative_to(installed.parents[1]), pins.stderr
    assert (ROOT / "constraints.txt").read_text() == pinned.read_text()

    assert "INV-W4" in listed.stdout, listed.stderr
    assert "test_rules.py::test_rule[inv_u5__" in tests.stdout, tests.stderr
    assert "<Function test_rule[inv_u5__" in hooked.stdout, hooked.stderr
    assert "warning" not in hooked.stdout
    assert "the database cannot be reached" in asked.stdout, asked.stderr
