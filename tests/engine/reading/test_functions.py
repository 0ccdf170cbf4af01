"""Functions that are not what they declare are found, by reading and by asking twice."""

from collections.abc import Iterator
from typing import Final

import pytest

from conformance.engine.audit.target import Connection
from conformance.engine.cases.case_runner import CaseRunner
from conformance.engine.cases.scenario import Fact, Scenario
from conformance.engine.cases.verdicts import Finding, Verdict
from conformance.engine.database.sandbox import Sandbox
from conformance.engine.postgres.scratch import Scratch, Template
from conformance.engine.reading.functions import mismatches
from conformance.engine.sql.writes import Insert, Path, Sql, Update
from conformance.framecast.rules import RULES
from strategies.world import World

VALID: Final = "public.api_key_is_valid(uuid, timestamptz)"
BEGUN: Final = """
    SET search_path = pg_catalog, pg_temp AS $$
    DECLARE
        v_next timestamptz := p_at;
    BEGIN
        v_next := v_next + interval '1 day';
        RETURN 'x';
    END;
    $$
"""


def key_of(body: str, language: str = "sql") -> str:
    """Return SQL by which the validity of a key rests on a function of a time."""
    return f"""
        CREATE FUNCTION framecast.key_of(p_at timestamptz) RETURNS text
        LANGUAGE {language} IMMUTABLE {body};
        COMMENT ON FUNCTION framecast.key_of IS 'INV-A5: an expired key is not valid'
    """


# What an engineer changes -> what is said of it, and a rule that rests on it.
PLANTED: Final = {
    f"ALTER FUNCTION {VALID} IMMUTABLE": ("IMMUTABLE, and reads public.api_keys", "INV-A4"),
    "ALTER FUNCTION public.role_has_permission IMMUTABLE": (
        "IMMUTABLE, and reads public.role_permissions",
        "PERM-1",
    ),
    "ALTER FUNCTION framecast.lock_users STABLE": (
        "STABLE, and writes framecast.user_guards",
        "INV-U2",
    ),
    "ALTER FUNCTION framecast.tg__no_open_invitation_for_member STABLE": (
        "STABLE, and calls ",
        "INV-I8",
    ),
    "ALTER FUNCTION framecast.snapshot_is_old IMMUTABLE": (
        "IMMUTABLE, and calls current_setting('transaction_isolation')",
        "DEL-1",
    ),
    "ALTER FUNCTION framecast.lock_users PARALLEL SAFE": (
        "PARALLEL SAFE, and writes framecast.user_guards",
        "INV-U2",
    ),
    "ALTER FUNCTION public.delete_old_job_events STRICT": (
        "STRICT, and a parameter is null unless it is given",
        "RET-1",
    ),
    f"ALTER FUNCTION {VALID} STRICT": ("STRICT, and would answer false where p_at is", "INV-A5"),
    "ALTER FUNCTION public.role_has_permission STRICT": (
        "STRICT, and would answer false where p_permission is null",
        "PERM-1",
    ),
    key_of("RETURN (p_at AT TIME ZONE 'UTC' + (p_at - p_at::date))::text"): (
        "IMMUTABLE, and uses date(timestamp with time zone), STABLE",
        "INV-A5",
    ),
    key_of("RETURN p_at::text"): (
        "IMMUTABLE, and uses the cast of timestamp with time zone to text, STABLE",
        "INV-A5",
    ),
    key_of("AS $$ SELECT p_at::text $$ SET search_path = ''"): (
        "IMMUTABLE, and uses the cast of timestamp with time zone to text, STABLE",
        "INV-A5",
    ),
    key_of(BEGUN, "plpgsql"): (
        "IMMUTABLE, and uses timestamptz_pl_interval(timestamp with time zone,interval), STABLE",
        "INV-A5",
    ),
    "ALTER FUNCTION framecast.tg_jobs__states RESET search_path": (
        "without a search_path, and finds what it names where its caller says",
        "INV-J2",
    ),
    "ALTER FUNCTION framecast.tg_jobs__states SET search_path = pg_temp, pg_catalog": (
        "SET search_path = pg_temp, pg_catalog, and finds temporary tables first",
        "STATE-JOB",
    ),
    "GRANT CREATE ON SCHEMA public TO PUBLIC;"
    "ALTER FUNCTION framecast.tg_jobs__states SET search_path = public, pg_temp": (
        "anybody may put objects in public",
        "STATE-JOB",
    ),
    "CREATE FUNCTION framecast.one_by_one() RETURNS void LANGUAGE plpgsql SET search_path = ''"
    " AS $$ BEGIN PERFORM pg_advisory_lock(1); END; $$;"
    "COMMENT ON FUNCTION framecast.one_by_one IS 'CARD-5: one job at a time'": (
        "of a transaction, and keeps the lock of pg_advisory_lock when that ends",
        "CARD-5",
    ),
    "CREATE ROLE weak_owner; GRANT CREATE ON SCHEMA framecast TO weak_owner;"
    "ALTER FUNCTION framecast.tg_jobs__may_be_made OWNER TO weak_owner": (
        "SECURITY DEFINER, and its owner weak_owner does not own framecast.team_guards",
        "CARD-5",
    ),
}


