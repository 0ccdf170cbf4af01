"""Data that earlier migrations have added beside the domain: losing them is told."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from conformance.engine.deployment import migrations, waivers
from conformance.engine.deployment.migrations import Migration
from conformance.engine.gate import rehearsal, unknown_data
from conformance.engine.gate.files import Files
from conformance.engine.gate.state import State
from conformance.engine.postgres.scratch import Scratch, Template
from conformance.framecast import states

# A file that was applied, with columns and tables of every kind of type and check.
ADDED = """
ALTER TABLE teams ADD COLUMN motto text;
ALTER TABLE teams ADD COLUMN seats integer NOT NULL DEFAULT 0 CHECK (seats >= 0);
ALTER TABLE jobs ADD COLUMN labels jsonb NOT NULL DEFAULT '{}';
CREATE TYPE mood AS ENUM ('good', 'bad');
CREATE TABLE coupons (
    id integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    code text NOT NULL UNIQUE CHECK (code ~ '^[A-Z]$' OR code LIKE 'k%'),
    percent numeric(3) NOT NULL CHECK (percent BETWEEN 1 AND 100),
    mood mood NOT NULL, starts date, span daterange, tags text[] NOT NULL, at inet, raw bytea,
    spent boolean NOT NULL, settings jsonb, made_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz
);
CREATE TABLE redemptions (
    coupon integer NOT NULL REFERENCES coupons, team uuid REFERENCES teams, at timestamptz,
    PRIMARY KEY (coupon, at)
);
CREATE TABLE visits (page text);
CREATE TABLE stops (id integer PRIMARY KEY, team uuid REFERENCES teams, after integer);
ALTER TABLE stops ADD FOREIGN KEY (after) REFERENCES stops;
CREATE TABLE halts (stop integer NOT NULL REFERENCES stops ON DELETE CASCADE, PRIMARY KEY (stop));
CREATE SCHEMA billing;
CREATE TABLE billing.bills (number bigserial PRIMARY KEY, total numeric NOT NULL CHECK (total > 5));
CREATE TABLE hopeless (word text NOT NULL CHECK (word = md5('no guess')));
"""
SOME = ("a team", "jobs of each kind", "usage and sounds")
SAID = unknown_data.Literals(("billing_email",), ("old one", "kLEGACY"), ("4000",))
UNTRIED = "no row was found for it, and a pending file names it"
CHANGED = "values are not what they were"
STOPPED = "cannot be applied to data that is legal today: 005_x.sql:1: "
NO_ROW = STOPPED + 'check constraint "dear" of relation "coupons" is violated by some row (23514)'
BROKEN = (
    STOPPED + 'new row for relation "coupons" violates check constraint'
    ' "coupons_percent_check" (23514)'
)


@pytest.fixture(scope="module")
def added(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Path:
    """Write the project's migrations and one more."""
    folder = tmp_path_factory.mktemp("added")
    for path in (pytestconfig.rootpath / "migrations").glob("*.sql"):
        (folder / path.name).write_bytes(path.read_bytes())
    (folder / "004_added.sql").write_text(ADDED)
    return folder


@pytest.fixture(scope="module")
def template(scratch: Scratch, added: Path) -> Template:
    """Install them."""
    return scratch.template(added)


@pytest.fixture(scope="module")
def some(scratch: Scratch, template: Template) -> Iterator[list[State]]:
    """Reach a few states of that schema, and those of assets, of which some lie long ago."""
    with scratch.cloned(template, "runs") as database, pytest.MonkeyPatch.context() as patched:
        patched.setattr(states, "MACHINES", ())  # their runs are none of these
        every = states.reached(database, 1, lambda *_: None, SAID)
        yield [each for each in every if each.name in SOME or each.name.startswith("asset")]


@pytest.fixture
def lost(
    scratch: Scratch, template: Template, some: list[State], folder: Path
) -> Callable[[str], set[tuple[str, str]]]:
    """Return what rehearses a migration, and returns what is lost."""

    def rehearse(script: str) -> set[tuple[str, str]]:
        (folder / "005_x.sql").write_text(script)
        pending = migrations.load(folder)
        files = Files((), pending, (), tuple(waivers.of_files(pending)[0]))
        section = rehearsal.tried(scratch, template, files, some)
        assert any(
            note.startswith("no row was found for public.hopeless: ") for note in section.notes
        )
        return {(fault.about, fault.what) for fault in section.faults}

    return rehearse


