"""Pasts: the accepted transactions that led to a state, and how a database comes there again.

They are carried out again as they were, without anybody who judges: that has been done. The setup
at the beginning, which is most of the rows, is copied. Copies of the states themselves cost more
than they save: see the decisions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from conformance.engine.sql.outcomes import Accepted
from conformance.framecast.operations.clock import AGING
from conformance.framecast.operations.setups import BEGIN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.engine.database.sandbox import Sandbox
    from conformance.engine.sql.outcomes import Outcome
    from conformance.engine.sql.writes import Statement
    from conformance.framecast.model import State
    from conformance.framecast.operations import Step


class Passed(NamedTuple):
    """A transaction that was accepted.

    Attributes:
        before: the state in which it was begun.
        steps: what it did.
        script: what a finding's script says of it.
        body: its statements.
    """

    before: State
    steps: Sequence[Step]
    script: tuple[str, ...]
    body: tuple[Statement, ...]


def is_no_clients(steps: Sequence[Step]) -> bool:
    """Return whether a transaction is no client's: time passes without anybody's rights."""
    return any(each.operation in AGING for each in steps)


def copy_of(like: str) -> str:
    """Return the name under which a sandbox keeps the rows of a setup."""
    return "run_" + like.replace(" ", "_")


def bring_about(sandbox: Sandbox, past: Sequence[Passed]) -> Outcome:
    """Bring a database to where a past leads, and make that its history.

    Returns:
        Accepted; or what became of a transaction that was accepted when it was done first.
    """
    copied = _copied(sandbox, past)
    if copied:
        sandbox.bring_back(copied)
    else:
        sandbox.reset()
    for each in past[bool(copied) :]:
        start = sandbox.let_time_pass if is_no_clients(each.steps) else sandbox.session.start
        outcome, _ = start(each.body).end()
        if not isinstance(outcome, Accepted):
            return outcome
    sandbox.session.history[:] = [(each.body, Accepted()) for each in past]
    return Accepted()


def _copied(sandbox: Sandbox, past: Sequence[Passed]) -> str:
    """Return the copy of what a past begins with, or ''."""
    first = past[0].steps[0] if past else None
    if first is None or first.operation is not BEGIN:
        return ""
    copy = copy_of(first.arguments["like"])
    return copy if sandbox.has_kept(copy) else ""
