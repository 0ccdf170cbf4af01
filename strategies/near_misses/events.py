"""Near misses of how events are numbered: SEQ-1, SEQ-2 and AUTO-NUMBER.

What several sessions do at once is not tried here.
"""

from typing import Final

from hypothesis import strategies as st

from conformance.engine.cases.scenario import Fact, Scenario, Transaction, Ways
from conformance.engine.sql.writes import (
    Delete,
    Insert,
    Path,
    PlainWrite,
    RawSql,
    Row,
    Truncate,
    Update,
    statements,
)
from strategies.enums import JOB_EVENT_TYPE
from strategies.near_misses.ways import ONE_ROW, Draw, by_shape, fixed, replayed, scenarios
from strategies.replacing import at_once, replaced
from strategies.sizes import INT64_MAX
from strategies.world import World, age

# What a client may have taken for the number.
GIVEN: Final = st.sampled_from((0, 1, 2, 1_000, -1, INT64_MAX, -INT64_MAX - 1, None))
KINDS: Final = st.sampled_from(JOB_EVENT_TYPE)
# Older than job events are kept, by more than a clock may be wrong in a test.
OLD: Final = 8


def numbers_are(job: Row, numbers: tuple[int, ...], *, side: bool = True) -> Fact:
    """Return the fact that these are the numbers of a job's events, in the order of their ids.

    Ids of a world grow, so that is the order in which the events were written.
    """
    text = " ".join(map(str, numbers))
    query = (
        "SELECT coalesce(string_agg(sequence::text, ' ' ORDER BY id), '')"
        f" FROM public.job_events WHERE job_id = '{job['id']}'"
    )
    return Fact(query, text, side=side)


def an_event(world: World, job: Row, number: int | None = 0, **columns: object) -> Row:
    """Return an event that the client has given a number."""
    return world.an_event(job, sequence=number, **columns)


def append(*events: Row) -> Insert:
    """Return the insert of events."""
    return Insert("job_events", events)


def two_jobs(world: World) -> tuple[Row, Row]:
    """Insert jobs of two users."""
    return world.job(world.starter()), world.job(world.starter())


@scenarios
def one_by_one(world: World, draw: Draw) -> Scenario:
    """Append events to two jobs in turn: each job's are 1, 2, 3 …, whatever the client gave."""
    first, second = two_jobs(world)
    turns = (first, second, first, first, second)
    rows = [an_event(world, job, draw(GIVEN), event_type=draw(KINDS)) for job in turns]
    rows[-1] = {name: value for name, value in rows[-1].items() if name != "sequence"}
    return Scenario(
        given=(tuple(world.given),),
        legal=tuple((append(row),) for row in rows),
        facts=(numbers_are(first, (1, 2, 3)), numbers_are(second, (1, 2), side=False)),
    )


@scenarios
def several_at_once(world: World, draw: Draw) -> Scenario:
    """Append events to two jobs in one statement, and go on in another of the same transaction.

    One job has eight of them before, or 98, so that its numbers come to have a digit more.
    """
    first, second = two_jobs(world)
    turns = draw(st.permutations((first, second, first, second, first)))
    many = draw(st.sampled_from((8, 98)))
    before = [an_event(world, first, draw(GIVEN)) for _ in range(many)]
    rows = [an_event(world, job, draw(GIVEN)) for job in (*turns, first, second, first)]
    last = [an_event(world, first, draw(GIVEN)) for _ in range(2)]
    return Scenario(
        given=(tuple(world.given), (append(*before),)),
        legal=(
            (append(*rows[:3]), append(*rows[3:5])),
            (append(*rows[5:]),),
            *((append(row),) for row in last),
        ),
        facts=(
            numbers_are(first, tuple(range(1, many + 8))),
            numbers_are(second, (1, 2, 3), side=False),
        ),
    )


@scenarios
def after_nothing(world: World, draw: Draw) -> Scenario:
    """Append an event that is there already, or take one back: the next one leaves no gap."""
    job, other = two_jobs(world)
    number = draw(GIVEN)
    rows = [an_event(world, job, number) for _ in range(4)]
    target = draw(st.sampled_from(("", "(id) ")))
    back: tuple[RawSql | Insert, ...] = (
        RawSql("SAVEPOINT before"),
        append(an_event(world, job), an_event(world, other)),
        RawSql("ROLLBACK TO SAVEPOINT before"),
    )
    last = an_event(world, job)
    return Scenario(
        given=(tuple(world.given),),
        legal=(
            (PlainWrite(append(rows[0])),),
            (replayed(append(rows[0]), f"{target}DO NOTHING"),),
            (replayed(append(rows[0], rows[1]), f"{target}DO NOTHING"),),
            (
                replayed(append(rows[1], rows[0], rows[2]), f"{target}DO NOTHING"),
                PlainWrite(append(rows[3])),
            ),
            (replayed(append(rows[2]), "(id) DO UPDATE SET event_type = excluded.event_type"),),
            (*back, PlainWrite(append(last))),
        ),
        facts=(numbers_are(job, (1, 2, 3, 4, 5)), numbers_are(other, (), side=False)),
    )


