"""Rows of those who use Framecast: users, teams, memberships, invitations, keys, usage."""

from functools import cache

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from strategies.credentials import hash_forms, key_prefixes, token_forms
from strategies.documents import json_objects, scopes
from strategies.enums import labels
from strategies.instants import (
    future_timestamps,
    ordered_pairs,
    past_timestamps,
    period_forms,
    timestamps,
)
from strategies.naming import key_names, slug_forms, team_names
from strategies.owners import Id
from strategies.people import email_forms, person_names
from strategies.rows import Row, completed, created, maybe, shapes, stamped
from strategies.sizes import int32s, int64s
from strategies.web import urls


def users(serial: int | None = None) -> SearchStrategy[Row]:
    """Rows of users, all of them starters: a creator comes with a team."""
    return completed("users", _users(), serial)


@cache
def _users() -> SearchStrategy[Row]:
    return shapes(
        {"email": email_forms()},
        {
            "name": maybe(person_names()),
            "avatar_url": maybe(urls()),
            "tier": st.just("starter"),
            "credits": int32s(),
            "ephemeral_storage_bytes": int64s(),
            "upgraded_at": st.none(),
        },
        stamped(),
    )


def teams(serial: int | None = None) -> SearchStrategy[Row]:
    """Rows of teams, with and without a slug. By commit the team needs an owner."""
    return completed("teams", _teams(), serial)


@cache
def _teams() -> SearchStrategy[Row]:
    return shapes(
        {"name": team_names()},
        {
            "slug": maybe(slug_forms()),
            "credits": int32s(),
            "ephemeral_storage_bytes": int64s(),
            "settings": json_objects(),
        },
        stamped(),
    )


def memberships(team: Id, user: Id, serial: int | None = None) -> SearchStrategy[Row]:
    """Rows of memberships in any role, of a creator who is not yet in the team.

    A role that is left out is `member`: by commit the team needs an owner.
    """
    return completed("memberships", _memberships(), serial, team_id=team, user_id=user)


@cache
def _memberships() -> SearchStrategy[Row]:
    return shapes({}, {"role": labels("membership_role")}, created())


def invitations(team: Id, invited_by: Id, serial: int | None = None) -> SearchStrategy[Row]:
    """Rows of open invitations, by an owner or admin, to an email that no row of `users` has."""
    return completed("invitations", _invitations(), serial, team_id=team, invited_by=invited_by)


@cache
def _invitations() -> SearchStrategy[Row]:
    return shapes(
        {"email": email_forms(mark="guest"), "token": token_forms()},
        {
            "role": labels("invitation_role"),
            "expires_at": future_timestamps(),
            "accepted_at": st.none(),
            "revoked_at": st.none(),
        },
        created(),
    )


def api_keys(
    user: Id, owner: str, serial: int | None = None, *, live: bool = True
) -> SearchStrategy[Row]:
    """Rows of keys; some have expired, which is no part of being live.

    Args:
        user: who acts.
        owner: the user's own URN, or one of a team where they are more than a viewer.
        serial: see `strategies.rows`.
        live: whether revoked_at is null.
    """
    return completed("api_keys", _api_keys(live=live), serial, user_id=user, owner=owner)


@cache
def _api_keys(*, live: bool) -> SearchStrategy[Row]:
    revoked: dict[str, SearchStrategy[object]] = {"revoked_at": timestamps()}
    return shapes(
        {
            "key_prefix": key_prefixes(),
            "key_hash": hash_forms(),
            **({} if live else revoked),
        },
        {
            "name": key_names(),
            "scopes": scopes(),
            "last_used_at": maybe(timestamps()),
            **({"revoked_at": st.none()} if live else {}),
        },
        _lifetimes(),
    )


@cache
def _lifetimes() -> SearchStrategy[Row]:
    """Return `created_at` and `expires_at`, where both are given in order."""
    expired = ordered_pairs(strict=True).map(
        lambda pair: dict(zip(("created_at", "expires_at"), pair, strict=True))
    )
    unlimited = st.just({"expires_at": None})
    lasting = future_timestamps().map(lambda instant: {"expires_at": instant})
    return st.one_of(created(), unlimited, lasting, expired)


def usage(owner: str, serial: int | None = None) -> SearchStrategy[Row]:
    """Rows of usage; an owner has one a month, and the serial is the month."""
    return completed("usage", _usage(), serial, owner=owner)


@cache
def _usage() -> SearchStrategy[Row]:
    counters = ("renders_count", "render_seconds", "credits_used", "credits_refunded", "api_calls")
    return shapes(
        {"period": period_forms()},
        {**dict.fromkeys(counters, int32s()), "updated_at": past_timestamps()},
    )
