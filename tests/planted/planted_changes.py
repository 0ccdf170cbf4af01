"""For each rule on writes and transitions: changes that break it, as the change log notes them."""

from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Final

from conformance.engine.sql.documents import Jsonb
from conformance.engine.sql.writes import Insert, Row
from conformance.framecast.rules.ownership import SUBJECTS
from strategies.enums import JOB_STATUS, PROJECT_STATUS, WEBHOOK_DELIVERY_STATUS
from strategies.world import World, urn_of_member, urn_of_team, urn_of_user
from tests.planted.planting import GHOST, Plant, Planted, all_of, change, found, noted

# The moves that the domain allows, said a second time.
JOB_MOVES: Final = {
    ("queued", "processing"),
    ("queued", "canceled"),
    ("processing", "completed"),
    ("processing", "failed"),
    ("processing", "canceled"),
}
PROJECT_MOVES: Final = {
    ("draft", "rendering"),
    ("draft", "archived"),
    ("rendering", "completed"),
    ("rendering", "draft"),
    ("completed", "rendering"),
    ("completed", "archived"),
    ("archived", "draft"),
}
DELIVERY_MOVES: Final = {
    ("pending", "delivered"),
    ("pending", "retrying"),
    ("pending", "failed"),
    ("retrying", "delivered"),
    ("retrying", "failed"),
    ("failed", "pending"),
}
ACTIVE: Final = ("queued", "processing")
FINISHED: Final = ("completed", "failed", "canceled")
STAMP: Final = "2026-01-01T00:00:00+00:00"
LATER: Final = "2026-01-02T00:00:00+00:00"
ACTORS: Final = {
    "invitations": "invited_by",
    "webhooks": "created_by",
    "projects": "created_by",
    "jobs": "triggered_by",
    "asset_files": "uploaded_by",
    "api_keys": "user_id",
}


def status(table: str, old: str, new: str, **columns: object) -> Plant:
    """Plant a move from one state to another."""
    return change("UPDATE", table, {"status": old}, {"status": new, **columns})


def born(table: str, states: tuple[str, ...]) -> tuple[Plant, ...]:
    """Plant rows that were inserted in states other than the first."""
    return tuple(change("INSERT", table, None, {"status": state}) for state in states[1:])


def illegal(
    table: str, states: tuple[str, ...], legal: set[tuple[str, str]], **columns: object
) -> tuple[Plant, ...]:
    """Plant every move that is not legal."""
    pairs = product(states, repeat=2)
    return tuple(
        status(table, old, new, **columns)
        for old, new in pairs
        if old != new and (old, new) not in legal
    )


def altered(old: Row, **columns: object) -> Plant:
    """Plant an update of a finished job that leaves it in its state."""
    return change("UPDATE", "jobs", old, {**old, **columns})


def written(table: str, role: str | None, *, updated: bool = False) -> Plant:
    """Plant a row written by somebody with a role in its team, or with none.

    The role came before; the owner's that comes after counts for nothing, nor does that of another.
    """

    def plant(world: World) -> Planted:
        user, key, other = world.id(), world.id(), world.id()
        scope = {"owner": urn_of_team(GHOST), "team_id": GHOST["id"]}
        member = {"team_id": GHOST["id"], "user_id": user}
        world.given.append(noted("INSERT", "memberships", None, {**member, "role": "owner"}))
        before = {**member, "role": "owner"}
        if role is None:
            world.given.append(noted("DELETE", "memberships", before))
        else:
            world.given.append(noted("UPDATE", "memberships", before, {**member, "role": role}))
        row = {"id": key, **scope, ACTORS[table]: user}
        old = {**row, ACTORS[table]: other} if updated else None
        world.given.append(noted("UPDATE" if updated else "INSERT", table, old, row))
        world.given.append(noted("INSERT", "memberships", None, {**member, "role": "owner"}))
        return found(world, key)

    return plant


def in_member_form(table: str) -> Plant:
    """Plant a row whose member URN names a team that its user is not in."""

    def plant(world: World) -> Planted:
        user, key = {"id": world.id()}, world.id()
        row = {"id": key, "owner": urn_of_member(GHOST, user), ACTORS[table]: user["id"]}
        world.given.append(noted("INSERT", table, None, row))
        return found(world, key)

    return plant


def for_another(table: str) -> Plant:
    """Plant a row whose user URN names another user."""
    return change("INSERT", table, None, {"owner": urn_of_user(GHOST), ACTORS[table]: STAMP})


def changed_subject(table: str, column: str) -> Plant:
    """Plant an update of a column that never changes."""

    def plant(world: World) -> Planted:
        row: Row = {"id": world.id(), **dict.fromkeys(SUBJECTS[table], STAMP)}
        row = {**row, "id": GHOST["id"]}
        world.given.append(noted("UPDATE", table, row, {**row, column: LATER}))
        return found(world, GHOST["id"])

    return plant


