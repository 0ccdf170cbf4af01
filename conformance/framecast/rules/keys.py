"""Rules of API keys."""

from conformance.engine.kinds.check import Check
from conformance.engine.kinds.keys import References, Unique, unmatched
from conformance.framecast.model import judgements
from conformance.framecast.rules.jobs import TEAM_OF_URN
from conformance.framecast.rules.rule import Holds, Rule


def _without_membership(column: str) -> str:
    """Return a query for the keys that name a team in a column, and no membership of their user."""
    return unmatched("api_keys", {column: "team_id", "user_id": "user_id"}, "memberships")


RULES = (
    Rule.of(
        "INV-A1",
        "a key's user exists",
        References("api_keys", "user_id", "users", "user"),
        ("inv_a1__api_keys_user_exists",),
    ),
    Rule.of(
        "INV-A2",
        "its key_hash is not empty",
        Check("api_keys", "length(key_hash) = 0", lambda k: not k.hash),
        ("inv_a2__api_keys_hash_not_empty",),
    ),
    Rule.of(
        "INV-A3",
        "no two keys share a key_hash",
        Unique("api_keys", ("key_hash",), ("hash",)),
        ("inv_a3__api_keys_hash_unique",),
    ),
    Rule(
        "INV-A4",
        "a revoked key is not valid",
        ("api_keys",),
        Holds.DERIVED,
        ("function api_key_is_valid",),
        "SELECT id::text FROM api_keys WHERE revoked_at IS NOT NULL AND api_key_is_valid(id)",
    ),
    Rule(
        "INV-A5",
        "an expired key is not valid",
        ("api_keys",),
        Holds.DERIVED,
        ("function api_key_is_valid",),
        "SELECT id::text FROM api_keys WHERE (expires_at <= clock_timestamp()) IS TRUE"
        " AND api_key_is_valid(id)",
    ),
    Rule(
        "INV-A6",
        "a starter's keys are owned by the starter's own user URN",
        ("api_keys", "users"),
        Holds.ALWAYS,
        (
            "inv_a6__api_keys_team_key_is_a_creators",
            "urn_2__api_keys_user_urn_names_its_user",
        ),
        "SELECT k.id::text FROM api_keys k JOIN users u ON u.id = k.user_id"
        " WHERE u.tier = 'starter' AND k.owner::text <> 'framecast:user:' || u.id::text",
        model=judgements.team_keys_of_starters,
    ),
    Rule(
        "INV-A7",
        "a key owned by a team or member URN belongs to a creator",
        ("api_keys", "users"),
        Holds.ALWAYS,
        ("inv_a6__api_keys_team_key_is_a_creators",),
        "SELECT k.id::text FROM api_keys k JOIN users u ON u.id = k.user_id"
        " WHERE k.owner::text NOT LIKE 'framecast:user:%' AND u.tier <> 'creator'",
        model=judgements.team_keys_of_starters,
    ),
    Rule(
        "INV-X4",
        "a live key with a member URN belongs to that member, and the membership exists",
        ("api_keys", "memberships"),
        Holds.ALWAYS,
        ("inv_x4__api_keys_member_urn_names_its_user", "inv_x4__api_keys_membership_exists"),
        "SELECT k.id::text FROM api_keys k WHERE k.revoked_at IS NULL"
        " AND k.owner::text NOT LIKE 'framecast:user:%'"
        " AND k.owner::text NOT LIKE 'framecast:team:%'"
        " AND NOT EXISTS (SELECT FROM memberships m WHERE m.user_id = k.user_id"
        " AND 'framecast:' || m.team_id || ':' || m.user_id = k.owner::text)",
        "SELECT k.id::text FROM api_keys k WHERE k.revoked_at IS NULL"
        " AND k.owner::text NOT LIKE 'framecast:user:%'"
        " AND k.owner::text NOT LIKE 'framecast:team:%'"
        " AND split_part(k.owner::text, ':', 3) <> k.user_id::text"
        f" UNION ALL {_without_membership('live_member_team_id')}",
        model=judgements.foreign_keys_of_members,
    ),
    Rule(
        "AUTO-REVOKE",
        "a user's live keys of a team are revoked when the membership ends",
        ("api_keys", "memberships"),
        Holds.DERIVED,
        ("trigger memberships._500_revoke_keys", "role_2__api_keys_maker_in_team"),
        "SELECT k.id::text FROM api_keys k WHERE k.revoked_at IS NULL"
        f" AND {TEAM_OF_URN.format('k.owner')} IS NOT NULL"
        " AND NOT EXISTS (SELECT FROM memberships m WHERE m.user_id = k.user_id"
        f" AND m.team_id::text = {TEAM_OF_URN.format('k.owner')})",
        f"{_without_membership('live_member_team_id')}"
        f" UNION ALL {_without_membership('live_shared_team_id')}",
        model=judgements.foreign_keys_of_teams,
    ),
)
