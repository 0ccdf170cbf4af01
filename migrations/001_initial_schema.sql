-- Framecast: types, tables, and the rules of everything but the states of a job.
--
-- Framecast turns storyboards into videos. A user owns jobs alone, or works in teams whose
-- projects are rendered by jobs; assets, keys and webhooks hang off those.
--
-- How to read this file
--
--   Rule objects are named `<rule>__<table>_<claim>`, so `git grep inv_t2__` finds all of INV-T2.
--   A constraint that is no rule is named `<table>_<claim>`: clients tell rejections by names.
--   Primary keys, and what enforces nothing, keep the names that PostgreSQL gives them.
--   Keys to who made something are RESTRICT. NO ACTION looks at the end of the statement whether
--   there is somebody of that id again, and accepts whoever it is: a user who is deleted and comes
--   back in one statement, with another tier or email, would pass by all that was asked of them.
--   A table's foreign keys are declared, and asked, in the order of their names. Who breaks two of
--   them is refused in the name of the first: that a user exists (INV-M5) before that they are a
--   creator (INV-U3), a starter's team key as such (INV-A6) before their membership is missed.
--   Triggers carry a band: 100 normalise, 200 lock, 300 reject, 500 derive, 700 reject at commit.
--   A trigger either rejects or changes data; one that rejects may write a guard. PostgreSQL fires
--   them in the order of their names, after its own foreign keys, so row checks are asked first,
--   then keys, then triggers.
--   Rejections from triggers go through framecast.reject: class 23, with the rule as constraint.
--   Nothing is decided by how a value prints, or by a caller's settings. A day of a caller's time
--   zone may have any length, so ages are counted in hours.
--   `public` holds what clients use. `framecast` holds the schema's own machinery.
--
-- Locks are taken in one order, by everybody:
--
--   users, teams, projects, keys, memberships, invitations, user_guards, team_guards, jobs, event
--   counters; by id within a table. A job that is made or ends writes its project last. Whoever
--   ends a membership has its row before the live keys that are revoked with it; that is why who
--   deletes a user, and locks all keys, holds the memberships first. An insert that names a team or
--   project and the user who makes it holds the user last, in KEY SHARE; whoever wants more of a
--   user than that, and a team or project as well, has those before.
--
--   A guard is a row which is *written* by whoever may break a rule that spans rows, before the
--   rows are looked at. At read committed the second writer waits, and then sees what the first
--   did; above it, the second writer fails to serialize, because the guard has changed since its
--   snapshot. So what is counted is always the truth, and it is counted on real rows: there is no
--   counter that could be wrong.


-- What the rules say of themselves in comments, and what people write, has letters of all kinds.
DO $$
BEGIN
    IF getdatabaseencoding() <> 'UTF8' THEN
        RAISE EXCEPTION USING
            ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = format(
                'Framecast needs a database in UTF8, and this one is in %s', getdatabaseencoding()
            ),
            HINT = 'make another one: CREATE DATABASE name ENCODING ''UTF8'' TEMPLATE template0';
    END IF;
END;
$$;


------------------------------------------------------------------------------------------------
-- Types
------------------------------------------------------------------------------------------------

CREATE SCHEMA framecast;

COMMENT ON SCHEMA framecast IS 'Machinery of the schema. Clients have no business here.';

CREATE TYPE public.user_tier AS ENUM ('starter', 'creator');
CREATE TYPE public.membership_role AS ENUM ('owner', 'admin', 'member', 'viewer');
CREATE TYPE public.invitation_role AS ENUM ('admin', 'member', 'viewer');
CREATE TYPE public.project_status AS ENUM ('draft', 'rendering', 'completed', 'archived');
CREATE TYPE public.job_status AS ENUM ('queued', 'processing', 'completed', 'failed', 'canceled');
CREATE TYPE public.job_failure_type AS ENUM ('system', 'validation', 'timeout', 'canceled');
CREATE TYPE public.job_event_type AS ENUM (
    'queued', 'started', 'progress', 'scene_complete', 'completed', 'failed', 'canceled'
);
CREATE TYPE public.asset_status AS ENUM ('pending', 'ready', 'failed');
CREATE TYPE public.webhook_delivery_status AS ENUM ('pending', 'retrying', 'delivered', 'failed');
CREATE TYPE public.system_asset_category AS ENUM ('sfx', 'ambient', 'music', 'transition');
CREATE TYPE public.webhook_event_type AS ENUM (
    'job.queued', 'job.started', 'job.progress', 'job.completed', 'job.failed', 'job.canceled'
);

COMMENT ON TYPE public.user_tier IS 'INV-U4: tier is starter or creator';
COMMENT ON TYPE public.membership_role IS 'INV-M2: its role is owner, admin, member or viewer';
COMMENT ON TYPE public.invitation_role IS
'INV-I2: its role is admin, member or viewer: nobody is invited as owner';
COMMENT ON TYPE public.project_status IS 'INV-P1: a project''s status is one of the four';
-- Active states sort before finished ones: status < 'completed' is what "active" means below.
COMMENT ON TYPE public.job_status IS 'INV-J1: a job''s status is one of the five';
COMMENT ON TYPE public.asset_status IS 'INV-AF1: an asset''s status is one of the three';
COMMENT ON TYPE public.webhook_delivery_status IS
'INV-WD1: a delivery''s status is one of the four';
COMMENT ON TYPE public.system_asset_category IS
'INV-SA1: a system asset''s category is one of the four';
COMMENT ON TYPE public.webhook_event_type IS
'INV-W3: each of its events is one of the six (and none is null)';

-- Some libraries bind a label as text, where PostgreSQL would read an untyped parameter as a label
-- by itself. A column takes it; what is compared with text is still an error.
CREATE CAST (text AS public.user_tier) WITH INOUT AS ASSIGNMENT;
CREATE CAST (varchar AS public.user_tier) WITH INOUT AS ASSIGNMENT;
CREATE CAST (text AS public.membership_role) WITH INOUT AS ASSIGNMENT;
CREATE CAST (varchar AS public.membership_role) WITH INOUT AS ASSIGNMENT;
CREATE CAST (text AS public.invitation_role) WITH INOUT AS ASSIGNMENT;
CREATE CAST (varchar AS public.invitation_role) WITH INOUT AS ASSIGNMENT;
CREATE CAST (text AS public.project_status) WITH INOUT AS ASSIGNMENT;
CREATE CAST (varchar AS public.project_status) WITH INOUT AS ASSIGNMENT;
CREATE CAST (text AS public.job_status) WITH INOUT AS ASSIGNMENT;
CREATE CAST (varchar AS public.job_status) WITH INOUT AS ASSIGNMENT;
CREATE CAST (text AS public.job_failure_type) WITH INOUT AS ASSIGNMENT;
CREATE CAST (varchar AS public.job_failure_type) WITH INOUT AS ASSIGNMENT;
CREATE CAST (text AS public.job_event_type) WITH INOUT AS ASSIGNMENT;
CREATE CAST (varchar AS public.job_event_type) WITH INOUT AS ASSIGNMENT;
CREATE CAST (text AS public.asset_status) WITH INOUT AS ASSIGNMENT;
CREATE CAST (varchar AS public.asset_status) WITH INOUT AS ASSIGNMENT;
CREATE CAST (text AS public.webhook_delivery_status) WITH INOUT AS ASSIGNMENT;
CREATE CAST (varchar AS public.webhook_delivery_status) WITH INOUT AS ASSIGNMENT;
CREATE CAST (text AS public.system_asset_category) WITH INOUT AS ASSIGNMENT;
CREATE CAST (varchar AS public.system_asset_category) WITH INOUT AS ASSIGNMENT;
CREATE CAST (text AS public.webhook_event_type) WITH INOUT AS ASSIGNMENT;
CREATE CAST (varchar AS public.webhook_event_type) WITH INOUT AS ASSIGNMENT;


------------------------------------------------------------------------------------------------
-- Helpers
------------------------------------------------------------------------------------------------

-- An owner URN is framecast:user:<user>, framecast:team:<team> or framecast:<team>:<user>, with
-- UUIDs in lower case (URN-1).

-- The team that a URN names in either form, or null for a user URN.
CREATE FUNCTION framecast.urn_team(p_urn text) RETURNS uuid
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE split_part(p_urn, ':', 2)
    WHEN 'user' THEN NULL
    WHEN 'team' THEN split_part(p_urn, ':', 3)::uuid
    ELSE split_part(p_urn, ':', 2)::uuid
END;

-- Whether a URN has the form of a member: framecast:<team>:<user>.
CREATE FUNCTION framecast.urn_is_member(p_urn text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN p_urn ~ '^framecast(:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}){2}$';

-- Emails are compared without regard to case. They are ASCII, so collation C compares them alike
-- on every server. Who seeks rows by it says COLLATE "C" again: what a function returns has the
-- default collation, and the indexes of emails do not serve that.
CREATE FUNCTION framecast.email_key(p_email text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN lower(p_email COLLATE "C");

-- The one way to reject. A client reads SQLSTATE and the constraint's name. Some libraries pass on
-- the message alone, so it has the name as well, in quotes, as PostgreSQL's own messages have.
CREATE FUNCTION framecast.reject(
    p_rule text, p_table text, p_message text, p_detail text, p_hint text
) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RAISE EXCEPTION USING
        ERRCODE = 'check_violation',
        CONSTRAINT = p_rule,
        SCHEMA = 'public',
        TABLE = p_table,
        MESSAGE = format('%s: violates constraint "%s"', p_message, p_rule),
        DETAIL = p_detail,
        HINT = p_hint;
END;
$$;

-- Rejects whatever its trigger's WHEN lets through. Arguments: the rule in words, the legal move.
CREATE FUNCTION framecast.tg__reject() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_key text := 'every row';
BEGIN
    IF TG_LEVEL = 'ROW' THEN
        v_key := coalesce(to_jsonb(coalesce(NEW, OLD)) ->> 'id', 'unknown');
        IF TG_OP = 'UPDATE' THEN
            v_key := v_key || coalesce(format(
                ', status %s to %s', to_jsonb(OLD) ->> 'status', to_jsonb(NEW) ->> 'status'
            ), '');
        END IF;
    END IF;
    PERFORM framecast.reject(
        substr(TG_NAME, 6), TG_TABLE_NAME, TG_ARGV[0],
        format('%s of %s: %s', TG_OP, TG_TABLE_NAME, v_key), TG_ARGV[1]
    );
    RETURN NULL;
END;
$$;

-- The clock may have stood behind when this transaction began: never step back.
CREATE FUNCTION framecast.tg__set_updated_at() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    NEW.updated_at := greatest(now(), OLD.updated_at);
    RETURN NEW;
END;
$$;

-- A client may give updated_at with a new row: its library sends it. It is never ahead of the row:
-- neither of now() nor, where that is later, of created_at.
--
-- The client's clock is not ours. Where it goes ahead, the created_at that it gives is later than
-- the updated_at that we fill in; where it goes behind, the updated_at that it gives is earlier
-- than our created_at. The row was updated when it was made, then. Of what is recorded after the
-- fact both times are past, and stay as they were given: a check asks them.
CREATE FUNCTION framecast.tg__set_first_updated_at() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NEW.updated_at > now()
        OR (NEW.created_at >= now() AND NEW.updated_at < NEW.created_at)
    THEN
        NEW.updated_at := greatest(now(), NEW.created_at);
    END IF;
    RETURN NEW;
END;
$$;

-- Whether two documents are one to a client that reads numbers as most do: as doubles, in which
-- 1.50 is 1.5, and digits after the seventeenth are lost. Level by level, so that no depth of a
-- document is too much.
CREATE FUNCTION framecast.reads_alike(p_one jsonb, p_other jsonb) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF p_one = p_other THEN
        RETURN TRUE;
    END IF;
    RETURN NOT EXISTS (
        WITH RECURSIVE different AS (
            SELECT p_one AS one, p_other AS other
            UNION ALL
            SELECT below.one, below.other
            FROM different AS d
            CROSS JOIN LATERAL (
                SELECT o.value AS one, n.value AS other
                FROM jsonb_each(CASE jsonb_typeof(d.one) WHEN 'object' THEN d.one END) AS o
                FULL JOIN jsonb_each(
                    CASE jsonb_typeof(d.other) WHEN 'object' THEN d.other END
                ) AS n ON n.key = o.key
                UNION ALL
                SELECT o.value, n.value
                FROM jsonb_array_elements(
                    CASE jsonb_typeof(d.one) WHEN 'array' THEN d.one END
                ) WITH ORDINALITY AS o (value, place)
                FULL JOIN jsonb_array_elements(
                    CASE jsonb_typeof(d.other) WHEN 'array' THEN d.other END
                ) WITH ORDINALITY AS n (value, place) ON n.place = o.place
            ) AS below
            WHERE below.one IS DISTINCT FROM below.other
        )
        SELECT FROM different AS d
        WHERE jsonb_typeof(d.one) IS DISTINCT FROM jsonb_typeof(d.other)
            OR CASE jsonb_typeof(d.one)
                WHEN 'object' THEN FALSE
                WHEN 'array' THEN FALSE
                WHEN 'number' THEN NOT framecast.is_one_double(d.one::numeric, d.other::numeric)
                ELSE TRUE
            END
    );
END;
$$;

-- Whether two numbers have one double. Those that have none are as they are.
CREATE FUNCTION framecast.is_one_double(p_one numeric, p_other numeric) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN abs(p_one) BETWEEN 2.5e-324 AND 1.797693134862315807e308
        AND abs(p_other) BETWEEN 2.5e-324 AND 1.797693134862315807e308
        THEN p_one::double precision = p_other::double precision
    ELSE p_one = p_other
END;

-- Many clients know of a time no more than its milliseconds. What is fixed, and comes back with
-- those, is what it was. They are counted from the day J2451545, the first of 2000, in any zone:
-- from 1970 the last times that there are lie too far to be counted.
CREATE FUNCTION framecast.tg__keep_created_at() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NEW.created_at = date_bin('1 millisecond', OLD.created_at, 'J2451545') THEN
        NEW.created_at := OLD.created_at;
    END IF;
    RETURN NEW;
END;
$$;


------------------------------------------------------------------------------------------------
-- Tables
------------------------------------------------------------------------------------------------

-- A person. Written at sign-up, by billing (credits), and once when a starter becomes a creator.
CREATE TABLE public.users (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    email text NOT NULL,
    name text,
    avatar_url text,
    tier public.user_tier NOT NULL DEFAULT 'starter',
    credits integer NOT NULL DEFAULT 0,
    ephemeral_storage_bytes bigint NOT NULL DEFAULT 0,
    upgraded_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),

    -- Whether the account was erased: its address is one that only it can have, and nobody reads.
    is_erased boolean NOT NULL DEFAULT FALSE,

    -- The key that memberships and team keys refer to, to hold on to a creator.
    CONSTRAINT users_id_and_tier_once
    UNIQUE (id, tier),

    CONSTRAINT users_email_at_most_255_characters
    CHECK (char_length(email) <= 255),

    CONSTRAINT users_email_is_an_address
    CHECK (email COLLATE "C" ~ '^[!-?A-~]+@[!-?A-~]+[.][!-?A-~]+$'),

    CONSTRAINT users_name_at_most_100_characters
    CHECK (char_length(name) <= 100),

    CONSTRAINT inv_u1__users_creator_iff_upgraded
    CHECK ((tier = 'creator') = (upgraded_at IS NOT NULL)),

    CONSTRAINT inv_u5__users_credits_not_negative
    CHECK (credits >= 0),

    CONSTRAINT inv_u6__users_ephemeral_storage_not_negative
    CHECK (ephemeral_storage_bytes >= 0),

    CONSTRAINT inv_time1__users_created_not_after_updated
    CHECK (created_at <= updated_at),

    CONSTRAINT privacy_1__users_erased_names_nobody
    CHECK (NOT is_erased OR num_nonnulls(name, avatar_url) = 0),

    CONSTRAINT privacy_1__users_is_erased_by_address
    CHECK (is_erased = (framecast.email_key(email) = id::text || '@erased.invalid'))
);

COMMENT ON CONSTRAINT privacy_1__users_erased_names_nobody ON public.users IS
'PRIVACY-1: an account whose address is its own id at erased.invalid was erased: it has no '
'name, no picture and no key, and is in no team but one that it is alone in, whose id begins '
'with a digest of its own and is the membership''s too';
COMMENT ON CONSTRAINT privacy_1__users_is_erased_by_address ON public.users IS
'PRIVACY-1: an account whose address is its own id at erased.invalid was erased …';
COMMENT ON CONSTRAINT inv_time1__users_created_not_after_updated ON public.users IS
'INV-TIME1: users, teams, projects, jobs, assets and webhooks: created_at is not after '
'updated_at';
COMMENT ON CONSTRAINT inv_u1__users_creator_iff_upgraded ON public.users IS
'INV-U1: a user is a creator exactly when upgraded_at is set';
COMMENT ON CONSTRAINT inv_u5__users_credits_not_negative ON public.users IS
'INV-U5: a user''s credits are never negative';
COMMENT ON CONSTRAINT inv_u6__users_ephemeral_storage_not_negative ON public.users IS
'INV-U6: a user''s ephemeral_storage_bytes is never negative';

-- A group of creators who share credits and projects. Made together with its first owner.
CREATE TABLE public.teams (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    name text NOT NULL,
    -- The default says to clients that none need be given; a trigger makes one instead.
    slug text NOT NULL DEFAULT '(made from the name)',
    credits integer NOT NULL DEFAULT 0,
    ephemeral_storage_bytes bigint NOT NULL DEFAULT 0,
    settings jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),

    CONSTRAINT teams_name_1_to_100_characters
    CHECK (char_length(name) BETWEEN 1 AND 100),

    CONSTRAINT teams_name_not_blank
    CHECK (name COLLATE "C" ~ '[^[:space:]]'),

    CONSTRAINT teams_slug_at_most_50_characters
    CHECK (char_length(slug) <= 50),

    CONSTRAINT teams_ephemeral_storage_not_negative
    CHECK (ephemeral_storage_bytes >= 0),

    CONSTRAINT inv_t3__teams_slug_unique
    UNIQUE (slug),

    CONSTRAINT inv_t4__teams_slug_well_formed
    CHECK (slug COLLATE "C" ~ '^[a-z0-9]([a-z0-9-]*[a-z0-9])?$'),

    CONSTRAINT inv_t5__teams_created_not_after_updated
    CHECK (created_at <= updated_at),

    CONSTRAINT inv_t6__teams_credits_not_negative
    CHECK (credits >= 0)
);

