"""Near misses of what is cleaned up: RET-1."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Final, TypeAlias

from hypothesis import strategies as st

from conformance.engine.cases.scenario import ConcurrentCheck, Fact, Scenario, Transaction, Ways
from conformance.engine.sql.documents import Jsonb
from conformance.engine.sql.writes import Delete, Insert, Path, RawSql, Row, Sql, Update
from strategies.enums import JOB_EVENT_TYPE, WEBHOOK_DELIVERY_STATUS, WEBHOOK_EVENT_TYPE
from strategies.instants import FUTURE_START, PAST_END
from strategies.near_misses.events import an_event, two_jobs
from strategies.near_misses.ways import Draw, Scenarios, scenarios
from strategies.world import World

# What another session does to an old row of a table, so that it holds the row.
Hold: TypeAlias = Callable[[str, Row], Transaction]


def ages(table: str, rows: list[Row]) -> Fact:
    """Return the fact that these rows are left."""
    ids = " ".join(sorted(str(row["id"]) for row in rows))
    query = f"SELECT coalesce(string_agg(id::text, ' ' ORDER BY id), '') FROM public.{table}"
    return Fact(query, ids, side=False)


def at_most_ten_thousand(table: str, *more: int) -> tuple[Fact, ...]:
    """Return what the clean-up of a table does in turn, where 10,001 rows and some are too old.

    Args:
        table: what is cleaned up.
        more: how many it is told to delete before, and deletes.
    """
    call = f"SELECT public.delete_old_{table}"
    return (
        *(Fact(f"{call}({n})", 0, side=False) for n in (0, -1)),
        *(Fact(f"{call}({n})", n) for n in more),
        Fact(f"{call}()", 10_000),
        Fact(f"{call}(NULL)", 1),
        Fact(f"{call}()", 0, side=False),
    )


def _aged(row: Row, days: int, minutes: float) -> Row:
    # In minutes: a day has as many hours as the caller's time zone says.
    beyond = f"{days * 24 * 60 + minutes:.8f} minutes"
    return {**row, "created_at": Sql(f"now() - interval '{beyond}'")}


def back(ago: timedelta) -> str:
    """Return a time zone whose clocks went back by 15 hours so long ago."""
    end = datetime.now(UTC) - ago
    begin = (end - timedelta(days=60)).strftime("%m-%d")
    days = [
        datetime.strptime(f"2001-{each}", "%Y-%m-%d").replace(tzinfo=UTC)
        for each in (begin, end.strftime("%m-%d"))
    ]
    first, last = (each.timetuple().tm_yday for each in days)
    return f"<AAA>0<BBB>-15,J{first}/0,J{last}/{end.hour + 15}:{end.minute:02}"


@scenarios
def cleaned_up(world: World, draw: Draw) -> Scenario:
    """Delete what is older than it is kept, at most as many as told, the oldest first.

    What is a minute younger stays. The number of rows deleted is what the function returns.
    """
    table, function, days = draw(
        st.sampled_from(
            (
                ("job_events", "delete_old_job_events", 7),
                ("webhook_deliveries", "delete_old_webhook_deliveries", 30),
            )
        )
    )
    if table == "job_events":
        parents = two_jobs(world)
        rows: list[Row] = [an_event(world, parents[n % 2]) for n in range(6)]
    else:
        team, owner = world.team()
        webhook = world.insert("webhooks", world.a_webhook(team, owner))
        rows = [world.a_delivery(webhook) for _ in range(6)]
    # Minutes beyond what is kept; the order in which they are inserted says nothing.
    minutes = draw(st.permutations((-1440, -1, 1, 60, 1440, 525_600)))
    for row, beyond in zip(rows, minutes, strict=True):
        world.insert(table, _aged(row, days, beyond))
    told = draw(st.sampled_from((None, 0, 1, 3, 4, 5)))
    oldest = sorted(range(6), key=lambda n: -minutes[n])[:4]
    gone = oldest if told is None else oldest[:told]
    left = [row for n, row in enumerate(rows) if n not in gone]
    last = [row for n, row in enumerate(rows) if n not in oldest]
    call = f"SELECT public.{function}({'' if told is None else told})"
    return Scenario(
        given=(tuple(world.given),),
        facts=(
            Fact(call, len(gone)),
            ages(table, left),
            Fact(f"SELECT public.{function}()", 4 - len(gone)),
            ages(table, last),
            Fact(f"SELECT public.{function}()", 0, side=False),
        ),
    )


@scenarios
def to_the_moment(world: World, draw: Draw) -> Scenario:
    """Keep what is as old as it may be, to the microsecond: time stands still in a transaction.

    Or does not, for who asks the clock: then what is a microsecond younger goes as well. What is
    half a minute younger stays; what is a microsecond older goes, and so does what is three hours
    older, where the caller's clocks went back by more than that two hours before the oldest that is
    kept, and in another transaction two hours after it.
    """
    job, _ = two_jobs(world)
    webhook = world.insert("webhooks", world.a_webhook(*world.team()))
    legal, facts = [], []
    for table, days in (("job_events", 7), ("webhook_deliveries", 30)):
        left: list[Row] = []
        for hours in draw(st.permutations((2, -2))):
            rows = [
                _aged(
                    an_event(world, job) if table == "job_events" else world.a_delivery(webhook),
                    days,
                    beyond,
                )
                for beyond in (-0.5, -1 / 60_000_000, 0, 1 / 60_000_000, 180)
            ]
            zone = back(timedelta(days=days, hours=hours))
            legal.append(
                (
                    RawSql(f"SET LOCAL TimeZone = '{zone}'"),
                    Insert(table, tuple(rows)),
                    RawSql(f"SELECT public.delete_old_{table}()"),
                )
            )
            # By the next clean-up, no more than what was half a minute younger is too young.
            fact = _either(ages(table, [*left, *rows[:3]]), ages(table, [*left, *rows[:1]]))
            left.append(rows[0])
        facts.append(fact)
    return Scenario(given=(tuple(world.given),), legal=tuple(legal), facts=tuple(facts))


def _either(one: Fact, other: Fact) -> Fact:
    """Return that one of two facts is true, which ask the same."""
    head, _, source = one.query.partition(" FROM ")
    return Fact(
        f"{head} IN ('{one.expected}', '{other.expected}') FROM {source}",
        expected=True,
        side=False,
    )


def passing_over(hold: Hold, others: tuple[Hold, ...] = ()) -> Scenarios:
    """Clean up while another session holds some of the old rows: they stay, and the others go.

    It also adds a row beside each of them. Nobody waits; what was told is how many others are
    deleted. Afterwards the rest goes. Before that, `others` hold at most the oldest row in turn,
    and one row goes beside each of them.
    """

    @scenarios
    def built(world: World, draw: Draw) -> Scenario:
        jobs = two_jobs(world)
        webhook = world.insert("webhooks", world.a_webhook(*world.team()))
        beside = []
        for table, days in (("job_events", 7), ("webhook_deliveries", 30)):
            # The oldest came last, with the highest id.
            rows = [
                an_event(world, draw(st.sampled_from(jobs)))
                if table == "job_events"
                else world.a_delivery(webhook)
                for _ in range(4 + len(others))
            ][::-1]
            for n, row in reversed([*enumerate(rows)]):
                world.insert(table, _aged(row, days, 60 - n))
            if others:  # who finds all of them taken has nothing to do, and does not wait either
                call = f"SELECT public.delete_old_{table}()"
                nothing = Fact(call, 0, side=False)
                beside.append(ConcurrentCheck((RawSql(call),), (nothing,)))
            for other in others:
                gone = rows.pop(1)["id"]  # the oldest one that nobody may hold
                beside.append(
                    ConcurrentCheck(
                        other(table, rows[0]),
                        (
                            Fact(f"SELECT public.delete_old_{table}(0)", 0, side=False),
                            Fact(f"SELECT public.delete_old_{table}(1)", 1),
                            Fact(f"SELECT count(*) FROM public.{table} WHERE id = '{gone}'", 0),
                        ),
                    )
                )
            held = draw(st.integers(0, 3))
            free = [row for n, row in enumerate(rows) if n != held]
            added = [each for row in rows for each in _inserting(table, row)]
            call = f"SELECT public.delete_old_{table}"
            beside.append(
                ConcurrentCheck(
                    (*hold(table, rows[held]), *added),
                    (
                        Fact(f"{call}(0)", 0, side=False),
                        Fact(f"{call}(-1)", 0, side=False),
                        Fact(f"{call}(2)", 2),
                        ages(table, [row for row in rows if row not in free[:2]]),
                        Fact(f"{call}()", 1),
                        Fact(f"{call}()", 0, side=False),
                        ages(table, [rows[held]]),
                    ),
                )
            )
        tables = ("job_events", "webhook_deliveries")
        return Scenario(
            given=(tuple(world.given),),
            beside=tuple(beside),
            facts=tuple(Fact(f"SELECT public.delete_old_{table}()", 1) for table in tables),
        )

    return built


def deleting(table: str, row: Row) -> Transaction:
    """Delete it."""
    return (Delete(table, {"id": row["id"]}),)


def updating(table: str, row: Row) -> Transaction:
    """Update it: an event, which never changes, to what it is."""
    changes: Row = {"event_type": row["event_type"]} if table == "job_events" else {"attempts": 1}
    return (Update(table, {"id": row["id"]}, changes, row),)


def locking(table: str, row: Row) -> Transaction:
    """Lock it, and what it belongs to."""
    parent, column = {
        "job_events": ("jobs", "job_id"),
        "webhook_deliveries": ("webhooks", "webhook_id"),
    }[table]
    return (
        RawSql(f"SELECT FROM public.{parent} WHERE id = '{row[column]}' FOR UPDATE"),
        RawSql(f"SELECT FROM public.{table} WHERE id = '{row['id']}' FOR UPDATE"),
    )


def cleaning(table: str, _row: Row) -> Transaction:
    """Clean up: two who do it at once take different rows."""
    return (RawSql(f"SELECT public.delete_old_{table}(1)"),)


def beside_old(act: Callable[[str, Row], Transaction]) -> Hold:
    """Hold the oldest row, and do something else that no clean-up has to wait for."""
    return lambda table, row: (*locking(table, row), *act(table, row))


def _inserting(table: str, row: Row) -> Transaction:
    fresh = {name: each for name, each in row.items() if name not in ("id", "created_at")}
    return (Insert(table, (fresh,)),)


def _reading(table: str, _row: Row) -> Transaction:
    return (RawSql(f"SELECT count(*) FROM public.{table}"),)


def _tending(table: str, _row: Row) -> Transaction:
    """Hold what VACUUM, ANALYZE and CREATE INDEX CONCURRENTLY hold of a table."""
    return (RawSql(f"LOCK TABLE public.{table} IN SHARE UPDATE EXCLUSIVE MODE"),)


OTHERS: Final = (cleaning, *map(beside_old, (_inserting, _reading, _tending)))


@scenarios
def of_every_kind(world: World, draw: Draw) -> Scenario:
    """Clean up old rows of every kind, which is all that is asked of a row: its age."""
    job, _ = two_jobs(world)
    webhook = world.insert("webhooks", world.a_webhook(*world.team()))
    for kind in draw(st.permutations(JOB_EVENT_TYPE)):
        few = Jsonb({}), Jsonb({"keep": True}), Jsonb({"type": kind})
        payload = draw(st.sampled_from((*few, Jsonb({"log": MUCH}))))
        row = an_event(world, job, event_type=kind, payload=payload)
        world.insert("job_events", _aged(row, 7, 1))
    for status in draw(st.permutations(WEBHOOK_DELIVERY_STATUS)):
        for further in ({}, GIVEN_UP):
            row = world.a_delivery(webhook, **{**draw(DELIVERED[status]), **further})
            row = {**row, "job_id": draw(st.sampled_from((None, job["id"])))}
            world.insert("webhook_deliveries", _aged({**row, "status": "pending"}, 30, 1))
            if status != "pending":
                change = {"status": status}
                world.given.append(Update("webhook_deliveries", {"id": row["id"]}, change, row))
    count = {
        "job_events": len(JOB_EVENT_TYPE),
        "webhook_deliveries": 2 * len(WEBHOOK_DELIVERY_STATUS),
    }
    return Scenario(
        given=(tuple(world.given),),
        facts=tuple(
            fact
            for table, number in count.items()
            for fact in (
                Fact(f"SELECT public.delete_old_{table}()", number),
                ages(table, []),
                Fact(f"SELECT public.delete_old_{table}()", 0, side=False),
            )
        ),
    )


# A text that no server makes much smaller, and lays elsewhere than in its row.
MUCH: Final = "".join(sha256(bytes([n])).hexdigest() for n in range(150))
# A delivery that was tried as often as it may be, in vain.
GIVEN_UP: Final[Row] = {"attempts": 5, "response_status": 500, "response_body": "error"}
# What else a delivery of each status may hold; it came as a pending one.
_TRIED: Final = {
    "event_type": st.sampled_from((*WEBHOOK_EVENT_TYPE, "test", "")),
    "attempts": st.sampled_from((0, 1, 5)),
    "response_status": st.sampled_from((None, 200, 500)),
    "response_body": st.sampled_from((None, "", "error", MUCH)),
}
DELIVERED: Final = {
    "pending": st.fixed_dictionaries(_TRIED),
    "retrying": st.fixed_dictionaries(
        {**_TRIED, "next_retry_at": st.sampled_from((None, FUTURE_START))}
    ),
    "delivered": st.fixed_dictionaries({**_TRIED, "delivered_at": st.just(PAST_END)}),
    "failed": st.fixed_dictionaries(_TRIED),
}


@scenarios
def hundreds(world: World, _draw: Draw) -> Scenario:
    """Delete as many rows as are told, which are more than a hundred; then the rest.

    Ten thousand take violation queries too long: they are facts of their tables,
    `strategies.harmless`.
    """
    job, _ = two_jobs(world)
    webhook = world.insert("webhooks", world.a_webhook(*world.team()))
    many = f"now() - n * interval '1 hour' FROM generate_series({30 * 24 + 1}, {30 * 24 + 150})"
    world.given += [
        RawSql(
            "INSERT INTO public.webhook_deliveries (webhook_id, event_type, payload, created_at)"
            f" SELECT '{webhook['id']}', 'job.completed', '{{}}', {many} AS n"
        ),
        RawSql(
            "INSERT INTO public.job_events (job_id, event_type, created_at)"
            f" SELECT '{job['id']}', 'progress', {many} AS n"
        ),
    ]
    return Scenario(
        given=(tuple(world.given),),
        facts=tuple(
            fact
            for table in ("job_events", "webhook_deliveries")
            for fact in (
                Fact(f"SELECT public.delete_old_{table}(137)", 137),
                Fact(f"SELECT public.delete_old_{table}(NULL)", 13),
                Fact(f"SELECT public.delete_old_{table}(137)", 0, side=False),
            )
        ),
    )


KEPT: Final = "rows that come or change are not deleted by it, whatever carried the write"

WAYS: dict[str, Ways] = {
    "RET-1": {
        **dict.fromkeys(Path, KEPT),
        Path.INSERT: of_every_kind,
        Path.INSERT_MANY: hundreds,
        Path.UPDATE: passing_over(updating),
        Path.OTHER: passing_over(locking, OTHERS),
        Path.DELETE: st.one_of(to_the_moment, cleaned_up, passing_over(deleting)),
        Path.CASCADE: "what goes with its parent is gone whatever its age",
        Path.TRUNCATE: "what is truncated is gone whatever its age",
    },
}
