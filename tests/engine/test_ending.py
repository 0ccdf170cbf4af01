"""Signals that end a command: its exit code says which it was."""

import argparse
import os
import signal
from typing import Any, NoReturn

import psycopg
import pytest

from conformance.commands import main
from conformance.engine.findings import command as findings


def ended_in_cleaning_up(options: argparse.Namespace) -> NoReturn:
    """End by a signal; what cleans up finds that its server ended by it, too."""
    try:
        try:
            os.kill(os.getpid(), options.number)
            signal.pause()
        finally:
            ends = "the connection is lost"
            raise psycopg.OperationalError(ends)
    finally:
        ends = "so is another"
        raise psycopg.OperationalError(ends)


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_an_error_of_cleaning_up_hides_no_signal(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    number: int,
    code: int,
) -> None:
    """A command that a signal ended ends with that signal's code, whatever came after it."""

    def add(commands: Any) -> None:
        adder = commands.add_parser("findings")
        adder.set_defaults(run=ended_in_cleaning_up, number=number, undone="all is gone")

    monkeypatch.setattr(findings, "add", add)

    assert code == main(["findings"])
    assert "findings: interrupted: all is gone\n" == capsys.readouterr().err
