"""Schemas that do more beside a rule, which is no fault of that rule."""

from typing import Final

import pytest

from conformance.engine.cases.case_runner import CaseRunner
from conformance.engine.cases.scenario import Scenario
from conformance.engine.cases.verdicts import Finding
from conformance.engine.database.sandbox import Sandbox
from conformance.engine.postgres.scratch import Scratch, Template
from conformance.engine.sql.writes import Insert, Path
from conformance.framecast.rules import RULES
from strategies.world import World, urn_of_user
from tests.support.engineering import Change, findings
from tests.support.rewriting import rewritten

CLOCK: Final = ("greatest(now(), OLD.updated_at)", "greatest(clock_timestamp(), OLD.updated_at)")
# What a schema has, and a rule that holds there along all paths.
INNOCENT: Final = {
    "checks of columns that rows hold beside": Change(
        "ALTER TABLE public.users ADD CHECK (name <> 'Bea' AND name <> 'Ada'),"
        " ADD CHECK (ephemeral_storage_bytes NOT IN (7, 8));",
        "INV-U5",
        Path.UPDATE,
    ),
    "a column that rows hold beside has another name": Change(
        "ALTER TABLE public.teams RENAME COLUMN credits TO balance;", "INV-T4", Path.INSERT
    ),
    "an end of keys that is not said": Change(
        "ALTER TABLE public.api_keys ALTER expires_at SET DEFAULT now() + interval '1 year';",
        "INV-A4",
        Path.DELETE,
    ),
    "a time that is the clock's": Change(
        rewritten("tg__set_updated_at", *CLOCK) + rewritten("tg_jobs__set_times", *CLOCK),
        "AUTO-UPDATED",
        Path.UPDATE,
    ),
    "a time that is the statement's": Change(
        rewritten("tg__set_updated_at", CLOCK[0], "statement_timestamp()"),
        "AUTO-UPDATED",
        Path.UPDATE,
    ),
    "keys that do not wait": Change(
        "".join(
            f"ALTER TABLE public.memberships ALTER CONSTRAINT {key} NOT DEFERRABLE;"
            for key in (
                "inv_m5__memberships_user_exists",
                "inv_m6__memberships_team_exists",
                "inv_u3__memberships_user_is_creator",
            )
        ),
        "INV-U1",
        Path.UPDATE,
    ),
    "a column more, which not every row may hold": Change(
        "ALTER TABLE public.users ADD COLUMN region text DEFAULT 'eu' CHECK (region = 'eu');",
        "INV-U5",
        Path.INSERT,
    ),
    "a column more, which may not be changed": Change(
        "ALTER TABLE public.teams ADD COLUMN is_paid boolean NOT NULL DEFAULT false;"
        "CREATE TRIGGER _300_paid BEFORE UPDATE OF is_paid ON public.teams FOR EACH ROW"
        " EXECUTE FUNCTION framecast.tg__reject('it is so for good', 'make another');",
        "INV-T6",
        Path.UPDATE,
    ),
}
# What leaves writes undone without a word: what breaks the rule is, too, and so it is not broken.
UNDONE: Final = {
    "a trigger that returns null": Change(
        "CREATE FUNCTION public.stop() RETURNS trigger LANGUAGE plpgsql SET search_path = ''"
        " AS $$ BEGIN RETURN NULL; END $$;"
        "CREATE TRIGGER _300_stop BEFORE UPDATE ON public.teams FOR EACH ROW WHEN (new.credits < 0)"
        " EXECUTE FUNCTION public.stop();",
        "INV-T6",
        Path.UPDATE,
        "unproven",
    ),
    "a rule that does nothing instead": Change(
        "CREATE RULE stop AS ON DELETE TO public.jobs DO INSTEAD NOTHING;",
        "DEL-1",
        Path.DELETE,
        "unproven",
    ),
}
NULL: Final = UNDONE["a trigger that returns null"]
# The same, by statements of which the server does not tell how many rows they have written.
COUNTLESS: Final = {
    "a WITH below a SELECT": NULL._replace(path=Path.CTE),
    "a COPY": Change(
        NULL.sql.replace("UPDATE ON public.teams", "INSERT ON public.usage").replace(
            "new.credits", "new.renders_count"
        ),
        "INV-US2",
        Path.COPY,
        "unproven",
    ),
}
# Rows that a trigger spreads over tables that inherit from its own: it returns null for each.
SPREAD: Final = (
    "CREATE TABLE public.usage_of_a_year () INHERITS (public.usage);"
    "CREATE FUNCTION public.spread() RETURNS trigger LANGUAGE plpgsql SET search_path = ''"
    " AS $$ BEGIN INSERT INTO public.usage_of_a_year VALUES (NEW.*); RETURN NULL; END $$;"
    "CREATE TRIGGER _900_spread BEFORE INSERT ON public.usage FOR EACH ROW"
    " EXECUTE FUNCTION public.spread();"
)
STOP: Final = (
    "CREATE FUNCTION public.stop() RETURNS trigger LANGUAGE plpgsql SET search_path = ''"
    " AS $$ BEGIN RAISE EXCEPTION 'no debts'; END $$;"
    "CREATE TRIGGER _000_stop BEFORE INSERT OR UPDATE ON public.teams FOR EACH ROW"
    " WHEN (new.credits < 0) EXECUTE FUNCTION public.stop();"
)
INDEX: Final = (
    "ALTER TABLE public.teams DROP CONSTRAINT inv_t3__teams_slug_unique;"
    "CREATE UNIQUE INDEX a ON public.teams (slug);"
    "CREATE UNIQUE INDEX inv_t3__teams_slug_unique ON public.teams (slug);"
)
NO_CHECK: Final = "ALTER TABLE public.teams DROP CONSTRAINT inv_t6__teams_credits_not_negative;"
# What refuses all that breaks a rule before the rule is asked, and how it is called.
MASKED: Final = {
    "a check": ("ALTER TABLE public.teams ADD CONSTRAINT a CHECK (credits >= 0);", "INV-T6", "a"),
    "an index": (INDEX, "INV-T3", "a"),
    "a trigger": (STOP, "INV-T6", "trigger teams._000_stop"),
}