def left_its_project(world: World) -> Planted:
    """Plant a job that left a project which is still there."""
    home = world.insert("projects", world.a_project(GHOST, GHOST))
    old = {"id": world.id(), "project_id": home["id"]}
    world.given.append(noted("UPDATE", "jobs", old, {**old, "project_id": None}))
    return found(world, old["id"])


def stamped(updated_at: str, **clock: object) -> Plant:
    """Plant an update that left this as updated_at, at noon of the first day."""

    def plant(world: World) -> Planted:
        key = world.id()
        images = {
            "old": Jsonb({"id": str(key), "updated_at": STAMP}),
            "new": Jsonb({"id": str(key), "updated_at": updated_at}),
        }
        times = {"began": LATER, "at": clock.get("began", LATER), **clock}
        row = {"tbl": "users", "op": "UPDATE", **images, **times}
        return Planted((Insert("conformance.changes", (row,)),), frozenset({str(key)}))

    return plant


def accepted(**old: object) -> Plant:
    """Plant the acceptance of an invitation that was not open."""
    before = {"accepted_at": None, "revoked_at": None, "expires_at": "2999-01-01", **old}
    return change("UPDATE", "invitations", before, {**before, "accepted_at": LATER})


def invited(**columns: object) -> Plant:
    """Plant an invitation that was not open when it was inserted."""
    row = {"accepted_at": None, "revoked_at": None, "expires_at": "2999-01-01", **columns}
    return change("INSERT", "invitations", None, row)


def ended(old: Row, new: Row) -> Plant:
    """Plant a change of what was final about an invitation."""
    return change("UPDATE", "invitations", old, {"expires_at": "2999-01-01", **new})


def deleted_under(table: str) -> Plant:
    """Plant a team that was deleted with an active job."""

    def plant(world: World) -> Planted:
        world.job(GHOST, urn_of_team(GHOST))
        world.given.append(noted("DELETE", table, {"id": GHOST["id"], "status": "rendering"}))
        return found(world, GHOST["id"])

    return plant


def project_deleted(status: str, *, left: bool) -> Plant:
    """Plant a project that was deleted with an active job, which left it or is in it still.

    Projects without one may go, whatever their own status and that of jobs that have ended.
    """

    def plant(world: World) -> Planted:
        home, other, empty = world.id(), world.id(), world.id()
        job = {"id": world.id(), "status": status}
        done = {"id": world.id(), "status": "completed"}
        gone = {"project_id": None}
        if left:
            world.given.append(
                noted("UPDATE", "jobs", {**job, "project_id": home}, {**job, **gone})
            )
        else:
            world.insert("jobs", world.a_job(GHOST, project_id=home, status=status))
        world.given += [
            noted("UPDATE", "jobs", {**done, "project_id": other}, {**done, **gone}),
            noted("DELETE", "projects", {"id": home, "status": "draft"}),
            noted("DELETE", "projects", {"id": other, "status": "rendering"}),
            noted("DELETE", "projects", {"id": empty, "status": "rendering"}),
        ]
        return found(world, home)

    return plant


def unkept(table: str, days: int) -> Plant:
    """Plant a row that was cleaned up just before it had been kept as long as it must be."""

    def plant(world: World) -> Planted:
        key = world.id()
        made = datetime.now(UTC) - timedelta(days=days) + timedelta(hours=1)
        old = Jsonb({"id": str(key), "created_at": made.isoformat()})
        row = {"tbl": table, "op": "DELETE", "old": old, "via": f"delete_old_{table}"}
        return Planted((Insert("conformance.changes", (row,)),), frozenset({str(key)}))

    return plant


def numbered(*numbers: int) -> Plant:
    """Plant events of a job that were given these numbers, to be found where they are wrong."""

    def plant(world: World) -> Planted:
        events = [world.an_event(GHOST, sequence=number) for number in numbers]
        world.given.extend(noted("INSERT", "job_events", None, event) for event in events)
        wrong = [e["id"] for n, e in enumerate(events, start=1) if e["sequence"] != n]
        return found(world, *wrong)

    return plant


def unseen(world: World) -> Planted:
    """Plant an event that was inserted, and is gone though nobody has deleted it."""
    event = world.an_event(GHOST, sequence=1)
    world.given.append(noted("INSERT", "job_events", None, event))
    return found(world, event["id"])


def ahead(world: World) -> Planted:
    """Plant an event that is there, and numbered 2, before any other was written."""
    event = world.insert("job_events", world.an_event(GHOST, sequence=2))
    world.given.append(noted("INSERT", "job_events", None, event))
    return found(world, event["id"])


