"""For each rule on erased accounts: what breaks it, in every way that its query knows of."""

from dataclasses import replace
from typing import Final

from strategies.near_misses.privacy import stand_in
from strategies.world import World, urn_of_user
from tests.planted.planting import GHOST, Plant, Planted, all_of, found, noted

VIA: Final = {"via": "PL/pgSQL function public.erase_user(uuid) line 40 at SQL statement"}


def erased_with(table: str, **columns: object) -> Plant:
    """Plant an erased account that still has something, to be found by the user."""

    def plant(world: World) -> Planted:
        made = world.a_starter()
        gone = {**made, "email": f"{made['id']}@erased.invalid"}
        world.insert("users", {**gone, **columns})
        if table == "api_keys":
            world.insert(table, {**world.a_key(gone), "owner": urn_of_user(gone)})
        if table == "memberships":
            world.insert(table, world.a_membership(GHOST, gone))
        return found(world, gone["id"])

    return plant


def erased_in_its_team(*, seat: bool, alone: bool) -> Plant:
    """Plant an erased account where it may be, by a seat of another id, or with somebody."""

    def plant(world: World) -> Planted:
        made = world.a_creator()
        gone = {**made, "email": f"{made['id']}@erased.invalid"}
        world.insert("users", gone)
        team = world.a_team(id=stand_in(gone))
        own = world.a_membership(team, gone, role="owner")
        world.insert("memberships", {**own, "id": team["id"]} if seat else own)
        if not alone:
            world.insert("memberships", world.a_membership(team, GHOST))
        return found(world, gone["id"])

    return plant


def revived(world: World) -> Planted:
    """Plant an erased account that got an address again."""
    user = world.id()
    old, new = ({"id": user, "email": each} for each in (f"{user}@erased.invalid", "a@a.io"))
    world.given.append(noted("UPDATE", "users", old, new))
    return found(world, user)


def erased_too_much(table: str) -> Plant:
    """Plant a row that went within an erasure and had to stay, to be found by table and id."""

    def plant(world: World) -> Planted:
        key = world.id()
        gone = noted("DELETE", table, {"id": key})
        world.given.append(replace(gone, rows=tuple({**row, **VIA} for row in gone.rows)))
        return found(world, f"{table} {key}")

    return plant


PLANTS: Final = all_of(
    {
        "PRIVACY-1": (
            erased_with("users", name="Ann"),
            erased_with("users", avatar_url="https://a.io/a.png"),
            erased_with("api_keys"),
            erased_with("memberships"),
            erased_in_its_team(seat=False, alone=True),
            erased_in_its_team(seat=True, alone=False),
        ),
        "PRIVACY-2": revived,
        "PRIVACY-3": tuple(
            map(erased_too_much, ("users", "jobs", "job_events", "usage", "system_assets"))
        ),
    }
)