@scenarios
def after_clean_up(world: World, draw: Draw) -> Scenario:
    """Clean up some or all events of a job, in either way: the next number is the one after.

    Another job's numbers are not touched.
    """
    job, other = two_jobs(world)
    kept = draw(st.integers(0, 2))
    rows = [age(an_event(world, job), OLD) for _ in range(3 - kept)]
    rows += [an_event(world, job) for _ in range(kept)]
    here = an_event(world, other)
    world.given.append(append(here))
    world.given.extend(append(row) for row in rows)
    clean: tuple[RawSql | Delete, ...] = (
        (RawSql("SELECT public.delete_old_job_events()"),)
        if draw(st.booleans())
        else tuple(Delete("job_events", {"id": row["id"]}) for row in rows[: 3 - kept])
    )
    further = [an_event(world, job, draw(GIVEN)) for _ in range(2)]
    last = an_event(world, other, 1)
    return Scenario(
        given=(tuple(world.given),),
        legal=((append(further[0]), *clean), (append(further[1]),), (append(last),)),
        facts=(
            numbers_are(job, (*range(4 - kept, 4), 4, 5)),
            numbers_are(other, (1, 2), side=False),
        ),
    )


@scenarios
def while_cleaned_up(world: World, draw: Draw) -> Scenario:
    """Clean up within the statement that appends old events: no number comes again.

    After each event, or at once after one of every job; one of the jobs is made by that statement.
    """
    _, other = two_jobs(world)
    jobs = [world.job(world.starter()) for _ in range(draw(st.sampled_from((1, 11))))]
    made = world.a_job(world.starter())
    jobs.append(made)
    rows = [age(an_event(world, job, draw(GIVEN)), OLD) for job in jobs * 2]
    further = [an_event(world, job, draw(GIVEN)) for job in (*jobs, other)]
    since = draw(st.sampled_from((rows[0], rows[len(jobs) - 1])))["id"]
    (told,) = statements(append(*rows), Path.INSERT_MANY)
    (comes,) = statements(Insert("jobs", (made,)))
    cleaned = (
        f"{told.sql} RETURNING CASE WHEN id >= '{since}' THEN public.delete_old_job_events() END"
    )
    return Scenario(
        given=(tuple(world.given),),
        legal=((at_once(comes.sql, cleaned),), (append(*further),)),
        facts=(
            *(numbers_are(job, (3,)) for job in jobs),
            numbers_are(other, (1,), side=False),
        ),
    )


@scenarios
def after_truncate(world: World, draw: Draw) -> Scenario:
    """Truncate events: the next numbers are those after, whatever the last event was."""
    _, other = two_jobs(world)
    jobs = [world.job(world.starter()) for _ in JOB_EVENT_TYPE]
    for job, kind in zip(jobs, JOB_EVENT_TYPE, strict=True):
        world.given.append(append(an_event(world, job)))
        world.given.append(append(an_event(world, job, event_type=kind)))
    number = draw(GIVEN)
    further = [an_event(world, job, number) for job in jobs for _ in range(2)]
    first = an_event(world, other, number)
    return Scenario(
        given=(tuple(world.given),),
        legal=((Truncate(("job_events",)),), (append(*further),), (append(first),)),
        facts=(
            *(numbers_are(job, (3, 4)) for job in jobs),
            numbers_are(other, (1,), side=False),
        ),
    )


@scenarios
def job_deleted(world: World, draw: Draw) -> Scenario:
    """Delete a job with its events: another's numbers go on, and no event is left alone."""
    job, other = two_jobs(world)
    world.move(job, "canceled")
    world.given.append(append(an_event(world, job), an_event(world, other)))
    further = an_event(world, other, draw(GIVEN))
    return Scenario(
        given=(tuple(world.given),),
        legal=((Delete("jobs", {"id": job["id"]}),), (append(further),)),
        facts=(numbers_are(other, (1, 2)), numbers_are(job, (), side=False)),
    )


