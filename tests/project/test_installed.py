"""The installed commands in a folder that has packages with the names of ours."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from framecast_conformance import installed

OWN = "raise SystemExit('a package of the user')\n"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Make a folder with packages of the user's own, and a test of them."""
    for name in installed.PACKAGES:
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(OWN)
    (tmp_path / "test_own.py").write_text("def test_own():\n    pass\n")
    return tmp_path


def ended(folder: Path, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a program of this environment in a folder."""
    program = Path(sys.executable).parent / words[0]
    given = {**os.environ, **variables}
    return subprocess.run(
        [program, *words[1:]], cwd=folder, env=given, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("path", [".", "{0}", "elsewhere:{0}"])
def test_the_script_is_of_the_suite(path: str, repository: Path) -> None:
    """The script runs its own packages, though PYTHONPATH leads to others of their names."""
    listed = ("framecast-conformance", "rules", "--table", "webhooks")
    done = ended(repository, *listed, PYTHONPATH=path.format(repository))

    assert (0, "") == (done.returncode, done.stderr)
    assert "INV-W4" in done.stdout


def test_children_find_the_suite_too(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a process hands on has the suite before its namesakes, and is left alone without any."""
    monkeypatch.setattr(sys, "path", ["/nowhere", str(repository), "/further"])
    monkeypatch.setenv("PYTHONPATH", str(repository))
    installed.prefer()

    assert ["/nowhere", str(installed.HOME), str(repository), "/further"] == sys.path
    assert os.pathsep.join((str(installed.HOME), str(repository))) == os.environ["PYTHONPATH"]
    assert (sys.executable, "-P") == installed.python(repository)
    before = list(sys.path)
    installed.prefer()
    assert before == sys.path
    assert (sys.executable,) == installed.python(installed.HOME)


def test_a_folder_of_data_is_no_namesake(tmp_path: Path) -> None:
    """A folder without modules, which Python imports last, changes nothing."""
    (tmp_path / "conformance").mkdir()

    assert not installed.has_namesake(tmp_path)


def test_an_option_alone_does_not_load_the_suite(repository: Path) -> None:
    """A run of the user's tests with an option of the suite says so, and imports nothing of it."""
    done = ended(repository, "pytest", "-q", "--conformance-report=z.json", "test_own.py")

    assert pytest.ExitCode.USAGE_ERROR == done.returncode
    assert "--conformance-report is of the suite, and this run of other tests" in done.stderr
