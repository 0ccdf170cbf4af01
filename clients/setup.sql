-- Who and what there is before each flow. A variable stands for an id of world.json.

-- Two starters; Ada's team with Ben and Cleo; Dan has a team, and is invited to Ada's, as Eve is.
INSERT INTO users (id, email, name, tier, upgraded_at, credits) VALUES
(:'sam', 'sam@x.io', 'Sam', 'starter', NULL, 20),
(:'eve', 'eve@x.io', 'Eve', 'starter', NULL, 0),
(:'ada', 'ada@x.io', 'Ada', 'creator', now(), 0),
(:'ben', 'ben@x.io', 'Ben', 'creator', now(), 0),
(:'cleo', 'cleo@x.io', 'Cleo', 'creator', now(), 0),
(:'dan', 'dan@x.io', 'Dan', 'creator', now(), 0);
INSERT INTO teams (id, name, credits) VALUES
(:'harbour', 'Harbour', 100), (:'loft', 'Loft', 0), (:'attic', 'Attic', 0), (:'cellar', 'Cellar', 0);
INSERT INTO memberships (team_id, user_id, role) VALUES
(:'harbour', :'ada', 'owner'), (:'harbour', :'ben', 'member'), (:'harbour', :'cleo', 'admin'),
(:'loft', :'ada', 'owner'), (:'attic', :'ben', 'owner'), (:'cellar', :'dan', 'owner');
INSERT INTO invitations (id, team_id, invited_by, email, role, token, created_at) VALUES
(:'revoked_letter', :'harbour', :'ada', 'dan@x.io', 'admin', 'long ago', now() - interval '1 hour');
UPDATE invitations SET revoked_at = now() WHERE id = :'revoked_letter';
INSERT INTO invitations (id, team_id, invited_by, email, role, token, created_at) VALUES
(:'letter_to_dan', :'harbour', :'ada', 'dan@x.io', 'member', 'to dan', now() - interval '1 hour'),
(:'letter_to_eve', :'harbour', :'ada', 'eve@x.io', 'viewer', 'to eve', now() - interval '1 hour');

-- Four projects of Ada's team: without a job, with a finished, a queued and a processing one.
INSERT INTO projects (id, team_id, created_by, name, spec) VALUES
(:'storm', :'harbour', :'ada', 'Storm', '{"zoom": 1.50}'),
(:'calm', :'harbour', :'ada', 'Calm', '{}'),
(:'gale', :'harbour', :'ada', 'Gale', '{}'),
(:'fog', :'harbour', :'ada', 'Fog', '{}');
INSERT INTO jobs (id, owner, triggered_by, project_id, spec_snapshot, credits_charged) VALUES
(:'done', 'framecast:team:' || :'harbour', :'ada', :'calm', '{}', 10),
(:'queued', 'framecast:team:' || :'harbour', :'ada', :'gale', '{}', 10),
(:'running', 'framecast:team:' || :'harbour', :'ada', :'fog', '{"zoom": 1.50}', 10);
UPDATE jobs SET status = 'processing' WHERE id IN (:'done', :'running');
UPDATE jobs SET status = 'completed', output = '{"url": "a.mp4"}' WHERE id = :'done';

INSERT INTO asset_files (id, owner, uploaded_by, project_id, filename, s3_key, content_type, size_bytes)
VALUES (
    :'upload', 'framecast:team:' || :'harbour', :'ada', :'storm', 'a.png', 'a.png', 'image/png', 1
);
INSERT INTO api_keys (id, user_id, owner, key_prefix, key_hash) VALUES
(:'key', :'ben', 'framecast:' || :'harbour' || ':' || :'ben', 'fc_', 'hash');
INSERT INTO webhooks (id, team_id, created_by, url, events, secret) VALUES
(:'hook', :'harbour', :'ada', 'https://x.io/', '{job.completed}', 'secret');
INSERT INTO webhook_deliveries (id, webhook_id, job_id, event_type, payload) VALUES
(:'delivery', :'hook', :'done', 'job.completed', '{}');
INSERT INTO usage (owner, period, renders_count) VALUES
('framecast:team:' || :'harbour', '2026-11', 1);
