"""Earlier runs, and mutants, which a page shows beside its run."""

import html
import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from conformance.commands import main
from conformance.engine.report import form, forms
from conformance.engine.report.forms import extras
from conformance.engine.report.forms.extras import Extras
from tests.support.reports import whole

MUTANTS = [
    {"id": "teams.inv_t6__x/dropped/1", "operator": "check dropped", "change": "drop it"},
    {"id": "teams.inv_t6__x/moved/2", "operator": "comparison moved", "change": "0 to -1"},
    {"id": "nothing/moved/3", "operator": "comparison moved", "change": "no change"},
]
STATUSES = ("killed", "survived", "ineffective")
KILLERS = {"killed": {"stage": "rules", "part": "inv_t6__insert 1"}}


def test_the_page_shows_several_runs_and_mutants(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Rules whose verdicts differ stand beside each other; mutants stand by rule and by change."""
    new, old = whole(), whole()
    old["begun"] = "2026-11-20T12:00:00+00:00"
    changed = [each for each in old["rules"] if each["id"] == "INV-T6"]
    changed[0]["verdict"] = "unproven"
    part = {**new, "whole": False, "rules": new["rules"][1:]}
    kills = {
        "version": 2,
        "mutants": [
            {**each, "rules": ["INV-T6"], "status": status, "killed_by": KILLERS.get(status)}
            for each, status in zip(MUTANTS, STATUSES, strict=True)
        ],
    }
    for name, document in (("new", new), ("old", old), ("part", part), ("kills", kills)):
        (tmp_path / f"{name}.json").write_text(json.dumps(document))
    given = [str(tmp_path / f"{name}.json") for name in ("new", "part", "old")]
    given.insert(1, "--history")
    mutants = ["--mutants", str(tmp_path / "kills.json")]
    page = tmp_path / "page.html"

    assert 0 == main(["report", *given, *mutants, "--to", str(page)])
    text = page.read_text()
    history = text.partition('<h2 id="history">')[2]
    # By their dates, in whatever order they were given.
    assert [("INV-T6", "unproven", "held", "held")] == re.findall(
        r'<a href="#([A-Z0-9-]+)">.*?verdict (\w+)">.*?verdict (\w+)">.*?verdict (\w+)">', history
    )
    assert 1 == history.count(", this page</th>") == text.count(", by the whole suite,")
    assert "1 rule was not tried in all of these runs" in history
    assert "1 killed, 1 survived." in text
    assert 2 == len(re.findall(r"<td>rules 1\s*</td></tr>", text))
    assert "survived: <code>teams.inv_t6__x/moved/2</code>: 0 to -1" in text
    assert "not tried to the end" not in text
    undecided = {**MUTANTS[0], "rules": ["INV-T6"], "status": "untried", "killed_by": None}
    text = forms.render(new, "html", Extras((), (undecided,) * 3))
    assert "<p>3 more were not tried to the end" in text
    assert 1 == main(["report", *given, "--format", "markdown"])
    assert "are for the page" in capsys.readouterr().err
    assert "No mutant of 116 of 117 rules is among these" in page.read_text()
    assert 1 == main(["report", *given, "--mutants", given[0], "--to", str(page)])
    assert "is no kill matrix" in capsys.readouterr().err


def test_the_schema_of_mutants_and_of_other_runs_is_told(tmp_path: Path) -> None:
    """Mutants of another schema, or of none that is named, and runs of another one, are marked."""
    new, old = whole(), whole()
    old["migrations"] = {**new["migrations"], "004_credits_on_loan.sql": "00"}
    old["begun"] = "2026-11-20T12:00:00+00:00"
    history = forms.render(new, "html", Extras((old,))).partition('<h2 id="history">')[2]
    told = "<td>with 004_credits_on_loan.sql</td><td>as here</td>"
    assert f"<tr><th>schema</th>{told}</tr>" in history

    mutant = {**MUTANTS[0], "rules": ["INV-T6"], "status": "killed", "killed_by": None}
    changed = {"001_initial_schema.sql": "00"}
    another = "another schema than that of this run: another 001_initial_schema.sql."
    for schema, said in (
        (None, "does not say of which schema"),
        (changed, another),
        (new["migrations"], ""),
    ):
        matrix = tmp_path / "kills.json"
        matrix.write_text(
            json.dumps({"mutants": [mutant], **({"schema": schema} if schema else {})})
        )
        text = forms.render(new, "html", extras.read_mutants(matrix))
        assert said in text
        assert ("<p><strong>The" in text) == bool(said)


def test_rules_that_went_away_are_in_the_history() -> None:
    """With the words that they had, and without a link, since the page has no such rule."""
    gone = whole()
    (rule,) = (each for each in gone["rules"] if each["id"] == "INV-T6")
    gone["begun"] = "2026-11-20T12:00:00+00:00"
    for whole_run, kind in ((True, "<tr><th "), (False, "<li>")):
        new = {**whole(), "whole": whole_run}
        new["rules"] = [each for each in new["rules"] if each["id"] != "INV-T6"]
        history = forms.render(new, "html", Extras((gone,))).partition('<h2 id="history">')[2]

        (line,) = (line for line in history.splitlines() if "INV-T6" in line)
        assert line.startswith(kind)
        assert rule["statement"] in html.unescape(line)
        assert '"#INV-T6"' not in history
        assert ("\N{EN DASH}</span>" in line) == whole_run


def test_a_page_alone_speaks_of_no_other_runs() -> None:
    """Without earlier reports and mutants, the page of a whole report has no heading for them."""
    document: dict[str, Any] = whole()
    valid: object = msgspec.convert(document, form.Report)
    assert document == valid
    alone, beside = (forms.render(document, "html", each) for each in (None, Extras((document,))))

    assert 'id="history"' not in alone
    assert 'id="mutants"' not in alone
    assert "Every rule has the same verdict in all of them." in beside