COMMENT ON CONSTRAINT inv_t3__teams_slug_unique ON public.teams IS
'INV-T3: no two teams share a slug';
COMMENT ON CONSTRAINT inv_t4__teams_slug_well_formed ON public.teams IS
'INV-T4: a slug is lower-case letters, digits and hyphens, and neither begins nor ends with a '
'hyphen';
COMMENT ON CONSTRAINT inv_t5__teams_created_not_after_updated ON public.teams IS
'INV-T5: a team''s created_at is not after its updated_at; INV-TIME1: users, teams, projects, '
'jobs, assets and webhooks: created_at is not after updated_at';
COMMENT ON CONSTRAINT inv_t6__teams_credits_not_negative ON public.teams IS
'INV-T6: a team''s credits are never negative';

-- A user in a team. The keys are deferred, so that a team and its first owner come in any order.
CREATE TABLE public.memberships (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    team_id uuid,
    user_id uuid,
    role public.membership_role NOT NULL DEFAULT 'member',
    created_at timestamptz NOT NULL DEFAULT now(),

    -- The tier that a member must have. A constant: it is one half of the key into users.
    user_tier public.user_tier NOT NULL DEFAULT 'creator',

    CONSTRAINT memberships_user_tier_is_creator
    CHECK (user_tier = 'creator'),

    -- A check, since the rejection of a NOT NULL cannot carry a name.
    CONSTRAINT inv_m1__memberships_names_user_and_team
    CHECK (num_nulls(team_id, user_id) = 0),

    CONSTRAINT inv_m3__memberships_user_once_per_team
    UNIQUE (team_id, user_id),

    CONSTRAINT inv_m5__memberships_user_exists
    FOREIGN KEY (user_id) REFERENCES public.users (id)
    ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,

    CONSTRAINT inv_m6__memberships_team_exists
    FOREIGN KEY (team_id) REFERENCES public.teams (id)
    ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,

    CONSTRAINT inv_u3__memberships_user_is_creator
    FOREIGN KEY (user_id, user_tier) REFERENCES public.users (id, tier)
    ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED
);

COMMENT ON CONSTRAINT inv_m1__memberships_names_user_and_team ON public.memberships IS
'INV-M1: a membership names a user and a team';
COMMENT ON CONSTRAINT inv_m3__memberships_user_once_per_team ON public.memberships IS
'INV-M3: a user is in a team at most once';
COMMENT ON CONSTRAINT inv_m5__memberships_user_exists ON public.memberships IS
'INV-M5: its user exists';
COMMENT ON CONSTRAINT inv_m6__memberships_team_exists ON public.memberships IS
'INV-M6: its team exists';
COMMENT ON CONSTRAINT inv_u3__memberships_user_is_creator ON public.memberships IS
'INV-U3: a starter belongs to no team; INV-M4: only creators have memberships';

-- A place in a team, offered to an email address. It is open until it is accepted, revoked or
-- expired.
CREATE TABLE public.invitations (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    team_id uuid,
    invited_by uuid NOT NULL,
    email text,
    role public.invitation_role NOT NULL DEFAULT 'member',
    token text NOT NULL,
    expires_at timestamptz NOT NULL DEFAULT now() + interval '168 hours',
    accepted_at timestamptz,
    revoked_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),

    CONSTRAINT invitations_token_used_once
    UNIQUE (token),

    CONSTRAINT invitations_email_at_most_255_characters
    CHECK (char_length(email) <= 255),

    CONSTRAINT invitations_email_is_an_address
    CHECK (email COLLATE "C" ~ '^[!-?A-~]+@[!-?A-~]+[.][!-?A-~]+$'),

    CONSTRAINT invitations_token_at_most_255_characters
    CHECK (char_length(token) <= 255),

    -- A check, since the rejection of a NOT NULL cannot carry a name.
    CONSTRAINT inv_i1__invitations_names_team_and_email
    CHECK (num_nulls(team_id, email) = 0),

    CONSTRAINT inv_i3__invitations_not_accepted_and_revoked
    CHECK (accepted_at IS NULL OR revoked_at IS NULL),

    CONSTRAINT inv_i5__invitations_team_exists
    FOREIGN KEY (team_id) REFERENCES public.teams (id) ON DELETE CASCADE,

    CONSTRAINT inv_i6__invitations_inviter_exists
    FOREIGN KEY (invited_by) REFERENCES public.users (id) ON DELETE RESTRICT,

    CONSTRAINT inv_i9__invitations_expires_after_created
    CHECK (expires_at > created_at),

    CONSTRAINT inv_time5__invitations_accepted_after_created
    CHECK (accepted_at IS NULL OR accepted_at > created_at)
);

COMMENT ON CONSTRAINT inv_i1__invitations_names_team_and_email ON public.invitations IS
'INV-I1: an invitation names a team and an email';
COMMENT ON CONSTRAINT inv_i3__invitations_not_accepted_and_revoked ON public.invitations IS
'INV-I3: an accepted invitation is not revoked; INV-I4: a revoked invitation is not accepted';
COMMENT ON CONSTRAINT inv_i5__invitations_team_exists ON public.invitations IS
'INV-I5: its team exists';
COMMENT ON CONSTRAINT inv_i6__invitations_inviter_exists ON public.invitations IS
'INV-I6: its inviter exists';
COMMENT ON CONSTRAINT inv_i9__invitations_expires_after_created ON public.invitations IS
'INV-I9: it expires after it was created; INV-TIME4: an invitation expires after it was created';
COMMENT ON CONSTRAINT inv_time5__invitations_accepted_after_created ON public.invitations IS
'INV-TIME5: it is accepted after it was created';

-- A secret with which a program acts for a user. Live while revoked_at is null.
CREATE TABLE public.api_keys (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id uuid NOT NULL,
    owner text NOT NULL,
    name text NOT NULL DEFAULT 'Default',
    key_prefix text NOT NULL,
    key_hash text NOT NULL,
    scopes jsonb NOT NULL DEFAULT '["*"]',
    last_used_at timestamptz,
    expires_at timestamptz,
    revoked_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),

    -- What must exist for this key, as keys into other tables; null where nothing must.
    owner_tier public.user_tier,
    live_member_team_id uuid,
    live_shared_team_id uuid,

    -- Asked before URN-1, which refuses an owner of no form.
    CONSTRAINT api_keys_derived_from_owner
    CHECK (
        CASE WHEN owner ~ (
                    '^framecast:(user|team|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})'
                    ':[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
                )
                THEN (owner_tier, live_member_team_id, live_shared_team_id) IS NOT DISTINCT FROM (
                        CASE
                            WHEN
                                framecast.urn_team(owner) IS NOT NULL
                                THEN 'creator'::public.user_tier
                        END,
                        CASE WHEN revoked_at IS NULL AND framecast.urn_is_member(owner)
                                THEN framecast.urn_team(owner)
                        END,
                        CASE WHEN revoked_at IS NULL AND NOT framecast.urn_is_member(owner)
                                THEN framecast.urn_team(owner)
                        END
                    )
            ELSE TRUE
        END
    ),

    CONSTRAINT api_keys_name_at_most_100_characters
    CHECK (char_length(name) <= 100),

    CONSTRAINT api_keys_prefix_at_most_20_characters
    CHECK (char_length(key_prefix) <= 20),

    CONSTRAINT api_keys_hash_at_most_255_characters
    CHECK (char_length(key_hash) <= 255),

    CONSTRAINT inv_a1__api_keys_user_exists
    FOREIGN KEY (user_id) REFERENCES public.users (id) ON DELETE CASCADE,

    CONSTRAINT inv_a2__api_keys_hash_not_empty
    CHECK (key_hash <> ''),

    CONSTRAINT inv_a3__api_keys_hash_unique
    UNIQUE (key_hash),

    CONSTRAINT inv_a6__api_keys_team_key_is_a_creators
    FOREIGN KEY (user_id, owner_tier) REFERENCES public.users (id, tier) ON DELETE CASCADE,

    CONSTRAINT inv_x4__api_keys_member_urn_names_its_user
    CHECK (
        revoked_at IS NOT NULL
        OR NOT framecast.urn_is_member(owner)
        OR split_part(owner, ':', 3) = user_id::text
    ),

    CONSTRAINT inv_x4__api_keys_membership_exists
    FOREIGN KEY (live_member_team_id, user_id) REFERENCES public.memberships (team_id, user_id)
    ON DELETE NO ACTION,

    -- A foreign key beside the trigger of the same rule: it also makes whoever ends a membership
    -- wait for a key that is just being made, and then find and revoke it, or fail to serialize.
    CONSTRAINT role_2__api_keys_maker_in_team
    FOREIGN KEY (live_shared_team_id, user_id) REFERENCES public.memberships (team_id, user_id)
    ON DELETE NO ACTION,

    CONSTRAINT urn_1__api_keys_owner_is_one_of_three_forms
    CHECK (
        owner ~ (
            '^framecast:(user|team|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})'
            ':[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
        )
    ),

    CONSTRAINT urn_2__api_keys_user_urn_names_its_user
    CHECK (
        split_part(owner, ':', 2) <> 'user'
        OR split_part(owner, ':', 3) = user_id::text
    )
);

COMMENT ON CONSTRAINT urn_1__api_keys_owner_is_one_of_three_forms ON public.api_keys IS
'URN-1: every owner is one of the three forms';
COMMENT ON CONSTRAINT inv_a1__api_keys_user_exists ON public.api_keys IS
'INV-A1: a key''s user exists';
COMMENT ON CONSTRAINT inv_a2__api_keys_hash_not_empty ON public.api_keys IS
'INV-A2: its key_hash is not empty';
COMMENT ON CONSTRAINT inv_a3__api_keys_hash_unique ON public.api_keys IS
'INV-A3: no two keys share a key_hash';
COMMENT ON CONSTRAINT inv_a6__api_keys_team_key_is_a_creators ON public.api_keys IS
'INV-A6: a starter''s keys are owned by the starter''s own user URN; INV-A7: a key owned by a '
'team or member URN belongs to a creator';
COMMENT ON CONSTRAINT inv_x4__api_keys_member_urn_names_its_user ON public.api_keys IS
'INV-X4: a live key with a member URN belongs to that member, and the membership exists';
COMMENT ON CONSTRAINT inv_x4__api_keys_membership_exists ON public.api_keys IS
'INV-X4: a live key with a member URN belongs to that member, and the membership exists';
COMMENT ON CONSTRAINT role_2__api_keys_maker_in_team ON public.api_keys IS
'AUTO-REVOKE: a user''s live keys of a team are revoked when the membership ends; ROLE-2: '
'whoever makes a project, a job of a team, an asset of a team or a key of a team is an owner, '
'admin or member of it; a viewer is not enough';
COMMENT ON CONSTRAINT urn_2__api_keys_user_urn_names_its_user ON public.api_keys IS
'INV-A6: a starter''s keys are owned by the starter''s own user URN; URN-2: a user URN on a '
'job, asset or key names the user who acts';

-- A storyboard of a team. Its status follows its jobs, but for archiving.
CREATE TABLE public.projects (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    team_id uuid NOT NULL,
    created_by uuid NOT NULL,
    name text NOT NULL,
    status public.project_status NOT NULL DEFAULT 'draft',
    spec jsonb,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),

    -- Who owns the project's jobs and assets. One half of the key that they refer to.
    owner text NOT NULL DEFAULT '(made from the team)',
    CONSTRAINT projects_id_and_owner_once
    UNIQUE (id, owner),

    CONSTRAINT projects_owner_is_its_team
    CHECK (owner = 'framecast:team:' || team_id::text),

    CONSTRAINT projects_name_1_to_200_characters
    CHECK (char_length(name) BETWEEN 1 AND 200),

    CONSTRAINT inv_p2__projects_team_exists
    FOREIGN KEY (team_id) REFERENCES public.teams (id) ON DELETE CASCADE,

    CONSTRAINT inv_p3__projects_creator_exists
    FOREIGN KEY (created_by) REFERENCES public.users (id) ON DELETE RESTRICT,

    CONSTRAINT inv_p4__projects_created_not_after_updated
    CHECK (created_at <= updated_at)
);

COMMENT ON CONSTRAINT inv_p2__projects_team_exists ON public.projects IS 'INV-P2: its team exists';
COMMENT ON CONSTRAINT inv_p3__projects_creator_exists ON public.projects IS
'INV-P3: its creator exists';
COMMENT ON CONSTRAINT inv_p4__projects_created_not_after_updated ON public.projects IS
'INV-P4: its created_at is not after its updated_at; INV-TIME1: users, teams, projects, jobs, '
'assets and webhooks: created_at is not after updated_at';

-- The specs of projects once more, to search in. A storyboard has tens of thousands of keys and
-- values, and PostgreSQL puts a row that changes into all indexes of its table anew: beside a
-- project's status, each rendering would index them all twice, while the team's guard is held.
CREATE TABLE framecast.project_specs (
    project_id uuid PRIMARY KEY,
    spec jsonb NOT NULL,

    CONSTRAINT project_specs_project_exists
    FOREIGN KEY (project_id) REFERENCES public.projects (id) ON DELETE CASCADE
);

-- What clients search in: nobody writes it.
CREATE VIEW public.searchable_projects AS
SELECT s.project_id, s.spec FROM framecast.project_specs AS s;

-- One rendering. It has no key into teams: finished jobs outlive the team that paid for them.
--
-- Of its rules, those on what a state needs (INV-J2 to INV-J7) stand in one trigger beside the
-- states (STATE-JOB, in the next migration). PostgreSQL reads and plans each CHECK anew for every
-- statement that writes the table; six more of them cost a quarter of a bare update.
CREATE TABLE public.jobs (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    owner text NOT NULL,
    triggered_by uuid NOT NULL,
    project_id uuid,
    status public.job_status NOT NULL DEFAULT 'queued',
    spec_snapshot jsonb NOT NULL,
    options jsonb NOT NULL DEFAULT '{}',
    progress jsonb NOT NULL DEFAULT '{}',
    output jsonb,
    output_size_bytes bigint,
    error jsonb,
    credits_charged integer NOT NULL DEFAULT 0,
    failure_type public.job_failure_type,
    credits_refunded integer NOT NULL DEFAULT 0,
    idempotency_key text,
    started_at timestamptz,
    completed_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),

    CONSTRAINT jobs_output_size_not_negative
    CHECK (output_size_bytes >= 0),

    CONSTRAINT jobs_idempotency_key_at_most_255_characters
    CHECK (char_length(idempotency_key) <= 255),

    -- Also the index of the foreign key to users: most keys are null, and nulls are distinct.
    CONSTRAINT jobs_idempotency_key_used_once_by_user
    UNIQUE (triggered_by, idempotency_key),

    -- Of a charge that is negative, INV-J9 says so: checks are asked in the order of their names.
    CONSTRAINT inv_j8__jobs_refund_within_charge
    CHECK (credits_refunded <= greatest(credits_charged, 0)),

    -- One check of two columns, since each check costs every statement on jobs.
    CONSTRAINT inv_j9__jobs_credits_not_negative
    CHECK (least(credits_charged, credits_refunded) >= 0),

    CONSTRAINT inv_j10__jobs_created_not_after_updated
    CHECK (created_at <= updated_at),

    -- The project's own URN is the second half of the key, so no other owner will do.
    CONSTRAINT inv_j11__jobs_project_of_owning_team
    FOREIGN KEY (project_id, owner) REFERENCES public.projects (id, owner)
    ON DELETE SET NULL (project_id),

    CONSTRAINT inv_j13__jobs_trigger_exists
    FOREIGN KEY (triggered_by) REFERENCES public.users (id) ON DELETE RESTRICT,

    CONSTRAINT inv_time2__jobs_started_not_before_created
    CHECK (started_at >= created_at),

    CONSTRAINT inv_time3__jobs_completed_not_before_started
    CHECK (completed_at >= started_at),

    CONSTRAINT urn_1__jobs_owner_is_one_of_three_forms
    CHECK (
        owner ~ (
            '^framecast:(user|team|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})'
            ':[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
        )
    )
);

