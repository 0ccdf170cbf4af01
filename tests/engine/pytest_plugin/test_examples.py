"""Examples that runs share: kept where a run was told to, and tried first by the next."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import Final

import pytest
from fakeredis import TcpFakeServer
from hypothesis.database import (
    DirectoryBasedExampleDatabase,
    MultiplexedDatabase,
    ReadOnlyDatabase,
)
from hypothesis.extra.redis import RedisExampleDatabase

from conformance.engine.pytest_plugin.examples import VARIABLE, ExamplesError, database

ROOT: Final = Path(__file__).parents[3]
# Fails for one number in fifty: 300 examples find one, and two hardly ever.
RARE: Final = """
from hypothesis import given, strategies as st

tried = []

@given(st.integers(0, 1000))
def test_rare(number):
    tried.append(number)
    assert number % 50 != 17, number

def test_says():
    print("tried", len(tried))
"""


@pytest.fixture
def redis() -> Iterator[str]:
    """Start a server that speaks Redis' protocol, and return its address."""
    with TcpFakeServer(("127.0.0.1", 0)) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"redis://127.0.0.1:{server.server_address[1]}/0"
        server.shutdown()
        thread.join()


def test_a_place_is_one_of_three(tmp_path: Path, redis: str) -> None:
    """A folder, a server of Redis, and the artifacts of a repository, which are only read."""
    of_folder = database("shared", tmp_path)
    of_github = database("github://owner/repository", tmp_path)

    assert isinstance(of_folder, DirectoryBasedExampleDatabase)
    assert (tmp_path / "shared").is_dir()
    assert isinstance(of_github, MultiplexedDatabase)
    assert isinstance(of_github._wrapped[1], ReadOnlyDatabase)
    assert isinstance(database(redis, tmp_path), RedisExampleDatabase)


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("redis://me:secret@127.0.0.1:1/0", "no Redis at 127.0.0.1:1: ConnectionError"),
        ("ftp://x", "ftp://: name a folder, redis://"),
        ("github://owner", "github://owner: name a folder"),
        ("file/below", "file/below: "),
    ],
)
def test_a_place_that_cannot_be_used_is_refused(tmp_path: Path, place: str, said: str) -> None:
    """It is refused in one message, which shows no password."""
    (tmp_path / "file").touch()

    with pytest.raises(ExamplesError, match=re.escape(said)) as refused:
        database(place, tmp_path)

    assert "secret" not in str(refused.value)


def run(folder: Path, place: str, *options: str) -> str:
    """Run a test that fails rarely, and return what it says."""
    (folder / "test_rare.py").write_text(RARE)
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-p", "conformance.plugin", "-n0", "-s", "-q"),
            *("-p", "no:cacheprovider", "test_rare.py", *options),
        ],
        cwd=folder,
        env={**os.environ, VARIABLE: place},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr


def test_what_failed_in_one_run_is_tried_first_in_another(tmp_path: Path, redis: str) -> None:
    """Another folder, another process and another seed: the example that failed comes first."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()

    found = run(tmp_path / "one", redis, "--hypothesis-profile", "thorough")
    again = [run(tmp_path / "two", redis, "--hypothesis-profile", "quick") for _ in range(3)]

    assert "1 failed" in found, found
    assert [True] * 3 == ["1 failed" in each for each in again], again
