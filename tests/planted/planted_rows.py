"""For each rule that rows can break: rows that break it, in every way that its query knows of."""

from typing import Any, Final

from conformance.engine.sql.writes import RawSql, Row
from strategies.world import NOW, World, urn_of_member, urn_of_team, urn_of_user
from tests.planted.planting import (
    BEFORE,
    EPOCH,
    FOREIGN,
    GHOST,
    Plant,
    Planted,
    all_of,
    asset,
    creator,
    delivery,
    found,
    invitation,
    job,
    key,
    membership,
    misowned,
    noted,
    orphans,
    pair,
    project,
    row,
    starter,
    system_asset,
    team,
    usage,
    webhook,
)

VALID: Final = "api_key_is_valid(p_key_id uuid, p_at timestamptz DEFAULT clock_timestamp())"
ALWAYS_VALID: Final = RawSql(
    f"CREATE OR REPLACE FUNCTION public.{VALID} RETURNS boolean LANGUAGE sql STABLE RETURN true"
)
BACKWARDS: Final[Row] = {"created_at": EPOCH, "updated_at": BEFORE}


def jobs(status: str, **columns: object) -> Plant:
    """Plant a job in a state."""
    return row("jobs", job, status=status, **columns)


def stray_starter(world: World) -> Planted:
    """Plant a membership of a starter, to be found by the user."""
    user = world.starter()
    world.insert("memberships", world.a_membership(GHOST, user))
    return found(world, user["id"])


def membership_of_starter(world: World) -> Planted:
    """Plant a membership of a starter, to be found by the membership."""
    made = world.insert("memberships", world.a_membership(GHOST, world.starter()))
    return found(world, made["id"])


def ownerless(world: World) -> Planted:
    """Plant a team that has an admin, and no owner."""
    made = world.insert("teams", world.a_team())
    world.insert("memberships", world.a_membership(made, GHOST, role="admin"))
    return found(world, made["id"])


def crowded(count: int, role: str) -> Plant:
    """Plant a user with as many memberships."""

    def plant(world: World) -> Planted:
        user = world.starter()
        for _ in range(count):
            world.insert("memberships", world.a_membership({"id": world.id()}, user, role=role))
        return found(world, user["id"])

    return plant


def self_invited(world: World) -> Planted:
    """Plant an invitation to the inviter's email, in another case."""
    user = world.starter()
    made = world.an_invitation(GHOST, user, email=str(user["email"]).upper())
    return found(world, world.insert("invitations", made)["id"])


def invited_member(world: World) -> Planted:
    """Plant an open invitation for somebody in the team, in another case."""
    user = world.starter()
    world.insert("memberships", world.a_membership(GHOST, user))
    made = world.an_invitation(GHOST, {"id": world.id()}, email=str(user["email"]).title())
    return found(world, world.insert("invitations", made)["id"])


def many_invited(world: World) -> Planted:
    """Plant 51 open invitations of a team, and others that are not open."""
    for columns in (*[{}] * 51, {"revoked_at": NOW}, {"accepted_at": NOW}):
        world.insert("invitations", world.an_invitation(GHOST, GHOST, **columns))
    return found(world, GHOST["id"])


def invalid_key(**columns: Any) -> Plant:
    """Plant a key that ought to be invalid beside a function that finds all keys valid."""

    def plant(world: World) -> Planted:
        world.given.append(ALWAYS_VALID)
        made = world.insert("api_keys", world.a_key(GHOST, **columns))
        return found(world, made["id"])

    return plant


def starters_key(urn: str) -> Plant:
    """Plant a key of a starter that a URN owns."""

    def plant(world: World) -> Planted:
        made = world.insert("api_keys", world.a_key(world.starter(), urn))
        return found(world, made["id"])

    return plant


def keys_of_others(world: World) -> Planted:
    """Plant a key whose member URN names another member than its user."""
    group, other = {"id": world.id()}, {"id": world.id()}
    for user in (GHOST, other):
        world.insert("memberships", world.a_membership(group, user))
    made = world.insert("api_keys", world.a_key(GHOST, urn_of_member(group, other)))
    return found(world, made["id"])


