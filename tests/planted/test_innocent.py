"""Schemas that do more beside a rule, which is no fault of that rule."""

from typing import Final

import pytest

from conformance.engine.postgres.scratch import Scratch, Template
from conformance.engine.sql.writes import Path
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


@pytest.mark.parametrize("name", UNDONE)
def test_a_rule_is_not_broken_by_what_is_left_undone(
    name: str, scratch: Scratch, template: Template
) -> None:
    """A statement that writes no row breaks no rule, and proves none."""
    found = findings(UNDONE[name], scratch, template, is_alone=True)

    assert ["unproven"] * len(found) == [each and str(each.verdict) for each in found], found
    assert {"no row was written"} == {each.cause for each in found if each}


@pytest.mark.parametrize("name", INNOCENT)
def test_a_rule_that_holds_is_not_blamed(name: str, scratch: Scratch, template: Template) -> None:
    """Nothing is found of a rule that holds, whatever else the schema asks of a row."""
    found = findings(INNOCENT[name], scratch, template)

    assert [None] * len(found) == found
