"""Near misses of how many jobs of a starter may be active: CARD-6."""

from typing import Final

from hypothesis import strategies as st

from conformance.engine.cases.scenario import Scenario, Transaction, ViolatesSeveral, Ways
from conformance.engine.sql.writes import Delete, Insert, Path, RawSql, Row, Truncate, Update, Write
from strategies.instants import FIRST
from strategies.near_misses.job_caps import BY_KEY, ENDED
from strategies.near_misses.ways import Draw, by_shape, fixed, replayed, scenarios
from strategies.replacing import replaced
from strategies.world import (
    NOW,
    World,
    steps_to,
    urn_of_member,
    urn_of_team,
    urn_of_user,
)


@scenarios
def second(world: World, draw: Draw) -> Scenario:
    """Insert a starter's active job beside a finished one; then a second.

    The first is the starter's own, or of a team that is joined and left again meanwhile. Another
    starter and a creator, who may have many, have jobs of their own.
    """
    user, creator = world.starter(), world.creator()
    team, _ = world.team()
    world.move(world.job(user), draw(ENDED))
    for each in (world.starter(), creator, creator):
        world.job(each)
    bad = world.a_job(user)
    membership = world.a_membership(team, user)
    own = (Insert("jobs", (world.a_job(user),)),)
    meanwhile = (
        Insert("memberships", (membership,)),
        Insert("jobs", (world.a_job(user, urn_of_team(team)),)),
        Delete("memberships", {"id": membership["id"]}),
    )
    third = (Insert("jobs", (world.a_job(creator),)),)
    return Scenario(
        given=(tuple(world.given),),
        legal=(third, meanwhile if draw(st.booleans()) else own),
        broken=((Insert("jobs", (bad,)),),),
    )


@scenarios
def two_at_once(world: World, draw: Draw) -> Scenario:
    """Insert jobs of two starters and three of a creator at once; then too many of one starter."""
    first, other, third = (world.starter() for _ in range(3))
    creator = world.creator()
    good = [world.a_job(user) for user in (first, other, creator, creator, creator)]
    bad = [world.a_job(user) for user in (third, third, creator)]
    return Scenario(
        given=(tuple(world.given),),
        legal=((Insert("jobs", tuple(draw(st.permutations(good)))),),),
        broken=(
            (Insert("jobs", tuple(draw(st.permutations(bad)))),),
            (Insert("jobs", tuple(world.a_job(third) for _ in range(3))),),
        ),
    )


@scenarios
def one_moved_on(world: World, draw: Draw) -> Scenario:
    """Start a starter's job, end it and make another; then revive it. STATE-JOB refuses as well."""
    user = world.starter()
    first = world.job(user)
    again, bad = world.a_job(user), world.a_job(user)
    start, finish = steps_to(first, draw(ENDED))
    revive = Update("jobs", {"id": first["id"]}, {"status": "queued"}, first)
    room: tuple[tuple[Write, ...], ...] = (
        ((finish, Insert("jobs", (again,))),)
        if draw(st.booleans())
        else ((finish,), (Insert("jobs", (again,)),))
    )
    return Scenario(
        given=(tuple(world.given),),
        legal=((start,), *room),
        broken=(
            (Insert("jobs", (bad,)),),
            ViolatesSeveral((revive,), frozenset({"STATE-JOB"})),
        ),
    )


@scenarios
def one_replayed(world: World, draw: Draw) -> Scenario:
    """Insert a starter's job again under its idempotency key; then a new one in the same way."""
    user = world.starter()
    first = world.job(user, idempotency_key="one")
    again = world.a_job(user, idempotency_key="one")
    bad = world.a_job(user, idempotency_key="two")
    action = draw(
        st.sampled_from(
            ("DO NOTHING", f"{BY_KEY} DO NOTHING", f"{BY_KEY} DO UPDATE SET credits_charged = 2")
        )
    )
    return Scenario(
        given=(tuple(world.given),),
        legal=(
            (replayed(Insert("jobs", (again,)), action),),
            (Update("jobs", {"id": first["id"]}, {"status": "processing"}, first),),
        ),
        broken=((replayed(Insert("jobs", (bad,)), action),),),
    )


@scenarios
def given_to_starter(world: World, _draw: Draw) -> Scenario:
    """Keep who triggered a job; then give a starter, who has one, another's. IMM-1 refuses too."""
    user, other = world.starter(), world.starter()
    world.job(user)
    job = world.job(other)
    key = {"id": job["id"]}
    to = {"triggered_by": user["id"], "owner": urn_of_user(user)}
    return Scenario(
        given=(tuple(world.given),),
        legal=((Update("jobs", key, {"triggered_by": other["id"]}, job),),),
        broken=(fixed(Update("jobs", key, to, job)),),
    )


@scenarios
def upgraded(world: World, draw: Draw) -> Scenario:
    """Upgrade a starter, who then makes more jobs; then make a starter of a creator with two.

    STATE-USER refuses that as well.
    """
    team, _ = world.team()
    user = world.starter()
    creator = world.member(team)
    world.job(user)
    for _ in range(2):
        world.move(world.job(creator), draw(st.sampled_from(("queued", "processing"))))
    joins = Insert("memberships", (world.a_membership(team, user),))
    leaves = Delete("memberships", {"user_id": creator["id"]})
    up: Row = {"tier": "creator", "upgraded_at": NOW}
    down: Row = {"tier": "starter", "upgraded_at": None}
    rows = (world.a_job(user), world.a_job(user))
    return Scenario(
        given=(tuple(world.given),),
        legal=(
            (joins, Update("users", {"id": user["id"]}, up)),
            (Insert("jobs", rows),),
        ),
        broken=(
            ViolatesSeveral(
                (leaves, Update("users", {"id": creator["id"]}, down)),
                frozenset({"STATE-USER"}),
                "only a creator has two, and could become a starter: STATE-USER refuses that",
            ),
        ),
    )


