"""``python -m conformance gate`` as a process: interrupted, killed, and what it leaves behind."""

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from conformance.engine.migrate import runner
from conformance.engine.postgres import Request, provision
from conformance.engine.postgres.scratch import Database, Scratch, opened
from tests.support.migrating import COMMAND, PATIENCE
from tests.support.outputs import without_progress
from tests.support.waiting import until

MIGRATIONS = Path(__file__).parents[3] / "migrations"
DATABASES = "SELECT datname FROM pg_database WHERE starts_with(datname, 'framecast_conformance_')"
TOKEN = re.compile(r"framecast_conformance_([0-9a-f]{12})_")
PROCESSES = Path("/proc")


@pytest.fixture
def scratch() -> Iterator[Scratch]:
    """Start a server of the test's own: whoever else tests now has databases on the run's."""
    with provision(Request()) as server, opened(server) as scratch:
        yield scratch


@pytest.fixture
def target(scratch: Scratch, folder: Path) -> Iterator[Database]:
    """Lend a database that `migrate` has made."""
    (folder / "nothing.sql").write_text("-- nothing\n")
    with scratch.cloned(scratch.template(folder), "target") as database:
        runner.migrate(database.conninfo, MIGRATIONS, 5, lambda _line: None)
        yield database


@pytest.fixture
def gate(target: Database, scratch: Scratch, tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    """Start the gate, with nothing in its cache; it is killed at the end at the latest."""
    process = subprocess.Popen(
        [*COMMAND, "gate", target.conninfo, "--scratch-url", scratch.server.conninfo],
        env={**os.environ, "XDG_CACHE_HOME": str(tmp_path), "TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=MIGRATIONS.parent,
    )
    with process:
        yield process
        process.kill()


def runs(scratch: Scratch) -> set[str]:
    """Return the numbers of other runs that have databases on the server."""
    with psycopg.connect(scratch.server.conninfo) as connection:
        names = [name for (name,) in connection.execute(DATABASES)]
    return {found[1] for name in names if (found := TOKEN.match(name))} - {scratch.token}


def processes(folder: Path) -> list[str]:
    """Return the processes whose variables name a folder, on systems that tell."""
    found = []
    for each in PROCESSES.glob("[0-9]*"):
        try:
            variables = (each / "environ").read_bytes()
        except OSError:  # gone meanwhile, or somebody else's
            continue
        if os.fsencode(f"TMPDIR={folder}\0") in variables:
            found.append((each / "cmdline").read_text())
    return found


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupt_leaves_nothing(
    gate: "subprocess.Popen[str]", scratch: Scratch, tmp_path: Path, number: int, code: int
) -> None:
    """Ctrl-C, or a canceled job, in the middle of the suite: one line, no database, no process."""
    assert until(lambda: len(runs(scratch)) == 2)
    gate.send_signal(number)
    out, err = gate.communicate(timeout=PATIENCE)

    said = "gate: interrupted: the database was only read\n"
    assert (code, said) == (gate.returncode, without_progress(err)), out
    assert set() == runs(scratch)
    assert [] == processes(tmp_path)


def test_a_suite_outlives_no_gate(
    gate: "subprocess.Popen[str]", scratch: Scratch, tmp_path: Path
) -> None:
    """When the gate is killed, the suite that it runs ends and drops its databases."""
    assert until(lambda: len(runs(scratch)) == 2)
    gate.kill()
    gate.wait()

    assert until(lambda: len(runs(scratch)) == 1)  # the gate's own, which the next run drops
    assert until(lambda: not processes(tmp_path))
