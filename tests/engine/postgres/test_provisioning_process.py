"""Servers of our own: as whom they run, how they end, and that nothing of them is left."""

import ctypes
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import psycopg
import pytest

from conformance.engine.postgres import Request, binaries, folders, identity, provision, wheels
from tests.support.asking import ask, complaint
from tests.support.waiting import until

IPC_STAT = 2


@pytest.fixture(scope="session")
def fetched() -> Path:
    """Return a bin directory that lies in the cache."""
    return wheels.fetch(16)


def possible_identities() -> list[str]:
    """Return as whom a server should run here, judged by other programs than our own."""
    if os.geteuid():
        return ["self"]
    unshare = shutil.which("unshare")
    spaces = unshare and not subprocess.run([unshare, "--user", "true"], check=False).returncode
    return [*(["namespace"] if spaces else []), "user", "unreachable"]


@pytest.mark.parametrize("wanted", possible_identities())
def test_root_is_no_obstacle(
    wanted: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, fetched: Path
) -> None:
    """Root starts a server by a namespace or as another user, wherever the programs are."""
    bin_dir = fetched
    if wanted in ("user", "unreachable"):
        monkeypatch.setattr(identity, "_candidates", identity._users)
    if wanted == "user":
        found = binaries.embedded()
        assert found is not None
        bin_dir = found
    if wanted == "unreachable":
        tmp_path.chmod(0o700)
        shutil.copytree(bin_dir.parent, tmp_path / "postgres", symlinks=True)
        bin_dir = tmp_path / "postgres" / "bin"
    with provision(Request(bin_dir=bin_dir)) as server:
        assert server.cluster is not None
        owners = {path.stat().st_uid for path in (server.cluster.folder / "data").rglob("*")}
        assert (wanted in ("user", "unreachable")) == (0 not in owners and os.geteuid() == 0)
        made = [*server.cluster._folders]
    assert [] == [folder for folder in made if folder.exists()]


def test_programs_are_copied_to_where_others_can_enter(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A temporary directory that is closed to others is passed over for the next that is not."""
    closed, within = tmp_path / "closed", tmp_path / "closed" / "open"
    within.mkdir(parents=True)
    closed.chmod(0o700)

    monkeypatch.setattr(folders, "executable_base", lambda: within)
    assert folders.open_base() not in (closed, within)
    monkeypatch.setattr(folders, "executable_base", lambda: Path("/"))
    assert folders.open_base() == Path("/")


@pytest.mark.parametrize("wanted", possible_identities())
def test_the_first_server_on_a_machine_starts(
    wanted: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Where nothing is cached, as in a container, whoever runs the server makes its data."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    if wanted in ("user", "unreachable"):
        monkeypatch.setattr(identity, "_candidates", identity._users)
    if wanted == "unreachable":
        found = binaries.embedded()
        assert found is not None
        closed = tmp_path / "closed"
        closed.mkdir(mode=0o700)
        copied = binaries.copy(found, closed)
        monkeypatch.setattr(binaries, "embedded", lambda: copied)

    with provision(Request()) as server:
        assert server.cluster is not None
        assert list(folders.cache().glob("data-*/PG_VERSION"))


HOLD = """
import sys
from conformance.engine.postgres import Request, provision
with provision(Request()) as server:
    cluster = server.cluster
    print(cluster.folder, cluster._keeper.pid, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder() -> Iterator[tuple["subprocess.Popen[str]", Path, int]]:
    """Start a process that has a server; tell its folder and its keeper."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        folder, keeper = process.stdout.readline().split()
        yield process, Path(folder), int(keeper)
        process.kill()


def is_free(lock: IO[str]) -> bool:
    """Return whether all processes that inherited the lock of a folder have ended."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    fcntl.flock(lock, fcntl.LOCK_UN)
    return True


def exists(segment: int) -> bool:
    """Return whether there is a segment of shared memory with this number."""
    about = ctypes.create_string_buffer(512)
    return bool(ctypes.CDLL(None).shmctl(segment, IPC_STAT, about) == 0)


def test_a_killed_run_leaves_nothing(holder: tuple["subprocess.Popen[str]", Path, int]) -> None:
    """When the run dies by SIGKILL, its server, keeper and folder are gone soon after."""
    process, folder, _ = holder
    with (folder / "lock").open() as lock:
        assert not is_free(lock)

        process.kill()

        assert until(lambda: not folder.exists())
        assert until(lambda: is_free(lock))


def test_the_server_does_not_survive_its_keeper(
    holder: tuple["subprocess.Popen[str]", Path, int],
) -> None:
    """When only the keeper dies by SIGKILL, the server ends, and the run removes the folder."""
    process, folder, keeper = holder
    with (folder / "lock").open() as lock:
        os.kill(keeper, signal.SIGKILL)

        assert until(lambda: is_free(lock))
    process.communicate()
    assert not folder.exists()


def test_what_nobody_could_remove_is_removed_by_the_next_run(
    holder: tuple["subprocess.Popen[str]", Path, int],
) -> None:
    """When run and keeper are both killed, the next run removes the folder; never one in use."""
    process, folder, keeper = holder
    long_ago = time.time() - 2 * folders.SETTLED
    os.utime(folder, (long_ago, long_ago))
    folders.sweep(folder.parent)
    assert folder.exists()

    os.kill(process.pid, signal.SIGSTOP)  # stopped, so that it cannot notice the end of its keeper
    os.kill(keeper, signal.SIGKILL)
    process.kill()
    with (folder / "lock").open() as lock:
        assert until(lambda: is_free(lock))
    os.utime(folder, (long_ago, long_ago))

    def swept() -> bool:
        folders.sweep(folder.parent)
        return not folder.exists()

    assert until(swept)


def test_a_crashed_server_starts_again() -> None:
    """A server that was killed starts again with what had been committed."""
    durable = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
    with provision(Request(), durable) as server:
        assert server.cluster is not None
        with psycopg.connect(server.conninfo) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")

        server.cluster.kill()
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(server.conninfo)
        server.cluster.start()

        assert 42 == ask(server, "SELECT answer FROM kept")


def test_a_crashed_server_leaves_no_shared_memory() -> None:
    """The shared memory of a server that was killed and not started again is freed."""
    with provision(Request()) as server:
        assert server.cluster is not None
        lock_file = server.cluster.folder / "data" / "postmaster.pid"
        segment = int(lock_file.read_text().splitlines()[6].split()[1])
        server.cluster.kill()
        assert exists(segment)

    assert not exists(segment)


def test_a_server_that_cannot_start_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message ends with the server's log, and the folder is gone."""
    made: list[Path] = []

    def make(parent: Path) -> tuple[Path, int]:
        folder, lock = original(parent)
        made.append(folder)
        return folder, lock

    original = folders.make
    monkeypatch.setattr(folders, "make", make)

    message = complaint(Request(), {"shared_buffers": "plenty"})

    assert 'invalid value for parameter "shared_buffers": "plenty"' in message
    assert [False] == [folder.exists() for folder in made]
