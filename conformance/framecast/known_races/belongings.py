"""Races about keys, assets, webhooks, deliveries and usage."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.framecast.known_races.scene import Deed, Scene, classic, does
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
from conformance.sql.writes import Sql, Update

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


@classic("INV-X4", "AUTO-REVOKE", law="a live member key has its membership")
def member_key_made_while_leaving(scene: Scene) -> None:
    """A member makes a key with a member URN while leaving the team."""
    bob, team, seat = _member(scene)
    scene.session("bob", _makes_key((bob, team, bob)))
    scene.session("ann", does(memberships.LEAVE, membership=seat))


@classic("AUTO-REVOKE", "ROLE-2", law="keys of a team are revoked when their user leaves it")
def team_key_made_while_leaving(scene: Scene) -> None:
    """A member makes a key of the team while leaving it."""
    bob, team, seat = _member(scene)
    scene.session("bob", _makes_key((bob, team, None)))
    scene.session("ann", does(memberships.LEAVE, membership=seat))


@classic("INV-X4", "AUTO-REVOKE", law="a live member key has its membership")
def key_revived_while_leaving(scene: Scene) -> None:
    """A revoked key is made live again while its user leaves the team."""
    _revives_while_leaving(scene, shared=False)


@classic("AUTO-REVOKE", "ROLE-2", law="keys of a team are revoked when their user leaves it")
def team_key_revived_while_leaving(scene: Scene) -> None:
    """A revoked key of a team is made live again while its user leaves the team."""
    _revives_while_leaving(scene, shared=True)


@classic("INV-X4", "AUTO-REVOKE", law="a live member key has its membership")
def key_made_while_the_team_goes(scene: Scene) -> None:
    """A member makes a key while the team is being deleted."""
    bob, team, _ = _member(scene)
    scene.session("bob", _makes_key((bob, team, bob)))
    scene.session("support", does(teams.DELETE, team=team))


@classic("LOCK ORDER", "INV-A1", law="whoever waits for the same waits in the same order")
def user_deleted_as_a_key_is_revived(scene: Scene) -> None:
    """A key is used; meanwhile another one is made live again, and its user deleted."""
    bob, team, _ = _member(scene)
    used = scene.given.do(keys.MAKE, by=(bob, team, bob), hashed="fresh", lasts=None)
    revoked = scene.given.do(keys.MAKE, by=(bob, team, bob), hashed="fresh", lasts=None)
    scene.given.do(keys.REVOKE, key=revoked)
    scene.session("client", does(keys.USE, key=used))
    scene.session("support", does(users.DELETE, user=bob))
    scene.session("bob", does(keys.REVIVE, key=revoked))


@classic("LOCK ORDER", "INV-A1", law="whoever waits for the same waits in the same order")
def user_deleted_while_leaving_behind_a_key(scene: Scene) -> None:
    """A key is used; meanwhile its user leaves the team, and is deleted."""
    bob, team, seat = _member(scene)
    key = scene.given.do(keys.MAKE, by=(bob, team, bob), hashed="fresh", lasts=None)
    scene.session("client", does(keys.USE, key=key))
    scene.session("support", does(users.DELETE, user=bob))
    scene.session("bob", does(memberships.LEAVE, membership=seat))


@classic("LOCK ORDER", "INV-A1", law="whoever waits for the same waits in the same order")
def user_deleted_while_leaving_as_a_key_is_revived(scene: Scene) -> None:
    """A key is made live again; meanwhile its user leaves the team, and is deleted."""
    bob, team, seat = _member(scene)
    key = scene.given.do(keys.MAKE, by=(bob, team, bob), hashed="fresh", lasts=None)
    scene.given.do(keys.REVOKE, key=key)
    scene.session("client", does(keys.REVIVE, key=key))
    scene.session("support", does(users.DELETE, user=bob))
    scene.session("bob", does(memberships.LEAVE, membership=seat))


@classic("LOCK ORDER", "INV-I5", law="whoever waits for the same waits in the same order")
def team_goes_while_it_invites_behind_a_key(scene: Scene) -> None:
    """A key of a team is used; meanwhile an invitation is extended, and the team deleted."""
    bob, team, _ = _member(scene, "admin")
    key = scene.given.do(keys.MAKE, by=(bob, team, bob), hashed="fresh", lasts=None)
    letter = scene.given.do(
        memberships.INVITE, by=(bob, team), email="eve@example.com", role="member", answered="open"
    )
    scene.session("client", does(keys.USE, key=key))
    scene.session("support", does(teams.DELETE, team=team))
    scene.session("bob", does(memberships.EXTEND, invitation=letter))


@classic("INV-A1", law="a key's user exists")
def key_made_while_deleted(scene: Scene) -> None:
    """Somebody makes a key while the account is being deleted."""
    eve = scene.given.do(users.SIGN_UP, email="eve@example.com")
    scene.session("eve", _makes_key((eve, None, eve)))
    scene.session("support", does(users.DELETE, user=eve))


@classic("INV-A3", law="no two keys share a hash")
def one_hash_for_two(scene: Scene) -> None:
    """Two keys are made with one hash at once."""
    eve = scene.given.do(users.SIGN_UP, email="eve@example.com")
    for who in ("one device", "another"):
        scene.session(who, does(keys.MAKE, by=(eve, None, eve), hashed="used", lasts=None))


@classic("INV-A6", "INV-A7", law="a key of a team belongs to a creator")
def key_made_while_upgraded(scene: Scene) -> None:
    """A starter becomes a creator of a team, and makes a key of it, at once."""
    eve = scene.given.do(users.SIGN_UP, email="eve@example.com")
    scene.given.creator()
    scene.session("billing", does(users.UPGRADE, user=eve, stamp=True, team=True))
    team = 1001  # the first id that the first session gives
    scene.session("eve", _makes_key((eve, team, eve)), knows=("billing",))


@classic("INV-X2", "ROLE-2", law="whoever uploads to a team is in it")
def uploaded_while_leaving(scene: Scene) -> None:
    """A member announces an asset while leaving the team."""
    bob, team, seat = _member(scene)
    scene.session("bob", _announces((bob, team, bob)))
    scene.session("ann", does(memberships.LEAVE, membership=seat))


@classic("INV-X3", law="an asset's project exists")
def uploaded_while_the_project_goes(scene: Scene) -> None:
    """An asset of a project is announced while the project is deleted."""
    bob, team, _ = _member(scene)
    project = scene.given.do(projects.MAKE, by=(bob, team), status="draft")
    scene.session("bob", _announces((bob, team, None), project))
    scene.session("ann", does(projects.DELETE, project=project))


@classic("INV-AF6", law="no two assets share an s3_key")
def one_path_for_two(scene: Scene) -> None:
    """Two assets are announced with one path at once."""
    eve = scene.given.do(users.SIGN_UP, email="eve@example.com")
    for who in ("one device", "another"):
        scene.session(who, _announces((eve, None, eve), amiss="path"))


@classic("INV-AF5", law="an asset's uploader exists")
def uploaded_while_deleted(scene: Scene) -> None:
    """Somebody announces an asset while the account is being deleted."""
    eve = scene.given.do(users.SIGN_UP, email="eve@example.com")
    scene.session("eve", _announces((eve, None, eve)))
    scene.session("support", does(users.DELETE, user=eve))


@classic("STATE-ASSET", law="an upload ends once")
def ready_while_failed(scene: Scene) -> None:
    """An asset is said to be ready and failed at once."""
    eve = scene.given.do(users.SIGN_UP, email="eve@example.com")
    asset = scene.given.do(
        assets.ANNOUNCE, by=(eve, None, eve), project=None, amiss="nothing", status="pending"
    )
    for who, status in (("worker", "ready"), ("timeout", "failed")):
        scene.session(who, does(assets.SAY, asset=asset, status=status))


@classic("ROLE-1", law="only owners and admins make webhooks")
def webhook_made_while_demoted(scene: Scene) -> None:
    """An admin makes a webhook while being made a viewer."""
    bob, team, seat = _member(scene, "admin")
    scene.session("bob", _makes_webhook((bob, team)))
    scene.session("ann", does(memberships.CHANGE_ROLE, membership=seat, role="viewer"))


@classic("INV-W1", law="a webhook's team exists")
def webhook_made_while_the_team_goes(scene: Scene) -> None:
    """A webhook is made in a team that is being deleted."""
    bob, team, _ = _member(scene, "admin")
    scene.session("bob", _makes_webhook((bob, team)))
    scene.session("support", does(teams.DELETE, team=team))


@classic("INV-W5", law="a webhook's creator exists")
def webhook_made_while_deleted(scene: Scene) -> None:
    """An admin makes a webhook while the account is being deleted."""
    bob, team, _ = _member(scene, "admin")
    scene.session("bob", _makes_webhook((bob, team)))
    scene.session("support", does(users.DELETE, user=bob))


@classic("INV-WD2", law="a delivery's webhook exists")
def queued_while_the_webhook_goes(scene: Scene) -> None:
    """A delivery is queued for a webhook that is being deleted."""
    webhook = _webhook(scene)
    scene.session("service", _queues(webhook))
    scene.session("ann", does(deliveries.REMOVE, webhook=webhook))


@classic("INV-WD3", law="a delivery is tried at most so often")
def tried_twice_at_the_last(scene: Scene) -> None:
    """Two workers make the last attempt at one delivery."""
    delivery = _delivery(scene)
    scene.given.do(TRY_AGAIN, delivery=delivery)
    for who in ("worker", "another"):
        scene.session(who, does(TRY_AGAIN, delivery=delivery))


@classic("STATE-DELIVERY", "INV-WD4", law="what is delivered stays so")
def delivered_while_failed(scene: Scene) -> None:
    """A delivery is said to be delivered and failed at once."""
    delivery = _delivery(scene)
    for who, status in (("worker", "delivered"), ("timeout", "failed")):
        scene.session(
            who, does(deliveries.TRY, delivery=delivery, status=status, lacking="nothing")
        )


@classic("INV-US4", law="an owner has one row a month")
def month_opened_twice(scene: Scene) -> None:
    """A month's row is inserted by two at once."""
    eve = scene.given.do(users.SIGN_UP, email="eve@example.com")
    for who in ("worker", "another"):
        scene.session(who, does(events.OPEN, by=(eve, None, eve), period="2026-01"))


