"""What becomes of mutants is kept in the project, and explained with the rule."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from conformance.commands import main
from conformance.engine.mutants import last
from conformance.engine.mutants.mutant import Mutant
from conformance.engine.mutants.mutant_run import Kill, MutantRun
from conformance.engine.mutants.report import Report
from conformance.engine.mutants.unseen import Unseen
from conformance.engine.report import forms
from conformance.engine.report.forms.extras import Extras
from tests.support.recording import HEAD, run_in
from tests.support.reports import whole

if TYPE_CHECKING:
    import pytest

    from conformance.engine.postgres import Server

ROOT = Path(__file__).parents[3]
MIGRATIONS = ROOT / "migrations"
KILL = Kill("rules", "test_rules.py", "INV-T2", "broken")


def report(*phases: str, **became: str) -> Report:
    """Return the report of a run of phases, by what became of each of some mutants of a rule."""
    mutants = {name: Mutant(name, "dropped", "dropped", (), ("INV-T2",)) for name in became}
    runs = {
        name: MutantRun(name, KILL if status == "killed" else None, 1.0, 1)
        for name, status in became.items()
        if status != "untried"
    }
    some = {name: Unseen("waiting", "races") for name, each in became.items() if each == "open"}
    equal = {name: "it is" for name, each in became.items() if each == "equivalent"}
    return Report(mutants, {}, equal, some, runs, phases=phases)


def kept(folder: Path, schema: Path = MIGRATIONS) -> dict[str, str]:
    """Return what became of the mutants that a folder knows."""
    return {each["id"]: each["status"] for each in last.read(folder, schema)}


def test_runs_of_some_mutants_add_up(tmp_path: Path) -> None:
    """A decided mutant stays so; one that only some phases have tried is not, until all have."""
    last.add(tmp_path, MIGRATIONS, report(a="killed", b="untried", c="survived"))
    assert {"a": "killed", "c": "survived"} == kept(tmp_path)
    last.add(tmp_path, MIGRATIONS, report("rules", a="survived", c="killed", d="survived"))
    (tmp_path / "below").mkdir()
    assert {"a": "killed", "c": "killed", "d": "not decided"} == kept(tmp_path / "below")
    last.add(tmp_path, MIGRATIONS, report("rules", d="killed"))
    assert {"a": "killed", "c": "killed", "d": "killed"} == kept(tmp_path)


def test_what_survives_some_phases_stays_visible(
    server: Server,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A mutant that only some phases tried, and did not notice, is not decided, and is named."""
    monkeypatch.chdir(tmp_path)
    last.add(tmp_path, MIGRATIONS, report("rules", a="killed", b="survived"))
    where = ["--database-url", server.conninfo, "--migrations", str(MIGRATIONS)]
    assert 0 == main(["explain", "INV-T2", *where])
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    at = lines.index("mutants tried: 1 killed, 1 not decided, 0 open, 0 equivalent")
    assert "not decided (only some phases tried it): b" == lines[at + 1]

    page = forms.render(whole(), "html", Extras(mutants=tuple(last.read(tmp_path, MIGRATIONS))))
    assert "<p>1 killed, 1 not decided.</p>" in page
    assert "Not decided: only some phases tried 1 of these" in page


def test_results_are_of_one_schema(tmp_path: Path) -> None:
    """Nothing is said of another schema, nor of files that hold something else."""
    (tmp_path / "db").mkdir()
    (tmp_path / "db" / "001.sql").write_text("SELECT 1;")
    last.add(tmp_path, MIGRATIONS, report(a="killed"))
    assert {} == kept(tmp_path, tmp_path / "db")
    last.add(tmp_path, tmp_path / "db", report(b="killed"))
    assert ({"b": "killed"}, {}) == (kept(tmp_path, tmp_path / "db"), kept(tmp_path))
    for text in ("", "[]", "{}", '{"version": 2, "run": {}, "mutants": 1}'):
        (tmp_path / last.FILE).write_text(text)
        assert {} == kept(tmp_path)


def test_the_page_of_a_run_has_the_mutants_of_its_schema(tmp_path: Path) -> None:
    """Those of another schema are left out, and the page says how to add some."""
    page = tmp_path / "page.html"
    run = partial(run_in, tmp_path, HEAD, "--conformance-report=page.html", "-n0")

    last.add(tmp_path, MIGRATIONS, report(a="killed"))
    run()
    assert 'id="mutants"' not in page.read_text()
    assert "After <code>framecast-conformance mutants</code>" in page.read_text()
    last.add(tmp_path, tmp_path / "migrations", report(b="killed"))
    run()
    today = datetime.now(UTC).date().isoformat()
    assert f"<p>Of this schema, tried {today}.</p>" in page.read_text()
    assert "After <code>framecast-conformance mutants</code>" not in page.read_text()


def test_a_rule_is_explained_with_its_mutants(
    server: Server,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Counts and the open ones are shown where they are known; or else what to run."""
    monkeypatch.chdir(tmp_path)
    where = ["--database-url", server.conninfo, "--migrations", str(MIGRATIONS)]
    asked = ["explain", "INV-T2", *where]
    assert 0 == main(asked)
    unknown = capsys.readouterr().out
    assert "mutants tried: " not in unknown
    assert "what becomes of the others: framecast-conformance mutants inv_t2__" in unknown

    some = report(a="killed", b="killed", c="equivalent", d="open", e="survived")
    last.add(tmp_path, MIGRATIONS, some)
    some.write(tmp_path / "kills.json")
    assert 0 == main(asked)
    of_folder = capsys.readouterr().out
    (tmp_path / last.FILE).unlink()
    assert 0 == main([*asked, "--mutants", "kills.json"])
    of_file = capsys.readouterr().out

    lines = [line.strip() for line in of_folder.splitlines()]
    at = lines.index("mutants tried: 2 killed, 1 survived, 1 open, 1 equivalent")
    assert ["open: d", "survived: e"] == lines[at + 1 : at + 3]
    assert of_file == of_folder
    assert "that are known to survive" not in of_file


def test_a_matrix_that_is_none_is_refused(
    tmp_path: Path, server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file that holds no kill matrix ends the command with what writes one."""
    (tmp_path / "kills.json").write_text(json.dumps({"mutants": [{}]}))
    asked = ["explain", "INV-T2", "--database-url", server.conninfo]
    assert 0 != main([*asked, "--mutants", str(tmp_path / "kills.json")])
    assert "mutants --json" in capsys.readouterr().err
