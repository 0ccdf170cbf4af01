"""Near misses of the rules of assets: INV-AF1 to INV-AF6, INV-X2, INV-X3, and STATE-ASSET."""

from hypothesis import strategies as st

from conformance.engine.cases.scenario import Fact, Scenario, Ways
from conformance.engine.sql.writes import Delete, Insert, Path, Row, Update
from strategies.enums import ASSET_STATUS
from strategies.files import broken_content_types, content_types
from strategies.near_misses.acting import acted
from strategies.near_misses.actors import ASSETS, PROJECT_ASSETS, acts
from strategies.near_misses.relations import parent, unique
from strategies.near_misses.ways import Draw, by_shape, either, fixed, label, one_row, scenarios
from strategies.owners import user_urn
from strategies.sizes import ASSET_LIMIT, asset_sizes, non_positive_sizes, oversizes
from strategies.world import World, urn_of_member, urn_of_team, urn_of_user

LEAVES_PENDING = [(old, new) for old in ASSET_STATUS for new in ASSET_STATUS if old == "pending"]
STAYS = [(status, status) for status in ASSET_STATUS]
LEAVES_END = [
    (old, new) for old in ASSET_STATUS for new in ASSET_STATUS if old not in ("pending", new)
]


def asset(world: World) -> Row:
    """Make an asset of a starter."""
    return world.an_asset(world.starter())


def project_asset(world: World) -> Row:
    """Make an asset of a project."""
    team, owner = world.team()
    project = world.project(team, owner)
    return world.an_asset(owner, urn_of_team(team), project_id=project["id"])


def owners(world: World, team: Row, user: Row) -> dict[str, str]:
    """Return the owners that are not a project's, in a world where somebody is in two teams."""
    other = world.owned_team(user)
    return {
        "user": urn_of_user(user),
        "member": urn_of_member(team, user),
        "other team": urn_of_team(other),
        "other member": urn_of_member(other, user),
    }


WRONG_OWNERS = st.sampled_from(("user", "member", "other team", "other member"))


@scenarios
def in_projects(world: World, draw: Draw) -> Scenario:
    """Put an asset of the team into its project, and one of anybody into none; then a wrong one."""
    team, owner = world.team()
    user = world.member(team)
    wrong = owners(world, team, user)[draw(WRONG_OWNERS)]
    project = world.project(team, owner)
    good = world.an_asset(user, urn_of_team(team), project_id=project["id"])
    free = world.an_asset(user, wrong, project_id=None)
    bad = world.an_asset(user, wrong, project_id=project["id"])
    return Scenario(
        given=(tuple(world.given),),
        legal=((Insert("asset_files", (good,)),), (Insert("asset_files", (free,)),)),
        broken=((Insert("asset_files", (bad,)),),),
    )


@scenarios
def in_projects_many(world: World, draw: Draw) -> Scenario:
    """Put an asset into each of two teams' projects, then swap one of them."""
    first, owner = world.team()
    second = world.owned_team(owner)
    places = [(team, world.project(team, owner)) for team in (first, second)]
    rows = [
        world.an_asset(owner, urn_of_team(team), project_id=project["id"])
        for team, project in places * 2
    ]
    swapped = draw(st.integers(2, 3))
    rows[swapped] = {**rows[swapped], "project_id": rows[3 - swapped]["project_id"]}
    return Scenario(
        given=(tuple(world.given),),
        legal=((Insert("asset_files", tuple(rows[:2])),),),
        broken=((Insert("asset_files", tuple(rows[2:])),),),
    )


@scenarios
def owner_changes(world: World, draw: Draw) -> Scenario:
    """Keep the owner of a project's asset; then give it another one; IMM-1 refuses as well."""
    team, owner = world.team()
    user = world.member(team)
    wrong = owners(world, team, user)[draw(WRONG_OWNERS)]
    project = world.project(team, owner)
    row = world.an_asset(user, urn_of_team(team), project_id=project["id"])
    world.insert("asset_files", row)
    key = {"id": row["id"]}
    return Scenario(
        given=(tuple(world.given),),
        legal=((Update("asset_files", key, {"owner": row["owner"]}, row),),),
        broken=(fixed(Update("asset_files", key, {"owner": wrong}, row)),),
    )


@scenarios
def into_projects(world: World, draw: Draw) -> Scenario:
    """Move an asset, of the user or of the team's own project, to another team's project."""
    team, owner = world.team()
    user = world.member(team)
    home = world.project(team, owner)
    other = world.owned_team(user)
    away = world.project(other, user)
    rows = (
        world.an_asset(user),
        world.an_asset(user, urn_of_team(team), project_id=home["id"]),
    )
    row = world.insert("asset_files", draw(st.sampled_from(rows)))
    key = {"id": row["id"]}
    return Scenario(
        given=(tuple(world.given),),
        legal=((Update("asset_files", key, {"project_id": row.get("project_id")}),),),
        broken=(fixed(Update("asset_files", key, {"project_id": away["id"]})),),
    )


@scenarios
def project_moves(world: World, _draw: Draw) -> Scenario:
    """Rename a project that has an asset; then move it to another team of its creator's."""
    team, owner = world.team()
    other = world.owned_team(owner)
    project = world.project(team, owner)
    row = world.an_asset(owner, urn_of_team(team), project_id=project["id"])
    world.insert("asset_files", row)
    key = {"id": project["id"]}
    return Scenario(
        given=(tuple(world.given),),
        legal=((Update("projects", key, {"name": "Another name"}),),),
        broken=(fixed(Update("projects", key, {"team_id": other["id"]})),),
    )


