"""Comparison of two reports: what got weaker, and what one of them did not try."""

import copy
import json
from pathlib import Path
from typing import Any, Final

import pytest

from conformance.commands import main
from tests.support.reports import whole

VERDICTS: Final = {"INV-T6": "broken", "INV-T2": "unproven", "INV-U5": "held"}


@pytest.fixture
def document() -> dict[str, Any]:
    """Return a report of a run in which one rule was broken, one unproven, and another held."""
    found = whole()
    known = {each["id"]: each for each in found["rules"]}
    found["rules"] = [{**known[name], "verdict": word} for name, word in VERDICTS.items()]
    return found


def test_what_got_weaker_fails(
    document: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A rule that was held and is not any more, or is gone, is weaker; the better is told too."""
    before = copy.deepcopy(document)
    (broken, _, held) = before["rules"]
    broken["verdict"], held["verdict"] = "held", "unproven"
    before["migrations"] = {"001_initial_schema.sql": "00", "002.sql": "00"}
    before["coverage"] = {"statements": 9, "reached": 8, "missing": ["x"], "without": {}}
    for name, each in (("old", before), ("new", document)):
        (tmp_path / f"{name}.json").write_text(json.dumps(each))
    paths = [str(tmp_path / f"{name}.json") for name in ("old", "new")]

    assert 1 == main(["compare", *paths])
    out = capsys.readouterr().out
    assert "weaker    INV-T6            held -> broken\n" in out
    assert "stronger  INV-U5            unproven -> held\n" in out
    assert "001_initial_schema.sql: as it was -> edited\n002.sql: there -> not there\n" in out
    assert "coverage: 8 of 9 statements -> not measured\n" in out
    assert out.endswith("1 weaker, 1 stronger\n")

    assert 0 == main(["compare", paths[1], paths[1]])
    assert "0 weaker, 0 stronger\n" == capsys.readouterr().out
    document["rules"] = document["rules"][:2]
    (tmp_path / "new.json").write_text(json.dumps(document))
    assert 1 == main(["compare", paths[0], paths[1]])
    assert "weaker    INV-U5            unproven -> -\n" in capsys.readouterr().out
    assert 2 == main(["compare", paths[0], str(tmp_path / "none.json")])
    assert "none.json" in capsys.readouterr().err


def test_reports_without_a_common_rule_are_not_compared(
    document: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of two parts of the suite that share nothing, none can be called as strong as the other."""
    for name, some in (("one", document["rules"][:1]), ("other", document["rules"][1:])):
        part = {**document, "rules": some, "whole": False}
        (tmp_path / f"{name}.json").write_text(json.dumps(part))

    assert 2 == main(["compare", str(tmp_path / "one.json"), str(tmp_path / "other.json")])
    assert "have no rule in common" in capsys.readouterr().err


def test_evidence_that_went_away_is_weaker(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A rule that is held, and of which less is seen, is weaker; counts of tests are told."""
    old = copy.deepcopy(whole())
    old["counts"]["passed"] = 300
    (rule,) = (each for each in old["rules"] if each["id"] == "INV-T2")
    rule["verdict"], rule["failures"] = "held", []
    new = copy.deepcopy(old)
    new["counts"] |= {"passed": 200, "skipped": 100}
    (less,) = (each for each in new["rules"] if each["id"] == "INV-T2")
    rule["paths"]["copy"] = {"accepted": 2, "rejected": 14, "named": 14}
    less["paths"]["copy"] = {"reason": "not tried in this run"}
    del less["levels"]["serializable"], less["as_role"]
    races = len(less["races"])
    less["races"] = []
    part = {**new, "whole": False}
    for name, each in (("old", old), ("new", new), ("part", part)):
        (tmp_path / f"{name}.json").write_text(json.dumps(each))
    paths = [str(tmp_path / f"{name}.json") for name in ("old", "new", "part")]

    assert 1 == main(["compare", *paths[:2]])
    out = capsys.readouterr().out
    assert "tests passed: 300 -> 200\ntests skipped: 0 -> 100\n" in out
    gone = (
        "write path: copy",
        "level of isolation in races: serializable",
        f"{races} known races",
        "known race by turns: inv_t2__two_owners_leave",
        "writer: the application's role",
    )
    (line,) = (each for each in out.splitlines() if "not seen any more" in each)
    assert line.startswith("weaker    INV-T2            held, but not seen any more: ")
    assert all(each in line for each in gone)
    assert out.endswith("\n1 weaker, 0 stronger\n")
    assert 0 == main(["compare", *reversed(paths[:2])])
    capsys.readouterr()
    assert 1 == main(["compare", paths[0], paths[2]])
    assert 0 == main(["compare", "--tried-by-both", paths[0], paths[2]])


@pytest.mark.parametrize(
    ("ended", "told"),
    [
        ({"exit_status": 4}, "ended before it could judge: exit status 4"),
        ({"exit_status": 2}, "ended before it could judge: exit status 2"),
        (
            {"exit_status": 4, "errors": [{"said": "no server"}]},
            "ended before it could judge: no server",
        ),
        ({"exit_status": 1}, "the new run failed, and the old one did not"),
    ],
)
def test_a_run_that_ends_worse_is_weaker(
    ended: dict[str, Any],
    told: str,
    document: dict[str, Any],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Whatever its rules say, a run that ended in an error or failed is no equal of a green one."""
    for name, how in (("old", {"exit_status": 0}), ("new", ended)):
        (tmp_path / f"{name}.json").write_text(json.dumps({**document, **how}))

    assert 1 == main(["compare", str(tmp_path / "old.json"), str(tmp_path / "new.json")])
    assert told in capsys.readouterr().out


def test_what_was_held_and_is_not_tried_is_unproven(
    document: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It fails, unless only what both tried is asked for; a new run may try more than before."""
    rules = [{**each, "verdict": "held"} for each in document["rules"]]
    rules[1]["verdict"] = "unproven"  # as it was before
    whole = {**document, "rules": rules}
    part = {**document, "rules": rules[2:], "whole": False}
    for name, each in (("whole", whole), ("part", part)):
        (tmp_path / f"{name}.json").write_text(json.dumps(each))
    whole_then_part = [str(tmp_path / f"{name}.json") for name in ("whole", "part")]

    assert 1 == main(["compare", *whole_then_part])
    assert capsys.readouterr().out.endswith(
        "not tried by the new run: 2 rules of the other report\n"
        "0 weaker, 0 stronger, of 1 rule that both tried, 1 unproven, held before and not tried now"
        " (--tried-by-both leaves them out)\n"
    )
    assert 0 == main(["compare", "--tried-by-both", *whole_then_part])
    assert capsys.readouterr().out.endswith("0 stronger, of 1 rule that both tried\n")
    assert 0 == main(["compare", *reversed(whole_then_part)])
    assert "not tried by the old run: 2 rules" in capsys.readouterr().out


def test_parts_of_the_same_rules_are_compared(
    document: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The last line says of how many rules that is."""
    path = tmp_path / "part.json"
    path.write_text(json.dumps({**document, "rules": document["rules"][1:], "whole": False}))

    assert 0 == main(["compare", str(path), str(path)])
    out = capsys.readouterr().out
    assert out.endswith("\n0 weaker, 0 stronger, of 2 rules that both tried\n")