COMMENT ON CONSTRAINT urn_1__jobs_owner_is_one_of_three_forms ON public.jobs IS
'URN-1: every owner is one of the three forms';
COMMENT ON CONSTRAINT inv_j9__jobs_credits_not_negative ON public.jobs IS
'INV-J9: neither its charge nor its refund is negative';
COMMENT ON CONSTRAINT inv_j10__jobs_created_not_after_updated ON public.jobs IS
'INV-J10: its created_at is not after its updated_at; INV-TIME1: users, teams, projects, jobs, '
'assets and webhooks: created_at is not after updated_at';
COMMENT ON CONSTRAINT inv_j11__jobs_project_of_owning_team ON public.jobs IS
'INV-J11: a project''s job is owned by framecast:team:… of that project''s team';
COMMENT ON CONSTRAINT inv_j13__jobs_trigger_exists ON public.jobs IS
'INV-J13: the user who triggered it exists';
COMMENT ON CONSTRAINT inv_j8__jobs_refund_within_charge ON public.jobs IS
'INV-J8: a job is never refunded more than it was charged';
COMMENT ON CONSTRAINT inv_time2__jobs_started_not_before_created ON public.jobs IS
'INV-TIME2: a job''s started_at is not before its created_at';
COMMENT ON CONSTRAINT inv_time3__jobs_completed_not_before_started ON public.jobs IS
'INV-TIME3: a job''s completed_at is not before its started_at';

-- What happened to a job, for clients that follow it. Appended, then cleaned up after a week.
CREATE TABLE public.job_events (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    job_id uuid NOT NULL,
    -- Likewise.
    sequence bigint NOT NULL DEFAULT 0,
    event_type public.job_event_type NOT NULL,
    payload jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),

    CONSTRAINT job_events_job_exists
    FOREIGN KEY (job_id) REFERENCES public.jobs (id) ON DELETE CASCADE,

    CONSTRAINT seq_1__job_events_number_used_once
    UNIQUE (job_id, sequence)
);

COMMENT ON CONSTRAINT seq_1__job_events_number_used_once ON public.job_events IS
'SEQ-1: a job''s events are numbered 1, 2, 3 … in the order in which they commit; no number is '
'used twice, even after old events were cleaned up';

-- An uploaded file: announced as pending, then ready or failed once the upload has ended.
CREATE TABLE public.asset_files (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    owner text NOT NULL,
    uploaded_by uuid NOT NULL,
    project_id uuid,
    filename text NOT NULL,
    s3_key text NOT NULL,
    content_type text NOT NULL,
    size_bytes bigint NOT NULL,
    status public.asset_status NOT NULL DEFAULT 'pending',
    metadata jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),

    CONSTRAINT asset_files_filename_1_to_255_characters
    CHECK (char_length(filename) BETWEEN 1 AND 255),

    CONSTRAINT asset_files_s3_key_at_most_500_characters
    CHECK (char_length(s3_key) <= 500),

    CONSTRAINT inv_af2__asset_files_size_positive
    CHECK (size_bytes > 0),

    CONSTRAINT inv_af3__asset_files_size_at_most_50_mib
    CHECK (size_bytes <= 50 * 1024 * 1024),

    CONSTRAINT inv_af4__asset_files_content_type_known
    CHECK (
        content_type IN (
            'image/jpeg', 'image/png', 'image/webp',
            'audio/mpeg', 'audio/wav', 'audio/ogg',
            'video/mp4'
        )
    ),

    CONSTRAINT inv_af5__asset_files_uploader_exists
    FOREIGN KEY (uploaded_by) REFERENCES public.users (id) ON DELETE RESTRICT,

    CONSTRAINT inv_af6__asset_files_s3_key_unique
    UNIQUE (s3_key),

    CONSTRAINT inv_time1__asset_files_created_not_after_updated
    CHECK (created_at <= updated_at),

    -- The project's own URN is the second half of the key, so no other owner will do.
    CONSTRAINT inv_x3__asset_files_project_of_owning_team
    FOREIGN KEY (project_id, owner) REFERENCES public.projects (id, owner) ON DELETE CASCADE,

    CONSTRAINT urn_1__asset_files_owner_is_one_of_three_forms
    CHECK (
        owner ~ (
            '^framecast:(user|team|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})'
            ':[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
        )
    ),

    CONSTRAINT urn_2__asset_files_user_urn_names_uploader
    CHECK (
        split_part(owner, ':', 2) <> 'user'
        OR split_part(owner, ':', 3) = uploaded_by::text
    )
);

COMMENT ON CONSTRAINT urn_1__asset_files_owner_is_one_of_three_forms ON public.asset_files IS
'URN-1: every owner is one of the three forms';
COMMENT ON CONSTRAINT inv_af2__asset_files_size_positive ON public.asset_files IS
'INV-AF2: its size is positive';
COMMENT ON CONSTRAINT inv_af3__asset_files_size_at_most_50_mib ON public.asset_files IS
'INV-AF3: its size is at most 50 MiB';
COMMENT ON CONSTRAINT inv_af4__asset_files_content_type_known ON public.asset_files IS
'INV-AF4: its content type is image/jpeg, image/png, image/webp, audio/mpeg, audio/wav, '
'audio/ogg or video/mp4';
COMMENT ON CONSTRAINT inv_af5__asset_files_uploader_exists ON public.asset_files IS
'INV-AF5: its uploader exists';
COMMENT ON CONSTRAINT inv_af6__asset_files_s3_key_unique ON public.asset_files IS
'INV-AF6: no two assets share an s3_key';
COMMENT ON CONSTRAINT inv_time1__asset_files_created_not_after_updated ON public.asset_files IS
'INV-TIME1: users, teams, projects, jobs, assets and webhooks: created_at is not after '
'updated_at';
COMMENT ON CONSTRAINT inv_x3__asset_files_project_of_owning_team ON public.asset_files IS
'INV-X3: an asset of a project is owned by framecast:team:… of that project''s team';
COMMENT ON CONSTRAINT urn_2__asset_files_user_urn_names_uploader ON public.asset_files IS
'INV-X2: whoever uploads an asset is its user URN''s user, or a member of the team that the URN '
'names; URN-2: a user URN on a job, asset or key names the user who acts';

-- Where a team wants to be told of its jobs.
CREATE TABLE public.webhooks (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    team_id uuid NOT NULL,
    created_by uuid NOT NULL,
    url text NOT NULL,
    events public.webhook_event_type[] NOT NULL,
    secret text NOT NULL,
    is_active boolean NOT NULL DEFAULT TRUE,
    last_triggered_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),

    CONSTRAINT webhooks_url_at_most_2048_characters
    CHECK (char_length(url) <= 2048),

    CONSTRAINT inv_time1__webhooks_created_not_after_updated
    CHECK (created_at <= updated_at),

    CONSTRAINT inv_w1__webhooks_team_exists
    FOREIGN KEY (team_id) REFERENCES public.teams (id) ON DELETE CASCADE,

    -- array_ndims is null for an empty array. A list of lists is no list of events.
    CONSTRAINT inv_w2__webhooks_has_an_event
    CHECK (coalesce(array_ndims(events), 0) = 1),

    CONSTRAINT inv_w3__webhooks_no_event_is_null
    CHECK (
        CASE WHEN array_ndims(events) = 1 THEN array_position(events, NULL) IS NULL ELSE TRUE END
    ),

    -- User and port are optional parts. The host is a name, of letters, digits, hyphens, dots and
    -- what is not ASCII, or an IPv6 address in brackets: eight groups, or :: and at most seven. The
    -- port is 65535 at most. What is not seen (control characters, white space, soft hyphens, what
    -- has no width, turns the direction, fills or varies letters, or is ignored where it is not
    -- known) stands nowhere, whatever a locale says of it. Before the path is nothing that Unicode
    -- has for /, ?, #, @ or : (NFKC), where some libraries end a host.
    CONSTRAINT inv_w4__webhooks_url_is_https_with_host
    CHECK (
        url COLLATE "C" ~* (
            '^https://([a-z0-9._~%!$&''()*+,;=:-]*@)?('
            '[^!-/:-@[-^`{-~][^!-,/:-@[-^`{-~]*'
            '|[[](([0-9a-f]{1,4}:){7}[0-9a-f]{1,4}|(?!:*([0-9a-f]+:+){7}[0-9a-f])'
            '([0-9a-f]{1,4}(:[0-9a-f]{1,4})*)?::([0-9a-f]{1,4}(:[0-9a-f]{1,4})*)?)[]]'
            ')(:0*([0-9]{0,4}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]'
            '|6553[0-5]))?([/?#].*)?$'
        )
        AND url COLLATE "C" !~ (
            '[' || chr(1) || '-' || chr(32) || chr(127) || '-' || chr(160) || chr(173)
            || chr(847) || chr(1564) || chr(4447) || chr(4448) || chr(5760) || chr(6068)
            || chr(6069) || chr(6155) || '-' || chr(6159) || chr(8192) || '-' || chr(8207)
            || chr(8232) || '-' || chr(8239) || chr(8287) || '-' || chr(8303) || chr(12288)
            || chr(12644) || chr(65024) || '-' || chr(65039) || chr(65279) || chr(65440)
            || chr(65520) || '-' || chr(65531) || chr(113824) || '-' || chr(113827)
            || chr(119155) || '-' || chr(119162) || chr(917504) || '-' || chr(921599) || ']'
        )
        AND url COLLATE "C" !~ (
            '//[^/?#]*[' || chr(8263) || '-' || chr(8265) || chr(8448) || chr(8449)
            || chr(8453) || chr(8454) || chr(10868) || chr(65043) || chr(65046)
            || chr(65109) || chr(65110) || chr(65119) || chr(65131) || chr(65283)
            || chr(65295) || chr(65306) || chr(65311) || chr(65312) || ']'
        )
    ),

    CONSTRAINT inv_w5__webhooks_creator_exists
    FOREIGN KEY (created_by) REFERENCES public.users (id) ON DELETE RESTRICT
);

COMMENT ON CONSTRAINT inv_time1__webhooks_created_not_after_updated ON public.webhooks IS
'INV-TIME1: users, teams, projects, jobs, assets and webhooks: created_at is not after '
'updated_at';
COMMENT ON CONSTRAINT inv_w1__webhooks_team_exists ON public.webhooks IS
'INV-W1: a webhook''s team exists';
COMMENT ON CONSTRAINT inv_w2__webhooks_has_an_event ON public.webhooks IS
'INV-W2: it subscribes to at least one event';
COMMENT ON CONSTRAINT inv_w3__webhooks_no_event_is_null ON public.webhooks IS
'INV-W3: each of its events is one of the six (and none is null)';
COMMENT ON CONSTRAINT inv_w4__webhooks_url_is_https_with_host ON public.webhooks IS
'INV-W4: its url is an https URL with a host';
COMMENT ON CONSTRAINT inv_w5__webhooks_creator_exists ON public.webhooks IS
'INV-W5: its creator exists';

-- One attempt to tell one webhook of one event, with its retries.
CREATE TABLE public.webhook_deliveries (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    webhook_id uuid NOT NULL,
    job_id uuid,
    event_type text NOT NULL,
    status public.webhook_delivery_status NOT NULL DEFAULT 'pending',
    payload jsonb NOT NULL,
    response_status integer,
    response_body text,
    attempts integer NOT NULL DEFAULT 0,
    max_attempts integer NOT NULL DEFAULT 5,
    next_retry_at timestamptz,
    delivered_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),

    CONSTRAINT webhook_deliveries_event_type_at_most_50_characters
    CHECK (char_length(event_type) <= 50),

    CONSTRAINT webhook_deliveries_response_at_most_10240_characters
    CHECK (char_length(response_body) <= 10240),

    CONSTRAINT webhook_deliveries_attempts_not_negative
    CHECK (attempts >= 0),

    CONSTRAINT webhook_deliveries_max_attempts_positive
    CHECK (max_attempts >= 1),

    CONSTRAINT inv_wd2__webhook_deliveries_webhook_exists
    FOREIGN KEY (webhook_id) REFERENCES public.webhooks (id) ON DELETE CASCADE,

    CONSTRAINT inv_wd3__webhook_deliveries_attempts_within_max
    CHECK (attempts <= max_attempts),

    CONSTRAINT inv_wd4__webhook_deliveries_delivered_has_time
    CHECK (status <> 'delivered' OR delivered_at IS NOT NULL),

    CONSTRAINT webhook_deliveries_job_exists
    FOREIGN KEY (job_id) REFERENCES public.jobs (id) ON DELETE SET NULL
);

COMMENT ON CONSTRAINT inv_wd2__webhook_deliveries_webhook_exists ON public.webhook_deliveries IS
'INV-WD2: its webhook exists';
COMMENT ON CONSTRAINT inv_wd3__webhook_deliveries_attempts_within_max
ON public.webhook_deliveries IS
'INV-WD3: its attempts never exceed max_attempts';
COMMENT ON CONSTRAINT inv_wd4__webhook_deliveries_delivered_has_time ON public.webhook_deliveries IS
'INV-WD4: a delivered one has a delivered_at';

-- What an owner used in a month. Rolled up by the service; the month's first row creates it.
CREATE TABLE public.usage (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    owner text NOT NULL,
    period text NOT NULL,
    renders_count integer NOT NULL DEFAULT 0,
    render_seconds integer NOT NULL DEFAULT 0,
    credits_used integer NOT NULL DEFAULT 0,
    credits_refunded integer NOT NULL DEFAULT 0,
    api_calls integer NOT NULL DEFAULT 0,
    updated_at timestamptz NOT NULL DEFAULT now(),

    CONSTRAINT usage_render_seconds_not_negative
    CHECK (render_seconds >= 0),

    CONSTRAINT usage_credits_refunded_not_negative
    CHECK (credits_refunded >= 0),

    CONSTRAINT usage_api_calls_not_negative
    CHECK (api_calls >= 0),

    CONSTRAINT inv_us1__usage_period_is_a_month
    CHECK (period COLLATE "C" ~ '^[0-9]{4}-(0[1-9]|1[0-2])$'),

    CONSTRAINT inv_us2__usage_renders_not_negative
    CHECK (renders_count >= 0),

    CONSTRAINT inv_us3__usage_credits_used_not_negative
    CHECK (credits_used >= 0),

    CONSTRAINT inv_us4__usage_one_row_per_owner_and_period
    UNIQUE (owner, period),

    CONSTRAINT urn_1__usage_owner_is_one_of_three_forms
    CHECK (
        owner ~ (
            '^framecast:(user|team|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})'
            ':[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
        )
    )
);

COMMENT ON CONSTRAINT urn_1__usage_owner_is_one_of_three_forms ON public.usage IS
'URN-1: every owner is one of the three forms';
COMMENT ON CONSTRAINT inv_us1__usage_period_is_a_month ON public.usage IS
'INV-US1: a usage period is YYYY-MM with a real month';
COMMENT ON CONSTRAINT inv_us2__usage_renders_not_negative ON public.usage IS
'INV-US2: renders_count is never negative';
COMMENT ON CONSTRAINT inv_us3__usage_credits_used_not_negative ON public.usage IS
'INV-US3: credits_used is never negative';
COMMENT ON CONSTRAINT inv_us4__usage_one_row_per_owner_and_period ON public.usage IS
'INV-US4: an owner has one row a period';

