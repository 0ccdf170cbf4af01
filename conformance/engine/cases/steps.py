"""Steps that show a failure, as data: transactions, and the outcome that each must have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from conformance.engine.sql.outcomes import Accepted, Outcome, Rejected
from conformance.engine.sql.writes import Statement

if TYPE_CHECKING:
    from collections.abc import Sequence

ACCEPTED = "accepted"
# Accepted without a broken rule, or refused by a name: all that may become of a raw write.
LEGAL = "lawful"

# 'accepted', 'lawful', or the ids of the rules one of which must refuse the transaction.
Expectation: TypeAlias = str | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """One transaction, and what must become of it."""

    sql: tuple[Statement, ...]
    expect: Expectation = ACCEPTED

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON has it; a COPY is an object with its lines."""
        return {
            "sql": [
                each.sql if each.data is None else {"copy": each.sql, "data": each.data}
                for each in self.sql
            ],
            "expect": self.expect if isinstance(self.expect, str) else list(self.expect),
        }


def from_json(document: Any) -> Step:
    """Return a step as JSON has it.

    Raises:
        KeyError, TypeError, ValueError: It is no step.
    """
    sql = tuple(
        Statement(each) if isinstance(each, str) else Statement(each["copy"], each["data"])
        for each in document["sql"]
    )
    expect = document["expect"]
    if isinstance(expect, list) and expect and all(isinstance(each, str) for each in expect):
        return Step(sql, tuple(expect))
    if expect not in (ACCEPTED, LEGAL):
        message = f"expect is {expect!r}, not 'accepted', 'lawful' or a list of rules"
        raise ValueError(message)
    return Step(sql, expect)


def of_history(
    history: Sequence[tuple[tuple[Statement, ...], Outcome]], last: Expectation
) -> tuple[Step, ...]:
    """Return the steps of transactions that were run, the last of which failed to do as expected.

    What was rejected on the way left nothing behind, and is left out. If the last one was rejected
    as it should be, what it left out is in the one before.
    """
    done = [body for body, outcome in history if isinstance(outcome, Accepted)]
    if history and not isinstance(history[-1][1], Accepted) and last != LEGAL:
        done.append(history[-1][0])
    if not done:
        return ()
    return (*(Step(body) for body in done[:-1]), Step(done[-1], last))


def is_met(expect: Expectation, outcome: Outcome, tokens: frozenset[str]) -> bool:
    """Return whether a transaction came to what was expected of it.

    `tokens` begin the names of the rules that are expected to refuse it. Of a legal one this says
    nothing but that it has an answer: rules and names are judged apart.
    """
    if expect == ACCEPTED:
        return isinstance(outcome, Accepted)
    if expect == LEGAL:
        return isinstance(outcome, Accepted | Rejected)
    return isinstance(outcome, Rejected) and outcome.token in tokens
