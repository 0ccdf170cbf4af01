-- Framecast: the application's role. It may do what the product does, and nothing else.
--
-- `framecast_app` is a group without a login. The role that the application connects as is made a
-- member of it:
--
--   CREATE ROLE my_app LOGIN IN ROLE framecast_app;
--
-- A role belongs to the whole cluster, its rights to this database: a second database of the same
-- cluster finds the role there, and grants it the same. The two files before this one are complete
-- without it, and hold every rule against their owner too.
--
-- Conventions and the order of locks stand at the head of 001_initial_schema.sql.


------------------------------------------------------------------------------------------------
-- The role
------------------------------------------------------------------------------------------------

-- Two databases may be migrated at once: whoever comes second takes the role that the first made.
-- A role that could do more by itself, or by being somebody else, is no such role.
DO $$
DECLARE
    v_role pg_catalog.pg_roles;
BEGIN
    SELECT * INTO v_role FROM pg_catalog.pg_roles AS r WHERE r.rolname = 'framecast_app';
    IF NOT FOUND THEN
        BEGIN
            CREATE ROLE framecast_app NOLOGIN;
        EXCEPTION
            WHEN duplicate_object OR unique_violation THEN
                NULL;
            WHEN insufficient_privilege THEN
                RAISE EXCEPTION USING
                    ERRCODE = 'insufficient_privilege',
                    MESSAGE = format(
                        'role framecast_app is missing, and %I may not create roles', current_user
                    ),
                    HINT = 'let a role with CREATEROLE run CREATE ROLE framecast_app NOLOGIN, '
                    'then run this file again';
        END;
    ELSIF v_role.rolsuper OR v_role.rolcreaterole OR v_role.rolcreatedb
        OR v_role.rolreplication OR v_role.rolbypassrls
        OR v_role.rolname = current_user
        OR EXISTS (SELECT FROM pg_catalog.pg_auth_members AS m WHERE m.member = v_role.oid)
    THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_role_specification',
            MESSAGE = 'role framecast_app may do more than an application should',
            HINT = 'run ALTER ROLE framecast_app NOSUPERUSER NOCREATEROLE NOCREATEDB '
            'NOREPLICATION NOBYPASSRLS, revoke from it the roles that it is a member of, '
            'and migrate as another role';
    END IF;
END;
$$;


------------------------------------------------------------------------------------------------
-- What nobody has by default
------------------------------------------------------------------------------------------------

-- The functions of the two files, by name: what an extension put into `public` is not ours.
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA framecast FROM public;
REVOKE ALL ON FUNCTION public.role_has_permission(public.membership_role, text) FROM public;
REVOKE ALL ON FUNCTION public.api_key_is_valid(uuid, timestamptz) FROM public;
REVOKE ALL ON FUNCTION public.delete_old_job_events(integer) FROM public;
REVOKE ALL ON FUNCTION public.delete_old_webhook_deliveries(integer) FROM public;
REVOKE ALL ON FUNCTION public.erase_user(uuid) FROM public;

-- Default privileges of whoever migrates may have given the tables away when they were made.
REVOKE ALL ON SCHEMA framecast FROM public;
REVOKE ALL ON ALL TABLES IN SCHEMA framecast FROM public;
REVOKE ALL ON
public.users, public.teams, public.memberships, public.invitations, public.api_keys,
public.projects, public.jobs, public.job_events, public.asset_files, public.webhooks,
public.webhook_deliveries, public.usage, public.system_assets, public.role_permissions,
public.searchable_projects
FROM public;

-- Whoever may read all tables may ask what is worked out from them: an audit does.
GRANT EXECUTE ON FUNCTION public.role_has_permission(public.membership_role, text)
TO pg_read_all_data;
GRANT EXECUTE ON FUNCTION public.api_key_is_valid(uuid, timestamptz) TO pg_read_all_data;