-- Sounds and transitions that come with the product.
CREATE TABLE public.system_assets (
    id text PRIMARY KEY,
    category public.system_asset_category NOT NULL,
    name text NOT NULL,
    description text,
    duration_seconds numeric(10, 3),
    s3_key text NOT NULL,
    content_type text NOT NULL,
    size_bytes bigint NOT NULL,
    tags text[] NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),

    CONSTRAINT system_assets_id_at_most_100_characters
    CHECK (char_length(id) <= 100),

    CONSTRAINT system_assets_name_at_most_255_characters
    CHECK (char_length(name) <= 255),

    CONSTRAINT system_assets_description_at_most_500_characters
    CHECK (char_length(description) <= 500),

    CONSTRAINT system_assets_s3_key_at_most_500_characters
    CHECK (char_length(s3_key) <= 500),

    CONSTRAINT system_assets_size_positive
    CHECK (size_bytes > 0),

    CONSTRAINT system_assets_tags_at_most_500_characters
    CHECK (char_length(array_to_string(tags, '')) <= 500),

    CONSTRAINT inv_sa2__system_assets_id_names_category
    CHECK (id COLLATE "C" ~ ('^asset_' || category::text || '_[a-z0-9_]+$')),

    CONSTRAINT inv_sa3__system_assets_s3_key_unique
    UNIQUE (s3_key)
);

COMMENT ON CONSTRAINT inv_sa2__system_assets_id_names_category ON public.system_assets IS
'INV-SA2: its id is asset_<category>_<name>, the name of lower-case letters, digits and '
'underscores';
COMMENT ON CONSTRAINT inv_sa3__system_assets_s3_key_unique ON public.system_assets IS
'INV-SA3: no two system assets share an s3_key';

-- What each role may do: the matrix of permissions, as data.
CREATE TABLE public.role_permissions (
    role public.membership_role NOT NULL,
    permission text NOT NULL,
    PRIMARY KEY (role, permission)
);

-- The guards: see the head of this file. The first write that needs a row makes it. A guard says in
-- which transaction it was written last, by the full id, which no other transaction of the server
-- ever has; and when that server was started, as a dump carries ids to another one.
CREATE TABLE framecast.user_guards (
    user_id uuid PRIMARY KEY,
    written_in xid8 NOT NULL DEFAULT pg_current_xact_id(),
    server_start timestamptz NOT NULL DEFAULT pg_postmaster_start_time(),

    -- Only a membership may name somebody who is not there yet: if nobody comes, that is to say so,
    -- whichever of the two keys is asked first.
    CONSTRAINT inv_m5__user_guards_user_exists
    FOREIGN KEY (user_id) REFERENCES public.users (id) ON DELETE CASCADE
    DEFERRABLE INITIALLY DEFERRED
) WITH (fillfactor = 50);

COMMENT ON CONSTRAINT inv_m5__user_guards_user_exists ON framecast.user_guards IS
'INV-M5: its user exists';

CREATE TABLE framecast.team_guards (
    team_id uuid PRIMARY KEY,
    written_in xid8 NOT NULL DEFAULT pg_current_xact_id(),
    server_start timestamptz NOT NULL DEFAULT pg_postmaster_start_time(),

    -- Likewise.
    CONSTRAINT inv_m6__team_guards_team_exists
    FOREIGN KEY (team_id) REFERENCES public.teams (id) ON DELETE CASCADE
    DEFERRABLE INITIALLY DEFERRED
) WITH (fillfactor = 50);

COMMENT ON CONSTRAINT inv_m6__team_guards_team_exists ON framecast.team_guards IS
'INV-M6: its team exists';

-- PostgreSQL asks a table's foreign keys in the order of its own triggers, whose names end in
-- numbers without leading zeros: where the server's numbers have just got another digit, a later
-- key is asked first. The keys of such a table are made again.
DO $$
DECLARE
    v_key record;
BEGIN
    FOR v_key IN
        WITH keys AS (
            SELECT
                k.conrelid, k.conname, pg_get_constraintdef(k.oid) AS definition,
                obj_description(k.oid, 'pg_constraint') AS comment, g.tgfoid, g.tgname
            FROM pg_constraint AS k
            JOIN pg_trigger AS g ON g.tgconstraint = k.oid AND g.tgrelid = k.conrelid
            WHERE k.contype = 'f'
                AND k.connamespace IN ('public'::regnamespace, 'framecast'::regnamespace)
        )
        SELECT DISTINCT k.conrelid::regclass AS tbl, k.conname, k.definition, k.comment
        FROM keys AS k
        WHERE EXISTS (
            SELECT FROM keys AS early JOIN keys AS late USING (conrelid, tgfoid)
            WHERE conrelid = k.conrelid
                AND early.conname < late.conname AND early.tgname > late.tgname
        )
        ORDER BY k.conname
    LOOP
        EXECUTE format(
            'ALTER TABLE %1$s DROP CONSTRAINT %2$I, ADD CONSTRAINT %2$I %3$s',
            v_key.tbl, v_key.conname, v_key.definition
        );
        EXECUTE format(
            'COMMENT ON CONSTRAINT %I ON %s IS %L', v_key.conname, v_key.tbl, v_key.comment
        );
    END LOOP;
END;
$$;


------------------------------------------------------------------------------------------------
-- Permissions
------------------------------------------------------------------------------------------------

INSERT INTO public.role_permissions (role, permission)
SELECT r.role, p.permission
FROM (
    VALUES
    ('team.view', 'owner admin member viewer'),
    ('members.view', 'owner admin member viewer'),
    ('projects.view', 'owner admin member viewer'),
    ('assets.view', 'owner admin member viewer'),
    ('team.edit', 'owner admin'),
    ('members.invite', 'owner admin'),
    ('members.remove', 'owner admin'),
    ('members.change', 'owner admin'),
    ('invitations.view', 'owner admin'),
    ('webhooks.manage', 'owner admin'),
    ('projects.delete', 'owner admin'),
    ('projects.archive', 'owner admin'),
    ('projects.unarchive', 'owner admin'),
    ('projects.create', 'owner admin member'),
    ('projects.edit', 'owner admin member'),
    ('jobs.create', 'owner admin member'),
    ('jobs.clone', 'owner admin member'),
    ('assets.upload', 'owner admin member'),
    ('keys.make', 'owner admin member'),
    ('jobs.cancel_own', 'owner admin member'),
    ('assets.delete_own', 'owner admin member'),
    ('jobs.cancel_any', 'owner admin'),
    ('assets.delete_any', 'owner admin'),
    ('owners.change', 'owner'),
    ('team.delete', 'owner')
) AS p (permission, roles)
CROSS JOIN LATERAL unnest(string_to_array(p.roles, ' ')::public.membership_role[]) AS r (role);

-- The matrix changes with a migration, which drops this trigger and makes it again.
CREATE TRIGGER _300_perm_1__role_permissions_are_fixed
BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON public.role_permissions
FOR EACH STATEMENT EXECUTE FUNCTION framecast.tg__reject(
    'the matrix of permissions is not for clients to change',
    'change it in a migration'
);

COMMENT ON TRIGGER _300_perm_1__role_permissions_are_fixed ON public.role_permissions IS
'PERM-1: each role has the permissions of the matrix, and clients cannot change them';

-- Whether a role has a permission. Unknown permissions are had by nobody.
CREATE FUNCTION public.role_has_permission(p_role public.membership_role, p_permission text)
RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
RETURN EXISTS (
    SELECT FROM public.role_permissions AS rp
    WHERE rp.role = p_role AND rp.permission = p_permission
);

COMMENT ON FUNCTION public.role_has_permission(public.membership_role, text) IS
'PERM-1: each role has the permissions of the matrix, and clients cannot change them';

-- Whether a key may be used: it exists, is not revoked and has not expired.
CREATE FUNCTION public.api_key_is_valid(
    p_key_id uuid, p_at timestamptz DEFAULT clock_timestamp()
) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
RETURN EXISTS (
    SELECT FROM public.api_keys AS k
    WHERE k.id = p_key_id
        AND k.revoked_at IS NULL
        AND (k.expires_at IS NULL OR k.expires_at > p_at)
);

COMMENT ON FUNCTION public.api_key_is_valid(uuid, timestamptz) IS
'INV-A4, INV-A5: a revoked key is not valid; an expired key is not valid';

-- Whether a user may do something in a team: false for who is not in it. A membership may come
-- before its team, which is then not there to be in.
CREATE FUNCTION framecast.user_may(p_team_id uuid, p_user_id uuid, p_permission text)
RETURNS boolean
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN EXISTS (
        SELECT FROM public.memberships AS m
        JOIN public.teams AS t ON t.id = m.team_id
        JOIN public.role_permissions AS rp ON rp.role = m.role
        WHERE m.team_id = p_team_id
            AND m.user_id = p_user_id
            AND rp.permission = p_permission
    );
END;
$$;

-- Whether a user is in a team, likewise.
CREATE FUNCTION framecast.user_is_in(p_team_id uuid, p_user_id uuid) RETURNS boolean
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN EXISTS (
        SELECT FROM public.memberships AS m
        JOIN public.teams AS t ON t.id = m.team_id
        WHERE m.team_id = p_team_id AND m.user_id = p_user_id
    );
END;
$$;


------------------------------------------------------------------------------------------------
-- Guards
------------------------------------------------------------------------------------------------

-- Writes the guards of users, in the order of their ids. Also of those whom another session has
-- made and not committed: the guards' own key is asked at commit. Once in a transaction: of a row
-- that the transaction has written before, PostgreSQL asks the key again, which holds the user
-- after everything else. Of a new row it does too; but a team, or a creator, has its guard from the
-- transaction that makes it (INV-T2 and INV-U2 ask there), and whatever else makes a starter's has
-- held the user before: by a foreign key, or by writing the user's row.
CREATE FUNCTION framecast.lock_users(p_user_ids uuid[]) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    INSERT INTO framecast.user_guards AS g (user_id)
    SELECT DISTINCT named.id FROM unnest(p_user_ids) AS named (id) ORDER BY named.id
    ON CONFLICT (user_id) DO UPDATE
    SET written_in = excluded.written_in, server_start = excluded.server_start
    WHERE (g.written_in, g.server_start) <> (excluded.written_in, excluded.server_start);
END;
$$;

-- Writes the guards of teams, likewise.
CREATE FUNCTION framecast.lock_teams(p_team_ids uuid[]) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    INSERT INTO framecast.team_guards AS g (team_id)
    SELECT DISTINCT named.id FROM unnest(p_team_ids) AS named (id) ORDER BY named.id
    ON CONFLICT (team_id) DO UPDATE
    SET written_in = excluded.written_in, server_start = excluded.server_start
    WHERE (g.written_in, g.server_start) <> (excluded.written_in, excluded.server_start);
END;
$$;

-- A client writes at trigger depth 0; the schema never does.
CREATE TRIGGER _300_own_1__user_guards_kept_by_schema
BEFORE INSERT OR UPDATE OR DELETE ON framecast.user_guards
FOR EACH ROW WHEN (pg_trigger_depth() = 0)
EXECUTE FUNCTION framecast.tg__reject(
    'the schema''s bookkeeping is out of a client''s reach', 'leave it to the triggers'
);

COMMENT ON TRIGGER _300_own_1__user_guards_kept_by_schema ON framecast.user_guards IS
'OWN-1: what the schema keeps for itself is out of a client''s reach';

CREATE TRIGGER _300_own_1__team_guards_kept_by_schema
BEFORE INSERT OR UPDATE OR DELETE ON framecast.team_guards
FOR EACH ROW WHEN (pg_trigger_depth() = 0)
EXECUTE FUNCTION framecast.tg__reject(
    'the schema''s bookkeeping is out of a client''s reach', 'leave it to the triggers'
);

COMMENT ON TRIGGER _300_own_1__team_guards_kept_by_schema ON framecast.team_guards IS
'OWN-1: what the schema keeps for itself is out of a client''s reach';

CREATE TRIGGER _300_own_1__project_specs_kept_by_schema
BEFORE INSERT OR UPDATE OR DELETE ON framecast.project_specs
FOR EACH ROW WHEN (pg_trigger_depth() = 0)
EXECUTE FUNCTION framecast.tg__reject(
    'the schema''s bookkeeping is out of a client''s reach', 'leave it to the triggers'
);

COMMENT ON TRIGGER _300_own_1__project_specs_kept_by_schema ON framecast.project_specs IS
'OWN-1: what the schema keeps for itself is out of a client''s reach';

-- Bookkeeping may be emptied only with what it keeps book of: TRUNCATE … CASCADE of the parent
-- empties both before this trigger looks. Argument: the parent table.
CREATE FUNCTION framecast.tg__reject_truncate_beside_parent() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_parent_has_rows boolean;
BEGIN
    EXECUTE format('SELECT EXISTS (SELECT FROM public.%I)', TG_ARGV[0]) INTO v_parent_has_rows;
    IF v_parent_has_rows OR framecast.snapshot_is_old() THEN
        PERFORM framecast.reject(
            substr(TG_NAME, 6), TG_TABLE_NAME,
            'the schema''s bookkeeping is out of a client''s reach',
            format('TRUNCATE of %s while %s has rows', TG_TABLE_NAME, TG_ARGV[0]),
            format('truncate %s with CASCADE, at read committed', TG_ARGV[0])
        );
    END IF;
    RETURN NULL;
END;
$$;

-- Whether queries here may be blind to what has been committed: TRUNCATE is not bound to the
-- transaction's snapshot, so a check that is would let it remove rows unseen.
CREATE FUNCTION framecast.snapshot_is_old() RETURNS boolean
LANGUAGE sql STABLE
RETURN current_setting('transaction_isolation') IN ('repeatable read', 'serializable');

CREATE TRIGGER _300_own_1__user_guards_truncated_with_users
AFTER TRUNCATE ON framecast.user_guards
FOR EACH STATEMENT EXECUTE FUNCTION framecast.tg__reject_truncate_beside_parent('users');

COMMENT ON TRIGGER _300_own_1__user_guards_truncated_with_users ON framecast.user_guards IS
'OWN-1: what the schema keeps for itself is out of a client''s reach';

CREATE TRIGGER _300_own_1__team_guards_truncated_with_teams
AFTER TRUNCATE ON framecast.team_guards
FOR EACH STATEMENT EXECUTE FUNCTION framecast.tg__reject_truncate_beside_parent('teams');

COMMENT ON TRIGGER _300_own_1__team_guards_truncated_with_teams ON framecast.team_guards IS
'OWN-1: what the schema keeps for itself is out of a client''s reach';

CREATE TRIGGER _300_own_1__project_specs_truncated_with_projects
AFTER TRUNCATE ON framecast.project_specs
FOR EACH STATEMENT EXECUTE FUNCTION framecast.tg__reject_truncate_beside_parent('projects');

COMMENT ON TRIGGER _300_own_1__project_specs_truncated_with_projects ON framecast.project_specs IS
'OWN-1: what the schema keeps for itself is out of a client''s reach';


------------------------------------------------------------------------------------------------
-- Users
------------------------------------------------------------------------------------------------

-- Columns that are derived from others are set by triggers, whatever is given for them, and not
-- generated by PostgreSQL, which refuses a library that sends what it has read (428C9). Checks hold
-- them where triggers are off.
CREATE FUNCTION framecast.tg_users__derive() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    NEW.is_erased := framecast.email_key(NEW.email) = NEW.id::text || '@erased.invalid';
    RETURN NEW;
END;
$$;

CREATE TRIGGER _100_derive
BEFORE INSERT OR UPDATE OF id, email, is_erased ON public.users
FOR EACH ROW EXECUTE FUNCTION framecast.tg_users__derive();

COMMENT ON TRIGGER _100_derive ON public.users IS
'PRIVACY-1: an account whose address is its own id at erased.invalid was erased …';

CREATE TRIGGER _100_keep_created_at
BEFORE UPDATE OF created_at ON public.users
FOR EACH ROW EXECUTE FUNCTION framecast.tg__keep_created_at();

CREATE TRIGGER _300_imm_1__users_identity_is_fixed
BEFORE UPDATE OF id, created_at ON public.users
FOR EACH ROW WHEN ((old.id, old.created_at) IS DISTINCT FROM (new.id, new.created_at))
EXECUTE FUNCTION framecast.tg__reject(
    'a user''s id and created_at never change', 'make another user'
);

COMMENT ON TRIGGER _300_imm_1__users_identity_is_fixed ON public.users IS
'IMM-1: what a row is about never changes: ids and created_at; a membership''s team and user; '
'an invitation''s team, email and inviter; a team''s slug; a project''s team and creator; a '
'job''s owner, triggered_by, spec_snapshot and project (save to null, when the project goes); '
'an asset''s owner, uploader and project; a key''s user, owner, hash and scopes; a webhook''s '
'team; a delivery''s webhook; a usage row''s owner and period; an event, wholly';

