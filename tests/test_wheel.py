"""The built wheel in a folder of somebody else's, beside packages with the names of ours."""

import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
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


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Make a folder with migrations, and packages of the user's own."""
    shutil.copytree(ROOT / "migrations", tmp_path / "migrations")
    for name in ("conformance", "strategies"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(OWN)
    return tmp_path


@pytest.mark.parametrize("workers", [0, 2])
def test_the_wheel_proves_a_schema_elsewhere(
    workers: int, installed: Path, repository: Path
) -> None:
    """One command proves the folder's migrations, whatever else the folder holds."""
    chosen = ("--rule", "INV-U5", "-k", "test_rule", f"-n{workers}")
    report = ("--conformance-report", "page.html", "-p", "no:cacheprovider")

    done = subprocess.run(
        [str(installed), "test", *chosen, *report],
        cwd=repository,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )

    assert 0 == done.returncode, done.stdout + done.stderr
    assert f"migrations: {repository / 'migrations'}\n" in done.stdout
    assert "\n1 held\n" in done.stdout
    assert (repository / "page.html").read_text().startswith("<!DOCTYPE html>")


def test_the_wheel_has_one_command_for_all(installed: Path, repository: Path) -> None:
    """What the module does, the script does."""
    done = subprocess.run(
        [str(installed), "rules", "--table", "webhooks"],
        cwd=repository,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )

    assert "INV-W4" in done.stdout
