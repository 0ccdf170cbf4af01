"""Roles and extensions that only the target has: what stands in for them on a scratch server."""

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from conformance.engine.audit.owner import Owner
from conformance.engine.audit.target import Limits, examine, reading
from conformance.engine.deployment import migrations, stand_ins
from conformance.engine.deployment.migrations import Migration
from conformance.engine.gate import powers, trial
from conformance.engine.gate.files import Files
from conformance.engine.gate.trial import Trial
from conformance.engine.postgres import Server
from conformance.engine.postgres.scratch import Database, Scratch, Template, opened
from tests.support.gating import run
from tests.support.trials import attempted

MIGRATIONS = Path(__file__).parents[3] / "migrations"
READER = "framecast_conformance_reports"
OWNER = Owner(
    "framecast_conformance_keeper",
    superuser=False,
    creates_roles=False,
    bypasses_policies=False,
    creates_schemas=True,
    creates_in_public=True,
    member=False,
    administers=False,
)
GRANTED = f"GRANT SELECT ON teams TO {READER}"
ABSENT = (
    "CREATE EXTENSION IF NOT EXISTS pg_absent;\nCOMMENT ON EXTENSION pg_absent IS 'x';\nSELECT 1"
)


def script(text: str, name: str = "900.sql") -> Migration:
    """Make a file of a text."""
    return Migration(Path(name), name, text, "")


@pytest.mark.parametrize(
    ("text", "applied", "found"),
    [
        (GRANTED, 0, [READER]),
        (f"DO $$ BEGIN EXECUTE 'GRANT {READER} TO x'; END $$", 0, [READER]),
        (f"ALTER TABLE t OWNER TO {READER}", 0, [READER]),
        (f"CREATE ROLE {READER}; {GRANTED}", 1, []),
        (f"DO $$ BEGIN CREATE ROLE {READER}; END $$; {GRANTED}", 1, []),
        (f"CREATE ROLE {READER}; {GRANTED}", 0, [READER]),
        (f'GRANT SELECT ON t TO "{READER}"', 0, [READER]),
        (f"-- GRANT SELECT ON t TO {READER}\nSELECT 1", 0, []),
        (f"SELECT '{READER}'", 0, []),
    ],
)
def test_roles_are_those_that_files_name(text: str, applied: int, found: list[str]) -> None:
    """A role of the target is stood in for where a file gives it something, and only there."""
    assert found == stand_ins.roles([script(text)], [READER, "other"], applied)


def test_what_is_left_out_leaves_the_lines() -> None:
    """Statements about an extension that is missing go; others stay in their lines."""
    left = stand_ins.without_extensions(script(ABSENT), ["pg_absent"])

    assert ["", "", "SELECT 1"] == [line.strip("; ") for line in left.sql.split("\n")]
    assert ABSENT == stand_ins.without_extensions(script(ABSENT), ["other"]).sql


KNOWN = ["compression lz4", "compression pglz", "tablespace fast", "pg_trgm"]
HERE = ["compression pglz", "pg_trgm", "tablespace pg_default"]


