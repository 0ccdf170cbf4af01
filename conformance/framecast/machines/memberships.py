"""The machine of users, teams and memberships."""

from __future__ import annotations

from conformance.framecast.machines.machine import Machine, does, together
from conformance.framecast.operations import clock, memberships, teams, users


class MembershipMachine(Machine):
    """People sign up, found teams, invite each other, join, change roles, and leave."""

    setups = (
        "nothing",
        "a team",
        "a team",
        "nine owned teams",
        "forty nine invitations",
        "forty nine memberships",
    )

    sign_up = does(users.SIGN_UP)
    sign_up_as_creator = does(users.SIGN_UP_AS_CREATOR)
    upgrade = does(users.UPGRADE)
    downgrade = does(users.DOWNGRADE)
    change_email = does(users.CHANGE_EMAIL)
    delete_user = does(users.DELETE)
    erase_user = does(users.ERASE)
    found_team = does(teams.FOUND)
    delete_team = does(teams.DELETE)
    invite = does(memberships.INVITE)
    resend = does(memberships.RESEND)
    extend = does(memberships.EXTEND)
    revoke = does(memberships.REVOKE)
    reopen = does(memberships.REOPEN)
    accept = does(memberships.ACCEPT)
    join = does(memberships.JOIN)
    change_role = does(memberships.CHANGE_ROLE)
    hand_over = does(memberships.HAND_OVER)
    leave = does(memberships.LEAVE)
    let_time_pass = does(clock.PASS)
    do_together = together(*users.OPERATIONS, *teams.OPERATIONS, *memberships.OPERATIONS)
