-- The flows as SQL by hand, with the orders of docs/recipes.md: what the libraries are compared with.
-- Each is one transaction. A variable stands for an id of world.json.

-- flow: sign_up
INSERT INTO users (email, name) VALUES ('new@x.io', 'New');

-- flow: sign_up_by_a_clock_ahead
INSERT INTO users (email, created_at) VALUES ('new@x.io', clock_timestamp() + interval '1 second');

-- flow: sign_up_with_no_address
INSERT INTO users (email) VALUES ('nobody');

-- flow: upgrade
UPDATE users SET tier = 'creator', upgraded_at = now() WHERE id = :'sam' AND tier = 'starter';
INSERT INTO teams (id, name) VALUES (:'new', 'Sam''s team');
INSERT INTO memberships (team_id, user_id, role) VALUES (:'new', :'sam', 'owner');

-- flow: invite
INSERT INTO invitations (team_id, invited_by, email, role, token)
VALUES (:'harbour', :'ada', 'new@x.io', 'admin', 'to new');

-- flow: invite_oneself
INSERT INTO invitations (team_id, invited_by, email, token)
VALUES (:'harbour', :'ada', 'ADA@x.io', 'to ada');

-- flow: accept
SELECT id FROM users WHERE id = :'dan' FOR NO KEY UPDATE;
SELECT id FROM teams WHERE id = :'harbour' FOR KEY SHARE;
UPDATE invitations SET accepted_at = clock_timestamp()
WHERE id = :'letter_to_dan' AND accepted_at IS NULL;
INSERT INTO memberships (team_id, user_id, role)
SELECT i.team_id, :'dan', i.role::text::membership_role
FROM invitations AS i WHERE i.id = :'letter_to_dan';

-- flow: accept_what_was_revoked
SELECT id FROM users WHERE id = :'dan' FOR NO KEY UPDATE;
SELECT id FROM teams WHERE id = :'harbour' FOR KEY SHARE;
UPDATE invitations SET accepted_at = clock_timestamp()
WHERE id = :'revoked_letter' AND accepted_at IS NULL;
INSERT INTO memberships (team_id, user_id, role)
SELECT i.team_id, :'dan', i.role::text::membership_role
FROM invitations AS i WHERE i.id = :'revoked_letter';

-- flow: accept_as_a_starter
UPDATE users SET tier = 'creator', upgraded_at = now() WHERE id = :'eve' AND tier = 'starter';
SELECT id FROM teams WHERE id = :'harbour' FOR KEY SHARE;
UPDATE invitations SET accepted_at = clock_timestamp()
WHERE id = :'letter_to_eve' AND accepted_at IS NULL;
INSERT INTO memberships (team_id, user_id, role)
SELECT i.team_id, :'eve', i.role::text::membership_role
FROM invitations AS i WHERE i.id = :'letter_to_eve';

-- flow: hand_over
WITH held AS (
    SELECT m.id, m.user_id FROM memberships AS m
    WHERE m.team_id = :'harbour' AND m.user_id IN (:'ada', :'cleo')
    ORDER BY m.id
    FOR NO KEY UPDATE
)
UPDATE memberships AS m
SET role = (CASE held.user_id WHEN :'cleo' THEN 'owner' ELSE 'admin' END)::membership_role
FROM held
WHERE m.id = held.id;

-- flow: leave
DELETE FROM memberships WHERE team_id = :'harbour' AND user_id = :'ben';

-- flow: leave_the_only_team
SELECT id FROM users WHERE id = :'cleo' FOR NO KEY UPDATE;
DELETE FROM memberships WHERE team_id = :'harbour' AND user_id = :'cleo';
INSERT INTO teams (id, name) VALUES (:'new', 'Own');
INSERT INTO memberships (team_id, user_id, role) VALUES (:'new', :'cleo', 'owner');

-- flow: leave_as_the_last_owner
DELETE FROM memberships WHERE team_id = :'harbour' AND user_id = :'ada';

-- flow: render
UPDATE teams SET credits = credits - 10 WHERE id = :'harbour';
INSERT INTO jobs (owner, triggered_by, project_id, spec_snapshot, credits_charged)
SELECT p.owner, :'ada', p.id, p.spec, 10 FROM projects AS p WHERE p.id = :'storm';

