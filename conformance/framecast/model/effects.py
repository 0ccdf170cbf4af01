"""Effects of a change: cascades, and the writes that the database makes by itself."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.framecast.model.entities import Membership, Team, nobodys, stand_in
from conformance.framecast.model.state import only

if TYPE_CHECKING:
    from conformance.framecast.model.entities import Job, Project, User, Webhook
    from conformance.framecast.model.state import State

# Where a job leaves its project.
AFTERWARDS = {"completed": "completed", "failed": "draft", "canceled": "draft"}


def end_memberships(state: State, *gone: Membership) -> State:
    """End memberships: the live keys of those users for those teams are revoked."""
    ended = {(each.team, each.user) for each in gone}
    revoked = [
        replace(key, revoked=True)
        for key in state.api_keys.values()
        if not key.revoked and (key.owner.team, key.user) in ended
    ]
    return state.drop(*gone).put(*revoked)


def delete_user(state: State, user: User) -> State:
    """Delete a user, with memberships and keys; what else refers to the user dangles."""
    state = end_memberships(state, *state.teams_of(user.id))
    return state.drop(user, *only(state.api_keys.values(), user=user.id))


def erase_user(state: State, user: User) -> State:
    """Erase an account: what says who the person is goes, and what others work with stays."""
    if user.erased:
        return state
    for seat in state.teams_of(user.id):
        # A transaction may have joined a team that does not exist, and is refused for it.
        team = state.teams.get(seat.team)
        if team is not None and state.members(seat.team) == [seat]:
            state = delete_team(state, team)
    state = end_memberships(state, *state.teams_of(user.id))
    invitations = [
        invitation
        for invitation in state.invitations.values()
        if invitation.inviter == user.id or invitation.email.lower() == user.email.lower()
    ]
    state = state.drop(*invitations, *only(state.api_keys.values(), user=user.id))
    state = state.put(replace(user, email=nobodys(user.id), name=None))
    if user.tier == "starter":
        return state
    # An empty team and its membership, of one id.
    empty = stand_in(user.id)
    return state.put(
        Team(empty, None, name="Erased account"), Membership(empty, empty, user.id, "owner")
    )


def delete_team(state: State, team: Team) -> State:
    """Delete a team with all that is the team's; its jobs stay."""
    state = end_memberships(state, *state.members(team.id))
    for project in only(state.projects.values(), team=team.id):
        state = delete_project(state, project)
    for webhook in only(state.webhooks.values(), team=team.id):
        state = delete_webhook(state, webhook)
    return state.drop(team, *only(state.invitations.values(), team=team.id))


def delete_project(state: State, project: Project) -> State:
    """Delete a project with its assets; its jobs stay, without it."""
    orphans = [replace(job, project=None) for job in only(state.jobs.values(), project=project.id)]
    assets = only(state.asset_files.values(), project=project.id)
    return state.drop(project, *assets).put(*orphans)


def delete_webhook(state: State, webhook: Webhook) -> State:
    """Delete a webhook with its deliveries."""
    return state.drop(webhook, *only(state.webhook_deliveries.values(), webhook=webhook.id))


def delete_job(state: State, job: Job) -> State:
    """Delete a job with its events; deliveries forget it."""
    events = only(state.job_events.values(), job=job.id)
    forgetful = [
        replace(each, job=None) for each in only(state.webhook_deliveries.values(), job=job.id)
    ]
    counters = {each: number for each, number in state.counters.items() if each != job.id}
    return replace(state.drop(job, *events).put(*forgetful), counters=counters)


def place_job(state: State, job: Job) -> State:
    """Put a new job, or one with a new status, and move its project along."""
    state = state.put(job)
    project = state.projects.get(job.project or 0)
    if project is None:
        return state
    return state.put(replace(project, status=AFTERWARDS.get(job.status, "rendering")))