def left_alone(was: str, job: str) -> Plant:
    """Plant a project that stays as it was though a job of it was made, or came to an end."""

    def plant(world: World) -> Planted:
        project, active = world.id(), {"id": world.id(), "status": "processing"}
        columns = {"project_id": project}
        world.given.append(noted("INSERT", "projects", None, {"id": project, "status": was}))
        old = {**active, **columns} if job != "queued" else None
        op = "UPDATE" if old else "INSERT"
        world.given.append(noted(op, "jobs", old, {**active, **columns, "status": job}))
        return found(world, project)

    return plant


def truncated(state: str) -> Plant:
    """Plant a job that was active when it was last seen, and is gone by no DELETE."""

    def plant(world: World) -> Planted:
        job = {"id": world.id(), "status": state}
        world.given.append(noted("INSERT", "jobs", None, job))
        world.given.append(noted("TRUNCATE", "jobs", None))
        return found(world, job["id"])

    return plant


ENDED: Final[Row] = {"status": "failed", "credits_refunded": 1, "project_id": None, "output": None}

PLANTS: Final = all_of(
    {
        "STATE-USER": change("UPDATE", "users", {"tier": "creator"}, {"tier": "starter"}),
        "STATE-INVITATION": (
            invited(accepted_at=STAMP),
            invited(revoked_at=STAMP),
            invited(expires_at="2020-01-01"),
            ended({"accepted_at": STAMP}, {"accepted_at": None}),
            ended({"accepted_at": STAMP}, {"accepted_at": LATER}),
            ended({"revoked_at": STAMP}, {"revoked_at": None}),
            ended({"revoked_at": STAMP}, {"revoked_at": LATER}),
            accepted(revoked_at=STAMP),
            accepted(expires_at="2020-01-01"),
        ),
        "STATE-PROJECT": (
            *born("projects", PROJECT_STATUS),
            *illegal("projects", PROJECT_STATUS, PROJECT_MOVES),
        ),
        "STATE-JOB": (
            *born("jobs", JOB_STATUS),
            *illegal("jobs", JOB_STATUS, JOB_MOVES),
            altered(ENDED, credits_refunded=0),
            altered(ENDED, output={"frames": 1}),
            altered(ENDED, project_id=GHOST["id"]),
            altered({**ENDED, "status": "completed"}, error={"code": 1}),
            altered({**ENDED, "status": "canceled"}, completed_at=STAMP),
        ),
        "STATE-DELIVERY": (
            *born("webhook_deliveries", WEBHOOK_DELIVERY_STATUS),
            *illegal("webhook_deliveries", WEBHOOK_DELIVERY_STATUS, DELIVERY_MOVES, attempts=0),
            status("webhook_deliveries", "failed", "pending", attempts=1),
        ),
        "STATE-ASSET": (
            *born("asset_files", ("pending", "ready", "failed")),
            *illegal(
                "asset_files",
                ("pending", "ready", "failed"),
                {("pending", "ready"), ("pending", "failed")},
            ),
        ),
        "INV-X1": (written("jobs", None), in_member_form("jobs"), for_another("jobs")),
        "INV-X2": (
            written("asset_files", None),
            in_member_form("asset_files"),
            for_another("asset_files"),
        ),
        "URN-2": tuple(map(for_another, ("jobs", "asset_files", "api_keys"))),
        "ROLE-1": (
            *(written("invitations", role) for role in ("member", "viewer", None)),
            *(written("webhooks", role) for role in ("member", "viewer", None)),
            written("webhooks", "member", updated=True),
        ),
        "ROLE-2": tuple(
            written(table, role)
            for table in ("projects", "jobs", "asset_files", "api_keys")
            for role in ("viewer", None)
        ),
        "IMM-1": (
            *(changed_subject(table, name) for table, names in SUBJECTS.items() for name in names),
            left_its_project,
        ),
        "DEL-1": (
            *(change("DELETE", "jobs", {"status": state}) for state in ("queued", "processing")),
            *(project_deleted(state, left=left) for state in ACTIVE for left in (True, False)),
            deleted_under("teams"),
            *map(truncated, ("queued", "processing")),
        ),
        "RET-1": (unkept("job_events", 7), unkept("webhook_deliveries", 30)),
        "SEQ-1": (numbered(2), numbered(1, 1), numbered(1, 3), numbered(2, 1)),
        "SEQ-2": (unseen, ahead),
        "AUTO-NUMBER": (numbered(2), numbered(1, 1), numbered(1, 3), numbered(2, 1)),
        "AUTO-PROJECT": (
            left_alone("draft", "queued"),
            left_alone("completed", "queued"),
            left_alone("rendering", "completed"),
            left_alone("completed", "failed"),
            left_alone("rendering", "canceled"),
        ),
        "AUTO-UPDATED": (
            stamped(STAMP),
            stamped("2026-01-03T00:00:00+00:00"),
            stamped(LATER, began="2025-12-31T00:00:00+00:00"),
            stamped("2025-12-30T00:00:00+00:00", began="2025-12-31T00:00:00+00:00"),
        ),
    }
)
