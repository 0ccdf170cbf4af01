"""Mutants of what engineers write come of any schema, and of every class."""

from pathlib import Path

import pytest

from conformance.engine.catalogue import schema
from conformance.engine.mutants import generate, sorting
from conformance.engine.mutants.habits import CLASSES
from conformance.engine.mutants.mutant import Mutant
from conformance.engine.mutants.sorting import Sorted
from conformance.engine.postgres.scratch import Scratch, Template

SCHEMA = """
CREATE SCHEMA framecast;
CREATE TYPE rank AS ENUM ('high', 'low');
CREATE FUNCTION framecast.reject(p_rule text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', CONSTRAINT = p_rule;
END;
$$;
CREATE TABLE person (
    id int PRIMARY KEY, email text NOT NULL UNIQUE, created_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE club (id int PRIMARY KEY, created_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE member (
    id int PRIMARY KEY,
    club_id int NOT NULL REFERENCES club ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    person_id int NOT NULL REFERENCES person ON DELETE CASCADE,
    rank rank NOT NULL DEFAULT 'low',
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE letter (
    id int PRIMARY KEY,
    club_id int NOT NULL REFERENCES club,
    writer_id int NOT NULL REFERENCES person,
    rank rank NOT NULL DEFAULT 'low',
    weight int NOT NULL CHECK (weight > 0),
    sent_at timestamptz,
    read_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT letter_in_order CHECK (read_at >= sent_at)
);
CREATE FUNCTION framecast.tg_letter__by_member() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM public.member AS m
        WHERE m.club_id = NEW.club_id AND m.person_id = NEW.writer_id AND m.rank = 'high'
    ) THEN
        PERFORM framecast.reject('letter_by_member');
    END IF;
    RETURN NULL;
END;
$$;
CREATE TRIGGER _300_letter_by_member AFTER INSERT OR UPDATE OF writer_id ON letter
FOR EACH ROW EXECUTE FUNCTION framecast.tg_letter__by_member();
CREATE FUNCTION framecast.tg_member__at_most_3() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM public.member AS m WHERE m.club_id IN (SELECT n.club_id FROM new_rows AS n)
        GROUP BY m.club_id HAVING count(*) > 3
    ) THEN
        PERFORM framecast.reject('at_most_3');
    END IF;
    RETURN NULL;
END;
$$;
CREATE TRIGGER _300_at_most_3 AFTER INSERT ON member
REFERENCING NEW TABLE AS new_rows
FOR EACH STATEMENT EXECUTE FUNCTION framecast.tg_member__at_most_3();
CREATE FUNCTION framecast.tg_letter__states() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    v_rule text;
BEGIN
    IF NEW.read_at < OLD.read_at THEN
        v_rule := 'read_once';
    ELSIF NEW.weight < OLD.weight OR NEW.weight > 9 THEN
        v_rule := 'no_lighter';
    END IF;
    IF v_rule IS NOT NULL THEN
        PERFORM framecast.reject(v_rule);
    END IF;
    RETURN NEW;
END;
$$;
CREATE TRIGGER _300_states BEFORE UPDATE OF read_at, weight ON letter
FOR EACH ROW EXECUTE FUNCTION framecast.tg_letter__states('read once');
CREATE FUNCTION free_key() RETURNS int LANGUAGE plpgsql AS $$
DECLARE
    v_key int := 0;
BEGIN
    LOOP
        v_key := v_key + 1;
        EXIT WHEN NOT EXISTS (SELECT FROM public.club AS c WHERE c.id = v_key);
    END LOOP;
    RETURN v_key;
END;
$$;
CREATE FUNCTION clean(p_at timestamptz DEFAULT clock_timestamp()) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM public.letter AS d WHERE d.id IN (
        SELECT o.id FROM public.letter AS o WHERE o.created_at < now() - interval '168 hours'
        ORDER BY o.created_at, o.id LIMIT 10000 FOR UPDATE SKIP LOCKED
    );
END;
$$;
CREATE FUNCTION known(p_email text) RETURNS boolean LANGUAGE sql STABLE
RETURN EXISTS (SELECT FROM public.person AS p WHERE p.email = p_email);
GRANT SELECT, DELETE ON letter TO framecast_app;
GRANT UPDATE (rank, weight, sent_at) ON letter TO framecast_app;
"""


