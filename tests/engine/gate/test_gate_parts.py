"""The parts of the gate that need no suite: verdicts, states, and what data lose."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from conformance.engine.audit.findings import Fault
from conformance.engine.cases.verdicts import Finding, Verdict
from conformance.engine.deployment import migrations, waivers
from conformance.engine.deployment.migrations import Migration
from conformance.engine.deployment.waivers import Waiver
from conformance.engine.gate import compare, contents, rehearsal
from conformance.engine.gate.files import Files
from conformance.engine.gate.outcomes import headline
from conformance.engine.gate.result import Result
from conformance.engine.gate.state import State
from conformance.engine.postgres.scratch import Scratch, Template
from conformance.framecast import states
from conformance.framecast.model.moves import MOVES
from conformance.framecast.rules import RULES

SOME = (
    "a team",
    "jobs of each kind",
    "projects of each kind",
    "keys of each kind",
    "deliveries of each kind",
    "usage and sounds",
    "invitation new -> open",
)
HELD = dict.fromkeys(RULES, "held")
WEAKER = Result(
    {**HELD, "INV-T6": "broken"}, {"INV-T6": ["on update: expected rejected; observed accepted"]}
)
BORROWED = Waiver("INV-T6", "teams may borrow", "003_x.sql", 1)
# A test about no single rule, whose parameter has what would divide paths and waivers.
COLUMN = "test_columns.py::test_column[a b: c null]"
NAMELESS = Waiver(f"SUITE {COLUMN}", "none is needed", "003_x.sql", 4)
OTHER = "test_columns.py::test_column[a/b]"
BESIDE = Result(HELD, {}, {f"conformance/{COLUMN}": "a b: c null is broken"})
NAMELESS_USERS = "UPDATE users SET name = NULL"
BORROW = "UPDATE teams SET credits = -1 WHERE credits = 0"
DROP = "ALTER TABLE public.teams DROP CONSTRAINT inv_t6__teams_credits_not_negative;\n"


@pytest.fixture(scope="module")
def reached(scratch: Scratch, template: Template) -> Iterator[list[State]]:
    """Reach every state once, for all tests of rehearsals."""
    with scratch.cloned(template, "runs") as database:
        yield list(states.reached(database, 1, lambda *_: None))


@pytest.fixture(scope="module")
def some(reached: list[State]) -> list[State]:
    """Return a few states, in which every table has rows."""
    return [state for state in reached if state.name in SOME]


def file(folder: Path, sql: str, name: str = "003_x.sql") -> Migration:
    """Write one migration file, and read it."""
    (folder / name).write_text(sql)
    return next(each for each in migrations.load(folder) if each.name == name)


@pytest.fixture
def rehearse(
    scratch: Scratch, template: Template, some: list[State], folder: Path
) -> Callable[[str], list[tuple[str, str]]]:
    """Return what rehearses a migration in a few states, and returns what is found, about what."""

    def try_out(script: str) -> list[tuple[str, str]]:
        pending = file(folder, script)
        waived, wrong = waivers.of_files([pending])
        assert [] == wrong
        files = Files((), (pending,), (), tuple(waived))
        section = rehearsal.tried(scratch, template, files, some)
        assert section.asked
        return [(fault.about, fault.what) for fault in section.faults]

    return try_out


def test_keys_share_a_line_and_sentences_take_one_each() -> None:
    """A finding is shown readably: short keys in a row, sentences one below another."""
    long = tuple(f"test_races.py::test_known_race[{n}]: what it said" for n in "ab")

    assert ["about: what", "  a, b and 1 more", "  -> mend"] == Fault(
        "about", "what", "mend", ("a", "b"), 3
    ).lines()
    assert ["about: what", *(f"  {each}" for each in long), "  and 1 more", "  -> mend"] == Fault(
        "about", "what", "mend", long, 3
    ).lines()


def test_all_held_is_right() -> None:
    """Where every rule is held before and after, there is nothing to say."""
    section = compare.compare(Result(HELD), Result(HELD), [], [])

    assert section.right
    every = len(RULES)
    assert f"{every} of {every} rules held; compared with the schema as it is" == section.summary


def test_a_rule_that_is_no_longer_held_is_named() -> None:
    """A rule that got weaker is a finding, which says how it is broken and how to waive it."""
    section = compare.compare(Result(HELD), WEAKER, [], [])

    assert not section.right
    [fault] = section.faults
    assert "INV-T6" == fault.about
    assert "broken, and it was held before: a team's credits are never negative" == fault.what
    assert ("on update: expected rejected; observed accepted",) == fault.keys
    assert "-- waives INV-T6: reason" in fault.remedy


def test_what_is_said_of_many_rules_is_said_once() -> None:
    """Where all rules begin with what is refused now, one finding names them all."""
    rules = list(RULES)[:9]
    seen = "expected a legal state; observed rejected by rich; on insert"
    refused = Result({**HELD, **dict.fromkeys(rules, "unproven")}, {rule: [seen] for rule in rules})
    [fault] = compare.compare(Result(HELD), refused, [], []).faults

    assert ("9 rules", tuple(rules)) == (fault.about, fault.keys)
    assert fault.what.endswith(
        "it was held before: expected a legal state; observed rejected by rich"
    )


def test_a_waiver_lets_it_pass_and_is_shown() -> None:
    """With a waiver in a pending file the rule may go, and the output says so."""
    section = compare.compare(Result(HELD), WEAKER, [BORROWED], [])

    assert section.right
    excused = "on update: expected rejected; observed accepted"
    assert [f"003_x.sql:1 waives INV-T6: teams may borrow (excuses: {excused})"] == section.notes


def test_an_old_waiver_is_for_what_was_given_up_then() -> None:
    """The waiver of an applied file covers a rule that was not held before, and no other."""
    assert compare.compare(WEAKER, WEAKER, [], [BORROWED]).right
    assert not compare.compare(Result(HELD), WEAKER, [], [BORROWED]).right
    assert not compare.compare(WEAKER, WEAKER, [], []).right


def test_what_was_given_up_may_not_get_worse() -> None:
    """A rule that an applied file waived, and that is weaker now than then, needs a new waiver."""
    unnamed = Result({**HELD, "INV-T6": "unnamed"}, {"INV-T6": ["on update: no name"]})

    assert compare.compare(unnamed, unnamed, [], [BORROWED]).right
    assert not compare.compare(unnamed, WEAKER, [], [BORROWED]).right
    assert compare.compare(unnamed, WEAKER, [BORROWED], []).right


def test_a_waiver_of_what_is_held_is_a_finding() -> None:
    """A waiver that nothing needs would hide what comes later."""
    section = compare.compare(Result(HELD), Result(HELD), [BORROWED], [])

    assert ["INV-T6"] == [fault.about for fault in section.faults]


def test_what_runs_and_hostile_runs_find_counts() -> None:
    """A test about all rules that fails names the rule that it found, or itself."""
    found = Result(
        HELD, {}, {"conformance/test_hostile.py::test_hostile_runs[jobs]": "INV-J9 is broken"}
    )
    other = Result(HELD, {}, {"conformance/test_machines.py::test_run[Job]": "MODEL is broken"})

    assert ["INV-J9"] == [
        fault.about for fault in compare.compare(Result(HELD), found, [], []).faults
    ]
    assert [compare.ANY_RULE] == [
        fault.about for fault in compare.compare(Result(HELD), other, [], []).faults
    ]


def test_a_test_of_no_rule_can_be_waived() -> None:
    """Tests beside the rules may change, one by one, when a waiver says so."""
    both = Result(HELD, {}, {**BESIDE.failed, f"conformance/{OTHER}": "x"})
    [fault] = compare.compare(Result(HELD), both, [NAMELESS], []).faults

    assert (compare.ANY_RULE, (f"{OTHER}: x",)) == (fault.about, fault.keys)
    assert f"-- waives SUITE {OTHER}: reason" in fault.remedy
    section = compare.compare(Result(HELD), BESIDE, [NAMELESS], [])
    assert section.right
    [note] = section.notes
    assert note.startswith(f"{NAMELESS} (excuses: ")
    assert compare.compare(BESIDE, BESIDE, [], [NAMELESS]).right
    assert not compare.compare(Result(HELD), BESIDE, [], [NAMELESS]).right


def test_a_waiver_of_a_test_that_passes_is_a_finding() -> None:
    """A test that is waived and passes, or does not exist, needs no waiver."""
    [fault] = compare.compare(Result(HELD), Result(HELD), [NAMELESS], []).faults

    assert NAMELESS.what == fault.about
    assert "waived in 003_x.sql:4, and yet it passes" == fault.what


@pytest.mark.parametrize("worker", ["", "[gw1] linux -- Python 3.11.2 python3\n"])
def test_a_finding_is_known_by_its_first_line(worker: str) -> None:
    """A finding is known by its first line, whichever worker ran it; other failures by the last."""
    finding = Finding("INV-J9", Verdict.BROKEN, expected="a", observed="b", script="c")

    assert "INV-J9 is broken" == headline(f"{worker}{finding}\nreplay: pytest x")
    assert "x.py:1: AssertionError" == headline(f"{worker}assert 1 == 2\n\nx.py:1: AssertionError")


def test_the_first_schema_has_no_verdicts_before() -> None:
    """Where there is no schema yet, every rule has to be held all the same."""
    section = compare.compare(None, WEAKER, [], [], new=True)

    assert ["INV-T6"] == [fault.about for fault in section.faults]
    assert "there was no schema before" in section.faults[0].what


def test_states_are_at_every_status_and_cap(reached: list[State]) -> None:
    """Rows of every status of every state machine are among the states, and teams at every cap."""
    assert [] == [state.trouble for state in reached if state.trouble]
    columns = {"users": "tier", "jobs": "status", "projects": "status", "asset_files": "status"}
    for machine, moves in MOVES.items():
        names = {state.name for state in reached if state.name.startswith(f"{machine} ")}
        seen = {name.rpartition(" -> ")[2] for name in names}
        assert {after for _, after in moves.legal} == seen, machine
        if moves.table in columns:
            assert seen <= values(reached, moves.table, columns[moves.table])
    assert {"CARD-2", "CARD-3", "CARD-4", "CARD-5", "CARD-6"} == {
        state.name.removeprefix("at the cap of ") for state in reached if " cap " in state.name
    }
    (full,) = [state for state in reached if state.name == "at the cap of CARD-4"]
    assert 50 == rows(full, "public.invitations")


def test_a_seed_leads_the_same_runs_again(
    scratch: Scratch, template: Template, reached: list[State]
) -> None:
    """With the seed of another run every state is reached with as many rows in each table."""
    with scratch.cloned(template, "again") as database:
        again = list(states.reached(database, 1, lambda *_: None))

    assert [(state.name, counts(state)) for state in reached] == [
        (state.name, counts(state)) for state in again
    ]


def counts(state: State) -> dict[str, int]:
    """Count the rows of every table in a state."""
    return {table: rows(state, table) for table in state.rows}


def rows(state: State, table: str) -> int:
    """Count the rows of a table in a state."""
    return state.rows[table][1].count(b"\n")


def values(reached: list[State], table: str, column: str) -> set[str]:
    """Return what a column holds in all states together."""
    found = set()
    for state in reached:
        names, data = state.rows[f"public.{table}"]
        place = names.split(", ").index(column)
        found |= {line.split("\t")[place] for line in data.decode().splitlines()}
    return found


def test_a_clean_change_passes_in_every_state(
    scratch: Scratch, template: Template, reached: list[State], folder: Path
) -> None:
    """A new column, filled where there are rows, loses nothing: updated_at may move."""
    clean = file(
        folder,
        "ALTER TABLE users ADD COLUMN motto text; UPDATE users SET motto = 'none';"
        " CREATE TABLE news (id integer PRIMARY KEY)",
    )
    section = rehearsal.tried(scratch, template, Files((), (clean,)), reached)

    assert section.right, section.faults
    assert f"003_x.sql on data in {len(reached)} states" == section.summary


@pytest.mark.parametrize(
    ("script", "found"),
    [
        ("UPDATE users SET name = NULL", [("users.name", "values are not what they were")]),
        ("ALTER TABLE teams DROP COLUMN settings", [("teams.settings", "the column is gone")]),
        ("DROP TABLE usage", [("usage", "the table is gone")]),
        ("DELETE FROM webhook_deliveries", [("webhook_deliveries", "rows are gone")]),
        ("UPDATE users SET name = NULL;\n-- waives DATA users.name: privacy", []),
        ("DROP TABLE system_assets;\n-- waives DATA system_assets: sold", []),
    ],
)
def test_lost_data_are_named(
    rehearse: Callable[[str], list[tuple[str, str]]], script: str, found: list[tuple[str, str]]
) -> None:
    """Data that a migration removes or overwrites are named, unless a waiver lets them go."""
    # A rule about a table or a column that is gone cannot be asked any more: that is named too.
    assert found == [fault for fault in rehearse(script) if fault[0] not in RULES]


def test_a_check_that_legal_data_break_is_named(
    scratch: Scratch, template: Template, some: list[State], folder: Path
) -> None:
    """A migration that cannot be applied to what is legal today says in which states."""
    poor = file(folder, "ALTER TABLE teams ADD CONSTRAINT rich CHECK (credits > 0)")
    [fault] = rehearsal.tried(scratch, template, Files((), (poor,)), some).faults

    assert "003_x.sql" == fault.about
    assert fault.what.startswith("cannot be applied to data that is legal today: 003_x.sql:1: ")
    assert "projects of each kind" in fault.keys
    assert "jobs of each kind" not in fault.keys


def test_an_error_keeps_its_file_and_line(
    scratch: Scratch, template: Template, some: list[State], folder: Path
) -> None:
    """An error whose message holds a slash keeps its file and line."""
    poor = file(folder, "\nDO $$ BEGIN RAISE 'no a/b: c'; END $$")
    [fault] = rehearsal.tried(scratch, template, Files((), (poor,)), some).faults

    assert "003_x.sql" == fault.about
    assert fault.what.endswith(": 003_x.sql:2: no a/b: c (P0001)")


def test_a_waiver_is_for_its_own_file(
    scratch: Scratch, template: Template, some: list[State], folder: Path
) -> None:
    """A waiver of another file, applied or pending, excuses no loss; what is excused is shown."""
    harmless = file(folder, "-- waives DATA users.name: privacy\n-- waives INV-T6: debts\nSELECT 1")
    harmful = file(folder, f"{DROP}{BORROW};\n{NAMELESS_USERS}", "004_y.sql")
    waived = tuple(waivers.of_files([harmless])[0])
    own = tuple(
        Waiver(what, "privacy", "004_y.sql", 1)
        for what in ("DATA users.name", "DATA teams.credits", "INV-T6")
    )
    applied = Files((harmless,), (harmful,), given_up=waived)
    beside = Files((), (harmless, harmful), waived=waived)
    excused = Files((), (harmful,), waived=own)
    tried = [rehearsal.tried(scratch, template, each, some) for each in (applied, beside, excused)]
    lost = {"users.name", "teams.credits", "INV-T6"}
    told = [{fault.about for fault in section.faults} for section in tried]

    assert [lost, lost, set()] == told
    assert (
        "003_x.sql:1 waives DATA users.name: privacy (excuses nothing in these states)"
    ) in tried[1].notes
    assert (
        "004_y.sql:1 waives DATA users.name: privacy "
        "(excuses users.name: values are not what they were)"
    ) in tried[2].notes


def test_data_that_break_a_rule_afterwards_are_named(
    rehearse: Callable[[str], list[tuple[str, str]]],
) -> None:
    """A migration that leaves rows which break a rule is found by the rule's own query."""
    found = rehearse(f"{DROP}{BORROW}")

    assert ("INV-T6", "rows break it afterwards: a team's credits are never negative") in found


