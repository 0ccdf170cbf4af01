"""The order in which the gate asks: what costs little first, and no suite where that is enough."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from conformance.engine.audit.findings import Section
from conformance.engine.deployment import migrations
from conformance.engine.gate import influence, rehearsal, suite, trial
from conformance.engine.gate.files import Files
from conformance.engine.gate.result import Result, Run
from conformance.engine.migrate import runner
from conformance.engine.postgres import Server
from conformance.engine.postgres.scratch import Database, Scratch, Template
from conformance.framecast.application import APPLICATION
from conformance.framecast.rules import RULES
from tests.support.gating import outcomes, run

MIGRATIONS = Path(__file__).parents[3] / "migrations"
HELD = Result(dict.fromkeys(RULES, "held"))
LOG = (
    "CREATE TABLE notes (a int); CREATE FUNCTION noted() RETURNS trigger LANGUAGE plpgsql "
    "SECURITY DEFINER AS 'BEGIN RETURN NULL; END';"
)
EACH = "FOR EACH ROW EXECUTE FUNCTION noted()"
ALL = ["suite", f"suite as {APPLICATION}"]


@pytest.fixture
def schema(folder: Path) -> Path:
    """Copy the project's migrations."""
    for path in MIGRATIONS.glob("*.sql"):
        (folder / path.name).write_bytes(path.read_bytes())
    return folder


@pytest.fixture
def target(scratch: Scratch, empty_template: Template, schema: Path) -> Iterator[Database]:
    """Lend a database that `migrate` has made."""
    with scratch.cloned(empty_template, "target") as database:
        runner.migrate(database.conninfo, schema, 5, lambda _line: None)
        yield database


@pytest.fixture
def asked(
    target: Database, schema: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[list[int], dict[int, str], list[str]]]:
    """Return what runs the gate on a file, and returns the order, the outcomes and what it cost."""
    cost: list[str] = []

    def rehearsed(*_: object, **__: object) -> Section:
        cost.append("rehearsal")
        return Section(rehearsal.NUMBER, rehearsal.TITLE, asked=True)

    def ran(_files: object, how: Run) -> Result:
        cost.append(f"suite{' as ' * bool(how.role)}{how.role}")
        return HELD

    monkeypatch.setattr(rehearsal, "rehearse", rehearsed)
    monkeypatch.setattr(suite, "run", ran)
    monkeypatch.setattr(suite, "run_once", lambda *each: (ran(*each), False))

    def ask(script: str, *arguments: str) -> tuple[list[int], dict[int, str], list[str]]:
        (schema / "900_next.sql").write_text(script)
        ended = run(target.conninfo, schema, server, *arguments)
        return list(outcomes(ended.out)), outcomes(ended.out), cost

    return ask


def test_what_costs_little_is_asked_first(
    asked: Callable[..., tuple[list[int], dict[int, str], list[str]]],
) -> None:
    """The target's data and what enforces the rules come before rehearsal and suite."""
    order, _, cost = asked("ALTER TABLE public.users ADD COLUMN IF NOT EXISTS motto text;")

    assert [1, 2, 3, 7, 8, 5, 4, 6] == order
    assert ["rehearsal", "suite"] == cost


@pytest.mark.parametrize(
    ("script", "runs"),
    [
        ("COMMENT ON TABLE public.teams IS 'groups'", []),
        ("ALTER TABLE public.teams ADD COLUMN motto text", []),
        ("ALTER TABLE public.users ADD COLUMN motto text", ["suite"]),
        ("ALTER TABLE public.teams ADD COLUMN by text DEFAULT current_user", ALL),
    ],
)
def test_a_suite_is_run_where_it_could_tell(
    asked: Callable[..., tuple[list[int], dict[int, str], list[str]]], script: str, runs: list[str]
) -> None:
    """Not for a comment, and as the role where a change asks who writes."""
    _, found, cost = asked(f"-- squawk-ignore-file\n{script};")

    assert ("ok", "ok") == (found[4], found[6])
    assert ["rehearsal", *runs] == cost


@pytest.mark.parametrize(
    ("script", "number"),
    [
        ("DROP TABLE public.usage;", 3),
        ("-- squawk-ignore-file\nGRANT TRUNCATE ON public.teams TO framecast_app;", 5),
    ],
)
def test_where_something_is_wrong_the_dear_is_left_out(
    asked: Callable[..., tuple[list[int], dict[int, str], list[str]]], script: str, number: int
) -> None:
    """A finding of lint or of rights ends the run early, unless it is to go on."""
    _, found, cost = asked(script)
    early = list(cost)
    _, all_of_it, _ = asked(script, "--keep-going")

    assert "finding" in found[number]
    assert (["not asked"] * 2, []) == ([found[4], found[6]], early)
    assert "not asked" not in all_of_it.values()
    assert ["rehearsal", *ALL] == cost


