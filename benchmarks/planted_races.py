"""Faults that only races show, planted in the schema: each is a way to get a lock wrong."""

from typing import NamedTuple

from benchmarks.planted_sequences import edit

# The guard is not written: four are counted by two sessions, and both add a fifth.
COUNT_WITHOUT_LOCK = edit(
    "tg_jobs__may_be_made",
    """INSERT INTO framecast.team_guards AS g (team_id) VALUES (v_team_id)
    ON CONFLICT (team_id) DO UPDATE
    SET written_in = excluded.written_in, server_start = excluded.server_start
    WHERE (g.written_in, g.server_start) <> (excluded.written_in, excluded.server_start);""",
    "NULL;",
)
# Triggers fire in the order of their names.
LOCK_AFTER_COUNT = """
ALTER TRIGGER _200_lock_inviter_and_team ON public.invitations
RENAME TO _400_lock_inviter_and_team;
"""
# Each session locks the jobs that it sees. The other's new one it does not see.
LOCK_ON_CHILD = edit(
    "tg_jobs__starter_has_at_most_1_active",
    "PERFORM framecast.lock_users(ARRAY[NEW.triggered_by]);",
    "PERFORM FROM public.jobs AS j WHERE j.triggered_by = NEW.triggered_by FOR UPDATE;",
)
# The lock is waited for, and then an old snapshot is counted.
LOCK_ON_ROW_ONLY_READ = """
CREATE OR REPLACE FUNCTION framecast.lock_users(p_user_ids uuid[]) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM FROM public.users AS u WHERE u.id = ANY(p_user_ids) ORDER BY u.id FOR NO KEY UPDATE;
END;
$$;
"""
OWNERS_WITHOUT_LOCK = edit(
    "tg_memberships__lock_users_and_teams",
    "PERFORM framecast.lock_teams(v_team_ids);",
    "NULL;",
) + edit("tg__team_has_an_owner", "PERFORM framecast.lock_teams(ARRAY[v_team_id]);", "NULL;")
# A trigger in the place of the foreign keys: it looks at the user, and holds nobody back.
TIER_WITHOUT_LOCK = """
ALTER TABLE public.memberships
    DROP CONSTRAINT inv_u3__memberships_user_is_creator,
    DROP CONSTRAINT inv_m5__memberships_user_exists;
ALTER TABLE framecast.user_guards DROP CONSTRAINT inv_m5__user_guards_user_exists;
CREATE FUNCTION framecast.tg_memberships__user_is_creator() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM public.users AS u WHERE u.id = NEW.user_id AND u.tier = 'creator'
    ) AND EXISTS (SELECT FROM public.memberships AS m WHERE m.id = NEW.id) THEN
        PERFORM framecast.reject(
            CASE
                WHEN EXISTS (SELECT FROM public.users AS u WHERE u.id = NEW.user_id)
                    THEN 'inv_u3__memberships_user_is_creator'
                ELSE 'inv_m5__memberships_user_exists'
            END,
            'memberships', 'no creator', 'none', 'upgrade'
        );
    END IF;
    RETURN NULL;
END;
$$;
CREATE CONSTRAINT TRIGGER _700_inv_u3__memberships_user_is_creator
AFTER INSERT ON public.memberships DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION framecast.tg_memberships__user_is_creator();
CREATE FUNCTION framecast.tg_users__leave_all() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM public.memberships AS m WHERE m.user_id = OLD.id;
    RETURN NULL;
END;
$$;
CREATE TRIGGER _500_leave_all AFTER DELETE ON public.users
FOR EACH ROW EXECUTE FUNCTION framecast.tg_users__leave_all();
""" + edit(
    "tg_memberships__lock_users_and_teams",
    "PERFORM FROM public.users AS u WHERE u.id = ANY(v_user_ids) ORDER BY u.id FOR KEY SHARE;",
    "",
)
# What is recorded afterwards is right; what is given out is not.
NUMBER_FROM_MAX = """
CREATE OR REPLACE FUNCTION framecast.tg_job_events__number() RETURNS trigger
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO framecast.job_event_counters (job_id)
    SELECT j.id FROM public.jobs AS j WHERE j.id = NEW.job_id AND NOT EXISTS (
        SELECT FROM framecast.job_event_counters AS c WHERE c.job_id = j.id
    ) ON CONFLICT (job_id) DO NOTHING;
    NEW.sequence := 1 + coalesce(
        (SELECT max(e.sequence) FROM public.job_events AS e WHERE e.job_id = NEW.job_id), 0
    );
    RETURN NEW;
END;
$$;
ALTER TABLE public.job_events DROP CONSTRAINT seq_1__job_events_number_used_once;
"""
UNIQUE_BY_TRIGGER = """
ALTER TABLE public.asset_files DROP CONSTRAINT inv_af6__asset_files_s3_key_unique;
CREATE FUNCTION framecast.tg_asset_files__s3_key_unique() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT count(*) > 1 FROM public.asset_files AS a WHERE a.s3_key = NEW.s3_key) THEN
        PERFORM framecast.reject(
            'inv_af6__asset_files_s3_key_unique', 'asset_files', 'taken', 'taken', 'another'
        );
    END IF;
    RETURN NULL;
END;
$$;
CREATE TRIGGER _300_inv_af6__asset_files_s3_key_unique AFTER INSERT ON public.asset_files
FOR EACH ROW EXECUTE FUNCTION framecast.tg_asset_files__s3_key_unique();
"""
# Everybody else has the guards of users before those of teams.
LOCKS_IN_TWO_ORDERS = edit(
    "tg_invitations__lock_inviter_and_team",
    """PERFORM framecast.lock_users(ARRAY[NEW.invited_by]);
    PERFORM framecast.lock_teams(ARRAY[NEW.team_id]);""",
    """PERFORM framecast.lock_teams(ARRAY[NEW.team_id]);
    PERFORM framecast.lock_users(ARRAY[NEW.invited_by]);""",
)
# Nobody's job is wrong; but teams wait for each other.
LOCKS_ALL_TEAMS = edit(
    "tg_jobs__may_be_made",
    "    -- As lock_teams does.",
    "    LOCK TABLE framecast.team_guards IN EXCLUSIVE MODE;",
)

