"""Rules of users, teams and memberships."""

from conformance.engine.kinds.at_least import AtLeast
from conformance.engine.kinds.at_most import AtMost
from conformance.engine.kinds.check import Check
from conformance.engine.kinds.keys import References, Unique
from conformance.engine.kinds.transitions import Transitions, legal
from conformance.framecast.model import judgements
from conformance.framecast.rules.rule import Holds, Rule

MALFORMED_SLUG = "slug ~ '[^a-z0-9-]' OR left(slug, 1) IN ('', '-') OR right(slug, 1) IN ('', '-')"
# Rules that say the same in other words are asked with the same words.
_AN_OWNER = AtLeast(
    1,
    "memberships m",
    per="m.team_id",
    parents="teams t",
    where="m.role = 'owner'",
    counted=lambda state: (m.team for m in state.memberships.values() if m.role == "owner"),
    needing=lambda state: state.teams,
)
# An account was erased when this is its address, whichever its letters' case.
_ERASED = "lower({0} ->> 'email') = ({0} ->> 'id') || '@erased.invalid'"
_OWNED_TEAMS = AtMost(
    10,
    "memberships m",
    per="m.user_id",
    where="m.role = 'owner'",
    sifted=True,
    counted=lambda state: (m.user for m in state.memberships.values() if m.role == "owner"),
)
_TEAMS = AtMost(
    50,
    "memberships m",
    per="m.user_id",
    counted=lambda state: (m.user for m in state.memberships.values()),
)

