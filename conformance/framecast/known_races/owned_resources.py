"""Races about keys, assets, webhooks, deliveries and usage."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.engine.sql.writes import Sql, Update
from conformance.framecast.known_races.definition import RaceSetup, RaceStep, does, known_race
from conformance.framecast.model.entities import uuid
from conformance.framecast.operations import (
    Act,
    Operation,
    assets,
    deliveries,
    events,
    keys,
    memberships,
    projects,
    teams,
    users,
)

if TYPE_CHECKING:
    from conformance.framecast.model import State


def _try_again(state: State, delivery: int) -> Act:
    before = state.webhook_deliveries[delivery]
    changes = {"status": "retrying", "attempts": Sql("attempts + 1")}
    return Act(
        (Update("webhook_deliveries", {"id": uuid(delivery)}, changes),),
        state.put(replace(before, status="retrying", attempts=before.attempts + 1)),
    )


# Relative, unlike the product's own: it means the same however often it was tried meanwhile.
TRY_AGAIN = Operation("try once more", {}, _try_again)


@known_race("INV-X4", "AUTO-REVOKE", invariant="a live member key has its membership")
def member_key_made_while_leaving(setup: RaceSetup) -> None:
    """A member makes a key with a member URN while leaving the team."""
    bob, team, seat = _member(setup)
    setup.session("bob", _makes_key((bob, team, bob)))
    setup.session("ann", does(memberships.LEAVE, membership=seat))


@known_race(
    "AUTO-REVOKE", "ROLE-2", invariant="keys of a team are revoked when their user leaves it"
)
def team_key_made_while_leaving(setup: RaceSetup) -> None:
    """A member makes a key of the team while leaving it."""
    bob, team, seat = _member(setup)
    setup.session("bob", _makes_key((bob, team, None)))
    setup.session("ann", does(memberships.LEAVE, membership=seat))


@known_race("INV-X4", "AUTO-REVOKE", invariant="a live member key has its membership")
def key_revived_while_leaving(setup: RaceSetup) -> None:
    """A revoked key is made live again while its user leaves the team."""
    _revives_while_leaving(setup, shared=False)


@known_race(
    "AUTO-REVOKE", "ROLE-2", invariant="keys of a team are revoked when their user leaves it"
)
def team_key_revived_while_leaving(setup: RaceSetup) -> None:
    """A revoked key of a team is made live again while its user leaves the team."""
    _revives_while_leaving(setup, shared=True)


@known_race("INV-X4", "AUTO-REVOKE", invariant="a live member key has its membership")
def key_made_while_the_team_goes(setup: RaceSetup) -> None:
    """A member makes a key while the team is being deleted."""
    bob, team, _ = _member(setup)
    setup.session("bob", _makes_key((bob, team, bob)))
    setup.session("support", does(teams.DELETE, team=team))


@known_race("LOCK ORDER", "INV-A1", invariant="whoever waits for the same waits in the same order")
def user_deleted_as_a_key_is_revived(setup: RaceSetup) -> None:
    """A key is used; meanwhile another one is made live again, and its user deleted."""
    bob, team, _ = _member(setup)
    used = setup.given.do(keys.MAKE, by=(bob, team, bob), hashed="fresh", lasts=None)
    revoked = setup.given.do(keys.MAKE, by=(bob, team, bob), hashed="fresh", lasts=None)
    setup.given.do(keys.REVOKE, key=revoked)
    setup.session("client", does(keys.USE, key=used))
    setup.session("support", does(users.DELETE, user=bob))
    setup.session("bob", does(keys.REVIVE, key=revoked))


@known_race("LOCK ORDER", "INV-A1", invariant="whoever waits for the same waits in the same order")
def user_deleted_while_leaving_behind_a_key(setup: RaceSetup) -> None:
    """A key is used; meanwhile its user leaves the team, and is deleted."""
    bob, team, seat = _member(setup)
    key = setup.given.do(keys.MAKE, by=(bob, team, bob), hashed="fresh", lasts=None)
    setup.session("client", does(keys.USE, key=key))
    setup.session("support", does(users.DELETE, user=bob))
    setup.session("bob", does(memberships.LEAVE, membership=seat))


@known_race("LOCK ORDER", "INV-A1", invariant="whoever waits for the same waits in the same order")
def user_deleted_while_leaving_as_a_key_is_revived(setup: RaceSetup) -> None:
    """A key is made live again; meanwhile its user leaves the team, and is deleted."""
    bob, team, seat = _member(setup)
    key = setup.given.do(keys.MAKE, by=(bob, team, bob), hashed="fresh", lasts=None)
    setup.given.do(keys.REVOKE, key=key)
    setup.session("client", does(keys.REVIVE, key=key))
    setup.session("support", does(users.DELETE, user=bob))
    setup.session("bob", does(memberships.LEAVE, membership=seat))


@known_race("LOCK ORDER", "INV-I5", invariant="whoever waits for the same waits in the same order")
def team_goes_while_it_invites_behind_a_key(setup: RaceSetup) -> None:
    """A key of a team is used; meanwhile an invitation is extended, and the team deleted."""
    bob, team, _ = _member(setup, "admin")
    key = setup.given.do(keys.MAKE, by=(bob, team, bob), hashed="fresh", lasts=None)
    invitation = setup.given.do(
        memberships.INVITE, by=(bob, team), email="eve@example.com", role="member", answered="open"
    )
    setup.session("client", does(keys.USE, key=key))
    setup.session("support", does(teams.DELETE, team=team))
    setup.session("bob", does(memberships.EXTEND, invitation=invitation))


@known_race("INV-A1", invariant="a key's user exists")
def key_made_while_deleted(setup: RaceSetup) -> None:
    """A user makes a key while the account is being deleted."""
    eve = setup.given.do(users.SIGN_UP, email="eve@example.com")
    setup.session("eve", _makes_key((eve, None, eve)))
    setup.session("support", does(users.DELETE, user=eve))


@known_race("INV-A3", invariant="no two keys share a hash")
def one_hash_for_two(setup: RaceSetup) -> None:
    """Two keys are made with one hash at once."""
    eve = setup.given.do(users.SIGN_UP, email="eve@example.com")
    for who in ("one device", "another"):
        setup.session(who, does(keys.MAKE, by=(eve, None, eve), hashed="used", lasts=None))


@known_race("INV-A6", "INV-A7", invariant="a key of a team belongs to a creator")
def key_made_while_upgraded(setup: RaceSetup) -> None:
    """A starter becomes a creator of a team, and makes a key of it, at once."""
    eve = setup.given.do(users.SIGN_UP, email="eve@example.com")
    setup.given.creator()
    setup.session("billing", does(users.UPGRADE, user=eve, stamp=True, team=True))
    team = 1001  # the first id that the first session gives
    setup.session("eve", _makes_key((eve, team, eve)), knows=("billing",))


@known_race("INV-X2", "ROLE-2", invariant="whoever uploads to a team is in it")
def uploaded_while_leaving(setup: RaceSetup) -> None:
    """A member announces an asset while leaving the team."""
    bob, team, seat = _member(setup)
    setup.session("bob", _announces((bob, team, bob)))
    setup.session("ann", does(memberships.LEAVE, membership=seat))


@known_race("INV-X3", invariant="an asset's project exists")
def uploaded_while_the_project_goes(setup: RaceSetup) -> None:
    """An asset of a project is announced while the project is deleted."""
    bob, team, _ = _member(setup)
    project = setup.given.do(projects.MAKE, by=(bob, team), status="draft")
    setup.session("bob", _announces((bob, team, None), project))
    setup.session("ann", does(projects.DELETE, project=project))


@known_race("INV-AF6", invariant="no two assets share an s3_key")
def one_path_for_two(setup: RaceSetup) -> None:
    """Two assets are announced with one path at once."""
    eve = setup.given.do(users.SIGN_UP, email="eve@example.com")
    for who in ("one device", "another"):
        setup.session(who, _announces((eve, None, eve), amiss="path"))


@known_race("INV-AF5", invariant="an asset's uploader exists")
def uploaded_while_deleted(setup: RaceSetup) -> None:
    """A user announces an asset while the account is being deleted."""
    eve = setup.given.do(users.SIGN_UP, email="eve@example.com")
    setup.session("eve", _announces((eve, None, eve)))
    setup.session("support", does(users.DELETE, user=eve))


@known_race("STATE-ASSET", invariant="an upload ends once")
def ready_while_failed(setup: RaceSetup) -> None:
    """An asset is said to be ready and failed at once."""
    eve = setup.given.do(users.SIGN_UP, email="eve@example.com")
    asset = setup.given.do(
        assets.ANNOUNCE, by=(eve, None, eve), project=None, amiss="nothing", status="pending"
    )
    for who, status in (("worker", "ready"), ("timeout", "failed")):
        setup.session(who, does(assets.SAY, asset=asset, status=status))


@known_race("ROLE-1", invariant="only owners and admins make webhooks")
def webhook_made_while_demoted(setup: RaceSetup) -> None:
    """An admin makes a webhook while being made a viewer."""
    bob, team, seat = _member(setup, "admin")
    setup.session("bob", _makes_webhook((bob, team)))
    setup.session("ann", does(memberships.CHANGE_ROLE, membership=seat, role="viewer"))


@known_race("INV-W1", invariant="a webhook's team exists")
def webhook_made_while_the_team_goes(setup: RaceSetup) -> None:
    """A webhook is made in a team that is being deleted."""
    bob, team, _ = _member(setup, "admin")
    setup.session("bob", _makes_webhook((bob, team)))
    setup.session("support", does(teams.DELETE, team=team))


@known_race("INV-W5", invariant="a webhook's creator exists")
def webhook_made_while_deleted(setup: RaceSetup) -> None:
    """An admin makes a webhook while the account is being deleted."""
    bob, team, _ = _member(setup, "admin")
    setup.session("bob", _makes_webhook((bob, team)))
    setup.session("support", does(users.DELETE, user=bob))


@known_race("INV-WD2", invariant="a delivery's webhook exists")
def queued_while_the_webhook_goes(setup: RaceSetup) -> None:
    """A delivery is queued for a webhook that is being deleted."""
    webhook = _webhook(setup)
    setup.session("service", _queues(webhook))
    setup.session("ann", does(deliveries.REMOVE, webhook=webhook))


@known_race("INV-WD3", invariant="a delivery is tried at most so often")
def tried_twice_at_the_last(setup: RaceSetup) -> None:
    """Two workers make the last attempt at one delivery."""
    delivery = _delivery(setup)
    setup.given.do(TRY_AGAIN, delivery=delivery)
    for who in ("worker", "another"):
        setup.session(who, does(TRY_AGAIN, delivery=delivery))


@known_race("STATE-DELIVERY", "INV-WD4", invariant="what is delivered stays so")
def delivered_while_failed(setup: RaceSetup) -> None:
    """A delivery is said to be delivered and failed at once."""
    delivery = _delivery(setup)
    for who, status in (("worker", "delivered"), ("timeout", "failed")):
        setup.session(
            who, does(deliveries.TRY, delivery=delivery, status=status, lacking="nothing")
        )


@known_race("INV-US4", invariant="an owner has one row a month")
def month_opened_twice(setup: RaceSetup) -> None:
    """A month's row is inserted by two at once."""
    eve = setup.given.do(users.SIGN_UP, email="eve@example.com")
    for who in ("worker", "another"):
        setup.session(who, does(events.OPEN, by=(eve, None, eve), period="2026-01"))