INSTEAD: Final = Change(
    "ALTER TABLE public.teams DROP CONSTRAINT inv_t6__teams_credits_not_negative;"
    "CREATE FUNCTION public.put() RETURNS trigger LANGUAGE plpgsql SET search_path = ''"
    " AS $$ BEGIN IF pg_trigger_depth() > 1 THEN RETURN NEW; END IF;"
    " UPDATE public.teams SET credits = NEW.credits WHERE id = NEW.id; RETURN NULL; END $$;"
    "CREATE TRIGGER _050_put BEFORE UPDATE ON public.teams FOR EACH ROW WHEN (new.credits < 0)"
    " EXECUTE FUNCTION public.put();",
    "INV-T6",
    Path.UPDATE,
)


def test_a_row_that_a_trigger_wrote_instead_breaks_a_rule(
    scratch: Scratch, template: Template
) -> None:
    """The server counts no row of a statement whose trigger returns null, and there is one."""
    found = findings(INSTEAD, scratch, template, is_alone=True)

    assert [("INV-T6", "broken")] * len(found) == [
        each and (each.rule, str(each.verdict)) for each in found
    ], found


@pytest.mark.parametrize("name", [*UNDONE, *COUNTLESS])
def test_a_rule_is_not_broken_by_what_is_left_undone(
    name: str, scratch: Scratch, template: Template
) -> None:
    """A statement that writes no row breaks no rule, and proves none."""
    found = findings({**UNDONE, **COUNTLESS}[name], scratch, template, is_alone=True)

    assert ["unproven"] * len(found) == [each and str(each.verdict) for each in found], found
    assert {"no row was written"} == {each.cause for each in found if each}


@pytest.mark.parametrize("before", ["usage", "users"])
def test_the_last_of_several_writes_is_left_undone(
    before: str, scratch: Scratch, template: Template
) -> None:
    """Writes before it, of its table or another, are no sign of a broken rule."""
    world = World()
    user = world.a_starter()
    good, other, bad = (
        Insert("usage", (world.a_usage(urn_of_user(user), period=period, renders_count=n),))
        for period, n in (("2020-01", 1), ("2020-02", 2), ("2020-03", -1))
    )
    first = other if before == "usage" else Insert("users", (user,))
    with scratch.cloned(template, "last") as database:
        with database.connect() as connection:
            connection.execute(COUNTLESS["a COPY"].sql.encode())
        with Sandbox(database.conninfo) as sandbox, pytest.raises(Finding) as caught:
            CaseRunner(sandbox, RULES["INV-US2"], Path.INSERT).run(
                Scenario((), ((good,),), ((first, bad),))
            )

    assert ("unproven", "no row was written") == (str(caught.value.verdict), caught.value.cause)


@pytest.mark.parametrize("path", [Path.INSERT, Path.CTE, Path.COPY])
def test_rows_that_a_trigger_spreads_are_written(
    path: Path, scratch: Scratch, template: Template
) -> None:
    """A table that inherits has the row that its parent's trigger has left out of the parent."""
    found = findings(Change(SPREAD, "INV-US2", path), scratch, template, is_alone=True)

    assert [None] * len(found) == found


@pytest.mark.parametrize("name", MASKED)
def test_what_refuses_before_a_rule_is_named(
    name: str, scratch: Scratch, template: Template
) -> None:
    """A rule is unproven, and not nameless, where somebody else's object refuses first."""
    sql, rule, refuses = MASKED[name]
    found = findings(Change(sql, rule, Path.INSERT, "unproven"), scratch, template, is_alone=True)

    assert [(rule, "unproven", refuses)] * len(found) == [
        each and (each.rule, str(each.verdict), each.cause) for each in found
    ], found


@pytest.mark.parametrize("sql", [NO_CHECK + STOP, NO_CHECK + MASKED["a check"][0]])
def test_what_alone_refuses_is_the_rule_without_its_name(
    sql: str, scratch: Scratch, template: Template
) -> None:
    """Where nothing else would refuse, an object of another name is what enforces the rule."""
    change = Change(sql, "INV-T6", Path.INSERT, "unnamed")
    found = findings(change, scratch, template, is_alone=True)

    assert ["unnamed"] * len(found) == [each and str(each.verdict) for each in found], found


@pytest.mark.parametrize("name", INNOCENT)
def test_a_rule_that_holds_is_not_blamed(name: str, scratch: Scratch, template: Template) -> None:
    """Nothing is found of a rule that holds, whatever else the schema asks of a row."""
    found = findings(INNOCENT[name], scratch, template)

    assert [None] * len(found) == found
