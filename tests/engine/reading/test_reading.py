"""Guards that a setting, a name or another trigger lifts are found by reading them."""

from collections.abc import Iterator
from typing import Any, Final

import psycopg
import pytest

from conformance.engine.cases.verdicts import Verdict
from conformance.engine.database.sandbox import Sandbox
from conformance.engine.domain.chosen import conventions, domain
from conformance.engine.domain.conventions import Conventions
from conformance.engine.postgres.scratch import Scratch, Template
from conformance.engine.reading.needs import RECORD, written
from conformance.engine.reading.places import needed
from conformance.engine.reading.switches import Switch, switches
from tests.support.rewriting import rechecked, rewritten

CREDITS: Final = "inv_u5__users_credits_not_negative"
FULL: Final = "_300_card_5__jobs_team_has_at_most_5_active"

VIEWS: Final = """
    CREATE VIEW framecast.inner_mode AS SELECT current_setting('x.y', true) AS word;
    CREATE VIEW framecast.mode AS SELECT m.word FROM framecast.inner_mode AS m;
"""
BY_VIEW: Final = "EXISTS (SELECT FROM framecast.mode AS m WHERE m.word = 'on')"
BY_SEQUENCE: Final = "(SELECT last_value FROM framecast.mode) = 7"


def exempted(condition: str) -> str:
    """Return SQL that lets a check pass where a condition holds."""
    return (
        f"ALTER TABLE public.users DROP CONSTRAINT {CREDITS}; ALTER TABLE public.users"
        f" ADD CONSTRAINT {CREDITS} CHECK (credits >= 0 OR {condition})"
    )


def guarded(condition: str) -> str:
    """Return SQL that lets a trigger return at once where a condition holds."""
    return f"""
        DO $do$
        DECLARE
            v_old text := pg_get_functiondef('framecast.tg_teams__has_no_active_jobs'::regproc);
            v_new text := replace(v_old, 'AS $function$
BEGIN', $new$AS $function$
BEGIN
    IF {condition} THEN RETURN OLD; END IF;$new$);
        BEGIN
            ASSERT v_old <> v_new;
            EXECUTE v_new;
        END;
        $do$
    """


def assigning(body: str, event: str = "BEFORE UPDATE") -> str:
    """Return SQL that makes a trigger on users which does this to a row."""
    return f"""
        CREATE FUNCTION framecast.tg_users__tidy() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE
            v_row record;
        BEGIN
            {body}
            RETURN NEW;
        END;
        $$;
        CREATE TRIGGER _100_tidy {event} ON public.users
        FOR EACH ROW EXECUTE FUNCTION framecast.tg_users__tidy()
    """


