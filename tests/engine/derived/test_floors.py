"""Floors on a schema that only these tests know: what follows from `AtLeast`, and what it finds."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest
from hypothesis import settings

from conformance.engine.cases.verdicts import Finding
from conformance.engine.database.sandbox import Sandbox
from conformance.engine.derived import domain as derived
from conformance.engine.derived import meeting_runner
from conformance.engine.derived.machine_runner import DerivedRunner
from conformance.engine.derived.meetings import Meeting, of_any_schema
from conformance.engine.derived.world import World
from conformance.engine.domain import chosen
from conformance.engine.domain.domain import Domain
from conformance.engine.kinds.at_least import AtLeast
from conformance.engine.kinds.keys import References
from conformance.engine.kinds.rule import Rule
from conformance.engine.postgres.scratch import Database, Scratch
from conformance.engine.races.driver import Driver
from conformance.engine.sql.writes import Insert
from tests.support.verdicts import drawn, verdicts

# Teams have a lead, who sits in a room of two windows at least; whoever's room goes, goes.
SCHEMA: Final = """
CREATE TABLE room (id uuid PRIMARY KEY, name text NOT NULL, turn bigint NOT NULL DEFAULT 0);
CREATE TABLE glass (id uuid PRIMARY KEY,
    room_id uuid NOT NULL CONSTRAINT gla_1__room REFERENCES room ON DELETE CASCADE);
CREATE TABLE team (id uuid PRIMARY KEY, name text NOT NULL, turn bigint NOT NULL DEFAULT 0);
CREATE TABLE seat (id uuid PRIMARY KEY, role text NOT NULL, note text,
    team_id uuid NOT NULL CONSTRAINT sea_1__team REFERENCES team ON DELETE CASCADE,
    room_id uuid NOT NULL CONSTRAINT sea_2__room REFERENCES room ON DELETE CASCADE);

CREATE FUNCTION refuse(rule text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', CONSTRAINT = rule, MESSAGE = 'too few';
END $$;
CREATE FUNCTION is_led() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    v_team uuid := CASE TG_TABLE_NAME WHEN 'team' THEN to_jsonb(new) ->> 'id'
        ELSE to_jsonb(old) ->> 'team_id' END;
BEGIN
    UPDATE team SET turn = turn + 1 WHERE id = v_team;
    IF FOUND AND NOT EXISTS (SELECT FROM seat WHERE team_id = v_team AND role = 'lead') THEN
        PERFORM refuse('tea_1__team_has_a_lead');
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER new_team AFTER INSERT ON team DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION is_led();
CREATE CONSTRAINT TRIGGER gone_seat AFTER DELETE ON seat DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION is_led();
CREATE CONSTRAINT TRIGGER other_seat AFTER UPDATE OF role, team_id ON seat
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION is_led();
CREATE FUNCTION no_team() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM team) THEN
        PERFORM refuse('tea_1__seats_not_truncated');
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER no_seats AFTER TRUNCATE ON seat
FOR EACH STATEMENT EXECUTE FUNCTION no_team();

CREATE FUNCTION is_lit() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    v_room uuid := CASE TG_TABLE_NAME WHEN 'room' THEN to_jsonb(new) ->> 'id'
        ELSE to_jsonb(old) ->> 'room_id' END;
