-- Framecast: states of a job. Who may make one, how many, how it and its project move on, how its
-- events are numbered, what cannot be deleted, and what is cleaned up.
--
-- Conventions and the order of locks stand at the head of 001_initial_schema.sql.


------------------------------------------------------------------------------------------------
-- Who makes a job, and how many are active
------------------------------------------------------------------------------------------------

-- One active job a project needs no trigger. The second column, which is always true, is for
-- libraries that read the columns of unique indexes and not their conditions: to them, a project
-- would have one job. The table is as new as the index.
-- squawk-ignore require-concurrent-index-creation
CREATE UNIQUE INDEX inv_j12__jobs_one_active_per_project
ON public.jobs (project_id, (status < 'completed')) WHERE status < 'completed';

COMMENT ON INDEX public.inv_j12__jobs_one_active_per_project IS
'INV-J12: a project has at most one active job';

-- What a new job must meet, each rule under its own name: STATE-JOB, URN-2, INV-X1 and ROLE-2
-- (asked when the job is written; memberships and roles may change later), and CARD-5, which counts
-- rows, as no declaration can. One trigger: each further trigger or query costs a new job as much
-- as one or two of its indexes, so one query asks for the membership and counts the jobs.
--
-- Only an insert adds an active job, since owners are fixed and finished jobs stay so. The team's
-- guard is written in a statement before, so two sessions that both see four cannot both add a
-- fifth, and who waited for the end of a membership does not see it any more. The team must be
-- there: a membership may come before its team, and its guard go again with it. After the insert,
-- so that a row that ON CONFLICT drops is not counted. Sequential scans are off, so that no
-- statistics make all jobs be read to find the active ones of a team.
CREATE FUNCTION framecast.tg_jobs__may_be_made() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
DECLARE
    v_team_id uuid := framecast.urn_team(NEW.owner);
    v_may_create boolean;
    v_is_full boolean;
BEGIN
    IF NEW.status <> 'queued' THEN
        PERFORM framecast.reject(
            'state_job__jobs_inserted_queued', TG_TABLE_NAME, 'a job is inserted queued',
            format('job %s would be %s', NEW.id, NEW.status),
            'insert it queued, then say how it went'
        );
    END IF;
    IF v_team_id IS NULL THEN
        IF NEW.owner <> 'framecast:user:' || NEW.triggered_by::text THEN
            PERFORM framecast.reject(
                'urn_2__jobs_user_urn_names_who_triggers', TG_TABLE_NAME,
                'a user URN names the user who acts',
                format('user %s triggers a job of %s', NEW.triggered_by, NEW.owner),
                'let that user trigger it'
            );
        END IF;
        RETURN NULL;
    END IF;
    -- As lock_teams does.
    INSERT INTO framecast.team_guards AS g (team_id) VALUES (v_team_id)
    ON CONFLICT (team_id) DO UPDATE
    SET written_in = excluded.written_in, server_start = excluded.server_start
    WHERE (g.written_in, g.server_start) <> (excluded.written_in, excluded.server_start);
    SELECT
        EXISTS (
            SELECT FROM public.memberships AS m
            JOIN public.teams AS t ON t.id = m.team_id
            JOIN public.role_permissions AS rp ON rp.role = m.role AND rp.permission = 'jobs.create'
            WHERE m.team_id = v_team_id AND m.user_id = NEW.triggered_by
        ),
        EXISTS (
            SELECT FROM public.jobs AS j
            WHERE framecast.urn_team(j.owner) = v_team_id AND j.status < 'completed'
            OFFSET 5
        )
    INTO v_may_create, v_is_full;
    IF NOT v_may_create THEN
        IF NOT framecast.user_is_in(v_team_id, NEW.triggered_by) THEN
            PERFORM framecast.reject(
                'inv_x1__jobs_trigger_in_team', TG_TABLE_NAME,
                'whoever triggers a job is a member of the team that its URN names',
                format('user %s triggers a job of %s', NEW.triggered_by, NEW.owner),
                'join the team first'
            );
        ELSE
            PERFORM framecast.reject(
                'role_2__jobs_trigger_may_create', TG_TABLE_NAME,
                'whoever makes a job of a team is an owner, admin or member of it',
                format('user %s triggers a job of %s', NEW.triggered_by, NEW.owner),
                'let somebody with that role trigger it'
            );
        END IF;
    END IF;
    IF v_is_full THEN
        PERFORM framecast.reject(
            'card_5__jobs_team_has_at_most_5_active', TG_TABLE_NAME,
            'a team has at most 5 active jobs', format('team %s would have more', v_team_id),
            'wait for a job to finish, or cancel one'
        );
    END IF;
    RETURN NULL;
END;
$$;

CREATE TRIGGER _300_card_5__jobs_team_has_at_most_5_active
AFTER INSERT ON public.jobs
FOR EACH ROW EXECUTE FUNCTION framecast.tg_jobs__may_be_made();

COMMENT ON TRIGGER _300_card_5__jobs_team_has_at_most_5_active ON public.jobs IS
'CARD-5: a team has at most 5 active jobs; INV-X1: whoever triggers a job is its user URN''s '
'user, or a member of the team that the URN names; ROLE-2: whoever makes a project, a job of a '
'team, an asset of a team or a key of a team is an owner, admin or member of it …; STATE-JOB: a '
'job is inserted queued. transition: queued → processing or canceled; processing → completed, '
'failed or canceled; a finished job stays as it is, save that its refund may grow and that its '
'project may go; URN-2: a user URN on a job, asset or key names the user who acts';