ERASURE = "public.erase_user(uuid)"
# Who extends an invitation has it before the guards: so has who erases an account.
OWN_INVITATIONS_HELD_LATE = edit(ERASURE, "OR i.invited_by = p_user_id\n        OR", "OR")
ANSWERED_INVITATIONS_HELD_LATE = edit(
    ERASURE,
    """OR framecast.email_key(i.email) COLLATE "C" = framecast.email_key(v_user.email)
    ORDER BY""",
    "ORDER BY",
)
TEAMS_INVITATIONS_HELD_LATE = edit(ERASURE, "i.team_id = ANY(v_team_ids)\n        OR", "")
# Who makes something has its team, or its project, before the user.
TEAMS_HELD_LATE = edit(ERASURE, "ORDER BY t.id\n        FOR UPDATE", "ORDER BY t.id")


class Planted(NamedTuple):
    """A fault: what plants it, the tests that must find it, and by what it may be named."""

    sql: str
    pairs: tuple[str, ...]
    known_race: str
    names: frozenset[str]


FAULTS = {
    "count without a lock": Planted(
        COUNT_WITHOUT_LOCK,
        ("jobs, four active jobs",),
        "card_5__make_a_job_and_make_a_job",
        frozenset({"CARD-5"}),
    ),
    "lock after the count": Planted(
        LOCK_AFTER_COUNT,
        ("sent, forty nine invitations",),
        "card_4__invite_and_invite",
        frozenset({"CARD-4"}),
    ),
    "lock on the child": Planted(
        LOCK_ON_CHILD,
        ("jobs, a team",),
        "card_6__make_a_job_and_make_a_job",
        frozenset({"CARD-6"}),
    ),
    "lock on a row that is only read": Planted(
        LOCK_ON_ROW_ONLY_READ,
        ("owned, nine owned teams",),
        "inv_t7__found_a_team_and_found_a_team",
        frozenset({"INV-T7", "CARD-2"}),
    ),
    "owners without a lock": Planted(
        OWNERS_WITHOUT_LOCK,
        ("owners, two owners",),
        "inv_t2__two_owners_leave",
        frozenset({"INV-T2", "INV-T1", "CARD-1"}),
    ),
    "tier without a lock": Planted(
        TIER_WITHOUT_LOCK,
        (),  # who joins must be deleted meanwhile: drawn races hardly ever do both
        "inv_m5__joins_while_deleted",
        frozenset({"INV-M5", "INV-M4", "INV-U3"}),
    ),
    "number from max() + 1": Planted(
        NUMBER_FROM_MAX,
        ("events, deliveries of each kind",),
        "seq_1__two_appended",
        frozenset({"SEQ-1", "SEQ-2", "AUTO-NUMBER"}),
    ),
    "unique index replaced by a trigger": Planted(
        UNIQUE_BY_TRIGGER,
        ("content, deliveries of each kind",),
        "inv_af6__one_path_for_two",
        frozenset({"INV-AF6"}),
    ),
    "a lock on all teams": Planted(
        LOCKS_ALL_TEAMS,
        (),  # drawn races do not say who has nothing to do with whom
        "lock_order__jobs_of_two_teams",
        frozenset({"LOCK ORDER"}),
    ),
    "locks in two orders": Planted(
        LOCKS_IN_TWO_ORDERS,
        (),  # three sessions have to meet in one way: drawn races hardly ever do
        "lock_order__invited_and_demoted_behind_one_who_fails",
        frozenset({"LOCK ORDER"}),
    ),
    **{
        f"{what} held late": Planted(
            sql,
            (),  # three sessions again
            f"lock_order__{race}_while_erased_behind_a_{holder}",
            frozenset({"LOCK ORDER"}),
        )
        for what, sql, race, holder in (
            ("own invitations", OWN_INVITATIONS_HELD_LATE, "own_invitation_extended", "job"),
            (
                "answered invitations",
                ANSWERED_INVITATIONS_HELD_LATE,
                "answered_invitation_extended",
                "job",
            ),
            ("a team's invitations", TEAMS_INVITATIONS_HELD_LATE, "old_invitation_extended", "job"),
            ("teams", TEAMS_HELD_LATE, "project_made", "key"),
        )
    },
}
