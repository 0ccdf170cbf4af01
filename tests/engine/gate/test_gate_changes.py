"""Changes of pending files beside the data: rights, bodies, and rules between two of them."""

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from conformance.engine.audit.owner import Owner
from conformance.engine.gate import changes, influence
from conformance.engine.gate.files import Files
from conformance.engine.gate.trial import Trial
from conformance.engine.postgres import Request, provision, roles
from conformance.engine.postgres.scratch import Database, Scratch, Template, opened
from conformance.framecast.application import APPLICATION
from tests.support.trials import PLAIN, SUPER, attempted, flipped

MIGRATIONS = Path(__file__).parents[3] / "migrations"
CHECK = "inv_t6__teams_credits_not_negative"
OFF = f"ALTER TABLE teams DROP CONSTRAINT {CHECK}"
ON = f"ALTER TABLE teams ADD CONSTRAINT {CHECK} CHECK (credits >= 0)"
JOBS = "INSERT on public.jobs to framecast_app"


@pytest.fixture(scope="module")
def scratch() -> Iterator[Scratch]:
    """Lend a server of its own: files give the application's role more than others may install."""
    with provision(Request()) as server, opened(server) as scratch:
        yield scratch


@pytest.fixture(scope="module")
def empty_template(scratch: Scratch, tmp_path_factory: pytest.TempPathFactory) -> Template:
    """Make a sealed database with nothing in it, on that server."""
    folder = tmp_path_factory.mktemp("empty")
    (folder / "nothing.sql").write_text("-- nothing\n")
    return scratch.template(folder)


@pytest.fixture
def attempt(scratch: Scratch, folder: Path) -> Callable[..., tuple[Trial, Files]]:
    """Return what tries files on the project's schema, with the rights of a role."""

    def tried(*scripts: str, owner: Owner = SUPER) -> tuple[Trial, Files]:
        return attempted(scratch, folder, *scripts, owner=owner)

    return tried


@pytest.mark.parametrize(
    ("script", "what"),
    [
        ("REVOKE INSERT ON jobs FROM framecast_app", f"{JOBS}: this right is lost on 19 columns"),
        (
            "GRANT ALL ON jobs TO framecast_app",
            "TRUNCATE on public.jobs to framecast_app: this right is new",
        ),
        ("GRANT UPDATE ON jobs TO PUBLIC", "UPDATE on public.jobs to PUBLIC: this right is new"),
        (
            "ALTER TABLE jobs ENABLE ROW LEVEL SECURITY",
            "table public.jobs: hides rows by policies, which its owner does not see",
        ),
        (
            "ALTER FUNCTION framecast.tg_job_events__number() SECURITY INVOKER",
            (
                "function framecast.tg_job_events__number(): runs with the rights of its caller, "
                "and no longer its owner"
            ),
        ),
        (
            "ALTER ROLE framecast_app SET statement_timeout = '20ms'",
            (
                "setting statement_timeout of framecast_app: "
                "begins each session so that what takes longer than 20 ms is ended"
            ),
        ),
        (
            "ALTER ROLE framecast_app SET search_path = pg_catalog",
            (
                "setting search_path of framecast_app: "
                "begins each session so that names do not lead to public"
            ),
        ),
        (
            "ALTER ROLE framecast_app SET role = pg_monitor",
            "setting role of framecast_app: begins each session so that it acts as pg_monitor",
        ),
        ("ALTER ROLE framecast_app BYPASSRLS", "role framecast_app: has BYPASSRLS from now on"),
        (
            "GRANT pg_write_all_data TO framecast_app",
            "membership framecast_app in pg_write_all_data: this membership is new",
        ),
        (
            "ALTER ROLE framecast_app SET session_replication_role = replica",
            (
                "setting session_replication_role of framecast_app: "
                "begins each session so that triggers are silent"
            ),
        ),
        (
            "ALTER ROLE framecast_app SET default_transaction_read_only = on",
            (
                "setting default_transaction_read_only of framecast_app: "
                "begins each session so that nothing can be written"
            ),
        ),
        (
            "ALTER ROLE ALL SET session_replication_role = replica",
            (
                "setting session_replication_role of every role: "
                "begins each session so that triggers are silent"
            ),
        ),
        (
            "GRANT SET ON PARAMETER session_replication_role TO framecast_app",
            "parameter SET on session_replication_role to framecast_app: this right is new",
        ),
        (
            "ALTER DEFAULT PRIVILEGES GRANT INSERT, UPDATE, SELECT ON TABLES TO framecast_app",
            "default on tables to come to framecast_app: these rights are new: INSERT, UPDATE",
        ),
        (
            "ALTER TABLE usage OWNER TO framecast_app",
            "owner of table public.usage: is framecast_app from now on, and was {me}",
        ),
        (
            "CREATE VIEW mine AS SELECT * FROM jobs; GRANT DELETE ON mine TO framecast_app",
            (
                "DELETE on public.mine to framecast_app: "
                "this right is new, and writes through a view"
            ),
        ),
        (
            (
                "CREATE FUNCTION public.purge() RETURNS void LANGUAGE sql SECURITY DEFINER "
                "AS 'DELETE FROM job_events'"
            ),
            ("function public.purge(): does what its owner may, and is new: PUBLIC may call it"),
        ),
    ],
)
def test_rights_are_compared(
    attempt: Callable[..., tuple[Trial, Files]], script: str, what: str
) -> None:
    """A right that is lost, or one more that writes, is a finding until the file waives it."""
    tried, files = attempt(script)
    faults, _ = changes.look(tried.steps, files)
    what = what.format(me=_owner(tried))
    place = _place(what)
    waiving = "\n".join(f"-- waives RIGHT {_place(each.what)}: wanted" for each in faults)
    waived, excused = changes.look(*flipped(attempt(f"{waiving}\n{script}")))

    assert what in [fault.what for fault in faults]
    assert f"-- waives RIGHT {place}: reason" in "".join(fault.remedy for fault in faults)
    assert [] == waived
    assert any(place in note for note in excused)


