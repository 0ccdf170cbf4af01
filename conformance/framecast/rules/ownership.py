"""Rules that cross tables: who may act for whom, what never changes, and the order of times."""

from conformance.engine.kinds.fixed import Fixed
from conformance.framecast.rules.accounts import MALFORMED_SLUG
from conformance.framecast.rules.jobs import TEAM_OF_URN
from conformance.framecast.rules.rule import Holds, Rule

_WITH_OWNER = ("jobs", "asset_files", "api_keys", "usage")
_TIMED = ("users", "teams", "projects", "jobs", "asset_files", "webhooks")
# A URN's form: where its hyphens stand, that there is no other, and that the rest is digits. A
# pattern for all of it at once takes twenty times as long.
_UUID = "________-____-____-____-____________"
_DIGITS = "!~ '[^0-9a-f-]'"
_WELL_FORMED = (
    f"(o.urn LIKE 'framecast:team:{_UUID}' OR o.urn LIKE 'framecast:user:{_UUID}')"
    f" AND o.urn NOT LIKE '%{'-%' * 5}' AND substr(o.urn, 16) {_DIGITS}"
    f" OR o.urn LIKE 'framecast:{_UUID}:{_UUID}' AND o.urn NOT LIKE '%{'-%' * 9}'"
    f" AND substr(o.urn, 11, 36) {_DIGITS} AND substr(o.urn, 48) {_DIGITS}"
)
# Owners are few beside the rows that they own: each is looked at once, and OFFSET 0 sees to it that
# nothing is asked of every row before they are made distinct.
_MALFORMED = (
    "SELECT id::text FROM {0} WHERE owner IS NULL UNION ALL SELECT id::text FROM {0}"
    " WHERE owner::text IN (SELECT o.urn FROM"
    " (SELECT DISTINCT owner::text AS urn FROM {0} OFFSET 0) o"
    f" WHERE ({_WELL_FORMED}) IS NOT TRUE OFFSET 0)"
)

# What a row is about, by table: the columns that never change.
SUBJECTS = {
    "users": ("id", "created_at"),
    "teams": ("id", "created_at", "slug"),
    "memberships": ("id", "created_at", "team_id", "user_id"),
    "invitations": ("id", "created_at", "team_id", "email", "invited_by"),
    "projects": ("id", "created_at", "team_id", "created_by"),
    "jobs": ("id", "created_at", "owner", "triggered_by", "spec_snapshot", "project_id"),
    "job_events": ("id", "created_at", "job_id", "sequence", "event_type", "payload"),
    "asset_files": ("id", "created_at", "owner", "uploaded_by", "project_id"),
    "api_keys": ("id", "created_at", "user_id", "owner", "key_hash", "scopes"),
    "webhooks": ("id", "created_at", "team_id"),
    "webhook_deliveries": ("id", "created_at", "webhook_id"),
    "usage": ("id", "owner", "period"),
    "system_assets": ("id", "created_at"),
}

_ANYBODY = ("owner", "admin", "member", "viewer")

# Who may do what.
PERMISSIONS = {
    **dict.fromkeys(("team.view", "members.view", "projects.view", "assets.view"), _ANYBODY),
    **dict.fromkeys(
        (
            *("team.edit", "members.invite", "members.remove", "members.change"),
            *("invitations.view", "webhooks.manage"),
            *("projects.delete", "projects.archive", "projects.unarchive"),
            *("jobs.cancel_any", "assets.delete_any"),
        ),
        _ANYBODY[:2],
    ),
    **dict.fromkeys(
        (
            *("projects.create", "projects.edit", "jobs.create", "jobs.clone", "assets.upload"),
            *("keys.make", "jobs.cancel_own", "assets.delete_own"),
        ),
        _ANYBODY[:3],
    ),
    **dict.fromkeys(("owners.change", "team.delete"), _ANYBODY[:1]),
}


def _written(table: str, scope: str, actor: str) -> str:
    """Return a query, to go on, for the changes `c` that wrote who acts for whom."""
    # A key that becomes live again is made again.
    revived = (
        " OR c.op = 'UPDATE' AND c.old ->> 'revoked_at' IS NOT NULL"
        " AND c.new ->> 'revoked_at' IS NULL"
    )
    return (
        f"SELECT c.new ->> 'id' FROM conformance.fresh c WHERE c.tbl = '{table}'"
        f" AND (c.op = 'INSERT' OR c.op = 'UPDATE' AND (c.old -> '{scope}', c.old -> '{actor}')"
        f" IS DISTINCT FROM (c.new -> '{scope}', c.new -> '{actor}')"
        f"{revived if table == 'api_keys' else ''})"
    )


def _role_is(table: str, actor: str, condition: str) -> str:
    """Return a query for rows whose actor's role in their team, when they were written, is so."""
    scope = "owner" if table in _WITH_OWNER else "team_id"
    named = f"(c.new ->> '{scope}')"
    team = TEAM_OF_URN.format(named) if scope == "owner" else named
    role = f"conformance.role_at({team}, c.new ->> '{actor}', c.seq)"
    return f"{_written(table, scope, actor)} AND {team} IS NOT NULL AND {role} {condition}"


