"""The built wheel in a folder of somebody else's, beside packages with the names of ours."""

import re
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterator, Sequence
from pathlib import Path
from zipfile import ZipFile

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
OWN_TEST = """
import conformance.commands, strategies

def test_own():
    assert conformance.OWN and conformance.commands.OWN and strategies.OWN
"""
SUITE = "lib/python*/site-packages/framecast_conformance/packages/conformance"
OUR_LINES = ("server:", "profile", "migrations:", "psycopg")
OWN = "raise SystemExit('a package of the user')\n"

NAMES = ("conformance", "strategies")
# What an editable installation has where there is more in a folder than packages.
FINDER = """
import sys
from importlib.machinery import PathFinder

class Finder:
    def find_spec(name, path=None, target=None):
        return PathFinder.find_spec(name, [{src!r}]) if name in {names!r} else None

sys.meta_path.append(Finder)
"""
PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build a wheel and install it alone; the libraries are those of this environment."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    ignored = shutil.ignore_patterns(".*", "__pycache__", "node_modules")
    shutil.copytree(ROOT, source, ignore=ignored)
    wheel = ("wheel", "--no-deps", "--wheel-dir", str(folder), str(source))
    subprocess.run([*PIP, *wheel], check=True)
    (built,) = folder.glob("*.whl")
    environment = folder / "environment"
    venv.create(environment, with_pip=False, symlinks=True)
    own = next(environment.glob("lib/python*/site-packages"))
    subprocess.run(
        [*PIP, "--python", str(environment / "bin" / "python"), "install", "--no-deps", str(built)],
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
    for name in NAMES:
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
    for name in NAMES:
        (repository / name / "__init__.py").write_text("OWN = True\n")
    (repository / "conftest.py").write_text(CONFTEST)
    (repository / "test_own.py").write_text(TEST)

    done = run([installed.parent / "python", "-m", "pytest", "--role=theirs", "-v"], repository)

    assert 0 == done.returncode, done.stdout + done.stderr
    assert "1 passed" in done.stdout
    assert [] == [line for line in done.stdout.splitlines() if line.startswith(OUR_LINES)]


def wheel_of_theirs(way: str, folder: Path) -> Path:
    """Make a wheel of a package of the user's with the names of ours, as it is or editable."""
    src = folder / "theirs" / "src"
    own = {f"{name}/__init__.py": "OWN = True\n" for name in NAMES}
    own["conformance/commands.py"] = "OWN = True\n"
    for name, text in own.items():
        (src / name).parent.mkdir(parents=True, exist_ok=True)
        (src / name).write_text(text)
    files = {
        "copied": own,
        "path": {"_shop.pth": f"{src}\n"},
        "finder": {
            "__editable___shop_finder.py": FINDER.format(src=str(src), names=NAMES),
            "__editable__.shop.pth": "import __editable___shop_finder\n",
        },
    }[way]
    files["shop-1.dist-info/METADATA"] = "Metadata-Version: 2.1\nName: shop\nVersion: 1\n"
    files["shop-1.dist-info/WHEEL"] = "Wheel-Version: 1.0\nTag: py3-none-any\n"
    files["shop-1.dist-info/RECORD"] = "".join(f"{each},,\n" for each in files)
    with ZipFile(folder / "shop-1-py3-none-any.whl", "w") as wheel:
        for name, text in files.items():
            wheel.writestr(name, text)
    return Path(str(wheel.filename))


@pytest.fixture(params=["copied", "path", "finder"])
def neighbour(
    request: pytest.FixtureRequest, installed: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Path]:
    """Install packages of the user's with the names of ours, and take them away again."""
    wheel = wheel_of_theirs(request.param, tmp_path_factory.mktemp("shop"))
    pip = [*PIP, "--python", str(installed.parent / "python")]
    subprocess.run([*pip, "install", "--no-deps", str(wheel)], check=True)
    yield installed
    subprocess.run([*pip, "uninstall", "--yes", "shop"], check=True)


def test_installed_packages_of_the_user_stay_as_they_are(neighbour: Path, tmp_path: Path) -> None:
    """Their tests and programs import their packages; commands and runs of the suite have ours."""
    shutil.copytree(ROOT / "migrations", tmp_path / "migrations")
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_own.py").write_text(OWN_TEST)
    python = (neighbour.parent / "python", "-P")
    collect = ("--migrations", "migrations", "--rule", "INV-U5", "--collect-only", "-q", "-n0")

    theirs = run([*python, "-m", "pytest", "tests"], tmp_path)
    program = run([*python, "-c", "import conformance.commands as c; print(c.OWN)"], tmp_path)
    suite = run([*python, "-m", "pytest", "--pyargs", "conformance", *collect], tmp_path)
    rules = run([neighbour, "rules", "--table", "webhooks"], tmp_path)
    proof = ("--rule", "INV-U5", "--migrations", "migrations", "-k", "test_rule", "-n2")
    proven = run([neighbour, "test", *proof], tmp_path)

    assert "1 passed" in theirs.stdout, theirs.stdout + theirs.stderr
    assert "True\n" == program.stdout, program.stderr
    assert "test_rules.py::test_rule[inv_u5__" in suite.stdout, suite.stdout + suite.stderr
    assert "INV-W4" in rules.stdout, rules.stderr
    assert "\n1 held\n" in proven.stdout, proven.stdout + proven.stderr


def test_the_module_is_a_command_too(installed: Path, tmp_path: Path) -> None:
    """Where nobody else has a package of that name, `python -m conformance` is the script."""
    done = run([installed.parent / "python", "-m", "conformance", "rules"], tmp_path)

    assert "INV-W4" in done.stdout, done.stderr


def test_a_conftest_with_our_options_is_told(installed: Path) -> None:
    """A conftest of the project is told in a line; `test` reads none, and no settings of pytest."""
    project = installed.parents[2]
    shutil.copytree(ROOT / "migrations", project / "migrations")
    theirs = {"conftest.py": CONFTEST, "pytest.ini": "[pytest]\npython_functions = check_*\n"}
    for name, text in theirs.items():
        (project / name).write_text(text)
    collect = ("--rule", "INV-U5", "--migrations", "migrations", "--collect-only", "-q")
    python = (installed.parent / "python", "-P", "-m", "pytest")

    done = run([*python, "--pyargs", "conformance", *collect], project)
    tests = run([installed, "test", *collect], project)
    chosen = ("--migrations", "migrations", "-k", "inv_u5__insert and test_rule")
    seeds = run([installed, "seeds", "1", *chosen], project)
    for name in theirs:
        (project / name).unlink()

    assert pytest.ExitCode.USAGE_ERROR == done.returncode, done.stdout + done.stderr
    assert "a conftest of yours adds options that the suite has" in done.stderr
    assert "Traceback" not in done.stderr
    assert "test_rules.py::test_rule[inv_u5__" in tests.stdout, tests.stdout + tests.stderr
    assert 0 == seeds.returncode, seeds.stdout + seeds.stderr


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