-- flow: render_twice
INSERT INTO jobs (owner, triggered_by, project_id, spec_snapshot)
SELECT p.owner, :'ada', p.id, p.spec FROM projects AS p WHERE p.id = :'gale';

-- flow: render_on_credit
UPDATE teams SET credits = credits - 1000 WHERE id = :'harbour';
INSERT INTO jobs (owner, triggered_by, project_id, spec_snapshot, credits_charged)
SELECT p.owner, :'ada', p.id, p.spec, 1000 FROM projects AS p WHERE p.id = :'storm';

-- flow: render_alone
INSERT INTO jobs (owner, triggered_by, spec_snapshot)
VALUES ('framecast:user:' || :'sam', :'sam', '{}');

-- flow: claim
UPDATE jobs SET status = 'processing' WHERE id = (
    SELECT id FROM jobs WHERE status = 'queued' ORDER BY created_at LIMIT 1
    FOR UPDATE SKIP LOCKED
);

-- flow: report_progress
UPDATE jobs SET progress = '{"percent": 50}' WHERE id = :'running';

-- flow: complete
UPDATE jobs SET status = 'completed', output = '{"url": "b.mp4"}' WHERE id = :'running';

-- flow: fail_and_refund
UPDATE jobs SET
    status = 'failed', failure_type = 'system', error = '{"code": 1}', credits_refunded = credits_charged
WHERE id = :'running';
UPDATE teams SET credits = credits + 10 WHERE id = :'harbour';

-- flow: append_an_event
INSERT INTO job_events (job_id, event_type, payload)
VALUES (:'running', 'progress', '{"percent": 50}');

-- flow: announce_an_asset
INSERT INTO asset_files (owner, uploaded_by, project_id, filename, s3_key, content_type, size_bytes)
VALUES (
    'framecast:team:' || :'harbour', :'ada', :'storm', 'new.png', 'new.png', 'image/png', 1000
);

-- flow: finish_an_upload
UPDATE asset_files SET status = 'ready', metadata = '{"width": 1}' WHERE id = :'upload';

-- flow: make_a_key
INSERT INTO api_keys (user_id, owner, key_prefix, key_hash)
VALUES (:'ben', 'framecast:' || :'harbour' || ':' || :'ben', 'fc_', 'new');

-- flow: revoke_a_key
UPDATE api_keys SET revoked_at = now() WHERE id = :'key';

-- flow: make_a_webhook
INSERT INTO webhooks (team_id, created_by, url, events, secret)
VALUES (:'harbour', :'ada', 'https://new.io/', '{job.completed,job.failed}', 'secret');

-- flow: edit_a_webhook
UPDATE webhooks SET events = '{job.queued,job.completed}' WHERE id = :'hook';

-- flow: deliver
UPDATE webhook_deliveries
SET status = 'delivered', attempts = attempts + 1, delivered_at = now(), response_status = 200
WHERE id = :'delivery';

-- flow: roll_up
INSERT INTO usage (owner, period, renders_count)
VALUES ('framecast:team:' || :'harbour', '2026-11', 1)
ON CONFLICT (owner, period) DO UPDATE SET renders_count = usage.renders_count + 1;

-- flow: rename_a_project
UPDATE projects SET name = 'Gust' WHERE id = :'storm';

-- flow: write_a_project_whole
INSERT INTO projects (id, team_id, created_by, name, status, spec, created_at, updated_at)
SELECT p.id, p.team_id, p.created_by, 'Gust', p.status, p.spec, p.created_at, p.updated_at
FROM projects AS p WHERE p.id = :'storm'
ON CONFLICT (id) DO UPDATE SET
    team_id = excluded.team_id, created_by = excluded.created_by, name = excluded.name,
    status = excluded.status, spec = excluded.spec, created_at = excluded.created_at,
    updated_at = excluded.updated_at;

-- flow: give_a_job_away
UPDATE jobs SET owner = 'framecast:team:' || :'attic' WHERE id = :'queued';

-- flow: delete_a_project
DELETE FROM projects WHERE id = :'calm';

-- flow: delete_a_team
DELETE FROM teams WHERE id = :'attic';

-- flow: delete_an_account
DELETE FROM users WHERE id = :'sam';

-- flow: erase_an_account
SELECT erase_user(:'dan');

-- flow: clean_up
SELECT delete_old_job_events();
SELECT delete_old_webhook_deliveries(100);
