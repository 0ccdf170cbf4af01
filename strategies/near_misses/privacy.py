"""Near misses of what an erased account may have and become: PRIVACY-1 and PRIVACY-2."""

from hashlib import sha256
from typing import Final
from uuid import UUID

from hypothesis import strategies as st

from conformance.engine.cases.scenario import Scenario, ViolatesSeveral, Ways
from conformance.engine.sql.writes import Delete, Insert, Path, RawSql, Row, Update, Write
from strategies.instants import FUTURE_START
from strategies.near_misses.keys import REVOKED
from strategies.near_misses.ways import (
    ONE_ROW,
    UPDATING,
    Draw,
    by_shape,
    fixed,
    scenarios,
)
from strategies.people import recased_emails
from strategies.world import World

NOBODY: Final[Row] = {"name": None, "avatar_url": None}
# What says who somebody is, each alone and both.
SOMEBODY: Final[tuple[Row, ...]] = (
    {"name": "Ada", "avatar_url": None},
    {"name": "", "avatar_url": None},
    {"name": None, "avatar_url": "https://a.io/ada.png"},
    {"name": "Ada", "avatar_url": "https://a.io/ada.png"},
)
PERSONS: Final = st.sampled_from(SOMEBODY)
ROLES: Final = ("owner", "admin", "member", "viewer")
# How the id of a team ends that an erased creator may be in: in any way.
RESTS: Final = st.none() | st.binary(min_size=8, max_size=8)


def nobodys(user: Row) -> str:
    """Return the address that an account has once it was erased."""
    return f"{user['id']}@erased.invalid"


def erases(user: Row) -> str:
    """Return the call that erases an account."""
    return f"SELECT public.erase_user('{user['id']}')"


def erased(world: World, draw: Draw, **columns: object) -> Row:
    """Return an erased starter, whose address is written in any case."""
    row = world.a_starter()
    return {**row, "email": draw(recased_emails(nobodys(row))), **NOBODY, **columns}


def stand_in(user: Row, rest: bytes | None = None) -> UUID:
    """Return the id of a team that an erased creator may be in.

    It ends like the user's id, as the function would have it, unless it is said how.
    """
    own = UUID(str(user["id"])).bytes
    return UUID(bytes=sha256(own).digest()[:8] + (own[8:] if rest is None else rest))


def no_stand_ins(user: Row) -> list[UUID]:
    """Return ids of teams that an erased creator may not be in, though they are close to one."""
    own, right = UUID(str(user["id"])), stand_in(user)
    return [own, *(UUID(int=right.int ^ 1 << bit) for bit in (120, 64))]


def erased_creator(world: World, draw: Draw) -> tuple[Row, Row]:
    """Insert an erased creator with a team; return both."""
    row = world.a_creator()
    email = draw(recased_emails(nobodys(row)))
    user = world.insert("users", {**row, "email": email, **NOBODY})
    return user, standing_in(world, user, stand_in(user, draw(RESTS)))


def standing_in(world: World, user: Row, team: UUID, **columns: object) -> Row:
    """Insert a team of some id with a user alone, whose membership has the same id."""
    own = world.insert("teams", world.a_team(id=team))
    seat = {**world.a_membership(own, user, role="owner"), "id": team, **columns}
    world.insert("memberships", seat)
    return own


def somebody_erased(world: World, draw: Draw) -> Row:
    """Insert an erased starter, or an erased creator with a team; return the user."""
    if draw(st.booleans()):
        return erased_creator(world, draw)[0]
    return world.insert("users", erased(world, draw, credits=draw(st.integers(0, 1))))


@scenarios
def accounts(world: World, draw: Draw) -> Scenario:
    """Insert an erased account that says nothing of anybody; then one with a name or a picture."""
    return Scenario(
        legal=((Insert("users", (erased(world, draw),)),),),
        broken=((Insert("users", (erased(world, draw, **draw(PERSONS)),)),),),
    )


@scenarios
def accounts_many(world: World, draw: Draw) -> Scenario:
    """Insert an erased account and another's; then two of which an erased one has a name."""
    other = {**world.a_starter(), **draw(PERSONS)}
    bad = [{**world.a_starter(), **draw(PERSONS)}, erased(world, draw, **draw(PERSONS))]
    if draw(st.booleans()):
        bad.reverse()
    return Scenario(
        legal=((Insert("users", (erased(world, draw), other)),),),
        broken=((Insert("users", tuple(bad)),),),
    )


@scenarios
def named(world: World, draw: Draw) -> Scenario:
    """Leave an erased account as it is; then give it a name or a picture."""
    row = somebody_erased(world, draw)
    key = {"id": row["id"]}
    return Scenario(
        given=(tuple(world.given),),
        legal=((Update("users", key, {**NOBODY, "credits": 1}, row),),),
        broken=tuple((Update("users", key, person, row),) for person in SOMEBODY),
    )


