"""Mutants are generated from the schema: all of it, each with a name of its own."""

import re
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from conformance.engine.catalogue import schema
from conformance.engine.catalogue.schema import Schema
from conformance.engine.mutants import embedded, equivalent, generate, plpgsql, sorting, unseen
from conformance.engine.mutants.errors import ChoiceError, RecordError
from conformance.engine.mutants.mutant import Mutant
from conformance.engine.postgres.scratch import Scratch, Template
from tests.support.migrating import COMMAND


@pytest.fixture(scope="module")
def known(scratch: Scratch, template: Template) -> Schema:
    """Read the schema under test."""
    with scratch.cloned(template, "schema") as database, database.connect() as connection:
        return schema.read(connection)


@pytest.fixture(scope="module")
def every(known: Schema) -> list[Mutant]:
    """Generate all mutants."""
    return generate.mutants(known)


def things(mutants: list[Mutant]) -> set[str]:
    """Return what the mutants change."""
    return {mutant.thing for mutant in mutants}


def test_every_object_has_a_mutant(known: Schema, every: list[Mutant]) -> None:
    """Each constraint, trigger, function, type and unique index is changed, and nothing else."""
    objects = {
        *(f"{schema.short(each.table or each.domain)}.{each.name}" for each in known.constraints),
        *(f"{schema.short(each.table)}.{each.name}" for each in known.triggers),
        *(f"{schema.short(each.table)}.{each.short}" for each in known.indexes),
        *(f"{each.name}()" for each in known.functions),
        *(schema.short(each.name) for each in known.enums),
        *(data.table.removeprefix("public.") for data in known.data),
    }
    columns = {
        f"{schema.short(each.table)}.{each.name}"
        for each in known.columns
        if each.required or each.expression
    }
    found = things(every)
    assert objects | columns == {name for name in found if not name.startswith("rights.")}


def test_every_missing_privilege_has_a_mutant(every: list[Mutant]) -> None:
    """Every missing privilege is granted: on tables, columns, functions, schemas, the database."""
    granted = {
        (mutant.thing.removeprefix("rights."), mutant.change)
        for mutant in every
        if mutant.operator == "right granted"
    }
    to = "to framecast_app"
    for table in ("jobs", "framecast.team_guards"):
        for privilege in ("INSERT", "UPDATE", "TRUNCATE", "REFERENCES", "TRIGGER"):
            assert (table, f"{privilege} {to}") in granted
    assert ("jobs", f"SELECT {to}") not in granted
    assert ("framecast.team_guards", f"SELECT {to}") in granted
    kept = {("users.id", f"UPDATE {to}"), ("memberships.user_tier", f"INSERT {to}")}
    assert not kept & granted
    lacking = {("system_assets.id", f"UPDATE {to}"), ("system_assets.name", f"INSERT {to}")}
    assert lacking <= granted
    assert {("lock_users()", f"EXECUTE {to}"), ("schema.framecast", f"USAGE {to}")} <= granted
    assert {("schema.public", f"CREATE {to}"), ("database", f"TEMPORARY {to}")} <= granted


def test_every_definer_and_revoke_has_a_mutant(known: Schema, every: list[Mutant]) -> None:
    """A definer's function runs as its caller, and one that nobody may call everybody may."""
    definers = {f"rights.{each.name}()" for each in known.functions if each.definer}
    assert definers
    assert definers == {each.thing for each in every if each.operator == "security definer removed"}
    to_all = {each.thing for each in every if each.operator == "right granted to all"}
    assert {f"rights.{each.name}()" for each in known.functions} <= to_all
    assert "rights.database" in to_all


def test_writes_that_hold_others_back_are_locks(every: list[Mutant]) -> None:
    """To write a guard, a counter, or what stays as it is, is to lock: removed, and taken later."""
    changed = {
        (each.thing, each.operator, re.split(" AS | VALUES ", each.change)[0]) for each in every
    }
    guard = "INSERT INTO framecast.team_guards"
    counter = "INSERT INTO framecast.job_event_counters"
    assert {
        ("tg_jobs__may_be_made()", "lock removed", guard),
        ("tg_jobs__may_be_made()", "lock taken later", guard),
        ("tg_job_events__number()", "lock removed", f"{counter} (job_id)"),
        ("lock_users()", "lock removed", "INSERT INTO framecast.user_guards"),
        ("tg_api_keys__write_memberships()", "lock removed", "UPDATE public.memberships"),
    } <= changed
    assert ("tg_jobs__may_be_made()", "write removed", guard) not in changed


GUARD_OR_ELSE = """
CREATE FUNCTION framecast.tg_teams__guarded() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE framecast.team_guards AS g SET server_start = now() WHERE g.team_id = NEW.id;
    IF NOT FOUND THEN
        PERFORM framecast.lock_teams(ARRAY[NEW.id]);
    END IF;
    RETURN NULL;
END;
$$
"""