@known_race("INV-US4", "INV-US2", invariant="nothing that is rolled up gets lost")
def rolled_up_twice(setup: RaceSetup) -> None:
    """Two workers roll up usage of a month that has no row yet."""
    eve = setup.given.do(users.SIGN_UP, email="eve@example.com")
    for who in ("worker", "another"):
        setup.session(who, does(events.ROLL_UP, by=(eve, None, eve), period="2026-01", renders=1))


def _makes_key(by: tuple[int, int | None, int | None]) -> RaceStep:
    return does(keys.MAKE, by=by, hashed="fresh", lasts=None)


def _announces(
    by: tuple[int, int | None, int | None], project: int | None = None, amiss: str = "nothing"
) -> RaceStep:
    return does(assets.ANNOUNCE, by=by, project=project, amiss=amiss, status="pending")


def _makes_webhook(by: tuple[int, int]) -> RaceStep:
    return does(deliveries.MAKE, by=by, url="https", events="one")


def _queues(webhook: int) -> RaceStep:
    return does(deliveries.QUEUE, webhook=webhook, job=None, status="pending")


def _webhook(setup: RaceSetup) -> int:
    return setup.given.do(deliveries.MAKE, by=setup.given.creator(), url="https", events="one")


def _delivery(setup: RaceSetup) -> int:
    webhook = _webhook(setup)
    return setup.given.do(deliveries.QUEUE, webhook=webhook, job=None, status="pending")


