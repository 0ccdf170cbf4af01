"""The suite as a hook of another repository, which has migrations and nothing else of ours."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.support.migrating import Outcome
from tests.support.shells import commands

ROOT = Path(__file__).parents[3]
# What pre-commit reads, id by id; it runs an entry where the project is installed.
HOOK = re.compile(r"^- id: (\S+)\n.*?^  entry: ([^\n]+)$", re.MULTILINE | re.DOTALL)
MANIFEST = (ROOT / ".pre-commit-hooks.yaml").read_text()
HOOKS = dict(HOOK.findall(MANIFEST))


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Make a repository with a small schema."""
    (tmp_path / "migrations").mkdir()
    (tmp_path / "migrations" / "001.sql").write_text("CREATE TABLE users (id int);\n")
    return tmp_path


def entered(hook: str, repository: Path, *further: str, **variables: str) -> Outcome:
    """Run the entry of a hook in a repository, with no database but the one that is named."""
    known = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    program, *words = HOOKS[hook].split()
    done = subprocess.run(
        [Path(sys.executable).parent / program, *words, *further],
        cwd=repository,
        env={**known, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    return Outcome(done.returncode, done.stdout, done.stderr)


def test_the_hook_refuses_the_change_of_the_page(tmp_path: Path) -> None:
    """The page's command weakens a rule, and the hook fails on that folder with the page's line."""
    edit, commit = (
        each
        for each in commands()
        if each.page == "docs/pipeline.md" and each.text.startswith(("sed ", "git commit "))
    )
    shutil.copytree(ROOT / "migrations", tmp_path / "migrations")
    subprocess.run(["/bin/sh", "-c", edit.text], cwd=tmp_path, check=True)

    ended = entered("framecast-conformance", tmp_path, "-k", "inv_u5__insert", "-n", "0")

    assert f"migrations: {tmp_path / 'migrations'}" in ended.out
    title, *_, verdict = commit.printed
    assert f"  name: {title.partition('...')[0]}\n" in MANIFEST
    rule, word, *_ = verdict.split()
    assert f"\n{rule:<17}{word:<9}" in ended.out
    assert 1 == ended.code
    assert not (tmp_path / ".pytest_cache").exists()


def test_other_migrations_may_be_named(repository: Path) -> None:
    """A folder that a repository names in `args` beats the one of the entry."""
    (repository / "migrations").rename(repository / "schema")
    named = ("--migrations", "schema", "-k", "inv_u5__update", "--collect-only", "-q")

    assert 0 == entered("framecast-conformance", repository, *named).code


def test_the_page_names_a_folder_of_another_name(repository: Path) -> None:
    """The page's block for a folder elsewhere lets both hooks run, on that folder alone."""
    (repository / "db").mkdir()
    (repository / "migrations").rename(repository / "db" / "migrations")
    page = (ROOT / "docs" / "pipeline.md").read_text()
    blocks = map(yaml.safe_load, re.findall(r"^```yaml\n(.*?)^```", page, re.MULTILINE | re.DOTALL))
    hooks = [hook for block in blocks for repo in block["repos"] for hook in repo["hooks"]]
    args = {each["id"]: each["args"] for each in hooks if "args" in each}
    wanted = [re.compile(each["files"]) for each in hooks if "files" in each]

    assert [True, True] == [each.search("db/migrations/001.sql") is not None for each in wanted]
    assert HOOKS.keys() == args.keys()
    words = (*args["framecast-conformance"], "-k", "inv_u5__update", "--collect-only")
    found = entered("framecast-conformance", repository, *words)
    assert 0 == found.code, found
    assert f"migrations: {repository / 'db' / 'migrations'}" in found.out
    asked = entered(
        "framecast-gate", repository, *args["framecast-gate"], DATABASE_URL="host=/nowhere"
    )
    assert asked.out.startswith("1  target       1 finding\n     target: the database cannot be")


def test_every_hook_has_an_entry() -> None:
    """Every hook that the documentation names is there."""
    assert {"framecast-conformance", "framecast-gate"} == HOOKS.keys()


def test_the_gate_hook_needs_a_database(repository: Path) -> None:
    """Without an address the hook for a push refuses it, and says what is missing."""
    expected = "gate: no database: give its URL, or set DATABASE_URL\n"

    assert Outcome(1, err=expected) == entered("framecast-gate", repository)


def test_the_gate_hook_asks_the_database(repository: Path) -> None:
    """The hook asks the database that DATABASE_URL names, and refuses when it does not answer."""
    ended = entered("framecast-gate", repository, DATABASE_URL="host=/nowhere")

    assert (3, "") == (ended.code, ended.err)
    assert ended.out.startswith("1  target       1 finding\n     target: the database cannot be")


def test_a_push_does_not_wait_for_the_night() -> None:
    """Runs of different kinds on one branch are in groups of their own."""
    workflow = (ROOT / ".github" / "workflows" / "conformance.yml").read_text()
    [group] = re.findall(r"^  group: (.*)$", workflow, re.MULTILINE)

    assert "${{ github.event_name }}" in group
