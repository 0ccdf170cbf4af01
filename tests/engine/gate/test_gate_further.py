"""Rights to what pending files add: what no rule speaks of, the application may have."""

from pathlib import Path

import pytest

from conformance.engine.gate import further
from conformance.engine.postgres.scratch import Scratch, Template
from conformance.framecast.application import APPLICATION
from conformance.framecast.powers import Powers, declared
from tests.support.trials import attempted

OWN = """
    ALTER TABLE teams ADD COLUMN motto text;
    GRANT INSERT (motto), UPDATE (motto) ON teams TO framecast_app;
    CREATE TABLE coupons (id serial PRIMARY KEY, of_team uuid REFERENCES teams, code text);
    GRANT ALL ON coupons TO framecast_app;
    GRANT USAGE ON coupons_id_seq TO framecast_app;
    CREATE TABLE log (about uuid);
    CREATE TABLE drafts (of_team uuid); ALTER TABLE drafts ENABLE ROW LEVEL SECURITY;
    GRANT ALL ON drafts TO framecast_app;
    CREATE FUNCTION one() RETURNS int LANGUAGE sql RETURN 1;
    CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql SET search_path = public AS $$
    BEGIN INSERT INTO log VALUES (NEW.user_id); RETURN NULL; END $$;
    CREATE VIEW spending AS SELECT owner, sum(credits_used) AS spent FROM usage GROUP BY owner;
    GRANT SELECT ON spending TO framecast_app;
    CREATE TRIGGER note AFTER INSERT ON users FOR EACH ROW EXECUTE FUNCTION note();
    CREATE FUNCTION noted() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS
    'BEGIN RETURN NULL; END';
"""
ITS_OWN = {
    *("public.teams.motto", "public.coupons", "public.coupons_id_seq", "public.log"),
    *("public.spending", "public.drafts"),
    *("public.one()", "public.note()", "public.noted()"),  # nobody calls a trigger's
}
# A table that a guard reads, one that rows go away with, one that is part of ours; a view; a
# function that does what its owner may, and one that is called as one of ours.
OTHERS = """
    CREATE TABLE limits (most int);
    CREATE FUNCTION guard() RETURNS trigger LANGUAGE plpgsql SET search_path = public AS $$
    BEGIN IF NEW.note > (SELECT most FROM limits) THEN RETURN NULL; END IF; RETURN NEW; END $$;
    ALTER TABLE users ADD COLUMN note int;
    CREATE TABLE plans (id int PRIMARY KEY);
    ALTER TABLE job_events ADD COLUMN plan int REFERENCES plans ON DELETE CASCADE;
    CREATE TABLE more_jobs () INHERITS (jobs);
    CREATE VIEW mine AS SELECT * FROM jobs;
    GRANT SELECT, INSERT ON mine TO framecast_app;
    CREATE FUNCTION purge() RETURNS void LANGUAGE sql SECURITY DEFINER AS 'DELETE FROM job_events';
    CREATE FUNCTION email_key(int) RETURNS int LANGUAGE sql RETURN 1;
    CREATE TABLE framecast.jobs (id int);
"""


def test_what_no_rule_speaks_of_is_found(scratch: Scratch, folder: Path) -> None:
    """Tables, columns and functions of its own are; what rules may depend on is not."""
    own, others = (attempted(scratch, folder, script)[0].steps for script in (OWN, OTHERS))

    assert ITS_OWN == {*further.of_files(own, [])}
    assert {"public.guard()", "public.job_events.plan"} == {*further.of_files(others, [])}


def test_what_was_added_once_is_its_own_as_long_as_it_is_there(
    scratch: Scratch, folder: Path
) -> None:
    """An applied file's additions are no finding of each later run; what is ours counts."""
    steps = attempted(scratch, folder, OWN)[0].steps
    found = {*further.of_schema(steps[-1], [])}

    assert ITS_OWN <= found
    assert not found & {f"public.{table}" for table in ("jobs", "teams", "users", "usage")}
    assert not {name for name in found if name.startswith("framecast.")}
    assert ITS_OWN.isdisjoint(further.of_schema(steps[0], []))


def test_what_is_waived_for_a_right_counts(scratch: Scratch, folder: Path) -> None:
    """A view to write through, or a function with its owner's rights, needs one waiver, not two."""
    waiving = """
    -- waives RIGHT function public.purge(): it is for the application
    -- waives RIGHT INSERT on public.mine to framecast_app: it is for the application
    """
    trial, files = attempted(scratch, folder, f"{waiving}{OTHERS}")

    assert {"public.purge()", "public.mine"} <= {*further.of_files(trial.steps, files.waived)}


@pytest.mark.parametrize("names", [frozenset[str](), ITS_OWN])
def test_rights_to_it_are_none_too_many(
    names: frozenset[str], scratch: Scratch, template: Template
) -> None:
    """A right that the role is given there is one too many until it is said to be of no rule."""
    with scratch.cloned(template, "further") as database, database.connect() as owner:
        owner.execute(f"SET search_path = public; {OWN}".encode())
        with Powers(database.conninfo, APPLICATION, names) as powers:
            many = powers.granted() - declared()
            allowed = [
                each
                for kind in ("table", "write", "call")
                for each in powers.allowed(powers.attempts(kind))
            ]
        owner.execute("GRANT INSERT ON coupons TO framecast_app WITH GRANT OPTION")
        with Powers(database.conninfo, APPLICATION, ITS_OWN) as powers:
            passed_on = powers.granted() - declared()

    assert bool(names) == (not many)
    assert bool(names) == (not allowed)
    assert {"INSERT coupons to grant"} == passed_on


def test_rights_that_are_written_down_are_not_of_others(
    scratch: Scratch, folder: Path, template: Template
) -> None:
    """On the schema as it is, what the gate takes for additions hides no right of the role."""
    names = further.of_schema(attempted(scratch, folder, "SELECT 1")[0].steps[0], [])
    with (
        scratch.cloned(template, "written_down") as database,
        Powers(database.conninfo, APPLICATION, names) as powers,
    ):
        assert declared() == powers.granted() | powers.to_come()