@scenarios
def job_replaced(world: World, draw: Draw) -> Scenario:
    """Replace a finished job under its id: the next event has the number after the last one.

    In one statement, in one transaction or in two; with an event in the statement that makes the
    job, before it or after it, or later.
    """
    job, other = two_jobs(world)
    world.move(job, "canceled")
    world.given.append(append(an_event(world, job), an_event(world, job), an_event(world, other)))
    first, second = (an_event(world, job, draw(GIVEN)) for _ in range(2))
    gone, comes = Delete("jobs", {"id": job["id"]}), Insert("jobs", (job,))
    (made,), (told,) = statements(comes), statements(append(first))
    ways: dict[str, tuple[Transaction, ...]] = {
        "statement": ((replaced("jobs", job),), (append(first),)),
        "transaction": ((gone, comes), (append(first),)),
        "later": ((gone,), (comes,), (append(first),)),
        "job first": ((gone,), (at_once(told.sql, made.sql),)),
        # What is beside the last write of a statement comes after it.
        "event first": ((gone,), (at_once(made.sql, told.sql),)),
        "event first, in a transaction": ((gone, at_once(made.sql, told.sql)),),
    }
    back = ways[draw(st.sampled_from(sorted(ways)))]
    return Scenario(
        given=(tuple(world.given),),
        legal=(*back, *((append(row),) for row in (second, an_event(world, other)))),
        facts=(numbers_are(job, (3, 4)), numbers_are(other, (1, 2), side=False)),
    )


@scenarios
def renumbered(world: World, draw: Draw) -> Scenario:
    """Write an event as it is; then with another number, free or taken. IMM-1 refuses as well."""
    job, other = two_jobs(world)
    rows = [world.insert("job_events", an_event(world, job)) for _ in range(2)]
    number = draw(st.sampled_from((1, 3, 0, INT64_MAX)))
    key = {"id": rows[1]["id"]}
    return Scenario(
        given=(tuple(world.given),),
        legal=((Update("job_events", key, {"sequence": 2}, rows[1]),),),
        broken=(
            fixed(Update("job_events", key, {"sequence": number}, rows[1])),
            fixed(Update("job_events", key, {"job_id": other["id"]}, rows[1])),
        ),
        facts=(numbers_are(job, (1, 2)),),
    )


@scenarios
def seen_in_order(world: World, draw: Draw) -> Scenario:
    """Append events: who reads what came after any number misses nothing, and sees no more."""
    job, _ = two_jobs(world)
    rows = [an_event(world, job, draw(GIVEN)) for _ in range(4)]
    after = draw(st.integers(0, 4))
    seen = (
        "SELECT coalesce(string_agg(id::text, ' ' ORDER BY sequence), '') FROM public.job_events"
        f" WHERE job_id = '{job['id']}' AND sequence"
    )
    later, earlier = (
        " ".join(str(row["id"]) for row in part) for part in (rows[after:], rows[:after])
    )
    together = draw(st.booleans())
    return Scenario(
        given=(tuple(world.given),),
        legal=(
            ((append(*rows[:2]), append(*rows[2:])),)
            if together
            else tuple((append(row),) for row in rows)
        ),
        facts=(
            Fact(f"{seen} > {after}", later),
            Fact(f"{seen} <= {after}", earlier, side=False),
        ),
    )


NUMBERED: Final = "numbers are given to what is inserted, and never change: see IMM-1"

WAYS: dict[str, Ways] = {
    "SEQ-1": by_shape(
        insert=one_by_one,
        insert_many=several_at_once,
        update=renumbered,
        reasons={Path.MOVE: "tried as an update: an event's job and number make its key"},
        other=job_replaced,
        on_conflict=st.one_of(after_nothing, renumbered),
        delete=st.one_of(after_clean_up, while_cleaned_up),
        cascade=job_deleted,
        truncate=after_truncate,
    ),
    "SEQ-2": by_shape(
        insert=seen_in_order,
        insert_many=several_at_once,
        reasons={
            **ONE_ROW,
            Path.UPDATE: NUMBERED,
            Path.MOVE: NUMBERED,
        },
        on_conflict=after_nothing,
        delete=st.one_of(after_clean_up, while_cleaned_up),
        truncate=after_truncate,
    ),
    "AUTO-NUMBER": by_shape(
        insert=one_by_one,
        insert_many=several_at_once,
        reasons={
            **ONE_ROW,
            Path.UPDATE: NUMBERED,
            Path.MOVE: NUMBERED,
        },
        on_conflict=after_nothing,
        delete=st.one_of(after_clean_up, while_cleaned_up),
        truncate=after_truncate,
    ),
}