def test_a_lock_goes_with_what_is_done_instead(scratch: Scratch, template: Template) -> None:
    """Where the guard is written by another statement if the first one finds none, both go."""
    with scratch.cloned(template, "instead") as database, database.connect() as connection:
        connection.execute(GUARD_OR_ELSE)
        (sql,) = (
            each.sql[0]
            for each in generate.mutants(schema.read(connection))
            if each.thing == "tg_teams__guarded()" and each.change.endswith("what is done instead")
        )
    assert "framecast.team_guards" not in sql
    assert "lock_teams(" not in sql


def test_every_statement_is_looked_into(known: Schema) -> None:
    """No query or write of a function is passed over, whatever word it begins with."""
    for function in known.functions:
        if function.sql_body:
            continue
        body = plpgsql.parse(function.body)
        spans = [part.span for part in embedded.embedded(body)]
        for _, one in plpgsql.each(body.block):
            if not one.branches and re.search(
                r"\b(SELECT|INSERT|UPDATE|DELETE)\b", body.cut(one.span)
            ):
                inside = [span for span in spans if one.span.start <= span.start < one.span.end]
                assert inside or one.kind == "execute", body.cut(one.span)


def test_rights_are_read_back(every: list[Mutant], scratch: Scratch, template: Template) -> None:
    """Rights that are given anew change the schema; those that are there already do not."""
    mutants = [each for each in every if each.operator.startswith("right granted")]
    again = Mutant("a", "again", "", ("GRANT SELECT ON public.jobs TO framecast_app",))
    with scratch.cloned(template, "look") as database, database.connect() as connection:
        result = sorting.sort([*mutants, again], sorting.look(connection, [*mutants, again]))
    assert {again.id: "equal to the schema itself"} == result.ineffective


def test_every_operator_is_used(every: list[Mutant]) -> None:
    """Each kind of change applies to something."""
    assert {
        *("check dropped", "comparison moved", "constant moved", "conjunct removed"),
        *("alternative removed", "list element removed", "null passes", "not null dropped"),
        *("unique dropped", "primary key dropped", "predicate dropped", "unique index dropped"),
        *("foreign key dropped", "foreign key weakened", "on delete exchanged"),
        *("deferrable removed", "initially exchanged", "label added", "label removed"),
        *("labels exchanged", "default dropped", "trigger dropped", "trigger disabled"),
        *("event removed", "column removed from event", "timing exchanged", "when dropped"),
        *("guard removed", "branch emptied", "assignment removed", "lock removed"),
        *("right granted", "right granted to all", "security definer removed"),
        *("lock taken later", "age moved", "default moved", "row added", "row removed"),
    } <= {mutant.operator for mutant in every}


def test_ids_are_unique_and_stable(known: Schema, every: list[Mutant]) -> None:
    """Each mutant has an id of its own, and has it again when it is generated again."""
    ids = [mutant.id for mutant in every]
    assert [] == [name for name, count in Counter(ids).items() if count > 1]
    assert ids == [mutant.id for mutant in generate.mutants(known)]


def test_a_token_chooses_its_rule(every: list[Mutant]) -> None:
    """A rule's token chooses the mutants of what enforces it, and no others."""
    chosen = generate.chosen(every, ["inv_u5__"], None, 0)
    assert {"users.inv_u5__users_credits_not_negative"} == things(chosen)
    with pytest.raises(ChoiceError, match="nobody__"):
        generate.chosen(every, ["nobody__"], None, 0)


def test_a_sample_is_fixed_by_its_seed(every: list[Mutant]) -> None:
    """The same seed draws the same mutants, also when others go; another seed draws others."""
    first = generate.chosen(every, [], 20, 1)
    assert 20 == len(first)
    assert first == generate.chosen(every, [], 20, 1)
    assert first != generate.chosen(every, [], 20, 2)
    fewer = [each for each in every if each not in first[:5]]
    assert {each.id for each in first[5:]} <= {
        each.id for each in generate.chosen(fewer, [], 20, 1)
    }


def test_ineffective_mutants_are_told_apart(scratch: Scratch, template: Template) -> None:
    """Mutants that do not apply, change nothing or equal another are not tried."""
    drop = "ALTER TABLE public.users DROP CONSTRAINT users_name_at_most_100_characters"
    again = f"{drop}; ALTER TABLE public.users ADD CONSTRAINT users_name_at_most_100_characters"
    mutants = [
        Mutant("a", "drops", "", (drop,)),
        Mutant("b", "drops it too", "", (drop,)),
        Mutant("c", "drops what is not there", "", ("DROP TABLE public.nothing",)),
        Mutant("d", "says it again", "", (f"{again} CHECK (length(name) <= 100)",)),
        Mutant("e", "says the same", "", (f"{again} CHECK ((char_length((name)) <= (100)))",)),
    ]
    with scratch.cloned(template, "look") as database, database.connect() as connection:
        result = sorting.sort(mutants, sorting.look(connection, mutants))
        assert connection.execute(
            "SELECT FROM pg_constraint WHERE conname = 'users_name_at_most_100_characters'"
        )

    reasons = {name.partition("/")[0]: reason for name, reason in result.ineffective.items()}
    assert ["a", "d"] == [mutant.thing for mutant in result.effective]
    assert f"equal to {mutants[0].id}" == reasons["b"]
    assert reasons["c"].startswith("does not apply: ")
    assert "equal to the schema itself" == reasons["e"]


