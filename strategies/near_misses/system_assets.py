"""Near misses of the rules of system assets: INV-SA1 to INV-SA3."""

from collections.abc import Callable
from functools import partial

from hypothesis import strategies as st

from conformance.engine.cases.scenario import Scenario, Ways
from conformance.engine.sql.no_label import NoLabel
from conformance.engine.sql.writes import Insert, Path, Row, Update
from strategies.enums import SYSTEM_ASSET_CATEGORY, broken_labels
from strategies.files import SYSTEM_ID_LIMIT, broken_system_asset_ids, system_asset_ids
from strategies.near_misses.relations import unique
from strategies.near_misses.ways import ONE_ROW, Draw, by_shape, fixed, one_row, scenarios
from strategies.world import World

CATEGORIES = st.sampled_from(SYSTEM_ASSET_CATEGORY)


def sound(world: World) -> Row:
    """Make a system asset, of each category in turn."""
    category = SYSTEM_ASSET_CATEGORY[world.serial() % len(SYSTEM_ASSET_CATEGORY)]
    return world.a_system_asset(category)


def of_category(world: World, category: str) -> Row:
    """Make a system asset of a category."""
    return world.a_system_asset(category)


def good_row(world: World, draw: Draw) -> Row:
    """Return a system asset with any id of its category."""
    category = draw(CATEGORIES)
    name = draw(system_asset_ids(category, world.serial()))
    return {**world.a_system_asset(category), "id": name}


def broken_id(category: str) -> st.SearchStrategy[str]:
    """Ids that are broken for another reason than their length, which is no matter of INV-SA2."""
    return broken_system_asset_ids(category).filter(lambda name: len(name) <= SYSTEM_ID_LIMIT)


def bad_row(world: World, draw: Draw) -> Row:
    """Return a system asset whose id is nearly one of its category."""
    category = draw(CATEGORIES)
    return {**world.a_system_asset(category), "id": draw(broken_id(category))}


@scenarios
def ids(world: World, draw: Draw) -> Scenario:
    """Insert an asset with an id of its category; then one with nearly such an id."""
    good, bad = good_row(world, draw), bad_row(world, draw)
    return Scenario(
        legal=((Insert("system_assets", (good,)),),),
        broken=((Insert("system_assets", (bad,)),),),
    )


@scenarios
def ids_many(world: World, draw: Draw) -> Scenario:
    """Insert two assets with ids of their categories; then one such and one that is nearly so."""
    rows = [good_row(world, draw) for _ in range(3)]
    rows.append(bad_row(world, draw))
    bad = rows[2:] if draw(st.booleans()) else rows[:1:-1]
    return Scenario(
        legal=((Insert("system_assets", tuple(rows[:2])),),),
        broken=((Insert("system_assets", tuple(bad)),),),
    )


@scenarios
def changes(world: World, draw: Draw) -> Scenario:
    """Write the same category and name another; then another category, or another id (IMM-1)."""
    row = world.insert("system_assets", good_row(world, draw))
    others = [name for name in SYSTEM_ASSET_CATEGORY if name != row["category"]]
    away = draw(
        st.one_of(
            st.sampled_from(others).map(lambda name: {"category": name}),
            broken_id(str(row["category"])).map(lambda name: {"id": name}),
        )
    )
    key = {"id": row["id"]}
    same = {"category": row["category"], "name": "Another"}
    return Scenario(
        given=(tuple(world.given),),
        legal=((Update("system_assets", key, same, row),),),
        broken=(fixed(Update("system_assets", key, away, row)),),
    )


def categories(changes: Callable[[NoLabel], Row]) -> Ways:
    """Return ways for texts that are no categories, as columns: INV-SA2 refuses most as well."""
    return one_row(
        "system_assets",
        sound,
        legal=st.just({"name": "Another"}),
        broken=broken_labels("system_asset_category").map(changes),
        also=frozenset({"INV-SA2"}),
    )


def named_so(category: NoLabel) -> Row:
    """Return an asset's category and the id that goes with it, which never changes."""
    name = NoLabel(category, category.enum, "asset_", "_0")
    return {"category": category, "id": name}


WAYS: dict[str, Ways] = {
    "INV-SA1": {
        **categories(lambda name: {"category": name}),
        **{
            path: ways
            for path, ways in categories(named_so).items()
            if path in (Path.INSERT, Path.INSERT_MANY, Path.COPY)
        },
    },
    "INV-SA2": by_shape(
        insert=ids,
        insert_many=ids_many,
        update=changes,
        reasons=ONE_ROW,
    ),
    "INV-SA3": unique(
        "system_assets",
        tuple(partial(of_category, category=each) for each in SYSTEM_ASSET_CATEGORY),
        lambda first, _: {"s3_key": first["s3_key"]},
        text="s3_key",
    ),
}