-- CARD-6, likewise with the user's guard. Starters are in no team, so only users' own jobs count;
-- a creator never becomes a starter, so a tier that changes meanwhile only lifts the limit.
CREATE FUNCTION framecast.tg_jobs__starter_has_at_most_1_active() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM public.users AS u WHERE u.id = NEW.triggered_by AND u.tier = 'starter'
    ) THEN
        RETURN NULL;
    END IF;
    PERFORM framecast.lock_users(ARRAY[NEW.triggered_by]);
    IF (
        SELECT count(*) > 1 FROM public.jobs AS j
        WHERE j.triggered_by = NEW.triggered_by AND j.status < 'completed'
    ) THEN
        PERFORM framecast.reject(
            substr(TG_NAME, 6), TG_TABLE_NAME, 'a starter has at most 1 active job',
            format('user %s would have more', NEW.triggered_by),
            'wait for the job to finish, or cancel it'
        );
    END IF;
    RETURN NULL;
END;
$$;

CREATE TRIGGER _300_card_6__jobs_starter_has_at_most_1_active
AFTER INSERT ON public.jobs
FOR EACH ROW WHEN (new.owner LIKE 'framecast:user:%')
EXECUTE FUNCTION framecast.tg_jobs__starter_has_at_most_1_active();

COMMENT ON TRIGGER _300_card_6__jobs_starter_has_at_most_1_active ON public.jobs IS
'CARD-6: a starter has at most 1 active job';

-- Within one transaction a starter may join a team, trigger its jobs, and leave again: that members
-- are creators is asked at commit, of the memberships that are left. So this is asked at commit, of
-- those that are gone; the end of a membership has written the user's guard.
CREATE FUNCTION framecast.tg_memberships__leaves_starter_1_active() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF EXISTS (SELECT FROM public.users AS u WHERE u.id = OLD.user_id AND u.tier = 'starter')
        AND (
            SELECT count(*) > 1 FROM public.jobs AS j
            WHERE j.triggered_by = OLD.user_id AND j.status < 'completed'
        )
    THEN
        PERFORM framecast.reject(
            substr(TG_NAME, 6), TG_TABLE_NAME, 'a starter has at most 1 active job',
            format('user %s would have more', OLD.user_id),
            'wait for the jobs to finish, or upgrade the user'
        );
    END IF;
    RETURN NULL;
END;
$$;

CREATE CONSTRAINT TRIGGER _700_card_6__memberships_leaves_starter_1_active
AFTER DELETE ON public.memberships
DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION framecast.tg_memberships__leaves_starter_1_active();

COMMENT ON TRIGGER _700_card_6__memberships_leaves_starter_1_active ON public.memberships IS
'CARD-6: a starter has at most 1 active job';


------------------------------------------------------------------------------------------------
-- How a job moves on
------------------------------------------------------------------------------------------------

-- A spec that comes back as a client has read it is the one that was given.
CREATE FUNCTION framecast.tg_jobs__keep_spec_snapshot() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF framecast.reads_alike(OLD.spec_snapshot, NEW.spec_snapshot) THEN
        NEW.spec_snapshot := OLD.spec_snapshot;
    END IF;
    RETURN NEW;
END;
$$;

CREATE TRIGGER _100_keep_spec_snapshot
BEFORE UPDATE OF spec_snapshot ON public.jobs
FOR EACH ROW EXECUTE FUNCTION framecast.tg_jobs__keep_spec_snapshot();

-- Likewise its created_at, and what a finished job says of itself.
CREATE FUNCTION framecast.tg_jobs__keep_what_was_read() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NEW.created_at = date_bin('1 millisecond', OLD.created_at, 'J2451545') THEN
        NEW.created_at := OLD.created_at;
    END IF;
    IF OLD.status >= 'completed' THEN
        IF framecast.reads_alike(OLD.options, NEW.options) THEN
            NEW.options := OLD.options;
        END IF;
        IF framecast.reads_alike(OLD.output, NEW.output) THEN
            NEW.output := OLD.output;
        END IF;
        IF framecast.reads_alike(OLD.error, NEW.error) THEN
            NEW.error := OLD.error;
        END IF;
    END IF;
    RETURN NEW;
END;
$$;

-- Not on status, progress and times, which are written time and again.
CREATE TRIGGER _100_keep_what_was_read
BEFORE UPDATE OF created_at, options, output, error ON public.jobs
FOR EACH ROW EXECUTE FUNCTION framecast.tg_jobs__keep_what_was_read();

CREATE TRIGGER _300_imm_1__jobs_subject_is_fixed
BEFORE UPDATE OF id, owner, triggered_by, project_id, spec_snapshot, created_at ON public.jobs
FOR EACH ROW WHEN (
    (old.id, old.owner, old.triggered_by, old.spec_snapshot, old.created_at)
    IS DISTINCT FROM
    (new.id, new.owner, new.triggered_by, new.spec_snapshot, new.created_at)
    OR (new.project_id IS NOT NULL AND new.project_id IS DISTINCT FROM old.project_id)
)
EXECUTE FUNCTION framecast.tg__reject(
    'a job''s id, owner, trigger, spec snapshot, project and created_at never change',
    'make another job'
);

