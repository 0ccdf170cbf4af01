"""A run of ``python -m conformance gate`` or ``audit`` in the test's own process."""

import io
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

from conformance.commands import main
from conformance.engine.postgres import Server
from tests.support.migrating import Outcome

CLEAN = "ALTER TABLE public.users ADD COLUMN motto text;\n"  # whole rows of users are read
# Gives up one rule with a reason, and another without a word.
WEAKER = """\
-- waives INV-U5: users may borrow
-- squawk-ignore-file ban-drop-constraint
ALTER TABLE public.users DROP CONSTRAINT inv_u5__users_credits_not_negative;
ALTER TABLE public.teams DROP CONSTRAINT inv_t6__teams_credits_not_negative;
"""


def run(url: str, schema: Path, server: Server, *arguments: str, command: str = "gate") -> Outcome:
    """Run the command in this process, with the server under test as its scratch server."""
    out, err = io.StringIO(), io.StringIO()
    scratch = ("--scratch-url", server.conninfo)
    with redirect_stdout(out), redirect_stderr(err):
        code = main([command, url, "--migrations", str(schema), *scratch, *arguments])
    return Outcome(code, out.getvalue(), err.getvalue())


def outcomes(out: str) -> dict[int, str]:
    """Return how each section ended."""
    heads = [line for line in out.splitlines() if line[:1].isdigit()]
    return {int(line[0]): line[16:27].strip() for line in heads}
