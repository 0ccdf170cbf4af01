"""A project with migrations of its own, to run ``python -m conformance migrate`` in."""

import io
import re
import subprocess
import sys
import time
from contextlib import ExitStack, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from conformance.commands import main

COMMAND = (sys.executable, "-m", "conformance")
PATIENCE = 60.0  # seconds, after which a test has failed
TABLES = """
    SELECT relname FROM pg_class
     WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
     ORDER BY relname
"""


@dataclass(frozen=True)
class Outcome:
    """End of a run, with times and folders left out of its output."""

    code: int
    out: str = ""
    err: str = ""


@dataclass
class Project:
    """A folder of migrations, in the current folder, and a database that they are for."""

    folder: Path
    url: str
    processes: ExitStack

    def write(self, **files: str) -> None:
        """Write files of SQL by their names, such as ``a`` for ``a.sql``."""
        for name, sql in files.items():
            (self.folder / f"{name}.sql").write_text(sql)

    def migrate(self, *arguments: str) -> Outcome:
        """Run the command inside this process, which is faster, and return how it ended."""
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            code = main(["migrate", *arguments])
        return outcome(code, out.getvalue(), err.getvalue())

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        """Start a process and return at once; it is killed at the end of the test at the latest."""
        command = (*COMMAND, "migrate", *arguments)
        pipe = subprocess.PIPE
        process = subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True)
        self.processes.enter_context(process)
        self.processes.callback(process.kill)
        return process

    def end(self, process: "subprocess.Popen[str]") -> Outcome:
        """Wait for a process, and return how it ended."""
        out, err = process.communicate(timeout=60)
        return outcome(process.returncode, out, err)

    def query(self, query: str) -> list[Any]:
        """Return the first column of a query's rows."""
        with psycopg.connect(self.url) as conn:
            return [row[0] for row in conn.execute(query)]


def outcome(code: int, out: str, err: str) -> Outcome:
    """Make an outcome of what was printed, without times."""
    return Outcome(code, re.sub(r" \(\d+\.\d\d s\)", "", out), err)


def await_count(conn: psycopg.Connection[Any], query: str, count: int) -> None:
    """Ask until a query counts as many as are awaited."""
    deadline = time.monotonic() + PATIENCE
    while (found := conn.execute(query).fetchone()) != (count,):
        assert time.monotonic() < deadline, f"{query}: {found}, not {count}"