COMMENT ON TRIGGER _300_imm_1__jobs_subject_is_fixed ON public.jobs IS
'IMM-1: what a row is about never changes …';

-- The foreign key sets project_id to null when the project has gone; nobody else may. A trigger, as
-- only a look at projects tells the two apart. An active job does not let its project go (DEL-1):
-- one that is made in the statement which deletes the project was not there to be seen before.
CREATE FUNCTION framecast.tg_jobs__leaves_only_a_project_that_goes() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF EXISTS (SELECT FROM public.projects AS p WHERE p.id = OLD.project_id) THEN
        PERFORM framecast.reject(
            substr(TG_NAME, 6), TG_TABLE_NAME,
            'a job leaves its project only when the project goes',
            format('job %s of project %s', OLD.id, OLD.project_id), 'delete the project'
        );
    END IF;
    IF OLD.status < 'completed' THEN
        PERFORM framecast.reject(
            'del_1__jobs_active_keeps_its_project', TG_TABLE_NAME,
            'a project with an active job cannot be deleted',
            format('job %s of project %s', OLD.id, OLD.project_id), 'finish or cancel the job first'
        );
    END IF;
    RETURN NEW;
END;
$$;

CREATE TRIGGER _300_imm_1__jobs_leaves_only_a_project_that_goes
BEFORE UPDATE OF project_id ON public.jobs
FOR EACH ROW WHEN (old.project_id IS NOT NULL AND new.project_id IS NULL)
EXECUTE FUNCTION framecast.tg_jobs__leaves_only_a_project_that_goes();

COMMENT ON TRIGGER _300_imm_1__jobs_leaves_only_a_project_that_goes ON public.jobs IS
'IMM-1: what a row is about never changes …; DEL-1: a team with active jobs, a project with an '
'active job, and an active job cannot be deleted';

-- As framecast.tg__set_first_updated_at does; and a created_at that we fill in is not after what
-- the client's clock says of the job.
CREATE FUNCTION framecast.tg_jobs__set_first_times() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_is_past boolean := NEW.created_at < now();
BEGIN
    IF NEW.created_at = now() THEN
        NEW.created_at := least(now(), NEW.started_at, NEW.completed_at);
    END IF;
    IF NEW.updated_at > now() OR (NOT v_is_past AND NEW.updated_at < NEW.created_at) THEN
        NEW.updated_at := greatest(now(), NEW.created_at);
    END IF;
    RETURN NEW;
END;
$$;

CREATE TRIGGER _100_set_first_times
BEFORE INSERT ON public.jobs
FOR EACH ROW EXECUTE FUNCTION framecast.tg_jobs__set_first_times();

-- The clock may stand behind what the row says: never set a time that its rules refuse. Times, and
-- the progress of a finished job, that come back as a client has read them are as they were.
CREATE FUNCTION framecast.tg_jobs__set_times() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    NEW.updated_at := greatest(now(), OLD.updated_at);
    IF NEW.started_at = date_bin('1 millisecond', OLD.started_at, 'J2451545') THEN
        NEW.started_at := OLD.started_at;
    END IF;
    IF NEW.completed_at = date_bin('1 millisecond', OLD.completed_at, 'J2451545') THEN
        NEW.completed_at := OLD.completed_at;
    END IF;
    IF OLD.status >= 'completed' AND framecast.reads_alike(OLD.progress, NEW.progress) THEN
        NEW.progress := OLD.progress;
    END IF;
    IF OLD.status <> NEW.status THEN
        IF NEW.status = 'processing' AND NEW.started_at IS NULL THEN
            NEW.started_at := greatest(least(now(), NEW.completed_at), NEW.created_at);
        ELSIF NEW.status >= 'completed' AND NEW.completed_at IS NULL THEN
            NEW.completed_at := greatest(now(), NEW.created_at, NEW.started_at);
        END IF;
    END IF;
    RETURN NEW;
END;
$$;

CREATE TRIGGER _100_set_times
BEFORE UPDATE ON public.jobs
FOR EACH ROW EXECUTE FUNCTION framecast.tg_jobs__set_times();

COMMENT ON TRIGGER _100_set_times ON public.jobs IS
'AUTO-TIMES: started_at and completed_at are set on the transitions that need them, when not '
'given; AUTO-UPDATED: updated_at is set by the database on every update';

-- STATE-JOB and what each state needs, INV-J2 to INV-J7, each under its own name; where a row both
-- lacks something and may not be there at all, under that of STATE-JOB. A new job is queued, which
-- needs nothing. An output or error that is null in JSON is none. IMM-1 holds the columns of a
-- finished job that are not listed here.
CREATE FUNCTION framecast.tg_jobs__states() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_rule text;
    v_claim text;
