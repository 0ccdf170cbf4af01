"""Survivors that are known are shown, excused for a time, and reported once something sees them."""

from pathlib import Path

import pytest

from conformance.engine.mutants import unseen
from conformance.engine.mutants.errors import RecordError
from conformance.engine.mutants.mutant import Mutant
from conformance.engine.mutants.mutant_run import Kill, MutantRun
from conformance.engine.mutants.report import Report
from conformance.engine.mutants.unseen import Unseen

HABIT = "waiting"
MUTANT = Mutant("a", "waits", "", ("SELECT 1",), habit=HABIT)
KNOWN = {MUTANT.id: Unseen(HABIT, "near misses")}


def report(kill: Kill | None, known: dict[str, Unseen]) -> Report:
    """Return the report of a run that has tried one mutant."""
    made = Report({MUTANT.id: MUTANT}, {}, {}, known)
    made.mutant_runs[MUTANT.id] = MutantRun(MUTANT.id, kill, 0.1, 1)
    return made


def test_what_is_open_is_shown_and_fails_nothing() -> None:
    """A survivor that is recorded is counted by its class, and is not among the survivors."""
    made = report(None, KNOWN)
    assert [] == made.survivors + made.seen
    lines = list(made.lines())
    assert "open: 1, must become none" in lines
    assert f"     1 {HABIT} (to be seen by: near misses)" in lines
    assert "score: 0 of 1 killed, 0 equivalent, 1 open" == lines[-1]


def test_a_changed_node_is_of_no_class(tmp_path: Path) -> None:
    """Of mutants that no habit of people makes, an entry names no class."""
    record, mutant = tmp_path / "open.toml", Mutant("a", "lock removed", "", ())
    record.write_text(f"[[open]]\nmended_by = 'races'\nmutants = ['{mutant.id}']\n")
    known = unseen.read(record)
    unseen.check(known, [mutant])
    assert "     1 a changed node (to be seen by: races)" in [*unseen.lines(known.values())]


def test_the_records_of_the_schema_name_classes() -> None:
    """Each entry that the schema's own record has is of a class, or of none."""
    assert unseen.read()


def test_a_survivor_that_is_not_recorded_fails() -> None:
    """Without the record the same mutant is a survivor."""
    made = report(None, {})
    assert [MUTANT.id] == made.survivors
    assert "1 survived" == made.left
    assert "open: none" in list(made.lines())


def test_what_is_killed_is_no_longer_open() -> None:
    """A recorded mutant that something kills is to be removed from the record."""
    made = report(Kill("rules", "card_5__insert 1", "CARD-5", "broken"), KNOWN)
    assert [MUTANT.id] == made.seen
    line = f"NO LONGER OPEN: {MUTANT.id} is killed by card_5__insert 1: remove it"
    assert line in list(made.lines())


def test_a_wrong_excuse_is_reported() -> None:
    """A mutant that is recorded as equivalent, and killed all the same, is an error."""
    mutant = Mutant("a", "b", "c", ())
    report = Report({mutant.id: mutant}, {}, {mutant.id: "it changes nothing"})
    kill = Kill("rules", "inv_u5__insert 1", "INV-U5", "broken")
    report.mutant_runs[mutant.id] = MutantRun(mutant.id, kill, 0.1, 1)
    assert [mutant.id] == report.wrongly_excused
    assert any("WRONGLY RECORDED" in line for line in report.lines())


@pytest.mark.parametrize(
    ("mutants", "complaint"),
    [
        ([], "names what is no mutant any more: remove a/waits"),
        ([Mutant("a", "waits", "", (), habit="switches")], "'waiting', and it is of 'switches'"),
    ],
)
def test_the_record_names_mutants_of_their_class(mutants: list[Mutant], complaint: str) -> None:
    """A record of a mutant that is not generated any more, or is of another class, ends the run."""
    with pytest.raises(RecordError, match=complaint):
        unseen.check(KNOWN, mutants)


ENTRY = '[[open]]\nclass = "{}"\nmended_by = "races"\nmutants = {}\n'


@pytest.mark.parametrize(
    ("record", "complaint"),
    [
        (ENTRY.format(HABIT, '["a", "a"]'), "names a twice"),
        (ENTRY.format("weather", '["a"]'), "a class that there is not: weather"),
        ('[[open]]\nclass = "waiting"\nmutants = ["a"]', "mended_by"),
        ("[[open", "cannot be read"),
    ],
)
def test_a_wrong_record_is_an_error(tmp_path: Path, record: str, complaint: str) -> None:
    """A record that names a mutant twice, or no class, ends the run with its name."""
    file = tmp_path / "open.toml"
    file.write_text(record)
    with pytest.raises(RecordError, match=complaint):
        unseen.read(file)
