"""The machine of all tables at once."""

from __future__ import annotations

from conformance.framecast.machines.machine import Machine, does, does_any, together
from conformance.framecast.operations import (
    OPERATIONS,
    assets,
    clock,
    credit,
    deliveries,
    events,
    jobs,
    keys,
    memberships,
    projects,
    teams,
    users,
)
from conformance.framecast.operations.setups import BY_NAME


class WholeMachine(Machine):
    """All that the product does, in any order."""

    setups = tuple(BY_NAME)

    act_as_users = does_any("users", *users.OPERATIONS)
    act_as_teams = does_any("teams", *teams.OPERATIONS)
    act_as_members = does_any("members", *memberships.OPERATIONS)
    act_on_projects = does_any("projects", *projects.OPERATIONS)
    act_on_jobs = does_any("jobs", *jobs.OPERATIONS)
    act_on_credits = does_any("credits", *credit.OPERATIONS)
    act_on_keys = does_any("keys", *keys.OPERATIONS)
    act_on_assets = does_any("assets", *assets.OPERATIONS)
    act_on_deliveries = does_any("deliveries", *deliveries.OPERATIONS)
    act_on_events = does_any("events", *events.OPERATIONS)
    let_time_pass = does(clock.PASS)
    do_together = together(*OPERATIONS.values())