BEGIN
    IF NEW.status = 'processing' AND NEW.started_at IS NULL THEN
        v_rule := 'inv_j3__jobs_processing_has_started_at';
        v_claim := 'a processing job has a started_at';
    ELSIF NEW.status >= 'completed' THEN
        IF NEW.completed_at IS NULL OR NEW.completed_at < NEW.created_at THEN
            v_rule := 'inv_j2__jobs_finished_has_completed_at';
            v_claim := 'a finished job has a completed_at, not before its created_at';
        ELSIF NEW.status = 'completed' AND nullif(NEW.output, 'null') IS NULL THEN
            v_rule := 'inv_j4__jobs_completed_has_output';
            v_claim := 'a completed job has an output';
        ELSIF NEW.status = 'failed' AND nullif(NEW.error, 'null') IS NULL THEN
            v_rule := 'inv_j5__jobs_failed_has_error';
            v_claim := 'a failed job has an error';
        ELSIF NEW.status <> 'completed' AND NEW.failure_type IS NULL THEN
            v_rule := 'inv_j6__jobs_failed_or_canceled_has_failure_type';
            v_claim := 'a failed or canceled job has a failure_type';
        ELSIF NEW.status = 'completed' AND NEW.failure_type IS NOT NULL THEN
            v_rule := 'inv_j7__jobs_completed_has_no_failure_type';
            v_claim := 'a completed job has no failure_type';
        END IF;
    END IF;
    IF OLD.status >= 'completed' THEN
        IF (
            OLD.status, OLD.options, OLD.progress, OLD.output, OLD.output_size_bytes, OLD.error,
            OLD.credits_charged, OLD.failure_type, OLD.idempotency_key, OLD.started_at,
            OLD.completed_at
        ) IS DISTINCT FROM (
            NEW.status, NEW.options, NEW.progress, NEW.output, NEW.output_size_bytes, NEW.error,
            NEW.credits_charged, NEW.failure_type, NEW.idempotency_key, NEW.started_at,
            NEW.completed_at
        ) OR NEW.credits_refunded < OLD.credits_refunded THEN
            v_rule := 'state_job__jobs_finished_stays';
            v_claim := 'a finished job stays as it is, save that its refund may grow';
        END IF;
    ELSIF OLD.status <> NEW.status AND (OLD.status, NEW.status) NOT IN (
        ('queued', 'processing'), ('queued', 'canceled'),
        ('processing', 'completed'), ('processing', 'failed'), ('processing', 'canceled')
    ) THEN
        v_rule := 'state_job__jobs_moves_on';
        v_claim := 'a job goes from queued to processing or canceled, from there to its end';
    END IF;
    IF v_rule IS NOT NULL THEN
        PERFORM framecast.reject(
            v_rule, TG_TABLE_NAME, v_claim,
            format('job %s, %s, would be %s', NEW.id, OLD.status, NEW.status),
            'queued, processing, then completed (output), failed (error, failure_type) or canceled '
            '(failure_type); then only a larger credits_refunded'
        );
    END IF;
    RETURN NEW;
END;
$$;

CREATE TRIGGER _300_state_job__jobs_states
BEFORE UPDATE ON public.jobs
FOR EACH ROW EXECUTE FUNCTION framecast.tg_jobs__states();

COMMENT ON TRIGGER _300_state_job__jobs_states ON public.jobs IS
'STATE-JOB: a job is inserted queued …; INV-J2: a finished job has a completed_at, not before '
'its created_at; INV-J3: a processing job has a started_at; INV-J4: a completed job has an '
'output; INV-J5: a failed job has an error; INV-J6: a failed or canceled job has a '
'failure_type; INV-J7: a completed job has no failure_type';


------------------------------------------------------------------------------------------------
-- How a project moves with its jobs
------------------------------------------------------------------------------------------------

CREATE TRIGGER _300_state_project__projects_inserted_draft
AFTER INSERT ON public.projects
FOR EACH ROW WHEN (new.status <> 'draft')
EXECUTE FUNCTION framecast.tg__reject('a project is inserted draft', 'insert it as a draft');

COMMENT ON TRIGGER _300_state_project__projects_inserted_draft ON public.projects IS
'STATE-PROJECT: a project is inserted draft. transition: draft → rendering or archived; '
'rendering → completed or draft; completed → rendering or archived; archived → draft. A project '
'with an active job is rendering (the converse of INV-P5), so only its job moves it in and out '
'of that state. A job cannot be made in an archived project';

-- An archived project cannot go to rendering, so no job can be made in it either.
CREATE TRIGGER _300_state_project__projects_status_moves_on
BEFORE UPDATE OF status ON public.projects
FOR EACH ROW WHEN (
    old.status <> new.status
    AND (old.status, new.status) NOT IN (
        ('draft', 'rendering'), ('draft', 'archived'),
        ('rendering', 'completed'), ('rendering', 'draft'),
        ('completed', 'rendering'), ('completed', 'archived'),
        ('archived', 'draft')
    )
)
EXECUTE FUNCTION framecast.tg__reject(
    'a project renders from draft or completed, and is archived from them and unarchived to draft',
    'unarchive a project before rendering it; let a job finish before archiving its project'
);

COMMENT ON TRIGGER _300_state_project__projects_status_moves_on ON public.projects IS
'STATE-PROJECT: a project is inserted draft …';

-- Into and out of rendering only by a job, which writes the project's row in the same transaction:
-- so whoever writes the row sees the job, and INV-P5 holds with its converse.
CREATE FUNCTION framecast.tg_projects__rendering_has_active_job() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM public.jobs AS j
        WHERE j.project_id = NEW.id AND j.status < 'completed'
    ) THEN
        PERFORM framecast.reject(
            substr(TG_NAME, 6), TG_TABLE_NAME, 'a rendering project has an active job',
            format('project %s has none', NEW.id), 'make a job: it moves its project'
        );
    END IF;
    RETURN NULL;
END;
$$;

