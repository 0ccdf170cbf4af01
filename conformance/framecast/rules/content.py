"""Rules of assets, webhooks, deliveries, usage and system assets."""

from conformance.engine.kinds.check import Check
from conformance.engine.kinds.keys import References, Unique, repeated
from conformance.engine.kinds.transitions import Transitions, legal
from conformance.framecast.model import judgements
from conformance.framecast.model.entities import CONTENT_TYPES, MIB
from conformance.framecast.model.judgements import is_month
from conformance.framecast.rules.rule import Holds, Rule, unowned, unowned_at_scale

RULES = (
    Rule.of(
        "INV-AF1",
        "an asset's status is one of the three",
        Check("asset_files", "(status IN ('pending', 'ready', 'failed')) IS NOT TRUE"),
        ("type asset_status",),
    ),
    Rule.of(
        "INV-AF2",
        "its size is positive",
        Check("asset_files", "size_bytes <= 0", lambda a: a.size <= 0),
        ("inv_af2__asset_files_size_positive",),
    ),
    Rule.of(
        "INV-AF3",
        "its size is at most 50 MiB",
        Check("asset_files", "size_bytes > 52428800", lambda a: a.size > 50 * MIB),
        ("inv_af3__asset_files_size_at_most_50_mib",),
    ),
    Rule.of(
        "INV-AF4",
        "its content type is image/jpeg, image/png, image/webp, audio/mpeg, audio/wav, audio/ogg"
        " or video/mp4",
        Check(
            "asset_files",
            "(content_type IN ('image/jpeg', 'image/png', 'image/webp', 'audio/mpeg',"
            " 'audio/wav', 'audio/ogg', 'video/mp4')) IS NOT TRUE",
            lambda a: a.kind not in CONTENT_TYPES,
        ),
        ("inv_af4__asset_files_content_type_known",),
    ),
    Rule.of(
        "INV-AF5",
        "its uploader exists",
        References("asset_files", "uploaded_by", "users", "user"),
        ("inv_af5__asset_files_uploader_exists",),
    ),
    Rule.of(
        "INV-AF6",
        "no two assets share an s3_key",
        Unique("asset_files", ("s3_key",), ("path",)),
        ("inv_af6__asset_files_s3_key_unique",),
    ),
    Rule(
        "INV-X3",
        "an asset of a project is owned by framecast:team:… of that project's team",
        ("asset_files", "projects"),
        Holds.ALWAYS,
        ("inv_x3__asset_files_project_of_owning_team",),
        unowned("asset_files"),
        unowned_at_scale("asset_files"),
        model=judgements.other_teams_assets,
    ),
    Rule.of(
        "STATE-ASSET",
        "an asset is inserted pending. transition: pending → ready or failed; both are final",
        Transitions(
            "asset_files",
            ("pending", "ready", "failed"),
            legal(">pending pending>ready pending>failed"),
        ),
        (
            "state_asset__asset_files_inserted_pending",
            "state_asset__asset_files_ready_and_failed_are_final",
        ),
        Holds.TRANSITION,
    ),
    Rule.of(
        "INV-W1",
        "a webhook's team exists",
        References("webhooks", "team_id", "teams", "team"),
        ("inv_w1__webhooks_team_exists",),
    ),
    Rule.of(
        "INV-W2",
        "it subscribes to at least one event",
        Check("webhooks", "cardinality(events) = 0", lambda w: not w.events),
        ("inv_w2__webhooks_has_an_event",),
    ),
    Rule.of(
        "INV-W3",
        "each of its events is one of the six (and none is null)",
        Check(
            "webhooks",
            "EXISTS (SELECT FROM unnest(events) AS e (label) WHERE (e.label::text IN"
            " ('job.queued', 'job.started', 'job.progress', 'job.completed', 'job.failed',"
            " 'job.canceled')) IS NOT TRUE)",
            lambda w: None in w.events,
        ),
        ("inv_w3__webhooks_no_event_is_null", "type webhook_event_type"),
    ),
    Rule(
        "INV-W4",
        "its url is an https URL with a host",
        ("webhooks",),
        Holds.ALWAYS,
        ("inv_w4__webhooks_url_is_https_with_host",),
        "SELECT w.id::text FROM webhooks w CROSS JOIN LATERAL (SELECT split_part(split_part("
        "split_part(substr(w.url, 9), '/', 1), '?', 1), '#', 1) AS text) AS authority"
        " CROSS JOIN LATERAL (SELECT regexp_replace(authority.text, '^.*@', '') AS text) AS host"
        " CROSS JOIN LATERAL (SELECT normalize(authority.text, NFKC) AS text) AS folded"
        " WHERE lower(left(w.url, 8)) <> 'https://'"
        ' OR w.url COLLATE "C"'
        " ~ '[\\x01-\\x20\\x7f-\\xa0\\xad\\u034f\\u061c\\u115f\\u1160\\u1680\\u17b4\\u17b5"
        "\\u180b-\\u180f\\u2000-\\u200f\\u2028-\\u202f\\u205f-\\u206f\\u3000\\u3164\\ufe00-\\ufe0f"
        "\\ufeff\\uffa0\\ufff0-\\ufffb\\U0001bca0-\\U0001bca3\\U0001d173-\\U0001d17a"
        "\\U000e0000-\\U000e0fff]'"
        # What ends a host, in Unicode's other forms.
        " OR folded.text ~ '[/?#]' OR regexp_replace(folded.text, '[^@:]', '', 'g')"
        " <> regexp_replace(authority.text, '[^@:]', '', 'g')"
        " OR host.text !~ '^(\\[[0-9A-Fa-f:]+\\]|[^][!-,/:-@\\\\^`{|}~]+)(:[0-9]*)?$'"
        " OR host.text ~ ':::|^\\[:?\\]|::.*::'"
        " OR substring(host.text from ':([0-9]+)$')::numeric > 65535",
        model=lambda state: any(not w.url.startswith("https://e") for w in state.webhooks.values()),
    ),
    Rule.of(
        "INV-W5",
        "its creator exists",
        References("webhooks", "created_by", "users", "creator"),
        ("inv_w5__webhooks_creator_exists",),
    ),
    Rule.of(
        "INV-WD1",
        "a delivery's status is one of the four",
        Check(
            "webhook_deliveries",
            "(status IN ('pending', 'retrying', 'delivered', 'failed')) IS NOT TRUE",
        ),
        ("type webhook_delivery_status",),
    ),
    Rule.of(
        "INV-WD2",
        "its webhook exists",
        References("webhook_deliveries", "webhook_id", "webhooks", "webhook"),
        ("inv_wd2__webhook_deliveries_webhook_exists",),
    ),
    Rule.of(
        "INV-WD3",
        "its attempts never exceed max_attempts",
        Check("webhook_deliveries", "attempts > max_attempts", lambda d: d.attempts > d.limit),
        ("inv_wd3__webhook_deliveries_attempts_within_max",),
    ),
    Rule.of(
        "INV-WD4",
        "a delivered one has a delivered_at",
        Check(
            "webhook_deliveries",
            "delivered_at IS NULL AND status = 'delivered'",
            lambda d: d.status == "delivered" and not d.arrived,
        ),
        ("inv_wd4__webhook_deliveries_delivered_has_time",),
    ),
    Rule.of(
        "STATE-DELIVERY",
        "a delivery is inserted pending. transition: pending or retrying → delivered, retrying"
        " or failed; failed → pending (asked for again by hand, with attempts back at 0);"
        " delivered is final",
        Transitions(
            "webhook_deliveries",
            ("pending", "retrying", "delivered", "failed"),
            legal(
                ">pending pending>delivered pending>retrying pending>failed retrying>retrying"
                " retrying>delivered retrying>failed failed>pending"
            ),
            again=frozenset({"retrying"}),
            also="op = 'UPDATE' AND old ->> 'status' = 'failed' AND new ->> 'status' <> 'failed'"
            " AND (new ->> 'attempts')::numeric <> 0",
        ),
        (
            "state_delivery__webhook_deliveries_inserted_pending",
            "state_delivery__webhook_deliveries_status_moves_on",
            "state_delivery__webhook_deliveries_asked_again_from_zero",
        ),
        Holds.TRANSITION,
    ),
    Rule.of(
        "INV-US1",
        "a usage period is YYYY-MM with a real month",
        Check(
            "usage",
            "length(period) <> 7 OR substr(period, 5, 1) <> '-' OR translate(left(period,"
            " 4) || right(period, 2), '0123456789', '') <> '' OR right(period, 2) NOT"
            " BETWEEN '01' AND '12'",
            lambda u: not is_month(u.period),
        ),
        ("inv_us1__usage_period_is_a_month",),
    ),
    Rule.of(
        "INV-US2",
        "renders_count is never negative",
        Check("usage", "renders_count < 0", lambda u: u.renders < 0),
        ("inv_us2__usage_renders_not_negative",),
    ),
    Rule.of(
        "INV-US3",
        "credits_used is never negative",
        Check("usage", "credits_used < 0", lambda u: u.used < 0),
        ("inv_us3__usage_credits_used_not_negative",),
    ),
    Rule.of(
        "INV-US4",
        "an owner has one row a period",
        Unique("usage", ("owner", "period"), ("owner", "period")),
        ("inv_us4__usage_one_row_per_owner_and_period",),
    ),
    Rule(
        "INV-SA1",
        "a system asset's category is one of the four",
        ("system_assets",),
        Holds.ALWAYS,
        ("type system_asset_category",),
        "SELECT id FROM system_assets"
        " WHERE (category IN ('sfx', 'ambient', 'music', 'transition')) IS NOT TRUE",
    ),
    Rule(
        "INV-SA2",
        "its id is asset_<category>_<name>, the name of lower-case letters, digits and underscores",
        ("system_assets",),
        Holds.ALWAYS,
        ("inv_sa2__system_assets_id_names_category",),
        "SELECT id FROM system_assets WHERE NOT starts_with(id, 'asset_' || category::text || '_')"
        " OR length(id) <= length('asset_' || category::text || '_')"
        " OR translate(id, 'abcdefghijklmnopqrstuvwxyz0123456789_', '') <> ''",
    ),
    Rule(
        "INV-SA3",
        "no two system assets share an s3_key",
        ("system_assets",),
        Holds.ALWAYS,
        ("inv_sa3__system_assets_s3_key_unique",),
        repeated("system_assets", "s3_key"),
    ),
    Rule(
        "RET-1",
        "job events are kept 7 days, webhook deliveries 30 days; a function for each deletes"
        " what is older, oldest first, at most as many rows as it is told (10,000 unless told),"
        " without waiting on rows that others hold, and returns how many it deleted",
        ("job_events", "webhook_deliveries"),
        Holds.DERIVED,
        ("function delete_old_job_events", "function delete_old_webhook_deliveries"),
        "SELECT d.old ->> 'id' FROM conformance.fresh d WHERE d.tbl = 'job_events'"
        " AND d.op = 'DELETE' AND d.via LIKE '%delete_old_job_events%'"
        " AND (d.old ->> 'created_at')::timestamptz > d.at - interval '168 hours'"
        " UNION ALL SELECT d.old ->> 'id' FROM conformance.fresh d"
        " WHERE d.tbl = 'webhook_deliveries' AND d.op = 'DELETE'"
        " AND d.via LIKE '%delete_old_webhook_deliveries%'"
        " AND (d.old ->> 'created_at')::timestamptz > d.at - interval '720 hours'",
        locks=True,
    ),
)