@pytest.fixture
def connection(scratch: Scratch, template: Template) -> Iterator[Connection]:
    """Yield a connection to the schema, whose changes nobody else sees."""
    with (
        scratch.cloned(template, "functions") as database,
        database.connect() as connection,
        connection.transaction(force_rollback=True),
    ):
        yield connection


@pytest.mark.parametrize("sql", PLANTED)
def test_a_function_that_is_not_what_it_declares_is_named(sql: str, connection: Connection) -> None:
    """A function's false declaration is named, with the rules that rest on it."""
    said, rule = PLANTED[sql]
    connection.execute(sql.encode())
    found = mismatches(connection)

    assert [each for each in found if said in str(each) and rule in each.rules], found


@pytest.mark.parametrize(("rights", "found"), [("INVOKER", 0), ("DEFINER", 1)])
def test_a_product_function_may_look_where_its_caller_says(
    rights: str, found: int, connection: Connection
) -> None:
    """With its caller's rights, and with no rule on it, it needs no search_path of its own."""
    connection.execute(
        "CREATE TABLE public.coupons (cents integer);"
        "CREATE FUNCTION public.total() RETURNS bigint LANGUAGE sql STABLE"
        " AS $$ SELECT sum(cents) FROM public.coupons $$"
    )
    connection.execute(f"ALTER FUNCTION public.total() SECURITY {rights}".encode())
    told = mismatches(connection)

    assert found == len([each for each in told if "without a search_path" in str(each)])
    assert found == len(told)


def test_a_lock_that_is_given_back_is_no_fault(connection: Connection) -> None:
    """A function that takes a lock of its session and releases it keeps nothing."""
    connection.execute(
        "CREATE FUNCTION framecast.one_by_one() RETURNS void LANGUAGE plpgsql"
        " SET search_path = '' AS $$ BEGIN PERFORM pg_advisory_lock(1);"
        " PERFORM pg_advisory_unlock(1); END; $$"
    )
    assert [] == mismatches(connection)


def test_the_schema_declares_what_it_does(scratch: Scratch, template: Template) -> None:
    """Every function of the schema as it is does what it declares."""
    with scratch.cloned(template, "functions") as database, database.connect() as connection:
        assert [] == mismatches(connection)


def test_the_same_question_may_not_be_answered_from_an_old_plan(
    scratch: Scratch, template: Template
) -> None:
    """A function that is folded into a plan is found by asking again, and psql shows it."""
    world = World()
    key = world.insert("api_keys", world.a_key(world.starter()))
    revoked = Update("api_keys", {"id": key["id"]}, {"revoked_at": Sql("now()")}, key)
    ask = f"SELECT public.api_key_is_valid('{key['id']}', timestamptz '2026-01-01 UTC')"
    scenario = Scenario(
        given=(tuple(world.given),),
        legal=((revoked,),),
        facts=(Fact(ask, expected=False, side=False),),
    )
    with scratch.cloned(template, "plans") as database, Sandbox(database.conninfo) as sandbox:
        case_runner = CaseRunner(sandbox, RULES["INV-A4"], Path.UPDATE)
        case_runner.run(scenario)
        sandbox.owner.fetch_all(f"ALTER FUNCTION {VALID} IMMUTABLE")
        for _ in range(2):  # plans of one scenario are not those of the next
            with pytest.raises(Finding) as caught:
                case_runner.run(scenario)

    finding = caught.value
    assert (Verdict.BROKEN, "INV-A4") == (finding.verdict, finding.rule)
    assert "True, from a plan made before" == finding.observed
    assert f"PREPARE fact_0 AS {ask};\nBEGIN;\nEXECUTE fact_0;\nROLLBACK;\n" in finding.script
    assert finding.script.endswith("EXECUTE fact_0;  -- expected: False\n")


def test_what_cannot_be_asked_before_is_asked_after(scratch: Scratch, template: Template) -> None:
    """A question that fails on the first state is asked plainly, and what it did is taken back."""
    world = World()
    user = world.a_starter()
    facts = (
        Fact("SELECT 1 / (SELECT count(*) FROM public.users)", 1),
        Fact("SELECT public.delete_old_job_events()", 0, side=False),
    )
    scenario = Scenario((), ((Insert("users", (user,)),),), facts=facts, because="no violation")
    with scratch.cloned(template, "plans") as database, Sandbox(database.conninfo) as sandbox:
        CaseRunner(sandbox, RULES["INV-U5"], Path.INSERT).run(scenario)


def test_what_could_not_be_called_has_done_nothing(scratch: Scratch, template: Template) -> None:
    """A change by a function that is missing is not broken: nothing was tried."""
    facts = (
        Fact("SELECT public.delete_old_job_events()", 1),
        Fact("SELECT count(*) FROM public.users", 0, side=False),
    )
    scenario = Scenario(
        (), ((Insert("users", (World().a_starter(),)),),), facts=facts, because="no violation"
    )
    with scratch.cloned(template, "plans") as database, Sandbox(database.conninfo) as sandbox:
        sandbox.owner.fetch_all("DROP FUNCTION public.delete_old_job_events")
        case_runner = CaseRunner(sandbox, RULES["RET-1"], Path.INSERT)
        case_runner.findings.wait()
        case_runner.run(scenario)

    assert [Verdict.UNPROVEN] == [each.verdict for each in case_runner.met]