@pytest.mark.parametrize(("script", "count"), [("UNLOGGED", 1), ("LOGGED", 0)])
def test_a_table_that_a_crash_empties_is_a_finding(
    attempt: Callable[..., tuple[Trial, Files]], script: str, count: int
) -> None:
    """A table that was logged stays so, unless the file says why its data may go."""
    script = f"ALTER TABLE usage SET {script}"
    faults, _ = changes.look(*flipped(attempt(script)))
    waived, notes = changes.look(*flipped(attempt(f"-- waives DATA usage: x\n{script}")))

    assert ["usage: is unlogged: the next crash empties it"] * count == [
        each.what for each in faults
    ]
    assert [] == waived
    assert count == sum("(excuses: is unlogged" in note for note in notes)


def _place(what: str) -> str:
    return what.partition(": ")[0]


def _owner(tried: Trial) -> str:
    return tried.steps[0]["owner", "table public.usage"]


@pytest.mark.parametrize(
    "script",
    [
        "CREATE TABLE news (id int); GRANT ALL ON news TO framecast_app",
        "GRANT SELECT ON jobs TO pg_monitor",
        "ALTER TABLE teams ADD COLUMN motto text",
        "DROP TABLE role_permissions CASCADE",
        (
            "CREATE ROLE framecast_conformance_x; GRANT framecast_app TO framecast_conformance_x;"
            "GRANT pg_read_all_data TO framecast_conformance_x"
        ),
        "ALTER ROLE framecast_app SET statement_timeout = '5s'",
        "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO framecast_app",
        "CREATE VIEW mine AS SELECT * FROM jobs; GRANT SELECT ON mine TO framecast_app",
    ],
)
def test_rights_on_what_is_new_or_gone_are_no_matter(
    attempt: Callable[..., tuple[Trial, Files]], script: str
) -> None:
    """Grants on a new table, to read, or on a dropped object, are nothing to waive."""
    assert [] == changes.look(*flipped(attempt(script)))[0]


def test_a_waiver_of_a_right_that_stays_is_a_finding(
    attempt: Callable[..., tuple[Trial, Files]],
) -> None:
    """A waiver that excuses nothing would hide what comes later."""
    faults, _ = changes.look(*flipped(attempt(f"-- waives RIGHT {JOBS}: wanted\nSELECT 1")))

    assert [f"RIGHT {JOBS}"] == [fault.about for fault in faults]


