"""The rules that hold always, as predicates on a state of the model.

They are written from the domain's words and know nothing of the schema. Rules on writes and
transitions compare two states, and stand with the operations that may break them. What a table
asks beside the rules (a key, a form) has a name of its own: `KEY jobs`, `CHECK users`.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, TypeAlias

from conformance.framecast.model.entities import FINISHED
from conformance.framecast.rules import RULES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from conformance.framecast.model.state import State

    Predicate: TypeAlias = Callable[[State], bool]

CONTENT_TYPES = frozenset(f"image/{kind}" for kind in ("jpeg", "png", "webp")) | {
    "audio/mpeg",
    "audio/wav",
    "audio/ogg",
    "video/mp4",
}
MIB = 1024 * 1024


def _more(counted: Iterable[object], most: int) -> bool:
    return any(number > most for number in Counter(counted).values())


def _teams_without(state: State, *, owners: bool) -> bool:
    held = {m.team for m in state.memberships.values() if m.role == "owner" or not owners}
    return not held.issuperset(state.teams)


def _creators_without_team(state: State) -> bool:
    placed = {m.user for m in state.memberships.values()}
    return any(u.tier == "creator" and u.id not in placed for u in state.users.values())


def _starters_in_teams(state: State) -> bool:
    users = state.users
    return any(
        m.user in users and users[m.user].tier == "starter" for m in state.memberships.values()
    )


def _invites_self(state: State) -> bool:
    users = state.users
    return any(
        i.inviter in users and users[i.inviter].email.lower() == i.email.lower()
        for i in state.invitations.values()
    )


def _invites_members(state: State) -> bool:
    invited = {
        (i.team, i.email.lower()) for i in state.invitations.values() if i.is_open(state.day)
    }
    users = state.users
    return bool(invited) and any(
        m.user in users and (m.team, users[m.user].email.lower()) in invited
        for m in state.memberships.values()
    )


def _other_teams_jobs(state: State) -> bool:
    projects = state.projects
    return any(
        j.project not in projects
        or (j.owner.team, j.owner.user) != (projects[j.project].team, None)
        for j in state.jobs.values()
        if j.project is not None
    )


def _other_teams_assets(state: State) -> bool:
    projects = state.projects
    return any(
        a.project not in projects
        or (a.owner.team, a.owner.user) != (projects[a.project].team, None)
        for a in state.asset_files.values()
        if a.project is not None
    )


def _rendering(state: State, *, idle: bool) -> bool:
    """Tell of projects that render without a job, or of those with a job that do not render."""
    busy = {j.project for j in state.jobs.values() if j.active and j.project is not None}
    if idle:
        return any(p.status == "rendering" and p.id not in busy for p in state.projects.values())
    return any(p.status != "rendering" and p.id in busy for p in state.projects.values())


def _foreign_keys_of_members(state: State) -> bool:
    placed = {(m.team, m.user) for m in state.memberships.values()}
    return any(
        k.user != k.owner.user or (k.owner.team, k.user) not in placed
        for k in state.api_keys.values()
        if not k.revoked and k.owner.team is not None and k.owner.user is not None
    )


def _foreign_keys_of_teams(state: State) -> bool:
    placed = {(m.team, m.user) for m in state.memberships.values()}
    return any(
        (k.owner.team, k.user) not in placed
        for k in state.api_keys.values()
        if not k.revoked and k.owner.team is not None and k.owner.user is None
    )


def _team_keys_of_starters(state: State) -> bool:
    users = state.users
    return any(
        k.owner.team is not None and k.user in users and users[k.user].tier == "starter"
        for k in state.api_keys.values()
    )


def _known_though_erased(state: State) -> bool:
    erased = {user.id for user in state.users.values() if user.erased}
    return bool(erased) and (
        any(state.users[user].name is not None for user in erased)
        or any(k.user in erased for k in state.api_keys.values())
        or any(m.user in erased and m.team != m.user for m in state.memberships.values())
    )


def _is_month(period: str) -> bool:
    year, _, month = period.partition("-")
    return len(year) == 4 and year.isdigit() and month in {f"{n:02}" for n in range(1, 13)}  # noqa: PLR2004 - four digits of a year


ALWAYS: dict[str, tuple[frozenset[str], Predicate]] = {
    rule: (frozenset(tables.split()), broken)
    for rule, tables, broken in (
        (
            "INV-U1",
            "users",
            lambda s: any((u.tier == "creator") != u.upgraded for u in s.users.values()),
        ),
        ("INV-U2", "users memberships", _creators_without_team),
        ("INV-U3", "users memberships", _starters_in_teams),
        ("INV-M4", "users memberships", _starters_in_teams),
        ("INV-U5", "users", lambda s: any(u.credits < 0 for u in s.users.values())),
        ("INV-T1", "teams memberships", lambda s: _teams_without(s, owners=False)),
        ("INV-T2", "teams memberships", lambda s: _teams_without(s, owners=True)),
        ("CARD-1", "teams memberships", lambda s: _teams_without(s, owners=True)),
        (
            "INV-T4",
            "teams",
            lambda s: any(
                t.slug is not None
                and not (
                    t.slug.strip("-") == t.slug
                    and t.slug.replace("-", "a").isalnum()
                    and t.slug.isascii()
                    and t.slug == t.slug.lower()
                )
                for t in s.teams.values()
            ),
        ),
        ("INV-T6", "teams", lambda s: any(t.credits < 0 for t in s.teams.values())),
        *(
            (
                rule,
                "invitations",
                lambda s: any(
                    i.accepted is not None and i.revoked is not None for i in s.invitations.values()
                ),
            )
            for rule in ("INV-I3", "INV-I4")
        ),
        ("INV-I7", "users invitations", _invites_self),
        ("INV-I8", "users memberships invitations", _invites_members),
        *(
            (
                rule,
                "invitations",
                lambda s: any(i.expires <= i.created for i in s.invitations.values()),
            )
            for rule in ("INV-I9", "INV-TIME4")
        ),
        ("INV-P5", "projects jobs", lambda s: _rendering(s, idle=True)),
        ("STATE-PROJECT", "projects jobs", lambda s: _rendering(s, idle=False)),
        (
            "INV-J4",
            "jobs",
            lambda s: any(j.status == "completed" and not j.output for j in s.jobs.values()),
        ),
        (
            "INV-J5",
            "jobs",
            lambda s: any(j.status == "failed" and not j.error for j in s.jobs.values()),
        ),
        (
            "INV-J6",
            "jobs",
            lambda s: any(
                j.status in FINISHED and j.status != "completed" and j.failure is None
                for j in s.jobs.values()
            ),
        ),
        (
            "INV-J7",
            "jobs",
            lambda s: any(
                j.status == "completed" and j.failure is not None for j in s.jobs.values()
            ),
        ),
        ("INV-J8", "jobs", lambda s: any(j.refunded > j.charged for j in s.jobs.values())),
        (
            "INV-J9",
            "jobs",
            lambda s: any(j.refunded < 0 or j.charged < 0 for j in s.jobs.values()),
        ),
        ("INV-J11", "jobs projects", _other_teams_jobs),
        (
            "INV-J12",
            "jobs",
            lambda s: _more(
                (j.project for j in s.jobs.values() if j.active and j.project is not None), 1
            ),
        ),
        (
            "KEY jobs",
            "jobs",
            lambda s: _more(((j.user, j.key) for j in s.jobs.values() if j.key is not None), 1),
        ),
        (
            "REFERENCE job_events",
            "job_events jobs",
            lambda s: any(e.job not in s.jobs for e in s.job_events.values()),
        ),
        ("INV-A2", "api_keys", lambda s: any(not k.hash for k in s.api_keys.values())),
        ("INV-A6", "api_keys users", _team_keys_of_starters),
        ("INV-A7", "api_keys users", _team_keys_of_starters),
        ("PRIVACY-1", "users memberships api_keys", _known_though_erased),
        ("INV-X4", "api_keys memberships", _foreign_keys_of_members),
        ("AUTO-REVOKE", "api_keys memberships", _foreign_keys_of_teams),
        ("INV-AF2", "asset_files", lambda s: any(a.size <= 0 for a in s.asset_files.values())),
        (
            "INV-AF3",
            "asset_files",
            lambda s: any(a.size > 50 * MIB for a in s.asset_files.values()),
        ),
        (
            "INV-AF4",
            "asset_files",
            lambda s: any(a.kind not in CONTENT_TYPES for a in s.asset_files.values()),
        ),
        ("INV-X3", "asset_files projects", _other_teams_assets),
        ("INV-W2", "webhooks", lambda s: any(not w.events for w in s.webhooks.values())),
        ("INV-W3", "webhooks", lambda s: any(None in w.events for w in s.webhooks.values())),
        (
            "INV-W4",
            "webhooks",
            lambda s: any(not w.url.startswith("https://e") for w in s.webhooks.values()),
        ),
        (
            "INV-WD3",
            "webhook_deliveries",
            lambda s: any(d.attempts > d.limit for d in s.webhook_deliveries.values()),
        ),
        (
            "INV-WD4",
            "webhook_deliveries",
            lambda s: any(
                d.status == "delivered" and not d.arrived for d in s.webhook_deliveries.values()
            ),
        ),
        ("INV-US1", "usage", lambda s: any(not _is_month(u.period) for u in s.usage.values())),
        ("INV-US2", "usage", lambda s: any(u.renders < 0 for u in s.usage.values())),
        ("INV-US3", "usage", lambda s: any(u.used < 0 for u in s.usage.values())),
    )
} | {
    rule.id: (frozenset(rule.kind.tables), rule.kind.is_broken)
    for rule in RULES.values()
    if rule.kind is not None
}


def broken(state: State, tables: frozenset[str]) -> frozenset[str]:
    """Return the rules that a state breaks, of those that speak of some tables."""
    return frozenset(
        rule
        for rule, (speaks_of, is_broken) in ALWAYS.items()
        if not tables.isdisjoint(speaks_of) and is_broken(state)
    )
