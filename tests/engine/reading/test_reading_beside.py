"""Locks, and whatever else fires and is no rule's, that are lifted for rows of a kind."""

from typing import Final

import pytest

from conformance.engine.cases.verdicts import Verdict
from conformance.engine.postgres.scratch import Scratch, Template
from conformance.engine.reading.switches import switches
from tests.support.rewriting import retriggered, rewritten

OF_TEAMS: Final = "FROM public.memberships AS m WHERE m.user_id = NEW.id"
# What lifts a lock -> what is said of it.
LIFTED: Final = {
    rewritten(
        "tg_invitations__lock_inviter_and_team",
        "OLD.expires_at = NEW.expires_at",
        "(OLD.expires_at = NEW.expires_at OR OLD.role = 'viewer')",
    ): "framecast.tg_invitations__lock_inviter_and_team() reads column role",
    rewritten(
        "tg_users__lock_user_and_teams", OF_TEAMS, f"{OF_TEAMS} AND m.role <> 'viewer'"
    ): "framecast.tg_users__lock_user_and_teams() reads column role",
    retriggered(
        "public.asset_files",
        "_200_lock_project",
        "WHEN (",
        "WHEN (new.content_type <> 'video/mp4' AND ",
    ): "trigger public.asset_files._200_lock_project reads column content_type",
}
# Of others' objects is nothing known, and so nothing said.
OTHERS: Final = """
CREATE FUNCTION public.later() RETURNS trigger LANGUAGE plpgsql SET search_path = ''
AS $$ BEGIN IF NEW.role = 'viewer' THEN NEW.token := NEW.token; END IF; RETURN NEW; END $$;
CREATE TRIGGER _900_later BEFORE INSERT ON public.invitations
FOR EACH ROW EXECUTE FUNCTION public.later();
"""


def said(sql: str, scratch: Scratch, template: Template) -> list[tuple[str, Verdict]]:
    """Return what is said of a schema after a change, and how bad it is."""
    with scratch.cloned(template, "beside") as database, database.connect() as connection:
        connection.execute(sql.encode())
        return [(str(each), each.verdict) for each in switches(connection)]


@pytest.mark.parametrize("sql", LIFTED)
def test_a_lock_for_some_rows_is_named(sql: str, scratch: Scratch, template: Template) -> None:
    """A lock that asks for a column which it did not leaves what rests on it unproven."""
    assert [(LIFTED[sql], Verdict.UNPROVEN)] == said(sql, scratch, template)


def test_what_others_add_is_let_be(scratch: Scratch, template: Template) -> None:
    """A trigger of somebody else reads what it likes."""
    assert not said(OTHERS, scratch, template)


def test_tables_of_others_name_their_columns_as_they_like(
    scratch: Scratch, template: Template
) -> None:
    """A function's own name for a part of a row is no column of a table that it does not read."""
    table = "CREATE TABLE public.visits (id bigint PRIMARY KEY, place text, key text, value jsonb)"
    reading = rewritten(
        "tg_users__lock_user_and_teams",
        OF_TEAMS,
        f"{OF_TEAMS} AND NOT EXISTS (SELECT FROM public.visits AS v WHERE v.place = 'x')",
    )

    assert [] == said(table, scratch, template)
    assert [("framecast.tg_users__lock_user_and_teams() reads column place", Verdict.UNPROVEN)] == [
        each for each in said(f"{table};{reading}", scratch, template) if each[0].endswith("place")
    ]
