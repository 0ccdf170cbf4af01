"""``python -m conformance soak`` as a process: its exit codes, and that nothing of it is left."""

import signal
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from conformance.engine.postgres import Request, Server, provision
from conformance.engine.postgres.scratch import LEFT_BEHIND, PREFIX
from tests.support.outputs import without_progress

COMMAND = (sys.executable, "-m", "conformance", "soak")
NOT_TO_KILL = (
    "soak: --kill is for a server that the soak starts itself: "
    "leave out --database-url and --postgres-image, and their variables\n"
)


def databases(server: Server) -> set[str]:
    """Return the suite's databases on a server."""
    with psycopg.connect(server.conninfo) as connection:
        return {name for (name,) in connection.execute(LEFT_BEHIND, {"prefix": PREFIX})}


@pytest.mark.parametrize("given", [("--database-url", "host=x"), ("--postgres-image", "postgres")])
def test_a_given_server_is_not_killed(given: tuple[str, str]) -> None:
    """With a server that is not the soak's own, --kill is refused before anything is started."""
    done = subprocess.run((*COMMAND, "--kill", *given), capture_output=True, text=True, check=False)

    assert (2, "", NOT_TO_KILL) == (done.returncode, done.stdout, done.stderr)


def test_a_history_that_cannot_be_written_is_said_at_once(tmp_path: Path) -> None:
    """A folder that is not there ends a soak before it begins."""
    place = tmp_path / "none" / "history.edn"

    asked = (*COMMAND, "--elle", str(place))
    done = subprocess.run(asked, capture_output=True, text=True, check=False)

    told = f"soak: --elle: cannot write {place}: No such file or directory\n"
    assert (2, "", told) == (done.returncode, done.stdout, done.stderr)


def test_a_soak_in_which_nothing_happened_is_unproven(tmp_path: Path) -> None:
    """A run that is too short to write every table fails, and says what it did not see."""
    history = tmp_path / "history.edn"
    short = ("--seconds", "0.001", "--clients", "1", "--seed", "7", "--elle", str(history))

    done = subprocess.run((*COMMAND, *short), capture_output=True, text=True, check=False)

    lines = done.stdout.splitlines()
    assert (1, "unproven") == (done.returncode, lines[-1]), done.stderr
    assert "1 clients for 0.001 s, --seed 7" in lines
    assert "unproven: no accepted write to webhooks" in lines
    assert any(line.startswith("dependencies of ") for line in lines)
    assert f"history for Elle: {history}" in lines
    assert all(line.startswith("{:index ") for line in history.read_text().splitlines())


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_soak_can_be_interrupted(number: int, code: int) -> None:
    """Ctrl-C, or a canceled job, ends the clients; no database stays on a given server."""
    # A server of this test's own: on the run's, other workers make databases meanwhile.
    with provision(Request.read({}, {})) as server:
        with subprocess.Popen(
            (*COMMAND, "--seconds", "600", "--database-url", server.conninfo),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdout is not None
            assert process.stdout.readline().startswith("server: PostgreSQL")
            assert process.stdout.readline().startswith("8 clients for 600 s")
            process.send_signal(number)
            _, error = process.communicate()

        told = "soak: interrupted: its server or database is gone with it\n"
        assert (code, told) == (process.returncode, without_progress(error))
        assert set() == databases(server)