@pytest.mark.parametrize(
    ("text", "made", "name"),
    [
        ("CREATE TABLE t (a text COMPRESSION lz4)", "(a text COMPRESSION default)", KNOWN[0]),
        ("ALTER TABLE t ALTER a SET COMPRESSION LZ4", "SET COMPRESSION default", KNOWN[0]),
        ("SET default_toast_compression = 'lz4'", "= 'pglz'", KNOWN[0]),
        ("SET LOCAL default_toast_compression TO lz4", "TO 'pglz'", KNOWN[0]),
        ("CREATE INDEX i ON t (a) TABLESPACE fast", "TABLESPACE pg_default", KNOWN[2]),
        ('ALTER TABLE t SET TABLESPACE "fast"', "SET TABLESPACE pg_default", KNOWN[2]),
        ("SET default_tablespace = fast", "= ''", KNOWN[2]),
        ("ALTER TABLE t ALTER a SET COMPRESSION pglz", "SET COMPRESSION pglz", ""),
        ("ALTER TABLE t ALTER a SET COMPRESSION lz5", "SET COMPRESSION lz5", ""),
        ("DROP TABLESPACE fast", "DROP TABLESPACE fast", ""),
        ("SELECT 'COMPRESSION lz4' -- COMPRESSION lz4", "'COMPRESSION lz4' -- COMPRESSION", ""),
    ],
)
def test_how_a_table_is_stored_is_stood_in_for(text: str, made: str, name: str) -> None:
    """What the target alone has is left to the default, with a note; a mistyped one stays."""
    _, [pending], notes = stand_ins.on(HERE, ((), [script(text)]), (), KNOWN)

    assert made in pending.sql
    assert [f"{name} is not on the scratch server: the default stands in for it"] * bool(name) == (
        notes
    )


@pytest.fixture
def attempt(scratch: Scratch, folder: Path) -> Callable[..., Trial]:
    """Return what tries a file for a target that has more than the scratch server."""

    def tried(text: str, owner: Owner | None = None, applied: str = "") -> Trial:
        (folder / "900.sql").write_text(text)
        files = [*migrations.load(MIGRATIONS)]
        files += [script(applied, "004.sql")] * bool(applied)
        made, pending, notes = stand_ins.on(
            scratch.extensions(),
            (files, migrations.load(folder)),
            [READER, OWNER.name],
            ["pg_absent"],
        )
        attempt = trial.tried(scratch, Files(made, pending), owner)
        attempt.notes += notes
        return attempt

    return tried


@pytest.mark.parametrize("text", [GRANTED, ABSENT, f"ALTER TABLE usage OWNER TO {READER}"])
def test_files_are_tried_with_stand_ins(attempt: Callable[..., Trial], text: str) -> None:
    """A grant to a role of the target, and an extension that is not here, can be tried; as told."""
    tried = attempt(text)

    assert None is tried.fault
    assert [True] == [
        "stands in for" in note or "not on the scratch server" in note for note in tried.notes
    ]


def test_what_files_make_themselves_is_not_stood_in_for(attempt: Callable[..., Trial]) -> None:
    """A role that a pending file makes, and the target has, is told with its line."""
    again = attempt(f"SELECT 1;\nCREATE ROLE {READER}").fault

    assert again is not None
    assert (again.about, "already exists" in again.what) == ("900.sql:2", True)


def test_a_mistyped_role_is_told(attempt: Callable[..., Trial]) -> None:
    """A role that nobody has, neither the target nor a file, is an error with its line."""
    fault = attempt("GRANT SELECT ON teams TO framecats_app").fault

    assert fault is not None
    assert ("900.sql:1", True) == (fault.about, "does not exist" in fault.what)


def test_what_is_given_to_the_owner_is_tried_as_the_owner(attempt: Callable[..., Trial]) -> None:
    """A file that gives a table to the role which migrates is no more than that role may do."""
    tried = attempt(f"CREATE TABLE news (); ALTER TABLE news OWNER TO {OWNER.name}", OWNER)

    assert (None, None) == (tried.fault, tried.denied)


def test_an_extension_is_the_providers_to_allow(attempt: Callable[..., Trial]) -> None:
    """On a managed server its own role makes extensions: that the owner may not is no finding."""
    text = "CREATE EXTENSION pageinspect; SELECT 1"
    managed = attempt(text, dataclasses.replace(OWNER, managed=True))

    assert None is managed.denied
    assert any("extension pageinspect is its provider's to say" in each for each in managed.notes)
    assert attempt(text, OWNER).denied is not None