-- Nobody makes objects, not even temporary ones, unless the owner lets them. Databases that are
-- older than PostgreSQL 15 let everybody create in `public`. What belongs to somebody else can only
-- be warned of.
DO $$
BEGIN
    IF EXISTS (
        SELECT FROM pg_catalog.pg_namespace AS n
        CROSS JOIN LATERAL aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) AS a
        WHERE n.nspname = 'public' AND a.grantee = 0 AND a.privilege_type = 'CREATE'
    ) THEN
        IF pg_has_role(
            (SELECT n.nspowner FROM pg_catalog.pg_namespace AS n WHERE n.nspname = 'public'),
            'USAGE'
        ) THEN
            REVOKE CREATE ON SCHEMA public FROM public;
        ELSE
            RAISE WARNING 'everybody may create objects in schema public'
                USING HINT = 'let its owner run REVOKE CREATE ON SCHEMA public FROM PUBLIC';
        END IF;
    END IF;
    IF pg_has_role(
        (SELECT d.datdba FROM pg_catalog.pg_database AS d WHERE d.datname = current_database()),
        'USAGE'
    ) THEN
        EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database());
    ELSE
        RAISE WARNING 'everybody may make temporary tables'
            USING HINT = format(
                'let the owner of the database run REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC',
                current_database()
            );
    END IF;
END;
$$;


------------------------------------------------------------------------------------------------
-- What runs with the owner's rights
------------------------------------------------------------------------------------------------

-- Triggers keep books that no client may touch, and judge by rows that a client need not see. So
-- they run as their owner; each pins its search_path, and nobody but the owner can call them.
DO $$
DECLARE
    v_function regprocedure;
BEGIN
    FOR v_function IN
        SELECT p.oid FROM pg_catalog.pg_proc AS p
        WHERE p.pronamespace = 'framecast'::regnamespace AND p.prorettype = 'trigger'::regtype
        ORDER BY p.proname
    LOOP
        EXECUTE format('ALTER FUNCTION %s SECURITY DEFINER', v_function);
    END LOOP;
END;
$$;

-- Cleaning up is all the deleting of events and deliveries that the product does. With the owner's
-- rights, so that whoever may clean up what is old may not delete what is new.
ALTER FUNCTION public.delete_old_job_events(integer) SECURITY DEFINER;
ALTER FUNCTION public.delete_old_webhook_deliveries(integer) SECURITY DEFINER;

-- Likewise: keys are deleted with their account, and by nobody one by one.
ALTER FUNCTION public.erase_user(uuid) SECURITY DEFINER;


------------------------------------------------------------------------------------------------
-- What the application has from before
------------------------------------------------------------------------------------------------