def test_bodies_that_change_are_shown(attempt: Callable[..., tuple[Trial, Files]]) -> None:
    """A guard whose body a file changes is a note with the difference; so is one that goes."""
    email = (
        "CREATE OR REPLACE FUNCTION framecast.email_key(p_email text) RETURNS text "
        "LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN p_email"
    )
    _, notes = changes.look(*flipped(attempt(f"{email}; {OFF}")))

    assert any(
        note.startswith("900.sql changes function framecast.email_key(text): it lacks")
        and "it has 'RETURN p_email'" in note
        for note in notes
    ), notes
    assert f"900.sql takes away constraint {CHECK} on public.teams" in notes


def test_a_rule_that_is_off_between_two_files_is_told(
    attempt: Callable[..., tuple[Trial, Files]],
) -> None:
    """A rule that one file drops and the next puts back is off where the next one fails."""
    _, notes = changes.look(*flipped(attempt(OFF, "SELECT 1", ON)))

    assert [
        f"INV-T6 is off between {one} and {other}: if that one fails, it stays so; "
        "run both in one transaction: migrate --single-transaction"
        for one, other in (("900.sql", "901.sql"), ("901.sql", "902.sql"))
    ] == [note for note in notes if " is off between " in note]


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("CREATE TABLE x ();\nSET session_replication_role = replica", "900.sql:2"),
        ("ALTER TABLE teams DISABLE TRIGGER ALL", "900.sql:1"),
        ("CREATE ROLE somebody", "900.sql:1"),
        ("CREATE SCHEMA x;\nRESET ROLE; CREATE EXTENSION pageinspect", "900.sql:2"),
    ],
)
def test_files_are_tried_with_the_owners_rights(
    attempt: Callable[..., tuple[Trial, Files]], script: str, said: str
) -> None:
    """An operation that a superuser may do, and the tables' owner may not, is told."""
    tried, _ = attempt(script, owner=PLAIN)

    assert tried.fault is None
    assert tried.denied is not None
    assert said == tried.denied.about
    assert tried.denied.what.startswith("cannot be applied with the rights of mover: ")
    assert attempt(script)[0].denied is None


def test_what_an_owner_may_do_is_not_refused(
    attempt: Callable[..., tuple[Trial, Files]], scratch: Scratch, empty: Database
) -> None:
    """An owner changes tables, functions, types and schemas that are its own; no role stays."""
    script = (
        f"{OFF}; ALTER FUNCTION framecast.email_key(text) COST 2; CREATE SCHEMA x;"
        " ALTER TYPE job_status ADD VALUE 'x'; CREATE TABLE y ();"
        " COMMENT ON SCHEMA framecast IS ''; GRANT SELECT ON users TO framecast_app"
    )
    tried, _ = attempt(script, owner=PLAIN)
    with empty.connect() as conn:
        roles = conn.execute("SELECT rolname FROM pg_roles WHERE rolname LIKE '%\\_owner'")
        left = [name for (name,) in roles if scratch.token in name]

    assert (None, None, ["tried with the rights of mover, too"]) == (
        tried.fault,
        tried.denied,
        tried.notes,
    )
    assert [] == left


def test_roles_that_files_make_go_with_the_copy(
    attempt: Callable[..., tuple[Trial, Files]], empty: Database
) -> None:
    """A file that makes a role, without asking whether it is there, can be tried again."""
    name = "framecast_conformance_metabase"
    script = f"CREATE ROLE {name}; GRANT SELECT ON teams TO {name}"
    mayor = dataclasses.replace(PLAIN, creates_roles=True)
    tried = [attempt(script, owner=owner)[0] for owner in (SUPER, mayor, SUPER)]
    with empty.connect() as conn:
        left = conn.execute("SELECT FROM pg_roles WHERE rolname LIKE '%metabase'").rowcount

    assert [(None, None)] * 3 == [(each.fault, each.denied) for each in tried]
    assert 0 == left