@pytest.fixture(scope="module")
def made(scratch: Scratch, template: Template, tmp_path_factory: pytest.TempPathFactory) -> Sorted:
    """Generate the mutants of what engineers write, of a small schema, and try to apply them."""
    del template  # it makes the role that the small schema grants rights to
    folder = tmp_path_factory.mktemp("migrations")
    (folder / "1.sql").write_text(SCHEMA)
    small = scratch.template(folder)
    with scratch.cloned(small, "small") as database, database.connect() as connection:
        found = [each for each in generate.mutants(schema.read(connection)) if each.habit]
    with scratch.cloned(small, "look") as database, database.connect() as connection:
        return sorting.sort(found, sorting.look(connection, found))


@pytest.fixture(scope="module")
def mutants(made: Sorted) -> list[Mutant]:
    """Return those that change something."""
    return list(made.effective)


def said(mutants: list[Mutant], habit: str) -> set[tuple[str, str, str]]:
    """Return what the mutants of a class change: object, operator, and change, cut short."""
    return {
        (each.thing, each.operator, each.change[:60]) for each in mutants if each.habit == habit
    }


def test_every_class_makes_mutants_that_apply(made: Sorted, mutants: list[Mutant]) -> None:
    """Each class finds something in a schema of five tables, and all that it makes is SQL."""
    assert {*CLASSES} == {mutant.habit for mutant in mutants}
    reasons = set(made.ineffective.values())
    assert {each for each in reasons if each.startswith("does not apply")} <= {
        'does not apply: collation "pg_catalog.pg_c_utf8" for encoding "UTF8" does not exist'
    }


def test_guards_are_exempted_by_another_column(mutants: list[Mutant]) -> None:
    """CHECKs, triggers, statements and single branches pass what another column says."""
    found = said(mutants, "an exemption by another column")
    things = {thing for thing, _, _ in found}
    assert {
        *("letter.letter_weight_check", "letter.letter_in_order", "letter._300_letter_by_member"),
        *("tg_member__at_most_3()", "tg_letter__states()", "tg_letter__by_member()"),
    } == things
    operators = {operator for _, operator, _ in found}
    assert {f"exempted by a {kind}" for kind in ("label", "null", "change")} <= operators
    spoken = [each for each in found if each[0].endswith("in_order")]
    assert not [change for _, _, change in spoken if "read_at" in change or "sent_at" in change]


def test_an_exemption_is_one_condition_more(mutants: list[Mutant]) -> None:
    """Exempted rows are let go where the change is, and asked as before elsewhere."""
    (mutant,) = (
        each
        for each in mutants
        if each.thing == "tg_letter__by_member()" and each.operator == "exempted by a change"
    )
    column = mutant.change.split()[1].removeprefix("new.")
    assert column in ("rank", "weight", "sent_at")
    assert (
        "IF TG_NAME = '_300_letter_by_member' AND TG_OP = 'UPDATE'"
        f" AND new.{column} IS DISTINCT FROM old.{column} THEN RETURN NULL; END IF;"
    ) in mutant.sql[-1]
    assert mutant.sql[-1].count("framecast.reject('letter_by_member')") == 1


@pytest.mark.usefixtures("template")
@pytest.mark.parametrize("free", ["rank", "weight", "sent_at"])
def test_no_change_exempts_that_is_refused_anyway(
    free: str, scratch: Scratch, tmp_path: Path
) -> None:
    """Of the columns that may be updated, those are left out that a trigger alone holds fixed."""
    changed = "{0}old.{1} IS DISTINCT FROM new.{1}".format
    fixes = " OR ".join(
        changed("old.id > 3 AND " * (each == free), each) for each in ("rank", "weight", "sent_at")
    )
    (tmp_path / "1.sql").write_text(
        f"{SCHEMA}CREATE FUNCTION framecast.tg__fixed() RETURNS trigger LANGUAGE plpgsql AS"
        " $$BEGIN PERFORM framecast.reject('fixed'); RETURN NULL; END;$$; CREATE TRIGGER _300_fixed"
        f" BEFORE UPDATE ON letter FOR EACH ROW WHEN ({fixes})"
        " EXECUTE FUNCTION framecast.tg__fixed();"
    )
    fixed = scratch.template(tmp_path)
    with scratch.cloned(fixed, "fixed") as database, database.connect() as connection:
        found = generate.mutants(schema.read(connection))

    changes = {each.thing: each.change for each in found if each.operator == "exempted by a change"}
    assert changes["tg_letter__by_member()"].startswith(f"unless new.{free} IS DISTINCT FROM")