CREATE TRIGGER _300_inv_p5__projects_rendering_has_active_job
AFTER UPDATE OF status ON public.projects
FOR EACH ROW WHEN (old.status <> 'rendering' AND new.status = 'rendering')
EXECUTE FUNCTION framecast.tg_projects__rendering_has_active_job();

COMMENT ON TRIGGER _300_inv_p5__projects_rendering_has_active_job ON public.projects IS
'INV-P5: a rendering project has an active job';

CREATE FUNCTION framecast.tg_projects__active_job_keeps_rendering() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF EXISTS (
        SELECT FROM public.jobs AS j
        WHERE j.project_id = NEW.id AND j.status < 'completed'
    ) THEN
        PERFORM framecast.reject(
            substr(TG_NAME, 6), TG_TABLE_NAME, 'a project with an active job is rendering',
            format('project %s has one', NEW.id), 'finish or cancel the job: it moves its project'
        );
    END IF;
    RETURN NULL;
END;
$$;

CREATE TRIGGER _300_state_project__projects_active_job_keeps_rendering
AFTER UPDATE OF status ON public.projects
FOR EACH ROW WHEN (old.status = 'rendering' AND new.status <> 'rendering')
EXECUTE FUNCTION framecast.tg_projects__active_job_keeps_rendering();

COMMENT ON TRIGGER _300_state_project__projects_active_job_keeps_rendering ON public.projects IS
'STATE-PROJECT: a project is inserted draft …';

CREATE FUNCTION framecast.tg_jobs__move_project() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND (OLD.status = NEW.status OR NEW.status < 'completed') THEN
        RETURN NULL;
    END IF;
    UPDATE public.projects AS p
    SET status = CASE NEW.status
        WHEN 'completed' THEN 'completed'::public.project_status
        WHEN 'failed' THEN 'draft'
        WHEN 'canceled' THEN 'draft'
        ELSE 'rendering'
    END
    WHERE p.id = NEW.project_id AND (
        -- One statement may end a job and make the next one, and triggers come after both.
        NEW.status < 'completed' OR NOT EXISTS (
            SELECT FROM public.jobs AS j
            WHERE j.project_id = NEW.project_id AND j.status < 'completed'
        )
    );
    RETURN NULL;
END;
$$;

CREATE TRIGGER _500_move_project
AFTER INSERT OR UPDATE OF status ON public.jobs
FOR EACH ROW WHEN (new.project_id IS NOT NULL)
EXECUTE FUNCTION framecast.tg_jobs__move_project();

COMMENT ON TRIGGER _500_move_project ON public.jobs IS
'AUTO-PROJECT: a job moves its project to rendering when it is made, to completed when it '
'completes, to draft when it fails or is canceled';


------------------------------------------------------------------------------------------------
-- What cannot be deleted
------------------------------------------------------------------------------------------------

CREATE TRIGGER _300_del_1__jobs_active_not_deleted
BEFORE DELETE ON public.jobs
FOR EACH ROW WHEN (old.status < 'completed')
EXECUTE FUNCTION framecast.tg__reject('an active job cannot be deleted', 'cancel it first');

COMMENT ON TRIGGER _300_del_1__jobs_active_not_deleted ON public.jobs IS
'DEL-1: a team with active jobs, a project with an active job, and an active job cannot be '
'deleted';

-- A trigger, as the foreign key would set the job's project to null. It holds the project's row,
-- which a new job must write.
CREATE FUNCTION framecast.tg_projects__has_no_active_job() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF EXISTS (
        SELECT FROM public.jobs AS j
        WHERE j.project_id = OLD.id AND j.status < 'completed'
    ) THEN
        PERFORM framecast.reject(
            substr(TG_NAME, 6), TG_TABLE_NAME, 'a project with an active job cannot be deleted',
            format('project %s', OLD.id), 'finish or cancel the job first'
        );
    END IF;
    RETURN OLD;
END;
$$;

CREATE TRIGGER _300_del_1__projects_without_active_job
BEFORE DELETE ON public.projects
FOR EACH ROW EXECUTE FUNCTION framecast.tg_projects__has_no_active_job();

COMMENT ON TRIGGER _300_del_1__projects_without_active_job ON public.projects IS
'DEL-1: a team with active jobs, a project with an active job, and an active job cannot be '
'deleted';

-- Whoever deletes a team takes, in the order of locks, all that goes with it, before the guards: a
-- job of the team, or a change of its members, is then either wholly before or wholly after.
CREATE FUNCTION framecast.tg_teams__lock_what_goes_with_it() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_user_ids uuid [];
BEGIN
    PERFORM FROM public.projects AS p WHERE p.team_id = OLD.id ORDER BY p.id FOR UPDATE;
    PERFORM FROM public.memberships AS m WHERE m.team_id = OLD.id ORDER BY m.id FOR UPDATE;
    PERFORM FROM public.invitations AS i WHERE i.team_id = OLD.id ORDER BY i.id FOR UPDATE;
    SELECT array_agg(m.user_id) INTO v_user_ids
    FROM public.memberships AS m WHERE m.team_id = OLD.id;
    PERFORM framecast.lock_users(v_user_ids);
    PERFORM framecast.lock_teams(ARRAY[OLD.id]);
    RETURN OLD;
END;
$$;

CREATE TRIGGER _200_lock_what_goes_with_it
BEFORE DELETE ON public.teams
FOR EACH ROW EXECUTE FUNCTION framecast.tg_teams__lock_what_goes_with_it();