@classic("INV-US4", "INV-US2", law="nothing that is rolled up gets lost")
def rolled_up_twice(scene: Scene) -> None:
    """Two workers roll up usage of a month that has no row yet."""
    eve = scene.given.do(users.SIGN_UP, email="eve@example.com")
    for who in ("worker", "another"):
        scene.session(who, does(events.ROLL_UP, by=(eve, None, eve), period="2026-01", renders=1))


def _makes_key(by: tuple[int, int | None, int | None]) -> Deed:
    return does(keys.MAKE, by=by, hashed="fresh", lasts=None)


def _announces(
    by: tuple[int, int | None, int | None], project: int | None = None, amiss: str = "nothing"
) -> Deed:
    return does(assets.ANNOUNCE, by=by, project=project, amiss=amiss, status="pending")


def _makes_webhook(by: tuple[int, int]) -> Deed:
    return does(deliveries.MAKE, by=by, url="https", events="one")


def _queues(webhook: int) -> Deed:
    return does(deliveries.QUEUE, webhook=webhook, job=None, status="pending")


def _webhook(scene: Scene) -> int:
    return scene.given.do(deliveries.MAKE, by=scene.given.creator(), url="https", events="one")


def _delivery(scene: Scene) -> int:
    webhook = _webhook(scene)
    return scene.given.do(deliveries.QUEUE, webhook=webhook, job=None, status="pending")


def _revives_while_leaving(scene: Scene, *, shared: bool) -> None:
    bob, team, seat = _member(scene)
    whose = (bob, team, None if shared else bob)
    key = scene.given.do(keys.MAKE, by=whose, hashed="fresh", lasts=None)
    scene.given.do(keys.REVOKE, key=key)
    scene.session("bob", does(keys.REVIVE, key=key))
    scene.session("ann", does(memberships.LEAVE, membership=seat))


def _member(scene: Scene, role: str = "member") -> tuple[int, int, int]:
    """Make a member of a team and of another one; return user, team and seat."""
    ann, team = scene.given.creator()
    _, other = scene.given.creator("cid@example.com")
    scene.given.do(memberships.JOIN, by=(ann, other), role="member")
    bob = scene.given.do(users.SIGN_UP, email="bob@example.com")
    scene.given.do(users.UPGRADE, user=bob, stamp=True, team=False)
    scene.given.do(memberships.JOIN, by=(bob, other), role="member")
    return bob, team, scene.given.do(memberships.JOIN, by=(bob, team), role=role)


CLASSICS = (
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
