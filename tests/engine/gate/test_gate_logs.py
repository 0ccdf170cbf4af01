"""Triggers of a log, which meet none but who writes the table that they are on."""

import dataclasses
from pathlib import Path

import pytest

from conformance.engine.deployment import migrations
from conformance.engine.gate import logs, suite, trial
from conformance.engine.gate.files import Files
from conformance.engine.gate.proof import Proof
from conformance.engine.gate.result import Result, Run
from conformance.engine.postgres import Request
from conformance.engine.postgres.scratch import Scratch
from conformance.framecast.rules import RULES

MIGRATIONS = Path(__file__).parents[3] / "migrations"
TABLE = "CREATE TABLE public.log (at timestamptz DEFAULT now(), who text, what text, row jsonb)"
INSERT = "INSERT INTO public.log (who, what, row) VALUES (session_user, TG_OP, to_jsonb(NEW));"
ON = "AFTER INSERT OR UPDATE ON public.webhooks FOR EACH ROW"


def script(body: str, on: str = ON, table: str = TABLE, head: str = "") -> str:
    """Write the file of a log."""
    return (
        f"{table}; CREATE FUNCTION public.noted() RETURNS trigger LANGUAGE plpgsql "
        f"SECURITY DEFINER {head} AS $$ BEGIN {body} RETURN NULL; END $$; "
        f"CREATE TRIGGER noted {on} EXECUTE FUNCTION public.noted()"
    )


def files(folder: Path, text: str) -> Files:
    """Make a file pending after those of the project."""
    (folder / "a.sql").write_text(text)
    return Files(migrations.load(MIGRATIONS), migrations.load(folder))


@pytest.mark.parametrize(
    ("text", "records"),
    [
        (script(INSERT), True),
        (script(f"IF TG_OP = 'INSERT' THEN {INSERT} ELSE {INSERT} END IF;"), True),
        (script(INSERT.replace("public.", ""), head="SET search_path = public"), True),
        (script(INSERT, table=f"{TABLE[:-1]}, id bigserial PRIMARY KEY)"), True),
        (script(INSERT, on="AFTER UPDATE OF url ON public.webhooks FOR EACH ROW"), True),
        (script(INSERT.replace("public.", "")), False),
        (script(INSERT, on=ON.replace("AFTER", "BEFORE")), False),
        (script(f"{INSERT} RAISE 'no';"), False),
        (script(f"{INSERT} PERFORM pg_sleep(1);"), False),
        (script(f"{INSERT} TRUNCATE public.log;"), False),
        (script(f"EXECUTE '{INSERT.replace(chr(39), '')}';"), False),
        (script(f"IF EXISTS (SELECT FROM public.teams) THEN {INSERT} END IF;"), False),
        (script("INSERT INTO public.log (row) SELECT to_jsonb(t) FROM public.teams AS t;"), False),
        (script("INSERT INTO public.usage (team_id) VALUES (NEW.id);"), False),
        (script(INSERT, table=f"{TABLE[:-1]}, UNIQUE (what))"), False),
        (script(INSERT, table=f"{TABLE[:-1]}, CHECK (what <> 'UPDATE'))"), False),
        (script(INSERT.replace("who,", "id,"), table=TABLE.replace("who", "id")), True),
        (
            script(INSERT.replace("who", "id"), table=f"{TABLE[:-1]}, id text PRIMARY KEY)"),
            False,
        ),
        (script(INSERT, table=f"{TABLE[:-1]}, u uuid REFERENCES public.users)"), False),
        (script(INSERT, on=f"{ON} WHEN (NEW.url <> '')"), True),
        (f"{script(INSERT)}; ALTER TABLE public.teams ADD COLUMN motto text DEFAULT ''", False),
    ],
)
def test_a_trigger_of_a_log_is_known_by_its_text(
    scratch: Scratch, folder: Path, text: str, records: bool
) -> None:
    """It adds rows to a table that takes any, and does nothing else."""
    tried = trial.tried(scratch, files(folder, text), None)

    assert tried.fault is None
    assert records == logs.only(tried.steps)


@pytest.mark.parametrize("keep_going", [False, True])
def test_the_suite_is_asked_of_its_table(
    scratch: Scratch, folder: Path, monkeypatch: pytest.MonkeyPatch, keep_going: bool
) -> None:
    """Of rules on that table, as the owner and as the role; of all, where that is asked for."""
    asked: list[Run] = []

    def ran(_files: object, how: Run) -> tuple[Result, bool]:
        asked.append(dataclasses.replace(how))
        return Result(dict.fromkeys(how.rules or RULES, "held")), False

    monkeypatch.setattr(suite, "run_once", ran)
    pending = files(folder, script(INSERT))
    steps = trial.tried(scratch, pending, None).steps
    how = Run(Request(), 180_000, "quick", 60)
    proof = Proof(scratch, pending, steps, how, keep_going=keep_going)
    proof.ask()

    near = {rule.id for rule in RULES.values() if "webhooks" in rule.tables}
    assert [set() if keep_going else near] * 2 == [set(each.rules) for each in asked]
    assert [not keep_going] * 2 == [each.alone for each in asked]
