"""Operations on credits: they are granted and spent; jobs charge and refund them.

Who pays is what the owner URN names: the user, or the team in both of its forms.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.engine.sql.writes import Sql, Update, Write
from conformance.framecast.model.entities import Owner, uuid
from conformance.framecast.operations.choices import among, row
from conformance.framecast.operations.operation import Act, Operation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.framecast.model import State

Paid = tuple["State", tuple[Write, ...]]


def pay(state: State, owner: Owner, amount: int) -> Paid:
    """Give credits to who pays for an owner, or take them where the amount is negative."""
    if not amount:
        return state, ()
    table, key = ("users", owner.user) if owner.team is None else ("teams", owner.team)
    change = Update(table, {"id": uuid(key or 0)}, {"credits": Sql(f"credits + {amount}")})
    payer = getattr(state, table).get(key)
    if payer is not None:
        state = state.put(replace(payer, credits=payer.credits + amount))
    return state, (change,)


def _grant(state: State, payer: tuple[str, int], amount: int) -> Act:
    table, key = payer
    owner = Owner(user=key) if table == "users" else Owner(team=key)
    after, writes = pay(state, owner, amount)
    return Act(writes, after)


def _spend(state: State, payer: tuple[str, int], short: int) -> Act:
    """Take all that there is, or more than that by `short`, or less where it is negative."""
    table, key = payer
    there = getattr(state, table)[key].credits
    return _grant(state, payer, -max(there + short, 1))


def payers(state: State) -> Sequence[tuple[str, int]]:
    """Choose who has credits."""
    return (
        *(("teams", key) for key in reversed(state.teams)),
        *(("users", key) for key in reversed(state.users)),
    )


def _refund(state: State, job: int, part: str) -> Act:
    """Refund a part of what was charged and not refunded yet, to who paid."""
    before = state.jobs[job]
    left = before.charged - before.refunded
    amount = {"all": left, "a part": max(left // 2, 1), "too much": left + 1, "less": -1}[part]
    after, writes = pay(state, before.owner, amount)
    refunded = before.refunded + amount
    change = Update("jobs", {"id": uuid(job)}, {"credits_refunded": refunded})
    shrinks = amount < 0 and not before.active
    return Act(
        (change, *writes),
        after.put(replace(before, refunded=refunded)),
        frozenset({"STATE-JOB"}) if shrinks else frozenset(),
    )


def _charge(state: State, job: int, amount: int) -> Act:
    """Charge a job more, or less."""
    before = state.jobs[job]
    after, writes = pay(state, before.owner, -amount)
    charged = before.charged + amount
    return Act(
        (Update("jobs", {"id": uuid(job)}, {"credits_charged": charged}), *writes),
        after.put(replace(before, charged=charged)),
        frozenset() if before.active else frozenset({"STATE-JOB"}),
    )


GRANT = Operation("grant credits", {"payer": payers, "amount": among(10, 1)}, _grant)
SPEND = Operation("spend credits", {"payer": payers, "short": among(0, 1, -1)}, _spend)
REFUND = Operation(
    "refund a job",
    {"job": row("jobs"), "part": among("all", "a part", "a part", "too much", "less")},
    _refund,
)
CHARGE = Operation("charge a job", {"job": row("jobs"), "amount": among(1, 4, -1)}, _charge)

OPERATIONS = (GRANT, SPEND, REFUND, CHARGE)
