"""Near misses of the function that erases an account: PRIVACY-3."""

from collections.abc import Iterable
from itertools import cycle
from typing import Final

from hypothesis import strategies as st

from conformance.engine.cases.scenario import Fact, OwnCheck, Scenario, Ways
from conformance.engine.sql.writes import Insert, Path, RawSql, Row, Update
from strategies.enums import INVITATION_ROLE
from strategies.instants import FUTURE_START
from strategies.near_misses.keys import REVOKED, in_form
from strategies.near_misses.privacy import PERSONS, erases, nobodys, stand_in
from strategies.near_misses.ways import Draw, scenarios
from strategies.people import recased_emails
from strategies.world import NOW, World, urn_of_member, urn_of_team, urn_of_user

# Addresses of others, whatever a text is compared by: its beginning, or as a pattern.
OTHERS: Final = ("ad@example.com", "adi@example.com", "ada@example.com.au", "ad_@example.com.au")
MANY: Final = 11
UNKNOWN: Final = "ffffffff-ffff-4fff-8fff-ffffffffffff"


def left(table: str, rows: Iterable[Row]) -> Fact:
    """Return that these rows of a table are left, and no others."""
    ids = " ".join(sorted(str(row["id"]) for row in rows))
    query = f"SELECT coalesce(string_agg(id::text, ' ' ORDER BY id), '') FROM public.{table}"
    return Fact(query, ids)


def gone(table: str) -> Fact:
    """Return that no row of a table is left."""
    return Fact(f"SELECT count(*) FROM public.{table}", 0, side=False)


def whole(table: str, row: Row, columns: Iterable[str]) -> Fact:
    """Return that some columns of a row hold what they held."""
    named = [name for name in columns if name in row]
    texts = ", ".join(f"{name}::text" for name in named)
    query = f"SELECT concat_ws('|', {texts}) FROM public.{table} WHERE id = '{row['id']}'"
    return Fact(query, "|".join(str(row[name]) for name in named if row[name] is not None))


def person(user: Row, state: str) -> tuple[Fact, ...]:
    """Return that an account says nothing of anybody, and is in a state otherwise."""
    columns = "email, coalesce(name, '-'), coalesce(avatar_url, '-'), tier, credits"
    query = f"SELECT concat_ws(' ', {columns}) FROM public.users WHERE id = '{user['id']}'"
    return (Fact(query, f"{nobodys(user)} - - {state}"),)


@scenarios
def starters(world: World, draw: Draw) -> Scenario:
    """Erase a starter: name, address, picture and keys go, and so do invitations to that address.

    Jobs, uploads and usage stay, and so does all that is another's, whatever it looks like. Nobody
    is erased twice, in one transaction or another, or without being there.
    """
    team, owner = world.team()
    name = draw(PERSONS)
    email = draw(st.sampled_from(("ada@example.com", "ad_@example.com")))
    user = world.starter(**name, credits=7, email=draw(recased_emails(email)))
    others = [
        world.starter(**name, email="ada@example.com.au"),
        world.starter(**name, email="adi@example.com"),
    ]
    # More than ten, so that none is passed over.
    world.given += [Insert("api_keys", tuple(world.a_key(user) for _ in range(MANY)))]
    keys = [
        world.insert("api_keys", {**world.a_key(each), **end})
        for each in (user, *others)
        for end in ({}, REVOKED)
    ]
    ends: tuple[Row, ...] = (
        *({"accepted_at": FUTURE_START}, {"revoked_at": NOW}),
        *({} for _ in range(MANY)),
    )
    invitations = [
        world.insert("invitations", world.an_invitation(team, owner, email=email))
        for email in (*(draw(recased_emails(email)) for _ in ends), *OTHERS)
    ]
    answers = [
        Update("invitations", {"id": invitation["id"]}, end)
        for invitation, end in zip(invitations, ends, strict=False)
        if end
    ]
    job, asset = world.job(user), world.insert("asset_files", world.an_asset(user))
    usage = world.insert("usage", world.a_usage(urn_of_user(user)))
    rows = (user, *others, owner)
    return Scenario(
        given=(tuple(world.given), tuple(answers)),
        within=(
            OwnCheck((RawSql(erases(user)),), (Fact(erases(user), expected=False, side=False),)),
        ),
        facts=(
            Fact(f"SELECT public.erase_user('{UNKNOWN}')", expected=False, side=False),
            Fact("SELECT public.erase_user(NULL)", expected=False, side=False),
            left("invitations", invitations),
            Fact(erases(user), expected=True),
            *person(user, "starter 7"),
            *(whole("users", each, ("email", "name", "avatar_url")) for each in others),
            left("users", rows),
            left("api_keys", keys[2:]),
            left("invitations", invitations[len(ends) :]),
            left("jobs", [job]),
            left("asset_files", [asset]),
            left("usage", [usage]),
            left("teams", [team]),
            Fact(erases(user), expected=False, side=False),
            *person(user, "starter 7"),
        ),
    )


