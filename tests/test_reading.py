"""Guards that a setting, a name or another trigger lifts are found by reading them."""

from typing import Final

import pytest

from conformance import bodies
from conformance.lab import Lab
from conformance.postgres.scratch import Scratch, Template
from conformance.reading import ON_PURPOSE, switches

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
    assigning("NEW.tier := 'starter';"): (
        "assigns tier, which _300_state_user__users_creator_stays_creator watches",
        "STATE-USER",
    ),
    assigning("SELECT lower(NEW.email) INTO NEW.email;"): (
        "assigns email, which _300_inv_i7__users_email_not_invited_by_itself watches",
        "INV-I7",
    ),
    assigning("NEW := jsonb_populate_record(NEW, '{}');", "BEFORE INSERT OR UPDATE"): (
        "which _700_inv_u2__users_creator_has_a_team watches",
        "INV-U2",
    ),
}
# What goes around nothing.
HARMLESS: Final = (
    assigning("NEW.name := btrim(NEW.name);"),
    assigning("NEW.tier := 'starter';", "BEFORE INSERT"),
    assigning("v_row := NEW;"),
    assigning("NEW.tier := NEW.tier;", "BEFORE UPDATE OF tier"),
    exempted("credits > -1"),
    guarded("OLD.credits < 0 AND now() < OLD.created_at"),
    "CREATE EXTENSION citext; CREATE EXTENSION pg_trgm;",
    "CREATE AGGREGATE public.total(integer) (sfunc = int4pl, stype = integer, initcond = '0')",
    "CREATE VIEW public.mine AS SELECT * FROM public.users WHERE name = current_user",
    assigning('NEW."name" := btrim(NEW.name);'),
)


@pytest.mark.parametrize("sql", PLANTED)
def test_a_switch_is_named(sql: str, scratch: Scratch, template: Template) -> None:
    """What lifts a rule, or goes around its guard, is named with the rules that rest on it."""
    said, rule = PLANTED[sql]
    with scratch.cloned(template, "switch") as database, database.connect() as connection:
        connection.execute(sql.encode())
        found = switches(connection)

    assert [each for each in found if said in str(each) and (rule in each.rules or not rule)], found


@pytest.mark.parametrize("sql", HARMLESS)
def test_what_decides_by_rows_is_no_switch(sql: str, scratch: Scratch, template: Template) -> None:
    """A guard that asks rows and the clock, and a trigger that nothing is kept from, are let be."""
    with scratch.cloned(template, "switch") as database, database.connect() as connection:
        connection.execute(sql.encode())
        assert [] == switches(connection)


def test_the_schema_has_none(scratch: Scratch, template: Template) -> None:
    """The schema as it is has no switch but those that are written down, whoever looks on."""
    with (
        scratch.cloned(template, "switch") as database,
        Lab(database.conninfo),
        database.connect() as connection,
    ):
        assert [] == switches(connection)


def test_what_is_written_down_is_there(
    scratch: Scratch, template: Template, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is let be that the schema does not do."""
    let = frozenset(ON_PURPOSE)
    monkeypatch.setattr("conformance.reading.ON_PURPOSE", {})
    with scratch.cloned(template, "switch") as database, database.connect() as connection:
        found = {(each.place.partition("(")[0], each.reads) for each in switches(connection)}

    assert let == found


def test_a_body_is_read() -> None:
    """What SQL does is read from its text: tables but no CTE, writes, locks, calls, assignments."""
    body = (
        "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " WITH w AS (SELECT a FROM b) INSERT INTO c SELECT f(a) FROM w;"
        " PERFORM FROM d FOR UPDATE; NEW.e := 1; SELECT 2 INTO NEW.g;"
        " IF session_user = 'x' THEN EXECUTE 'SELECT 1'; END IF; RETURN NEW;"
        " EXCEPTION WHEN others THEN RETURN NULL; END $$"
    )
    reading = bodies.of_function("plpgsql", body, "", None)

    assert {"b", "c", "d"} == reading.tables
    assert {"c"} == reading.written
    assert {"f()"} == set(map(str, reading.calls))
    assert {"e", "g"} == reading.assigns
    assert {"SESSION_USER"} == reading.values
    assert (True, True, True) == (reading.locks, reading.is_made_up, reading.catches)


def test_what_cannot_be_read_is_said() -> None:
    """Text that is no SQL, and a language that is not ours to read, may do anything."""
    assert bodies.of_function("plperl", "", "whatever", None).is_made_up
    assert bodies.of_expression("no expression at all").is_made_up
