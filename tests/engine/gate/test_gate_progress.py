"""Progress of the gate and the audit while they work."""

from pathlib import Path

import pytest

from conformance.engine.audit.target import TargetError
from conformance.engine.deployment.migrations import load
from conformance.engine.gate import suite
from conformance.engine.gate.outcomes import EARLY
from conformance.engine.gate.result import Run
from conformance.engine.postgres import Request, Server
from tests.support.recording import run_in

COUNTED = """
import pytest

@pytest.mark.parametrize("number", range(7))
def test_nothing(number):
    pass
"""


@pytest.mark.parametrize("workers", [0, 2])
def test_a_run_of_the_suite_counts_its_tests(workers: int, tmp_path: Path) -> None:
    """The file says how many tests are done, of how many, with workers and without."""
    plugin = ("-p", "conformance.engine.gate.outcomes", "--gate-progress", "progress")
    run_in(tmp_path, COUNTED, *plugin, f"-n{workers}")

    assert "7 7 0.0" == (tmp_path / "progress").read_text()


def test_how_far_a_suite_has_come_is_told(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the suite runs, the gate says how many of its tests are done, of how many."""
    monkeypatch.setattr(suite, "SUITE", Path(suite.SUITE, "test_columns.py"))
    monkeypatch.setattr("conformance.engine.gate.child.BETWEEN", 0.05)
    (tmp_path / "001.sql").write_text("CREATE TABLE users (id uuid PRIMARY KEY)")
    said: list[tuple[str, float, float]] = []

    def say(what: str, done: float = 0, total: float = 0, _: float | None = None, /) -> None:
        said.append((what, done, total))

    how = Run(Request(database_url=server.conninfo), 0, "quick", 120, say)

    with pytest.raises(TargetError):  # the report is of a part, which decides nothing
        suite.run(load(tmp_path), how)

    assert {("tests", True)} == {(what, 0 < done <= total) for what, done, total in said}


@pytest.mark.parametrize("workers", [0, 1])
@pytest.mark.parametrize(
    ("error", "ends"), [('"it is broken"', True), ('"canceling: QueryCanceled"', False)]
)
def test_a_run_ends_with_the_file_that_has_found_something(
    error: str, workers: int, tmp_path: Path, *, ends: bool
) -> None:
    """The rest of that file is run, and no later one, unless what failed has met a timeout."""
    failing = COUNTED.replace("range(7)", "range(3)").replace("pass", f"assert number, {error}")
    (tmp_path / "test_b.py").write_text(failing)
    later = COUNTED.replace("    pass", "    threading.Event().wait(0.2)")
    (tmp_path / "test_c.py").write_text(f"import threading{later}")
    plugin = ("test_b.py", "test_c.py", "-p", "conformance.engine.gate.outcomes", EARLY)
    ended = run_in(tmp_path, COUNTED, *plugin, f"-n{workers}")

    counts = ended.report["counts"]
    assert (2 + 7 <= counts["passed"], counts["failed"]) == (True, 1)
    assert ends == (counts["passed"] < 2 + 7 + 7)