@scenarios
def creators(world: World, draw: Draw) -> Scenario:
    """Erase a creator who works with others: the memberships go, and what was made stays.

    All invitations from and to the person go, of every team; no others. An owner is left in each
    team.
    """
    team, owner = world.team()
    far, stranger = world.team()
    role = draw(st.sampled_from(("owner", "admin")))
    user = world.insert("users", world.a_creator(credits=7, email="ada@example.com"))
    for place, as_what in ((team, role), (far, "admin")):
        world.insert("memberships", world.a_membership(place, user, role=as_what))
    seats, own = ((team, owner), (far, stranger)), stand_in(user)
    keys = [
        world.insert("api_keys", {**in_form(world, form, place, who), **end})
        for who in (owner, user)
        for form, place in (("user", team), ("team", team), ("member", team), ("team", far))
        if who is user or place is team
        for end in ({}, REVOKED)
    ]
    invitations = [
        world.insert("invitations", world.an_invitation(place, who, **columns))
        for place, who, columns in (
            (team, owner, {}),
            (team, user, {}),
            *((team, user, {"role": role}) for role in INVITATION_ROLE for _ in ANSWERED),
            (far, user, {"email": "ada@example.org"}),
            (far, stranger, {}),
        )
    ]
    world.given += [
        Update("invitations", {"id": row["id"]}, end, row)
        for row, end in zip(invitations[2:-2], cycle(ANSWERED), strict=False)
    ]
    elsewhere, host = world.team()
    to = world.an_invitation(elsewhere, host, email=draw(recased_emails("ada@example.com")))
    world.insert("invitations", to)
    project = world.project(team, user)
    jobs = [world.job(user, urn_of_team(team), project_id=project["id"])]
    jobs.append(world.job(user, urn_of_member(team, user)))
    asset = world.an_asset(user, urn_of_team(team), project_id=project["id"])
    world.insert("asset_files", asset)
    hook = world.insert("webhooks", world.a_webhook(team, user))
    return Scenario(
        given=(tuple(world.given),),
        facts=(
            Fact(erases(user), expected=True),
            *person(user, "creator 7"),
            left("teams", (team, far, elsewhere, {"id": own})),
            Fact(
                "SELECT string_agg(concat_ws(' ', team_id, role), ', ' ORDER BY team_id)"
                f" FROM public.memberships WHERE user_id = '{user['id']}'",
                f"{own} owner",
            ),
            *(
                Fact(
                    f"SELECT count(*) FROM public.memberships WHERE team_id = '{place['id']}'"
                    f" AND user_id = '{who['id']}' AND role = 'owner'",
                    1,
                )
                for place, who in (*seats, (elsewhere, host))
            ),
            Fact(
                f"SELECT concat_ws(' ', name, credits) FROM public.teams WHERE id = '{own}'",
                "Erased account 0",
            ),
            left("api_keys", keys[:6]),
            left("invitations", (invitations[0], invitations[-1])),
            left("projects", [project]),
            left("jobs", jobs),
            left("asset_files", [asset]),
            left("webhooks", [hook]),
            *(whole("jobs", job, ("owner", "triggered_by", "status")) for job in jobs),
            Fact(erases(user), expected=False, side=False),
            left("teams", (team, far, elsewhere, {"id": own})),
        ),
    )