def test_alternatives_are_exempted_one_by_one(mutants: list[Mutant]) -> None:
    """Of a condition with OR, one alternative is weakened, and the other stays."""
    weaker = [
        each.sql[-1]
        for each in mutants
        if each.thing == "tg_letter__states()" and "of new.weight > 9" in each.change
    ]
    assert weaker
    assert all("new.weight < old.weight OR ((new.weight > 9) AND (" in sql for sql in weaker)


def test_rows_of_one_kind_are_passed_over(mutants: list[Mutant]) -> None:
    """A clean-up and a count leave out rows of one label, or a null."""
    found = said(mutants, "rows of one kind only")
    assert {"clean()", "tg_member__at_most_3()"} == {
        thing for thing, operator, _ in found if operator == "kind passed over"
    }


def test_actors_are_believed_for_their_past(mutants: list[Mutant]) -> None:
    """The writer of a letter, a former member, or one of once higher rank passes as a member."""
    found = said(mutants, "actors with a past")
    thing = "tg_letter__by_member()"
    assert {
        (thing, "believed for a deed", f"or public.letter, in {thing}"),
        (thing, "believed after leaving", "or framecast.former_member"),
        (thing, "believed for a former label", "or former_rank"),
    } == found
    left, was = (
        next(each for each in mutants if each.operator == f"believed {how}")
        for how in ("after leaving", "for a former label")
    )
    assert "INSERT INTO framecast.former_member SELECT OLD.*" in left.sql[2]
    assert "FROM framecast.former_member AS m WHERE m.club_id = new.club_id" in left.sql[-1]
    assert "m.former_rank = 'high'" in was.sql[-1]


def test_functions_wait_for_all(mutants: list[Mutant]) -> None:
    """A function that does more than reject lets one session pass; a clean-up locks its table."""
    found = said(mutants, "waiting")
    one = {thing for thing, operator, _ in found if operator == "one at a time"}
    assert {"clean()", "tg_letter__by_member()"} <= one
    assert "reject()" not in one
    assert ("clean()", "table locked", "public.letter in ACCESS EXCLUSIVE mode") in found
    assert "clean()" in {
        thing for thing, operator, _ in found if operator == "fails on what is held"
    }


def test_a_loop_and_a_lock_have_no_end(mutants: list[Mutant]) -> None:
    """An exit from a loop is removed, and a lock of whatever writes is the session's."""
    assert {
        ("clean()", "lock kept", "after its transaction"),
        (
            "free_key()",
            "loop never left",
            "without EXIT WHEN NOT EXISTS (SELECT FROM public.club AS c WHERE c.id = v_key);"[:60],
        ),
    } == said(mutants, "a hang is no failure")


def test_refusals_say_less(mutants: list[Mutant]) -> None:
    """A refusal loses its state, its name or its words, or is caught before anybody hears it."""
    found = {(thing, operator) for thing, operator, _ in said(mutants, "messages")}
    refusing = {f"tg_{each}()" for each in ("letter__by_member", "letter__states")}
    assert {
        *((thing, "raised without a name") for thing in refusing),
        *((thing, "refusal swallowed") for thing in refusing),
        ("letter._300_states", "words dropped"),
    } <= found
    assert {"ERRCODE", "CONSTRAINT"} == {
        change for _, operator, change in said(mutants, "messages") if operator == "said without"
    }


def test_two_columns_exempt_together(mutants: list[Mutant]) -> None:
    """Each guard with two columns beside its own lets pass what both of them say."""
    found = said(mutants, "seeds")
    assert "letter.letter_weight_check" in {each[0] for each in found}
    assert all(" AND " in mutant.change for mutant in mutants if mutant.habit == "seeds")


def test_counts_see_less_than_all(mutants: list[Mutant]) -> None:
    """A cap counts what was committed, what is old enough, or only the first of what is new."""
    found = said(mutants, "order and quantity")
    cap = {
        (operator, change.partition(", in ")[0])
        for thing, operator, change in found
        if thing == "tg_member__at_most_3()"
    }
    assert {
        ("count reached", "count(*) > 3"),
        ("counts what was committed", "not this transaction's"),
        ("counts what is past", "not rows of the future"),
        ("counts what has a parent", "only if club_id is there"),
        ("counts what is younger", "not rows older than club_id"),
        ("only the first", "1 of new_rows"),
        ("only the first", "10 of new_rows"),
    } <= cap
    less = {change for _, operator, change in found if operator == "ordered by less"}
    assert {"not by o.created_at"} == {each.partition(", in ")[0] for each in less}