CREATE TRIGGER _300_state_user__users_creator_stays_creator
BEFORE UPDATE OF tier ON public.users
FOR EACH ROW WHEN (old.tier = 'creator' AND new.tier <> 'creator')
EXECUTE FUNCTION framecast.tg__reject(
    'a creator stays a creator', 'leave the tier as it is'
);

COMMENT ON TRIGGER _300_state_user__users_creator_stays_creator ON public.users IS
'STATE-USER: a creator stays a creator';

-- Also keeps out what was on its way when the account was erased.
CREATE TRIGGER _300_privacy_2__users_erased_stays_erased
BEFORE UPDATE OF email ON public.users
FOR EACH ROW WHEN (
    old.is_erased AND framecast.email_key(old.email) <> framecast.email_key(new.email)
)
EXECUTE FUNCTION framecast.tg__reject(
    'an erased account stays erased', 'let the person sign up anew'
);

COMMENT ON TRIGGER _300_privacy_2__users_erased_stays_erased ON public.users IS
'PRIVACY-2: an erased account stays erased';

CREATE TRIGGER _500_set_first_updated_at
BEFORE INSERT ON public.users
FOR EACH ROW EXECUTE FUNCTION framecast.tg__set_first_updated_at();

CREATE TRIGGER _500_set_updated_at
BEFORE UPDATE ON public.users
FOR EACH ROW EXECUTE FUNCTION framecast.tg__set_updated_at();

COMMENT ON TRIGGER _500_set_updated_at ON public.users IS
'AUTO-UPDATED: updated_at is set by the database on every update';

-- Whoever changes an email may break INV-I7 and INV-I8 against invitations that are just being
-- written: both sides write the guards of the user and of the teams.
CREATE FUNCTION framecast.tg_users__lock_user_and_teams() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM framecast.lock_users(ARRAY[NEW.id]);
    PERFORM framecast.lock_teams(
        ARRAY(SELECT m.team_id FROM public.memberships AS m WHERE m.user_id = NEW.id)
    );
    RETURN NULL;
END;
$$;

CREATE TRIGGER _200_lock_user_and_teams
AFTER UPDATE OF email ON public.users
FOR EACH ROW WHEN (framecast.email_key(old.email) <> framecast.email_key(new.email))
EXECUTE FUNCTION framecast.tg_users__lock_user_and_teams();

-- INV-I7, from the user's side. No declaration compares columns of two tables. The guard of the
-- user, just written, holds back an invitation to the new email.
CREATE FUNCTION framecast.tg_users__email_not_invited_by_itself() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF EXISTS (
        SELECT FROM public.invitations AS i
        WHERE i.invited_by = NEW.id
            AND framecast.email_key(i.email) COLLATE "C" = framecast.email_key(NEW.email)
    ) THEN
        PERFORM framecast.reject(
            'inv_i7__users_email_not_invited_by_itself', 'users',
            'nobody invites their own email',
            format('user %s has invited %s', NEW.id, NEW.email),
            'delete that invitation first'
        );
    END IF;
    RETURN NULL;
END;
$$;

CREATE TRIGGER _300_inv_i7__users_email_not_invited_by_itself
AFTER UPDATE OF email ON public.users
FOR EACH ROW WHEN (framecast.email_key(old.email) <> framecast.email_key(new.email))
EXECUTE FUNCTION framecast.tg_users__email_not_invited_by_itself();

COMMENT ON TRIGGER _300_inv_i7__users_email_not_invited_by_itself ON public.users IS
'INV-I7: nobody invites their own email';


------------------------------------------------------------------------------------------------
-- Teams
------------------------------------------------------------------------------------------------

