"""Near misses of IMM-1: what a row is about never changes, column by column of every table."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from hypothesis import strategies as st

from conformance.cases.scenario import Fact, Mixed, Scenario, Ways
from conformance.framecast.rules.ownership import SUBJECTS
from conformance.sql.writes import Delete, Path, Row, Sql, Update
from strategies.documents import Jsonb
from strategies.instants import FUTURE_START, TICK
from strategies.near_misses.ways import UPDATING, Draw, scenarios
from strategies.session_settings import AGAIN
from strategies.world import NOW, World, urn_of_member, urn_of_team, urn_of_user

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
    """

    table: str
    row: Row
    other: dict[str, tuple[object, ...]]
    free: Row
    alike: Row = field(default_factory=dict)

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


def users(world: World) -> Subject:
    """Insert a starter."""
    free = {"email": "other@example.com", "name": "Other", "credits": 1}
    return subject(world, "users", world.a_starter(), {}, free)


def teams(world: World) -> Subject:
    """Insert a team."""
    owner, row = world.creator(), world.a_team()
    world.insert("memberships", world.a_membership(row, owner, role="owner"))
    return subject(
        world, "teams", row, {"slug": ("other", f"{row['slug']}0")}, {"name": "Other", "credits": 1}
    )


def memberships(world: World) -> Subject:
    """Insert a membership, of a user who has another one, in a team that does not need it."""
    team, owner = world.team()
    row = world.a_membership(team, world.creator(), role="member")
    other = {"team_id": world.owned_team(owner)["id"], "user_id": world.creator()["id"]}
    return subject(world, "memberships", row, other, {"role": "viewer"})


def invitations(world: World) -> Subject:
    """Insert an invitation."""
    team, owner = world.team()
    row = world.an_invitation(team, owner)
    other = {
        "team_id": world.owned_team(owner)["id"],
        "invited_by": world.member(team, "admin")["id"],
        "email": "other@example.com",
    }
    free = {"role": "viewer", "expires_at": FUTURE_START}
    return subject(world, "invitations", row, other, free)


def projects(world: World) -> Subject:
    """Insert a project."""
    team, owner = world.team()
    row = world.a_project(team, owner)
    other = {"team_id": world.owned_team(owner)["id"], "created_by": world.member(team)["id"]}
    return subject(world, "projects", row, other, {"name": "Other", "spec": Jsonb({"scenes": 1})})


def revoked_invitations(world: World) -> Subject:
    """Insert an invitation, and revoke it."""
    made = invitations(world)
    world.given.append(Update("invitations", {"id": made.row["id"]}, {"revoked_at": NOW}))
    return replace(made, free={"role": "viewer"})


def archived_projects(world: World) -> Subject:
    """Insert a project, and archive it."""
    made = projects(world)
    world.given.append(Update("projects", {"id": made.row["id"]}, {"status": "archived"}))
    return made


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
        "spec_snapshot": (Jsonb({"scenes": [2, 1]}), Jsonb({}), Jsonb(None)),
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
    return made


def job_events(world: World) -> Subject:
    """Insert an event: nothing of it may change."""
    team, owner = world.team()
    job = world.job(owner, urn_of_team(team))
    row = world.an_event(job, payload=Jsonb({"percent": 1}), sequence=1)
    other = {
        "job_id": world.job(owner, urn_of_team(team))["id"],
        "sequence": (0, 2, 7),
        "event_type": ("started", "completed"),
        "payload": (Jsonb({"percent": 2}), Jsonb({})),
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
        "scopes": (Jsonb(["read"]), Jsonb([1, "read"]), Jsonb(["read", "1"]), Jsonb([])),
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


def system_assets(world: World) -> Subject:
    """Insert a system asset."""
    row = world.a_system_asset()
    free = {"name": "Other", "tags": ["rain"], "size_bytes": 2}
    return subject(world, "system_assets", row, {"id": f"{row['id']}0"}, free)


KINDS: tuple[Callable[[World], Subject], ...] = (
    *(users, teams, memberships, invitations, projects, jobs, lone_jobs, job_events, asset_files),
    *(lone_assets, api_keys, webhooks, webhook_deliveries, usage, system_assets, finished_jobs),
    *(revoked_invitations, archived_projects),
)


def attempts(
    make: Callable[[World], Subject],
    columns: Callable[[str], tuple[str, ...]],
    world: World | None = None,
) -> Scenario:
    """Write the same once more, and change other columns; then change each of some fixed ones."""
    world = world or World()
    made = make(world)
    key = {"id": made.row["id"]}
    same = {column: made.row[column] for column in SUBJECTS[made.table]}

    def write(changes: Row) -> tuple[Update]:
        return (Update(made.table, key, changes, made.row),)

    return Scenario(
        given=(tuple(world.given),),
        legal=(write(same), write({**same, **made.alike}), write({**same, **made.free})),
        broken=tuple(
            Mixed(
                write(changes), frozenset({"STATE-JOB"}) if make is finished_jobs else frozenset()
            )
            for changes in made.changes(columns(made.table))
        ),
        because="" if columns(made.table) else f"what {made.table} are about is in no other table",
    )


def parents(table: str) -> tuple[str, ...]:
    """Return the fixed columns that name a parent."""
    return tuple(
        column
        for column in SUBJECTS[table]
        if column in {"owner", "uploaded_by", "created_by", "invited_by", "triggered_by"}
        or column.endswith("_id")
    )


def fixed(table: str) -> tuple[str, ...]:
    """Return all fixed columns."""
    return SUBJECTS[table]


def all_at_once() -> Scenario:
    """Attempt every column of every table, so that none depends on what is drawn."""
    parts = [attempts(make, fixed, world) for world in (World(),) for make in KINDS[:-1]]
    return Scenario(
        given=parts[-1].given,
        legal=tuple(each for part in parts for each in part.legal),
        broken=tuple(each for part in parts for each in part.broken),
    )


@scenarios
def project_ends(world: World, draw: Draw) -> Scenario:
    """Delete a project whose job has ended: the job stays, in no project. It never has another."""
    team, owner = world.team()
    project, other = world.project(team, owner), world.project(team, owner)
    row = world.job(owner, urn_of_team(team), project_id=project["id"])
    world.move(row, draw(st.sampled_from(("completed", "failed", "canceled"))))
    return Scenario(
        given=(tuple(world.given),),
        legal=((Delete("projects", {"id": project["id"]}),),),
        facts=(
            Fact(
                f"SELECT project_id IS NULL FROM public.jobs WHERE id = '{row['id']}'",
                expected=True,
            ),
        ),
        broken=(
            Mixed(
                (Update("jobs", {"id": row["id"]}, {"project_id": other["id"]}),),
                frozenset({"STATE-JOB"}),
            ),
        ),
    )


WAYS: dict[str, Ways] = {
    "IMM-1": {
        **dict.fromkeys(Path, "compares a row before and after an update"),
        **dict.fromkeys(UPDATING, st.sampled_from(KINDS).map(lambda make: attempts(make, fixed))),
        Path.UPDATE: st.sampled_from((all_at_once(), attempts(finished_jobs, fixed))),
        Path.MOVE: st.sampled_from(KINDS).map(lambda make: attempts(make, parents)),
        Path.CASCADE: project_ends,
    }
}
