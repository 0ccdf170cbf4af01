"""Templates for a repository of somebody else's: their steps are run there as they stand."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest
import yaml

from conformance.engine.report.document import load
from framecast_conformance.pins import pins

ROOT: Final = Path(__file__).parents[2]
FOLDER: Final = ROOT / "examples" / "pipelines"
TEMPLATES: Final = ("github.yml", "gitlab.yml")
MAJOR: Final = "18"
WEAKER: Final = "ALTER TABLE users DROP CONSTRAINT inv_u5__users_credits_not_negative;\n"
# Stand for pip, which would fetch the package that is installed already, and for GitHub's program.
PIP: Final = '#!/bin/sh\necho "$*" >>installed\n'
GH: Final = '#!/bin/sh\necho "$*" >comment; for last; do :; done; cat "$last" >>comment\n'


class Step(NamedTuple):
    """Script of a template, and whether it runs after one that failed."""

    script: str
    always: bool = False


def steps(document: dict[str, Any]) -> Iterator[Step]:
    """Yield the scripts of the job in their order, as their service would run them."""
    if "jobs" in document:
        for each in document["jobs"]["rules"]["steps"]:
            if "run" in each:
                script = each["run"].replace("${{ matrix.postgres }}", MAJOR)
                yield Step(script, each.get("if", "").startswith("always()"))
    else:
        job = document["rules"]
        yield from (Step(each) for each in (*job["before_script"], *job["script"]))
        yield from (Step(each, always=True) for each in job["after_script"])


def kept(document: dict[str, Any]) -> list[str]:
    """Return the paths that the job keeps."""
    if "jobs" in document:
        paths: str = document["jobs"]["rules"]["steps"][-1]["with"]["path"]
        return paths.splitlines()
    artifacts = document["rules"]["artifacts"]
    return [*artifacts["paths"], artifacts["reports"]["junit"]]


@pytest.mark.parametrize("name", TEMPLATES)
def test_its_steps_find_a_weaker_rule(name: str, tmp_path: Path) -> None:
    """The step that proves fails, and those after it show and keep what was found."""
    document = yaml.safe_load((FOLDER / name).read_text())
    shutil.copytree(ROOT / "migrations", tmp_path / "db" / "migrations")
    (tmp_path / "db" / "migrations" / "004_weaker.sql").write_text(WEAKER)
    programs = tmp_path / "programs"
    programs.mkdir()
    for program, text in (("pip", PIP), ("gh", GH)):
        (programs / program).write_text(text)
        (programs / program).chmod(0o755)
    variables = {
        **{key: value for key, value in os.environ.items() if not key.startswith("CONFORMANCE_")},
        "PATH": f"{programs}:{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTEST_ADDOPTS": "-k inv_u5__insert -n0 -p no:cacheprovider",  # one rule will do
        "GITHUB_STEP_SUMMARY": "summary.md",
        "PULL": "7",
        "POSTGRES": MAJOR,
        "PACKAGE": (document.get("env") or document["variables"])["PACKAGE"],
    }
    printed = ""
    codes: list[int] = []
    for each in steps(document):
        if each.always or not any(codes):
            done = subprocess.run(
                ["/bin/bash", "-eo", "pipefail", "-c", each.script],
                cwd=tmp_path,
                env=variables,
                capture_output=True,
                text=True,
                check=False,
            )
            codes.append(done.returncode)
            printed += done.stdout + done.stderr

    assert [1] == [code for code in codes if code], printed
    package, all_else = (tmp_path / "installed").read_text().splitlines()
    assert package.startswith("install --quiet --no-deps git+https://")
    assert f"install --quiet --constraint {pins()} framecast-conformance" == all_else
    assert "broken" == load(tmp_path / "report.json")["rules"][0]["verdict"]
    assert "INV-U5" in (tmp_path / "report.md").read_text()
    assert ("::error file=db/migrations/" in printed) == (name == "github.yml")
    if name == "github.yml":
        comment, *shown = (tmp_path / "comment").read_text().splitlines()
        assert "pr comment 7 --edit-last --create-if-none --body-file report.md" == comment
        assert (tmp_path / "summary.md").read_text().splitlines() == shown
    missing = [each for each in kept(document) if not list(tmp_path.glob(each))]
    assert [".conformance/races"] == missing  # it keeps races that failed, and none did


def test_what_a_pull_request_shows_is_written() -> None:
    """Code scanning is given a file that the proof writes, and the job may give it."""
    job = yaml.safe_load((FOLDER / "github.yml").read_text())["jobs"]["rules"]
    (scan,) = (each for each in job["steps"] if "upload-sarif" in each.get("uses", ""))
    (proof,) = (each for each in job["steps"] if each.get("name") == "prove the rules")

    assert f"--conformance-report {scan['with']['sarif_file']}" in proof["run"]
    assert {"contents": "read", "security-events": "write", "pull-requests": "write"} == job[
        "permissions"
    ]


@pytest.mark.parametrize("name", TEMPLATES)
def test_it_is_of_the_form_that_its_service_reads(name: str) -> None:
    """The schemas that GitHub's workflows and GitLab's pipelines are checked by accept it."""
    schema = "vendor.github-workflows" if name.startswith("github") else "vendor.gitlab-ci"
    program = Path(sys.executable).parent / "check-jsonschema"
    done = subprocess.run(
        [program, "--builtin-schema", schema, FOLDER / name],
        capture_output=True,
        text=True,
        check=False,
    )

    assert 0 == done.returncode, done.stdout + done.stderr