-- Lower case, hyphens for whatever is not a letter or digit, at most 50. 'team' if nothing is left.
CREATE FUNCTION framecast.slug_of(p_name text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN coalesce(
    nullif(
        rtrim(
            left(
                ltrim(regexp_replace(lower(p_name COLLATE "C"), '[^a-z0-9]+', '-', 'g'), '-'), 50
            ),
            '-'
        ),
        ''
    ),
    'team'
);

-- A slug that fits, made from the name when none is given.
--
-- Two sessions may make teams of one name at once, and neither sees the other's slug. So a slug is
-- spoken for with an advisory lock first: who makes up a slug never waits for it, but takes another
-- one, which ends in digits of the team's id. Who brings a slug shares the lock with others who do,
-- and waits for who has just made one up. Above read committed a free slug cannot be told from a
-- taken one, and the long form is used at once.
--
-- Slugs share 256 locks, so that no number of teams in one transaction fills the server's table of
-- locks. That two of them have one in common costs the one digits, or a wait.
CREATE FUNCTION framecast.tg_teams__make_slug() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_given text := nullif(NEW.slug, '(made from the name)');
    v_slug text := coalesce(v_given, framecast.slug_of(NEW.name));
    v_space CONSTANT integer := hashtext('framecast.teams.slug');
    v_lock integer := hashtext(v_slug) & 255;
    v_digits text := NEW.id::text;
BEGIN
    IF v_given IS NOT NULL THEN
        PERFORM pg_advisory_xact_lock_shared(v_space, v_lock);
        RETURN NEW;
    END IF;
    IF NOT framecast.snapshot_is_old() AND pg_try_advisory_xact_lock(v_space, v_lock) THEN
        -- Another statement, which sees what was committed until the lock was had.
        IF NOT EXISTS (SELECT FROM public.teams AS t WHERE t.slug = v_slug) THEN
            NEW.slug := v_slug;
            RETURN NEW;
        END IF;
    END IF;
    LOOP
        v_digits := left(md5(v_digits), 12);
        NEW.slug := rtrim(left(v_slug, 37), '-') || '-' || v_digits;
        EXIT WHEN NOT EXISTS (SELECT FROM public.teams AS t WHERE t.slug = NEW.slug);
    END LOOP;
    RETURN NEW;
END;
$$;

CREATE TRIGGER _100_make_slug
BEFORE INSERT ON public.teams
FOR EACH ROW EXECUTE FUNCTION framecast.tg_teams__make_slug();

COMMENT ON TRIGGER _100_make_slug ON public.teams IS
'AUTO-SLUG: a slug that fits is made from any name when none is given';

CREATE TRIGGER _100_keep_created_at
BEFORE UPDATE OF created_at ON public.teams
FOR EACH ROW EXECUTE FUNCTION framecast.tg__keep_created_at();

CREATE TRIGGER _300_imm_1__teams_identity_is_fixed
BEFORE UPDATE OF id, slug, created_at ON public.teams
FOR EACH ROW WHEN (
    (old.id, old.slug, old.created_at) IS DISTINCT FROM (new.id, new.slug, new.created_at)
)
EXECUTE FUNCTION framecast.tg__reject(
    'a team''s id, slug and created_at never change', 'rename the team: its slug stays'
);

COMMENT ON TRIGGER _300_imm_1__teams_identity_is_fixed ON public.teams IS
'IMM-1: what a row is about never changes …';

CREATE TRIGGER _500_set_first_updated_at
BEFORE INSERT ON public.teams
FOR EACH ROW EXECUTE FUNCTION framecast.tg__set_first_updated_at();

CREATE TRIGGER _500_set_updated_at
BEFORE UPDATE ON public.teams
FOR EACH ROW EXECUTE FUNCTION framecast.tg__set_updated_at();

COMMENT ON TRIGGER _500_set_updated_at ON public.teams IS
'AUTO-UPDATED: updated_at is set by the database on every update';


------------------------------------------------------------------------------------------------
-- Memberships
------------------------------------------------------------------------------------------------

CREATE FUNCTION framecast.tg_memberships__derive() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    NEW.user_tier := 'creator';
    RETURN NEW;
END;
$$;

CREATE TRIGGER _100_derive
BEFORE INSERT OR UPDATE OF user_tier ON public.memberships
FOR EACH ROW EXECUTE FUNCTION framecast.tg_memberships__derive();

CREATE TRIGGER _100_keep_created_at
BEFORE UPDATE OF created_at ON public.memberships
FOR EACH ROW EXECUTE FUNCTION framecast.tg__keep_created_at();

CREATE TRIGGER _300_imm_1__memberships_subject_is_fixed
BEFORE UPDATE OF id, team_id, user_id, created_at ON public.memberships
FOR EACH ROW WHEN (
    (old.id, old.team_id, old.user_id, old.created_at)
    IS DISTINCT FROM (new.id, new.team_id, new.user_id, new.created_at)
)
EXECUTE FUNCTION framecast.tg__reject(
    'a membership''s id, team, user and created_at never change',
    'delete the membership and make another'
);

COMMENT ON TRIGGER _300_imm_1__memberships_subject_is_fixed ON public.memberships IS
'IMM-1: what a row is about never changes …';

-- Writes the guards of all users and teams that a statement concerns, users first, each by id.
-- A new membership first holds on to the rows of its user and team, as its foreign keys will at
-- commit: whoever deletes a team has the team's row before its guard. A statement trigger, since
-- only one that sees all rows can sort them.
CREATE FUNCTION framecast.tg_memberships__lock_users_and_teams() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_user_ids uuid [];
    v_team_ids uuid [];
BEGIN
    IF TG_OP = 'INSERT' THEN
        SELECT array_agg(n.user_id), array_agg(n.team_id) INTO v_user_ids, v_team_ids
        FROM new_rows AS n;
        PERFORM FROM public.users AS u WHERE u.id = ANY(v_user_ids) ORDER BY u.id FOR KEY SHARE;
        PERFORM FROM public.teams AS t WHERE t.id = ANY(v_team_ids) ORDER BY t.id FOR KEY SHARE;
    ELSIF TG_OP = 'DELETE' THEN
        -- Who is gone, or was never made, needs no guard any more.
        DELETE FROM framecast.user_guards AS g USING old_rows AS o
        WHERE g.user_id = o.user_id
            AND NOT EXISTS (SELECT FROM public.users AS u WHERE u.id = o.user_id);
        DELETE FROM framecast.team_guards AS g USING old_rows AS o
        WHERE g.team_id = o.team_id
            AND NOT EXISTS (SELECT FROM public.teams AS t WHERE t.id = o.team_id);
        SELECT array_agg(u.id) INTO v_user_ids
        FROM public.users AS u WHERE u.id IN (SELECT o.user_id FROM old_rows AS o);
        SELECT array_agg(t.id) INTO v_team_ids
        FROM public.teams AS t WHERE t.id IN (SELECT o.team_id FROM old_rows AS o);
    ELSE
        SELECT array_agg(n.user_id), array_agg(n.team_id) INTO v_user_ids, v_team_ids
        FROM new_rows AS n JOIN old_rows AS o ON o.id = n.id
        WHERE (o.role = 'owner') <> (n.role = 'owner');
    END IF;
    PERFORM framecast.lock_users(v_user_ids);
    PERFORM framecast.lock_teams(v_team_ids);
    RETURN NULL;
END;
$$;

CREATE TRIGGER _200_lock_users_and_teams_of_new
AFTER INSERT ON public.memberships
REFERENCING NEW TABLE AS new_rows
FOR EACH STATEMENT EXECUTE FUNCTION framecast.tg_memberships__lock_users_and_teams();

CREATE TRIGGER _200_lock_users_and_teams_of_changed
AFTER UPDATE ON public.memberships
REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
FOR EACH STATEMENT EXECUTE FUNCTION framecast.tg_memberships__lock_users_and_teams();

CREATE TRIGGER _200_lock_users_and_teams_of_gone
AFTER DELETE ON public.memberships
REFERENCING OLD TABLE AS old_rows
FOR EACH STATEMENT EXECUTE FUNCTION framecast.tg_memberships__lock_users_and_teams();

-- INV-T7 and INV-T8 count rows of a user, which no declaration can. The users' guards have just
-- been written, so nobody else adds a membership of theirs until this transaction ends.
CREATE FUNCTION framecast.tg_memberships__user_owns_at_most_10_teams() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_user_id uuid;
BEGIN
    SELECT m.user_id INTO v_user_id
    FROM public.memberships AS m
    WHERE m.role = 'owner'
        AND m.user_id IN (SELECT n.user_id FROM new_rows AS n WHERE n.role = 'owner')
    GROUP BY m.user_id
    HAVING count(*) > 10
    LIMIT 1;
    IF FOUND THEN
        PERFORM framecast.reject(
            substr(TG_NAME, 6), TG_TABLE_NAME, 'a user owns at most 10 teams',
            format('user %s would own more', v_user_id), 'give up a team, or join as admin'
        );
    END IF;
    RETURN NULL;
END;
$$;

CREATE TRIGGER _300_inv_t7__memberships_user_owns_at_most_10_teams
AFTER INSERT ON public.memberships
REFERENCING NEW TABLE AS new_rows
FOR EACH STATEMENT EXECUTE FUNCTION framecast.tg_memberships__user_owns_at_most_10_teams();

COMMENT ON TRIGGER _300_inv_t7__memberships_user_owns_at_most_10_teams ON public.memberships IS
'INV-T7, CARD-2: a user owns at most 10 teams';

CREATE TRIGGER _300_inv_t7__memberships_promoted_owns_at_most_10_teams
AFTER UPDATE ON public.memberships
REFERENCING NEW TABLE AS new_rows
FOR EACH STATEMENT EXECUTE FUNCTION framecast.tg_memberships__user_owns_at_most_10_teams();

COMMENT ON TRIGGER _300_inv_t7__memberships_promoted_owns_at_most_10_teams ON public.memberships IS
'INV-T7, CARD-2: a user owns at most 10 teams';

CREATE FUNCTION framecast.tg_memberships__user_in_at_most_50_teams() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_user_id uuid;
BEGIN
    SELECT m.user_id INTO v_user_id
    FROM public.memberships AS m
    WHERE m.user_id IN (SELECT n.user_id FROM new_rows AS n)
    GROUP BY m.user_id
    HAVING count(*) > 50
    LIMIT 1;
    IF FOUND THEN
        PERFORM framecast.reject(
            substr(TG_NAME, 6), TG_TABLE_NAME, 'a user belongs to at most 50 teams',
            format('user %s would belong to more', v_user_id), 'leave a team first'
        );
    END IF;
    RETURN NULL;
END;
$$;

CREATE TRIGGER _300_inv_t8__memberships_user_in_at_most_50_teams
AFTER INSERT ON public.memberships
REFERENCING NEW TABLE AS new_rows
FOR EACH STATEMENT EXECUTE FUNCTION framecast.tg_memberships__user_in_at_most_50_teams();

COMMENT ON TRIGGER _300_inv_t8__memberships_user_in_at_most_50_teams ON public.memberships IS
'INV-T8, CARD-3: a user belongs to at most 50 teams';

-- Before the row goes, so that the foreign keys of live keys find nothing left to refuse. The keys
-- of a user who is being deleted go too: of one that this transaction has written, PostgreSQL would
-- ask anew whether its user is there.
CREATE FUNCTION framecast.tg_memberships__revoke_keys() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    UPDATE public.api_keys AS k
    SET revoked_at = now()
    WHERE k.user_id = OLD.user_id
        AND k.revoked_at IS NULL
        AND OLD.team_id IN (k.live_member_team_id, k.live_shared_team_id)
        AND EXISTS (SELECT FROM public.users AS u WHERE u.id = OLD.user_id);
    RETURN OLD;
END;
$$;

CREATE TRIGGER _500_revoke_keys
BEFORE DELETE ON public.memberships
FOR EACH ROW EXECUTE FUNCTION framecast.tg_memberships__revoke_keys();

COMMENT ON TRIGGER _500_revoke_keys ON public.memberships IS
'AUTO-REVOKE: a user''s live keys of a team are revoked when the membership ends';

-- INV-T2, and so INV-T1. At commit, since a team and its first owner are two rows; a trigger, since
-- no declaration asks for a row to exist in the other direction of a foreign key. The guard of the
-- team was written by whoever took an owner away: two last owners cannot leave at once.
CREATE FUNCTION framecast.tg__team_has_an_owner() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_team_id uuid;
BEGIN
    IF TG_TABLE_NAME = 'teams' THEN
        v_team_id := NEW.id;
    ELSE
        v_team_id := OLD.team_id;
    END IF;
    IF NOT EXISTS (SELECT FROM public.teams AS t WHERE t.id = v_team_id) THEN
        RETURN NULL;
    END IF;
    -- Asked at once (SET CONSTRAINTS), this comes before the statement has written the guard.
    PERFORM framecast.lock_teams(ARRAY[v_team_id]);
    IF NOT EXISTS (
        SELECT FROM public.memberships AS m WHERE m.team_id = v_team_id AND m.role = 'owner'
    ) THEN
        PERFORM framecast.reject(
            substr(TG_NAME, 6), TG_TABLE_NAME, 'a team has at least one owner',
            format('team %s would have none', v_team_id),
            'make somebody else an owner in the same transaction, or delete the team'
        );
    END IF;
    RETURN NULL;
END;
$$;

CREATE CONSTRAINT TRIGGER _700_inv_t2__teams_has_an_owner
AFTER INSERT ON public.teams
DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION framecast.tg__team_has_an_owner();

COMMENT ON TRIGGER _700_inv_t2__teams_has_an_owner ON public.teams IS
'INV-T1: a team has at least one member; INV-T2, CARD-1: a team has at least one owner';

CREATE CONSTRAINT TRIGGER _700_inv_t2__memberships_owner_not_demoted
AFTER UPDATE OF role ON public.memberships
DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW WHEN (old.role = 'owner' AND new.role <> 'owner')
EXECUTE FUNCTION framecast.tg__team_has_an_owner();

COMMENT ON TRIGGER _700_inv_t2__memberships_owner_not_demoted ON public.memberships IS
'INV-T1: a team has at least one member; INV-T2, CARD-1: a team has at least one owner';

CREATE CONSTRAINT TRIGGER _700_inv_t2__memberships_owner_not_gone
AFTER DELETE ON public.memberships
DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW WHEN (old.role = 'owner')
EXECUTE FUNCTION framecast.tg__team_has_an_owner();

COMMENT ON TRIGGER _700_inv_t2__memberships_owner_not_gone ON public.memberships IS
'INV-T1: a team has at least one member; INV-T2, CARD-1: a team has at least one owner';

-- INV-U2. At commit, since an upgrade and a first membership are two rows. The guard of the user
-- was written by whoever took a membership away: two last memberships cannot end at once.
CREATE FUNCTION framecast.tg__creator_has_a_team() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_user_id uuid;
BEGIN
    IF TG_TABLE_NAME = 'users' THEN
        IF TG_OP = 'UPDATE' AND OLD.tier = NEW.tier THEN
            RETURN NULL;
        END IF;
        v_user_id := NEW.id;
    ELSE
        v_user_id := OLD.user_id;
    END IF;
    IF NOT EXISTS (
        SELECT FROM public.users AS u WHERE u.id = v_user_id AND u.tier = 'creator'
    ) THEN
        RETURN NULL;
    END IF;
    -- As above.
    PERFORM framecast.lock_users(ARRAY[v_user_id]);
    IF NOT EXISTS (SELECT FROM public.memberships AS m WHERE m.user_id = v_user_id) THEN
        PERFORM framecast.reject(
            substr(TG_NAME, 6), TG_TABLE_NAME, 'a creator belongs to at least one team',
            format('user %s would belong to none', v_user_id),
            'let the user join another team, or delete the user, in the same transaction'
        );
    END IF;
    RETURN NULL;
END;
$$;

CREATE CONSTRAINT TRIGGER _700_inv_u2__users_creator_has_a_team
AFTER INSERT OR UPDATE OF tier ON public.users
DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW WHEN (new.tier = 'creator')
EXECUTE FUNCTION framecast.tg__creator_has_a_team();

COMMENT ON TRIGGER _700_inv_u2__users_creator_has_a_team ON public.users IS
'INV-U2: a creator belongs to at least one team';

CREATE CONSTRAINT TRIGGER _700_inv_u2__memberships_last_one_not_gone
AFTER DELETE ON public.memberships
DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION framecast.tg__creator_has_a_team();

COMMENT ON TRIGGER _700_inv_u2__memberships_last_one_not_gone ON public.memberships IS
'INV-U2: a creator belongs to at least one team';

-- TRUNCATE fires no row triggers. It holds the table alone, so what is left can be looked at.
CREATE FUNCTION framecast.tg_memberships__truncated_with_teams() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF EXISTS (SELECT FROM public.teams) OR framecast.snapshot_is_old() THEN
        PERFORM framecast.reject(
            substr(TG_NAME, 6), TG_TABLE_NAME, 'a team has at least one owner',
            'TRUNCATE of memberships while there may be teams',
            'truncate users and teams together with CASCADE, at read committed'
        );
    END IF;
    RETURN NULL;
END;
$$;

CREATE TRIGGER _300_inv_t2__memberships_truncated_with_teams
AFTER TRUNCATE ON public.memberships
FOR EACH STATEMENT EXECUTE FUNCTION framecast.tg_memberships__truncated_with_teams();

COMMENT ON TRIGGER _300_inv_t2__memberships_truncated_with_teams ON public.memberships IS
'INV-T1: a team has at least one member; INV-T2, CARD-1: a team has at least one owner';

-- Teams may be emptied with memberships; creators would be left. Where the snapshot may be old,
-- INV-T2 refuses anyway.
CREATE FUNCTION framecast.tg_memberships__truncated_with_creators() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF EXISTS (SELECT FROM public.users AS u WHERE u.tier = 'creator') THEN
        PERFORM framecast.reject(
            substr(TG_NAME, 6), TG_TABLE_NAME, 'a creator belongs to at least one team',
            'TRUNCATE of memberships while there may be creators',
            'truncate users and teams together with CASCADE, at read committed'
        );
    END IF;
    RETURN NULL;
END;
$$;

CREATE TRIGGER _300_inv_u2__memberships_truncated_with_creators
AFTER TRUNCATE ON public.memberships
FOR EACH STATEMENT EXECUTE FUNCTION framecast.tg_memberships__truncated_with_creators();

COMMENT ON TRIGGER _300_inv_u2__memberships_truncated_with_creators ON public.memberships IS
'INV-U2: a creator belongs to at least one team';


------------------------------------------------------------------------------------------------
-- Invitations
------------------------------------------------------------------------------------------------

-- Times that are fixed, or final, come back with milliseconds as they do everywhere.
CREATE FUNCTION framecast.tg_invitations__keep_times() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NEW.created_at = date_bin('1 millisecond', OLD.created_at, 'J2451545') THEN
        NEW.created_at := OLD.created_at;
    END IF;
    IF NEW.expires_at = date_bin('1 millisecond', OLD.expires_at, 'J2451545') THEN
        NEW.expires_at := OLD.expires_at;
    END IF;
    IF NEW.accepted_at = date_bin('1 millisecond', OLD.accepted_at, 'J2451545') THEN
        NEW.accepted_at := OLD.accepted_at;
    END IF;
    IF NEW.revoked_at = date_bin('1 millisecond', OLD.revoked_at, 'J2451545') THEN
        NEW.revoked_at := OLD.revoked_at;
    END IF;
    RETURN NEW;
END;
$$;

CREATE TRIGGER _100_keep_times
BEFORE UPDATE OF created_at, expires_at, accepted_at, revoked_at ON public.invitations
FOR EACH ROW EXECUTE FUNCTION framecast.tg_invitations__keep_times();

CREATE TRIGGER _300_imm_1__invitations_subject_is_fixed
BEFORE UPDATE OF id, team_id, email, invited_by, created_at ON public.invitations
FOR EACH ROW WHEN (
    (old.id, old.team_id, old.email, old.invited_by, old.created_at)
    IS DISTINCT FROM (new.id, new.team_id, new.email, new.invited_by, new.created_at)
)
EXECUTE FUNCTION framecast.tg__reject(
    'an invitation''s id, team, email, inviter and created_at never change',
    'revoke the invitation and send another'
);

COMMENT ON TRIGGER _300_imm_1__invitations_subject_is_fixed ON public.invitations IS
'IMM-1: what a row is about never changes …';

CREATE TRIGGER _300_state_invitation__invitations_inserted_open
AFTER INSERT ON public.invitations
FOR EACH ROW WHEN (
    new.accepted_at IS NOT NULL
    OR new.revoked_at IS NOT NULL
    OR new.expires_at <= clock_timestamp()
)
EXECUTE FUNCTION framecast.tg__reject(
    'an invitation is inserted open', 'accept or revoke it afterwards'
);

COMMENT ON TRIGGER _300_state_invitation__invitations_inserted_open ON public.invitations IS
'STATE-INVITATION: an invitation is inserted open. transition: accepted and revoked are final; '
'only an open one is accepted';

CREATE TRIGGER _300_state_invitation__invitations_ends_are_final
BEFORE UPDATE OF accepted_at, revoked_at ON public.invitations
FOR EACH ROW WHEN (
    (old.accepted_at IS NOT NULL AND old.accepted_at IS DISTINCT FROM new.accepted_at)
    OR (old.revoked_at IS NOT NULL AND old.revoked_at IS DISTINCT FROM new.revoked_at)
)
EXECUTE FUNCTION framecast.tg__reject(
    'accepted and revoked are final', 'send another invitation'
);

COMMENT ON TRIGGER _300_state_invitation__invitations_ends_are_final ON public.invitations IS
'STATE-INVITATION: an invitation is inserted open …';

CREATE TRIGGER _300_state_invitation__invitations_only_open_is_accepted
BEFORE UPDATE OF accepted_at ON public.invitations
FOR EACH ROW WHEN (
    old.accepted_at IS NULL
    AND new.accepted_at IS NOT NULL
    AND old.expires_at <= clock_timestamp()
)
EXECUTE FUNCTION framecast.tg__reject(
    'only an open invitation is accepted', 'send another invitation, or extend this one first'
);

COMMENT ON TRIGGER _300_state_invitation__invitations_only_open_is_accepted ON public.invitations IS
'STATE-INVITATION: an invitation is inserted open …';

-- An invitation that is made later than now(), by the client's clock, is open as long as others.
CREATE FUNCTION framecast.tg_invitations__set_expiry() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NEW.created_at > now() AND NEW.expires_at = now() + interval '168 hours' THEN
        NEW.expires_at := NEW.created_at + interval '168 hours';
    END IF;
    RETURN NEW;
END;
$$;

CREATE TRIGGER _500_set_expiry
BEFORE INSERT ON public.invitations
FOR EACH ROW EXECUTE FUNCTION framecast.tg_invitations__set_expiry();

-- Whoever opens an invitation may break INV-I7 against the inviter's email, INV-I8 against a
-- member, and CARD-4 against other invitations of the team. Who writes expires_at back as it was
-- opens none.
CREATE FUNCTION framecast.tg_invitations__lock_inviter_and_team() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.expires_at = NEW.expires_at THEN
        RETURN NULL;
    END IF;
    PERFORM framecast.lock_users(ARRAY[NEW.invited_by]);
    PERFORM framecast.lock_teams(ARRAY[NEW.team_id]);
    RETURN NULL;
END;
$$;

CREATE TRIGGER _200_lock_inviter_and_team
AFTER INSERT OR UPDATE OF expires_at ON public.invitations
FOR EACH ROW EXECUTE FUNCTION framecast.tg_invitations__lock_inviter_and_team();

-- CARD-4. What is open depends on the clock, so no index and no counter can tell. The team's guard
-- has just been written, so nobody else opens an invitation until this transaction ends. The clock
-- is read once, and so the index leaves out what has expired, which a team may have any number of.
CREATE FUNCTION framecast.tg_invitations__team_has_at_most_50_open() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.expires_at = NEW.expires_at THEN
        RETURN NULL;
    END IF;
    IF (
        SELECT count(*) > 50 FROM public.invitations AS i
        WHERE i.team_id = NEW.team_id
            AND i.accepted_at IS NULL
            AND i.revoked_at IS NULL
            AND i.expires_at > (SELECT clock_timestamp())
    ) THEN
        PERFORM framecast.reject(
            substr(TG_NAME, 6), TG_TABLE_NAME, 'a team has at most 50 open invitations',
            format('team %s would have more', NEW.team_id), 'revoke an open invitation first'
        );
    END IF;
    RETURN NULL;
END;
$$;

CREATE TRIGGER _300_card_4__invitations_team_has_at_most_50_open
AFTER INSERT OR UPDATE OF expires_at ON public.invitations
FOR EACH ROW WHEN (new.accepted_at IS NULL AND new.revoked_at IS NULL)
EXECUTE FUNCTION framecast.tg_invitations__team_has_at_most_50_open();

COMMENT ON TRIGGER _300_card_4__invitations_team_has_at_most_50_open ON public.invitations IS
'CARD-4: a team has at most 50 open invitations';

-- INV-I7, from the invitation's side. Emails of inviters and invitations never change together.
CREATE FUNCTION framecast.tg_invitations__not_to_inviter() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF EXISTS (
        SELECT FROM public.users AS u
        WHERE u.id = NEW.invited_by
            AND framecast.email_key(u.email) COLLATE "C" = framecast.email_key(NEW.email)
    ) THEN
        PERFORM framecast.reject(
            substr(TG_NAME, 6), TG_TABLE_NAME, 'nobody invites their own email',
            format('user %s invites %s', NEW.invited_by, NEW.email), 'invite somebody else'
        );
    END IF;
    RETURN NULL;
END;
$$;

CREATE TRIGGER _300_inv_i7__invitations_not_to_inviter
AFTER INSERT ON public.invitations
FOR EACH ROW EXECUTE FUNCTION framecast.tg_invitations__not_to_inviter();

COMMENT ON TRIGGER _300_inv_i7__invitations_not_to_inviter ON public.invitations IS
'INV-I7: nobody invites their own email';

-- ROLE-1: asked when the invitation is written; roles may change later.
CREATE FUNCTION framecast.tg_invitations__inviter_may_invite() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NOT framecast.user_may(NEW.team_id, NEW.invited_by, 'members.invite') THEN
        PERFORM framecast.reject(
            substr(TG_NAME, 6), TG_TABLE_NAME,
            'whoever invites is an owner or admin of the team',
            format('user %s invites to team %s', NEW.invited_by, NEW.team_id),
            'let an owner or admin invite'
        );
    END IF;
    RETURN NULL;
END;
$$;

CREATE TRIGGER _300_role_1__invitations_inviter_may_invite
AFTER INSERT ON public.invitations
FOR EACH ROW EXECUTE FUNCTION framecast.tg_invitations__inviter_may_invite();

COMMENT ON TRIGGER _300_role_1__invitations_inviter_may_invite ON public.invitations IS
'ROLE-1: whoever invites, or makes a webhook, is an owner or admin of that team';

-- INV-I8. At commit, since an invitation is accepted and its guest joins in one transaction. Either
-- row may come first, and an email may change beside them: all three write the team's guard, and
-- all three ask here. The conditions name the one row that was written.
CREATE FUNCTION framecast.tg__no_open_invitation_for_member() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_email text;
    v_user_id uuid;
    v_team_id uuid;
BEGIN
    IF TG_TABLE_NAME = 'users' THEN
        v_user_id := NEW.id;
        SELECT u.email INTO v_email FROM public.users AS u WHERE u.id = NEW.id;
    ELSIF TG_TABLE_NAME = 'memberships' THEN
        v_user_id := NEW.user_id;
        v_team_id := NEW.team_id;
        -- As above: whoever is changing this email does not see the membership, and has the guard.
        PERFORM framecast.lock_users(
            ARRAY(SELECT u.id FROM public.users AS u WHERE u.id = NEW.user_id)
        );
        SELECT u.email INTO v_email FROM public.users AS u WHERE u.id = NEW.user_id;
    ELSIF TG_OP = 'UPDATE' AND OLD.expires_at = NEW.expires_at THEN
        RETURN NULL;
    ELSE
        v_email := NEW.email;
        v_team_id := NEW.team_id;
    END IF;
    IF EXISTS (SELECT FROM public.teams AS t WHERE t.id = v_team_id) THEN
        -- As above.
        PERFORM framecast.lock_teams(ARRAY[v_team_id]);
    END IF;
    SELECT i.team_id INTO v_team_id
    FROM public.users AS u
    JOIN public.memberships AS m ON m.user_id = u.id
    JOIN public.invitations AS i ON i.team_id = m.team_id
    WHERE framecast.email_key(u.email) COLLATE "C" = framecast.email_key(v_email)
        AND framecast.email_key(i.email) COLLATE "C" = framecast.email_key(v_email)
        AND (u.id = v_user_id OR v_user_id IS NULL)
        AND (m.team_id = v_team_id OR v_team_id IS NULL)
        AND i.accepted_at IS NULL
        AND i.revoked_at IS NULL
        AND i.expires_at > (SELECT clock_timestamp())
    LIMIT 1;
    IF FOUND THEN
        PERFORM framecast.reject(
            substr(TG_NAME, 6), TG_TABLE_NAME,
            'there is no open invitation for somebody who is in that team',
            format('%s is in team %s', v_email, v_team_id),
            'accept or revoke the invitation in the same transaction'
        );
    END IF;
    RETURN NULL;
END;
$$;

CREATE CONSTRAINT TRIGGER _700_inv_i8__invitations_none_open_for_member
AFTER INSERT OR UPDATE OF expires_at ON public.invitations
DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW WHEN (new.accepted_at IS NULL AND new.revoked_at IS NULL)
EXECUTE FUNCTION framecast.tg__no_open_invitation_for_member();

COMMENT ON TRIGGER _700_inv_i8__invitations_none_open_for_member ON public.invitations IS
'INV-I8: there is no open invitation for somebody who is in that team';

CREATE CONSTRAINT TRIGGER _700_inv_i8__memberships_without_open_invitation
AFTER INSERT ON public.memberships
DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION framecast.tg__no_open_invitation_for_member();

COMMENT ON TRIGGER _700_inv_i8__memberships_without_open_invitation ON public.memberships IS
'INV-I8: there is no open invitation for somebody who is in that team';

CREATE CONSTRAINT TRIGGER _700_inv_i8__users_email_not_invited_to_own_team
AFTER UPDATE OF email ON public.users
DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW WHEN (framecast.email_key(old.email) <> framecast.email_key(new.email))
EXECUTE FUNCTION framecast.tg__no_open_invitation_for_member();

COMMENT ON TRIGGER _700_inv_i8__users_email_not_invited_to_own_team ON public.users IS
'INV-I8: there is no open invitation for somebody who is in that team';

-- Keys are asked at commit: a user's row may be deleted and inserted again under its memberships,
-- with another email.
CREATE CONSTRAINT TRIGGER _700_inv_i8__users_new_not_invited_to_own_team
AFTER INSERT ON public.users
DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION framecast.tg__no_open_invitation_for_member();

COMMENT ON TRIGGER _700_inv_i8__users_new_not_invited_to_own_team ON public.users IS
'INV-I8: there is no open invitation for somebody who is in that team';


------------------------------------------------------------------------------------------------
-- Keys
------------------------------------------------------------------------------------------------

-- An owner of no form names no team, and is refused afterwards (URN-1).
CREATE FUNCTION framecast.tg_api_keys__derive() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_team_id uuid;
BEGIN
    IF NEW.owner ~ (
        '^framecast:(user|team|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})'
        ':[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
    ) THEN
        v_team_id := framecast.urn_team(NEW.owner);
    END IF;
    NEW.owner_tier := CASE WHEN v_team_id IS NOT NULL THEN 'creator' END;
    NEW.live_member_team_id := CASE
        WHEN NEW.revoked_at IS NULL AND framecast.urn_is_member(NEW.owner) THEN v_team_id
    END;
    NEW.live_shared_team_id := CASE
        WHEN NEW.revoked_at IS NULL AND NOT framecast.urn_is_member(NEW.owner) THEN v_team_id
    END;
    RETURN NEW;
END;
$$;

CREATE TRIGGER _100_derive
BEFORE INSERT OR UPDATE
OF owner, revoked_at, owner_tier, live_member_team_id, live_shared_team_id
ON public.api_keys
FOR EACH ROW EXECUTE FUNCTION framecast.tg_api_keys__derive();

CREATE TRIGGER _100_keep_created_at
BEFORE UPDATE OF created_at ON public.api_keys
FOR EACH ROW EXECUTE FUNCTION framecast.tg__keep_created_at();

-- Scopes that come back as a client has read them are those that were given.
CREATE FUNCTION framecast.tg_api_keys__keep_scopes() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF framecast.reads_alike(OLD.scopes, NEW.scopes) THEN
        NEW.scopes := OLD.scopes;
    END IF;
    RETURN NEW;
END;
$$;

CREATE TRIGGER _100_keep_scopes
BEFORE UPDATE OF scopes ON public.api_keys
FOR EACH ROW EXECUTE FUNCTION framecast.tg_api_keys__keep_scopes();

CREATE TRIGGER _300_imm_1__api_keys_subject_is_fixed
BEFORE UPDATE OF id, user_id, owner, key_hash, scopes, created_at ON public.api_keys
FOR EACH ROW WHEN (
    (old.id, old.user_id, old.owner, old.key_hash, old.scopes, old.created_at)
    IS DISTINCT FROM
    (new.id, new.user_id, new.owner, new.key_hash, new.scopes, new.created_at)
)
EXECUTE FUNCTION framecast.tg__reject(
    'a key''s id, user, owner, hash, scopes and created_at never change',
    'revoke the key and make another'
);

COMMENT ON TRIGGER _300_imm_1__api_keys_subject_is_fixed ON public.api_keys IS
'IMM-1: what a row is about never changes …';

-- Whoever ends a membership revokes the keys that it sees, and above read committed those are the
-- keys of its snapshot. So a key that becomes live writes the membership on which it stands. To
-- hold it, as the foreign keys do, would let the other one go on and find a key that it cannot see.
-- For new keys a statement trigger, which can sort the memberships of all of them. Sequential scans
-- are off, so that no statistics make all memberships be read to find those of a few keys. New keys
-- write the guards of their users too, for whoever erases an account.
CREATE FUNCTION framecast.tg_api_keys__write_memberships() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
BEGIN
    UPDATE public.memberships AS m SET role = m.role
    FROM (
        SELECT h.id FROM public.memberships AS h
        JOIN new_rows AS n ON n.user_id = h.user_id
            AND h.team_id IN (n.live_member_team_id, n.live_shared_team_id)
        ORDER BY h.id
        FOR NO KEY UPDATE OF h
    ) AS held
    WHERE m.id = held.id;
    PERFORM framecast.lock_users(ARRAY(SELECT n.user_id FROM new_rows AS n));
    RETURN NULL;
END;
$$;

CREATE TRIGGER _200_write_memberships
AFTER INSERT ON public.api_keys
REFERENCING NEW TABLE AS new_rows
FOR EACH STATEMENT EXECUTE FUNCTION framecast.tg_api_keys__write_memberships();

-- Projects come first in the order of locks, and hold back whoever made them (INV-P3): who deletes
-- the team has them before its memberships, and would wait for a user who has those and is about to
-- ask for the projects.
-- Keys go with their user, and come before memberships in the order of locks. Whoever leaves a team
-- has the membership before its live keys: nobody may be on that way when the keys are locked. So
-- memberships are held first, in a mode that does not make a key wait that is becoming live. Then
-- they are locked as well, before the guards: what is cascaded to first is not ours to say.
CREATE FUNCTION framecast.tg_users__lock_what_goes_with_it() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM FROM public.projects AS p WHERE p.created_by = OLD.id ORDER BY p.id FOR KEY SHARE;
    PERFORM FROM public.memberships AS m WHERE m.user_id = OLD.id ORDER BY m.id FOR KEY SHARE;
    PERFORM FROM public.api_keys AS k WHERE k.user_id = OLD.id ORDER BY k.id FOR UPDATE;
    PERFORM FROM public.memberships AS m WHERE m.user_id = OLD.id ORDER BY m.id FOR UPDATE;
    RETURN OLD;
END;
$$;

CREATE TRIGGER _200_lock_what_goes_with_it
BEFORE DELETE ON public.users
FOR EACH ROW EXECUTE FUNCTION framecast.tg_users__lock_what_goes_with_it();

CREATE FUNCTION framecast.tg_api_keys__write_membership() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    UPDATE public.memberships AS m SET role = m.role
    WHERE m.user_id = NEW.user_id
        AND m.team_id IN (NEW.live_member_team_id, NEW.live_shared_team_id);
    RETURN NULL;
END;
$$;

CREATE TRIGGER _200_write_membership
AFTER UPDATE OF revoked_at ON public.api_keys
FOR EACH ROW WHEN (
    old.revoked_at IS NOT NULL AND new.revoked_at IS NULL AND new.owner_tier IS NOT NULL
)
EXECUTE FUNCTION framecast.tg_api_keys__write_membership();

-- ROLE-2: asked when the key is made, or made live again; roles may change later.
CREATE FUNCTION framecast.tg_api_keys__maker_may_make_keys() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NOT framecast.user_may(framecast.urn_team(NEW.owner), NEW.user_id, 'keys.make') THEN
        PERFORM framecast.reject(
            substr(TG_NAME, 6), TG_TABLE_NAME,
            'whoever makes a key of a team is an owner, admin or member of it',
            format('user %s makes a key of %s', NEW.user_id, NEW.owner),
            'let somebody with that role make it'
        );
    END IF;
    RETURN NULL;
END;
$$;

CREATE TRIGGER _300_role_2__api_keys_maker_may_make_keys
AFTER INSERT ON public.api_keys
FOR EACH ROW WHEN (new.owner_tier IS NOT NULL)
EXECUTE FUNCTION framecast.tg_api_keys__maker_may_make_keys();

COMMENT ON TRIGGER _300_role_2__api_keys_maker_may_make_keys ON public.api_keys IS
'ROLE-2: whoever makes a project, a job of a team, an asset of a team or a key of a team is an '
'owner, admin or member of it …';

-- A key that becomes live again is made again. Its membership has just been written, so the role
-- is the one that there is.
CREATE TRIGGER _300_role_2__api_keys_maker_may_revive
AFTER UPDATE OF revoked_at ON public.api_keys
FOR EACH ROW WHEN (
    old.revoked_at IS NOT NULL AND new.revoked_at IS NULL AND new.owner_tier IS NOT NULL
)
EXECUTE FUNCTION framecast.tg_api_keys__maker_may_make_keys();

COMMENT ON TRIGGER _300_role_2__api_keys_maker_may_revive ON public.api_keys IS
'ROLE-2: whoever makes a project, a job of a team, an asset of a team or a key of a team is an '
'owner, admin or member of it …';


------------------------------------------------------------------------------------------------
-- Erased accounts (see public.erase_user in the next migration)
------------------------------------------------------------------------------------------------

-- PRIVACY-1, of what an erased account has in other tables. At commit, since an account is erased
-- in several steps, and since a membership may come before its user. All three write the user's
-- guard, and all three ask here. A key into users that has `is_erased` as a part would ask it too;
-- but PostgreSQL computes generated columns anew after every BEFORE trigger, and an UPDATE that may
-- change a part of a key waits for all who refer to the row. Whoever was charged, or renamed, would
-- have waited for every job that is being made in their name.
--
-- An erased creator has to be in a team too (INV-U2): in one whose id begins with a digest of the
-- user's. Nobody can take all ids that do; but who makes a team may choose such an id, so an erased
-- account is alone there. Its membership has the team's id as well, by which whoever joins a team
-- finds it without reading all members.
CREATE FUNCTION framecast.tg__erased_has_no_key_nor_team() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_user_ids uuid [];
    v_team_ids uuid [];
    v_user_id uuid;
BEGIN
    IF TG_TABLE_NAME = 'users' THEN
        v_user_ids := ARRAY[NEW.id];
    ELSIF TG_TABLE_NAME = 'memberships' THEN
        v_user_ids := ARRAY[NEW.user_id];
        v_team_ids := ARRAY[NEW.team_id];
    ELSE
        v_user_ids := ARRAY[NEW.user_id];
    END IF;
    -- As above. Of who is not there yet, nothing is asked before they come. Whoever changes an
    -- email has the teams already, and who is new came into them in this transaction.
    PERFORM framecast.lock_users(
        ARRAY(SELECT u.id FROM public.users AS u WHERE u.id = ANY(v_user_ids))
    );
    PERFORM framecast.lock_teams(
        ARRAY(SELECT t.id FROM public.teams AS t WHERE t.id = ANY(v_team_ids))
    );
    v_user_ids := v_user_ids || ARRAY(
        SELECT m.user_id FROM public.memberships AS m WHERE m.id = ANY(v_team_ids)
    );
    SELECT u.id INTO v_user_id FROM public.users AS u
    WHERE u.id = ANY(v_user_ids) AND u.is_erased AND (
        EXISTS (SELECT FROM public.api_keys AS k WHERE k.user_id = u.id)
        OR EXISTS (
            SELECT FROM public.memberships AS m
            WHERE m.user_id = u.id AND (
                m.id <> m.team_id
                OR substr(uuid_send(m.team_id), 1, 8) <> substr(sha256(uuid_send(u.id)), 1, 8)
                OR EXISTS (
                    SELECT FROM public.memberships AS o
                    WHERE o.team_id = m.team_id AND o.user_id <> u.id
                )
            )
        )
    )
    LIMIT 1;
    IF FOUND THEN
        PERFORM framecast.reject(
            substr(TG_NAME, 6), TG_TABLE_NAME,
            'an erased account has no key, and is in no team but one that stands in, alone',
            format('user %s was erased', v_user_id), 'let the person sign up anew'
        );
    END IF;
    RETURN NULL;
END;
$$;

CREATE CONSTRAINT TRIGGER _700_privacy_1__users_erased_has_no_key_nor_team
AFTER INSERT OR UPDATE OF email ON public.users
DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW WHEN (new.is_erased)
EXECUTE FUNCTION framecast.tg__erased_has_no_key_nor_team();

COMMENT ON TRIGGER _700_privacy_1__users_erased_has_no_key_nor_team ON public.users IS
'PRIVACY-1: an account whose address is its own id at erased.invalid was erased …';

CREATE CONSTRAINT TRIGGER _700_privacy_1__memberships_user_not_erased
AFTER INSERT ON public.memberships
DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION framecast.tg__erased_has_no_key_nor_team();

COMMENT ON TRIGGER _700_privacy_1__memberships_user_not_erased ON public.memberships IS
'PRIVACY-1: an account whose address is its own id at erased.invalid was erased …';

CREATE CONSTRAINT TRIGGER _700_privacy_1__api_keys_user_not_erased
AFTER INSERT ON public.api_keys
DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION framecast.tg__erased_has_no_key_nor_team();

COMMENT ON TRIGGER _700_privacy_1__api_keys_user_not_erased ON public.api_keys IS
'PRIVACY-1: an account whose address is its own id at erased.invalid was erased …';


------------------------------------------------------------------------------------------------
-- Projects (their states follow jobs: see the next migration)
------------------------------------------------------------------------------------------------

CREATE FUNCTION framecast.tg_projects__derive() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    NEW.owner := 'framecast:team:' || NEW.team_id::text;
    RETURN NEW;
END;
$$;

CREATE TRIGGER _100_derive
BEFORE INSERT OR UPDATE OF team_id, owner ON public.projects
FOR EACH ROW EXECUTE FUNCTION framecast.tg_projects__derive();

CREATE TRIGGER _100_keep_created_at
BEFORE UPDATE OF created_at ON public.projects
FOR EACH ROW EXECUTE FUNCTION framecast.tg__keep_created_at();

CREATE TRIGGER _300_imm_1__projects_subject_is_fixed
BEFORE UPDATE OF id, team_id, created_by, created_at ON public.projects
FOR EACH ROW WHEN (
    (old.id, old.team_id, old.created_by, old.created_at)
    IS DISTINCT FROM (new.id, new.team_id, new.created_by, new.created_at)
)
EXECUTE FUNCTION framecast.tg__reject(
    'a project''s id, team, creator and created_at never change', 'make another project'
);

COMMENT ON TRIGGER _300_imm_1__projects_subject_is_fixed ON public.projects IS
'IMM-1: what a row is about never changes …';

-- ROLE-2: asked when the project is written; roles may change later.
CREATE FUNCTION framecast.tg_projects__creator_may_create() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NOT framecast.user_may(NEW.team_id, NEW.created_by, 'projects.create') THEN
        PERFORM framecast.reject(
            substr(TG_NAME, 6), TG_TABLE_NAME,
            'whoever makes a project of a team is an owner, admin or member of it',
            format('user %s makes a project of team %s', NEW.created_by, NEW.team_id),
            'let somebody with that role make it'
        );
    END IF;
    RETURN NULL;
END;
$$;

CREATE TRIGGER _300_role_2__projects_creator_may_create
AFTER INSERT ON public.projects
FOR EACH ROW EXECUTE FUNCTION framecast.tg_projects__creator_may_create();

COMMENT ON TRIGGER _300_role_2__projects_creator_may_create ON public.projects IS
'ROLE-2: whoever makes a project, a job of a team, an asset of a team or a key of a team is an '
'owner, admin or member of it …';

CREATE TRIGGER _500_set_first_updated_at
BEFORE INSERT ON public.projects
FOR EACH ROW EXECUTE FUNCTION framecast.tg__set_first_updated_at();

CREATE TRIGGER _500_set_updated_at
BEFORE UPDATE ON public.projects
FOR EACH ROW EXECUTE FUNCTION framecast.tg__set_updated_at();

COMMENT ON TRIGGER _500_set_updated_at ON public.projects IS
'AUTO-UPDATED: updated_at is set by the database on every update';

-- A spec that is written back as it was is not indexed again.
CREATE FUNCTION framecast.tg_projects__copy_spec() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NEW.spec IS NULL THEN
        DELETE FROM framecast.project_specs AS s WHERE s.project_id = NEW.id;
    ELSE
        INSERT INTO framecast.project_specs AS s (project_id, spec) VALUES (NEW.id, NEW.spec)
        ON CONFLICT (project_id) DO UPDATE SET spec = excluded.spec
        WHERE s.spec <> excluded.spec;
    END IF;
    RETURN NULL;
END;
$$;

CREATE TRIGGER _500_copy_spec
AFTER INSERT OR UPDATE OF spec ON public.projects
FOR EACH ROW EXECUTE FUNCTION framecast.tg_projects__copy_spec();


------------------------------------------------------------------------------------------------
-- Assets
------------------------------------------------------------------------------------------------

CREATE TRIGGER _100_keep_created_at
BEFORE UPDATE OF created_at ON public.asset_files
FOR EACH ROW EXECUTE FUNCTION framecast.tg__keep_created_at();

CREATE TRIGGER _300_imm_1__asset_files_subject_is_fixed
BEFORE UPDATE OF id, owner, uploaded_by, project_id, created_at ON public.asset_files
FOR EACH ROW WHEN (
    (old.id, old.owner, old.uploaded_by, old.project_id, old.created_at)
    IS DISTINCT FROM (new.id, new.owner, new.uploaded_by, new.project_id, new.created_at)
)
EXECUTE FUNCTION framecast.tg__reject(
    'an asset''s id, owner, uploader, project and created_at never change', 'upload another asset'
);

COMMENT ON TRIGGER _300_imm_1__asset_files_subject_is_fixed ON public.asset_files IS
'IMM-1: what a row is about never changes …';

CREATE TRIGGER _300_state_asset__asset_files_inserted_pending
AFTER INSERT ON public.asset_files
FOR EACH ROW WHEN (new.status <> 'pending')
EXECUTE FUNCTION framecast.tg__reject(
    'an asset is inserted pending', 'insert it pending, then say how the upload ended'
);

COMMENT ON TRIGGER _300_state_asset__asset_files_inserted_pending ON public.asset_files IS
'STATE-ASSET: an asset is inserted pending. transition: pending → ready or failed; both are '
'final';

CREATE TRIGGER _300_state_asset__asset_files_ready_and_failed_are_final
BEFORE UPDATE OF status ON public.asset_files
FOR EACH ROW WHEN (old.status <> 'pending' AND old.status <> new.status)
EXECUTE FUNCTION framecast.tg__reject(
    'an asset that is ready or failed stays so', 'upload another asset'
);

COMMENT ON TRIGGER _300_state_asset__asset_files_ready_and_failed_are_final ON public.asset_files IS
'STATE-ASSET: an asset is inserted pending. transition: pending → ready or failed; both are '
'final';

-- INV-X2 and ROLE-2, for URNs that name a team: a user URN is a matter of the row alone (URN-2).
-- One look answers both. Asked when the asset is written; memberships and roles may change later.
CREATE FUNCTION framecast.tg_asset_files__uploader_may_upload() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_team_id uuid := framecast.urn_team(NEW.owner);
BEGIN
    IF framecast.user_may(v_team_id, NEW.uploaded_by, 'assets.upload') THEN
        RETURN NULL;
    END IF;
    IF framecast.user_is_in(v_team_id, NEW.uploaded_by) THEN
        PERFORM framecast.reject(
            'role_2__asset_files_uploader_may_upload', TG_TABLE_NAME,
            'whoever makes an asset of a team is an owner, admin or member of it',
            format('user %s uploads to %s', NEW.uploaded_by, NEW.owner),
            'let somebody with that role upload it'
        );
    END IF;
    PERFORM framecast.reject(
        substr(TG_NAME, 6), TG_TABLE_NAME,
        'whoever uploads an asset is a member of the team that its URN names',
        format('user %s uploads to %s', NEW.uploaded_by, NEW.owner), 'join the team first'
    );
    RETURN NULL;
END;
$$;

-- An insert asks for its team or project before the user who makes it, whichever key it has of
-- each; but the key of an uploader is asked before that of a project. Who erases an account has the
-- projects first.
CREATE FUNCTION framecast.tg_asset_files__lock_project() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM FROM public.projects AS p WHERE p.id = NEW.project_id FOR KEY SHARE;
    RETURN NEW;
END;
$$;

CREATE TRIGGER _200_lock_project
BEFORE INSERT ON public.asset_files
FOR EACH ROW WHEN (new.project_id IS NOT NULL)
EXECUTE FUNCTION framecast.tg_asset_files__lock_project();

CREATE TRIGGER _300_inv_x2__asset_files_uploader_in_team
AFTER INSERT ON public.asset_files
FOR EACH ROW WHEN (framecast.urn_team(new.owner) IS NOT NULL)
EXECUTE FUNCTION framecast.tg_asset_files__uploader_may_upload();

COMMENT ON TRIGGER _300_inv_x2__asset_files_uploader_in_team ON public.asset_files IS
'INV-X2: whoever uploads an asset is its user URN''s user, or a member of the team that the URN '
'names; ROLE-2: whoever makes a project, a job of a team, an asset of a team or a key of a team '
'is an owner, admin or member of it …';

CREATE TRIGGER _500_set_first_updated_at
BEFORE INSERT ON public.asset_files
FOR EACH ROW EXECUTE FUNCTION framecast.tg__set_first_updated_at();

CREATE TRIGGER _500_set_updated_at
BEFORE UPDATE ON public.asset_files
FOR EACH ROW EXECUTE FUNCTION framecast.tg__set_updated_at();

COMMENT ON TRIGGER _500_set_updated_at ON public.asset_files IS
'AUTO-UPDATED: updated_at is set by the database on every update';


------------------------------------------------------------------------------------------------
-- Webhooks and their deliveries
------------------------------------------------------------------------------------------------

CREATE TRIGGER _100_keep_created_at
BEFORE UPDATE OF created_at ON public.webhooks
FOR EACH ROW EXECUTE FUNCTION framecast.tg__keep_created_at();

CREATE TRIGGER _300_imm_1__webhooks_subject_is_fixed
BEFORE UPDATE OF id, team_id, created_at ON public.webhooks
FOR EACH ROW WHEN (
    (old.id, old.team_id, old.created_at) IS DISTINCT FROM (new.id, new.team_id, new.created_at)
)
EXECUTE FUNCTION framecast.tg__reject(
    'a webhook''s id, team and created_at never change', 'make another webhook'
);

COMMENT ON TRIGGER _300_imm_1__webhooks_subject_is_fixed ON public.webhooks IS
'IMM-1: what a row is about never changes …';

-- ROLE-1: asked when the webhook is written, or given to another creator; roles may change later.
CREATE FUNCTION framecast.tg_webhooks__creator_may_manage() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.created_by = NEW.created_by THEN
        RETURN NULL;
    END IF;
    IF NOT framecast.user_may(NEW.team_id, NEW.created_by, 'webhooks.manage') THEN
        PERFORM framecast.reject(
            substr(TG_NAME, 6), TG_TABLE_NAME,
            'whoever makes a webhook is an owner or admin of the team',
            format('user %s makes a webhook of team %s', NEW.created_by, NEW.team_id),
            'let an owner or admin make it'
        );
    END IF;
    RETURN NULL;
END;
$$;

CREATE TRIGGER _300_role_1__webhooks_creator_may_manage
AFTER INSERT OR UPDATE OF created_by ON public.webhooks
FOR EACH ROW EXECUTE FUNCTION framecast.tg_webhooks__creator_may_manage();

COMMENT ON TRIGGER _300_role_1__webhooks_creator_may_manage ON public.webhooks IS
'ROLE-1: whoever invites, or makes a webhook, is an owner or admin of that team';

CREATE TRIGGER _500_set_first_updated_at
BEFORE INSERT ON public.webhooks
FOR EACH ROW EXECUTE FUNCTION framecast.tg__set_first_updated_at();

CREATE TRIGGER _500_set_updated_at
BEFORE UPDATE ON public.webhooks
FOR EACH ROW EXECUTE FUNCTION framecast.tg__set_updated_at();

COMMENT ON TRIGGER _500_set_updated_at ON public.webhooks IS
'AUTO-UPDATED: updated_at is set by the database on every update';

CREATE TRIGGER _100_keep_created_at
BEFORE UPDATE OF created_at ON public.webhook_deliveries
FOR EACH ROW EXECUTE FUNCTION framecast.tg__keep_created_at();

CREATE TRIGGER _300_imm_1__webhook_deliveries_subject_is_fixed
BEFORE UPDATE OF id, webhook_id, created_at ON public.webhook_deliveries
FOR EACH ROW WHEN (
    (old.id, old.webhook_id, old.created_at)
    IS DISTINCT FROM (new.id, new.webhook_id, new.created_at)
)
EXECUTE FUNCTION framecast.tg__reject(
    'a delivery''s id, webhook and created_at never change', 'make another delivery'
);

COMMENT ON TRIGGER _300_imm_1__webhook_deliveries_subject_is_fixed ON public.webhook_deliveries IS
'IMM-1: what a row is about never changes …';

CREATE TRIGGER _300_state_delivery__webhook_deliveries_inserted_pending
AFTER INSERT ON public.webhook_deliveries
FOR EACH ROW WHEN (new.status <> 'pending')
EXECUTE FUNCTION framecast.tg__reject(
    'a delivery is inserted pending', 'insert it pending, then say how it went'
);

COMMENT ON TRIGGER _300_state_delivery__webhook_deliveries_inserted_pending
ON public.webhook_deliveries IS
'STATE-DELIVERY: a delivery is inserted pending. transition: pending or retrying → delivered, '
'retrying or failed; failed → pending (asked for again by hand, with attempts back at 0); '
'delivered is final';

CREATE TRIGGER _300_state_delivery__webhook_deliveries_status_moves_on
BEFORE UPDATE OF status ON public.webhook_deliveries
FOR EACH ROW WHEN (
    old.status <> new.status
    AND (old.status, new.status) NOT IN (
        ('pending', 'delivered'), ('pending', 'retrying'), ('pending', 'failed'),
        ('retrying', 'delivered'), ('retrying', 'failed'),
        ('failed', 'pending')
    )
)
EXECUTE FUNCTION framecast.tg__reject(
    'a delivery is tried until it is delivered or failed; a failed one may be asked for again',
    'a failed delivery goes back to pending; a delivered one is final'
);

COMMENT ON TRIGGER _300_state_delivery__webhook_deliveries_status_moves_on
ON public.webhook_deliveries IS
'STATE-DELIVERY: a delivery is inserted pending …';

CREATE TRIGGER _300_state_delivery__webhook_deliveries_asked_again_from_zero
BEFORE UPDATE OF status ON public.webhook_deliveries
FOR EACH ROW WHEN (old.status = 'failed' AND new.status = 'pending' AND new.attempts <> 0)
EXECUTE FUNCTION framecast.tg__reject(
    'a delivery that is asked for again begins with no attempts', 'set attempts to 0'
);

COMMENT ON TRIGGER _300_state_delivery__webhook_deliveries_asked_again_from_zero
ON public.webhook_deliveries IS
'STATE-DELIVERY: a delivery is inserted pending …';


------------------------------------------------------------------------------------------------
-- Usage and system assets
------------------------------------------------------------------------------------------------

CREATE TRIGGER _300_imm_1__usage_subject_is_fixed
BEFORE UPDATE OF id, owner, period ON public.usage
FOR EACH ROW WHEN ((old.id, old.owner, old.period) IS DISTINCT FROM (new.id, new.owner, new.period))
EXECUTE FUNCTION framecast.tg__reject(
    'a usage row''s id, owner and period never change', 'make a row for that owner and period'
);

COMMENT ON TRIGGER _300_imm_1__usage_subject_is_fixed ON public.usage IS
'IMM-1: what a row is about never changes …';

-- There is no created_at that could be later.
CREATE FUNCTION framecast.tg_usage__set_first_updated_at() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NEW.updated_at > now() THEN
        NEW.updated_at := now();
    END IF;
    RETURN NEW;
END;
$$;

CREATE TRIGGER _500_set_first_updated_at
BEFORE INSERT ON public.usage
FOR EACH ROW EXECUTE FUNCTION framecast.tg_usage__set_first_updated_at();

CREATE TRIGGER _500_set_updated_at
BEFORE UPDATE ON public.usage
FOR EACH ROW EXECUTE FUNCTION framecast.tg__set_updated_at();

COMMENT ON TRIGGER _500_set_updated_at ON public.usage IS
'AUTO-UPDATED: updated_at is set by the database on every update';

CREATE TRIGGER _100_keep_created_at
BEFORE UPDATE OF created_at ON public.system_assets
FOR EACH ROW EXECUTE FUNCTION framecast.tg__keep_created_at();

CREATE TRIGGER _300_imm_1__system_assets_identity_is_fixed
BEFORE UPDATE OF id, created_at ON public.system_assets
FOR EACH ROW WHEN ((old.id, old.created_at) IS DISTINCT FROM (new.id, new.created_at))
EXECUTE FUNCTION framecast.tg__reject(
    'a system asset''s id and created_at never change', 'make another system asset'
);

COMMENT ON TRIGGER _300_imm_1__system_assets_identity_is_fixed ON public.system_assets IS
'IMM-1: what a row is about never changes …';


------------------------------------------------------------------------------------------------
-- Indexes that enforce nothing. Unique constraints above serve what begins with their columns.
------------------------------------------------------------------------------------------------

-- What framecast.email_key comes to, in words that clients can use as well.
CREATE INDEX users_email_key_idx ON public.users (lower(email COLLATE "C"));
CREATE INDEX ON public.users (email);

CREATE INDEX ON public.teams USING gin (settings);

CREATE INDEX ON public.memberships (user_id, user_tier);
CREATE INDEX memberships_owners_idx ON public.memberships (team_id) WHERE role = 'owner';

CREATE INDEX ON public.invitations (team_id);
CREATE INDEX ON public.invitations (invited_by);
CREATE INDEX invitations_email_key_idx ON public.invitations (lower(email COLLATE "C"));
CREATE INDEX ON public.invitations (email);
CREATE INDEX invitations_unanswered_idx
ON public.invitations (team_id, expires_at) WHERE accepted_at IS NULL AND revoked_at IS NULL;

CREATE INDEX ON public.api_keys (user_id, owner_tier);
CREATE INDEX ON public.api_keys (owner);
CREATE INDEX ON public.api_keys USING gin (scopes);
CREATE INDEX api_keys_live_idx ON public.api_keys (user_id) WHERE revoked_at IS NULL;
CREATE INDEX api_keys_live_member_idx
ON public.api_keys (live_member_team_id, user_id) WHERE live_member_team_id IS NOT NULL;
CREATE INDEX api_keys_live_shared_idx
ON public.api_keys (live_shared_team_id, user_id) WHERE live_shared_team_id IS NOT NULL;

CREATE INDEX ON public.projects (team_id, updated_at DESC);
CREATE INDEX ON public.projects (created_by);
CREATE INDEX ON public.projects (status);
CREATE INDEX ON framecast.project_specs USING gin (spec);

CREATE INDEX ON public.jobs (owner, created_at DESC);
CREATE INDEX ON public.jobs (project_id, owner);
-- Also what a worker claims: the oldest that is queued.
CREATE INDEX ON public.jobs (status, created_at);
CREATE INDEX ON public.jobs (created_at DESC);
CREATE INDEX jobs_active_of_team_idx
ON public.jobs (framecast.urn_team(owner)) WHERE status < 'completed';
CREATE INDEX jobs_active_of_user_idx
ON public.jobs (triggered_by) WHERE status < 'completed';

CREATE INDEX ON public.job_events (created_at);

CREATE INDEX ON public.asset_files (owner);
CREATE INDEX ON public.asset_files (uploaded_by);
CREATE INDEX ON public.asset_files (project_id, owner);
CREATE INDEX ON public.asset_files (status);
CREATE INDEX ON public.asset_files USING gin (metadata);

CREATE INDEX ON public.webhooks (team_id);
CREATE INDEX ON public.webhooks (created_by);
CREATE INDEX ON public.webhooks USING gin (events);

CREATE INDEX ON public.webhook_deliveries (webhook_id);
CREATE INDEX ON public.webhook_deliveries (job_id);
CREATE INDEX ON public.webhook_deliveries (created_at);
CREATE INDEX ON public.webhook_deliveries (status);
CREATE INDEX webhook_deliveries_waiting_idx
ON public.webhook_deliveries (status, next_retry_at) WHERE status IN ('pending', 'retrying');

CREATE INDEX ON public.usage (period);

CREATE INDEX ON public.system_assets (category);
CREATE INDEX ON public.system_assets USING gin (tags);