def test_contents_are_compared_by_key(scratch: Scratch, empty_template: Template) -> None:
    """Rows are known by their key; without one, all that they hold is compared."""
    with scratch.cloned(empty_template, "contents") as database, database.connect() as conn:
        conn.execute("CREATE TABLE a (id integer PRIMARY KEY, b text, c text)")
        conn.execute("CREATE TABLE bag (b text)")
        conn.execute("INSERT INTO a VALUES (1, 'one', 'x'), (2, 'two', 'x')")
        conn.execute("INSERT INTO bag VALUES ('one'), ('one')")
        before: dict[str, Any] = contents.read(conn)
        conn.execute("UPDATE a SET b = 'three' WHERE id = 2; ALTER TABLE a DROP c")
        conn.execute("DELETE FROM bag WHERE ctid = '(0,1)'; INSERT INTO bag VALUES ('two')")
        lost = list(contents.lost(before, contents.read(conn), before))

    assert [
        contents.Loss("a.c", "the column is gone"),
        contents.Loss("a.b", "values are not what they were"),
        contents.Loss("bag", "rows are gone, or not what they were"),
    ] == lost


def test_values_of_another_type_are_asked_of_the_target_alone(
    scratch: Scratch, empty_template: Template
) -> None:
    """A column that is converted is written otherwise; one that comes in its place is another."""
    with scratch.cloned(empty_template, "converted") as database, database.connect() as conn:
        conn.execute("CREATE TABLE a (id integer PRIMARY KEY, b timestamptz, c text, d text)")
        conn.execute("INSERT INTO a VALUES (1, now(), 'one', '1')")
        before: dict[str, Any] = contents.read(conn)
        conn.execute("ALTER TABLE a ALTER b TYPE timestamp, DROP c, ADD c varchar(9) DEFAULT 'x'")
        conn.execute("ALTER TABLE a ALTER d TYPE integer USING d::integer")
        lost = list(contents.lost(before, contents.read(conn), before))

    assert [contents.Loss("a.c", "values are not what they were")] == lost