@scenarios
def passed_through(world: World, draw: Draw) -> Scenario:
    """Let starters be in a team for one transaction, and make its job; then two, or one beside.

    That only creators have memberships is asked at commit, when they have left.
    """
    team, owner = world.team()
    users = [world.starter() for _ in range(3)]
    world.job(users[2])
    projects = iter([world.project(team, owner) for _ in range(4)])
    forms = draw(st.permutations(("team", "member")))
    roles = draw(st.permutations(("member", "owner", "admin")))

    def pass_through(user: Row, count: int, role: str, form: str) -> tuple[Write, ...]:
        urn = urn_of_team(team) if form == "team" else urn_of_member(team, user)
        # Whether they are older than the account, or their project, says nothing.
        first = {"project_id": next(projects)["id"]} if form == "team" else {}
        jobs = tuple(
            world.a_job(user, urn, created_at=FIRST, **({} if n else first)) for n in range(count)
        )
        key = {"user_id": user["id"]}
        joins = Insert("memberships", (world.a_membership(team, user, role=role),))
        return (joins, Insert("jobs", jobs), Delete("memberships", key))

    return Scenario(
        given=(tuple(world.given),),
        legal=(pass_through(users[0], 1, roles[0], forms[0]),),
        broken=tuple(
            pass_through(user, count, role, form)
            for form in forms
            for user, count, role in (
                (users[1], 2, roles[0]),
                (users[2], 1, roles[1]),
                (users[1], 3, roles[2]),
            )
        ),
    )


# What is asked of this rule at commit is asked at once from here on; of others it is not.
ASKED_AT_ONCE: Final = """DO $$
DECLARE
    v_name text;
BEGIN
    FOR v_name IN
        SELECT k.conname FROM pg_catalog.pg_constraint AS k
        WHERE k.condeferrable AND k.conname LIKE '%card_6__%'
    LOOP
        EXECUTE pg_catalog.format('SET CONSTRAINTS public.%I IMMEDIATE', v_name);
    END LOOP;
END;
$$"""


@scenarios
def back_as_a_starter(world: World, draw: Draw) -> Scenario:
    """Replace a creator without jobs by a starter under the id; then one with active jobs.

    In the transaction that made the creator, who is in no team yet; or who has just left the only
    one, which is asked at once, while there is a creator still.
    """
    user = world.a_creator()
    jobs = tuple(world.a_job(user) for _ in range(draw(st.integers(2, 4))))
    back = replaced("users", {"id": user["id"], "email": user["email"]})
    given: tuple[Transaction, ...] = ()
    comes: tuple[Write, ...] = (Insert("users", (user,)),)
    made: tuple[Write, ...] = (Insert("jobs", jobs),)
    if draw(st.booleans()):
        team, _ = world.team()
        joins = world.a_membership(team, user)
        given = ((*world.given, *comes, Insert("memberships", (joins,)), *made),)
        comes, made = (), (RawSql(ASKED_AT_ONCE), Delete("memberships", {"id": joins["id"]}))
    other = world.a_creator()
    idle = replaced("users", {"id": other["id"], "email": other["email"]})
    return Scenario(
        given=given,
        legal=((Insert("users", (other,)), idle),),
        broken=(
            ViolatesSeveral(
                (*comes, *made, back),
                frozenset({"INV-J13"}),
                "INV-J13 holds whoever triggered a job where they are",
            ),
        ),
    )


@scenarios
def one_deleted(world: World, draw: Draw) -> Scenario:
    """Delete a starter's finished job, which makes no room beside the active one."""
    user = world.starter()
    ended = world.job(user)
    world.move(ended, draw(ENDED))
    world.job(user)
    return Scenario(
        given=(tuple(world.given),),
        legal=((Delete("jobs", {"id": ended["id"]}),),),
        broken=((Insert("jobs", (world.a_job(user),)),),),
    )


@scenarios
def one_truncated(world: World, draw: Draw) -> Scenario:
    """Truncate jobs when all have ended; a starter may have one again, and no second."""
    user = world.starter()
    world.move(world.job(user), draw(ENDED))
    return Scenario(
        given=(tuple(world.given),),
        legal=((Truncate(("jobs",)),), (Insert("jobs", (world.a_job(user),)),)),
        broken=((Insert("jobs", (world.a_job(user),)),),),
    )


WAYS: dict[str, Ways] = {
    "CARD-6": by_shape(
        insert=second,
        insert_many=two_at_once,
        update=one_moved_on,
        delete=one_deleted,
        reasons={Path.CASCADE: "jobs go with nothing: a starter has no project, and is held"},
        on_conflict=one_replayed,
        move=given_to_starter,
        other=st.one_of(upgraded, passed_through, back_as_a_starter),
        truncate=one_truncated,
    ),
}