@pytest.mark.parametrize(
    ("script", "what"),
    [
        (
            (
                "CREATE SCHEMA x;\n"
                "CREATE FUNCTION x.f() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN\n"
                "IF current_setting('framecast.import', true) = 'on' THEN RETURN NULL; END IF;\n"
                "RETURN NEW; END$$; CREATE TRIGGER a BEFORE INSERT ON jobs FOR EACH ROW "
                "EXECUTE FUNCTION x.f()"
            ),
            (
                "function x.f() newly reads a setting (current_setting): "
                "IF current_setting('framecast.import', true) = 'on' THEN RETURN NULL; END IF;"
            ),
        ),
        (
            (
                "CREATE OR REPLACE FUNCTION framecast.email_key(p_email text) RETURNS text "
                "LANGUAGE sql STABLE RETURN CASE WHEN current_user = 'x' THEN p_email "
                "ELSE lower(p_email) END"
            ),
            (
                "function framecast.email_key(text) newly reads a role (current_user): "
                "RETURN CASE WHEN (CURRENT_USER = 'x'::name) THEN p_email ELSE lower(p_email) END"
            ),
        ),
        (
            "CREATE POLICY p ON jobs USING (now() > '2027-01-01')",
            "policy p on public.jobs newly reads a clock (now): ",
        ),
        (
            (
                "CREATE TRIGGER a BEFORE INSERT ON jobs FOR EACH ROW "
                "WHEN (random() < 0.01) EXECUTE FUNCTION framecast.tg_job_events__number()"
            ),
            "trigger a on public.jobs newly reads chance (random): ",
        ),
        (
            "CREATE RULE r AS ON DELETE TO jobs DO INSTEAD NOTHING",
            "adds rule r on public.jobs: CREATE RULE r AS ON DELETE TO public.jobs",
        ),
    ],
)
def test_what_a_guard_newly_reads_is_told_by_itself(
    attempt: Callable[..., tuple[Trial, Files]], script: str, what: str
) -> None:
    """A new or changed guard that reads a setting, a role, a clock or chance has its own note."""
    _, notes = changes.look(*flipped(attempt(script)))

    assert any(note.startswith(f"900.sql {what}") for note in notes), notes


def test_what_a_guard_has_read_before_is_no_note(
    attempt: Callable[..., tuple[Trial, Files]],
) -> None:
    """A guard that reads a clock, as it did, is shown with its difference alone."""
    script = "CREATE TABLE news (id int PRIMARY KEY, at timestamptz DEFAULT now())"
    _, notes = changes.look(*flipped(attempt(script)))

    assert [] == notes


def test_what_files_make_of_roles_is_taken_back(
    attempt: Callable[..., tuple[Trial, Files]], empty: Database
) -> None:
    """Roles are the server's: what a file gives to the application's is gone after the trial."""
    with empty.connect() as conn:
        before = roles.facts(conn)
        attempt(
            "ALTER ROLE framecast_app BYPASSRLS; GRANT pg_write_all_data TO framecast_app;"
            "ALTER ROLE framecast_app SET statement_timeout = '5s';"
            "ALTER ROLE ALL SET lock_timeout = '5s';"
            "GRANT SET ON PARAMETER session_replication_role TO framecast_app"
        )
        after = roles.facts(conn)

    def of_ours(facts: roles.Facts) -> dict[tuple[str, str], str]:
        return {key: each[0] for key, each in facts.items() if each[1][0] in {APPLICATION, ""}}

    assert of_ours(before) == of_ours(after)


@pytest.mark.parametrize(
    "script",
    [
        "ALTER ROLE framecast_app BYPASSRLS",
        "GRANT pg_write_all_data TO framecast_app",
        "CREATE SCHEMA x; CREATE FUNCTION x.f() RETURNS int LANGUAGE sql RETURN 1",
    ],
)
def test_what_no_schema_shows_needs_the_suite(
    attempt: Callable[..., tuple[Trial, Files]], script: str
) -> None:
    """A file is not taken to leave the rules alone because the schema looks as it did."""
    assert not influence.leaves_alone(attempt(script)[0].steps)
    assert influence.leaves_alone(attempt("CREATE TABLE t (id int PRIMARY KEY)")[0].steps)