FLAGGED: Final = "ALTER TABLE public.users ADD is_internal boolean NOT NULL DEFAULT false;"
FLAGS: Final = "CREATE TABLE framecast.flags (name text PRIMARY KEY, is_on boolean);"
IS_ON: Final = """
    CREATE FUNCTION framecast.is_on() RETURNS boolean LANGUAGE sql STABLE
    RETURN EXISTS (SELECT FROM framecast.flags WHERE name = 'open' AND is_on);
"""
ONE: Final = "6f9619ff-8b86-4d01-b42d-00cf4fc964ff"
TIERED: Final = f"""
    ALTER TABLE public.memberships DROP COLUMN user_tier CASCADE;
    ALTER TABLE public.memberships ADD COLUMN user_tier public.user_tier NOT NULL
        GENERATED ALWAYS AS (CASE WHEN team_id = '{ONE}' THEN 'starter'::public.user_tier
            ELSE 'creator' END) STORED;
    ALTER TABLE public.memberships ADD CONSTRAINT inv_u3__memberships_user_is_creator
        FOREIGN KEY (user_id, user_tier) REFERENCES public.users (id, tier)
        ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED;
"""
HASH: Final = "inv_a3__api_keys_hash_unique"
KEYED: Final = f"""
    ALTER TABLE public.api_keys ADD is_test boolean DEFAULT false, DROP CONSTRAINT {HASH},
        ADD CONSTRAINT {HASH} UNIQUE (key_hash, is_test);
"""
# What no rule needs to be asked -> what is said of it, and the rule.
UNNEEDED: Final = {
    exempted("name = 'Acme'"): ("reads column name", "INV-U5"),
    exempted("email LIKE '%@framecast.io'"): ("reads column email", "INV-U5"),
    exempted(f"id = '{ONE}'"): (f"reads the row '{ONE}'", "INV-U5"),
    FLAGGED + exempted("is_internal"): ("reads column is_internal", "INV-U5"),
    exempted("to_jsonb(users) ? 'is_free'"): ("reads the key 'is_free' in JSON", "INV-U5"),
    FLAGS + guarded("EXISTS (SELECT FROM framecast.flags AS f WHERE f.is_on)"): (
        "framecast.tg_teams__has_no_active_jobs() reads table framecast.flags",
        "DEL-1",
    ),
    FLAGS + IS_ON + guarded("framecast.is_on()"): (
        "framecast.is_on() reads table framecast.flags",
        "DEL-1",
    ),
    guarded("EXISTS (SELECT FROM pg_temp.bypass)"): ("reads table pg_temp.bypass", "DEL-1"),
    guarded("EXISTS (SELECT FROM bypass)"): ("reads table bypass", "DEL-1"),
    guarded("EXISTS (SELECT FROM public.usage AS u WHERE u.api_calls = 7)"): (
        "reads table usage",
        "DEL-1",
    ),
    guarded("OLD.name = 'Acme'"): ("reads column name", "DEL-1"),
    guarded("OLD.settings ? 'open'"): ("reads column settings", "DEL-1"),
    guarded("OLD.settings ->> 'open' = 'true'"): ("reads the key 'open' in JSON", "DEL-1"),
    guarded("OLD.settings['open'] = 'true'"): ("reads the key 'open' in JSON", "DEL-1"),
    guarded("jsonb_path_exists(OLD.settings, '$.open')"): ("reads the key '$.open'", "DEL-1"),
    guarded("OLD.settings @> '{\"open\": true}'"): ("reads the key", "DEL-1"),
    guarded("date_trunc('day', OLD.created_at) < OLD.updated_at"): (
        "reads moments rounded by date_trunc()",
        "DEL-1",
    ),
    TIERED: (f"column public.memberships.user_tier reads the row '{ONE}'", "INV-U3"),
    KEYED: (f"index public.{HASH} reads column is_test", "INV-A3"),
}
COPY: Final = """
    CREATE MATERIALIZED VIEW framecast.busy AS
    SELECT j.owner FROM public.jobs AS j WHERE j.status < 'completed';
"""
POLICED: Final = """
    ALTER TABLE public.jobs ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
    CREATE POLICY recent ON public.jobs USING (created_at > '-infinity');
"""
UNNEEDED.update(
    {
        exempted("credits = -999"): ("reads the constant '-999'", "INV-U5"),
        exempted("credits IN (-7, 7)"): ("reads the constant '-7'", "INV-U5"),
        guarded("OLD::text LIKE '%force%'"): ("reads the constant '%force%'", "DEL-1"),
        guarded("OLD::text SIMILAR TO '%sandbox%'"): ("reads the constant '%sandbox%'", "DEL-1"),
        guarded("TG_ARGV[0] = 'soft'"): ("reads the constant 'soft'", "DEL-1"),
        guarded("starts_with(TG_NAME, '_999_lax')"): ("reads the constant '_999_lax'", "DEL-1"),
        guarded("(CASE OLD.name WHEN 'acme' THEN true ELSE false END)"): (
            "reads the constant 'acme'",
            "DEL-1",
        ),
        rewritten(
            "tg_jobs__may_be_made",
            "IF v_is_full THEN",
            "IF v_is_full AND coalesce(NEW.idempotency_key, '') NOT LIKE 'retry-%' THEN",
        ): ("reads the constant 'retry-%'", "CARD-5"),
        rewritten(
            "tg_jobs__may_be_made",
            "IF v_is_full THEN",
            "IF v_is_full AND NOT EXISTS (SELECT FROM public.role_permissions AS rp"
            " WHERE rp.permission = 'jobs.unlimited') THEN",
        ): ("reads the constant 'jobs.unlimited'", "CARD-5"),
        COPY + guarded("NOT EXISTS (SELECT FROM framecast.busy AS b)"): (
            "reads framecast.busy, which is as old as its refresh",
            "DEL-1",
        ),
        "CREATE TABLE public.imported_users () INHERITS (public.users)": (
            "table public.imported_users inherits public.users",
            "INV-U5",
        ),
        POLICED: ("reads public.jobs, of which policies may hide rows", "CARD-5"),
    }
)
TIDY: Final = 'AS $$ SELECT jsonb_populate_record(p, \'{"tier": "starter"}\') $$'
# What an engineer writes -> what is said of it, and a rule that rests on it.
PLANTED: Final = {
    exempted("current_setting('framecast.import', true) = 'on'"): (
        f"check public.users.{CREDITS} reads current_setting('framecast.import')",
        "INV-U5",
    ),
    exempted("session_user = 'importer'"): ("reads SESSION_USER", "INV-U5"),
    exempted("current_user = 'importer'"): ("reads CURRENT_USER", "INV-U5"),
    guarded("pg_trigger_depth() > 1"): (
        "framecast.tg_teams__has_no_active_jobs() reads pg_trigger_depth()",
        "DEL-1",
    ),
    guarded("current_setting('application_name') = 'admin'"): (
        "reads current_setting('application_name')",
        "DEL-1",
    ),
    guarded("pg_has_role('pg_monitor', 'MEMBER')"): ("reads pg_has_role('pg_monitor')", "DEL-1"),
    guarded("EXISTS (SELECT FROM pg_settings WHERE name = 'x.y')"): ("reads pg_settings", "DEL-1"),
    guarded("txid_current() % 2 = 0"): ("reads txid_current()", "DEL-1"),
    guarded("OLD.xmin IS NULL"): ("reads xmin", "DEL-1"),
    guarded("obj_description('framecast'::regnamespace) = 'open'"): (
        "reads obj_description(",
        "DEL-1",
    ),
    guarded("random() < 0.01"): ("reads random()", "DEL-1"),
    guarded("lo_get(42) = 'on'"): ("reads lo_get()", "DEL-1"),
    exempted("now() >= '2027-01-01'"): ("reads the clock, and the day 2027-01-01", "INV-U5"),
    guarded("current_date < date '2027-01-01'"): ("and the day 2027-01-01", "DEL-1"),
    f"CREATE SEQUENCE framecast.mode; {guarded(BY_SEQUENCE)}": ("reads framecast.mode", "DEL-1"),
    f"{VIEWS} {guarded(BY_VIEW)}": (
        "through framecast.inner_mode, reads current_setting('x.y')",
        "DEL-1",
    ),
    "CREATE FUNCTION framecast.is_on(p text DEFAULT current_setting('x.y', true)) RETURNS boolean"
    " LANGUAGE sql RETURN p = 'on';" + guarded("framecast.is_on()"): (
        "framecast.is_on(text) reads current_setting('x.y')",
        "DEL-1",
    ),
    f"ALTER TABLE public.jobs DISABLE TRIGGER {FULL}": (
        f"trigger public.jobs.{FULL} is disabled",
        "CARD-5",
    ),
    f"ALTER TABLE public.jobs ENABLE REPLICA TRIGGER {FULL}": (
        f"trigger public.jobs.{FULL} is off unless session_replication_role is replica",
        "CARD-5",
    ),
    "ALTER FUNCTION public.delete_old_job_events SET session_replication_role = replica": (
        "is run under session_replication_role",
        "RET-1",
    ),
    "CREATE POLICY mine ON public.users USING (current_user = 'x')": (
        "policy public.users.mine reads CURRENT_USER",
        "",
    ),
    "CREATE RULE mine AS ON UPDATE TO public.users DO INSTEAD NOTHING": (
        "rule public.users.mine rewrites every statement of its kind",
        "",
    ),
    exempted("extract(hour FROM now()) = 3"): ("reads the time of the day: extract", "INV-U5"),
    exempted("created_at < '2026-01-01'"): ("reads the day 2026-01-01", "INV-U5"),
    guarded("now()::time > '22:00'"): ("reads the time of the day: the clock's time", "DEL-1"),
    guarded("current_time > '22:00'"): ("reads the time of the day: CURRENT_TIME", "DEL-1"),
    guarded("to_char(now(), 'D') = '1'"): ("reads the time of the day: to_char", "DEL-1"),
    guarded("gen_random_uuid()::text < '1'"): ("reads gen_random_uuid()", "DEL-1"),
    guarded("nextval('framecast.mode') = 7"): ("reads nextval('framecast.mode')", "DEL-1"),
    guarded("pg_backend_pid() % 2 = 0"): ("reads pg_backend_pid()", "DEL-1"),
    guarded("inet_client_addr() IS NULL"): ("reads inet_client_addr()", "DEL-1"),
    guarded("to_regclass('pg_temp.bypass') IS NOT NULL"): ("reads to_regclass(", "DEL-1"),
    f"CREATE FUNCTION framecast.tidied(p public.users) RETURNS public.users LANGUAGE sql {TIDY};"
    + assigning("RETURN framecast.tidied(NEW);"): (
        "which _300_state_user__users_creator_stays_creator watches",
        "STATE-USER",
    ),
    assigning("v_row := NEW; v_row.tier := 'starter'; RETURN v_row;"): (
        "which _300_state_user__users_creator_stays_creator watches",
        "STATE-USER",
    ),
    assigning("NEW.tier := 'starter';"): (
        "assigns tier, which _300_state_user__users_creator_stays_creator watches",
        "STATE-USER",
    ),
    assigning("NEW.email := OLD.name;"): (
        "assigns email, which _300_inv_i7__users_email_not_invited_by_itself watches",
        "INV-I7",
    ),
    assigning("SELECT lower(NEW.email) INTO NEW.email;"): (
        "assigns email, which _300_inv_i7__users_email_not_invited_by_itself watches",
        "INV-I7",
    ),
    assigning("NEW := jsonb_populate_record(NEW, '{}');", "BEFORE INSERT OR UPDATE"): (
        "which _700_inv_u2__users_creator_has_a_team watches",
        "INV-U2",
    ),
    rechecked(
        "system_assets",
        "system_assets_name_at_most_255_characters",
        "char_length(name) <= 255 OR category = 'music' AND description IS NULL",
    ): ("column category", ""),
    assigning("PERFORM pg_advisory_xact_lock(hashtext('teams'));"): (
        "takes pg_advisory_xact_lock()",
        "",
    ),
}
# A count that the schema's own triggers keep.
BOOKS: Final = """
    CREATE TABLE framecast.books (team_id uuid PRIMARY KEY, active integer NOT NULL);
    CREATE FUNCTION framecast.tg_jobs__count() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp AS $$
    BEGIN
        INSERT INTO framecast.books VALUES (framecast.urn_team(NEW.owner), 1)
        ON CONFLICT (team_id) DO UPDATE SET active = 1;
        RETURN NULL;
    END;
    $$;
    CREATE TRIGGER _500_count AFTER INSERT ON public.jobs
    FOR EACH ROW EXECUTE FUNCTION framecast.tg_jobs__count();
"""
ACTIVE: Final = """
    CREATE VIEW framecast.active AS SELECT j.owner FROM public.jobs AS j WHERE j.status < 'failed';
"""
PARTS: Final = """
    CREATE TABLE public.parts (id uuid) PARTITION BY HASH (id);
    CREATE TABLE public.part PARTITION OF public.parts FOR VALUES WITH (MODULUS 1, REMAINDER 0);
"""
# What goes around nothing.
HARMLESS: Final = (
    assigning("NEW.name := btrim(NEW.name);"),
    assigning("NEW.tier := 'starter';", "BEFORE INSERT"),
    assigning("v_row := NEW;"),
    assigning("NEW.tier := NEW.tier;", "BEFORE UPDATE OF tier"),
    exempted("credits > -1"),
    assigning(
        "IF NEW.credits < 0 THEN RAISE '%', (SELECT u.name FROM users AS u WHERE u.id = NEW.id)"
        " USING DETAIL = current_user, HINT = 'x' || (SELECT m.role FROM memberships AS m LIMIT 1);"
        " END IF;"
    ),
    guarded("OLD.id IS NULL AND now() IS NULL"),
    "CREATE EXTENSION citext; CREATE EXTENSION pg_trgm;",
    "CREATE AGGREGATE public.total(integer) (sfunc = int4pl, stype = integer, initcond = '0')",
    "CREATE VIEW public.mine AS SELECT * FROM public.users WHERE name = current_user",
    assigning('NEW."name" := btrim(NEW.name);'),
    (
        "CREATE FUNCTION public.begin_import() RETURNS void LANGUAGE plpgsql"
        " AS 'BEGIN PERFORM pg_advisory_xact_lock(7); END'"
    ),
    assigning("IF NEW.tier > OLD.tier THEN NEW.tier := OLD.tier; END IF;"),
    assigning("RETURN coalesce(NEW, OLD);"),
    assigning("RETURN CASE WHEN NEW.name IS NULL THEN NEW ELSE OLD END;"),
    assigning("-- RETURN v_row;"),
    exempted("credits = 0 AND id IS NOT NULL"),
    guarded("OLD.id IS NULL AND TG_OP = 'UPDATE' AND TG_TABLE_NAME IN ('users', 'teams')"),
    POLICED.partition(", FORCE")[0],
    PARTS,
    rechecked("users", "users_email_is_an_address", "email ~ '^[[:graph:]]+@[a-z0-9.-]+$'"),
    "ALTER TABLE public.jobs ADD region text NOT NULL DEFAULT '' CHECK (region <> 'x')",
    FLAGS + "CREATE VIEW public.shown AS TABLE framecast.flags",
    FLAGS + IS_ON,
    ACTIVE + guarded("EXISTS (SELECT FROM framecast.active AS a WHERE a.owner IS NULL)"),
    BOOKS + guarded("EXISTS (SELECT FROM framecast.books AS b WHERE b.active > 7)"),
    "ALTER TABLE public.teams ADD slug_is_short boolean GENERATED ALWAYS AS (slug = 'a') STORED;"
    + rechecked("teams", "inv_t4__teams_slug_well_formed", "slug_is_short OR slug ~ '^[a-z]+$'"),
)


