"""The suite as the application's role: what is asked of it, and what its answers come to."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import pytest

from conformance.engine.audit.description import Description
from conformance.engine.deployment import migrations
from conformance.engine.deployment.migrations import Migration
from conformance.engine.gate import suite
from conformance.engine.gate.files import Files
from conformance.engine.gate.proof import Proof
from conformance.engine.gate.suite import SUITE, Result, Run
from conformance.engine.postgres import Request
from conformance.engine.postgres.scratch import Scratch
from conformance.engine.progress import Watch
from conformance.framecast.application import APPLICATION
from conformance.framecast.rules import RULES

HELD = Result(dict.fromkeys(RULES, "held"))
HOW = Run(Request(), 180000, "quick", 600)
LATE = Result({**HELD.verdicts, "INV-T6": "unproven"}, {"INV-T6": ["rejected by no constraint"]})
WRONG = Result({**HELD.verdicts, "INV-U5": "broken"}, {"INV-U5": ["accepted"]})
GIVEN = ("privilege", f"SELECT on public.teams to {APPLICATION}")
STEPS: list[Description] = [{GIVEN: ""}, {GIVEN: "", ("column", "public.teams.motto"): "text"}]


def asked(
    scratch: Scratch,
    folder: Path,
    answers: dict[str, Result],
    monkeypatch: pytest.MonkeyPatch,
    steps: list[Description],
) -> tuple[Proof, list[str]]:
    """Ask the suite, which has an answer for the owner, '', and for the role."""
    roles: list[str] = []

    def ran(_files: Sequence[Migration], how: Run) -> Result:
        roles.append(how.role)
        return dataclasses.replace(answers[how.role])

    monkeypatch.setattr(suite, "run", ran)
    monkeypatch.setattr(suite, "run_once", lambda _files, _how: (HELD, False))
    (folder / "a.sql").write_text("SELECT 1")
    (folder / "b.sql").write_text("SELECT 1")
    files = migrations.load(folder)
    proof = Proof(scratch, Files(files[:1], files[1:]), steps, HOW)
    proof.ask()
    return proof, roles


@pytest.mark.parametrize(
    ("owner", "role", "steps", "as_whom", "about"),
    [
        (HELD, HELD, STEPS, ["", APPLICATION], []),
        (HELD, LATE, STEPS, ["", APPLICATION], ["INV-T6"]),
        (WRONG, LATE, STEPS, [""], ["INV-U5"]),
        (HELD, LATE, [{}, {("column", "x"): "text"}], [""], []),
        (HELD, LATE, STEPS[:1] * 2, [], []),
    ],
)
def test_the_role_is_asked_where_the_owner_finds_nothing(  # noqa: PLR0913, PLR0917 - a table
    scratch: Scratch,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    owner: Result,
    role: Result,
    steps: list[Description],
    as_whom: list[str],
    about: list[str],
) -> None:
    """A rule that fails as the application's role alone is one that was held and no longer is."""
    answers = {"": owner, APPLICATION: role}
    proof, roles = asked(scratch, folder, answers, monkeypatch, steps)
    section = proof.section()

    assert as_whom == roles
    assert about == [fault.about for fault in section.faults]
    if role is LATE and about == ["INV-T6"]:
        assert (f"as {APPLICATION}: rejected by no constraint",) == section.faults[0].keys
        assert "unproven, and it was held before" in section.faults[0].what


@pytest.mark.parametrize("profile", ["quick", "thorough"])
def test_the_whole_suite_runs_as_the_role(profile: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of it but what is about several sessions, and thoroughly that as well."""
    commands: list[list[str]] = []

    def run(command: list[str], _timeout: float, written: tuple[Path, ...], _watch: Watch) -> None:
        commands.append(command)
        written[0].write_text('{"rules": []}')
        written[1].write_text('{"failed": {}, "slow": []}')

    monkeypatch.setattr(suite, "_run", run)
    monkeypatch.setattr(suite, "RULES", {})
    suite.run([], dataclasses.replace(HOW, profile=profile, role=APPLICATION))
    [command] = commands
    left_out = {Path(each.partition("=")[2]) for each in command if each.startswith("--ignore=")}

    assert APPLICATION == command[command.index("--role") + 1]
    assert str(SUITE) in command
    assert left_out <= set(SUITE.glob("test_*.py"))
    assert (profile == "quick") == bool(left_out)
    assert not left_out & {SUITE / f"test_{name}.py" for name in ("rules", "role", "machines")}
    assert suite._key([], HOW) != suite._key([], dataclasses.replace(HOW, role=APPLICATION))