@scenarios
def erased_by_hand(world: World, draw: Draw) -> Scenario:
    """Give an account the address that erases it, without name and picture; then with one."""
    good, bad = (world.insert("users", {**world.a_starter(), **draw(PERSONS)}) for _ in range(2))
    person = draw(PERSONS)
    return Scenario(
        given=(tuple(world.given),),
        legal=((Update("users", {"id": good["id"]}, {**NOBODY, "email": nobodys(good)}, good),),),
        broken=((Update("users", {"id": bad["id"]}, {**person, "email": nobodys(bad)}, bad),),),
    )


@scenarios
def erased_with_keys(world: World, draw: Draw) -> Scenario:
    """Erase an account that has no key, by its address; then one that has one, revoked or not.

    The key may go in the same transaction, before or after.
    """
    good, also, bad = world.starter(), world.starter(), world.starter()
    end = draw(st.sampled_from(({}, REVOKED)))
    key, _ = (world.insert("api_keys", {**world.a_key(each), **end}) for each in (also, bad))
    erasures = [
        Update("users", {"id": each["id"]}, {**NOBODY, "email": nobodys(each)}, each)
        for each in (good, also, bad)
    ]
    both: list[Write] = [erasures[1], Delete("api_keys", {"id": key["id"]})]
    return Scenario(
        given=(tuple(world.given),),
        legal=((erasures[0],), tuple(both if draw(st.booleans()) else both[::-1])),
        broken=((erasures[2],),),
    )


@scenarios
def erased_in_teams(world: World, draw: Draw) -> Scenario:
    """Erase a creator in a team that stands in, by the address; then those of whom it does not.

    They are in another one too, are not alone in it, are there by a membership of another id, or
    are alone in a team of another id.
    """
    good, placed, *users = (world.insert("users", world.a_creator()) for _ in range(12))
    crowded, strays, bad = users[:4], users[4:7], users[7:]
    for user in (good, *bad):
        standing_in(world, user, stand_in(user, draw(RESTS)))
    for user, role in zip(crowded, ROLES, strict=True):
        team = standing_in(world, user, stand_in(user, draw(RESTS)))
        world.insert("memberships", world.a_membership(team, world.creator(), role=role))
    for at, user in enumerate(strays):
        standing_in(world, user, no_stand_ins(user)[at])
    standing_in(world, placed, stand_in(placed, draw(RESTS)), id=world.id())
    for at, user in enumerate(bad):
        team, _ = world.team(id=no_stand_ins(user)[at])
        role = draw(st.sampled_from(ROLES))
        world.insert("memberships", world.a_membership(team, user, role=role))
    erasures = (
        (Update("users", {"id": each["id"]}, {**NOBODY, "email": nobodys(each)}, each),)
        for each in (good, placed, *crowded, *strays, *bad)
    )
    return Scenario(
        given=(tuple(world.given),),
        legal=(next(erasures),),
        broken=tuple(erasures),
    )


@scenarios
def keys(world: World, draw: Draw) -> Scenario:
    """Make a key; then one of an erased account, revoked or not.

    Where the account goes in the same transaction, the key goes with it.
    """
    goes, bad = (world.insert("users", erased(world, draw)) for _ in range(2))
    good = world.starter()
    end = draw(st.sampled_from(({}, REVOKED)))
    return Scenario(
        given=(tuple(world.given),),
        legal=(
            (Insert("api_keys", ({**world.a_key(good), **end},)),),
            (Insert("api_keys", (world.a_key(goes),)), Delete("users", {"id": goes["id"]})),
        ),
        broken=((Insert("api_keys", ({**world.a_key(bad), **end},)),),),
    )


@scenarios
def memberships(world: World, draw: Draw) -> Scenario:
    """Let an erased creator, and another, join and leave again; then let either stay.

    Nobody joins the team that stands in; the other has an own team, which anybody joins.
    """
    (bad, own), good = erased_creator(world, draw), world.creator()
    open_to_all, _ = world.team()
    teams = [world.team()[0], *(world.team(id=each)[0] for each in no_stand_ins(bad))]
    role = draw(st.sampled_from(("owner", "admin", "member", "viewer")))
    joins = (
        (Insert("memberships", (world.a_membership(team, bad, role=role),)),) for team in teams
    )
    passing = [
        world.a_membership(team, user, role=role) for team, user in ((teams[0], bad), (own, good))
    ]
    seat = {"id": own["id"], "team_id": own["id"], "user_id": bad["id"], "role": "owner"}
    return Scenario(
        given=(tuple(world.given),),
        legal=(
            (Insert("memberships", (world.a_membership(open_to_all, good, role=role),)),),
            *(
                (Insert("memberships", (each,)), Delete("memberships", {"id": each["id"]}))
                for each in passing
            ),
        ),
        broken=(
            *joins,
            *(
                (Insert("memberships", (world.a_membership(own, good, role=each),)),)
                for each in ROLES
            ),
            *(
                (
                    Update("memberships", {"id": own["id"]}, {"role": each}, seat),
                    Insert("memberships", (world.a_membership(own, good, role="owner"),)),
                )
                for each in ROLES[1:]
            ),
        ),
    )