RULES = (
    Rule.of(
        "INV-U1",
        "a user is a creator exactly when upgraded_at is set",
        Check(
            "users",
            "(tier = 'creator') <> (upgraded_at IS NOT NULL)",
            lambda u: (u.tier == "creator") != u.upgraded,
        ),
        ("inv_u1__users_creator_iff_upgraded",),
    ),
    Rule.of(
        "INV-U2",
        "a creator belongs to at least one team",
        AtLeast(
            1,
            "memberships m",
            per="m.user_id",
            parents="users u",
            among="u.tier = 'creator'",
            counted=lambda state: (m.user for m in state.memberships.values()),
            needing=lambda state: (u.id for u in state.users.values() if u.tier == "creator"),
        ),
        (
            "inv_u2__users_creator_has_a_team",
            "inv_u2__memberships_last_one_not_gone",
            "inv_u2__memberships_truncated_with_creators",
        ),
        locks=True,
    ),
    Rule(
        "INV-U3",
        "a starter belongs to no team",
        ("users", "memberships"),
        Holds.ALWAYS,
        ("inv_u3__memberships_user_is_creator",),
        "SELECT u.id::text FROM users u WHERE u.tier = 'starter'"
        " AND EXISTS (SELECT FROM memberships m WHERE m.user_id = u.id)",
        model=judgements.starters_in_teams,
    ),
    Rule.of(
        "INV-U4",
        "tier is starter or creator",
        Check("users", "(tier IN ('starter', 'creator')) IS NOT TRUE"),
        ("type user_tier",),
    ),
    Rule.of(
        "INV-U5",
        "a user's credits are never negative",
        Check("users", "credits < 0", lambda u: u.credits < 0),
        ("inv_u5__users_credits_not_negative",),
    ),
    Rule.of(
        "INV-U6",
        "a user's ephemeral_storage_bytes is never negative",
        Check("users", "ephemeral_storage_bytes < 0"),
        ("inv_u6__users_ephemeral_storage_not_negative",),
    ),
    Rule.of(
        "INV-T1",
        "a team has at least one member",
        AtLeast(
            1,
            "memberships m",
            per="m.team_id",
            parents="teams t",
            counted=lambda state: (m.team for m in state.memberships.values()),
            needing=lambda state: state.teams,
        ),
        (
            "inv_t2__teams_has_an_owner",
            "inv_t2__memberships_owner_not_demoted",
            "inv_t2__memberships_owner_not_gone",
            "inv_t2__memberships_truncated_with_teams",
        ),
        locks=True,
    ),
    Rule.of(
        "INV-T2",
        "a team has at least one owner",
        _AN_OWNER,
        (
            "inv_t2__teams_has_an_owner",
            "inv_t2__memberships_owner_not_demoted",
            "inv_t2__memberships_owner_not_gone",
            "inv_t2__memberships_truncated_with_teams",
        ),
        locks=True,
    ),
    Rule.of(
        "INV-T3",
        "no two teams share a slug",
        Unique("teams", ("slug",), ("slug",)),
        ("inv_t3__teams_slug_unique",),
    ),
    Rule(
        "INV-T4",
        "a slug is lower-case letters, digits and hyphens, and neither begins nor ends with a"
        " hyphen",
        ("teams",),
        Holds.ALWAYS,
        ("inv_t4__teams_slug_well_formed",),
        f"SELECT id::text FROM teams WHERE {MALFORMED_SLUG}",
        model=lambda state: any(
            t.slug is not None
            and not (
                t.slug.strip("-") == t.slug
                and t.slug.replace("-", "a").isalnum()
                and t.slug.isascii()
                and t.slug == t.slug.lower()
            )
            for t in state.teams.values()
        ),
    ),
    Rule.of(
        "INV-T5",
        "a team's created_at is not after its updated_at",
        Check("teams", "updated_at < created_at"),
        ("inv_t5__teams_created_not_after_updated",),
    ),
    Rule.of(
        "INV-T6",
        "a team's credits are never negative",
        Check("teams", "credits < 0", lambda t: t.credits < 0),
        ("inv_t6__teams_credits_not_negative",),
    ),
    Rule.of(
        "INV-T7",
        "a user owns at most 10 teams",
        _OWNED_TEAMS,
        (
            "inv_t7__memberships_user_owns_at_most_10_teams",
            "inv_t7__memberships_promoted_owns_at_most_10_teams",
        ),
    ),
    Rule.of(
        "INV-T8",
        "a user belongs to at most 50 teams",
        _TEAMS,
        ("inv_t8__memberships_user_in_at_most_50_teams",),
    ),
    Rule.of(
        "INV-M1",
        "a membership names a user and a team",
        Check("memberships", "team_id IS NULL OR user_id IS NULL"),
        ("inv_m1__memberships_names_user_and_team",),
    ),
    Rule.of(
        "INV-M2",
        "its role is owner, admin, member or viewer",
        Check("memberships", "(role IN ('owner', 'admin', 'member', 'viewer')) IS NOT TRUE"),
        ("type membership_role",),
    ),
    Rule.of(
        "INV-M3",
        "a user is in a team at most once",
        Unique("memberships", ("team_id", "user_id"), ("team", "user")),
        ("inv_m3__memberships_user_once_per_team",),
    ),
    Rule(
        "INV-M4",
        "only creators have memberships",
        ("memberships", "users"),
        Holds.ALWAYS,
        ("inv_u3__memberships_user_is_creator",),
        "SELECT m.id::text FROM memberships m JOIN users u ON u.id = m.user_id"
        " WHERE u.tier <> 'creator'",
        model=judgements.starters_in_teams,
    ),
    Rule.of(
        "INV-M5",
        "its user exists",
        References("memberships", "user_id", "users", "user", null=False),
        ("inv_m5__memberships_user_exists", "inv_m5__user_guards_user_exists"),
    ),
    Rule.of(
        "INV-M6",
        "its team exists",
        References("memberships", "team_id", "teams", "team", null=False),
        ("inv_m6__memberships_team_exists", "inv_m6__team_guards_team_exists"),
    ),
    Rule.of(
        "CARD-1",
        "a team has at least one owner",
        _AN_OWNER,
        (
            "inv_t2__teams_has_an_owner",
            "inv_t2__memberships_owner_not_demoted",
            "inv_t2__memberships_owner_not_gone",
            "inv_t2__memberships_truncated_with_teams",
        ),
        locks=True,
    ),
    Rule.of(
        "CARD-2",
        "a user owns at most 10 teams",
        _OWNED_TEAMS,
        (
            "inv_t7__memberships_user_owns_at_most_10_teams",
            "inv_t7__memberships_promoted_owns_at_most_10_teams",
        ),
    ),
    Rule.of(
        "CARD-3",
        "a user belongs to at most 50 teams",
        _TEAMS,
        ("inv_t8__memberships_user_in_at_most_50_teams",),
    ),
    Rule.of(
        "STATE-USER",
        "a creator stays a creator",
        Transitions(
            "users",
            ("starter", "creator"),
            legal(">starter >creator starter>creator"),
            column="tier",
        ),
        ("state_user__users_creator_stays_creator",),
        Holds.TRANSITION,
    ),
    Rule(
        "PRIVACY-1",
        "an account whose address is its own id at erased.invalid was erased: it has no name, no"
        " picture and no key, and is in no team but one that it is alone in, whose id begins with a"
        " digest of its own and is the membership's too",
        ("users", "memberships", "api_keys"),
        Holds.ALWAYS,
        (
            "privacy_1__users_erased_names_nobody",
            "privacy_1__users_erased_has_no_key_nor_team",
            "privacy_1__memberships_user_not_erased",
            "privacy_1__api_keys_user_not_erased",
            "privacy_1__users_is_erased_by_address",
            "trigger users._100_derive",
        ),
        "SELECT u.id::text FROM users u WHERE lower(u.email) = u.id::text || '@erased.invalid'"
        " AND (u.name IS NOT NULL OR u.avatar_url IS NOT NULL"
        " OR EXISTS (SELECT FROM api_keys k WHERE k.user_id = u.id)"
        " OR EXISTS (SELECT FROM memberships m WHERE m.user_id = u.id AND (m.id <> m.team_id"
        " OR left(replace(m.team_id::text, '-', ''), 16)"
        " <> left(encode(sha256(uuid_send(u.id)), 'hex'), 16)"
        " OR EXISTS (SELECT FROM memberships o"
        " WHERE o.team_id = m.team_id AND o.user_id <> u.id))))",
        model=judgements.known_though_erased,
        locks=True,
    ),
    Rule(
        "PRIVACY-2",
        "an erased account stays erased",
        ("users",),
        Holds.TRANSITION,
        ("privacy_2__users_erased_stays_erased",),
        "SELECT old ->> 'id' FROM conformance.fresh WHERE tbl = 'users' AND op = 'UPDATE'"
        f" AND {_ERASED.format('old')} AND NOT {_ERASED.format('new')}",
    ),
    Rule(
        "PRIVACY-3",
        "a function erases an account, once, and says whether it did: the name, address, picture,"
        " keys and memberships of the user, the invitations from the user and to that address,"
        " and the teams that nobody else is in go, and what others work with stays",
        ("users", "teams", "memberships", "invitations", "api_keys"),
        Holds.DERIVED,
        ("function erase_user",),
        # What goes shows only where it is known who was erased.
        "SELECT tbl || ' ' || (old ->> 'id') FROM conformance.fresh WHERE op = 'DELETE'"
        " AND via LIKE '%erase_user%'"
        " AND tbl IN ('users', 'jobs', 'job_events', 'usage', 'system_assets')",
        locks=True,
    ),
)
