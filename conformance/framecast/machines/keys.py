"""The machine of keys and assets."""

from __future__ import annotations

from conformance.framecast.machines.machine import Machine, does, in_turn, together
from conformance.framecast.operations import (
    assets,
    clock,
    keys,
    memberships,
    projects,
    teams,
    users,
)


class KeyAndAssetMachine(Machine):
    """Keys are made, used, expire and end with their membership; assets are uploaded."""

    setups = ("keys of each kind", "keys of each kind", "a team")

    make_key = does(keys.MAKE)
    use_key = does(keys.USE)
    expire_key = does(keys.EXPIRE)
    revoke_key = does(keys.REVOKE)
    revive_key = does(keys.REVIVE)
    give_key = does(keys.GIVE)
    announce_asset = does(assets.ANNOUNCE)
    say_asset = does(assets.SAY)
    move_asset = does(assets.MOVE)
    delete_asset = does(assets.DELETE)
    make_project = does(projects.MAKE)
    delete_project = does(projects.DELETE)
    upgrade = does(users.UPGRADE)
    delete_user = does(users.DELETE)
    erase_user = does(users.ERASE)
    delete_team = does(teams.DELETE)
    join = does(memberships.JOIN)
    change_role = does(memberships.CHANGE_ROLE)
    leave = does(memberships.LEAVE)
    let_time_pass = does(clock.PASS)
    leave_a_used_key = in_turn(keys.USE, memberships.LEAVE)
    leave_a_key = in_turn(keys.MAKE, memberships.LEAVE)
    make_another_as_somebody_else = in_turn(keys.MAKE, memberships.CHANGE_ROLE, keys.MAKE)
    join_and_leave_a_key = in_turn(memberships.JOIN, keys.MAKE, memberships.LEAVE)
    do_together = together(
        *keys.OPERATIONS, *assets.OPERATIONS, memberships.JOIN, memberships.LEAVE, teams.DELETE
    )
