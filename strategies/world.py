"""A small legal world, built up row by row, for scenarios to start from.

Ids, emails, slugs and all that must be unique come from one counter, so that the same draws make
the same world. The methods that return a row without inserting it are called `a_…` or `an_…`;
the others insert it among what is `given`.
"""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from conformance.engine.sql.documents import Jsonb
from conformance.engine.sql.writes import Delete, Insert, Row, Sql, Update, Write
from strategies.owners import member_urn, team_urn, user_urn
from strategies.usual import usual

NOW = datetime(2026, 1, 1, tzinfo=UTC)
# The role of who is in a team, where that is all that matters.
MEMBER = usual("member")


class World:
    """Rows that are legal together, in the order in which they are inserted."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.given: list[Write] = []
        self._serial = 0

    def serial(self) -> int:
        """Return a number that this world has not used."""
        self._serial += 1
        return self._serial

    def id(self) -> UUID:
        """Return an id that this world has not used."""
        return UUID(int=self.serial())

    def insert(self, table: str, row: Row) -> Row:
        """Insert a row, and return it."""
        self.given.append(Insert(table, (row,)))
        return row

    # Users and teams

    def a_starter(self, **columns: object) -> Row:
        """Return a starter: who may stand alone."""
        serial = self.serial()
        return {"id": UUID(int=serial), "email": usual(f"user{serial}@example.com"), **columns}

    def starter(self, **columns: object) -> Row:
        """Insert a starter."""
        return self.insert("users", self.a_starter(**columns))

    def a_creator(self, **columns: object) -> Row:
        """Return a creator: who needs a membership in the same transaction."""
        return {**self.a_starter(), "tier": "creator", "upgraded_at": usual(NOW), **columns}

    def creator(self, **columns: object) -> Row:
        """Insert a creator, who owns a team that nothing else is about."""
        user = self.insert("users", self.a_creator(**columns))
        self.owned_team(user)
        return user

    def a_team(self, **columns: object) -> Row:
        """Return a team: which needs an owner in the same transaction."""
        serial = self.serial()
        return {
            "id": UUID(int=serial),
            "name": usual(f"Team {serial}"),
            "slug": usual(f"team-{serial}"),
            **columns,
        }

    def owned_team(self, owner: Row, **columns: object) -> Row:
        """Insert a team that this user owns."""
        team = self.insert("teams", self.a_team(**columns))
        self.insert("memberships", self.a_membership(team, owner, role="owner"))
        return team

    def team(self, **columns: object) -> tuple[Row, Row]:
        """Insert a team with its owner, who is in no other; return both."""
        owner = self.insert("users", self.a_creator())
        return self.owned_team(owner, **columns), owner

    def founder(self, team: Row) -> object:
        """Return the id of the first owner that a team was given."""
        return next(
            row["user_id"]
            for write in self.given
            if isinstance(write, Insert) and write.table == "memberships"
            for row in write.rows
            if row["team_id"] == team["id"] and row.get("role") == "owner"
        )

    def a_membership(self, team: Row, user: Row, **columns: object) -> Row:
        """Return a membership."""
        return {"id": self.id(), "team_id": team["id"], "user_id": user["id"], **columns}

    def member(self, team: Row, role: str = MEMBER) -> Row:
        """Insert a creator who is in this team, and in no other; return the user."""
        user = self.insert("users", self.a_creator())
        self.insert("memberships", self.a_membership(team, user, role=role))
        return user

    def guest(self, team: Row, role: object = MEMBER) -> tuple[Row, Row]:
        """Insert a creator of another team who is in this one; return the user and membership."""
        user = self.creator()
        return user, self.insert("memberships", self.a_membership(team, user, role=role))

    def part(self, membership: Row, *, wholly: bool) -> None:
        """Let a guest leave the team, or stay as a viewer."""
        key = {"id": membership["id"]}
        self.given.append(
            Delete("memberships", key)
            if wholly
            else Update("memberships", key, {"role": "viewer"}, membership)
        )

    # What teams have

    def an_invitation(self, team: Row, inviter: Row, **columns: object) -> Row:
        """Return an open invitation."""
        serial = self.serial()
        return {
            "id": UUID(int=serial),
            "team_id": team["id"],
            "invited_by": inviter["id"],
            "email": usual(f"guest{serial}@example.com"),
            "token": usual(f"token-{serial}"),
            **columns,
        }

    def a_project(self, team: Row, creator: Row, **columns: object) -> Row:
        """Return a draft."""
        return {
            "id": self.id(),
            "team_id": team["id"],
            "created_by": creator["id"],
            "name": usual("Project"),
            **columns,
        }

    def project(self, team: Row, creator: Row, **columns: object) -> Row:
        """Insert a draft."""
        return self.insert("projects", self.a_project(team, creator, **columns))

    def a_webhook(self, team: Row, creator: Row, **columns: object) -> Row:
        """Return a webhook."""
        return {
            "id": self.id(),
            "team_id": team["id"],
            "created_by": creator["id"],
            "url": usual("https://example.com/hook"),
            "events": usual(["job.completed"]),
            "secret": usual("secret"),
            **columns,
        }

    def a_delivery(self, webhook: Row, **columns: object) -> Row:
        """Return a pending delivery."""
        return {
            "id": self.id(),
            "webhook_id": webhook["id"],
            "event_type": usual("job.completed"),
            "payload": usual(Jsonb({})),
            **columns,
        }

    # What owners have

    def a_key(self, user: Row, owner: str | None = None, **columns: object) -> Row:
        """Return a live key, of the user's own unless a URN is given."""
        serial = self.serial()
        return {
            "id": UUID(int=serial),
            "user_id": user["id"],
            "owner": urn_of_user(user) if owner is None else owner,
            "key_prefix": usual("fc"),
            "key_hash": usual(f"hash-{serial}"),
            **columns,
        }

    def an_asset(self, user: Row, owner: str | None = None, **columns: object) -> Row:
        """Return a pending asset, of the user's own unless a URN is given."""
        serial = self.serial()
        return {
            "id": UUID(int=serial),
            "owner": urn_of_user(user) if owner is None else owner,
            "uploaded_by": user["id"],
            "filename": usual("file.png"),
            "s3_key": usual(f"assets/{serial}"),
            "content_type": usual("image/png"),
            "size_bytes": usual(1),
            **columns,
        }

    def a_job(self, user: Row, owner: str | None = None, **columns: object) -> Row:
        """Return a queued job, of the user's own unless a URN is given."""
        return {
            "id": self.id(),
            "owner": urn_of_user(user) if owner is None else owner,
            "triggered_by": user["id"],
            "spec_snapshot": usual(Jsonb({})),
            **columns,
        }

    def job(self, user: Row, owner: str | None = None, **columns: object) -> Row:
        """Insert a queued job."""
        return self.insert("jobs", self.a_job(user, owner, **columns))

    def move(self, job: Row, status: str) -> None:
        """Move a queued job on to a status, by the steps that lead there."""
        self.given.extend(steps_to(job, status))

    def an_event(self, job: Row, **columns: object) -> Row:
        """Return an event, to be numbered by the database."""
        return {
            "id": self.id(),
            "job_id": job["id"],
            "sequence": usual(0),
            "event_type": usual("progress"),
            **columns,
        }

    def a_usage(self, owner: str, **columns: object) -> Row:
        """Return a usage row."""
        return {"id": self.id(), "owner": owner, "period": "2026-01", **columns}

    def a_system_asset(self, category: str = "sfx", **columns: object) -> Row:
        """Return a system asset."""
        serial = self.serial()
        return {
            "id": f"asset_{category}_{serial}",
            "category": category,
            "name": usual("Sound"),
            "s3_key": usual(f"system/{serial}"),
            "content_type": usual("audio/wav"),
            "size_bytes": usual(1),
            **columns,
        }