-- A trigger, as jobs outlive their team and so have no foreign key to it.
CREATE FUNCTION framecast.tg_teams__has_no_active_jobs() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF EXISTS (
        SELECT FROM public.jobs AS j
        WHERE framecast.urn_team(j.owner) = OLD.id AND j.status < 'completed'
    ) THEN
        PERFORM framecast.reject(
            substr(TG_NAME, 6), TG_TABLE_NAME, 'a team with active jobs cannot be deleted',
            format('team %s', OLD.id), 'finish or cancel its jobs first'
        );
    END IF;
    RETURN OLD;
END;
$$;

CREATE TRIGGER _300_del_1__teams_without_active_jobs
BEFORE DELETE ON public.teams
FOR EACH ROW EXECUTE FUNCTION framecast.tg_teams__has_no_active_jobs();

COMMENT ON TRIGGER _300_del_1__teams_without_active_jobs ON public.teams IS
'DEL-1: a team with active jobs, a project with an active job, and an active job cannot be '
'deleted';

-- TRUNCATE fires no row triggers. It holds the table alone, so the jobs can be looked at.
CREATE FUNCTION framecast.tg_jobs__active_not_truncated() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF framecast.snapshot_is_old() OR EXISTS (
        SELECT FROM public.jobs AS j WHERE j.status < 'completed'
    ) THEN
        PERFORM framecast.reject(
            substr(TG_NAME, 6), TG_TABLE_NAME, 'an active job cannot be deleted',
            'TRUNCATE of jobs while there may be active ones',
            'finish or cancel all jobs, then truncate at read committed'
        );
    END IF;
    RETURN NULL;
END;
$$;

CREATE TRIGGER _300_del_1__jobs_active_not_truncated
BEFORE TRUNCATE ON public.jobs
FOR EACH STATEMENT EXECUTE FUNCTION framecast.tg_jobs__active_not_truncated();

COMMENT ON TRIGGER _300_del_1__jobs_active_not_truncated ON public.jobs IS
'DEL-1: a team with active jobs, a project with an active job, and an active job cannot be '
'deleted';


------------------------------------------------------------------------------------------------
-- Events
------------------------------------------------------------------------------------------------

-- The last number that each job has given to an event. It outlives the events, and the job: no key
-- refers to that, so that a job which is deleted and made again under its id goes on counting.
CREATE TABLE framecast.job_event_counters (
    job_id uuid PRIMARY KEY,
    last_sequence bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 50);

CREATE TRIGGER _300_own_1__job_event_counters_kept_by_schema
BEFORE INSERT OR UPDATE OR DELETE ON framecast.job_event_counters
FOR EACH ROW WHEN (pg_trigger_depth() = 0)
EXECUTE FUNCTION framecast.tg__reject(
    'the schema''s bookkeeping is out of a client''s reach', 'leave it to the triggers'
);

COMMENT ON TRIGGER _300_own_1__job_event_counters_kept_by_schema ON framecast.job_event_counters IS
'OWN-1: what the schema keeps for itself is out of a client''s reach';

CREATE TRIGGER _300_own_1__job_event_counters_not_truncated
BEFORE TRUNCATE ON framecast.job_event_counters
FOR EACH STATEMENT EXECUTE FUNCTION framecast.tg__reject(
    'the schema''s bookkeeping is out of a client''s reach', 'leave it to the triggers'
);

COMMENT ON TRIGGER _300_own_1__job_event_counters_not_truncated ON framecast.job_event_counters IS
'OWN-1: what the schema keeps for itself is out of a client''s reach';

-- A payload that comes back as a client has read it is the one that was given, likewise the time.
CREATE FUNCTION framecast.tg_job_events__keep_what_was_read() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF framecast.reads_alike(OLD.payload, NEW.payload) THEN
        NEW.payload := OLD.payload;
    END IF;
    IF NEW.created_at = date_bin('1 millisecond', OLD.created_at, 'J2451545') THEN
        NEW.created_at := OLD.created_at;
    END IF;
    RETURN NEW;
END;
$$;

CREATE TRIGGER _100_keep_what_was_read
BEFORE UPDATE ON public.job_events
FOR EACH ROW EXECUTE FUNCTION framecast.tg_job_events__keep_what_was_read();

CREATE TRIGGER _300_imm_1__job_events_are_fixed
BEFORE UPDATE ON public.job_events
FOR EACH ROW WHEN (old.* IS DISTINCT FROM new.*)
EXECUTE FUNCTION framecast.tg__reject('an event never changes', 'append another event');

COMMENT ON TRIGGER _300_imm_1__job_events_are_fixed ON public.job_events IS
'IMM-1: what a row is about never changes …';

