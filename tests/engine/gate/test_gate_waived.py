"""Waivers of rules, each held to the file that it stands in."""

from collections.abc import Callable
from pathlib import Path

import pytest

from conformance.engine.gate import changes, waived
from conformance.engine.gate.files import Files
from conformance.engine.gate.trial import Trial
from conformance.engine.postgres.scratch import Scratch
from tests.support.trials import attempted, flipped

Attempt = Callable[..., tuple[Trial, Files]]
CHECK = "inv_t6__teams_credits_not_negative"
OFF = f"ALTER TABLE teams DROP CONSTRAINT {CHECK}"
ON = f"ALTER TABLE teams ADD CONSTRAINT {CHECK} CHECK (credits >= 0)"
WAIVED = "-- waives INV-T6: teams may borrow\n"


@pytest.fixture
def attempt(scratch: Scratch, folder: Path) -> Attempt:
    """Return what tries files on the project's schema."""
    return lambda *scripts: attempted(scratch, folder, *scripts)


@pytest.mark.parametrize(
    ("scripts", "stray"),
    [
        ((f"{WAIVED}{OFF}", "SELECT 1"), None),
        ((f"{WAIVED}SELECT 1", OFF), "901.sql"),
        ((OFF, f"{WAIVED}SELECT 1"), "900.sql"),
        ((f"{WAIVED}{OFF}", f"{WAIVED}{ON}"), None),
        ((f"{WAIVED}SELECT 1", f"{WAIVED}{OFF}"), None),
    ],
)
def test_a_waiver_of_a_rule_is_for_its_own_file(
    attempt: Attempt, scripts: tuple[str, str], stray: str | None
) -> None:
    """A file that takes away what enforces a rule needs a waiver, whatever another one waives."""
    faults, _ = changes.look(*flipped(attempt(*scripts)))

    assert [stray] * bool(stray) == [fault.about for fault in faults]
    assert all("which enforces INV-T6, and only 90" in fault.what for fault in faults)


def test_what_nothing_settles_is_asked_of_the_suite(
    attempt: Attempt,
) -> None:
    """Where no file says by what it changes which one breaks a rule, the suite has to tell."""
    trigger = "CREATE RULE r AS ON INSERT TO teams DO INSTEAD NOTHING"
    steps, files = flipped(attempt(f"{WAIVED}SELECT 1", trigger))
    alone = flipped(attempt(f"{WAIVED}SELECT 1", f"{WAIVED}{trigger}"))
    settled = flipped(attempt(f"{WAIVED}{OFF}", trigger))

    asked = waived.unsettled("INV-T6", steps, files)
    assert asked is not None
    assert "900.sql" == asked.file
    assert None is waived.unsettled("INV-T6", *alone)
    assert None is waived.unsettled("INV-T6", *settled)
    assert None is waived.unsettled("INV-U5", steps, files)