# What a job needs in a state, apart from the times that the database sets.
NEEDS: dict[str, Row] = {
    "queued": {},
    "processing": {},
    "completed": {"output": usual(Jsonb({"frames": 1}))},
    "failed": {"error": usual(Jsonb({"code": 1})), "failure_type": usual("system")},
    "canceled": {"failure_type": usual("canceled")},
}


def steps_to(job: Row, status: str) -> list[Write]:
    """Return the updates that move a queued job to a status."""
    steps = [] if status == "queued" else ["processing"]
    if status not in ("queued", "processing"):
        steps.append(status)
    return [
        Update("jobs", {"id": job["id"]}, {"status": step, **NEEDS[step]}, job) for step in steps
    ]


def age(row: Row, days: int) -> Row:
    """Return the row as if it had been made some days ago."""
    return {**row, "created_at": Sql(f"now() - interval '{24 * days} hours'")}


def urn_of_user(user: Row) -> str:
    """Return the URN of a user alone."""
    return user_urn(str(user["id"]))


def urn_of_team(team: Row) -> str:
    """Return the URN of a whole team."""
    return team_urn(str(team["id"]))


def urn_of_member(team: Row, user: Row) -> str:
    """Return the URN of a user inside a team."""
    return member_urn(str(team["id"]), str(user["id"]))