BEGIN
    UPDATE room SET turn = turn + 1 WHERE id = v_room;
    IF FOUND AND (SELECT count(*) < 2 FROM glass WHERE room_id = v_room) THEN
        PERFORM refuse('roo_1__room_has_two_windows');
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER new_room AFTER INSERT ON room DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION is_lit();
CREATE CONSTRAINT TRIGGER gone_glass AFTER DELETE OR UPDATE OF room_id ON glass
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION is_lit();
CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM room) THEN
        PERFORM refuse('roo_1__windows_not_truncated');
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER no_windows AFTER TRUNCATE ON glass
FOR EACH STATEMENT EXECUTE FUNCTION no_room();
"""
LEAD: Final = AtLeast(
    1,
    "seat s",
    per="s.team_id",
    parents="team t",
    where="s.role = 'lead'",
    inside={"role": "lead"},
    out=({"role": "member"},),
)
RULES: Final = (
    Rule.of("TEA-1", "a team has a lead", LEAD),
    Rule.of(
        "ROO-1", "a room has two windows", AtLeast(2, "glass g", per="g.room_id", parents="room r")
    ),
    Rule.of("GLA-1", "its room exists", References("glass", "room_id", "room")),
    Rule.of("SEA-1", "its team exists", References("seat", "team_id", "team")),
    Rule.of("SEA-2", "its room exists", References("seat", "room_id", "room")),
)
DOMAIN: Final = derived.of("teams", RULES, values={"seat.role": ("lead", "member")})
# What is taken out of the schema, what stands there instead, and the rule that is broken then.
FAULTS: Final = {
    "a team may begin without": ("AFTER INSERT ON team", "AFTER INSERT ON room", "TEA-1"),
    "a lead may go": ("AFTER DELETE ON seat", "AFTER DELETE ON glass", "TEA-1"),
    "a lead may step down": ("UPDATE OF role, team_id ON", "UPDATE OF team_id ON", "TEA-1"),
    "a lead may change teams": ("UPDATE OF role, team_id ON", "UPDATE OF role ON", "TEA-1"),
    "seats may be truncated": ("AFTER TRUNCATE ON seat", "AFTER TRUNCATE ON room", "TEA-1"),
    "one window does": ("count(*) < 2", "count(*) < 1", "ROO-1"),
    "a window may move": ("DELETE OR UPDATE OF room_id ON", "DELETE ON", "ROO-1"),
}
LOCK: Final = "UPDATE team SET turn = turn + 1 WHERE id = v_team;"


@pytest.fixture
def teams(monkeypatch: pytest.MonkeyPatch) -> Domain:
    """Let this process try the teams."""
    monkeypatch.setenv(chosen.VARIABLE, __name__)
    return chosen.domain()


@contextmanager
def database_of(schema: str, scratch: Scratch, folder: Path) -> Iterator[Database]:
    """Make a database of a schema for a while."""
    (folder / "001_teams.sql").write_text(schema)
    with scratch.cloned(scratch.template(folder), "teams") as database:
        yield database


def met(schema: str, domain: Domain, scratch: Scratch, folder: Path) -> int:
    """Let two sessions take away the last leads; return in how many orders.

    Raises:
        Finding: No lead is left.
    """
    with (
        database_of(schema, scratch, folder) as database,
        Sandbox(database.conninfo) as sandbox,
        Driver(database.conninfo, sessions=2) as driver,
    ):
        meetings = drawn(domain.meetings()["TEA-1"].on(sandbox.owner), 4)
        rule = domain.rules["TEA-1"]
        return sum(meeting_runner.run(sandbox, driver, rule, each) for each in meetings)


def test_a_schema_that_holds_is_held(teams: Domain, scratch: Scratch, tmp_path: Path) -> None:
    """Nothing is found along any path: rows bring what they must, and these what they must."""
    with (
        database_of(SCHEMA, scratch, tmp_path) as database,
        Sandbox(database.conninfo) as sandbox,
    ):
        assert {} == verdicts(teams, sandbox, {rule.id for rule in RULES})


@pytest.mark.parametrize("name", FAULTS)
def test_one_row_too_few_is_found(
    name: str, teams: Domain, scratch: Scratch, tmp_path: Path
) -> None:
    """Each way out of what counts is tried by a case of the rule, and by no other's fault."""
    old, new, rule = FAULTS[name]
    assert 1 == SCHEMA.count(old)
    with (
        database_of(SCHEMA.replace(old, new), scratch, tmp_path) as database,
        Sandbox(database.conninfo) as sandbox,
    ):
        assert {rule: "broken"} == verdicts(teams, sandbox, {rule})


def test_two_who_leave_at_once_are_found(teams: Domain, scratch: Scratch, tmp_path: Path) -> None:
    """Without what both write, each sees the other; with it, one of them is refused."""
    assert met(SCHEMA, teams, scratch, tmp_path)
    with pytest.raises(Finding, match="TEA-1"):
        met(SCHEMA.replace(LOCK, "PERFORM FROM team WHERE id = v_team;"), teams, scratch, tmp_path)


def test_a_meeting_begins_with_what_it_names(
    teams: Domain, scratch: Scratch, tmp_path: Path
) -> None:
    """A race by hand may leave out what its world was given; what that brings is added."""

    def make(world: World) -> Meeting:
        world.written("room")
        return Meeting((Insert("room", (world.row("room", name="other"),)),), ((), ()))

    assert teams.facts is not None
    with (
        database_of(SCHEMA, scratch, tmp_path) as database,
        Sandbox(database.conninfo) as sandbox,
    ):
        (meeting,) = drawn(of_any_schema(teams.facts, make).on(sandbox.owner), 1)

    (room,) = meeting.given
    assert isinstance(room, Insert)
    assert ["other"] == [row["name"] for row in room.rows]
    assert [2] == [len(each.rows) for each in room.brings]


def test_runs_keep_the_floor(teams: Domain, scratch: Scratch, tmp_path: Path) -> None:
    """A machine of such tables makes rows, takes the last one away, and blames nobody."""
    with (
        database_of(SCHEMA, scratch, tmp_path) as database,
        Sandbox(database.conninfo) as sandbox,
    ):
        runner = DerivedRunner(sandbox, 1)
        assert teams.facts is not None
        runner.run("seat", teams.facts, settings(max_examples=12, stateful_step_count=20))
    assert runner.log.taken["insert team"]
    assert runner.log.taken["delete seat"] < runner.log.operations["delete seat"]