def test_stand_ins_go_with_the_run(server: Server, folder: Path) -> None:
    """A role that was made for a run is not there after it; one that was there before stays."""
    made, kept = f"{READER}_made", f"{READER}_kept"
    (folder / "a.sql").write_text(f"DO $$ BEGIN CREATE ROLE {made}; END $$; GRANT {made} TO {kept}")
    asked = "SELECT rolname FROM pg_roles WHERE rolname ~ '_reports_(made|kept)$'"
    with psycopg.connect(server.conninfo, autocommit=True) as conn:
        conn.execute(f"CREATE ROLE {kept}".encode())
        with opened(dataclasses.replace(server, owned=False)) as scratch:
            scratch.template(folder)
            during = {name for (name,) in conn.execute(asked)}
        after = {name for (name,) in conn.execute(asked)}
        conn.execute(f"DROP ROLE {kept}".encode())

    assert ({made, kept}, {kept}) == (during, after)


@pytest.fixture
def granted(scratch: Scratch, folder: Path) -> Iterator[tuple[Database, Path]]:
    """Lend a database whose reports are read by a role of its own, as an applied file says."""
    role = f"{READER}_own"
    for path in MIGRATIONS.glob("*.sql"):
        (folder / path.name).write_bytes(path.read_bytes())
    with scratch.cloned(scratch.template(folder), "named") as database, database.connect() as conn:
        (folder / "900.sql").write_text(f"GRANT SELECT ON teams TO {role}")
        conn.execute(f"CREATE ROLE {role}; GRANT SELECT ON teams TO {role}".encode())
        yield database, folder
        conn.execute(f"DROP OWNED BY {role}; DROP ROLE {role}".encode())


def test_a_target_says_which_roles_and_extensions_it_has(
    granted: tuple[Database, Path], server: Server
) -> None:
    """A role that the target has is asked with everything else; a file that names it is audited."""
    database, folder = granted
    with reading(database.conninfo, Limits()) as conn:
        target = examine(conn)
    ended = run(database.conninfo, folder, server, command="audit")

    assert f"{READER}_own" in target.roles
    assert "plpgsql" in target.extensions
    assert 0 == ended.code, ended.out


def test_who_owns_the_database_may_set_what_it_begins_with(scratch: Scratch, folder: Path) -> None:
    """A database's own settings are its owner's to change, on the copy as on the target."""
    change = "format($f$ALTER DATABASE %I SET work_mem = '8MB'$f$, current_database())"
    script = f"DO $$ BEGIN EXECUTE {change}; END $$"
    owner = dataclasses.replace(OWNER, owns_database=True)
    alone, theirs = (attempted(scratch, folder, script, owner=each)[0] for each in (OWNER, owner))

    assert alone.denied is not None
    assert None is theirs.denied
    assert None is theirs.fault


def test_a_partitioned_table_is_its_owners_to_change(scratch: Scratch, folder: Path) -> None:
    """Tables that are divided, and their partitions, are the owner's on the copy as well."""
    (folder / "900.sql").write_text(
        "CREATE TABLE days (day integer NOT NULL) PARTITION BY RANGE (day);"
        "CREATE TABLE early PARTITION OF days FOR VALUES FROM (0) TO (9);"
    )
    (folder / "901.sql").write_text(
        "ALTER TABLE days DETACH PARTITION early; ALTER TABLE early ADD note text"
    )
    made, change = migrations.load(folder)
    files = Files((*migrations.load(MIGRATIONS), made), (change,), (), ())

    assert None is trial.tried(scratch, files, OWNER).denied


def test_what_an_extension_brings_is_not_told_one_by_one(
    scratch: Scratch, empty_template: Template
) -> None:
    """Operators and casts of an extension go with it."""
    own = "CREATE OPERATOR === (LEFTARG = int, RIGHTARG = int, FUNCTION = int4eq)"
    with scratch.cloned(empty_template, "extended") as database, database.connect() as conn:
        conn.execute("CREATE EXTENSION btree_gist")
        conn.execute(own.encode())
        found = [name for kind, name in powers.describe(conn, "") if kind == "operator"]

    assert ["===(integer,integer)"] == found
