"""Guards that pass over some of the rows, or hold others up, are found by reading them."""

from collections.abc import Iterator
from typing import Any, Final

import psycopg
import pytest

from conformance.engine.cases.verdicts import Verdict
from conformance.engine.postgres.scratch import Scratch, Template
from conformance.engine.reading.switches import switches
from tests.support.rewriting import rewritten

# What a guard asks -> by what it says that it passes over some rows.
SHARES: Final = {
    "abs(hashtext(OLD.id::text)) % 100 < 5": "hashtext()",
    "md5(OLD.id::text) LIKE '00%'": "md5()",
    "left(encode(sha256(uuid_send(OLD.id)), 'hex'), 1) IN ('0', '1')": "sha256()",
    "hash_record_extended(OLD, 0) BETWEEN 1 AND 7": "hash_record_extended()",
    "pg_column_size(OLD) > 2000": "pg_column_size()",
}
# What is no share of rows: two of them, or two values of one.
WHOLE: Final = (
    "md5(OLD.slug) = md5(OLD.slug || OLD.slug)",
    "hashtext(OLD.id::text) & 255 = (SELECT count(*) FROM public.jobs AS j) + OLD.id::text::int",
)

# What a guard does first -> in which words it is told.
TAKEN: Final = {
    "PERFORM FROM public.projects AS p WHERE p.team_id = OLD.id LIMIT 3 FOR UPDATE": (
        "the first 3 rows"
    ),
    "PERFORM FROM public.projects AS p WHERE p.team_id = OLD.id LIMIT '3'::integer FOR UPDATE": (
        "the first 3 rows"
    ),
    "PERFORM framecast.lock_teams(ARRAY(SELECT unnest((ARRAY[OLD.id])[:10])))": (
        "the first 10 of an array"
    ),
    "PERFORM pg_advisory_xact_lock(hashtext('teams'))": "pg_advisory_xact_lock()",
    "PERFORM FROM public.teams AS t WHERE t.slug LIKE lower(OLD.slug)": (
        "a text for a pattern, by ~~"
    ),
    "PERFORM FROM public.teams AS t WHERE starts_with(t.slug, OLD.slug)": (
        "a text for a pattern, by starts_with()"
    ),
}
NEITHER: Final = (
    "PERFORM FROM public.projects AS p WHERE p.team_id = OLD.id FOR UPDATE",
    "PERFORM FROM public.projects AS p WHERE p.team_id = OLD.id LIMIT ALL FOR UPDATE",
    "PERFORM FROM public.projects AS p WHERE p.team_id = OLD.id LIMIT 9999999999 FOR UPDATE",
    "PERFORM (ARRAY[OLD.id])[1:], (WITH of_it AS (SELECT OLD.id) SELECT id FROM of_it LIMIT 1)",
    "PERFORM FROM public.teams AS t WHERE t.id = OLD.id ORDER BY t.id LIMIT 1",
    "PERFORM FROM public.teams AS t WHERE t.slug LIKE 'team-%' OR t.slug ~ '^a' || OLD.slug",
)


def guarded(condition: str) -> str:
    """Return SQL that lets a trigger return at once where a condition holds."""
    lifted = f"\nBEGIN\n    IF {condition} THEN RETURN OLD; END IF;\n"
    return rewritten("tg_teams__has_no_active_jobs", "\nBEGIN\n", lifted)


@pytest.fixture(scope="module")
def owner(scratch: Scratch, template: Template) -> Iterator[psycopg.Connection[Any]]:
    """Connect to a database of this module's own, which nobody changes for good."""
    with scratch.cloned(template, "shares") as database, database.connect() as connection:
        yield connection


def said(condition: str, owner: psycopg.Connection[Any]) -> list[tuple[str, Verdict]]:
    """Return what is said of shares where a guard asks a condition."""
    with owner.transaction(force_rollback=True):
        owner.execute(guarded(condition).encode())
        found = switches(owner)
    return [
        (each.reads, each.verdict)
        for each in found
        if "DEL-1" in each.rules and "a share of all rows" in each.reads
    ]


@pytest.mark.parametrize("condition", SHARES)
def test_a_share_is_named(condition: str, owner: psycopg.Connection[Any]) -> None:
    """A guard that is lifted for a few rows of all, told by a mix of them, leaves it unproven."""
    expected = f"a share of all rows, by {SHARES[condition]}"
    assert [(expected, Verdict.UNPROVEN)] == said(condition, owner)


@pytest.mark.parametrize("condition", WHOLE)
def test_a_mix_that_is_compared_with_another_is_none(
    condition: str, owner: psycopg.Connection[Any]
) -> None:
    """A comparison with other rows or columns is no share of the rows."""
    assert [] == said(condition, owner)


@pytest.mark.parametrize("does", [*TAKEN, *NEITHER])
def test_few_rows_and_locks_of_none_are_named(does: str, owner: psycopg.Connection[Any]) -> None:
    """A guard that holds few rows alone, or a lock for which all wait, is unproven."""
    with owner.transaction(force_rollback=True):
        body = rewritten("tg_teams__has_no_active_jobs", "\nBEGIN\n", f"\nBEGIN\n    {does};\n")
        owner.execute(body.encode())
        found = switches(owner)

    told = [(each.reads, each.verdict) for each in found if "DEL-1" in each.rules]
    expected = [(TAKEN[does], Verdict.UNPROVEN)] if does in TAKEN else []
    assert expected == [each for each in told if "column" not in each[0]]
