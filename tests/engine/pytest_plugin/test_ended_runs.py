"""Reports of runs that ended before a rule could be judged."""

from __future__ import annotations

import json
from argparse import Namespace
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest

from conformance.engine.deployment.migration import MigrationError
from conformance.engine.postgres import Request
from conformance.engine.pytest_plugin import terminated
from conformance.engine.pytest_plugin.environment import Environment
from conformance.engine.pytest_plugin.keys import ENVIRONMENT, SEED
from conformance.engine.pytest_plugin.report import REPORT, Recorder

if TYPE_CHECKING:
    from pathlib import Path

ENDINGS = ("json", "xml", "html", "md", "sarif")
NO_LINE = b"\xf8"  # of an instruction, as code objects say it
SAID = 'syntax error at or near "CHEK"'


class Config:
    """As much of pytest's configuration as a recorder asks for."""

    def __init__(self, folder: Path) -> None:
        """Ask for every form of a report on the migrations of a folder."""
        self.stash = pytest.Stash()
        self.stash[ENVIRONMENT] = Environment(Request(), folder / "db")
        self.stash[SEED] = 1
        self.args: list[str] = []
        self.invocation_params = Namespace(dir=folder)
        self.pluginmanager = Namespace(get_plugin=lambda _name: None)
        self._options = {REPORT: [str(folder / f"report.{each}") for each in ENDINGS]}

    def getoption(self, name: str, default: object = None) -> object:
        """Return an option."""
        return self._options.get(name, default)

    def get_verbosity(self) -> int:
        """Say that nobody asked for more."""
        return 0


@pytest.fixture
def recorder(tmp_path: Path) -> Recorder:
    """Return the recorder of a run on migrations of which the second is wrong."""
    (tmp_path / "db").mkdir()
    for name in ("001.sql", "002.sql"):
        (tmp_path / "db" / name).write_text("SELECT 1;")
    config: Any = Config(tmp_path)
    return Recorder(config)


def test_an_interrupt_where_no_line_is_has_no_traceback() -> None:
    """Python has instructions of no line, as at a function's end; pytest shows the frames above."""
    code = compile("raise KeyboardInterrupt", "nowhere", "exec")
    ends: Any = Namespace(
        _ignore=lambda: None,
        _workers=[],
        _config=Namespace(pluginmanager=Namespace(get_plugin=lambda _: None)),
    )
    with pytest.raises(KeyboardInterrupt) as caught:
        exec(code.replace(co_linetable=NO_LINE * (len(code.co_code) // 2)))  # noqa: S102 - as said
    with pytest.raises(TypeError):
        caught.getrepr()

    terminated._Ends.pytest_keyboard_interrupt(ends, caught)

    assert "test_ended_runs.py" in str(caught.getrepr())


def refusal(folder: Path) -> pytest.UsageError:
    """Return how a run is told of a migration that cannot be installed."""
    error = pytest.UsageError(SAID)
    error.__cause__ = MigrationError.at(folder / "db" / "002.sql", 7, SAID)
    return error


@pytest.mark.parametrize("when", ["workers", "one process"])
def test_what_ends_a_run_is_in_every_form(recorder: Recorder, tmp_path: Path, when: str) -> None:
    """Where migrations cannot be installed, each report says so, at their line, as an error."""
    session: Any = Namespace(exitstatus=4)
    start, collection = recorder.pytest_sessionstart(session), recorder.pytest_collection()
    next(start)
    # Workers are told of the template while the session starts.
    ends: Any = start if when == "workers" else collection
    if ends is collection:
        start.close()
        next(collection)
    with pytest.raises(pytest.UsageError):
        ends.throw(refusal(tmp_path))
    if when == "one process":
        recorder.pytest_sessionfinish(session)
    recorder.pytest_unconfigure()

    seen = {each: (tmp_path / f"report.{each}").read_text() for each in ENDINGS}
    document = json.loads(seen["json"])
    error = {"said": SAID, "place": {"file": "db/002.sql", "line": 7}}
    assert ([error], 4, False) == tuple(
        document[name] for name in ("errors", "exit_status", "whole")
    )
    (suite,) = ET.fromstring(seen["xml"])  # noqa: S314 - it is our own
    (case,) = suite.iter("testcase")
    assert ("1", "db/002.sql", "7") == (suite.get("errors"), case.get("file"), case.get("line"))
    assert [SAID] == [each.get("message") for each in case.iter("error")]
    (run,) = json.loads(seen["sarif"])["runs"]
    (invocation,) = run["invocations"]
    assert not invocation["executionSuccessful"]
    for told in (*invocation["toolExecutionNotifications"], *run["results"]):
        assert SAID in told["message"]["text"]
        (place,) = told["locations"]
        assert "db/002.sql" == place["physicalLocation"]["artifactLocation"]["uri"]
        assert {"startLine": 7} == place["physicalLocation"]["region"]
    assert 1 == len(run["results"]) == len(invocation["toolExecutionNotifications"])
    assert "`db/002.sql:7`" in seen["md"]
    assert "an error ended the run" in seen["html"]
    assert "syntax error at or near &#34;CHEK&#34;" in seen["html"]


def test_an_interrupted_start_has_a_report(recorder: Recorder, tmp_path: Path) -> None:
    """A run that is ended while it waits for its server says so in the report."""
    session: Any = Namespace(exitstatus=2)
    start = recorder.pytest_sessionstart(session)
    next(start)
    start.close()
    recorder.pytest_keyboard_interrupt(pytest.ExceptionInfo.from_exc_info(_interrupted()))
    recorder.pytest_unconfigure()

    document = json.loads((tmp_path / "report.json").read_text())
    assert [{"said": "KeyboardInterrupt"}] == document["errors"]


def test_a_run_that_came_to_its_end_is_reported_once(recorder: Recorder, tmp_path: Path) -> None:
    """A finished report that was thrown away does not come back."""
    session: Any = Namespace(exitstatus=0)
    next(recorder.pytest_sessionstart(session))
    recorder.pytest_sessionfinish(session)
    document = json.loads((tmp_path / "report.json").read_text())
    assert "errors" not in document
    (tmp_path / "report.json").unlink()
    recorder.pytest_unconfigure()

    assert not (tmp_path / "report.json").exists()


def _interrupted() -> Any:
    error = KeyboardInterrupt()
    return type(error), error, error.__traceback__