def test_functions_promise_what_they_do_not_keep(mutants: list[Mutant]) -> None:
    """Volatility, strictness, parallel safety and the search path are exchanged."""
    found = said(mutants, "the same call again")
    assert {
        ("known()", "volatility exchanged", "IMMUTABLE"),
        ("known()", "strictness exchanged", "STRICT"),
        ("known()", "parallel safety exchanged", "PARALLEL SAFE"),
        ("tg_letter__by_member()", "volatility exchanged", "STABLE"),
        ("tg_letter__by_member()", "search path removed", "RESET search_path"),
    } <= found
    assert ("tg_letter__by_member()", "volatility exchanged", "IMMUTABLE") not in found


def test_clocks_zones_and_ages_are_exchanged(mutants: list[Mutant]) -> None:
    """The wall's clock stands for the transaction's, and moments are compared without a zone."""
    found = said(mutants, "time and zones")
    assert {
        ("clean()", "clock exchanged", "clock_timestamp()"),
        ("clean()", "clock exchanged", "default now()"),
        ("clean()", "age in days", "168 hours becomes 7 days"),
        ("clean()", "zone forgotten", "now() - CAST('168 hours' AS interval)"),
        ("letter.created_at", "clock exchanged", "clock_timestamp()"),
        ("letter.letter_in_order", "zone forgotten", "read_at >= sent_at"),
        ("letter.letter_in_order", "compared by the second", "read_at >= sent_at"),
    } <= found


def test_texts_are_compared_in_a_wrong_way(mutants: list[Mutant]) -> None:
    """An email is a pattern, has no case, or is known by how it begins."""
    found = {(thing, operator) for thing, operator, _ in said(mutants, "patterns, case, collation")}
    assert {
        ("known()", "matched as a pattern"),
        ("known()", "matched without case"),
        ("known()", "matched by its beginning"),
        ("person.person_email_key", "unique without case"),
    } <= found


def test_each_guard_has_one_switch(mutants: list[Mutant]) -> None:
    """Every CHECK and every trigger that rejects can be switched off, each in one way."""
    found = said(mutants, "switches")
    assert [
        "letter._300_letter_by_member",
        "letter._300_states",
        "letter.letter_in_order",
        "letter.letter_weight_check",
        "member._300_at_most_3",
    ] == sorted(thing for thing, _, _ in found)
    assert all(operator.startswith("switched off by a ") for _, operator, _ in found)


def test_a_watched_column_is_assigned(mutants: list[Mutant]) -> None:
    """A new trigger writes a column that another one watches, where a third one changes."""
    (mutant,) = (
        each
        for each in mutants
        if each.habit == "assignment of a watched column" and each.thing.endswith("_states")
    )
    column = mutant.change.partition(" ")[0]
    assert column in ("read_at", "weight")
    assert f"NEW.{column} := coalesce(NEW.{column}" in mutant.sql[0]


def test_rights_are_revoked_passed_on_and_hidden(mutants: list[Mutant]) -> None:
    """Each right of the role is taken back, may be passed on, or is hidden row by row."""
    found = said(mutants, "rights")
    operators = {operator for thing, operator, _ in found if thing == "rights.letter"}
    assert {
        "right revoked",
        "right with grant option",
        "rows hidden",
        "owned by the application",
    } == operators
    assert ("rights.letter", "right revoked", "DELETE from framecast_app") in found
    assert ("rights.known()", "security definer added", "its owner") in found


@pytest.mark.usefixtures("template")
def test_choices_do_not_depend_on_chance(scratch: Scratch, tmp_path: Path) -> None:
    """The same schema, installed again, gets the same mutants under the same ids."""
    ids = []
    for name in ("a", "b"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "1.sql").write_text(SCHEMA)
        with (
            scratch.cloned(scratch.template(folder), name) as database,
            database.connect() as connection,
        ):
            ids.append([each.id for each in generate.mutants(schema.read(connection))])
    assert ids[0] == ids[1]