def _revives_while_leaving(setup: RaceSetup, *, shared: bool) -> None:
    bob, team, seat = _member(setup)
    whose = (bob, team, None if shared else bob)
    key = setup.given.do(keys.MAKE, by=whose, hashed="fresh", lasts=None)
    setup.given.do(keys.REVOKE, key=key)
    setup.session("bob", does(keys.REVIVE, key=key))
    setup.session("ann", does(memberships.LEAVE, membership=seat))


def _member(setup: RaceSetup, role: str = "member") -> tuple[int, int, int]:
    """Make a member of a team and of another one; return user, team and seat."""
    ann, team = setup.given.creator()
    _, other = setup.given.creator("cid@example.com")
    setup.given.do(memberships.JOIN, by=(ann, other), role="member")
    bob = setup.given.do(users.SIGN_UP, email="bob@example.com")
    setup.given.do(users.UPGRADE, user=bob, stamp=True, team=False)
    setup.given.do(memberships.JOIN, by=(bob, other), role="member")
    return bob, team, setup.given.do(memberships.JOIN, by=(bob, team), role=role)


KNOWN_RACES = (
    member_key_made_while_leaving,
    team_key_made_while_leaving,
    key_revived_while_leaving,
    team_key_revived_while_leaving,
    key_made_while_the_team_goes,
    key_made_while_deleted,
    user_deleted_as_a_key_is_revived,
    user_deleted_while_leaving_behind_a_key,
    user_deleted_while_leaving_as_a_key_is_revived,
    team_goes_while_it_invites_behind_a_key,
    one_hash_for_two,
    key_made_while_upgraded,
    uploaded_while_leaving,
    uploaded_while_the_project_goes,
    one_path_for_two,
    uploaded_while_deleted,
    ready_while_failed,
    webhook_made_while_demoted,
    webhook_made_while_the_team_goes,
    webhook_made_while_deleted,
    queued_while_the_webhook_goes,
    tried_twice_at_the_last,
    delivered_while_failed,
    month_opened_twice,
    rolled_up_twice,
)