def crowded_project(world: World) -> Planted:
    """Plant two active jobs of a project."""
    for status in ("queued", "processing"):
        world.job(GHOST, status=status, project_id=GHOST["id"])
    return found(world, GHOST["id"])


def busy_draft(world: World) -> Planted:
    """Plant a draft with an active job."""
    home = world.insert("projects", project(world))
    world.job(GHOST, project_id=home["id"])
    return found(world, home["id"])


def busy_team(world: World) -> Planted:
    """Plant six active jobs of a team, by both forms of URN, and a finished one."""
    for number in range(6):
        owner = urn_of_team(GHOST) if number % 2 else urn_of_member(GHOST, {"id": world.id()})
        world.job(GHOST, owner, status="processing" if number % 3 else "queued")
    world.job(GHOST, urn_of_team(GHOST), status="completed")
    return found(world, GHOST["id"])


def busy_starter(world: World) -> Planted:
    """Plant two active jobs of a starter."""
    user = world.starter()
    world.job(user)
    world.job(user, status="processing")
    return found(world, user["id"])


def misnumbered(*numbers: int) -> Plant:
    """Plant events of a job with these numbers, to be found by their ids."""

    def plant(world: World) -> Planted:
        events = [world.an_event(GHOST, sequence=number) for number in numbers]
        return found(world, *(world.insert("job_events", event)["id"] for event in events))

    return plant


def twice_numbered(world: World) -> Planted:
    """Plant two events of one number, to be found by both ids."""
    made = [world.insert("job_events", world.an_event(GHOST, sequence=1)) for _ in range(2)]
    return found(world, *(event["id"] for event in made))


def by_a_client(_world: World) -> Planted:
    """Plant a client's write to what the schema keeps for itself."""
    write = noted("UPDATE", "framecast.user_guards", {"written_in": "0"}, {"written_in": "1"})
    return Planted((write,), frozenset({"UPDATE of framecast.user_guards"}))


def truncated_alone(world: World) -> Planted:
    """Plant a TRUNCATE of what the schema keeps for itself, and one while there were no users."""
    world.given += [
        noted("TRUNCATE", "framecast.team_guards", new={"public.teams": True}),
        noted("TRUNCATE", "framecast.user_guards", new={"public.users": False}),
    ]
    return found(world, "TRUNCATE of framecast.team_guards")


def permissions(statement: str, name: str) -> Plant:
    """Plant another matrix of permissions."""
    return lambda _: Planted((RawSql(statement),), frozenset({name}))


BROKEN_OWNERS: Final = ("framecast:user:1", "framecast:user:")

