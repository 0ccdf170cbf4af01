"""The files that a CI reads: commands that exist, with options that they have, on all majors."""

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from configparser import ConfigParser
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from conformance.framecast.races.rendering import SAVED

ROOT: Final = Path(__file__).parents[2]
FILES: Final = (".github/workflows/conformance.yml", ".gitlab-ci.yml")
OURS: Final = re.compile(r"\b(?:pytest conformance|python -m conformance (\w+))([^|;&\n]*)")
OPTION: Final = re.compile(r"--[a-z-]+")


def strings(value: Any) -> Iterator[str]:
    """Yield the texts anywhere in what a YAML file says."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from strings(each)
    elif isinstance(value, str):
        yield value


def lists(value: Any, name: str) -> Iterator[list[str]]:
    """Yield the lists that are called a name, anywhere in what a YAML file says, as texts."""
    if isinstance(value, list):
        for each in value:
            yield from lists(each, name)
    elif isinstance(value, dict):
        for key, each in value.items():
            if str(key).lower() == name and isinstance(each, list):
                yield list(map(str, each))
            yield from lists(each, name)


@cache
def options(command: str) -> set[str]:
    """Return the options that a command of ours, or else pytest, has."""
    arguments = ["conformance", command] if command else ["pytest", "conformance"]
    shown = subprocess.run(
        [sys.executable, "-m", *arguments, "--help"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    return set(OPTION.findall(shown.stdout))


@pytest.mark.parametrize("file", FILES)
def test_its_commands_have_the_options_that_they_use(file: str) -> None:
    """Each command of ours that a pipeline runs is there, and takes the options it is given."""
    commands = [
        (match[1] or "", set(OPTION.findall(match[2])))
        for text in strings(yaml.safe_load((ROOT / file).read_text()))
        for match in OURS.finditer(text)
    ]

    assert {"", "versions", "seeds", "gate"} <= {command for command, _ in commands}
    assert [] == [
        (command, used - options(command)) for command, used in commands if used - options(command)
    ]


@pytest.mark.parametrize("file", FILES)
def test_it_tries_the_majors_that_tox_tries(file: str) -> None:
    """A pipeline has a lane for each supported major, and compares all of them."""
    tox = ConfigParser()
    tox.read(ROOT / "tox.ini")
    [first, last] = re.findall(r"pg{(\d+)-(\d+)}", tox["tox"]["env_list"])[0]
    majors = [str(each) for each in range(int(first), int(last) + 1)]
    read = yaml.safe_load((ROOT / file).read_text())
    [together] = [text for text in strings(read) if "conformance versions" in text]

    assert majors in list(lists(read, "postgres"))
    assert majors == re.findall(r" report-(\d+)\.json", together)[1:]


@pytest.mark.parametrize("file", FILES)
def test_it_tries_the_wheel_on_each_python(file: str) -> None:
    """A pipeline tries the wheel on each Python that tox has an environment for."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    text = (ROOT / "tox.ini").read_text()
    (minors,) = re.findall(r"^\[testenv:wheel-py3{([\d,]+)}\]$", text, re.MULTILINE)
    versions = [f"3.{minor}" for minor in minors.split(",")]
    read = yaml.safe_load((ROOT / file).read_text())

    assert f">={versions[0]}" == project["requires-python"]
    assert [versions] == list(lists(read, "python"))
    assert any(said.startswith('tox -e "wheel-py$') for said in strings(read))


@pytest.mark.parametrize("file", FILES)
def test_it_looks_at_the_page(file: str) -> None:
    """A pipeline runs the tests of the page in a browser, and keeps the pictures."""
    job = yaml.safe_load((ROOT / file).read_text())
    job = job["jobs"]["browser"] if "jobs" in job else job["browser"]
    said = list(strings(job))

    assert "tox -e browser" in said
    assert 1 < said.count("screenshots")
    assert "continue-on-error" not in job
    assert "allow_failure" not in job


def test_no_browser_is_one_line_and_a_failure(tmp_path: Path) -> None:
    """Where there is no browser, a run of the page's tests says so once, and does not pass."""
    (tmp_path / "playwright").mkdir()
    (tmp_path / "playwright" / "__init__.py").touch()
    anything = "def __getattr__(name): return object\n"
    (tmp_path / "playwright" / "sync_api.py").write_text(anything)
    environment = {**os.environ, "PATH": str(tmp_path), "PYTHONPATH": str(tmp_path)}
    environment.pop("CHROMIUM", None)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "browser", "-n", "0", "-q", "-k", "paper"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    (line,) = (each for each in done.stdout.splitlines() if "no browser" in each)
    assert "install one of chromium, " in line
    assert 1 == done.returncode


@pytest.mark.parametrize("file", FILES)
def test_it_keeps_what_was_found(file: str) -> None:
    """The job that proves the rules uploads its reports, JUnit too, its findings and its races."""
    job = yaml.safe_load((ROOT / file).read_text())
    job = job["jobs"]["rules"] if "jobs" in job else job["rules"]
    said = list(strings(job))
    kept = " ".join(said).split()

    assert any(".xml" in word for word in kept)
    assert {"findings", SAVED} <= set(kept)
    assert any(word.startswith("report-") for word in kept)


@pytest.mark.parametrize("file", FILES)
def test_it_is_of_the_form_that_its_service_reads(file: str) -> None:
    """The schemas that GitHub's workflows and GitLab's pipelines are checked by accept it."""
    schema = "vendor.github-workflows" if file.startswith(".github") else "vendor.gitlab-ci"
    program = Path(sys.executable).parent / "check-jsonschema"
    done = subprocess.run(
        [program, "--builtin-schema", schema, ROOT / file],
        capture_output=True,
        text=True,
        check=False,
    )

    assert 0 == done.returncode, done.stdout + done.stderr


def test_an_indexed_job_runs_every_share_once() -> None:
    """As many pods as shares, each with an option that there is, and a ledger of its own."""
    job = yaml.safe_load((ROOT / "docs" / "kubernetes" / "indexed-job.yaml").read_text())
    (command,) = job["spec"]["template"]["spec"]["containers"][0]["args"]
    (match,) = OURS.finditer(command)

    assert "campaign" == match[1]
    assert set(OPTION.findall(match[2])) <= options("campaign")
    assert [str(job["spec"]["completions"])] == re.findall(
        r"--share \$\(\(JOB_COMPLETION_INDEX \+ 1\)\)/(\d+)", command
    )
    assert "--ledger /ledgers/$JOB_COMPLETION_INDEX.jsonl --resume" in command


def test_a_cluster_is_where_the_campaign_looks_for_it() -> None:
    """The scheduler's service has the name and the port that the page's command uses."""
    text = (ROOT / "docs" / "kubernetes" / "dask-cluster.yaml").read_text()
    cluster = yaml.safe_load(text)
    ports = cluster["spec"]["scheduler"]["service"]["ports"]
    name = cluster["metadata"]["name"]

    assert f"--scheduler tcp://{name}-scheduler:{ports[0]['port']}\n" in text
    assert ["--nthreads", "1"] == cluster["spec"]["worker"]["spec"]["containers"][0]["args"][2:4]
