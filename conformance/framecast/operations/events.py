"""Operations of job events and usage: they are appended, cleaned up, and rolled up."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.engine.sql.conflict import Arbiter
from conformance.engine.sql.documents import Jsonb
from conformance.engine.sql.writes import Delete, Insert, RawSql, Update, statements
from conformance.framecast.model.entities import Event, Owner, Usage, uuid
from conformance.framecast.operations.choices import NOBODY, actor, among, row
from conformance.framecast.operations.operation import Act, Operation
from strategies.enums import JOB_EVENT_TYPE

if TYPE_CHECKING:
    from conformance.framecast.model import State

KEPT = 7  # days


def _append(state: State, job: int, number: int, kind: str = "progress") -> Act:
    """Append an event. The client gives it a number, and the database gives it another."""
    last = state.counters.get(job, 0) + 1
    event = Event(state.serial + 1, job, last, state.day, state.tick)
    columns = {
        "id": uuid(event.id),
        "job_id": uuid(job),
        "sequence": number,
        "event_type": kind,
    }
    after = replace(state.put(event), counters={**state.counters, job: last})
    return Act((Insert("job_events", (columns,)),), after)


def _rewrite(state: State, event: int) -> Act:
    change = Update("job_events", {"id": uuid(event)}, {"payload": Jsonb({"rewritten": True})})
    return Act((change,), state, frozenset({"IMM-1"}))


def _remove(state: State, event: int) -> Act:
    gone = state.job_events[event]
    return Act((Delete("job_events", {"id": uuid(event)}),), state.drop(gone))


def _clean_up(state: State, most: int) -> Act:
    old = sorted(
        (each for each in state.job_events.values() if state.day - each.created >= KEPT),
        key=lambda each: (each.tick, each.job, each.number),
    )
    return Act((RawSql(f"SELECT public.delete_old_job_events({most})"),), state.drop(*old[:most]))


def _roll_up(
    state: State, by: tuple[int, int | None, int | None], period: str, renders: int
) -> Act:
    """Add to the month's row, or make it."""
    owner = Owner(by[1], by[2])
    found = [u for u in state.usage.values() if (u.owner, u.period) == (owner, period)]
    row = found[0] if found else Usage(state.serial + 1, owner, period)
    columns = {
        "id": uuid(state.serial + 1),
        "owner": owner.urn,
        "period": period,
        "renders_count": renders,
        "credits_used": renders,
    }
    (insert,) = statements(Insert("usage", (columns,)))
    roll = RawSql(
        f"{insert.sql} ON CONFLICT (owner, period) DO UPDATE SET"
        " renders_count = usage.renders_count + excluded.renders_count,"
        " credits_used = usage.credits_used + excluded.credits_used",
        Arbiter("usage", ("owner", "period")),
    )
    added = replace(row, renders=row.renders + renders, used=row.used + renders)
    return Act((roll,), state.put(added))


def _open(state: State, by: tuple[int, int | None, int | None], period: str) -> Act:
    """Insert a month's row, whether or not there is one."""
    usage = Usage(state.serial + 1, Owner(by[1], by[2]), period)
    columns = {"id": uuid(usage.id), "owner": usage.owner.urn, "period": period}
    return Act((Insert("usage", (columns,)),), state.put(usage))


def _correct(state: State, usage: int, renders: int, used: int) -> Act:
    changes = {"renders_count": renders, "credits_used": used}
    return Act(
        (Update("usage", {"id": uuid(usage)}, changes),),
        state.put(replace(state.usage[usage], renders=renders, used=used)),
    )


APPEND = Operation(
    "append an event",
    {
        "job": lambda state: (*row("jobs")(state), *((NOBODY,) if state.jobs else ())),
        "number": among(0, 1, 99),
        "kind": among("progress", *JOB_EVENT_TYPE),
    },
    _append,
)
REWRITE = Operation("rewrite an event", {"event": row("job_events")}, _rewrite)
REMOVE = Operation("delete an event", {"event": row("job_events")}, _remove)
CLEAN_UP = Operation(
    "clean up events",
    {"most": among(10_000, 1, 0)},
    _clean_up,
    alone=True,
    says=("RET-1",),
)
ROLL_UP = Operation(
    "roll up usage",
    {"by": actor, "period": among("2026-01", "2026-02"), "renders": among(1, 0)},
    _roll_up,
)
OPEN = Operation(
    "open a month", {"by": actor, "period": among("2026-01", "2026-13", "26-01")}, _open
)
CORRECT = Operation(
    "correct usage",
    {"usage": row("usage"), "renders": among(0, 5, -1), "used": among(0, 5, -1)},
    _correct,
)

OPERATIONS = (APPEND, REWRITE, REMOVE, CLEAN_UP, ROLL_UP, OPEN, CORRECT)