PLANTS: Final = all_of(
    {
        "INV-U1": (row("users", starter, upgraded_at=NOW), row("users", starter, tier="creator")),
        "INV-U2": row("users", creator),
        "INV-U3": stray_starter,
        "INV-U4": row("users", starter, tier=FOREIGN),
        "INV-U5": row("users", starter, credits=-1),
        "INV-U6": row("users", starter, ephemeral_storage_bytes=-1),
        "INV-T1": row("teams", team),
        "INV-T2": (row("teams", team), ownerless),
        "INV-T3": pair("teams", team, slug="same"),
        "INV-T4": tuple(
            row("teams", team, slug=slug) for slug in ("", "-a", "a-", "-", "A", "a_b", "ä", "a\n")
        ),
        "INV-T5": row("teams", team, **BACKWARDS),
        "INV-T6": row("teams", team, credits=-1),
        "INV-T7": crowded(11, "owner"),
        "INV-T8": crowded(51, "viewer"),
        "INV-M1": (
            row("memberships", membership, team_id=None),
            row("memberships", membership, user_id=None),
        ),
        "INV-M2": row("memberships", membership, role=FOREIGN),
        "INV-M3": pair("memberships", membership),
        "INV-M4": membership_of_starter,
        "INV-M5": row("memberships", membership),
        "INV-M6": row("memberships", membership),
        "CARD-1": (row("teams", team), ownerless),
        "CARD-2": crowded(11, "owner"),
        "CARD-3": crowded(51, "viewer"),
        "INV-I1": (
            row("invitations", invitation, team_id=None),
            row("invitations", invitation, email=None),
        ),
        "INV-I2": row("invitations", invitation, role=FOREIGN),
        "INV-I3": row("invitations", invitation, accepted_at=NOW, revoked_at=NOW),
        "INV-I4": row("invitations", invitation, accepted_at=NOW, revoked_at=NOW),
        "INV-I5": row("invitations", invitation),
        "INV-I6": orphans("invitations", invitation, "invited_by"),
        "INV-I7": self_invited,
        "INV-I8": invited_member,
        "INV-I9": row("invitations", invitation, created_at=EPOCH, expires_at=EPOCH),
        "INV-TIME4": row("invitations", invitation, created_at=EPOCH, expires_at=EPOCH),
        "INV-TIME5": row("invitations", invitation, created_at=EPOCH, accepted_at=EPOCH),
        "CARD-4": many_invited,
        "INV-A1": orphans("api_keys", key, "user_id"),
        "INV-A2": row("api_keys", key, key_hash=""),
        "INV-A3": pair("api_keys", key, key_hash="same"),
        "INV-A4": invalid_key(revoked_at=NOW),
        "INV-A5": invalid_key(expires_at=EPOCH),
        "INV-A6": (
            starters_key(urn_of_team(GHOST)),
            starters_key(urn_of_member(GHOST, GHOST)),
            starters_key(urn_of_user(GHOST)),
        ),
        "INV-A7": (starters_key(urn_of_team(GHOST)), starters_key(urn_of_member(GHOST, GHOST))),
        "INV-X4": (row("api_keys", key, owner=urn_of_member(GHOST, GHOST)), keys_of_others),
        "AUTO-REVOKE": (
            row("api_keys", key, owner=urn_of_team(GHOST)),
            row("api_keys", key, owner=urn_of_member(GHOST, GHOST)),
        ),
        "INV-P1": row("projects", project, status=FOREIGN),
        "INV-P2": orphans("projects", project, "team_id"),
        "INV-P3": orphans("projects", project, "created_by"),
        "INV-P4": row("projects", project, **BACKWARDS),
        "INV-P5": row("projects", project, status="rendering"),
        "STATE-PROJECT": busy_draft,
        "AUTO-PROJECT": busy_draft,
        "INV-J1": jobs(FOREIGN),
        "INV-J2": tuple(
            jobs(status, created_at=EPOCH, completed_at=at)
            for status in ("completed", "failed", "canceled")
            for at in (None, BEFORE)
        ),
        "INV-J3": jobs("processing"),
        "INV-J4": jobs("completed"),
        "INV-J5": jobs("failed"),
        "INV-J6": (jobs("failed"), jobs("canceled")),
        "INV-J7": jobs("completed", failure_type="system"),
        "INV-J8": jobs("failed", credits_charged=1, credits_refunded=2),
        "INV-J9": (jobs("queued", credits_charged=-1), jobs("queued", credits_refunded=-1)),
        "INV-J10": row("jobs", job, **BACKWARDS),
        "INV-J11": (
            misowned("jobs", job, urn_of_team(GHOST)),
            misowned("jobs", job, None),
            row("jobs", job, project_id=GHOST["id"]),
        ),
        "INV-J12": crowded_project,
        "INV-J13": orphans("jobs", job, "triggered_by"),
        "INV-TIME2": jobs("processing", created_at=EPOCH, started_at=BEFORE),
        "INV-TIME3": jobs("failed", created_at=BEFORE, started_at=EPOCH, completed_at=BEFORE),
        "CARD-5": busy_team,
        "CARD-6": busy_starter,
        "AUTO-TIMES": (jobs("processing"), *map(jobs, ("completed", "failed", "canceled"))),
        "AUTO-NUMBER": (misnumbered(0, 0), misnumbered(1, 1)),
        "SEQ-1": twice_numbered,
        "OWN-1": (by_a_client, truncated_alone),
        "INV-AF1": row("asset_files", asset, status=FOREIGN),
        "INV-AF2": (
            row("asset_files", asset, size_bytes=0),
            row("asset_files", asset, size_bytes=-1),
        ),
        "INV-AF3": row("asset_files", asset, size_bytes=50 * 1024 * 1024 + 1),
        "INV-AF4": tuple(
            row("asset_files", asset, content_type=kind)
            for kind in ("", "image/gif", "IMAGE/PNG", "image/png ", "video/mp4;x")
        ),
        "INV-AF5": orphans("asset_files", asset, "uploaded_by"),
        "INV-AF6": pair("asset_files", asset, s3_key="same"),
        "INV-X3": (
            misowned("asset_files", asset, urn_of_team(GHOST)),
            misowned("asset_files", asset, None),
            row("asset_files", asset, project_id=GHOST["id"]),
        ),
        "INV-W1": orphans("webhooks", webhook, "team_id"),
        "INV-W2": row("webhooks", webhook, events=[]),
        "INV-W3": (
            row("webhooks", webhook, events=["job.queued", None]),
            row("webhooks", webhook, events=[FOREIGN]),
        ),
        "INV-W4": tuple(
            row("webhooks", webhook, url=url)
            for url in (
                *(
                    "",
                    "http://a.b",
                    "ftp://a.b",
                    "https:/a.b",
                    "https://",
                    "https:///a",
                    "https://?",
                ),
                *(
                    "https://a\u3000b",
                    "https://a.b/\u200b",
                    "https://a.b\uff0f",
                    "https://a\uff20b",
                ),
                *("https://a b", "https://[]", "https://me@", "https://me@:80/", "https://a.b\n"),
            )
        ),
        "INV-W5": orphans("webhooks", webhook, "created_by"),
        "INV-WD1": row("webhook_deliveries", delivery, status=FOREIGN),
        "INV-WD2": orphans("webhook_deliveries", delivery, "webhook_id"),
        "INV-WD3": row("webhook_deliveries", delivery, attempts=2, max_attempts=1),
        "INV-WD4": row("webhook_deliveries", delivery, status="delivered"),
        "INV-US1": tuple(
            row("usage", usage, period=period)
            for period in ("", "2026-00", "2026-13", "2026-1", "2026/01", "26-01-01", "2026-01 ")
        ),
        "INV-US2": row("usage", usage, renders_count=-1),
        "INV-US3": row("usage", usage, credits_used=-1),
        "INV-US4": pair("usage", usage),
        "INV-SA1": row("system_assets", system_asset, category=FOREIGN),
        "INV-SA2": tuple(
            row("system_assets", system_asset, id=name)
            for name in ("asset_sfx_", "sfx_a", "asset_music_a", "asset_sfx_A", "asset_sfx_a-b")
        ),
        "INV-SA3": pair("system_assets", system_asset, s3_key="same"),
        "INV-TIME1": tuple(
            row(table, make, **BACKWARDS)
            for table, make in {
                "users": starter,
                "teams": team,
                "projects": project,
                "jobs": job,
                "asset_files": asset,
                "webhooks": webhook,
            }.items()
        ),
        "URN-1": tuple(
            row(table, make, owner=owner)
            for table, make in {
                "jobs": job,
                "asset_files": asset,
                "api_keys": key,
                "usage": usage,
            }.items()
            for owner in (
                *BROKEN_OWNERS,
                urn_of_user(GHOST) + "\n",
                urn_of_user(GHOST)[:-4] + "DEAD",
            )
        ),
        "PERM-1": (
            permissions(
                "DELETE FROM role_permissions WHERE (role, permission) = ('owner', 'team.delete')",
                "team.delete of owner",
            ),
            permissions(
                "INSERT INTO role_permissions VALUES ('viewer', 'jobs.create')",
                "jobs.create of viewer",
            ),
        ),
        "AUTO-SLUG": tuple(
            row("teams", team, slug=slug)
            for slug in (None, "", "a" * 51, "-a", "a-", "-", "A", "a_b", "ä")
        ),
    }
)