-- The role may be older than the schema, and default privileges may have given it every table when
-- that was made, or would give it every later one. It begins with nothing. What is not ours to take
-- back, or was given by somebody else with a grant option, can only be warned of.
DO $$
DECLARE
    c_held CONSTANT text := $query$
        SELECT
            format(
                'REVOKE ALL ON %1$s %2$s FROM framecast_app CASCADE', o.kind, o.called
            ) AS remedy,
            pg_has_role(o.owner, 'USAGE') AS is_ours
        FROM (
            SELECT
                CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END AS kind,
                c.oid::regclass::text AS called,
                c.relowner AS owner,
                c.relnamespace AS space,
                nullif(
                    coalesce(c.relacl, '{}') || ARRAY(
                        SELECT unnest(a.attacl) FROM pg_catalog.pg_attribute AS a
                        WHERE a.attrelid = c.oid AND NOT a.attisdropped
                    ),
                    '{}'
                ) AS acl
            FROM pg_catalog.pg_class AS c WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
            UNION ALL
            SELECT 'ROUTINE', p.oid::regprocedure::text, p.proowner, p.pronamespace, p.proacl
            FROM pg_catalog.pg_proc AS p
            UNION ALL
            SELECT 'SCHEMA', quote_ident(n.nspname), n.nspowner, n.oid, n.nspacl
            FROM pg_catalog.pg_namespace AS n
            UNION ALL
            SELECT 'DATABASE', quote_ident(d.datname), d.datdba, 'public'::regnamespace, d.datacl
            FROM pg_catalog.pg_database AS d WHERE d.datname = current_database()
        ) AS o
        WHERE o.space IN ('public'::regnamespace, 'framecast'::regnamespace)
            AND EXISTS (
                SELECT FROM aclexplode(o.acl) AS a WHERE a.grantee = 'framecast_app'::regrole
            )
        UNION ALL
        SELECT
            concat_ws(
                ' ', 'ALTER DEFAULT PRIVILEGES FOR ROLE', quote_ident(r.rolname),
                'IN SCHEMA ' || quote_ident(n.nspname), 'REVOKE ALL ON',
                CASE d.defaclobjtype
                    WHEN 'r' THEN 'TABLES' WHEN 'S' THEN 'SEQUENCES' WHEN 'f' THEN 'ROUTINES'
                    WHEN 'T' THEN 'TYPES' WHEN 'n' THEN 'SCHEMAS' ELSE 'LARGE OBJECTS'
                END,
                'FROM framecast_app'
            ),
            pg_has_role(r.oid, 'USAGE')
        FROM pg_catalog.pg_default_acl AS d
        INNER JOIN pg_catalog.pg_roles AS r ON r.oid = d.defaclrole
        LEFT JOIN pg_catalog.pg_namespace AS n ON n.oid = d.defaclnamespace
        WHERE EXISTS (
            SELECT FROM aclexplode(d.defaclacl) AS a WHERE a.grantee = 'framecast_app'::regrole
        )
    $query$;
    v_held record;
BEGIN
    FOR v_held IN EXECUTE c_held LOOP
        IF v_held.is_ours THEN
            EXECUTE v_held.remedy;
        END IF;
    END LOOP;
    FOR v_held IN EXECUTE c_held LOOP
        RAISE WARNING 'framecast_app keeps a right that an application should not have'
            USING HINT = format('let whoever gave it run %s', v_held.remedy);
    END LOOP;
END;
$$;


------------------------------------------------------------------------------------------------
-- What the application may do
------------------------------------------------------------------------------------------------

-- Read everything, its own matrix of permissions included; but not the schema's books.
GRANT USAGE ON SCHEMA public TO framecast_app;
GRANT SELECT ON
public.users, public.teams, public.memberships, public.invitations, public.api_keys,
public.projects, public.jobs, public.job_events, public.asset_files, public.webhooks,
public.webhook_deliveries, public.usage, public.system_assets, public.role_permissions,
public.searchable_projects
TO framecast_app;

