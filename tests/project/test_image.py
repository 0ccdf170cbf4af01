"""The image for jobs without Python: what it is made of is there, and all that the wheel needs."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
PROJECT: Final = tomllib.loads((ROOT / "pyproject.toml").read_text())
FILE: Final = (ROOT / "Dockerfile").read_text()


def test_it_is_written_as_docker_advises() -> None:
    """Hadolint has nothing to say of it."""
    program = Path(sys.executable).parent / "hadolint"
    done = subprocess.run(
        [program, "Dockerfile"], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert (0, "") == (done.returncode, done.stdout), done.stderr


def test_it_holds_all_that_the_wheel_is_made_of() -> None:
    """Each package and file that a build reads is copied, is there, and is not ignored."""
    copied = [
        each for line in re.findall(r"^COPY (.*) \S+$", FILE, re.MULTILINE) for each in line.split()
    ]
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    packages = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]

    assert {*packages, "pyproject.toml", PROJECT["project"]["readme"], "LICENSE"} <= {*copied}
    assert sorted(copied) == sorted(each[1:] for each in ignored if each.startswith("!"))
    assert [] == [each for each in copied if not (ROOT / each).exists()]


def test_it_runs_the_command_on_a_python_that_is_supported() -> None:
    """Its entry point is the project's script, and pipelines try its Python."""
    (entry,) = re.findall(r"^ENTRYPOINT (.*)$", FILE, re.MULTILINE)
    (minor,) = re.findall(r"^FROM python:3\.(\d+)-slim$", FILE, re.MULTILINE)

    assert json.loads(entry) == [*PROJECT["project"]["scripts"]]
    assert f"py3{{11,{minor}," in (ROOT / "tox.ini").read_text()