@pytest.mark.parametrize(
    ("script", "alone"),
    [
        (
            "CREATE TABLE news (id serial PRIMARY KEY, of uuid REFERENCES users, t int UNIQUE)",
            True,
        ),
        ("COMMENT ON TABLE users IS 'people'", True),
        ("CREATE TABLE news (); GRANT INSERT ON news TO framecast_app", True),
        ("CREATE VIEW news AS SELECT name FROM teams", True),
        ("CREATE VIEW v AS TABLE usage; GRANT DELETE ON v TO framecast_app", False),
        ("CREATE VIEW v AS TABLE users; GRANT SELECT ON v TO PUBLIC", False),
        ("CREATE VIEW v AS TABLE users; CREATE ROLE reader; GRANT SELECT ON v TO reader", True),
        ("ALTER TABLE teams ADD COLUMN motto text", True),
        ("ALTER TABLE teams ADD COLUMN x text; GRANT UPDATE (x) ON teams TO framecast_app", True),
        ("ALTER TABLE teams ADD COLUMN v_user_id text", False),  # as a variable is called
        ("ALTER TABLE teams ADD COLUMN motto text DEFAULT ''", False),
        ("ALTER TABLE teams ADD COLUMN motto text CHECK (motto <> '')", False),
        ("CREATE DOMAIN d AS text NOT NULL; ALTER TABLE teams ADD COLUMN motto d", False),
        ("ALTER TABLE job_events ADD COLUMN note text", False),  # a guard compares whole rows
        ("ALTER TABLE users ADD COLUMN note text", False),
        ("CREATE TABLE news () INHERITS (users)", False),
        ("CREATE INDEX ON users (name)", True),  # it has at most 100 characters
        ("CREATE INDEX ON users (lower(email), tier DESC)", True),
        ("CREATE INDEX ON webhooks (url)", False),
        ("CREATE INDEX ON webhooks USING hash (url)", True),
        ("CREATE INDEX ON webhooks USING brin (url)", False),
        ("CREATE INDEX ON teams USING gin (settings jsonb_path_ops)", True),
        ("CREATE EXTENSION btree_gin; CREATE INDEX ON webhooks USING gin (url)", False),
        ("CREATE EXTENSION pg_trgm; CREATE INDEX ON webhooks USING gin (url gin_trgm_ops)", True),
        ("CREATE INDEX ON jobs (created_at) WHERE status = 'queued' AND error IS NULL", True),
        ("CREATE INDEX ON jobs (created_at) WHERE status IN ('queued', 'failed')", True),
        ("CREATE INDEX ON users (id) WHERE 1 / char_length(name) > 0", False),
        ("CREATE INDEX ON jobs (created_at DESC NULLS LAST) INCLUDE (status)", True),
        ("CREATE INDEX ON webhooks (created_at) INCLUDE (url)", False),
        ("CREATE TABLE news (b uuid REFERENCES users, a uuid REFERENCES teams)", True),
        ("CREATE VIEW v AS TABLE usage; GRANT SELECT ON v TO framecast_app", True),
        ("CREATE INDEX ON users (email, name, avatar_url)", False),
        ("CREATE INDEX ON users (upper(name))", False),
        ("ALTER TABLE users DROP CONSTRAINT users_name_at_most_100_characters", False),
        ("CREATE FUNCTION f() RETURNS int LANGUAGE sql RETURN 1", False),
        (f"{LOG} CREATE TRIGGER t AFTER INSERT ON notes {EACH}", True),
        (f"{LOG} CREATE TRIGGER t AFTER INSERT ON teams {EACH}", False),
        (
            f"{LOG} CREATE VIEW v AS TABLE notes; CREATE TRIGGER t AFTER INSERT ON notes {EACH}",
            True,
        ),
        ("CREATE VIEW v AS SELECT 1 AS w; CREATE VIEW w AS SELECT 2 AS v", True),
        ("ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO pg_monitor", True),
        ("GRANT SELECT ON users TO pg_monitor", False),
        ("CREATE TABLE news (); CREATE RULE r AS ON INSERT TO news DO INSTEAD NOTHING", False),
        ("DROP TABLE system_assets", False),
        ("ALTER ROLE framecast_app SET statement_timeout = '30s'", True),
        ("ALTER ROLE ALL SET statement_timeout = '30s'", False),
        ("GRANT framecast_app TO pg_monitor", True),
        ("GRANT pg_monitor TO framecast_app", False),
    ],
)
def test_what_no_rule_can_tell_needs_no_second_suite(
    scratch: Scratch, folder: Path, script: str, alone: bool
) -> None:
    """New tables and comments leave the verdicts as they were; all else may change them."""
    (folder / "a.sql").write_text(script)
    files = Files(migrations.load(MIGRATIONS), migrations.load(folder))

    tried = trial.tried(scratch, files, None)

    assert tried.fault is None
    assert alone == influence.leaves_alone(tried.steps)


def test_the_first_schema_takes_nothing_from_anybody(
    empty: Database, schema: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a database with nothing in it, the files that make the schema open the gate."""
    monkeypatch.setattr(suite, "run", lambda *_: HELD)
    ended = run(empty.conninfo, schema, server, "--keep-going")

    assert "ok" == outcomes(ended.out)[5], ended.out
    assert {"ok"} == {each for number, each in outcomes(ended.out).items() if number != 3}
