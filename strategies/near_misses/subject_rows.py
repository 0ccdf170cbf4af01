"""Rows of every table and status, with what they are about: for IMM-1 to try each column of."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final, TypeAlias

from conformance.engine.sql.documents import Json, Jsonb
from conformance.engine.sql.writes import Insert, Row, Sql, Update, Write
from strategies.enums import MEMBERSHIP_ROLE, SYSTEM_ASSET_CATEGORY
from strategies.instants import FUTURE_START, TICK
from strategies.near_misses.webhooks import NEEDS as DELIVERIES
from strategies.session_settings import AGAIN
from strategies.usual import usual
from strategies.world import NEEDS, NOW, World, urn_of_member, urn_of_team, urn_of_user

CREATED: Row = {"created_at": NOW}


@dataclass(frozen=True, slots=True)
class Subject:
    """A row that has been inserted, and what becomes of it.

    Attributes:
        table: its table.
        row: the row, with every column that is fixed.
        other: for each fixed column, further values which it never takes.
        free: other columns, which may change.
        alike: fixed columns in another spelling of the same values.
        also: other rules that hold the row as it is.
        along: what changes in the same statement as a fixed column.
        beside: what has to be written before that, in the same transaction.
    """

    table: str
    row: Row
    other: dict[str, tuple[object, ...]]
    free: Row
    alike: Row = field(default_factory=dict)
    also: frozenset[str] = frozenset()
    along: Row = field(default_factory=dict)
    beside: tuple[Write, ...] = ()

    def changes(self, columns: Iterable[str]) -> list[Row]:
        """Return the ways to change one of these columns."""
        return [{column: value} for column in columns for value in self.other[column]]


def subject(
    world: World,
    table: str,
    row: Row,
    other: Row,
    free: Row,
    *,
    aged: bool = True,
    alike: Row | None = None,
) -> Subject:
    """Insert a row, and return it with other values for its columns; its times are understood."""
    row = {**row, **(CREATED if aged else {})}
    world.insert(table, row)
    values = {
        "id": (world.id(),),
        "created_at": (NOW - TICK, NOW + TICK, NOW + AGAIN),
        **{column: each if isinstance(each, tuple) else (each,) for column, each in other.items()},
    }
    return Subject(table, row, values, free, alike or {})


# What is no longer [1, 2] and ["read", 1]: in another order, with less, with more, of other types.
_OTHER_SPECS: Final[tuple[Json, ...]] = (
    {"scenes": [2, 1]},
    {"scenes": [1, 2], "more": 1},
    {},
    None,
)
_OTHER_SCOPES: Final[tuple[Json, ...]] = (
    ["read"],
    [1, "read"],
    ["read", "1"],
    ["read", 1, "more"],
    [],
)
OTHER_USER: Row = {"email": "other@example.com", "name": "Other", "credits": 1}


def users(world: World) -> Subject:
    """Insert a starter."""
    return subject(world, "users", world.a_starter(), {}, OTHER_USER)


def creators(world: World) -> Subject:
    """Insert a creator with a team."""
    made = subject(world, "users", world.a_creator(), {}, OTHER_USER)
    world.owned_team(made.row)
    return made


def upgrading(world: World) -> Subject:
    """Insert a starter, who is upgraded by the statement that changes what is fixed."""
    made, (team, _) = users(world), world.team()
    joins = Insert("memberships", (world.a_membership(team, made.row),))
    return replace(made, along={"tier": "creator", "upgraded_at": usual(NOW)}, beside=(joins,))


def teams(world: World) -> Subject:
    """Insert a team."""
    owner, row = world.creator(), world.a_team()
    world.insert("memberships", world.a_membership(row, owner, role="owner"))
    return subject(
        world, "teams", row, {"slug": ("other", f"{row['slug']}0")}, {"name": "Other", "credits": 1}
    )


def memberships(world: World, role: str = "member") -> Subject:
    """Insert a membership, of a user who has another one, in a team that does not need it."""
    team, owner = world.team()
    row = world.a_membership(team, world.creator(), role=role)
    other = {"team_id": world.owned_team(owner)["id"], "user_id": world.creator()["id"]}
    return subject(world, "memberships", row, other, {"role": "viewer"})


def invitations(world: World) -> Subject:
    """Insert an invitation."""
    team, owner = world.team()
    row = world.an_invitation(team, owner)
    other = {
        "team_id": world.owned_team(owner)["id"],
        "invited_by": world.member(team, "admin")["id"],
        "email": ("other@example.com", str(row["email"]).upper()),
    }
    free = {"role": "viewer", "expires_at": FUTURE_START}
    return subject(world, "invitations", row, other, free)


def projects(world: World) -> Subject:
    """Insert a project."""
    team, owner = world.team()
    row = world.a_project(team, owner)
    other = {"team_id": world.owned_team(owner)["id"], "created_by": world.member(team)["id"]}
    return subject(world, "projects", row, other, {"name": "Other", "spec": Jsonb({"scenes": 1})})


def jobs(world: World) -> Subject:
    """Insert a job of a project."""
    team, owner = world.team()
    project = world.project(team, owner)
    spec = Jsonb({"scenes": [1, 2]})
    row = world.a_job(owner, urn_of_team(team), project_id=project["id"], spec_snapshot=spec)
    other = {
        "owner": (urn_of_team(world.owned_team(owner)), urn_of_member(team, owner)),
        "triggered_by": world.member(team)["id"],
        "project_id": (None, world.project(team, owner)["id"]),
        "spec_snapshot": tuple(Jsonb(each) for each in _OTHER_SPECS),
    }
    return subject(
        world,
        "jobs",
        row,
        other,
        {"progress": Jsonb({"done": 1}), "credits_charged": 1},
        alike={"spec_snapshot": Sql("'{\"scenes\": [1.00, 2e0]}'")},
    )


def lone_jobs(world: World) -> Subject:
    """Insert a job of a user, or of a team but no project."""
    team, owner = world.team()
    row = {**world.a_job(owner, urn_of_team(team)), "project_id": None}
    other = {
        "owner": urn_of_user(owner),
        "triggered_by": world.member(team)["id"],
        "project_id": world.project(team, owner)["id"],
        "spec_snapshot": Jsonb({"scenes": []}),
    }
    return subject(world, "jobs", row, other, {"options": Jsonb({"fast": True})})


def finished_jobs(world: World) -> Subject:
    """Insert a job, and let it complete."""
    user = world.starter()
    row = {**world.a_job(user, credits_charged=1), "project_id": None}
    other = {
        "owner": urn_of_user(world.starter()),
        "triggered_by": world.starter()["id"],
        "project_id": world.project(*world.team())["id"],
        "spec_snapshot": Jsonb({"scenes": []}),
    }
    alike = {"output": Sql("'{\"frames\": 1.0}'")}
    made = subject(world, "jobs", row, other, {"credits_refunded": 1}, alike=alike)
    world.move(row, "completed")
    return replace(made, also=frozenset({"STATE-JOB"}))


def jobs_of_archived(world: World) -> Subject:
    """Insert a job of a project, let it end, and archive the project."""
    made = jobs(world)
    world.move(made.row, "canceled")
    project = {"id": made.row["project_id"]}
    world.given.append(Update("projects", project, {"status": "archived"}))
    return replace(made, free={}, also=frozenset({"STATE-JOB"}))


def job_events(world: World) -> Subject:
    """Insert an event: nothing of it may change."""
    team, owner = world.team()
    job = world.job(owner, urn_of_team(team))
    row = world.an_event(job, payload=Jsonb({"percent": 1}), sequence=1)
    other = {
        "job_id": world.job(owner, urn_of_team(team))["id"],
        "sequence": (0, 2, 7),
        "event_type": ("started", "completed"),
        "payload": (Jsonb({"percent": 2}), Jsonb({}), Jsonb({"percent": 1, "more": 1})),
    }
    alike = {"payload": Sql("'{\"percent\": 1.0}'")}
    return subject(world, "job_events", row, other, {}, alike=alike)


def asset_files(world: World) -> Subject:
    """Insert an asset of a project."""
    team, owner = world.team()
    project = world.project(team, owner)
    row = world.an_asset(owner, urn_of_team(team), project_id=project["id"])
    other = {
        "owner": (urn_of_team(world.owned_team(owner)), urn_of_member(team, owner)),
        "uploaded_by": world.member(team)["id"],
        "project_id": (None, world.project(team, owner)["id"]),
    }
    free = {"filename": "other.png", "status": "ready", "metadata": Jsonb({"width": 1})}
    return subject(world, "asset_files", row, other, free)


def lone_assets(world: World) -> Subject:
    """Insert an asset of a team, but of no project."""
    team, owner = world.team()
    row = {**world.an_asset(owner, urn_of_team(team)), "project_id": None}
    other = {
        "owner": urn_of_user(owner),
        "uploaded_by": world.member(team)["id"],
        "project_id": world.project(team, owner)["id"],
    }
    return subject(world, "asset_files", row, other, {"size_bytes": 2})


def api_keys(world: World) -> Subject:
    """Insert a key of a team."""
    team, owner = world.team()
    row = world.a_key(owner, urn_of_team(team), scopes=Jsonb(["read", 1]))
    other = {
        "user_id": world.member(team)["id"],
        "owner": (urn_of_user(owner), urn_of_member(team, owner)),
        "key_hash": ("other", str(row["key_hash"]).upper()),
        "scopes": tuple(Jsonb(each) for each in _OTHER_SCOPES),
    }
    free = {"name": "Other", "last_used_at": NOW, "expires_at": FUTURE_START, "revoked_at": NOW}
    alike = {"scopes": Sql("'[\"read\", 1.00]'")}
    return subject(world, "api_keys", row, other, free, alike=alike)


def webhooks(world: World) -> Subject:
    """Insert a webhook."""
    team, owner = world.team()
    row = world.a_webhook(team, owner)
    free = {
        "created_by": world.member(team, "admin")["id"],
        "url": "https://example.com/other",
        "events": ["job.failed"],
        "is_active": False,
    }
    return subject(world, "webhooks", row, {"team_id": world.owned_team(owner)["id"]}, free)


def handed_on(world: World) -> Subject:
    """Insert a webhook, which the statement gives to somebody who is an admin of both teams."""
    made = webhooks(world)
    user = world.member({"id": made.row["team_id"]}, "admin")
    other = {"id": made.other["team_id"][0]}
    world.insert("memberships", world.a_membership(other, user, role="admin"))
    return replace(made, along={"created_by": user["id"]})


def webhook_deliveries(world: World) -> Subject:
    """Insert a delivery."""
    team, owner = world.team()
    webhook = world.insert("webhooks", world.a_webhook(team, owner))
    other = world.insert("webhooks", world.a_webhook(team, owner))
    job = world.job(owner, urn_of_team(team))
    free = {"job_id": job["id"], "status": "retrying", "attempts": 1, "response_status": 500}
    row = world.a_delivery(webhook)
    return subject(world, "webhook_deliveries", row, {"webhook_id": other["id"]}, free)


def usage(world: World) -> Subject:
    """Insert a row of usage."""
    row = world.a_usage(urn_of_user({"id": world.id()}))
    other = {"owner": urn_of_user({"id": world.id()}), "period": ("2026-02", "2025-01")}
    return subject(world, "usage", row, other, {"credits_used": 1, "api_calls": 1}, aged=False)


def system_assets(world: World, category: str = "sfx") -> Subject:
    """Insert a system asset."""
    row = world.a_system_asset(category)
    free = {"name": "Other", "tags": ["rain"], "size_bytes": 2}
    return subject(world, "system_assets", row, {"id": f"{row['id']}0"}, free)


Make: TypeAlias = Callable[[World], Subject]


def moved(make: Make, *steps: Row, free: Row | None = None, also: str = "") -> Make:
    """Insert a row, and move it on by some steps; with what may change there."""

    def made(world: World) -> Subject:
        row = make(world)
        key = {"id": row.row["id"]}
        world.given.extend(Update(row.table, key, step, row.row) for step in steps)
        also_held = frozenset({also}) if also else row.also
        return replace(row, free=row.free if free is None else free, also=also_held)

    return made


def rendered_projects(*statuses: str) -> Make:
    """Insert a project whose job has come to a status by some others."""

    def made(world: World) -> Subject:
        row = projects(world)
        team, user = row.row["team_id"], {"id": row.row["created_by"]}
        job = world.job(user, urn_of_team({"id": team}), project_id=row.row["id"])
        steps = [{"status": status, **NEEDS[status]} for status in statuses]
        world.given.extend(Update("jobs", {"id": job["id"]}, step, job) for step in steps)
        return row

    return made


def _jobs_that(status: str) -> Make:
    free = {} if status in ("failed", "canceled") else {"progress": Jsonb({"done": 1})}
    steps = [{"status": each, **NEEDS[each]} for each in ("processing", status)]
    also = "STATE-JOB" if status in ("failed", "canceled") else ""
    return moved(lone_jobs, *steps[1 - (status == "failed") :], free=free, also=also)


_HARMLESS: Row = {"response_status": 500}
# The kinds of rows of each table: each status, each label that decides what a row is.
KINDS: dict[str, tuple[Make, ...]] = {
    "users": (users, creators, upgrading),
    "teams": (teams,),
    "memberships": tuple(partial(memberships, role=role) for role in MEMBERSHIP_ROLE),
    "invitations": (
        invitations,
        moved(invitations, {"revoked_at": NOW}, free={"role": "viewer"}),
        moved(invitations, {"accepted_at": NOW + TICK}, free={"role": "viewer"}),
        moved(invitations, {"expires_at": NOW + TICK}, free={"role": "viewer"}),
    ),
    "projects": (
        projects,
        moved(projects, {"status": "archived"}),
        rendered_projects(),
        rendered_projects("processing", "completed"),
    ),
    "jobs": (
        *(jobs, lone_jobs, finished_jobs),
        *(_jobs_that("processing"), _jobs_that("failed"), _jobs_that("canceled")),
        moved(jobs, {"status": "processing"}),
        jobs_of_archived,
    ),
    "job_events": (job_events,),
    "asset_files": (
        *(asset_files, lone_assets),
        moved(lone_assets, {"status": "ready"}),
        moved(asset_files, {"status": "failed"}, free={"filename": "other.png"}),
    ),
    "api_keys": (
        api_keys,
        moved(api_keys, {"revoked_at": usual(NOW)}, free={"name": "Other"}),
        moved(api_keys, {"expires_at": NOW + TICK}),
    ),
    "webhooks": (webhooks, handed_on, moved(webhooks, {"is_active": False})),
    "webhook_deliveries": (
        webhook_deliveries,
        *(
            moved(webhook_deliveries, {"status": status, **needs}, free=_HARMLESS)
            for status, needs in DELIVERIES.items()
            if status != "pending"
        ),
    ),
    "usage": (usage,),
    "system_assets": tuple(
        partial(system_assets, category=category) for category in SYSTEM_ASSET_CATEGORY
    ),
}
ALL_KINDS: tuple[Make, ...] = tuple(make for kinds in KINDS.values() for make in kinds)
# How many kinds of each table are tried at once.
AT_ONCE = 2