def test_a_neutral_change_of_a_function_is_ineffective(
    scratch: Scratch, template: Template
) -> None:
    """Comments and layout of a body make no mutant."""
    query = "SELECT pg_get_functiondef('framecast.tg__set_updated_at'::regproc)"
    with scratch.cloned(template, "look") as database, database.connect() as connection:
        (row,) = connection.execute(query).fetchall()
        sql = row[0].replace("BEGIN", "BEGIN\n\n    /* so */ -- or so\n")
        looks = sorting.look(connection, [Mutant("a", "comments", "", (sql,))])
    assert [sorting.Look()] == looks


def test_recorded_equivalents_are_mutants(every: list[Mutant]) -> None:
    """The record names mutants that there are, each once, and gives a reason for each."""
    records = equivalent.read()
    reasons = equivalent.reasons(records, [mutant.id for mutant in every])
    assert all(len(reason) > 20 for reason in reasons.values())


def test_what_is_recorded_to_fire_last_does(scratch: Scratch, template: Template) -> None:
    """No trigger of its table and event fires after one that sets updated_at: the query is so."""
    (reason,) = {
        record.reason
        for record in equivalent.read()
        if "*._500_set_updated_at/trigger-fires-last/*" in record.mutants
    }
    query = reason.split("`")[1]
    with scratch.cloned(template, "order") as database, database.connect() as connection:
        assert [] == connection.execute(query).fetchall()
        connection.execute(
            "CREATE TRIGGER _600_another BEFORE UPDATE ON public.users"
            " FOR EACH ROW EXECUTE FUNCTION framecast.tg__set_updated_at()"
        )
        assert [("users", "_600_another")] == connection.execute(query).fetchall()


def test_a_key_that_is_made_anew_is_referred_to_as_before(every: list[Mutant]) -> None:
    """A mutant that drops a key to change it brings back the foreign keys that go with it."""
    (mutant,) = (
        each
        for each in every
        if each.thing == "memberships.inv_m3__memberships_user_once_per_team"
        and each.operator == "nulls collide"
    )
    again = " ".join(mutant.sql[2:])
    assert "ADD CONSTRAINT inv_x4__api_keys_membership_exists FOREIGN KEY" in again
    assert "ADD CONSTRAINT role_2__api_keys_maker_in_team FOREIGN KEY" in again


def test_a_list_may_be_read_in_part() -> None:
    """A list of which only some lines are read shows no traceback."""
    with subprocess.Popen(
        [*COMMAND, "mutants", "--list"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as listing:
        assert listing.stdout is not None
        assert listing.stderr is not None
        assert listing.stdout.readline()
        listing.stdout.close()
        assert "" == listing.stderr.read()
    assert 1 == listing.returncode


@pytest.mark.parametrize(
    ("record", "complaint"),
    [
        ('[[equivalent]]\nmutants = ["gone/*"]\nreason = "none"', "no such mutant: gone"),
        ('[[equivalent]]\nmutants = ["a/*", "a/b"]\nreason = "none"', "twice: a/b"),
        ('[[equivalent]]\nmutants = ["a/b"]', "reason"),
        ("[[equivalent", "cannot be read"),
    ],
)
def test_a_wrong_record_is_an_error(tmp_path: Path, record: str, complaint: str) -> None:
    """A record that matches no mutant, or says nothing, ends the run with its name."""
    file = tmp_path / "equivalent.toml"
    file.write_text(record)
    with pytest.raises(RecordError, match=complaint):
        equivalent.reasons(equivalent.read(file), ["a/b"])


def test_generation_asks_no_list(scratch: Scratch, tmp_path: Path) -> None:
    """Another schema gets other mutants: a new constraint is changed as soon as it is there."""
    folder = tmp_path / "migrations"
    folder.mkdir()
    (folder / "1.sql").write_text("CREATE TABLE t (n int NOT NULL CHECK (n < 3))")
    with (
        scratch.cloned(scratch.template(folder)) as database,
        database.connect() as connection,
    ):
        found: Any = Counter(
            (mutant.thing, mutant.operator)
            for mutant in generate.mutants(schema.read(connection))
            if not mutant.habit
        )
    assert {
        ("t.n", "not null dropped"): 1,
        ("t.t_n_check", "check dropped"): 1,
        ("t.t_n_check", "comparison moved"): 1,
        ("t.t_n_check", "constant moved"): 2,
    } == found


def test_recorded_survivors_are_mutants(every: list[Mutant]) -> None:
    """The list of what is open names mutants that there are, under their classes."""
    record = unseen.read()
    unseen.check(record, every)
    reasons = equivalent.reasons(equivalent.read(), [mutant.id for mutant in every])
    assert not {*record} & {*reasons}