-- SEQ-1 and SEQ-2. Whoever appends to a job holds the job's counter until commit, so numbers are
-- given in the order of commits, and who sees a number sees all before it. A sequence or max() + 1
-- would hand out numbers before the earlier ones have committed.
--
-- The number is one more than the last event that was really written. It is recorded only after the
-- row is in, so a row that ON CONFLICT drops takes no number with it. The rows themselves tell how
-- far this statement has come; the counter, what was cleaned up.
--
-- An event that is there, and is proposed again with its number, keeps it, so that ON CONFLICT DO
-- UPDATE finds no change. It is held: none can be inserted in its place.
--
-- The counter is made for a job that is not seen, too. Its statement may make it; or another
-- session has made it, and events that are gone, and commits before this job is asked for (by the
-- key): whoever comes while it has not waits here.
CREATE FUNCTION framecast.tg_job_events__number() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_last bigint;
BEGIN
    PERFORM FROM public.jobs AS j WHERE j.id = NEW.job_id FOR KEY SHARE;
    IF NEW.sequence > 0 THEN
        PERFORM FROM public.job_events AS e
        WHERE e.id = NEW.id AND e.job_id = NEW.job_id AND e.sequence = NEW.sequence
        FOR KEY SHARE;
        IF FOUND THEN
            RETURN NEW;
        END IF;
    END IF;
    -- Of none, the table itself says that it is missing.
    IF NEW.job_id IS NOT NULL THEN
        INSERT INTO framecast.job_event_counters (job_id) VALUES (NEW.job_id)
        ON CONFLICT (job_id) DO NOTHING;
    END IF;
    SELECT c.last_sequence INTO v_last
    FROM framecast.job_event_counters AS c WHERE c.job_id = NEW.job_id FOR UPDATE;
    NEW.sequence := 1 + greatest(
        v_last, (SELECT max(e.sequence) FROM public.job_events AS e WHERE e.job_id = NEW.job_id)
    );
    RETURN NEW;
END;
$$;

CREATE TRIGGER _500_number
BEFORE INSERT ON public.job_events
FOR EACH ROW EXECUTE FUNCTION framecast.tg_job_events__number();

COMMENT ON TRIGGER _500_number ON public.job_events IS
'AUTO-NUMBER: events are numbered by the database, whatever number the client gave; SEQ-1: a '
'job''s events are numbered 1, 2, 3 … in the order in which they commit …; SEQ-2: whoever sees '
'event n of a job sees every earlier one that was not cleaned up: a client that resumes after n '
'misses nothing';

CREATE FUNCTION framecast.tg_job_events__record_number() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    UPDATE framecast.job_event_counters AS c
    SET last_sequence = NEW.sequence
    WHERE c.job_id = NEW.job_id;
    RETURN NULL;
END;
$$;

CREATE TRIGGER _500_record_number
AFTER INSERT ON public.job_events
FOR EACH ROW EXECUTE FUNCTION framecast.tg_job_events__record_number();

-- A statement may clean up, by a function that it calls, events that it has just appended, and
-- before their numbers are recorded. Nobody else's are: so this writes no counter that others hold.
CREATE FUNCTION framecast.tg_job_events__record_numbers_of_gone() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
BEGIN
    INSERT INTO framecast.job_event_counters (job_id, last_sequence)
    SELECT o.job_id, max(o.sequence) FROM old_rows AS o
    GROUP BY o.job_id
    HAVING NOT EXISTS (
        SELECT FROM framecast.job_event_counters AS c
        WHERE c.job_id = o.job_id AND c.last_sequence >= max(o.sequence)
    )
    ON CONFLICT (job_id) DO UPDATE
    SET last_sequence = excluded.last_sequence;
    RETURN NULL;
END;
$$;

CREATE TRIGGER _500_record_numbers_of_gone
AFTER DELETE ON public.job_events
REFERENCING OLD TABLE AS old_rows
FOR EACH STATEMENT EXECUTE FUNCTION framecast.tg_job_events__record_numbers_of_gone();


------------------------------------------------------------------------------------------------
-- Erasure
------------------------------------------------------------------------------------------------

-- Erases an account: what says who the person is goes, and the row stays, since others work with
-- what it made. Returns whether there was somebody to erase. What goes: name, address and picture,
-- all keys, all memberships, the invitations from the person and to their address, and the teams
-- that nobody else is in, with all that goes with a team. A creator stays one, in an empty team
-- that is known by its id: that begins with a digest of the user's, and ends as the user's does, or
-- in further digests where somebody has such a team or membership.
--
-- On the way the person is in no team, and a team has no owner: both are asked at commit, even if
-- the caller has said IMMEDIATE.
--
-- A team that others are in, and that would be left without an owner, refuses it at commit
-- (INV-T2); one that would go while it has active jobs, at once (DEL-1).
--
-- Locks are taken in the order that everybody keeps. An insert asks for its team or project before
-- the user who makes it: so the user is held from the start in a mode for which no insert waits,
-- and wholly once the teams that may go, and their projects, are. From then on nobody makes
-- anything in this name. Memberships are held before the keys go, as when a user is deleted;
-- invitations before the memberships end, which writes the guards. Which teams go is asked after
-- that, under the guards. Sequential scans are off, so that no plan which was made while the tables
-- were small reads all of them later.
CREATE FUNCTION public.erase_user(p_user_id uuid) RETURNS boolean
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
DECLARE
    v_user public.users;
    v_team_ids uuid [];
    v_team_id uuid;
    v_rest bytea := uuid_send(p_user_id);
