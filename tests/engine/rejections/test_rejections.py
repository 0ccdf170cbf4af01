"""Rejections as applications see them: a name, in the diagnostics and in the message."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

import psycopg
import pytest

from conformance.engine.rejections.listing import answered, entries, listed, written
from conformance.engine.sql.writes import Delete, Insert, RawSql, Update, Write
from conformance.framecast.rules import RULES, Rule
from strategies.world import World
from tests.support.clients import Connection, write

# Of constraints and what rejects in their name: primary keys and NOT NULL have PostgreSQL's names.
NAMES: Final = """
SELECT conname::text FROM pg_constraint
WHERE connamespace IN ('public'::regnamespace, 'framecast'::regnamespace)
    AND contype NOT IN ('p', 'n', 't')
UNION ALL
SELECT substr(tgname, 6) FROM pg_trigger WHERE tgname ~ '^_[37]00_'
"""
LONGEST: Final = 63
FILE: Final = Path(__file__).parents[3] / "migrations" / "rules.json"
LISTED: Final = json.loads(FILE.read_text())


class Refused(NamedTuple):
    """A refused write, what refuses it, and whether that waits for the end."""

    name: str
    writes: Callable[[World], tuple[Write, ...]]
    is_late: bool = False


def _owner_leaves(world: World) -> tuple[Write, ...]:
    team, owner = world.team()
    return (
        Update("memberships", {"team_id": team["id"], "user_id": owner["id"]}, {"role": "admin"}),
    )


def _erased_alone(world: World) -> tuple[Write, ...]:
    team, owner = world.team()
    world.member(team)
    return (RawSql(f"SELECT erase_user('{owner['id']}')"),)


def _erased_at_work(world: World) -> tuple[Write, ...]:
    team, owner = world.team()
    world.job(owner, f"framecast:team:{team['id']}")
    return (RawSql(f"SELECT erase_user('{owner['id']}')"),)


def _again(world: World) -> tuple[Write, ...]:
    team, owner = world.team()
    first = world.insert("invitations", world.an_invitation(team, owner))
    return (
        Insert("invitations", ({**world.an_invitation(team, owner), "token": first["token"]},)),
    )


def _of_nobody(world: World) -> tuple[Write, ...]:
    team, _ = world.team()
    return (Insert("memberships", (world.a_membership(team, {"id": world.id()}),)),)


def _deleted_at_work(world: World) -> tuple[Write, ...]:
    starter = world.starter()
    world.job(starter)
    return (Delete("users", {"id": starter["id"]}),)


def _charged(world: World) -> tuple[Write, ...]:
    return (Insert("jobs", (world.a_job(world.starter(), credits_charged=-1),)),)


REFUSED: Final = (
    Refused(
        "users_email_is_an_address", lambda w: (Insert("users", (w.a_starter(email="nobody"),)),)
    ),
    Refused("inv_u5__", lambda w: (Insert("users", (w.a_starter(credits=-1),)),)),
    Refused("inv_j9__", _charged),
    Refused("invitations_token_used_once", _again),
    Refused("inv_j13__", _deleted_at_work),
    Refused(
        "jobs_idempotency_key_at_most_255_characters",
        lambda w: (Insert("jobs", (w.a_job(w.starter(), idempotency_key="x" * 256),)),),
    ),
    Refused("state_job__", lambda w: (Insert("jobs", (w.a_job(w.starter(), status="failed"),)),)),
    Refused("del_1__", _erased_at_work),
    Refused("inv_t2__", _erased_alone, is_late=True),
    Refused("inv_t2__", _owner_leaves, is_late=True),
    Refused("inv_m5__", _of_nobody, is_late=True),
)


@pytest.mark.parametrize("refused", REFUSED, ids=lambda each: each.name)
def test_a_message_has_the_name(refused: Refused, client: Connection) -> None:
    """The name that the diagnostics have is in the message too, whatever refused, and when."""
    world = World()
    writes = refused.writes(world)
    if world.given:
        write(client, *world.given)
    client.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
    if refused.is_late:
        write(client, *writes)
    last = client.commit if refused.is_late else partial(write, client, *writes)
    with pytest.raises(psycopg.errors.IntegrityError) as caught:
        last()
    name = str(caught.value.diag.constraint_name)
    assert name.startswith(refused.name)
    assert f'"{name}"' in str(caught.value.diag.message_primary)

    entry = LISTED["constraints"][name]
    assert caught.value.diag.sqlstate in entry["sqlstates"]
    assert ("commit" if refused.is_late else "statement") == entry["when"]
    assert caught.value.diag.table_name in {*entry["tables"], None}  # a domain's has none


def test_the_list_is_that_of_the_schema(client: Connection) -> None:
    """The list that comes with the migrations is what a new installation refuses by."""
    assert listed(client) == LISTED
    assert FILE.read_text() == written(client)


def test_every_name_is_answered_once() -> None:
    """Each name has one answer and a hint, and each answer has a name."""
    names = LISTED["constraints"]
    assert [] == [name for name in names if len(answered(name)) != 1]
    assert [] == [name for name, entry in names.items() if not entry["hint"]]
    assert set(entries()) == {entry for name in names for _, _, entry in answered(name)}
    assert set(LISTED["answers"]) == {entry["answer"] for entry in names.values()}


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: str(rule.id))
def test_what_enforces_a_rule_is_listed(rule: Rule) -> None:
    """Every name that a rejection of a rule may have is in the list, with the rule."""
    for name in rule.enforced_by:
        if " " not in name:
            entry = LISTED["constraints"][name]
            assert rule.id in {entry["rule"], *entry["also"]}


def test_every_constraint_has_a_name_of_its_own(client: Connection) -> None:
    """No two constraints or triggers that reject share a name, and none is cut off."""
    names = [name for (name,) in client.execute(NAMES)]
    assert sorted(set(names)) == sorted(names)
    assert [] == [name for name in names if len(name.encode()) >= LONGEST]
