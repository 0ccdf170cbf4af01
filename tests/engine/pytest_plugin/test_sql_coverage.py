"""Coverage of the schema's own code: what probes see, and what they leave as it was."""

import json
import subprocess
import sys
from pathlib import Path

from conformance.engine.database import probes
from conformance.engine.database.session import Session
from conformance.engine.postgres.scratch import Database
from conformance.engine.pytest_plugin.sql_coverage import Covered

ROOT = Path(__file__).parents[3]
# What was found, and how many rows, is asked right after a line of which something else is known.
BODY = """
DECLARE
    v_count integer;
BEGIN
    UPDATE public.things SET n = n + 1 WHERE n > p_n;
    GET DIAGNOSTICS v_count = ROW_COUNT;
    IF NOT FOUND THEN
        RETURN 'none'; v_count := 0;
    ELSIF v_count = 2 THEN
        RETURN
            'both';
    END IF;
    FOR v_count IN 1 .. 2 LOOP
        NULL;
    END LOOP;
    BEGIN
        RAISE EXCEPTION 'rejected';
    EXCEPTION WHEN unique_violation THEN
        RETURN 'twice';
    END;
END;
"""
FUNCTION = f"""
CREATE FUNCTION public.count_up(p_n integer) RETURNS text LANGUAGE plpgsql AS $f${BODY}$f$
"""
THINGS = "CREATE TABLE public.things (n integer); INSERT INTO public.things VALUES (1), (2)"


def seen(session: Session, placed: probes.Probes) -> list[int]:
    """Return the lines that were reached."""
    return sorted(placed.placed[each].line for each in probes.reached(session))


def test_a_line_that_begins_with_a_statement_has_a_probe() -> None:
    """Branches and handlers too; no line amid a statement, and no second one of a line."""
    assert [5, 6, 7, 8, 10, 13, 17, 19] == probes.lines(FUNCTION, BODY)


def test_probes_see_what_is_reached_and_change_nothing(empty: Database) -> None:
    """Counts stay known, and a rollback takes nothing back."""
    with Session(empty.conninfo) as session:
        for sql in (THINGS, FUNCTION):
            session.connection.execute(sql.encode())
        placed = probes.place(session)

        before = seen(session, placed)
        none = session.fetch("SELECT public.count_up(9)")
        none_seen = seen(session, placed)
        both = session.fetch("SELECT public.count_up(0)")
        refused = session.ask("SELECT public.count_up(2)")
        lines = seen(session, placed)

    assert [] == before
    assert ([("none",)], [5, 6, 7, 8]) == (none, none_seen)
    assert [("both",)] == both
    assert not isinstance(refused, list)
    assert [5, 6, 7, 8, 10, 13, 17] == lines
    assert {} == placed.without


def test_what_no_process_has_reached_is_told_by_its_line() -> None:
    """Workers are added up; a function without probes is named with the reason."""
    covered = Covered()
    placed = {"p0": ("f()", 3, "RETURN 1;"), "p1": ("f()", 5, "RETURN 2;"), "p2": ("g()", 2, "x")}
    for reached in (["p0"], ["p0", "p2"]):
        covered.add({"placed": placed, "without": {"h()": "no"}, "reached": reached})

    assert ["not reached: f(), line 5: RETURN 2;", "without probes: h(): no"] == [*covered.lines()]
    (brief,) = covered.brief()
    assert brief.startswith("2 of 3 statements of 2 PL/pgSQL functions reached; 1 function")


def test_a_run_says_what_it_has_reached(tmp_path: Path) -> None:
    """With the option, tests that read functions see them as written; a worker tells the rest."""
    chosen = (
        "card_6__ and test_reading or auto_times__ and test_functions or CARD-6 and test_counts"
    )
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", str(ROOT / "conformance"), "-n", "1", "-v"),
            *("--sql-coverage", "-k", chosen, "-p", "no:cacheprovider"),
            *("--conformance-report", str(tmp_path / "report.json")),
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        timeout=300,
    )

    assert 0 == done.returncode, done.stdout + done.stderr
    assert "PL/pgSQL functions reached" in done.stdout
    assert "not reached: erase_user(uuid), line " in done.stdout
    coverage = json.loads((tmp_path / "report.json").read_text())["coverage"]
    assert coverage["statements"] - coverage["reached"] == len(coverage["missing"]) > 0
    assert f"{coverage['reached']} of {coverage['statements']} statements" in done.stdout
