"""Near misses of the rules of usage: INV-US1 to INV-US4."""

from collections.abc import Callable

from conformance.engine.cases.scenario import Scenario, Ways
from conformance.engine.sql.writes import Row, Update
from strategies.instants import broken_periods, periods
from strategies.near_misses.relations import unique
from strategies.near_misses.ways import (
    INSERTING,
    ONE_ROW,
    Draw,
    by_shape,
    either,
    one_row,
    scenarios,
)
from strategies.sizes import int32s, negative_int32s
from strategies.world import World, urn_of_team, urn_of_user

# Months that are drawn may be this one.
NEXT = {"2026-02": "2026-03"}


def row(world: World) -> Row:
    """Make the row of an owner who has no other."""
    return world.a_usage(urn_of_user({"id": world.id()}))


def teams_row(world: World) -> Row:
    """Make the row of a team that has no other."""
    return world.a_usage(urn_of_team({"id": world.id()}))


def month_after(first: Row) -> Row:
    """Return the owner of a row, in another month."""
    return {"owner": first["owner"], "period": NEXT.get(str(first["period"]), "2026-02")}


def another_of_that_id(first: Row) -> Row:
    """Return the team that has the id of a row's user, or the user of its team, that month."""
    _, kind, owner = str(first["owner"]).split(":")
    urn = urn_of_user if kind == "team" else urn_of_team
    return {"owner": urn({"id": owner}), "period": first["period"]}


def once_a_month(near: Callable[[Row], Row]) -> Ways:
    """Return ways to give an owner a second row a month, and nearly so."""
    return unique(
        "usage",
        (row, teams_row),
        lambda first, _: {"owner": first["owner"], "period": first["period"]},
        near=near,
        immutable=True,
        keys=lambda _: periods().map(lambda month: {"period": month}),
    )


@scenarios
def counted(world: World, draw: Draw) -> Scenario:
    """Count in the row that an owner has for a month, which is named by both; then below zero."""
    first = world.insert("usage", row(world))
    key = {"owner": first["owner"], "period": first["period"]}
    good, bad = draw(int32s()), draw(negative_int32s())
    return Scenario(
        given=(tuple(world.given),),
        legal=((Update("usage", key, {"renders_count": good}, first),),),
        broken=((Update("usage", key, {"renders_count": bad}, first),),),
    )


WAYS: dict[str, Ways] = {
    "INV-US1": one_row(
        "usage",
        row,
        legal=periods().map(lambda month: {"period": month}),
        broken=broken_periods().map(lambda month: {"period": month}),
        immutable=True,
    ),
    "INV-US2": either(
        one_row(
            "usage",
            row,
            legal=int32s().map(lambda n: {"renders_count": n}),
            broken=negative_int32s().map(lambda n: {"renders_count": n}),
        ),
        by_shape(update=counted, reasons=ONE_ROW | dict.fromkeys(INSERTING, "tried by its own")),
    ),
    "INV-US3": one_row(
        "usage",
        row,
        legal=int32s().map(lambda n: {"credits_used": n}),
        broken=negative_int32s().map(lambda n: {"credits_used": n}),
    ),
    "INV-US4": either(once_a_month(month_after), once_a_month(another_of_that_id)),
}
