"""For each rule, the smallest steps out of what is legal, along every write path.

`WAYS` has, for every rule of the catalogue and every write path, a strategy of scenarios or the
reason why the path cannot break the rule. To add a rule, write it into one of these modules.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from strategies.near_misses import (
    assets,
    bookkeeping,
    deletions,
    erasures,
    events,
    invitation_guests,
    invitation_members,
    invitations,
    job_caps,
    job_projects,
    job_states,
    job_steps,
    jobs,
    key_validity,
    keys,
    memberships,
    open_invitations,
    ownership,
    privacy,
    projects,
    rendering,
    retention,
    starter_jobs,
    subjects,
    system_assets,
    team_counts,
    team_keys,
    team_owners,
    teams,
    upkeep,
    usage,
    users,
    webhooks,
)
from strategies.near_misses.variety import varied

if TYPE_CHECKING:
    from collections.abc import Mapping

    from conformance.engine.cases.scenario import Ways

_AREAS = (
    assets,
    bookkeeping,
    deletions,
    erasures,
    events,
    invitation_guests,
    invitation_members,
    invitations,
    job_caps,
    job_projects,
    job_states,
    job_steps,
    jobs,
    key_validity,
    keys,
    memberships,
    open_invitations,
    ownership,
    privacy,
    projects,
    rendering,
    retention,
    starter_jobs,
    subjects,
    system_assets,
    team_counts,
    team_keys,
    team_owners,
    teams,
    upkeep,
    usage,
    users,
    webhooks,
)

WAYS: Mapping[str, Ways] = MappingProxyType(
    {
        rule: {
            path: way if isinstance(way, str) else varied(way, rule) for path, way in ways.items()
        }
        for area in _AREAS
        for rule, ways in area.WAYS.items()
    }
)
