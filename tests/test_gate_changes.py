"""Changes of pending files beside the data: rights, bodies, and rules between two of them."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest

from conformance.audit.owner import Owner
from conformance.deployment import waivers
from conformance.gate import changes, trial
from conformance.gate.files import Files
from conformance.gate.trial import Trial
from conformance.migrate import migrations
from conformance.postgres.scratch import Database, Scratch

MIGRATIONS = Path(__file__).parent.parent / "migrations"
PLAIN = Owner(
    "mover",
    superuser=False,
    creates_roles=False,
    bypasses_policies=False,
    creates_schemas=True,
    creates_in_public=True,
    member=False,
    administers=False,
)
SUPER = dataclasses.replace(PLAIN, superuser=True)
CHECK = "inv_t6__teams_credits_not_negative"
OFF = f"ALTER TABLE teams DROP CONSTRAINT {CHECK}"
ON = f"ALTER TABLE teams ADD CONSTRAINT {CHECK} CHECK (credits >= 0)"
JOBS = "INSERT on public.jobs to framecast_app"


@pytest.fixture
def attempt(scratch: Scratch, folder: Path) -> Callable[..., tuple[Trial, Files]]:
    """Return what tries files on the project's schema, with the rights of a role."""

    def tried(*scripts: str, owner: Owner = SUPER) -> tuple[Trial, Files]:
        for number, script in enumerate(scripts):
            (folder / f"{900 + number}.sql").write_text(script)
        pending = migrations.load(folder)
        waived, wrong = waivers.of_files(pending)
        assert [] == wrong
        files = Files(migrations.load(MIGRATIONS), pending, (), tuple(waived))
        return trial.tried(scratch, files, owner), files

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
    ],
)
def test_rights_are_compared(
    attempt: Callable[..., tuple[Trial, Files]], script: str, what: str
) -> None:
    """A right that is lost, or one more that writes, is a finding until the file waives it."""
    tried, files = attempt(script)
    faults, _ = changes.look(tried.steps, files)
    place = what.rpartition(": ")[0]
    waiving = "\n".join(f"-- waives RIGHT {_place(each.what)}: wanted" for each in faults)
    waived, excused = changes.look(*_flipped(attempt(f"{waiving}\n{script}")))

    assert what in [fault.what for fault in faults]
    assert f"-- waives RIGHT {place}: reason" in "".join(fault.remedy for fault in faults)
    assert [] == waived
    assert any(place in note for note in excused)


def _place(what: str) -> str:
    return what.rpartition(": ")[0]


def _flipped(tried: tuple[Trial, Files]) -> tuple[list[dict[tuple[str, str], str]], Files]:
    return tried[0].steps, tried[1]


@pytest.mark.parametrize(
    "script",
    [
        "CREATE TABLE news (id int); GRANT ALL ON news TO framecast_app",
        "GRANT SELECT ON jobs TO pg_monitor",
        "ALTER TABLE teams ADD COLUMN motto text",
        "DROP TABLE role_permissions CASCADE",
    ],
)
def test_rights_on_what_is_new_or_gone_are_no_matter(
    attempt: Callable[..., tuple[Trial, Files]], script: str
) -> None:
    """Grants on a new table, to read, or on a dropped object, are nothing to waive."""
    assert [] == changes.look(*_flipped(attempt(script)))[0]


def test_a_waiver_of_a_right_that_stays_is_a_finding(
    attempt: Callable[..., tuple[Trial, Files]],
) -> None:
    """A waiver that excuses nothing would hide what comes later."""
    faults, _ = changes.look(*_flipped(attempt(f"-- waives RIGHT {JOBS}: wanted\nSELECT 1")))

    assert [f"RIGHT {JOBS}"] == [fault.about for fault in faults]


def test_bodies_that_change_are_shown(attempt: Callable[..., tuple[Trial, Files]]) -> None:
    """A guard whose body a file changes is a note with the difference; so is one that goes."""
    email = (
        "CREATE OR REPLACE FUNCTION framecast.email_key(p_email text) RETURNS text "
        "LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN p_email"
    )
    _, notes = changes.look(*_flipped(attempt(f"{email}; {OFF}")))

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
    _, notes = changes.look(*_flipped(attempt(OFF, "SELECT 1", ON)))

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