@pytest.fixture(scope="module")
def owner(scratch: Scratch, template: Template) -> Iterator[psycopg.Connection[Any]]:
    """Connect to a database of this module's own, which nobody changes for good."""
    with scratch.cloned(template, "switch") as database, database.connect() as connection:
        yield connection


def read_after(sql: str, owner: psycopg.Connection[Any]) -> list[Switch]:
    """Return the switches of the schema after a change, which is taken back."""
    with owner.transaction(force_rollback=True):
        owner.execute(sql.encode())
        return switches(owner)


@pytest.mark.parametrize("sql", PLANTED)
def test_a_switch_is_named(sql: str, owner: psycopg.Connection[Any]) -> None:
    """A switch that lifts a rule, or goes around its guard, is named with the rules on it."""
    said, rule = PLANTED[sql]
    found = read_after(sql, owner)

    assert [each for each in found if said in str(each) and (rule in each.rules or not rule)], found


@pytest.mark.parametrize("sql", UNNEEDED)
def test_what_no_rule_needs_is_named(sql: str, owner: psycopg.Connection[Any]) -> None:
    """A column, a table, a key or a row that a rule does not speak of leaves it unproven."""
    said, rule = UNNEEDED[sql]
    found = read_after(sql, owner)

    named = [each for each in found if said in str(each) and rule in each.rules]
    assert [Verdict.UNPROVEN] * len(named) == [each.verdict for each in named]
    assert named, found


def test_what_guards_need_is_what_they_read(owner: psycopg.Connection[Any]) -> None:
    """The recorded needs are what the guards of the schema read, and no more."""
    file = domain().record(RECORD)

    assert file is not None
    assert file.read_text() == written(needed(owner))


@pytest.mark.parametrize("sql", HARMLESS)
def test_what_decides_by_rows_is_no_switch(sql: str, owner: psycopg.Connection[Any]) -> None:
    """A guard that asks rows and the clock, and a trigger that nothing is kept from, are let be."""
    assert [] == read_after(sql, owner)


def test_the_schema_has_none(scratch: Scratch, template: Template) -> None:
    """The schema as it is has no switch but those that are written down, whoever looks on."""
    with (
        scratch.cloned(template, "switch") as database,
        Sandbox(database.conninfo),
        database.connect() as connection,
    ):
        assert [] == switches(connection)


def test_what_is_written_down_is_there(
    owner: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is let be that the schema does not do."""
    let = frozenset(conventions().on_purpose)
    monkeypatch.setattr("conformance.engine.reading.switches.conventions", Conventions)
    found = {(each.place.partition("(")[0], each.reads) for each in switches(owner)}

    assert let == found