BEGIN
    SELECT u.* INTO v_user FROM public.users AS u WHERE u.id = p_user_id FOR NO KEY UPDATE;
    IF NOT FOUND OR v_user.is_erased THEN
        RETURN FALSE;
    END IF;
    SET CONSTRAINTS
    public._700_inv_u2__memberships_last_one_not_gone,
    public._700_inv_t2__memberships_owner_not_gone,
    public._700_inv_t2__teams_has_an_owner
    DEFERRED;
    v_team_ids := ARRAY(
        SELECT t.id FROM public.teams AS t
        WHERE t.id IN (SELECT m.team_id FROM public.memberships AS m WHERE m.user_id = p_user_id)
            AND NOT EXISTS (
                SELECT FROM public.memberships AS o
                WHERE o.team_id = t.id AND o.user_id <> p_user_id
            )
        ORDER BY t.id
        FOR UPDATE
    );
    PERFORM FROM public.projects AS p
    WHERE p.team_id = ANY(v_team_ids) ORDER BY p.id FOR UPDATE;
    PERFORM FROM public.users AS u WHERE u.id = p_user_id FOR UPDATE;
    PERFORM FROM public.memberships AS m WHERE m.user_id = p_user_id ORDER BY m.id FOR KEY SHARE;
    DELETE FROM public.api_keys AS k WHERE k.user_id = p_user_id;
    PERFORM FROM public.invitations AS i
    WHERE i.team_id = ANY(v_team_ids)
        OR i.invited_by = p_user_id
        OR framecast.email_key(i.email) COLLATE "C" = framecast.email_key(v_user.email)
    ORDER BY i.id
    FOR UPDATE;
    WITH ended AS (
        DELETE FROM public.memberships AS m WHERE m.user_id = p_user_id RETURNING m.team_id
    )
    SELECT array_agg(e.team_id) INTO v_team_ids FROM ended AS e;
    DELETE FROM public.teams AS t
    WHERE t.id = ANY(v_team_ids)
        AND NOT EXISTS (SELECT FROM public.memberships AS m WHERE m.team_id = t.id);
    DELETE FROM public.invitations AS i
    WHERE i.invited_by = p_user_id
        OR framecast.email_key(i.email) COLLATE "C" = framecast.email_key(v_user.email);
    UPDATE public.users AS u
    SET email = p_user_id::text || '@erased.invalid', name = NULL, avatar_url = NULL
    WHERE u.id = p_user_id;
    IF v_user.tier = 'creator' THEN
        LOOP
            v_team_id := encode(
                substr(sha256(uuid_send(p_user_id)), 1, 8) || substr(v_rest, 9, 8), 'hex'
            )::uuid;
            INSERT INTO public.teams (id, name)
            SELECT v_team_id, 'Erased account'
            WHERE NOT EXISTS (SELECT FROM public.memberships AS m WHERE m.id = v_team_id)
            ON CONFLICT (id) DO NOTHING;
            EXIT WHEN FOUND;
            v_rest := sha256(v_rest);
        END LOOP;
        INSERT INTO public.memberships (id, team_id, user_id, role)
        VALUES (v_team_id, v_team_id, p_user_id, 'owner');
    END IF;
    RETURN TRUE;
END;
$$;

COMMENT ON FUNCTION public.erase_user(uuid) IS
'PRIVACY-3: a function erases an account, once, and says whether it did: the name, address, '
'picture, keys and memberships of the user, the invitations from the user and to that address, '
'and the teams that nobody else is in go, and what others work with stays';


------------------------------------------------------------------------------------------------
-- Retention
------------------------------------------------------------------------------------------------

-- Deletes job events older than 7 days (of 24 hours), oldest first, at most p_limit of them (10,000
-- for null), passing over rows that others hold. Returns how many it deleted: call it again until
-- that is less than p_limit.
-- By the places where the rows lie, which are theirs while they are locked: so it costs what is
-- deleted, and not what is kept. Sequential scans are off, so that no plan that was made while the
-- table was small reads all of it later.
CREATE FUNCTION public.delete_old_job_events(p_limit integer DEFAULT NULL) RETURNS integer
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
DECLARE
    v_deleted integer;
BEGIN
    DELETE FROM public.job_events AS e
    WHERE e.ctid = ANY(
        ARRAY(
            SELECT o.ctid FROM public.job_events AS o
            WHERE o.created_at < now() - interval '168 hours'
            ORDER BY o.created_at, o.job_id, o.sequence
            LIMIT greatest(coalesce(p_limit, 10000), 0)
            FOR UPDATE SKIP LOCKED
        )
    );
    GET DIAGNOSTICS v_deleted = ROW_COUNT;
    RETURN v_deleted;
END;
$$;

COMMENT ON FUNCTION public.delete_old_job_events(integer) IS
'RET-1: job events are kept 7 days, webhook deliveries 30 days; a function for each deletes '
'what is older, oldest first, at most as many rows as it is told (10,000 unless told), without '
'waiting on rows that others hold, and returns how many it deleted';

-- Deletes webhook deliveries older than 30 days, in the same way.
CREATE FUNCTION public.delete_old_webhook_deliveries(p_limit integer DEFAULT NULL) RETURNS integer
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
DECLARE
    v_deleted integer;
BEGIN
    DELETE FROM public.webhook_deliveries AS d
    WHERE d.ctid = ANY(
        ARRAY(
            SELECT o.ctid FROM public.webhook_deliveries AS o
            WHERE o.created_at < now() - interval '720 hours'
            ORDER BY o.created_at, o.id
            LIMIT greatest(coalesce(p_limit, 10000), 0)
            FOR UPDATE SKIP LOCKED
        )
    );
    GET DIAGNOSTICS v_deleted = ROW_COUNT;
    RETURN v_deleted;
END;
$$;

COMMENT ON FUNCTION public.delete_old_webhook_deliveries(integer) IS
'RET-1: job events are kept 7 days, webhook deliveries 30 days …';