@scenarios
def alone(world: World, draw: Draw) -> Scenario:
    """Erase a creator who is alone in some teams: those go, with all that is theirs.

    A team goes only if nobody else is in it, and the jobs that it paid for stay, as ever.
    """
    user = world.insert("users", world.a_creator(email="ada@example.com", **draw(PERSONS)))
    lone = [world.owned_team(user), world.owned_team(user)]
    kept, other = world.team()
    world.insert("memberships", world.a_membership(kept, user, role=draw(st.sampled_from(ROLES))))
    goes, stays = world.project(lone[0], user), world.project(kept, other)
    made = world.an_asset(user, urn_of_team(lone[0]), project_id=goes["id"])
    world.insert("asset_files", made)
    hook = world.insert("webhooks", world.a_webhook(lone[1], user))
    world.insert("webhook_deliveries", world.a_delivery(hook))
    for team in lone:
        world.insert("invitations", world.an_invitation(team, user))
    kept_invitation = world.insert("invitations", world.an_invitation(kept, other))
    job = world.job(user, urn_of_team(lone[0]), project_id=goes["id"])
    world.move(job, draw(st.sampled_from(("completed", "failed", "canceled"))))
    return Scenario(
        given=(tuple(world.given),),
        facts=(
            Fact(erases(user), expected=True),
            *person(user, "creator 0"),
            left("teams", (kept, {"id": stand_in(user)})),
            left("projects", [stays]),
            *(gone(table) for table in ("asset_files", "webhooks", "webhook_deliveries")),
            left("invitations", [kept_invitation]),
            left("jobs", [job]),
            Fact(f"SELECT count(*) FROM public.memberships WHERE team_id = '{kept['id']}'", 1),
        ),
    )


@scenarios
def crowded(world: World, draw: Draw) -> Scenario:
    """Erase somebody while others have the ids that the erased one's team would have.

    The person is in those teams or not; they are others', and stay. So does a team of the user's
    own id. All rules may be asked at once, and the person may own as many teams as anybody.
    """
    user = world.insert("users", world.a_creator(email="ada@example.com", **draw(PERSONS)))
    own, other = stand_in(user), world.creator()
    seat = world.owned_team(other)
    taken = [world.owned_team(other, id=user["id"])]
    if draw(st.booleans()):
        taken.append(world.owned_team(other, id=own))
    if len(taken) == 1 or draw(st.booleans()):
        role = draw(st.sampled_from(("owner", "admin", "member", "viewer")))
        named = world.a_membership(seat, world.creator(), role=role)
        world.insert("memberships", {**named, "id": own})
    for team in taken:
        if draw(st.booleans()):
            world.insert("memberships", world.a_membership(team, user, role="admin"))
    for _ in range(draw(st.sampled_from((9, 10)))):
        world.owned_team(user)
    at_once = RawSql(f"SET CONSTRAINTS ALL {draw(st.sampled_from(('IMMEDIATE', 'DEFERRED')))}")
    begins = str(own)[:18]
    return Scenario(
        given=(tuple(world.given),),
        legal=((at_once, RawSql(erases(user))),),
        facts=(
            *person(user, "creator 0"),
            Fact(
                "SELECT concat_ws(' ', count(*), min(left(m.team_id::text, 18)), min(m.role),"
                " min(t.name)) FROM public.memberships AS m JOIN public.teams AS t"
                f" ON t.id = m.team_id WHERE m.user_id = '{user['id']}'",
                f"1 {begins} owner Erased account",
            ),
            *(whole("teams", team, ("id", "name")) for team in taken),
            *(
                Fact(
                    "SELECT string_agg(concat_ws(' ', user_id, role), ', ')"
                    f" FROM public.memberships WHERE team_id = '{team['id']}'",
                    f"{other['id']} owner",
                )
                for team in taken
            ),
            Fact(erases(user), expected=False, side=False),
        ),
    )


@scenarios
def among_others(world: World, draw: Draw) -> Scenario:
    """Erase somebody while a team is being made, which has nobody yet: it is none of theirs."""
    user, founder = world.creator(), world.creator()
    team = world.a_team()
    joins = world.a_membership(team, founder, role="owner")
    writes = Insert("teams", (team,)), RawSql(erases(user)), Insert("memberships", (joins,))
    return Scenario(
        given=(tuple(world.given),),
        legal=(writes if draw(st.booleans()) else (writes[0], writes[2], writes[1]),),
        facts=(
            Fact(
                "SELECT count(*) FROM public.memberships WHERE role = 'owner'"
                f" AND team_id = '{team['id']}'",
                1,
            ),
            Fact(erases(user), expected=False, side=False),
        ),
    )


ANSWERED: Final[tuple[Row, ...]] = ({"accepted_at": FUTURE_START}, {"revoked_at": NOW})
ROLES: Final = ("owner", "admin", "member", "viewer")
CALLED: Final = "is a function that is called, whatever carries other writes"

WAYS: dict[str, Ways] = {
    "PRIVACY-3": {
        **dict.fromkeys(Path, CALLED),
        Path.UPDATE: starters,
        Path.OTHER: st.one_of(creators, among_others),
        Path.CASCADE: st.one_of(alone, crowded),
    },
}