@scenarios
def project_ends(world: World, _draw: Draw) -> Scenario:
    """Delete a project: its assets go with it, and those of no project stay."""
    team, owner = world.team()
    project = world.project(team, owner)
    inside = world.an_asset(owner, urn_of_team(team), project_id=project["id"])
    beside = world.an_asset(owner, urn_of_team(team))
    world.insert("asset_files", inside)
    world.insert("asset_files", beside)
    return Scenario(
        given=(tuple(world.given),),
        legal=((Delete("projects", {"id": project["id"]}),),),
        facts=(
            Fact("SELECT min(id::text) FROM public.asset_files", str(beside["id"]), side=False),
        ),
    )


def in_state(world: World, status: str) -> Row:
    """Insert an asset, and move it on to a status."""
    make = (asset, project_asset)[world.serial() % 2]
    row = world.insert("asset_files", make(world))
    if status != "pending":
        world.given.append(Update("asset_files", {"id": row["id"]}, {"status": status}))
    return row


@scenarios
def statuses(world: World, draw: Draw) -> Scenario:
    """Move an asset on from pending, or leave it as it is; then move one that has ended."""
    old, new = draw(st.sampled_from([*LEAVES_PENDING, *STAYS]))
    end, beyond = draw(st.sampled_from(LEAVES_END))
    good, bad = in_state(world, old), in_state(world, end)
    return Scenario(
        given=(tuple(world.given),),
        legal=((Update("asset_files", {"id": good["id"]}, {"status": new}, good),),),
        broken=((Update("asset_files", {"id": bad["id"]}, {"status": beyond}, bad),),),
    )


@scenarios
def ends_in_one_go(world: World, draw: Draw) -> Scenario:
    """Make an asset and end its upload in one transaction; then end it in another way as well."""
    end, beyond = draw(st.sampled_from(LEAVES_END))
    good, bad = asset(world), asset(world)
    first, last = ({"status": status} for status in (end, beyond))
    return Scenario(
        given=(tuple(world.given),),
        legal=(
            (
                Insert("asset_files", (good,)),
                Update("asset_files", {"id": good["id"]}, first, good),
            ),
        ),
        broken=(
            (
                Insert("asset_files", (bad,)),
                Update("asset_files", {"id": bad["id"]}, first, bad),
                Update("asset_files", {"id": bad["id"]}, last, bad),
            ),
        ),
    )


WAYS: dict[str, Ways] = {
    "INV-AF1": label(
        "asset_files",
        asset,
        "status",
        "asset_status",
        legal=st.just("pending"),
        also=frozenset({"STATE-ASSET"}),
    ),
    "INV-AF2": one_row(
        "asset_files",
        asset,
        legal=asset_sizes().map(lambda size: {"size_bytes": size}),
        broken=non_positive_sizes().map(lambda size: {"size_bytes": size}),
    ),
    "INV-AF3": one_row(
        "asset_files",
        asset,
        # The edge is what shows that the limit is no lower; it is tried first, and often.
        legal=st.one_of(st.just(ASSET_LIMIT), asset_sizes()).map(lambda size: {"size_bytes": size}),
        broken=oversizes().map(lambda size: {"size_bytes": size}),
    ),
    "INV-AF4": one_row(
        "asset_files",
        asset,
        legal=content_types().map(lambda name: {"content_type": name}),
        broken=broken_content_types().map(lambda name: {"content_type": name}),
    ),
    "INV-AF5": parent(
        "asset_files",
        asset,
        "uploaded_by",
        "users",
        cascades=False,
        naming=lambda absent: {"owner": user_urn(absent)},
    ),
    "INV-AF6": unique(
        "asset_files",
        (asset, project_asset),
        lambda first, _: {"s3_key": first["s3_key"]},
        text="s3_key",
        ends=tuple({"status": status} for status in ASSET_STATUS[1:]),
    ),
    "INV-X2": acted(
        (ASSETS, PROJECT_ASSETS),
        legal=(
            *acts(("owner", "admin", "member"), ("team", "member", "colleague")),
            *acts(("owner", "member", "viewer", "starter"), ("user",)),
        ),
        broken=(
            *acts(("outsider", "starter"), ("team", "member", "colleague", "nobody's")),
            *acts(("member", "starter"), ("another's", "nobody's member")),
        ),
    ),
    "INV-X3": by_shape(
        insert=in_projects,
        insert_many=in_projects_many,
        update=owner_changes,
        move=into_projects,
        other=project_moves,
        cascade=project_ends,
        reasons={
            Path.DELETE: "an asset that is gone breaks nothing; a project's end is a cascade",
            Path.TRUNCATE: "assets refer to projects, so they are truncated with them",
        },
    ),
    "STATE-ASSET": either(
        one_row(
            "asset_files",
            asset,
            legal=st.just({"status": "pending"}),
            broken=st.sampled_from(ASSET_STATUS[1:]).map(lambda status: {"status": status}),
            no_update="tried by its own",
        ),
        by_shape(
            update=st.one_of(statuses, ends_in_one_go),
            reasons=dict.fromkeys(Path, "tried by its own"),
        ),
    ),
}