@pytest.mark.parametrize(
    ("script", "found"),
    [
        ("UPDATE teams SET motto = NULL", {("teams.motto", CHANGED)}),
        ("UPDATE teams SET seats = 0", {("teams.seats", CHANGED)}),
        ("UPDATE jobs SET labels = '{}'", {("jobs.labels", CHANGED)}),
        (
            "DELETE FROM redemptions; DELETE FROM coupons WHERE spent",
            {("coupons", "rows are gone"), ("redemptions", "rows are gone")},
        ),
        (
            "UPDATE coupons SET raw = NULL, span = 'empty'",
            {("coupons.raw", CHANGED), ("coupons.span", CHANGED)},
        ),
        ("DELETE FROM billing.bills", {("billing.bills", "rows are gone")}),
        ("DELETE FROM stops", {("stops", "rows are gone"), ("halts", "rows are gone")}),
        (
            "DELETE FROM asset_files WHERE created_at < now() - interval '1 day'",
            {("asset_files", "rows are gone")},
        ),
        (
            "UPDATE teams SET settings = settings - 'billing_email'",
            {("teams.settings", CHANGED)},
        ),
        (
            "SET session_replication_role = replica; DELETE FROM coupons WHERE mood = 'good'",
            {("coupons", "rows are gone")},
        ),
        ("UPDATE teams SET motto = NULL WHERE motto = 'old one'", {("teams.motto", CHANGED)}),
        (
            "TRUNCATE redemptions; DELETE FROM coupons WHERE code = 'kLEGACY'",
            {("coupons", "rows are gone"), ("redemptions", "rows are gone")},
        ),
        ("DELETE FROM billing.bills WHERE total >= 4000", {("billing.bills", "rows are gone")}),
        ("UPDATE coupons SET updated_at = now()", {("coupons.updated_at", CHANGED)}),
        (
            (
                "SET session_replication_role = replica; "
                "UPDATE teams SET created_at = '2020-01-01', updated_at = '2020-01-02'"
            ),
            {("teams.created_at", CHANGED), ("teams.updated_at", CHANGED)},
        ),
        ("DELETE FROM hopeless", {("hopeless", UNTRIED)}),
        ("-- waives DATA hopeless: it is empty\nDELETE FROM hopeless", set()),
        ("UPDATE teams SET motto = NULL; -- x\n-- waives DATA teams.motto: none is shown", set()),
        ("ALTER SEQUENCE coupons_id_seq RESTART", {("coupons_id_seq", rehearsal.TAKEN)}),
        (
            "SELECT setval('billing.bills_number_seq', 1)",
            {("billing.bills_number_seq", rehearsal.TAKEN)},
        ),
        ("-- waives DATA coupons_id_seq: x\nALTER SEQUENCE coupons_id_seq RESTART WITH 1", set()),
        ("SELECT setval('coupons_id_seq', (SELECT max(id) FROM coupons))", set()),
        ("ALTER SEQUENCE coupons_id_seq RESTART WITH 100000", set()),
        ("UPDATE teams SET seats = seats; CREATE INDEX ON coupons (code)", set()),
        # Whether today's rows keep it is asked of the target's own.
        ("ALTER TABLE coupons ADD CONSTRAINT cheap CHECK (percent < 3)", set()),
        ("ALTER TABLE coupons ALTER starts SET NOT NULL", set()),
        (
            "ALTER TABLE coupons ADD CONSTRAINT cheap CHECK (percent < 3); DELETE FROM redemptions",
            {("redemptions", "rows are gone")},
        ),
        (
            (
                "ALTER TABLE coupons ADD CONSTRAINT cheap CHECK (percent < 3);"
                " ALTER TABLE redemptions DROP CONSTRAINT redemptions_coupon_fkey;"
                " DELETE FROM coupons"
            ),
            {("coupons", "rows are gone")},  # those that it takes were there
        ),
        (
            "ALTER TABLE coupons ADD CONSTRAINT dear CHECK (percent > 100)",
            {("005_x.sql", NO_ROW)},
        ),
        ("UPDATE coupons SET percent = 101", {("005_x.sql", BROKEN)}),
    ],
)
def test_what_others_have_added_is_seen_to(
    lost: Callable[[str], set[tuple[str, str]]], script: str, found: set[tuple[str, str]]
) -> None:
    """Rows and values that the domain knows nothing of are lost to nobody's notice no more."""
    assert found == lost(script)


def test_a_column_of_a_pending_file_may_be_filled(
    scratch: Scratch, template: Template, some: list[State], folder: Path
) -> None:
    """A null of a column that a pending file added is nobody's; a value that one put there is."""
    (folder / "005_x.sql").write_text(
        "ALTER TABLE teams ADD COLUMN slogan text; ALTER TABLE visits ADD COLUMN site text"
    )
    (folder / "006_y.sql").write_text(
        "UPDATE teams SET slogan = motto WHERE slogan IS NULL; UPDATE visits SET site = page"
    )
    pending = migrations.load(folder)
    assert [] == rehearsal.tried(scratch, template, Files((), pending), some).faults
    (folder / "007_z.sql").write_text("UPDATE teams SET slogan = 'none'")
    pending = migrations.load(folder)
    (fault,) = rehearsal.tried(scratch, template, Files((), pending), some).faults
    assert ("teams.slogan", CHANGED) == (fault.about, fault.what)


def test_keys_are_those_that_files_name() -> None:
    """JSON is filled with the keys that a pending file's strings hold."""
    script = "UPDATE t SET a = a #- '{billing,email}'; DO $$ BEGIN x := y - 'theme'; END $$"
    file = Migration(Path("a.sql"), "a.sql", script, "")

    assert {"billing", "email", "theme"} <= set(unknown_data.literals([file]).words)


def test_values_are_those_that_files_name() -> None:
    """Rows are chosen by strings and numbers that a file holds, so some rows have them."""
    script = "DELETE FROM t WHERE a = 'it''s old' AND b > 50 OR c = 1.5; SELECT $$one\ntwo$$"
    said = unknown_data.literals([Migration(Path("a.sql"), "a.sql", script, "")])

    assert (("it's old",), ("50", "51", "49", "1.5")) == (said.strings, said.numbers)