-- Insert and update every column: libraries write whole rows, with what they have read. What a row
-- is about may be named, and is as it was (IMM-1). An event's number, updated_at, and what is
-- derived from other columns may be given, and are not heeded.
GRANT INSERT (
    id, email, name, avatar_url, tier, credits, ephemeral_storage_bytes, upgraded_at, created_at,
    updated_at, is_erased
), UPDATE (
    id, email, name, avatar_url, tier, credits, ephemeral_storage_bytes, upgraded_at, created_at,
    updated_at, is_erased
) ON public.users TO framecast_app;
GRANT INSERT (
    id, name, slug, credits, ephemeral_storage_bytes, settings, created_at, updated_at
), UPDATE (
    id, name, slug, credits, ephemeral_storage_bytes, settings, created_at, updated_at
) ON public.teams TO framecast_app;
GRANT INSERT (
    id, team_id, user_id, role, created_at, user_tier
), UPDATE (
    id, team_id, user_id, role, created_at, user_tier
) ON public.memberships TO framecast_app;
GRANT INSERT (
    id, team_id, invited_by, email, role, token, expires_at, accepted_at, revoked_at, created_at
), UPDATE (
    id, team_id, invited_by, email, role, token, expires_at, accepted_at, revoked_at, created_at
) ON public.invitations TO framecast_app;
GRANT INSERT (
    id, user_id, owner, name, key_prefix, key_hash, scopes, last_used_at, expires_at, revoked_at,
    created_at, owner_tier, live_member_team_id, live_shared_team_id
), UPDATE (
    id, user_id, owner, name, key_prefix, key_hash, scopes, last_used_at, expires_at, revoked_at,
    created_at, owner_tier, live_member_team_id, live_shared_team_id
) ON public.api_keys TO framecast_app;
GRANT INSERT (
    id, team_id, created_by, name, status, spec, created_at, updated_at, owner
), UPDATE (
    id, team_id, created_by, name, status, spec, created_at, updated_at, owner
) ON public.projects TO framecast_app;
GRANT INSERT (
    id, owner, triggered_by, project_id, status, spec_snapshot, options, progress, output,
    output_size_bytes, error, credits_charged, failure_type, credits_refunded, idempotency_key,
    started_at, completed_at, created_at, updated_at
), UPDATE (
    id, owner, triggered_by, project_id, status, spec_snapshot, options, progress, output,
    output_size_bytes, error, credits_charged, failure_type, credits_refunded, idempotency_key,
    started_at, completed_at, created_at, updated_at
) ON public.jobs TO framecast_app;
GRANT INSERT (
    id, job_id, sequence, event_type, payload, created_at
), UPDATE (
    id, job_id, sequence, event_type, payload, created_at
) ON public.job_events TO framecast_app;
GRANT INSERT (
    id, owner, uploaded_by, project_id, filename, s3_key, content_type, size_bytes, status,
    metadata, created_at, updated_at
), UPDATE (
    id, owner, uploaded_by, project_id, filename, s3_key, content_type, size_bytes, status,
    metadata, created_at, updated_at
) ON public.asset_files TO framecast_app;
GRANT INSERT (
    id, team_id, created_by, url, events, secret, is_active, last_triggered_at, created_at,
    updated_at
), UPDATE (
    id, team_id, created_by, url, events, secret, is_active, last_triggered_at, created_at,
    updated_at
) ON public.webhooks TO framecast_app;
GRANT INSERT (
    id, webhook_id, job_id, event_type, status, payload, response_status, response_body, attempts,
    max_attempts, next_retry_at, delivered_at, created_at
), UPDATE (
    id, webhook_id, job_id, event_type, status, payload, response_status, response_body, attempts,
    max_attempts, next_retry_at, delivered_at, created_at
) ON public.webhook_deliveries TO framecast_app;
GRANT INSERT (
    id, owner, period, renders_count, render_seconds, credits_used, credits_refunded, api_calls,
    updated_at
), UPDATE (
    id, owner, period, renders_count, render_seconds, credits_used, credits_refunded, api_calls,
    updated_at
) ON public.usage TO framecast_app;

-- Delete what people delete. Keys are revoked, usage is what bills are made from, events and
-- deliveries are cleaned up, and system assets and permissions come with a migration.
GRANT DELETE ON
public.users, public.teams, public.memberships, public.invitations, public.projects, public.jobs,
public.asset_files, public.webhooks
TO framecast_app;

-- Call what clients call.
GRANT EXECUTE ON FUNCTION public.role_has_permission(public.membership_role, text)
TO framecast_app;
GRANT EXECUTE ON FUNCTION public.api_key_is_valid(uuid, timestamptz) TO framecast_app;
GRANT EXECUTE ON FUNCTION public.delete_old_job_events(integer) TO framecast_app;
GRANT EXECUTE ON FUNCTION public.delete_old_webhook_deliveries(integer) TO framecast_app;
GRANT EXECUTE ON FUNCTION public.erase_user(uuid) TO framecast_app;

-- Checks, indexes and the conditions of triggers call these three with the rights of whoever
-- writes. They compute from their arguments alone, and without USAGE on their schema nobody can
-- name them.
GRANT EXECUTE ON FUNCTION framecast.urn_team(text) TO framecast_app;
GRANT EXECUTE ON FUNCTION framecast.urn_is_member(text) TO framecast_app;
GRANT EXECUTE ON FUNCTION framecast.email_key(text) TO framecast_app;
