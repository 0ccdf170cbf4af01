"""Findings that are found no more are dropped, and folders that are gone are forgotten."""

import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from conformance.commands import main
from conformance.engine.cases.verdicts import Standing, Tally, Verdict
from conformance.engine.findings import replaying, store
from conformance.engine.postgres.request import SETTINGS
from conformance.engine.pytest_plugin import circumstances, findings
from tests.support.kept import kept


@pytest.mark.parametrize(
    "ended",
    [
        (True, None, Verdict.HELD, 0),
        (False, None, Verdict.HELD, 1),
        (True, "framecast_app", Verdict.HELD, 1),
        (True, None, Verdict.UNPROVEN, 1),
    ],
)
def test_what_is_stale_is_dropped(
    ended: tuple[bool, str | None, Verdict, int], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A whole run, on the same schema as the same role, in which the rule was held, drops it."""
    whole, role, verdict, left = ended
    standing = Standing({"insert": Tally(1, 1, 1)} if verdict is Verdict.HELD else {})
    assert verdict is standing.verdict
    keeper = keeping(folder, monkeypatch, findings.Ended({"INV-T6": standing}, whole), role=role)

    said = list(keeper.brief())

    assert left == len(store.inside(folder / store.FOLDER))
    assert (not left) == any("1 dropped" in line for line in said)


def keeping(
    folder: Path, monkeypatch: pytest.MonkeyPatch, ended: findings.Ended, **given: Any
) -> findings._Keeper:
    """Return the section of a run in a folder where a finding is kept."""
    store.write(folder / store.FOLDER, [kept(folder)])
    monkeypatch.setattr(circumstances, "circumstances", lambda _: kept(folder, **given).run)
    config = SimpleNamespace(
        stash=pytest.Stash(),
        getoption=lambda _: str(store.FOLDER),
        invocation_params=SimpleNamespace(dir=folder),
    )
    config.stash[findings.ENDED] = ended
    return findings._Keeper(cast("pytest.Config", config))


@pytest.mark.parametrize(
    ("passed", "given", "left"),
    [
        (("test_rule[inv_t6__update]", "call"), {}, 0),
        (("test_rule[inv_t6__update]", "setup"), {}, 1),
        (("test_rule[inv_t6__insert]", "call"), {}, 1),
        (("test_rule[inv_t6__update]", "call"), {"profile": "thorough"}, 1),
        (("test_rule[inv_t6__update]", "call"), {"major": 15}, 1),
        (("test_rule[inv_t6__update]", "call"), {"seed": 8}, 0),
    ],
)
def test_a_test_that_passes_drops_what_it_found(
    passed: tuple[str, Any],
    given: dict[str, Any],
    left: int,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The same test, in a run of any part of the suite, with the same profile, and no other."""
    test, when = passed
    unproven = findings.Ended({"INV-T6": Standing()}, whole=False)
    keeper = keeping(folder, monkeypatch, unproven, **given)
    node, place = f"../suite/test_rules.py::{test}", ("test_rules.py", 1, test)
    keeper.note(pytest.TestReport(node, place, {}, "passed", None, when))

    assert left != any("1 dropped" in line for line in keeper.brief())
    assert left == len(store.inside(folder / store.FOLDER))


@pytest.mark.parametrize(
    ("words", "still", "left"),
    [
        ("", 0, 0),
        ("", 1, 1),
        ("--to 1", 0, 1),
        ("--migrations elsewhere", 0, 1),
        ("--migrations migrations", 0, 0),
        ("--postgres 16", 0, 1),
        ("--postgres 17", 0, 0),
    ],
)
def test_a_replay_drops_what_is_found_no_more(
    words: str, still: int, left: int, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where it was tried whole, on the schema and the server that it was found on."""
    store.write(folder / store.FOLDER, [kept(folder, request=("--postgres=17",))])
    monkeypatch.setattr(replaying, "replay", lambda *_: still)
    monkeypatch.chdir(folder)
    for _, _, variable in SETTINGS:
        monkeypatch.delenv(variable, raising=False)

    assert still == main(["replay", "inv_t6__", *words.split()])
    assert left == len(store.inside(folder / store.FOLDER))


def test_folders_that_are_gone_are_forgotten(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The list of folders has those that are there, of which the last few are named."""
    for number in range(6):
        store.write(folder / f"{number}" / store.FOLDER, [kept(folder)])
    shutil.rmtree(folder / "5")
    store.write(folder / "0" / store.FOLDER, [kept(folder)])
    listed = (folder.parent / "state" / "framecast-conformance" / store.LISTED).read_text()
    monkeypatch.chdir(folder / "below")

    assert 0 == main(["findings"])
    nothing, *named, others = capsys.readouterr().out.splitlines()
    assert "nothing is kept here" == nothing
    last = ["0", "4", "3"]
    assert [f"1 in {folder / each / store.FOLDER}" for each in last] == named
    assert others.startswith("and in 2 other folders")
    assert [str(folder / each / store.FOLDER) for each in "12340"] == listed.splitlines()
