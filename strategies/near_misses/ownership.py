"""Near misses of the rules on who acts for whom: INV-X1, URN-1, URN-2, ROLE-1 and ROLE-2."""

from hypothesis import strategies as st

from conformance.engine.cases.scenario import Scenario, Ways
from conformance.engine.sql.writes import Insert, Path, PlainWrite, Row, Update
from strategies.near_misses.acting import acted
from strategies.near_misses.actors import (
    ASSETS,
    INVITATIONS,
    JOBS,
    KEYS,
    PROJECT_ASSETS,
    PROJECT_JOBS,
    PROJECTS,
    WEBHOOKS,
    acts,
)
from strategies.near_misses.ways import ONE_ROW, Draw, besides, by_shape, fixed, scenarios
from strategies.owners import broken_urns_of_each_kind
from strategies.world import NOW, World, urn_of_member, urn_of_team, urn_of_user

ROLES = ("owner", "admin", "member", "viewer")
MAKERS = ("owner", "admin", "member")
STRANGERS = ("outsider", "starter")

OWNED = ("jobs", "asset_files", "api_keys", "usage")


def owned(world: World, table: str, user: Row, owner: str) -> Row:
    """Return a row of a table whose rows have owners."""
    match table:
        case "jobs":
            return world.a_job(user, owner)
        case "asset_files":
            return world.an_asset(user, owner)
        case "api_keys":
            return world.a_key(user, owner)
        case _:
            return world.a_usage(owner)


@scenarios
def owners(world: World, draw: Draw) -> Scenario:
    """Insert a row for each form of an owner; then some whose owner has nearly such a form."""
    table = draw(st.sampled_from(OWNED))
    team, user = world.team()
    broken = draw(broken_urns_of_each_kind(team=str(team["id"]), user=str(user["id"])))
    forms = (urn_of_user(user), urn_of_team(team), urn_of_member(team, user))
    return Scenario(
        given=(tuple(world.given),),
        legal=tuple((Insert(table, (owned(world, table, user, urn),)),) for urn in forms),
        broken=tuple((Insert(table, (owned(world, table, user, urn),)),) for urn in broken),
    )


@scenarios
def owners_many(world: World, draw: Draw) -> Scenario:
    """Insert a row for each form of an owner at once; then again, each time with one of none."""
    table = draw(st.sampled_from(OWNED))
    team, user = world.team()
    broken = draw(broken_urns_of_each_kind(team=str(team["id"]), user=str(user["id"])))
    forms = [urn_of_user(user), urn_of_team(team), urn_of_member(team, user)]
    good = [owned(world, table, user, urn) for urn in forms]
    at = draw(st.integers(0, 2))
    bad = [
        [owned(world, table, user, urn) for urn in (*forms[:at], other, *forms[at + 1 :])]
        for other in broken
    ]
    if table == "usage":
        bad = [[{**row, "period": "2026-02"} for row in rows] for rows in bad]
    return Scenario(
        given=(tuple(world.given),),
        legal=((Insert(table, tuple(good)),),),
        broken=tuple((Insert(table, tuple(rows)),) for rows in bad),
    )


@scenarios
def owner_changes(world: World, draw: Draw) -> Scenario:
    """Write the same owner again; then some that have nearly its form; IMM-1 refuses as well."""
    table = draw(st.sampled_from(OWNED))
    team, user = world.team()
    forms = (urn_of_user(user), urn_of_team(team), urn_of_member(team, user))
    row = world.insert(table, owned(world, table, user, draw(st.sampled_from(forms))))
    broken = draw(broken_urns_of_each_kind(team=str(team["id"]), user=str(user["id"])))
    key = {"id": row["id"]}
    return Scenario(
        given=(tuple(world.given),),
        legal=((Update(table, key, {"owner": row["owner"]}, row),),),
        broken=tuple(fixed(Update(table, key, {"owner": urn}, row)) for urn in broken),
    )


@scenarios
def revived(world: World, draw: Draw) -> Scenario:
    """Revive a key of whoever may make one; then that of somebody who has become a viewer.

    A viewer's live key stays, and may be revoked.
    """
    team, _ = world.team()
    users = [world.member(team, draw(st.sampled_from(MAKERS))) for _ in range(3)]
    whole = draw(st.booleans())
    keys = [
        world.a_key(user, urn_of_team(team) if whole else urn_of_member(team, user))
        for user in users
    ]
    world.given.append(Insert("api_keys", tuple(keys)))
    good, bad, live = ({"id": key["id"]} for key in keys)
    end: Row = {"revoked_at": NOW}
    again: Row = {"revoked_at": None}
    world.given.append(Update("api_keys", bad, end))
    for user in users[1:]:
        seat = {"team_id": team["id"], "user_id": user["id"]}
        world.given.append(Update("memberships", seat, {"role": "viewer"}))
    return Scenario(
        given=(tuple(world.given),),
        legal=(
            (PlainWrite(Update("api_keys", good, end)), Update("api_keys", good, again, keys[0])),
            (Update("api_keys", live, end, keys[2]),),
        ),
        broken=((Update("api_keys", bad, again, keys[1]),),),
    )


WAYS: dict[str, Ways] = {
    "INV-X1": acted(
        (JOBS, PROJECT_JOBS),
        legal=(
            *acts(MAKERS, ("team", "member", "colleague")),
            *acts((*ROLES, "starter"), ("user",)),
        ),
        broken=(
            *acts(STRANGERS, ("team", "member", "colleague", "nobody's")),
            *acts(("member", "starter"), ("another's", "nobody's member")),
        ),
    ),
    "URN-1": by_shape(
        insert=owners,
        insert_many=owners_many,
        update=owner_changes,
        reasons={**ONE_ROW, Path.MOVE: "another owner is tried as an update"},
    ),
    "URN-2": acted(
        (JOBS, ASSETS, KEYS),
        legal=acts((*ROLES, "outsider", "starter"), ("user",)),
        broken=acts((*ROLES, "outsider", "starter"), ("another's",)),
    ),
    "ROLE-1": acted(
        (INVITATIONS, WEBHOOKS),
        legal=acts(("owner", "admin")),
        broken=acts(("member", "viewer", *STRANGERS)),
    ),
    "ROLE-2": besides(
        acted(
            (PROJECTS, JOBS, PROJECT_JOBS, ASSETS, PROJECT_ASSETS, KEYS),
            legal=acts(MAKERS, ("team", "member")),
            broken=acts(("viewer", *STRANGERS), ("team", "member")),
            strangers={
                "team": frozenset({"INV-X1", "INV-X2", "INV-A6"}),
                "member": frozenset({"INV-X1", "INV-X2", "INV-X4", "INV-A6"}),
            },
        ),
        update=revived,
    ),
}