# Only PRIVACY-1 is asked after each statement: a membership may come before its user still.
ASKED_AT_ONCE: Final = """DO $$
DECLARE
    v_name text;
BEGIN
    FOR v_name IN
        SELECT k.conname FROM pg_catalog.pg_constraint AS k
        WHERE k.condeferrable AND k.conname LIKE '%privacy_1__%'
    LOOP
        EXECUTE pg_catalog.format('SET CONSTRAINTS public.%I IMMEDIATE', v_name);
    END LOOP;
END;
$$"""


@scenarios
def joined_before(world: World, draw: Draw) -> Scenario:
    """Insert an erased creator after a membership in a team that stands in; then in another."""
    given, _ = world.team()
    come = []
    for at in range(2):
        row = world.a_creator()
        user = {**row, "email": draw(recased_emails(nobodys(row))), **NOBODY}
        own = world.a_team(id=stand_in(user, draw(RESTS)))
        team, role = (given, "admin") if at else (own, "owner")
        seat = {**world.a_membership(team, user, role=role), **({} if at else {"id": own["id"]})}
        joins = Insert("memberships", (seat,))
        founds = () if at else (Insert("teams", (own,)),)
        come.append((RawSql(ASKED_AT_ONCE), joins, *founds, Insert("users", (user,))))
    return Scenario(given=(tuple(world.given),), legal=(come[0],), broken=(come[1],))


@scenarios
def key_moves(world: World, draw: Draw) -> Scenario:
    """Leave a key to its user; then give it to an erased account; IMM-1 refuses as well."""
    bad = world.insert("users", erased(world, draw))
    row = world.insert("api_keys", world.a_key(world.starter()))
    where = {"id": row["id"]}
    return Scenario(
        given=(tuple(world.given),),
        legal=((Update("api_keys", where, {"user_id": row["user_id"]}, row),),),
        broken=(
            fixed(
                Update("api_keys", where, {"user_id": bad["id"]}, row), also=frozenset({"URN-2"})
            ),
        ),
    )


@scenarios
def membership_moves(world: World, draw: Draw) -> Scenario:
    """Leave a membership to its user; then give it to an erased creator; IMM-1 refuses as well."""
    bad, _ = erased_creator(world, draw)
    team, _ = world.team()
    row = world.insert("memberships", world.a_membership(team, world.creator()))
    where = {"id": row["id"]}
    return Scenario(
        given=(tuple(world.given),),
        legal=((Update("memberships", where, {"user_id": row["user_id"]}, row),),),
        broken=(fixed(Update("memberships", where, {"user_id": bad["id"]}, row)),),
    )


@scenarios
def given_back(world: World, draw: Draw) -> Scenario:
    """Write an erased account's address in another case; then give it another address.

    One in which the id is another's erases nobody.
    """
    row, other = somebody_erased(world, draw), world.starter()
    key = {"id": row["id"]}
    recased = draw(recased_emails(nobodys(row)))
    addresses = (
        "ada@example.com",
        nobodys(other),
        f"{row['id']}@erased.example",
        nobodys(row)[:-1],
        f"{nobodys(row)[:-1]}_",
    )
    # A creator's day of upgrade may change in the same statement.
    beside: Row = {"upgraded_at": FUTURE_START} if "tier" in row and draw(st.booleans()) else {}
    taken = {"email": nobodys(row), "name": "Ada"}
    return Scenario(
        given=(tuple(world.given),),
        legal=(
            (Update("users", key, {**NOBODY, "email": recased}, row),),
            (Update("users", {"id": other["id"]}, taken, other),),
        ),
        # Tried beside a name too, which an erased account may not have.
        broken=tuple(
            ViolatesSeveral(
                (Update("users", key, {**NOBODY, "email": each, **beside}, row),),
                frozenset({"PRIVACY-1"}),
            )
            for each in addresses
        ),
    )


WAYS: dict[str, Ways] = {
    "PRIVACY-1": by_shape(
        insert=st.one_of(accounts, keys, memberships, joined_before),
        insert_many=accounts_many,
        update=st.one_of(named, erased_by_hand),
        reasons={**ONE_ROW},
        move=st.one_of(key_moves, membership_moves),
        other=st.one_of(erased_with_keys, erased_in_teams),
    ),
    "PRIVACY-2": {
        **dict.fromkeys(Path, "compares a row before and after an update"),
        **dict.fromkeys(UPDATING, given_back),
    },
}