def _user_urn(table: str, actor: str) -> str:
    """Return a query for rows whose user URN named somebody else when they were written."""
    return (
        f"{_written(table, 'owner', actor)} AND c.new ->> 'owner' LIKE 'framecast:user:%'"
        f" AND c.new ->> 'owner' <> 'framecast:user:' || (c.new ->> '{actor}')"
    )


# A job leaves its project only when the project goes, which may come back afterwards.
_PROJECT_GOES = (
    "c.tbl = 'jobs' AND k.name = 'project_id' AND c.new ->> 'project_id' IS NULL"
    " AND (NOT EXISTS (SELECT FROM projects p WHERE p.id::text = c.old ->> 'project_id')"
    " OR EXISTS (SELECT FROM conformance.changes d WHERE d.tbl = 'projects'"
    " AND d.op = 'DELETE' AND d.old -> 'id' = c.old -> 'project_id' AND d.began = c.began))"
)

RULES = (
    Rule(
        "INV-X1",
        "whoever triggers a job is its user URN's user, or a member of the team that the URN names",
        ("jobs", "memberships"),
        Holds.ON_WRITE,
        ("inv_x1__jobs_trigger_in_team", "urn_2__jobs_user_urn_names_who_triggers"),
        _role_is("jobs", "triggered_by", "IS NULL")
        + " UNION ALL "
        + _user_urn("jobs", "triggered_by"),
        locks=True,
    ),
    Rule(
        "INV-X2",
        "whoever uploads an asset is its user URN's user, or a member of the team that the URN"
        " names",
        ("asset_files", "memberships"),
        Holds.ON_WRITE,
        ("inv_x2__asset_files_uploader_in_team", "urn_2__asset_files_user_urn_names_uploader"),
        _role_is("asset_files", "uploaded_by", "IS NULL")
        + " UNION ALL "
        + _user_urn("asset_files", "uploaded_by"),
    ),
    Rule(
        "INV-TIME1",
        "users, teams, projects, jobs, assets and webhooks: created_at is not after updated_at",
        _TIMED,
        Holds.ALWAYS,
        (
            "inv_time1__users_created_not_after_updated",
            "inv_t5__teams_created_not_after_updated",
            "inv_p4__projects_created_not_after_updated",
            "inv_j10__jobs_created_not_after_updated",
            "inv_time1__asset_files_created_not_after_updated",
            "inv_time1__webhooks_created_not_after_updated",
        ),
        " UNION ALL ".join(
            f"SELECT id::text FROM {table} WHERE updated_at < created_at" for table in _TIMED
        ),
    ),
    Rule(
        "URN-1",
        "every owner is one of the three forms",
        _WITH_OWNER,
        Holds.ALWAYS,
        tuple(f"urn_1__{table}_owner_is_one_of_three_forms" for table in _WITH_OWNER),
        " UNION ALL ".join(_MALFORMED.format(table) for table in _WITH_OWNER),
    ),
    Rule(
        "URN-2",
        "a user URN on a job, asset or key names the user who acts",
        ("jobs", "asset_files", "api_keys"),
        Holds.ON_WRITE,
        (
            "urn_2__jobs_user_urn_names_who_triggers",
            "urn_2__asset_files_user_urn_names_uploader",
            "urn_2__api_keys_user_urn_names_its_user",
        ),
        " UNION ALL ".join(
            (
                _user_urn("jobs", "triggered_by"),
                _user_urn("asset_files", "uploaded_by"),
                _user_urn("api_keys", "user_id"),
            )
        ),
        locks=True,
    ),
    Rule(
        "ROLE-1",
        "whoever invites, or makes a webhook, is an owner or admin of that team",
        ("invitations", "webhooks", "memberships"),
        Holds.ON_WRITE,
        ("role_1__invitations_inviter_may_invite", "role_1__webhooks_creator_may_manage"),
        " UNION ALL ".join(
            _role_is(table, actor, "IN ('owner', 'admin') IS NOT TRUE")
            for table, actor in (("invitations", "invited_by"), ("webhooks", "created_by"))
        ),
    ),
    Rule(
        "ROLE-2",
        "whoever makes a project, a job of a team, an asset of a team or a key of a team is an"
        " owner, admin or member of it; a viewer is not enough",
        ("projects", "jobs", "asset_files", "api_keys", "memberships"),
        Holds.ON_WRITE,
        (
            "role_2__projects_creator_may_create",
            "role_2__jobs_trigger_may_create",
            "role_2__asset_files_uploader_may_upload",
            "role_2__api_keys_maker_may_make_keys",
            "role_2__api_keys_maker_may_revive",
            "role_2__api_keys_maker_in_team",
        ),
        " UNION ALL ".join(
            _role_is(table, actor, "IN ('owner', 'admin', 'member') IS NOT TRUE")
            for table, actor in (
                ("projects", "created_by"),
                ("jobs", "triggered_by"),
                ("asset_files", "uploaded_by"),
                ("api_keys", "user_id"),
            )
        ),
        locks=True,
    ),
    Rule.of(
        "IMM-1",
        "what a row is about never changes: ids and created_at; a membership's team and user;"
        " an invitation's team, email and inviter; a team's slug; a project's team and creator;"
        " a job's owner, triggered_by, spec_snapshot and project (save to null, when the project"
        " goes); an asset's owner, uploader and project; a key's user, owner, hash and scopes;"
        " a webhook's team; a delivery's webhook; a usage row's owner and period; an event,"
        " wholly",
        Fixed(SUBJECTS, unless=_PROJECT_GOES),
        (
            "imm_1__users_identity_is_fixed",
            "imm_1__teams_identity_is_fixed",
            "imm_1__memberships_subject_is_fixed",
            "imm_1__invitations_subject_is_fixed",
            "imm_1__projects_subject_is_fixed",
            "imm_1__jobs_subject_is_fixed",
            "imm_1__jobs_leaves_only_a_project_that_goes",
            "imm_1__job_events_are_fixed",
            "imm_1__asset_files_subject_is_fixed",
            "imm_1__api_keys_subject_is_fixed",
            "imm_1__webhooks_subject_is_fixed",
            "imm_1__webhook_deliveries_subject_is_fixed",
            "imm_1__usage_subject_is_fixed",
            "imm_1__system_assets_identity_is_fixed",
        ),
        Holds.TRANSITION,
    ),
    Rule(
        "PERM-1",
        "each role has the permissions of the matrix, and clients cannot change them",
        ("role_permissions",),
        Holds.DERIVED,
        ("perm_1__role_permissions_are_fixed", "function role_has_permission"),
        "SELECT p.permission || ' of ' || r.role FROM (VALUES "
        + ", ".join(
            f"('{name}', '{{{','.join(roles)}}}'::text[])" for name, roles in PERMISSIONS.items()
        )
        + ") AS p (permission, roles)"
        " CROSS JOIN unnest(ARRAY['owner', 'admin', 'member', 'viewer']) AS r (role)"
        " WHERE role_has_permission(r.role::membership_role, p.permission)"
        " IS DISTINCT FROM (r.role = ANY (p.roles))"
        " UNION ALL SELECT rp.permission || ' of ' || rp.role::text FROM role_permissions rp"
        f" WHERE rp.permission NOT IN {tuple(PERMISSIONS)!r}",
    ),
    Rule(
        "OWN-1",
        "what the schema keeps for itself is out of a client's reach",
        ("user_guards", "team_guards", "job_event_counters", "project_specs"),
        Holds.ALWAYS,
        (
            "own_1__user_guards_kept_by_schema",
            "own_1__team_guards_kept_by_schema",
            "own_1__job_event_counters_kept_by_schema",
            "own_1__project_specs_kept_by_schema",
            "own_1__user_guards_truncated_with_users",
            "own_1__team_guards_truncated_with_teams",
            "own_1__job_event_counters_not_truncated",
            "own_1__project_specs_truncated_with_projects",
        ),
        "SELECT c.op || ' of ' || c.tbl FROM conformance.fresh c"
        " WHERE c.tbl LIKE '%.%' AND (c.op <> 'TRUNCATE' OR NOT EXISTS ("
        # Where there is nothing that it is kept of, there is nothing in it.
        "SELECT FROM jsonb_each(c.new) AS parent WHERE parent.value = 'false'))",
    ),
    Rule(
        "AUTO-UPDATED",
        "updated_at is set by the database on every update",
        (*_TIMED, "usage"),
        Holds.DERIVED,
        tuple(
            f"trigger {table}.{'_100_set_times' if table == 'jobs' else '_500_set_updated_at'}"
            for table in (*_TIMED, "usage")
        ),
        "SELECT old ->> 'id' FROM conformance.fresh WHERE op = 'UPDATE'"
        " AND new ? 'updated_at' AND coalesce((new ->> 'updated_at')::timestamptz"
        # Of the transaction, the statement or the clock; where that went back, or as it was.
        " NOT BETWEEN began AND at AND ((new ->> 'updated_at')::timestamptz"
        " <> (old ->> 'updated_at')::timestamptz"
        " OR (old ->> 'updated_at')::timestamptz < began), true)",
    ),
    Rule(
        "AUTO-SLUG",
        "a slug that fits is made from any name when none is given",
        ("teams",),
        Holds.DERIVED,
        ("trigger teams._100_make_slug",),
        # That it begins like the name shows only where it is known that none was given.
        "SELECT id::text FROM teams WHERE slug IS NULL OR length(slug) NOT BETWEEN 1 AND 50"
        f" UNION ALL SELECT id::text FROM teams WHERE {MALFORMED_SLUG}",
        locks=True,
    ),
)
