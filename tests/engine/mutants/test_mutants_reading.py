"""Mutants of what can be read are noticed by reading, before anything is written."""

from collections.abc import Iterator

import pytest

from conformance.engine.mutants import reading
from conformance.engine.mutants.mutant import Mutant
from conformance.engine.mutants.mutant_run import Bench
from conformance.engine.mutants.parts import Phase
from conformance.engine.postgres.scratch import Scratch, Template

USERS = "ALTER TABLE public.users DROP CONSTRAINT"
NEUTRAL = Mutant("users", "neutral", "", ("SELECT 1",))


@pytest.fixture
def bench(scratch: Scratch, template: Template) -> Iterator[Bench]:
    """Set up a place to try mutants at."""
    with Bench(scratch, template) as bench:
        yield bench


def test_what_engineers_write_is_read_first(bench: Bench) -> None:
    """A function that promises too much is noticed by reading it; other mutants are not read."""
    sql = "ALTER FUNCTION public.api_key_is_valid(uuid, timestamptz) IMMUTABLE"
    mutant = Mutant("api_key_is_valid()", "exchanged", "", (sql,), habit="the same call again")
    phase = Phase("reading", reading.parts)
    mutant_run = bench.attempt(mutant, [phase])
    assert mutant_run.kill is not None
    assert ("reading", "INV-A4") == (mutant_run.kill.phase, mutant_run.kill.rule)
    assert [] == list(reading.parts(NEUTRAL))


def test_a_switch_is_read(bench: Bench) -> None:
    """A guard that is off for a setting is noticed by reading it."""
    sql = f"{USERS} inv_u5__users_credits_not_negative"
    again = (
        "ALTER TABLE public.users ADD CONSTRAINT inv_u5__users_credits_not_negative"
        " CHECK (current_setting('a.b', true) = 'on' OR credits >= 0)"
    )
    mutant = Mutant("users", "switched", "", (sql, again), habit="switches")
    mutant_run = bench.attempt(mutant, [Phase("reading", reading.parts)])
    assert mutant_run.kill is not None
    assert ("reading", "guards ask nothing but rows", "INV-U5") == (
        mutant_run.kill.phase,
        mutant_run.kill.part,
        mutant_run.kill.rule,
    )
