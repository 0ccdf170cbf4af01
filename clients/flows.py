"""The flows that every client does, and what there is before each."""

import json
import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import psycopg

HERE: Final = Path(__file__).parent
IDS: Final[dict[str, str]] = json.loads((HERE / "world.json").read_text())
NAMED: Final = re.compile(r":'(?P<name>[a-z_]+)'")

TABLES: Final = """
SELECT string_agg(c.oid::regclass::text, ', ') FROM pg_class AS c
WHERE c.relkind = 'r' AND c.relnamespace IN ('public'::regnamespace, 'framecast'::regnamespace)
    AND c.relname <> 'role_permissions'
"""


@dataclass(frozen=True)
class Flow:
    """Something that an application does.

    Attributes:
        name: what it is called in every client.
        done: a query that says whether it was done; none where it is refused.
        refused: the constraint that refuses it, rightly; none where it is done.
    """

    name: str
    done: str | None = None
    refused: str | None = None

    @property
    def expected(self) -> str:
        """Return what its cell should say."""
        return self.refused or "done"


@dataclass(frozen=True)
class Mistake(Flow):
    """Something that an application should not do.

    Attributes:
        comes_to: by client, "lost" where it does harm, or what refuses it.
    """

    comes_to: dict[str, str] = field(default_factory=dict)


def flows() -> dict[str, Flow]:
    """Return what applications do, by name."""
    described = tomllib.loads((HERE / "flows.toml").read_text())
    return {name: Flow(name, **each) for name, each in described.items()}


def mistakes() -> dict[str, Mistake]:
    """Return what applications should not do, by name."""
    described = tomllib.loads((HERE / "never.toml").read_text())
    return {
        name: Mistake(name, done=each["lost"], comes_to=each["comes_to"])
        for name, each in described.items()
    }


def filled(sql: str) -> str:
    """Return SQL with the ids that its variables stand for."""
    return NAMED.sub(lambda found: f"'{IDS[found['name']]}'", sql)


def begin(owner: psycopg.Connection[Any]) -> None:
    """Bring a database into the state that each flow begins with, as a superuser."""
    (tables,) = owner.execute(TABLES).fetchone() or ("",)
    with owner.transaction():
        owner.execute("SET LOCAL session_replication_role = replica")
        owner.execute(f"TRUNCATE {tables}".encode())
    with owner.transaction():
        owner.execute(filled((HERE / "setup.sql").read_text()).encode())
