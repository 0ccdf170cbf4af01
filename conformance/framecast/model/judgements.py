"""Predicates on a state of the model, for rules that speak of several rows.

They are written from the domain's words and know nothing of the schema.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from conformance.framecast.model.entities import begins, uuid

if TYPE_CHECKING:
    from collections.abc import Iterable

    from conformance.framecast.model.state import State


def more(counted: Iterable[object], most: int) -> bool:
    """Return whether something is counted more often than a cap allows."""
    return any(number > most for number in Counter(counted).values())


def starters_in_teams(state: State) -> bool:
    """Return whether a starter is in a team."""
    users = state.users
    return any(
        m.user in users and users[m.user].tier == "starter" for m in state.memberships.values()
    )


def invites_self(state: State) -> bool:
    """Return whether somebody has invited their own address."""
    users = state.users
    return any(
        i.inviter in users and users[i.inviter].email.lower() == i.email.lower()
        for i in state.invitations.values()
    )


def invites_members(state: State) -> bool:
    """Return whether an open invitation is for somebody who is in that team."""
    invited = {
        (i.team, i.email.lower()) for i in state.invitations.values() if i.is_open(state.day)
    }
    users = state.users
    return bool(invited) and any(
        m.user in users and (m.team, users[m.user].email.lower()) in invited
        for m in state.memberships.values()
    )


def other_teams_jobs(state: State) -> bool:
    """Return whether a job's project is another team's."""
    projects = state.projects
    return any(
        j.project not in projects
        or (j.owner.team, j.owner.user) != (projects[j.project].team, None)
        for j in state.jobs.values()
        if j.project is not None
    )


def other_teams_assets(state: State) -> bool:
    """Return whether an asset's project is another team's."""
    projects = state.projects
    return any(
        a.project not in projects
        or (a.owner.team, a.owner.user) != (projects[a.project].team, None)
        for a in state.asset_files.values()
        if a.project is not None
    )


def idle_with_a_job(state: State) -> bool:
    """Return whether a project with an active job does not render."""
    busy = {j.project for j in state.jobs.values() if j.active and j.project is not None}
    return any(p.status != "rendering" and p.id in busy for p in state.projects.values())


def foreign_keys_of_members(state: State) -> bool:
    """Return whether a live key of a member is not that of its user in that team."""
    placed = {(m.team, m.user) for m in state.memberships.values()}
    return any(
        k.user != k.owner.user or (k.owner.team, k.user) not in placed
        for k in state.api_keys.values()
        if not k.revoked and k.owner.team is not None and k.owner.user is not None
    )


def foreign_keys_of_teams(state: State) -> bool:
    """Return whether a live key of a team is of somebody who is not in it."""
    placed = {(m.team, m.user) for m in state.memberships.values()}
    return any(
        (k.owner.team, k.user) not in placed
        for k in state.api_keys.values()
        if not k.revoked and k.owner.team is not None and k.owner.user is None
    )


def team_keys_of_starters(state: State) -> bool:
    """Return whether a starter has a key of a team."""
    users = state.users
    return any(
        k.owner.team is not None and k.user in users and users[k.user].tier == "starter"
        for k in state.api_keys.values()
    )


def known_though_erased(state: State) -> bool:
    """Return whether an erased account has a name, a key, or a team that is not its own alone."""
    erased = {user.id for user in state.users.values() if user.erased}
    return bool(erased) and (
        any(state.users[user].name is not None for user in erased)
        or any(k.user in erased for k in state.api_keys.values())
        or any(
            m.user in erased
            and not (
                m.id == m.team
                and uuid(m.team).bytes.startswith(begins(m.user))
                and state.members(m.team) == [m]
            )
            for m in state.memberships.values()
        )
    )


def is_month(period: str) -> bool:
    """Return whether a text is a month such as `2026-11`."""
    year, _, month = period.partition("-")
    return len(year) == 4 and year.isdigit() and month in {f"{n:02}" for n in range(1, 13)}  # noqa: PLR2004 - four digits of a year
