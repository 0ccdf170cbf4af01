"""Entities of the domain as plain values: one class a table, ids as small numbers.

Only what rules speak of is kept. Times are days of a clock that stands still until an operation
moves it on; `tick` numbers the transactions, and so orders what was made on one day.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from uuid import UUID

ACTIVE = frozenset({"queued", "processing"})
FINISHED = frozenset({"completed", "failed", "canceled"})
CONTENT_TYPES = frozenset(f"image/{kind}" for kind in ("jpeg", "png", "webp")) | {
    "audio/mpeg",
    "audio/wav",
    "audio/ogg",
    "video/mp4",
}
MIB = 1024 * 1024
MAKERS = frozenset({"owner", "admin", "member"})
MANAGERS = frozenset({"owner", "admin"})


def uuid(number: int) -> UUID:
    """Return the id that a row has in the database."""
    return UUID(int=number)


@dataclass(frozen=True, slots=True)
class Owner:
    """An owner URN: a user, a team, or a user inside a team."""

    team: int | None = None
    user: int | None = None

    @property
    def urn(self) -> str:
        """Return its text form."""
        if self.team is None:
            return f"framecast:user:{uuid(self.user or 0)}"
        if self.user is None:
            return f"framecast:team:{uuid(self.team)}"
        return f"framecast:{uuid(self.team)}:{uuid(self.user)}"

    def __repr__(self) -> str:
        """Return it as short as the model's ids are."""
        if self.team is None:
            return f"user:{self.user}"
        return f"team:{self.team}" if self.user is None else f"{self.team}:{self.user}"


@dataclass(frozen=True, slots=True)
class User:
    """A person; `upgraded` says whether upgraded_at is set."""

    id: int
    email: str
    tier: str = "starter"
    upgraded: bool = False
    credits: int = 0
    name: str | None = None

    @property
    def erased(self) -> bool:
        """Return whether the account was erased: nobody else has that address."""
        return self.email.lower() == nobodys(self.id)


def nobodys(user: int) -> str:
    """Return the address of an account that was erased."""
    return f"{uuid(user)}@erased.invalid"


def begins(user: int) -> bytes:
    """Return what the id of a team begins with that an erased account may be in."""
    return sha256(uuid(user).bytes).digest()[:8]


def stand_in(user: int) -> int:
    """Return the id of the team, and of the membership, that an erased creator gets."""
    return int.from_bytes(begins(user) + uuid(user).bytes[8:])


@dataclass(frozen=True, slots=True)
class Team:
    """A group of creators; `slug` is None where the database made one up that nobody can guess."""

    id: int
    slug: str | None
    credits: int = 0
    name: str = ""


@dataclass(frozen=True, slots=True)
class Membership:
    """A user in a team."""

    id: int
    team: int
    user: int
    role: str


@dataclass(frozen=True, slots=True)
class Invitation:
    """An invitation; `accepted` and `revoked` are the ticks at which that happened."""

    id: int
    team: int
    inviter: int
    email: str
    role: str
    created: int
    expires: int
    accepted: int | None = None
    revoked: int | None = None

    def is_open(self, day: int) -> bool:
        """Return whether it is neither answered nor expired."""
        return self.accepted is None and self.revoked is None and self.expires > day


@dataclass(frozen=True, slots=True)
class Project:
    """A storyboard of a team."""

    id: int
    team: int
    creator: int
    status: str = "draft"
    name: str = ""


@dataclass(frozen=True, slots=True)
class Job:
    """One rendering; `failure` is its failure_type, `key` its idempotency key."""

    id: int
    owner: Owner
    user: int
    project: int | None = None
    status: str = "queued"
    charged: int = 0
    refunded: int = 0
    key: str | None = None
    progress: int = 0
    output: bool = False
    error: bool = False
    failure: str | None = None

    @property
    def active(self) -> bool:
        """Return whether it is queued or processing."""
        return self.status in ACTIVE


@dataclass(frozen=True, slots=True)
class Event:
    """Event of a job; `tick` orders the events of a day."""

    id: int
    job: int
    number: int
    created: int
    tick: int


@dataclass(frozen=True, slots=True)
class Key:
    """An API key; `hash` may be empty, which no rule allows. `used` says whether it ever was."""

    id: int
    user: int
    owner: Owner
    hash: str
    expires: int | None = None
    revoked: bool = False
    used: bool = False

    def is_valid(self, day: int) -> bool:
        """Return whether it is neither revoked nor expired."""
        return not self.revoked and (self.expires is None or self.expires > day)


@dataclass(frozen=True, slots=True)
class Asset:
    """An uploaded file."""

    id: int
    owner: Owner
    user: int
    project: int | None
    path: str
    kind: str = "image/png"
    size: int = 1
    status: str = "pending"


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where a team wants to be told; `url` and `events` as they are written."""

    id: int
    team: int
    creator: int
    url: str
    events: tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class Delivery:
    """An attempt to tell a webhook; `arrived` says whether delivered_at is set."""

    id: int
    webhook: int
    created: int
    tick: int
    job: int | None = None
    status: str = "pending"
    attempts: int = 0
    limit: int = 2
    arrived: bool = False


@dataclass(frozen=True, slots=True)
class Usage:
    """Use of one owner in a month."""

    id: int
    owner: Owner
    period: str
    renders: int = 0
    used: int = 0


TABLES: dict[type, str] = {
    User: "users",
    Team: "teams",
    Membership: "memberships",
    Invitation: "invitations",
    Project: "projects",
    Job: "jobs",
    Event: "job_events",
    Key: "api_keys",
    Asset: "asset_files",
    Webhook: "webhooks",
    Delivery: "webhook_deliveries",
    Usage: "usage",
}
