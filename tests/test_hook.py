"""The suite as a hook of another repository, which has migrations and nothing else of ours."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from conformance.hook import arguments

ROOT = Path(__file__).parent.parent


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Make a repository with a small schema."""
    (tmp_path / "migrations").mkdir()
    (tmp_path / "migrations" / "001.sql").write_text("CREATE TABLE users (id int);\n")
    return tmp_path


def test_the_hook_tries_the_schema_that_it_is_called_in(repository: Path) -> None:
    """The hook runs this suite on that folder's migrations, and fails as the suite does."""
    done = subprocess.run(
        [sys.executable, "-m", "conformance.hook", "-k", "inv_u5__update", "-n", "0"],
        cwd=repository,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert f"migrations: {repository / 'migrations'}" in done.stdout
    assert "1 unproven" in done.stdout
    assert 1 == done.returncode


def test_other_migrations_may_be_named(tmp_path: Path) -> None:
    """A folder that is named beats the one of the repository."""
    assert f"--migrations={tmp_path / 'migrations'}" in arguments(tmp_path, [])
    assert not [
        each
        for each in arguments(tmp_path, ["--migrations", "other"])
        if each.startswith("--migrations=")
    ]
